"""Tables that set the report's printed figures beside their re-analysis: coefficients and ICC."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bayes_sf.analysis.comparison import CoefficientRow, IccRow, Reproduction
from bayes_sf.catalogue import say, say_as
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.engines.result import Result
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import DECIMALS
from bayes_sf.output.figures.page import lower_first
from bayes_sf.output.numbers import ICC_DECIMALS
from bayes_sf.output.tables.result_tables import (
    answered_notes,
    prior_notes,
    quarter_notes,
    quarters_name,
)
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import (
    interval_name,
    numbered_name,
    outcome_name,
    term_name,
    word,
)
from bayes_sf.spec.analysis import load_analysis

__all__ = ["comparison_tables", "icc_table"]


def icc_table(rows: Sequence[IccRow], *, source: str, name: str = "icc") -> Table:
    """ICC of both outcomes as published, by REML, its posterior, and what the prior alone says.

    Parameters
    ----------
    rows : sequence of IccRow
        As in `Reproduction.icc`.
    source : {"published", "replica", "microdata"}
        Which data.
    name
        As in `posterior_table`.
    """
    import pandas as pd

    frame = pd.DataFrame([{field: getattr(row, field) for field in _ICC} for row in rows])
    frame["outcome"] = [_case_name(row) for row in rows]
    frame["published"] = [str(row.published) if row.published else _ABOUT_ZERO for row in rows]
    span = interval_name("credible-eti", rows[0].prob)
    prior = say("Prior")
    columns = (
        Column("outcome", say("ICC"), "text"), Column("published", say("Published"), "printed"),
        Column("reml", say("REML"), decimals=ICC_DECIMALS),
        Column("mean", say_as("mean", "Mean"), decimals=ICC_DECIMALS),
        Column("median", say("Median"), decimals=ICC_DECIMALS),
        Column("lower", span, "interval", ICC_DECIMALS, "upper"),
        Column("prior_median", f"{prior}: {say('Median').lower()}", decimals=ICC_DECIMALS),
        Column("prior_lower", f"{prior}: {span}", "interval", ICC_DECIMALS, "prior_upper"),
        Column("n", say("n"), "integer"),
    )  # fmt: skip
    priors = [
        f"{say('Priors')}, {outcome_name(row.outcome)} (pp): {prior_words(row.prior)}."
        for row in rows
        if row.case == "all"
    ]
    least = load_analysis("null").specs[0].min_quarters
    needs = lower_first(outcome_name("absence_mean")), quarters_name(least)
    needed = (
        say("n of {}: workplaces with {}.", *needs)
        if source == "microdata"  # of what table 8 knows nothing
        else say(
            "n of {}: workplaces with {}; the report's table 8 counts those with three.", *needs
        )
    )
    boundary = (
        [
            say(
                "REML's zero is a boundary estimate: the last two lines are the ends of "
                "what the report leaves possible."
            )
        ]
        if any(row.case != "all" for row in rows)
        else []
    )
    return table_from_frame(
        frame,
        say("Intraclass correlation"),
        columns=columns,
        name=name,
        notes=[
            *priors, say("≈ 0: the report says in words that it is close to zero."), *boundary,
            needed,
        ],
        source=source,
    )  # fmt: skip


#: What the report says of the change's ICC, in words.
_ABOUT_ZERO = "≈ 0"
_ICC = (
    "reml", "mean", "median", "lower", "upper", "prior_median", "prior_lower",
    "prior_upper", "n",
)  # fmt: skip


def _case_name(row: IccRow) -> str:
    """Outcome, and which end of a boundary estimate."""
    label = outcome_name(row.outcome)
    return label if row.case == "all" else f"{label} ({word(row.case)})"


def comparison_tables(found: Reproduction, *, source: str) -> tuple[Table, ...]:
    """Published figures, OLS, REML and posterior side by side, one table for each of the report's.

    Parameters
    ----------
    found : Reproduction
        What `reproduce` found; OLS is there for microdata and the replica.
    source : {"published", "replica", "microdata"}
        Which data.

    Returns
    -------
    tuple of Table
        ``published_46`` and so on. Published figures keep their digits, in percentage points.
    """
    tables = dict.fromkeys(row.table for row in found.coefficients)
    return tuple(
        _comparison(found, [row for row in found.coefficients if row.table == key], source)
        for key in tables
    )


def _comparison(found: Reproduction, rows: Sequence[CoefficientRow], source: str) -> Table:
    """One of the report's tables."""
    import pandas as pd

    ols = _ols_estimates(found)
    frame = pd.DataFrame([line for row in rows for line in _lines(row, ols)])
    mean, sd, se = (word(key) for key in ("mean", "sd", "se"))
    columns = (
        Column("model", say("Model"), "text"),
        Column("term", say("Term"), "text"),
        *_pair("published", say("Published"), se, "printed"),
        *(_pair("ols", say("OLS"), se) if frame["ols"].notna().any() else ()),
        *_pair("reml", say("REML"), se),
        Column("mean", f"{say("Posterior")}: {mean.lower()}"),
        Column("sd", sd),
        Column("lower", interval_name("credible-eti", rows[0].prob), "interval",
               upper="upper"),
        Column("p_direction", say("P(direction)"), "probability"),
        Column("n", say("n"), "integer"),
    )  # fmt: skip
    first, summary = rows[0], any(row.basis == "estimate and SE" for row in rows)
    named = say("The report's {} {}", *_place(first.table))
    notes = [
        *prior_notes(_fits_of(found, first.table)),
        say("Published: the real study's figures, with the decimals that the report prints."),
        say("P(direction): posterior probability of the sign of the median."),
        *(
            [
                say(
                    "Where only estimate and SE are printed, the posterior rests on them "
                    "(flat priors): a Student t with N - J - k degrees of freedom (N "
                    "workplaces, J industries, k predictors). Those of an intercept are not "
                    "known: between J - 1 and N - J - k, and both ends are shown (df). n is "
                    "the one that the report prints."
                )
            ]
            if summary
            else []
        ),
        *answered_notes(_fits_of(found, first.table)),
        *quarter_notes(_fits_of(found, first.table)),
        *_other_sizes(found, rows),
    ]
    table = table_from_frame(
        frame, f"{named}: {outcome_name(first.outcome)}", columns=columns,
        name=f"published_{first.table}", digits="sd", unit="pp", notes=notes, source=source,
    )  # fmt: skip
    printed = (len(str(cell).partition(".")[2]) for cell in frame["published"])
    return replace(table, decimals=tuple(map(max, table.decimals, printed)))


def _other_sizes(found: Reproduction, rows: Sequence[CoefficientRow]) -> list[str]:
    """Say where a model of these rows has another n in another of the report's tables."""
    here = {(row.question, row.outcome, row.model): row for row in rows}
    notes = {}
    for other in found.coefficients:
        row = here.get((other.question, other.outcome, other.model))
        fits = _fits_of(found, other.table)
        if row is None or not fits or HIDDEN in {str(row.n), str(other.n)} or row.n == other.n:
            continue
        notes[row.question, other.table] = say(
            "{}: n = {} here, and {} in {} {}, where a model needs {}.",
            numbered_name(row.question), row.n,
            other.n, *_place(other.table), quarters_name(fits[0].spec.min_quarters),
        )  # fmt: skip
    return list(notes.values())


def _place(table: str) -> tuple[str, str]:
    """Kind and number of one of the report's tables: ``("figure", "5")``."""
    kind = "figure" if table.startswith("figure") else "table"
    return word(kind).lower(), table.removeprefix("figure")


def _pair(key: str, label: str, se: str, kind: Any = "number") -> tuple[Column, Column]:
    """Columns of an estimate and its standard error."""
    return Column(key, label, kind), Column(f"{key}_se", se, kind)


def _lines(
    row: CoefficientRow, ols: Mapping[tuple[str, str, str], tuple[float, float]]
) -> list[dict[str, Any]]:
    """One line; two where the degrees of freedom are not known: with the fewest and the most."""
    line = _side_by_side(row, ols)
    if math.isnan(row.df_most):
        return [line]
    names = ("sd", "lower", "upper", "p_direction")
    most = line | {name: getattr(row, f"{name}_most") for name in names}
    for one, df in ((line, row.df), (most, row.df_most)):
        one["term"] = f"{one['term']} (df {df:.0f})"
    return [line, most]


def _side_by_side(
    row: CoefficientRow, ols: Mapping[tuple[str, str, str], tuple[float, float]]
) -> dict[str, Any]:
    """One published coefficient beside its estimates."""
    term = load_codebook().term(row.term)
    shift, decimals = 2 if row.unit == "fraction" else 0, DECIMALS[row.table]
    estimate, error = ols.get((row.table, row.question, term), (math.nan, math.nan))
    return {
        "model": row.question, "term": term_name(term),
        "published": _shifted(row.estimate, decimals, shift),
        "published_se": _shifted(row.se, decimals, shift), "ols": estimate, "ols_se": error,
        "reml": row.reml_estimate, "reml_se": row.reml_se,
        "mean": row.mean, "sd": row.sd, "lower": row.lower, "upper": row.upper,
        "p_direction": row.p_direction, "n": row.n,
    }  # fmt: skip


def _shifted(printed: str, decimals: int, places: int) -> str | None:
    """A printed figure in another unit, with its table's decimals: -0.02 of three is -2.0 pp.

    The report drops trailing zeros.
    """
    if not printed:
        return None
    figure = Decimal(printed).scaleb(places)
    return f"{figure.quantize(Decimal(1).scaleb(places - decimals)):f}"  # f: without an exponent


def _ols_estimates(found: Reproduction) -> dict[tuple[str, str, str], tuple[float, float]]:
    """(table, model, term) -> estimate and SE under complete pooling."""
    return {
        (result.spec.table, result.spec.name, row.term): (row.estimate, row.sd)
        for (_, engine), fits in found.results.items()
        if engine == "ols"
        for result in fits.values()
        for row in result.coefficients
    }


def _fits_of(found: Reproduction, table: str) -> list[Result]:
    """Bayesian results that answer one of the report's tables."""
    return [
        result
        for fits in found.results.values()
        for result in fits.values()
        if result.has_draws and result.spec.table == table
    ]
