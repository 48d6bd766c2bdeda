"""The reproduction in words: a page of Markdown, and the same tables on a terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bayes_sf.analysis.account import AccountRow
from bayes_sf.analysis.comparison import CoefficientRow, IccRow, Reproduction
from bayes_sf.analysis.consistency import RuleOutcome
from bayes_sf.inputs.codebook import Codebook, load_codebook
from bayes_sf.output.formats.markdown import grid
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.numbers import fixed, interval, probability
from bayes_sf.output.sentences import STATEMENTS
from bayes_sf.output.tables import Table, printed_table

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["SOURCES", "findings_lines", "markdown", "print_summary", "summary_tables"]

#: What every output says of its data.
SOURCES = STATEMENTS["en"]
_OUTCOMES = {"absence_mean": "mean absence", "absence_change": "change in absence"}
_STRONGEST = 5
_BOUNDARY = (
    " REML's zero is a boundary estimate: the last two lines are the ends of what it leaves "
    "possible for the variation between industries."
)


def summary_tables(found: Reproduction, source: str) -> tuple[Table, ...]:
    """ICC and the strongest slopes, ready to be printed.

    Parameters
    ----------
    found : Reproduction
        What was computed.
    source : str
        ``published``, ``replica`` or ``microdata``.
    """
    label = "SYNTHETIC replica: " if source == "replica" else ""
    return tuple(
        replace(table, title=label + table.title)
        for table in (_icc_table(found.icc), *_slope_tables(found))
    )


def _icc_table(rows: Sequence[IccRow]) -> Table:
    """ICC of both outcomes."""
    prob = 100 * rows[0].prob
    cases = {"all": "", "lowest": " (no difference)", "highest": " (largest)"}
    body = tuple(
        (
            _OUTCOMES[r.outcome] + cases[r.case], _published_icc(r.published), fixed(r.reml, 3),
            fixed(r.mean, 3), fixed(r.median, 3), interval(r.lower, r.upper, 3), str(r.n),
        )
        for r in rows
    )  # fmt: skip
    bounds = any(r.case != "all" for r in rows)
    note = (
        f"{prob:.0f} % equal-tailed credible intervals; {rows[0].n_groups} industries. "
        f"Under the prior alone: median {fixed(rows[0].prior_median, 2)}, "
        f"{interval(rows[0].prior_lower, rows[0].prior_upper, 3)}. "
        + " ".join(
            f"Priors, {_OUTCOMES[r.outcome]} (pp): {r.prior}." for r in rows if r.case == "all"
        )
        + (_BOUNDARY if bounds else "")
    )
    header = ("ICC", "published", "REML", "mean", "median", f"{prob:.0f} % interval", "n")
    return printed_table("Intraclass correlation", header, body, note)


def _published_icc(value: float) -> str:
    """Print the report's ICC; of the change it only says, in words, that it is close to zero."""
    return fixed(value, 3) if value else "about 0"


def _slope_tables(found: Reproduction) -> Iterator[Table]:
    """List the strongest slopes of tables 46 and 47."""
    rows, book = found.coefficients, load_codebook()
    fitted = next(r for r in found.results["bivariate", "reml"].values())
    prior = fitted.spec.priors.slope.text("sd(y)/sd(x)", "0")
    for table, outcome in (("46", "absence_mean"), ("47", "absence_change")):
        slopes = [r for r in rows if r.table == table and book.term(r.term) != "(Intercept)"]
        slopes.sort(key=lambda r: -abs(r.mean / r.sd))
        body = tuple(_slope_row(r, book) for r in slopes[:_STRONGEST])
        prob = f"{100 * rows[0].prob:.0f} %"
        header = ("term", "", "published", "REML", "mean", f"{prob} interval", "P(direction)", "n")
        yield printed_table(
            f"Strongest slopes on {_OUTCOMES[outcome]}, percentage points (table {table})",
            header,
            body,
            f"{prob} equal-tailed credible intervals. Prior of slopes: {prior}; other priors as "
            f"for the ICC. Chosen by |mean/sd| among {len(slopes)}; all are in coefficients.csv.",
        )


def _slope_row(row: CoefficientRow, book: Codebook) -> tuple[str, ...]:
    """Print one slope; its published figures are brought from fractions to percentage points."""
    term = book.term(row.term)
    unit = 100 if row.unit == "fraction" else 1
    published = f"{fixed(unit * float(row.estimate), 1)} (t {fixed(float(row.t), 3)})"
    return (
        term, book.label(term, "en"), published, fixed(row.reml_estimate, 2), fixed(row.mean, 2),
        interval(row.lower, row.upper, 2), probability(row.p_direction, 3), str(row.n or ""),
    )  # fmt: skip


def findings_lines(outcomes: Sequence[RuleOutcome]) -> tuple[str, ...]:
    """One line per finding of the replay, impossible ones first."""
    found = [finding for outcome in outcomes for finding in outcome.findings]
    found.sort(key=lambda finding: finding.severity != "impossible")
    return tuple(f"{f.severity}: {f.place}: {f.text} [{f.arithmetic}]" for f in found)


def _returned_line(found: Reproduction) -> str:
    """How many printed figures REML returns."""
    hit, total = found.returned
    left = sum(row.basis == "estimate and SE" for row in found.coefficients)
    line = f"REML returns {hit} of {total} published figures at their printed rounding."
    if left:
        line += (
            f" The other {left} coefficients belong to models with controls, whose moments the "
            "report does not determine; their posteriors rest on estimate and SE (flat priors)."
        )
    return line


def _replay_line(outcomes: Sequence[RuleOutcome]) -> str:
    """Totals of the replay."""
    compared = sum(outcome.comparisons for outcome in outcomes)
    found = [finding for outcome in outcomes for finding in outcome.findings]
    impossible = sum(finding.severity == "impossible" for finding in found)
    return (
        f"Replay of the report: {compared} comparisons, {impossible} impossible, "
        f"{len(found) - impossible} doubtful."
    )


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
    parts = ["# The report's multilevel results as posteriors", f"**{SOURCES[source]}**"]
    tables = [*summary_tables(found, source), *([_account_table(account)] if account else [])]
    for table in tables:
        parts += [f"## {table.title}", grid(table), *table.footer]
    parts += ["## How much of the report comes back", _returned_line(found)]
    parts += ["## What cannot all be true", _replay_line(outcomes)]
    parts.append("\n".join(f"- {line}" for line in findings_lines(outcomes)))
    return "\n\n".join([*parts, footer]) + "\n"


def _account_table(account: Sequence[AccountRow]) -> Table:
    """What was read, recovered and assumed, per number."""
    body = tuple(
        (
            r.sample, r.quantity, r.industry, r.status, fixed(r.value, 2),
            interval(r.low, r.high, 2) if r.high > r.low else "", r.unit, r.how,
        )
        for r in account
    )  # fmt: skip
    header = ("sample", "quantity", "industry", "status", "value", "possible", "unit", "how")
    note = "Value: mean over the draws of what is possible; possible: smallest to largest of them."
    return printed_table("What was read, recovered and assumed", header, body, note)


def print_summary(
    console: "Console", found: Reproduction, outcomes: Sequence[RuleOutcome], source: str
) -> None:
    """Print the same on a terminal."""
    console.print(SOURCES[source], style="bold")
    for table in summary_tables(found, source):
        print_table(console, table)
    console.print()
    console.print(_returned_line(found))
    console.print()
    console.print(_replay_line(outcomes), style="bold")
    for line in findings_lines(outcomes):
        console.print("- " + line, markup=False, highlight=False)
