"""`bayes-sf reread`: the posterior behind a printed ICC, or behind every model of a folder."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import pandas as pd

from bayes_sf.catalogue import Message, mark, said_of, say, say_as
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import holds_no_data
from bayes_sf.errors import UsageError
from bayes_sf.output.numbers import (
    ICC_DECIMALS,
    as_printed,
    estimate,
    fixed,
    interval,
    probability,
    row_decimals,
)
from bayes_sf.output.report.reread import reread_page
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.output.tables.reread_tables import fan_table, size_tables, sizes_of
from bayes_sf.output.tables.table import Table, printed_table
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import interval_name, of_groups
from bayes_sf.recovery.reread.coefficients import df_text
from bayes_sf.recovery.reread.null import IccPosterior

if TYPE_CHECKING:
    from bayes_sf.analysis.size.power import Effects
    from bayes_sf.analysis.size.practical import Rope
    from bayes_sf.recovery.reread.coefficients import CoefficientPosterior
    from bayes_sf.recovery.reread.model import RereadModel
    from bayes_sf.recovery.reread.report import Reread

__all__ = ["PAGE", "run_reread", "run_reread_folder", "run_reread_table"]

PAGE: Final = "reread.html"
"""One page with picture, tables and a slider of the prior."""

#: Whose figures these are.
_STATEMENT: Final = Message("Re-read from printed figures: no data were there.")
#: The print itself, and ends of what it leaves open.
_CASES: Final = {
    "as printed": mark("as printed"), "sizes equal": mark("sizes equal"),
    "sizes very unequal": mark("sizes very unequal"), "REML": mark("by REML"),
    "ML": mark("by maximum likelihood"), "no difference": mark("no difference at all"),
    "largest that is called zero": mark("largest that is called zero"),
    "largest that is printed so": mark("largest ICC that is printed so"),
}  # fmt: skip
#: What is shown of a model's account, by its kind.
_SHOWN: Final = {
    "assumed": mark("assumed"), "left open": mark("left open"), "no ICC": mark("no ICC"),
}  # fmt: skip


def run_reread(
    found: IccPosterior, asked: Asked, *, fan: pd.DataFrame | None = None, page: bool = False
) -> Run:
    """Show a re-read ICC, its prior, and the ends of what the print leaves open.

    Parameters
    ----------
    found : IccPosterior
    asked : Asked
    fan : DataFrame, optional
        From `icc_fan`.
    page : bool
        Whether `PAGE` is among the files.
    """
    passed = holds_no_data(found, "printed figures only")
    content = partial(_content, fan=fan, seed=asked.seed if page else None)
    return Run(asked, Control(microdata=False), passed.map(content))


def run_reread_folder(
    found: "Reread",
    asked: Asked,
    *,
    rope: "Rope | None" = None,
    effects: "Effects | None" = None,
    fan: pd.DataFrame | None = None,
    page: bool = False,
) -> Run:
    """Show every model of a folder: its ICC, its coefficients, and what they rest on.

    Parameters
    ----------
    found : Reread
    asked : Asked
    rope : Rope, optional
        What is too small to matter; coefficients are judged by it.
    effects : Effects, optional
        True coefficients, for power and errors of sign and magnitude.
    fan : DataFrame, optional
        From `icc_fan`.
    page : bool
        Whether `PAGE` is among the files.

    Raises
    ------
    UsageError
        For a page of a folder of which no model has an ICC.
    """
    if page and not found.iccs:
        rule, fix = "is about ICCs: no model of the folder has one", "leave it out"
        raise UsageError("--page", rule, fix=fix)
    passed = holds_no_data(found, "printed figures only")
    seed = asked.seed if page else None
    content = partial(_folder, rope=rope, effects=effects, fan=fan, seed=seed)
    return Run(asked, Control(microdata=False), passed.map(content))


def run_reread_table(found: pd.DataFrame, asked: Asked) -> Run:
    """Show many re-read ICCs.

    Parameters
    ----------
    found : pandas.DataFrame
        From `icc_table`.
    asked : Asked
    """
    passed = holds_no_data(found, "printed figures only")
    return Run(asked, Control(microdata=False), passed.map(_many))


def _many(found: pd.DataFrame) -> Content:
    """A line for each ICC."""
    lines = []
    for row in found.to_dict("records"):
        _, middle, limits = _line("", row["lower"], row["median"], row["upper"])
        ends = interval(row["low_end"], row["high_end"], ICC_DECIMALS)
        cells = [row["study"], as_printed(row["printed"]), middle, limits, ends]
        if "deff_median" in row:
            cells += [fixed(row["deff_median"], 2),
                      interval(row["deff_lower"], row["deff_upper"], 2)]  # fmt: skip
        lines.append(cells)
    header = [say("study"), say("printed"), say("median"), say("interval"), say("with all ends")]
    if "deff_median" in found:
        header += [say("design effect"), say("its interval")]
    kind = interval_name("credible-eti", float(found["level"].iloc[0]) if len(found) else 0.95)
    title = say("Intraclass correlations of printed models")
    table = printed_table(title, header, lines, f"{kind}.")
    return Content(
        frames={"iccs": found}, tables=(table,), statement=_STATEMENT,
        about={"iccs": len(found)},
    )  # fmt: skip


def _cases(found: IccPosterior) -> dict[str, IccPosterior]:
    """The main posterior and its ends."""
    return {"as printed": found, **found.ends}


def _record(case: str, one: IccPosterior) -> dict[str, object]:
    return {
        "case": case, "lower": one.lower, "median": one.median, "upper": one.upper,
        "mean": one.mean, "prior_median": one.prior_median, "prior_lower": one.prior_lower,
        "prior_upper": one.prior_upper, "level": one.level,
    }  # fmt: skip


def _content(found: IccPosterior, fan: pd.DataFrame | None, seed: int | None) -> Content:
    """The table, and the same as a frame; with a seed as a page."""
    frame = pd.DataFrame([_record(case, one) for case, one in _cases(found).items()])
    tables = (_table(found), *map(fan_table, _fanned(fan).values()))
    lines = [say("Assumed: {}.", said_of(why)) for why in found.assumed]
    return Content(
        frames={"icc": frame, **_fanned(fan)},
        tables=tables,
        lines=lines,
        texts=_page({"": found}, {"groups": tables}, lines, seed),
        about={
            "printed": found.printed, "n": found.n, "groups": found.groups,
            "priors": found.priors, "assumed": [str(why) for why in found.assumed],
        },
        statement=_STATEMENT,
    )  # fmt: skip


def _fanned(fan: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """A fan that was asked for, of any ICC."""
    return {} if fan is None or fan.empty else {"fan": fan}


def _line(name: str, lower: float, median: float, upper: float) -> tuple[str, ...]:
    return name, fixed(median, ICC_DECIMALS), interval(lower, upper, ICC_DECIMALS)


def _note(found: IccPosterior) -> str:
    """Interval and priors."""
    kind = interval_name("credible-eti", found.level)
    priors = of_groups(prior_words(found.priors), own="group")
    return say("{}. Priors: {}.", kind, priors)


def _table(found: IccPosterior) -> Table:
    """A line for each case, and one for the prior."""
    lines = [
        _line(say(_CASES[case]), r.lower, r.median, r.upper) for case, r in _cases(found).items()
    ]
    prior = _line(say("prior alone"), found.prior_lower, found.prior_median, found.prior_upper)
    title = say(
        "Intraclass correlation, printed as {} (n = {}, {} groups)", as_printed(found.printed),
        found.n,
        found.groups,
    )  # fmt: skip
    header = ("ICC", say("median"), say("interval"))
    return printed_table(title, header, [*lines, prior], _note(found))


def _folder(
    found: "Reread",
    rope: "Rope | None",
    effects: "Effects | None",
    fan: pd.DataFrame | None,
    seed: int | None,
) -> Content:
    """Tables of ICCs and coefficients, an account of every model; with a seed as a page."""
    models = list(found.values())
    account = [line for model in models for line in _account(model)]
    coefficients = [one for model in models for one in model.coefficients]
    sized = sizes_of(coefficients, rope, effects)
    iccs, slopes = _iccs(models), _coefficients(coefficients)
    fanned = [fan_table(one) for one in _fanned(fan).values()]
    sizes = list(size_tables(sized))
    tables = [*(table for table in (iccs, slopes) if table), *fanned, *sizes]
    lines = [
        say("Model {}: {}: {}.", name, say(_SHOWN[kind]), said_of(text))
        for name, kind, text in account
        if kind in _SHOWN
    ]
    by_section = {
        "groups": [*([iccs] if iccs else []), *fanned],
        "coefficients": [*([slopes] if slopes else []), *sizes],
    }
    frames = {
        "icc": pd.DataFrame(
            [
                {**line, "source": found.report.source_of(model.name)}
                for model in models
                for line in _icc_records(model)
            ]
        ),
        "coefficients": pd.DataFrame([_coefficient_record(one) for one in coefficients]),
        "account": pd.DataFrame(
            [(name, kind, str(text)) for name, kind, text in account],
            columns=["model", "kind", "text"],
        ),
        **_fanned(fan),
        **sized,
    }
    return Content(
        frames={name: frame for name, frame in frames.items() if len(frame.columns)},
        tables=tables,
        lines=lines,
        texts=_page(
            found.iccs, {key: of for key, of in by_section.items() if of}, lines, seed,
            title=found.report.title,
        ),
        about={
            "title": found.report.title, "report": found.report.source,
            "priors": str(found.priors), "models": {model.name: model.level for model in models},
        },
        statement=_STATEMENT,
    )  # fmt: skip


def _page(
    iccs: Mapping[str, IccPosterior],
    tables: Mapping[str, Sequence[Table]],
    account: Sequence[str],
    seed: int | None,
    title: str = "",
) -> dict[str, str]:
    """The page, if it is asked for."""
    if seed is None:
        return {}
    return {PAGE: reread_page(iccs, tables, account, title=title, seed=seed)}


def _account(model: "RereadModel") -> Iterator[tuple[str, str, str]]:
    """What was read, assumed and left open of one model."""
    for kind, texts in (
        ("read", model.read), ("assumed", model.assumed), ("left open", model.left),
        ("no ICC", (model.refused,) if model.refused else ()),
    ):  # fmt: skip
        yield from ((model.name, kind, text) for text in texts)
    for one in model.coefficients:
        for text in one.assumed:
            yield f"{model.name}, {one.term}", "assumed", text


def _icc_records(model: "RereadModel") -> Iterator[dict[str, object]]:
    if model.icc is not None:
        for case, one in _cases(model.icc).items():
            yield {
                "model": model.name, "reading": model.level, "printed": model.icc.printed,
                "n": model.icc.n, "groups": model.icc.groups, **_record(case, one),
            }  # fmt: skip


def _coefficient_record(one: "CoefficientPosterior") -> dict[str, object]:
    ends = {
        f"{limit}_{name.partition(' ')[0]}_df": value
        for name, both in one.ends.items()
        for limit, value in zip(("lower", "upper"), both, strict=True)
    }
    return {
        "model": one.model, "term": one.term, "printed": one.printed, "unit": one.unit,
        "mean": one.mean, "sd": one.sd, "lower": one.lower, "upper": one.upper,
        "level": one.level, "p_direction": one.p_direction, "df_low": one.df[0],
        "df_high": one.df[1], "prior": one.prior, **ends,
    }  # fmt: skip


def _iccs(models: "list[RereadModel]") -> Table | None:
    """A line for every model with an ICC, and for its ends."""
    lines = []
    first = next((model.icc for model in models if model.icc), None)
    if first is None:
        return None
    for model in models:
        if model.icc is None:
            continue
        for case, one in _cases(model.icc).items():
            _, middle, limits = _line("", one.lower, one.median, one.upper)
            main = case == "as printed"
            lines.append((
                model.name if main else "", say(_CASES[case]), model.level if main else "",
                as_printed(model.icc.printed) if main else "", middle, limits,
            ))  # fmt: skip
    title = say("Intraclass correlations of printed models")
    prior = _line("", first.prior_lower, first.prior_median, first.prior_upper)
    note = f"{_note(first)} ICC {say('prior alone')}: {prior[1]} ({prior[2]})."
    header = (
        say("model"), say("case"), say("level"), say("printed"), say("median"), say("interval"),
    )  # fmt: skip
    return printed_table(title, header, lines, note)


def _coefficients(found: "list[CoefficientPosterior]") -> Table | None:
    """A line for every coefficient."""
    lines = []
    for one in found:
        width = one.sd if one.sd == one.sd else one.upper - one.lower
        places = row_decimals([one.mean, one.lower, one.upper], width)
        df = "\u2013".join(as_printed(df_text(end)) for end in dict.fromkeys(one.df))
        lines.append((
            one.model, one.term, as_printed(one.printed), estimate(one.mean, places),
            interval(one.lower, one.upper, places), df,
            probability(one.p_direction), prior_words(one.prior),
        ))  # fmt: skip
    if not found:
        return None
    title = say("Coefficients of printed models")
    header = (
        say("model"), say("term"), say("printed"), say_as("of a posterior", "mean"),
        say("interval"), say_as("degrees of freedom", "df"), say_as("of a posterior", "direction"),
        say("prior"),
    )  # fmt: skip
    kind = interval_name("credible-eti", found[0].level)
    return printed_table(title, header, lines, f"{kind}.")
