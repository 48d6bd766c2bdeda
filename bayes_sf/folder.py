"""A folder of results: what a run writes there is one set, all of it new or all of it old.

New files are made whole in a hidden folder beside the results, ``.writing-NAME.xxxxxxxx``, which
only its owner can read. While one after another takes its place a *stand-in* is shown: a folder of
the new files and of links to whatever else there is. It changes places with the folder in one step
of the system, and back when all is done. So whoever looks, at any moment and also after
``kill -9``, finds the files of one run; and the folder stays the one that it was, with its
permissions and with whoever stands in it.

Where there is no such step (a mount point, nothing may be written beside it, the system knows
none), the hidden folder is inside, and all old files of the set go before the first new one comes:
a kill may then leave a set incomplete, never mixed.

The next run into the folder ends what a killed one began, or clears it away. Only one run writes at
a time: it holds a lock on the folder, which goes with its process.
"""

import errno
import os
import re
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from bayes_sf.errors import OutputError
from bayes_sf.stand_in import POINTER, carry, clear, exchange, like, make_stand_in, names

try:
    import fcntl
except ImportError:  # a system without such locks: nothing of other runs is touched there
    fcntl = None  # type: ignore[assignment]

__all__ = ["ready_folder", "write_files"]

#: Endings of files that a command writes, or that somebody hopes it does.
_OF_FILES: Final = {
    ".csv", ".docx", ".htm", ".html", ".json", ".md", ".nc", ".pdf", ".png", ".qmd", ".svg", ".tex",
    ".toml", ".txt", ".typ", ".xlsx", ".zip",
}  # fmt: skip
#: How the names of hidden folders begin.
_HIDDEN: Final = ".writing-"
#: A saved fit that an earlier version was writing.
_HALF_FIT = re.compile(r"\.writing-.+-[0-9a-f]{12}\.nc")


def ready_folder(path: Path) -> Path:
    """Make a folder, and make sure that files can be written there before any work is done.

    What a killed run has left there is cleared away.

    Raises
    ------
    OutputError
        When the folder cannot be made or written to, and for a new one that is named as a file.
    """
    if path.suffix.lower() in _OF_FILES and not path.exists():
        rule = f"must be a folder: names that end in {path.suffix} are files'"
        raise OutputError(str(path), rule, fix="choose another one with --out")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
        with suppress(BlockingIOError), _locked(path.resolve(), wait=False):
            pass
    except OSError as error:
        raise OutputError(
            str(path), "must be a folder that can be written to",
            got="a file" if path.is_file() else error.strerror,
            fix="choose another one with --out",
        ) from error  # fmt: skip
    return path


def write_files(
    folder: Path, contents: Mapping[str, str | bytes], *, private: Collection[str] = ()
) -> tuple[Path, ...]:
    """Write files as one set: all of them, or none; Ctrl-C waits until it is done.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder. What else is in it stays.
    contents : mapping
        File name -> text, or the bytes of a picture.
    private : collection of str
        Files that only their owner may read, whatever they were before.

    Returns
    -------
    tuple of pathlib.Path
        What was written. A file that was there before keeps its permissions.

    Raises
    ------
    OutputError
        When one cannot be written; then all files are as they were.
    """
    place = folder.resolve()
    with _naming(folder, contents), _locked(place), _undisturbed():
        # One file takes its place in one step anyway.
        if len(contents) < 2 or not _write_beside(place, contents, private):
            _write_inside(place, contents, private)
    return tuple(folder / name for name in contents)


@contextmanager
def _naming(folder: Path, contents: Collection[str]) -> Iterator[None]:
    """Say which file the system's error is about, or else which folder."""
    try:
        yield
    except OSError as error:
        where = folder / error.filename if error.filename in contents else folder
        raise OutputError(
            str(where), "must be writable", got=error.strerror,
            fix="free space there or choose another folder; what was there before is kept",
        ) from error  # fmt: skip


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Note which file the system's error is about."""
    try:
        yield
    except OSError as error:
        error.filename = name
        raise


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put Ctrl-C off until the block is done."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Be the only run that writes into a folder; what a killed one has left is settled first.

    The folder that holds it is locked, too, against a run that would show a stand-in for that.
    Where there are no such locks nobody knows which runs live, and nothing is settled.

    Raises
    ------
    BlockingIOError
        When another run has the lock, and it is not to be waited for.
    """
    while True:
        with ExitStack() as held:
            try:
                current = [
                    _lock(held, folder.parent, wait=wait, shared=True),
                    _lock(held, folder, wait=wait),
                ]
            except BlockingIOError:
                raise
            except OSError:  # not readable, or a file system without locks
                current = []
            if not all(current):  # that was a stand-in, which is gone
                continue
            if current and _settle(folder):
                continue
            yield
            return


def _lock(held: ExitStack, folder: Path, *, wait: bool, shared: bool = False) -> bool:
    """Lock a folder; whether it is still the one of that name."""
    if fcntl is None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    descriptor = os.open(folder, os.O_RDONLY)
    held.callback(os.close, descriptor)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    return os.path.samestat(os.fstat(descriptor), folder.stat())


def _write_inside(
    folder: Path, contents: Mapping[str, str | bytes], private: Collection[str]
) -> None:
    """Write by way of a hidden folder inside; a set of several is incomplete for a moment."""
    work = Path(tempfile.mkdtemp(prefix=_HIDDEN, dir=folder))
    with _cleared(work):
        _make(work, folder, contents, private)
        (work / "old").mkdir()  # from here on another run would go on with it
        _put(work, folder)


def _write_beside(
    folder: Path, contents: Mapping[str, str | bytes], private: Collection[str]
) -> bool:
    """Write by way of a hidden folder beside and a stand-in; False where that cannot be."""
    try:
        work = Path(tempfile.mkdtemp(prefix=f"{_HIDDEN}{folder.name}.", dir=folder.parent))
    except OSError:
        return False
    with _cleared(work), ExitStack() as held:
        _make(work, folder, contents, private)
        shown = work / "shown"
        try:
            make_stand_in(work, folder)
            (work / "old").mkdir()
            if fcntl is not None:
                _lock(held, shown, wait=True)
        except OSError:
            return False
        if not exchange(folder, shown):
            return False
        try:
            _put(work, shown)
        finally:
            if not exchange(folder, shown):
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        carry(work, folder)
    return True


@contextmanager
def _cleared(work: Path) -> Iterator[None]:
    """Clear a hidden folder away in the end; not when old files could not be put back."""
    try:
        yield
    except BaseException:
        old = work / "old"
        if not old.exists() or not any(old.iterdir()):
            clear(work)
        raise
    clear(work)


def _make(
    work: Path, folder: Path, contents: Mapping[str, str | bytes], private: Collection[str]
) -> None:
    """Write the new files whole, with the permissions of those that they will replace."""
    new = work / "new"
    new.mkdir()
    for name, content in contents.items():
        with _about(name):
            path = new / name
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            before = folder / name
            if before.is_dir():
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
            if before.exists():
                like(path, before)
            if name in private:
                path.chmod(stat.S_IRUSR | stat.S_IWUSR)
            _sync(path)


def _sync(path: Path) -> None:
    """Make sure that a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put(work: Path, folder: Path) -> None:
    """Let the new files take their places; all old ones go before. If one cannot, undo it."""
    new, old = work / "new", work / "old"
    found = names(new)
    try:
        for name in found if len(found) > 1 else ():
            with _about(name):
                if os.path.lexists(folder / name):
                    (folder / name).replace(old / name)
        for name in found:
            with _about(name):
                (new / name).replace(folder / name)
    except BaseException:
        for name in found:
            if not os.path.lexists(new / name):
                (folder / name).rename(new / name)
            if os.path.lexists(old / name):
                (old / name).rename(folder / name)
        raise


def _settle(folder: Path) -> bool:
    """End what a killed run began in a folder, or clear it away; whether a stand-in was shown."""
    pointer = folder / POINTER
    if pointer.is_symlink() and pointer.readlink().name.startswith(_HIDDEN):
        work = folder.parent / pointer.readlink().name
        if (work / "old").is_dir():
            with _undisturbed():
                _put(work, work / "shown")
                if not exchange(folder, work / "shown"):
                    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
                carry(work, folder)
                clear(work)
            return True
        pointer.unlink()  # its hidden folder was removed by hand: this is the folder now
    with _undisturbed():
        for work in _left(folder.parent, f"{_HIDDEN}{folder.name}."):
            if (work / "old").is_dir() and (work / "shown" / POINTER).is_symlink():
                carry(work, folder)
            clear(work)
        for work in _left(folder, _HIDDEN):
            if (work / "old").is_dir():
                _put(work, folder)
            shutil.rmtree(work, ignore_errors=True)
        for half in folder.glob(f"{_HIDDEN}*.nc"):
            if _HALF_FIT.fullmatch(half.name) and half.is_file() and not half.is_symlink():
                half.unlink()
    return False


def _left(place: Path, beginning: str) -> list[Path]:
    """Hidden folders that a killed run has left: named as `tempfile` does, its owner's alone."""
    name = re.compile(re.escape(beginning) + r"[a-z0-9_]{8}")
    try:
        with os.scandir(place) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if name.fullmatch(entry.name)
                and entry.is_dir(follow_symlinks=False)
                and stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode) == stat.S_IRWXU
            ]
    except OSError:
        return []
