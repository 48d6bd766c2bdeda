"""Pictures of a sensitivity analysis: ladders, the prior fan, and the ranks of many slopes.

Every picture has a title that says what it is of, a line that says how to read it, the unit, n,
and whose data they are (`output.page`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import say
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.figures.page import (
    ALARM,
    BLUE,
    INK,
    MUTED,
    PALETTE,
    describe,
    make_page,
    styled,
)
from bayes_sf.output.numbers import fixed, level
from bayes_sf.output.words.sensitivity import part_word
from bayes_sf.output.words.words import numbered_name, outcome_name, term_name, unit_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["controls_figure", "fan_figure", "ladder_figure", "ranks_figure"]

#: Height of a line, and of what is above and below them, in inches.
_LINE, _ABOVE, _BELOW = 0.27, 1.0, 1.0
_WIDTH: Final = 9.0


def _panels(
    figure: "Figure", count: int, left: float, rows: int, height: float
) -> "Sequence[Axes]":
    """Panels side by side, with room for labels to the left."""
    gap, right = 0.04, 0.02
    width = (1 - left - right - gap * (count - 1)) / count
    bottom, tall = _BELOW / height, (height - _ABOVE - _BELOW) / height
    panels = []
    for number in range(count):
        axes = figure.add_axes((left + number * (width + gap), bottom, width, tall))
        axes.set_ylim(rows - 0.4, -0.6)
        axes.grid(axis="x")
        panels.append(axes)
    return panels


def _label(axes: "Axes", term: str, unit: str, *, own: str) -> None:
    """Name what is on a panel, and its unit."""
    named = term_name(term, own=own)
    end = f" ({unit_name(unit)})" if unit else ""
    axes.set_xlabel(f"{_short(named, 45 - len(end))}{end}")
    axes.xaxis.set_major_formatter(lambda value, _: fixed(value, 2))
    axes.locator_params(axis="x", nbins=5)


@styled()
def ladder_figure(frame: "pd.DataFrame") -> "Figure":
    """Draw the rungs of one model, a panel for every term that has estimates.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `climb` returns it, of one model.
    """
    there = frame[frame["missing"] == ""]
    rungs = [rung for rung in dict.fromkeys(frame["rung"]) if rung in set(there["rung"])]
    terms = list(dict.fromkeys(there["term"]))
    first = frame.iloc[0]
    whose = _own(first)
    height = _ABOVE + _BELOW + 1.4 * _LINE * len(rungs)
    n = int(there["n"].dropna().iloc[0])
    figure = make_page(
        f"{say('The ladder')}: {first['model']}, {_outcome(first)}",
        say(
            "Estimates and {} intervals on the same workplaces, n = {}; one change at a time",
            level(first["prob"]),
            n,
        ),
        _source(first),
        size=(_WIDTH, height),
    )
    said = []
    for place, (term, axes) in enumerate(
        zip(terms, _panels(figure, len(terms), 0.3, len(rungs), height), strict=True)
    ):
        rows = there[there["term"] == term].set_index("rung")
        for row, rung in enumerate(rungs):
            if rung in rows.index:
                one = rows.loc[rung]
                bayesian = one["engine"] in {"exact", "nuts"}
                colour = BLUE if bayesian else MUTED
                axes.plot([one["lower"], one["upper"]], [row, row], color=colour, lw=2)
                axes.plot(one["estimate"], row, "o", color=colour)
        if term != "icc":
            axes.axvline(0, color=INK, lw=0.8)
            ends = rows["estimate"].iloc[[0, -1]]
            name = term_name(term, own=whose)
            said.append(f"{name}: {fixed(ends.iloc[0], 2)} - {fixed(ends.iloc[1], 2)}")
        axes.set_yticks(range(len(rungs)), [part_word(r) for r in rungs] if not place else [])
        _label(axes, term, first["unit"] if term != "icc" else "", own=whose)
    return describe(figure, "; ".join(said) or "ICC")


@styled()
def fan_figure(frame: "pd.DataFrame") -> "Figure":
    """Draw a model's posteriors under every prior, a panel for every slope and the ICC.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `prior_fan` returns it, of one model.
    """
    own = frame[frame["group"] == ""]
    priors, terms = list(dict.fromkeys(own["prior"])), list(dict.fromkeys(own["term"]))
    first = own.iloc[0]
    whose = _own(first)
    height = _ABOVE + _BELOW + _LINE * len(priors)
    figure = make_page(
        f"{say('Prior fan')}: {first['model']}, {_outcome(first)}",
        say(
            "Posterior means and {} intervals under {} priors, n = {}; dotted: the model's own",
            level(first["prob"]), len(priors), int(first["n"]),
        ),
        _source(first),
        size=(_WIDTH, height),
    )  # fmt: skip
    slopes = list(dict.fromkeys(name.partition(",")[0] for name in priors))
    colours = {name: PALETTE[(4 + at) % len(PALETTE)] for at, name in enumerate(slopes)}
    changed = 0
    for place, (term, axes) in enumerate(
        zip(terms, _panels(figure, len(terms), 0.33, len(priors), height), strict=True)
    ):
        part = own[own["term"] == term].set_index("prior")
        axes.axvline(part["mean"].iloc[0], color=MUTED, lw=1, ls=":")
        for row, name in enumerate(priors):
            one, colour = part.loc[name], colours[name.partition(",")[0]]
            axes.plot([one["lower"], one["upper"]], [row, row], color=colour, lw=2)
            filled = colour if not one["changes"] else "white"
            axes.plot(one["mean"], row, "o", color=colour, mfc=filled, ms=5)
            changed += bool(one["changes"])
        if term != "icc":
            axes.axvline(0, color=INK, lw=0.8)
        labels = [_prior_name(name) for name in priors]
        axes.set_yticks(range(len(priors)), labels if not place else [], size=8.5)
        _label(axes, term, first["unit"] if term != "icc" else "", own=whose)
    share = f"{say('Other conclusion')}: {changed} / {len(priors) * len(terms)}"
    named = ", ".join(term_name(term, own=whose) for term in terms)
    return describe(figure, f"{named}. {share}")


@styled()
def controls_figure(frame: "pd.DataFrame") -> "Figure":
    """Draw an item's effect at every step, on identical rows and on those that are left.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `climb_controls` returns it, of one model.
    """
    steps, terms = list(dict.fromkeys(frame["controls"])), list(dict.fromkeys(frame["term"]))
    first = frame.iloc[0]
    whose = _own(first)
    height = _ABOVE + _BELOW + 1.4 * _LINE * len(steps)
    same = int(frame[frame["rows"] == "identical"]["n"].iloc[0])
    figure = make_page(
        f"{say('Controls one by one')}: {first['model']}, {_outcome(first)}",
        say(
            "Posterior means and {} intervals; blue: the same {} workplaces at every "
            "step, orange: those that are left (n)",
            level(first["prob"]),
            same,
        ),
        _source(first),
        size=(_WIDTH, height),
    )
    own = frame[frame["rows"] == "own"].drop_duplicates("controls").set_index("controls")["n"]
    for place, (term, axes) in enumerate(
        zip(terms, _panels(figure, len(terms), 0.3, len(steps), height), strict=True)
    ):
        axes.axvline(0, color=INK, lw=0.8)
        for rows, shift, colour in (("identical", -0.15, BLUE), ("own", 0.15, ALARM)):
            part = frame[(frame["rows"] == rows) & (frame["term"] == term)].set_index("controls")
            for row, step in enumerate(steps):
                if step in part.index:
                    one = part.loc[step]
                    at = row + shift
                    axes.plot([one["lower"], one["upper"]], [at, at], color=colour, lw=2)
                    axes.plot(one["mean"], at, "o", color=colour, ms=5)
        named = [
            f"{part_word(s) if s in {'none', 'all'} else term_name(s, own=whose)}"
            + ("" if own[s] == HIDDEN else f" ({own[s]})")
            for s in steps
        ]
        axes.set_yticks(range(len(steps)), named if not place else [], size=8.5)
        _label(axes, term, first["unit"], own=whose)
    told = "" if (own == HIDDEN).any() else f"; {own.min()}-{own.max()}"
    moved = ", ".join(term_name(term, own=whose) for term in terms)
    return describe(figure, f"{moved}; n = {same}{told}")


@styled()
def ranks_figure(frame: "pd.DataFrame", asked: Sequence[str] = ()) -> "Figure":
    """Draw the ranks of all slopes of one outcome, the largest on top.

    Parameters
    ----------
    frame : pandas.DataFrame
        The part ``multiplicity`` of `sensitivity`, of one outcome.
    asked : sequence of str
        Terms in orange.
    """
    swept = bool(frame["correlation"].notna().any())
    low, high = frame["correlation"].min(), frame["correlation"].max()
    main = frame[frame["correlation"] == low] if swept else frame
    main = main.assign(size=main["t"].abs()).sort_values(["rank", "size"], ascending=[True, False])
    other = frame[frame["correlation"] == high].set_index("term") if swept else None
    first, terms = frame.iloc[0], list(main["term"])
    height = _ABOVE + _BELOW + _LINE * len(terms)
    subtitle = say(
        "Median rank and {} interval of {} slopes, 1 is the largest; orange: asked about",
        level(first["prob"]),
        len(terms),
    )
    subtitle += say("; open: errors correlated {}", fixed(float(high), 1)) if swept else ""
    figure = make_page(
        f"{say('Many comparisons')}: {_outcome(first)}", subtitle, _source(first),
        size=(_WIDTH, height),
    )  # fmt: skip
    (axes,) = _panels(figure, 1, 0.42, len(terms), height)
    for row, one in enumerate(main.to_dict("records")):
        colour = ALARM if one["term"] in asked else BLUE
        axes.plot([one["rank_lower"], one["rank_upper"]], [row, row], color=colour, lw=2)
        axes.plot(one["rank"], row, "o", color=colour)
        if other is not None:
            axes.plot(other.loc[one["term"], "rank"], row, "o", mfc="white", mec=colour)
    whose = _own(first)
    labels = [f"{'' if whose else _number(t)}{_short(term_name(t, own=whose))}" for t in terms]
    axes.set_yticks(range(len(terms)), labels, size=8)
    for label, term in zip(axes.get_yticklabels(), terms, strict=True):
        label.set_color(ALARM if term in asked else INK)
    axes.set_xlim(0, len(terms) + 1)
    axes.set_xlabel(say("Rank by size"))
    top = main.iloc[0]
    share = fixed(float(top["p_top"]), 2)
    name = numbered_name(top["term"], own=whose)
    return describe(figure, f"{name}: {say('P(top {})', first['top'])} = {share}")


def _prior_name(name: str) -> str:
    """Name of a prior of the fan, in words: ``slope flat, sd_group half-t``."""
    words = name.replace(",", " ,").split(" ")
    return " ".join(part_word(f"prior {w}").removeprefix("prior ") for w in words).replace(
        " ,", ","
    )


def _number(term: str) -> str:
    """The number of a question, which the report's tables have; "" for what is none."""
    number = term.partition("[")[0]
    return f"{number}  " if number in load_codebook().items else ""


def _short(label: str, most: int = 42) -> str:
    """A label that fits."""
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"


def _own(row: "pd.Series[str]") -> str:
    """Whose terms they are: "" for the study's; slopes and ICC name no group."""
    source = str(row["source"])
    return source if source in {"frame", "moments"} else ""


def _outcome(row: "pd.Series[str]") -> str:
    """Label of the outcome."""
    return outcome_name(row["outcome"], own=_own(row))


def _source(row: "pd.Series[str]") -> str:
    """Whose data; sufficient statistics given by a user are their own."""
    source = str(row["source"])
    return "frame" if source == "moments" else source
