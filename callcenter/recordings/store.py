"""Where sealed recordings lie: a file store behind a small Protocol. The folder is the one that ships.

Keys are relative paths of letters, digits and `-_./`. A put is whole or not there.
"""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from callcenter.errors import DomainError

ORPHAN_AFTER = 3600.0
"""Seconds after which a draft that nobody finished is swept."""


class FileMissing(DomainError):
    """The recording's file is not in the file store."""

    status = 404


class FileStore(Protocol):
    """Whole files by key. Every method may raise OSError: the store is away or full."""

    def put(self, key: str, source: Path) -> None:
        """Keep a copy of the file, durable when this returns; the same key again replaces it."""
        ...

    def open(self, key: str) -> BinaryIO:
        """The file, seekable. Raises FileMissing."""
        ...

    def delete(self, key: str) -> None:
        """Gone, also when it was not there."""
        ...

    def keys(self) -> Iterator[str]:
        """Every key, in no order."""
        ...

    def move(self, key: str, to: str) -> None:
        """Under another key. Raises FileMissing."""
        ...

    def free(self) -> int | None:
        """Bytes that can still be written; None when nobody knows."""
        ...


class Folder:
    """A folder of the file system, also a mounted one. Files are made 0600, folders 0700."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, source: Path) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.draft")
        try:
            with source.open("rb") as read, open(draft, "wb", opener=_private) as written:
                shutil.copyfileobj(read, written, 1024 * 1024)
                written.flush()
                os.fsync(written.fileno())
            draft.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
        _sync(path.parent)

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            raise FileMissing from None

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        for path in self.root.rglob("*"):
            if not path.is_file():
                continue
            if path.name.startswith("."):
                if time.time() - path.stat().st_mtime > ORPHAN_AFTER:
                    path.unlink(missing_ok=True)
                continue
            yield path.relative_to(self.root).as_posix()

    def move(self, key: str, to: str) -> None:
        target = self._path(to)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._path(key).replace(target)
        except FileNotFoundError:
            raise FileMissing from None

    def free(self) -> int | None:
        place = self.root
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    def _path(self, key: str) -> Path:
        if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", key, re.ASCII):
            raise ValueError(f"{key!r} is no key of a file")
        return self.root / key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    """The new name is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
