"""Queries on tables that the engine knows by name, compiled once in a process.

Ibis takes tenths of a second for a query of hundreds of expressions, and what it makes of them
depends on the names and types of columns alone: the next extract of the same columns has it ready.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from bayes_sf.inputs.register.connection import keep_rows

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

__all__ = ["keep", "see", "show"]

type _Query = Callable[..., "ibis.Table"]

#: Stands in compiled queries for the table's name.
_NAME = "rows of an extract"


def show(connection: "Backend", build: _Query, table: "ibis.Table", *arguments: Any) -> "pa.Table":
    """Compute what `build` makes of a table and hashable arguments."""
    if (compiled := _compiled_for(build, table, arguments)) is None:
        return build(table, *arguments).to_pyarrow()
    return connection.con.sql(compiled[0]).to_arrow_table()


def keep(
    connection: "Backend", name: str, build: _Query, table: "ibis.Table", *arguments: Any
) -> "ibis.Table":
    """Keep it as a temporary table."""
    if (compiled := _compiled_for(build, table, arguments)) is None:
        return keep_rows(connection, name, build(table, *arguments))
    query, schema = compiled
    made = connection.create_table(name, schema=schema, temp=True)
    connection.raw_sql(f'insert into "{name}" {query}')
    return made


def see(
    connection: "Backend", name: str, build: _Query, table: "ibis.Table", *arguments: Any
) -> "ibis.Table":
    """Give it a name, and compute nothing."""
    if (compiled := _compiled_for(build, table, arguments)) is None:
        return build(table, *arguments)
    connection.raw_sql(f'create temp view "{name}" as {compiled[0]}')
    return connection.table(name)


def _compiled_for(
    build: _Query, table: "ibis.Table", arguments: tuple[Any, ...]
) -> "tuple[str, ibis.Schema] | None":
    """SQL of DuckDB and its columns; None of what is itself a query, or stands elsewhere."""
    from ibis.expr.operations import DatabaseTable

    named = table.op()
    if not isinstance(named, DatabaseTable) or named.source.name != "duckdb":
        return None
    query, columns = _compiled(build, table.schema(), arguments)
    return query.replace(f'"{_NAME}"', f'"{named.name}"'), columns


@cache
def _compiled(
    build: _Query, columns: "ibis.Schema", arguments: tuple[Any, ...]
) -> "tuple[str, ibis.Schema]":
    """SQL of a query on a table of these columns, and the columns that it gives."""
    import ibis

    made = build(ibis.table(columns, name=_NAME), *arguments)
    return str(ibis.to_sql(made, dialect="duckdb", pretty=False)), made.schema()
