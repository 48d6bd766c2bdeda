"""What is asked of re-read models: other priors of ICCs, coefficients against a region, power."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING

import pandas as pd

from bayes_sf.catalogue import say
from bayes_sf.output.numbers import (
    ICC_DECIMALS,
    as_printed,
    estimate,
    fixed,
    interval,
    probability,
    row_decimals,
)
from bayes_sf.output.tables.table import Table, printed_table
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.sensitivity import part_word
from bayes_sf.output.words.words import interval_name

if TYPE_CHECKING:
    from bayes_sf.analysis.size.power import Effects
    from bayes_sf.analysis.size.practical import Rope
    from bayes_sf.recovery.reread.coefficients import CoefficientPosterior

__all__ = ["fan_table", "size_tables", "sizes_of"]


def sizes_of(
    found: "Sequence[CoefficientPosterior]", rope: "Rope | None", effects: "Effects | None"
) -> dict[str, pd.DataFrame]:
    """Frames of what was asked: `size` for a region, `designs` for true coefficients.

    Parameters
    ----------
    found : sequence of CoefficientPosterior
    rope : Rope or None
    effects : Effects or None
    """
    if rope is None and effects is None:
        return {}
    from bayes_sf.analysis.printed.size import designs_of, judge_all

    frames = {}
    if rope is not None:
        frames["size"] = judge_all(found, rope)
    if effects is not None:
        frames["designs"] = designs_of(found, effects).assign(effects_sd=effects.scale[0])
    return {name: frame for name, frame in frames.items() if len(frame)}


def size_tables(frames: Mapping[str, pd.DataFrame]) -> Iterator[Table]:
    """Tables of those frames.

    Parameters
    ----------
    frames : mapping
        From `sizes_of`.
    """
    if "size" in frames:
        yield _judged(frames["size"])
    if "designs" in frames:
        yield _designs(frames["designs"])


def fan_table(frame: pd.DataFrame) -> Table:
    """ICCs under every prior of a fan.

    Parameters
    ----------
    frame : DataFrame
        From `icc_fan`.
    """
    several = frame["model"].any()  # one that is not of a folder has no name
    lines = []
    for name, part in frame.groupby("model", sort=False):
        for at, row in enumerate(part.to_dict("records")):
            alone = "." if isnan(row["prior_median"]) else fixed(row["prior_median"], ICC_DECIMALS)
            lines.append((
                *([str(name) if at == 0 else ""] if several else []), prior_words(row["prior"]),
                fixed(row["median"], ICC_DECIMALS),
                interval(row["lower"], row["upper"], ICC_DECIMALS), alone,
            ))  # fmt: skip
    header = (
        *([say("model")] if several else []), say("prior"), say("median"), say("interval"),
        say("prior alone"),
    )  # fmt: skip
    title = say("ICC under other priors of the standard deviation between groups")
    return printed_table(
        title, header, lines, f"{interval_name('credible-eti', frame['level'].iloc[0])}."
    )


def _judged(frame: pd.DataFrame) -> Table:
    """The verdict on each coefficient."""
    lines = []
    for row in frame.to_dict("records"):
        sd, limits = row["sd"], (row["lower"], row["upper"])
        width = limits[1] - limits[0] if isnan(sd) else sd
        places = row_decimals([row["mean"], *limits], width)
        lines.append((
            row["model"], row["term"], interval(*limits, places),
            *(probability(row[key]) for key in ("p_inside", "p_below", "p_above")),
            part_word(f"verdict {row['verdict']}"),
        ))  # fmt: skip
    header = (
        say("model"), say("term"), say("interval"), say("P(too small)"), say("P(below)"),
        say("P(above)"), say("Verdict"),
    )  # fmt: skip
    first = frame.iloc[0]
    note = say(
        "{}. Too small to matter: {} to {} {}, for a unit of the predictor. Without intercepts.",
        interval_name("credible-eti", first["level"]), as_printed(f"{first['rope_low']:g}"),
        as_printed(f"{first['rope_high']:g}"), first["unit"],
    )  # fmt: skip
    return printed_table(part_word("size"), header, lines, note)


def _designs(frame: pd.DataFrame) -> Table:
    """Power, type S and type M of each printed standard error."""
    lines = []
    for row in frame.to_dict("records"):
        places = row_decimals([row["estimate"]], row["std_error"])
        lines.append((
            row["model"], row["term"], as_printed(row["printed"]),
            estimate(row["std_error"], places), probability(row["power"]),
            probability(row["type_s"]), fixed(row["type_m"], 1),
            estimate(row["detectable"], places),
        ))  # fmt: skip
    header = (
        say("model"), say("term"), say("printed"), say("SE"), say("Power"), say("S"), say("M"),
        say("Smallest detectable"),
    )  # fmt: skip
    note = say(
        "True coefficients: sd {} {} about zero, for a unit of the predictor. Two-sided test at "
        "5 %, normal: generous with few degrees of freedom. Without intercepts.",
        as_printed(f"{frame['effects_sd'].iloc[0]:g}"), frame["unit"].iloc[0],
    )  # fmt: skip
    return printed_table(part_word("designs"), header, lines, note)
