"""States of the change in absence: REML's estimate of tau is zero in all of them.

At the boundary nothing printed depends on how the industries differ: their deviations are drawn
evenly from the region (an ellipsoid) in which the null model's REML stays at zero, the overall mean
and spread from what the tables print, by sampling-importance resampling (Rubin 1988).
"""

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import ConvergenceError
from bayes_sf.recovery.least_squares import gauss_newton, jacobian
from bayes_sf.recovery.printed import figures, printed_models
from bayes_sf.recovery.states import (
    States,
    log_printed,
    nuisance,
    null_implied,
    predict_states,
    table_sizes,
)

__all__ = ["boundary_region", "change_states"]

_PROPOSALS = 4000


def change_states(draws: int, rng: np.random.Generator) -> States:
    """Draw states of the change in absence: REML's estimate of tau is zero in all of them.

    At the boundary nothing printed depends on how the industries differ: their deviations are
    drawn evenly from the region (an ellipsoid) in which the null model's REML stays at zero, the
    overall mean and spread from what the tables print.

    Parameters
    ----------
    draws : int
        Number of states.
    rng : numpy.random.Generator
        Source of randomness.
    """
    sizes = table_sizes("9")
    models = printed_models("47")
    j, n = len(sizes), int(sizes.sum())

    def unpack(point: Floats, direction: Floats) -> States:
        mean, total = point[:, 0], np.exp(point[:, 1])
        deviation = direction * np.sqrt(total / (n - 1))[:, None]
        within = total - (sizes * deviation**2).sum(axis=1)
        return States(np.broadcast_to(sizes, deviation.shape), mean[:, None] + deviation, within)

    noise = {
        (m.table, m.item): (np.zeros((len(m.t), 5)), np.full((len(m.t), 5), 0.3)) for m in models
    }

    def residuals(point: Floats) -> Floats:
        states = unpack(point, np.zeros((len(point), j)))
        parts = []
        for model, implied in zip(models, predict_states(models, states), strict=True):
            bias, sd = noise[model.table, model.item]
            value, goal = figures(implied) + bias, model.allowed.mean(axis=2)
            error = (value - goal) / np.sqrt(sd**2 + np.ptp(model.allowed, axis=2) ** 2 / 12)
            # the intercept's t, and the standard errors, whose size gives the scale
            parts.append(np.column_stack([error[:, 0, 2], error[:, :, 1]]))
        return np.concatenate(parts, axis=1)

    guess = np.mean([m.allowed[0, 0].mean() for m in models])
    typical = np.median([m.allowed[0, 1].mean() for m in models])
    start = np.array([[guess, np.log(n**2 * typical**2)]])
    for _ in range(2):
        point = gauss_newton(residuals, start)
        states = unpack(point, np.zeros((1, j)))
        noise = {(m.table, m.item): nuisance(m, states, rng) for m in models}
    slopes = jacobian(residuals, point)[1][0]
    root = np.linalg.cholesky(np.linalg.inv(slopes.T @ slopes))
    shock = rng.standard_t(8, size=(_PROPOSALS, 2))
    proposal = point + shock @ root.T
    states = unpack(proposal, boundary_region(sizes, _PROPOSALS, rng))
    log_w = log_printed(models, states, noise) - _log_t(shock, 8)
    log_w = np.where((null_implied(states).lam > 0) | (states.within <= 0), -np.inf, log_w)
    return states.take(_resample(log_w, draws, rng))


def boundary_region(sizes: NDArray[np.int64], count: int, rng: np.random.Generator) -> Floats:
    """Evenly drawn deviations of group means, (count, J), in residual sds, with REML at zero.

    The REML slope at lambda = 0 is n - sum n_j^2/n - sum n_j^2 d_j^2 >= 0 (see `ols_reml`), with
    sum n_j d_j = 0: a ball in v_j = n_j d_j, cut by sum v_j = 0.
    """
    n = sizes.sum()
    radius = np.sqrt(n - (sizes**2).sum() / n)
    v = rng.normal(size=(count, len(sizes)))
    v -= v.mean(axis=1, keepdims=True)
    v /= np.sqrt((v**2).sum(axis=1, keepdims=True))
    return np.asarray(radius * rng.uniform(size=(count, 1)) ** (1 / (len(sizes) - 1)) * v / sizes)


def _log_t(noise: Floats, df: float) -> Floats:
    """Log density, up to a constant, of independent t variables."""
    return np.asarray(-0.5 * (df + 1) * np.log1p(noise**2 / df).sum(axis=-1))


def _resample(log_weight: Floats, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Resample by weight (systematic), or say that the proposals missed."""
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    effective = 1 / (weight**2).sum()
    if effective < 0.25 * draws:
        raise ConvergenceError(
            "recovery of the moments",
            f"needs at least {0.25 * draws:.0f} effective proposals",
            got=round(float(effective), 1),
        )
    edges = (rng.uniform() + np.arange(draws)) / draws
    return np.asarray(np.searchsorted(np.cumsum(weight), edges).clip(0, len(weight) - 1))
