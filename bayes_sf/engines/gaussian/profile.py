"""Profile likelihood intervals of a random intercept, from moments: lme4's ``confint``.

A parameter is fixed, -2 log likelihood (of ML) minimised over all others, and the limits are where
it is the normal quantile's square above its lowest (Bates et al. 2015, section 5.1). Two numbers
are left once coefficients are out, so that every profile is a search over one of them;
`engines.mixed.intervals` does it for any random terms.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.likelihood import Standardised, standardise
from bayes_sf.spec.moments import Moments

__all__ = ["maximum_likelihood", "profile_intervals"]


#: Where the lowest point is looked for: tau/sigma, and sigma as a multiple of its estimate.
_RATIO = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 161)])
_SIGMA = np.geomspace(0.05, 20, 121)
#: Rounds in which a grid closes in on its lowest point, and how many points each has.
_ROUNDS, _POINTS = 7, 21
#: Relative precision of a limit, in units of its distance to the estimate.
_ROOT = 1e-9


@dataclass(frozen=True)
class _Profile:
    """-2 log likelihood, standardised, with one parameter fixed and the lowest of all others."""

    data: Standardised

    def deviance(self, ratio: Floats, sigma: Floats) -> Floats:
        """At tau/sigma and sigma, same shape."""
        rss, log_det, _, _ = self.solved(ratio)
        n = self.data.n_obs
        return np.asarray(n * np.log(2 * np.pi * sigma**2) + rss / sigma**2 + log_det)

    def solved(self, ratio: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Residual sum of squares, log-determinant, coefficients and their unscaled covariance."""
        at = self.data.cross_products(ratio**2)
        inverse = np.linalg.inv(at.xx)
        coef = (inverse @ at.xy[..., None])[..., 0]
        return at.yy - (coef * at.xy).sum(axis=-1), at.log_det, coef, inverse

    def best(self, ratio: Floats) -> Floats:
        """Lowest over sigma."""
        rss, log_det, _, _ = self.solved(ratio)
        n = self.data.n_obs
        return np.asarray(n * (1 + np.log(2 * np.pi * rss / n)) + log_det)

    def of_sd_group(self, tau: float, sigma: float) -> float:
        """Lowest over sigma, looked for around one."""

        def given(s: Floats) -> Floats:
            return self.deviance(tau / s, s)

        return _lowest(given, sigma * _SIGMA)[1]

    def of_sd_resid(self, sigma: float) -> float:
        """Lowest over tau."""
        return _lowest(lambda ratio: self.deviance(ratio, np.full(len(ratio), sigma)), _RATIO)[1]

    def of_coefficient(self, number: int, value: float) -> float:
        """Lowest over tau and sigma: fixing it adds its squared distance in its own precision."""
        row, shift = self.data.coef_transform[number], self.data.coef_shift[number]
        n = self.data.n_obs

        def given(ratio: Floats) -> Floats:
            rss, log_det, coef, inverse = self.solved(ratio)
            away = (value - coef @ row - shift) ** 2 / (row @ inverse @ row)
            return np.asarray(n * (1 + np.log(2 * np.pi * (rss + away) / n)) + log_det)

        return _lowest(given, _RATIO)[1]


def maximum_likelihood(data: Standardised) -> tuple[Floats, float, float]:
    """Coefficients (k,), sd_group and sd_resid of highest likelihood, in raw units.

    Parameters
    ----------
    data : Standardised
        Of the rows.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> coef, group, resid = maximum_likelihood(
    ...     standardise(Moments.from_frame(df, outcome="y", group="g")))
    >>> float(coef[0].round(2)), round(group, 2), round(resid, 2)
    (6.0, 3.21, 1.0)
    """
    profile, unit = _Profile(data), float(data.scale[-1])
    ratio, _ = _lowest(profile.best, _RATIO)
    rss, _, coef, _ = profile.solved(np.array([ratio]))
    sigma = unit * float(np.sqrt(rss[0] / data.n_obs))
    return data.coef_transform @ coef[0] + data.coef_shift, ratio * sigma, sigma


def profile_intervals(moments: Moments, prob: float) -> Iterator[tuple[str, float, float]]:
    """Names and limits: ``sd_group``, ``sd_resid``, then coefficients.

    Parameters
    ----------
    moments : Moments
        Sufficient statistics.
    prob : float
        Coverage.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> moments = Moments.from_frame(df, outcome="y", group="g")
    >>> limits = profile_intervals(moments, 0.95)
    >>> [(name, round(low, 2), round(high, 2)) for name, low, high in limits]
    [('sd_group', 1.63, 9.63), ('sd_resid', 0.62, 2.01), ('(Intercept)', 0.74, 11.26)]
    """
    from scipy.special import ndtri

    rise = float(ndtri(0.5 + 0.5 * prob))
    data = standardise(moments)
    profile = _Profile(data)
    ratio, lowest = _lowest(profile.best, _RATIO)
    rss, _, coef, inverse = profile.solved(np.array([ratio]))
    sigma, unit = float(np.sqrt(rss[0] / data.n_obs)), float(data.scale[-1])

    def above(deviance: Callable[[float], float]) -> Callable[[float], float]:
        """How far the root of what it rises by is above the quantile: nearly a straight line."""
        return lambda value: float(np.sqrt(max(deviance(value) - lowest, 0.0))) - rise

    tau = ratio * sigma
    step = 0.3 * max(tau, 0.1 * sigma)
    group = above(lambda value: profile.of_sd_group(value, sigma))
    low, high = _limits(group, tau, step, least=0.0)
    yield "sd_group", unit * low, unit * high
    resid = above(lambda value: profile.of_sd_resid(np.exp(value)))
    low, high = _limits(resid, np.log(sigma), 0.05)
    yield "sd_resid", unit * float(np.exp(low)), unit * float(np.exp(high))
    rows = data.coef_transform
    for number, name in enumerate(moments.terms):
        row = rows[number]
        centre = float(row @ coef[0] + data.coef_shift[number])
        spread = sigma * float(np.sqrt(row @ inverse[0] @ row))
        own = above(lambda value, number=number: profile.of_coefficient(number, value))  # type: ignore[misc]
        yield name, *_limits(own, centre, spread)


def _lowest(given: Callable[[Floats], Floats], grid: Floats) -> tuple[float, float]:
    """Place and value of a function's lowest point, by grids that close in on it."""
    for _ in range(_ROUNDS):
        values = given(grid)
        place = int(np.argmin(values))
        low, high = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
        found = float(grid[place]), float(values[place])
        grid = np.append(np.linspace(low, high, _POINTS), grid[place])
    return found


def _limits(
    above: Callable[[float], float], centre: float, step: float, *, least: float = -np.inf
) -> tuple[float, float]:
    """Where a profile crosses zero below and above its lowest point; `least` where it does not."""
    from scipy.optimize import brentq

    found = []
    for sign in (-1, 1):
        inner, reach = centre, step
        while above(outer := max(centre + sign * reach, least)) < 0 and outer > least:
            inner, reach = outer, 2 * reach
        if above(outer) < 0:
            found.append(least)
        elif inner == outer or above(inner) >= 0:
            found.append(inner)
        else:
            found.append(float(brentq(above, inner, outer, xtol=_ROOT * abs(outer - centre))))
    return found[0], found[1]
