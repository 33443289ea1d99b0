"""How large a file may be, packed and unpacked, and how much may stand in it."""

from __future__ import annotations

MEGABYTE = 1024 * 1024

#: A filled form has some 20 kB.
MAX_FILE = 10 * MEGABYTE
#: One part of an archive, unpacked.  A sheet whose million empty rows all have a style is some 50 MB.
MAX_MEMBER = 64 * MEGABYTE
#: Everything that is unpacked from one file, and everything that its directory says it holds.
MAX_UNPACKED = 80 * MEGABYTE
MAX_MEMBERS = 2_000
#: So deep are archives and mails inside each other opened, and so many files taken out of the outermost.
MAX_NESTED = 3
MAX_PIECES = 500
#: XML elements in one part: bounds the time as the sizes bound the memory.
MAX_ELEMENTS = 5_000_000
MAX_DEPTH = 200

MAX_SHEETS = 60
#: Rows of a book in which anything stands.
MAX_ROWS = 5_000
#: The lowest row and the rightmost column in which anything may stand.
LAST_ROW = 20_000
MAX_COLUMNS = 256
#: Filled cells of a book.
MAX_CELLS = 200_000
#: Shared strings, of which a cell may have one each; what is left over from cells that went is some more.
MAX_STRINGS = 1_000_000
#: Characters in a cell: what Excel allows.
MAX_CELL_TEXT = 32_767
#: Characters in all cells of a book: a shared string may be used in every cell.
MAX_TEXT = 10_000_000
#: Cells in all merged blocks of a book.
MAX_MERGED = 1_000_000
