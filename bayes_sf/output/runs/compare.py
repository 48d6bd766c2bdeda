"""`bayes-sf compare`: the poolings of an analysis."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bayes_sf.analysis.pooling import Pooling, compare_pooling
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import all_of
from bayes_sf.disclosure.protected_models import keep_open, protect_pooling
from bayes_sf.output.run import Asked, Content, Run, described
from bayes_sf.output.tables.pooling_tables import pooling_table, shrinkage_table
from bayes_sf.spec.analysis import Analysis

__all__ = ["run_compare"]

#: Analyses of more models are in the files; so many are printed.
_SHOWN = 4


def run_compare(analysis: Analysis, data: Any, asked: Asked) -> Run:
    """Compare the poolings of every model of an analysis.

    Parameters
    ----------
    analysis : Analysis
        What is asked.
    data : PublishedStudy or AnalysisSample
        Its data.
    asked : Asked
    """
    control = Control.of(data, asked.rules)
    kept = keep_open(analysis, control)
    found = all_of(
        protect_pooling(compare_pooling(spec, data), control)
        for spec in asked.progress(kept.shown.specs)
    )
    passed = kept.also(found).map(lambda both: _content(*both))
    return Run(asked, control, passed)


def _content(analysis: Analysis, found: Sequence[Pooling]) -> Content:
    """Tables and files."""
    return Content(
        frames={
            "pooling": pd.DataFrame([row for one in found for row in one.terms]),
            "shrinkage": pd.DataFrame([row for one in found for row in one.groups]),
        },
        tables=[
            table
            for one in found[:_SHOWN]
            for table in (
                pooling_table(one),
                shrinkage_table(one, short=True),
            )
        ],
        about={
            "analysis": analysis.name, "question": analysis.question,
            "models": [{**described(p.exact), "no_pooling": p.missing or "fitted"} for p in found],
        },
        more=len(found) - _SHOWN,
    )  # fmt: skip
