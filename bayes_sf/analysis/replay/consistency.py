"""The replay: every published number against every other it depends on, under rounding.

The rules know how a survey report is put together, not what is wrong in this one: they run on any
report transcribed into the files of `data/published/`.

Examples
--------
>>> findings = check_published()
>>> next(f.arithmetic for f in findings if f.place == "figure 7")
'n_figure7 = 426; n_change = 420; n_table5 = 403'
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from bayes_sf.analysis.replay import claims, coefficient_rules, count_rules, significance_rules
from bayes_sf.analysis.replay.findings import SEVERITIES, Finding, unite
from bayes_sf.analysis.replay.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RULES", "RuleOutcome", "check_published", "findings_frame", "replay"]

#: A rule yields one item per comparison: None where the numbers agree, a Finding where they do not.
type Rule = Callable[[Tables], Iterator[Finding | None]]

#: Every rule, counts first: a wrong count would make all that follows doubtful.
RULES: tuple[Rule, ...] = (
    count_rules.percents_follow_counts,
    count_rules.columns_add_up,
    count_rules.industries_add_up,
    count_rules.answers_kept,
    count_rules.samples_agree,
    count_rules.skips_respected,
    count_rules.filters_leave_out,
    count_rules.options_offered,
    coefficient_rules.figures_of_a_row_agree,
    coefficient_rules.model_printed_twice_agrees,
    coefficient_rules.scales_agree,
    coefficient_rules.models_have_possible_sizes,
    significance_rules.significance_is_as_claimed,
    significance_rules.significant_models_get_controls,
    claims.claims_hold,
)


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule did.

    Parameters
    ----------
    rule : str
        Name of the rule's function.
    comparisons : int
        Comparisons made.
    findings : tuple of Finding
        What those that failed found, the same numbers in one place once.
    """

    rule: str
    comparisons: int
    findings: tuple[Finding, ...]


def replay(tables: Tables | None = None) -> tuple[RuleOutcome, ...]:
    """Run every rule.

    Parameters
    ----------
    tables : Tables, optional
        A report's tables; the bundled report by default.

    Returns
    -------
    tuple of RuleOutcome
        In the order of `RULES`.
    """
    read = Tables.read() if tables is None else tables
    outcomes = []
    for rule in RULES:
        compared = list(rule(read))
        found = unite(finding for finding in compared if finding is not None)
        outcomes.append(RuleOutcome(rule.__name__, len(compared), found))
    return tuple(outcomes)


def check_published(tables: Tables | None = None) -> list[Finding]:
    """Find the printed numbers that disagree.

    Parameters
    ----------
    tables : Tables, optional
        A report's tables; the bundled report by default.

    Returns
    -------
    list of Finding
        In the order of `SEVERITIES`, those of one severity in the order of the rules.
    """
    found = [finding for outcome in replay(tables) for finding in outcome.findings]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def findings_frame(findings: list[Finding]) -> "pd.DataFrame":
    """Put findings into the columns of `consistency.csv`.

    Parameters
    ----------
    findings : list of Finding

    Returns
    -------
    pandas.DataFrame
        One row per finding: `rule, place, severity, printed, arithmetic, text`.
    """
    import pandas as pd

    columns = [field.name for field in fields(Finding)]
    return pd.DataFrame([asdict(finding) for finding in findings], columns=columns)
