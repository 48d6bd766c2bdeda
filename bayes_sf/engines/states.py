"""What the industries' outcomes can have been, given everything that the report prints.

A *state* is the industries' sizes, mean outcomes and the within sum of squares of one sample. Many
states print the same tables. They are drawn from a posterior: flat in the industry means and in the
log of the within sum of squares, with an interval likelihood for every rounded figure. For mean
absence a population of states around a Gauss-Newton fit walks by differential evolution (ter Braak
2006); for the change states are proposed from the whole region in which REML stays at zero and
resampled by their weights (Rubin 1988).

Two samples of mean absence are tied together: the 582 linked workplaces of table 46 and the 572 with
at least three quarters of table 8 and figure 5. The printed variance components must be those of the
582: figure 5's standard error of 0.101 needs a residual variance near 7.5, theirs is 8.2. Where the ten
workplaces between the two samples are is not published: their industries are drawn at random among
the 33 workplaces that table 8 misses. Their outcomes, means of one or two quarters, vary more than
others'; by how much is estimated, from a log-normal prior around `EXTRA_SPREAD` times.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bayes_sf.engines.answers import surveyed
from bayes_sf.engines.implied import Candidates, Implied, solve
from bayes_sf.engines.printed import PrintedModel, figures, predict, printed_models
from bayes_sf.errors import ConvergenceError
from bayes_sf.inputs.published import published_table, rounding_interval, scalar

__all__ = ["States", "change_states", "mean_states", "null_implied"]

_Floats = NDArray[np.float64]

#: Prior median and log-sd of the standard deviation of a mean of one or two quarters, relative to
#: that of the other workplaces.
EXTRA_SPREAD = (2.0, 0.5)
_STARTS = 16
_STEPS = 200
_PROPOSALS = 4000
#: A figure that no state can return costs this much probability instead of everything.
_FLOOR = 1e-4
_TO_PP2 = 1e4  # variance of fractions to variance of percentage points


@dataclass(frozen=True, eq=False)
class States:
    """D states of one sample.

    Parameters
    ----------
    sizes : (D, J) int array
        Workplaces by industry.
    means : (D, J) array
        Mean outcome by industry, pp.
    within : (D,) array
        Within-industry sum of squares of the outcome, pp squared.
    """

    sizes: NDArray[np.int64]
    means: _Floats
    within: _Floats

    def take(self, which: NDArray[np.intp]) -> "States":
        """The chosen states."""
        return States(self.sizes[which], self.means[which], self.within[which])


def table_sizes(table: str) -> NDArray[np.int64]:
    """Workplaces by industry of table 8 (mean absence) or 9 (change)."""
    rows = published_table(table)
    return np.asarray(rows[rows["industry"] != "total"]["count"].to_numpy(dtype=np.int64))


def null_implied(states: States) -> Implied:
    """REML of the null model in every state."""
    d, j = states.means.shape
    empty = np.zeros((d, j, 0)), np.zeros((d, 0, 0))
    sizes = states.sizes.astype(float)
    return solve(Candidates(sizes, states.means, states.within, *empty, np.zeros((d, 0))))


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
    start = rng.multivariate_normal(centre, cov, size=draws, method="eigh")
    point, extra = _walk(study, start, extra, rng)
    return study.unpack(point, extra)


def _walk(
    study: "_MeanStudy", point: _Floats, extra: _Floats, rng: np.random.Generator
) -> tuple[_Floats, _Floats]:
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
        self.noise: dict[str, tuple[_Floats, _Floats]] = {}
        self._rough(rng)

    def _rough(self, rng: np.random.Generator) -> None:
        """Fit without nuisance from many starts, then take the nuisance's spread at that fit."""
        extra = np.round(self.n_extra * self.lost / self.lost.sum())[None]
        for model in (*self.large_models, *self.small_models):
            wide = 0.02 if model.answers.complete else 0.3
            shape = (len(model.t), 5)
            self.noise[model.table + model.item] = np.zeros(shape), np.full(shape, wide)

        def residuals(point: _Floats) -> _Floats:
            return self.residuals(point, np.repeat(extra, len(point), axis=0))

        start = np.zeros((_STARTS, 2 * len(self.sizes) + 3))
        start[:, : len(self.sizes)] = rng.normal(size=(_STARTS, len(self.sizes)))
        found = _gauss_newton(residuals, start)
        self.start = found[int(np.argmin((residuals(found) ** 2).sum(axis=1)))]
        small, large = self.unpack(self.start[None], extra)
        for models, states in ((self.large_models, large), (self.small_models, small)):
            for model in models:
                self.noise[model.table + model.item] = _nuisance(model, states, rng)

    def unpack(self, point: _Floats, extra: _Floats) -> tuple[States, States]:
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
            np.broadcast_to(self.sizes, extra.shape), means - gap * extra / sizes,
            np.maximum(within - own - between, 0.1 * within),
        )
        return small, States(sizes.astype(np.int64), means, within)

    def prior_residuals(self, point: _Floats) -> _Floats:
        """Standard normal coordinates; centre and scale of the effects, which say nothing, pinned."""
        j = len(self.sizes)
        effect = point[:, :j]
        pins = np.column_stack([effect.mean(axis=1), effect.std(axis=1) - 1]) / 0.1
        return np.column_stack([pins, point[:, j + 1 :]])

    def residuals(self, point: _Floats, extra: _Floats) -> _Floats:
        """Standardised residuals of a Gaussian approximation, (D, R)."""
        small, large = self.unpack(point, extra)
        parts = [self.prior_residuals(point)]
        for models, states in ((self.large_models, large), (self.small_models, small)):
            for model, implied in zip(models, _predict(models, states), strict=True):
                bias, sd = self.noise[model.table + model.item]
                value = figures(implied)[:, 0, 2] + bias[0, 2]
                goal, ulp = model.allowed[0, 2].mean(), np.ptp(model.allowed[0, 2])
                parts.append(((value - goal) / np.hypot(sd[0, 2], ulp / np.sqrt(12)))[:, None])
                value = figures(implied)[:, :, 0] + bias[:, 0]
                goal, ulp = model.estimate.mean(axis=1), np.ptp(model.estimate, axis=1)
                parts.append((value - goal) / np.hypot(sd[:, 0], ulp / np.sqrt(12)))
        return np.concatenate(parts, axis=1)

    def log_posterior(self, point: _Floats, extra: _Floats) -> _Floats:
        """Log posterior density, (D,): standard normal shifts, intervals for what is printed."""
        small, large = self.unpack(point, extra)
        value = -0.5 * (np.delete(point, len(self.sizes), axis=1) ** 2).sum(axis=1)
        for models, states in ((self.large_models, large), (self.small_models, small)):
            value = value + _log_printed(models, states, self.noise)
        return value

    def allocate(self, count: int, rng: np.random.Generator) -> _Floats:
        """Industries of the ten extra workplaces, (count, J): at random among those not in table 8."""
        return rng.multivariate_hypergeometric(self.lost, self.n_extra, size=count).astype(float)

    def laplace(self) -> tuple[_Floats, _Floats]:
        """Mode (m,) and covariance (m, m) of the Gaussian approximation."""
        extra = np.round(self.n_extra * self.lost / self.lost.sum())[None]

        def residuals(point: _Floats) -> _Floats:
            return self.residuals(point, np.repeat(extra, len(point), axis=0))

        point = _gauss_newton(residuals, self.start[None])
        jacobian = _jacobian(residuals, point)[1][0]
        return point[0], np.linalg.inv(jacobian.T @ jacobian)


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

    def unpack(point: _Floats, direction: _Floats) -> States:
        mean, total = point[:, 0], np.exp(point[:, 1])
        deviation = direction * np.sqrt(total / (n - 1))[:, None]
        within = total - (sizes * deviation**2).sum(axis=1)
        return States(np.broadcast_to(sizes, deviation.shape), mean[:, None] + deviation, within)

    noise = {m.table + m.item: (np.zeros((len(m.t), 5)), np.full((len(m.t), 5), 0.3)) for m in models}

    def residuals(point: _Floats) -> _Floats:
        states = unpack(point, np.zeros((len(point), j)))
        parts = []
        for model, implied in zip(models, _predict(models, states), strict=True):
            bias, sd = noise[model.table + model.item]
            value, goal = figures(implied) + bias, model.allowed.mean(axis=2)
            error = (value - goal) / np.sqrt(sd**2 + np.ptp(model.allowed, axis=2) ** 2 / 12)
            # the intercept's t, and the standard errors, whose size gives the scale
            parts.append(np.column_stack([error[:, 0, 2], error[:, :, 1]]))
        return np.concatenate(parts, axis=1)

    guess = np.mean([m.allowed[0, 0].mean() for m in models])
    typical = np.median([m.allowed[0, 1].mean() for m in models])
    start = np.array([[guess, np.log(n**2 * typical**2)]])
    for _ in range(2):
        point = _gauss_newton(residuals, start)
        states = unpack(point, np.zeros((1, j)))
        noise = {m.table + m.item: _nuisance(m, states, rng) for m in models}
    jacobian = _jacobian(residuals, point)[1][0]
    root = np.linalg.cholesky(np.linalg.inv(jacobian.T @ jacobian))
    shock = rng.standard_t(8, size=(_PROPOSALS, 2))
    proposal = point + shock @ root.T
    states = unpack(proposal, _boundary_region(sizes, _PROPOSALS, rng))
    log_w = _log_printed(models, states, noise) - _log_t(shock, 8)
    log_w = np.where((null_implied(states).lam > 0) | (states.within <= 0), -np.inf, log_w)
    return states.take(_resample(log_w, draws, rng))


def _boundary_region(
    sizes: NDArray[np.int64], count: int, rng: np.random.Generator
) -> _Floats:
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


def _predict(models: tuple[PrintedModel, ...], states: States) -> list[Implied]:
    """What each model prints in each state, at expected answers."""
    return predict(models, states.sizes.astype(float), states.means, states.within)


def _nuisance(
    model: PrintedModel, states: States, rng: np.random.Generator, draws: int = 400
) -> tuple[_Floats, _Floats]:
    """Bias and sd of each printed figure, (k, 5), from who answered and was linked."""
    state = states.take(np.array([0]))
    sample = model.draw(state.sizes[0], state.means[0], float(state.within[0]), draws, rng)
    value = figures(solve(sample))
    at_mean = figures(_predict((model,), state)[0])[0]
    return value.mean(axis=0) - at_mean, value.std(axis=0)


def _log_printed(
    models: tuple[PrintedModel, ...],
    states: States,
    noise: dict[str, tuple[_Floats, _Floats]],
) -> _Floats:
    """Log probability that the models print what they print, (D,).

    Two figures per coefficient carry the information: the estimate, within what all figures of its
    row allow together, and the intercept's t (the slopes' t are met by construction).
    """
    total = np.zeros(len(states.means))
    for model, implied in zip(models, _predict(models, states), strict=True):
        bias, sd = noise[model.table + model.item]
        value = figures(implied) + bias
        checks = [(value[:, i, 0], sd[i, 0], model.estimate[i]) for i in range(len(model.t))]
        checks.append((value[:, 0, 2], sd[0, 2], model.allowed[0, 2]))
        for centre, spread, (low, high) in checks:
            scale = max(float(spread), 1e-9)
            inside = ndtr((high - centre) / scale) - ndtr((low - centre) / scale)
            total += np.log(np.maximum(inside, _FLOOR))
    return total


def _gauss_newton(
    residuals: Callable[[_Floats], _Floats], start: _Floats, steps: int = 12
) -> _Floats:
    """Least squares for L problems at once, (L, m), with halved steps where needed."""
    point = start
    cost = (residuals(point) ** 2).sum(axis=1)
    for _ in range(steps):
        value, jacobian = _jacobian(residuals, point)
        normal = np.swapaxes(jacobian, 1, 2) @ jacobian
        normal += 1e-9 * np.eye(point.shape[1]) * np.trace(normal, axis1=1, axis2=2)[:, None, None]
        step = -np.linalg.solve(normal, np.einsum("lrm,lr->lm", jacobian, value)[..., None])[..., 0]
        size = np.ones(len(point))
        for _ in range(6):
            trial = point + size[:, None] * step
            new = (residuals(trial) ** 2).sum(axis=1)
            better = new < cost
            point = np.where(better[:, None], trial, point)
            cost = np.where(better, new, cost)
            size = np.where(better, 0.0, size / 3)
            if better.all():
                break
    return point


def _jacobian(
    residuals: Callable[[_Floats], _Floats], point: _Floats
) -> tuple[_Floats, _Floats]:
    """Residuals (L, R) and their forward-difference Jacobian (L, R, m)."""
    count, m = point.shape
    step = 1e-5 * np.maximum(1.0, np.abs(point))
    moved = point[:, None, :] + np.concatenate(
        [np.zeros((count, 1, m)), step[:, :, None] * np.eye(m)], axis=1
    )
    value = residuals(moved.reshape(-1, m)).reshape(count, m + 1, -1)
    slopes = (value[:, 1:] - value[:, :1]) / step[:, :, None]
    return value[:, 0], np.swapaxes(slopes, 1, 2)


def _log_t(noise: _Floats, df: float) -> _Floats:
    """Log density, up to a constant, of independent t variables."""
    return np.asarray(-0.5 * (df + 1) * np.log1p(noise**2 / df).sum(axis=-1))


def _resample(log_weight: _Floats, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Resample by weight (systematic), or say that the proposals missed."""
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    effective = 1 / (weight**2).sum()
    if effective < 0.25 * draws:
        raise ConvergenceError(
            "recovery of the moments", f"needs at least {0.25 * draws:.0f} effective proposals",
            got=round(float(effective), 1),
        )
    edges = (rng.uniform() + np.arange(draws)) / draws
    return np.asarray(np.searchsorted(np.cumsum(weight), edges).clip(0, len(weight) - 1))


def _printed_scalar(name: str) -> str:
    """The printed string of a scalar."""
    rows = published_table("scalars")
    return str(rows.loc[rows["name"] == name, "value"].iloc[0])
