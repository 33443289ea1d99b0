"""What libraries and the outbox say in English is known in Chinese; a server's own words stay as they are."""

from __future__ import annotations

import ast
import re

import pytest

from tests.tools import ROOT
from tracker.i18n.library_errors import in_chinese, said_in
from tracker.ledger import after_restore, still_open
from tracker.outbox.rows import unreadable
from tracker.planning import clock_rollback, restated, second_look

SERVER = "mail.example:25"

#: Where something is written down of what became of a mail.
WRITERS = ("mail/transport/smtp.py", "mail/transport/session.py", "mail/transport/mailbox.py",
           "outbox/results.py", "outbox/mail_server.py", "outbox/queries.py",
           "planning/superseded.py", "planning/rollups.py", "service/sender.py", "daemon/demo.py")  # fmt: skip
CALLS = {"_tell", "_again", "Delivery", "Result", "LostError"}
NAMES = {"outcome", "detail", "why"}


def text_of(node: ast.AST) -> str | None:
    """A sentence with something plausible in its places; None for what is no sentence."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            assert isinstance(part, ast.FormattedValue)
            name = ast.unparse(part.value)
            known = {
                "server": SERVER,
                "self.server": SERVER,
                "day": "2022-05-04",
                "lost": "3",
                "claimed.lost": "3",
                "OURS_ENDS.days": "5",
                "len(self._ours)": "3",
                "attempts": "9",
            }
            parts.append(known.get(name, "550 5.1.1 no such user"))
    return "".join(parts)


def written() -> list[str]:
    found: list[str | None] = []
    for file in WRITERS:
        tree = ast.parse((ROOT / "tracker" / file).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
                if name in CALLS:
                    found += [text_of(each) for each in node.args]
                found += [text_of(each.value) for each in node.keywords if each.arg in NAMES]
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in NAMES:
                found.append(text_of(node.value))
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
                found += [text_of(each) for each in node.value.elts if isinstance(each, ast.JoinedStr)]
            elif isinstance(node, ast.FunctionDef) and node.name == "_why":
                found += [
                    text_of(each.value)
                    for each in ast.walk(node)
                    if isinstance(each, ast.Return) and each.value is not None
                ]
    sentences = {each for each in found if each is not None and " " in each}
    ways = ", ".join(f"{way} 1" for way in still_open.WAYS)
    several = {
        still_open.ANSWERED,
        still_open.NOT_ASKED.format(ways=ways),
        unreadable("550 5.1.1 no such user"),
    }
    return sorted(
        sentences
        | several
        | {clock_rollback.OUTCOME, restated.EMPTY, after_restore.OUTCOME, second_look.KEPT}
    )


WRITTEN = written()


def test_the_walk_finds_what_there_is():
    assert "queued again by hand" in WRITTEN
    assert len(WRITTEN) >= 20


@pytest.mark.parametrize("sentence", WRITTEN)
def test_whatever_is_written_down_of_a_mail_is_known_in_chinese(sentence):
    said = in_chinese(sentence)
    assert re.search(r"[\u4e00-\u9fff]{2}", said)
    kept = said.replace("550 5.1.1 no such user", "").replace("STARTTLS", "").replace(SERVER, "")
    assert not re.search(r"[A-Za-z]{2}", kept), said


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("written to the mailbox var/mailbox", "已写入邮箱 var/mailbox"),
        ("told in the digest of 2022-05-05 instead", "已并入2022年5月5日的提醒邮件"),
        (
            "mail.example:25 does not answer; given up after 9 attempts",
            "mail.example:25 没有应答；已尝试9次，不再重试",
        ),
        (
            "451 4.7.1 later; given up after 3 attempts without an answer",
            "451 4.7.1 later；3次未得到答复，不再重试",
        ),
        # What a server said is the server's.
        ("550 5.1.1 user does not answer", "550 5.1.1 user does not answer"),
        ("250 2.0.0 Ok: queued as {4x}", "250 2.0.0 Ok: queued as {4x}"),
    ],
)
def test_outcomes_are_said_as_an_office_says_them(english, chinese):
    assert in_chinese(english) == said_in(english, "zh") == chinese
    assert said_in(english, "en") == english


def test_nothing_is_said_of_nothing():
    assert said_in(None, "zh") == said_in(None, "en") == ""
