"""`bayes-sf sensitivity`: how far claims move, as files and on a terminal."""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.sensitivity import Sensitivity, sensitivity
from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.disclosure.protected_models import keep_open
from bayes_sf.disclosure.protected_sensitivity import protect_sensitivity
from bayes_sf.engines.fit import versions
from bayes_sf.inputs.variables import Language
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.figures.sensitivity import (
    controls_figure,
    fan_figure,
    ladder_figure,
    ranks_figure,
)
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.markdown import markdown
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.tables.result_tables import slug
from bayes_sf.output.tables.sensitivity_tables import model_tables, outcome_tables
from bayes_sf.output.words.sensitivity import sentence_of
from bayes_sf.output.words.sentences import STATEMENTS
from bayes_sf.output.words.unanswered import unanswered
from bayes_sf.output.words.words import numbered_name
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    from rich.console import Console

    from bayes_sf.output.tables.table import Table

__all__ = ["SensitivityRun", "print_sensitivity", "run_sensitivity"]

#: So many models are printed; all are in the files.
_SHOWN = 2
#: So many models get pictures of their own.
_DRAWN = 8


@dataclass(frozen=True, eq=False)
class SensitivityRun:
    """One run of `sensitivity`.

    Parameters
    ----------
    source : str
        ``published``, ``replica`` or ``microdata``.
    found : Sensitivity
    lang : {"en", "nb"}
        Language of tables and pictures.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
        What was written.
    disclosure : str
        What disclosure control did.
    """

    source: str
    found: Sensitivity
    lang: Language
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    disclosure: str = ""


def run_sensitivity(
    folder: Path,
    analysis: Analysis,
    data: Any,
    *,
    source: str,
    lang: Language,
    seed: int,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    rules: Rules | None = None,
    **stated: Any,
) -> SensitivityRun:
    """Ask, and write a CSV for every part, the tables as a page, pictures and provenance.

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
    lang : {"en", "nb"}
        Language of tables and pictures; CSV files are in English.
    seed : int
        Seed of everything random.
    progress : callable
        Wraps what is fitted and asked.
    rules : Rules, optional
        Of disclosure control.
    **stated
        As in `sensitivity`: items, parts, contrast, rope, workforce, ...
    """
    control = Control.of(data, rules or Rules())
    analysis, withheld = keep_open(analysis, control)
    found = sensitivity(analysis, data, lang=lang, seed=seed, progress=progress, **stated)
    tables, log = protect_sensitivity(found, control)
    log += withheld
    found = replace(found, tables=tables)
    provenance = {
        "analysis": analysis.name, "question": analysis.question, "source": source,
        "statement": STATEMENTS["en"][source], "seed": seed, "prob": found.prob,
        "parts": list(found.tables), "left_out": dict(found.left_out),
        "stated": {key: _said(value) for key, value in stated.items()},
        "versions": versions(), "platform": platform.platform(),
        "models": [
            {
                "model": r.spec.name, "outcome": r.spec.outcome, "predictors": r.spec.predictors,
                "priors": str(r.priors), "spec": r.provenance.spec, "data": r.provenance.data,
                "n": r.moments.n_obs,
            }
            for r in found.results
        ],
    }  # fmt: skip
    csv = {
        f"{part}.csv": str(table.to_csv(index=False, lineterminator="\n"))
        for part, table in found.tables.items()
    }
    contents: dict[str, str | bytes] = {
        **csv,
        "sensitivity.md": _page(
            analysis, found, source, lang, notice(control, log, lang, page=True)
        ),
        "provenance.json": json_text(provenance),
        **_pictures(found, lang),
        **disclosure_files(control, log),
    }
    files, notes = write_files(folder, contents), notice(control, log, lang)
    return SensitivityRun(source, found, lang, provenance, files, notes)


def _said(value: object) -> object:
    """What a user stated, as text where JSON has no type for it."""
    plain = isinstance(value, str | int | float | list | tuple | None)
    return value if plain else str(value)


def _page(
    analysis: Analysis, found: Sensitivity, source: str, lang: Language, disclosure: str
) -> str:
    """All tables on a page of Markdown."""
    head = [
        f"# {_heading(analysis, found, lang)}",
        STATEMENTS[lang][source],
        *([disclosure] if disclosure else []),
    ]
    tables = [table for result in found.results for table in model_tables(found, result, lang)]
    tables += outcome_tables(found, lang)
    left = [f"- {line}" for line in unanswered(found.left_out, lang)]
    tail = [f"## {sentence_of('left', lang)}", "\n".join(left)] if left else []
    return "\n\n".join([*head, *map(markdown, tables), *tail]) + "\n"


def _heading(analysis: Analysis, found: Sensitivity, lang: Language) -> str:
    """The analysis' question; of some of its items, which ones."""
    asked = list(dict.fromkeys(result.spec.name for result in found.results))
    if len(asked) == len({spec.name for spec in analysis.specs}):
        return analysis.question_in(lang)
    return f"{sentence_of('heading', lang)}: {', '.join(numbered_name(n, lang) for n in asked)}"


def _pictures(found: Sensitivity, lang: Language) -> dict[str, bytes]:
    """Pictures of the first models, and of every outcome's many slopes."""
    files: dict[str, bytes] = {}
    makers = {"fan": fan_figure, "ladder": ladder_figure, "controls": controls_figure}
    for result in found.results[:_DRAWN]:
        spec = result.spec
        about = (*spec.predictors[:1], "icc")
        for part in [part for part in makers if part in found.tables]:
            frame = found.tables[part]
            own = frame[(frame["outcome"] == spec.outcome) & (frame["model"] == spec.name)]
            own = own[own["term"].str.partition("[")[0].isin(about)]
            name = slug(f"{part}_{spec.name}_{spec.outcome}")
            if len(own):
                files |= figure_files(name, makers[part](own.infer_objects(), lang=lang))
    if "multiplicity" in found.tables:
        asked = [term for result in found.results for term in result.moments.predictors]
        for outcome, many in found.tables["multiplicity"].groupby("outcome", sort=False):
            files |= figure_files(slug(f"ranks_{outcome}"), ranks_figure(many, asked, lang=lang))
    return files


def print_sensitivity(console: "Console", run: SensitivityRun, *, as_json: bool) -> None:
    """Print the tables of the first models, or everything as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : SensitivityRun
        What to print.
    as_json : bool
        One object with a key for every part, ``left_out`` and ``provenance``; of microdata
        ``disclosure``.
    """
    found = run.found
    if as_json:
        tables = {name: table.to_dict("records") for name, table in found.tables.items()}
        left: dict[str, Any] = {"left_out": dict(found.left_out), "provenance": run.provenance}
        if run.disclosure:
            left["disclosure"] = run.disclosure
        console.file.write(json_text({**tables, **left}))
        return
    console.print(STATEMENTS[run.lang][run.source], style="bold")
    shown: list[Table] = []
    for result in found.results[:_SHOWN]:
        shown += model_tables(found, result, run.lang, short=True)
    for table in (*shown, *outcome_tables(found, run.lang)):
        print_table(console, table)
    console.print()
    for line in unanswered(found.left_out, run.lang):
        console.print(f"{sentence_of('left', run.lang)}: {line}", markup=False, highlight=False)
    more = len(found.results) - _SHOWN
    print_end(console, run.files, lang=run.lang, disclosure=run.disclosure, more=more)
