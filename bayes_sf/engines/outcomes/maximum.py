"""Maximum likelihood of bernoulli, binomial and poisson models, lme4's ``glmer``.

The criterion is `Marginal`; its lowest point is found with exact derivatives, as that of Gaussian
models is. lme4 searches by function values, and stops some 1e-6 away.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.mixed.covariance import sds_and_correlations
from bayes_sf.engines.mixed.likelihood import minimise, second_derivatives, to_boundary
from bayes_sf.engines.outcomes.combine import Near
from bayes_sf.engines.outcomes.density import Density
from bayes_sf.engines.outcomes.marginal import Marginal
from bayes_sf.engines.outcomes.shares import Shares
from bayes_sf.errors import ConvergenceError, UsageError
from bayes_sf.spec.family import Family
from bayes_sf.spec.terms.matrices import Factor, Matrices

__all__ = ["OutcomeFit", "fit_maximum", "nodes_for"]


#: Nodes of one random intercept; and at most so many for all effects of a level.
_NODES, _MOST = 25, 1000
#: Nodes for one effect; NumPy has none beyond some 300.
_MOST_OF_ONE = 200
#: Steps in which a regression without random effects has converged, if it has a maximum at all.
_STEPS = 30


@dataclass(frozen=True, eq=False)
class OutcomeFit:
    """Maximum likelihood estimates on the link's scale.

    Parameters
    ----------
    matrices : Matrices
    family : Family
    nodes : int
        Of the quadrature, per effect of a level; 1 is Laplace's approximation.
    coef, vcov : (p,), (p, p) arrays
        Fixed coefficients and their covariance, from the second derivatives in all parameters.
    covariances : tuple of (k, k) arrays
        Of each factor's effects.
    modes, mode_sds : tuple of (J, k) arrays
        Conditional modes of the effects, and their conditional sds, as lme4's
        ``ranef(condVar = TRUE)``.
    log_lik : float
        With all constants.
    n_parameters : int
        Coefficients, sds and correlations.
    singular : bool
        Whether a variance is zero.
    near : Near
        Effects and coefficients together.
    """

    matrices: Matrices
    family: Family
    nodes: int
    coef: Floats
    vcov: Floats
    covariances: tuple[Floats, ...]
    modes: tuple[Floats, ...]
    mode_sds: tuple[Floats, ...]
    log_lik: float
    n_parameters: int
    singular: bool
    near: Near

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Grouping factors."""
        return self.matrices.factors

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2 * self.n_parameters - 2 * self.log_lik

    @property
    def bic(self) -> float:
        """Schwarz's criterion, n being rows, as in lme4."""
        return float(self.n_parameters * np.log(self.matrices.n_obs) - 2 * self.log_lik)

    @property
    def shares(self) -> Shares:
        """What its variances say of ICCs: one draw."""
        return Shares(
            self.matrices,
            self.family,
            self.coef[None],
            tuple(c[None] for c in self.covariances),
            {},
        )

    @property
    def width(self) -> int:
        """Numbers that one combination takes, at most."""
        return len(self.near.modes)

    def linear(self, loading: Loading) -> Floats:
        """Linear combinations on the link's scale at the estimates, (m,).

        Parameters
        ----------
        loading : Loading
        """
        return self.near.estimate(loading, self.coef)

    def error(self, loading: Loading) -> Floats:
        """Their standard errors, (m,), the variances taken as known.

        Parameters
        ----------
        loading : Loading
        """
        return self.near.error(loading, self.vcov)

    def spreads(self) -> Iterable[tuple[str, float]]:
        """Names and values of sds and correlations."""
        return sds_and_correlations(self.factors, self.covariances)

    def rows(self, prob: float, *, groups: bool = True) -> Iterator[Estimate]:
        """Coefficients with Wald intervals, sds and correlations, ICC, effects of levels."""
        from scipy.special import ndtri

        reach, nan = float(ndtri(0.5 + 0.5 * prob)), float("nan")
        errors = np.sqrt(np.diag(self.vcov))
        for term, b, s in zip(
            self.matrices.terms, map(float, self.coef), map(float, errors), strict=True
        ):
            yield Estimate(term, "", b, s, b - reach * s, b + reach * s, t=b / s)
        for name, value in self.spreads():
            yield Estimate(name, "", value, nan, nan, nan)
        for name, share in self.shares.named("latent"):
            yield Estimate(name, "", float(share[0]), nan, nan, nan)
        for factor, modes, sds in zip(self.factors, self.modes, self.mode_sds, strict=True):
            for level, own, spread in zip(factor.levels, modes, sds, strict=True) if groups else ():
                for name, u, s in zip(
                    factor.columns, map(float, own), map(float, spread), strict=True
                ):
                    t = u / s if s > 0 else nan
                    term = f"{name}|{factor.name}"
                    yield Estimate(term, level, u, s, u - reach * s, u + reach * s, t=t)


def nodes_for(matrices: Matrices, asked: int | None) -> int:
    """How many nodes: lme4's ``nAGQ``; 25 for one random intercept, else Laplace's one.

    Parameters
    ----------
    matrices : Matrices
    asked : int or None

    Raises
    ------
    UsageError
        For what is no number of nodes, several factors with more than one, and more nodes in all
        than make sense.
    """
    factors = matrices.factors
    k = len(factors[0].columns)
    if asked is None:
        return _NODES if len(factors) == 1 and k == 1 else 1
    if isinstance(asked, bool) or not isinstance(asked, int) or not 1 <= asked <= _MOST_OF_ONE:
        raise UsageError("nAGQ", f"must be a whole number from 1 to {_MOST_OF_ONE}", got=asked)
    if len(factors) > 1 and asked > 1:
        raise UsageError(
            "nAGQ", "must be 1 (Laplace's approximation) for several grouping factors",
            got=f"{asked}, factors {', '.join(f.name for f in factors)}",
            fix="leave it out, or fit with engine 'nuts'",
        )  # fmt: skip
    if asked**k > _MOST:
        rule = f"must give at most {_MOST} nodes for the effects of a level"
        raise UsageError("nAGQ", rule, got=f"{asked}, {k} effects", fix="use fewer")
    return asked


def fit_maximum(matrices: Matrices, family: Family, nodes: int) -> OutcomeFit:
    """Maximum likelihood, random effects integrated out.

    Parameters
    ----------
    matrices : Matrices
    family : Family
        bernoulli, binomial or poisson.
    nodes : int
        Of `nodes_for`.

    Raises
    ------
    ConvergenceError
        Where the likelihood has no maximum (a predictor tells the outcome without error), or none
        is found.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.spec.family import family_of
    >>> from bayes_sf.spec.terms.formula import read_formula
    >>> df = pd.DataFrame({"y": [0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0], "g": list("aaaabbbbcccc")})
    >>> formula, family = read_formula("y ~ 1 + (1 | g)"), family_of("bernoulli")
    >>> fit = fit_maximum(Matrices.from_frame(df, formula, family=family), family, 25)
    >>> round(float(fit.coef[0]), 3), round(fit.log_lik, 3)
    (0.336, -8.15)
    """
    function = Marginal.build(matrices, family, nodes)
    base, turn = _regression(function.density, function.x, function.offset)
    function.offset = function.offset + function.x @ base
    function.x = function.x @ turn
    shape = function.shape
    point = minimise(function, np.concatenate([shape.start, np.zeros(len(base))]))
    point = to_boundary(function, shape, point)
    theta, b = function.split(point)
    point = np.concatenate([shape.canonical(theta), b])
    theta, b = function.split(point)
    free = np.concatenate([~_idle(function, theta), np.ones(len(b), dtype=bool)])

    def part(values: NDArray[np.complex128]) -> NDArray[np.complex128]:
        whole = np.tile(point.astype(values.dtype), (len(values), 1))
        whole[:, free] = values
        return function(whole)

    curvature = second_derivatives(part, point[free])
    if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature).min() <= 0:
        raise _no_maximum()
    vcov = turn @ (2 * np.linalg.inv(curvature)[-len(b) :, -len(b) :]) @ turn.T if len(b) else (
        np.zeros((0, 0))
    )  # fmt: skip
    lower = [half[0] for half in shape.lower(theta[None])]
    to_raw = [own @ half for own, half in zip(function.turn, lower, strict=True)]
    modes, sds = [], []
    u, spreads = function.around(point).mode, function.effect_spreads(point)
    for number, (back, spread) in enumerate(zip(to_raw, spreads, strict=True)):
        modes.append(u[function.places[number]].reshape(-1, len(back)) @ back.T)
        variances = np.einsum("ab,jbc,ac->ja", back, spread, back)
        sds.append(np.sqrt(np.maximum(variances, 0.0)))
    log_lik = float(-0.5 * function(point[None])[0]) + function.density.constant
    return OutcomeFit(
        matrices, family, nodes, base + turn @ b, vcov, tuple(back @ back.T for back in to_raw),
        tuple(modes), tuple(sds), log_lik, len(point),
        bool((theta[shape.diagonal] == 0).any()), Near.at(function, point, to_raw),
    )  # fmt: skip


def _idle(function: Marginal, theta: Floats) -> NDArray[np.bool_]:
    """Numbers of Lambda at the boundary, and those beside them that then do nothing, (m,)."""
    shape = function.shape
    zero = {
        (factor, column)
        for (factor, row, column), value in zip(shape.places, theta, strict=True)
        if row == column and value == 0
    }
    return np.array([
        value == 0 and ((factor, column) in zero)
        for (factor, _, column), value in zip(shape.places, theta, strict=True)
    ], dtype=bool)  # fmt: skip


def _no_maximum() -> ConvergenceError:
    return ConvergenceError(
        "ml", "must find the highest likelihood: there is none",
        fix="look for a predictor or category that tells the outcome without error, leave it out, "
        "or use engine 'nuts', whose priors keep coefficients finite",
    )  # fmt: skip


def _regression(density: Density, x: Floats, offset: Floats) -> tuple[Floats, Floats]:
    """Coefficients without random effects, (p,), and C with C C' their covariance, (p, p)."""
    if not x.shape[1]:
        return np.zeros(0), np.zeros((0, 0))
    q, r = np.linalg.qr(x)
    share = (density.y + 0.5) / (density.trials + 1)
    eta = np.log(share / (1 - share)) if density.logit else np.log(density.y + 0.5)
    coef = np.linalg.lstsq(q, eta - offset, rcond=None)[0]
    for _ in range(_STEPS):
        eta = offset + q @ coef
        weight = density.weight(eta)
        inner = q.T @ (weight[:, None] * q)
        step = np.linalg.lstsq(inner, q.T @ density.score(eta), rcond=None)[0]
        here = density.log(eta).sum()
        for _ in range(_STEPS):
            if density.log(offset + q @ (coef + step)).sum() >= here - 1e-12 * abs(here):
                break
            step = step / 2
        coef = coef + step
        if np.abs(q @ step).max() < 1e-7:
            half = np.linalg.inv(np.linalg.cholesky(inner)).T
            return np.linalg.solve(r, coef), np.linalg.solve(r, half)
    raise _no_maximum()
