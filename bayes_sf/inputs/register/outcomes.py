"""Outcomes and controls per workplace, as Ibis expressions.

Nothing here names an engine: the expressions are compiled for DuckDB, and for Spark where the
register does not fit one machine. One grouped pass keeps, per workplace, a handful of sums and
one column per quarter, so memory follows the number of workplaces and not the number of rows.

Sums are exact: whole parts and fractions, these to 2^-40 (1e-12), are added apart, and below 2^53
and in up to 8,192 rows of a workplace neither sum ever rounds. Added as they stand, figures would
let the last digits depend on the order in which threads, files or engines happen to add.
"""

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from bayes_sf.inputs.register.quarters import N_QUARTERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import ibis
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "count_pairs", "has_doubles", "kendall_tau_b", "nearest_whole", "series_of", "sum_quarters",
    "with_absence", "with_movement",
]  # fmt: skip

#: Added and taken away again, they round to whole numbers, and to 2^-40: so far apart doubles lie.
_WHOLE, _FINE = 1.5 * 2.0**52, 1.5 * 2.0**12


def with_absence(rows: "ibis.Table") -> "ibis.Table":
    """Add each quarter's absence in percent of contracted days.

    Parameters
    ----------
    rows : ibis.Table
        With `lost_days` and `contracted_days`.

    Returns
    -------
    ibis.Table
        With `absence`, in percentage points; missing unless both are observed and the contracted
        days are above zero.
    """
    rate = rows.lost_days * 100 / rows.contracted_days
    return rows.mutate(absence=(rows.contracted_days > 0).ifelse(rate, None))


def sum_quarters(rows: "ibis.Table", *, period: range, kept: "Iterable[int]") -> "ibis.Table":
    """Sum up the quarters of each workplace.

    Parameters
    ----------
    rows : ibis.Table
        One row per workplace and quarter of an extract: `workplace`, `extract`, `quarter` (index),
        `bit` (2 to the quarter), `working_days`, `contracted_days`, `lost_days`, `women_days`,
        `senior_days`, `head_count` and `absence`.
    period : range
        Quarters that count.
    kept : iterable of int
        Quarters whose absence is kept beside the sums, for `count_pairs` and `with_movement`.

    Returns
    -------
    ibis.Table
        One row per workplace and extract: `absence_mean` (mean of the observed quarters' absence),
        `absence_mean_weighted` (all lost days over all contracted days of the same quarters),
        `women_share` and `senior_share` (mean quarterly share of contracted days), `n_employees`
        (mean head count) and `full_time_equivalents` (mean of contracted over working days),
        `n_quarters` observed, `first_quarter`, `last_quarter`, `observed` (mask), `bits` and
        `n_rows` for `has_doubles`, and `y0`, `y1`, ... of the kept quarters.
    """
    inside = rows.quarter.between(period.start, period.stop - 1)
    seen = inside & rows.absence.notnull()
    worked = inside & (rows.contracted_days > 0)
    # figures that do not count are made missing: engines are slower with a filter for each sum
    quarter, bit = _only(rows.quarter, seen), _only(rows.bit, seen)
    absence = _only(rows.absence, inside)
    lost, contracted = _only(rows.lost_days, seen), _only(rows.contracted_days, seen)
    return rows.group_by(["workplace", "extract"]).agg(
        absence_mean=_mean(absence),
        absence_mean_weighted=_sum(lost) * 100 / _sum(contracted),
        women_share=_mean(_only(rows.women_days / rows.contracted_days, worked)),
        senior_share=_mean(_only(rows.senior_days / rows.contracted_days, worked)),
        n_employees=_mean(_only(rows.head_count, inside)),
        full_time_equivalents=_mean(_only(rows.contracted_days / rows.working_days, worked)),
        n_quarters=absence.count(),
        first_quarter=quarter.min(),
        last_quarter=quarter.max(),
        observed=bit.sum(),
        bits=rows.bit.sum(),
        n_rows=rows.count(),
        **{f"y{t}": _only(rows.absence, rows.quarter == t).max() for t in sorted(set(kept))},
    )


def _only(figures: "ibis.Column", where: "ibis.Column") -> "ibis.Column":
    """Figures where a condition holds; elsewhere they are missing."""
    return where.ifelse(figures, None)


def _sum(figures: "ibis.Column") -> "ibis.Scalar":
    """Exact sum of what is not missing; missing if there is nothing."""
    whole = nearest_whole(figures)
    return whole.sum() + ((figures - whole + _FINE) - _FINE).sum()


def nearest_whole(figures: "ibis.Column") -> "ibis.Column":
    """Round floats below 2^51 to whole numbers, which stay floats.

    Parameters
    ----------
    figures : ibis float column
    """
    return (figures + _WHOLE) - _WHOLE


def _mean(figures: "ibis.Column") -> "ibis.Scalar":
    """Mean of what is not missing, from an exact sum; missing if there is nothing."""
    return _sum(figures) / figures.count().nullif(0)


def has_doubles(summary: "ibis.Table") -> "ibis.Column":
    """Tell which workplaces have a quarter more than once.

    Parameters
    ----------
    summary : ibis.Table
        From `sum_quarters`.

    Returns
    -------
    ibis boolean column
        A sum of n powers of two has n bits set if and only if the powers differ, so one sum and one
        count find doubles that would otherwise take a group for each workplace and quarter.
    """
    ones = _total((summary.bits >> index) & 1 for index in range(N_QUARTERS))
    return ones != summary.n_rows


def series_of(summary: "ibis.Table", *, period: range) -> "ibis.Column":
    """Absence of each workplace in all quarters of a period, in order: what `count_pairs` takes.

    Parameters
    ----------
    summary : ibis.Table
        From `sum_quarters`, with the quarters of `period` kept.
    period : range
        Quarters of the trend.

    Returns
    -------
    ibis array column
    """
    import ibis

    return ibis.array([summary[f"y{t}"] for t in period])


def count_pairs(series: "pa.ListArray") -> list["NDArray[np.int32]"]:
    """Count in how many pairs of quarters the absence rises, and in how many it falls.

    The engine calls it on batches: NumPy compares pairs of columns in half the time that an
    expression of 380 comparisons takes.

    Parameters
    ----------
    series : list array of float
        All of the same length; missing where a quarter is.

    Returns
    -------
    list of (2,) int array
        Pairs of which the later quarter has more, and less.

    Examples
    --------
    >>> import pyarrow as pa
    >>> [pairs.tolist() for pairs in count_pairs(pa.array([[1.0, None, 3.0, 2.0]]))]
    [[2, 1]]
    """
    import numpy as np

    if not len(series):
        return []
    values = series.flatten().to_numpy(zero_copy_only=False).astype(float)
    columns = np.ascontiguousarray(values.reshape(len(series), -1).T)
    pairs = np.zeros((len(series), 2), dtype=np.int32)
    for late in range(1, len(columns)):  # a comparison with what is missing (NaN) is false
        pairs[:, 0] += (columns[late] > columns[:late]).sum(axis=0, dtype=np.int32)
        pairs[:, 1] += (columns[late] < columns[:late]).sum(axis=0, dtype=np.int32)
    return list(pairs)


def with_movement(counted: "ibis.Table", *, change: tuple[int, int]) -> "ibis.Table":
    """Replace the kept quarters by what they say of change.

    Parameters
    ----------
    counted : ibis.Table
        From `sum_quarters`, with the quarters of `change` kept, and `pairs` of `count_pairs`.
    change : tuple of int
        The two quarters of the change, the earlier first.

    Returns
    -------
    ibis.Table
        With `absence_change` (later minus earlier) and `absence_trend` (Kendall's tau-b with time).
    """
    before, after = (counted[f"y{t}"] for t in change)
    trend = kendall_tau_b(counted.n_quarters, counted.pairs[0], counted.pairs[1])
    moved = counted.mutate(absence_change=after - before, absence_trend=trend)
    kept = [name for name in moved.columns if name.startswith("y")]
    return moved.drop([*kept, "pairs"])


def kendall_tau_b(
    n_times: "ibis.Column", rises: "ibis.Column", falls: "ibis.Column"
) -> "ibis.Column":
    """Kendall's tau-b of a series with time, over the pairs of observed times.

    Parameters
    ----------
    n_times : ibis integer column
        Observed times.
    rises, falls : ibis integer columns
        Of `count_pairs`: concordant and discordant pairs.

    Returns
    -------
    ibis column
        (concordant - discordant) / sqrt(n0 (n0 - n1)), with n0 the pairs and n1 those tied in
        value (Kendall 1945; time has no ties); missing with fewer than two times or all tied.
    """
    untied = rises + falls
    n_pairs = n_times * (n_times - 1) / 2
    return (untied > 0).ifelse((rises - falls) / (n_pairs * untied).sqrt(), None)


def _total(terms: "Iterable[ibis.Column]") -> "ibis.Column":
    """Sum of many columns, as a balanced tree: a chain of 190 would be as deep."""
    level = list(terms)
    while len(level) > 1:
        level = [reduce(add, level[i : i + 2]) for i in range(0, len(level), 2)]
    return level[0]
