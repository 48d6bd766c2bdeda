"""What is odd in a sample's files, as lines to read, in both languages.

Examples
--------
>>> fault_text("negative days", "nb")
'negative dagsverk'
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.inputs.variables import Language

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fault_text", "problem_lines", "problem_notice"]

#: English, as `problems` has it -> Norwegian.
_NORWEGIAN: Final[Mapping[str, str]] = {
    "survey": "spørreundersøkelsen",
    "negative days": "negative dagsverk",
    "lost days above contracted days": "flere tapte enn avtalte dagsverk",
    "no contracted days": "ingen avtalte dagsverk",
    "women's days above all days": "flere dagsverk for kvinner enn for alle",
    "age groups above all ages": "flere dagsverk i aldersgruppene enn for alle",
    "women's age groups above all women": "flere dagsverk i kvinners aldersgrupper enn for kvinner",
    "women of an age above all of that age": "flere dagsverk for kvinner enn for alle i en alder",
    "age groups that are not all ages": "aldersgruppene er til sammen ikke alle",
    "women's age groups that are not all women": "kvinners aldersgrupper er til sammen ikke alle",
    "an age group missing beside others": "en aldersgruppe mangler ved siden av andre",
    "a total missing beside its parts": "en sum mangler ved siden av delene",
    "no option marked, and later questions answered": (
        "ikke noe alternativ krysset av, og senere spørsmål besvart"
    ),
    "all of them read as not chosen": "alle er lest som ikke valgt",
    "negative head count": "negativt antall ansatte",
    "outside the period": "utenfor perioden",
    "the same row more than once": "samme rad mer enn én gang",
    "also in another extract, with at least as many observed quarters": (
        "også i et annet uttrekk, med minst like mange observerte kvartaler"
    ),
    "figures that the file declares missing": "tall som filen selv sier mangler",
    "the same register record as another workplace": "samme registerpost som en annen virksomhet",
    "the enterprise number is the workplace's own": "foretaksnummeret er virksomhetens eget",
    "used as it stands": "brukt som det står",
    "the quarter has no absence": "kvartalet har ikke noe fravær",
    "kept in quarters, not in the outcomes": "med i kvartalene, ikke i utfallene",
    "counted once": "telt én gang",
    "the other extract's record is used": "det andre uttrekkets post er brukt",
    "missing": "mangler",
    "the record is used for each": "posten er brukt for hver av dem",
    "counted as not given": "telt som ikke oppgitt",
}
_ROWS: Final[Mapping[str, str]] = {"en": "rows", "nb": "rader"}
_NOTICE: Final[Mapping[str, str]] = {
    "en": "Found in the data: {} (bayes-sf describe lists it).",
    "nb": "Funnet i dataene: {} (bayes-sf describe viser det).",
}


def fault_text(text: str) -> str:
    """A fault, or what follows from it; what is not in the dictionary stays as it is."""
    return _NORWEGIAN.get(text, text) if lang == "nb" else text


def problem_lines(problems: "pd.DataFrame") -> list[str]:
    """One line for each problem: file, fault, rows, what follows; never which workplaces.

    Parameters
    ----------
    problems : pandas.DataFrame
        As `AnalysisSample.problems`, or as `hide_few` gives it.
    """
    columns = problems[["file", "fault", "rows", "consequence"]]
    return [
        f"{fault_text(file)}: {fault_text(fault)} ({_ROWS[lang]}: {rows}); "
        f"{fault_text(consequence)}"
        for file, fault, rows, consequence in columns.itertuples(index=False)
    ]


def problem_notice(problems: "pd.DataFrame") -> str:
    """All problems in one line; empty where there are none."""
    lines = problem_lines(problems)
    return _NOTICE[lang].format(" | ".join(lines)) if lines else ""
