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

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import norm

from bayes_sf.analysis.size.multiplicity import Slopes
from bayes_sf.analysis.size.power import Effects, design_errors
from bayes_sf.analysis.size.practical import Rope
from bayes_sf.errors import UsageError
from bayes_sf.inputs.printed.figure import Interval
from bayes_sf.recovery.reread.coefficients import CoefficientPosterior, posterior_of

__all__ = [
    "PRINTED_INTERCEPTS", "bayes_factor", "designs_of", "judge_all", "judge_printed", "slopes_of",
]  # fmt: skip

#: What programs call an intercept, which no region around zero and no power is about.
PRINTED_INTERCEPTS: Final = {"(intercept)", "intercept", "(constant)", "constant", "_cons", "cons"}


def judge_all(found: Iterable[CoefficientPosterior], rope: Rope) -> pd.DataFrame:
    """Compare every re-read coefficient but intercepts with one region, a unit of its predictor.

    Parameters
    ----------
    found : iterable of CoefficientPosterior
    rope : Rope
        In the outcomes' unit.

    Returns
    -------
    DataFrame
        A row for each: ``model, term, unit, rope_low, rope_high, mean, sd, level, lower, upper,
        p_inside, p_below, p_above, verdict``.

    Raises
    ------
    UsageError
        For a region in another unit than a model's.
    """
    return pd.DataFrame([
        {
            "model": one.model, "term": one.term, "unit": one.unit, "rope_low": rope.low,
            "rope_high": rope.high, "mean": one.mean, "sd": one.sd, "level": one.level,
            **judge_printed(one, rope),
        }
        for one in _slopes(found)
    ])  # fmt: skip


def designs_of(found: Iterable[CoefficientPosterior], effects: Effects) -> pd.DataFrame:
    """What each printed design could have seen of true coefficients: power, type S, type M.

    The test is two-sided at 5 % with a normal statistic: with few degrees of freedom it is
    generous.

    Parameters
    ----------
    found : iterable of CoefficientPosterior
    effects : Effects
        True coefficients about zero, in the outcomes' unit for a unit of the predictor.

    Returns
    -------
    DataFrame
        A row for each but intercepts: ``model, term, unit, printed, estimate, std_error, power,
        type_s, type_m, detectable``.
    """
    rows = []
    for one in _slopes(found):
        errors = design_errors(one.se, effects)
        rows.append({
            "model": one.model, "term": one.term, "unit": one.unit, "printed": one.printed,
            "estimate": one.estimate, "std_error": one.se, "power": errors.power,
            "type_s": errors.type_s, "type_m": errors.type_m, "detectable": errors.detectable,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _slopes(found: Iterable[CoefficientPosterior]) -> Iterator[CoefficientPosterior]:
    return (one for one in found if one.term.casefold() not in PRINTED_INTERCEPTS)


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
