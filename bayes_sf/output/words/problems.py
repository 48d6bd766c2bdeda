"""What is odd in a sample's files, as lines to read.

Examples
--------
>>> from bayes_sf.catalogue import speaking
>>> with speaking("nb"):
...     fault_text("negative days")
'negative dagsverk'
"""

from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import mark, say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fault_text", "problem_lines", "problem_notice"]

#: As `problems` has them.
_KNOWN: Final = frozenset(
    (
        mark("survey"), mark("negative days"), mark("lost days above contracted days"),
        mark("no contracted days"), mark("women's days above all days"),
        mark("age groups above all ages"), mark("women's age groups above all women"),
        mark("women of an age above all of that age"), mark("age groups that are not all ages"),
        mark("women's age groups that are not all women"),
        mark("an age group missing beside others"), mark("a total missing beside its parts"),
        mark("no option marked, and later questions answered"),
        mark("all of them read as not chosen"), mark("negative head count"),
        mark("outside the period"), mark("the same row more than once"),
        mark("also in another extract, with at least as many observed quarters"),
        mark("figures that the file declares missing"),
        mark("the same register record as another workplace"),
        mark("the enterprise number is the workplace's own"), mark("used as it stands"),
        mark("the quarter has no absence"), mark("kept in quarters, not in the outcomes"),
        mark("counted once"), mark("the other extract's record is used"), mark("missing"),
        mark("the record is used for each"), mark("counted as not given"),
        mark("no group, or nothing that tells whose row it is"), mark("left out everywhere"),
    )
)  # fmt: skip


def fault_text(text: str) -> str:
    """A fault, or what follows from it; what is not in the dictionary stays as it is."""
    return say(text) if text in _KNOWN else text


def problem_lines(problems: "pd.DataFrame") -> list[str]:
    """One line for each problem: file, fault, rows, what follows; never which workplaces.

    Parameters
    ----------
    problems : pandas.DataFrame
        As `AnalysisSample.problems`, or as `hide_few` gives it.
    """
    columns = problems[["file", "fault", "rows", "consequence"]]
    return [
        f"{fault_text(file)}: {fault_text(fault)} ({say('rows')}: {_rows(rows)}); "
        f"{fault_text(consequence)}"
        for file, fault, rows, consequence in columns.itertuples(index=False)
    ]


def _rows(rows: object) -> str:
    """How many rows; `<3` in words."""
    least = str(rows).removeprefix("<")
    return say("fewer than {}", least) if least != str(rows) else str(rows)


def problem_notice(problems: "pd.DataFrame") -> str:
    """All problems in one line; empty where there are none."""
    lines = problem_lines(problems)
    if not lines:
        return ""
    return say("Found in the data: {} (bayes-sf describe lists it).", " | ".join(lines))
