"""The reproduction in words: a page of Markdown, and the same tables on a terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bayes_sf.analysis.comparison import CoefficientRow, IccRow, Reproduction
from bayes_sf.analysis.replay.account import AccountRow
from bayes_sf.analysis.replay.consistency import RuleOutcome
from bayes_sf.inputs.codebook import Codebook, load_codebook
from bayes_sf.inputs.variables import Language
from bayes_sf.output.formats.markdown import grid
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.numbers import fixed, interval, level, probability
from bayes_sf.output.tables.account import account_table
from bayes_sf.output.tables.table import Table, printed_table
from bayes_sf.output.words.commands import say
from bayes_sf.output.words.findings import findings_lines, replay_line
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.sentences import STATEMENTS
from bayes_sf.output.words.words import interval_name, unit_name, word

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["SOURCES", "markdown", "print_summary", "summary_tables"]

#: What every output says of its data.
SOURCES = STATEMENTS["en"]
_STRONGEST = 5


def summary_tables(found: Reproduction, source: str, lang: Language = "en") -> tuple[Table, ...]:
    """ICC and the strongest slopes, ready to be printed.

    Parameters
    ----------
    found : Reproduction
        What was computed.
    source : str
        ``published``, ``replica`` or ``microdata``.
    lang : {"en", "nb"}
        Language.
    """
    label = f"{STATEMENTS[lang][source].partition(':')[0]}: " if source == "replica" else ""
    return tuple(
        replace(table, title=label + table.title, lang=lang)
        for table in (_icc_table(found.icc, lang), *_slope_tables(found, lang))
    )


def _icc_table(rows: Sequence[IccRow], lang: Language) -> Table:
    """ICC of both outcomes."""
    body = tuple(
        (
            say(r.outcome, lang) + ("" if r.case == "all" else f" ({say(r.case, lang)})"),
            fixed(r.published, 3, lang) if r.published else say("about zero", lang),
            fixed(r.reml, 3, lang), fixed(r.mean, 3, lang), fixed(r.median, 3, lang),
            interval(r.lower, r.upper, 3, lang), str(r.n),
        )
        for r in rows
    )  # fmt: skip
    first = rows[0]
    notes = [
        say("icc note", lang).format(
            interval_name("credible-eti", first.prob, lang), first.n_groups,
            fixed(first.prior_median, 2, lang),
            interval(first.prior_lower, first.prior_upper, 3, lang),
        ),
        *(
            f"{word('priors', lang)}, {say(r.outcome, lang)} (pp): {prior_words(r.prior, lang)}."
            for r in rows if r.case == "all"
        ),
        *([say("boundary", lang)] if any(r.case != "all" for r in rows) else []),
    ]  # fmt: skip
    names = (word(key, lang).lower() for key in ("published", "mean", "median"))
    published, mean, median = names
    span = say("interval", lang).format(level(first.prob, lang))
    header = ("ICC", published, "REML", mean, median, span, "n")
    return printed_table(word("icc_title", lang), header, body, " ".join(notes))


def _slope_tables(found: Reproduction, lang: Language) -> Iterator[Table]:
    """List the strongest slopes of tables 46 and 47."""
    rows, book = found.coefficients, load_codebook()
    fitted = next(r for r in found.results["bivariate", "reml"].values())
    prior = fitted.spec.priors.slope.text("sd(y)/sd(x)", "0")
    for table, outcome in (("46", "absence_mean"), ("47", "absence_change")):
        slopes = [r for r in rows if r.table == table and book.term(r.term) != "(Intercept)"]
        slopes.sort(key=lambda r: -abs(r.mean / r.sd))
        body = tuple(_slope_row(r, book, lang) for r in slopes[:_STRONGEST])
        span = say("interval", lang).format(level(rows[0].prob, lang))
        header = (
            word("term", lang).lower(), "", word("published", lang).lower(), "REML",
            word("mean", lang).lower(), span, word("direction", lang), "n",
        )  # fmt: skip
        title = say("slopes", lang).format(say(outcome, lang), unit_name("pp", lang), table)
        note = say("slopes note", lang).format(
            interval_name("credible-eti", rows[0].prob, lang), prior_words(prior, lang), len(slopes)
        )
        yield printed_table(title, header, body, note)


def _slope_row(row: CoefficientRow, book: Codebook, lang: Language) -> tuple[str, ...]:
    """Print one slope; its published figures are brought from fractions to percentage points."""
    term = book.term(row.term)
    unit = 100 if row.unit == "fraction" else 1
    published = f"{fixed(unit * float(row.estimate), 1, lang)} (t {fixed(float(row.t), 3, lang)})"
    return (
        term, book.label(term, lang), published, fixed(row.reml_estimate, 2, lang),
        fixed(row.mean, 2, lang), interval(row.lower, row.upper, 2, lang),
        probability(row.p_direction, 3, lang), str(row.n or ""),
    )  # fmt: skip


def _returned_line(found: Reproduction, lang: Language) -> str:
    """How many printed figures REML returns."""
    hit, total = found.returned
    left = sum(row.basis == "estimate and SE" for row in found.coefficients)
    line = say("returned", lang).format(hit, total)
    return f"{line} {say('from summary', lang).format(left)}" if left else line


def markdown(
    found: Reproduction,
    outcomes: Sequence[RuleOutcome],
    source: str,
    footer: str,
    account: Sequence[AccountRow] = (),
    *,
    lang: Language = "en",
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
    lang : {"en", "nb"}
        Language.
    """
    parts = [f"# {say('page', lang)}", f"**{STATEMENTS[lang][source]}**"]
    more = [account_table(account, lang)] if account else []
    tables = [*summary_tables(found, source, lang), *more]
    for table in tables:
        parts += [f"## {table.title}", grid(table), *table.footer]
    parts += [f"## {say('comes back', lang)}", _returned_line(found, lang)]
    parts += [f"## {say('not true', lang)}", replay_line(outcomes, lang)]
    parts.append("\n".join(f"- {line}" for line in findings_lines(outcomes, lang)))
    return "\n\n".join([*parts, footer]) + "\n"


def print_summary(
    console: "Console",
    found: Reproduction,
    outcomes: Sequence[RuleOutcome],
    source: str,
    lang: Language,
) -> None:
    """Print the same on a terminal."""
    console.print(STATEMENTS[lang][source], style="bold")
    for table in summary_tables(found, source, lang):
        print_table(console, table)
    console.print()
    console.print(_returned_line(found, lang))
    console.print()
    console.print(replay_line(outcomes, lang), style="bold")
    for line in findings_lines(outcomes, lang):
        console.print("- " + line, markup=False, highlight=False)
