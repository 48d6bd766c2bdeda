"""Studies simulated from a fit: the parametric bootstrap, and a test whether groups differ.

Of one random intercept both need sufficient statistics alone, so that they are had of a printed
model, too: group means and within-group cross products of it are independent, and drawn as such.
Of other random terms rows are simulated.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.asked import check_result
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.gaussian.ols_reml import GaussianFit, fit_ols, fit_reml
from bayes_sf.engines.mixed.likelihood import MixedFit, fit_mixed
from bayes_sf.engines.mixed.result import MixedResult, fit_rows
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result
from bayes_sf.errors import ConvergenceError, DataError, UsageError, check_seed
from bayes_sf.spec.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["bootstrap", "variance_test"]


#: tau^2/sigma^2 times the mean group size, where the likelihood of simulated data is looked at.
_RATIOS = np.concatenate([[0.0], np.geomspace(1e-4, 1e6, 400)])
#: Numbers that are worked on at a time.
_BLOCK = 4_000_000
#: Simulated studies at most, and simulated ratios.
_MOST, _MOST_RATIOS = 100_000, 10_000_000
#: Share of simulated studies that must be fitted.
_FITTED = 0.95


def bootstrap(result: Result, *, draws: int = 1_000, seed: int = 1) -> "pd.DataFrame":
    """Percentile intervals of estimates of studies like this one: lme4's ``confint(boot)``.

    Studies of the same groups, sizes and predictors are simulated from the estimates, random
    effects anew in each, and fitted again by the same engine (Efron & Tibshirani 1993, chapter
    6.5; lme4's ``bootMer``).

    Parameters
    ----------
    result : Result
        Of a Gaussian model with any random terms, by ``reml`` or ``ml``.
    draws : int
        Simulated studies, up to 100,000; limits of 95 % are good to 5 % of the interval's width
        with 1,000. Of several random terms each takes as long as the fit did.
    seed : int
        Seed.

    Returns
    -------
    pandas.DataFrame
        ``estimate, std_error, bias, lower, upper`` by term: coefficients, sds, correlations and
        ICC, as ``result.estimates`` has them (``sd_group``, ``sd_resid`` and ``icc`` of one
        random intercept). ``attrs`` has ``draws``, ``prob``, the share of studies with an estimate
        at the boundary (a variance of zero), ``at_zero``, and of those that could not be fitted,
        ``failed``. A correlation is of studies where both sds are above zero.

    Raises
    ------
    UsageError
        For another engine or outcome, or counted rows.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> found = bootstrap(sf.fit("y ~ 1 + (1 | g)", df, engine="reml"), draws=200)
    >>> found.index.tolist(), bool(found.loc["icc", "upper"] < 1)
    (['(Intercept)', 'sd_group', 'sd_resid', 'icc'], True)
    """
    import pandas as pd

    _check(result, "bootstrap", draws, seed, least=2, most=_MOST)
    names, own, studies = _refitted(result, draws, np.random.default_rng(seed))
    fits = list(studies)
    kept = np.array([numbers for numbers, _ in fits])
    if len(kept) < _FITTED * draws:
        raise ConvergenceError(
            "bootstrap", f"must fit {_FITTED:.0%} of the simulated studies",
            got=f"{len(kept)} of {draws}", fix="leave out random terms whose variance is near zero",
        )  # fmt: skip
    tails = [0.5 - 0.5 * result.prob, 0.5 + 0.5 * result.prob]
    columns = [column[np.isfinite(column)] for column in kept.T]
    rows = [
        (value, one.std(ddof=1), one.mean() - value, *np.quantile(one, tails))
        if len(one) > 1 else (value, *[np.nan] * 4)
        for value, one in zip(own, columns, strict=True)
    ]  # fmt: skip
    parts = ["estimate", "std_error", "bias", "lower", "upper"]
    table = pd.DataFrame(rows, columns=parts, index=pd.Index(names, name="term"))
    at_zero = float(np.mean([zero for _, zero in fits]))
    failed = draws - len(kept)
    table.attrs = {"draws": draws, "prob": result.prob, "at_zero": at_zero, "failed": failed}
    return table


def variance_test(result: Result, *, draws: int = 10_000, seed: int = 1) -> "pd.Series[float]":
    """Whether groups differ at all: the restricted likelihood ratio test of a variance of zero.

    Zero is at the boundary of what a variance can be, and chi-square with one degree of freedom is
    wrong: with many groups it is half that and half zero (Self & Liang 1987), with few neither. Its
    own distribution depends on sizes and predictors alone and is simulated (Crainiceanu & Ruppert
    2004, J. R. Stat. Soc. B 66, 165-185, equation 9), as R's ``RLRsim::exactRLRT`` does.

    Parameters
    ----------
    result : Result
        Of a random intercept, by ``reml``.
    draws : int
        Simulated ratios.
    seed : int
        Seed.

    Returns
    -------
    pandas.Series
        ``statistic``; ``p_value``, simulated (the sample counts as one of the draws, so that it is
        never zero: Davison & Hinkley 1997, equation 4.11); ``p_mixture``, of the mixture of
        chi-squares; ``at_zero``, the probability that a study without differences estimates zero.

    Raises
    ------
    UsageError
        For another engine, several random terms, or weights.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> found = variance_test(sf.fit("y ~ 1 + (1 | g)", df, engine="reml"))
    >>> found["statistic"].round(2), bool(found["p_value"] < 0.01)
    (np.float64(12.62), True)
    """
    import pandas as pd
    from scipy.special import chdtrc

    _check(result, "variance_test", draws, seed, least=1, most=_MOST_RATIOS)
    fit = _one_intercept(result, "variance_test", "is of one random intercept, by engine='reml'")
    statistic = max(fit_ols(fit.moments).criterion - fit.criterion, 0.0)
    if fit.boundary:
        statistic = 0.0
    ratios = _null_ratios(fit.moments, draws, np.random.default_rng(seed))
    return pd.Series(
        {
            "statistic": statistic,
            "p_value": float((ratios >= statistic).sum() + 1) / (draws + 1),
            "p_mixture": 1.0 if statistic == 0 else 0.5 * float(chdtrc(1, statistic)),
            "at_zero": float((ratios == 0).mean()),
        }
    )


def _check(result: Result, what: str, draws: int, seed: int, *, least: int, most: int) -> None:
    """Refuse what cannot be simulated from."""
    check_result(result)
    if isinstance(result, OutcomeResult):
        raise UsageError(what, "is of Gaussian outcomes", got=result.spec.family)
    if not isinstance(draws, int) or isinstance(draws, bool) or not least <= draws <= most:
        raise UsageError("draws", f"must be a whole number from {least} to {most:,}", got=draws)
    check_seed(seed)


def _one_intercept(result: Result, what: str, rule: str) -> GaussianFit:
    """The fit of one random intercept by REML."""
    fit = result.fitted
    if result.engine != "reml" or not isinstance(fit, GaussianFit):
        got = result.engine
        if isinstance(result, MixedResult) and isinstance(fit, MixedFit):
            columns = sum(len(factor.columns) for factor in result.matrices.factors)
            got = "several random terms" if columns > 1 else result.engine
        raise UsageError(what, rule, got=got)
    if fit.moments.n_rows is not None:
        raise UsageError(what, "has no weights", fix="leave them out")
    return fit


def _refitted(
    result: Result, draws: int, rng: np.random.Generator
) -> tuple[list[str], Floats, Iterator[tuple[Floats, bool]]]:
    """Names and values of what is estimated, and of each study the values and whether one is 0."""
    fit = result.fitted
    if isinstance(fit, MixedFit):
        if fit.products.matrices.counts is not None:
            raise UsageError("bootstrap", "has no counted rows", fix="repeat the rows")
        rows = list(_singles(fit))
        numbers = np.array([row.estimate for row in rows])
        return [row.term for row in rows], numbers, _mixed_studies(fit, draws, rng)
    fit = _one_intercept(result, "bootstrap", "is of a fit by engine 'reml' or 'ml'")
    again = map(fit_reml, _studies(fit, draws, rng))
    names = [*fit.moments.terms, "sd_group", "sd_resid", "icc"]
    return names, _numbers(fit), ((_numbers(study), study.boundary) for study in again)


def _singles(fit: MixedFit) -> Iterator[Estimate]:
    """Coefficients, sds, correlations and ICCs."""
    return takewhile(lambda row: not row.group, fit_rows(fit, 0.5))


def _mixed_studies(
    fit: MixedFit, n: int, rng: np.random.Generator
) -> Iterator[tuple[Floats, bool]]:
    """Studies of the same rows but for the outcome, fitted again; those that can be."""
    matrices = fit.products.matrices
    noise = fit.sd_resid if matrices.weights is None else fit.sd_resid / np.sqrt(matrices.weights)
    halves = [_root(covariance) for covariance in fit.covariances]
    for _ in range(n):
        y = matrices.x @ fit.coef + noise * rng.normal(size=len(matrices.y))
        for factor, half in zip(matrices.factors, halves, strict=True):
            effects = rng.normal(size=(factor.n_levels, len(half))) @ half.T
            y = y + (factor.z * effects[factor.code]).sum(axis=1)
        try:
            again = fit_mixed(replace(matrices, y=y), reml=fit.reml, near=fit.theta)
        except (ConvergenceError, DataError):  # it cannot be fitted: counted, not fatal
            continue
        yield np.array([row.estimate for row in _singles(again)]), again.singular


def _root(covariance: Floats) -> Floats:
    """A square root of a covariance, which may be singular."""
    value, vector = np.linalg.eigh(covariance)
    return np.asarray(vector * np.sqrt(np.maximum(value, 0.0)))


def _numbers(fit: GaussianFit) -> Floats:
    """Coefficients, both sds and the ICC."""
    return np.array([*fit.coef, fit.sd_group, fit.sd_resid, fit.icc])


def _studies(fit: GaussianFit, n: int, rng: np.random.Generator) -> Iterator[Moments]:
    """Simulate n studies of the same sizes and predictors, from the estimates."""
    moments, p = fit.moments, len(fit.moments.predictors)
    sizes, x, xx = moments.sizes, moments.means[:, :p], moments.within[:p, :p]
    value, vector = np.linalg.eigh(xx)
    kept = value > 1e-12 * max(value.max(initial=0.0), 1.0)
    root = vector[:, kept] * np.sqrt(value[kept])  # xx = root root'
    slope = np.asarray(fit.coef[1:])
    free = moments.n_obs - moments.n_groups - int(kept.sum())
    level_sd = np.sqrt(fit.sd_group**2 + fit.sd_resid**2 / sizes)
    for _ in range(n):
        level = fit.coef[0] + x @ slope + level_sd * rng.normal(size=len(sizes))
        z = np.asarray(fit.sd_resid * rng.normal(size=root.shape[1]))
        free_squares = rng.chisquare(free) if free else 0.0
        xe, ee = root @ z, float(z @ z) + fit.sd_resid**2 * free_squares
        within = np.zeros_like(moments.within)
        within[:p, :p] = xx
        within[:p, p] = within[p, :p] = xx @ slope + xe
        within[p, p] = float(slope @ (xx @ slope + 2 * xe)) + ee
        yield replace(moments, means=np.column_stack([x, level]), within=within)


def _null_ratios(moments: Moments, n: int, rng: np.random.Generator) -> Floats:
    """Restricted likelihood ratios of studies without differences between groups, (n,).

    With mu the eigenvalues of Z'(I - X(X'X)^-1 X')Z and squares of standard normals along them, the
    ratio's maximum over lambda needs no data.
    """
    p = len(moments.predictors)
    sizes = moments.sizes
    x = np.column_stack([np.ones(len(sizes)), moments.means[:, :p] - moments.grand_mean[:p]])
    xx = x.T @ (sizes[:, None] * x)
    xx[1:, 1:] += moments.within[:p, :p]
    zx = sizes[:, None] * x
    mu = np.linalg.eigvalsh(np.diag(sizes) - zx @ np.linalg.solve(xx, zx.T))
    mu = mu[mu > 1e-9 * sizes.max()]
    left = moments.n_obs - p - 1
    if left <= len(mu):
        raise DataError(
            f"model of {moments.outcome!r}", "must have more rows than groups and coefficients",
            got=f"{moments.n_obs} rows",
        )  # fmt: skip
    lam = _RATIOS / sizes.mean()
    shrunk = 1 / (1 + lam[:, None] * mu)  # (L, K)
    log_det = np.log1p(lam[:, None] * mu).sum(axis=1)
    found = []
    step = max(1, _BLOCK // (len(lam) + len(mu)))
    for start in range(0, n, step):
        m = min(step, n - start)
        along, rest = rng.chisquare(1, size=(m, len(mu))), rng.chisquare(left - len(mu), size=m)
        total = along.sum(axis=1) + rest
        given = along @ shrunk.T + rest[:, None]  # residual sum of squares at each lambda
        found.append((left * np.log(total[:, None] / given) - log_det).max(axis=1))
    return np.asarray(np.maximum(np.concatenate(found), 0.0))
