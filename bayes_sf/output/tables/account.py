"""What the published route read, recovered and assumed, as a table in both languages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bayes_sf.analysis.replay.account import AccountRow
from bayes_sf.output.numbers import fixed, interval
from bayes_sf.output.tables.table import Table, printed_table
from bayes_sf.output.words.findings import Phrases, norwegian_numbers, put_norwegian
from bayes_sf.output.words.words import industry_name

if TYPE_CHECKING:
    from bayes_sf.inputs.variables import Language

__all__ = ["account_table"]

#: Of the table itself: Norwegian, English.
_TITLE: Final = ("Hva som er lest, gjenskapt og antatt", "What was read, recovered and assumed")
_HEADER: Final = (
    ("utvalg", "størrelse", "bransje", "status", "verdi", "mulig", "enhet", "hvordan"),
    ("sample", "quantity", "industry", "status", "value", "possible", "unit", "how"),
)
_NOTE: Final = (
    "Verdi: gjennomsnitt over trekningene av det som er mulig; mulig: minste til største av dem.",
    "Value: mean over the draws of what is possible; possible: smallest to largest of them.",
)
#: Of its rows.
_ROWS: Final[Phrases] = (
    (r"^mean absence\b", "gjennomsnittlig fravær"),
    (r"^change\b", "endring"),
    (r"^both$", "begge"),
    (r"^read$", "lest"),
    (r"^recovered$", "gjenskapt"),
    (r"^assumed$", "antatt"),
    (r"^pp$", "prosentpoeng"),
    (r"^workplaces$", "virksomheter"),
    (r"^mean outcome$", "gjennomsnittlig utfall"),
    (r"^sd within industries$", "std.avvik innen bransjer"),
    (r"^spread of a mean of one or two quarters, times that of the others$",
     "spredningen i et gjennomsnitt av ett eller to kvartaler, som multippel av de andres"),
    (r"^log sd of the residual variance among those who answered an item$",
     "std.avvik i logaritmen av restvariansen blant dem som svarte på et spørsmål"),
    (r"^answers of the workplaces in a sample$", "svarene fra virksomhetene i et utvalg"),
    (r"^workplaces behind the printed variance components$",
     "virksomheter bak de trykte varianskomponentene"),
    (r"^variation between industries$", "variasjon mellom bransjer"),
    (r"^read from the table$", "lest i tabellen"),
    (r"^table 8 and the ten others, at random among the workplaces that it misses$",
     "tabell 8 og de ti andre, trukket blant virksomhetene som mangler der"),
    (r"^from the intercepts' t and the variance components",
     "fra konstantleddenes t og varianskomponentene"),
    (r"^from variance components, estimates and standard errors",
     "fra varianskomponenter, estimater og standardfeil"),
    (r"^(\d+) workplaces; prior median, log-normal, log sd (\S+), then estimated$",
     r"\1 virksomheter; median a priori, lognormal, std.avvik \2 i logaritmen, så estimert"),
    (r"^times the share without a usable answer$", "ganger andelen uten brukbart svar"),
    (r"^a simple random sample of their industry's answers",
     "et enkelt tilfeldig utvalg av bransjens svar"),
    (r"^figure 5's standard error does not allow them to be those of the smaller sample$",
     "standardfeilen i figur 5 tillater ikke at de er fra det mindre utvalget"),
    (r"^only bounded, by REML's estimate being zero: drawn evenly from all that is possible$",
     "bare begrenset, ved at REML gir null: trukket jevnt fra alt som er mulig"),
    (r"\(tables (\d+), (\d+)\)$", r"(tabell \1 og \2)"),
    (r"\(tables (\d+), figure (\d+)\)$", r"(tabell \1, figur \2)"),
    (r"\(tables (\d+)-(\d+)\)$", r"(tabell \1–\2)"),
)  # fmt: skip


def account_table(account: Sequence[AccountRow]) -> Table:
    """Print what was read, recovered and assumed, per number.

    Parameters
    ----------
    account : sequence of AccountRow
        As `account_of` gives it.
    """
    place = 0 if lang == "nb" else 1

    def said(text: str) -> str:
        return norwegian_numbers(put_norwegian(text, _ROWS)) if lang == "nb" else text

    body = tuple(
        (
            said(row.sample), said(row.quantity),
            industry_name(row.industry) if lang == "nb" else row.industry,
            said(row.status), fixed(row.value, 2),
            interval(row.low, row.high, 2) if row.high > row.low else "",
            said(row.unit), said(row.how),
        )
        for row in account
    )  # fmt: skip
    return printed_table(_TITLE[place], _HEADER[place], body, _NOTE[place])
