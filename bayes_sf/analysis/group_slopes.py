"""Slopes by group: each group's line with its band, its own least squares, and what is borrowed.

A group's slope is pulled towards that of all groups, the more the less its rows say. Given the
variances, its deviation has prior variance omega^2 and posterior variance

    v_j = [(Sigma^-1 + A_j)^-1]_22,   A_j = sum over its rows of (1, x)(1, x)'/residual variance,

with Sigma the covariance of intercepts and slopes; v_j/omega^2 is how much of the slope is
borrowed: 1 where a group's own rows say nothing of it, near 0 where they say all (the pooling
factor of Gelman & Pardoe 2006, for each group by itself). It is averaged over the draws. Where the
predictor does not vary it can be less than 1 all the same: intercepts and slopes are correlated, so
that the group's level says something of its slope.

Examples
--------
>>> list(SLOPE_COLUMNS)
['n', 'slope', 'sd', 'lower', 'upper', 'own', 'own_se', 'borrowed']
"""

from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.result import Result
from bayes_sf.engines.sampled.pointwise import varying_column
from bayes_sf.errors import UsageError
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["SLOPE_COLUMNS", "group_lines", "group_slopes"]


SLOPE_COLUMNS = ("n", "slope", "sd", "lower", "upper", "own", "own_se", "borrowed")


def group_slopes(result: Result) -> "pd.DataFrame":
    """Slope of every group, partially pooled and by itself.

    Parameters
    ----------
    result : Result
        Of a model with a varying slope, fitted to rows in this session.

    Returns
    -------
    pandas.DataFrame
        By group: rows ``n``; ``slope``, ``sd``, ``lower``, ``upper`` of the partially pooled slope
        (posterior mean, sd, equal-tailed limits), ``own``, ``own_se`` (least squares in the group
        alone, on that predictor alone; NaN where it does not vary or there are fewer than three
        rows) and ``borrowed``, 0 to 1. Per unit of the predictor.

    Raises
    ------
    UsageError
        For a model whose slopes do not vary, or a result without rows.
    """
    import pandas as pd

    rows, posterior, column = _varying(result)
    total = _total_slopes(result, posterior)
    borrowed = _borrowed(posterior, rows, column)
    tail = 0.5 - 0.5 * result.prob
    found = []
    for j in range(len(rows.groups)):
        chosen = rows.code == j
        low, high = np.quantile(total[..., j], [tail, 1 - tail])
        found.append(
            (
                int(chosen.sum()), total[..., j].mean(), total[..., j].std(ddof=1), low, high,
                *_least_squares(column[chosen], rows.y[chosen]), borrowed[j],
            )
        )  # fmt: skip
    index = pd.Index(rows.groups, name=rows.group)
    return pd.DataFrame(found, columns=list(SLOPE_COLUMNS), index=index)


def group_lines(result: Result, points: int = 21) -> "pd.DataFrame":
    """Every group's expected outcome along the predictor whose slope varies.

    Parameters
    ----------
    result : Result
        As in `group_slopes`.
    points : int
        Points along the predictor's range over all rows, the same for every group.

    Returns
    -------
    pandas.DataFrame
        ``group, x, mean, lower, upper``: other predictors at their means over all rows; pointwise
        equal-tailed bands with the result's probability.

    Raises
    ------
    UsageError
        As `group_slopes`.
    """
    import pandas as pd

    rows, posterior, column = _varying(result)
    term = posterior["u_slope"].attrs["term"]
    others = [name for name in rows.coefficients[1:] if name != term]
    means = result.moments.grand_mean[[result.moments.predictors.index(name) for name in others]]
    level = posterior["beta"].sel(term=rows.coefficients[0]).to_numpy()
    level = level + posterior["beta"].sel(term=others).to_numpy() @ means
    common = posterior["beta"].sel(term=term).to_numpy()
    along, tail = np.linspace(column.min(), column.max(), points), 0.5 - 0.5 * result.prob
    parts = []
    for group in rows.groups:
        own = posterior.sel({rows.group: group})
        slope = common + own["u_slope"].to_numpy()
        line = (level + own["u"].to_numpy())[..., None] + slope[..., None] * along
        low, high = np.quantile(line, [tail, 1 - tail], axis=(0, 1))
        mean = line.mean(axis=(0, 1))
        parts.append(
            pd.DataFrame({"group": group, "x": along, "mean": mean, "lower": low, "upper": high})
        )
    return pd.concat(parts, ignore_index=True)


def _varying(result: Result) -> "tuple[Rows, xr.Dataset, Floats]":
    """Rows, draws and the predictor whose slope varies, (n,)."""
    where = f"model {result.spec.name!r}"
    if not result.spec.varying:
        fix = "name one predictor in `varying`, e.g. models/q13_slopes.toml"
        raise UsageError(where, "has slopes that are the same in all groups", fix=fix)
    if result.data is None:
        fix = "fit a sample or a data frame in this session"
        raise UsageError(where, "needs rows, and this result has none in memory", fix=fix)
    posterior = result.draws(rows=False)["posterior"].to_dataset()
    return result.data, posterior, varying_column(posterior, result.data)


def _total_slopes(result: Result, posterior: "xr.Dataset") -> Floats:
    """Slopes of all groups, (chain, draw, J), in the order of the rows' groups."""
    assert result.data is not None
    own = posterior["u_slope"].sel({result.data.group: list(result.data.groups)})
    common = posterior["beta"].sel(term=posterior["u_slope"].attrs["term"]).to_numpy()
    return np.asarray(common[..., None] + own.to_numpy())


def _borrowed(posterior: "xr.Dataset", rows: Rows, column: Floats) -> Floats:
    """Posterior over prior variance of each group's slope deviation, averaged over draws, (J,)."""
    names = ("sd_group", "sd_slope", "correlation")
    tau, omega, rho = (posterior[name].to_numpy().ravel() for name in names)
    left = 1 - rho**2
    found = []
    for j in range(len(rows.groups)):
        chosen = rows.code == j
        weight = 1 / _variance(posterior, rows, j)[:, chosen]  # (draws, rows of j)
        a11 = weight.sum(axis=1) + 1 / (tau**2 * left)
        a12 = weight @ column[chosen] - rho / (tau * omega * left)
        a22 = weight @ column[chosen] ** 2 + 1 / (omega**2 * left)
        found.append(float(np.mean(a11 / (a11 * a22 - a12**2) / omega**2)))
    return np.array(found)


def _variance(posterior: "xr.Dataset", rows: Rows, group: int) -> Floats:
    """Residual variances of all rows if they were of one group, (draws, n)."""
    n = rows.n_obs
    if rows.known_se is not None:
        return np.broadcast_to(rows.known_se**2, (posterior["sd_group"].size, n))
    if "sd_resid_group" in posterior:
        own = posterior["sd_resid_group"].sel({rows.group: rows.groups[group]})
        return np.broadcast_to(own.to_numpy().ravel()[:, None] ** 2, (own.size, n))
    variance = posterior["sd_resid"].to_numpy().ravel()[:, None] ** 2
    if rows.repeats is not None:
        repeat = posterior["sd_repeat"].to_numpy().ravel()[:, None]
        variance = variance + repeat**2 / rows.repeats
    return np.broadcast_to(variance, (len(variance), n))


def _least_squares(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope of a group alone and its standard error; NaN where there is none."""
    off = x - x.mean()
    squares = float(off @ off)
    if len(x) < 3 or squares <= 1e-12 * max(1.0, float(x @ x)):
        return float("nan"), float("nan")
    slope = float(off @ y) / squares
    left = y - y.mean() - slope * off
    return slope, float(np.sqrt(left @ left / (len(x) - 2) / squares))
