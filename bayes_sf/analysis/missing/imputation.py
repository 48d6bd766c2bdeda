"""One model under every treatment of what is missing, side by side.

``complete-case`` is the random-intercept model of the workplaces that have everything, as in the
report; ``known-precision`` the same with means of few quarters counting for less, and no least
number of quarters; ``rubin`` REML on completed data sets, pooled; ``joint`` the panel model, in
which gaps are missing at random; ``delta`` the same with imputed quarters moved by delta
percentage points.

The estimands are not quite the same. The first is about the mean of the quarters that happen to be
observed; the others are about the mean over all quarters of the panel, in which less of a quarter's
noise is left. The joint model's change is that of its line over time, to which every quarter
contributes; that of completed sets and under delta is 2019Q4 less 2016Q4, with the noise of both.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.analysis.missing.completed import CompletedSets, completed_sets
from bayes_sf.analysis.missing.mnar import EFFECTS, delta_effects, shifted_cells
from bayes_sf.analysis.missing.surveyed import who_is_missing, won_back
from bayes_sf.analysis.missing.tipping import TIPPING, tipping_points
from bayes_sf.engines.fit import fit
from bayes_sf.engines.panel.draws import Completed, complete
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.panel import build_panel
from bayes_sf.inputs.register.quarters import quarter_range
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.engines.gaussian.estimates import Estimate
    from bayes_sf.engines.panel.fitted import PanelFit

__all__ = [
    "METHODS", "QUANTITIES", "MethodRow", "MissingStudy", "compare_methods", "study_complete",
    "study_missing",
]  # fmt: skip

#: In order of reading.
METHODS: Final = ("complete-case", "known-precision", "rubin", "joint", "delta")
#: What the outcomes are called among the panel's quantities.
QUANTITIES: Final = {"absence_mean": "mean", "absence_change": "change"}
#: Draws of everything missing, for effects under delta and for pictures.
_DRAWS: Final = 200
_NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One slope, or the ICC, under one treatment of what is missing.

    Parameters
    ----------
    outcome, model, term : str
    method : str
        One of `METHODS`.
    delta : float
        Percentage points by which imputed quarters are moved; NaN where none is.
    pattern : str
        Which imputed quarters are, or "".
    estimate, sd, lower, upper : float
        Posterior mean, sd and limits; estimate, standard error and t limits for ``rubin``, whose
        ICC has no interval.
    prob : float
    interval : str
        ``credible-eti`` or ``confidence-t``.
    p_direction : float
        Posterior probability of the sign of the median; NaN for ``rubin`` and the ICC.
    n, n_groups : int
        Workplaces and industries.
    unit, engine, source : str
    """

    outcome: str
    model: str
    term: str
    method: str
    delta: float
    pattern: str
    estimate: float
    sd: float
    lower: float
    upper: float
    prob: float
    interval: str
    p_direction: float
    n: int
    n_groups: int
    unit: str
    engine: str
    source: str


@dataclass(frozen=True, eq=False)
class MissingStudy:
    """What is missing from a sample, and what every treatment of it gives.

    Parameters
    ----------
    results : tuple of Result
        Of the joint model, one for each outcome; none where it was not sampled.
    complete_case : tuple of Result
        Of the models of complete rows.
    rows : tuple of MethodRow
        All treatments.
    missing, won : pandas.DataFrame
        As `who_is_missing` and `won_back` give them.
    effects : pandas.DataFrame
        As `delta_effects` gives them, of all slopes and of the ICC.
    tipping : pandas.DataFrame
        ``quantity, term, verdict_at_zero, sign, verdict``.
    done : Completed
        Draws of everything missing.
    sets : CompletedSets
        Completed data sets: the first of those draws.
    """

    results: tuple[Result, ...]
    complete_case: tuple[Result, ...]
    rows: tuple[MethodRow, ...]
    missing: "pd.DataFrame" = field(repr=False)
    won: "pd.DataFrame" = field(repr=False)
    effects: "pd.DataFrame" = field(repr=False)
    tipping: "pd.DataFrame" = field(repr=False)
    done: Completed = field(repr=False)
    sets: CompletedSets = field(repr=False)

    @property
    def panel_fit(self) -> "PanelFit":
        """The sampled panel model."""
        return self.results[0].fitted.panel_fit  # type: ignore[no-any-return]

    @property
    def source(self) -> str:
        """Whose workplaces."""
        return self.complete_case[0].provenance.source

    @property
    def converged(self) -> bool:
        """Whether to believe the joint model."""
        return all(result.converged for result in self.results)


def study_missing(
    specs: Sequence[ModelSpec],
    sample: AnalysisSample,
    *,
    deltas: Sequence[float] = (-2.0, -1.0, 0.0, 1.0, 2.0),
    pattern: str = "quarters",
    n_sets: int = 20,
    seed: int = 1,
    prob: float = 0.95,
    begin: Callable[[str], object] = str,
) -> MissingStudy:
    """Fit a model under every treatment of what is missing.

    Parameters
    ----------
    specs : sequence of ModelSpec
        The same predictors for one or both of ``absence_mean`` and ``absence_change``.
    sample : AnalysisSample
        The workplaces.
    deltas : sequence of float
        Percentage points by which imputed quarters are moved; 0 is always among them.
    pattern : str
        Which of them are: see `bayes_sf.analysis.missing.mnar.PATTERNS`. With ``unlinked`` the
        joint model has the workplaces that are not in the register, too.
    n_sets : int
        Completed data sets, at least two.
    seed : int
        Seed of everything random.
    prob : float
        Probability of all intervals.
    begin : callable
        Is told the name of each of the three steps when it begins.

    Raises
    ------
    UsageError
        For other outcomes, differing predictors, or fewer than two sets.
    DataError, SpecError, ConvergenceError
        As the models have it.
    """
    import pandas as pd

    _check(specs, n_sets)
    kind = "model_unlinked" if pattern == "unlinked" else "model"
    panel = build_panel(sample, specs[0].predictors, unlinked=pattern == "unlinked")
    shifted_cells(panel, pattern)  # a pattern that moves nothing is refused before sampling
    grid = sorted({0.0, *map(float, deltas)})
    begin("complete rows")
    complete_specs = _complete(specs)
    complete_case = tuple(fit(s, sample, engine="exact", prob=prob) for s in complete_specs)
    begin("quarters of every workplace")
    joint = tuple(
        fit(replace(spec, missing=kind), sample, engine="nuts", prob=prob, seed=seed)
        for spec in specs
    )
    fitted: PanelFit = joint[0].fitted.panel_fit
    done = complete(fitted, max(_DRAWS, n_sets), seed=seed)
    chosen = _spread(len(done.y), n_sets)
    sets = completed_sets(fitted.panel, Completed(done.y[chosen], done.x[chosen]))
    begin("delta")
    effects, tipping = _under_delta(joint, done, grid, pattern, prob)
    rows = [
        row
        for one, two in zip(complete_case, joint, strict=True)
        for row in compare_methods(one, two, sample, sets, effects)
    ]
    won = pd.concat([won_back(sample, spec, fitted.panel) for spec in complete_specs])
    return MissingStudy(
        joint, complete_case, tuple(rows), who_is_missing(sample, complete_specs),
        won.reset_index(drop=True), effects, tipping, done, sets,
    )  # fmt: skip


def study_complete(
    specs: Sequence[ModelSpec], sample: AnalysisSample, *, prob: float = 0.95
) -> MissingStudy:
    """Fit what needs no sampling: complete rows, and known precision; and count who is missing.

    Parameters
    ----------
    specs, sample, prob
        As in `study_missing`.

    Returns
    -------
    MissingStudy
        Without results of the joint model, draws, completed sets and effects under delta.

    Raises
    ------
    UsageError, DataError, SpecError
        As `study_missing` has them.
    """
    import pandas as pd

    _check(specs)
    complete_specs = _complete(specs)
    complete_case = tuple(fit(s, sample, engine="exact", prob=prob) for s in complete_specs)
    rows = [row for one in complete_case for row in _complete_rows(one, sample)]
    panel = build_panel(sample, specs[0].predictors)
    won = pd.concat([won_back(sample, spec, panel) for spec in complete_specs])
    nothing = Completed(np.empty((0, *panel.y.shape)), np.empty((0, *panel.x.shape)))
    return MissingStudy(
        (), complete_case, tuple(rows), who_is_missing(sample, complete_specs),
        won.reset_index(drop=True), pd.DataFrame(columns=EFFECTS), pd.DataFrame(columns=TIPPING),
        nothing, completed_sets(panel, nothing),
    )  # fmt: skip


def _complete(specs: Sequence[ModelSpec]) -> tuple[ModelSpec, ...]:
    """The same models of complete rows, without the priors of a panel."""
    return tuple(replace(s, missing="drop", priors=s.priors.used(())) for s in specs)


def _check(specs: Sequence[ModelSpec], n_sets: int = 2) -> None:
    """Outcomes that a panel has, the same predictors, sets that can be pooled."""
    for spec in specs:
        if spec.outcome not in QUANTITIES:
            rule = f"must have an outcome that the panel has ({', '.join(QUANTITIES)})"
            raise UsageError(f"model {spec.name!r}", rule, got=spec.outcome)
        if not spec.predictors:
            raise UsageError(f"model {spec.name!r}", "must have a predictor", got="none")
        if spec.predictors != specs[0].predictors:
            rule = "must have the same predictors for every outcome, and one model for each"
            raise UsageError(f"model {spec.name!r}", rule, got=list(spec.predictors))
    outcomes = [spec.outcome for spec in specs]
    if len(set(outcomes)) < len(outcomes):
        raise UsageError("impute", "must have one model for each outcome", got=outcomes)
    if n_sets < 2:
        raise UsageError("completed", "must be at least two data sets", got=n_sets)


def _spread(n: int, count: int) -> list[int]:
    """Places of so many draws, spread evenly over all."""
    return [round(i * (n - 1) / (count - 1)) for i in range(count)]


def _under_delta(
    joint: Sequence[Result], done: Completed, deltas: Sequence[float], pattern: str, prob: float
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Slopes and ICC under every delta, and where they tip."""
    import pandas as pd

    parts = []
    for result in joint:
        fitted, quantity = result.fitted.panel_fit, QUANTITIES[result.spec.outcome]
        parts.append(
            delta_effects(
                fitted, done, quantity=quantity, term=(*fitted.panel.predictors, "icc"),
                deltas=deltas, pattern=pattern, prob=prob,
            )
        )  # fmt: skip
    effects = pd.concat(parts, ignore_index=True)
    return effects, tipping_points(effects)


def compare_methods(
    complete_case: Result,
    joint: Result,
    sample: AnalysisSample,
    sets: CompletedSets,
    effects: "pd.DataFrame",
) -> Iterator[MethodRow]:
    """Yield one outcome's slopes and ICC under every treatment of what is missing.

    Parameters
    ----------
    complete_case, joint : Result
        Of the same model.
    sample : AnalysisSample
        The workplaces.
    sets : CompletedSets
        Completed data sets of the joint model.
    effects : pandas.DataFrame
        As in `MissingStudy`.
    """
    spec = complete_case.spec
    yield from _complete_rows(complete_case, sample)
    pooled = fit(spec, list(sets.frames()), engine="reml", prob=joint.prob)
    yield from _pooled_rows(pooled, joint)
    yield from _result_rows(joint, "joint")
    mine = effects[effects["quantity"] == QUANTITIES[spec.outcome]]
    for row in mine.to_dict("records"):
        yield MethodRow(
            term=str(row["term"]), method="delta", delta=float(row["delta"]),
            pattern=str(row["pattern"]), estimate=float(row["estimate"]), sd=float(row["sd"]),
            lower=float(row["lower"]), upper=float(row["upper"]),
            p_direction=_NAN if row["term"] == "icc" else float(row["p_direction"]),
            **_common(joint, engine="exact", n=int(row["n"]), n_groups=int(row["n_groups"])),
        )  # fmt: skip


def _complete_rows(complete_case: Result, sample: AnalysisSample) -> Iterator[MethodRow]:
    """Yield what complete rows say, and of the mean also with known precision."""
    spec, prob = complete_case.spec, complete_case.prob
    yield from _result_rows(complete_case, "complete-case")
    if spec.outcome == "absence_mean":  # a change has two quarters or none
        known = replace(spec, repeats="n_quarters", min_quarters=1)
        precise = fit(known, sample, engine="exact", prob=prob)
        rows = precise.coefficients
        whole = len(quarter_range(*sample.period))
        icc = precise.fitted.icc_of_mean(whole, prob)  # as the joint model's: of all quarters
        yield from _result_rows(precise, "known-precision", (*rows, icc))


def _common(result: Result, **changed: Any) -> dict[str, Any]:
    """What all rows of a model share."""
    return {
        "outcome": result.spec.outcome, "model": result.spec.name, "prob": result.prob,
        "interval": "credible-eti", "n": result.moments.n_obs, "n_groups": result.moments.n_groups,
        "unit": result.spec.unit, "engine": result.engine, "source": result.provenance.source,
        **changed,
    }  # fmt: skip


def _result_rows(
    result: Result, method: str, rows: "Sequence[Estimate] | None" = None
) -> Iterator[MethodRow]:
    """Slopes and ICC of a result, or of some of its rows."""
    for row in rows or result.rows:
        slope = row.term in result.moments.predictors and not row.group
        if slope or row.term == "icc":
            yield MethodRow(
                term=row.term, method=method, delta=_NAN, pattern="", estimate=row.estimate,
                sd=row.sd, lower=row.lower, upper=row.upper, p_direction=row.p_direction,
                **_common(result),
            )  # fmt: skip


def _pooled_rows(pooled: Result, joint: Result) -> Iterator[MethodRow]:
    """Slopes and ICC of REML on completed data sets."""
    common = _common(joint, engine="reml", interval="confidence-t")
    for row in pooled.singles:
        if row.term in pooled.moments.predictors or row.term == "icc":
            yield MethodRow(
                term=row.term, method="rubin", delta=_NAN, pattern="", estimate=row.estimate,
                sd=row.sd, lower=row.lower, upper=row.upper, p_direction=_NAN, **common,
            )  # fmt: skip
