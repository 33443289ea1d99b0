"""The mailbox in a directory (Maildir), which any mail program opens; the transport that needs no server.

A mail's file is named after its Message-ID, so that a second copy takes the place of the first.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Iterable, Sequence
from itertools import islice
from pathlib import Path

from tracker.i18n.message import Message
from tracker.mail.transport.transport import Delivery, DeliveryOutcome, Envelope

#: So many are written before the directory is made durable once for all of them.
LOT = 64
#: Of the first lot there are fewer: whoever waits for a first mail need not wait for the sixty behind it.
FIRST_LOT = 8


class MailboxTransport:
    """Writes every mail to the Maildir ``directory``, which is made when it is first needed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def deliver(self, envelopes: Iterable[Envelope]) -> AsyncGenerator[Delivery, None]:
        """Each is durable on disk before it is told as sent."""
        source, most = iter(envelopes), FIRST_LOT
        while lot := list(islice(source, most)):
            most = LOT
            for envelope in lot:
                envelope.begins()
            for delivery in await asyncio.to_thread(self.store, lot):
                yield delivery

    async def check(self) -> str | None:
        """Whether a file can be written there."""
        return await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """There is nothing to let go of."""

    def store(self, envelopes: Sequence[Envelope]) -> list[Delivery]:
        """Write them, and tell of each; a full disk defers what did not fit."""
        try:
            self._make()
            there = self._there()
        except OSError as error:
            return [self._refused(envelope, error) for envelope in envelopes]
        deliveries = [self._store_one(envelope, there) for envelope in envelopes]
        try:
            for place in ("new", "cur"):
                _sync_directory(self.directory / place)
        except OSError as error:
            return [self._refused(envelope, error) for envelope in envelopes]
        return deliveries

    def _store_one(self, envelope: Envelope, there: dict[str, Path]) -> Delivery:
        name = file_name(envelope.message_id)
        temporary = self.directory / "tmp" / f"{name}.{os.getpid()}.{envelope.id}"
        # A copy that has been read keeps its place and its marks.
        target = there.get(name, self.directory / "new" / name)
        try:
            with open(temporary, "wb", opener=_private) as file:
                file.write(_unix_lines(envelope.data))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            return self._refused(envelope, error)
        there[name] = target
        return Delivery(
            envelope.id,
            DeliveryOutcome.SENT,
            str(Message("outcomes.written", path=self.directory)),
            kept_local=True,
        )

    def _refused(self, envelope: Envelope, error: OSError) -> Delivery:
        detail = str(Message("outcomes.cannot_write", path=self.directory, why=error.strerror or error))
        return Delivery(envelope.id, DeliveryOutcome.DEFERRED, detail, kept_local=True)

    def _make(self) -> None:
        # Whatever the mask of the process: mails name people.
        for folder in (self.directory.parent, self.directory):
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in ("tmp", "new", "cur"):
            (self.directory / place).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _there(self) -> dict[str, Path]:
        """By name without marks: what mail programs have read already."""
        return {
            entry.name.partition(":")[0]: Path(entry.path)
            for entry in os.scandir(self.directory / "cur")
            if entry.is_file()
        }

    def _check(self) -> str | None:
        probe = self.directory / "tmp" / f"probe.{os.getpid()}"
        try:
            self._make()
            probe.write_bytes(b"probe")
            probe.unlink()
        except OSError as error:
            return str(Message("outcomes.cannot_write", path=self.directory, why=error.strerror or error))
        return None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def file_name(message_id: str) -> str:
    """The name in a Maildir of the mail with this Message-ID."""
    return f"{hashlib.sha256(message_id.encode()).hexdigest()[:40]}.tracker"


def _unix_lines(data: bytes) -> bytes:
    """Files in a Maildir have the line ends of the system."""
    return data.replace(b"\r\n", b"\n")


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
