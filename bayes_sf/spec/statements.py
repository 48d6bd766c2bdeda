"""Priors stated in the domain's words, and solved for their scale.

In an analysis file, in the place of a scale:

    [priors]
    sd_group = { icc_above = 0.5, probability = 0.05 }
    slope = { step_at_most = 1.0, probability = 0.95 }

- ``icc_above``: P(ICC > 0.5) = 0.05 before any data. With sigma and tau independent and r^2 =
  c/(1 - c), P(ICC > c) = E[1 - F_tau(r sigma)] over sigma; it rises with the scale of tau from 0 to
  1, and the scale is its root. The family of tau may be named; half-t(3) is the default. What
  sigma's prior says of small sigma matters: near 0 any tau is a large ICC. Beside half-t(3) most
  of the 5 % comes from there, tau's scale becomes 0.06 sd(y) and the median ICC 0.004, which nobody
  means. So where sigma's prior is not stated it is `AT_DATA_SCALE`, gamma with mean sd(y) and
  hardly any mass near 0: tau's scale is then 0.26 sd(y), the median ICC 0.042. The median and the
  95 % interval of the ICC that a statement implies are printed with it.
- ``step_at_most``: with probability 0.95 one step of an item (one unit of its codes; of answers
  without order, one answer against the reference) goes with a difference of at most 1.0 in the
  outcome's unit, in either direction. The prior is normal(0, a/Phi^-1(0.5 + 0.5 p)).

The scale that is found and the statement are printed wherever priors are.

Examples
--------
>>> print(step_prior(1.0, 0.95))
normal(0, 0.5102) [P(|one step| <= 1) = 0.95]
>>> print(icc_prior(0.5, 0.05))
half-t(3, 0, 0.2632 sd(y)) [P(ICC > 0.5) = 0.05, median 0.042, 95 % 0.000 to 0.644]
"""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.errors import SpecError
from bayes_sf.spec.prior import SCALE_FAMILIES, Prior

__all__ = ["AT_DATA_SCALE", "PROBABILITY", "STATEMENTS", "icc_prior", "icc_prior_quantiles",
           "prob_icc_above", "step_prior"]  # fmt: skip

#: What can be stated, of which prior, and what else a statement may say.
STATEMENTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "icc_above": ("sd_group", ("family", "df", "shape", "reason", "reason_nb")),
    "step_at_most": ("slope", ("reason", "reason_nb")),
}
PROBABILITY: Final = "probability"
#: Prior of sd_resid beside a statement on the ICC, where none is stated: mean sd(y), 95 % from 0.46
#: to 1.75 sd(y).
AT_DATA_SCALE: Final = Prior(
    "gamma",
    shape=9.0,
    scale=1 / 9,
    reason="Of the order of the outcome's own sd, not near 0, where any sd_group is a high ICC.",
    reason_nb="Av samme størrelsesorden som utfallets standardavvik, og ikke nær 0, der enhver sd "
    "mellom grupper er en høy ICC.",
)
#: Shares nearer to 0 or 1 than this are beyond the quadrature over sigma.
_RARE: Final = 1e-6
#: How far from sigma's, in logs, the scale of tau is looked for.
_WIDEST: Final = 100.0
#: Nodes for sigma, in the square root of its probability: where ICCs near one come from.
_NODES: Final = np.polynomial.legendre.leggauss(300)


def step_prior(at_most: float, probability: float, reason: str = "") -> Prior:
    """Prior of slopes: one step goes with at most so much, with so much probability.

    Parameters
    ----------
    at_most : float
        In the outcome's unit, positive.
    probability : float
        Between 0 and 1.
    reason : str
        Why.
    """
    from scipy.special import erfinv

    _check("step_at_most", at_most, probability)
    scale = at_most / float(np.sqrt(2) * erfinv(probability))  # keeps digits near 0, as ndtri not
    return Prior(
        "normal", scale=scale, location=0.0, autoscale=False, reason=reason,
        statement=f"P(|one step| <= {at_most:g}) = {probability:g}",
    )  # fmt: skip


def icc_prior(
    above: float,
    probability: float,
    sd_resid: Prior | None = None,
    *,
    family: str = "half-t",
    df: float = 3.0,
    shape: float = 2.0,
    reason: str = "",
) -> Prior:
    """Prior of sd_group: the ICC is above a value with so much probability.

    Parameters
    ----------
    above, probability : float
        Between 0 and 1.
    sd_resid : Prior, optional
        Prior of sd_resid, proper, that the model has; the result is in its unit, sd(y) or the
        outcome's. `AT_DATA_SCALE` otherwise, which must then be the model's too: `Priors` refuses
        another.
    family, df, shape : str, float, float
        As in `Prior`.
    reason : str
        Why.

    Raises
    ------
    SpecError
        For impossible numbers, a flat prior, a family that a standard deviation cannot have.
    """
    from scipy.optimize import brentq

    _check("icc_above", above, probability)
    sigma = sd_resid or AT_DATA_SCALE
    if family not in SCALE_FAMILIES or family == "flat":
        proper = ", ".join(name for name in SCALE_FAMILIES if name != "flat")
        raise SpecError("prior: family", f"must be one of {proper}", got=family)
    if sigma.family == "flat":
        raise SpecError(
            "prior: icc_above", "needs a proper prior of sd_resid", got=sigma.family,
            fix="give sd_resid a half-t or another distribution",
        )  # fmt: skip

    def excess(log_scale: float) -> float:
        tau = Prior(family, scale=float(np.exp(log_scale)), df=df, shape=shape)
        return prob_icc_above(above, sigma, tau) - probability

    centre = np.log(sigma.scale)
    low = high = centre
    while excess(low) > 0 and low > centre - _WIDEST:
        low -= 2.0
    while excess(high) < 0 and high < centre + _WIDEST:
        high += 2.0
    if excess(low) > 0 or excess(high) < 0:
        raise SpecError(
            "prior: icc_above", "must be possible beside the prior of sd_resid",
            got=f"P(ICC > {above:g}) = {probability:g}", fix="state something less extreme",
        )  # fmt: skip
    scale = float(np.exp(brentq(excess, low, high, xtol=1e-12)))
    found = Prior(family, scale=scale, df=df, shape=shape, autoscale=sigma.autoscale, reason=reason)
    middle, least, most = icc_prior_quantiles(sigma, found, np.array([0.5, 0.025, 0.975]))
    implied = f"median {middle:.3f}, 95 % {least:.3f} to {most:.3f}"
    statement = f"P(ICC > {above:g}) = {probability:g}, {implied}"
    return replace(found, statement=statement, beside=sigma)


def prob_icc_above(above: float, sd_resid: Prior, sd_group: Prior) -> float:
    """P(ICC > above) under proper priors of sigma and tau in the same unit.

    Parameters
    ----------
    above : float
        Between 0 and 1.
    sd_resid, sd_group : Prior
        Of sigma and tau.

    Examples
    --------
    >>> round(prob_icc_above(0.5, Prior("half-t"), Prior("half-t")), 6)
    0.5
    """
    ratio = np.sqrt(above / (1 - above))
    root = 0.5 * (1 + _NODES[0])  # of sigma's probability
    sigma = sd_resid.quantile(root**2)
    return float(1 - (_NODES[1] * root) @ sd_group.cdf(ratio * sigma))


def icc_prior_quantiles(
    sd_resid: Prior, sd_group: Prior, prob: NDArray[np.float64], nodes: int = 100
) -> NDArray[np.float64]:
    """Quantiles of the ICC under the prior alone.

    P(ICC <= x) = E[F_tau(sigma sqrt(x/(1 - x)))] over sigma, by Gauss-Legendre in sigma's
    probability, then monotone interpolation in the logit of the ICC.

    Parameters
    ----------
    sd_resid, sd_group : Prior
        Resolved priors of sigma and tau.
    prob : (m,) array
        Probabilities.
    nodes : int
        Quadrature nodes.

    Returns
    -------
    (m,) array
        NaN where either prior is flat (then the ICC has no prior distribution).

    Examples
    --------
    >>> same = Prior("half-t").resolve(1.0)
    >>> icc_prior_quantiles(same, same, np.array([0.5])).round(3)
    array([0.5])
    """
    prob = np.asarray(prob, dtype=float)
    if "flat" in (sd_resid.family, sd_group.family):
        return np.full(prob.shape, np.nan)
    x, w = np.polynomial.legendre.leggauss(nodes)
    sigma = sd_resid.quantile(0.5 * (x + 1))
    logit = np.linspace(-25.0, 25.0, 2001)
    ratio = np.exp(0.5 * logit)
    cdf = sd_group.cdf(sigma[:, None] * ratio) * (0.5 * w)[:, None]
    icc_logit = np.interp(prob, cdf.sum(axis=0), logit)
    return np.asarray(1 / (1 + np.exp(-icc_logit)))


def _check(key: str, value: float, probability: float) -> None:
    """Refuse numbers that cannot be."""
    if not 0 < probability < 1:
        raise SpecError(f"prior: {PROBABILITY}", "must lie between 0 and 1", got=probability)
    if key == "icc_above" and not 0 < value < 1:
        raise SpecError("prior: icc_above", "must lie between 0 and 1", got=value)
    for name, share in ((PROBABILITY, probability), (key, value)):
        if key == "icc_above" and not _RARE <= share <= 1 - _RARE:
            rule = f"must be at least {_RARE:g} away from 0 and 1"
            raise SpecError(f"prior: {name}", rule, got=share)
    if not (isfinite(value) and value > 0):
        raise SpecError(f"prior: {key}", "must be a positive number", got=value)
