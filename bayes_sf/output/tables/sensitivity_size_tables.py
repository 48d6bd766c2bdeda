"""Tables of size and chance: regions, probabilities, Bayes factors, days, power and planning.

Lost days say in title and footer that they are an association.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.catalogue import say, say_as
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.disclosure.rounding import significant_decimals
from bayes_sf.output.numbers import estimate
from bayes_sf.output.tables.table import Column, Table
from bayes_sf.output.words.sensitivity_about import About

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SIZE_TABLES"]

#: Least decimals of an amount.
_LEAST: Final = 2


def _size(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """The verdict against the user's region."""
    shown = frame.assign(
        term=[about.term(term) for term in frame["term"]],
        verdict=[about.word(f"verdict {verdict}") for verdict in frame["verdict"]],
    )
    columns = (
        *_of_term(frame), Column("mean", say_as("mean", "Mean")),
        Column("lower", about.span, "interval", upper="upper"),
        Column("rope_low", "ROPE", "interval", _places(frame["rope_high"]), "rope_high"),
        Column("p_inside", about.own_words(say("P(too small)")), "probability"),
        Column("p_below", about.own_words(say("P(below)")), "probability"),
        Column("p_above", about.own_words(say("P(above)")), "probability"),
        Column("verdict", about.own_words(say("Verdict")), "text"),
    )  # fmt: skip
    shown["spread"] = [
        HIDDEN if HIDDEN in {low, high} else (high - low) / 4
        for low, high in zip(frame["lower"], frame["upper"], strict=True)
    ]
    notes = (about.kind, *_contrast(frame, about))
    yield about.table("size", shown, columns, digits="spread", notes=notes)


def _exceedance(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Probabilities of amounts."""
    columns = (
        *_of_term(frame),
        Column("amount", about.own_words(say("At least")), decimals=_places(frame["amount"])),
        Column("p_at_least", about.own_words(say("P(at least)")), "probability"),
        Column("p_below", about.own_words(say("P(lower)")), "probability"),
        Column("p_above", about.own_words(say("P(higher)")), "probability"),
    )
    yield about.table("exceedance", _named(frame, about), columns, notes=_contrast(frame, about))


def _bayes(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Bayes factors by prior width."""
    named = frame.assign(term=[about.term(term) for term in frame["term"]])
    several = named["term"].iloc[0] != named["term"].iloc[-1]
    columns = (
        *([Column("term", say("Term"), "text")] if several else []),
        Column("width", about.own_words(say("Prior sd")), decimals=1),
        Column("bf01", about.own_words(say("BF01")), decimals=2),
        *(
            [
                Column(
                    "lowest", about.own_words(say("over the possible data")), "interval", 2,
                    "highest",
                )
            ]
            if (frame["n_data"] > 1).any()
            else []
        ),
        Column("p_null", about.own_words(say("P(none), even odds")), "probability", 2),
    )  # fmt: skip
    yield about.table("bayes", named, columns, unit="")


def _days(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Lost days, each an association; in thousands where they are not known to the thousand."""
    alone = frame.groupby(["term", "variation"])["industry"].transform("size") == 2
    frame = frame[~(alone & (frame["industry"] != "all"))]  # one industry is its own sum
    groups = [
        about.own_words(say_as("in all", "all")) if name == "all" else about.group(name)
        for name in frame["industry"]
    ]
    shown = _named(frame, about).assign(
        industry=groups, variation=[about.word(f"vary {name}") for name in frame["variation"]]
    )
    seen = frame["mean"] != HIDDEN
    large = bool(frame.loc[seen, "sd"].max() > 10_000)
    limits = ["mean", "lower", "upper"]
    shown.loc[seen, limits] /= 1000.0 if large else 1.0
    money = frame.loc[seen, "cost"].notna().any()
    columns = (
        *_of_term(frame),
        Column("variation", about.own_words(say("Variation")), "text"),
        Column("industry", about.own_words(say("Industry")), "text"),
        Column("employees", about.own_words(say("Full-time equivalents")), "integer"),
        Column("mean", about.word("days_thousand" if large else "days_mean"), "integer"),
        Column("lower", about.span, "interval", 0, "upper"),
        Column("p_more", about.own_words(say("P(more)")), "probability"),
        *(
            [
                Column("cost", about.own_words(say("Cost")), "integer"),
                Column("cost_lower", about.span, "interval", 0, "cost_upper"),
            ]
            if money
            else []
        ),
    )
    notes = (about.kind, *_contrast(frame, about))
    yield about.table("days", shown, columns, unit="", notes=notes)


def _designs(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """What the design could have seen."""
    columns = (
        *_of_term(frame), Column("estimate", "REML"), Column("std_error", say("SE")),
        Column("power", about.own_words(say("Power")), "probability", 2),
        Column("type_s", about.own_words(say("S")), "probability", 2),
        Column("type_m", about.own_words(say("M")), decimals=1),
        Column("detectable", about.own_words(say("Smallest detectable"))),
    )  # fmt: skip
    sd = _rounded(frame["effects_sd"].iloc[0])
    yield about.table(
        "designs", _named(frame, about), columns, digits="std_error",
        notes=(say("True differences: sd {} about zero.", sd), *_contrast(frame, about)),
    )  # fmt: skip


def _planning(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Widths to expect."""
    columns = (
        *_of_term(frame), Column("industries", about.own_words(say("Industries")), "integer"),
        Column("per_industry", about.own_words(say("Workplaces in each")), "integer"),
        Column("workplaces", about.own_words(say("Workplaces")), "integer"),
        Column("width", about.own_words(say("Width of interval"))),
        Column("detectable", about.own_words(say("Smallest detectable"))),
    )  # fmt: skip
    now = _rounded(frame["width_now"].iloc[0])
    yield about.table(
        "planning", _named(frame, about), columns, digits="sd",
        notes=(say("The interval is now {} wide.", now), *_contrast(frame, about)),
    )  # fmt: skip


def _places(values: "pd.Series[Any]") -> int:
    """Decimals of amounts that are given: two, or more where the smallest needs them."""
    sizes = [abs(value) for value in values if value != HIDDEN and value]
    return max(_LEAST, significant_decimals(min(sizes, default=1.0)))


def _rounded(value: float) -> str:
    """A number in a note, with two digits and no fewer than two decimals."""
    return estimate(value, max(_LEAST, significant_decimals(abs(value))))


def _named(frame: "pd.DataFrame", about: About) -> "pd.DataFrame":
    """Terms in words."""
    return frame.assign(term=[about.term(term) for term in frame["term"]])


def _of_term(frame: "pd.DataFrame") -> tuple[Column, ...]:
    """Term and contrast, where there are several: one alone is in the notes."""
    if len(frame["label"].unique()) == 1:
        return ()
    return Column("term", say("Term"), "text"), Column("label", say("Contrast"), "text")


def _contrast(frame: "pd.DataFrame", about: About) -> tuple[str, ...]:
    """Note on the one contrast that there is, and on the direction of all."""
    row, direction = (
        frame.iloc[0],
        say(
            "A contrast goes as the coefficient does: from the lowest answer, or the "
            "reference, to the answer named last."
        ),
    )
    if len(frame["label"].unique()) > 1:
        return (direction,)
    return (
        f"{about.own_words(say('Contrast'))}: {about.term(row['term'])}, {row['label']}.",
        direction,
    )


#: Part -> what makes its tables.
SIZE_TABLES = {
    "size": _size,
    "exceedance": _exceedance,
    "bayes": _bayes,
    "days": _days,
    "designs": _designs,
    "planning": _planning,
}
