"""Complete, no and partial pooling of one model side by side, and how far each group is shrunk.

Complete pooling is OLS without groups, no pooling an intercept of its own for every group (the
econometrician's fixed effects), partial pooling the random intercept, by REML and by its posterior.

The shrinkage factor of a group of n rows, lambda n/(1 + lambda n) with lambda = tau^2/sigma^2, is
the weight of its own data: 1 is no pooling, 0 complete pooling. It rises with the ICC, so its
quantiles are those of the ICC, transformed.

How many more rows halve a group's interval
-------------------------------------------
Given (sigma, tau) the group's expected outcome at the predictors' means, alpha + u_j, has the
variance

    v_j(m) = sigma^2 s/n + c' (X'(I + lambda Z Z')^-1 X/sigma^2 + P0)^-1 c,
    s = lambda n/(1 + lambda n),  n = n_j + m,  c = (1, 0, ..., 0) - s xbar_j,

after m more rows that are spread as those already there: same group mean of the predictors, and
within-group cross products W that grow by W/(N - J) per row (N rows, J groups). V_j(m) is its mean
over the posterior of (sigma, tau) as it is now, so what the new rows would tell of those two is not
counted. V_j falls as m grows; the answer is the smallest m with V_j(m) <= V_j(0)/4. There is none
(infinite) when a predictor is constant within groups, and what is not known of its slope weighs
more than that.

References
----------
Gelman & Hill (2007), chapter 12 (the three poolings; the factor 12.1); Efron & Morris (1975).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.fit import fit
from bayes_sf.engines.gaussian.estimates import Estimate, frequentist_rows
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.ols_reml import GaussianFit, fit_no_pooling, fit_ols, fit_reml
from bayes_sf.engines.result import Result
from bayes_sf.errors import DataError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments

__all__ = [
    "GroupRow",
    "Pooling",
    "TermRow",
    "compare_pooling",
    "group_variance",
    "own_levels",
    "rows_to_halve",
]


#: No group grows beyond this.
_MOST = 1e9


@dataclass(frozen=True, slots=True)
class TermRow:
    """One coefficient, standard deviation or the ICC under one kind of pooling.

    Parameters
    ----------
    outcome, model, term : str
    pooling : str
        ``complete``, ``none`` or ``partial``.
    engine : str
        ``ols``, ``dummies``, ``reml`` or ``exact``.
    estimate, sd, lower, upper : float
        Standard error and Wald limits, or posterior sd and equal-tailed credible limits; NaN where
        there is none.
    prob : float
        Probability of the limits.
    n : int
        Rows.
    source : str
        Which data, as in `Provenance`.
    """

    outcome: str
    model: str
    term: str
    pooling: str
    engine: str
    estimate: float
    sd: float
    lower: float
    upper: float
    prob: float
    n: int
    source: str


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group's level under every kind of pooling, at the predictors' means.

    Parameters
    ----------
    outcome, model, group : str
    n : int
        Rows of the group.
    raw : float
        Mean of its outcomes.
    complete : float
        Complete pooling: the mean over all rows.
    none, none_lower, none_upper : float
        No pooling, with Wald limits; NaN where it cannot be fitted.
    reml : float
        Partial pooling by REML.
    mean, lower, upper : float
        Partial pooling by the posterior, with equal-tailed credible limits.
    factor_reml, factor, factor_lower, factor_upper : float
        Shrinkage factor by REML; posterior median and limits.
    more : float
        More rows of this group that would halve its interval, infinite when none would; see the
        module's text.
    prob : float
        Probability of all limits.
    source : str
        Which data, as in `Provenance`.
    """

    outcome: str
    model: str
    group: str
    n: int
    raw: float
    complete: float
    none: float
    none_lower: float
    none_upper: float
    reml: float
    mean: float
    lower: float
    upper: float
    factor_reml: float
    factor: float
    factor_lower: float
    factor_upper: float
    more: float
    prob: float
    source: str


@dataclass(frozen=True, eq=False)
class Pooling:
    """The poolings of one model.

    Parameters
    ----------
    spec : ModelSpec
    terms : tuple of TermRow
    groups : tuple of GroupRow
    exact : Result
        The posterior behind them.
    missing : str
        Why there is no estimate without pooling, or "".
    """

    spec: ModelSpec
    terms: tuple[TermRow, ...]
    groups: tuple[GroupRow, ...]
    exact: Result
    missing: str


def compare_pooling(spec: ModelSpec, data: Any, *, prob: float = 0.95) -> Pooling:
    """Fit one model with complete, no and partial pooling.

    Where many data sets are possible (the published study), every figure is an average over all of
    them: raw means and estimates as the posterior. Only `more` is of the first, the one nearest to
    the printed figures.

    Parameters
    ----------
    spec, data, prob
        As in `fit`.

    Raises
    ------
    DataError
        When the model cannot be fitted with a random intercept.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> found = compare_pooling(ModelSpec("y", group="g"), df)
    >>> [(row.group, row.raw, row.none, round(row.reml, 2)) for row in found.groups]
    [('a', 2.0, 2.0, 2.08), ('b', 6.0, 6.0, 6.0), ('c', 10.0, 10.0, 9.92)]
    """
    exact = fit(spec, data, engine="exact", prob=prob)
    versions = [part.moments for part in exact.fitted.parts]
    none, missing = _unpooled(versions)
    reml = [fit_reml(moments) for moments in versions]
    terms = [
        *_rows_of([fit_ols(moments) for moments in versions], "complete", "ols", exact),
        *_rows_of(none, "none", "dummies", exact),
        *_rows_of(reml, "partial", "reml", exact),
        *(_row_of(row, "partial", "exact", exact) for row in exact.singles),
    ]
    return Pooling(spec, tuple(terms), tuple(_groups(none, reml, exact)), exact, missing)


def _unpooled(versions: Sequence[Moments]) -> tuple[list[GaussianFit], str]:
    """Fits without pooling, or why there are none: a predictor is constant within groups."""
    try:
        return [fit_no_pooling(moments) for moments in versions], ""
    except DataError as error:
        return [], str(error)


def _rows_of(
    fits: Sequence[GaussianFit], pooling: str, engine: str, exact: Result
) -> Iterator[TermRow]:
    """Everything but the groups, averaged over fits of all data sets that are possible.

    Without pooling there is no sd between groups, and no ICC.
    """
    each = [[row for row in frequentist_rows(f, exact.prob) if not row.group] for f in fits]
    for rows in zip(*each, strict=True):
        if pooling != "none" or rows[0].term not in {"sd_group", "icc"}:
            numbers = np.mean([[r.estimate, r.sd, r.lower, r.upper] for r in rows], axis=0)
            mean, sd, low, high = (float(value) for value in numbers)
            average = replace(rows[0], estimate=mean, sd=sd, lower=low, upper=high)
            yield _row_of(average, pooling, engine, exact)


def _row_of(row: Estimate, pooling: str, engine: str, exact: Result) -> TermRow:
    """One row, with what it is of."""
    spec = exact.spec
    return TermRow(
        spec.outcome, spec.name, row.term, pooling, engine, row.estimate, row.sd, row.lower,
        row.upper, exact.prob, exact.moments.n_obs, exact.provenance.source,
    )  # fmt: skip


def _groups(
    none: Sequence[GaussianFit], reml: Sequence[GaussianFit], exact: Result
) -> Iterator[GroupRow]:
    """Yield one row per group that is in every possible data set."""
    prob, posterior = exact.prob, exact.fitted
    versions = [fit.moments for fit in reml]
    own = own_levels(versions, prob) if none else {}
    pooled = _averaged(reml, _pooled_levels)
    raw = _averaged(reml, lambda fit: fit.moments.means[:, -1])
    sizes = _averaged(reml, lambda fit: fit.moments.sizes)
    complete = float(np.mean([moments.grand_mean[-1] for moments in versions]))
    tails = [0.5 - 0.5 * prob, 0.5, 0.5 + 0.5 * prob]
    means, limits = posterior.group_means.mean(), posterior.group_means.quantile(tails)
    icc = posterior.quantile("icc", tails)
    nothing = (float("nan"),) * 3
    for place, group in enumerate(posterior.groups):
        n = sizes[group]
        level, own_low, own_high = own.get(group, nothing)
        low, middle, high = (_factor(float(share), n) for share in icc)
        yield GroupRow(
            outcome=exact.spec.outcome, model=exact.spec.name, group=group, n=round(n),
            raw=raw[group], complete=complete,
            none=level, none_lower=own_low, none_upper=own_high,
            reml=pooled[group], mean=float(means[place]),
            lower=float(limits[place, 0]), upper=float(limits[place, 2]),
            factor_reml=float(np.mean([_factor(fit.icc, n) for fit in reml])),
            factor=middle, factor_lower=low, factor_upper=high,
            more=rows_to_halve(posterior.parts[0], group), prob=prob,
            source=exact.provenance.source,
        )  # fmt: skip


def own_levels(versions: Sequence[Moments], prob: float) -> dict[str, tuple[float, float, float]]:
    """Every group's level at the predictors' means without pooling, and its Wald limits.

    It is what partial pooling shrinks: the same quantity, of a group's own data. `GaussianFit` has
    its deviation from the mean of all levels; that mean is the mean outcome, and its error,
    sigma/sqrt(N), is independent of the deviation's.

    Parameters
    ----------
    versions : sequence of Moments
        Data sets that are possible; levels and errors are averaged over them.
    prob : float
        Probability of the limits.

    Raises
    ------
    DataError
        For a predictor that does not vary within groups.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7], "g": list("aaabbb")})
    >>> own_levels([Moments.from_frame(df, outcome="y", group="g")], 0.95)["a"][0]
    2.0
    """
    from scipy.special import ndtri

    fits = [fit_no_pooling(moments) for moments in versions]
    levels = _averaged(fits, lambda fit: fit.moments.grand_mean[-1] + fit.ranef)
    errors = _averaged(
        fits, lambda fit: np.hypot(fit.ranef_sd, fit.sd_resid / np.sqrt(fit.moments.n_obs))
    )
    reach = float(ndtri(0.5 + 0.5 * prob))
    return {
        group: (level, level - reach * errors[group], level + reach * errors[group])
        for group, level in levels.items()
    }


def _averaged(
    fits: Sequence[GaussianFit], what: Callable[[GaussianFit], Floats]
) -> Mapping[str, float]:
    """Mean over fits of a number of each group, for groups that are in all."""
    found: dict[str, list[float]] = {}
    for one in fits:
        for group, value in zip(one.moments.groups, what(one), strict=True):
            found.setdefault(group, []).append(float(value))
    return {g: float(np.mean(values)) for g, values in found.items() if len(values) == len(fits)}


def _pooled_levels(fit: GaussianFit) -> Floats:
    """Levels by REML at the predictors' means, (J,)."""
    centre = float(fit.coef[0] + fit.coef[1:] @ fit.moments.grand_mean[:-1])
    return np.asarray(centre + fit.ranef)


def _factor(icc: float, n: float) -> float:
    """Shrinkage factor lambda n/(1 + lambda n), finite also where lambda is not."""
    return n * icc / (1 - icc + n * icc)


def rows_to_halve(part: ExactPosterior, group: str) -> float:
    """More rows of a group that would halve the interval of its expected outcome.

    Parameters
    ----------
    part : ExactPosterior
        Of the data as they are.
    group : str
        The group.

    Returns
    -------
    float
        Smallest whole m with V(m) <= V(0)/4, or infinity; see the module's text.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.engines.gaussian.exact import fit_exact
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> rows_to_halve(fit_exact(Moments.from_frame(df, outcome="y", group="g")), "a")
    10.0
    """
    j = part.moments.groups.index(group)
    aim = group_variance(part, j, 0.0) / 4
    if group_variance(part, j, _MOST) > aim:
        return float("inf")
    high = 1
    while group_variance(part, j, high) > aim:
        high *= 2
    low = high // 2  # still too few, or zero
    while high - low > 1:
        middle = (low + high) // 2
        if group_variance(part, j, middle) > aim:
            low = middle
        else:
            high = middle
    return float(high)


def group_variance(part: ExactPosterior, j: int, more: float) -> float:
    """V_j(m), the mean conditional variance of a group's level, in the outcome's unit squared.

    Parameters
    ----------
    part : ExactPosterior
        Of the data as they are.
    j : int
        Number of the group.
    more : float
        m, rows that are added to it.
    """
    data, grid, moments = part.data, part.grid, part.moments
    k, lam, x = data.n_coef, grid.given.lam, data.means[:, : data.n_coef]
    sizes = moments.sizes + more * (np.arange(moments.n_groups) == j)
    weights = sizes / (1 + lam[:, None] * sizes)  # (Z, J)
    within = data.within[:k, :k] * (1 + more / (moments.n_obs - moments.n_groups))
    information = within + np.einsum("zj,ja,jb->zab", weights, x, x)
    factor = lam * weights[:, j]
    loading = np.eye(k)[0] - factor[:, None] * x[j]  # (Z, k)
    inv_var = np.exp(-2 * grid.t.nodes)  # (T,)
    precision = information[:, None] * inv_var[:, None, None] + np.diag(part.prior_terms[0])
    variance = np.einsum("za,ztab,zb->zt", loading, np.linalg.inv(precision), loading)
    variance += (factor / sizes[j])[:, None] / inv_var
    return float((grid.weight * variance).sum() * data.scale[-1] ** 2)
