"""The exact posterior of a Gaussian model with up to four sds and correlations, by quadrature.

Grids of more and more nodes (`nodes`) until no mean and no sd moves by more than `RESOLVED` of its
sd from one to the next, or a refusal: never silently rough. Coefficients and random effects are
mixtures of normals over the nodes; sds and correlations have distribution functions from Legendre
series along their axes; an ICC's is summed up from densities along an axis, finely interpolated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial import legendre

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.quadrature import cumulative, invert, series
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.mixed.answer import answer_rows
from bayes_sf.engines.mixed.combine import surface_of
from bayes_sf.engines.mixed.likelihood import check_residual, fit_mixed
from bayes_sf.engines.mixed.nodes import Nodes, Surface, find_box, heavy
from bayes_sf.engines.mixed.prior import mixed_priors
from bayes_sf.engines.mixed.products import build_products
from bayes_sf.errors import ConvergenceError, UsageError
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.terms.matrices import Factor, Matrices

__all__ = ["RESOLVED", "MixedPosterior", "check_size", "fit_mixed_exact"]


#: Largest move of a mean or sd between the last two grids, in posterior sds.
RESOLVED = 1e-5
#: Sds and correlations at most, the residual's included; effects at most, of several factors.
_MOST_SPREADS, _MOST_EFFECTS = 4, 500
#: Nodes per axis of the first grid; how many more the next ones have on axes that are not resolved
#: (the trailing coefficients of their series are larger than this); nodes of the largest grid.
_FIRST, _MORE, _TAIL, _LARGEST = 12, 1.35, 1e-5, 400_000
#: Random effects are mixed over the first grid whose means and sds are so near the last one's.
_THIN = 1e-3
#: Points where an ICC's distribution is summed up: along each line of nodes at least, and in all.
_FINE = (150, 40_000)


@dataclass(frozen=True, eq=False)
class MixedPosterior:
    """Posterior of one model; made by `fit_mixed_exact`.

    Parameters
    ----------
    nodes : Nodes
        The last grid.
    thin : Nodes
        A coarser one, for random effects.
    priors : Priors
        In the outcome's unit.
    moved : float
        Largest move of a mean or sd between the last two grids, in posterior sds.
    """

    nodes: Nodes
    thin: Nodes
    priors: Priors
    moved: float

    @property
    def surface(self) -> Surface:
        """The density that was integrated."""
        return self.nodes.surface

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Grouping factors."""
        return self.surface.products.factors

    @property
    def _unit(self) -> float:
        return float(self.surface.products.scale[-1])

    @cached_property
    def coef(self) -> NormalMixture:
        """Fixed coefficients, (p,)."""
        return self.contrast(np.eye(self.surface.products.n_coef))

    def contrast(self, loading: Floats) -> NormalMixture:
        """Linear combinations of raw coefficients, (m, p) loadings."""
        products, nodes = self.surface.products, self.nodes
        given, inv_var = nodes.given, np.exp(-2 * nodes.t.nodes)
        centre, precision = given.centre(inv_var), given.precision(inv_var)
        weight, keep = heavy(nodes.weight)
        along = np.einsum("mk,zkl->mzl", loading @ products.turn, given.basis)
        mean = np.einsum("mzl,ztl->mzt", along, centre)[:, keep]
        var = np.einsum("mzl,ztl->mzt", along**2, 1 / precision)[:, keep]
        return NormalMixture(weight, mean + (loading @ products.shift)[:, None], np.sqrt(var))

    @cached_property
    def ranef(self) -> tuple[NormalMixture, ...]:
        """Random effects of each factor, level by level, (J k,)."""
        thin = self.thin
        some = np.flatnonzero(thin.weight.sum(axis=1) > 1e-7)
        sigma = np.exp(thin.t.nodes)
        return self.surface.effects(thin.at[some], sigma, weight=thin.weight[some])

    def combine(self, loading: Loading) -> NormalMixture:
        """Linear combinations of coefficients, effects and residuals, (m,)."""
        if loading.fixed:
            return self.contrast(loading.x).shifted(loading.offset)
        thin = self.thin
        some = np.flatnonzero(thin.weight.sum(axis=1) > 1e-7)
        sigma = np.exp(thin.t.nodes)
        return surface_of(self.surface, thin.at[some], sigma, loading, thin.weight[some])

    # Standard deviations, correlations and ICC ---------------------------------------------------

    def cdf(self, name: str, value: Floats) -> Floats:
        """P(an sd or correlation <= value), same shape."""
        value = np.asarray(value, dtype=float)
        if name == "sd_resid":
            with np.errstate(divide="ignore"):
                at = self.nodes.t.unit(np.log(value / self._unit))
            return cumulative(series(self.nodes.weight.sum(axis=0)), at)
        number = self.surface.names.index(name)
        axis, mass = self.nodes.axes[number], self.nodes.along(number)
        if not self.surface.is_sd[number]:
            place = axis.unit(self.surface.place(number, value))
            return cumulative(series(mass.sum(axis=1)), place)
        ratio = value[..., None] / self._unit / np.exp(self.nodes.t.nodes)
        place = axis.unit(self.surface.place(number, ratio))
        return np.asarray(cumulative(series(mass), place).sum(axis=-1))

    def quantile(self, name: str, probs: Floats) -> Floats:
        """Quantiles of an sd, a correlation or ``icc|factor``."""
        probs = np.asarray(probs, dtype=float)
        if name.startswith("icc"):  # without a factor of all
            return self._icc_quantiles(name.partition("|")[2], probs)
        if name == "sd_resid":
            low, high = self.nodes.t.low, self.nodes.t.high
            found = invert(lambda x: self.cdf(name, self._unit * np.exp(x)), probs, low, high)
            return np.asarray(self._unit * np.exp(found))
        number = self.surface.names.index(name)
        axis = self.nodes.axes[number]
        if not self.surface.is_sd[number]:
            found = invert(lambda x: self.cdf(name, np.sin(x)), probs, axis.low, axis.high)
            return np.sin(found)
        middle = self._unit * float(np.exp(0.5 * (self.nodes.t.low + self.nodes.t.high)))
        least = float(self.surface.values(number, np.array(axis.low)) * self._unit)
        most = float(self.surface.values(number, np.array(axis.high)) * self._unit)
        ends = [
            float(self.surface.place(number, np.array(edge * np.exp(t) / middle)))
            for edge, t in ((least, self.nodes.t.low), (most, self.nodes.t.high))
        ]
        found = invert(
            lambda x: self.cdf(name, middle * self.surface.values(number, x)),
            probs, ends[0], ends[1],
        )  # fmt: skip
        return middle * self.surface.values(number, found)

    def spread(self, name: str) -> tuple[float, float]:
        """Posterior mean and sd of an sd, a correlation or ``icc|factor``."""
        sigma = np.exp(self.nodes.t.nodes)
        if name.startswith("icc"):
            value = self.surface.shares(self.nodes.at)[name.partition("|")[2]]
            mass = self.nodes.weight.sum(axis=1)
        elif name == "sd_resid":
            value, mass = self._unit * sigma, self.nodes.weight.sum(axis=0)
        else:
            number = self.surface.names.index(name)
            value = self.surface.values(number, self.nodes.axes[number].nodes)[:, None]
            is_sd = self.surface.is_sd[number]
            value = value * (self._unit * sigma if is_sd else np.ones_like(sigma))
            mass = self.nodes.along(number)
        mean = float((mass * value).sum())
        return mean, float(np.sqrt((mass * (value - mean) ** 2).sum()))

    def _icc_quantiles(self, factor: str, probs: Floats) -> Floats:
        """Quantiles of an ICC: masses along one axis interpolated, put in order, summed up."""
        names = [f.name for f in self.factors]
        sizes = [len(f.columns) + len(f.pairs) for f in self.factors]
        first = sum(sizes[: names.index(factor)]) if factor else 0
        axis = self.nodes.axes[first]
        n = len(axis.nodes)
        full = np.moveaxis(self.nodes.whole(self.nodes.weight.sum(axis=1)), first, 0)
        lines = full.reshape(n, -1)
        alive = np.flatnonzero(lines.sum(axis=0) > 1e-12)
        many = max(_FINE[0], _FINE[1] // len(alive))
        unit = (np.arange(many) + 0.5) / many * 2 - 1
        nodes, _ = legendre.leggauss(n)
        project = legendre.legvander(nodes, n - 1) * (np.arange(n) + 0.5)
        matrix = legendre.legvander(unit, n - 1) @ project.T  # density at fine points from masses
        mass = np.maximum(matrix @ lines[:, alive], 0.0) * 2 / many
        others = [a.nodes for i, a in enumerate(self.nodes.axes) if i != first]
        rest = np.empty((1, 0))
        if others:
            rest = np.stack([g.ravel() for g in np.meshgrid(*others, indexing="ij")], 1)
        fine = axis.low + (unit + 1) * 0.5 * (axis.high - axis.low)
        at = np.empty((many, len(alive), len(self.nodes.axes)))
        at[..., first] = fine[:, None]
        at[..., [i for i in range(len(self.nodes.axes)) if i != first]] = rest[alive]
        value = self.surface.shares(at.reshape(-1, at.shape[-1]))[factor]
        order = np.argsort(value)
        total = np.cumsum(mass.ravel()[order])
        middle = (total - 0.5 * mass.ravel()[order]) / total[-1]
        return np.interp(probs, middle, value[order])

    def rows(self, prob: float, *, groups: bool = True) -> Iterator[Estimate]:
        """Posterior means, sds and equal-tailed intervals; with or without effects of levels."""
        return answer_rows(self, prob, groups=groups)


def check_size(matrices: Matrices) -> None:
    """Refuse models with too many sds and correlations, or too many levels of several factors.

    Raises
    ------
    UsageError
        With how many there are.
    """
    spreads = 1 + sum(len(f.columns) + len(f.pairs) for f in matrices.factors)
    wide = [f.name for f in matrices.factors if any(len(block) > 2 for block in f.blocks)]
    effects = sum(f.n_levels * len(f.columns) for f in matrices.factors)
    where, fix = f"model of {matrices.response!r}: engine 'exact'", "use engine 'reml' or 'ml'"
    if spreads > _MOST_SPREADS or wide:
        rule = f"is for at most {_MOST_SPREADS} sds and correlations, the residual's included"
        raise UsageError(where, rule, got=spreads, fix=fix)
    if len(matrices.factors) > 1 and effects > _MOST_EFFECTS:
        rule = f"is for at most {_MOST_EFFECTS} levels of several factors in all"
        raise UsageError(where, rule, got=effects, fix=fix)


def fit_mixed_exact(matrices: Matrices, priors: Priors) -> MixedPosterior:
    """Posterior of a Gaussian model with any random terms, without Monte Carlo error.

    Parameters
    ----------
    matrices : Matrices
        The data: at most four sds and correlations, the residual's included; several factors with
        at most 500 levels in all.
    priors : Priors
        Of coefficients normal or flat, of sds proper.

    Raises
    ------
    UsageError
        For larger models.
    SpecError
        For priors that it does not take.
    ConvergenceError
        Where 400,000 nodes do not resolve every mean and sd to `RESOLVED` of the sd.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.spec.terms.formula import read_formula
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> found = fit_mixed_exact(Matrices.from_frame(df, read_formula("y ~ 1 + (1 | g)")), Priors())
    >>> float(found.coef.mean()[0].round(3)), found.moved < RESOLVED
    (6.0, True)
    """
    check_size(matrices)
    products = build_products(matrices)
    check_residual(products)
    surface = Surface(products, mixed_priors(products, priors))
    box = find_box(surface, *_start(surface, matrices))
    tried: list[tuple[Nodes, Floats]] = []
    moved = np.inf
    sizes = np.full(len(box), _FIRST)
    while np.prod(sizes[:-1]) <= _LARGEST:
        whole = tried[1][0] if len(tried) > 1 else None  # the second grid has all its nodes
        nodes = Nodes.over(surface, box, sizes, whole)
        tried.append((nodes, np.array(list(nodes.moments()))))
        away = [float((np.abs(m - tried[-1][1]) / m[:, 1:]).max()) for _, m in tried]
        moved = away[-2] if len(tried) > 1 else np.inf
        rough = nodes.unresolved() > _TAIL
        sizes = np.where(rough | (len(tried) < 2) | ~rough.any(), np.ceil(_MORE * sizes), sizes + 1)
        sizes = sizes.astype(int)
        last = np.prod(sizes[:-1]) > _LARGEST
        if moved < RESOLVED and (last or not rough.any()):
            thin = next(grid for (grid, _), far in zip(tried, away, strict=True) if far < _THIN)
            return MixedPosterior(nodes, thin, surface.priors.stated, moved)
    raise ConvergenceError(
        "exact", f"must resolve every mean and sd to {RESOLVED:g} of its sd", got=f"{moved:.1e}",
        fix="use priors of sds with lighter tails, or engine 'reml'",
    )  # fmt: skip


def _start(surface: Surface, matrices: Matrices) -> tuple[Floats, Floats]:
    """Where the mass is looked for: around REML."""
    fit = fit_mixed(matrices)
    spreads = dict(fit.spreads())
    sigma = fit.sd_resid
    start = []
    for number, name in enumerate(surface.names):
        value = spreads[name]
        if surface.is_sd[number]:
            start.append(float(surface.place(number, np.array(value / sigma))))
        else:
            start.append(float(np.arcsin(np.clip(np.nan_to_num(value), -0.95, 0.95))))
    t = np.log(sigma / surface.products.scale[-1])
    free = max(surface.products.n - surface.products.n_coef, 2)
    width = [0.4 if sd else 1.0 for sd in surface.is_sd] + [5 / np.sqrt(2 * free)]
    return np.array([*start, t]), np.array(width)
