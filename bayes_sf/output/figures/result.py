"""Pictures of one result that are ours: estimates, shrinkage, and slopes by group."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_sf.analysis.checks.loo import rows_of_result
from bayes_sf.analysis.group_slopes import group_lines, group_slopes
from bayes_sf.analysis.pooling import own_levels
from bayes_sf.catalogue import say
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.disclosure.rounding import shortened, significant_decimals
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.result import Result
from bayes_sf.errors import DataError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.figures.page import BLUE, MUTED, picture_label, styled, write_numbers
from bayes_sf.output.numbers import level, percent, with_percent
from bayes_sf.output.words.words import (
    group_name,
    interval_name,
    outcome_name,
    own_group,
    term_name,
    unit_name,
)
from bayes_sf.spec.names import INTERCEPT, predictor_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


__all__ = ["draw_estimates", "draw_shrinkage", "draw_slopes"]

#: Sources whose predictors are the survey's items.
_SURVEYED: Final = ("published", "replica", "microdata")
#: Rows that a drawn mean is made of, at least.
_FEW: Final = 3
#: Draws that means of groups are made of.
_DRAWS: Final = 1000
#: Quantities in the outcome's unit, shares, and those with a unit of their own. Others, as a
#: horseshoe's local scales or a simplex, are not drawn.
_SPREADS: Final = ("sd_group", "sd_resid", "sd_repeat")
_SHARES: Final = ("icc", "r2", "correlation")
_OWN: Final = ("sd_slope", "sd_slopes", "sd_log_resid", "df_resid", "global_scale")
_INNER: Final = 0.5
#: Most decimals of a term or a group.
type Places = Callable[[str, str], int]


def _group_name(group: str, result: Result) -> str:
    return group_name(group, own=own_group(result))


def _measured(result: Result) -> str:
    """Outcome with its unit."""
    name = outcome_name(result.spec.outcome, own=own_group(result))
    return picture_label(", ".join(filter(None, (name, unit_name(result.spec.unit)))))


def draw_estimates(
    result: Result, _: Container[str] = (), *, places: Places | None = None
) -> "Figure":
    """Draw mean, 50 % and the result's own interval of everything that is not a group's.

    Parameters
    ----------
    result : Result
        With a posterior.
    places : callable, optional
        Most decimals that a term may have, whatever its posterior's sd, which a prior can shrink.
    """
    from matplotlib.figure import Figure

    own, rows = own_group(result), [row for row in result.rows if not row.group]
    inner = {row.term: row for row in replace(result, prob=_INNER).rows if not row.group}
    panels = [panel for panel in _panels(rows, result.moments.predictors) if panel]
    height = 0.33 * sum(map(len, panels)) + 0.75 * len(panels) + 0.5
    with styled():
        figure = Figure(figsize=(7, height), layout="constrained")
        heights = [len(panel) + 0.5 for panel in panels]
        drawn = figure.subplots(len(panels), squeeze=False, height_ratios=heights)
        for axes, panel in zip(drawn[:, 0], panels, strict=True):
            for place, row in enumerate(reversed(panel)):
                _draw_interval(axes, place, row, inner[row.term], places)
            labels = [term_name(row.term, own=own) for row in reversed(panel)]
            axes.set_yticks(range(len(panel)), list(map(picture_label, labels)))
            axes.set_ylim(-0.6, len(panel) - 0.4)
            write_numbers(axes)
            if panel[0].term not in {*_SHARES, *_OWN}:
                axes.set_xlabel(_measured(result))
            if panel[0].term in result.moments.predictors:
                axes.axvline(0, color=MUTED, lw=1, ls=":")
        kind = interval_name("credible-eti", result.prob)
        title = say("Dot: posterior mean. Thick: {}, thin: {}", level(_INNER), kind)
        figure.suptitle(title, size=10, x=0.01, ha="left")
    return figure


def _panels(rows: Sequence[Estimate], slopes: Sequence[str]) -> list[list[Estimate]]:
    """Slopes, what else is in the outcome's unit, shares, and each number of its own."""
    others = [row for row in rows if row.term not in slopes]
    return [
        [row for row in rows if row.term in slopes],
        [row for row in others if row.term in {INTERCEPT, *_SPREADS}],
        [row for row in others if row.term in _SHARES],
        *([row] for row in others if row.term in _OWN),
    ]


def _draw_interval(
    axes: "Axes", place: int, row: Estimate, inner: Estimate, places: Places | None
) -> None:
    """One quantity, with the digits that it may have: a file holds what is drawn."""
    drawn = [row.lower, row.upper, inner.lower, inner.upper, row.estimate]
    if places is not None:
        most = min(significant_decimals(row.sd), places(row.term, ""))
        drawn = [shortened(value, most) for value in drawn]
    low, high, inner_low, inner_high, middle = drawn
    axes.plot([low, high], [place, place], color=BLUE, lw=1.2)
    axes.plot([inner_low, inner_high], [place, place], color=BLUE, lw=4, solid_capstyle="butt")
    axes.plot(middle, place, "o", color=BLUE, mec="white", ms=7)


def draw_shrinkage(
    result: Result, unsaid: Container[str] = (), *, places: Places | None = None
) -> "Figure":
    """Draw every group's level without and with partial pooling, and its size, the smallest first.

    Groups whose n is not said come before all others, by name: an order tells of sizes.

    Both are levels at the predictors' means, averaged over all data sets that are possible; where a
    predictor is constant within groups there is none without pooling.

    Parameters
    ----------
    result : Result
        With a posterior.
    unsaid : container of str
        Groups whose n is not said: their means are drawn to one decimal.
    places : callable, optional
        Most decimals that a level may have; it has one at most.
    """
    from matplotlib.figure import Figure

    moments, posterior = result.moments, result.some_draws(_DRAWS)["posterior"].to_dataset()
    beta = posterior["beta"].sel(term=list(moments.terms)).to_numpy()
    middle = beta[..., 0] + beta[..., 1:] @ moments.grand_mean[:-1]
    groups = [g for g in moments.groups if g in posterior[moments.group].to_numpy()]
    sizes = {
        group: HIDDEN if group in unsaid else int(moments.sizes[moments.groups.index(group)])
        for group in groups
    }
    labels = {group: picture_label(_group_name(group, result)) for group in groups}
    order = sorted(groups, key=lambda g: (0 if g in unsaid else int(sizes[g]), labels[g]))
    try:
        own = own_levels([part.moments for part in result.fitted.parts], result.prob)
    except DataError:
        own = {}
    with styled():
        figure = Figure(figsize=(7, 0.45 * len(order) + 1.8), layout="constrained")
        axes: Axes = figure.subplots()
        for place, group in enumerate(order):
            effects = posterior.sel({moments.group: group})
            pooled = middle + effects["u"].to_numpy()
            if "u_slope" in effects:  # at the predictors' means, as the others are
                at = moments.predictors.index(effects["u_slope"].attrs["term"])
                pooled = pooled + effects["u_slope"].to_numpy() * moments.grand_mean[at]
            ends = np.quantile(pooled, [0.5 - 0.5 * result.prob, 0.5 + 0.5 * result.prob])
            drawn = [own.get(group, (np.nan,))[0], pooled.mean(), *ends]
            alone, mean, low, high = _levels(drawn, places, group, coarse=group in unsaid)
            axes.plot([alone, mean], [place - 0.15, place], color=MUTED, lw=1)
            axes.plot([low, high], [place, place], color=BLUE)
            axes.plot(mean, place, "o", color=BLUE)
            axes.plot(alone, place - 0.15, "o", mfc="white", mec=MUTED)
        (everyone,) = _levels([middle.mean()], places)
        axes.axvline(everyone, color=MUTED, lw=1, ls=":")
        said = [f"{labels[group]} (n = {sizes[group]})" for group in order]
        axes.set_yticks(range(len(order)), said)
        write_numbers(axes)
        axes.set_xlabel(_measured(result))
        kind = interval_name("credible-eti", result.prob)
        figure.suptitle(
            say("Open: no pooling. Filled: partially pooled, {}", kind), size=10, x=0.01, ha="left"
        )
    return figure


def _levels(
    values: Sequence[float], places: Places | None, group: str = "", *, coarse: bool = False
) -> Sequence[float]:
    """Levels with the decimals that they may have: of all at their mean, or of one group."""
    if places is None:
        return [round(float(value), 1) for value in values] if coarse else values
    most = min(1, places("" if group else INTERCEPT, group))
    return [round(float(value), most) for value in values]


def draw_slopes(
    result: Result, unsaid: Container[str] = (), *, places: Places | None = None
) -> "Figure":
    """Draw each group's line with its band, least squares in the group alone, and means of rows.

    Parameters
    ----------
    result : Result
        With a slope that varies by group.
    unsaid : container of str
        Groups whose n is not said.
    places : callable, optional
        Where given, what the rows of an answer or of a group alone say is left out.
    """
    from matplotlib.figure import Figure

    table, lines = group_slopes(result), group_lines(result)
    rows, groups = rows_of_result(result), list(table.index)
    (name,) = result.spec.varying
    place = [predictor_of(p, result.spec.predictors) for p in rows.predictors].index(name)
    column, term = rows.x[:, place], rows.predictors[place]
    across = min(3, len(groups))
    down = -(-len(groups) // across)
    with styled():
        figure = Figure(figsize=(3 * across, 2.7 * down + 0.4), layout="constrained")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for j, (group, axes) in enumerate(zip(groups, panels.flat, strict=False)):
            line, row = lines[lines["group"] == group], table.loc[group]
            axes.fill_between(line["x"], line["lower"], line["upper"], color=BLUE, alpha=0.2, lw=0)
            axes.plot(line["x"], line["mean"], color=BLUE)
            x, y = column[rows.code == j], rows.y[rows.code == j]
            # The end of a line through two answers is a mean, as a dot is.
            few = result.provenance.source in _SURVEYED and (
                places is not None
                or group in unsaid
                or min(np.unique(x, return_counts=True)[1]) < _FEW
            )
            if np.isfinite(row["own"]) and not few:
                ends = np.array([x.min(), x.max()])
                own = y.mean() + row["own"] * (ends - x.mean())
                axes.plot(ends, own, color=MUTED, ls="--", lw=1)
            if places is None:
                _draw_means(axes, x, y)
            write_numbers(axes, "xy")
            size = HIDDEN if group in unsaid else f"{row['n']:.0f}"
            share = with_percent(percent(row["borrowed"], 0))
            said = say("n = {}, {} borrowed", size, share)
            axes.set_title(f"{picture_label(_group_name(group, result))}\n{said}", size=9)
        for axes in panels.flat[len(groups) :]:
            axes.set_axis_off()
        if result.provenance.source in _SURVEYED:
            panels[-1, 0].set_xticks(*_answers(term, column))
        figure.supxlabel(picture_label(term_name(name, own=own_group(result))), size=10)
        figure.supylabel(_measured(result), size=10)
        kind = interval_name("credible-eti", result.prob)
        figure.suptitle(
            say("Line: partially pooled, {}. Dashed: least squares alone. Dots: means", kind),
            size=10, x=0.01, ha="left",
        )  # fmt: skip
    return figure


def _draw_means(axes: "Axes", x: "NDArray[np.float64]", y: "NDArray[np.float64]") -> None:
    """Means of the rows of each answer, where answers are few and rows are not."""
    values: Iterable[float] = np.unique(x) if len(np.unique(x)) <= 12 else ()
    for value in values:
        chosen = x == value
        if chosen.sum() < _FEW:  # a mean of one is a workplace
            continue
        axes.plot(value, y[chosen].mean(), "o", color=MUTED, ms=2 + 0.5 * chosen.sum() ** 0.5)


def _answers(term: str, column: "NDArray[np.float64]") -> tuple[list[float], list[str]]:
    """Where the ends of an item's scale are on its column, and what they are called."""
    key, _, category = term.removesuffix("]").partition("[")
    item = load_codebook().item(key)
    if category:
        places, answers = [0.0, 1.0], [item.category(item.reference or ""), item.category(category)]
    else:
        known = {float(answer.code): answer for answer in item.categories}
        places = sorted({float(column.min()), float(column.max())} & set(known))
        answers = [known[place] for place in places]
    return places, [answer.label for answer in answers]
