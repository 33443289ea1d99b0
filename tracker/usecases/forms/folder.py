"""Every file that a person means by naming files and folders, with the reason where one cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tracker.core.form import Said
from tracker.errors import UsageError
from tracker.forms.limits import MAX_FILE

_LINK = Said(
    "这是指向目录的链接，没有进入；要收里面的文件，请直接写出那个目录。",
    "This is a link to a folder and was not followed; name that folder itself if its files are meant.",
)
_NO_FILE = Said("这不是普通文件，没有读取。", "This is no ordinary file and was not read.")


@dataclass(frozen=True, slots=True)
class FileInFolder:
    """A file where it lies; ``folder`` are the folders below the one that was named, itself included.

    ``why_not`` says why it is not read; ``is_noise`` that nobody sends it: a hidden folder.
    """

    path: Path
    folder: str = ""
    why_not: Said | None = None
    is_noise: bool = False

    def read(self) -> bytes | Said:
        """Its bytes, or why there are none; of a file that is too large no more than shows that it is."""
        if self.why_not is not None:
            return self.why_not
        try:
            with self.path.open("rb") as file:
                return file.read(MAX_FILE + 1)
        except OSError as error:
            return _unreadable(error)


def files_in(paths: Iterable[Path]) -> list[FileInFolder]:
    """The files, in each folder in the order in which they were written.

    Raises UsageError for a path that leads nowhere.
    """
    found: list[FileInFolder] = []
    for path in paths:
        if path.is_dir():
            found += sorted(_below(path), key=lambda each: (_written(each.path), str(each.path)))
        elif path.exists():
            found.append(FileInFolder(path, path.parent.name, None if path.is_file() else _NO_FILE))
        else:
            raise UsageError("no_file_or_folder", path=path)
    return found


def _below(top: Path) -> Iterator[FileInFolder]:
    lost: list[OSError] = []
    for place, folders, names in os.walk(top, onerror=lost.append):
        here = Path(place)
        folder = str(here.relative_to(top.parent)) if top.name else str(here.relative_to(top))
        for name in list(folders):
            path = here / name
            if path.is_symlink():
                yield FileInFolder(path, folder, _LINK)
            elif name.startswith("."):
                folders.remove(name)
                yield FileInFolder(path, folder, is_noise=True)
        for name in names:
            path = here / name
            # A link that leads nowhere says so when it is opened; a pipe would never end.
            is_other = path.exists() and not path.is_file()
            yield FileInFolder(path, folder, _NO_FILE if is_other else None)
    for error in lost:
        yield FileInFolder(Path(error.filename), "", _unreadable(error))


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _unreadable(error: OSError) -> Said:
    return Said(
        f"打不开（{error.strerror}），没有读取；请核对权限和路径。",
        f"It cannot be opened ({error.strerror}) and was not read; please check the path and its permissions.",
    )
