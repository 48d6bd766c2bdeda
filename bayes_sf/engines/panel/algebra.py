"""A workplace's likelihood once its own intercept and slope over time are integrated out.

The residuals r of workplace i are N(0, S R S + B W B'), with S the residual sds, R an AR(1)
correlation over calendar quarters, B = [1, time] and W = diag(sd_workplace^2, sd_trend^2).
Whitening by S R S turns r and B into rows that are independent, of which a handful of sums is all
that is needed; gaps have nothing to add to a sum, and so are integrated out.

Every function takes NumPy arrays or PyTensor's, so that the graph and the draws share it.
"""

from dataclasses import dataclass
from typing import Any

__all__ = [
    "Gaps", "Sums", "information", "log_likelihood", "shifted", "summarise", "whitened",
]  # fmt: skip


@dataclass(frozen=True)
class Gaps:
    """Which quarters are observed, and which came before each.

    Parameters
    ----------
    mask : (N, T) array
        1 where a figure is observed, else 0.
    previous : (N, T) array
        Place of the previous observed quarter in the flat (N T,) array.
    lag : (N, T) array
        Quarters since; 0 where there is none.
    """

    mask: Any
    previous: Any
    lag: Any


@dataclass(frozen=True)
class Sums:
    """Sums over the whitened quarters of each workplace, arrays (N,).

    Parameters
    ----------
    rr, r1, rt : array
        Of the residual's squares, and of its products with 1 and with time.
    aa, at, tt : array
        Of the products of 1 and time with each other.
    log_det : array
        ln |S R S|.
    """

    rr: Any
    r1: Any
    rt: Any
    aa: Any
    at: Any
    tt: Any
    log_det: Any


def whitened(values: Any, inv_sd: Any, gaps: Gaps, share: Any, left: Any) -> Any:
    """Values over their sd less what the previous observed quarter says of them, (N, T).

    Parameters
    ----------
    values : (N, T) array
        Residuals, ones or time; what they are in a gap does not matter.
    inv_sd : (N, T) array
        1/sd of the residuals.
    gaps : Gaps
        Where figures are missing.
    share, left : (N, T) array
        Autocorrelation with the previous observed quarter, rho^lag (0 for the first), and
        sqrt(1 - share^2).
    """
    scaled = values * inv_sd * gaps.mask
    return (scaled - share * scaled.reshape((-1,))[gaps.previous]) / left * gaps.mask


def summarise(residual: Any, time: Any, inv_sd: Any, gaps: Gaps, *, rho: Any, xp: Any) -> Sums:
    """Sum up each workplace's quarters.

    Parameters
    ----------
    residual : (N, T) array
        Outcome less what predictors and calendar say.
    time : (T,) array
        Time.
    inv_sd : (N, T) array
        1/sd of the residuals.
    gaps : Gaps
        Where figures are missing.
    rho : scalar or None
        Autocorrelation of neighbouring quarters; None where they are independent.
    xp : module
        ``numpy`` or ``pytensor.tensor``.
    """
    log_det = -2 * (xp.log(inv_sd) * gaps.mask).sum(axis=1)
    if rho is None:
        weight = inv_sd**2 * gaps.mask
        weighted = weight * residual
        return Sums(
            (weighted * residual).sum(axis=1), weighted.sum(axis=1), weighted @ time,
            weight.sum(axis=1), weight @ time, weight @ time**2, log_det,
        )  # fmt: skip
    share = xp.where(gaps.lag > 0, rho ** xp.maximum(gaps.lag, 1), 0.0)
    left = xp.sqrt(1 - share**2)
    log_det = log_det + 2 * (xp.log(left) * gaps.mask).sum(axis=1)
    r = whitened(residual, inv_sd, gaps, share, left)
    a = whitened(xp.ones_like(residual), inv_sd, gaps, share, left)
    t = whitened(xp.ones_like(residual) * time, inv_sd, gaps, share, left)
    return Sums(
        (r * r).sum(axis=1), (r * a).sum(axis=1), (r * t).sum(axis=1),
        (a * a).sum(axis=1), (a * t).sum(axis=1), (t * t).sum(axis=1), log_det,
    )  # fmt: skip


def shifted(sums: Sums, level: Any, slope: Any) -> Sums:
    """Sums when level + slope x time is taken off the residuals; arrays that broadcast."""
    s = sums
    r1 = s.r1 - level * s.aa - slope * s.at
    rt = s.rt - level * s.at - slope * s.tt
    rr = s.rr - level * (s.r1 + r1) - slope * (s.rt + rt)
    return Sums(rr, r1, rt, s.aa, s.at, s.tt, s.log_det)


def information(sums: Sums, sd_workplace: Any, sd_trend: Any) -> tuple[Any, ...]:
    """What each workplace's figures say of a level and a slope that it shares with others.

    Returns
    -------
    tuple of (N,) arrays
        Entries 11, 12, 22 of B'V^-1 B, and B'V^-1 r, with V the covariance of the workplace's
        figures, own intercept and slope included. With S = B'B and h = B'r of whitened rows,
        V^-1 leaves S - S G S and h - S G h, where G = L K^-1 L as in `log_likelihood`.
    """
    w, v = sd_workplace, sd_trend
    s11, s12, s22 = sums.aa, sums.at, sums.tt
    k11, k12, k22 = 1 + w**2 * s11, w * v * s12, 1 + v**2 * s22
    det = k11 * k22 - k12**2
    g11, g12, g22 = w**2 * k22 / det, -w * v * k12 / det, v**2 * k11 / det
    left11, left12 = 1 - s11 * g11 - s12 * g12, -s11 * g12 - s12 * g22  # I - S G
    left21, left22 = -s12 * g11 - s22 * g12, 1 - s12 * g12 - s22 * g22
    return (
        left11 * s11 + left12 * s12, left11 * s12 + left12 * s22, left21 * s12 + left22 * s22,
        left11 * sums.r1 + left12 * sums.rt, left21 * sums.r1 + left22 * sums.rt,
    )  # fmt: skip


def log_likelihood(sums: Sums, sd_workplace: Any, sd_trend: Any, xp: Any) -> Any:
    """Log density of each workplace's figures, (N,), without the constant -m/2 ln 2 pi.

    With L = diag(sd_workplace, sd_trend), K = I + L B'B L and h = L B'r (whitened) it is
    -(ln |S R S| + ln |K| + r'r - h' K^-1 h)/2, which is regular at zero sds.
    """
    w, v = sd_workplace, sd_trend
    k11, k12, k22 = 1 + w**2 * sums.aa, w * v * sums.at, 1 + v**2 * sums.tt
    det = k11 * k22 - k12**2
    h1, h2 = w * sums.r1, v * sums.rt
    explained = (k22 * h1**2 - 2 * k12 * h1 * h2 + k11 * h2**2) / det
    return -0.5 * (sums.log_det + xp.log(det) + sums.rr - explained)
