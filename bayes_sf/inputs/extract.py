"""One raw register extract: columns, numbers, quarters and workplace numbers checked.

The file is scanned by expressions. Parquet is scanned where it lies; other files are parsed once
into the engine, which spills them, already pseudonymous, where they outgrow its memory. Only the
distinct workplace numbers and quarters come to Python, where they are checked and given their
pseudonym and their place in time; the join with those small tables is the door behind which no
workplace number exists.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.delimited import CsvFormat
from bayes_sf.inputs.headers import match_columns
from bayes_sf.inputs.numerals import as_number, find_decimal_mark
from bayes_sf.inputs.pseudonym import is_valid_number, mask_numbers, pseudonym
from bayes_sf.inputs.quarters import parse_quarter, working_days
from bayes_sf.inputs.tabular import scan_cells

if TYPE_CHECKING:
    import ibis
    from ibis.backends.duckdb import Backend

__all__ = ["COLUMNS", "HEAD_COUNT", "Extract", "open_extract"]

NUMBER, QUARTER, HEAD_COUNT = "org_nr", "aar_kvartal", "n_employees"
DAYS: Final = (
    *("mdagsv", "mdag_kv", "mdag_16_29", "mdag_30_49", "mdag_50_69"),
    *("mdag_KVINNER_16_29", "mdag_KVINNER_30_49", "mdag_KVINNER_50_69"),
    *("sfdagsvj", "td_kv", "tdv_16_29", "tdv_30_49", "tdv_50_69"),
    *("tdv_KVINNER_16_29", "tdv_KVINNER_30_49", "tdv_KVINNER_50_69"),
)
COLUMNS: Final = (NUMBER, *DAYS, QUARTER)
"""The 18 columns of table 7, in its order."""


@dataclass(frozen=True)
class Extract:
    """A checked extract.

    Parameters
    ----------
    where : str
        The file's name.
    rows : ibis.Table
        `row` of the file (never computed unless asked for), `workplace`, `quarter` (index), `bit`
        (2 to the quarter), `working_days`, and the file's figures as floats under the names of
        table 7; `n_employees` is missing where the file has no such column.
    has_head_count : bool
        Whether the file has `n_employees`.
    aside : tuple of str
        Columns that were not used.
    """

    where: str
    rows: "ibis.Table"
    has_head_count: bool
    aside: tuple[str, ...]


def open_extract(
    connection: "Backend",
    path: Path,
    *,
    key: bytes,
    mapping: Mapping[str, str],
    decimal: str | None = None,
) -> Extract:
    """Open one extract and check all of it.

    Parameters
    ----------
    connection : ibis backend
        Embedded DuckDB.
    path : pathlib.Path
        The file.
    key : bytes
        Secret key of the pseudonyms.
    mapping : mapping
        Our column name to theirs.
    decimal : {",", "."}, optional
        Decimal mark of a CSV that leaves it open.

    Returns
    -------
    Extract
        Rows still in the file.

    Raises
    ------
    DataError
        For the first rule broken, with the number of faults and where the first stand.
    """
    import ibis

    cells, layout = scan_cells(connection, path)
    where = path.name
    used = match_columns(
        where,
        cells.columns,
        COLUMNS,
        optional=[HEAD_COUNT],
        mapping=mapping,
        rule=f"must have the {len(COLUMNS)} columns of table 7",
    )
    has_head_count = HEAD_COUNT in used
    aside = tuple(mask_numbers(name) for name in cells.columns if name not in used.values())
    table = cells.select(**{ours: cells[theirs] for ours, theirs in used.items()})
    table = table.mutate(row=ibis.row_number() + 2)
    with _scanning(where):
        if not _scalar(table.count()):
            raise DataError(where, "must have at least one row below its header", got="none")
        table = _with_numbers(where, table, layout, decimal)
        table = _with_quarters(where, table)
        table = _with_pseudonyms(where, table, key)
        if not has_head_count:
            table = table.mutate(n_employees=ibis.null("float64"))
        if path.suffix.lower() != ".parquet":
            table = connection.create_table(ibis.util.gen_name("extract"), table, temp=True)
    return Extract(where, table, has_head_count, aside)


def _with_numbers(
    where: str, table: "ibis.Table", layout: CsvFormat | None, decimal: str | None
) -> "ibis.Table":
    """Give every figure as a float; a cell that is not a number is an error."""
    columns = [name for name in (*DAYS, HEAD_COUNT) if name in table.columns]
    texts = [name for name in columns if table[name].type().is_string()]
    mark = find_decimal_mark(where, table, texts, layout, decimal)
    values, unreadable = {}, {}
    for name in columns:
        column = table[name]
        if name in texts:
            values[name], unreadable[name] = as_number(column, mark)
        elif column.type().is_floating():
            values[name] = column.isnan().ifelse(None, column).cast("float64")
            unreadable[name] = column.isinf()
        elif column.type().is_numeric():
            values[name] = column.cast("float64")
        else:
            raise DataError(f"{where}: column {name}", "must be numbers", got=str(column.type()))
    if unreadable:
        counts = table.agg(**{name: bad.sum() for name, bad in unreadable.items()})
        faulty = {name: n for name, n in counts.to_pyarrow().to_pylist()[0].items() if n}
        if faulty:
            name = next(iter(faulty))
            rule = f"must be a number with decimal mark '{mark}' or empty"
            raise _fault(
                where, table, name, unreadable[name], rule=rule, count=sum(faulty.values())
            )
    return table.mutate(**values)


def _with_quarters(where: str, table: "ibis.Table") -> "ibis.Table":
    """Place each row in time."""

    def place(cell: object) -> dict[str, object]:
        index = parse_quarter(str(cell))
        return {"quarter": index, "bit": 1 << index, "working_days": working_days(index)}

    types = {"quarter": "int16", "bit": "int64", "working_days": "int16"}
    rule = "must be a quarter of 2015-2029 such as 20161, 2016K1, 2016-1 or 2016Q1"
    return _look_up(where, table, QUARTER, place, types, rule=rule, show=True)


def _with_pseudonyms(where: str, table: "ibis.Table", key: bytes) -> "ibis.Table":
    """Replace the workplace numbers; each distinct number is checked and keyed once."""

    def hide(cell: object) -> dict[str, object]:
        number = str(cell)
        if not is_valid_number(number):
            raise ValueError("control digit")
        return {"workplace": pseudonym(number, key=key)}

    rule = "must be an organisation number: nine digits, the last a right control digit"
    return _look_up(where, table, NUMBER, hide, {"workplace": "string"}, rule=rule, show=False)


def _look_up(
    where: str,
    table: "ibis.Table",
    column: str,
    translate: Callable[[object], dict[str, object]],
    types: dict[str, str],
    *,
    rule: str,
    show: bool,
) -> "ibis.Table":
    """Replace a column by what Python makes of its distinct cells.

    `translate` raises ValueError for a cell that breaks `rule`; `show` says whether such a cell may
    be quoted.
    """
    import ibis

    cells = table.select(column).distinct().to_pyarrow()[column]
    known: dict[str, list[object]] = {name: [] for name in (column, *types)}
    wrong = []
    for cell in cells.to_pylist():
        try:
            made = translate(cell)
        except ValueError:
            wrong.append(cell)
            continue
        for name, value in {column: cell, **made}.items():
            known[name].append(value)
    if wrong:
        bad = table[column].isin([cell for cell in wrong if cell is not None])
        bad = bad.fill_null(False) | table[column].isnull()
        raise _fault(where, table, column, bad, rule=rule, count=_scalar(bad.sum()), show=show)
    made_from = ibis.memtable(known, schema={column: table[column].type(), **types})
    return table.join(made_from, column).drop(column)


def _fault(
    where: str,
    table: "ibis.Table",
    column: str,
    bad: "ibis.Column",
    *,
    rule: str,
    count: int,
    show: bool = True,
) -> DataError:
    """Say where the first bad cells of a column stand; row 1 is the header."""
    at_fault = table.filter(bad)
    first = at_fault.select("row", cell=at_fault[column]).order_by("row").limit(3)
    found = first.to_pyarrow().to_pylist()
    rows = ", ".join(str(record["row"]) for record in found)
    more = f" and {count - len(found)} more" if count > len(found) else ""
    cell = found[0]["cell"]
    got = "an empty cell" if cell is None else mask_numbers(str(cell)) if show else "another"
    place = f"{where}: {'rows' if count > 1 else 'row'} {rows}{more}, column {column}"
    return DataError(place, rule, got=got)


@contextmanager
def _scanning(where: str) -> Iterator[None]:
    """Turn an engine's failure to read a file into one message; its own quotes the file's lines."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        line = re.search(r"CSV Error on Line: (\d+)", str(error))
        raise DataError(
            f"{where}: line {line[1]}" if line else where,
            "must have as many columns as the header" if line else "must be a whole, readable file",
            got=type(error).__name__,
            fix="export it again",
        ) from None


def _scalar(expression: "ibis.Scalar") -> int:
    """Run an expression that gives one number."""
    return int(expression.to_pyarrow().as_py() or 0)
