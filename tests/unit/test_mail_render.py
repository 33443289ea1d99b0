"""From a mail to its subject, HTML and text; and what an operator's own layouts may and may not do."""

import re
import shutil
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from tests.unit.test_mail_digest import TODAY, campaign, digest, item
from tests.unit.test_mail_rollup import BOTH, ROLLUP
from tracker.core.model import MailKind
from tracker.errors import MailError
from tracker.mail.compose.inline import inline
from tracker.mail.compose.render import Renderer
from tracker.mail.compose.samples import samples
from tracker.shipped import shipped

SHIPPED = shipped("templates") / "emails"
MAIL = digest(
    item("5", "overdue", date(2022, 5, 31)),
    item("table-2@2022-06", "due_today", TODAY),
    item("5/first-list", "lead", date(2022, 6, 30)),
)
ALERT = replace(
    MAIL,
    kind=MailKind.ALERT,
    items=(),
    details={"title": "tasks.yaml 未被采用", "problems": ["config/tasks.yaml:12:3: <b>bad</b>", "second"]},
)


def renderer(templates=None, **changed):
    return Renderer(campaign(**changed), templates)


class Outline(HTMLParser):
    """What is open at the end, and every attribute on the way."""

    VOID = frozenset({"meta", "br", "img", "hr", "input", "link"})

    def __init__(self, html):
        super().__init__()
        self.open, self.attributes, self.wrong = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_of_mail_is_well_formed_html(language):
    shown = renderer()
    for mail in samples(campaign(), language):
        outline = Outline(shown.render(mail).html)
        assert (outline.open, outline.wrong) == ([], [])
    assert shown.problems == ()


def test_a_mail_needs_nothing_from_the_net():
    for mail in (MAIL, ALERT, ROLLUP, BOTH):
        html = renderer().render(mail).html
        assert not re.search(r"<(?:img|link|script|iframe|object)\b|url\(|https?://", html, re.IGNORECASE)


def test_the_style_is_in_the_elements_and_the_rows_keep_their_table():
    html = renderer().render(MAIL).html
    assert html.count('<tr><td class="item" style="') == 3
    assert 'class="item"><' not in html
    assert "<tbody" not in html
    assert "{" not in html.replace("@media", "").split("</style>")[1]
    # Colours that depend on the section stand in the element, for Outlook as an attribute as well.
    assert 'bgcolor="#fbe9e7"' in html
    assert "color:#b3261e" in html.replace(": ", ":")


def test_each_colour_has_a_sign_beside_it():
    html = renderer().render(MAIL).html
    for sign in "▲◎":
        assert html.count(sign) >= 2


def test_html_and_text_say_the_same():
    rendered = renderer().render(MAIL)
    flat = re.sub(r"<[^>]+>", "", rendered.html)
    for said in (
        "逾期1项",
        "将企业安全生产培训纳入执法检查重点内容。",
        "每个区县至少宣传曝光2家。",
        "2022年底前（2022年5月31日，周二）",
        "已逾期2天",
        "请于6月30日前报送。",
        "list@kaoshi.example",
        "2022年6月应报（5月份情况）",
        "市考试中心李文博（liwenbo@kaoshi.example）",
        "任务5｜第一批名单",
        "请勿直接回复",
        "2022年4月8日印发",
    ):
        assert said in flat, said
        assert said in rendered.text, said


def test_the_text_has_no_gaps_and_no_markup():
    for mail in (MAIL, ALERT, ROLLUP, BOTH):
        text = renderer().render(mail).text
        assert "\n\n\n" not in text
        assert "&" not in text
        assert all(line == line.rstrip() for line in text.splitlines())


def test_an_alert_shows_each_problem_as_it_is():
    rendered = renderer().render(ALERT)
    assert rendered.subject == "【系统告警】tasks.yaml 未被采用"
    assert "- config/tasks.yaml:12:3: <b>bad</b>\n- second" in rendered.text
    assert "config/tasks.yaml:12:3: &lt;b&gt;bad&lt;/b&gt;" in rendered.html


def test_an_alert_without_details_still_says_that_something_is_wrong():
    rendered = renderer().render(replace(ALERT, details={}))
    assert rendered.subject == "【系统告警】督办提醒服务出现问题"
    assert "详见服务日志" in rendered.text


@pytest.mark.parametrize("kind", MailKind)
def test_every_kind_of_mail_has_a_layout_and_something_to_say(kind):
    rendered = renderer().render(replace(MAIL, kind=kind))
    assert rendered.subject
    assert "张敏" in rendered.text
    assert "张敏" in rendered.html


def test_what_people_have_written_is_never_markup():
    nasty = '<script>alert("x")</script>&{{ 7 * 7 }}{% raw %}'
    base = campaign(title=nasty)
    task = replace(base.tasks[0], title=nasty, requirement=nasty, note=nasty, submit_to=nasty)
    shown = Renderer(replace(base, tasks=(task, *base.tasks[1:])))
    rendered = shown.render(replace(MAIL, name=nasty))
    assert "<script" not in rendered.html
    assert "49" not in re.sub(r"<[^>]+>|#\w+", "", rendered.html)
    assert Outline(rendered.html).open == []
    assert nasty.replace("\n", " ") in rendered.text


def own(tmp_path, name, change):
    text = (SHIPPED / name).read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    (tmp_path / name).write_text(changed, encoding="utf-8")
    return renderer(tmp_path)


def test_an_operator_changes_a_sentence_and_both_html_and_text_say_it(tmp_path):
    (tmp_path / "zh.yaml").write_text(
        'labels:\n  todo: "务请"\ntodo:\n  lead_paper: "{date}前送到。"\n', encoding="utf-8"
    )
    rendered = renderer(tmp_path).render(MAIL)
    assert "务请：6月30日前送到。" in rendered.text
    assert "务请" in rendered.html
    assert "6月30日前送到。" in rendered.html


def test_a_sentence_is_text_and_never_markup(tmp_path):
    (tmp_path / "zh.yaml").write_text('labels:\n  todo: "<b>务请</b> & {{ mail }}"\n', encoding="utf-8")
    shown = renderer(tmp_path)
    rendered = shown.render(MAIL)
    assert "<b>务请</b> & " in rendered.text
    assert "&lt;b&gt;务请&lt;/b&gt; &amp; " in rendered.html
    assert shown.problems == ()


def test_an_operators_layout_takes_the_place_of_the_shipped_one_and_the_others_stay(tmp_path):
    shown = own(tmp_path, "digest.txt", lambda text: f"自己的版式\n{text}")
    assert shown.render(MAIL).text.startswith("自己的版式\n")
    assert shown.render(MAIL).html == renderer().render(MAIL).html
    assert shown.check() == ()


def test_an_operators_style_sheet_is_written_into_the_shipped_layout(tmp_path):
    shown = own(tmp_path, "style.css", lambda text: text.replace("#16365f", "#123456"))
    assert "#123456" in shown.render(MAIL).html
    assert shown.check() == ()


def test_untouched_copies_of_the_shipped_files_count_as_shipped(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "emails")
    shown = renderer(tmp_path / "emails")
    assert shown.render(MAIL) == renderer().render(MAIL)
    assert all(not layout.environment.sandboxed for layout in shown._layouts.values())


def test_a_changed_layout_runs_in_the_sandbox(tmp_path):
    shown = own(tmp_path, "digest.html", lambda text: text.replace("<body>", "<body><!-- ours -->"))
    shown.render(MAIL)
    assert shown._layouts["digest.html", "zh"].environment.sandboxed
    assert not shown._layouts["digest.txt", "zh"].environment.sandboxed


@pytest.mark.parametrize(
    ("bad", "message", "line"),
    [
        ("{{ mail.nothing }}", "has no attribute 'nothing'", 1),
        ("\n{{ nothing }}", "'nothing' is undefined", 2),
        ("{{ say.nothing }}", "has no attribute 'nothing'", 1),
        ("\n\n{% for %}", "Expected an expression", 3),
        ("{% include 'secret' %}", "no loader for this environment", 1),
        ("{{ mail.__class__.__mro__ }}", "access to attribute '__class__'", 1),
        ("{{ ''.__class__.__base__.__subclasses__() }}", "access to attribute '__class__'", 1),
        ("{{ cycler.__init__.__globals__ }}", "access to attribute '__init__'", 1),
        ("{% for x in range(999999999) %}{% endfor %}", "Range too big", 1),
        ("{{ 1 // 0 }}", "division", 1),
        ("{{ mail.__init__.__globals__ }}", "access to attribute '__init__'", 1),
        ("{{ mail.__eq__.__self__.__class__ }}", "access to attribute '__eq__'", 1),
        ("{{ '{0.__class__}'.format(mail) }}", "access to attribute '__class__'", 1),
        ("{{ (mail|attr('__class__')).x }}", "access to attribute '__class__'", 1),
        ("{% set x = [] %}{% do x.append(1) %}", "unknown tag 'do'", 1),
        ("{% set x = [] %}{{ x.append(1) }}", "access to attribute 'append'", 1),
        ("{% for x in range(9999) %}{% for y in range(9999) %}{% endfor %}{% endfor %}", "an end", 1),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion", 1),
        ("{{ 'x' * 9999999999 }}", "longer than a mail", 1),
        ("{{ 9999999999 * [1] }}", "longer than a mail", 1),
        ("{{ 9 ** (9 ** 9) }}", "too high", 1),
        ("{% for x in range(9999) %}{{ 'x' * 9999 }}{% endfor %}", "more than a mail", 0),
    ],
)
def test_a_layout_that_does_not_work_never_keeps_a_mail_back(tmp_path, bad, message, line):
    shown = own(tmp_path, "digest.txt", lambda text: f"{bad}\n{text}")
    assert shown.render(MAIL) == renderer().render(MAIL)
    [problem] = shown.problems
    assert message in str(problem.message)
    assert "the shipped layout is used instead" in str(problem.message)
    assert (problem.file, problem.line) == (str(tmp_path / "digest.txt"), line)
    # It is tried once and not again for every mail.
    assert shown.render(MAIL) == renderer().render(MAIL)
    assert shown.problems == (problem,)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("{{ mail.heading }}", "{{ mail.headings }}"),
        ("{% for section in mail.sections %}", "{% for section in mail.section %}"),
        ("{% endfor %}", ""),
        ('<div class="what">', '<div {% if row %}class="what"{% endif %}>'),
    ],
)
def test_an_html_layout_that_does_not_work_never_keeps_a_mail_back(tmp_path, written, instead):
    shown = own(tmp_path, "digest.html", lambda text: text.replace(written, instead))
    assert shown.render(MAIL) == renderer().render(MAIL)
    assert len(shown.problems) == 1


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 300_000])
def test_a_layout_that_cannot_be_read_never_keeps_a_mail_back(tmp_path, content):
    (tmp_path / "digest.html").write_bytes(content)
    shown = renderer(tmp_path)
    assert shown.render(MAIL) == renderer().render(MAIL)
    assert len(shown.problems) == 1


def test_checking_finds_what_is_wrong_with_any_layout_in_any_language(tmp_path):
    (tmp_path / "rollup.txt").write_text("{{ mail.nothing }}", encoding="utf-8")
    (tmp_path / "alert.html").write_text("<p>{% if %}</p>", encoding="utf-8")
    (tmp_path / "en.yaml").write_text('row:\n  late: "{day}"\n', encoding="utf-8")
    found = {problem.file.rpartition("/")[2] for problem in renderer(tmp_path).check()}
    assert found == {"rollup.txt", "alert.html", "en.yaml"}


def test_a_folder_that_is_not_there_is_as_good_as_an_empty_one(tmp_path):
    assert renderer(tmp_path / "nothing").render(MAIL) == renderer().render(MAIL)


STYLE = ".c { color: red } @media (max-width: 9px) { .c { color: blue !important } }"


@pytest.mark.parametrize(
    "template",
    [
        '<table>{% for x in y %}<tr><td class="c">{{ x }}</td></tr>{% endfor %}</table>',
        '<table><tr>{% if x %}<td class="c">{{ x }}</td>{% else %}<td>-</td>{% endif %}</tr></table>',
        '<p class="c" title="{% if x %}a > b{% endif %}">{{ x }}</p>',
        '<p class="c">{{ \'a\' if x > 3 else "b" }}</p>',
        "<!--[if mso]>{% if x %}<table><tr><td>{% endif %}<![endif]--><p>{{ x }}</p>",
        "<ul>{% for x in y %}<li>{{ x }}</li>{% endfor %}</ul>",
    ],
)
def test_jinjas_tags_come_through_inlining_where_they_stood(template):
    tags = re.findall(r"\{%.*?%\}|\{\{.*?\}\}", template)
    inlined = inline(template, STYLE)
    assert re.findall(r"\{%.*?%\}|\{\{.*?\}\}", inlined) == tags
    assert "tbody" not in inlined
    if 'class="c"' in template:
        assert re.search(r'style="color: ?red', inlined)
    assert "max-width: 9px" in inlined


@pytest.mark.parametrize(
    "template",
    [
        '<p {% if x %}class="c"{% endif %}>x</p>',
        "<table>{% for x in y %}text{% endfor %}<tr><td></td></tr></table>{{ z }}<tbody>",
        "<table><tbody><tr><td></td></tr></tbody></table><table><tr><td></td></tr></table>",
        "<select><p>{{ x }}</p>{% if y %}<table></select>{{ z }}{% endif %}<select>{% if q %}</select></table>",
    ],
)
def test_a_template_that_inlining_would_change_is_refused_or_comes_through(template):
    tags = re.findall(r"\{%.*?%\}", template)
    try:
        inlined = inline(template, STYLE)
    except MailError:
        return
    assert re.findall(r"\{%.*?%\}", inlined) == tags
    assert inlined.count("<tbody") == template.count("<tbody")


def test_a_statement_between_attributes_is_refused_with_advice():
    with pytest.raises(MailError, match="between the attributes of an element; put it into a value"):
        inline('<p {% if x %}class="c"{% endif %}>x</p>', STYLE)


def test_a_comment_of_jinja_is_gone():
    assert "secret" not in inline("<p>{# secret #}x</p>", STYLE)
