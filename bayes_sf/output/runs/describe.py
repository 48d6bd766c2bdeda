"""`bayes-sf describe`: the report's tables and figures of a sample, as files and on a terminal.

No file names a workplace, not even by its pseudonym, and what would tell of single ones is hidden
(`disclosure/control.py`). Every table ends in a column `source`, every figure says whose workplaces
it shows, so that the replica is never taken for the real study.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.disclosure.protected_counts import BOXES, figure_rows
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.figures.aggregates import curve_figure, spread_figure, states_figure
from bayes_sf.output.figures.page import Language, figure_files
from bayes_sf.output.figures.sample import box_figure, missingness_figure, scatter_figure
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.tables.described_sample import ProtectedTables, protect_tables
from bayes_sf.output.tables.sample_tables import flow_tables
from bayes_sf.output.words.problems import hide_few, problem_lines
from bayes_sf.output.words.sentences import STATEMENTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.console import Console

__all__ = [
    "Description", "description_figures", "print_description", "source_texts", "write_description",
]  # fmt: skip

#: What the column `source` of a table says.
_SOURCE_COLUMN: Final = {"replica": "SYNTHETIC replica", "microdata": "microdata"}


@dataclass(frozen=True, eq=False)
class Description:
    """What was written of a sample.

    Parameters
    ----------
    source : {"replica", "microdata"}
        Whose workplaces.
    digest : str
        Fingerprint of the sample.
    flow : pandas.DataFrame
        As in `flow.csv`.
    problems : pandas.DataFrame
        What is odd in the files: `file, fault, rows, consequence`, as it may leave.
    files : tuple of pathlib.Path
        What was written.
    disclosure : str
        What disclosure control did.
    withheld : tuple of str
        Files of which nothing could be shown.
    lang : {"en", "nb"}
        Language of what is printed.
    """

    source: str
    digest: str
    flow: "pd.DataFrame" = field(repr=False)
    problems: "pd.DataFrame" = field(repr=False)
    files: tuple[Path, ...]
    disclosure: str = ""
    withheld: tuple[str, ...] = ()
    lang: Language = "en"


def write_description(
    folder: Path,
    sample: AnalysisSample,
    *,
    lang: Language = "en",
    rules: Rules | None = None,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Description:
    """Write every table and figure of a sample.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    sample : AnalysisSample
        The workplaces.
    lang : {"en", "nb"}
        Language of the figures, and of what is printed.
    rules : Rules, optional
        Of disclosure control.
    progress : callable
        Wraps the figures.
    """
    control = Control.of(sample, rules or Rules())
    found = protect_tables(sample, control)
    contents: dict[str, str | bytes] = {
        **source_texts(found.tables, sample), **disclosure_files(control, found.log)
    }  # fmt: skip
    shown = found if control.active else None
    drawn = description_figures(sample, lang=lang, shown=shown)
    for name, figure in progress(drawn.items()):
        contents |= figure_files(name, figure)
    return Description(
        source=sample.source,
        digest=sample.digest,
        flow=found.tables["flow.csv"],
        problems=hide_few(sample.problems, control.rules.min_workplaces if control.active else 1),
        files=write_files(folder, contents),
        disclosure=notice(control, found.log, lang),
        withheld=found.withheld,
        lang=lang,
    )


def source_texts(tables: "Mapping[str, pd.DataFrame]", sample: AnalysisSample) -> dict[str, str]:
    """Write tables as CSV whose last column says whose workplaces they are of.

    Parameters
    ----------
    tables : mapping
        File name -> table.
    sample : AnalysisSample
        Where they come from.

    Returns
    -------
    dict
        File name -> text.
    """
    source = _SOURCE_COLUMN[sample.source]
    return {
        name: table.assign(source=source).to_csv(index=False, lineterminator="\n")
        for name, table in tables.items()
    }


def description_figures(
    sample: AnalysisSample, *, lang: Language = "en", shown: ProtectedTables | None = None
) -> "dict[str, Figure]":
    """Draw figures 1 to 4 and 6, and the picture of missing quarters.

    Parameters
    ----------
    sample : AnalysisSample
    lang : {"en", "nb"}
        Language of all text.
    shown : ProtectedTables, optional
        What may be shown: no single workplace then. Without it every workplace is a point or line.

    Returns
    -------
    dict
        Name -> figure. Absence is that of workplaces with at least three observed quarters; the
        shares need no absence and are those of every linked workplace that has them.
    """
    source, rows = sample.source, figure_rows(sample)
    figures = {}
    for name, variable in BOXES.items():
        if shown is None:
            figures[name] = box_figure(rows[name], variable, source=source, lang=lang)
        else:
            figures[name] = spread_figure(
                rows[name], variable, hidden=shown.groups, unsaid=shown.unsaid[name],
                counted=name not in shown.uncounted, source=source, lang=lang,
            )  # fmt: skip
    pair = (rows["figure6"], "q13", "absence_mean")
    if shown is None:
        figures["figure6"] = scatter_figure(*pair, source=source, lang=lang)
        figures["missingness"] = missingness_figure(sample.missingness(), source=source, lang=lang)
    else:
        counted = "figure6" not in shown.uncounted
        figures["figure6"] = curve_figure(*pair, counted=counted, source=source, lang=lang)
        counts = shown.tables["missingness.csv"]
        first = shown.tables["flow.csv"].iloc[0]
        surveyed = {str(name): size for name, size in first.items()}
        figures["missingness"] = states_figure(counts, surveyed, source=source, lang=lang)
    return figures


def print_description(console: "Console", description: Description, *, as_json: bool) -> None:
    """Print who is left after each rule, what the register contradicts, and the files.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    description : Description
        What was written.
    as_json : bool
        One JSON object instead.
    """
    if as_json:
        console.file.write(json_text(_as_object(description)))
        return
    lang = description.lang
    console.print(STATEMENTS[lang][description.source], style="bold")
    for table in flow_tables(description.flow, source=description.source, lang=lang):
        print_table(console, table)
    console.print()
    for line in problem_lines(description.problems, lang):
        console.print(line, markup=False, highlight=False)
    print_end(console, description.files, lang=lang, disclosure=description.disclosure)


def _as_object(description: Description) -> Mapping[str, Any]:
    """The same for programs."""
    return {
        "source": description.source,
        "statement": STATEMENTS["en"][description.source],
        "digest": description.digest,
        "flow": description.flow.to_dict("records"),
        "problems": description.problems.to_dict("records"),
        "disclosure": description.disclosure,
        "files": [str(path) for path in description.files],
    }
