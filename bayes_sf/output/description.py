"""`bayes-sf describe`: the report's tables and figures of a sample, as files and on a terminal.

No file names a workplace, not even by its pseudonym, and what would tell of single ones is hidden
(`output/disclosure.py`). Every table ends in a column `source`, every figure says whose workplaces
it shows, so that the replica is never taken for the real study.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.descriptives import describe_all, describe_by_industry
from bayes_sf.inputs.published import DECIMALS
from bayes_sf.inputs.sample import AnalysisSample, design
from bayes_sf.output.aggregate_figures import curve_figure, spread_figure, states_figure
from bayes_sf.output.disclosure import (
    HIDDEN,
    Control,
    Hidden,
    Rules,
    disclosure_files,
    notice,
)
from bayes_sf.output.figures import STATE_COLOURS, box_figure, missingness_figure, scatter_figure
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.numbers import fixed
from bayes_sf.output.page import Language, figure_files
from bayes_sf.output.protected_counts import protect_answers, protect_flow, protect_missing
from bayes_sf.output.summary import SOURCES
from bayes_sf.spec.analysis import load_analysis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.console import Console

__all__ = [
    "Description",
    "ProtectedTables",
    "count_missing",
    "description_figures",
    "description_tables",
    "flow_table",
    "print_description",
    "protect_tables",
    "source_texts",
    "write_description",
]  # fmt: skip

#: What the column `source` of a table says.
_SOURCE_COLUMN: Final = {"replica": "SYNTHETIC replica", "microdata": "microdata"}
#: Analyses whose samples are followed: the null models, and those with all controls.
FLOWS: Final = ("null", "q13_controls", "q17_controls")
BOXES: Final = {
    "figure1": "absence_mean", "figure2": "absence_change",
    "figure3": "women_share", "figure4": "senior_share",
}  # fmt: skip
#: Figures 1, 2, 5 and 6 and tables 8 and 9 ask for this many observed quarters.
MIN_QUARTERS: Final = 3


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
        Contradictions in the register: `file, fault, rows, consequence`, without their places.
    files : tuple of pathlib.Path
        What was written.
    disclosure : str
        What disclosure control did.
    withheld : tuple of str
        Files of which nothing could be shown.
    """

    source: str
    digest: str
    flow: "pd.DataFrame" = field(repr=False)
    problems: "pd.DataFrame" = field(repr=False)
    files: tuple[Path, ...]
    disclosure: str = ""
    withheld: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ProtectedTables:
    """The tables of a sample as they may leave.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        As `description_tables`, hidden figures `:`.
    groups : mapping
        Industry of which nothing may be shown -> rule.
    flow_hidden : mapping
        Industry whose numbers after the first rule may not be shown -> rule; `groups` among them.
    log : tuple of Hidden
    """

    tables: "dict[str, pd.DataFrame]"
    groups: Mapping[str, str]
    flow_hidden: Mapping[str, str]
    log: tuple[Hidden, ...]

    @property
    def withheld(self) -> tuple[str, ...]:
        """Tables of which nothing is left."""
        return tuple(
            name
            for name, table in self.tables.items()
            if (table[_FIGURES[name] or list(table.columns[3:])] == HIDDEN).all(axis=None)
        )


#: Columns of figures; of the flow all after the third.
_FIGURES: Final[Mapping[str, list[str]]] = {
    "univariate.csv": ["count"], "by_industry.csv": ["count"], "flow.csv": [],
    "missingness.csv": ["observed", "no_absence", "no_row"],
}  # fmt: skip


def write_description(
    folder: Path, sample: AnalysisSample, *, lang: Language = "en", rules: Rules | None = None
) -> Description:
    """Write every table and figure of a sample.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    sample : AnalysisSample
        The workplaces.
    lang : {"en", "nb"}
        Language of the figures.
    rules : Rules, optional
        Of disclosure control.
    """
    control = Control.of(sample, rules or Rules())
    found = protect_tables(sample, control)
    contents: dict[str, str | bytes] = {
        **source_texts(found.tables, sample), **disclosure_files(control, found.log)
    }  # fmt: skip
    shown = found if control.active else None
    for name, figure in description_figures(sample, lang=lang, shown=shown).items():
        contents |= figure_files(name, figure)
    return Description(
        source=sample.source,
        digest=sample.digest,
        flow=found.tables["flow.csv"],
        problems=sample.problems.drop(columns="places"),
        files=write_files(folder, contents),
        disclosure=notice(control, found.log),
        withheld=found.withheld,
    )


def protect_tables(sample: AnalysisSample, control: Control) -> ProtectedTables:
    """Make the tables of a sample, and hide in them what tells of single workplaces.

    Parameters
    ----------
    sample : AnalysisSample
    control : Control
        Of the sample.
    """
    tables = description_tables(sample)
    if not control.active:
        return ProtectedTables(tables, {}, {}, ())
    frame, rules = sample.frame, control.rules
    sizes = _by_industry(frame)
    groups = control.hidden_groups(sizes)
    employees = frame["n_employees"].fillna(1.0)
    answers = describe_by_industry(frame, employees)
    total, by_industry, log = protect_answers(describe_all(frame), answers, sizes, groups, rules)
    others = [
        (_by_industry(frame[frame["linked"]]), _by_industry(rows))
        for rows in _figure_rows(sample).values()
    ]
    flow, flow_hidden, flow_log = protect_flow(tables["flow.csv"], others, groups, rules)
    missing, missing_log = protect_missing(tables["missingness.csv"], groups, flow_hidden, rules)
    shown = {
        "univariate.csv": _as_printed(total), "by_industry.csv": _as_printed(by_industry),
        "flow.csv": flow, "missingness.csv": missing,
    }  # fmt: skip
    return ProtectedTables(shown, groups, flow_hidden, (*log, *flow_log, *missing_log))


def _by_industry(frame: "pd.DataFrame") -> dict[str, int]:
    """Count workplaces by industry, those without any among them."""
    counts = frame["industry"].value_counts()
    keys = (industry.key for industry in load_codebook().industries)
    return {key: int(counts.get(key, 0)) for key in keys}


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


def description_tables(sample: AnalysisSample) -> "dict[str, pd.DataFrame]":
    """Make the tables: `univariate.csv`, `by_industry.csv`, `flow.csv`, `missingness.csv`.

    Returns
    -------
    dict
        File name -> table. The first two have the columns of `data/published/` and percentages
        with the decimals of the report's tables (one; none in table 29). Tables made in R drop a
        trailing zero in print; here it is kept.
    """
    return {
        "univariate.csv": _as_printed(describe_all(sample.frame)),
        "by_industry.csv": _as_printed(describe_by_industry(sample.frame)),
        "flow.csv": flow_table(sample),
        "missingness.csv": count_missing(sample.missingness()),
    }


def _as_printed(table: "pd.DataFrame") -> "pd.DataFrame":
    """Round percentages as the report does."""
    cells = zip(table["percent"], table["table"], strict=True)
    printed = [
        percent if percent == HIDDEN else fixed(percent, DECIMALS[key]) for percent, key in cells
    ]
    return table.assign(percent=printed)


def flow_table(sample: AnalysisSample) -> "pd.DataFrame":
    """Count who is left after each rule of the null models and of those with all controls.

    Returns
    -------
    pandas.DataFrame
        `analysis, outcome, step`, a column of counts per industry, and `all`.
    """
    import pandas as pd

    flows = []
    for name in FLOWS:
        for spec in load_analysis(name).specs:
            steps = sample.flow(
                outcome=spec.outcome, predictors=spec.predictors, min_quarters=spec.min_quarters
            )
            steps.insert(0, "outcome", spec.outcome)
            steps.insert(0, "analysis", name)
            flows.append(steps)
    return pd.concat(flows, ignore_index=True)


def count_missing(picture: "pd.DataFrame") -> "pd.DataFrame":
    """Count workplaces by what the register has of them in each quarter.

    Parameters
    ----------
    picture : pandas.DataFrame
        As `AnalysisSample.missingness()`.

    Returns
    -------
    pandas.DataFrame
        `industry, quarter, observed, no_absence, no_row`; the counts of a line add up to the
        industry's linked workplaces.
    """
    import pandas as pd

    order = [industry.key for industry in load_codebook().industries]
    ordered = picture.assign(industry=pd.Categorical(picture["industry"], order))
    counts = pd.crosstab([ordered["industry"], ordered["quarter"]], ordered["state"])
    counts = counts.reindex(columns=list(STATE_COLOURS), fill_value=0)
    return counts.rename(columns=lambda state: state.replace(" ", "_")).reset_index()


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
    source, rows = sample.source, _figure_rows(sample)
    figures = {}
    for name, variable in BOXES.items():
        if shown is None:
            figures[name] = box_figure(rows[name], variable, source=source, lang=lang)
        else:
            figures[name] = spread_figure(
                rows[name], variable, hidden=shown.groups, unsaid=shown.flow_hidden,
                source=source, lang=lang,
            )  # fmt: skip
    draw = scatter_figure if shown is None else curve_figure
    figures["figure6"] = draw(rows["figure6"], "q13", "absence_mean", source=source, lang=lang)
    if shown is None:
        figures["missingness"] = missingness_figure(sample.missingness(), source=source, lang=lang)
    else:
        counts = shown.tables["missingness.csv"]
        figures["missingness"] = states_figure(counts, source=source, lang=lang)
    return figures


def _figure_rows(sample: AnalysisSample) -> "dict[str, pd.DataFrame]":
    """Workplaces of each figure."""
    frame = sample.frame
    enough = frame[frame["n_quarters"] >= MIN_QUARTERS]
    rows = {
        name: (enough if variable.startswith("absence") else frame).dropna(subset=[variable])
        for name, variable in BOXES.items()
    }
    rows["figure6"] = design(
        sample, outcome="absence_mean", predictors=["q13"], min_quarters=MIN_QUARTERS
    )
    return rows


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
    from rich.table import Table

    console.print(SOURCES[description.source], style="bold")
    for (analysis, outcome), steps in description.flow.groupby(["analysis", "outcome"], sort=False):
        grid = Table(title=f"{analysis}, {outcome}", title_justify="left", box=None)
        counts = steps.drop(columns=["analysis", "outcome"])
        for name in counts.columns:
            grid.add_column(name, justify="left" if name == "step" else "right", no_wrap=True)
        for row in counts.itertuples(index=False):
            grid.add_row(*map(str, row))
        console.print()
        console.print(grid)
    console.print()
    for file, fault, rows, consequence in description.problems.itertuples(index=False):
        line = f"{file}: {fault} (rows: {rows}); {consequence}"
        console.print(line, markup=False, highlight=False)
    if description.disclosure:
        console.print(description.disclosure, markup=False, highlight=False)
    names = ", ".join(path.name for path in description.files)
    folder = description.files[0].parent
    console.print(f"Written to {folder}: {names}", markup=False, highlight=False)


def _as_object(description: Description) -> Mapping[str, Any]:
    """The same for programs."""
    return {
        "source": description.source,
        "statement": SOURCES[description.source],
        "digest": description.digest,
        "flow": description.flow.to_dict("records"),
        "problems": description.problems.to_dict("records"),
        "disclosure": description.disclosure,
        "files": [str(path) for path in description.files],
    }
