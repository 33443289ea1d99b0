""".xlsx into a book: one pass over each part with expat, nothing allocated by what the file declares.

Lenient where Excel's own files are not the only ones: any prefix of names, strict and transitional, cells without an
address, styles that do not hold together.  Of the styles only the number formats matter: they tell dates, and
numbers that are shown as others.
"""

from __future__ import annotations

import posixpath
import re
from functools import partial

from tracker.forms import limits
from tracker.forms.book import Book, Content, column_letters
from tracker.forms.check.number_formats import NumberFormat, look_of, shows_nothing
from tracker.forms.check.raised import raised
from tracker.forms.read import refusals
from tracker.forms.read.archive import Archive
from tracker.forms.read.excel_dates import from_iso, from_serial, is_date_format, number_of, whole
from tracker.forms.read.refusals import refuse
from tracker.forms.read.sheet_builder import BookGatherer, SheetGatherer
from tracker.forms.read.xml_parts import End, Start, TextCollector, locals_of, parse

#: A formula whose text stands in another cell, or in none.
UNKNOWN_FORMULA = "=…"
_WORKBOOK = "xl/workbook.xml"
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_ADDRESS = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_LONGEST_NUMBER = 400
#: Formats without a text that show other numbers than they are given.
_BUILT_IN = {9: "0%", 10: "0.00%"}
_COLUMNS = {column_letters(column): column for column in range(limits.MAX_COLUMNS)}


def read_xlsx(name: str, data: bytes) -> Book:
    """The book in ``data``, which is refused where it cannot be read."""
    archive = Archive(data)
    path = _workbook_path(archive)
    workbook = _Workbook()
    parse(archive.chunks(path), workbook)
    targets = _Relations.of(archive, path)
    shared = _Strings()
    strings_path = targets.by_kind("sharedstrings") or "xl/sharedStrings.xml"
    if strings_path in archive:
        parse(archive.chunks(strings_path), shared, shared.text)
    styles = _Styles()
    styles_path = targets.by_kind("styles") or "xl/styles.xml"
    if styles_path in archive:
        parse(archive.chunks(styles_path), styles)
    gatherer = BookGatherer(name, "xlsx")
    for title, state, relation in workbook.sheets:
        kind, target = targets.by_id.get(relation, ("", ""))
        if kind == "worksheet" and target in archive:
            sheet = _Sheet(
                gatherer.sheet(title, is_hidden=state not in {"", "visible"}),
                shared,
                styles,
                is_1904=workbook.is_1904,
            )
            parse(archive.chunks(target), sheet, sheet.text)
            sheet.finish(has_picture=_has_picture(archive, target))
    return gatherer.finish()


def _workbook_path(archive: Archive) -> str:
    if "_rels/.rels" in archive:
        found = _Relations.of(archive, "").by_kind("officedocument")
        if found and found in archive:
            return found
    return _WORKBOOK


def _has_picture(archive: Archive, sheet: str) -> bool:
    """Whether a sheet refers to a picture, or to a drawing that does."""
    parts = [
        sheet,
        *(path for kind, path in _Relations.of(archive, sheet).by_id.values() if kind == "drawing"),
    ]
    return any(_Relations.of(archive, part).by_kind("image") for part in parts)


class _Relations:
    """What a part refers to: kind and path by id."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.by_id: dict[str, tuple[str, str]] = {}

    @classmethod
    def of(cls, archive: Archive, path: str) -> _Relations:
        folder, base = posixpath.split(path)
        relations = cls(folder)
        rels = posixpath.join(folder, "_rels", f"{base}.rels")
        if rels in archive:
            parse(archive.chunks(rels), relations)
        return relations

    def by_kind(self, kind: str) -> str | None:
        return next((target for found, target in self.by_id.values() if found == kind), None)

    def on_start(self, name: str) -> Start | None:
        return self._refers if name == "Relationship" else None

    def on_end(self, _: str) -> None:
        return None

    def _refers(self, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "").replace("\\", "/")
            path = posixpath.normpath(posixpath.join("/", self._folder, target)).lstrip("/")
            kind = attributes.get("Type", "").rpartition("/")[2].lower()
            self.by_id[attributes.get("Id", "")] = kind, path


class _Workbook:
    """Names and states of the sheets, in their order."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, str]] = []
        self.is_1904 = False

    def on_start(self, name: str) -> Start | None:
        return {"workbookPr": self._properties, "sheet": self._sheet}.get(name)

    def on_end(self, _: str) -> None:
        return None

    def _properties(self, attributes: dict[str, str]) -> None:
        # An extension of the same name may follow, and says nothing about it.
        self.is_1904 |= attributes.get("date1904") in {"1", "true", "on"}

    def _sheet(self, attributes: dict[str, str]) -> None:
        found = locals_of(attributes)
        self.sheets.append((found.get("name", ""), found.get("state", ""), found.get("id", "")))
        if len(self.sheets) > limits.MAX_SHEETS:
            refuse(refusals.TOO_MANY_SHEETS)


class _Styles:
    """Which styles of cells are dates or show other numbers than they hold, and which are struck out."""

    def __init__(self) -> None:
        self._formats: dict[int, str] = {}
        self._used: list[int] = []
        self._fonts: list[int] = []
        self._font = -1
        self._struck: set[int] = set()
        #: Of white letters, and of grounds that are not white.
        self._white: set[int] = set()
        self._coloured: set[int] = set()
        self._fills: list[int] = []
        self._fill = -1
        self._is_in_cells = self._is_in_font = False

    def on_start(self, name: str) -> Start | None:
        return {
            "cellXfs": self._cells_start,
            "xf": self._style,
            "font": self._font_starts,
            "strike": self._strike,
            "color": self._color,
            "fill": self._fill_starts,
            "patternFill": self._pattern,
            "gradientFill": self._ground,
            "fgColor": self._ground,
            "numFmt": self._format,
        }.get(name)

    def on_end(self, name: str) -> End | None:
        return {"cellXfs": self._cells_end, "font": self._font_ends}.get(name)

    def _cells_start(self, _: dict[str, str]) -> None:
        self._is_in_cells = True

    def _cells_end(self) -> None:
        self._is_in_cells = False

    def _style(self, attributes: dict[str, str]) -> None:
        if self._is_in_cells:
            self._used.append(_index(attributes.get("numFmtId", "0")))
            self._fonts.append(_index(attributes.get("fontId", "0")))
            self._fills.append(_index(attributes.get("fillId", "0")))

    def _font_starts(self, _: dict[str, str]) -> None:
        self._font += 1
        self._is_in_font = True

    def _font_ends(self) -> None:
        self._is_in_font = False

    def _color(self, attributes: dict[str, str]) -> None:
        if self._is_in_font and not self._used and _is_white(attributes):
            self._white.add(self._font)

    def _fill_starts(self, _: dict[str, str]) -> None:
        self._fill += 1

    def _pattern(self, attributes: dict[str, str]) -> None:
        if attributes.get("patternType", "none") not in {"none", "solid"}:
            self._coloured.add(self._fill)

    def _ground(self, attributes: dict[str, str]) -> None:
        if not self._used and not _is_white(attributes):
            self._coloured.add(self._fill)

    def _strike(self, attributes: dict[str, str]) -> None:
        if _is_on(attributes) and not self._used:
            self._struck.add(self._font)

    def _format(self, attributes: dict[str, str]) -> None:
        self._formats[_index(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")

    def looks(self) -> dict[str, NumberFormat | None]:
        """By the number of a style, as cells name it: None is a date; a style that is not there shows what it holds."""
        found: dict[str, NumberFormat | None] = {}
        for style, number in enumerate(self._used):
            code = self._formats.get(number)
            if is_date_format(number, code):
                found[str(style)] = None
            elif look := look_of(_BUILT_IN.get(number, "") if code is None else code):
                found[str(style)] = look
        return found

    def faded_styles(self) -> frozenset[str]:
        """The numbers of those in which nothing is seen: white on white, or by a format of nothing (;;;)."""
        return frozenset(
            str(style)
            for style, (number, font, fill) in enumerate(
                zip(self._used, self._fonts, self._fills, strict=True)
            )
            if (font in self._white and fill not in self._coloured)
            or shows_nothing(self._formats.get(number, ""))
        )

    def struck_styles(self) -> frozenset[str]:
        """The numbers of those whose font is struck out."""
        return frozenset(str(style) for style, font in enumerate(self._fonts) if font in self._struck)


class _Texts:
    """The texts of cells: without their looks, and without the phonetic runs of East Asian Excel.

    Of those in runs some may be struck out: what was corrected by hand reads as it was meant.  What is raised is a
    footnote's mark, and stays told apart.
    """

    def __init__(self) -> None:
        self.text = TextCollector()
        self._mark = 0
        self._is_struck = self._is_raised = self._is_phonetic = False
        self._dropped = ""
        self.starts: dict[str, Start] = {
            "t": self._text_starts,
            "rPh": self._phonetic_starts,
            "r": self._run_starts,
            "strike": self._strike,
            "vertAlign": self._vertical,
        }
        self.ends: dict[str, End] = {"t": self.text.deaf, "rPh": self._phonetic_ends, "r": self._run_ends}

    def take(self) -> tuple[str, bool]:
        """The text, and whether all of it is struck out."""
        text, dropped = self.text.take(), self._dropped
        self._dropped = ""
        return (_unescaped(text), False) if text.strip() or not dropped else (_unescaped(dropped), True)

    def _text_starts(self, _: dict[str, str]) -> None:
        if not self._is_phonetic:
            self.text.listen()

    def _phonetic_starts(self, _: dict[str, str]) -> None:
        self._is_phonetic = True

    def _phonetic_ends(self) -> None:
        self._is_phonetic = False

    def _run_starts(self, _: dict[str, str]) -> None:
        self._mark, self._is_struck, self._is_raised = self.text.mark(), False, False

    def _strike(self, attributes: dict[str, str]) -> None:
        self._is_struck = _is_on(attributes)

    def _vertical(self, attributes: dict[str, str]) -> None:
        self._is_raised = attributes.get("val") in {"superscript", "subscript"}

    def _run_ends(self) -> None:
        if self._is_struck:
            self._dropped += self.text.cut(self._mark)
        elif self._is_raised:
            self.text.add(raised(self.text.cut(self._mark)))
        self._is_struck = self._is_raised = False


class _Strings:
    """The shared strings; ``struck`` are the numbers of those that are struck out."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self.struck: set[int] = set()
        self._texts = _Texts()
        self.text = self._texts.text
        self._ends = {**self._texts.ends, "si": self._string_ends}

    def on_start(self, name: str) -> Start | None:
        return self._texts.starts.get(name)

    def on_end(self, name: str) -> End | None:
        return self._ends.get(name)

    def _string_ends(self) -> None:
        text, is_struck = self._texts.take()
        if is_struck:
            self.struck.add(len(self.values))
        self.values.append(text)
        if len(self.values) > limits.MAX_STRINGS:
            refuse(refusals.BOMB)


class _Sheet:
    """The cells of one sheet, as they come by."""

    def __init__(self, gatherer: SheetGatherer, strings: _Strings, styles: _Styles, *, is_1904: bool) -> None:
        self._texts = _Texts()
        self.text = self._texts.text
        self._gatherer = gatherer
        self._shared = strings.values
        self._struck_strings = strings.struck
        self._looks = styles.looks()
        self._struck_styles = styles.struck_styles()
        self._faded_styles = styles.faded_styles()
        self._is_1904 = is_1904
        self._row = self._column = -1
        #: The row as addresses have it.
        self._written_row = "0"
        self._cell: dict[str, str] | None = None
        self._value: str | None = None
        self._formula: str | None = None
        self._inline: str | None = None
        self._shown: str | None = None
        self._is_struck = False
        #: Blocks that one formula fills; only its first cell says so.
        self._arrays: list[tuple[int, int, int, int]] = []
        self._starts: dict[str, Start] = {
            **{name: partial(self._in_cell, start) for name, start in self._texts.starts.items()},
            "c": self._cell_starts,
            "row": self._row_starts,
            "v": self._value_starts,
            "f": partial(self._in_cell, self._formula_starts),
            "mergeCell": self._merge,
            "col": self._column_starts,
        }
        self._ends: dict[str, End] = {
            **self._texts.ends,
            "c": self._cell_ends,
            "v": self._value_ends,
            "f": self._formula_ends,
            "is": self._inline_ends,
        }

    def on_start(self, name: str) -> Start | None:
        return self._starts.get(name)

    def on_end(self, name: str) -> End | None:
        return self._ends.get(name)

    def _in_cell(self, start: Start, attributes: dict[str, str]) -> None:
        if self._cell is not None:
            start(attributes)

    def _row_starts(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r")
        self._at_row(_index(number) - 1 if number else self._row + 1)
        self._column = -1
        if "hidden" in attributes and _is_on(attributes, "hidden"):
            self._gatherer.hide_rows(self._row)

    def _at_row(self, row: int) -> None:
        self._row, self._written_row = row, str(row + 1)

    def _column_starts(self, attributes: dict[str, str]) -> None:
        if self._cell is None and _is_on(attributes, "hidden", otherwise="0"):
            first, last = _index(attributes.get("min", "0")), _index(attributes.get("max", "0"))
            self._gatherer.hide_columns(first - 1, last - first + 1)

    def _cell_starts(self, attributes: dict[str, str]) -> None:
        self._cell = attributes
        address = attributes.get("r", "")
        column = _COLUMNS.get(address.removesuffix(self._written_row))
        if column is not None:
            self._column = column
        elif found := _place(address):
            self._at_row(found[0])
            self._column = found[1]
        else:
            self._column += 1

    def _value_starts(self, _: dict[str, str]) -> None:
        if self._cell is not None:
            self.text.listen()

    def _value_ends(self) -> None:
        if self._cell is not None:
            self._value = self.text.take()

    def _formula_ends(self) -> None:
        if self._cell is not None:
            text = self.text.take()
            self._formula = f"={text}" if text else UNKNOWN_FORMULA

    def _inline_ends(self) -> None:
        if self._cell is not None:
            self._inline, self._is_struck = self._texts.take()

    def finish(self, *, has_picture: bool) -> None:
        """What can be said at the end only."""
        self._gatherer.mark_formulas(self._arrays, UNKNOWN_FORMULA)
        if has_picture:
            self._gatherer.picture()

    def _formula_starts(self, attributes: dict[str, str]) -> None:
        self.text.listen()
        if attributes.get("t") == "array" and (block := _block(attributes.get("ref", ""))):
            self._arrays.append(block)
            if len(self._arrays) > limits.MAX_ROWS:
                refuse(refusals.TOO_MUCH)

    def _merge(self, attributes: dict[str, str]) -> None:
        if self._cell is None and (block := _block(attributes.get("ref", ""))):
            self._gatherer.merge(*block)

    def _cell_ends(self) -> None:
        attributes, self._cell = self._cell, None
        if attributes is None or (self._value is None and self._formula is None and self._inline is None):
            return
        kind, style = attributes.get("t", "n"), attributes.get("s", "")
        row, value = max(self._row, 0), self._content(kind, style)
        is_error = kind == "e" and bool(self._value)
        self._gatherer.put(row, self._column, value, self._formula, is_error=is_error, shown=self._shown)
        if self._is_struck or style in self._struck_styles:
            self._gatherer.strike(row, self._column)
        if style in self._faded_styles:
            self._gatherer.fade(row, self._column)
        self._value = self._formula = self._inline = self._shown = None
        self._is_struck = False

    def _content(self, kind: str, style: str) -> Content:
        text = self._value
        if self._inline is not None and (kind == "inlineStr" or text is None):
            return self._inline
        if text is None:
            return None
        if kind == "s":
            index = _index(text, -1)
            self._is_struck |= index in self._struck_strings
            return self._shared[index] if 0 <= index < len(self._shared) else None
        if kind == "n" or not kind:
            return self._number(text, style)
        if kind == "b":
            return text.strip() in {"1", "true"}
        if kind == "d":
            return from_iso(text.strip()) or text
        return text if kind == "e" else _unescaped(text)

    def _number(self, text: str, style: str) -> Content:
        value = number_of(text[:_LONGEST_NUMBER])
        if value is None:
            return text or None
        if style in self._looks:
            look = self._looks[style]
            moment = from_serial(value, is_1904=self._is_1904) if look is None else None
            if moment is not None:
                return moment
            self._shown = None if look is None else look.of(value)
        return whole(value) if isinstance(value, float) else value


def _unescaped(text: str) -> str:
    """``_x000D_`` is how a character is written that XML does not take."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _is_white(color: dict[str, str]) -> bool:
    """Whether a colour is white, by its name in the theme or the palette as well."""
    if "rgb" in color:
        return color["rgb"][-6:].upper() == "FFFFFF"
    return color.get("indexed") in {"1", "9"} or (color.get("theme") == "0" and "tint" not in color)


def _is_on(attributes: dict[str, str], name: str = "val", otherwise: str = "1") -> bool:
    """Whether a switch is on; one without a value is."""
    return attributes.get(name, otherwise) in {"1", "true", "on"}


def _index(text: str, otherwise: int = 0) -> int:
    try:
        return int(text[:9])
    except ValueError:
        return otherwise


def _place(address: str) -> tuple[int, int] | None:
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return None
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]) - 1, column - 1


def _block(reference: str) -> tuple[int, int, int, int] | None:
    first, _, last = reference.partition(":")
    begin, end = _place(first), _place(last or first)
    return None if begin is None or end is None else (*begin, *end)
