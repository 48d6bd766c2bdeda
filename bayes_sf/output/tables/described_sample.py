"""The tables of a sample: answers, flow, missing quarters; as they are, and as they may leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import speaking
from bayes_sf.disclosure.control import HIDDEN, Control, Hidden, people_of
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.protected_answers import protect_answers
from bayes_sf.disclosure.protected_counts import flows
from bayes_sf.disclosure.protected_flow import protect_flow, protect_missing
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.descriptives import count_missing, describe_all, describe_by_industry
from bayes_sf.inputs.published import DECIMALS
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.numbers import fixed
from bayes_sf.output.words.keys import own_key
from bayes_sf.spec.analysis import load_analysis

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ProtectedTables", "description_tables", "flow_table", "protect_tables",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class ProtectedTables:
    """The tables of a sample as they may leave.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        As `description_tables`, hidden figures `:`.
    groups : mapping
        Industry of which nothing may be shown -> rule.
    unsaid : mapping
        Figure -> industry whose n may not be said -> rule; `groups` among them.
    uncounted : frozenset of str
        Figures whose n of all may not be said.
    """

    tables: "dict[str, pd.DataFrame]"
    groups: Mapping[str, str]
    unsaid: Mapping[str, Mapping[str, str]]
    uncounted: frozenset[str]

    @property
    def withheld(self) -> tuple[str, ...]:
        """Files of tables of which nothing is left."""
        return tuple(
            f"{own_key(name)}.csv"
            for name, table in self.tables.items()
            if (table[_FIGURES[name] or list(table.columns[3:])] == HIDDEN).all(axis=None)
        )


#: Columns of figures; of the flow all after the third.
_FIGURES: Final[Mapping[str, list[str]]] = {
    "univariate": ["count"], "by_industry": ["count"], "flow": [],
    "missingness": ["observed", "no_absence", "no_row"],
}  # fmt: skip


def description_tables(sample: AnalysisSample) -> "dict[str, pd.DataFrame]":
    """Make the tables `univariate`, `by_industry`, `flow` and `missingness`.

    Returns
    -------
    dict
        Name -> table. The first two have the columns of `data/published/` and percentages
        with the decimals of the report's tables (one; none in table 29). Tables made in R drop a
        trailing zero in print; here it is kept.
    """
    tables = {
        "univariate": _as_printed(describe_all(sample.frame)),
        "by_industry": _as_printed(describe_by_industry(sample.frame)),
        "flow": flow_table(sample),
    }
    if load_codebook().register:
        tables["missingness"] = count_missing(sample.missingness())
    return _there(tables)


def _there(tables: "dict[str, pd.DataFrame]") -> "dict[str, pd.DataFrame]":
    """Tables with rows: a study of one's own may have no answers, or no analyses."""
    return {name: table for name, table in tables.items() if len(table)}


def _as_printed(table: "pd.DataFrame") -> "pd.DataFrame":
    """Round percentages as the report does."""
    cells = zip(table["percent"], table["table"], strict=True)
    with speaking("en"):  # as all that programs read
        printed = [
            percent if percent == HIDDEN else fixed(percent, DECIMALS.get(key, 1))
            for percent, key in cells
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

    found = []
    for name in flows():
        for spec in load_analysis(name).specs:
            if spec.formula:  # no rules of a sample lead to its rows
                continue
            steps = sample.flow(
                outcome=spec.outcome, predictors=spec.predictors, min_quarters=spec.min_quarters
            )
            steps.insert(0, "outcome", spec.outcome)
            steps.insert(0, "analysis", name)
            found.append(steps)
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def protect_tables(sample: AnalysisSample, control: Control) -> Passed[ProtectedTables]:
    """Make the tables of a sample, and hide in them what tells of single workplaces.

    Parameters
    ----------
    sample : AnalysisSample
    control : Control
        Of the sample.
    """
    if control.counts is None:
        return Passed(ProtectedTables(description_tables(sample), {}, {}, frozenset()))
    control.count()
    frame, rules, counts = sample.frame, control.rules, control.counts
    sizes = _by_industry(frame)
    groups = control.hidden_groups(sizes)
    answers = describe_by_industry(frame, people_of(sample))
    total, by_industry, log = protect_answers(describe_all(frame), answers, sizes, groups, rules)
    flow, flow_log = protect_flow(flow_table(sample), counts)
    shown = {
        "univariate": _as_printed(total), "by_industry": _as_printed(by_industry), "flow": flow,
    }  # fmt: skip
    missing_log: tuple[Hidden, ...] = ()
    if load_codebook().register:
        shown["missingness"], missing_log = protect_missing(
            count_missing(sample.missingness()), groups, counts.unsaid(counts.linked), rules
        )
    unsaid = {name: counts.unsaid(kept) for name, kept in counts.figures.items()}
    uncounted = frozenset(
        name for name, kept in counts.figures.items() if not counts.told[kept.tobytes()]
    )
    figure_log = (Hidden(name, "", "n", "difference") for name in sorted(uncounted))
    whole = (*log, *flow_log, *missing_log, *figure_log)
    return Passed(ProtectedTables(_there(shown), groups, unsaid, uncounted), whole)


def _by_industry(frame: "pd.DataFrame") -> dict[str, int]:
    """Count workplaces by industry, those without any among them."""
    book = load_codebook()
    counts = frame[book.group].value_counts()
    return {one.key: int(counts.get(one.key, 0)) for one in book.industries}
