"""Profile likelihood intervals, as lme4's ``confint(method = "profile")`` has them.

A parameter is fixed, -2 log likelihood (of ML) minimised over all others, and the limits are where
it is the normal quantile's square above its lowest (Bates et al. 2015, section 5.1). lme4 reads
them off splines; here they are roots.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.mixed.likelihood import MixedFit, criterion, fit_mixed, minimise
from bayes_sf.errors import UsageError

__all__ = ["profile_intervals"]

_Array = NDArray[Any]

#: Angle at which a correlation, its sine, is 1: the sine does not flatten out before it.
_RIGHT = 0.5 * np.pi
#: Relative precision of a limit, in units of the distance to the estimate.
_ROOT = 1e-5


def profile_intervals(fit: MixedFit, prob: float) -> Iterator[tuple[str, float, float]]:
    """Names and limits: sds, correlations, sd_resid, then coefficients.

    Parameters
    ----------
    fit : MixedFit
        By REML or ML; by ML it is fitted again.
    prob : float
        Coverage.

    Raises
    ------
    UsageError
        For more than two correlated columns of one factor.
    """
    from scipy.special import ndtri

    rise = float(ndtri(0.5 + 0.5 * prob))
    best = fit_mixed(fit.products.matrices, reml=False) if fit.reml else fit
    _check(best)
    names, start = _coordinates(best)
    for number, name in enumerate(names):
        yield name, *_of_spread(best, number, start, names, rise)
    for number, name in enumerate(fit.products.matrices.terms):
        yield name, *_of_coefficient(best, number, rise)


def _check(fit: MixedFit) -> None:
    wide = [f.name for f in fit.factors if any(len(block) > 2 for block in f.blocks)]
    if wide:
        raise UsageError(
            "confint: profile", "is for at most two correlated columns of a factor", got=wide,
            fix="use method='wald', which is of the coefficients",
        )  # fmt: skip


def _coordinates(fit: MixedFit) -> tuple[list[str], Floats]:
    """Names and values of sds, arcsines of correlations, and ln sigma last."""
    spreads = dict(fit.spreads())
    names: list[str] = []
    for factor in fit.factors:
        sds, pairs = sd_names(factor)
        names += [*sds, *pairs]
    values = [
        np.arcsin(np.clip(np.nan_to_num(spreads[name]), -1, 1))
        if name.startswith("cor_")
        else spreads[name]
        for name in names
    ]
    return [*names, "sd_resid"], np.array([*values, np.log(fit.sd_resid)])


def _deviance(fit: MixedFit, phi: _Array) -> _Array:
    """-2 log likelihood at sds, angles and ln sigma, (N, m + 1)."""
    products, y_scale = fit.products, fit.products.scale[-1]
    sigma = np.exp(phi[:, -1])
    lower, at = [], 0
    for number, factor in enumerate(fit.factors):
        k = len(factor.columns)
        sds, angle = phi[:, at : at + k], phi[:, at + k : at + k + len(factor.pairs)]
        at += k + len(factor.pairs)
        half = np.zeros((len(phi), k, k), dtype=phi.dtype)
        half[:, range(k), range(k)] = sds
        for place, (i, j) in enumerate(factor.pairs):
            half[:, j, i] = sds[:, j] * np.sin(angle[:, place])
            half[:, j, j] = sds[:, j] * np.cos(angle[:, place])
        inverse = np.linalg.inv(products.to_raw(number))
        lower.append(y_scale * inverse @ half / sigma[:, None, None])
    log_det, cross = products.at(lower)
    p = products.n_coef
    solved = np.linalg.solve(cross[:, :p, :p], cross[:, :p, p:])
    rss = cross[:, p, p] - (cross[:, p, None, :p] @ solved)[:, 0, 0]
    ratio = (y_scale / sigma) ** 2
    found = products.n * np.log(2 * np.pi * sigma**2) + rss * ratio + log_det
    return np.asarray(found - products.log_weight)


def _of_spread(
    fit: MixedFit, number: int, start: Floats, names: list[str], rise: float
) -> tuple[float, float]:
    """Limits of one sd or correlation."""
    name, free = names[number], np.arange(len(start)) != number
    is_sd = np.array([other.startswith("sd_") and other != "sd_resid" for other in names])
    floor = 0.05 * (start[is_sd].max(initial=0.0) or fit.sd_resid)  # all sds may be zero
    unit = np.where(is_sd, np.maximum(start, floor), 1.0)[free]
    near = {"at": start[free] / unit}

    def lowest(value: float) -> float:
        def part(others: _Array) -> _Array:
            phi = np.empty((len(others), len(start)), dtype=others.dtype)
            phi[:, number], phi[:, free] = value, others * unit
            return _deviance(fit, phi)

        near["at"] = minimise(part, near["at"], polish=False)
        return _root_of(float(part(near["at"][None])[0]) - fit.criterion) - rise

    if name.startswith("cor_"):
        ends = _roots(lowest, start[number], 0.3, (-_RIGHT, _RIGHT), near)
        return float(np.sin(ends[0])), float(np.sin(ends[1]))
    if name == "sd_resid":
        ends = _roots(lowest, start[number], 0.05, (-np.inf, np.inf), near)
        return float(np.exp(ends[0])), float(np.exp(ends[1]))
    step = 0.3 * max(start[number], 0.1 * fit.sd_resid)
    return _roots(lowest, start[number], step, (0.0, np.inf), near)


def _of_coefficient(fit: MixedFit, number: int, rise: float) -> tuple[float, float]:
    """Limits of one coefficient: fixing it adds its squared distance in its own precision."""
    products, shape = fit.products, fit.shape
    p = products.n_coef
    loading = products.turn[number]
    near = {"at": fit.theta}

    def lowest(value: float) -> float:
        raw = value - products.shift[number]

        def part(theta: _Array) -> _Array:
            _, at = products.at(shape.lower(theta))
            solved = np.linalg.solve(at[:, :p, :p], np.concatenate(
                [at[:, :p, p:], np.broadcast_to(loading[:, None], (len(at), p, 1))], axis=2
            ))  # fmt: skip
            rss = at[:, p, p] - (at[:, p, None, :p] @ solved[..., :1])[:, 0, 0]
            away = (raw - solved[..., 0] @ loading) ** 2 / (solved[..., 1] @ loading)
            rise = products.n * np.log(1 + away / rss)
            return np.asarray(criterion(products, shape, theta, reml=False) + rise)

        near["at"] = minimise(part, near["at"], polish=False)
        return _root_of(float(part(near["at"][None])[0]) - fit.criterion) - rise

    return _roots(lowest, fit.coef[number], fit.std_error[number], (-np.inf, np.inf), near)


def _root_of(rise: float) -> float:
    """Root of what -2 log likelihood rises by: near a straight line, so that roots are near."""
    return float(np.sqrt(max(rise, 0.0)))


def _roots(
    rises: Callable[[float], float], centre: float, step: float, bounds: tuple[float, float],
    near: dict[str, Floats],
) -> tuple[float, float]:  # fmt: skip
    """Where a profile crosses zero below and above its lowest point; a bound where it does not."""
    found = []
    first = near["at"]
    least, most = bounds
    for sign, bound in ((-1.0, least), (1.0, most)):
        near["at"] = first
        inner, reach = centre, step
        outer = centre + sign * reach
        while True:
            outer = max(outer, least) if sign < 0 else min(outer, most)
            if rises(outer) > 0:
                break
            if outer == bound or not np.isfinite(outer):
                inner = outer
                break
            inner, reach = outer, 2 * reach
            outer = outer + sign * reach
        found.append(bound if inner == outer else _root(rises, inner, outer, centre))
    return float(found[0]), float(found[1])


def _root(rises: Callable[[float], float], inner: float, outer: float, centre: float) -> float:
    from scipy.optimize import brentq

    if rises(inner) >= 0:  # the estimate itself is the limit, but for rounding
        return inner
    return float(brentq(rises, inner, outer, xtol=_ROOT * abs(outer - centre)))
