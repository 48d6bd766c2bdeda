"""Draws of a model whose outcome is not Gaussian: bambi builds it, nutpie samples it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.outcomes.graph import OutcomeGraph, outcome_graph
from bayes_sf.engines.outcomes.prior import outcome_priors, stated
from bayes_sf.engines.outcomes.shares import Shares
from bayes_sf.engines.sampled.compiling import compile_model
from bayes_sf.engines.sampled.diagnostics import Diagnosed
from bayes_sf.engines.sampled.nuts import SETTINGS, draws_row, sample, sampler_stats, try_twice
from bayes_sf.spec.family import Family
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.names import INTERCEPT
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.terms.matrices import Factor, Matrices

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["OutcomeSampled", "fit_sampled", "outcome_tree"]


#: An intercept goes up where all effects go down: its draws are worth a tenth where levels have
#: many rows, so that there are more than of Gaussian models, which have no effects to sample.
_CAREFUL: Mapping[str, float] = {"draws": 2000, "target_accept": 0.9}
#: Draws of an ICC, at most: every so manieth of the draws.
_MOST_SHARES = 1000


@dataclass(frozen=True, eq=False)
class OutcomeSampled(Diagnosed):
    """Draws of one model from NUTS, believed or not: see `converged`.

    Parameters
    ----------
    matrices : Matrices
    family : Family
    priors : mapping of str to Prior
        Of coefficients, sds and correlations, on the link's scale.
    more : mapping of str to str
        Of the family's own parameters, as bambi writes them.
    tree : xarray.DataTree
        ``posterior``: ``beta`` by term, sds by name, the family's parameters, ``column|factor`` by
        level; ``sample_stats``.
    settings : mapping
        The sampler's.
    """

    matrices: Matrices
    family: Family
    priors: Mapping[str, Prior]
    more: Mapping[str, str]
    tree: "xr.DataTree"
    settings: Mapping[str, float]

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Grouping factors."""
        return self.matrices.factors

    @property
    def stated(self) -> str:
        """All priors in one line."""
        return stated(self.priors, self.more)

    def flat(self, name: str) -> Floats:
        """Draws of a variable, chains after each other, (N, ...)."""
        values = self.tree["posterior"][name].to_numpy()
        return np.asarray(values.reshape(-1, *values.shape[2:]))

    def linear(self, loading: Loading) -> tuple[Floats, Floats]:
        """Linear combinations on the link's scale, (m, N), and variance of levels never seen.

        Parameters
        ----------
        loading : Loading
        """
        found = np.broadcast_to(loading.offset[:, None], (len(loading), self.width))
        if self.matrices.terms:
            found = loading.x @ self.flat("beta").T + found
        variance = np.zeros((1, 1))
        for factor, z, fresh in zip(self.factors, loading.z, loading.fresh, strict=True):
            if z is not None:
                names = [f"{column}|{factor.name}" for column in factor.columns]
                effects = np.stack([self.flat(name) for name in names], axis=2)  # (N, J, k)
                found = found + z @ effects.reshape(len(effects), -1).T
            if fresh is not None:
                spread = self._covariance(factor, lambda draws: draws)
                variance = variance + np.einsum("mk,nkl,ml->mn", fresh, spread, fresh)
        return np.asarray(found), np.asarray(variance)

    @property
    def width(self) -> int:
        """Numbers that one combination takes: draws in all chains."""
        sizes = self.tree["posterior"].sizes
        return int(sizes["chain"] * sizes["draw"])

    @cached_property
    def shares(self) -> Shares:
        """Of ICCs: up to a thousand of the draws."""
        thin = -(-self.width // _MOST_SHARES)
        return self._shares(lambda draws: draws[::thin])

    @property
    def mean_shares(self) -> Shares:
        """Of R2: at posterior means of coefficients, sds and the family's parameters."""
        return self._shares(lambda draws: draws.mean(axis=0, keepdims=True))

    def _shares(self, pick: Callable[[Floats], Floats]) -> Shares:
        """Shares of some draws."""
        covariances = tuple(self._covariance(factor, pick) for factor in self.factors)
        coef = np.zeros((len(covariances[0]), 0))
        coef = pick(self.flat("beta")) if self.matrices.terms else coef
        scalars = {name: pick(values) for name, values in self.scalars.items()}
        return Shares(self.matrices, self.family, coef, covariances, scalars)

    def _covariance(self, factor: Factor, pick: Callable[[Floats], Floats]) -> Floats:
        """Covariances of a factor's effects, (N, k, k), of some draws of sds and correlations."""
        sds, correlations = sd_names(factor)
        spread = np.column_stack([pick(self.flat(name)) for name in sds])
        found = spread[:, :, None] ** 2 * np.eye(len(sds))
        for (i, j), name in zip(factor.pairs, correlations, strict=True):
            both = pick(self.flat(name)) * spread[:, i] * spread[:, j]
            found[:, i, j] = found[:, j, i] = both
        return found

    @property
    def scalars(self) -> dict[str, Floats]:
        """Draws of the parameters that the family has beside the mean, but for thresholds, (N,)."""
        return {name: self.flat(name) for name in self.family.parameters if name != "threshold"}

    def rows(self, prob: float, *, groups: bool = True) -> Iterator[Estimate]:
        """Posterior means, sds and equal-tailed intervals; effects of levels last, if asked for."""
        coef = self.flat("beta") if self.matrices.terms else np.zeros((1, 0))
        for place, term in enumerate(self.matrices.terms):
            yield draws_row(term, "", coef[:, place], prob)
        for factor in self.factors:
            sds, correlations = sd_names(factor)
            for name in (*sds, *correlations):
                yield draws_row(name, "", self.flat(name), prob, signed=False)
        for name, draws in self.scalars.items():
            yield draws_row(name, "", draws, prob, signed=False)
        cuts = self.flat("threshold") if self.family.ordered else np.zeros((1, 0))
        for label, draws in zip(thresholds(self.matrices.levels), cuts.T, strict=True):
            yield draws_row(f"threshold[{label}]", "", draws, prob)
        for name, share in self.shares.named("latent"):
            yield draws_row(name, "", share, prob, signed=False)
        for factor in self.factors if groups else ():
            yield from self._effects(factor, prob)

    def _effects(self, factor: Factor, prob: float) -> Iterator[Estimate]:
        """Effects of a factor's levels, level by level."""
        names = [f"{column}|{factor.name}" for column in factor.columns]
        effects = [self.flat(name) for name in names]
        for at, level in enumerate(factor.levels):
            for name, draws in zip(names, effects, strict=True):
                yield draws_row(name, level, draws[:, at], prob)


def thresholds(levels: tuple[str, ...]) -> list[str]:
    """Names of thresholds, as ordinal's clmm has them.

    Parameters
    ----------
    levels : tuple of str
        Categories in order.

    Examples
    --------
    >>> thresholds(("low", "mid", "top"))
    ['low|mid', 'mid|top']
    """
    return [f"{low}|{high}" for low, high in pairwise(levels)]


def fit_sampled(
    matrices: Matrices, family: Family, spec: ModelSpec, *, seed: int = 1
) -> OutcomeSampled:
    """Sample the posterior of a model whose outcome is not Gaussian.

    A fit that fails its diagnostics is tried once more, as in `fit_nuts`.

    Parameters
    ----------
    matrices : Matrices
    family : Family
    spec : ModelSpec
        With the priors.
    seed : int
        Seed of everything random; the same seed gives the same draws.

    Raises
    ------
    UsageError
        Where bambi is not installed.
    SpecError
        For priors that a coefficient or sd cannot have.
    ConvergenceError
        When the sampler itself breaks down.
    """
    priors = outcome_priors(matrices, family, spec)
    graph = outcome_graph(matrices, family, priors)
    model = graph.model.backend.model
    compiled = compile_model(model, keep=graph.kept)

    def attempt(settings: Mapping[str, float]) -> OutcomeSampled:
        trace = sample(compiled, seed, settings)
        tree = outcome_tree(trace, graph, matrices, family)
        return OutcomeSampled(matrices, family, priors, graph.more, tree, settings)

    return try_twice(attempt, {**SETTINGS, **_CAREFUL})


def outcome_tree(
    trace: "xr.DataTree", graph: OutcomeGraph, matrices: Matrices, family: Family
) -> "xr.DataTree":
    """Draws under our names, intercept (or thresholds) and effects where predictors are zero.

    Parameters
    ----------
    trace : xarray.DataTree
        As nutpie returns it.
    graph : OutcomeGraph
    matrices : Matrices
    family : Family
    """
    import xarray as xr

    posterior = trace["posterior"].to_dataset()
    base = ("chain", "draw")
    coords = {name: posterior[name].to_numpy() for name in base}
    variables: dict[str, tuple[tuple[str, ...], Floats]] = {}
    shift: Floats = np.zeros(())
    if matrices.terms:
        beta = np.stack([posterior[name].to_numpy() for name in graph.coefficients], axis=-1)
        shift = np.asarray(beta @ graph.means)
        if matrices.has_intercept:
            beta[..., matrices.terms.index(INTERCEPT)] -= shift
        variables["beta"] = ((*base, "term"), beta)
        coords["term"] = np.array(matrices.terms)
    for factor, blocks in zip(matrices.factors, graph.blocks, strict=True):
        level = f"level|{factor.name}"
        coords[level] = np.array(factor.levels)
        sds, correlations = sd_names(factor)
        effects = {}
        for places, block in zip(factor.blocks, blocks, strict=True):
            spread, correlation = block.spreads(posterior)
            for at, (place, values) in enumerate(
                zip(places, block.at_zero(posterior), strict=True)
            ):
                variables[sds[place]] = (base, spread[..., at])
                effects[f"{factor.columns[place]}|{factor.name}"] = ((*base, level), values)
            for name, (i, j) in zip(correlations, factor.pairs, strict=True):
                if i in places:
                    found = correlation[..., places.index(i), places.index(j)]
                    variables[name] = (base, found)
        variables |= effects
    for name in family.parameters:
        values = posterior[name].to_numpy()
        if name == "threshold":
            values = values + np.broadcast_to(shift, values.shape[:2])[..., None]
            coords["between"] = np.array(thresholds(matrices.levels))
        variables[name] = ((*base, "between") if name == "threshold" else base, values)
    dataset = xr.Dataset(variables, coords=coords)
    return xr.DataTree.from_dict({"posterior": dataset, "sample_stats": sampler_stats(trace)})
