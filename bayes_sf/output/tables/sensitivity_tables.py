"""Tables of a sensitivity analysis: one or two for every part, in either language.

Every table says which data, how many rows, which priors and what kind of intervals. Lost days say
in title and footer that they are an association.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.analysis.sensitivity import Sensitivity
from bayes_sf.disclosure.rounding import significant_decimals
from bayes_sf.engines.result import Result
from bayes_sf.inputs.variables import Language
from bayes_sf.output.numbers import digits_of, estimate, interval
from bayes_sf.output.tables.result_tables import slug
from bayes_sf.output.tables.sensitivity_size_tables import SIZE_TABLES
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.sensitivity import say, sentence_of
from bayes_sf.output.words.sensitivity_about import About
from bayes_sf.output.words.words import interval_name, numbered_name, outcome_name, own_group, word

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["model_tables", "outcome_tables"]

#: Rows of the largest slopes that are shown of many.
_LARGEST: Final = 8
type _Maker = Callable[["pd.DataFrame", "About"], Iterator[Table]]


def model_tables(
    found: Sensitivity, result: Result, lang: Language, *, short: bool = False
) -> tuple[Table, ...]:
    """Make the tables of one model.

    Parameters
    ----------
    found : Sensitivity
        What was asked.
    result : Result
        One of its results.
    lang : {"en", "nb"}
        Language.
    short : bool
        Whether controls' own coefficients, and days lost of single industries, are left out.
    """
    about, spec = About(result, found.prob, lang), result.spec
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


def outcome_tables(found: Sensitivity, lang: Language) -> tuple[Table, ...]:
    """Make the tables of many comparisons, one for every outcome.

    Parameters
    ----------
    found : Sensitivity
        What was asked.
    lang : {"en", "nb"}
        Language.
    """
    if "multiplicity" not in found.tables:
        return ()
    frame = found.tables["multiplicity"]
    return tuple(_many(found, part, lang) for _, part in frame.groupby("outcome", sort=False))


def _prior(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Quantities before any data."""
    named = [
        f"{about.say('contrast')}: {label}" if quantity == "contrast" else about.say(quantity)
        for quantity, label in zip(frame["quantity"], frame["label"], strict=True)
    ]
    columns = (
        Column("quantity", about.say("quantity"), "text"),
        Column("median", word("median", about.lang), decimals=2),
        Column("lower", interval_name("interval", about.prob, about.lang), "interval", 2, "upper"),
        Column("observed", about.say("observed"), decimals=2),
        Column("p_above", about.say("p_above"), "probability", 2),
        Column("p_impossible", about.say("p_impossible"), "probability", 2),
    )
    yield about.table("prior", frame.assign(quantity=named), columns)


def _fan(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """How far each term moves over all priors, and how often something else is concluded."""
    import pandas as pd

    def span(values: "pd.Series[float]", decimals: int) -> str:
        return interval(float(values.min()), float(values.max()), decimals, about.lang)

    rows = []
    for term, part in frame[frame["group"] == ""].groupby("term", sort=False):
        first = part.iloc[0]
        d = significant_decimals(first["sd"])
        own = interval(first["lower"], first["upper"], d, about.lang)
        rows.append(
            {
                "term": about.term(str(term)),
                "first": f"{estimate(first['mean'], d, about.lang)} ({own})",
                "means": span(part["mean"], d), "lowers": span(part["lower"], d),
                "uppers": span(part["upper"], d), "changed": int((part["changes"] != "").sum()),
            }
        )  # fmt: skip
    columns = (
        Column("term", word("term", about.lang), "text"),
        Column("first", about.say("first"), "printed"),
        Column("means", about.say("means"), "printed"),
        Column("lowers", about.say("lowers"), "printed"),
        Column("uppers", about.say("uppers"), "printed"),
        Column("changed", about.say("changed"), "integer"),
    )
    tried = f"{about.say('priors tried')}: {frame['prior'].nunique()}."
    yield about.table("fan", pd.DataFrame(rows), columns, notes=(tried, about.kind))


def _scaling(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Sensitivity to the powers of both components."""
    keys = ["engine", "term"]
    wide = frame.pivot_table(
        index=keys, columns="component", values="sensitivity", sort=False
    ).reset_index()
    said = frame.drop_duplicates(keys).set_index(keys)["diagnosis"]
    wide["diagnosis"] = [
        about.say(said[engine, term])
        for engine, term in zip(wide["engine"], wide["term"], strict=True)
    ]
    wide["term"] = [about.term(term) for term in wide["term"]]
    several = wide["engine"].iloc[0] != wide["engine"].iloc[-1]
    columns = (
        *([Column("engine", word("engine", about.lang), "text")] if several else []),
        Column("term", word("term", about.lang), "text"),
        Column("prior", about.say("sensitivity prior"), decimals=3),
        Column("likelihood", about.say("sensitivity data"), decimals=3),
        Column("diagnosis", about.say("diagnosis"), "text"),
    )
    yield about.table("scaling", wide, columns, unit="")


def _ladder(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """Every rung that there is; those that are not are in the notes."""
    there = frame[frame["missing"] == ""]
    several = there["term"].iloc[0] != there["term"].iloc[-1]
    shown = there.assign(
        term=[about.term(term) for term in there["term"]],
        rung=[about.say(rung) for rung in there["rung"]],
        digits=list(map(digits_of, there["term"], there["estimate"], there["sd"])),
    )
    columns = (
        *([Column("term", word("term", about.lang), "text")] if several else []),
        Column("rung", about.say("rung"), "text"),
        Column("estimate", word("estimate", about.lang)),
        Column("sd", f"{word('se', about.lang)} / {word('sd', about.lang)}"),
        Column("lower", interval_name("interval", about.prob, about.lang), "interval",
               upper="upper"),
        Column("change", about.say("change")),
        Column("change_se", about.say("change_se"), decimals=2),
    )  # fmt: skip
    terms = frame[frame["term"] != "icc"] if (frame["term"] != "icc").any() else frame
    out = terms[terms["missing"] != ""].drop_duplicates("rung")
    notes = [
        f"{about.say(rung)}: {about.say(why)}."
        for rung, why in zip(out["rung"], out["missing"], strict=True)
    ]
    yield about.table("ladder", shown, columns, digits="digits", notes=tuple(notes))


def _controls(frame: "pd.DataFrame", about: About) -> Iterator[Table]:
    """On identical rows, and as the report did."""
    named = frame.assign(
        controls=[
            about.say(c) if c in {"none", "all"} else about.term(c) for c in frame["controls"]
        ]
    )
    for rows in ("identical", "own"):
        own = named[named["rows"] == rows]
        columns = (
            Column("controls", about.say("controls"), "text"),
            Column("reml", "REML", decimals=3),
            Column("t", word("t", about.lang), decimals=2),
            Column("lower", about.span, "interval", 3, "upper"),
            Column("n", "n", "integer"),
            *(
                (
                    Column("lost", about.say("lost"), "integer"),
                    Column("loss", about.say("loss"), decimals=3),
                )
                if rows == "own"
                else ()
            ),
            Column("adjustment", about.say("adjustment"), decimals=3),
        )
        synthetic = about.result.provenance.source == "replica"
        notes = (sentence_of("controls replica", about.lang),) if synthetic else ()
        yield about.table(f"controls {rows}", own, columns, notes=(about.kind, *notes))


_MAKERS: Final[Mapping[str, _Maker]] = {
    "prior": _prior,
    "fan": _fan,
    "scaling": _scaling,
    "ladder": _ladder,
    "controls": _controls,
    **SIZE_TABLES,
}


def _many(found: Sensitivity, frame: "pd.DataFrame", lang: Language) -> Table:
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
    shown = shown.assign(term=[numbered_name(term, lang, own=own) for term in shown["term"]])
    outcome, top = str(frame["outcome"].iloc[0]), int(frame["top"].iloc[0])
    columns = (
        Column("term", word("term", lang), "text"),
        *([Column("correlation", say("correlation", lang), decimals=1)] if swept else []),
        Column("estimate", "REML"),
        Column("t", word("t", lang), decimals=2),
        Column("p", say("p", lang), "probability"),
        Column("bonferroni", say("bonferroni", lang), "probability"),
        Column("bh", say("bh", lang), "probability"),
        Column("mean", say("pooled", lang)),
        Column("lower", interval_name("interval", found.prob, lang), "interval", upper="upper"),
        Column("rank", say("rank", lang), "integer"),
        Column("rank_lower", say("ranks", lang), "interval", 0, "rank_upper"),
        Column("p_top", say("p_top", lang).format(top), "probability", 2),
    )
    n, count = frame["n"], int(frame["slopes"].iloc[0])
    notes = [sentence_of("multiplicity", lang), *([sentence_of("sweep", lang)] if swept else [])]
    notes.append(
        {
            "en": f"{count} slopes. Prior: slopes normal(0, omega), omega flat.",
            "nb": f"{count} stigningstall. A priori: normal(0; omega), omega flat.",
        }[lang]
    )
    return table_from_frame(
        shown,
        f"{say('multiplicity', lang)}: {outcome_name(outcome, lang, own=own)}", columns=columns,
        name=slug(f"multiplicity_{outcome}"), digits="se", unit=found.results[0].spec.unit,
        n=(int(n.min()), int(n.max())), notes=notes, source=str(frame["source"].iloc[0]),
        lang=lang,
    )  # fmt: skip
