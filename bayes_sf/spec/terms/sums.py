"""Sums of a table's columns by group, where the table is: rows do not come to Python.

One grouped query, written once by Narwhals, runs where the data are: in DuckDB (also for a Parquet
file), in Polars, in Spark, or in whatever Ibis speaks to. Rows are checked in the same query: gaps
are counted, and what is no finite number shows in the sums.

Columns are shifted by the medians of the first rows before they are multiplied, so that a mean of
1e8 beside an sd of 1 costs no digit. What this cannot save are groups that differ by more than 100
times the spread within them: another query then takes deviations from each group's own mean.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError
from bayes_sf.inputs.files.tabular import parquet_columns
from bayes_sf.inputs.register.connection import quietly
from bayes_sf.inputs.register.spill import BELIEVE_NO_STATISTICS, spilling
from bayes_sf.spec.terms.columns import (
    OF_A_GROUP,
    code_groups,
    expand,
    frame_from,
    missing_category,
)

if TYPE_CHECKING:
    import narwhals as nw
    import pandas as pd

__all__ = [
    "Column", "Columns", "Sums", "design_columns", "first_values", "is_remote", "open_table",
    "sum_columns",
]  # fmt: skip


#: Rows that are looked at to choose the shift, and to see what kind of outcome there is.
_FIRST: Final = 1000
#: Cross products are summed by group up to so many numbers, else once for all in a second query.
_WHOLE: Final = 2_000_000
#: Share of a column's sum of squares that is within groups, below which its digits are at risk.
_AT_RISK: Final = 1e-4


def is_remote(data: Any) -> bool:
    """Whether data are a table that can be asked for sums: a path, or what Narwhals calls lazy.

    Parameters
    ----------
    data
        Anything that `fit` takes.

    Examples
    --------
    >>> is_remote("pupils.parquet"), is_remote({"x": [1.0]})
    (True, False)
    """
    import narwhals as nw

    if isinstance(data, str | Path):
        return True
    try:
        return isinstance(nw.from_native(data, pass_through=True), nw.LazyFrame)
    except nw.exceptions.DuplicateError:  # a frame's columns are checked where they are read
        return False


def open_table(data: Any) -> "nw.LazyFrame[Any]":
    """Open a table without reading its rows.

    Parameters
    ----------
    data : path or lazy table
        A Parquet file; a DuckDB relation, a Polars LazyFrame, a Spark DataFrame or an Ibis table.

    Raises
    ------
    DataError
        For a file that is not there, or is no Parquet, and for two columns of one name.
    """
    import narwhals as nw

    if not isinstance(data, str | Path):
        lazy: nw.LazyFrame[Any] = nw.from_native(data)
        try:
            lazy.collect_schema()
        except nw.exceptions.DuplicateError:
            raise _repeated("data") from None
        return lazy
    path = Path(data)
    if path.suffix.lower() != ".parquet":
        raise DataError(
            str(data), "must be a Parquet file to be fitted where it lies",
            got=path.suffix or str(path),
            fix="read other files into a data frame first; samples are what load_sample gives",
        )  # fmt: skip
    if not path.is_file():
        raise DataError(str(data), "must be a file", got="nothing of that name")
    import duckdb

    # A path is a name and no pattern, and folders' names are no columns.
    literal = re.sub(r"([\[*?])", r"[\1]", str(path.absolute()))
    engine = duckdb.connect(config=spilling())
    engine.execute(BELIEVE_NO_STATISTICS)
    try:
        table = engine.read_parquet(literal, hive_partitioning=False)
    except duckdb.Error as error:
        raise DataError(
            str(data), "must be a whole, readable Parquet file", got=type(error).__name__
        ) from None
    names = parquet_columns(path)  # of two of one name DuckDB renames one
    if len(set(names)) < len(names):
        raise _repeated(str(data))
    return nw.from_native(table)


def _repeated(where: str) -> DataError:
    return DataError(where, "must have columns of different names", fix="drop or rename the others")


@dataclass(frozen=True)
class Column:
    """A column of a design.

    Parameters
    ----------
    name : str
        The table's column that it is made of.
    coded : bool
        Whether that column's numbers are codes of categories.
    label : str
        Its own name: the column's, or ``x[level]``.
    """

    name: str
    coded: bool
    label: str


#: Columns of several designs, and how the table computes them.
type Columns = dict[Column, "nw.Expr"]


@dataclass(frozen=True, eq=False)
class Sums:
    """What k columns come to in J groups.

    Parameters
    ----------
    groups : tuple of str
        In alphabetical order.
    sizes : (J,) float array
        Rows.
    shift : (k,) float array
        What was taken from every column.
    means : (J, k) float array
        Means of the shifted columns.
    within : (k, k) float array
        Cross products of deviations from the groups' means, over all groups.
    """

    groups: tuple[str, ...]
    sizes: Floats
    shift: Floats
    means: Floats
    within: Floats


def design_columns(
    table: "nw.LazyFrame[Any]", name: str, *, coded: bool, is_outcome: bool = False
) -> Iterator[tuple[Column, "nw.Expr"]]:
    """Give one variable's columns: itself, or a dummy for each category but the first.

    Parameters
    ----------
    table : narwhals.LazyFrame
        Of `open_table`.
    name : str
        The variable.
    coded : bool
        Whether numbers are codes of categories.
    is_outcome : bool
        Whether it must hold numbers.

    Raises
    ------
    DataError
        For what is no number where one must be, and as `columns.expand`.
    """
    import narwhals as nw

    kind = table.collect_schema()[name]
    if not coded and (kind.is_numeric() or kind == nw.Boolean):
        yield Column(name, coded, name), nw.col(name).cast(nw.Float64)
        return
    if is_outcome or not (coded or kind in {nw.String, nw.Categorical, nw.Enum}):
        rule, fix = "must hold numbers", "convert it to numbers first"
        raise DataError(f"column {name!r}", rule, got=str(kind), fix=fix)
    gaps = int(_collect(table.select(nw.col(name).is_null().cast(nw.Int64).sum()))[name].sum())
    levels = frame_from(table.select(name).drop_nulls().unique().to_native(), [name])
    dummies = expand(levels, name, coded=coded)
    if gaps:
        raise missing_category(name, gaps)
    values = levels[name].tolist()
    for label, is_level in dummies:
        is_in = nw.col(name) == values[int(is_level.argmax())]
        yield Column(name, coded, label), is_in.cast(nw.Float64)


def first_values(table: "nw.LazyFrame[Any]", name: str) -> Floats:
    """Numbers of a column's first rows.

    Parameters
    ----------
    table : narwhals.LazyFrame
        Of `open_table`.
    name : str
        A column of numbers without gaps.
    """
    return _collect(table.select(name).head(_FIRST))[name].to_numpy(float)


def sum_columns(table: "nw.LazyFrame[Any]", group: str, columns: Columns) -> Sums:
    """Ask the table what columns come to, by group.

    Parameters
    ----------
    table : narwhals.LazyFrame
        Of `open_table`.
    group : str
        Column of the groups.
    columns : dict
        Columns of a design, and how the table computes them.

    Raises
    ------
    DataError
        For a table without rows, a gap, a number that is not finite or has no square, groups
        without names of their own.
    """
    width, kind = len(columns), table.collect_schema()[group]
    if kind.is_nested():
        raise DataError(
            f"column {group!r}", "must hold text or numbers, all of one type", got=str(kind),
            fix="convert it to text first",
        )  # fmt: skip
    first = _collect(_numbered(table.head(_FIRST), group, columns.values()))
    if first.empty:
        raise DataError("data", "must have rows", got="none")
    start = first.drop(columns="g").replace([np.inf, -np.inf], np.nan)
    shift = start.median().fillna(0.0).to_numpy(float)
    away = (each - float(s) for each, s in zip(columns.values(), shift, strict=True))
    rows = _numbered(table, group, away)
    whole = first["g"].nunique() * width**2 <= _WHOLE
    by_group = _by_group(rows, width, whole=whole)
    sizes, sums = by_group["n"].to_numpy(float), by_group[_names("c", width)].to_numpy(float)
    total = _matrix(by_group if whole else _pooled(rows, width), width)
    _check(by_group, total, columns, group)
    means = sums / sizes[:, None]
    within = total - (means * sizes[:, None]).T @ means
    if (np.diag(within) < _AT_RISK * np.diag(total)).any():
        within = _within(rows, width)
    groups, place = code_groups(by_group[["g"]].rename(columns={"g": group}), group)
    order = np.argsort(place)
    return Sums(groups, sizes[order], shift, means[order], within)


def _numbered(
    table: "nw.LazyFrame[Any]", group: str, columns: Iterable["nw.Expr"]
) -> "nw.LazyFrame[Any]":
    """The group as g, columns as c0, c1, ...: no name of a user's is one of ours."""
    import narwhals as nw

    return table.select(nw.col(group).alias("g"), **{f"c{i}": e for i, e in enumerate(columns)})


def _names(kind: str, width: int) -> list[str]:
    return [f"{kind}{i}" for i in range(width)]


def _products(width: int) -> dict[str, "nw.Expr"]:
    """Products of all pairs of columns."""
    import narwhals as nw

    pairs = ((i, j) for i in range(width) for j in range(i + 1))
    return {f"p{i}_{j}": nw.col(f"c{i}") * nw.col(f"c{j}") for i, j in pairs}


def _by_group(rows: "nw.LazyFrame[Any]", width: int, *, whole: bool) -> "pd.DataFrame":
    """Rows n, numbers n0, n1, ... and sums of the columns by group, and of products if asked."""
    import narwhals as nw

    products = _products(width) if whole else {}
    added = [nw.col(name).sum() for name in (*_names("c", width), *products)]
    there = [nw.col(f"c{i}").count().alias(f"n{i}") for i in range(width)]
    made = rows.with_columns(**products) if whole else rows
    return _collect(made.group_by("g").agg(nw.len().alias("n"), *there, *added))


def _pooled(rows: "nw.LazyFrame[Any]", width: int) -> "pd.DataFrame":
    """Sums of products over all rows: one line."""
    return _collect(rows.select(**{k: e.sum() for k, e in _products(width).items()}))


def _within(rows: "nw.LazyFrame[Any]", width: int) -> Floats:
    """Cross products of deviations from each group's mean; exactly 0 for what varies in no group.

    That is the common case (predictors of groups), and cheaper to see than deviations are to take.
    """
    import narwhals as nw

    ends = [nw.col(c).max().alias(f"{c}_max") for c in _names("c", width)]
    ends += [nw.col(c).min().alias(f"{c}_min") for c in _names("c", width)]
    reach = _collect(rows.group_by("g").agg(*ends))
    varies = [bool((reach[f"{c}_max"] > reach[f"{c}_min"]).any()) for c in _names("c", width)]
    own = {
        c: nw.col(c) - nw.col(c).mean().over("g") if each else nw.lit(0.0)
        for c, each in zip(_names("c", width), varies, strict=True)
    }
    return _matrix(_pooled(rows.select(**own), width), width)


def _collect(table: "nw.LazyFrame[Any]") -> "pd.DataFrame":
    with quietly():
        return table.collect("pyarrow").to_pandas()


def _matrix(sums: "pd.DataFrame", width: int) -> Floats:
    """Sums of products as a matrix, over all lines."""
    matrix = np.zeros((width, width))
    for i in range(width):
        for j in range(i + 1):
            matrix[i, j] = matrix[j, i] = sums[f"p{i}_{j}"].sum()
    return matrix


def _check(by_group: "pd.DataFrame", total: Floats, columns: Columns, group: str) -> None:
    """Refuse rows without a group, gaps, and what is no finite number or has no square."""
    lost = int(by_group["n"][by_group["g"].isna()].sum())
    if lost:
        raise missing_category(group, lost, *OF_A_GROUP)
    for i, column in enumerate(columns):
        missing = int((by_group["n"] - by_group[f"n{i}"]).sum())
        if missing or not np.isfinite([total[i, i], *by_group[f"c{i}"]]).all():
            raise DataError(
                f"column {column.label!r}", "must be a finite number in every row",
                got=f"{missing} missing" if missing else "NaN, inf, or too large to be squared",
                fix="drop or impute those rows first",
            )  # fmt: skip
