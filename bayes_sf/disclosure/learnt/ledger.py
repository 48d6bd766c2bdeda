"""The ledger: one file per study that keeps which figures have left, and forgets none.

A line says of one model which outcome, whose (pseudonyms under the study's key), with which weights
and rounded how; or of tables, whose answers and quarters they count. Each is sealed with a keyed
digest of itself and of the seal before it, so that a line that was changed, moved or taken out is
noticed. The first line has how many there are, sealed with the last of them: lines cut off at the
end are noticed, too. The same line is kept in a second file, beside the key: an older copy of the
ledger in its place, or none, is noticed as long as not both were put back. The files are their
owner's alone, and the ledger is locked from reading to writing: of two runs at once the second
waits, and sees what the first lets out.
"""

import base64
import hmac
import json
import os
import stat
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from bayes_sf.disclosure.learnt.left import Counted, Left, finger
from bayes_sf.errors import DataError, OutputError
from bayes_sf.folder import write_files
from bayes_sf.inputs.pseudonym import read_secret

try:
    import fcntl
except ImportError:  # a system without such locks
    fcntl = None  # type: ignore[assignment]

__all__ = ["Ledger"]

_START: Final = "bayes-sf ledger 3"
#: Letters of the first line, which is written over: a count, and a seal.
_DIGITS: Final = 12
_OLD: Final = "must be the ledger that was last written with this key"
_COPY: Final = "put the newest copy there: what has left is no secret again because a file is gone"


class Ledger:
    """What has left of a study; a context that holds its lock.

    Parameters
    ----------
    path : pathlib.Path
        Made where it is not there yet.
    key : bytes
        The study's, which its pseudonyms have as well.
    witness : pathlib.Path, optional
        Beside the key: how far the ledger was when it was last written.

    Raises
    ------
    DataError
        For a file that others may read, that was sealed with another key, or changed since; for
        one that is older than its witness, or not there though it has one.
    OutputError
        Where it cannot be written.
    """

    def __init__(self, path: Path, key: bytes, witness: Path | None = None) -> None:
        self.path, self.key, self._witness = path, key, witness
        self._seal = self._sealed("", _START)
        self._lines: list[str] = []
        flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
        if witness is not None and witness.exists() and not path.exists():
            raise DataError(str(path), _OLD, got="no file", fix=_COPY)
        try:
            try:
                self._file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
                self._count()
            except FileExistsError:
                self._file = os.open(path, flags)
        except OSError as error:
            fix = "name a file in a folder of yours, no link"
            raise OutputError(str(path), "must be writable", got=error.strerror, fix=fix) from error

    def __enter__(self) -> Self:
        """Wait for the lock, and read."""
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._read()
        except BaseException:
            os.close(self._file)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let others in."""
        os.close(self._file)

    @classmethod
    def of(cls, path: Path, key_file: Path) -> Self:
        """Take the key of a file, beside which the witness stands.

        Parameters
        ----------
        path, key_file : pathlib.Path
        """
        return cls(path, read_secret(key_file), key_file.with_name(f"{key_file.name}.ledger"))

    @property
    def mark(self) -> str:
        """What logs of runs with this ledger say: the same for all that have its key."""
        return self._sealed("", "mark")[:16]

    @property
    def left(self) -> tuple[Left | Counted, ...]:
        """Everything that has left, in order."""
        return tuple(_left(json.loads(line)) for line in self._lines)

    def add(self, found: Iterable[Left | Counted], *, command: str) -> int:
        """Append what leaves now: on the disk before a command writes.

        Parameters
        ----------
        found : iterable of Left and Counted
        command : str

        Returns
        -------
        int
            Lines that are new: what has left before is not written again.
        """
        known, new = {_finger(one) for one in self.left}, 0
        for one in found:
            if _finger(one) in known:
                continue
            line = json.dumps({**_record(one), "command": command, "at": len(self._lines)})
            self._seal = self._sealed(self._seal, line)
            os.lseek(self._file, 0, os.SEEK_END)
            os.write(self._file, f"{self._seal} {line}\n".encode())
            self._lines.append(line)
            known.add(_finger(one))
            new += 1
        os.fsync(self._file)  # after a kill here there are more lines than counted, not fewer
        self._count()
        return new

    def _count(self) -> None:
        """Write the first line: how many lines follow it, sealed with the last of them."""
        os.lseek(self._file, 0, os.SEEK_SET)
        first = f"{self._counted(len(self._lines), self._seal)}\n"
        os.write(self._file, first.encode())
        os.fsync(self._file)
        if self._witness is not None:  # last: it is never ahead of the ledger
            folder, name = self._witness.parent, self._witness.name
            write_files(folder, {name: first}, private=[name])

    def _counted(self, n: int, seal: str) -> str:
        """The first line of a ledger of so many lines."""
        count = f"{n:0{_DIGITS}d}"
        return f"{count} {self._sealed(seal, count)}"

    def _read(self) -> None:
        """Check every seal."""
        rule, fix = "must be a ledger of this study, as it was written", "ask who keeps the key"
        state = os.fstat(self._file)
        if not stat.S_ISREG(state.st_mode) or state.st_mode & 0o077:
            mended = f"chmod 600 {self.path}"
            raise DataError(str(self.path), "must be readable by you alone", fix=mended)
        with os.fdopen(os.dup(self._file), encoding="utf-8") as stream:
            stream.seek(0)
            first, *lines = stream.read().splitlines() or [""]
        ends = [self._seal]
        for at, whole in enumerate(lines):
            seal, _, line = whole.partition(" ")
            self._seal = self._sealed(self._seal, line)
            if not hmac.compare_digest(seal, self._seal) or json.loads(line)["at"] != at:
                raise DataError(str(self.path), rule, got=f"line {at + 1} is another", fix=fix)
            self._lines.append(line)
            ends.append(self._seal)
        n = int(first[:_DIGITS]) if first[:_DIGITS].isdecimal() else len(ends)
        if n >= len(ends) or not hmac.compare_digest(first, self._counted(n, ends[n])):
            raise DataError(str(self.path), rule, got="another number of lines", fix=fix)
        if self._witness is not None and self._witness.exists():
            first = self._witness.read_text(encoding="utf-8").rstrip("\n")
            n = int(first[:_DIGITS]) if first[:_DIGITS].isdecimal() else len(ends)
            if n >= len(ends) or not hmac.compare_digest(first, self._counted(n, ends[n])):
                raise DataError(str(self.path), _OLD, got="an older or another one", fix=_COPY)

    def _sealed(self, before: str, line: str) -> str:
        """Keyed digest of a line and of the seal before it."""
        return hmac.digest(self.key, f"{before}\n{line}".encode(), "sha256").hex()


def _finger(one: Left | Counted) -> object:
    """Tell what has left apart."""
    return tuple(sorted(one.marks.items())) if isinstance(one, Counted) else finger(one)


def _record(one: Left | Counted) -> dict[str, Any]:
    """A line of the ledger: weights in single precision, compressed."""
    if isinstance(one, Counted):
        return {"counted": dict(one.marks)}
    packed = zlib.compress(one.weights.astype("<f4").tobytes())
    return {
        "outcome": one.outcome, "workplaces": one.workplaces,
        "weights": base64.b85encode(packed).decode(), "half": one.half.tolist(),
        "sd": one.sd, "least": one.least,
        **({"way": one.way} if one.way else {}),
        **({} if one.parts is None else {"mark": one.mark, "parts": _packed(one.parts)}),
    }  # fmt: skip


def _packed(parts: NDArray[np.bool_]) -> str:
    """Populations of a set."""
    return base64.b85encode(zlib.compress(np.packbits(parts, axis=1).tobytes())).decode()


def _left(record: dict[str, Any]) -> Left | Counted:
    """The same back."""
    if "counted" in record:
        return Counted(record["counted"])
    half, chosen = np.array(record["half"]), tuple(record["workplaces"])
    packed = np.frombuffer(zlib.decompress(base64.b85decode(record["weights"])), dtype="<f4")
    weights = packed.astype(float).reshape(len(half), len(chosen))
    parts = None
    if "parts" in record:
        bits = np.frombuffer(zlib.decompress(base64.b85decode(record["parts"])), dtype=np.uint8)
        parts = np.unpackbits(bits.reshape(-1, -(-len(chosen) // 8)), axis=1, count=len(chosen)) > 0
    return Left(
        record["outcome"], chosen, weights, half, record["sd"], record["least"], parts,
        record.get("mark", ""), record.get("way", ""),
    )  # fmt: skip
