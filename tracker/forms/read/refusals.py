"""The sentences with which a file is refused: what it is, and what to send instead; Chinese first, then English."""

from __future__ import annotations

from typing import NoReturn

from tracker.errors import FileRefusedError
from tracker.forms import limits

#: Chinese, English.
Sentence = tuple[str, str]

_RESEND_ZH = "请用Excel或WPS打开后另存为“Excel工作簿（*.xlsx）”再发送"
_RESEND_EN = "please open it in Excel or WPS, save it as an Excel workbook (.xlsx) and send that"
_FORM_ZH = "请发送填好的Excel表格（.xlsx）"
_FORM_EN = "please send the filled form as an Excel workbook (.xlsx)"

EMPTY = (f"文件是空的（0字节），{_FORM_ZH}。", f"The file is empty (0 bytes); {_FORM_EN}.")
TOO_LARGE = (
    f"文件超过{limits.MAX_FILE // limits.MEGABYTE}MB，请删去其中的图片和无关内容后再发送。",
    (
        f"The file is larger than {limits.MAX_FILE // limits.MEGABYTE} MB; please remove pictures and whatever does not "
        "belong to the form and send it again."
    ),
)
BOMB = (
    "文件解压后内容过大，无法读取；请把表格内容复制到新的空白表中再发送。",
    "What the file holds is too large once unpacked; please copy the table into a fresh blank form and send that.",
)
TOO_COMPLEX = (
    "文件过于复杂，读取时超出时间或内存限制；请把表格内容复制到新的空白表中再发送。",
    "The file takes too much time or memory to read; please copy the table into a fresh blank form and send that.",
)
ENCRYPTED = (
    "文件设有打开密码（或者加了密的工作簿保护），无法读取；请取消密码和保护，另存后再发送。",
    "The file has a password, or an encrypted protection, and cannot be read; please remove both and send it again.",
)
BROKEN = (
    f"文件已损坏或不完整，无法读取；{_RESEND_ZH}。",
    f"The file is damaged or incomplete and cannot be read; {_RESEND_EN}.",
)
PICTURE = (f"这是图片，不是表格；{_FORM_ZH}。", f"This is a picture and not a spreadsheet; {_FORM_EN}.")
ONLY_PICTURE = (
    "工作簿里只有图片，单元格都是空的；请把数据填写在表格的单元格里再发送。",
    "The workbook holds only a picture, its cells are all empty; please fill in the cells of the form and send it.",
)
PDF = (f"这是PDF文件，不是表格；{_FORM_ZH}。", f"This is a PDF and not a spreadsheet; {_FORM_EN}.")
WORD = (
    f"这是Word文档，没有读到表格；{_FORM_ZH}，表在Word里的请另存为“Word文档（*.docx）”再发送。",
    (
        f"This is a Word document in which no table was found; {_FORM_EN}, or save a table in Word as a document (.docx) "
        "and send that."
    ),
)
SLIDES = (
    f"这是演示文稿，不是表格；{_FORM_ZH}。",
    f"This is a presentation and not a spreadsheet; {_FORM_EN}.",
)
ARCHIVE = (
    "这种压缩包打不开（能打开的只有.zip）；请解压后直接发送里面的Excel表格（.xlsx），或改用.zip。",
    (
        "An archive of this kind is not opened (only .zip is); please unpack it and send the Excel workbook (.xlsx) "
        "itself, or pack it as a .zip."
    ),
)
NESTED = (
    f"压缩包和邮件一层套一层，超过{limits.MAX_NESTED}层的没有打开；请解压后直接发送里面的Excel表格（.xlsx）。",
    (
        f"Archives and mails inside each other are opened {limits.MAX_NESTED} deep; please unpack this one and send the "
        "Excel workbook (.xlsx) itself."
    ),
)
TOO_MANY_FILES = (
    f"压缩包里的文件超过{limits.MAX_PIECES}个，其余的没有打开；请分几次发送。",
    f"There are more than {limits.MAX_PIECES} files in it, and the others were not opened; please send them in lots.",
)
TOO_MANY_AT_ONCE = (
    "一次发来的文件读取时间过长，这一份及以后的没有读；请分几次发送。",
    "The files sent at once took too long to read, and this one and those after it were not read; please send them in lots.",
)
NOTHING_INSIDE = (
    f"里面没有文件，也没有表格；{_FORM_ZH}。",
    f"There is no file in it, and no table; {_FORM_EN}.",
)
OUTLOOK = (
    "这是Outlook邮件文件（.msg、winmail.dat），无法打开；请把其中的附件另存后发送。",
    "This is a mail as Outlook keeps it (.msg, winmail.dat) and cannot be opened; please save its attachments and send those.",
)
FIXED_LAYOUT = (
    f"这是版式文件（OFD），不是表格；{_FORM_ZH}。",
    f"This is a document of fixed layout (OFD) and not a spreadsheet; {_FORM_EN}.",
)
NUMBERS = (
    "这是苹果Numbers表格；请用“导出为Excel”存成.xlsx后发送。",
    "This is a spreadsheet of Apple Numbers; please export it to Excel (.xlsx) and send that.",
)
OTHER_OFFICE = (
    f"这是其他办公软件的文件，不是表格；{_FORM_ZH}。",
    f"This is a file of some other program and not a spreadsheet; {_FORM_EN}.",
)
HTML = (
    f"这是网页格式的文件，里面没有表格；{_RESEND_ZH}。",
    f"This is a web page without a table, whatever its name says; {_RESEND_EN}.",
)
XML_2003 = (
    f"这是XML文件，不是能读的表格；{_RESEND_ZH}。",
    f"This is an XML file, and no spreadsheet that can be read; {_RESEND_EN}.",
)
BINARY_WORKBOOK = (
    f"这是二进制工作簿（.xlsb）；{_RESEND_ZH}。",
    f"This is a binary workbook (.xlsb); {_RESEND_EN}.",
)
HOSTILE_XML = (
    f"文件内部含有不安全的定义（DTD或实体），不予读取；{_RESEND_ZH}。",
    f"The file has unsafe definitions inside (a DTD or entities) and is not read; {_RESEND_EN}.",
)
NOT_TEXT = (f"无法识别的文件格式；{_FORM_ZH}。", f"This is no kind of file that can be read; {_FORM_EN}.")
TOO_MANY_SHEETS = (
    f"工作簿中的工作表超过{limits.MAX_SHEETS}个，请只保留填报的工作表。",
    f"The workbook has more than {limits.MAX_SHEETS} sheets; please keep only the form.",
)
TOO_LONG = (
    f"有内容的行过多（超过{limits.MAX_ROWS}行，或在第{limits.LAST_ROW}行以下仍有内容），请只保留填报的表格。",
    (
        f"There are too many rows (more than {limits.MAX_ROWS} filled ones, or something below row {limits.LAST_ROW}); "
        "please keep only the form."
    ),
)
TOO_WIDE = (
    f"第{limits.MAX_COLUMNS}列以右仍有内容，请删去表格右侧的无关内容。",
    f"Something stands to the right of column {limits.MAX_COLUMNS}; please remove what does not belong to the form.",
)
TOO_MUCH = (
    f"内容过多（单元格超过{limits.MAX_CELLS}个，或文字过长），请只保留填报的表格。",
    f"There is too much in it (more than {limits.MAX_CELLS} filled cells, or too much text); please keep only the form.",
)
TOO_LONG_TEXT = (
    f"有单元格的文字超过{limits.MAX_CELL_TEXT}个字符，请缩短。",
    f"A cell has more than {limits.MAX_CELL_TEXT} characters; please shorten it.",
)
TOO_MERGED = (
    "合并的单元格范围过大，请取消不必要的合并。",
    "The merged blocks are too large; please undo those that the form does not need.",
)


def refuse(sentence: Sentence) -> NoReturn:
    """Refuse the file with ``sentence``."""
    raise FileRefusedError(*sentence)
