"""Coefficients with few groups, without trust in a variance model: CR2 and the wild bootstrap.

A random intercept gets its standard errors from a variance between groups, which six groups hardly
tell. Least squares with cluster-robust standard errors asks only that groups be independent of each
other. `cluster_robust` has the small-sample versions of both usual answers: CR2 standard errors
(Bell & McCaffrey 2002, Survey Methodology 28, 169-181) with Satterthwaite's degrees of freedom
(Pustejovsky & Tipton 2018, J. Bus. Econ. Stat. 36, 672-683, equations 6 and 11, identity working
model), as R's clubSandwich has them; and p values of the restricted wild cluster bootstrap
(Cameron, Gelbach & Miller 2008, Rev. Econ. Stat. 90, 414-427) with Webb's six points (2023, Can. J.
Econ. 56), all of which are gone through where groups are six or fewer. Both need the cross products
of every group's rows alone.
"""

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.asked.grid import check_single, matrices_of_result
from bayes_sf.arrays import Floats
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result
from bayes_sf.errors import DataError, UsageError, check_seed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cluster_robust"]


#: What a group's residuals are multiplied by, each with the same probability.
_POINTS: Final = {
    "webb": np.array([-(1.5**0.5), -1.0, -(0.5**0.5), 0.5**0.5, 1.0, 1.5**0.5]),
    "rademacher": np.array([-1.0, 1.0]),
}
#: All combinations are gone through up to so many.
_ALL: Final = 50_000
#: Directions whose cross products are this share of the largest are none of a group's.
_NONE: Final = 1e-11
#: Of I - H below this a group decides alone, and has no residual: it is left out of the root.
_GONE: Final = 1e-9


@dataclass(frozen=True, eq=False)
class _Clusters:
    """Cross products by cluster: X'X, (J, k, k), X'y, (J, k), and their sums' least squares."""

    xx: Floats
    xy: Floats
    bread: Floats
    coef: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats, code: NDArray[np.intp]) -> "_Clusters":
        """From the rows."""
        n_clusters = int(code.max()) + 1
        xx = np.zeros((n_clusters, x.shape[1], x.shape[1]))
        xy = np.zeros((n_clusters, x.shape[1]))
        for j in range(n_clusters):
            own = x[code == j]
            xx[j], xy[j] = own.T @ own, own.T @ y[code == j]
        bread = np.linalg.inv(xx.sum(axis=0))
        return cls(xx, xy, bread, bread @ xy.sum(axis=0))

    @property
    def scores(self) -> Floats:
        """X'e by cluster, (J, k)."""
        return self.xy - self.xx @ self.coef


def cluster_robust(
    result: Result,
    *,
    cluster: str = "",
    weights: str = "webb",
    draws: int = 9_999,
    seed: int = 1,
) -> "pd.DataFrame":
    """Least squares of a result's fixed part, robust to any dependence within groups.

    Parameters
    ----------
    result : Result
        Of any engine, fitted to rows; random effects are left out, their factor is the cluster.
    cluster : str
        Factor whose levels are independent; of a model with several it must be said.
    weights : {"webb", "rademacher"}
        Of the wild bootstrap: six points or two. With few groups two give few different p values.
    draws : int
        Of the bootstrap, where there are too many combinations to go through all.
    seed : int
        Seed of draws.

    Returns
    -------
    pandas.DataFrame
        By term ``estimate``, ``std_error`` (CR2), ``df`` (Satterthwaite), ``t``, ``p_value``,
        ``lower``, ``upper`` (of the result's ``prob``), and ``p_wild``. ``attrs`` has how many
        ``clusters`` there are, how many ``combinations`` were gone through, and the weights.

    Raises
    ------
    UsageError
        For a result without rows, of another family, of completed sets, with weights, or with
        several factors of which none is named.
    DataError
        For fewer groups than coefficients, plus one: nothing is left to judge by.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 4, 3, 5, 7, 4, 7, 7, 2, 2, 5], "x": [0, 1, 2] * 4,
    ...                    "g": list("aaabbbcccddd")})
    >>> found = sf.cluster_robust(sf.fit("y ~ x + (1 | g)", df))
    >>> float(found.loc["x", "estimate"]), found.attrs["combinations"]
    (1.625, 1296)
    """
    import pandas as pd
    from scipy.special import stdtr, stdtrit

    x, y, code = _rows_of(result, cluster)
    if weights not in _POINTS:
        raise UsageError("weights", f"must be one of {', '.join(_POINTS)}", got=weights)
    if draws < 1:
        raise UsageError("draws", "must be at least 1", got=draws)
    check_seed(seed)
    made = _Clusters.of(x, y, code)
    n_clusters, n_coef = made.xy.shape
    if n_clusters <= n_coef:
        raise DataError(
            f"model of {result.spec.outcome!r}", "must have more groups than coefficients",
            got=f"{n_clusters} groups, {n_coef} coefficients",
            fix="leave predictors out, or use engine='exact'",
        )  # fmt: skip
    variance, df = _small_sample(made)
    signs = _signs(n_clusters, _POINTS[weights], draws, seed)
    error = np.sqrt(variance)
    t = made.coef / error
    reach = error * stdtrit(df, 0.5 + 0.5 * result.prob)
    table = pd.DataFrame(
        {
            "estimate": made.coef, "std_error": error, "df": df, "t": t,
            "p_value": 2 * stdtr(df, -np.abs(t)),
            "lower": made.coef - reach, "upper": made.coef + reach,
            "p_wild": [_wild(made, number, signs) for number in range(n_coef)],
        },
        index=pd.Index(matrices_of_result(result).terms, name="term"),
    )  # fmt: skip
    table.attrs = {
        "clusters": n_clusters, "combinations": len(signs), "weights": weights,
        "prob": result.prob,
    }  # fmt: skip
    return table


def _rows_of(result: Result, cluster: str) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Columns, outcome and cluster of every row."""
    if isinstance(result, OutcomeResult):
        raise UsageError("cluster_robust", "is of Gaussian outcomes", got=result.spec.family)
    check_single("cluster_robust", result)
    if result.data is None and not hasattr(result, "matrices"):
        raise UsageError("cluster_robust", "needs rows: sufficient statistics are not enough")
    made = matrices_of_result(result)
    if made.weights is not None or made.counts is not None:
        raise UsageError("cluster_robust", "has no weights", fix="leave them out")
    names = [factor.name for factor in made.factors]
    if not cluster and len(names) > 1:
        raise UsageError("cluster", "must be said of several factors", got=", ".join(names))
    if cluster and cluster not in names:
        raise UsageError("cluster", f"must be one of {', '.join(names)}", got=cluster)
    code = made.factors[names.index(cluster) if cluster else 0].code
    return made.x, made.y, np.unique(code, return_inverse=True)[1]


def _small_sample(made: _Clusters) -> tuple[Floats, Floats]:
    """CR2 variances and Satterthwaite's degrees of freedom of every coefficient, (k,) each.

    With X_j = Q R, the adjusted scores are R'(I - R M R')^-1/2 Q'e and need no matrix of rows.
    """
    k = len(made.coef)
    roots, halves = np.zeros((2, len(made.xx), k, k))
    scores = np.zeros((len(made.xx), k))
    for j, (own, score) in enumerate(zip(made.xx, made.scores, strict=True)):
        value, vector = np.linalg.eigh(own)
        kept = value > _NONE * value[-1]
        root = np.sqrt(value[kept])
        r = root[:, None] * vector[:, kept].T
        left, turn = np.linalg.eigh(np.eye(len(r)) - r @ made.bread @ r.T)
        inverse = np.where(left > _GONE, 1 / np.sqrt(np.maximum(left, _GONE)), 0.0)
        roots[j, : len(r)], halves[j, : len(r)] = r, (turn * inverse) @ turn.T @ r
        scores[j] = halves[j, : len(r)].T @ ((vector[:, kept] / root).T @ score)
    meat = scores.T @ scores
    variance = np.einsum("ki,ij,kj->k", made.bread, meat, made.bread)
    df = np.empty(k)
    for number, row in enumerate(made.bread):
        g = halves @ row  # A_j X_j M c, turned into Q's columns
        inside = np.einsum("jri,jr->ji", roots, g)  # X_j' of it
        p = np.diag((g**2).sum(axis=1)) - inside @ made.bread @ inside.T
        df[number] = np.trace(p) ** 2 / (p**2).sum()
    return variance, df


def _signs(n: int, points: Floats, draws: int, seed: int) -> Floats:
    """What residuals are multiplied by, (B, J): all combinations, or as many as are drawn."""
    if len(points) ** n <= _ALL:
        return np.array(list(product(points, repeat=n)))
    chosen = np.random.default_rng(seed).integers(len(points), size=(draws, n))
    return np.concatenate([np.ones((1, n)), points[chosen]])  # the sample itself is one of them


def _wild(made: _Clusters, number: int, signs: Floats) -> float:
    """Share of |t| at least as large as the sample's, where the coefficient is zero.

    Residuals are those of the model without it; t's standard error is the plain cluster-robust one
    (CR0: a factor would cancel).
    """
    row = made.bread[number]
    without = made.coef - made.bread[:, number] * made.coef[number] / row[number]
    scores = made.xy - made.xx @ without  # X_j' of restricted residuals
    pull = scores @ row
    change = signs * pull - (signs @ scores @ made.bread) @ np.einsum("jab,a->bj", made.xx, row)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(signs @ pull) / np.sqrt((change**2).sum(axis=1))
    own = abs(made.coef[number]) / np.sqrt(((made.scores @ row) ** 2).sum())
    return float((np.nan_to_num(t, nan=np.inf) >= own * (1 - 1e-9)).mean())
