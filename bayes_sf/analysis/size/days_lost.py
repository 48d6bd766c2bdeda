"""Lost working days a year that go with a contrast: an association, never an effect.

The outcome is lost in percent of contracted days. A contrast of c percentage points over industries
with E_j employees (full-time equivalents), each with d contracted days a year, goes with

    D = d/100 sum_j E_j c_j   days a year,

where c_j compares workplaces of industry j that differ by the contrast. Three answers differ in
what c_j is beside the contrast itself:

- ``expected``: c_j = c. Only the parameters are uncertain.
- ``workplaces``: all employees are at new workplaces of S employees each, compared with as many
  new workplaces at the other end of the contrast. Each side's residuals average over W_j = E_j/S
  workplaces, so c_j = c + N(0, 2 sigma^2/W_j).
- ``industries``: besides, every industry is a new one, compared with another new one:
  c_j = c + N(0, 2 sigma^2/W_j + 2 tau^2).

Given (sigma, tau) all are normal, so D is a mixture of normals like every linear quantity:

    Var(D | sigma, tau) = (d/100)^2 [E^2 Var(c | sigma, tau) + 2 sigma^2 S E + 2 tau^2 sum_j E_j^2].

The model counts workplaces, not employees: that the contrast is the same at large and small ones is
assumed. The residual is that of the outcome: for mean absence over 20 quarters it varies less than
that of one year would.

Sources
-------
The report (annex 1, line 2467 of its text) says that the six industries have "nearly 800 000"
employees; it prints no number for each. Contracted days of a full-time employee: Mondays to Fridays
that are no public holidays, which is what the register counts as contracted and lost alike (NAV,
"Om statistikken - sykefravær", 4.1): 252 a year on average 2016-2020. Holidays are not deducted:
someone who counts 230 days at work has to give absence in percent of those. Contracted days shrink
with part-time work, so employees are full-time equivalents; to put in persons, as the report's
800 000 are, overstates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.analysis.contrast import Contrast, contrast_posterior, exact_posterior
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bayes_sf.engines.gaussian.exact import ExactPosterior
    from bayes_sf.inputs.sample import AnalysisSample

__all__ = [
    "CONTRACTED_DAYS",
    "MEANING",
    "REPORT_EMPLOYEES",
    "VARIATIONS",
    "Workforce",
    "days_lost",
    "days_posterior",
    "sample_workforce",
]

#: Contracted days of a full-time employee and year; see the module's text.
CONTRACTED_DAYS = 252.0
#: Employees of the report's six industries, "nesten 800 000 personer".
REPORT_EMPLOYEES = 800_000.0
#: Printed with every number of this module.
MEANING = "association, not the effect of an intervention"
VARIATIONS = ("expected", "workplaces", "industries")
ALL = "all"


@dataclass(frozen=True)
class Workforce:
    """Who the days are counted for.

    Parameters
    ----------
    employees : mapping of str to float
        Full-time equivalents by industry. A total given as one industry is right for ``expected``
        and ``workplaces``; for ``industries`` it is one industry, whose chance nothing evens out.
    workplace_size : float, optional
        Employees of a workplace; needed for the variation of new workplaces. Where sizes S_i
        differ it is the size of the average employee's workplace, sum S_i^2/sum S_i: residuals
        of W workplaces weighted by their size vary as those of sum S_i/workplace_size equal ones.
    contracted_days : float
        Per full-time equivalent and year.

    Raises
    ------
    UsageError
        For numbers that are not positive.

    Examples
    --------
    >>> Workforce({"care": 100_000.0, "ict": 50_000.0}, workplace_size=40).total
    150000.0
    """

    employees: Mapping[str, float]
    workplace_size: float | None = None
    contracted_days: float = CONTRACTED_DAYS

    def __post_init__(self) -> None:
        """Refuse what is no workforce."""
        if not self.employees:
            raise UsageError("employees", "must be given for an industry at least", got="none")
        size = 1.0 if self.workplace_size is None else self.workplace_size
        named = {f"employees of {name}": number for name, number in self.employees.items()}
        rest = {"workplace_size": size, "contracted_days": self.contracted_days}
        for where, value in {**named, **rest}.items():
            if not (isfinite(value) and value > 0):
                raise UsageError(where, "must be a positive number", got=value)

    @property
    def total(self) -> float:
        """Employees in all industries."""
        return float(sum(self.employees.values()))

    def only(self, industry: str) -> "Workforce":
        """One industry's."""
        own = {industry: self.employees[industry]}
        return Workforce(own, self.workplace_size, self.contracted_days)


def sample_workforce(
    sample: "AnalysisSample", *, contracted_days: float = CONTRACTED_DAYS
) -> Workforce:
    """Return the workforce of a sample's own workplaces: those linked and of known size.

    Parameters
    ----------
    sample : AnalysisSample
        Microdata or replica; its `n_employees` are means over quarters. ``workplace_size`` is
        that of the average employee's workplace.
    contracted_days : float
        Per full-time equivalent and year.
    """
    known = sample.frame.dropna(subset=["n_employees"])
    size, totals = known["n_employees"], known.groupby("industry")["n_employees"].sum()
    return Workforce(
        {str(name): float(total) for name, total in totals.items()},
        float((size**2).sum() / size.sum()),
        contracted_days,
    )


def days_posterior(
    result: Result, contrast: Contrast, workforce: Workforce, variation: str = "expected"
) -> NormalMixture:
    """Posterior of lost days a year associated with a contrast.

    Parameters
    ----------
    result : Result
        Of engine ``exact``, with an outcome in percentage points of contracted days.
    contrast : Contrast
        How far the predictor moves.
    workforce : Workforce
        Who the days are counted for.
    variation : {"expected", "workplaces", "industries"}
        What varies beside the parameters; see the module's text.

    Returns
    -------
    NormalMixture
        One quantity, days a year.

    Raises
    ------
    UsageError
        For an outcome in another unit, an unknown variation, or one that needs a workplace size.
    """
    if result.spec.unit != "pp":
        rule = "must have an outcome in percentage points of contracted days"
        raise UsageError(f"model {result.spec.name}", rule, got=result.spec.unit)
    if variation not in VARIATIONS:
        raise UsageError("variation", f"must be one of {', '.join(VARIATIONS)}", got=variation)
    posterior = contrast_posterior(result, contrast)
    days = workforce.contracted_days / 100
    variance = (workforce.total * posterior.sds) ** 2
    if variation != "expected":
        if workforce.workplace_size is None:
            fix = "give Workforce(..., workplace_size=...)"
            raise UsageError(f"variation {variation}", "needs the size of a workplace", fix=fix)
        variance += 2 * _squares(result, "sd_resid") * workforce.workplace_size * workforce.total
    if variation == "industries":
        squares = sum(number**2 for number in workforce.employees.values())
        variance += 2 * _squares(result, "sd_group") * squares
    exist = posterior.exist
    spreads = {"workplaces": ("sd_resid",), "industries": ("sd_resid", "sd_group")}
    for name in spreads.get(variation, ()):  # their moments bound those of what varies with them
        exist = min(int(np.min(exist)), *(p.spread_moments(name) for p in _parts(result)))
    return NormalMixture(
        posterior.weight, days * workforce.total * posterior.means, days * np.sqrt(variance), exist
    )


def days_lost(
    result: Result,
    contrast: Contrast,
    workforce: Workforce,
    *,
    cost_per_day: float | None = None,
    prob: float = 0.95,
) -> "pd.DataFrame":
    """Lost days a year associated with a contrast, by industry and in all.

    Parameters
    ----------
    result, contrast, workforce
        As in `days_posterior`.
    cost_per_day : float, optional
        In any currency: cost columns are days times this, NaN without.
    prob : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        One row per variation and industry, ``all`` last (without a workplace size: ``expected``
        only): `outcome, model, term, label, variation, industry, employees, contracted_days`;
        `mean, sd, lower, upper` in days a year (negative: fewer days lost); `prob`;
        `p_more`, P(more days lost); `cost, cost_lower, cost_upper`; `meaning`, which is to be
        printed with every number; `source`.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.engines.fit import fit
    >>> from bayes_sf.spec.model import ModelSpec
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> result = fit(ModelSpec("y", predictors=("x",), group="g", unit="pp"), df)
    >>> table = days_lost(result, Contrast("x", 1.0, "one step"), Workforce({"a": 1000.0}))
    >>> table[["variation", "industry", "meaning"]].iloc[-1].tolist()
    ['expected', 'all', 'association, not the effect of an intervention']
    """
    import pandas as pd

    if not 0 < prob < 1:
        raise UsageError("prob", "must lie between 0 and 1", got=prob)
    if cost_per_day is not None and not (isfinite(cost_per_day) and cost_per_day > 0):
        raise UsageError("cost_per_day", "must be a positive number", got=cost_per_day)
    tails = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob]
    parts = {name: workforce.only(name) for name in workforce.employees} | {ALL: workforce}
    cost = float("nan") if cost_per_day is None else float(cost_per_day)
    rows = []
    for variation in VARIATIONS if workforce.workplace_size else VARIATIONS[:1]:
        for industry, own in parts.items():
            days = days_posterior(result, contrast, own, variation)
            mean, (lower, upper) = float(days.mean()[0]), map(float, days.quantile(tails)[0])
            rows.append(
                {
                    "outcome": result.spec.outcome, "model": result.spec.name,
                    "term": contrast.term, "label": contrast.label, "variation": variation,
                    "industry": industry, "employees": own.total,
                    "contracted_days": own.contracted_days, "mean": mean,
                    "sd": float(days.sd()[0]), "lower": lower, "upper": upper, "prob": prob,
                    "p_more": float(1 - days.cdf(0.0)[0]), "cost": cost * mean,
                    "cost_lower": cost * lower, "cost_upper": cost * upper, "meaning": MEANING,
                    "source": result.provenance.source,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _parts(result: Result) -> tuple["ExactPosterior", ...]:
    """Parts of an exact posterior."""
    return exact_posterior(result).parts


def _squares(result: Result, name: str) -> "NDArray[np.float64]":
    """Squares of a standard deviation at every component of the mixtures, (G,)."""
    return np.concatenate([part.spread_values(name).ravel() for part in _parts(result)]) ** 2
