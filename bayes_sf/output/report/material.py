"""What the report is written from: results of one data set, computed once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.checks.model_fit import ModelFit, check_fit
from bayes_sf.analysis.choices.multiverse import Explored
from bayes_sf.analysis.comparison import CoefficientRow, Reproduction, reproduce
from bayes_sf.analysis.contrast import exact_posterior
from bayes_sf.analysis.missing.imputation import MissingStudy
from bayes_sf.analysis.pooling import Pooling, compare_pooling
from bayes_sf.analysis.priors.prior_fan import default_fan, prior_fan
from bayes_sf.analysis.replay.consistency import RuleOutcome, replay
from bayes_sf.analysis.sensitivity import Sensitivity, sensitivity
from bayes_sf.analysis.size.associations import Association, associations
from bayes_sf.catalogue import language
from bayes_sf.disclosure.control import Control, Hidden, Rules
from bayes_sf.disclosure.protected_models import (
    keep_open,
    protect_pooling,
    protect_reproduction,
    withheld_of,
)
from bayes_sf.disclosure.protected_sensitivity import protect_fan, protect_sensitivity
from bayes_sf.engines.result import Result
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.report.alternatives import explore_choices, move_unobserved, treat_gaps
from bayes_sf.output.tables.described_sample import ProtectedTables, protect_tables
from bayes_sf.spec.analysis import load_analysis

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.recovery.study import PublishedStudy

__all__ = ["Material", "explorer_models", "gather"]


@dataclass(frozen=True, eq=False)
class Material:
    """Everything that sections are made of.

    Parameters
    ----------
    source : {"published", "replica", "microdata"}
        Which data.
    data : PublishedStudy or AnalysisSample
        The data themselves.
    found : Reproduction
        The report's models on these data.
    outcomes : tuple of RuleOutcome
        The replay of the report's printed numbers.
    fan : pandas.DataFrame
        `prior_fan` of every null and bivariate model.
    small : Sensitivity
        Rungs from least squares to posterior of every item with an interval that leaves out zero,
        and all slopes at once.
    poolings : tuple of Pooling
        Of the null models.
    rope : float or None
        Half-width of the region that the reader calls negligible, in percentage points.
    seed : int
    with_data : bool
        Whether sufficient statistics of microdata may be in the page.
    control : Control
        Disclosure control of these data.
    hidden : tuple of Hidden
        What it hid in `poolings` and in the sample's flow.
    tables : ProtectedTables or None
        Of the sample; the published study has none.
    effects, tipping : pandas.DataFrame
        As `shift_effects` and `tipping_points` give them, of every item with an interval that
        leaves out zero.
    explored : Explored or str or None
        A multiverse, or why it cannot be had; the published study has none.
    missing : MissingStudy or str or None
        What complete rows say, and a saved run of `impute` if there is one; or why they do not.
    unresolved : float
        What the nodes of the null models leave unresolved.
    fits : tuple of ModelFit
        How the null models fit their rows; none where there are no rows, or they are protected.
    """

    source: str
    data: "PublishedStudy | AnalysisSample"
    found: Reproduction
    outcomes: tuple[RuleOutcome, ...]
    fan: "pd.DataFrame"
    small: Sensitivity
    poolings: tuple[Pooling, ...]
    rope: float | None
    seed: int
    with_data: bool
    control: Control
    hidden: tuple[Hidden, ...]
    tables: ProtectedTables | None
    effects: "pd.DataFrame"
    tipping: "pd.DataFrame"
    explored: Explored | str | None
    missing: MissingStudy | str | None
    unresolved: float
    fits: tuple[ModelFit, ...] = ()

    @property
    def nulls(self) -> tuple[Result, ...]:
        """Null models, one for each outcome."""
        return tuple(self.found.results["null", "exact"].values())

    @property
    def bivariate(self) -> tuple[Result, ...]:
        """Models of one item."""
        return tuple(self.found.results["bivariate", "exact"].values())

    @property
    def associations(self) -> tuple[Association, ...]:
        """The widest contrast of every term of these, in the language that is spoken."""
        return associations(self.bivariate, rope=self.rope)

    def slopes(self, outcome: str) -> list[CoefficientRow]:
        """Published slopes of tables 46 and 47 with their re-analysis."""
        table = {"absence_mean": "46", "absence_change": "47"}[outcome]
        return [row for row in self.found.coefficients if row.table == table]


def gather(
    data: "PublishedStudy | AnalysisSample",
    *,
    rope: float | None = None,
    seed: int = 1,
    with_data: bool = False,
    rules: Rules | None = None,
    imputed: Path | None = None,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Material:
    """Compute what a report needs: exact fits, so that nothing has to be read from files.

    Parameters
    ----------
    data : PublishedStudy or AnalysisSample
        As `load_sample` gives it.
    rope, seed, with_data
        As in `Material`.
    rules : Rules, optional
        Of disclosure control: what the page shows has passed it.
    imputed : pathlib.Path, optional
        Folder of a run of `impute` on the same workplaces.
    progress : callable
        Wraps the list of jobs.

    Raises
    ------
    UsageError
        For a saved run that does not belong to the data.
    """
    control = Control.of(data, rules or Rules())
    found = reproduce(data, seed=seed, keep=control.keeps, progress=progress)
    results = [
        result
        for name in ("null", "bivariate")
        for result in found.results[name, "exact"].values()
    ]  # fmt: skip
    poolings = [
        protect_pooling(compare_pooling(spec, data), control)
        for spec in load_analysis("null").specs
    ]
    tables, tables_log = (
        protect_tables(data, control) if isinstance(data, AnalysisSample) else (None, ())
    )
    effects, tipping, moved_log = move_unobserved(_apart(results), data, control)
    explored, choice_log = explore_choices(data, control, progress)
    missing, missing_log = treat_gaps(data, control, imputed)
    return Material(
        source=results[0].provenance.source, data=data,
        found=protect_reproduction(found, control).shown, outcomes=replay(),
        fan=protect_fan(prior_fan(results, default_fan(), groups=False), results, control).shown,
        small=protect_sensitivity(_small(results, data, control, seed=seed), control).shown,
        poolings=tuple(pooling for pooling, _ in poolings), rope=rope, seed=seed,
        with_data=with_data, control=control, tables=tables, effects=effects, tipping=tipping,
        explored=explored, missing=missing,
        unresolved=max(
            max(part.grid.unresolved())
            for result in found.results["null", "exact"].values()
            for part in exact_posterior(result).parts
        ),
        fits=tuple(
            check_fit(result, seed=seed) for result in found.results["null", "exact"].values()
            if isinstance(data, AnalysisSample) and not control.active
        ),
        hidden=(
            *(line for _, log in poolings for line in log),
            *(line for line in tables_log if line.table == "flow"),
            *moved_log, *choice_log, *missing_log, *withheld_of(control),
        ),
    )  # fmt: skip


def _apart(results: Sequence[Result]) -> list[Result]:
    """Models with a slope whose interval leaves out zero."""
    return [
        result for result in results
        if any(
            row.term in result.moments.predictors and (row.lower > 0 or row.upper < 0)
            for row in result.coefficients
        )
    ]  # fmt: skip


def _small(
    results: Sequence[Result],
    data: "PublishedStudy | AnalysisSample",
    control: Control,
    *,
    seed: int,
) -> Sensitivity:
    """Ask further of what an interval sets apart from zero, and of all slopes at once."""
    apart = {result.spec.name for result in _apart(results)}
    parts = ["ladder", "multiplicity"] if apart else ["multiplicity"]
    analysis, _ = keep_open(load_analysis("bivariate"), control)
    return sensitivity(
        analysis, data, items=sorted(apart), parts=parts, seed=seed, lang=language(),
        keep=control.keeps,
    )  # fmt: skip


def explorer_models(material: Material) -> tuple[Result, ...]:
    """Models that the page may move the priors of: none of protected data.

    Their sufficient statistics are in the page, in full.
    """
    if material.source == "microdata" and not material.with_data:
        return ()
    return () if material.control.active else (*material.nulls, *material.bivariate)
