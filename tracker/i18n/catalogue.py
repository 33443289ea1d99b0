"""The catalogues: every sentence that people read, by language and area.

A phrase is a text such as ``已逾期{n}天``.  Where the language has a plural, it is a list with a text for each of its
forms, chosen by ``n``.  A language is a folder with a file an area (``zh/pages.yaml``), or one file with the areas as its
first keys (``zh-Hant.yaml``), whose ``language`` names it, the language that says what it lacks, and its plural rule
as gettext writes it, where that is another than ``n != 1``.

The sentences of mails stand with their layouts (``templates/emails/zh.yaml``), where an operator words them anew: a file
of theirs may hold as few phrases as it likes, and what it lacks, or has wrongly, is taken from the shipped one, so that a
slip never keeps a mail back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

from tracker.shipped import shipped

if TYPE_CHECKING:
    from tracker.i18n.phrase_file import Phrase

#: A code such as ``zh``, ``en`` or ``zh-Hant``; the known ones are ``LANGUAGES``.
Language = str

#: The language in which every phrase there is stands.
FIRST: Final[Language] = "zh"
#: The language of programs, logs and whoever has said nothing of theirs.
ENGLISH: Final[Language] = "en"

_HERE = Path(__file__).parent
#: How a language calls itself and how it counts stands here.
_ABOUT = "language"


class CatalogueError(Exception):
    """A shipped file that is missing or wrong: a broken installation."""


class Words:
    """The phrases of one language and area.  ``words("row.late", n=3)`` fills one in."""

    def __init__(
        self, language: Language, phrases: Mapping[str, Phrase], form: Callable[[int], int] | None = None
    ) -> None:
        self.language = language
        self._phrases = phrases
        self._form = form
        #: What stands under ``labels`` in the file, by attribute, for templates.
        self.labels = SimpleNamespace(
            **{
                key.removeprefix("labels."): text
                for key, text in phrases.items()
                if key.startswith("labels.")
            }
        )

    def __call__(self, key: str, **facts: object) -> str:
        """The phrase ``key`` with ``facts`` filled in; ``n`` chooses between its forms.

        Raises KeyError for one that is not there: a slip of ours, found by the tests.
        """
        phrase = self.phrase(key, facts.get("n"))
        return phrase.format_map(facts) if facts else phrase

    def phrase(self, key: str, n: object = None) -> str:
        """The phrase ``key`` as it stands in the file, in its form for ``n``."""
        phrase = self._phrases[key]
        if isinstance(phrase, str):
            return phrase
        form = int(n != 1) if self._form is None or not isinstance(n, int) else self._form(n)
        return phrase[min(form, len(phrase) - 1)]

    def forms(self, key: str) -> Phrase:
        """The phrase ``key`` in all its forms, as it stands in the file."""
        return self._phrases[key]

    def __contains__(self, key: object) -> bool:
        return key in self._phrases

    def __iter__(self) -> Iterator[str]:
        return iter(self._phrases)

    def listed(self, key: str) -> list[str]:
        """A phrase that is a row of words, such as the days of the week."""
        return self(key).split()

    def with_own(self, path: Path) -> tuple[Words, list[Slip]]:
        """The same with an operator's phrases in their places, and what is wrong with those."""
        if not path.is_file():
            return self, []
        changed, slips = _changes(path, self._phrases)
        return Words(self.language, {**self._phrases, **changed}, self._form), slips


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong in an operator's own file of phrases; ``line`` and ``column`` count from 1, 0 is the whole file.

    ``key`` is the phrase, ``what`` the name of the sentence that says it (``errors.phrases.WHAT``).
    """

    line: int
    column: int
    key: str
    what: str
    facts: Mapping[str, object]


@cache
def words(area: str, language: Language) -> Words:
    """The shipped phrases of an area.  Raises CatalogueError as ``read_words`` does."""
    about = _about(language)
    single, plural = _HERE / f"{language}.yaml", about.get("plural")
    form = None if plural is None else _rule(str(plural))
    if single.is_file():
        within = f"{area}."
        phrases = {
            key.removeprefix(within): each for key, each in _shipped(single).items() if key.startswith(within)
        }
    else:
        folder = shipped("templates") / "emails" if area == "mails" else _HERE / language
        phrases = _shipped(folder / (f"{language}.yaml" if area == "mails" else f"{area}.yaml"))
    after = about.get("after")
    if after is not None:
        rest = words(area, str(after))
        phrases = {**{key: rest.forms(key) for key in rest}, **phrases}
    return Words(language, phrases, form)


def side_by_side(area: str, key: str, languages: Iterable[Language] = (FIRST, ENGLISH)) -> str:
    """中文 · English, where nobody knows yet who reads."""
    return " · ".join(words(area, language)(key) for language in languages)


def read_words(language: Language, path: Path) -> Words:
    """The phrases of a shipped file.  Raises CatalogueError where it is missing or wrong."""
    return Words(language, _shipped(path))


@dataclass(frozen=True, slots=True)
class LanguageInfo:
    """A language: what it calls itself (中文), and its tag for browsers (zh-CN)."""

    name: str
    tag: str


def described(language: Language) -> LanguageInfo:
    """What there is to know of a language."""
    about = _about(language)
    return LanguageInfo(str(about["name"]), str(about.get("tag", language)))


def _known() -> tuple[Language, ...]:
    found = {path.parent.name for path in _HERE.glob(f"*/{_ABOUT}.yaml")}
    found |= {path.stem for path in _HERE.glob("*.yaml")}
    return (FIRST, ENGLISH, *sorted(found - {FIRST, ENGLISH}))


#: The languages that there are, those with a catalogue of their own first.
LANGUAGES: Final = _known()


@cache
def _about(language: Language) -> Mapping[str, Phrase]:
    folder = _HERE / language / f"{_ABOUT}.yaml"
    if folder.is_file():
        return _shipped(folder)
    within = f"{_ABOUT}."
    own = _shipped(_HERE / f"{language}.yaml").items()
    return {key.removeprefix(within): each for key, each in own if key.startswith(within)}


@cache
def _rule(plural: str) -> Callable[[int], int]:
    # Asked for by languages that count otherwise than English alone.
    from gettext import c2py

    return c2py(plural)


def _shipped(path: Path) -> dict[str, Phrase]:
    # Commands know their words before they say one, and most say none.
    from tracker.i18n import phrase_file

    try:
        return {key: found.phrase for key, found in phrase_file.read(path).items()}
    except (OSError, phrase_file.NO_YAML, phrase_file.PhraseError) as error:
        raise CatalogueError(f"{path} came with the product and cannot be read: {error}") from error


def _changes(path: Path, ours: Mapping[str, Phrase]) -> tuple[dict[str, Phrase], list[Slip]]:
    from tracker.i18n import phrase_file

    try:
        found = phrase_file.read(path)
    except phrase_file.NO_YAML_THERE as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        return {}, [Slip(line, column, "", "no_yaml", {"why": error.problem or ""})]
    except phrase_file.PhraseError as error:
        return {}, [Slip(error.line, error.column, error.key, error.what, {"key": error.key})]
    except (OSError, UnicodeDecodeError) as error:
        return {}, [Slip(0, 0, "", "unreadable", {"why": error})]
    except phrase_file.NO_YAML as error:
        return {}, [Slip(0, 0, "", str(error), {})]
    changed: dict[str, Phrase] = {}
    slips = []
    for key, theirs in found.items():
        wrong = _wrong_with(theirs.phrase, ours.get(key))
        if wrong is None:
            changed[key] = theirs.phrase
        else:
            what, facts = wrong
            slips.append(Slip(theirs.line, theirs.column, key, what, {"key": key, **facts}))
    return changed, slips


def _wrong_with(phrase: Phrase, ours: Phrase | None) -> tuple[str, dict[str, object]] | None:
    if ours is None:
        return "unknown", {}
    allowed = _places(ours)
    if isinstance(phrase, tuple) and len(phrase) != (len(ours) if isinstance(ours, tuple) else 2):
        return "forms", {}
    try:
        places = _places(phrase)
    except ValueError as error:
        return "brackets", {"why": str(error)}
    for place in sorted(places - allowed):
        known = ", ".join(f"{{{name}}}" for name in sorted(allowed))
        return ("no_place", {"place": place, "known": known}) if known else ("no_places", {"place": place})
    return None


def _places(phrase: Phrase) -> set[str]:
    texts = phrase if isinstance(phrase, tuple) else (phrase,)
    # Only bare names: "{n.__class__}" or "{n!r:>9}" are no names, and so are refused.
    return {
        f"{field}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}"
        for text in texts
        for _, field, spec, conversion in Formatter().parse(text)
        if field is not None
    }
