"""The page of a study of one's own: all analyses that its `study.toml` states, in its own words.

What the report's study has beside (register, quarters, printed tables) is not on it. What is on it
has passed the gate, as what commands print has: random intercepts with the digits that are left,
whatever is more only where nothing is protected.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from math import isfinite, isnan
from typing import TYPE_CHECKING, Final

from bayes_sf.analysis.choices.multiverse import Explored, explore
from bayes_sf.analysis.contrast import find_contrast
from bayes_sf.analysis.pooling import Pooling, compare_pooling
from bayes_sf.analysis.sensitivity import Sensitivity, sensitivity
from bayes_sf.catalogue import labels_language, language, say
from bayes_sf.disclosure.control import Control, Hidden
from bayes_sf.disclosure.gate import Passed, all_of, unprotected
from bayes_sf.disclosure.protected_choices import protect_explored
from bayes_sf.disclosure.protected_flow import protect_problems
from bayes_sf.disclosure.protected_models import protect_pooling, protect_results
from bayes_sf.disclosure.protected_sensitivity import protect_sensitivity
from bayes_sf.engines.fit import fit, versions
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result, Results
from bayes_sf.errors import SpecError, UsageError
from bayes_sf.inputs.own_study.folder import OwnStudy
from bayes_sf.inputs.variables import Stated
from bayes_sf.output.audit import notice
from bayes_sf.output.figures.associations import Drawn, estimates_figure
from bayes_sf.output.figures.page import lower_first, upper_first
from bayes_sf.output.figures.posterior import level_figure
from bayes_sf.output.numbers import level
from bayes_sf.output.report.answers import share_line, slope_answers
from bayes_sf.output.report.fit import fit_section
from bayes_sf.output.report.page import Page, explorer_parts, prior_reasons, render
from bayes_sf.output.report.section import Section
from bayes_sf.output.report.sections import explored_section
from bayes_sf.output.run import Asked, keyed
from bayes_sf.output.runs.fit import fit_formula, main_rows
from bayes_sf.output.tables.described_sample import ProtectedTables, protect_tables
from bayes_sf.output.tables.pooling_tables import shrinkage_table
from bayes_sf.output.tables.sample_tables import flow_tables
from bayes_sf.output.tables.sensitivity_tables import model_tables
from bayes_sf.output.tables.side_by_side import SCALES, scale_note
from bayes_sf.output.tables.table import Table
from bayes_sf.output.words.methods import methods
from bayes_sf.output.words.problems import problem_lines
from bayes_sf.output.words.words import (
    factor_name,
    factor_term,
    outcome_name,
    statement_of,
    term_name,
    unit_name,
)
from bayes_sf.spec.analysis import Analysis, load_analysis, told_apart
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.multiverse import load_multiverse

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["StudyPage", "study_page"]

#: Intervals of the first picture, and outcomes that the first screen has.
_FIRST, _OUTCOMES = 12, 2
_PARTS: Final = ("fan", "ladder")


#: What has passed: models, those beyond a random intercept; poolings, sensitivity, choices; rows.
type _Shown = tuple[
    tuple[
        tuple[tuple[Result, ...], tuple[Result, ...]],
        tuple[tuple[tuple[Pooling, ...], tuple[Sensitivity, ...]], tuple[Explored, ...]],
    ],
    tuple[ProtectedTables, "pd.DataFrame"],
]


@dataclass(frozen=True)
class StudyPage:
    """A page, and what disclosure control did.

    Parameters
    ----------
    html : str
        Names no other file and no address that is fetched.
    control : Control
    hidden : tuple of Hidden
    failed : tuple of Result
        Models that are on the page and must not be believed.
    """

    html: str
    control: Control
    hidden: tuple[Hidden, ...]
    failed: tuple[Result, ...]


@dataclass(frozen=True, eq=False)
class _Found:
    """What the page is written from; all of it may leave."""

    study: OwnStudy
    asked: Asked
    control: Control
    results: tuple[tuple[Analysis, Results], ...]
    poolings: tuple[Pooling, ...]
    small: tuple[Sensitivity, ...]
    explored: tuple[Explored, ...]
    tables: ProtectedTables
    account: tuple[str, ...]
    notice: str
    embedded: bool

    @property
    def models(self) -> list[Result]:
        """All of them, in the order of `study.toml`."""
        return [result for _, results in self.results for result in results.values()]

    @property
    def plain(self) -> list[Result]:
        """Those with a random intercept alone."""
        return [result for result in self.models if not isinstance(result, MixedResult)]

    @property
    def outcomes(self) -> list[str]:
        """In the order of the models."""
        return list(dict.fromkeys(result.spec.outcome for result in self.models))

    def slopes(self, outcome: str) -> list[Drawn]:
        """Intervals of an outcome's slopes, each times a difference that is worth asking of."""
        models = [one for one in self.models if one.spec.outcome == outcome]
        found = [
            (one, row) for one in models for row in one.coefficients
            if row.term != INTERCEPT and isfinite(row.estimate)
        ]  # fmt: skip
        several = len({one.spec.name for one, _ in found}) > 1
        return [_drawn(row, f" ({one.spec.name})" if several else "") for one, row in found]


def _drawn(row: Estimate, model: str) -> Drawn:
    """A slope as the difference that its widest contrast makes, or as it is where there is none."""
    try:
        contrast = find_contrast(row.term, "widest", lang=language())
    except UsageError:  # an interaction, say
        label, size = term_name(row.term), 1.0
    else:
        label, size = f"{term_name(row.term.partition('[')[0])}: {contrast.label}", contrast.size
    low, high = sorted((size * row.lower, size * row.upper))
    return Drawn(upper_first(label) + model, low, size * row.estimate, high)


def study_page(
    study: OwnStudy, asked: Asked, *, engine: str = "exact", with_data: bool = False
) -> StudyPage:
    """Fit all analyses of a study, and write its page.

    Parameters
    ----------
    study : OwnStudy
        The one that is in use.
    asked : Asked
        Of disclosure control: what the page shows has passed it.
    engine : {"exact", "nuts"}
        What becomes of outcomes that are not Gaussian: by ``exact`` maximum likelihood, where there
        is any; by ``nuts`` they are sampled.
    with_data : bool
        Whether sufficient statistics may be in the page where `study.toml` does not say that data
        are public.

    Raises
    ------
    SpecError
        For a study that states no analyses, or none that can be on the page.
    """
    control, sample = Control.of(study.sample, asked.rules), study.sample
    plain, others, account = list[ModelSpec](), [], list[str]()
    analyses = told_apart([load_analysis(name) for name in study.header.analyses])
    for analysis in asked.progress(analyses):
        for spec in analysis.specs:
            if spec.plain and not control.withheld(spec):
                plain.append(spec)
                continue
            formula = None if control.active or spec.plain else analysis.written
            how = None if formula is None else _engine_of(formula, engine)
            if formula is None or how is None:
                account.append(_why_not(spec, control))
                continue
            result, read, heard = fit_formula(formula, study, asked, engine=how)
            others.append(unprotected(result, asked.rules))
            gaps = result.provenance.gaps
            account += [f"{spec.name}: {line}" for line in heard]
            if gaps and gaps.n_dropped:
                said = say("{} of {} rows are left out: they have gaps ({}).", gaps.n_dropped,
                           len(read.frame), gaps.columns_said)  # fmt: skip
                account.append(f"{spec.name}: {said}")
    fitted = [fit(spec, sample, seed=asked.seed) for spec in plain]
    if not fitted and not others:
        rule = "must have an analysis that can be on a page"
        fix = 'write null = "y ~ 1 + (1 | group)" under [analyses]'
        if account:  # under control what is got is not said
            rule = f"{rule}: {' '.join(account).rstrip('.')}"
            fix = "--no-disclosure-control shows it to you"
        raise SpecError("study.toml: analyses", rule, fix=fix)
    first = {spec.outcome: spec for spec in reversed(plain)}
    small = all_of(  # one by one: each with the digits that its own data give
        protect_sensitivity(sensitivity(spec, sample, parts=_PARTS, seed=asked.seed), control)
        for spec in plain
    )
    pooled = all_of(
        protect_pooling(compare_pooling(first[outcome], sample), control)
        for outcome in dict.fromkeys(spec.outcome for spec in plain)
    )
    models = protect_results(fitted, control).also(all_of(others))
    rows = protect_tables(sample, control).also(protect_problems(sample.problems, control))
    explored = all_of(
        protect_explored(explore(load_multiverse(path), sample, progress=asked.progress), control)
        for path in study.header.choices
    )
    passed = models.also(pooled.also(small).also(explored)).also(rows)
    embedded = not control.active and (with_data or not study.header.privacy.control)
    said = notice(control, passed.log, page=True)

    def page(shown: "_Shown") -> str:
        ((mine, beyond), ((poolings, moved), tried)), (tables, problems) = shown
        by_key = {(one.spec.name, one.spec.outcome): one for one in (*mine, *beyond)}
        results = tuple(
            (analysis, Results(tuple(
                by_key[spec.key] for spec in analysis.specs if spec.key in by_key
            )))
            for analysis in analyses
        )  # fmt: skip
        found = _Found(
            study, asked, control, tuple(pair for pair in results if pair[1]), poolings,
            moved, tried, tables, (*problem_lines(problems), *account), said,
            embedded,
        )  # fmt: skip
        return _rendered(found)

    made: Passed[str] = passed.map(page)
    failed = tuple(one for one in (*fitted, *(p.shown for p in others)) if not one.converged)
    return StudyPage(made.shown, control, made.log, failed)


def _engine_of(spec: ModelSpec, engine: str) -> str | None:
    """How a formula gets on the page; None for one that takes sampling."""
    if engine in spec.engines:
        return engine
    return next((one for one in spec.engines if one in {"exact", "ml"}), None)


def _why_not(spec: ModelSpec, control: Control) -> str:
    """Why a model is not on the page."""
    if spec.plain:
        return say("{} is withheld: it would tell of single workplaces.", spec.name)
    if control.active:
        return say(
            "{} is more than a random intercept, of which disclosure control knows nothing: it is "
            "not on this page.", spec.name,
        )  # fmt: skip
    return say("{} has to be sampled and is not on this page: bayes-sf fit does it.", spec.name)


def _rendered(found: _Found) -> str:
    """The page."""
    study, source = found.study, found.study.sample.source
    title = study.header.title[labels_language() == "nb"] or study.header.path.parent.name
    where = study.header.source or say("Computed from the files that were given.")
    moved = explorer_parts(found.plain if found.embedded else ())
    sections = [section for make in _SECTIONS if (section := make(found)) is not None]
    at = next(at for at, one in enumerate(sections) if one.key in {"fit", "methods"})
    sections[at:at] = moved["sections"]
    return render(
        Page(
            title=title, heading=title, source=source, banner=where,
            about=where, statement=statement_of(source), answers=list(_answers(found)),
            first=_first_figure(found), sections=sections, rough=found.control.active,
            explorer=moved["explorer"],
            parts=moved["parts"] | {
                "priors": prior_reasons(found.plain[0]) if found.plain else [],
                "level": level(found.models[0].prob), "provenance": _where_from(found),
                "cited": [found.study.header.source] * bool(found.study.header.source) + [
                    say("This analysis: bayes_sf {}, bayes-sf report --study, seed {}.",
                        metadata.version("bayes-sf"), found.asked.seed)
                ],
            },
        )
    )  # fmt: skip


def _answers(found: _Found) -> Iterator[tuple[str, str]]:
    """Yield what a sentence is about, and the sentence."""
    shares = list(_shares(found))
    if shares:
        alone = all(not factor for factor, _ in shares)
        lines = [f"{factor}: {said}" if factor else said for factor, said in shares[:_OUTCOMES]]
        yield (
            say("Industries") if alone else say("Groups"), f"{'. '.join(map(upper_first, lines))}."
        )  # fmt: skip
    slopes = [each for outcome in found.outcomes for each in found.slopes(outcome)]
    yield from slope_answers(slopes, found.models[0].prob)


def _shares(found: _Found) -> Iterator[tuple[str, str]]:
    """How much of each outcome lies between groups, of the first model that says it.

    With the factor, where there are several.
    """
    for outcome in found.outcomes:
        models = (model for model in found.models if model.spec.outcome == outcome)
        told = ((one, [row for row in one.singles if _is_share(row)]) for one in models)
        model, rows = next(((one, rows) for one, rows in told if rows), (None, []))
        for row in rows:
            assert model is not None
            said = share_line(row.estimate, row.lower, row.upper, model.prob, outcome)
            yield factor_name(row.term.partition("|")[2]) if len(rows) > 1 else "", said


def _is_share(row: Estimate) -> bool:
    """Whether a row is an ICC that is said."""
    return row.term.partition("|")[0] == "icc" and isfinite(row.estimate)


def _first_figure(found: _Found) -> "Figure":
    """Slopes of the first outcome that has any; else what varies."""
    outcome = next((one for one in found.outcomes if found.slopes(one)), None)
    if outcome is not None:
        return _slopes_figure(found, outcome, _FIRST)
    model = found.models[0]
    rows = [
        Drawn(upper_first(factor_term(row.term)), row.lower, row.estimate, row.upper)
        for row in model.singles if row.term.startswith("sd_") and isfinite(row.lower)
    ]  # fmt: skip
    title = say("What varies: {}", _measured(model))
    return estimates_figure(rows, title, model, found.study.sample.source, zero=False)


def _slopes_figure(found: _Found, outcome: str, most: int | None = None) -> "Figure":
    """Slopes of one outcome."""
    model = next(one for one in found.models if one.spec.outcome == outcome)
    title = say("Differences in {}", lower_first(_measured(model)))
    return estimates_figure(found.slopes(outcome)[:most], title, model, found.study.sample.source)


def _measured(model: Result) -> str:
    """Outcome, with the unit that coefficients have."""
    unit = unit_name(model.spec.unit)
    if isinstance(model, OutcomeResult):
        unit = say(SCALES[model.family.link])
    return outcome_name(model.spec.outcome) + (f" ({unit})" if unit else "")


def _asked(found: _Found) -> Section:
    lines = []
    for analysis, _ in found.results:
        stated = found.study.header.analyses[analysis.name]
        formula = stated.formula if isinstance(stated, Stated) else ""
        said = analysis.question_said
        lines.append(
            f"{analysis.name}: {said}" + (f" {formula}" if formula not in {"", said} else "")
        )
    return Section("asked", found.study.sample.source, lines=tuple(lines))


def _levels(found: _Found) -> Section | None:
    if not found.poolings:
        return None
    about = say(
        "The ICC is the industries' share of the variance that predictors leave (adjusted ICC)."
    )
    lines = (about, *(f"{upper_first(line)}." for _, line in _shares(found)))
    tables = tuple(shrinkage_table(one, short=True) for one in found.poolings)
    return Section(
        "icc", found.study.sample.source, lines, tables, (level_figure(found.poolings),)
    )  # fmt: skip


def _coefficients(found: _Found) -> Section:
    tables = tuple(
        main_rows(results, one.question_said).without(*["model"] * (len(results) == 1))
        for one, results in found.results
    )
    figures = [_slopes_figure(found, one) for one in found.outcomes if found.slopes(one)]
    families = {m.spec.family: m.family for m in found.models if isinstance(m, OutcomeResult)}
    notes = tuple(scale_note(family) for family in families.values())
    return Section("coefficients", found.study.sample.source, notes, tables, tuple(figures))


def _missing(found: _Found) -> Section | None:
    if not found.plain:
        return None
    tables = flow_tables(found.tables.tables["flow"], source=found.study.sample.source)
    said = say("The tables show who is left after each rule. Those who are missing are left out.")
    return Section("missing", found.study.sample.source, (said,), tables)


def _sensitivity(found: _Found) -> Section | None:
    if not found.small:
        return None
    tables = list[Table]()
    for small in found.small:
        (result,) = small.results
        unsaid = [row.term for row in result.singles if isnan(row.estimate)]
        parts = _PARTS if result.moments.predictors else ("fan",)
        told = {part: small[part][~small[part]["term"].isin(unsaid)] for part in parts}
        if told["fan"]["group"].eq("").any():
            tables += model_tables(replace(small, tables=told), result)
    if not tables:
        return None
    said = say(
        "The first table of a model has all priors of a fan; no model was fitted again, nodes of "
        "the integration are given new weights. The second, of a model with predictors, has the "
        "same rows from least squares without groups to the posterior."
    )
    return Section("sensitivity", found.study.sample.source, (said,), tuple(tables))


def _choices(found: _Found) -> Section | None:
    if not found.explored:
        return None
    return explored_section(found.explored, found.study.sample.source)


def _fits(found: _Found) -> Section | None:
    source = found.study.sample.source
    return fit_section(found.plain, found.control, source, seed=found.asked.seed)


def _methods(found: _Found) -> Section:
    told = [*found.plain[:1], *(one for one in found.models if one not in found.plain)]
    bayesian = [model for model in told if model.has_draws]
    texts = () if found.control.active else tuple(methods(model).text for model in bayesian)
    if any(not model.has_draws for model in found.models):
        texts += (say(
            "Where no posterior is given, models are fitted by maximum likelihood, with Wald "
            "intervals: bayes-sf report --engine nuts samples their posteriors."
        ),)  # fmt: skip
    part = "methods" if found.plain else ""
    return Section("methods", found.study.sample.source, texts, part=part)


def _account(found: _Found) -> Section:
    lines = (*found.account, *filter(None, (found.notice,)))
    return Section("account", found.study.sample.source, lines=lines)


def _provenance(found: _Found) -> Section:
    return Section("provenance", found.study.sample.source, part="provenance")


def _where_from(found: _Found) -> list[tuple[str, str]]:
    """What the numbers rest on."""
    digest = keyed({"data": found.study.sample.digest})["data"]
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    return [
        (say("Data"), found.study.header.file.name), (say("Digest of the data"), digest),
        (say("Seed"), str(found.asked.seed)), (say("Versions"), used),
    ]  # fmt: skip


_SECTIONS: Final = (
    _asked, _levels, _coefficients, _missing, _sensitivity, _choices, _fits, _methods, _account,
    _provenance,
)  # fmt: skip
