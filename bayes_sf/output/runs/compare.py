"""`bayes-sf compare`: the poolings of an analysis, as files and on a terminal."""

import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.pooling import GroupRow, Pooling, TermRow, compare_pooling
from bayes_sf.disclosure.control import Control, Hidden, Rules
from bayes_sf.disclosure.protected_models import keep_open, protect_pooling
from bayes_sf.engines.fit import versions
from bayes_sf.inputs.variables import Language
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.files import csv_text, json_text, write_files
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.tables.pooling_tables import pooling_table, shrinkage_table
from bayes_sf.output.words.sentences import STATEMENTS
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["PoolingRun", "print_pooling", "run_pooling"]

#: Analyses of more models are in the files; so many are printed.
_SHOWN = 4


@dataclass(frozen=True, eq=False)
class PoolingRun:
    """One run of `compare`.

    Parameters
    ----------
    source : str
        ``published``, ``replica`` or ``microdata``.
    found : tuple of Pooling
        One per model.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
        What was written.
    disclosure : str
        What disclosure control did.
    lang : {"en", "nb"}
        Language of what is printed; files are in English.
    """

    source: str
    found: tuple[Pooling, ...]
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    disclosure: str = ""
    lang: Language = "en"


def run_pooling(
    folder: Path,
    analysis: Analysis,
    data: Any,
    *,
    source: str,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    rules: Rules | None = None,
    lang: Language = "en",
) -> PoolingRun:
    """Compare the poolings of every model of an analysis and write them.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    analysis : Analysis
        What is asked.
    data : PublishedStudy or AnalysisSample
        Its data.
    source : {"published", "replica", "microdata"}
        Which data they are.
    progress : callable
        Wraps the models.
    rules : Rules, optional
        Of disclosure control.
    lang : {"en", "nb"}
        Language of what is printed.
    """
    control = Control.of(data, rules or Rules())
    analysis, withheld = keep_open(analysis, control)
    shown, log = [], list[Hidden](withheld)
    for spec in progress(analysis.specs):
        one, hidden = protect_pooling(compare_pooling(spec, data), control)
        shown.append(one)
        log += hidden
    found = tuple(shown)
    provenance = {
        "analysis": analysis.name, "question": analysis.question, "source": source,
        "statement": STATEMENTS["en"][source], "versions": versions(),
        "platform": platform.platform(),
        "models": [
            {
                "model": one.spec.name, "outcome": one.spec.outcome, "unit": one.spec.unit,
                "priors": str(one.exact.priors), "spec": one.exact.provenance.spec,
                "data": one.exact.provenance.data, "no_pooling": one.missing or "fitted",
            }
            for one in found
        ],
    }  # fmt: skip
    files = write_files(
        folder,
        {
            "pooling.csv": csv_text(TermRow, (row for one in found for row in one.terms)),
            "shrinkage.csv": csv_text(GroupRow, (row for one in found for row in one.groups)),
            "provenance.json": json_text(provenance),
            **disclosure_files(control, log),
        },
    )
    return PoolingRun(source, found, provenance, files, notice(control, log, lang), lang)


def print_pooling(console: "Console", run: PoolingRun, *, as_json: bool) -> None:
    """Print the poolings as tables, or as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : PoolingRun
        What to print.
    as_json : bool
        One object with keys ``pooling, shrinkage, provenance``, of microdata ``disclosure``.
    """
    if as_json:
        content = {
            "pooling": [asdict(row) for one in run.found for row in one.terms],
            "shrinkage": [asdict(row) for one in run.found for row in one.groups],
            "provenance": run.provenance,
            **({"disclosure": run.disclosure} if run.disclosure else {}),
        }
        console.file.write(json_text(content))
        return
    console.print(STATEMENTS[run.lang][run.source], style="bold")
    for one in run.found[:_SHOWN]:
        print_table(console, pooling_table(one, lang=run.lang))
        print_table(console, shrinkage_table(one, lang=run.lang, short=True))
    console.print()
    more = len(run.found) - _SHOWN
    print_end(console, run.files, lang=run.lang, disclosure=run.disclosure, more=more)
