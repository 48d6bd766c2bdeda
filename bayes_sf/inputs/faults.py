"""Figures of the register that contradict one another: counted and placed, never mended.

Examples
--------
>>> list(FAULTS)[:2]
['negative days', 'lost days above contracted days']
"""

from functools import reduce
from itertools import islice
from operator import and_, or_
from typing import TYPE_CHECKING, Final

from bayes_sf.inputs.register.compiled import show
from bayes_sf.inputs.register.outcomes import nearest_whole
from bayes_sf.inputs.register.quarters import quarter_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import ibis
    import pandas as pd
    from ibis.backends.duckdb import Backend

__all__ = ["FAULTS", "find_faults", "join_problems", "problem", "problem_table"]

AGES: Final = ("16_29", "30_49", "50_69")
PLACES = 3
SAME = 1e-6

SUMS: Final = {
    "mdagsv": tuple(f"mdag_{age}" for age in AGES),
    "mdag_kv": tuple(f"mdag_KVINNER_{age}" for age in AGES),
    "sfdagsvj": tuple(f"tdv_{age}" for age in AGES),
    "td_kv": tuple(f"tdv_KVINNER_{age}" for age in AGES),
}
"""Whole to the age groups that add up to it."""

WOMEN: Final = {"mdagsv": ("mdag_kv",), "sfdagsvj": ("td_kv",)}
"""Whole to its women."""


#: By how much a sum of four figures may be off at least: what is nearer needs no closer look.
_CLOSE: Final = 0.05 * 4 + SAME


def _above(table: "ibis.Table", part: str, whole: str) -> "ibis.Column":
    """Where one column exceeds another, which rounding never makes it do; missing counts as not."""
    return table[part] > table[whole]


def _rounding(table: "ibis.Table", names: "Sequence[str]") -> "ibis.Column":
    """How far rounding cell by cell moves a sum: by whole days, or at most by tenths of them."""
    decimals = sum(
        (table[name] - nearest_whole(table[name])).abs().fill_null(0.0) for name in names
    )
    return (decimals > SAME).ifelse(0.05, 0.5) * len(names) + SAME


def _exceeds(table: "ibis.Table", excess: "ibis.Column", whole: str) -> "ibis.Column":
    """Where a sum is off by more than rounding, which few rows have to be looked at for."""
    names = [whole, *SUMS[whole]]
    return (excess > _CLOSE).ifelse(excess > _rounding(table, names), False)


def _ages_above(table: "ibis.Table", whole: str) -> "ibis.Column":
    """Where the age groups that are given exceed the whole."""
    total = sum(table[part].fill_null(0.0) for part in SUMS[whole])
    return _exceeds(table, total - table[whole], whole)


def _ages_unlike(table: "ibis.Table", whole: str) -> "ibis.Column":
    """Where all age groups are given, and are not the whole."""
    total = sum(table[part] for part in SUMS[whole])
    return _exceeds(table, (total - table[whole]).abs(), whole)


def _given(table: "ibis.Table", name: str) -> "ibis.Column":
    """Where a figure is not missing."""
    return table[name].notnull()  # noqa: PD004, of Ibis


def _gap(table: "ibis.Table", whole: str) -> "ibis.Column":
    """Where some age groups are given, and others are not."""
    given = [_given(table, part) for part in SUMS[whole]]
    return _any(given) & ~reduce(and_, given)


def _total_gap(table: "ibis.Table", whole: str) -> "ibis.Column":
    """Where a total is missing, and an age group of it or its women are given."""
    parts = (*SUMS[whole], *WOMEN.get(whole, ()))
    return ~_given(table, whole) & _any([_given(table, part) for part in parts])


def _any(flags: "list[ibis.Column]") -> "ibis.Column":
    """Where at least one condition holds."""
    return reduce(or_, flags)


def _negative(table: "ibis.Table") -> "ibis.Column":
    import ibis

    columns = [name for name in table.columns if name.startswith(("mdag", "td", "sfdag"))]
    return ibis.least(*(table[name] for name in columns)) < 0


FAULTS: Final[dict[str, "Callable[[ibis.Table], ibis.Column]"]] = {
    "negative days": _negative,
    "lost days above contracted days": lambda t: _above(t, "sfdagsvj", "mdagsv"),
    "no contracted days": lambda t: t.mdagsv <= 0,
    "women's days above all days": lambda t: (
        _above(t, "mdag_kv", "mdagsv") | _above(t, "td_kv", "sfdagsvj")
    ),
    "age groups above all ages": lambda t: _ages_above(t, "mdagsv") | _ages_above(t, "sfdagsvj"),
    "women's age groups above all women": lambda t: (
        _ages_above(t, "mdag_kv") | _ages_above(t, "td_kv")
    ),
    "women of an age above all of that age": lambda t: _any(
        [
            _above(t, f"{women}_{age}", f"{everyone}_{age}")
            for women, everyone in (("mdag_KVINNER", "mdag"), ("tdv_KVINNER", "tdv"))
            for age in AGES
        ]
    ),
    "age groups that are not all ages": lambda t: (
        _ages_unlike(t, "mdagsv") | _ages_unlike(t, "sfdagsvj")
    ),
    "women's age groups that are not all women": lambda t: (
        _ages_unlike(t, "mdag_kv") | _ages_unlike(t, "td_kv")
    ),
    "an age group missing beside others": lambda t: _any([_gap(t, x) for x in SUMS]),
    "a total missing beside its parts": lambda t: _any([_total_gap(t, x) for x in SUMS]),
    "negative head count": lambda t: t.n_employees < 0,
}
"""Rule to an Ibis condition on the raw columns of table 7."""

_OUTSIDE: Final = "outside the period"
CONSEQUENCES: Final = {
    "no contracted days": "the quarter has no absence",
    "an age group missing beside others": "missing",
    "a total missing beside its parts": "missing",
    _OUTSIDE: "kept in quarters, not in the outcomes",
}


def find_faults(
    connection: "Backend",
    where: str,
    counts: "Mapping[str, int]",
    rows: "ibis.Table",
    period: range,
) -> "pd.DataFrame":
    """Place every fault of one extract that was counted, by one look-up for each.

    Parameters
    ----------
    connection : ibis backend
        Where the rows are.
    where : str
        The file's name.
    counts : mapping
        Rows with each of `FAULTS`.
    rows : ibis.Table
        Raw number columns with `workplace` and `quarter`.
    period : range
        Quarters that count.

    Returns
    -------
    pandas.DataFrame
        One row per fault found, see `problem`.
    """
    outside = show(connection, _count_outside, rows, period)["n"][0].as_py() or 0
    records = []
    for name, count in {**counts, _OUTSIDE: outside}.items():
        if not count:
            continue
        at_fault = rows.filter(_condition(rows, name, period)).select("workplace", "quarter")
        first = at_fault.order_by(["workplace", "quarter"]).limit(PLACES).to_pyarrow().to_pandas()
        records.append(
            problem(
                where,
                name,
                rows=int(count),
                places=zip(first["workplace"], first["quarter"], strict=True),
                consequence=CONSEQUENCES.get(name, "used as it stands"),
            )
        )
    return problem_table(records)


def _count_outside(rows: "ibis.Table", period: range) -> "ibis.Table":
    """How many rows are of quarters that do not count."""
    return rows.agg(n=_condition(rows, _OUTSIDE, period).sum())


def _condition(rows: "ibis.Table", name: str, period: range) -> "ibis.Column":
    """Where a row has a fault."""
    if name == _OUTSIDE:
        return ~rows.quarter.between(period.start, period.stop - 1)
    return FAULTS[name](rows)


def problem(
    where: str,
    fault: str,
    *,
    rows: int,
    places: "Iterable[tuple[str, int | None]]",
    consequence: str,
) -> dict[str, object]:
    """Make one line of the table of problems.

    Parameters
    ----------
    where, fault, consequence : str
        The file, what is wrong, and what the package does about it.
    rows : int
        How many rows.
    places : iterable of (str, int or None)
        Pseudonyms with quarters; the first three are shown.

    Returns
    -------
    dict
        `file, fault, rows, places, consequence`.
    """
    shown = [
        workplace if quarter is None else f"{workplace} {quarter_name(int(quarter))}"
        for workplace, quarter in islice(places, PLACES)
    ]
    return {
        "file": where,
        "fault": fault,
        "rows": rows,
        "places": "; ".join(shown),
        "consequence": consequence,
    }


def problem_table(records: list[dict[str, object]]) -> "pd.DataFrame":
    """Give problems as a table that has its columns even when empty."""
    import pandas as pd

    return pd.DataFrame(records, columns=["file", "fault", "rows", "places", "consequence"])


def join_problems(tables: "Sequence[pd.DataFrame]") -> "pd.DataFrame":
    """Put tables of problems under one another."""
    import pandas as pd

    found = [table for table in tables if len(table)]
    return pd.concat(found, ignore_index=True) if found else problem_table([])
