"""`bayes-sf influence`: who carries the associations of an analysis."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bayes_sf.analysis.choices.influence import SMALLEST, Influence, influence
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import all_of
from bayes_sf.disclosure.protected_choices import PULLS, REFITS, protect_influence
from bayes_sf.disclosure.protected_frames import mark_hidden
from bayes_sf.disclosure.protected_models import keep_open
from bayes_sf.output.figures.influence import influence_figure
from bayes_sf.output.run import Asked, Content, Run, described
from bayes_sf.output.tables.influence_tables import influence_tables
from bayes_sf.output.tables.result_tables import slug
from bayes_sf.spec.analysis import Analysis

__all__ = ["run_influence"]

#: Analyses of more models are in the files; so many are printed.
_SHOWN = 2


def run_influence(analysis: Analysis, data: Any, asked: Asked) -> Run:
    """Find who carries the first predictor of every model.

    Parameters
    ----------
    analysis : Analysis
        What is asked.
    data : AnalysisSample
        Workplaces.
    asked : Asked
    """
    control = Control.of(data, asked.rules)
    kept = keep_open(analysis, control)
    smallest = max(SMALLEST, control.rules.min_workplaces) if control.active else 1
    found = all_of(
        protect_influence(influence(spec, data, smallest=smallest), control)
        for spec in asked.progress(kept.shown.specs)
    )
    passed = kept.also(found).map(lambda both: _content(both[0], both[1], asked))
    return Run(asked, control, passed)


def _content(analysis: Analysis, found: Sequence[Influence], asked: Asked) -> Content:
    """Tables, pictures and files."""
    return Content(
        frames={
            name: pd.concat([_frame(one, name, asked.source) for one in found], ignore_index=True)
            for name in ("refits", "answers", "cells")
        },
        tables=[table for one in found[:_SHOWN] for table in influence_tables(one)],
        figures={
            slug(f"influence_{one.result.spec.name}_{one.result.spec.outcome}"):
            influence_figure(one)
            for one in found if one.refits["reason"].iloc[0] == ""  # of all: else it is withheld
        },
        about={
            "analysis": analysis.name, "question": analysis.question,
            "models": [{**described(one.result), "prob": one.result.prob} for one in found],
        },
        more=len(found) - _SHOWN,
    )  # fmt: skip


def _frame(one: Influence, name: str, source: str) -> pd.DataFrame:
    """One of a model's frames, with what it is of."""
    spec = one.result.spec
    return mark_hidden(getattr(one, name), REFITS if name == "refits" else PULLS).assign(
        outcome=spec.outcome, model=spec.name, contrast=one.contrast.label, unit=spec.unit,
        source=source,
    )  # fmt: skip
