"""A stand-in: what is shown of a folder while its files are replaced.

It has the new files, links to whatever else is in the folder, and ``.writing``, which points to the
hidden folder that it belongs to. It changes places with the folder in one step of the system, where
that has one (Linux, macOS).
"""

import ctypes
import errno
import json
import os
import shutil
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["POINTER", "carry", "clear", "exchange", "like", "make_stand_in", "names"]

#: In a stand-in the link to the hidden folder that it belongs to.
POINTER: Final = ".writing"
#: ``AT_FDCWD`` and ``RENAME_EXCHANGE`` of Linux, ``RENAME_SWAP`` of macOS.
_HERE, _EXCHANGE, _SWAP = -100, 2, 2
#: A folder of more files gets no stand-in: links to all of them would take too long.
_MOST_LINKS: Final = 5000


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change places: whoever looks sees both as before, or both as after.

    Parameters
    ----------
    one, other : pathlib.Path
        Existing folders of one file system; neither is in the other.

    Returns
    -------
    bool
        Whether it was done. Not on a mount point, nor where file system or system cannot.
    """
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = library.renamex_np(first, second, _SWAP)
        else:
            failed = library.renameat2(_HERE, first, _HERE, second, _EXCHANGE)
    except (AttributeError, OSError, TypeError):  # a system that has no such call
        return False
    return not failed


def make_stand_in(work: Path, folder: Path) -> None:
    """Make the stand-in: the new files, and links to all else, which hold once it is shown.

    Raises
    ------
    OSError
        When the folder cannot be read, has too many files or one of the pointer's name.
    """
    new, shown = work / "new", work / "shown"
    shown.mkdir()
    (shown / POINTER).symlink_to(Path("..") / work.name)
    others = [name for name in names(folder) if not (new / name).exists()]
    if len(others) > _MOST_LINKS or POINTER in others:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    for name in names(new):
        os.link(new / name, shown / name)
    for name in others:
        try:
            os.link(folder / name, shown / name, follow_symlinks=False)
        except OSError:  # a folder, or a file of somebody else's
            (shown / name).symlink_to(Path("..") / work.name / "shown" / name)
    made = {name: os.lstat(shown / name).st_ino for name in names(shown)}
    (work / "made.json").write_text(json.dumps(made), encoding="utf-8")
    like(shown, folder)


def carry(work: Path, folder: Path) -> None:
    """Bring home what others have put into the stand-in while it was shown."""
    shown = work / "shown"
    made = json.loads((work / "made.json").read_text(encoding="utf-8"))
    for name in names(shown):
        if os.lstat(shown / name).st_ino != made.get(name):
            (shown / name).replace(folder / name)


def clear(work: Path) -> None:
    """Remove a hidden folder, unless what it shows is no stand-in: then it is somebody's."""
    shown = work / "shown"
    if shown.exists():
        if any(shown.iterdir()) and not (shown / POINTER).is_symlink():
            return
        shown.rename(work / "gone")
    shutil.rmtree(work, ignore_errors=True)


def like(path: Path, before: Path) -> None:
    """Give a file or folder the permissions and, where that is allowed, the owner of another."""
    wanted, found = before.stat(), path.stat()
    if (wanted.st_uid, wanted.st_gid) != (found.st_uid, found.st_gid):
        with suppress(OSError):
            os.chown(path, wanted.st_uid, wanted.st_gid)
    path.chmod(stat.S_IMODE(wanted.st_mode))


def names(folder: Path) -> list[str]:
    """Names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())
