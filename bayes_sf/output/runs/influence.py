"""`bayes-sf influence`: who carries the associations of an analysis, as files and on a terminal."""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.choices.influence import SMALLEST, Influence, influence
from bayes_sf.disclosure.control import Control, Hidden, Rules
from bayes_sf.disclosure.protected_choices import PULLS, REFITS, protect_influence
from bayes_sf.disclosure.protected_frames import mark_hidden
from bayes_sf.disclosure.protected_models import keep_open
from bayes_sf.engines.fit import versions
from bayes_sf.inputs.variables import Language
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.figures.influence import influence_figure
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.tables.influence_tables import influence_tables
from bayes_sf.output.tables.result_tables import slug
from bayes_sf.output.words.sentences import STATEMENTS
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["InfluenceRun", "print_influence", "run_influence"]

#: Analyses of more models are in the files; so many are printed.
_SHOWN = 2


@dataclass(frozen=True, eq=False)
class InfluenceRun:
    """One run of `influence`.

    Parameters
    ----------
    source : str
        ``replica`` or ``microdata``.
    found : tuple of Influence
        One per model.
    tables : dict of pandas.DataFrame
        ``refits, answers, cells``: those of all models.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
        What was written.
    lang : {"en", "nb"}
        Language.
    disclosure : str
        What disclosure control did.
    """

    source: str
    found: tuple[Influence, ...]
    tables: "dict[str, pd.DataFrame]"
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    lang: Language
    disclosure: str = ""


def run_influence(
    folder: Path,
    analysis: Analysis,
    data: Any,
    *,
    source: str,
    lang: Language = "en",
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    rules: Rules | None = None,
) -> InfluenceRun:
    """Find who carries the first predictor of every model, and write it.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    analysis : Analysis
        What is asked.
    data : AnalysisSample
        Workplaces.
    source : {"replica", "microdata"}
        Which they are.
    lang : {"en", "nb"}
        Language of figures and tables.
    progress : callable
        Wraps the models.
    rules : Rules, optional
        Of disclosure control.
    """
    import pandas as pd

    control, shown = Control.of(data, rules or Rules()), list[Influence]()
    analysis, withheld = keep_open(analysis, control)
    log = list[Hidden](withheld)
    smallest = max(SMALLEST, control.rules.min_workplaces) if control.active else 1
    for spec in progress(analysis.specs):
        one, hidden = protect_influence(influence(spec, data, smallest=smallest), control)
        shown.append(one)
        log += hidden
    found = tuple(shown)
    tables = {
        name: pd.concat(
            [
                mark_hidden(getattr(one, name), REFITS if name == "refits" else PULLS).assign(
                    outcome=one.result.spec.outcome, model=one.result.spec.name,
                    contrast=one.contrast.label, unit=one.result.spec.unit, source=source,
                )
                for one in found
            ],
            ignore_index=True,
        )
        for name in ("refits", "answers", "cells")
    }  # fmt: skip
    provenance = {
        "analysis": analysis.name, "question": analysis.question, "source": source,
        "statement": STATEMENTS["en"][source], "versions": versions(),
        "platform": platform.platform(),
        "models": [
            {
                "model": one.result.spec.name, "outcome": one.result.spec.outcome,
                "n": one.result.moments.n_obs, "priors": str(one.result.priors),
                "prob": one.result.prob, "data": one.result.provenance.data,
            }
            for one in found
        ],
    }  # fmt: skip
    files: dict[str, str | bytes] = {
        f"{name}.csv": str(table.to_csv(index=False, lineterminator="\n"))
        for name, table in tables.items()
    }
    files |= disclosure_files(control, log)
    files["provenance.json"] = json_text(provenance)
    for one in found:
        name = slug(f"influence_{one.result.spec.name}_{one.result.spec.outcome}")
        files |= figure_files(name, influence_figure(one, lang=lang))
    written = write_files(folder, files)
    said = notice(control, log, lang)
    return InfluenceRun(source, found, tables, provenance, written, lang, said)


def print_influence(console: "Console", run: InfluenceRun, *, as_json: bool) -> None:
    """Print a run as tables, or as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : InfluenceRun
        What to print.
    as_json : bool
        One object with keys ``refits, answers, cells, provenance, disclosure``.
    """
    if as_json:
        tables = {name: table.to_dict("records") for name, table in run.tables.items()}
        said = {"provenance": run.provenance, "disclosure": run.disclosure}
        console.file.write(json_text({**tables, **said}))
        return
    console.print(STATEMENTS[run.lang][run.source], style="bold")
    for one in run.found[:_SHOWN]:
        for table in influence_tables(one, lang=run.lang):
            print_table(console, table)
    console.print()
    more = len(run.found) - _SHOWN
    print_end(console, run.files, lang=run.lang, disclosure=run.disclosure, more=more)
