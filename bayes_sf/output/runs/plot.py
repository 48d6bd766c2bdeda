"""`bayes-sf plot`: a picture of every model of an analysis."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.pooling import compare_pooling
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import Passed, all_of
from bayes_sf.disclosure.protected_models import (
    check_withheld,
    keep_open,
    pass_picture,
    protect_pooling,
    protect_results,
)
from bayes_sf.engines.fit import fit
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.figures.page import DPI
from bayes_sf.output.figures.pictures import OF_CHAINS, draw_picture, picture_name, signed
from bayes_sf.output.figures.result import draw_levels, passed_levels
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.run import Asked, Content, Run, described
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["run_plot"]


def run_plot(
    analysis: Analysis, data: Any, asked: Asked, picture: str, *, engine: str | None = None,
    dpi: int = DPI, options: Mapping[str, Any] = MappingProxyType({}),
) -> Run:  # fmt: skip
    """Fit and draw every model of an analysis.

    Parameters
    ----------
    analysis : Analysis
        What is asked.
    data : PublishedStudy or AnalysisSample
        Its data.
    asked : Asked
    picture : str
        One of `PICTURES`.
    engine : {"exact", "nuts"}, optional
        By default what a model takes, and nuts for pictures of chains.
    dpi : int
        Dots of PNG files for an inch.
    options : mapping
        As `forest_options` gives them.
    """
    control = Control.of(data, asked.rules)
    kept = keep_open(analysis, control)
    results, drawn = list[Result](), list["Passed[Figure]"]()
    for spec in kept.shown.specs:
        check_withheld(spec, picture, control)
        _check_slopes(spec, picture)
    with show_sampling(asked.console, len(kept.shown.specs)) as begin:
        for spec in kept.shown.specs:
            begin(f"{spec.name} of {spec.outcome}")
            needed = spec.engines[0] if picture not in OF_CHAINS else "nuts"
            result = fit(spec, data, engine=engine or needed, seed=asked.seed)
            drawn.append(_drawn(result, data, picture, control, options))
            results.append(result)
    names = [picture_name(result, picture) for result in results]

    def content(both: "tuple[Analysis, tuple[tuple[Figure, ...], tuple[Result, ...]]]") -> Content:
        figures, models = both[1]
        about = {
            "analysis": both[0].name, "question": both[0].question, "picture": picture,
            "models": [described(result) for result in models],
        }  # fmt: skip
        drawn_by_name = dict(zip(names, figures, strict=True))
        return Content(figures=drawn_by_name, about=about, tight=True, dpi=dpi)

    shown = kept.also(all_of(drawn).also(protect_results(results, control)))
    return Run(asked, control, shown.map(content))


def _check_slopes(spec: ModelSpec, picture: str) -> None:
    """Refuse lines that have no ends, before anything is sampled."""
    stray = [name for name in spec.varying if name not in load_codebook().items]
    if picture == "slopes" and stray:
        rule = "draws lines from one end of an item's answers to the other: a number has no ends"
        raise UsageError(f"plot 'slopes' of {spec.name}", rule, got=stray[0])


def _drawn(
    result: Result, data: Any, picture: str, control: Control, options: Mapping[str, Any]
) -> "Passed[Figure]":
    """A picture, of protected data made of what their tables say."""

    def draw(shown: Result, name: str) -> "Figure":
        if levels is None:
            return draw_picture(shown, name, options)
        return signed(draw_levels(shown, *passed_levels(levels.shown)), shown, name)

    levels = None
    if control.active and picture == "shrinkage":
        pooling = compare_pooling(result.spec, data, prob=result.prob)
        levels = protect_pooling(pooling, control)
    return pass_picture(result, picture, control, draw)
