"""What a design could have seen: power, and errors of sign (S) and magnitude (M) of its findings.

For a true effect A and a standard error s, with mu = |A|/s and z the two-sided critical value,

    power = Phi(mu - z) + Phi(-mu - z)
    wrong = Phi(-mu - z)                                        significant, with the wrong sign
    size  = phi(z - mu) + phi(z + mu) + mu (Phi(mu - z) - Phi(-mu - z))   E|estimate|/s, significant
    type S = wrong/power,   type M = size/(mu power).

The true effect is not known, and the estimate is a bad guess of it (that is what type M says), so
all are averaged over a distribution of true effects, by quadrature:

    power = E[power(A)],  type S = E[wrong(A)]/E[power(A)],  type M = E[s size(A)]/E[|A| power(A)],

that is, of significant findings: the share with the wrong sign, and how many times larger they are
on average than the effects behind them. (The mean of the ratio itself is infinite as soon as
effects can be near zero.) Which sign an effect has depends on how an item is coded, so the
distribution is symmetric about zero: only |A| counts. Effects are of contrasts, so that items with
two and with five categories can share one distribution.

References
----------
Gelman & Carlin (2014), Perspectives on Psychological Science 9, 641-651; closed form of type M:
Lu, Qiu & Deng (2019), British Journal of Mathematical and Statistical Psychology 72, 1-17.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from bayes_sf.arrays import Floats
from bayes_sf.errors import UsageError

__all__ = [
    "DesignErrors",
    "Effects",
    "design_errors",
    "errors_at",
    "learn_effects",
    "smallest_detectable",
]


#: Gauss-Legendre nodes on each panel of half a unit of arsinh(|A|/scale).
_NODES = np.polynomial.legendre.leggauss(12)


@dataclass(frozen=True)
class Effects:
    """Distribution of true effects about zero, in pp per contrast.

    Parameters
    ----------
    scale : tuple of float
        Scales of its components; a user's distribution has one.
    df : float
        Degrees of freedom of a t distribution, above 1; infinite is normal.
    weight : tuple of float
        Of the components; equal by default.

    Raises
    ------
    UsageError
        For scales that are not positive, or tails so heavy that there is no mean size.

    Examples
    --------
    >>> round(Effects((0.5,)).mean_size, 4)
    0.3989
    """

    scale: tuple[float, ...]
    df: float = np.inf
    weight: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no distribution; fill in the weights."""
        if not self.scale or not all(s > 0 and np.isfinite(s) for s in self.scale):
            raise UsageError("effects: scale", "must be positive", got=self.scale)
        if not self.df > 1:
            raise UsageError("effects: df", "must be above 1, to have a mean", got=self.df)
        weight = np.asarray(self.weight or np.ones(len(self.scale)), dtype=float)
        if len(weight) != len(self.scale) or not (weight >= 0).all() or weight.sum() <= 0:
            raise UsageError("effects: weight", "must go with the scales", got=self.weight)
        object.__setattr__(self, "weight", tuple((weight / weight.sum()).tolist()))

    def density(self, ratio: Floats) -> Floats:
        """Density of |A|/scale of a component, same shape."""
        if np.isinf(self.df):
            return np.asarray(2 * _phi(ratio))
        from scipy.stats import t

        return np.asarray(2 * t.pdf(ratio, self.df))

    def nodes(self, unit: float) -> tuple[Floats, Floats]:
        """Values of |A| and their probabilities, fine both at the scales and at `unit`.

        |A| = m sinh(v) with m the smaller of unit and scale, in panels of v up to where what is
        left of E|A| is below 1e-9 of it.

        Parameters
        ----------
        unit : float
            A length on which what is averaged varies: the standard error.
        """
        reach = 9.0 if np.isinf(self.df) else max(9.0, 1e9 ** (1 / (self.df - 1)))
        values, masses = [], []
        for scale, weight in zip(self.scale, self.weight, strict=True):
            m = min(unit, scale)
            edges = np.arange(0, np.arcsinh(reach * scale / m) + 0.5, 0.5)
            v = (edges[:, None] + 0.25 * (1 + _NODES[0])).ravel()
            value = m * np.sinh(v)
            step = np.tile(0.25 * _NODES[1], len(edges)) * m * np.cosh(v)
            values.append(value)
            masses.append(weight * step * self.density(value / scale) / scale)
        return np.concatenate(values), np.concatenate(masses)

    @property
    def mean_size(self) -> float:
        """E|A|."""
        value, mass = self.nodes(min(self.scale))
        return float(value @ mass)


@dataclass(frozen=True, slots=True)
class DesignErrors:
    """What a design finds over a distribution of true effects.

    Parameters
    ----------
    power : float
        Probability of a significant finding.
    type_s : float
        Share of significant findings with the wrong sign.
    type_m : float
        How many times larger significant estimates are, on average, than the effects behind them.
    detectable : float
        True effect that is found with 80 % power.
    """

    power: float
    type_s: float
    type_m: float
    detectable: float


def errors_at(
    effect: Floats | float, std_error: float, *, alpha: float = 0.05
) -> tuple[Floats, Floats, Floats]:
    """Power, type S and type M at known true effects, in closed form.

    Parameters
    ----------
    effect : float or array
        True effects, not zero.
    std_error : float
        Standard error, same unit.
    alpha : float
        Two-sided level.

    Returns
    -------
    tuple of arrays
        Of the shape of `effect`.

    Examples
    --------
    The example of Gelman & Carlin (2014): true effect 2, standard error 8.1.

    >>> [float(value.round(3)) for value in errors_at(2.0, 8.1)]
    [0.057, 0.24, 9.537]
    """
    mu = np.abs(np.asarray(effect, dtype=float)) / std_error
    power, wrong, size = _findings(mu, _critical(alpha))
    return power, wrong / power, size / (mu * power)


def design_errors(std_error: float, effects: Effects, *, alpha: float = 0.05) -> DesignErrors:
    """Power, type S and type M over a distribution of true effects.

    Parameters
    ----------
    std_error : float
        Of the contrast, in the unit of the effects.
    effects : Effects
        True effects: stated, or learnt from many estimates (`learn_effects`).
    alpha : float
        Two-sided level.

    Raises
    ------
    UsageError
        For a standard error that is not positive, or a level outside (0, 1).
    """
    detectable = smallest_detectable(std_error, alpha=alpha)
    value, mass = effects.nodes(std_error)
    found, wrong, size = _findings(value / std_error, _critical(alpha))
    power = found @ mass
    return DesignErrors(
        power=float(power),
        type_s=float(wrong @ mass / power),
        type_m=float(std_error * (size @ mass) / ((value * found) @ mass)),
        detectable=detectable,
    )


def smallest_detectable(std_error: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the true effect that a two-sided test finds with given power.

    Parameters
    ----------
    std_error : float
        Of the estimate.
    power, alpha : float
        Power wanted, above `alpha`; two-sided level.

    Examples
    --------
    >>> round(smallest_detectable(1.0), 4)
    2.8016
    """
    from scipy.optimize import brentq

    if not (std_error > 0 and np.isfinite(std_error)):
        raise UsageError("std_error", "must be a positive number", got=std_error)
    z = _critical(alpha)
    if not alpha < power < 1:
        raise UsageError("power", "must lie between alpha and 1", got=power)
    top = z + abs(float(ndtri(power))) + 1
    root = brentq(lambda mu: float(_findings(np.array(mu), z)[0]) - power, 0.0, top)
    return std_error * float(root)


def learn_effects(estimates: Floats, std_errors: Floats, *, scale: float) -> Effects:
    """Distribution of true effects learnt from many estimates: normal, with an uncertain sd.

    b_i ~ N(A_i, s_i^2), A_i ~ N(0, omega^2), omega ~ half-t(3, 0, scale); omega is integrated by
    Gauss-Legendre. Errors are taken as independent: see the multiplicity analysis for what their
    correlation does.

    Parameters
    ----------
    estimates, std_errors : (m,) arrays
        Of contrasts, in pp.
    scale : float
        Of the prior of omega, in pp.

    Returns
    -------
    Effects
        One component per node of omega.

    Examples
    --------
    >>> effects = learn_effects(np.array([0.2, -0.1, 0.9]), np.full(3, 0.2), scale=0.5)
    >>> 0.2 < effects.mean_size < 0.8
    True
    """
    from scipy.stats import t

    x, w = np.polynomial.legendre.leggauss(80)
    share = 0.5 * (x + 1)
    omega = scale * share / (1 - share)
    variance = omega[:, None] ** 2 + np.asarray(std_errors) ** 2
    log = -0.5 * (np.log(variance) + np.asarray(estimates) ** 2 / variance).sum(axis=1)
    log += t.logpdf(omega / scale, 3) + np.log(w) - 2 * np.log1p(-share)
    weight = np.exp(log - log.max())
    keep = weight > 1e-10 * weight.sum()
    return Effects(tuple(omega[keep].tolist()), weight=tuple(weight[keep].tolist()))


def _critical(alpha: float) -> float:
    """Two-sided critical value."""
    if not 0 < alpha < 1:
        raise UsageError("alpha", "must lie between 0 and 1", got=alpha)
    return float(ndtri(1 - 0.5 * alpha))


def _phi(x: Floats) -> Floats:
    """Standard normal density."""
    return np.asarray(np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi))


def _findings(mu: Floats, z: float) -> tuple[Floats, Floats, Floats]:
    """P(significant), P(significant, wrong sign), E[|estimate|/s; significant] at mu = |A|/s."""
    right, wrong = ndtr(mu - z), ndtr(-mu - z)
    return right + wrong, wrong, _phi(z - mu) + _phi(z + mu) + mu * (right - wrong)
