"""The report's multilevel results, line by line beside their reconstruction and their posterior.

Two tables: the ICC of both outcomes, and the 148 published coefficients. Everything is in
percentage points except t values and the ICC; printed strings are kept as printed.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.analysis.summary_posterior import (
    SummaryPosterior,
    degrees_of_freedom,
    summary_posterior,
)
from bayes_sf.engines.fit import ENGINES, fit
from bayes_sf.engines.result import Result
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import DECIMALS, published_table, rounding_interval, scalar
from bayes_sf.recovery.region import NORMAL_QUANTILE, Interval, coefficient_region
from bayes_sf.recovery.study import PublishedStudy
from bayes_sf.spec.analysis import Analysis, load_analysis
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ANALYSES", "CoefficientRow", "IccRow", "Reproduction", "main_specs", "prior_text",
    "reproduce",
]  # fmt: skip

#: The analysis files that answer the report's multilevel tables.
ANALYSES = ("null", "bivariate", "q13", "q13_controls", "q17", "q17_controls")


def main_specs() -> list[ModelSpec]:
    """Models that a study is about: the report's, or all that a folder states.

    Formulas that only `fit` carries out are none: no control lets them leave.
    """
    own = load_codebook().analyses
    names = ANALYSES if own is None else tuple(own)
    return [spec for name in names for spec in load_analysis(name).specs if not spec.formula]


_FIGURES = ("estimate", "se", "t", "ci_low", "ci_high")
_OUTCOME = {"mean": "absence_mean", "change": "absence_change"}


@dataclass(frozen=True, slots=True)
class IccRow:
    """ICC of one outcome: as published, by REML, and its posterior.

    Parameters
    ----------
    outcome : str
        ``absence_mean`` or ``absence_change``.
    case : str
        ``all`` that the tables allow; for a boundary estimate also ``lowest`` and ``highest``:
        the ends of what is possible for the variation between industries.
    published : float
        As printed ("close to zero" is 0).
    reml : float
        From the moments.
    mean, median, lower, upper : float
        Posterior.
    prob : float
        Probability of the equal-tailed interval.
    prior : str
        Priors, in pp.
    prior_median, prior_lower, prior_upper : float
        The ICC under the prior alone.
    n, n_groups : int
        Workplaces and industries.
    """

    outcome: str
    case: str
    published: float
    reml: float
    mean: float
    median: float
    lower: float
    upper: float
    prob: float
    prior: str
    prior_median: float
    prior_lower: float
    prior_upper: float
    n: int
    n_groups: int


@dataclass(frozen=True, slots=True)
class CoefficientRow:
    """One published coefficient.

    Parameters
    ----------
    table, outcome, model, question, term, unit : str
        Where it is printed; `unit` is that of the printed figures.
    estimate, se, t, ci_low, ci_high : str
        As printed.
    reml_estimate, reml_se, reml_t, reml_ci_low, reml_ci_high : float
        Reconstructed, pp.
    returned : int
        How many of the five printed figures the reconstruction returns at their rounding.
    mean, sd, lower, upper : float
        Posterior, pp.
    prob : float
        Probability of the interval.
    p_direction : float
        Posterior probability of the sign of the median.
    df : float
        Degrees of freedom of a posterior that rests on estimate and SE, a Student t; else NaN.
    df_most, sd_most, lower_most, upper_most, p_direction_most : float
        The same with the most degrees of freedom that are possible, where they are not known: of
        intercepts. `df` and what goes with it are then the fewest.
    n : int or None
        Workplaces of the reconstruction, or those that the report prints where there is none; None
        where it does not.
    basis : str
        ``moments``: recovered sufficient statistics; ``estimate and SE``: only those are published
        (flat priors); ``data``: fitted to microdata or replica.
    """

    table: str
    outcome: str
    model: str
    question: str
    term: str
    unit: str
    estimate: str
    se: str
    t: str
    ci_low: str
    ci_high: str
    reml_estimate: float
    reml_se: float
    reml_t: float
    reml_ci_low: float
    reml_ci_high: float
    returned: int
    mean: float
    sd: float
    lower: float
    upper: float
    prob: float
    p_direction: float
    n: int | None
    basis: str
    df: float = math.nan
    df_most: float = math.nan
    sd_most: float = math.nan
    lower_most: float = math.nan
    upper_most: float = math.nan
    p_direction_most: float = math.nan


@dataclass(frozen=True, eq=False)
class Reproduction:
    """Everything that `reproduce` found.

    Parameters
    ----------
    icc : tuple of IccRow
    coefficients : tuple of CoefficientRow
    results : mapping
        (analysis, engine) -> {(model, outcome): Result}.
    """

    icc: tuple[IccRow, ...]
    coefficients: tuple[CoefficientRow, ...]
    results: Mapping[tuple[str, str], Mapping[tuple[str, str], Result]]

    @property
    def returned(self) -> tuple[int, int]:
        """Printed figures that REML returns, and how many there are, where it was reconstructed."""
        rows = [row for row in self.coefficients if row.basis != "estimate and SE"]
        return sum(row.returned for row in rows), len(_FIGURES) * len(rows)

    def frame(self, name: str) -> "pd.DataFrame":
        """``icc`` or ``coefficients`` as a data frame."""
        from dataclasses import asdict

        import pandas as pd

        return pd.DataFrame([asdict(row) for row in getattr(self, name)])


def reproduce(
    data: Any,
    *,
    engine: str = "exact",
    prob: float = 0.95,
    seed: int = 1,
    keep: Callable[[ModelSpec], bool] | None = None,
    progress: Any = iter,
) -> Reproduction:
    """Re-do every multilevel analysis of the report on given data.

    OLS, which the report mentions beside its multilevel models, is fitted to microdata only: it is
    no help in reading the published tables.

    Parameters
    ----------
    data : PublishedStudy or AnalysisSample
        The real study as recovered from its tables, or microdata or the replica.
    engine : {"exact", "nuts"}
        Engine of the posteriors; REML is always fitted beside it.
    prob : float
        Probability of the intervals.
    seed : int
        Seed.
    keep : callable
        Which models may be fitted; by default all.
    progress : callable
        Wraps the list of (analysis, engine) pairs.
    """
    engines = ("reml", engine) if isinstance(data, PublishedStudy) else ("ols", "reml", engine)
    asked = [
        replace(analysis, specs=tuple(filter(keep, analysis.specs)))
        for analysis in map(load_analysis, ANALYSES)
    ]
    jobs = [(analysis, kind) for analysis in asked for kind in engines if analysis.specs]
    results: dict[tuple[str, str], Mapping[tuple[str, str], Result]] = {}
    for analysis, kind in progress(jobs):
        if _fits(analysis, data):
            results[analysis.name, kind] = fit(analysis, data, engine=kind, prob=prob, seed=seed)
    icc = tuple(_icc_rows(results, data, engine))
    rows = _coefficient_rows(results, engine, prob, summary=isinstance(data, PublishedStudy))
    return Reproduction(icc, tuple(rows), results)


def _fits(analysis: Analysis, data: Any) -> bool:
    """Whether an analysis can be answered: the published tables give no model with controls."""
    controls = any(len(spec.predictors) > 1 for spec in analysis.specs)
    return not (isinstance(data, PublishedStudy) and controls)


def _icc_rows(
    results: Mapping[tuple[str, str], Mapping[tuple[str, str], Result]], data: Any, engine: str
) -> Iterator[IccRow]:
    """Both outcomes; a recovered boundary estimate at both its ends too."""
    for key, result in results["null", engine].items():
        reml = results["null", "reml"][key]
        yield _icc_row("all", reml, result)
        if isinstance(data, PublishedStudy) and reml.icc()["estimate"] == 0:
            for case, moments in data.ends(result.spec.outcome).items():
                fitted = ENGINES["exact"](moments, result.spec.priors, 0)
                end = Result(result.spec, "exact", fitted, result.prob, result.provenance)
                yield _icc_row(case, reml, end)


def _icc_row(case: str, reml: Result, result: Result) -> IccRow:
    """One line of the ICC table."""
    value = result.icc()
    priors = result.priors
    assert priors is not None
    name = {"absence_mean": "icc_mean", "absence_change": "icc_change"}[result.spec.outcome]
    return IccRow(
        outcome=result.spec.outcome, case=case, published=scalar(name),
        reml=reml.icc()["estimate"],
        mean=value["mean"], median=value["median"],
        lower=float(value["lower"]), upper=float(value["upper"]),
        prob=result.prob,
        prior=prior_text(priors),
        prior_median=value["prior_median"], prior_lower=value["prior_lower"],
        prior_upper=value["prior_upper"],
        n=result.moments.n_obs, n_groups=result.moments.n_groups,
    )  # fmt: skip


def prior_text(priors: Priors) -> str:
    """What a line of the ICC table says of its priors.

    Parameters
    ----------
    priors : Priors
        In the outcome's unit, or as they are stated.
    """
    return f"sd_group {priors.sd_group}, sd_resid {priors.sd_resid}, intercept {priors.intercept}"


def _coefficient_rows(
    results: Mapping[tuple[str, str], Mapping[tuple[str, str], Result]],
    engine: str,
    prob: float,
    *,
    summary: bool,
) -> Iterator[CoefficientRow]:
    """Every published coefficient, in the order of the transcription.

    Those of models that are not fitted rest on the published estimate and SE where `summary`, since
    that is the study itself; other data have nothing to say of them.
    """
    import pandas as pd

    book = load_codebook()
    by_table = {
        kind: {
            (result.spec.table, result.spec.name): result
            for (_, used), found in results.items()
            if used == kind
            for result in found.values()
        }
        for kind in ("reml", engine)
    }
    published = published_table("coefficients")
    for _, row in published.iterrows():
        printed: dict[str, Any] = {name: str(row[name]) for name in _FIGURES}
        unit = 100.0 if row["unit"] == "fraction" else 1.0
        allowed = {
            name: _scaled(rounding_interval(printed[name], decimals=DECIMALS[str(row["table"])]),
                          1.0 if name == "t" else unit)
            for name in _FIGURES
        }  # fmt: skip
        key = (str(row["table"]), str(row["question"]))
        reml, result = by_table["reml"].get(key), by_table[engine].get(key)
        if (reml is None or result is None) and not summary:
            continue
        ends: dict[str, Any] = {}
        if reml is None or result is None:
            n = None if pd.isna(row["n"]) or row["n"] == "" else int(row["n"])
            same = (published["table"] == row["table"]) & (published["question"] == row["question"])
            dfs = degrees_of_freedom(
                math.inf if n is None else n, len(book.industries), int(same.sum()) - 1,
                intercept=book.term(str(row["term"])) == INTERCEPT,
            )  # fmt: skip
            rebuilt, few, most = _from_summary(allowed, dfs, prob)
            posterior: tuple[float, ...] = (
                few.mean, few.sd, few.lower, few.upper, few.p_direction,
            )  # fmt: skip
            ends = {"df": few.df}
            if most.df != few.df:
                ends |= {
                    f"{name}_most": getattr(most, name)
                    for name in ("df", "sd", "lower", "upper", "p_direction")
                }
            basis = "estimate and SE"
        else:
            term = book.term(str(row["term"]))
            rebuilt, posterior = _from_fits(reml, result, term)
            n = result.moments.n_obs
            basis = "moments" if result.provenance.source == "published" else "data"
        low, high = (np.array([allowed[f][side] for f in _FIGURES]) for side in (0, 1))
        slack = 1e-9 * (high - low)
        inside = (rebuilt >= low - slack) & (rebuilt <= high + slack)
        b, s, t, ci_low, ci_high = (float(v) for v in rebuilt)
        mean, sd, lower, upper, direction = posterior
        yield CoefficientRow(
            table=key[0], outcome=_OUTCOME[str(row["outcome"])], model=str(row["model"]),
            question=key[1], term=str(row["term"]), unit=str(row["unit"]), **printed,
            reml_estimate=b, reml_se=s, reml_t=t, reml_ci_low=ci_low, reml_ci_high=ci_high,
            returned=int(inside.sum()), mean=mean, sd=sd, lower=lower, upper=upper, prob=prob,
            p_direction=direction, n=n, basis=basis, **ends,
        )  # fmt: skip


def _from_fits(reml: Result, result: Result, term: str) -> tuple[Any, tuple[float, ...]]:
    """The five figures by REML, and mean, sd, limits and direction of the posterior."""
    ours = next(r for r in reml.coefficients if r.term == term)
    b, s = ours.estimate, ours.sd
    rebuilt = np.array([b, s, b / s, b - NORMAL_QUANTILE * s, b + NORMAL_QUANTILE * s])
    row = next(r for r in result.coefficients if r.term == term)
    return rebuilt, (row.estimate, row.sd, row.lower, row.upper, row.p_direction)


def _from_summary(
    allowed: Mapping[str, Interval], dfs: tuple[float, float], prob: float
) -> tuple[Any, SummaryPosterior, SummaryPosterior]:
    """The five figures, and the posteriors with the fewest and the most degrees of freedom."""
    region = coefficient_region(
        allowed["estimate"], allowed["se"], t=allowed["t"],
        ci_low=allowed["ci_low"], ci_high=allowed["ci_high"],
    )  # fmt: skip
    b, s = region.vertices.mean(axis=0)
    rebuilt = np.array([b, s, b / s, b - NORMAL_QUANTILE * s, b + NORMAL_QUANTILE * s])
    few, most = (summary_posterior(region, df, prob) for df in dfs)
    return rebuilt, few, most


def _scaled(interval: Interval, unit: float) -> Interval:
    """An interval in another unit."""
    return interval[0] * unit, interval[1] * unit
