"""Rows of the tidy estimates table, the same columns for every engine."""

import math
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.ols_reml import GaussianFit
from bayes_sf.engines.gaussian.posterior import SPREADS, Posterior
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COLUMNS", "Estimate", "as_table", "as_text", "frequentist_rows", "mixture_rows",
    "posterior_rows",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estimate:
    """One estimated quantity.

    Parameters
    ----------
    term : str
        ``(Intercept)``, a predictor, ``sd_group``, ``sd_resid`` or ``icc``.
    group : str
        Level of the grouping factor for a group effect, else "".
    estimate : float
        Posterior mean, or the frequentist estimate.
    sd : float
        Posterior standard deviation, or standard error; NaN where there is none.
    lower, upper : float
        Limits of the interval; NaN where there is none.
    t : float
        Estimate over standard error (frequentist); NaN where there is none, and of a posterior.
    p_direction : float
        Probability of direction: P(quantity has the sign of its median). NaN for quantities that
        cannot be negative, and of a frequentist estimate.
    """

    term: str
    group: str
    estimate: float
    sd: float
    lower: float
    upper: float
    t: float = float("nan")
    p_direction: float = float("nan")


#: Columns of every `estimates` table.
COLUMNS = (
    "outcome", "model", "term", "group", "estimate", "point", "sd", "lower", "upper", "prob",
    "interval", "t", "p_direction", "n", "n_groups", "unit", "engine",
)  # fmt: skip


def as_table(records: Iterable[tuple[Any, ...]]) -> "pd.DataFrame":
    """Lines of an `estimates` table as a data frame.

    Parameters
    ----------
    records : iterable of tuple
        In the order of `COLUMNS`.
    """
    import pandas as pd

    return pd.DataFrame(list(records), columns=list(COLUMNS))


#: Columns in the unit of a row's sd, which has so many digits where they are printed.
_MEASURED, _DIGITS = ("estimate", "sd", "lower", "upper"), 3


def as_text(table: "pd.DataFrame", *, index: bool = True) -> str:
    """Print a table of estimates: decimals as each row's sd has them, and no powers of ten.

    Parameters
    ----------
    table : pandas.DataFrame
        Other columns than ``estimate, sd, lower, upper`` have five digits.
    index : bool
        Whether rows are named.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"estimate": [523441.23, 1000000.123], "sd": [48211.9, 0.0101], "t": [10.857, 1e8]}
    >>> print(as_text(pd.DataFrame(rows, index=["ward", "x"])))
              estimate      sd          t
    ward        523441   48212     10.857
    x     1000000.1230  0.0101  100000000
    """
    import pandas as pd

    rows = [_printed(row) for row in table.to_dict("records")]
    return pd.DataFrame(rows, index=table.index, columns=table.columns).to_string(index=index)


def _printed(row: "dict[Hashable, Any]") -> "dict[Hashable, Any]":
    """One row's numbers as text."""
    sd, decimals = row.get("sd", math.nan), None
    if math.isfinite(sd) and sd > 0:
        decimals = max(0, _DIGITS - 1 - math.floor(math.log10(sd)))
    return {
        name: _figure(value, decimals if name in _MEASURED else None)
        if isinstance(value, float) else value
        for name, value in row.items()
    }  # fmt: skip


def _figure(value: float, decimals: int | None) -> str:
    """A number with so many decimals, or with five digits."""
    if decimals is not None or (np.isfinite(value) and abs(value) >= _LARGE):
        return f"{value:.{decimals or 0}f}".replace("nan", "NaN")
    return f"{value:.5g}".replace("nan", "NaN")


#: Of such a number five digits would be a power of ten.
_LARGE: Final = 1e5


def frequentist_rows(fit: GaussianFit, prob: float) -> Iterator[Estimate]:
    """Estimates with Wald intervals, as lme4 prints them; no interval for standard deviations.

    Parameters
    ----------
    fit : GaussianFit
        REML or OLS.
    prob : float
        Coverage of the intervals.
    """
    from scipy.special import ndtri

    reach = float(ndtri(0.5 + 0.5 * prob))
    for term, b, s in zip(fit.moments.terms, fit.coef, fit.std_error, strict=True):
        yield Estimate(term, "", b, s, b - reach * s, b + reach * s, t=b / s)
    nan = float("nan")
    for term in SPREADS:
        yield Estimate(term, "", getattr(fit, term), nan, nan, nan)
    for name, u, s in zip(fit.moments.groups, fit.ranef, fit.ranef_sd, strict=True):
        t = u / s if s > 0 else nan
        yield Estimate(INTERCEPT, name, u, s, u - reach * s, u + reach * s, t=t)


def posterior_rows(posterior: Posterior, prob: float, *, groups: bool = True) -> Iterator[Estimate]:
    """Posterior means, sds and equal-tailed intervals.

    Parameters
    ----------
    posterior : Posterior
        Of one model.
    prob : float
        Probability of the intervals.
    groups : bool
        Whether effects of groups are asked for, last of all: with many they are what takes time.
    """
    tails = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob]
    terms = [(term, "") for term in posterior.parts[0].moments.terms]
    yield from mixture_rows(terms, posterior.coef, tails)
    for name in SPREADS:
        low, high = (float(limit) for limit in posterior.quantile(name, tails))
        yield Estimate(name, "", posterior.mean(name), posterior.sd(name), low, high)
    if groups:
        effects = [(INTERCEPT, group) for group in posterior.groups]
        yield from mixture_rows(effects, posterior.ranef, tails)


def mixture_rows(
    names: list[tuple[str, str]], mixture: NormalMixture, tails: list[float]
) -> Iterator[Estimate]:
    """Yield the rows of a mixture's quantities.

    Parameters
    ----------
    names : list of (str, str)
        Term and group of each.
    mixture : NormalMixture
        Their posterior.
    tails : list of float
        Probabilities of the interval's limits.
    """
    limits = mixture.quantile(tails)
    negative = mixture.cdf(0.0)
    direction = np.maximum(negative, 1 - negative)
    parts = zip(
        names, mixture.mean(), mixture.sd(), limits[:, 0], limits[:, 1], direction, strict=True
    )
    for (term, group), mean, sd, low, high, sign in parts:
        yield Estimate(
            term, group, float(mean), float(sd), float(low), float(high), p_direction=float(sign)
        )
