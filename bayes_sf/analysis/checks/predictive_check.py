"""Posterior predictive check: data that the model would make, beside the data there are.

Replications of every row's outcome are summed up by group and over all, and so are the data
(Gelman, Meng & Stern 1996). Where the observed figure lies among the replicated ones says what a
model of Gaussian residuals of one size, say, cannot make: outcomes far from all others, industries
that spread more, a pile at zero.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> from bayes_sf.spec.model import ModelSpec
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> check = check_predictions(fit(ModelSpec("y", group="g"), df))
>>> list(check.loc[("", "mean")].index)
['n', 'observed', 'median', 'lower', 'upper', 'p_above']
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.checks.loo import rows_of_result
from bayes_sf.arrays import Floats
from bayes_sf.engines.result import Result
from bayes_sf.engines.sampled.pointwise import given_draws

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STATISTICS", "check_predictions", "summarise_replicates"]


#: What rows are summed up by: name to function along the last axis.
STATISTICS: Mapping[str, Callable[[Floats], Floats]] = {
    "mean": lambda y: y.mean(axis=-1),
    "sd": lambda y: y.std(axis=-1, ddof=1) if y.shape[-1] > 1 else np.full(y.shape[:-1], np.nan),
    "min": lambda y: y.min(axis=-1),
    "max": lambda y: y.max(axis=-1),
    "share <= 0": lambda y: (y <= 0).mean(axis=-1),
}


def check_predictions(result: Result, *, seed: int = 1) -> "pd.DataFrame":
    """Compare data with replications, by group and over all.

    Parameters
    ----------
    result : Result
        Fitted to rows in this session.
    seed : int
        Seed of the replications.

    Returns
    -------
    pandas.DataFrame
        By (group, statistic), group "" for all rows: ``n``; ``observed``; ``median, lower, upper``
        of the replications, equal-tailed with the result's probability; and ``p_above``, how many
        of the replications lie above the observed figure, ties counting half. The groups are the
        data's own.

    Raises
    ------
    UsageError
        For ols and reml, and where there are no rows.
    """
    rows = rows_of_result(result)
    replicates = given_draws(result.draws(rows=False), rows, result.spec).replicate(seed=seed)
    members = {"": np.arange(rows.n_obs)} | {
        group: np.flatnonzero(rows.code == j) for j, group in enumerate(rows.groups)
    }
    flat = replicates.reshape(-1, rows.n_obs)
    return summarise_replicates(rows.y, flat, members, prob=result.prob)


def summarise_replicates(
    y: Floats, replicates: Floats, members: Mapping[str, NDArray[np.intp]], *, prob: float
) -> "pd.DataFrame":
    """Sum data and replications up.

    Parameters
    ----------
    y : (n,) array
        The data.
    replicates : (N, n) array
        Replications.
    members : mapping
        Name -> rows.
    prob : float
        Probability of the intervals.
    """
    import pandas as pd

    tail = 0.5 - 0.5 * prob
    found = {}
    for name, chosen in members.items():
        for statistic, of in STATISTICS.items():
            observed, drawn = float(of(y[None, chosen])[0]), of(replicates[:, chosen])
            low, middle, high = np.quantile(drawn, [tail, 0.5, 1 - tail])
            above = float((drawn > observed).mean() + 0.5 * (drawn == observed).mean())
            if np.isnan(observed):
                above = float("nan")
            found[name, statistic] = (
                len(chosen), observed, float(middle), float(low), float(high), above
            )  # fmt: skip
    columns = ["n", "observed", "median", "lower", "upper", "p_above"]
    table = pd.DataFrame.from_dict(found, orient="index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(table.index, names=["group", "statistic"])
    return table
