"""One raw register extract: columns, numbers, quarters and workplace numbers checked.

Only the distinct workplace numbers and quarters of the file are looked at, by Python and batch by
batch, checked and given their pseudonym and their place in time; the join with those small tables
is the door behind which no workplace number exists.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.faults import FAULTS
from bayes_sf.inputs.files.delimited import CsvFormat
from bayes_sf.inputs.files.headers import match_columns
from bayes_sf.inputs.files.numerals import as_number, find_decimal_mark
from bayes_sf.inputs.pseudonym import mask_numbers, pseudonyms
from bayes_sf.inputs.register.compiled import see, show
from bayes_sf.inputs.register.connection import keep_rows, with_function
from bayes_sf.inputs.register.quarters import N_QUARTERS, parse_quarter, working_days
from bayes_sf.inputs.register.source import Loaded, Source, open_source
from bayes_sf.inputs.register.spark import failure_of_spark

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
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

_UNREADABLE: Final = "unreadable "
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
    faults : mapping
        Rows with each of `bayes_sf.inputs.faults`' `FAULTS`.
    """

    where: str
    rows: "ibis.Table"
    has_head_count: bool
    aside: tuple[str, ...]
    declared_missing: int
    source: Source
    is_kept: bool
    faults: Mapping[str, int]


def open_extract(
    connection: "Backend",
    path: Path,
    *,
    key: bytes,
    mapping: Mapping[str, str],
    decimal: str | None = None,
    embedded: "Backend | None" = None,
) -> Extract:
    """Open one extract and check all of it.

    Parameters
    ----------
    connection : ibis backend
        Embedded DuckDB, or Spark.
    path : pathlib.Path
        The file.
    key : bytes
        Secret key of the pseudonyms.
    mapping : mapping
        Our column name to theirs.
    decimal : {",", "."}, optional
        Decimal mark of a CSV that leaves it open.
    embedded : ibis backend, optional
        Beside Spark, the DuckDB that reads what is not Parquet.

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
        # text and workbooks are read by one process; Spark is given what it has checked
        door = connection if source.kind == "parquet" else embedded or connection
        loaded = source.load(door, used, coded=(NUMBER, QUARTER))
        table = loaded.table
        if not _scalar(door, _count, table):
            raise DataError(where, "must have at least one row below its header", got="none")
        table, faults = _with_numbers(door, where, table, source.layout, decimal)
        table = _with_quarters(door, where, table, loaded)
        table = _with_pseudonyms(door, where, table, loaded, key)
        if not has_head_count:
            table = table.mutate(n_employees=ibis.null("float64"))
        is_kept = bool(loaded.cells)
        if is_kept:
            table = keep_rows(connection, ibis.util.gen_name("extract"), table)
            door.raw_sql(f"drop table {loaded.table.get_name()}")
        elif connection.name == "duckdb":  # named, so that queries on it are compiled once
            table = connection.create_view(ibis.util.gen_name("extract"), table)
        source.verify()
    return Extract(
        where, table, has_head_count, aside, loaded.declared_missing, source, is_kept, faults
    )


def _with_numbers(
    connection: "Backend",
    where: str,
    table: "ibis.Table",
    layout: CsvFormat | None,
    decimal: str | None,
) -> "tuple[ibis.Table, dict[str, int]]":
    """Give every figure as a float; a cell that is not a number of days or heads is an error.

    Beside them, in how many rows figures contradict one another, by fault.
    """
    import ibis

    columns = tuple(name for name in (*DAYS, HEAD_COUNT) if name in table.columns)
    texts = [name for name in columns if table[name].type().is_string()]
    mark = find_decimal_mark(where, table, texts, layout, decimal)
    counts = show(connection, _look_at, table, columns, mark).to_pylist()[0]
    if counts.pop("unfit"):
        read = _read(table, columns, mark)
        rules = _rules(read, columns, mark)
        found = show(connection, _count_unfit, table, columns, mark).to_pylist()[0].values()
        (name, rule, bad), _ = next(pair for pair in zip(rules, found, strict=True) if pair[1])
        same = sum(n or 0 for n, (_, each, _) in zip(found, rules, strict=True) if each == rule)
        at_fault = read.filter(bad).mutate(cell=ibis.literal("not shown"))
        raise _fault(where, at_fault, name, rule=rule, count=same)
    figures = see(connection, ibis.util.gen_name("figures"), _as_figures, table, columns, mark)
    return figures, {name: int(count or 0) for name, count in counts.items()}


def _read(table: "ibis.Table", columns: Sequence[str], mark: str) -> "ibis.Table":
    """Columns as floats, and beside each whether a cell of it cannot be read."""
    made: dict[str, ibis.Column] = {}
    for name in columns:
        if table[name].type().is_string():
            made[name], made[_UNREADABLE + name] = as_number(table[name], mark)
        else:
            value = table[name].cast("float64")
            made[name] = value.isnan().ifelse(None, value)
            made[_UNREADABLE + name] = value.isinf()
    return table.mutate(**made)


def _rules(
    read: "ibis.Table", columns: Sequence[str], mark: str
) -> "list[tuple[str, str, ibis.Column]]":
    """Of which column which rule is broken where."""
    readable = f"must be a number with decimal mark '{mark}' or empty"
    rules: list[tuple[str, str, ibis.Column]] = []
    for name in columns:
        huge = read[name].abs() >= HUGE
        rules += [
            (name, readable, read[_UNREADABLE + name]),
            (name, f"must be below {HUGE:.0e}", huge),
        ]
    tiny = (read[CONTRACTED] > 0) & (read[CONTRACTED] < TINY)
    rules.append((CONTRACTED, f"must be 0 or at least {TINY:.0e} days", tiny))
    return rules


def _look_at(table: "ibis.Table", columns: Sequence[str], mark: str) -> "ibis.Table":
    """Whether any cell breaks a rule, and how many rows contradict themselves: in one scan."""
    import ibis

    read = _read(table, columns, mark)
    days = read[CONTRACTED]
    unfit = [((days > 0) & (days < TINY)).any()]
    unfit += [read[name].abs().max() >= HUGE for name in columns]  # infinity among them
    unfit += [read[_UNREADABLE + n].any() for n in columns if table[n].type().is_string()]
    if HEAD_COUNT not in columns:
        read = read.mutate(**{HEAD_COUNT: ibis.null("float64")})
    return read.agg(
        unfit=reduce(or_, [rule.fill_null(False) for rule in unfit]),
        **{name: fault(read).sum() for name, fault in FAULTS.items()},
    )


def _count_unfit(table: "ibis.Table", columns: Sequence[str], mark: str) -> "ibis.Table":
    """How many cells break each rule."""
    rules = _rules(_read(table, columns, mark), columns, mark)
    return _read(table, columns, mark).agg(
        **{f"f{i}": bad.sum() for i, (_, _, bad) in enumerate(rules)}
    )


def _as_figures(table: "ibis.Table", columns: Sequence[str], mark: str) -> "ibis.Table":
    """Columns as floats."""
    return _read(table, columns, mark).drop(*(_UNREADABLE + name for name in columns))


def _with_quarters(
    connection: "Backend", where: str, table: "ibis.Table", loaded: Loaded
) -> "ibis.Table":
    """Place each row in time."""

    def more(quarter: "ibis.Column") -> "dict[str, ibis.Column]":
        import ibis

        days = [(index, working_days(index)) for index in range(N_QUARTERS)]
        bits = [(index, ibis.literal(1 << index, "int64")) for index in range(N_QUARTERS)]
        length = quarter.cases(*days, else_=None).cast("int16")
        return {"bit": quarter.cases(*bits, else_=None), "working_days": length}

    rule = "must be a quarter of 2015-2029 such as 20161, 2016K1, 2016-1 or 2016Q1"
    gives = {"quarter": "int16"}
    return _look_up(
        connection, where, table, QUARTER, loaded, read=_quarters, gives=gives, rule=rule, more=more
    )


def _quarters(cells: "pa.Array") -> list[int | None]:
    """Places of quarters in time; None for what is none."""
    found: list[int | None] = []
    for cell in cells.to_pylist():
        try:
            found.append(parse_quarter(str(cell)))
        except ValueError:
            found.append(None)
    return found


def _with_pseudonyms(
    connection: "Backend", where: str, table: "ibis.Table", loaded: Loaded, key: bytes
) -> "ibis.Table":
    """Replace the workplace numbers; each distinct spelling is checked and keyed once."""
    rule = "must be an organisation number: nine digits, the last a right control digit"
    gives = {"workplace": "string"}
    return _look_up(
        connection, where, table, NUMBER, loaded,
        read=partial(pseudonyms, key=key), gives=gives, rule=rule,
    )  # fmt: skip


def _look_up(
    connection: "Backend",
    where: str,
    table: "ibis.Table",
    column: str,
    loaded: Loaded,
    *,
    read: "Callable[[pa.Array], Sequence[object]]",
    gives: dict[str, str],
    rule: str,
    more: "Callable[[ibis.Column], dict[str, ibis.Column]]" = lambda _: {},
) -> "ibis.Table":
    """Replace a column by what Python reads in its distinct cells, and by `more` of that.

    `read` gives None for a cell that breaks `rule`.
    """
    import ibis
    import pyarrow as pa

    ((name, kind),) = gives.items()
    listed = loaded.cells.get(column)
    if listed is None:
        cells = table.select(column).distinct()
        made = with_function(connection, cells[column], read, kind)
        known = keep_rows(connection, ibis.util.gen_name("known"), cells.mutate(**{name: made}))
        is_wrong = _scalar(connection, _count_unread, known, name) > 0
    else:
        values = read(pa.array(listed))
        known = ibis.memtable(
            {column: range(len(listed)), name: values},
            schema={column: table[column].type(), **gives},
        )
        is_wrong = None in values
    right = known.filter(known[name].notnull())
    if is_wrong:
        # joined, not listed: a column of other numbers has as many wrong cells as rows
        at_fault = table.anti_join(right, column).mutate(cell=ibis._[column])
        count = int(at_fault.count().to_pyarrow().as_py())
        raise _fault(where, at_fault, column, rule=rule, count=count, listed=listed)
    return table.join(right.mutate(**more(right[name])), column).drop(column)


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
    except Exception as error:
        if (said := failure_of_spark(where, error)) is None:
            raise
        raise said from None


def _scalar(
    connection: "Backend", build: Callable[..., "ibis.Table"], table: "ibis.Table", *arguments: Any
) -> int:
    """Compute a table of one number."""
    return int(show(connection, build, table, *arguments)[0][0].as_py())


def _count(table: "ibis.Table") -> "ibis.Table":
    """How many rows there are."""
    return table.agg(n=table.count())


def _count_unread(known: "ibis.Table", name: str) -> "ibis.Table":
    """How many distinct cells Python made nothing of."""
    return known.agg(n=known.count() - known[name].count())
