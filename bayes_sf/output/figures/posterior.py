"""Figures of posteriors: ICC over its prior, re-read ones, industries, the report's figure 7.

Each turns results into a Matplotlib figure with the page around it (`figures.page`) and an
alternative text that has the figure's main numbers. They are as wide as a phone shows (`NARROW`).
"""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_sf.analysis.comparison import IccRow
from bayes_sf.analysis.contrast import exact_posterior
from bayes_sf.analysis.pooling import GroupRow, Pooling
from bayes_sf.arrays import Floats
from bayes_sf.catalogue import say
from bayes_sf.disclosure.gate import Released
from bayes_sf.disclosure.protected_models import shown_levels
from bayes_sf.engines.result import Result
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.figures.page import (
    BLUE,
    INK,
    MANY,
    MUTED,
    NARROW,
    PALE,
    PALETTE,
    SMALL,
    describe,
    ends_of,
    industry_label,
    make_page,
    number,
    stacked,
    styled,
    upper_first,
    variable_label,
    write_numbers,
)
from bayes_sf.output.numbers import fixed, interval, level
from bayes_sf.output.words.words import outcome_name
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.priors import icc_prior_quantiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bayes_sf.recovery.reread.null import IccPosterior

__all__ = ["icc_figure", "icc_forest", "item_ends", "level_figure", "line_figure", "of_two"]


BINS: Final = 40
#: Inches of a plot with its title and ticks, and of what is above all plots.
_PANEL, _ABOVE = 2.3, 1.2
_DRAWS: Final = 4000
#: Inches of a group that has a name beside it, and of one of many.
_LINE, _DOT = 0.2, 0.06


@styled()
def icc_figure(results: Sequence[Result], passed: Sequence[IccRow] = ()) -> "Figure":
    """Draw the ICC's posterior over its prior, one panel for each outcome.

    Parameters
    ----------
    results : sequence of Result
        Null models, of engine ``exact``.
    passed : sequence of IccRow
        What may leave of their ICC where disclosure control is on. Then only that is drawn: forty
        bars are forty equations in the ICC, which is printed to three decimals.
    """
    first = results[0]
    bars = "" if passed else f"{say('Bars: posterior, share of probability per 0.025')}; "
    drawn = say("line: prior; thick below: {} interval; dot: median", level(first.prob))
    figure = make_page(
        say("Intraclass correlation: posterior over prior"),
        bars + drawn if bars else upper_first(drawn),
        first.provenance.source,
        size=(NARROW, _ABOVE + 0.3 + _PANEL * len(results)),
    )
    edges, said = np.linspace(0, 1, BINS + 1), []
    for place, result in enumerate(results):
        axes = _panel(figure, place, left=0.13)
        if passed:
            low, middle, high = _passed_icc(passed, result.spec.outcome)
        else:
            low, middle, high = (result.icc()[key] for key in ("lower", "median", "upper"))
            inner = exact_posterior(result).cdf("icc", edges[1:-1])
            shares = np.diff([0.0, *inner, 1.0])
            axes.bar(edges[:-1], shares, 1 / BINS, align="edge", color=PALETTE[1])
        prior = _prior_shares(result, edges)
        if np.isfinite(prior).all():
            axes.stairs(prior, edges, color=INK, lw=1.5)
        base = -0.04 * axes.get_ylim()[1]
        axes.plot([low, high], [base, base], color=BLUE, lw=4, solid_capstyle="butt")
        axes.plot(middle, base, "o", color=BLUE, ms=8, mec="white")
        name = outcome_name(result.spec.outcome)
        axes.set_title(_titled(name, result), size=SMALL, loc="left")
        axes.set_xlim(0, 1)
        axes.locator_params(axis="y", nbins=5)
        write_numbers(axes, "xy")
        said.append(
            f"{name}: {say('median')} {fixed(middle, 3)}, "
            f"{level(result.prob)} {interval(low, high, 3)}"
        )
    return describe(figure, "; ".join(said))


def _passed_icc(passed: Sequence[IccRow], outcome: str) -> tuple[float, float, float]:
    """Interval and median of an outcome's ICC as they leave."""
    (row,) = (one for one in passed if one.outcome == outcome and one.case == "all")
    return row.lower, row.median, row.upper


def _panel(figure: "Figure", place: int, *, left: float, high: float = _PANEL) -> "Axes":
    """One of some plots that stand over each other, the first on top."""
    height = float(figure.get_size_inches()[1])
    bottom = height - _ABOVE - high * (place + 1) + 0.45
    axes = figure.add_axes((left, bottom / height, 0.97 - left, (high - 0.75) / height))
    axes.tick_params(labelsize=SMALL)
    return axes


def _titled(name: str, result: Result) -> str:
    """Title of a panel: outcome and n."""
    return fill(f"{name}, n\u00a0=\u00a0{result.moments.n_obs}", 44)


def _prior_shares(result: Result, edges: Floats) -> Floats:
    """Probability of each bin under the prior alone; NaN where a prior is flat."""
    priors = result.priors
    assert priors is not None
    probs = np.linspace(0, 1, 2001)[1:-1]
    quantiles = icc_prior_quantiles(priors.sd_resid, priors.sd_group, probs)
    inner = np.interp(edges[1:-1], quantiles, probs)
    return np.diff([0.0, *inner, 1.0])


@styled()
def level_figure(poolings: Sequence[Pooling]) -> "Figure":
    """Draw each industry's own mean and its posterior, one panel for each outcome.

    Parameters
    ----------
    poolings : sequence of Pooling
        Of null models.
    """
    exact = poolings[0].exact
    most = max(len(pooling.groups) for pooling in poolings)
    many = most > MANY
    panel = max(_PANEL, (_DOT if many else _LINE) * most + 0.75)
    figure = make_page(
        say("Levels of industries, and how far they are shrunk"),
        say(
            "Percentage points; blue: posterior mean and {} interval; open: the "
            "industry's own mean; dotted: mean of all",
            level(exact.prob),
        ),
        exact.provenance.source,
        size=(NARROW, _ABOVE + 0.3 + panel * len(poolings)),
    )
    order = [industry.key for industry in load_codebook().industries]
    said = []
    for place, pooling in enumerate(poolings):
        axes = _panel(figure, place, left=0.5, high=panel)
        axes.grid(axis="x")
        rows = sorted(shown_levels(pooling), key=lambda row: order.index(row.group))
        if many:
            rows.sort(key=lambda row: row.mean)
        for at, row in enumerate(rows):
            _draw_level(axes, at, row)
        axes.axvline(pooling.groups[0].complete, color=MUTED, ls=":", lw=1)
        name = outcome_name(pooling.spec.outcome)
        axes.set_title(_titled(name, pooling.exact), size=SMALL, loc="left", x=-1.0)
        labels = [_short(industry_label(row.group), 26) for row in rows]
        ends = ends_of(len(rows)) if many else range(len(rows))
        axes.set_yticks(ends, [labels[at] for at in ends])
        axes.set_ylim(len(rows) - 0.5, -0.6)
        axes.tick_params(axis="y", length=0)
        write_numbers(axes)
        listed = (f"{industry_label(rows[at].group)} {number(rows[at].mean)}" for at in ends)
        said.append(f"{name}: {', '.join(listed)}")
    return describe(figure, f"{say('Posterior means')}, {'; '.join(said)}")


def _draw_level(axes: "Axes", at: int, row: GroupRow) -> None:
    """One industry: its level without pooling, and the posterior that it is pulled to."""
    axes.plot([row.none, row.mean], [at - 0.25, at], color=MUTED, lw=1)
    axes.plot([row.lower, row.upper], [at, at], color=BLUE, lw=2)
    axes.plot(row.mean, at, "o", color=BLUE)
    axes.plot(row.none, at - 0.25, "o", mfc="white", mec=MUTED)


@styled()
def line_figure(result: Result, *, seed: int = 1) -> "Figure":
    """Draw every industry's expected outcome along the item: figure 7 with bands.

    Parameters
    ----------
    result : Result
        Of one item with one slope. The lines are of `_DRAWS` draws; of protected data, what the
        table says of intercept, industries and slope, without bands.
    seed : int
        Of the draws.
    """
    (term,) = result.moments.predictors
    ends, names = item_ends(term)
    lines, two = _lines(result, ends, seed), of_two(term)
    about = outcome_name(result.spec.outcome), result.moments.n_obs
    figure = make_page(
        say(
            "{} (figure 7): expected outcome by industry",
            upper_first(variable_label(term.partition("[")[0])),
        ),
        say(
            "{}, percentage points, n = {}; {}; same difference in all industries (random "
            "intercepts)", *about, _drawn_of(result, two=two),
        ),
        result.provenance.source,
        size=(NARROW, 6.8),
    )  # fmt: skip
    groups = [i.key for i in load_codebook().industries if i.key in lines]
    shared: Axes | None = None
    said = []
    for place, group in enumerate(groups):
        spot = (0.1 + 0.47 * (place % 2), 0.61 - 0.245 * (place // 2), 0.41, 0.17)
        axes = figure.add_axes(spot, sharex=shared, sharey=shared)
        shared = shared or axes
        low, mean, high = lines[group]
        if two:  # nothing lies between two answers: no line, no band
            axes.vlines(range(len(ends)), low, high, color=PALETTE[1], lw=4)
        else:
            axes.fill_between(range(len(ends)), low, high, color=PALETTE[1], alpha=0.45, lw=0)
        place_of = result.moments.groups.index(group)
        varies = result.moments.means[place_of, 0] not in ends
        style = "o" if two else "o-" if varies else "o--"
        fill = BLUE if varies or not two else "white"
        axes.plot(range(len(ends)), mean, style, color=BLUE, mfc=fill, ms=4)
        axes.axhline(0, color=MUTED, lw=0.8)
        label = industry_label(group)
        axes.set_title(_short(label), size=SMALL, loc="left")
        axes.set_xticks(range(len(ends)), names)
        axes.set_xlim(-0.25, len(ends) - 0.75)
        axes.tick_params(labelsize=SMALL)
        axes.locator_params(axis="y", nbins=5)
        write_numbers(axes, "y")
        says = ", ".join(f"{n} {number(m)}" for n, m in zip(names, mean, strict=True))
        said.append(f"{label}: {says}")
    return describe(figure, f"{say('Posterior means')}: {'; '.join(said)}")


def _drawn_of(result: Result, *, two: bool) -> str:
    """How to read a line, or points where there is nothing between two answers."""
    if isinstance(result, Released):
        return say("posterior means, of rounded figures")
    if two:
        return say("posterior mean and {} interval; open: not both were answered",
                   level(result.prob))  # fmt: skip
    return say("line: posterior mean; band: {} interval; dashed: nobody answered so",
               level(result.prob))  # fmt: skip


def _short(label: str, most: int = 22) -> str:
    """A label that fits beside or above a small plot."""
    return label if len(label) <= most else f"{label[: most - 1].rstrip()}…"


def _lines(result: Result, ends: Sequence[float], seed: int) -> dict[str, Floats]:
    """Lower limit, mean and upper limit at both ends, (3, 2), of each group that has a level."""
    (term,), at = result.moments.predictors, np.asarray(ends)
    if isinstance(result, Released):
        whole = {row.term: row.estimate for row in result.singles}
        lines = {
            row.group: whole[INTERCEPT] + row.estimate + whole[term] * at
            for row in result.rows
            if row.group
        }
        shown = {group: line for group, line in lines.items() if np.isfinite(line).all()}
        return {group: np.array([line, line, line]) for group, line in shown.items()}
    posterior = result.some_draws(_DRAWS, seed=seed)["posterior"].to_dataset()
    beta, tail = posterior["beta"], 0.5 - 0.5 * result.prob
    found = {}
    for group in posterior[result.moments.group].to_numpy():
        own = posterior["u"].sel({result.moments.group: group})
        start = (beta.sel(term=INTERCEPT) + own).to_numpy()[..., None]
        line = start + beta.sel(term=term).to_numpy()[..., None] * at
        low, high = np.quantile(line, [tail, 1 - tail], axis=(0, 1))
        found[str(group)] = np.array([low, line.mean(axis=(0, 1)), high])
    return found


def item_ends(term: str) -> tuple[list[float], list[str]]:
    """Where an item's ends are on its column, and what they are called.

    Parameters
    ----------
    term : str
    """
    key, _, category = term.removesuffix("]").partition("[")
    item = load_codebook().item(key)
    if category:
        low, high = item.category(item.reference or ""), item.category(category)
        ends = [0.0, 1.0]
    else:
        low, high = item.categories[0], item.categories[-1]
        ends = [float(low.code), float(high.code)]
    return ends, [c.label for c in (low, high)]


def of_two(term: str) -> bool:
    """Whether an item's column holds two answers, with nothing between them.

    Parameters
    ----------
    term : str
    """
    return term.endswith("]") or len(load_codebook().item(term).categories) == 2


#: Inches of a model with its name, and of what is above and below all of them.
_ROW, _OVER, _UNDER = 0.36, 0.95, 0.7


@styled()
def icc_forest(found: "Mapping[str, IccPosterior]") -> "Figure":
    """Draw every re-read ICC, by its median.

    Parameters
    ----------
    found : mapping of str to IccPosterior
        By the model's name; "" has none.
    """
    ordered = sorted(found.items(), key=lambda pair: -pair[1].median)
    counts = [say("{} groups", one.groups) for _, one in ordered]
    named = [f"{name}, {n}" if name else n for (name, _), n in zip(ordered, counts, strict=True)]
    labels, places = stacked(named)
    last = float(places[-1])
    height = _ROW * (last + 1) + _OVER + _UNDER
    first = ordered[0][1]
    figure = make_page(
        say("Intraclass correlations behind printed ones"),
        say(
            "Dot: median of the posterior; thick: {} interval; thin: with all that the print "
            "leaves open; upright: printed", level(first.level),
        ),
        "printed",
        size=(NARROW, height),
    )  # fmt: skip
    axes = figure.add_axes((0.03, _UNDER / height, 0.94, 1 - (_OVER + _UNDER) / height))
    axes.grid(axis="x")
    said = []
    for place, label, (_, one) in zip(places, labels, ordered, strict=True):
        axes.plot(one.range, [place + 0.16] * 2, color=PALE, lw=1)
        axes.plot([one.lower, one.upper], [place + 0.16] * 2, color=BLUE, lw=3)
        axes.plot(one.median, place + 0.16, "o", color=BLUE, ms=6, mec="white")
        if one.printed:
            axes.plot(float(one.printed), place + 0.16, "|", color=INK, ms=11, mew=1.5)
        axes.text(0, place - 0.1, label, size=SMALL, va="bottom")
        said.append(f"{label}: {interval(one.lower, one.upper, 3)}")
    axes.set(xlim=(0, 1), ylim=(last + 0.6, -0.6), yticks=[])
    write_numbers(axes)
    return describe(figure, "; ".join(said))
