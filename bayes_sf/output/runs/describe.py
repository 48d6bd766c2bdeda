"""`bayes-sf describe`: the report's tables and figures of a sample, as files and on a terminal.

No file names a workplace, not even by its pseudonym, and what would tell of single ones is hidden
(`disclosure/control.py`). Every table ends in a column `source`, every figure says whose workplaces
it shows, so that the replica is never taken for the real study.
"""

from typing import TYPE_CHECKING, Final

from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.protected_counts import boxes, figure_rows
from bayes_sf.disclosure.protected_flow import protect_problems
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.aggregates import (
    answers_figure,
    curve_figure,
    spread_figure,
    states_figure,
)
from bayes_sf.output.figures.sample import box_figure, missingness_figure, scatter_figure
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.output.tables.described_sample import ProtectedTables, protect_tables
from bayes_sf.output.tables.result_tables import slug
from bayes_sf.output.tables.sample_tables import flow_tables
from bayes_sf.output.words.problems import problem_lines
from bayes_sf.output.words.words import STATEMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["description_figures", "run_describe", "with_source"]

#: What the column `source` of a table says.
_SOURCE_COLUMN: Final = {"replica": "SYNTHETIC replica", "microdata": "microdata"}


def run_describe(sample: AnalysisSample, asked: Asked) -> Run:
    """Make every table and figure of a sample.

    Parameters
    ----------
    sample : AnalysisSample
        The workplaces.
    asked : Asked
    """
    control = Control.of(sample, asked.rules)
    passed = protect_tables(sample, control).also(protect_problems(sample.problems, control))
    return Run(
        asked, control,
        passed.map(lambda both: _content(both[0], both[1], sample, asked, active=control.active)),
        withheld=passed.shown[0].withheld,
    )  # fmt: skip


def _content(
    found: ProtectedTables,
    problems: "pd.DataFrame",
    sample: AnalysisSample,
    asked: Asked,
    *,
    active: bool,
) -> Content:
    """Tables, pictures and files."""
    flow = found.tables.get("flow")
    return Content(
        frames=with_source(found.tables, sample.source),
        tables=() if flow is None else flow_tables(flow, source=sample.source),
        figures=description_figures(sample, shown=found if active else None)
        if load_codebook().register else _answers_figures(found.tables, sample.source),
        lines=tuple(problem_lines(problems)),
        about={"data": sample.digest},
        said={
            "source": asked.source, "statement": STATEMENTS[asked.source],
            "digest": sample.digest, "problems": problems.to_dict("records"),
        },
        unsaid=("univariate", "by_industry", "missingness"),
    )  # fmt: skip


def _answers_figures(tables: "Mapping[str, pd.DataFrame]", source: str) -> "dict[str, Figure]":
    """What was answered to each item of a study of one's own, of its tables as they may leave."""
    if not {"univariate", "by_industry"} <= set(tables):
        return {}
    total, by_group = tables["univariate"], tables["by_industry"]
    found: dict[str, Figure] = {}
    for item in dict.fromkeys(total["question"]):
        stem = slug(f"answers_{item}")
        stem += "_" * sum(name.rstrip("_") == stem for name in found)  # of items spelt nearly alike
        found[stem] = answers_figure(total, by_group, item, source=source)
    return found


def with_source(tables: "Mapping[str, pd.DataFrame]", source: str) -> "dict[str, pd.DataFrame]":
    """Add a last column that says whose workplaces tables are of.

    Parameters
    ----------
    tables : mapping
        Name -> table.
    source : {"replica", "microdata"}
    """
    said = _SOURCE_COLUMN[source]
    return {name: table.assign(source=said) for name, table in tables.items()}


def description_figures(
    sample: AnalysisSample, *, shown: ProtectedTables | None = None
) -> "dict[str, Figure]":
    """Draw figures 1 to 4 and 6, and the picture of missing quarters.

    Parameters
    ----------
    sample : AnalysisSample
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
    for name, variable in boxes().items():
        if shown is None:
            figures[name] = box_figure(rows[name], variable, source=source)
        else:
            figures[name] = spread_figure(
                rows[name], variable, hidden=shown.groups, unsaid=shown.unsaid[name],
                counted=name not in shown.uncounted, source=source,
            )  # fmt: skip
    pair = (rows["figure6"], "q13", "absence_mean")
    if shown is None:
        figures["figure6"] = scatter_figure(*pair, source=source)
        figures["missingness"] = missingness_figure(sample.missingness(), source=source)
    else:
        counted = "figure6" not in shown.uncounted
        figures["figure6"] = curve_figure(*pair, counted=counted, source=source)
        counts = shown.tables["missingness"]
        first = shown.tables["flow"].iloc[0]
        surveyed = {str(name): size for name, size in first.items()}
        figures["missingness"] = states_figure(counts, surveyed, source=source)
    return figures
