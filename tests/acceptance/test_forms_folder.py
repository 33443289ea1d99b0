"""A folder of anything: ``forms import DIR`` accounts for every file, and says what to do with what it cannot read."""

import io
import os
import shutil
import zipfile
from collections import Counter
from email.message import EmailMessage

from tests.tools import ROOT, Place, quick_folder

CASES = ROOT / "tests" / "cases" / "forms"
CONFIG_FILES = ("tasks", "units", "settings")


def zipped(*files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return stream.getvalue()


def mail(name, data):
    message = EmailMessage()
    message["From"], message["Subject"] = "a@unit.example", "报送附件3"
    message.set_content("请查收。")
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def case(name):
    return (CASES / name).read_bytes()


def test_a_folder_of_anything_accounts_for_every_file():
    with quick_folder() as folder:
        shutil.copytree(ROOT / "config", folder / "config")
        texts = {each: (ROOT / "config" / f"{each}.yaml").read_text("utf-8") for each in CONFIG_FILES}
        place, box = Place(folder, **texts), folder / "in"
        nobody = case("铜梁区应急管理局附件3考试机构5月.xlsx")
        files = {
            "说明.pdf": case("p23_text.pdf"),
            "永川.docx": case("e18_word.docx"),
            "无后缀": case("e01_xls.xls"),
            "渝中区/5月.xlsx": nobody,
            "大足区/5月.xlsx": nobody,
            "五月.zip": zipped(
                ("涪陵.et", case("e02_wps.et")), ("里.zip", zipped(("黔江.xlsx", case("e14_lo.xlsx"))))
            ),
            "报送.eml": mail("南岸.csv", case("e08_utf8bom.csv")),
            "随手.txt": "今天下午三点开会。\n".encode(),
            "图.jpg": b"\xff\xd8\xff\xe0" + b"\0" * 40,
            "包.rar": b"Rar!\x1a\x07\x01\0",
            "~$5月.xlsx": b"x",
            ".git/config": b"x",
        }
        for name, data in files.items():
            path = box / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (box / "没有").symlink_to(folder / "nowhere")
        os.mkfifo(box / "管道")
        done = place.tracker(
            "forms", "import", "in", "--on", "2022-05-04", "--replies", "out", "--format", "json"
        )
        assert done.code == 1
        told = {each["file"].removeprefix("in/"): each for each in done.lines}
        taken = {name: (each["unit"], each["period"]) for name, each in told.items() if each["taken"]}
        assert taken == {
            "永川.docx": ("yongchuan", "2022-05"),
            "无后缀": ("wanzhou", "2022-05"),
            "渝中区/5月.xlsx": ("yuzhong", "2022-05"),
            "大足区/5月.xlsx": ("dazu", "2022-05"),
            "五月.zip/涪陵.et": ("fuling", "2022-05"),
            "五月.zip/里.zip/黔江.xlsx": ("qianjiang", "2022-05"),
            "报送.eml/南岸.csv": ("nanan", "2022-05"),
        }
        refused = {name: each["errors"][0]["message"] for name, each in told.items() if each["errors"]}
        assert set(refused) == {"说明.pdf", "随手.txt", "图.jpg", "包.rar", "没有", "管道"}
        assert "PDF" in refused["说明.pdf"]
        assert "请解压" in refused["包.rar"]
        assert set(told) - set(taken) - set(refused) == {"~$5月.xlsx", ".git"}
        assert "有错误" in done.err
        assert "略过2个" in done.err
        # What is asked of two files of one name is answered in two.
        replies = Counter(each["reply"] for each in done.lines if each["reply"])
        assert {
            "out/附件3 渝中区应急管理局 2022年5月（核对）.xlsx",
            "out/附件3 大足区应急管理局 2022年5月（核对）.xlsx",
        } <= set(replies)
        assert set(replies.values()) == {1}
        assert all((folder / each).is_file() for each in replies)
        # Once more takes nothing anew, and overwrites no reply.
        kept = {each: (folder / each).read_bytes() for each in replies}
        again = place.tracker(
            "forms", "import", "in", "--on", "2022-05-04", "--replies", "out", "--format", "json"
        ).lines
        assert {each["file"].removeprefix("in/") for each in again if each["again"]} == set(taken)
        assert {each: (folder / each).read_bytes() for each in replies} == kept
