"""`bayes-sf sensitivity`: how far claims move."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.sensitivity import Sensitivity, sensitivity
from bayes_sf.catalogue import language, say
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.protected_models import keep_open
from bayes_sf.disclosure.protected_sensitivity import protect_sensitivity
from bayes_sf.output.audit import notice
from bayes_sf.output.figures.sensitivity import (
    controls_figure,
    fan_figure,
    ladder_figure,
    ranks_figure,
)
from bayes_sf.output.formats.markdown import markdown
from bayes_sf.output.run import Asked, Content, Run, described
from bayes_sf.output.tables.result_tables import slug
from bayes_sf.output.tables.sensitivity_tables import model_tables, outcome_tables
from bayes_sf.output.words.unanswered import unanswered
from bayes_sf.output.words.words import numbered_name, statement_of
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bayes_sf.output.tables.table import Table

__all__ = ["run_sensitivity"]

#: So many models are printed; all are in the files.
_SHOWN = 2
#: So many models get pictures of their own.
_DRAWN = 8


def run_sensitivity(analysis: Analysis, data: Any, asked: Asked, **stated: Any) -> Run:
    """Ask every part; a CSV for each, the tables as a page, pictures.

    Parameters
    ----------
    analysis : Analysis
        What is asked.
    data : PublishedStudy or AnalysisSample
        Its data.
    asked : Asked
    **stated
        As in `sensitivity`: items, parts, contrast, rope, workforce, ...
    """
    control = Control.of(data, asked.rules)
    kept = keep_open(analysis, control)
    found = sensitivity(
        kept.shown, data, seed=asked.seed, lang=language(), keep=control.keeps,
        progress=asked.progress, **stated,
    )  # fmt: skip
    shown = kept.also(protect_sensitivity(found, control))
    notes = notice(control, shown.log, page=True)
    return Run(
        asked, control, shown.map(lambda both: _content(both[0], both[1], asked, notes, stated))
    )


def _content(
    analysis: Analysis, found: Sensitivity, asked: Asked, notes: str, stated: Mapping[str, Any]
) -> Content:
    """Tables, pictures and files."""
    shown: list[Table] = []
    for result in found.results[:_SHOWN]:
        shown += model_tables(found, result, short=True)
    left = unanswered(found.left_out)
    return Content(
        frames=found.tables,
        tables=(*shown, *outcome_tables(found)),
        figures=_pictures(found),
        texts={"sensitivity.md": _page(analysis, found, asked.source, notes)},
        lines=[f"{say("Without an answer")}: {line}" for line in left],
        about={
            "analysis": analysis.name, "question": analysis.question, "prob": found.prob,
            "parts": list(found.tables), "left_out": dict(found.left_out),
            "stated": {key: _said(value) for key, value in stated.items()},
            "models": [described(result) for result in found.results],
        },
        said={"left_out": dict(found.left_out)},
        more=len(found.results) - _SHOWN,
    )  # fmt: skip


def _said(value: object) -> object:
    """What a user stated, as text where JSON has no type for it."""
    plain = isinstance(value, str | int | float | list | tuple | None)
    return value if plain else str(value)


def _page(analysis: Analysis, found: Sensitivity, source: str, disclosure: str) -> str:
    """All tables on a page of Markdown."""
    head = [
        f"# {_heading(analysis, found)}",
        statement_of(source),
        *([disclosure] if disclosure else []),
    ]
    tables = [table for result in found.results for table in model_tables(found, result)]
    tables += outcome_tables(found)
    left = [f"- {line}" for line in unanswered(found.left_out)]
    tail = [f"## {say('Without an answer')}", "\n".join(left)] if left else []
    return "\n\n".join([*head, *map(markdown, tables), *tail]) + "\n"


def _heading(analysis: Analysis, found: Sensitivity) -> str:
    """The analysis' question; of some of its items, which ones."""
    asked = list(dict.fromkeys(result.spec.name for result in found.results))
    if len(asked) == len({spec.name for spec in analysis.specs}):
        return analysis.question_said
    return f"{say('How far it moves')}: {', '.join(numbered_name(n) for n in asked)}"


def _pictures(found: Sensitivity) -> "dict[str, Figure]":
    """Pictures of the first models, and of every outcome's many slopes."""
    drawn: dict[str, Figure] = {}
    makers = {"fan": fan_figure, "ladder": ladder_figure, "controls": controls_figure}
    for result in found.results[:_DRAWN]:
        spec = result.spec
        about = (*spec.predictors[:1], "icc")
        for part in [part for part in makers if part in found.tables]:
            frame = found.tables[part]
            own = frame[(frame["outcome"] == spec.outcome) & (frame["model"] == spec.name)]
            own = own[own["term"].str.partition("[")[0].isin(about)]
            name = slug(f"{part}_{spec.name}_{spec.outcome}")
            if len(own):
                drawn[name] = makers[part](own.infer_objects())
    if "multiplicity" in found.tables:
        asked = [term for result in found.results for term in result.moments.predictors]
        for outcome, many in found.tables["multiplicity"].groupby("outcome", sort=False):
            drawn[slug(f"ranks_{outcome}")] = ranks_figure(many, asked)
    return drawn
