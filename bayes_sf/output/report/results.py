"""The page of results of a user's own frames: what they say, their slopes, tables and methods."""

from collections.abc import Sequence
from importlib import metadata
from math import isfinite
from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import say
from bayes_sf.disclosure.control import OFF, Control
from bayes_sf.engines.fit import versions
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import FRAMES, using
from bayes_sf.output.figures.associations import Drawn, estimates_figure
from bayes_sf.output.report.answers import slope_answers
from bayes_sf.output.report.fit import fit_section
from bayes_sf.output.report.page import Page, explorer_parts, render
from bayes_sf.output.report.section import Section
from bayes_sf.output.tables.side_by_side import table
from bayes_sf.output.words.methods import checklist_table, methods
from bayes_sf.output.words.report import report, shares
from bayes_sf.output.words.words import outcome_name, own_group, statement_of, term_name
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["names_of", "results_page"]

#: Intervals of the first picture, and letters of a name that one of several models is called by.
_FIRST, _LONG = 12, 24
_SOURCE: Final = "frame"


def results_page(results: Sequence[Result], *, seed: int = 1, with_data: bool = False) -> str:
    """Make the page of some results.

    Parameters
    ----------
    results : sequence of Result
        Of data frames.
    seed : int
        Of replications.
    with_data : bool
        Whether sums over rows are in the page, for a prior to move by hand.

    Returns
    -------
    str
        HTML that names no other file and no address that is fetched.
    """
    with using(FRAMES):  # names are the user's, even where they are spelt as the study's
        return _page(results, seed, with_data=with_data)


def _page(results: Sequence[Result], seed: int, *, with_data: bool) -> str:
    """The page, in words of rows and groups."""
    outcomes = dict.fromkeys(_outcome(one) for one in results)
    heading = say("Models of {}", ", ".join(outcomes))
    said = statement_of(_SOURCE)
    bayesian = [one for one in results if one.has_draws and one.provenance.source != "sets"]
    names = names_of(results) if all(len(one.spec.name) <= _LONG for one in results) else []
    called = list(zip(results, _called(results, names), strict=True))
    texts = tuple(f"{one.spec.name}: {report(one)}" for one in results)
    if not names:
        texts = tuple(f"{name}, {text}" for (_, name), text in zip(called, texts, strict=True))
    slopes = _slopes(called)
    checked = [(one, methods(one)) for one in bayesian]
    plain = [
        (one, name) for one, name in called
        if type(one) is Result and isinstance(one.fitted, Posterior) and one.data is not None
    ]  # fmt: skip
    models = [one for one, _ in plain]
    moved = explorer_parts(models if with_data else (), [name for _, name in plain])
    if with_data and not moved["sections"]:
        rule = "is for a random intercept by exact, with the usual priors of level and residuals"
        raise UsageError("page: with_data", rule, fix="leave it out")
    fits = fit_section(models, Control.of(None, OFF), _SOURCE, seed=seed)
    sections = [
        Section("coefficients", _SOURCE, texts, (table(results, names=names).table,),
                (_figure(slopes, results),) if slopes else ()),
        *moved["sections"], *filter(None, [fits]),
        *([Section("methods", _SOURCE, tuple(found.text for _, found in checked),
                   tuple(checklist_table(found, one.spec.name) for one, found in checked))]
          if checked else []),
        Section("provenance", _SOURCE, part="provenance"),
    ]  # fmt: skip
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    digests = ", ".join(dict.fromkeys(one.provenance.data for one in results))
    cited = say("This analysis: bayes_sf {}, sf.page, seed {}.", metadata.version("bayes-sf"), seed)
    return render(
        Page(
            title=heading, heading=heading, source=_SOURCE, banner=said, about="", statement=said,
            answers=[(called[0][1] or _outcome(results[0]), shares(results[0])),
                     *slope_answers(slopes, results[0].prob)],
            first=_figure(slopes[:_FIRST], results) if slopes else _spreads(results[0]),
            sections=sections, explorer=moved["explorer"],
            parts=moved["parts"] | {
                "provenance": [(say("Digest of the data"), digests), (say("Versions"), used)],
                "cited": [cited],
            },
        )
    )  # fmt: skip


def _outcome(result: Result) -> str:
    return outcome_name(result.spec.outcome, own=own_group(result))


def names_of(results: Sequence[Result]) -> list[str]:
    """Names of columns: those of models, where they tell them apart; else none.

    Parameters
    ----------
    results : sequence of Result
    """
    names = [one.spec.name for one in results]
    return names if len(set(names)) == len(names) else []


def _called(results: Sequence[Result], names: Sequence[str]) -> list[str]:
    """What models are called: by short names, or by numbers; one alone by nothing."""
    if len(results) == 1:
        return [""]
    return list(names) or [f"{say('Model')} {at}" for at in range(1, len(results) + 1)]


def _slopes(called: Sequence[tuple[Result, str]]) -> list[Drawn]:
    """Intervals of slopes."""
    return [
        Drawn(_named(row.term, one, name), row.lower, row.estimate, row.upper)
        for one, name in called for row in one.coefficients
        if row.term != INTERCEPT and isfinite(row.estimate)
    ]  # fmt: skip


def _figure(slopes: Sequence[Drawn], results: Sequence[Result]) -> "Figure":
    """A picture of them."""
    names = ", ".join(dict.fromkeys(_outcome(one) for one in results))
    return estimates_figure(slopes, say("Slopes of {}", names), results[0], _SOURCE)


def _named(term: str, result: Result, name: str) -> str:
    """A term with its model, unless there is one or it is called by the term."""
    said = term_name(term, own=own_group(result))
    return said if name in {"", term} else f"{said} ({name})"


def _spreads(result: Result) -> "Figure":
    """What varies, of a model without slopes."""
    rows = [
        Drawn(row.term, row.lower, row.estimate, row.upper)
        for row in result.singles
        if row.term.startswith(("sd_", "icc")) and isfinite(row.lower)
    ] or [Drawn(row.term, row.lower, row.estimate, row.upper) for row in result.coefficients]
    title = say("What varies: {}", _outcome(result))
    return estimates_figure(rows, title, result, _SOURCE, zero=False)
