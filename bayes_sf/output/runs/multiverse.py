"""`bayes-sf multiverse`: every combination of an analyst's choices, and a specification curve."""

from time import perf_counter
from typing import TYPE_CHECKING

from bayes_sf.analysis.choices.multiverse import Explored, choice_shares, explore, option_means
from bayes_sf.catalogue import say
from bayes_sf.disclosure.control import HIDDEN, Control
from bayes_sf.disclosure.protected_choices import COMBINATIONS, protect_explored
from bayes_sf.disclosure.protected_frames import mark_hidden
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.multiverse import curve_figure
from bayes_sf.output.files import json_text
from bayes_sf.output.numbers import decimals_in
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.output.tables.multiverse_tables import multiverse_tables
from bayes_sf.spec.multiverse import Multiverse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["run_multiverse"]

#: Decimals of means and shares of protected figures, where these have no more themselves.
_DECIMALS = 3


def run_multiverse(
    multiverse: Multiverse, sample: AnalysisSample, asked: Asked, *, jobs: int = 1
) -> Run:
    """Fit every combination.

    Parameters
    ----------
    multiverse : Multiverse
        Choices and options.
    sample : AnalysisSample
        Workplaces.
    asked : Asked
    jobs : int
        Processes.
    """
    start = perf_counter()
    control = Control.of(sample, asked.rules)
    passed = protect_explored(
        explore(multiverse, sample, jobs=jobs, progress=asked.progress), control
    )
    seconds = perf_counter() - start
    return Run(
        asked,
        control,
        passed.map(lambda found: _content(found, sample.digest, seconds, protected=control.active)),
    )


def _content(explored: Explored, digest: str, seconds: float, *, protected: bool) -> Content:
    """Tables, the curve and files."""
    summary = explored.summary()
    frames = {
        "specifications": mark_hidden(explored.table, COMBINATIONS),
        "shares": choice_shares(explored).reset_index(),
        "options": _options(explored),
    }
    if protected:  # of rounded figures: more digits would say nothing
        decimals = max(_DECIMALS, decimals_in(explored.fitted["estimate"]))
        frames = {name: frame.round(decimals) for name, frame in frames.items()}
        summary = {name: round(value, decimals) for name, value in summary.items()}
    question, contrast = explored.asked, explored.contrast
    return Content(
        frames={name: frame.assign(source=explored.source) for name, frame in frames.items()},
        tables=multiverse_tables(explored),
        figures={"specification_curve": curve_figure(explored)},
        texts={"summary.json": json_text(summary)},
        lines=(question.question_said, *_lines(explored)),
        about={
            "multiverse": question.name, "question": question.question, "item": question.item,
            "contrast": contrast.label, "size": contrast.size, "rope": question.rope,
            "unit": explored.unit, "prob": explored.prob, "choices": question.choices,
            "data": digest, "seconds": seconds,
        },
        said={"summary": summary},
        unsaid=("specifications",),
    )  # fmt: skip


def _options(explored: Explored) -> "pd.DataFrame":
    """Estimates by option, with `:` where no n is said."""
    sizes = ["n_least", "n_largest"]
    found = option_means(explored)
    return mark_hidden(found.astype(dict.fromkeys(sizes, "Int64")), sizes)


def _lines(explored: Explored) -> tuple[str, ...]:
    """How many combinations could not be fitted, and why."""
    failed = explored.table[~explored.table["reason"].isin(["", HIDDEN])]
    if failed.empty:
        return ()
    return (
        say(
            "{} of {} combinations could not be fitted; specifications.csv says why. The first: {}",
            len(failed), len(explored.table), failed["reason"].iloc[0],
        ),
    )  # fmt: skip
