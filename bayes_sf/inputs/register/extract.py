"""One raw register extract: columns, numbers, quarters and workplace numbers checked.

Only the distinct workplace numbers and quarters of the file are in Python, where they are checked
and given their pseudonym and their place in time; the join with those small tables is the door
behind which no workplace number exists.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.files.delimited import CsvFormat
from bayes_sf.inputs.files.headers import match_columns
from bayes_sf.inputs.files.numerals import as_number, find_decimal_mark
from bayes_sf.inputs.pseudonym import mask_numbers, pseudonym
from bayes_sf.inputs.register.compiled import see, show
from bayes_sf.inputs.register.quarters import parse_quarter, working_days
from bayes_sf.inputs.register.source import Loaded, Source, open_source

if TYPE_CHECKING:
    import ibis
    from ibis.backends.duckdb import Backend

__all__ = ["COLUMNS", "HEAD_COUNT", "Extract", "open_extract", "scanning"]

NUMBER, QUARTER, HEAD_COUNT = "org_nr", "aar_kvartal", "n_employees"
DAYS: Final = (
    *("mdagsv", "mdag_kv", "mdag_16_29", "mdag_30_49", "mdag_50_69"),
    *("mdag_KVINNER_16_29", "mdag_KVINNER_30_49", "mdag_KVINNER_50_69"),
    *("sfdagsvj", "td_kv", "tdv_16_29", "tdv_30_49", "tdv_50_69"),
    *("tdv_KVINNER_16_29", "tdv_KVINNER_30_49", "tdv_KVINNER_50_69"),
)
COLUMNS: Final = (NUMBER, *DAYS, QUARTER)
"""The 18 columns of table 7, in its order."""

CONTRACTED, HUGE, TINY = "mdagsv", 1e12, 1e-6
"""No country has a million million working days in a quarter, no contract is for a tenth of a
second; between them every ratio and every exact sum has room."""


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
    declared_missing : int
        Figures that the file itself declares missing, with a value that stands in the cell.
    source : Source
        The file.
    is_kept : bool
        Whether the engine has all rows, and never looks at the file again.
    """

    where: str
    rows: "ibis.Table"
    has_head_count: bool
    aside: tuple[str, ...]
    declared_missing: int
    source: Source
    is_kept: bool


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

    source = open_source(path)
    where, columns = source.where, source.columns
    used = match_columns(
        where,
        columns,
        COLUMNS,
        optional=[HEAD_COUNT],
        mapping=mapping,
        rule=f"must have the {len(COLUMNS)} columns of table 7",
    )
    has_head_count = HEAD_COUNT in used
    aside = tuple(mask_numbers(name) for name in columns if name not in used.values())
    with scanning(where):
        loaded = source.load(connection, used, coded=(NUMBER, QUARTER))
        table = loaded.table
        if not _scalar(table.count()):
            raise DataError(where, "must have at least one row below its header", got="none")
        table = _with_numbers(connection, where, table, source.layout, decimal)
        table = _with_quarters(where, table, loaded)
        table = _with_pseudonyms(where, table, loaded, key)
        if not has_head_count:
            table = table.mutate(n_employees=ibis.null("float64"))
        is_kept = bool(loaded.cells)
        if is_kept:
            table = connection.create_table(ibis.util.gen_name("extract"), table, temp=True)
            connection.raw_sql(f"drop table {loaded.table.get_name()}")
        source.verify()
    return Extract(where, table, has_head_count, aside, loaded.declared_missing, source, is_kept)


def _with_numbers(
    connection: "Backend",
    where: str,
    table: "ibis.Table",
    layout: CsvFormat | None,
    decimal: str | None,
) -> "ibis.Table":
    """Give every figure as a float; a cell that is not a number of days or heads is an error."""
    import ibis

    columns = tuple(name for name in (*DAYS, HEAD_COUNT) if name in table.columns)
    texts = [name for name in columns if table[name].type().is_string()]
    mark = find_decimal_mark(where, table, texts, layout, decimal)
    counts = show(connection, _count_unfit, table, columns, mark)
    found = [n or 0 for n in counts.to_pylist()[0].values()]
    if any(found):
        rules = _figures(table, columns, mark)[1]
        (name, rule, bad), _ = next(pair for pair in zip(rules, found, strict=True) if pair[1])
        same = sum(n for n, (_, each, _) in zip(found, rules, strict=True) if each == rule)
        at_fault = table.filter(bad).mutate(cell=table[name])
        raise _fault(where, at_fault, name, rule=rule, count=same)
    return see(connection, ibis.util.gen_name("figures"), _as_figures, table, columns, mark)


def _figures(
    table: "ibis.Table", columns: Sequence[str], mark: str
) -> "tuple[dict[str, ibis.Column], list[tuple[str, str, ibis.Column]]]":
    """Columns as floats; and of which column which rule is broken where."""
    readable = f"must be a number with decimal mark '{mark}' or empty"
    values: dict[str, ibis.Column] = {}
    rules: list[tuple[str, str, ibis.Column]] = []
    for name in columns:
        if table[name].type().is_string():
            values[name], unreadable = as_number(table[name], mark)
        else:
            value = table[name].cast("float64")
            values[name], unreadable = value.isnan().ifelse(None, value), value.isinf()
        huge = values[name].abs() >= HUGE
        rules += [(name, readable, unreadable), (name, f"must be below {HUGE:.0e}", huge)]
    days = values[CONTRACTED]
    tiny = (days > 0) & (days < TINY)
    rules.append((CONTRACTED, f"must be 0 or at least {TINY:.0e} days", tiny))
    return values, rules


def _count_unfit(table: "ibis.Table", columns: Sequence[str], mark: str) -> "ibis.Table":
    """How many cells break each rule."""
    rules = _figures(table, columns, mark)[1]
    return table.agg(**{f"f{i}": bad.sum() for i, (_, _, bad) in enumerate(rules)})


def _as_figures(table: "ibis.Table", columns: Sequence[str], mark: str) -> "ibis.Table":
    """Columns as floats."""
    return table.mutate(**_figures(table, columns, mark)[0])


def _with_quarters(where: str, table: "ibis.Table", loaded: Loaded) -> "ibis.Table":
    """Place each row in time."""

    def place(cell: str) -> dict[str, object]:
        index = parse_quarter(cell)
        return {"quarter": index, "bit": 1 << index, "working_days": working_days(index)}

    types = {"quarter": "int16", "bit": "int64", "working_days": "int16"}
    rule = "must be a quarter of 2015-2029 such as 20161, 2016K1, 2016-1 or 2016Q1"
    return _look_up(where, table, QUARTER, loaded, translate=place, types=types, rule=rule)


def _with_pseudonyms(where: str, table: "ibis.Table", loaded: Loaded, key: bytes) -> "ibis.Table":
    """Replace the workplace numbers; each distinct spelling is checked and keyed once."""

    def hide(cell: str) -> dict[str, object]:
        return {"workplace": pseudonym(cell, key=key)}

    rule = "must be an organisation number: nine digits, the last a right control digit"
    types = {"workplace": "string"}
    return _look_up(where, table, NUMBER, loaded, translate=hide, types=types, rule=rule)


def _look_up(
    where: str,
    table: "ibis.Table",
    column: str,
    loaded: Loaded,
    *,
    translate: Callable[[str], dict[str, object]],
    types: dict[str, str],
    rule: str,
) -> "ibis.Table":
    """Replace a column by what Python makes of its distinct cells.

    `translate` raises ValueError for a cell that breaks `rule`.
    """
    import ibis

    listed = loaded.cells.get(column)
    if listed is None:
        cells = table.select(column).distinct().to_pyarrow()[column].to_pylist()
        keys: Sequence[object] = cells
    else:
        cells, keys = listed, range(len(listed))
    known: dict[str, list[object]] = {name: [] for name in (column, *types)}
    n_wrong = 0
    for in_table, cell in zip(keys, cells, strict=True):
        try:
            made = translate("" if cell is None else str(cell))
        except ValueError:
            n_wrong += 1
            continue
        for name, value in {column: in_table, **made}.items():
            known[name].append(value)
    made_from = ibis.memtable(known, schema={column: table[column].type(), **types})
    if n_wrong:
        # joined, not listed: a column of other numbers has as many wrong cells as rows
        at_fault = table.anti_join(made_from, column).mutate(cell=ibis._[column])
        count = _scalar(at_fault.count())
        raise _fault(where, at_fault, column, rule=rule, count=count, listed=listed)
    return table.join(made_from, column).drop(column)


def _fault(
    where: str,
    at_fault: "ibis.Table",
    column: str,
    *,
    rule: str,
    count: int,
    listed: Sequence[object] | None = None,
) -> DataError:
    """Say where the first bad rows stand, and nothing of what is in them.

    Row 1 is the header, `cell` what is bad in a row: a text could be anything, also a number of a
    workplace in a column of figures.
    """
    first = at_fault.select("row", "cell").order_by("row").limit(3)
    found = first.to_pyarrow().to_pylist()
    rows = ", ".join(str(record["row"]) for record in found)
    more = f" and {count - len(found)} more" if count > len(found) else ""
    cell = found[0]["cell"] if listed is None else listed[found[0]["cell"]]
    got = "an empty cell" if cell is None else "another value"
    place = f"{where}: {'rows' if count > 1 else 'row'} {rows}{more}, column {column}"
    return DataError(place, rule, got=got)


@contextmanager
def scanning(where: str) -> Iterator[None]:
    """Turn an engine's failure to read a file into one message; its own quotes the file's lines."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        raise DataError(
            where,
            "must be a whole, readable file",
            got=type(error).__name__,
            fix="export it again",
        ) from None


def _scalar(expression: "ibis.Scalar") -> int:
    """Run an expression that gives one number."""
    return int(expression.to_pyarrow().as_py() or 0)
