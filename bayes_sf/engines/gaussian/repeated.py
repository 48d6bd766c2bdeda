"""Means of repeated measurements: the exact posterior, by quadrature over three numbers.

An outcome that is the mean of m_i measurements has the residual variance sd_resid^2 +
sd_repeat^2/m_i. With m the harmonic mean of the m_i, and a radius r and an angle a,

    sd_resid = r sin a,    sd_repeat = sqrt(m) r cos a,
    Var(e_i) = r^2 v_i,    v_i = sin^2 a + cos^2 a m/m_i,

so that given the angle the rows are weighted by 1/v_i and everything else is the Gaussian
random-intercept model of `exact`, with r in the place of sigma: sufficient statistics become
weighted ones (`Moments`). Its marginal likelihood says how probable the angle is; angles are
Gauss-Legendre nodes on the part of [0, pi/2] that has the mass, and there is no Monte Carlo error.

As a model of absence this is the quick approximation to the panel of quarters: how many quarters
were observed is known, which ones is not, and quarters of a workplace are independent.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.spec.model import ModelSpec
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc"), "m": 4.0})
>>> spec = ModelSpec("y", group="g", repeats="m")
>>> found = fit_repeated(Rows.from_frame(df, spec), spec)
>>> [row.term for row in found.rows(0.95)][:5]
['(Intercept)', 'sd_group', 'sd_resid', 'icc', 'sd_repeat']
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.estimates import Estimate, mixture_rows
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.grid import resolve
from bayes_sf.engines.gaussian.joint import Joint, check_reach, resolve_priors
from bayes_sf.engines.gaussian.likelihood import check_groups, standardise
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.quadrature import CUT, Axis, invert, unresolved
from bayes_sf.errors import ConvergenceError, SpecError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT, Moments
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows

__all__ = ["AngleJoint", "RepeatedPosterior", "fit_repeated"]


#: Single numbers that are reported, in order of reading.
_SPREADS = ("sd_group", "sd_resid", "icc", "sd_repeat")
#: Angles that are looked at to find where the mass is; angles at first, and at most.
_PILOT, _ANGLES, _MOST = 17, 16, 121
#: Largest trailing coefficient of the angle's distribution function, as in `grid`.
_RESOLVED = 1e-8


@dataclass(frozen=True, eq=False)
class AngleJoint(Joint):
    """Density of (ln r, z) and the data at one angle: r takes the place of sigma.

    Parameters
    ----------
    sd_repeat : Prior
        Of the sd of one measurement, standardised.
    sine, cosine : float
        What the radius is multiplied by to get sd_resid and sd_repeat: sin a, and sqrt(m) cos a.
    stretch : float
        sqrt(m): d sd_resid d sd_repeat = stretch r dr da.
    """

    sd_repeat: Prior
    sine: float
    cosine: float
    stretch: float

    def log_resid_prior(self, sigma: Floats) -> Floats:
        """Log prior density of (radius, angle) at this angle."""
        return np.asarray(
            self.sd_resid.log_density(sigma * self.sine)
            + self.sd_repeat.log_density(sigma * self.cosine)
            + np.log(sigma * self.stretch)
        )

    @property
    def resid_tail(self) -> float:
        """Power of its tail."""
        return self.sd_resid.tail_power + self.sd_repeat.tail_power - 1


@dataclass(frozen=True, eq=False)
class RepeatedPosterior:
    """Posterior of a model of means of repeated measurements; made by `fit_repeated`.

    Parameters
    ----------
    moments : Moments
        The data, every row counting one.
    priors : Priors
        Resolved, in the outcome's unit.
    angle : Axis
        Nodes of the angle, (A,).
    weight : (A,) array
        Posterior mass at each, summing to one.
    given : tuple of ExactPosterior
        Posterior at each angle; its sigma is the radius.
    typical : float
        m, the harmonic mean of the numbers of measurements.
    log_evidence : float
        ln p(y | model), raw units; NaN when a prior is flat.
    """

    moments: Moments
    priors: Priors
    angle: Axis
    weight: Floats
    given: tuple[ExactPosterior, ...]
    typical: float
    log_evidence: float

    @property
    def parts(self) -> "tuple[RepeatedPosterior, ...]":
        """The one data set, as in `Posterior.parts`."""
        return (self,)

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of the data."""
        return self.moments.groups

    def _join(self, pick: Callable[[ExactPosterior], NormalMixture]) -> NormalMixture:
        """One mixture out of those at each angle."""
        return NormalMixture.average([pick(part) for part in self.given], self.weight)

    @cached_property
    def coef(self) -> NormalMixture:
        """Coefficients, the intercept first."""
        return self._join(lambda part: part.coef)

    def contrast(self, loading: Floats) -> NormalMixture:
        """Linear combinations of coefficients; loading (m, k)."""
        return self._join(lambda part: part.contrast(loading))

    @cached_property
    def ranef(self) -> NormalMixture:
        """Group effects, in the order of `groups`."""
        return self._join(lambda part: part.ranef)

    @cached_property
    def group_means(self) -> NormalMixture:
        """Expected outcome of each group at the predictors' means."""
        return self._join(lambda part: part.group_means)

    # Standard deviations and ICC -------------------------------------------------------------

    def factors(self, name: str, repeats: float = np.inf) -> Floats:
        """What the radius is multiplied by to get ``sd_resid`` or ``sd_repeat``, (A,).

        Parameters
        ----------
        name : str
            One of the two.
        repeats : float
            With a number of measurements, ``sd_resid`` is that of a mean of so many.
        """
        repeat = np.sqrt(self.typical) * np.cos(self.angle.nodes)
        if name == "sd_repeat":
            return np.asarray(repeat)
        return np.asarray(np.sqrt(np.sin(self.angle.nodes) ** 2 + repeat**2 / repeats))

    def _values(self, name: str, number: int, repeats: float = np.inf) -> Floats:
        """Values of a quantity at the nodes of one angle, (Z, T)."""
        part = self.given[number]
        if name == "sd_group":
            return part.spread_values(name)
        if name == "icc":
            own = self.factors("sd_resid", repeats)[number]
            ratio = (part.joint.ratio(part.grid.z.nodes) / own) ** 2
            each = np.asarray(ratio / (1 + ratio))
            return each[:, None] * np.ones(part.grid.weight.shape)
        return np.asarray(part.spread_values("sd_resid") * self.factors(name)[number])

    def _mean_of(
        self, name: str, what: Callable[[Floats], Floats], repeats: float = np.inf
    ) -> float:
        """Posterior mean of a function of a quantity."""
        each = [
            float((part.grid.weight * what(self._values(name, number, repeats))).sum())
            for number, part in enumerate(self.given)
        ]
        return float(self.weight @ np.array(each))

    def _exist(self, name: str) -> int:
        """How many moments (at most 2) exist."""
        role = name if name in {"sd_group", "icc"} else "sd_resid"
        return min(part.spread_moments(role) for part in self.given)

    def mean(self, name: str) -> float:
        """Posterior mean of ``sd_group, sd_resid, sd_repeat`` or ``icc``; NaN without one."""
        return self._mean_of(name, lambda v: v) if self._exist(name) >= 1 else float("nan")

    def sd(self, name: str) -> float:
        """Posterior standard deviation of the same; NaN where it does not exist."""
        if self._exist(name) < 2:
            return float("nan")
        centre = self._mean_of(name, lambda v: v)
        return float(np.sqrt(self._mean_of(name, lambda v: (v - centre) ** 2)))

    def icc_of_mean(self, repeats: float, prob: float) -> Estimate:
        """Give the ICC of means of so many measurements: what their noise leaves counts as theirs.

        Parameters
        ----------
        repeats : float
            Number of measurements; infinite for the model's own ICC.
        prob : float
            Probability of the equal-tailed interval.
        """
        mean = self._mean_of("icc", lambda v: v, repeats)
        sd = float(np.sqrt(self._mean_of("icc", lambda v: (v - mean) ** 2, repeats)))
        low, high = self.quantile("icc", [0.5 - 0.5 * prob, 0.5 + 0.5 * prob], repeats)
        return Estimate("icc", "", mean, sd, float(low), float(high))

    def cdf(self, name: str, value: Floats | float, repeats: float = np.inf) -> Floats:
        """P(quantity <= value) of the same, same shape as `value`.

        At each angle it is a statement about the radius or tau/r: tau^2/(tau^2 + sd_resid^2) <= x
        is (tau/r)^2 <= sin^2 a x/(1 - x). `repeats` is as in `icc_of_mean`.
        """
        value, total = np.asarray(value, dtype=float), np.zeros(np.shape(value))
        for number, (share, part) in enumerate(zip(self.weight, self.given, strict=True)):
            if name == "sd_group":
                below = part.spread_cdf(name, value)
            elif name == "icc":
                odds = self.factors("sd_resid", repeats)[number] ** 2 * value
                below = part.spread_cdf(name, odds / (odds + (1 - value)))
            else:
                below = part.spread_cdf("sd_resid", value / self.factors(name)[number])
            total = total + share * below
        return np.asarray(total)

    def quantile(
        self, name: str, probs: Sequence[float] | Floats, repeats: float = np.inf
    ) -> Floats:
        """Quantiles of the same, (len(probs),), searched where tails of tau are short."""
        joint, unit = self.given[0].joint, float(self.given[0].data.scale[-1])

        def value(place: Floats) -> Floats:
            ratio = joint.ratio(place)
            return np.asarray(ratio**2 / (1 + ratio**2) if name == "icc" else unit * ratio)

        if name == "icc":
            top = max(
                self._values(name, number, repeats)[-1].max() for number in range(len(self.given))
            )
            high = joint.place(np.sqrt(top / max(1 - top, np.finfo(float).epsneg))) + 0.05
        else:
            top = max(self._values(name, number).max() for number in range(len(self.given)))
            high = joint.place(np.asarray(top / unit)) + 0.05
        probabilities = np.asarray(probs, dtype=float)
        found = invert(lambda x: self.cdf(name, value(x), repeats), probabilities, 0.0, float(high))
        return value(found)

    def rows(self, prob: float, *, groups: bool = True) -> Iterator[Estimate]:
        """Posterior means, sds and equal-tailed intervals, as `Sampled.rows` orders them.

        Parameters
        ----------
        prob : float
            Probability of the intervals.
        groups : bool
            Whether effects of groups are asked for.
        """
        tails = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob]
        yield from mixture_rows([(term, "") for term in self.moments.terms], self.coef, tails)
        for name in _SPREADS:
            low, high = (float(limit) for limit in self.quantile(name, tails))
            yield Estimate(name, "", self.mean(name), self.sd(name), low, high)
        if groups:
            effects = [(INTERCEPT, group) for group in self.groups]
            yield from mixture_rows(effects, self.ranef, tails)


def fit_repeated(rows: Rows, spec: ModelSpec) -> RepeatedPosterior:
    """Posterior of a Gaussian random-intercept model of means of repeated measurements.

    Parameters
    ----------
    rows : Rows
        The data, with the number of measurements behind every outcome.
    spec : ModelSpec
        The model: nothing but `repeats` beyond a random intercept.

    Raises
    ------
    DataError
        When the model cannot be fitted.
    SpecError
        When the priors leave the posterior improper: that on ``sd_repeat`` must be proper.
    ConvergenceError
        When the density is not resolved.
    """
    repeats = np.ones(rows.n_obs) if rows.repeats is None else rows.repeats
    data = standardise(rows.moments)
    check_groups(data)
    unit = float(data.scale[-1])
    repeat = spec.priors.of("sd_repeat").resolve(unit)
    if repeat.family == "flat":
        where = f"model {spec.name!r}: priors.sd_repeat"
        raise SpecError(where, "must be proper", got="flat", fix="use a half-t")
    check_reach("sd_repeat", repeat.scale / unit, "sd(y)")
    priors = replace(resolve_priors(spec.priors, data), sd_repeat=repeat)
    typical = float(1 / (1 / repeats).mean())
    table = np.column_stack([rows.x, rows.y])

    def given(angle: float, near: ExactPosterior | None, nodes: tuple[int, int] | None) -> _Given:
        sine, cosine = float(np.sin(angle)), float(np.sqrt(typical) * np.cos(angle))
        variance = sine**2 + cosine**2 / repeats
        moments = Moments.from_arrays(
            table, rows.code, outcome=rows.outcome, predictors=rows.predictors,
            groups=rows.groups, group=rows.group, weights=1 / variance,
        )  # fmt: skip
        plain = Joint.build(standardise(moments, data), priors)
        joint = AngleJoint(
            plain.data, plain.precision, plain.mean, plain.sd_resid, plain.sd_group,
            replace(repeat, scale=repeat.scale / unit), sine, cosine, float(np.sqrt(typical)),
        )  # fmt: skip
        grid = resolve(joint, nodes, near.box if near else None)
        evidence = grid.log_total - rows.n_obs * np.log(unit) - 0.5 * np.log(variance).sum()
        return float(evidence), ExactPosterior(moments, priors, float("nan"), grid)

    axis, found = _resolve_angle(given)
    log_mass = np.array([evidence for evidence, _ in found]) + np.log(axis.weights)
    total = float(np.logaddexp.reduce(log_mass))
    roles = ("intercept", "sd_resid", "sd_group")
    proper = not priors.flat_among(roles, rows.moments.predictors)
    return RepeatedPosterior(
        rows.moments, priors, axis, np.exp(log_mass - total), tuple(part for _, part in found),
        typical, total if proper else float("nan"),
    )  # fmt: skip


#: Log evidence at an angle, and the posterior there.
type _Given = tuple[float, ExactPosterior]


def _resolve_angle(
    given: Callable[[float, ExactPosterior | None, tuple[int, int] | None], _Given],
) -> tuple[Axis, list[_Given]]:
    """Find where the mass of the angle is, and as many nodes there as it takes.

    Raises
    ------
    ConvergenceError
        When too many would be needed.
    """
    low, high, shrunk = 0.0, 0.5 * np.pi, 0.0
    near: ExactPosterior | None = None
    while shrunk < 0.5:  # a narrow prior on either sd leaves a narrow range
        pilot = np.linspace(low, high, _PILOT + 2)
        heights = []
        for angle in pilot[1:-1]:
            height, near = given(float(angle), near, (24, 32))
            heights.append(height)
        alive = 1 + np.flatnonzero(np.array(heights) > max(heights) - CUT)
        before = high - low
        low, high = float(pilot[alive[0] - 1]), float(pilot[alive[-1] + 1])
        shrunk = (high - low) / before
    count, error = _ANGLES, np.inf
    while count <= _MOST:
        axis = Axis.over(low, high, count)
        found: list[_Given] = []
        for angle in axis.nodes:
            found.append(given(float(angle), found[-1][1] if found else near, None))
        log_mass = np.array([height for height, _ in found]) + np.log(axis.weights)
        mass = np.exp(log_mass - np.logaddexp.reduce(log_mass))
        error = unresolved(mass[:, None], 0)
        if error <= _RESOLVED:
            return axis, found
        count = count * 3 // 2
    raise ConvergenceError(
        "exact engine", f"must resolve sd_resid against sd_repeat with {_MOST} nodes",
        got=f"{error:.0e} unresolved", fix="use half-t priors on both",
    )  # fmt: skip
