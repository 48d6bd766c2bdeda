"""`bayes-sf fit`: any analysis by any engine, NUTS saved fit by fit; a formula on a table."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.catalogue import say
from bayes_sf.disclosure.control import HIDDEN, Control
from bayes_sf.disclosure.gate import Passed, Released, all_of, unprotected
from bayes_sf.disclosure.protected_models import (
    keep_open,
    protect_diagnostics,
    protect_estimates,
    protect_results,
)
from bayes_sf.engines.fit import fit, group_sizes
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result, Results
from bayes_sf.engines.store import fit_saved
from bayes_sf.errors import MissingWarning, OutcomeWarning, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.design import score
from bayes_sf.inputs.own_study.folder import OwnStudy
from bayes_sf.inputs.own_table import OwnTable, read_table
from bayes_sf.output.audit import make_private
from bayes_sf.output.figures.page import upper_first
from bayes_sf.output.numbers import (
    decimals_in,
    estimate,
    fixed,
    interval,
    probability,
    row_decimals,
)
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.run import Asked, Content, Run, described
from bayes_sf.output.tables.result_tables import answered_notes, zero_notes
from bayes_sf.output.tables.side_by_side import fit_line, scale_note
from bayes_sf.output.tables.table import Column, Table
from bayes_sf.output.words.priors import priors_written
from bayes_sf.output.words.words import (
    factor_term,
    group_name,
    interval_name,
    numbered_name,
    outcome_name,
    own_group,
    unit_name,
    word,
)
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.gaps import Gaps

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fit_formula", "main_rows", "run_fit", "run_fit_formula", "run_fit_table"]

#: An analysis of so few models is printed with its standard deviations and ICC.
_FEW = 4


def run_fit(
    analysis: Analysis, data: Any, asked: Asked, *, folder: Path, engine: str, resume: bool = True
) -> Run:
    """Fit every model of an analysis; by nuts every fit is saved as it finishes.

    Parameters
    ----------
    analysis : Analysis
        What is asked.
    data : PublishedStudy or AnalysisSample
        Its data.
    asked : Asked
        Of disclosure control: effects of hidden groups are in no table and no file.
    folder : pathlib.Path
        Where fits are saved; under disclosure control in the private folder beside it.
    engine : {"exact", "reml", "ols", "nuts"}
    resume : bool
        Whether saved fits of the same question are taken as they are.
    """
    control = Control.of(data, asked.rules)
    kept = keep_open(analysis, control)
    if control.active:  # draws have all digits
        folder = make_private(folder)
    fits: list[tuple[Result, bool]] = []
    with show_sampling(asked.console, len(kept.shown.specs)) as begin:
        for spec in kept.shown.specs:
            begin(f"{spec.name} of {spec.outcome}")
            if engine == "nuts":
                hide = tuple(control.hidden_groups(group_sizes(spec, data)))
                release = control.release(spec)
                if release is not None and release.unsaid:  # draws would be of what is not said
                    fits.append((fit(spec, data, engine="nuts", seed=asked.seed), False))
                    continue
                fits.append(
                    fit_saved(
                        spec, data, folder, seed=asked.seed, resume=resume, hide=hide,
                        rough=control.active,
                    )
                )  # fmt: skip
            else:
                fits.append((fit(spec, data, engine=engine, seed=asked.seed), False))
    results = Results(tuple(result for result, _ in fits))
    resumed = sum(found for _, found in fits)
    frames = _frames(results, asked.source, control)
    shown = kept.also(all_of(frames.values())).also(protect_results(results.values(), control))
    names = tuple(frames)
    return Run(
        asked, control,
        shown.map(
            lambda both: _content(
                both[0][0], dict(zip(names, both[0][1], strict=True)), Results(both[1]), resumed)
        ),
        results.not_converged,
    )  # fmt: skip


def _content(
    analysis: Analysis,
    frames: "dict[str, pd.DataFrame]",
    results: Results,
    resumed: int,
) -> Content:
    """The main rows, and files."""
    first = next(iter(results.values()))
    return Content(
        frames=frames,
        tables=(main_rows(results, analysis.question_said),),
        lines=[say("{} of {} fits were there from an earlier run.", resumed, len(results))]
        if resumed
        else [],
        about={
            "analysis": analysis.name, "question": analysis.question, "engine": first.engine,
            "resumed": resumed, "models": [_described(result) for result in results.values()],
        },
    )  # fmt: skip


def _described(result: Result) -> dict[str, Any]:
    """A model's provenance; of chains with the sampler's settings."""
    settings = {"sampler": dict(result.fitted.settings)} if result.engine == "nuts" else {}
    return described(result) | settings


def _frames(results: Results, source: str, control: Control) -> "dict[str, Passed[pd.DataFrame]]":
    """Estimates, and diagnostics where there are any; every row says whether to believe it."""
    import pandas as pd

    parts: dict[str, list[Passed[pd.DataFrame]]] = {"estimates": [], "diagnostics": []}
    for result in results.values():
        mark = partial(pd.DataFrame.assign, source=source, converged=result.converged)
        parts["estimates"].append(protect_estimates(result, control).map(mark))
        if result.engine == "nuts":
            named = partial(_named, spec=result.spec)
            parts["diagnostics"].append(protect_diagnostics(result, control).map(named).map(mark))
    whole = partial(pd.concat, ignore_index=True)
    return {name: all_of(rows).map(whole) for name, rows in parts.items() if rows}


def _named(table: "pd.DataFrame", spec: ModelSpec) -> "pd.DataFrame":
    """Add which model, first."""
    table.insert(0, "outcome", spec.outcome)
    table.insert(1, "model", spec.name)
    return table


def main_rows(results: Results, question: str) -> Table:
    """Slopes of every model; in a small analysis everything but the groups.

    Parameters
    ----------
    results : Results
        Of any kind, of one analysis.
    question : str
        Its title.
    """
    first = next(iter(results.values()))
    bayesian, models = first.has_draws, len(results)
    several = len({result.spec.outcome for result in results.values()}) > 1
    columns = (
        Column("model", say("Model"), "text"),
        *([Column("outcome", say("Outcome"), "text")] if several else []),
        Column("term", say("Term"), "text"),
        Column("estimate", word("mean" if bayesian else first.engine), "printed"),
        Column("interval", interval_name("interval", first.prob), "printed"),
        Column("sign", word("direction" if bayesian else "t"), "printed"),
        Column("n", say("n"), "printed"), Column("verdict", "", "text"),
    )  # fmt: skip
    rows = tuple(
        row if several else (row[0], *row[2:])
        for result in results.values()
        for row in _rows(result, models)
    )
    table = Table("", question, columns, rows, notes=(" ".join(_notes(results, several)),))
    alone = models == 1 and (first.spec.formula or first.spec.name == question)
    return table.without(
        *(["model"] if alone else []), *([] if results.not_converged else ["verdict"])
    )


def _notes(results: Results, several: bool) -> Iterator[str]:
    """Outcome, unit and kind of interval; scale, priors, and whatever else must be known."""
    first, models = next(iter(results.values())), len(results)
    own = own_group(first)
    kind = interval_name("credible-eti" if first.has_draws else "confidence-wald", first.prob)
    about = ["" if several else outcome_name(first.spec.outcome, own=own)]
    if not isinstance(first, OutcomeResult):
        about.append(unit_name(first.spec.unit))
    yield f"{', '.join(filter(None, about))}; {kind}."
    if isinstance(first, OutcomeResult):
        yield scale_note(first.family)
    if first.spec.varying and not isinstance(first, MixedResult) and models <= _FEW:
        book = load_codebook()
        group = say("industry") if first.spec.group == book.group else first.spec.group
        yield say("A slope | {0} is how far that {0}'s is from the slope of all.", group)
    if first.has_draws:
        said = priors_written(first)
        yield f"{say('Priors of the first model') if models > 1 else say('Priors')}: {said}."
    plain = [result for result in results.values() if not isinstance(result, MixedResult)]
    yield from zero_notes(plain)
    yield from answered_notes(plain)


def _rows(result: Result, models: int) -> Iterator[tuple[str, ...]]:
    """Printed rows of one model: slopes, and in a small analysis all but the groups' levels."""
    slopes = [row.term for row in result.coefficients if row.term != INTERCEPT]
    small = models <= _FEW or not slopes
    mixed, own = isinstance(result, MixedResult), own_group(result)
    for row in result.singles if mixed else result.rows:
        if row.term not in slopes and (not small or (row.group and row.term == INTERCEPT)):
            continue
        sd = math.nan if row.term == "icc" else row.sd
        decimals = row_decimals((row.estimate, row.sd), sd)
        if isinstance(result, Released):
            decimals = min(decimals, decimals_in((row.estimate, row.lower, row.upper)))
        span = "" if math.isnan(row.lower) else interval(row.lower, row.upper, decimals)
        named = factor_term if mixed else numbered_name
        term = say("Intercept") if row.term == INTERCEPT else named(row.term, own=own)
        told = (
            estimate(row.estimate, decimals), span,
            probability(row.p_direction) if result.has_draws else fixed(row.t, 2),
        )  # fmt: skip
        if isinstance(result, Released) and math.isnan(row.estimate):
            told = (HIDDEN, HIDDEN, HIDDEN)
        yield (
            result.spec.name, outcome_name(result.spec.outcome, own=own),
            f"{term} | {group_name(row.group, own=own)}" if row.group else term, *told,
            str(result.n_obs),
            "" if result.converged else say("NOT CONVERGED"),
        )  # fmt: skip


def run_fit_table(
    formula: str,
    path: Path,
    asked: Asked,
    *,
    engine: str,
    missing: str = "drop",
    decimal: str | None = None,
) -> Run:
    """Read the columns that a formula names, and fit it.

    Parameters
    ----------
    formula : str
        As `sf.fit` takes it.
    path : pathlib.Path
        CSV, Excel, SPSS, Stata or Parquet.
    asked : Asked
        Disclosure control, which is off: it has no rules for such tables.
    engine : str
        As in `sf.fit`.
    missing : str
        As in `sf.fit`.
    decimal : {",", "."}, optional
        Decimal mark of a file that leaves it open.
    """
    found = read_formula(formula)
    factors = (name for term in found.random for name in found.parts(term.factor))
    groups = [name for name in factors if name not in found.evaluated]  # year may be both
    read = read_table(path, found.columns, groups=groups, decimal=decimal)
    result, heard = _fitted(formula, read, asked, engine, missing)
    passed = unprotected((result, read), asked.rules)
    return Run(
        asked, Control.of(None, asked.rules),
        passed.map(lambda both: _of_table(*both, heard, formula)),
        () if result.converged else (result,),
    )  # fmt: skip


def _fitted(
    what: str | ModelSpec, read: OwnTable, asked: Asked, engine: str, missing: str = "drop"
) -> tuple[Result, tuple[str, ...]]:
    """A fit to rows, and what is to be heard of its outcome; gaps are told with its table."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", OutcomeWarning)
        warnings.simplefilter("always", MissingWarning)
        result = fit(what, read.frame, engine=engine, missing=missing, seed=asked.seed)
    heard = tuple(str(one.message) for one in said if issubclass(one.category, OutcomeWarning))
    return result, heard


def run_fit_formula(analysis: Analysis, study: OwnStudy, asked: Asked, *, engine: str) -> Run:
    """Fit a formula that is more than a random intercept to the rows of a study of one's own.

    Parameters
    ----------
    analysis : Analysis
        Of one model.
    study : OwnStudy
    asked : Asked
        Disclosure control, which is off: it knows random intercepts.
    engine : str
        As in `sf.fit`.

    Raises
    ------
    UsageError
        Where control is on.
    """
    spec = analysis.written
    assert spec is not None
    if asked.rules.active:
        rule = "is more than a random intercept, and disclosure control knows of no more"
        fix = "--no-disclosure-control prints it for you, as control = false in study.toml does"
        raise UsageError(f"model {spec.formula}", rule, fix=fix)
    result, read, heard = fit_formula(spec, study, asked, engine=engine)
    passed = unprotected((result, read), asked.rules)
    return Run(
        asked, Control.of(study.sample, asked.rules),
        passed.map(lambda both: _of_table(*both, heard, analysis.question_said)),
        () if result.converged else (result,),
    )  # fmt: skip


def fit_formula(
    spec: ModelSpec, study: OwnStudy, asked: Asked, *, engine: str
) -> tuple[Result, OwnTable, tuple[str, ...]]:
    """Fit a formula to the rows of a study of one's own, with its scores and references.

    Parameters
    ----------
    spec : ModelSpec
        Of a formula.
    study : OwnStudy
        The one that is in use.
    asked : Asked
    engine : str

    Returns
    -------
    result : Result
        Spoken of in the study's words.
    read : OwnTable
        The rows.
    heard : tuple of str
        What is to be heard of the outcome.
    """
    import pandas as pd

    frame, book = study.sample.frame, load_codebook()
    known = {*book.items, *(variable.key for variable in book.derived)}
    rows = pd.DataFrame({  # answers as scores, or as categories after their reference
        name: score(frame, name) if name in known else frame[name] for name in spec.parsed.columns
    })  # fmt: skip
    read = OwnTable(study.header.file.name, rows)
    result, heard = _fitted(spec, read, asked, engine)
    provenance = replace(result.provenance, source=study.sample.source)
    return replace(result, provenance=provenance), read, heard


def _of_table(result: Result, read: OwnTable, heard: tuple[str, ...], title: str) -> Content:
    """The model's table, its estimates as a file, and what was left out."""
    gaps = result.provenance.gaps or Gaps(len(read.frame))
    lines = []
    if gaps.n_dropped:
        n, out, columns = gaps.n_rows, gaps.n_dropped, gaps.columns_said
        lines.append(say("{} of {} rows are left out: they have gaps ({}).", out, n, columns))
        lines += [say("By {}: {}.", *told) for told in gaps.groups_said.items()]
        lines += [say("No row is left of {} {}.", *told) for told in gaps.lost_said.items()]
    lines.append(f"{upper_first(fit_line(result))}.")
    spec, where = result.spec, result.provenance
    return Content(
        frames={"estimates": _marked(result)},
        tables=(main_rows(Results((result,)), title).without("model"),),
        lines=[*heard, *lines],
        about={
            "formula": spec.formula or spec.name, "outcome": spec.outcome,
            "engine": result.engine, "priors": str(result.priors or "none"), "file": read.where,
            "rows": gaps.n_rows, "left_out": gaps.n_dropped, "gaps": dict(gaps.by_column),
            "gaps_by_group": {name: dict(n) for name, n in gaps.by_group.items()},
            "prob": result.prob,
            "spec": where.spec, "data": where.data, "converged": result.converged,
        },
    )  # fmt: skip


def _marked(result: Result) -> "pd.DataFrame":
    """All estimates, effects of levels too; every row says whether to believe it."""
    return result.estimates.assign(source=result.provenance.source, converged=result.converged)
