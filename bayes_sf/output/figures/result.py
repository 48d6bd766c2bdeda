"""Pictures of one result that are ours: estimates, shrinkage, and slopes by group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from bayes_sf.analysis.checks.loo import rows_of_result
from bayes_sf.analysis.group_slopes import group_lines, group_slopes
from bayes_sf.analysis.pooling import Pooling, own_levels
from bayes_sf.catalogue import say
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.disclosure.gate import Released
from bayes_sf.disclosure.protected_models import shown_levels
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.result import Result
from bayes_sf.errors import DataError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.figures.page import (
    BLUE,
    MANY,
    MUTED,
    PALE,
    ends_of,
    measured,
    picture_label,
    styled,
    write_numbers,
)
from bayes_sf.output.figures.posterior import item_ends, of_two
from bayes_sf.output.numbers import interval, level, percent, with_percent
from bayes_sf.output.words.words import (
    group_name,
    interval_name,
    own_group,
    term_name,
)
from bayes_sf.spec.names import INTERCEPT, predictor_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = [
    "Level", "draw_estimates", "draw_levels", "draw_shrinkage", "draw_slopes", "passed_levels",
]  # fmt: skip

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


def _group_name(group: str, result: Result) -> str:
    return group_name(group, own=own_group(result))


def draw_estimates(
    result: Result, *, sort: str = "model", rope: tuple[float, float] | None = None
) -> "Figure":
    """Draw mean, 50 % and the result's own interval of everything that is not a group's.

    Parameters
    ----------
    result : Result
        With a posterior; of one that has passed disclosure control what its table says is drawn.
    sort : {"model", "estimate"}
        Order of the slopes: as the model has them, or the largest on top.
    rope : (float, float), optional
        A band behind the slopes: what is too small to matter.
    """
    from matplotlib.figure import Figure

    own, rows = own_group(result), [row for row in result.singles if not isnan(row.estimate)]
    open_ = not isinstance(result, Released)
    inner = {row.term: row for row in replace(result, prob=_INNER).singles} if open_ else {}
    slopes, *others = _panels(rows, result.moments.predictors)
    if sort == "estimate":
        slopes.sort(key=lambda row: -row.estimate)
    panels = list(filter(None, [slopes, *others]))
    height = 0.33 * sum(map(len, panels)) + 0.75 * len(panels) + 0.5
    with styled():
        figure = Figure(figsize=(7, height), layout="constrained")
        heights = [len(panel) + 0.5 for panel in panels]
        drawn = figure.subplots(len(panels), squeeze=False, height_ratios=heights)
        for axes, panel in zip(drawn[:, 0], panels, strict=True):
            for place, row in enumerate(reversed(panel)):
                _draw_interval(axes, place, row, inner.get(row.term))
            labels = [term_name(row.term, own=own) for row in reversed(panel)]
            axes.set_yticks(range(len(panel)), list(map(picture_label, labels)))
            axes.set_ylim(-0.6, len(panel) - 0.4)
            write_numbers(axes)
            if panel[0].term not in {*_SHARES, *_OWN}:
                axes.set_xlabel(measured(result))
            if panel[0].term in result.moments.predictors:
                axes.axvline(0, color=MUTED, lw=1, ls=":")
                if rope is not None:
                    axes.axvspan(*rope, color=PALE, alpha=0.25, lw=0)
        kind = interval_name("credible-eti", result.prob)
        title = (
            say("Dot: posterior mean. Thick: {}, thin: {}", level(_INNER), kind)
            if open_
            else say("Dot: posterior mean. Line: {}", kind)
        )
        if rope is not None:
            places = max(len(f"{end:g}".partition(".")[2]) for end in rope)
            ends = interval(*rope, places)
            title += f". {say('Grey: ROPE, {}', ends)}"
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


def _draw_interval(axes: "Axes", place: int, row: Estimate, inner: Estimate | None) -> None:
    """One quantity: its interval, half of it where that is known, and its mean."""
    axes.plot([row.lower, row.upper], [place, place], color=BLUE, lw=1.2)
    if inner is not None:
        half = [inner.lower, inner.upper]
        axes.plot(half, [place, place], color=BLUE, lw=4, solid_capstyle="butt")
    axes.plot(row.estimate, place, "o", color=BLUE, mec="white", ms=7)


class Level(NamedTuple):
    """One group's level without and with partial pooling, and its limits."""

    group: str
    n: int | None
    alone: float
    mean: float
    lower: float
    upper: float


def draw_shrinkage(result: Result) -> "Figure":
    """Draw every group's level without and with partial pooling, and its size, the smallest first.

    Both are levels at the predictors' means, averaged over all data sets that are possible; where a
    predictor is constant within groups there is none without pooling.

    Parameters
    ----------
    result : Result
        With a posterior.
    """
    moments, posterior = result.moments, result.some_draws(_DRAWS)["posterior"].to_dataset()
    beta = posterior["beta"].sel(term=list(moments.terms)).to_numpy()
    middle = beta[..., 0] + beta[..., 1:] @ moments.grand_mean[:-1]
    try:
        own = own_levels([part.moments for part in result.fitted.parts], result.prob)
    except DataError:
        own = {}
    levels, known = list[Level](), posterior[moments.group].to_numpy()
    for group, size in zip(moments.groups, moments.sizes, strict=True):
        if group not in known:
            continue
        effects = posterior.sel({moments.group: group})
        pooled = middle + effects["u"].to_numpy()
        if "u_slope" in effects:  # at the predictors' means, as the others are
            at = moments.predictors.index(effects["u_slope"].attrs["term"])
            pooled = pooled + effects["u_slope"].to_numpy() * moments.grand_mean[at]
        low, high = np.quantile(pooled, [0.5 - 0.5 * result.prob, 0.5 + 0.5 * result.prob])
        alone = own.get(group, (np.nan,))[0]
        levels.append(Level(group, int(size), alone, pooled.mean(), low, high))
    return draw_levels(result, levels, float(middle.mean()))


def passed_levels(pooling: Pooling) -> tuple[list[Level], float]:
    """Levels as tables have them once they have passed disclosure control, and the mean of all.

    Parameters
    ----------
    pooling : Pooling
        As `protect_pooling` returns it.
    """
    levels = [
        Level(row.group, row.n if isinstance(row.n, int) else None, row.none, row.mean,
              row.lower, row.upper)
        for row in shown_levels(pooling)
    ]  # fmt: skip
    whole = pooling.groups[0].complete
    return levels, whole if isinstance(whole, float) else nan


def draw_levels(result: Result, levels: Sequence[Level], everyone: float) -> "Figure":
    """Draw levels: groups whose n is not said first, by name, since an order tells of sizes.

    Of many groups the order is that of their levels, and five of them are named.

    Parameters
    ----------
    result : Result
        Whose levels they are.
    levels : sequence of Level
    everyone : float
        Mean of all.
    """
    from matplotlib.figure import Figure

    labels = {one.group: picture_label(_group_name(one.group, result)) for one in levels}
    many = len(levels) > MANY
    order = sorted(
        levels,
        key=lambda one: (one.mean if many else one.n or 0, labels[one.group]),
    )
    row, dot = (0.06, 2.5) if many else (0.45, 6.0)
    with styled():
        figure = Figure(figsize=(7, row * len(order) + 1.8), layout="constrained")
        axes: Axes = figure.subplots()
        for place, one in enumerate(order):
            axes.plot([one.alone, one.mean], [place - 0.15, place], color=MUTED, lw=1)
            axes.plot([one.lower, one.upper], [place, place], color=BLUE)
            axes.plot(one.mean, place, "o", color=BLUE, ms=dot)
            axes.plot(one.alone, place - 0.15, "o", mfc="white", mec=MUTED, ms=dot)
        axes.axvline(everyone, color=MUTED, lw=1, ls=":")
        sizes = [HIDDEN if one.n is None else one.n for one in order]
        said = [f"{labels[one.group]} (n = {n})" for one, n in zip(order, sizes, strict=True)]
        ends = ends_of(len(order)) if many else list(range(len(order)))
        axes.set_yticks(ends, [said[place] for place in ends])
        axes.margins(y=0.01)
        write_numbers(axes)
        axes.set_xlabel(measured(result))
        kind = interval_name("credible-eti", result.prob)
        figure.suptitle(
            say("Open: no pooling. Filled: partially pooled, {}", kind), size=10, x=0.01, ha="left"
        )
    return figure


def draw_slopes(result: Result) -> "Figure":
    """Draw each group's line with its band, least squares in the group alone, and means of rows.

    Parameters
    ----------
    result : Result
        With a slope that varies by group. Of one that has passed disclosure control lines alone are
        drawn, from what its table says.
    """
    if isinstance(result, Released):
        return _draw_passed_slopes(result)
    lines = group_lines(result)
    if len(result.moments.groups) > MANY:
        return _draw_together(
            result,
            {str(group): (part["x"], part["mean"]) for group, part in lines.groupby("group")},
        )
    table = group_slopes(result)
    rows = rows_of_result(result)
    (name,) = result.spec.varying
    place = [predictor_of(p, result.spec.predictors) for p in rows.predictors].index(name)
    column, term = rows.x[:, place], rows.predictors[place]
    two = len(np.unique(column)) == 2
    with styled():
        figure, panels = _panels_of(result, list(table.index))
        for j, group in enumerate(table.index):
            axes = panels[group]
            line, row = lines[lines["group"] == group], table.loc[group]
            if two:  # nothing lies between two answers: no line, no band
                line = line.iloc[[0, -1]]
                axes.vlines(line["x"], line["lower"], line["upper"], color=BLUE, lw=3, alpha=0.4)
            else:
                axes.fill_between(line["x"], line["lower"], line["upper"], color=BLUE, alpha=0.2,
                                  lw=0)  # fmt: skip
            axes.plot(line["x"], line["mean"], "o" if two else "-", color=BLUE)
            x, y = column[rows.code == j], rows.y[rows.code == j]
            # The end of a line through two answers is a mean, as a dot is.
            surveyed = result.provenance.source in _SURVEYED
            few = surveyed and min(np.unique(x, return_counts=True)[1]) < _FEW
            if np.isfinite(row["own"]) and not few and not two:
                ends = np.array([x.min(), x.max()])
                own = y.mean() + row["own"] * (ends - x.mean())
                axes.plot(ends, own, color=MUTED, ls="--", lw=1)
            _draw_means(axes, x, y)
            share = with_percent(percent(row["borrowed"], 0))
            said = say("n = {}, {} borrowed", f"{row['n']:.0f}", share)
            axes.set_title(f"{picture_label(_group_name(group, result))}\n{said}", size=9)
        if result.provenance.source in _SURVEYED:
            lowest = list(panels.values())[3 * ((len(panels) - 1) // 3)]
            lowest.set_xticks(*_answers(term, column))
        kind = interval_name("credible-eti", result.prob)
        title = say("Blue: partially pooled, {}. Grey: means", kind) if two else say(
            "Line: partially pooled, {}. Dashed: least squares alone. Dots: means", kind
        )  # fmt: skip
        figure.suptitle(title, size=10, x=0.01, ha="left")
    return figure


def _draw_passed_slopes(result: Released) -> "Figure":
    """Lines of the groups, of the rounded figures that have passed."""
    term, whole = result.varying_term, {row.term: row.estimate for row in result.singles}
    ends, names = item_ends(term)
    found = {
        (row.group, row.term): whole[row.term] + row.estimate for row in result.rows if row.group
    }
    lines = {
        group: np.array([found[group, INTERCEPT] + found[group, term] * x for x in ends])
        for group in result.moments.groups
    }
    if len(lines) > MANY:
        return _draw_together(result, {group: (ends, line) for group, line in lines.items()})
    with styled():
        figure, panels = _panels_of(result, list(lines))
        for group, axes in panels.items():
            axes.plot(ends, lines[group], "o" if of_two(term) else "-", color=BLUE)
            axes.set_title(picture_label(_group_name(group, result)), size=9)
            axes.set_xticks(ends, names)
        figure.suptitle(
            say("Line: partially pooled, of rounded figures"), size=10, x=0.01, ha="left"
        )
    return figure


def _draw_together(result: Result, lines: Mapping[str, tuple[Any, Any]]) -> "Figure":
    """Lines of so many groups that panels of their own would not be looked at."""
    with styled():
        figure, panels = _panels_of(result, [""])
        figure.set_size_inches(7, 5)
        for x, y in lines.values():
            panels[""].plot(x, y, color=BLUE, lw=0.8, alpha=0.5)
        title = say("Lines: partially pooled, one for each of {} groups", len(lines))
        figure.suptitle(title, size=10, x=0.01, ha="left")
    return figure


def _panels_of(result: Result, groups: Sequence[str]) -> "tuple[Figure, dict[str, Axes]]":
    """A panel for each group, three beside each other."""
    from matplotlib.figure import Figure

    across = min(3, len(groups))
    down = -(-len(groups) // across)
    figure = Figure(figsize=(3 * across, 2.7 * down + 0.4), layout="constrained")
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(groups) :]:
        axes.set_axis_off()
    found = dict(zip(groups, panels.flat, strict=False))
    for axes in found.values():
        write_numbers(axes, "xy")
    (name,) = result.spec.varying
    figure.supxlabel(picture_label(term_name(name, own=own_group(result))), size=10)
    figure.supylabel(measured(result), size=10)
    return figure, found


def _draw_means(axes: "Axes", x: "NDArray[np.float64]", y: "NDArray[np.float64]") -> None:
    """Means of the rows of each answer, where answers are few and rows are not."""
    values: Iterable[float] = np.unique(x) if len(np.unique(x)) <= 12 else ()
    for value in values:
        chosen = x == value
        if chosen.sum() < _FEW:  # a mean of one is a workplace
            continue
        axes.plot(value, y[chosen].mean(), "o", color=MUTED, ms=2 + 0.5 * chosen.sum() ** 0.5,
                  zorder=1)  # fmt: skip


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
