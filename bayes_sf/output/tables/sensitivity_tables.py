"""Tables of a sensitivity analysis: one or two for every part, in either language.

Every table says which data, how many rows, which priors and what kind of intervals. Lost days say
in title and footer that they are an association.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.analysis.sensitivity import Sensitivity
from bayes_sf.catalogue import say, say_as
from bayes_sf.disclosure.rounding import significant_decimals
from bayes_sf.engines.result import Result
from bayes_sf.output.numbers import digits_of, estimate, interval
from bayes_sf.output.tables.result_tables import slug
from bayes_sf.output.tables.sensitivity_size_tables import SIZE_TABLES
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.sensitivity_about import About
from bayes_sf.output.words.words import interval_name, numbered_name, outcome_name, own_group

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["model_tables", "outcome_tables"]

#: Rows of the largest slopes that are shown of many.
_LARGEST: Final = 8
type _Maker = Callable[["pd.DataFrame", "About"], Iterator[Table]]


def model_tables(found: Sensitivity, result: Result, *, short: bool = False) -> tuple[Table, ...]:
    """Make the tables of one model.

    Parameters
    ----------
    found : Sensitivity
        What was asked.
    result : Result
        One of its results.
    short : bool
        Whether controls' own coefficients, and days lost of single industries, are left out.
    """
    about, spec = About(result, found.prob), result.spec
    tables: list[Table] = []
    for part, make in _MAKERS.items():
        if part not in found.tables:
            continue
        frame = found.tables[part]
        own = frame[(frame["outcome"] == spec.outcome) & (frame["model"] == spec.name)]
        if short:
            own = own[_shown(part, own, spec.predictors[1:])]
        if len(own):
            tables += make(own.reset_index(drop=True), about)
    return tuple(tables)


def _shown(part: str, frame: "pd.DataFrame", controls: tuple[str, ...]) -> "pd.Series[bool]":
    """Rows of a short table."""
    if part in {"fan", "scaling", "ladder"}:
        return ~frame["term"].str.partition("[")[0].isin(controls)
    if part == "days":
        return frame["industry"] == "all"
    return frame["outcome"].notna()


def outcome_tables(found: Sensitivity) -> tuple[Table, ...]:
    """Make the tables of many comparisons, one for every outcome.

    Parameters
    ----------
    found : Sensitivity
        What was asked.
    """
    if "multiplicity" not in found.tables:
        return ()
    frame = found.tables["multiplicity"]
    return tuple(_many(found, part) for _, part in frame.groupby("outcome", sort=False))


def _prior(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Quantities before any data."""
    named = [
        f"{about.own_words(say('Contrast'))}: {label}"
        if quantity == "contrast"
        else about.word(quantity)
        for quantity, label in zip(frame["quantity"], frame["label"], strict=True)
    ]
    columns = (
        Column("quantity", about.own_words(say("Quantity")), "text"),
        Column("median", say("Median"), decimals=2),
        Column("lower", interval_name("interval", about.prob), "interval", 2, "upper"),
        Column("observed", about.own_words(say("Observed")), decimals=2),
        Column("p_above", about.own_words(say("P(above observed)")), "probability", 2),
        Column("p_impossible", about.own_words(say("P(impossible)")), "probability", 2),
    )
    made = about.table("prior", frame.assign(quantity=named), columns)
    yield made.without(*["p_impossible"] * bool(frame["p_impossible"].isna().all()))


def _fan(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """How far each term moves over all priors, and how often something else is concluded."""
    import pandas as pd

    def span(values: "pd.Series[float]", decimals: int) -> str:
        return interval(float(values.min()), float(values.max()), decimals)

    rows = []
    for term, part in frame[frame["group"] == ""].groupby("term", sort=False):
        first = part.iloc[0]
        d = significant_decimals(first["sd"])
        own = interval(first["lower"], first["upper"], d)
        rows.append(
            {
                "term": about.term(str(term)), "first": f"{estimate(first['mean'], d)} ({own})",
                "means": span(part["mean"], d), "lowers": span(part["lower"], d),
                "uppers": span(part["upper"], d), "changed": int((part["changes"] != "").sum()),
            }
        )  # fmt: skip
    columns = (
        Column("term", say("Term"), "text"),
        Column("first", about.own_words(say("The model's own")), "printed"),
        Column("means", about.own_words(say("Means")), "printed"),
        Column("lowers", about.own_words(say("Lower limits")), "printed"),
        Column("uppers", about.own_words(say("Upper limits")), "printed"),
        Column("changed", about.own_words(say("Other conclusion")), "integer"),
    )
    tried = f"{about.own_words(say('Priors'))}: {frame['prior'].nunique()}."
    yield about.table("fan", pd.DataFrame(rows), columns, notes=(tried, about.kind))


def _scaling(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Sensitivity to the powers of both components."""
    keys = ["engine", "term"]
    wide = frame.pivot_table(
        index=keys, columns="component", values="sensitivity", sort=False
    ).reset_index()
    said = frame.drop_duplicates(keys).set_index(keys)["diagnosis"]
    wide["diagnosis"] = [
        about.word(said[engine, term])
        for engine, term in zip(wide["engine"], wide["term"], strict=True)
    ]
    wide["term"] = [about.term(term) for term in wide["term"]]
    several = wide["engine"].iloc[0] != wide["engine"].iloc[-1]
    columns = (
        *([Column("engine", say("Engine"), "text")] if several else []),
        Column("term", say("Term"), "text"),
        Column("prior", about.own_words(say("Prior")), decimals=3),
        Column("likelihood", about.own_words(say("Data")), decimals=3),
        Column("diagnosis", about.own_words(say("Diagnosis")), "text"),
    )
    yield about.table("scaling", wide, columns, unit="")


def _ladder(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Every rung that there is; those that are not are in the notes."""
    there = frame[frame["missing"] == ""]
    several = there["term"].iloc[0] != there["term"].iloc[-1]
    shown = there.assign(
        term=[about.term(term) for term in there["term"]],
        rung=[about.word(rung) for rung in there["rung"]],
        digits=list(map(digits_of, there["term"], there["estimate"], there["sd"])),
    )
    columns = (
        *([Column("term", say("Term"), "text")] if several else []),
        Column("rung", about.own_words(say("Rung")), "text"),
        Column("estimate", say("Estimate")),
        Column("sd", f"{say("SE")} / {say_as("sd", "sd")}"),
        Column("lower", interval_name("interval", about.prob), "interval",
               upper="upper"),
        Column("change", about.own_words(say("Change"))),
        Column("change_se", about.own_words(say("in SEs")), decimals=2),
    )  # fmt: skip
    terms = frame[frame["term"] != "icc"] if (frame["term"] != "icc").any() else frame
    out = terms[terms["missing"] != ""].drop_duplicates("rung")
    notes = [
        f"{about.word(rung)}: {about.word(why)}."
        for rung, why in zip(out["rung"], out["missing"], strict=True)
    ]
    yield about.table("ladder", shown, columns, digits="digits", notes=tuple(notes))


def _controls(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """On identical rows, and as the report did."""
    named = frame.assign(
        controls=[
            about.word(c) if c in {"none", "all"} else about.term(c) for c in frame["controls"]
        ]
    )
    for rows in ("identical", "own"):
        own = named[named["rows"] == rows]
        columns = (
            Column("controls", about.own_words(say("Controls")), "text"),
            Column("reml", "REML", decimals=3),
            Column("t", say("t"), decimals=2),
            Column("lower", about.span, "interval", 3, "upper"),
            Column("n", "n", "integer"),
            *(
                (
                    Column("lost", about.own_words(say("Lost")), "integer"),
                    Column("loss", about.own_words(say("By loss")), decimals=3),
                )
                if rows == "own"
                else ()
            ),
            Column("adjustment", about.own_words(say("By adjustment")), decimals=3),
        )
        synthetic = about.result.provenance.source == "replica"
        notes = (
            (
                say(
                    "SYNTHETIC: the report prints the first and the last step only. How much "
                    "of the way is loss and how much adjustment, this copy cannot say of the "
                    "real study."
                ),
            )
            if synthetic
            else ()
        )
        yield about.table(f"controls {rows}", own, columns, notes=(about.kind, *notes))


_MAKERS: Final[Mapping[str, _Maker]] = {
    "prior": _prior,
    "fan": _fan,
    "scaling": _scaling,
    "ladder": _ladder,
    "controls": _controls,
    **SIZE_TABLES,
}


def _many(found: Sensitivity, frame: "pd.DataFrame") -> Table:
    """The largest slopes of an outcome, and those that were asked about."""
    asked = {term for result in found.results for term in result.moments.predictors}
    swept = bool(frame["correlation"].notna().any())
    first = frame[frame["correlation"] == frame["correlation"].min()] if swept else frame
    largest = first.reindex(first["t"].abs().sort_values(ascending=False).index)
    few = [*largest["term"].head(_LARGEST)]
    few += [term for term in largest["term"] if term in asked and term not in few]
    shown = frame[frame["term"].isin(few)]
    if swept:  # what is asked about at every correlation, the others at none
        shown = shown[
            shown["term"].isin(asked) | (shown["correlation"] == first["correlation"].min())
        ]
    place = {term: at for at, term in enumerate(few)}
    shown = shown.sort_values(["term", "correlation"], key=lambda s: s.map(place).fillna(s))
    own = own_group(found.results[0])
    shown = shown.assign(term=[numbered_name(term, own=own) for term in shown["term"]])
    outcome, top = str(frame["outcome"].iloc[0]), int(frame["top"].iloc[0])
    columns = (
        Column("term", say("Term"), "text"),
        *([Column("correlation", say("Corr."), decimals=1)] if swept else []),
        Column("estimate", "REML"), Column("t", say("t"), decimals=2),
        Column("p", say("p"), "probability"),
        Column("bonferroni", say("Bonferroni"), "probability"),
        Column("bh", say("BH"), "probability"), Column("mean", say("Pooled")),
        Column("lower", interval_name("interval", found.prob), "interval", upper="upper"),
        Column("rank", say("Rank"), "integer"),
        Column("rank_lower", say("Rank interval"), "interval", 0, "rank_upper"),
        Column("p_top", say("P(top {})", top), "probability", 2),
    )  # fmt: skip
    n, count = frame["n"], int(frame["slopes"].iloc[0])
    notes = [
        say(
            "Per sd of the predictor. All slopes of the outcome, partially pooled "
            "towards zero. Rank by size, 1 is the largest."
        ),
        *(
            [say("The report does not say how items go together: a common correlation is tried.")]
            if swept
            else []
        ),
    ]
    notes.append(say("{} slopes. Prior: slopes normal(0, omega), omega flat.", count))
    return table_from_frame(
        shown,
        f"{say("Many comparisons")}: {outcome_name(outcome, own=own)}", columns=columns,
        name=slug(f"multiplicity_{outcome}"), digits="se", unit=found.results[0].spec.unit,
        n=(int(n.min()), int(n.max())), notes=notes, source=str(frame["source"].iloc[0]),
        )  # fmt: skip
