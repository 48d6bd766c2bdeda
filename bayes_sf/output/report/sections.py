"""Sections of the report: each is built from results, and is there only where it has some.

`SECTIONS` is the registry: a function takes the material and gives a section, or None. To add one,
write the function and put it where it is to be read.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from bayes_sf.analysis.choices.multiverse import Explored
from bayes_sf.analysis.comparison import Reproduction
from bayes_sf.catalogue import say
from bayes_sf.disclosure.protected_models import hidden_of
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.audit import notice
from bayes_sf.output.figures.associations import forest_figure
from bayes_sf.output.figures.multiverse import curve_figure
from bayes_sf.output.figures.page import upper_first
from bayes_sf.output.figures.posterior import icc_figure, level_figure, line_figure
from bayes_sf.output.report.fit import build_fit
from bayes_sf.output.report.material import Material, explorer_models
from bayes_sf.output.report.missing import build_missing, build_unobserved
from bayes_sf.output.report.section import REPORT, Section
from bayes_sf.output.report.statements import (
    apart_line,
    changed_line,
    icc_range,
    observed,
    replay_counts,
)
from bayes_sf.output.report.tables import (
    contrast_table,
    icc_fan_table,
    slope_fan_table,
)
from bayes_sf.output.tables.comparison_tables import comparison_tables, icc_table
from bayes_sf.output.tables.multiverse_tables import multiverse_tables
from bayes_sf.output.tables.pooling_tables import shrinkage_table
from bayes_sf.output.tables.sensitivity_tables import model_tables, outcome_tables
from bayes_sf.output.words.findings import findings_lines, without_code
from bayes_sf.output.words.methods import checklist_table, methods
from bayes_sf.output.words.words import model_name, term_name
from bayes_sf.spec.moments import INTERCEPT

__all__ = ["SECTIONS", "build_sections", "explored_section"]

#: The report's tables of models that are there for one slope.
_ONE_SLOPE: Final = ("46", "47")


def _summary(material: Material) -> Section:
    return Section("summary", material.source, part="summary")


def _icc(material: Material) -> Section:
    table = icc_table(material.found.icc, source=material.source)
    paragraphs = (
        say(
            "The ICC is the industries' share of the variance that predictors leave (adjusted ICC)."
        ),
        icc_range(material, "absence_change"),
    )
    lead = icc_range(material, "absence_mean")
    passed = material.found.icc if material.control.active else ()
    figure = icc_figure(material.nulls, passed)
    return Section("icc", material.source, paragraphs, (table,), (figure,), lead=lead)


def _effects(material: Material) -> Section:
    source, found = material.source, material.associations
    outcomes = [result.spec.outcome for result in material.nulls]
    figures = [forest_figure(material.slopes(outcome), source=source) for outcome in outcomes]
    chosen = [
        one for one in material.bivariate
        if one.spec.key == ("q17", "absence_change") and not hidden_of(one, material.control)
    ]  # fmt: skip
    figures += [line_figure(one, seed=material.seed) for one in chosen]
    paragraphs = [
        observed(material),
        *(
            [
                say(
                    "The report's figure 7 is drawn here from the model with one slope: the "
                    "difference is the same in every industry, and only levels vary. "
                    "Slopes of their own for "
                    "each industry, and how much each borrows from the others, need "
                    "workplaces and sampling: bayes-sf plot q17_slopes slopes. The "
                    "industries' levels, their sd and their correlation with the slopes are "
                    "there at the predictor's zero, workplaces with union representatives."
                )
            ]
            if chosen
            else []
        ),
    ]
    return Section(
        "effects", source, tuple(paragraphs),
        (
            *(contrast_table(material, found, outcome) for outcome in outcomes),
            *(
                table.without("model")  # a code of the questionnaire: the term says its words
                for table in comparison_tables(_without_intercepts(material.found), source=source)
            ),
        ),
        tuple(figures),
        lead=apart_line(found),
    )  # fmt: skip


def _without_intercepts(found: Reproduction) -> Reproduction:
    """Leave out the levels of models that are there for one slope each."""
    book = load_codebook()
    kept = tuple(
        row for row in found.coefficients
        if row.table not in _ONE_SLOPE or book.term(row.term) != INTERCEPT
    )  # fmt: skip
    return replace(found, coefficients=kept)


def _industries(material: Material) -> Section:
    versions = _versions(material)
    paragraphs = (
        (
            say(
                "Open points, raw means and posteriors are all averages over the {n} "
                "possible versions of the study.",
                n=versions,
            ),
        )
        if versions > 1
        else ()
    )
    tables = tuple(shrinkage_table(p, short=True) for p in material.poolings)
    figure = level_figure(material.poolings)
    return Section("industries", material.source, paragraphs, tables, (figure,))


def _versions(material: Material) -> int:
    """How many possible data sets the posteriors average over."""
    return max(len(result.fitted.parts) for result in material.nulls)


def _sensitivity(material: Material) -> Section:
    small = material.small
    apart = {(a.outcome, a.contrast.term) for a in material.associations if a.apart}
    tables = [
        make(material, result.spec.outcome)
        for result in material.nulls
        for make in (icc_fan_table, slope_fan_table)
    ]
    for result in small.results if "ladder" in small.tables else ():
        if any((result.spec.outcome, term) in apart for term in result.moments.predictors):
            tables += model_tables(small, result)
    tables += [table.without("rank", "rank_lower") for table in outcome_tables(small)]
    return Section(
        "sensitivity",
        material.source,
        (
            say(
                "The first tables have a row for every prior of one kind, and say what the "
                "priors of the other kind do beside it. No model was fitted again: the nodes of "
                "the integration are given new weights."
            ),
            say(
                "Then come the terms whose interval leaves out zero: the same workplaces "
                "from least squares without industries to the posterior. Last, all "
                "slopes of an outcome are looked at together, so that the largest is "
                "also judged as the largest of many."
            ),
        ),
        tuple(tables),
        lead=changed_line(material),
    )


def _multiverse(material: Material) -> Section | None:
    explored = material.explored
    if explored is None:
        return None
    if isinstance(explored, str):
        return Section(
            "multiverse",
            material.source,
            (say("Cannot be computed from these data: {reason}", reason=explored),),
        )
    return explored_section([explored], material.source)


def explored_section(explored: Sequence[Explored], source: str) -> Section:
    """What an analyst's choices do.

    Parameters
    ----------
    explored : sequence of Explored
        As `explore` gives them.
    source : str
        Whose rows.
    """
    paragraphs = [
        say(
            "{item}: {k} of {m} combinations of reasonable choices could be fitted, "
            "each with an exact posterior of its own. The curve shows the estimates "
            "from the smallest to the largest; the fields below it show which "
            "choices they come from. The report's choices are marked.",
            item=upper_first(term_name(one.asked.item)), k=len(one.fitted), m=len(one.table),
        )
        for one in explored
    ]  # fmt: skip
    paragraphs.append(
        say(
            "Combinations share workplaces: shares of them are no probabilities. "
            "bayes-sf multiverse {name} has more options of each choice.",
            name=explored[0].asked.name,
        )
    )
    tables = tuple(table for one in explored for table in multiverse_tables(one))
    figures = tuple(curve_figure(one, narrow=True) for one in explored)
    return Section("multiverse", source, tuple(paragraphs), tables, figures)


def _explorer(material: Material) -> Section | None:
    if not explorer_models(material):
        return None
    return Section(
        "explorer",
        material.source,
        (
            say(
                "Choose outcome, item and priors. The browser computes the posteriors "
                "again on the same nodes as Python; nothing is sent anywhere."
            ),
        ),
        part="explorer",
    )


def _fit(material: Material) -> Section:
    return build_fit(material.fits, material.control, material.source)


def _diagnostics(material: Material) -> Section:
    found = material.found
    error = max(float(material.fan["error"].max()), material.unresolved)
    hit, total = found.returned
    left = sum(row.basis == "estimate and SE" for row in found.coefficients)
    paragraphs = [
        say(
            "The computation is numerical integration, without simulation. The "
            "largest unresolved share of a distribution function, over all models "
            "and priors: {error}.",
            error=_power_of_ten(error),
        ),
        say(
            "REML returns {hit} of {total} figures that the report prints, at their "
            "printed rounding.",
            hit=hit,
            total=total,
        ),
        *(
            [
                say(
                    "The other {left} coefficients belong to models with controls, which "
                    "cannot be recovered; their posteriors rest on estimate and standard "
                    "error (flat priors).",
                    left=left,
                )
            ]
            if left
            else []
        ),
    ]
    return Section("diagnostics", material.source, tuple(paragraphs))


def _power_of_ten(value: float) -> str:
    """Round up to a power of ten: a bound is never understated."""
    from math import ceil, log10

    digits = str(abs(ceil(log10(value)))).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10⁻{digits}" if value < 1 else f"10{digits}"


def _replay(material: Material) -> Section:
    paragraphs = (
        say(
            "The report's printed numbers were held against each other in {compared} "
            "comparisons. Findings, each counted once: {impossible} where the "
            "numbers cannot be true together, {contradicted} where the text or the "
            "questionnaire says otherwise than the tables, {absent} where something "
            "is not reported, and {doubtful} where the numbers can be true only in "
            "ways that the report does not describe.",
            **replay_counts(material),
        ),
        say("The impossible ones come first."),
    )
    lines = tuple(map(without_code, findings_lines(material.outcomes)))
    return Section("replay", REPORT, paragraphs, lines=lines)


def _methods(material: Material) -> Section:
    if material.control.active:  # what is said of its rows has not passed
        return Section("methods", material.source, part="methods")
    null = material.nulls[0]
    name = model_name(null.spec.name)
    table = checklist_table(methods(null), name, source=material.source)
    return Section("methods", material.source, tables=(table,), part="methods")


def _provenance(material: Material) -> Section:
    versions = _versions(material)
    paragraphs = (
        [
            say(
                "What the published tables do not decide is drawn in {n} versions, each "
                "brought onto the printed figures; LIMITATIONS.md of the package says "
                "what is assumed.",
                n=versions,
            )
        ]
        if versions > 1
        else []
    )
    if material.control.microdata:
        paragraphs.append(notice(material.control, material.hidden, page=True))
    return Section("provenance", material.source, tuple(paragraphs), part="provenance")


#: In the order in which they are read.
SECTIONS: Final[Sequence[Callable[[Material], Section | None]]] = (
    _summary, _icc, _effects, _industries, build_missing, build_unobserved, _sensitivity,
    _multiverse, _explorer, _fit, _diagnostics, _replay, _methods, _provenance,
)  # fmt: skip


def build_sections(
    material: Material, builders: Sequence[Callable[[Material], Section | None]] = SECTIONS
) -> tuple[Section, ...]:
    """Build every section that has results.

    Parameters
    ----------
    material : Material
        What they are built from.
    builders : sequence of callables
        The registry.
    """
    found = (build(material) for build in builders)
    return tuple(section for section in found if section is not None)
