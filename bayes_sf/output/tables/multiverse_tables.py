"""Tables of a multiverse: where its estimates lie, what choices matter, estimates by option."""

from math import isfinite
from typing import TYPE_CHECKING

from bayes_sf.analysis.choices.multiverse import Explored, choice_shares, option_means
from bayes_sf.analysis.contrast import find_contrast
from bayes_sf.analysis.priors.prior_fan import SLOPE_PRIORS
from bayes_sf.catalogue import language, say
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.numbers import fixed
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import (
    industry_name,
    numbered_name,
    outcome_name,
    quarter_words,
    unit_name,
    word,
)
from bayes_sf.spec.multiverse import NONE
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["contrast_text", "multiverse_tables", "option_name", "rope_text"]

_SIDES = ("below_zero", "above_zero", "below_rope", "within_rope", "above_rope")


def multiverse_tables(explored: Explored) -> tuple[Table, ...]:
    """Make the tables: sides of zero and of the ROPE, shares of variance, options.

    Parameters
    ----------
    explored : Explored
        As `explore` gives it.
    """
    return _sides(explored), _shares(explored), _options(explored)


def _sides(explored: Explored) -> Table:
    """Shares of estimates and of whole intervals on each side."""
    import pandas as pd

    summary = explored.summary()
    frame = pd.DataFrame(
        [
            {
                "side": word(side), "estimates": 100 * summary[side],
                "intervals": 100 * summary[f"surely_{side}"],
            }
            for side in _SIDES
        ]
    )  # fmt: skip
    columns = (
        Column("side", say("Side"), "text"),
        Column("estimates", say("Estimates, %"), decimals=1),
        Column("intervals", say("Whole intervals, %"), decimals=1),
    )
    said = ("median", "least", "largest")
    numbers = [f"{word(key).lower()} {fixed(summary[key], 2)}" for key in said]
    counted = f"{say('Fitted')}: {summary['fitted']:g} / {summary['combinations']:g}; "
    notes = (
        counted + ", ".join(numbers) + ".",
        say(
            "Percent of the fitted combinations whose estimate, or whole interval, "
            "lies there; what is missing to 100 has zero, or a limit of the ROPE, in "
            "its interval."
        ),
    )
    return _table("multiverse_sides", frame, columns, notes=notes, explored=explored)


def _shares(explored: Explored) -> Table:
    """Share of variance by choice, the largest first."""
    frame = choice_shares(explored).sort_values("total", ascending=False).reset_index()
    frame["choice"] = [word(key) for key in frame["choice"]]
    frame[["first", "total"]] *= 100
    columns = (
        Column("choice", say("Choice"), "text"), Column("options", say("Options"), "integer"),
        Column("first", f"{say('Share of variance, alone')}, %", decimals=1),
        Column("total", f"{say('Total share')}, %", decimals=1),
        Column("range", say("Range"), decimals=2),
    )  # fmt: skip
    complete = len(explored.fitted) == len(explored.table)
    shares = say(
        "Share of the estimates' variance that goes with a choice alone, and with what it does "
        "together with others. Range: between the means of its options."
    )
    unbalanced = say("Not every combination could be fitted: shares need not add up.")
    notes = (shares,) if complete else (shares, unbalanced)
    return _table("multiverse_shares", frame, columns, notes=notes, explored=explored)


def _options(explored: Explored) -> Table:
    """Estimates by option."""
    frame = option_means(explored)
    frame["option"] = [
        option_name(choice, option)
        for choice, option in zip(frame["choice"], frame["option"], strict=True)
    ]
    frame["choice"] = [word(key) for key in frame["choice"]]
    sides = ["surely_below_zero", "surely_above_zero"]
    frame[sides] *= 100
    frame["n_range"] = [
        f"{a:.0f}–{b:.0f}" if isfinite(a) else HIDDEN
        for a, b in zip(frame["n_least"], frame["n_largest"], strict=True)
    ]
    columns = (
        Column("choice", say("Choice"), "text"), Column("option", say("Option"), "text"),
        Column("estimate", say("Estimate"), decimals=2), Column("least", say("Least"), decimals=2),
        Column("largest", say("Largest"), decimals=2),
        *(Column(side, word(side), decimals=1) for side in sides),
        Column("n_range", say("Workplaces"), "text"),
    )  # fmt: skip
    return _table("multiverse_options", frame, columns, notes=(), explored=explored)


def _table(
    key: str,
    frame: "pd.DataFrame",
    columns: tuple[Column, ...],
    *,
    notes: tuple[str, ...],
    explored: Explored,
) -> Table:
    """A table with what all of them say: contrast, ROPE, priors."""
    item = numbered_name(explored.asked.item)
    title = f"{word(key)}: {item}, {outcome_name(explored.outcome)}"
    standing = (
        f"{contrast_text(explored)}; {rope_text(explored)}.",
        say(
            "A contrast goes as the coefficient does: from the lowest answer, or the "
            "reference, to the answer named last."
        ),
        _priors(explored),
        say("An association, not the effect of an intervention."),
    )
    return table_from_frame(
        frame, title, columns=columns, name=f"{key}_{explored.asked.name}", unit=explored.unit,
        n=explored.n_range, notes=(*notes, *standing), source=explored.source,
        )  # fmt: skip


def _priors(explored: Explored) -> str:
    """Priors of every option."""
    options = explored.asked.choices["prior"]
    slopes = [
        f"{option_name('prior', name)}: " + prior_words(SLOPE_PRIORS[name].text("sd(y)/sd(x)", "0"))
        for name in options
    ]
    same = str(Priors()).replace("; slope ", "; slope: ", 1).split("; ")
    rest = "; ".join(part for part in same if not part.startswith("slope"))
    own = f"{prior_words('slope')} {', '.join(slopes)}"
    return f"{say('Priors')}: {prior_words(rest)}; {own}."


def contrast_text(explored: Explored) -> str:
    """Say which contrast is estimated, and with which intervals."""
    asked = explored.asked
    label = find_contrast(explored.contrast.term, asked.contrast, lang=language()).label
    return f"{numbered_name(asked.item)}: {label}"


def rope_text(explored: Explored) -> str:
    """Say what the ROPE is.

    Parameters
    ----------
    explored : Explored
        A multiverse.
    """
    decimals = max(1, len(f"{explored.asked.rope:g}".partition(".")[2]))
    return f"ROPE ±{fixed(explored.asked.rope, decimals)} {unit_name(explored.unit)}"


def option_name(choice: str, option: object) -> str:
    """Name an option: controls by their labels, at most two of them.

    Examples
    --------
    >>> option_name("controls", "women_share + q5r1 + q5r2")
    "Women's share + 2"
    >>> option_name("without", "care"), option_name("last_quarter", "2019Q4")
    ('Residential care', '2019Q4')
    """
    text = str(option)
    if text == NONE:
        return say("none")
    if choice == "controls":
        names = [outcome_name(name) for name in text.split(" + ")]
        return " + ".join(names if len(names) < 3 else [names[0], str(len(names) - 1)])
    if choice == "without":
        return industry_name(text)
    if choice == "outcome" and text in load_codebook().outcomes:
        return outcome_name(text)
    if choice == "last_quarter":
        return quarter_words(text)
    return text if choice == "min_quarters" else word(f"option {text}")
