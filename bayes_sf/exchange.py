"""Two folders change places in one step of the system, where it has one (Linux, macOS)."""

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["exchange"]

#: ``AT_FDCWD`` and ``RENAME_EXCHANGE`` of Linux, ``RENAME_SWAP`` of macOS.
_HERE, _EXCHANGE, _SWAP = -100, 2, 2


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
