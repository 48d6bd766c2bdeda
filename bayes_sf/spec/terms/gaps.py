"""Gaps: rows without a value in one of a model's columns are left out, as R does, and counted.

A gap is what a frame's library has for no value: None, NaN, NaT, pandas' NA, a null. An empty text
is none, nor is infinity: the first is refused where it would name a category or a group, the second
where a number is meant, because what they stand for is not ours to say.

Examples
--------
>>> import pandas as pd
>>> df = pd.DataFrame({"y": [1.0, None, 3.0, 2.0], "x": [1.0, 2.0, None, 0.0], "g": list("aabb")})
>>> whole, gaps = drop_gaps(df, [("g",)])
>>> len(whole), str(gaps)
(2, '2 of 4 rows are left out, for gaps in y (1), x (1); by g: a (1), b (1)')
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.errors import DataError, MissingWarning, legible
from bayes_sf.inputs.own_table import whole_numbers
from bayes_sf.inputs.register.connection import quietly

if TYPE_CHECKING:
    import narwhals as nw
    import pandas as pd

__all__ = [
    "NO_GAP", "Gaps", "count_gaps", "drop_gaps", "gaps_by_group", "has_gap", "settled",
    "warn_of_gaps", "whole_rows",
]  # fmt: skip

#: What `error` asks of a model's columns.
NO_GAP: Final = "must have no gap in the model's columns"
#: Columns, and groups, that a line names.
_NAMED: Final = 6
#: Where a warning is not said to come from.
_PACKAGE: Final = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True)
class Gaps:
    """Rows that were left out for a gap.

    Parameters
    ----------
    n_rows : int
        Rows of the frame.
    n_dropped : int
        Of these, left out.
    by_column : mapping of str to int
        Rows with a gap in each of the model's columns that has one; a row may have several.
    by_group : mapping of str to mapping
        By grouping factor: rows left out of each level; rows without a level are in none.
    lost : mapping of str to tuple of str
        By grouping factor: levels of which no row is left.
    """

    n_rows: int
    n_dropped: int = 0
    by_column: Mapping[str, int] = field(default_factory=dict)
    by_group: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    lost: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def columns_said(self) -> str:
        """Columns and their gaps, most first: ``x (2), y (1)``."""
        return legible(_most(self.by_column))

    @property
    def groups_said(self) -> dict[str, str]:
        """By grouping factor: levels and the rows they lost, most first."""
        return {name: legible(_most(counts)) for name, counts in self.by_group.items() if counts}

    @property
    def lost_said(self) -> dict[str, str]:
        """By grouping factor: levels of which no row is left."""
        return {name: legible(_first(levels)) for name, levels in self.lost.items() if levels}

    def __str__(self) -> str:
        """One line."""
        said = f"{self.n_dropped} of {self.n_rows} rows are left out"
        if self.n_dropped:
            said += f", for gaps in {self.columns_said}"
        said += "".join(f"; by {name}: {counts}" for name, counts in self.groups_said.items())
        for name, levels in self.lost_said.items():
            said += f"; no row is left of {name} {levels}"
        return said

    def check(self, missing: str) -> None:
        """Refuse gaps that are not to be dropped, and those that leave nothing.

        Parameters
        ----------
        missing : {"", "drop", "error"}
            What becomes of rows with gaps; unsaid, they are refused.

        Raises
        ------
        DataError
            With every column that has a gap.
        """
        if not self.n_dropped:
            return
        columns = legible(_most({f"'{name}'": n for name, n in self.by_column.items()}))
        got = f"{self.n_dropped} of {self.n_rows} rows with gaps in {columns}"
        if missing != "drop":
            raise DataError(
                "data", NO_GAP, got=got,
                fix="impute these, or leave their rows out by missing='drop'",
            )  # fmt: skip
        if self.n_dropped == self.n_rows:
            rule = "must have a row without a gap in the model's columns"
            raise DataError("data", rule, got=got, fix="leave a column out, or impute it")


def _most(counts: Mapping[str, int]) -> str:
    """Names and counts, the largest first, and how many more there are."""
    order = sorted(counts, key=lambda name: -counts[name])
    return _first([f"{name} ({counts[name]})" for name in order])


def _first(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def has_gap(column: "pd.Series[Any]") -> NDArray[np.bool_]:
    """Which rows of a column have no value, (n,).

    Parameters
    ----------
    column : pandas.Series
        Of any type.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
        return np.asarray(np.isnan(column.to_numpy()))
    found = column.isna().to_numpy(dtype=bool)
    if not isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
        # NaN, which pandas takes for no gap in Arrow's floats and its own nullable ones
        found = found | np.isnan(column.to_numpy(float, na_value=np.nan))
    return found


def settled(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """A column's values without gaps, whole numbers as such: gaps had made floats of them.

    Parameters
    ----------
    column : pandas.Series
        Of a column that had gaps, the rows that have none.
    """
    if column.dtype.kind != "f":
        return column
    values = whole_numbers(column.to_numpy(float))
    return column if values.dtype.kind == "f" else column.astype(values.dtype)


def drop_gaps(
    frame: "pd.DataFrame", factors: Iterable[Sequence[str]], *, missing: str = "drop"
) -> "tuple[pd.DataFrame, Gaps]":
    """Leave out the rows of a frame that have a gap in any column, and count them.

    Parameters
    ----------
    frame : pandas.DataFrame
        A model's columns, and no others.
    factors : iterable of sequences of str
        Columns of each grouping factor: ``("a", "b")`` of ``a:b``.
    missing : {"drop", "error"}
        What becomes of rows with gaps.

    Returns
    -------
    frame : pandas.DataFrame
        Rows without gaps, numbered from 0.
    gaps : Gaps

    Raises
    ------
    DataError
        As `Gaps.check`.
    """
    holes = {str(name): has_gap(frame[name]) for name in frame.columns}
    by_column = {name: int(found.sum()) for name, found in holes.items() if found.any()}
    if not by_column:
        return frame, Gaps(len(frame))
    out = np.logical_or.reduce(list(holes.values()))
    by_group, lost = {}, {}
    for columns in dict.fromkeys(tuple(each) for each in factors):
        known = ~np.logical_or.reduce([holes[name] for name in columns])
        names = _levels(frame[known], columns)
        counts = names[out[known]].value_counts(sort=False)
        by_group[":".join(columns)] = {level: int(counts[level]) for level in sorted(counts.index)}
        lost[":".join(columns)] = tuple(sorted(set(names) - set(names[~out[known]])))
    gaps = Gaps(len(frame), int(out.sum()), by_column, by_group, lost)
    gaps.check(missing)
    left = frame[~out].reset_index(drop=True)
    return left.assign(**{name: settled(left[name]) for name in by_column}), gaps


def _levels(frame: "pd.DataFrame", columns: Sequence[str]) -> "pd.Series[str]":
    """Names of the levels of rows that all have one."""
    names = settled(frame[columns[0]]).astype(object).map(str)
    for column in columns[1:]:
        names = names + ":" + settled(frame[column]).astype(object).map(str)
    return names


def _is_gap(table: "nw.LazyFrame[Any]", name: str) -> "nw.Expr":
    """Whether a column of a table that stays where it is has no value."""
    import narwhals as nw

    gap = nw.col(name).is_null()
    return gap | nw.col(name).is_nan() if table.collect_schema()[name].is_float() else gap


def count_gaps(table: "nw.LazyFrame[Any]", names: Sequence[str]) -> tuple[int, dict[str, int]]:
    """Count the rows of a table that stays where it is, and those with a gap in each column.

    Parameters
    ----------
    table : narwhals.LazyFrame
        Of `sums.open_table`.
    names : sequence of str
        Columns.

    Returns
    -------
    n_rows : int
    by_column : dict
        Columns that have gaps.
    """
    import narwhals as nw

    asked = {f"c{i}": _is_gap(table, name).cast(nw.Int64).sum() for i, name in enumerate(names)}
    with quietly():
        found = table.select(n=nw.len(), **asked).collect("pyarrow").to_pandas().fillna(0).iloc[0]
    counts = {name: int(found[f"c{i}"]) for i, name in enumerate(names)}
    return int(found["n"]), {name: count for name, count in counts.items() if count}


def gaps_by_group(
    table: "nw.LazyFrame[Any]", by_column: Mapping[str, int], n_rows: int, group: str
) -> Gaps:
    """Count rows with gaps of a table that stays where it is, by group.

    Parameters
    ----------
    table : narwhals.LazyFrame
        Of `sums.open_table`.
    by_column : mapping
        Columns that have gaps, of `count_gaps`.
    n_rows : int
        Rows of the table.
    group : str
        The grouping factor.
    """
    import narwhals as nw

    if not by_column:
        return Gaps(n_rows)
    out = _any_gap(table, by_column).cast(nw.Int64)
    counted = table.select(nw.col(group).alias("g"), out=out).group_by("g")
    with quietly():
        found = counted.agg(nw.len().alias("n"), nw.col("out").sum()).collect("pyarrow").to_pandas()
    known = found[~has_gap(found["g"])]
    names = settled(known["g"]).astype(object).map(str)
    levels = sorted(zip(names, known["n"], known["out"], strict=True))
    return Gaps(
        n_rows, int(found["out"].sum()), by_column,
        {group: {name: int(dropped) for name, _, dropped in levels if dropped}},
        {group: tuple(name for name, n, dropped in levels if n == dropped)},
    )  # fmt: skip


def _any_gap(table: "nw.LazyFrame[Any]", names: Iterable[str]) -> "nw.Expr":
    first, *others = (_is_gap(table, name) for name in names)
    for gap in others:
        first = first | gap
    return first


def whole_rows(table: "nw.LazyFrame[Any]", names: Iterable[str]) -> "nw.LazyFrame[Any]":
    """Rows without a gap in these columns of a table that stays where it is.

    Parameters
    ----------
    table : narwhals.LazyFrame
        Of `sums.open_table`.
    names : iterable of str
        Columns; none for all rows.
    """
    names = list(names)
    return table.filter(~_any_gap(table, names)) if names else table


def warn_of_gaps(gaps: Gaps | None) -> None:
    """Say how many rows were left out.

    Parameters
    ----------
    gaps : Gaps or None
        None where none were looked for.

    Warns
    -----
    MissingWarning
        One line, where there are any.
    """
    if gaps is not None and gaps.n_dropped:
        warnings.warn(
            str(gaps), MissingWarning, stacklevel=2, skip_file_prefixes=(_PACKAGE,)
        )  # fmt: skip
