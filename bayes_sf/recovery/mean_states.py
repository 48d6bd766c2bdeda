"""States of mean absence: a population that walks where the tables allow.

Two samples are tied together: the 582 linked workplaces of table 46 and the 572 with at least three
quarters of table 8 and figure 5. The printed variance components must be those of the 582: figure
5's standard error of 0.101 needs a residual variance near 7.5, theirs is 8.2. Where the ten
workplaces between the two samples are is not published: their industries are drawn at random among
the 33 workplaces that table 8 misses. Their outcomes, means of one or two quarters, vary more than
others'; by how much is estimated, from a log-normal prior around `EXTRA_SPREAD` times.

References
----------
ter Braak (2006), Stat. Comput. 16, 239-249 (differential-evolution Metropolis).
"""

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.inputs.published import published_table, rounding_interval, scalar
from bayes_sf.recovery.answers import surveyed
from bayes_sf.recovery.least_squares import gauss_newton, jacobian
from bayes_sf.recovery.printed import figures, printed_models
from bayes_sf.recovery.states import (
    Noise,
    States,
    log_printed,
    nuisance,
    predict_states,
    table_sizes,
)

__all__ = ["EXTRA_SPREAD", "mean_states"]


#: Prior median and log-sd of the standard deviation of a mean of one or two quarters, relative to
#: that of the other workplaces.
EXTRA_SPREAD = (2.0, 0.5)
_STARTS = 16
_STEPS = 200
_TO_PP2 = 1e4  # variance of fractions to variance of percentage points


def mean_states(draws: int, rng: np.random.Generator) -> tuple[States, States]:
    """Draw states of mean absence: the 572 and, of the same study, the 582.

    Parameters
    ----------
    draws : int
        Number of states.
    rng : numpy.random.Generator
        Source of randomness.

    Raises
    ------
    ConvergenceError
        When too few proposals carry weight.
    """
    study = _MeanStudy(rng)
    centre, cov = study.laplace()
    extra = study.allocate(draws, rng)
    start = rng.multivariate_normal(centre, cov, size=draws, method="cholesky")
    point, extra = _walk(study, start, extra, rng)
    return study.unpack(point, extra)


def _walk(
    study: "_MeanStudy", point: Floats, extra: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Differential-evolution Metropolis for a population of (point, allocation).

    Each walker moves along the difference of two others; every fifth step it also tries a fresh
    allocation of the ten extra workplaces, which the prior makes a symmetric proposal.
    """
    count, m = point.shape
    value = study.log_posterior(point, extra)
    for step in range(_STEPS):
        a, b = (rng.permuted(np.tile(np.arange(count), (count, 1)), axis=1)[:, k] for k in (0, 1))
        reach = 1.0 if step % 10 == 9 else 2.38 / np.sqrt(2 * m) * rng.uniform(0.5, 1.0)
        trial = point + reach * (point[a] - point[b]) + 1e-4 * rng.normal(size=point.shape)
        fresh = study.allocate(count, rng) if step % 5 == 4 else extra
        new = study.log_posterior(trial, fresh)
        accept = np.log(rng.uniform(size=count)) < new - value
        point = np.where(accept[:, None], trial, point)
        extra = np.where(accept[:, None], fresh, extra)
        value = np.where(accept, new, value)
    return point, extra


class _MeanStudy:
    """Likelihood of the states of mean absence.

    A point, (2 J + 3,), is: J industry effects up to centre and scale; the intercept in standard
    errors from a rough guess; J standard normal gaps between the ten extra workplaces and their
    industry's others; standard normal log spread of the ten, and its sampling variation. The
    effects are centred and scaled so that REML returns the printed variance components exactly.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.sizes = table_sizes("8")
        self.lost = surveyed()[1] - self.sizes
        self.n_extra = round(scalar("n_linked") - scalar("n_mean"))
        self.large_models = printed_models("46")
        self.small_models = printed_models("figure5")
        intervals = [
            rounding_interval(_printed_scalar(name)) for name in ("var_between", "var_within")
        ]
        self.components = np.array(intervals) * _TO_PP2
        self.guess = float(np.mean([model.allowed[0, 0].mean() for model in self.large_models]))
        self.noise: Noise = {}
        self._rough(rng)

    def _rough(self, rng: np.random.Generator) -> None:
        """Fit without nuisance from many starts, then take the nuisance's spread at that fit."""
        extra = np.round(self.n_extra * self.lost / self.lost.sum())[None]
        for model in (*self.large_models, *self.small_models):
            wide = 0.02 if model.answers.complete else 0.3
            shape = (len(model.t), 5)
            self.noise[model.table, model.item] = np.zeros(shape), np.full(shape, wide)

        def residuals(point: Floats) -> Floats:
            return self.residuals(point, np.repeat(extra, len(point), axis=0))

        start = np.zeros((_STARTS, 2 * len(self.sizes) + 3))
        start[:, : len(self.sizes)] = rng.normal(size=(_STARTS, len(self.sizes)))
        found = gauss_newton(residuals, start)
        self.start = found[int(np.argmin((residuals(found) ** 2).sum(axis=1)))]
        small, large = self.unpack(self.start[None], extra)
        for models, states in ((self.large_models, large), (self.small_models, small)):
            for model in models:
                self.noise[model.table, model.item] = nuisance(model, states, rng)

    def unpack(self, point: Floats, extra: Floats) -> tuple[States, States]:
        """States of the 572 and of the 582 at points (D, 2 J + 3) with allocations (D, J)."""
        j = len(self.sizes)
        tau2, sigma2 = self.components.mean(axis=1)
        sigma = np.sqrt(sigma2)
        sizes = self.sizes + extra
        w = sizes / (1 + tau2 / sigma2 * sizes)
        total = w.sum(axis=1)
        effect = point[:, :j] - ((point[:, :j] * w).sum(axis=1) / total)[:, None]
        # REML's equation for lambda: sum w^2 r^2 = sigma^2 (sum w - sum w^2/sum w)
        goal = sigma2 * (total - (w**2).sum(axis=1) / total)
        effect = effect * np.sqrt(goal / (effect**2 * w**2).sum(axis=1))[:, None]
        means = self.guess + (point[:, j] * np.sqrt(sigma2 / total))[:, None] + effect
        within = sigma2 * (sizes.sum(axis=1) - 1) - (effect**2 * w).sum(axis=1)
        middle, log_sd = EXTRA_SPREAD
        spread = sigma * middle * np.exp(log_sd * point[:, -2])
        gap = spread[:, None] * point[:, j + 1 : -2] / np.sqrt(np.maximum(extra, 1))
        gap = np.where(extra > 0, gap, 0.0)
        own_df = np.maximum(extra.sum(axis=1) - (extra > 0).sum(axis=1), 1)
        own = spread**2 * own_df * np.exp(point[:, -1] * np.sqrt(2 / own_df))
        between = (self.sizes * extra / sizes * gap**2).sum(axis=1)
        small = States(
            np.broadcast_to(self.sizes, extra.shape),
            means - gap * extra / sizes,
            np.maximum(within - own - between, 0.1 * within),
        )
        return small, States(sizes.astype(np.int64), means, within)

    def prior_residuals(self, point: Floats) -> Floats:
        """Standard normal coordinates; the effects' centre and scale, which say nothing, pinned."""
        j = len(self.sizes)
        effect = point[:, :j]
        pins = np.column_stack([effect.mean(axis=1), effect.std(axis=1) - 1]) / 0.1
        return np.column_stack([pins, point[:, j + 1 :]])

    def residuals(self, point: Floats, extra: Floats) -> Floats:
        """Standardised residuals of a Gaussian approximation, (D, R)."""
        small, large = self.unpack(point, extra)
        parts = [self.prior_residuals(point)]
        for models, states in ((self.large_models, large), (self.small_models, small)):
            for model, implied in zip(models, predict_states(models, states), strict=True):
                bias, sd = self.noise[model.table, model.item]
                value = figures(implied)[:, 0, 2] + bias[0, 2]
                goal, ulp = model.allowed[0, 2].mean(), np.ptp(model.allowed[0, 2])
                parts.append(((value - goal) / np.hypot(sd[0, 2], ulp / np.sqrt(12)))[:, None])
                value = figures(implied)[:, :, 0] + bias[:, 0]
                goal, ulp = model.estimate.mean(axis=1), np.ptp(model.estimate, axis=1)
                parts.append((value - goal) / np.hypot(sd[:, 0], ulp / np.sqrt(12)))
        return np.concatenate(parts, axis=1)

    def log_posterior(self, point: Floats, extra: Floats) -> Floats:
        """Log posterior density, (D,): standard normal shifts, intervals for what is printed."""
        small, large = self.unpack(point, extra)
        value = -0.5 * (np.delete(point, len(self.sizes), axis=1) ** 2).sum(axis=1)
        for models, states in ((self.large_models, large), (self.small_models, small)):
            value = value + log_printed(models, states, self.noise)
        return value

    def allocate(self, count: int, rng: np.random.Generator) -> Floats:
        """Industries of the ten extra workplaces, (count, J): at random among table 8's missing."""
        return rng.multivariate_hypergeometric(self.lost, self.n_extra, size=count).astype(float)

    def laplace(self) -> tuple[Floats, Floats]:
        """Mode (m,) and covariance (m, m) of the Gaussian approximation."""
        extra = np.round(self.n_extra * self.lost / self.lost.sum())[None]

        def residuals(point: Floats) -> Floats:
            return self.residuals(point, np.repeat(extra, len(point), axis=0))

        point = gauss_newton(residuals, self.start[None])
        slopes = jacobian(residuals, point)[1][0]
        return point[0], np.linalg.inv(slopes.T @ slopes)


def _printed_scalar(name: str) -> str:
    """The printed string of a scalar."""
    rows = published_table("scalars")
    return str(rows.loc[rows["name"] == name, "value"].iloc[0])
