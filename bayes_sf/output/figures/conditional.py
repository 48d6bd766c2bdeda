"""Conditional effects: the expected outcome along each predictor, the others as they are.

Every place of a curve is an average over the fitted rows with that one value put in, random effects
left out: what `bayes_sf.predict(at=..., groups="none")` gives.
"""

from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_sf.analysis.asked.grid import design_of
from bayes_sf.analysis.asked.predictions import predict
from bayes_sf.arrays import Floats
from bayes_sf.catalogue import say
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.output.figures.page import PALETTE, picture_label, styled, write_numbers
from bayes_sf.output.words.words import interval_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_conditional"]

#: Places of a curve; values of numbers that are drawn one by one, and of what lines are drawn for.
_PLACES, _FEW = 25, 6
#: Letters of names that stand beside each other under a panel.
_ROOM: Final = 24


def draw_conditional(result: Result) -> "Figure":
    """Draw the expected outcome along each predictor, and along those that go together in another.

    Numbers have a curve with a band over the range of the data, categories and few numbers points;
    a number in a product with a category has a curve for each of its levels.

    Parameters
    ----------
    result : Result
        Fitted to a data frame.

    Raises
    ------
    UsageError
        For a model without predictors, and where `predict` has no answer.
    """
    from matplotlib.figure import Figure

    design = design_of(result)
    frame, names = design.frame, design.formula.predictors
    if not names:
        where = f"plot 'conditional' of model {result.spec.name!r}"
        raise UsageError(where, "needs predictors", fix="plot 'forest'")
    values = {name: _values(frame[name]) for name in names}
    asked = [(name, *_partner(name, result.spec.predictors, values)) for name in names]
    across = min(3, len(asked))
    down = -(-len(asked) // across)
    unit = f" ({result.spec.unit})" if result.spec.unit else ""
    with styled():
        figure = Figure(figsize=(2.8 * across, 2.3 * down + 0.5), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False, sharey=True)
        for axes in panels.flat[len(asked) :]:
            axes.set_axis_off()
        for axes, columns in zip(panels.flat, asked, strict=False):
            found = predict(result, at={name: values[name] for name in columns}, groups="none")
            _draw(axes, found, [values[name] for name in columns])
            axes.set_xlabel(picture_label(columns[0]))
            if len(columns) > 1:
                axes.legend(title=picture_label(columns[1]), frameon=False, fontsize=8)
        for axes in panels[:, 0]:
            axes.set_ylabel(picture_label(result.spec.outcome) + unit)
        kind = interval_name(
            "credible-eti" if result.has_draws else "confidence-wald", result.prob
        )  # fmt: skip
        title = say("Expected outcome, averaged over the rows. Band or bar: {}", kind)
        figure.suptitle(title, size=10, x=0.01, ha="left")
    return figure


def _values(column: "pd.Series[float]") -> list[object]:
    """Where a predictor is asked: a range of numbers, few numbers, or all levels that are used."""
    if hasattr(column, "cat"):
        used = set(column.dropna())
        return [level for level in column.cat.categories if level in used]
    found = sorted(column.unique())
    if column.dtype.kind in "iuf" and len(found) > _FEW:
        return [float(at) for at in np.linspace(found[0], found[-1], _PLACES)]
    return list(found)


def _partner(
    name: str, terms: tuple[str, ...], values: dict[str, list[object]]
) -> tuple[()] | tuple[str]:
    """The first predictor of few values that a number's curve depends on."""
    if len(values[name]) <= _FEW:
        return ()
    pairs = (term.split(":") for term in terms if term.count(":") == 1)
    others = (part for pair in pairs if name in pair for part in pair if part != name)
    return next(((other,) for other in others if len(values.get(other, ())) in _LEVELS), ())


#: Levels that have a curve each, and colours, of which neighbours are unlike.
_LEVELS: Final = range(2, _FEW + 1)
_COLOURS: Final = tuple(PALETTE[at] for at in (4, 5, 2, 0, 3, 1))


def _draw(axes: "Axes", found: "pd.DataFrame", values: list[list[object]]) -> None:
    """One panel: a curve with its band for each level, or points with their intervals."""
    places, levels = values[0], values[1] if len(values) > 1 else [None]
    mean, low, high = (
        dict(zip(product(places, levels), found[name], strict=True))
        for name in ("estimate", "lower", "upper")
    )
    numbers = all(
        isinstance(at, int | float | np.number) and not isinstance(at, bool) for at in places
    )
    x = np.array(places, dtype=float) if numbers else np.arange(len(places), dtype=float)
    for color, level in zip(_COLOURS, levels, strict=False):
        y, bottom, top = (
            np.array([part[at, level] for at in places]) for part in (mean, low, high)
        )  # fmt: skip
        label = "" if level is None else picture_label(str(level))
        if numbers and len(places) > _FEW:
            axes.plot(x, y, color=color, lw=1.8, label=label)
            axes.fill_between(x, bottom, top, color=color, alpha=0.2, lw=0)
        else:
            axes.errorbar(x, y, _beside(y, bottom, top), fmt="o", color=color, ms=5, lw=1.8)
    if not numbers:
        names = [picture_label(str(at)) for at in places]
        axes.set_xticks(x, names, rotation=90 if sum(map(len, names)) > _ROOM else 0)
        axes.set_xlim(-0.5, len(x) - 0.5)
    write_numbers(axes, "xy" if numbers else "y")


def _beside(y: Floats, bottom: Floats, top: Floats) -> Floats:
    """Lengths of bars below and above."""
    return np.vstack([y - bottom, top - y])
