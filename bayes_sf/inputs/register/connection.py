"""The engine's connections: DuckDB in this process, or Spark where it is asked for.

DuckDB keeps to its memory, and a query that runs can be stopped.
DuckDB hears Ctrl-C in the thread that asked, but then waits for its other threads, which finish
their part of the query first; that may take as long as the query. Told to stop, they stop at once.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from bayes_sf.inputs.register.spill import spilling

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from duckdb import DuckDBPyConnection
    from ibis.backends.duckdb import Backend

__all__ = ["connect", "keep_rows", "quietly", "stop_queries", "with_function"]

type Cells = Callable[[pa.Array], Sequence[Any]]

_open: "WeakSet[DuckDBPyConnection]" = WeakSet()


def connect(memory_limit: str) -> "Backend":
    """Start an embedded DuckDB that keeps to its memory, and spills to a folder of its own.

    Parameters
    ----------
    memory_limit : str
        As DuckDB has it, ``"1GB"`` say.
    """
    import ibis

    backend = ibis.duckdb.connect(memory_limit=memory_limit, **spilling())
    _open.add(backend.con)
    return backend


def keep_rows(connection: "Backend", name: str, rows: "ibis.Table") -> "ibis.Table":
    """Compute rows once and keep them for as long as the connection: a temporary table, or cached.

    Parameters
    ----------
    connection : ibis backend
        DuckDB or Spark.
    name : str
        A new one.
    rows : ibis.Table
        Any query.
    """
    if connection.name == "duckdb":
        return connection.create_table(name, rows, temp=True)
    from bayes_sf.inputs.register.spark import cache_rows

    return cache_rows(connection, name, rows)


def with_function(
    connection: "Backend", column: "ibis.Column", function: Cells, gives: str
) -> "ibis.Column":
    """Have the engine call a function of Python, batch by batch, on the cells of a column.

    What the function knows, a key say, is in no query: plans, logs and messages show its name.

    Parameters
    ----------
    connection : ibis backend
        DuckDB or Spark.
    column : ibis.Column
        What it is called with.
    function : callable
        Arrow array of cells to a list or array of what is made of them, None where nothing is.
    gives : str
        Type of these.
    """
    import ibis

    name = ibis.util.gen_name("of_cells")
    if connection.name == "duckdb":
        _let_duckdb_call(connection, name, function, column.type(), gives)
    else:
        from bayes_sf.inputs.register.spark import let_call

        let_call(connection, name, function, gives)
    called = ibis.udf.scalar.builtin(lambda _: ..., name=name, signature=((column.type(),), gives))
    result: ibis.Column = called(column)
    return result


def _let_duckdb_call(
    connection: "Backend", name: str, function: Cells, takes: "ibis.DataType", gives: str
) -> None:
    """Make a function known to DuckDB, which calls it with Arrow arrays."""
    import ibis
    import pyarrow as pa
    from ibis.backends.sql.datatypes import DuckDBType

    made = ibis.dtype(gives)

    def of_array(cells):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, DuckDB reads them
        one = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
        return pa.array(function(one), made.to_pyarrow())

    types = [DuckDBType.to_string(takes)], DuckDBType.to_string(made)
    connection.con.create_function(name, of_array, *types, type="arrow", null_handling="special")


def stop_queries() -> None:
    """Let all threads of all queries stop; where none runs, nothing happens."""
    for connection in list(_open):
        with suppress(Exception):  # one that is closed
            connection.interrupt()


@contextmanager
def quietly() -> Iterator[None]:
    """Hide from users that Ibis 12 calls DuckDB 2, and pandas 3, by names they will lose."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
        warnings.filterwarnings(
            "ignore", "The copy keyword is deprecated|The 'future.infer_string'"
        )
        yield
