"""The reproduction in words: a page of Markdown, and the same tables on a terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bayes_sf.analysis.comparison import CoefficientRow, IccRow, Reproduction
from bayes_sf.analysis.replay.account import AccountRow
from bayes_sf.analysis.replay.consistency import RuleOutcome
from bayes_sf.catalogue import mark, say, say_as
from bayes_sf.inputs.codebook import Codebook, load_codebook
from bayes_sf.output.formats.markdown import grid
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.numbers import fixed, interval, level, probability
from bayes_sf.output.tables.account import account_table
from bayes_sf.output.tables.table import Table, printed_table
from bayes_sf.output.words.findings import findings_lines, replay_line
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import STATEMENTS, interval_name, statement_of, unit_name, word

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["SOURCES", "markdown", "print_summary", "summary_tables"]

#: What every output says of its data.
SOURCES = STATEMENTS
_STRONGEST = 5


#: Ends of a boundary estimate.
_ENDS: Final = {"lowest": mark("no difference"), "highest": mark("largest")}


def _outcome(outcome: str) -> str:
    """An outcome in two or three words."""
    return say("mean absence") if outcome == "absence_mean" else say("change in absence")


def summary_tables(found: Reproduction, source: str) -> tuple[Table, ...]:
    """ICC and the strongest slopes, ready to be printed.

    Parameters
    ----------
    found : Reproduction
        What was computed.
    source : str
        ``published``, ``replica`` or ``microdata``.
    """
    label = f"{statement_of(source).partition(':')[0]}: " if source == "replica" else ""
    return tuple(
        replace(table, title=label + table.title)
        for table in (_icc_table(found.icc), *_slope_tables(found))
    )


def _icc_table(rows: Sequence[IccRow]) -> Table:
    """ICC of both outcomes."""
    body = tuple(
        (
            _outcome(r.outcome) + ("" if r.case == "all" else f" ({say(_ENDS[r.case])})"),
            fixed(r.published, 3) if r.published else say("about 0"),
            fixed(r.reml, 3), fixed(r.mean, 3), fixed(r.median, 3),
            interval(r.lower, r.upper, 3), str(r.n),
        )
        for r in rows
    )  # fmt: skip
    first = rows[0]
    notes = [
        say(
            "{}; {} industries. Under the prior alone: median {}, {}.",
            interval_name("credible-eti", first.prob), first.n_groups, fixed(first.prior_median, 2),
            interval(first.prior_lower, first.prior_upper, 3),
        ),
        *(
            f"{say('Priors')}, {_outcome(r.outcome)} (pp): {prior_words(r.prior)}."
            for r in rows
            if r.case == "all"
        ),
        *(
            [
                say(
                    "REML's zero is a boundary estimate: the last two lines are the ends of "
                    "what it leaves possible for the variation between industries."
                )
            ]
            if any(r.case != "all" for r in rows)
            else []
        ),
    ]  # fmt: skip
    published, mean, median = say("Published").lower(), word("mean").lower(), say("Median").lower()
    span = say("{} interval", level(first.prob))
    header = ("ICC", published, "REML", mean, median, span, "n")
    return printed_table(say("Intraclass correlation"), header, body, " ".join(notes))


def _slope_tables(found: Reproduction) -> Iterator[Table]:
    """List the strongest slopes of tables 46 and 47."""
    rows, book = found.coefficients, load_codebook()
    fitted = next(r for r in found.results["bivariate", "reml"].values())
    prior = fitted.spec.priors.slope.text("sd(y)/sd(x)", "0")
    for table, outcome in (("46", "absence_mean"), ("47", "absence_change")):
        slopes = [r for r in rows if r.table == table and book.term(r.term) != "(Intercept)"]
        slopes.sort(key=lambda r: -abs(r.mean / r.sd))
        body = tuple(_slope_row(r, book) for r in slopes[:_STRONGEST])
        span = say("{} interval", level(rows[0].prob))
        header = (
            say("Term").lower(), "", say("Published").lower(), "REML",
            say_as("mean", "Mean").lower(), span, say("P(direction)"), "n",
        )  # fmt: skip
        title = say(
            "Strongest slopes on {}, {} (table {})", _outcome(outcome), unit_name("pp"), table
        )
        note = say(
            "{}. Prior of slopes: {}; other priors as for the ICC. Chosen by "
            "|mean/sd| among {}; all are in coefficients.csv.",
            interval_name("credible-eti", rows[0].prob),
            prior_words(prior),
            len(slopes),
        )
        yield printed_table(title, header, body, note)


def _slope_row(row: CoefficientRow, book: Codebook) -> tuple[str, ...]:
    """Print one slope; its published figures are brought from fractions to percentage points."""
    term = book.term(row.term)
    unit = 100 if row.unit == "fraction" else 1
    published = f"{fixed(unit * float(row.estimate), 1)} (t {fixed(float(row.t), 3)})"
    return (
        term, book.label(term), published, fixed(row.reml_estimate, 2),
        fixed(row.mean, 2), interval(row.lower, row.upper, 2),
        probability(row.p_direction, 3), str(row.n or ""),
    )  # fmt: skip


def _returned_line(found: Reproduction) -> str:
    """How many printed figures REML returns."""
    hit, total = found.returned
    left = sum(row.basis == "estimate and SE" for row in found.coefficients)
    line = say("REML returns {} of {} published figures at their printed rounding.", hit, total)
    if not left:
        return line
    rest = say(
        "The other {} coefficients belong to models with controls, whose moments the report does "
        "not determine; their posteriors rest on estimate and SE (flat priors).", left,
    )  # fmt: skip
    return f"{line} {rest}"


def markdown(
    found: Reproduction,
    outcomes: Sequence[RuleOutcome],
    source: str,
    footer: str,
    account: Sequence[AccountRow] = (),
) -> str:
    """Write the page `summary.md`.

    Parameters
    ----------
    found : Reproduction
    outcomes : sequence of RuleOutcome
        The replay.
    source : str
        Where the data come from.
    footer : str
        Versions and seed.
    account : sequence of AccountRow
        What the published route read, recovered and assumed.
    """
    parts = [
        f"# {say("The report's multilevel results as posteriors")}",
        f"**{statement_of(source)}**",
    ]
    more = [account_table(account)] if account else []
    tables = [*summary_tables(found, source), *more]
    for table in tables:
        parts += [f"## {table.title}", grid(table), *table.footer]
    parts += [f"## {say('How much of the report comes back')}", _returned_line(found)]
    parts += [f"## {say('What cannot all be true')}", replay_line(outcomes)]
    parts.append("\n".join(f"- {line}" for line in findings_lines(outcomes)))
    return "\n\n".join([*parts, footer]) + "\n"


def print_summary(
    console: "Console", found: Reproduction, outcomes: Sequence[RuleOutcome], source: str
) -> None:
    """Print the same on a terminal."""
    console.print(statement_of(source), style="bold")
    for table in summary_tables(found, source):
        print_table(console, table)
    console.print()
    console.print(_returned_line(found))
    console.print()
    console.print(replay_line(outcomes), style="bold")
    for line in findings_lines(outcomes):
        console.print("- " + line, markup=False, highlight=False)
