"""Where the engine spills: one folder a process, which goes with it, or with the next run's start.

What is there is encrypted with a key that only the process has. A lock on the folder tells a
process that lives from one that was killed.
"""

import atexit
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # a system without such locks: nothing of other runs is touched there
    fcntl = None  # type: ignore[assignment]

__all__ = ["BELIEVE_NO_STATISTICS", "spill_folder", "spilling"]

#: Of a Parquet file: they know of no NaN, and DuckDB would take it for a number.
BELIEVE_NO_STATISTICS: Final = "set disabled_optimizers = 'statistics_propagation'"

_PREFIX: Final = "bayes_sf-spill-"


def spilling() -> dict[str, str | bool | int | float | list[str]]:
    """Settings of DuckDB with which it spills to the folder, encrypted.

    DuckDB encrypts with a module of its own, whose random numbers are no cryptographer's: it wants
    that said, or else refuses to spill. Better ones are in an extension that has to be downloaded.
    """
    return {
        "temp_directory": str(spill_folder()), "temp_file_encryption": True,
        "force_mbedtls_unsafe": True,
    }  # fmt: skip


def spill_folder() -> Path:
    """Give a folder that only its owner can read; those of killed runs are removed."""
    return _make(os.getpid())  # not another's after a fork


@cache
def _make(process: int) -> Path:
    """Clear up, make a folder and lock it for as long as the process lives."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if _is_ours(left) and (descriptor := _lock(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(descriptor)
    folder = _new()
    atexit.register(_remove, folder, process)
    return folder


def _new() -> Path:
    """Make a folder and lock it; where another run's clearing up took it before, make another."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        with suppress(FileNotFoundError):
            _lock(folder, wait=True)  # whoever has it has taken it for a killed run's
        if folder.exists():
            return folder


def _remove(folder: Path, process: int) -> None:
    """Remove a process's own folder; a fork leaves it alone."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """Whether it is a real folder of this user."""
    found = folder.lstat()
    return fcntl is not None and stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _lock(folder: Path, *, wait: bool = False) -> int | None:
    """Lock a folder; None where somebody has it, or nobody could know."""
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
