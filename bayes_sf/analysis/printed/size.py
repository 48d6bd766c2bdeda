"""Is a re-read coefficient large enough to matter: region, Bayes factor, and many of them at once.

A printed coefficient has no rows, so a stated contrast is a multiple of its predictor's unit. The
Bayes factor of no association against normal(0, v) is a ratio of two averages over the t that the
print leaves, sum w_i N(b | 0, s_i^2)/sum w_i N(b | 0, s_i^2 + v).

Examples
--------
>>> from bayes_sf.recovery.reread.coefficients import posterior_of
>>> bool(bayes_factor((1.0, 1.0), (0.5, 0.5), df=20.0, prior_sd=2.0) < 1.5)
True
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from bayes_sf.analysis.size.multiplicity import Slopes
from bayes_sf.analysis.size.practical import Rope
from bayes_sf.errors import UsageError
from bayes_sf.inputs.printed.figure import Interval
from bayes_sf.recovery.reread.coefficients import CoefficientPosterior, posterior_of

__all__ = ["bayes_factor", "judge_printed", "slopes_of"]


def judge_printed(
    found: CoefficientPosterior, rope: Rope, *, size: float = 1.0
) -> dict[str, float | str]:
    """Compare a re-read coefficient with a region of practical equivalence.

    Parameters
    ----------
    found : CoefficientPosterior
    rope : Rope
        In the outcome's unit.
    size : float
        Contrast, in the predictor's unit.

    Returns
    -------
    dict
        ``lower, upper, p_inside, p_below, p_above, verdict``.

    Raises
    ------
    UsageError
        For a region in another unit than the model's, or one that is not stated.
    """
    if not found.unit or rope.unit != found.unit:
        raise UsageError("rope", f"must be in the outcome's unit, {found.unit!r}", got=rope.unit,
                         fix="say unit in study.toml")  # fmt: skip
    if size == 0:
        raise UsageError("size", "must not be zero", got=size)
    ends = sorted((rope.low / size, rope.high / size))
    low, high = (float(found.posterior.cdf(end)[0]) for end in ends)
    below, above = (low, 1 - high) if size > 0 else (1 - high, low)
    lower, upper = sorted((size * found.lower, size * found.upper))
    return {
        "lower": lower, "upper": upper, "p_inside": high - low, "p_below": below,
        "p_above": above, "verdict": rope.judge(lower, upper),
    }  # fmt: skip


def bayes_factor(estimate: Interval, se: Interval, *, df: float, prior_sd: float) -> float:
    """BF01 of a coefficient: none, against a normal prior around none.

    Parameters
    ----------
    estimate, se : (low, high)
        What rounding allows.
    df : float
        Degrees of freedom of the se; infinite for a normal.
    prior_sd : float
        Of the prior, in the coefficient's unit.

    Raises
    ------
    UsageError
        For a prior that is not positive.
    """
    if not 0 < prior_sd < np.inf:
        raise UsageError("prior_sd", "must be positive", got=prior_sd)
    flat = posterior_of(estimate, se, df=df)
    b, s = flat.means[0], flat.sds[0]
    none = flat.weight @ norm.pdf(b, 0, s)
    return float(none / (flat.weight @ norm.pdf(b, 0, np.hypot(s, prior_sd))))


def slopes_of(found: Sequence[CoefficientPosterior], *, correlation: float = 0.0) -> Slopes:
    """Re-read coefficients of many models of one outcome, for `pool_slopes`.

    Parameters
    ----------
    found : sequence of CoefficientPosterior
        In one unit, and of predictors in comparable units.
    correlation : float
        Common correlation of their errors, which no report prints.

    Raises
    ------
    UsageError
        For several units, a term twice in one model, or an impossible correlation.
    """
    units = {one.unit for one in found}
    if len(units) != 1:
        raise UsageError("slopes", "must be in one unit", got=sorted(units))
    if not -1 / max(len(found) - 1, 1) < correlation < 1:
        raise UsageError("correlation", "must be that of some errors", got=correlation)
    names = tuple(f"{one.model}: {one.term}" for one in found)
    se = np.array([one.se for one in found])
    related = np.full((len(se), len(se)), correlation)
    np.fill_diagonal(related, 1.0)
    estimate = np.array([one.estimate for one in found])
    return Slopes(names, estimate, related * np.outer(se, se), units.pop())
