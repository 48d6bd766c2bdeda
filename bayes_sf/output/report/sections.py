"""Sections of the report: each is built from results, and is there only where it has some.

`SECTIONS` is the registry: a function takes the material and gives a section, or None. To add one,
write the function and put it where it is to be read.
"""

from collections.abc import Callable, Sequence
from typing import Final

from bayes_sf.analysis.contrast import exact_posterior
from bayes_sf.disclosure.protected_models import hidden_of
from bayes_sf.output.audit import notice
from bayes_sf.output.figures.multiverse import curve_figure
from bayes_sf.output.figures.page import upper_first
from bayes_sf.output.figures.posterior import forest_figure, icc_figure, level_figure, line_figure
from bayes_sf.output.figures.sensitivity import ranks_figure
from bayes_sf.output.report.material import Material, associations, explorer_models
from bayes_sf.output.report.missing import build_missing, build_unobserved
from bayes_sf.output.report.section import REPORT, Section
from bayes_sf.output.report.sentences import say
from bayes_sf.output.report.statements import icc_range, observed, replay_counts
from bayes_sf.output.report.tables import contrast_table, fan_table
from bayes_sf.output.tables.comparison_tables import comparison_tables, icc_table
from bayes_sf.output.tables.multiverse_tables import multiverse_tables
from bayes_sf.output.tables.pooling_tables import shrinkage_table
from bayes_sf.output.tables.sensitivity_tables import model_tables, outcome_tables
from bayes_sf.output.words.findings import findings_lines
from bayes_sf.output.words.words import term_name

__all__ = ["SECTIONS", "build_sections"]


def _icc(material: Material) -> Section:
    table = icc_table(material.found.icc, source=material.source, lang=material.lang)
    paragraphs = (say("icc text", material.lang), icc_range(material, "absence_mean"),
                  icc_range(material, "absence_change"))  # fmt: skip
    figure = icc_figure(material.nulls, lang=material.lang)
    return Section("icc", material.source, paragraphs, (table,), (figure,))


def _effects(material: Material) -> Section:
    lang, source, found = material.lang, material.source, associations(material)
    outcomes = [result.spec.outcome for result in material.nulls]
    figures = [
        forest_figure(material.slopes(outcome), source=source, lang=lang) for outcome in outcomes
    ]
    chosen = [
        one for one in material.bivariate
        if one.spec.key == ("q17", "absence_change") and not hidden_of(one, material.control)
    ]  # fmt: skip
    figures += [line_figure(one, lang=lang, seed=material.seed) for one in chosen]
    paragraphs = [observed(material), *([say("one slope", lang)] if chosen else [])]
    return Section(
        "effects", source, tuple(paragraphs),
        (
            *(contrast_table(material, found, outcome) for outcome in outcomes),
            *comparison_tables(material.found, source=source, lang=lang),
        ),
        tuple(figures),
    )  # fmt: skip


def _industries(material: Material) -> Section:
    versions = _versions(material)
    paragraphs = (say("first version", material.lang, n=versions),) if versions > 1 else ()
    tables = tuple(shrinkage_table(p, lang=material.lang) for p in material.poolings)
    figure = level_figure(material.poolings, lang=material.lang)
    return Section("industries", material.source, paragraphs, tables, (figure,))


def _versions(material: Material) -> int:
    """How many possible data sets the posteriors average over."""
    return max(len(result.fitted.parts) for result in material.nulls)


def _sensitivity(material: Material) -> Section:
    lang, small = material.lang, material.small
    apart = {(a.outcome, a.contrast.term) for a in associations(material) if a.apart}
    tables = [fan_table(material, result.spec.outcome) for result in material.nulls]
    for result in small.results if "ladder" in small.tables else ():
        if any((result.spec.outcome, term) in apart for term in result.moments.predictors):
            tables += model_tables(small, result, lang)
    tables += outcome_tables(small, lang)
    figures = []
    for outcome, frame in small["multiplicity"].groupby("outcome", sort=False):
        terms = [term for where, term in apart if where == outcome]
        figures.append(ranks_figure(frame, terms, lang=lang))
    return Section(
        "sensitivity", material.source, (say("fan", lang), say("small", lang)), tuple(tables),
        tuple(figures),
    )  # fmt: skip


def _multiverse(material: Material) -> Section | None:
    lang, explored = material.lang, material.explored
    if explored is None:
        return None
    if isinstance(explored, str):
        return Section("multiverse", material.source, (say("not there", lang, reason=explored),))
    item = upper_first(term_name(explored.asked.item, lang))
    paragraphs = (
        say("multiverse text", lang, item=item, k=len(explored.fitted), m=len(explored.table)),
        say("multiverse more", lang, name=explored.asked.name),
    )
    tables, figure = multiverse_tables(explored, lang=lang), curve_figure(explored, lang=lang)
    return Section("multiverse", material.source, paragraphs, tables, (figure,))


def _explorer(material: Material) -> Section | None:
    if not explorer_models(material):
        return None
    return Section(
        "explorer", material.source, (say("explorer text", material.lang),), part="explorer"
    )


def _diagnostics(material: Material) -> Section:
    lang, found = material.lang, material.found
    error = max(float(material.fan["error"].max()), _unresolved(material))
    hit, total = found.returned
    left = sum(row.basis == "estimate and SE" for row in found.coefficients)
    paragraphs = [
        say("exact", lang, error=_power_of_ten(error)),
        say("returned", lang, hit=hit, total=total),
        *([say("from summary", lang, left=left)] if left else []),
    ]
    return Section("diagnostics", material.source, tuple(paragraphs))


def _unresolved(material: Material) -> float:
    """What the nodes of the null models leave unresolved."""
    fits = [exact_posterior(result) for result in material.nulls]
    return max(max(part.grid.unresolved()) for fitted in fits for part in fitted.parts)


def _power_of_ten(value: float) -> str:
    """Round up to a power of ten: a bound is never understated."""
    from math import ceil, log10

    digits = str(abs(ceil(log10(value)))).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10⁻{digits}" if value < 1 else f"10{digits}"


def _replay(material: Material) -> Section:
    lang = material.lang
    paragraphs = (say("replayed", lang, **replay_counts(material)), say("findings", lang))
    lines = findings_lines(material.outcomes, lang)
    return Section("replay", REPORT, paragraphs, lines=lines)


def _methods(material: Material) -> Section:
    return Section("methods", material.source, part="methods")


def _provenance(material: Material) -> Section:
    versions = _versions(material)
    paragraphs = [say("limits", material.lang, n=versions)] if versions > 1 else []
    if material.control.microdata:
        paragraphs.append(notice(material.control, material.hidden, material.lang, page=True))
    return Section("provenance", material.source, tuple(paragraphs), part="provenance")


#: In the order in which they are read.
SECTIONS: Final[Sequence[Callable[[Material], Section | None]]] = (
    _icc, _effects, _industries, build_missing, build_unobserved, _sensitivity, _multiverse,
    _explorer, _diagnostics, _replay, _methods, _provenance,
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
