"""Weak effects, two questions more: what was not measured, and what was measured badly.

`confounding` says how strong something unmeasured would have to be to explain a slope away: the
robustness value, the share of what is left of both predictor and outcome that it would have to
explain (Cinelli & Hazlett 2020, J. R. Stat. Soc. B 82, 39-67, equations 18 and 19, as R's sensemakr
has it), and the E-value, the risk ratio that it would need with both (VanderWeele & Ding 2017, Ann.
Intern. Med. 167, 268-274; differences of means become ratios by 0.91 d, Chinn 2000). `attenuation`
says what a slope is if its predictor is measured with error: classical error of variance (1 - r)
Var(x) divides it by the reliability of what other predictors leave of x (Fuller 1987, section 1.1).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_sf.analysis.asked.grid import check_single
from bayes_sf.analysis.printed.size import PRINTED_INTERCEPTS
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError, closest
from bayes_sf.recovery.reread.model import RereadModel
from bayes_sf.spec.moments import INTERCEPT, Moments

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["attenuation", "confounding", "e_value", "robustness_value"]

#: Reliabilities that are tried: of a single item with few answers, and of a good scale.
RELIABILITIES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
#: A difference of d standard deviations as the log of a risk ratio.
_LOG_RATIO: Final = 0.91


def robustness_value(t: float, df: float, *, level: float | None = None) -> float:
    """Partial R2 with predictor and outcome that takes an estimate to zero.

    Parameters
    ----------
    t : float
        Estimate in standard errors.
    df : float
        Residual degrees of freedom.
    level : float, optional
        With 0.95, that takes the nearer limit of a 95 % interval to zero instead.

    Examples
    --------
    The example of the paper's section 5: 0.139 and 0.076.

    >>> t = 0.09731582 / 0.02325654
    >>> round(robustness_value(t, 783), 3), round(robustness_value(t, 783, level=0.95), 3)
    (0.139, 0.076)
    """
    from scipy.special import stdtrit

    if not (df > 1 and np.isfinite(t) and (level is None or 0 < level < 1)):
        got = {"t": t, "df": df, "level": level}
        raise UsageError(
            "robustness value", "needs a t and more than one degree of freedom", got=got
        )
    own = abs(t) / df**0.5
    critical = float(stdtrit(df - 1, 0.5 + 0.5 * level)) / (df - 1) ** 0.5 if level else 0.0
    left = own - critical
    if left <= 0:
        return 0.0
    if critical and own > 1 / critical:
        return float((own**2 - critical**2) / (1 + own**2))
    return float(0.5 * ((left**4 + 4 * left**2) ** 0.5 - left**2))


def e_value(difference: float) -> float:
    """Risk ratio with predictor and outcome that something unmeasured would need.

    Parameters
    ----------
    difference : float
        Standardised difference of means, in sds of the outcome.

    Examples
    --------
    A risk ratio of 3.9 needs 7.26 (VanderWeele & Ding 2017, table 1).

    >>> import math
    >>> round(e_value(math.log(3.9) / 0.91), 2), e_value(0.0)
    (7.26, 1.0)
    """
    ratio = float(np.exp(_LOG_RATIO * abs(difference)))
    return float(ratio + (ratio * (ratio - 1)) ** 0.5)


def confounding(result: Result | RereadModel, *, step: float = 1.0) -> "pd.DataFrame":
    """How strong an unmeasured confounder would have to be, for every slope.

    Of a posterior the mean and sd take the place of estimate and standard error: under weak priors
    they are nearly the same. Degrees of freedom are Satterthwaite's where the result has them,
    those that a print leaves (the fewest), and otherwise rows less groups and slopes.

    Parameters
    ----------
    result : Result or RereadModel
        Of a Gaussian model, or of printed coefficients.
    step : float
        Units of the predictors between which means are compared, for E-values.

    Returns
    -------
    pandas.DataFrame
        By term ``estimate, sd, df, partial_r2, robustness, robustness_limit, e_value,
        e_value_limit``: of the estimate, and of the limit of its interval that is nearer to zero (0
        and 1 where the interval holds zero). E-values of printed models are NaN, since the
        outcome's spread is not printed, and so is all that rests on degrees of freedom where a
        print does not tell them.

    Raises
    ------
    UsageError
        For other outcomes, completed sets, and a model without slopes.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> found = sf.confounding(sf.fit("y ~ x + (1 | g)", df, engine="reml"))
    >>> found.round(2)[["robustness", "robustness_limit"]].iloc[0].tolist()
    [0.94, 0.83]
    """
    import pandas as pd

    if not (np.isfinite(step) and step > 0):
        raise UsageError("step", "must be above 0", got=step)
    rows, spread, prob = _slopes(result)
    lines = []
    for term, estimate, sd, df in rows:
        t, known = estimate / sd, bool(np.isfinite(df))
        nearest = max(abs(estimate) - _reach(df, prob) * sd, 0.0)
        lines.append(
            {
                "term": term, "estimate": estimate, "sd": sd, "df": df,
                "partial_r2": t**2 / (t**2 + df) if known else np.nan,
                "robustness": robustness_value(t, df) if known else np.nan,
                "robustness_limit": robustness_value(t, df, level=prob) if known else np.nan,
                "e_value": e_value(step * estimate / spread) if spread else np.nan,
                "e_value_limit": e_value(step * nearest / spread) if spread else np.nan,
            }
        )  # fmt: skip
    if not lines:
        raise UsageError("confounding", "needs a model with slopes", got="none")
    return pd.DataFrame(lines).set_index("term")


def attenuation(
    result: Result, term: str, *, reliability: float | Iterable[float] = RELIABILITIES
) -> "pd.DataFrame":
    """What a slope is if its predictor is measured with error.

    Parameters
    ----------
    result : Result
        Of a random intercept, with sufficient statistics of its own.
    term : str
        A predictor that is a number.
    reliability : float or iterable of float
        Share of the predictor's variance that is not error, above 0 and at most 1; the error is
        independent of all else, and other predictors have none.

    Returns
    -------
    pandas.DataFrame
        By ``reliability`` the ``factor`` that the slope is multiplied by, and ``estimate, sd,
        lower, upper``.

    Raises
    ------
    UsageError
        For a term that is none, completed sets, and a reliability that other predictors exceed.

    Examples
    --------
    Of a single predictor the slope is divided by its reliability.

    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> found = sf.attenuation(sf.fit("y ~ x + (1 | g)", df), "x", reliability=[0.5, 1])
    >>> found["factor"].tolist()
    [2.0, 1.0]
    """
    import pandas as pd

    if not isinstance(result, Result) or isinstance(result, MixedResult | OutcomeResult):
        rule = "is of one random intercept and a Gaussian outcome"
        raise UsageError("attenuation", rule, got=type(result).__name__)
    check_single("attenuation", result)
    moments = result.moments
    if term not in moments.predictors or "[" in term:
        known = [name for name in moments.predictors if "[" not in name]
        fix = closest(str(term), known) or f"there are {', '.join(known) or 'none'}"
        raise UsageError("term", "must be a predictor that is a number", got=term, fix=fix)
    tried = [reliability] if isinstance(reliability, int | float) else list(reliability)
    shared = _shared(moments, term)
    row = next(one for one in result.coefficients if one.term == term)
    lines = []
    for value in tried:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
            raise UsageError("reliability", "must lie above 0 and be at most 1", got=value)
        left = (value - shared) / (1 - shared)
        if left <= 0:
            raise UsageError(
                "reliability", f"must exceed the {shared:.3f} that other predictors tell of {term}",
                got=value,
            )  # fmt: skip
        figures = {name: getattr(row, name) / left for name in ("estimate", "sd", "lower", "upper")}
        lines.append({"reliability": float(value), "factor": 1 / left, **figures})
    return pd.DataFrame(lines).set_index("reliability")


def _slopes(
    result: Result | RereadModel,
) -> tuple[list[tuple[str, float, float, float]], float, float]:
    """Term, estimate, sd and df of every slope; sd(y), 0 where it is unknown; probability."""
    if isinstance(result, RereadModel):
        own = [
            (one.term, one.estimate, one.se, one.df[0])
            for one in result.coefficients if one.term.lower() not in PRINTED_INTERCEPTS
        ]  # fmt: skip
        return own, 0.0, result.prob
    if not isinstance(result, Result) or isinstance(result, OutcomeResult):
        raise UsageError(
            "confounding",
            "is of Gaussian models and printed coefficients",
            got=type(result).__name__,
        )
    check_single("confounding", result)
    rows = [row for row in result.coefficients if row.term != INTERCEPT]
    if isinstance(result, MixedResult):
        spread = float(np.std(result.matrices.y, ddof=1))
        table = result.fixef()
        n = result.matrices.n_obs - sum(f.n_levels for f in result.matrices.factors) - len(rows)
        df = table["df"] if "df" in table else dict.fromkeys(table.index, float(n))
    else:
        moments = result.moments
        spread = float(moments.spread[-1])
        left = moments.n_obs - moments.n_groups - len(moments.predictors)
        df = dict.fromkeys(moments.predictors, float(left))
    return (
        [(row.term, row.estimate, row.sd, float(df[row.term])) for row in rows],
        spread,
        result.prob,
    )


def _reach(df: float, prob: float) -> float:
    """Standard errors from an estimate to a limit of its interval."""
    from scipy.special import ndtri, stdtrit

    half = 0.5 + 0.5 * prob
    return float(stdtrit(df, half)) if np.isfinite(df) else float(ndtri(half))


def _shared(moments: Moments, term: str) -> float:
    """R2 of a predictor on all others, over all rows."""
    columns: Sequence[str] = moments.predictors
    deviation = moments.means - moments.grand_mean
    total = moments.within + (deviation.T * moments.sizes) @ deviation
    at = columns.index(term)
    others = [i for i in range(len(columns)) if i != at]
    if not others:
        return 0.0
    inner = total[np.ix_(others, others)]
    across = total[others, at]
    return float(across @ np.linalg.lstsq(inner, across, rcond=None)[0] / total[at, at])
