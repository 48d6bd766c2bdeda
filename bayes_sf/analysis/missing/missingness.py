"""Who is missing from a frame: by column, by group, in which columns together, and how they differ.

What the study's sample loses is counted in the same way (`surveyed`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.errors import UsageError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.terms.columns import (
    column_names,
    frame_from,
    is_category,
    is_numeric,
    numeric,
)
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.gaps import has_gap, settled
from bayes_sf.spec.terms.sets import check_one
from bayes_sf.spec.terms.sums import is_remote, open_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Missingness", "count_by", "missingness"]

#: Categories of a column that is compared between rows with and without a gap.
_MOST_LEVELS: Final = 20


@dataclass(frozen=True, eq=False)
class Missingness:
    """Gaps of a frame; made by `missingness`, drawn by ``sf.plot(found, "missing")``.

    Parameters
    ----------
    n_rows, n_whole : int
        Rows, and those without a gap.
    columns : pandas.DataFrame
        ``column, n, missing, share``: every column, and the rows that have a gap there.
    groups : pandas.DataFrame
        ``by, level, column, n, missing, share``: the same of every level of the grouping factors,
        of columns that have gaps; ``column`` is None for rows with a gap in any of the columns.
    patterns : pandas.DataFrame
        ``n, share, missing``: the columns that are missing together, most frequent first.
    differences : pandas.DataFrame
        ``missing, column, level, n_missing, n_observed, mean_missing, mean_observed, difference``:
        means (of a category shares of its levels) of a column in rows with a gap in ``missing`` and
        in rows without; ``difference`` in standard deviations. Far from 0 says that rows are not
        missing completely at random. Of numbers, and of up to 20 categories;
        of factors see `groups`.
    cells : pandas.DataFrame
        Whether there is a gap, by row and column that has any.
    levels : pandas.Series or None
        Level of every row by the first factor.
    """

    n_rows: int
    n_whole: int
    columns: "pd.DataFrame" = field(repr=False)
    groups: "pd.DataFrame" = field(repr=False)
    patterns: "pd.DataFrame" = field(repr=False)
    differences: "pd.DataFrame" = field(repr=False)
    cells: "pd.DataFrame" = field(repr=False)
    levels: "pd.Series[Any] | None" = field(default=None, repr=False)

    def __str__(self) -> str:
        """Columns and patterns, as text."""
        gaps = self.columns[self.columns["missing"] > 0]
        lines = [f"{self.n_whole} of {self.n_rows} rows have no gap"]
        if len(gaps):
            together = self.patterns["missing"].map(lambda names: ", ".join(names) or "none")
            shown = self.patterns.assign(missing=together)
            lines += ["", gaps.to_string(index=False, float_format="{:.3f}".format)]
            lines += ["", shown.to_string(index=False, float_format="{:.3f}".format)]
        return "\n".join(lines)

    __repr__ = __str__


def missingness(
    data: Any,
    columns: str | ModelSpec | Iterable[str] | None = None,
    *,
    by: str | Iterable[str] = (),
) -> Missingness:
    """Tell who is missing from a data frame.

    Parameters
    ----------
    data : data frame, path or lazy table
        Anything that `fit` takes for one.
    columns : formula, ModelSpec or list of str, optional
        A model, whose columns are looked at; or columns; by default all.
    by : str or list of str
        Columns whose levels are counted apart; by default the model's grouping factors.

    Raises
    ------
    DataError
        For something that is no frame, and a column that is not there.
    UsageError
        For a study's sample, which has its own tables.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, None, 3, 5, None, 7], "x": [0.0, 1, 2, 1, 2, None],
    ...                    "g": list("aaabbb")})
    >>> found = sf.missingness(df, "y ~ x + (1 | g)")
    >>> print(found)
    3 of 6 rows have no gap
    <BLANKLINE>
    column  n  missing  share
         y  6        2  0.333
         x  6        1  0.167
    <BLANKLINE>
     n  share missing
     3  0.500    none
     2  0.333       y
     1  0.167       x
    >>> found.groups.query("column == 'y'")[["level", "n", "missing"]].to_numpy().tolist()
    [['a', 3, 1], ['b', 3, 1]]
    >>> found.differences.query("missing == 'y' and column == 'x'")["difference"].round(2).tolist()
    [0.6]
    """
    import pandas as pd

    if isinstance(data, AnalysisSample):
        fix = "use the commands describe and impute, which protect what they tell"
        raise UsageError("missingness", "is of data frames", got="a study's sample", fix=fix)
    data = open_table(data).to_native() if is_remote(data) else data
    chosen, factors = _asked(columns)
    check_one("missingness", data, chosen or ())
    factors = [by] if isinstance(by, str) else list(by) or factors
    if chosen is None:
        chosen = column_names(data)
    frame = frame_from(data, [*chosen, *factors])
    names = list(dict.fromkeys(chosen))
    holes = pd.DataFrame({name: has_gap(frame[name]) for name in names})
    counts = holes.sum()
    table = pd.DataFrame({"column": names, "n": len(frame), "missing": counts.to_numpy(int)})
    table["share"] = table["missing"] / len(frame)
    cells = holes.loc[:, holes.any()]
    groups = {factor: _named(frame[factor]) for factor in factors}
    return Missingness(
        len(frame), int((~holes.any(axis=1)).sum()), table, _of_groups(groups, cells),
        _patterns(cells), _differences(frame, cells, names, factors), cells,
        groups[factors[0]] if factors else None,
    )  # fmt: skip


def _asked(columns: Any) -> tuple[list[str] | None, list[str]]:
    """Columns that are looked at, None for all, and those that group rows."""
    if columns is None:
        return None, []
    spec = columns if isinstance(columns, ModelSpec) else None
    if spec is not None and not spec.formula:
        return list(spec.columns), [spec.group]
    text = columns if spec is None else spec.formula
    if not isinstance(text, str):
        return list(text), []
    formula = read_formula(text)
    parts = [part for term in formula.random for part in formula.parts(term.factor)]
    return list(formula.columns if spec is None else spec.columns), list(dict.fromkeys(parts))


def _named(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Names of a factor's levels; None where there is none."""
    known = ~has_gap(column)
    return settled(column[known]).astype(object).map(str).reindex(column.index).where(known, None)


def _of_groups(groups: "Mapping[str, pd.Series[Any]]", cells: "pd.DataFrame") -> "pd.DataFrame":
    """Gaps by level."""
    import pandas as pd

    flags: dict[Any, Any] = {None: cells.any(axis=1), **{name: cells[name] for name in cells}}
    parts = []
    for by, levels in groups.items():
        order = sorted(set(levels.dropna()))
        for name, flag in flags.items():
            counted = count_by({by: (order, levels)}, {"missing": flag})
            parts.append(counted.assign(column=name).rename(columns={"missing_share": "share"}))
    columns = ["by", "level", "column", "n", "missing", "share"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


def _patterns(cells: "pd.DataFrame") -> "pd.DataFrame":
    """Columns that are missing together."""
    import pandas as pd

    values = cells.to_numpy(dtype=bool)
    found, n = np.unique(values, axis=0, return_counts=True) if len(cells.columns) else (
        values[:1], np.array([len(cells)]),
    )  # fmt: skip
    order = np.lexsort((*found.T[::-1], found.sum(axis=1), -n))
    missing = [tuple(cells.columns[found[i]]) for i in order]
    return pd.DataFrame({"n": n[order], "share": n[order] / len(cells), "missing": missing})


def _differences(
    frame: "pd.DataFrame", cells: "pd.DataFrame", names: Sequence[str], factors: Sequence[str]
) -> "pd.DataFrame":
    """What rows with a gap in one column have in the others, but for the grouping factors."""
    import pandas as pd

    told = [
        {"missing": gap, "column": name, "level": level, **row}
        for name in names
        if name not in factors
        for level, values in _compared(frame, name)
        for gap in cells
        if gap != name
        for row in _apart(values, cells[gap].to_numpy(dtype=bool))
    ]
    columns = [
        "missing", "column", "level", "n_missing", "n_observed", "mean_missing", "mean_observed",
        "difference",
    ]  # fmt: skip
    table = pd.DataFrame(told, columns=columns)
    return table.sort_values("missing", key=lambda c: c.map(list(cells).index), kind="stable",
                             ignore_index=True)  # fmt: skip


def _compared(frame: "pd.DataFrame", name: str) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Numbers of a column, or whether it has each of its categories; NaN where there is a gap."""
    known = ~has_gap(frame[name])
    values = np.full(len(frame), np.nan)
    if is_category(frame, name):
        levels = _named(frame[name])
        order = sorted(set(levels.dropna()))
        for level in order if len(order) <= _MOST_LEVELS else ():
            values = np.where(known, (levels == level).astype(float), np.nan)
            yield level, values
    elif is_numeric(frame, name):
        values[known] = numeric(frame[known].reset_index(drop=True), name)
        yield "", values


def _apart(values: NDArray[np.float64], gap: NDArray[np.bool_]) -> Iterator[dict[str, float]]:
    """Means of rows with a gap and of the others, where both are known and not all are alike."""
    known = ~np.isnan(values)
    there, gone = values[known & ~gap], values[known & gap]
    spread = values[known].std(ddof=1) if known.sum() > 1 else 0.0
    if len(there) and len(gone) and spread > 0:
        yield {
            "n_missing": len(gone), "n_observed": len(there), "mean_missing": gone.mean(),
            "mean_observed": there.mean(), "difference": (gone.mean() - there.mean()) / spread,
        }  # fmt: skip


def count_by(
    groups: "Mapping[str, tuple[Sequence[Any], pd.Series[Any]]]", flags: Mapping[str, Any]
) -> "pd.DataFrame":
    """Count flags by level.

    Parameters
    ----------
    groups : mapping
        What is counted by: its levels in order, and each row's.
    flags : mapping
        Truth values by row, or shares, NaN where a row is not asked.

    Returns
    -------
    pandas.DataFrame
        ``by, level, n`` and for each flag its sum and mean, ``NAME`` and ``NAME_share``; levels
        without rows are left out.
    """
    import pandas as pd

    records = []
    for by, (levels, values) in groups.items():
        for level in levels:
            here = (values == level).to_numpy()
            if here.any():
                record: dict[str, Any] = {"by": by, "level": level, "n": int(here.sum())}
                for name, flag in flags.items():
                    found = np.asarray(flag, dtype=float)[here]
                    asked = found[~np.isnan(found)]
                    record[name] = round(float(asked.sum()))
                    record[f"{name}_share"] = float(asked.mean()) if len(asked) else np.nan
                records.append(record)
    return pd.DataFrame(records)
