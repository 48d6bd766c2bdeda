r"""All rules on a folder of printed results: what was compared, found, and not run.

GRIM, GRIMMER and DEBIT ask what R's `scrutiny` asks, p against t what `statcheck` asks. Unlike
`statcheck` a p-value is compared as all that rounds to it with all that the printed t allows, so
that nothing is called an error that rounding can explain; unlike `scrutiny` a mean is tested only
where its decimals leave impossible ones. What is of multilevel models has no counterpart there.

Examples
--------
>>> import pathlib, tempfile
>>> from bayes_sf.inputs.printed.folder import read_published
>>> with tempfile.TemporaryDirectory() as folder:
...     place = pathlib.Path(folder)
...     toml = 'schema = 1\n[models.null]\nicc = "0.31"\nn = 1840\ngroups = 44\n'
...     _ = (place / "study.toml").write_text(toml, encoding="utf-8")
...     rows = "model,group,variance\nnull,clinic,2.1\nnull,Residual,7.9\n"
...     _ = (place / "components.csv").write_text(rows, encoding="utf-8")
...     found = check_tables(read_published(place))
>>> [(one.number, finding.arithmetic) for one in found for finding in one.findings]
[(2, 'components give 0.205 to 0.215')]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bayes_sf.analysis.printed import (
    rules_of_coefficients,
    rules_of_components,
    rules_of_tables,
)
from bayes_sf.analysis.printed.comparison import At, Comparison, Needs, Rule
from bayes_sf.catalogue import Listed, Message
from bayes_sf.inputs.printed.figure import Figure, Interval
from bayes_sf.inputs.printed.folder import PublishedReport

__all__ = ["RULES", "PrintedFinding", "RuleRun", "check_tables"]

#: Rules in the order of their numbers, what each compares, and what it needs at least.
RULES: Final[tuple[tuple[Rule, str, str], ...]] = (
    (rules_of_components.variance_is_squared_sd,
     Message("variance = sd^2"),
     Message("a variance and its sd")),
    (rules_of_components.icc_is_of_its_components,
     Message("ICC = tau^2/(tau^2 + sigma^2)"),
     Message("an ICC and both variances")),
    (rules_of_components.information_criteria_agree,
     Message("AIC and BIC with one whole number of parameters, deviance = -2 log-likelihood"),
     Message("AIC and the log-likelihood")),
    (rules_of_components.null_se_is_possible,
     Message("the null intercept's se lies between that of equal and of the most unequal groups"),
     Message("a null model's components and its intercept's se")),
    (rules_of_components.reliability_is_of_the_se,
     Message("se^2 = tau^2/(J reliability) in a null model"),
     Message("a null model's reliability")),
    (rules_of_components.null_r2_is_the_icc,
     Message("conditional R2 = ICC and marginal R2 = 0 in a null model, both fit the ICC in any"),
     Message("R2")),
    (rules_of_coefficients.ratio_is_estimate_over_se,
     Message("t or z = estimate/se"),
     Message("t or z")),
    (rules_of_coefficients.interval_is_of_its_se,
     Message("interval = estimate -+ q se, q from the declared reference"),
     Message("intervals of z or t")),
    (rules_of_coefficients.p_is_of_its_ratio,
     Message("p from t and its df, or from z; two-sided unless declared"),
     Message("p-values")),
    (rules_of_coefficients.stars_are_of_their_p,
     Message("stars say how small p is"),
     Message("stars")),
    (rules_of_coefficients.significance_is_as_claimed,
     Message("what the text calls significant has p < 0.05, what it does not has not"),
     Message("claims.csv")),
    (rules_of_tables.counts_of_rows_agree,
     Message("n, groups and sizes of one model, and of models that nest"),
     Message("n of a model")),
    (rules_of_tables.percents_are_of_counts,
     Message("percent = count/total"),
     Message("counts.csv")),
    (rules_of_tables.means_are_of_whole_numbers,
     Message("GRIM, GRIMMER and DEBIT, where rounding leaves them power"),
     Message("descriptives.csv with integer = yes")),
    (rules_of_tables.deviance_falls,
     Message("likelihood of nested models, one model printed twice, estimators that are mixed"),
     Message("nested models with deviances, or a model in two tables")),
    (rules_of_tables.figures_are_in_range,
     Message("intervals hold their estimates, means lie between extremes, sds are possible"),
     Message("intervals, or descriptives.csv with min and max")),
    (rules_of_tables.covariates_keep_their_scale,
     Message("one covariate has one scale in two models, judged by the others' standard errors"),
     Message("two models that share three covariates")),
)  # fmt: skip
#: Ways of rounding, to be said.
_ROUNDINGS: Final = {
    "half": Message("half"), "truncated": Message("truncated"), "unknown": Message("unknown"),
}  # fmt: skip


@dataclass(frozen=True)
class PrintedFinding:
    """Printed figures that cannot all be true, or hardly.

    Parameters
    ----------
    rule : int
        The rule's number.
    place, printed, arithmetic, text, severity : str
        As `Comparison`.
    rounding : str
        Rounding that was assumed.
    truncated : bool
        Whether figures that were cut off instead of rounded would agree.
    """

    rule: int
    place: str
    printed: str
    arithmetic: str
    text: str
    severity: str
    rounding: str
    truncated: bool


@dataclass(frozen=True)
class RuleRun:
    """What one rule did.

    Parameters
    ----------
    number : int
    rule : str
        What it compares.
    comparisons : int
    findings : tuple of PrintedFinding
    needs : tuple of str
        What it was not run for, "place: what it needs"; or what it needs at least.
    """

    number: int
    rule: str
    comparisons: int
    findings: tuple[PrintedFinding, ...]
    needs: tuple[str, ...]


def check_tables(report: PublishedReport) -> tuple[RuleRun, ...]:
    """Run every rule on a report.

    Parameters
    ----------
    report : PublishedReport

    Returns
    -------
    tuple of RuleRun
        In the order of `RULES`.
    """
    return tuple(_run(number, *rule, report) for number, rule in enumerate(RULES, start=1))


def _declared(figure: Figure) -> Interval:
    return figure.interval


def _cut(figure: Figure) -> Interval:
    return figure.as_rounded("truncated")


def _run(number: int, rule: Rule, about: str, least: str, report: PublishedReport) -> RuleRun:
    """One rule, and where it failed once more with figures cut off."""
    compared, needs = _asked(rule, report, _declared)
    wrong = [one for one in compared if not one.holds]
    cleared: set[tuple[str, str, str]] = set()
    if wrong:
        again, _ = _asked(rule, report, _cut)
        cleared = {(one.place, one.printed, one.text) for one in again if one.holds}
    roundings = sorted({table.rounding for table in report.header.tables.values()}) or ["half"]
    found = tuple(
        PrintedFinding(
            number, one.place, one.printed, one.arithmetic, one.text, one.severity,
            Listed(_ROUNDINGS[name] for name in roundings),
            (one.place, one.printed, one.text) in cleared,
        )
        for one in wrong
    )  # fmt: skip
    lines: tuple[str, ...] = tuple(Listed((one.place, one.what), ": ") for one in needs)
    if not compared and not lines:
        lines = (least,)
    return RuleRun(number, about, len(compared), found, lines)


def _asked(rule: Rule, report: PublishedReport, at: At) -> tuple[list[Comparison], list[Needs]]:
    """Comparisons of a rule, and what was not compared."""
    compared: list[Comparison] = []
    needs: list[Needs] = []
    for one in _all(rule, report, at):
        (compared if isinstance(one, Comparison) else needs).append(one)  # type: ignore[arg-type]
    return compared, needs


def _all(rule: Rule, report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    yield from rule(report, at)
