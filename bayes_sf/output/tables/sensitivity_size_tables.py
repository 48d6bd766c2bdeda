"""Tables of size and chance: regions, probabilities, Bayes factors, days, power and planning.

Lost days say in title and footer that they are an association.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.disclosure.rounding import significant_decimals
from bayes_sf.output.numbers import estimate
from bayes_sf.output.tables.table import Column, Table
from bayes_sf.output.words.sensitivity import say
from bayes_sf.output.words.sensitivity_about import About
from bayes_sf.output.words.sentences import sentence
from bayes_sf.output.words.words import word

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SIZE_TABLES"]

#: Least decimals of an amount.
_LEAST: Final = 2


def _size(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """The verdict against the user's region."""
    shown = frame.assign(
        term=[about.term(term) for term in frame["term"]],
        verdict=[about.say(f"verdict {verdict}") for verdict in frame["verdict"]],
    )
    columns = (
        *_of_term(frame, about),
        Column("mean", word("mean", about.lang)),
        Column("lower", about.span, "interval", upper="upper"),
        Column("rope_low", "ROPE", "interval", _places(frame["rope_high"]), "rope_high"),
        Column("p_inside", about.say("inside"), "probability"),
        Column("p_below", about.say("below"), "probability"),
        Column("p_above", about.say("above"), "probability"),
        Column("verdict", about.say("verdict"), "text"),
    )
    shown["spread"] = [
        HIDDEN if HIDDEN in {low, high} else (high - low) / 4
        for low, high in zip(frame["lower"], frame["upper"], strict=True)
    ]
    notes = (about.kind, *_contrast(frame, about))
    yield about.table("size", shown, columns, digits="spread", notes=notes)


def _exceedance(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Probabilities of amounts."""
    columns = (
        *_of_term(frame, about),
        Column("amount", about.say("amount"), decimals=_places(frame["amount"])),
        Column("p_at_least", about.say("p_at_least"), "probability"),
        Column("p_below", about.say("p_less"), "probability"),
        Column("p_above", about.say("p_more"), "probability"),
    )
    yield about.table("exceedance", _named(frame, about), columns, notes=_contrast(frame, about))


def _bayes(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Bayes factors by prior width."""
    named = frame.assign(term=[about.term(term) for term in frame["term"]])
    several = named["term"].iloc[0] != named["term"].iloc[-1]
    columns = (
        *([Column("term", word("term", about.lang), "text")] if several else []),
        Column("width", about.say("width"), decimals=1),
        Column("bf01", about.say("bf01"), decimals=2),
        *(
            [Column("lowest", about.say("span"), "interval", 2, "highest")]
            if (frame["n_data"] > 1).any()
            else []
        ),
        Column("p_null", about.say("p_null"), "probability", 2),
    )
    yield about.table("bayes", named, columns, unit="")


def _days(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Lost days, each an association; in thousands where they are not known to the thousand."""
    alone = frame.groupby(["term", "variation"])["industry"].transform("size") == 2
    frame = frame[~(alone & (frame["industry"] != "all"))]  # one industry is its own sum
    groups = [
        about.say("in all") if name == "all" else about.group(name) for name in frame["industry"]
    ]
    shown = _named(frame, about).assign(
        industry=groups, variation=[about.say(f"vary {name}") for name in frame["variation"]]
    )
    seen = frame["mean"] != HIDDEN
    large = bool(frame.loc[seen, "sd"].max() > 10_000)
    limits = ["mean", "lower", "upper"]
    shown.loc[seen, limits] /= 1000.0 if large else 1.0
    money = frame.loc[seen, "cost"].notna().any()
    columns = (
        *_of_term(frame, about),
        Column("variation", about.say("variation"), "text"),
        Column("industry", about.word("industry"), "text"),
        Column("employees", about.say("employees"), "integer"),
        Column("mean", about.say("days_thousand" if large else "days_mean"), "integer"),
        Column("lower", about.span, "interval", 0, "upper"),
        Column("p_more", about.say("days_more"), "probability"),
        *([Column("cost", about.say("cost"), "integer"),
           Column("cost_lower", about.span, "interval", 0, "cost_upper")] if money else []),
    )  # fmt: skip
    notes = (about.kind, *_contrast(frame, about))
    yield about.table("days", shown, columns, unit="", notes=notes)


def _designs(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """What the design could have seen."""
    columns = (
        *_of_term(frame, about),
        Column("estimate", "REML"),
        Column("std_error", word("se", about.lang)),
        Column("power", about.say("power"), "probability", 2),
        Column("type_s", about.say("type_s"), "probability", 2),
        Column("type_m", about.say("type_m"), decimals=1),
        Column("detectable", about.say("detectable")),
    )
    sd = _rounded(frame["effects_sd"].iloc[0], about)
    note = {
        "en": f"True differences: sd {sd} about zero.",
        "nb": f"Sanne forskjeller: std.avvik {sd} rundt null.",
    }
    yield about.table(
        "designs", _named(frame, about), columns, digits="std_error",
        notes=(note[about.lang], *_contrast(frame, about)),
    )  # fmt: skip


def _planning(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Widths to expect."""
    columns = (
        *_of_term(frame, about),
        Column("industries", about.say("industries"), "integer"),
        Column("per_industry", about.say("per_industry"), "integer"),
        Column("workplaces", about.say("workplaces"), "integer"),
        Column("width", about.say("expected_width")),
        Column("detectable", about.say("detectable")),
    )
    now = _rounded(frame["width_now"].iloc[0], about)
    note = {"en": f"The interval is now {now} wide.", "nb": f"Intervallet er nå {now} bredt."}
    yield about.table(
        "planning",
        _named(frame, about),
        columns,
        digits="sd",
        notes=(note[about.lang], *_contrast(frame, about)),
    )


def _places(values: "pd.Series[Any]") -> int:
    """Decimals of amounts that are given: two, or more where the smallest needs them."""
    sizes = [abs(value) for value in values if value != HIDDEN and value]
    return max(_LEAST, significant_decimals(min(sizes, default=1.0)))


def _rounded(value: float, about: About) -> str:
    """A number in a note, with two digits and no fewer than two decimals."""
    return estimate(value, max(_LEAST, significant_decimals(abs(value))), about.lang)


def _named(frame: "pd.DataFrame", about: About) -> "pd.DataFrame":
    """Terms in words."""
    return frame.assign(term=[about.term(term) for term in frame["term"]])


def _of_term(frame: "pd.DataFrame", about: About) -> tuple[Column, ...]:
    """Term and contrast, where there are several: one alone is in the notes."""
    if len(frame["label"].unique()) == 1:
        return ()
    lang = about.lang
    return Column("term", word("term", lang), "text"), Column(
        "label", say("contrast", lang), "text"
    )


def _contrast(frame: "pd.DataFrame", about: About) -> tuple[str, ...]:
    """Note on the one contrast that there is, and on the direction of all."""
    row, direction = frame.iloc[0], sentence("contrast", about.lang)
    if len(frame["label"].unique()) > 1:
        return (direction,)
    return (f"{about.say('contrast')}: {about.term(row['term'])}, {row['label']}.", direction)


#: Part -> what makes its tables.
SIZE_TABLES = {
    "size": _size,
    "exceedance": _exceedance,
    "bayes": _bayes,
    "days": _days,
    "designs": _designs,
    "planning": _planning,
}
