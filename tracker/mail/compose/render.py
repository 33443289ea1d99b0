"""Turns a mail into its subject, its HTML and its plain text.

Layouts (``digest.html``, ``digest.txt``, …) and phrase files (``zh.yaml``, ``en.yaml``) come from the
operator's directory where it has them and from the shipped one where it has not, file by file.  A layout that
was changed runs in Jinja's sandbox.  One that does not work never keeps a mail back: the shipped one is used,
and ``problems`` says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, TracebackType
from typing import TypeVar

from jinja2 import Environment, StrictUndefined, Template, TemplateError, TemplateSyntaxError
from markupsafe import escape

from tracker.access.links import Links
from tracker.core.model import FORGOTTEN, Campaign, Contact, Mail
from tracker.core.vocabulary import SIGNS
from tracker.errors import MailError, Problem, UnknownNameError
from tracker.i18n import catalogue
from tracker.i18n.catalogue import LANGUAGES, Language, Words
from tracker.i18n.message import Message
from tracker.mail.compose.compose import Composer
from tracker.mail.compose.details import forms_sent
from tracker.mail.compose.inline import inline
from tracker.mail.compose.samples import samples
from tracker.mail.compose.sandbox import Sandbox
from tracker.mail.compose.size_bounds import fewer, is_small, lines_of, shortened
from tracker.mail.compose.view import Enclosed, MailView
from tracker.shipped import shipped

E = TypeVar("E", bound=Environment)

STYLE = "style.css"
_SAY = re.compile(r"\{\{ *say\.(\w+) *\}\}")
#: A layout with more characters than this is none.
LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a mail says."""

    subject: str
    html: str
    text: str


class Renderer:
    """Renders the mails of one campaign.  Make a new one when definitions or templates have changed.

    ``templates`` is the operator's directory (it holds what ``templates/emails`` holds, or a part of it);
    ``ask`` is who answers questions, by default the first contact of the supervisor; ``links`` makes the
    addresses under which items are answered, and without it there are none.
    """

    def __init__(
        self,
        campaign: Campaign,
        templates: Path | None = None,
        *,
        ask: Contact | None = None,
        links: Links | None = None,
    ) -> None:
        self._shipped = shipped("templates") / "emails"
        self._own = templates if templates is not None and not _same(templates, self._shipped) else None
        self._problems: dict[str, Problem] = {}
        self._composers: dict[Language, Composer] = {}
        for language in LANGUAGES:
            words = catalogue.words("mails", language)
            if self._own is not None:
                path = self._own / f"{language}.yaml"
                words, slips = words.with_own(path)
                for slip in slips:
                    what = Message(f"errors.phrases.{slip.what}", **slip.facts)
                    self._note(Problem(str(path), slip.line, slip.column, slip.key, what))
            self._composers[language] = Composer(campaign, words, ask, links)
        self._plain = _environment(Environment)
        self._sandbox = _environment(Sandbox)
        self._layouts: dict[tuple[str, Language], Template] = {}

    @property
    def has_own(self) -> bool:
        """Whether the operator's directory has a file that says something else than the shipped one."""
        own = self._own
        if own is None:
            return False
        return any(
            _differs(own / path.name, path) for path in self._shipped.iterdir() if path.suffix != ".md"
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the operator's files, as far as has been seen; ``check`` sees everything."""
        return tuple(self._problems.values())

    def check(self) -> tuple[Problem, ...]:
        """Render a sample of every kind in every language; everything that is wrong.

        Without files of the operator's that is nothing: the shipped ones are known to work, and trying them all
        costs as long as a morning's mails.
        """
        if not self.has_own:
            return self.problems
        # Samples have links that lead nowhere: no key is needed, or made, for a look at the layouts.
        links = Links("http://sample.example", ("sample",))
        for language, composer in self._composers.items():
            sampler = Composer(composer.campaign, composer.words, links=links)
            for mail in samples(composer.campaign, language):
                self._render(mail, sampler)
        return self.problems

    def subject(self, mail: Mail) -> str:
        """The subject alone, for lists; far cheaper than ``render``."""
        return self._composers[mail.language].subject(mail)

    def render(self, mail: Mail, enclosed: Enclosed | None = None, *, as_page: bool = False) -> Rendered:
        """The mail, no larger than mail programs show; ``as_page`` all of it.

        ``enclosed`` are the forms that go with it; without it those that went, as far as is known.  Raises UnknownNameError for
        one whose body was forgotten.
        """
        if FORGOTTEN in mail.details:
            raise UnknownNameError("mail_forgotten")
        if enclosed is None:
            enclosed = forms_sent(mail)
        return self._render(mail, self._composers[mail.language], enclosed, as_page=as_page)

    def _render(
        self, mail: Mail, composer: Composer, enclosed: Enclosed | None = None, *, as_page: bool = False
    ) -> Rendered:
        view = composer.view(mail, enclosed)
        shown, html = view, self._fill(f"{mail.kind}.html", view, composer.words)
        lines = lines_of(view)
        while lines and not as_page and not is_small(html):
            lines = fewer(lines, html)
            shown = shortened(view, lines, composer.words)
            html = self._fill(f"{mail.kind}.html", shown, composer.words)
        # Where no page has the rest, the plain text has.
        text = self._fill(f"{mail.kind}.txt", shown if view.page else view, composer.words)
        return Rendered(view.subject, html, text)

    def _fill(self, name: str, view: MailView, words: Words) -> str:
        key = (name, words.language)
        layout = self._layouts.get(key)
        if layout is None:
            layout = self._layouts[key] = self._load(name, words)
        try:
            if layout.environment is self._sandbox:
                return self._sandbox.fill(layout, mail=view, say=words.labels)
            return layout.render(mail=view, say=words.labels)
        except Exception as error:
            # Whatever an operator's own layout does wrong, the mail must go out.
            if layout.environment is self._plain:
                raise
            self._note(_problem(error, layout.filename or name))
        layout = self._layouts[key] = self._load_shipped(name, words)
        return layout.render(mail=view, say=words.labels)

    def _load(self, name: str, words: Words) -> Template:
        text, path = self._read(name)
        style, style_path = self._read(STYLE)
        if path.parent == style_path.parent == self._shipped:
            return self._load_shipped(name, words)
        try:
            return _compile(self._sandbox, text, style, words, path)
        except (TemplateError, MailError) as error:
            self._note(_problem(error, str(path)))
            return self._load_shipped(name, words)

    def _load_shipped(self, name: str, words: Words) -> Template:
        path = self._shipped / name
        style = (self._shipped / STYLE).read_text(encoding="utf-8")
        return _compile(self._plain, path.read_text(encoding="utf-8"), style, words, path)

    def _read(self, name: str) -> tuple[str, Path]:
        """The operator's file where there is one that differs from the shipped one, with where it lies."""
        ours = self._shipped / name
        text = ours.read_text(encoding="utf-8")
        theirs = None if self._own is None else self._own / name
        if theirs is None or not theirs.is_file():
            return text, ours
        try:
            with theirs.open(encoding="utf-8-sig") as file:
                changed = file.read(LARGEST + 1)
        except (OSError, ValueError) as error:
            self._note(_layout_problem(str(theirs), "wrong", why=error))
            return text, ours
        if len(changed) > LARGEST:
            self._note(_layout_problem(str(theirs), "too_large"))
            return text, ours
        return (text, ours) if changed == text else (changed, theirs)

    def _note(self, problem: Problem) -> None:
        self._problems.setdefault(str(problem), problem)


def _environment(kind: type[E]) -> E:
    environment = kind(
        autoescape=lambda name: bool(name and name.endswith(".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["signs"] = SIGNS
    return environment


def _compile(environment: Environment, text: str, style: str, words: Words, path: Path) -> Template:
    """Style sheet and fixed words are written into the layout here, once, and not for every mail."""
    labels = tuple(vars(words.labels).items())
    code = _code(text, style, labels, path, in_sandbox=isinstance(environment, Sandbox))
    return Template.from_code(environment, code, environment.make_globals(None))


# Every edit of the files makes a new renderer, and hardly any changes a layout.
@lru_cache(maxsize=64)
def _code(
    text: str, style: str, labels: tuple[tuple[str, object], ...], path: Path, *, in_sandbox: bool
) -> CodeType:
    environment: Environment = _environment(Sandbox) if in_sandbox else _environment(Environment)
    is_html = path.suffix == ".html"
    said = dict(labels)
    filled = _SAY.sub(lambda match: _said(match, said, is_html=is_html), text)
    try:
        filled = inline(filled, style) if is_html else filled
        # The sandbox counts loops where it parses.
        return environment.compile(environment.parse(filled, path.name, str(path)), path.name, str(path))
    except (TemplateSyntaxError, MailError):
        # The text as it stands gives errors of syntax their true line.
        environment.parse(text, path.name, str(path))
        raise


def _said(match: re.Match[str], labels: Mapping[str, object], *, is_html: bool) -> str:
    """The word itself, if it can stand in a template as it is."""
    word = labels.get(match[1])
    if not isinstance(word, str) or "{" in word:
        return match[0]
    return str(escape(word)) if is_html else word


def _problem(error: Exception, path: str) -> Problem:
    line = error.lineno if isinstance(error, TemplateSyntaxError) else _line_in(error.__traceback__, path)
    message = str(error.message if isinstance(error, TemplateError) else error) or type(error).__name__
    return _layout_problem(path, "wrong", line, why=message)


def _layout_problem(path: str, what: str, line: int = 0, **facts: object) -> Problem:
    return Problem(path, line, 1 if line else 0, "", Message(f"errors.layouts.{what}", **facts))


def _line_in(traceback: TracebackType | None, path: str) -> int:
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == path:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _differs(theirs: Path, ours: Path) -> bool:
    """Whether there is a file of theirs that is not ours; one that cannot be read is looked at where it is used."""
    try:
        return theirs.read_bytes() != ours.read_bytes()
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
