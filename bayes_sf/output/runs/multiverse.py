"""`bayes-sf multiverse`: a multiverse fitted, as files, tables and a specification curve."""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.choices.multiverse import Explored, choice_shares, explore, option_means
from bayes_sf.disclosure.control import HIDDEN, Control, Rules
from bayes_sf.disclosure.protected_choices import COMBINATIONS, protect_explored
from bayes_sf.disclosure.protected_frames import mark_hidden
from bayes_sf.engines.fit import versions
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.inputs.variables import Language
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.figures.multiverse import curve_figure
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.tables.multiverse_tables import multiverse_tables
from bayes_sf.output.words.sentences import STATEMENTS
from bayes_sf.spec.multiverse import Multiverse

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["MultiverseRun", "print_multiverse", "run_multiverse"]

_FAILED = {
    "en": "{} of {} combinations could not be fitted; specifications.csv says why. The first: {}",
    "nb": "{} av {} kombinasjoner kunne ikke tilpasses; specifications.csv sier hvorfor. Den "
    "første: {}",
}


@dataclass(frozen=True, eq=False)
class MultiverseRun:
    """One run of `multiverse`.

    Parameters
    ----------
    explored : Explored
        The fits.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
        What was written.
    lang : {"en", "nb"}
        Language of the figure and of the tables.
    disclosure : str
        What disclosure control did.
    """

    explored: Explored
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    lang: Language
    disclosure: str = ""


def run_multiverse(
    folder: Path,
    asked: Multiverse,
    sample: AnalysisSample,
    *,
    lang: Language = "en",
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    rules: Rules | None = None,
) -> MultiverseRun:
    """Fit every combination, and write what comes out.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    asked : Multiverse
        Choices and options.
    sample : AnalysisSample
        Workplaces.
    lang : {"en", "nb"}
        Language of the figure.
    progress : callable
        Wraps the combinations.
    rules : Rules, optional
        Of disclosure control.
    """
    start = perf_counter()
    control = Control.of(sample, rules or Rules())
    explored, log = protect_explored(explore(asked, sample, progress=progress), control)
    provenance = {
        "multiverse": asked.name, "question": asked.question, "item": asked.item,
        "contrast": explored.contrast.label, "size": explored.contrast.size, "rope": asked.rope,
        "unit": "pp", "prob": explored.prob, "choices": asked.choices, "source": explored.source,
        "statement": STATEMENTS["en"][explored.source], "data": sample.digest,
        "seconds": perf_counter() - start, "versions": versions(),
        "platform": platform.platform(),
    }  # fmt: skip
    frames = {
        "specifications": mark_hidden(explored.table, COMBINATIONS),
        "shares": choice_shares(explored).reset_index(),
        "options": _options(explored),
    }
    texts: dict[str, str | bytes] = {
        f"{name}.csv": str(
            frame.assign(source=explored.source).to_csv(index=False, lineterminator="\n")
        )
        for name, frame in frames.items()
    }
    texts["summary.json"] = json_text(explored.summary())
    texts["provenance.json"] = json_text(provenance)
    picture = figure_files("specification_curve", curve_figure(explored, lang=lang))
    files = write_files(folder, texts | picture | disclosure_files(control, log))
    return MultiverseRun(explored, provenance, files, lang, notice(control, log, lang))


def _options(explored: Explored) -> "pd.DataFrame":
    """Estimates by option, with `:` where no n is said."""
    sizes = ["n_least", "n_largest"]
    found = option_means(explored)
    return mark_hidden(found.astype(dict.fromkeys(sizes, "Int64")), sizes)


def print_multiverse(console: "Console", run: MultiverseRun, *, as_json: bool) -> None:
    """Print a run as tables, or as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : MultiverseRun
        What to print.
    as_json : bool
        One object with keys ``summary, shares, options, provenance, disclosure``; the combinations
        are in specifications.csv.
    """
    explored, lang = run.explored, run.lang
    if as_json:
        content = {
            "summary": explored.summary(),
            "shares": choice_shares(explored).reset_index().to_dict("records"),
            "options": _options(explored).to_dict("records"),
            "provenance": run.provenance,
            "disclosure": run.disclosure,
        }
        console.file.write(json_text(content))
        return
    console.print(STATEMENTS[lang][explored.source], style="bold")
    for table in multiverse_tables(explored, lang=lang):
        print_table(console, table)
    console.print()
    failed = explored.table[~explored.table["reason"].isin(["", HIDDEN])]
    if len(failed):
        said = _FAILED[lang].format(len(failed), len(explored.table), failed["reason"].iloc[0])
        console.print(said, markup=False)
    print_end(console, run.files, lang=lang, disclosure=run.disclosure)
