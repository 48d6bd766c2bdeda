"""The page of results of a user's own frames: what they say, their slopes, tables and methods."""

from collections.abc import Iterator, Sequence
from importlib import metadata
from math import isfinite
from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import say
from bayes_sf.engines.fit import versions
from bayes_sf.engines.result import Result
from bayes_sf.output.figures.associations import Drawn, intervals_figure
from bayes_sf.output.figures.page import upper_first
from bayes_sf.output.numbers import level, row_decimals
from bayes_sf.output.report.page import Page, render
from bayes_sf.output.report.section import Section
from bayes_sf.output.tables.side_by_side import table
from bayes_sf.output.words.methods import checklist_table, methods
from bayes_sf.output.words.report import report
from bayes_sf.output.words.words import outcome_name, own_group, statement_of, term_name
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["names_of", "results_page"]

#: Models that the first screen has sentences of, and intervals of its picture.
_NAMED: Final = 2
_FIRST: Final = 12
_SOURCE: Final = "frame"


def results_page(results: Sequence[Result], *, seed: int = 1) -> str:
    """Make the page of some results.

    Parameters
    ----------
    results : sequence of Result
        Of data frames.
    seed : int
        As it is cited.

    Returns
    -------
    str
        HTML that names no other file and no address that is fetched.
    """
    outcomes = dict.fromkeys(_outcome(one) for one in results)
    heading = say("Models of {}", ", ".join(outcomes))
    said = statement_of(_SOURCE)
    bayesian = [one for one in results if one.has_draws and one.provenance.source != "sets"]
    rest = results[_NAMED:]
    texts = tuple(f"{one.spec.name}: {report(one)}" for one in rest)
    checked = [(one, methods(one)) for one in bayesian]
    sections = [
        Section("coefficients", _SOURCE, texts, (table(results, names=names_of(results)).table,),
                () if (whole := _slopes(results)) is None else (whole,)),
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
            answers=[*((_titled(one, results), report(one)) for one in results[:_NAMED]), (
                say("Not said"),
                say("whether a predictor is a cause: that rests on how data came about."),
            )],
            first=_slopes(results, most=_FIRST) or _spreads(results[0]),
            sections=sections, explorer={},
            parts={
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


def _titled(result: Result, results: Sequence[Result]) -> str:
    """What a sentence is about."""
    return result.spec.name if len(results) > 1 else _outcome(result)


def _slopes(results: Sequence[Result], most: int | None = None) -> "Figure | None":
    """Intervals of slopes; None without any."""
    several = len(results) > 1
    rows = [
        Drawn(
            _named(row.term, one) if several else term_name(row.term, own=own_group(one)),
            row.lower, row.estimate, row.upper,
        )
        for one in results for row in one.coefficients
        if row.term != INTERCEPT and isfinite(row.estimate)
    ][:most]  # fmt: skip
    names = ", ".join(dict.fromkeys(_outcome(one) for one in results))
    return _drawn(rows, say("Slopes of {}", names), results[0]) if rows else None


def _named(term: str, result: Result) -> str:
    """A term with its model, unless the model is called by it."""
    name = term_name(term, own=own_group(result))
    return name if result.spec.name == term else f"{name} ({result.spec.name})"


def _spreads(result: Result) -> "Figure":
    """What varies, of a model without slopes."""
    rows = [
        Drawn(row.term, row.lower, row.estimate, row.upper)
        for row in result.singles
        if row.term.startswith(("sd_", "icc")) and isfinite(row.lower)
    ] or [Drawn(row.term, row.lower, row.estimate, row.upper) for row in result.coefficients]
    return _drawn(rows, say("What varies: {}", _outcome(result)), result, zero=False)


def _drawn(rows: Sequence[Drawn], title: str, result: Result, *, zero: bool = True) -> "Figure":
    """Intervals, and how to read them."""
    point = say("posterior mean") if result.has_draws else say("estimate")
    said = say("{} and {} interval", point, level(result.prob))
    said = say("{}; orange: without zero", said) if zero else said
    places = max(_places(rows))
    return intervals_figure(
        rows, title, upper_first(said), _SOURCE, _outcome(result), decimals=places, zero=zero
    )


def _places(rows: Sequence[Drawn]) -> Iterator[int]:
    return (row_decimals(row[1:4], (row.upper - row.lower) / 4) for row in rows)
