"""Answers to linear questions: x'beta + z'b of any result, as a table.

Of ``exact`` an answer is a mixture of normals, without Monte Carlo error; of ``nuts`` a mixture
over the draws, or the draws; of ``reml``, ``ml`` and ``ols`` an estimate with its standard error.
Of a family with a link they are on the link's scale: see `response` for its means.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.ols_reml import GaussianFit
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.gaussian.repeated import RepeatedPosterior
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.mixed.combine import fit_of
from bayes_sf.engines.mixed.degrees import satterthwaite
from bayes_sf.engines.mixed.exact import MixedPosterior
from bayes_sf.engines.mixed.fit import of_rows
from bayes_sf.engines.mixed.likelihood import MixedFit, fit_mixed
from bayes_sf.engines.outcomes.maximum import OutcomeFit
from bayes_sf.engines.outcomes.sampled import OutcomeSampled
from bayes_sf.engines.result import Result
from bayes_sf.engines.sampled.nuts import Sampled
from bayes_sf.engines.sets.result import PooledResult
from bayes_sf.engines.sets.rubin import pool
from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "Drawn", "Wald", "answer", "fixed_loading", "joined", "means_of", "table_of", "unit_loading",
]  # fmt: skip


#: Numbers that are worked on at a time.
_BLOCK = 8_000_000


@dataclass(frozen=True, eq=False)
class Wald:
    """Estimates with standard errors.

    Parameters
    ----------
    estimate, error : (m,) arrays
    df : (m,) array, optional
        Degrees of freedom of t; infinite where none are known. None where the test is of z.
    by_t : bool
        Whether intervals are Student's, too.
    """

    estimate: Floats
    error: Floats
    df: Floats | None = None
    by_t: bool = False

    @property
    def ratio(self) -> Floats:
        """Estimates in standard errors, (m,): t or z."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.estimate / self.error)

    def tested(self, p: Callable[[Any, Floats], Any]) -> dict[str, Any]:
        """Columns of a test: ``t, df, p``, or ``z, p``.

        Parameters
        ----------
        p : callable
            Of degrees of freedom and the ratio.
        """
        if self.df is None:
            return {"z": self.ratio, "p": p(np.inf, self.ratio)}
        return {"t": self.ratio, "df": self.df, "p": p(self.df, self.ratio)}

    def mean(self) -> Floats:
        """Estimates, (m,)."""
        return self.estimate

    def sd(self) -> Floats:
        """Standard errors, (m,)."""
        return self.error

    def quantile(self, probs: Sequence[float]) -> Floats:
        """Limits of Wald intervals, (m, len(probs)): with the normal's quantiles, or Student's."""
        from scipy.special import ndtri, stdtrit

        reach: Any = ndtri(probs)
        if self.by_t and self.df is not None:
            reach = stdtrit(np.minimum(self.df, 1e12)[:, None], probs)
        return np.asarray(self.estimate[:, None] + self.error[:, None] * reach)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Draws of m quantities, (m, S)."""

    draws: Floats

    def mean(self) -> Floats:
        """Means, (m,)."""
        return np.asarray(self.draws.mean(axis=1))

    def sd(self) -> Floats:
        """Return the standard deviations, (m,)."""
        return np.asarray(self.draws.std(axis=1, ddof=1))

    def quantile(self, probs: Sequence[float]) -> Floats:
        """Quantiles, (m, len(probs))."""
        return np.asarray(np.quantile(self.draws, probs, axis=1).T)

    def cdf(self, value: float) -> Floats:
        """P(quantity <= value), (m,)."""
        return np.asarray((self.draws <= value).mean(axis=1))


type Answer = NormalMixture | Drawn | Wald


def fixed_loading(result: Result, x: Floats) -> Loading:
    """Combinations of a result's coefficients alone.

    Parameters
    ----------
    result : Result
    x : (m, p) array
        Of raw coefficients.
    """
    one = result.fits[0] if isinstance(result, PooledResult) else result
    matrices = getattr(one, "matrices", None)
    none = (None,) * (1 if matrices is None else len(matrices.factors))
    return Loading(x, np.zeros(len(x)), none, none, np.zeros(len(x)))


def unit_loading(result: Result) -> Loading:
    """Each coefficient by itself.

    Parameters
    ----------
    result : Result
    """
    return fixed_loading(result, np.eye(len(result.coefficients)))


def answer(result: Result, loading: Loading, *, degrees: bool = False) -> Answer:
    """Estimates or posterior of linear combinations, (m,).

    Parameters
    ----------
    result : Result
        Of any engine.
    loading : Loading
    degrees : bool
        Whether Satterthwaite's degrees of freedom are asked for (``reml``, ``ml``); otherwise they
        are infinite.

    Raises
    ------
    UsageError
        For effects of a model whose effects are not known jointly.
    """
    fitted = result.fitted
    pooled = isinstance(result, PooledResult)
    if pooled or isinstance(fitted, OutcomeFit | OutcomeSampled):
        return _of_sets(result, loading) if pooled else _of_outcome(fitted, loading)
    if hasattr(fitted, "combine"):
        return fitted.combine(loading)  # type: ignore[no-any-return]
    if isinstance(fitted, MixedFit):
        return _of_fit(fitted, loading, degrees=degrees)
    if isinstance(fitted, GaussianFit):
        return _of_moments(result, fitted, loading, degrees=degrees)
    if isinstance(fitted, RepeatedPosterior) and loading.fixed:
        return fitted.contrast(loading.x).shifted(loading.offset)
    if isinstance(fitted, Sampled):
        return _of_draws(fitted.tree["posterior"].to_dataset(), fitted.moments.group, loading)
    raise UsageError(
        f"model {result.spec.name!r}", "has no predictions yet", got=f"engine {result.engine!r}",
        fix="see its estimates",
    )  # fmt: skip


def _of_sets(result: Any, loading: Loading) -> Wald:
    """Pooled by Rubin's rules, combination by combination."""
    if not loading.fixed:
        rule = "answers only what is asked of its coefficients: completed sets have other rows"
        raise UsageError(f"model {result.spec.name!r}", rule, fix="see result.fits")
    each = [answer(fit, loading) for fit in result.fits]
    pooled = pool(
        np.array([one.mean() for one in each]), np.array([one.sd() ** 2 for one in each]),
        [""] * len(loading), df_complete=result.fitted.df_complete,
    )  # fmt: skip
    return Wald(pooled.estimate, pooled.std_error, pooled.df, by_t=True)


def _of_outcome(fitted: OutcomeFit | OutcomeSampled, loading: Loading) -> Answer:
    """On the link's scale."""
    if isinstance(fitted, OutcomeFit):
        return Wald(fitted.linear(loading), fitted.error(loading))
    return _mixed(*fitted.linear(loading))


def _of_fit(fit: MixedFit, loading: Loading, *, degrees: bool) -> Wald:
    estimate, error = fit_of(fit, loading)
    infinite = np.full(len(loading), np.inf)
    return Wald(estimate, error, satterthwaite(fit, loading.x) if degrees else infinite)


def _of_moments(result: Result, fit: GaussianFit, loading: Loading, *, degrees: bool) -> Wald:
    """OLS by its covariance; REML with rows as any mixed model, else coefficients alone."""
    n, k = fit.moments.n_obs, len(fit.coef)
    if result.engine != "ols" and result.data is not None:
        return _of_fit(fit_mixed(of_rows(result.data)), loading, degrees=degrees)
    estimate = loading.x @ fit.coef + loading.offset
    variance = ((loading.x @ fit.vcov) * loading.x).sum(axis=1) + loading.noise * fit.sd_resid**2
    df = n - k if result.engine == "ols" else np.inf
    return Wald(estimate, np.sqrt(variance), np.full(len(loading), float(df)))


def _of_draws(posterior: "xr.Dataset", group: str, loading: Loading) -> NormalMixture | Drawn:
    """Draws of coefficients and effects; what is never seen is normal given each draw."""

    def flat(name: str, *dims: str) -> Floats:
        return np.asarray(
            posterior[name].transpose("chain", "draw", *dims).to_numpy().reshape(-1, *(
                posterior.sizes[dim] for dim in dims
            ))
        )  # fmt: skip

    total = loading.x @ flat("beta", "term").T + loading.offset[:, None]  # (m, S)
    slopes = "u_slope" in posterior
    if loading.z[0] is not None:
        effects = [flat("u", group), *([flat("u_slope", group)] if slopes else [])]
        stacked = np.stack(effects, axis=2)  # (S, J, k)
        total = total + loading.z[0] @ stacked.reshape(len(stacked), -1).T
    variance = np.zeros_like(total)
    if loading.noise.any():
        variance = variance + loading.noise[:, None] * flat("sd_resid") ** 2
    fresh = loading.fresh[0]
    if fresh is not None:
        sds = [flat("sd_group"), *([flat("sd_slope")] if slopes else [])]
        parts = [fresh[:, [i]] * sd for i, sd in enumerate(sds)]
        variance = variance + sum(part**2 for part in parts)
        if slopes:
            variance = variance + 2 * parts[0] * parts[1] * flat("correlation")
    return _mixed(total, variance)


def _mixed(means: Floats, variances: Floats) -> NormalMixture | Drawn:
    """Draws, or a mixture of normals around them."""
    if not variances.any():
        return Drawn(means)
    draws = means.shape[1]
    sds = np.broadcast_to(np.sqrt(variances), means.shape)
    return NormalMixture(np.full(draws, 1 / draws), means, sds)


def means_of(result: Result, loading: Loading) -> Floats:
    """Estimates or posterior means of linear combinations, (m,).

    Parameters
    ----------
    result : Result
    loading : Loading
    """
    return np.concatenate([answer(result, part).mean() for part in _parts(result, loading)])


def _parts(result: Result, loading: Loading) -> Iterator[Loading]:
    """Combinations, so many at a time that memory is small."""
    step = max(1, _BLOCK // _components(result, loading))
    for start in range(0, max(len(loading), 1), step):
        yield loading.take(slice(start, start + step))


def table_of(result: Result, loading: Loading, index: Any, *, signed: bool) -> "pd.DataFrame":
    """Estimates and intervals of linear combinations.

    Parameters
    ----------
    result : Result
    loading : Loading
    index : index of the table
    signed : bool
        Whether it is asked how sure their sign is: ``p_direction``; ``t, df, p``, or ``z, p``.

    Returns
    -------
    pandas.DataFrame
        ``estimate, sd, lower, upper`` and these.
    """
    found = (answer(result, part, degrees=signed) for part in _parts(result, loading))
    return joined(found, result.prob, index, signed=signed)


def joined(answers: Iterable[Answer], prob: float, index: Any, *, signed: bool) -> "pd.DataFrame":
    """Answers under each other, as a table.

    Parameters
    ----------
    answers : iterable of answers
    prob : float
        Of the intervals.
    index : index of the table
    signed : bool
        As in `table_of`.
    """
    import pandas as pd

    parts: list[dict[str, Floats]] = []
    for found in answers:
        limits = found.quantile([0.5 - 0.5 * prob, 0.5 + 0.5 * prob])
        columns = {
            "estimate": found.mean(), "sd": found.sd(), "lower": limits[:, 0],
            "upper": limits[:, 1],
        }  # fmt: skip
        parts.append({**columns, **(_sign(found) if signed else {})})
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return pd.DataFrame(whole, index=index)


def _components(result: Result, loading: Loading) -> int:
    """Numbers that one combination takes, at most."""
    fitted = result.fitted
    if isinstance(fitted, MixedPosterior):
        nodes = fitted.nodes if loading.fixed else fitted.thin
        return int(nodes.weight.size)
    if isinstance(fitted, Posterior):
        return int(sum(part.grid.weight.size for part in fitted.parts))
    return max(int(getattr(fitted, "width", 0)), 4000)


def _sign(found: Answer) -> dict[str, Floats]:
    """How sure the sign of a quantity is."""
    from scipy.special import stdtr

    if isinstance(found, Wald):
        return found.tested(lambda df, ratio: 2 * stdtr(df, -np.abs(ratio)))
    below = found.cdf(0.0)
    return {"p_direction": np.maximum(below, 1 - below)}
