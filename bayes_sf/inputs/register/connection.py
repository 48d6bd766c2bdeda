"""The engine's connections: they keep to their memory, and a query that runs can be stopped.

DuckDB hears Ctrl-C in the thread that asked, but then waits for its other threads, which finish
their part of the query first; that may take as long as the query. Told to stop, they stop at once.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from bayes_sf.inputs.register.spill import spill_folder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from ibis.backends.duckdb import Backend

__all__ = ["connect", "quietly", "stop_queries"]

_open: "WeakSet[DuckDBPyConnection]" = WeakSet()


def connect(memory_limit: str) -> "Backend":
    """Start an embedded DuckDB that keeps to its memory, and spills to a folder of its own.

    Parameters
    ----------
    memory_limit : str
        As DuckDB has it, ``"1GB"`` say.
    """
    import ibis

    backend = ibis.duckdb.connect(
        memory_limit=memory_limit, temp_directory=str(spill_folder()), temp_file_encryption=True
    )
    _open.add(backend.con)
    return backend


def stop_queries() -> None:
    """Let all threads of all queries stop; where none runs, nothing happens."""
    for connection in list(_open):
        with suppress(Exception):  # one that is closed
            connection.interrupt()


@contextmanager
def quietly() -> Iterator[None]:
    """Hide from users that Ibis 12 calls DuckDB 2 by a name it will lose."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
        yield
