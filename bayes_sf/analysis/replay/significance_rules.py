"""Rules on what the text calls significant: |t| above 1.96, or not.

Every rule takes `Tables` and yields one item per comparison, None where text and tables agree.
"""

from typing import TYPE_CHECKING

from bayes_sf.analysis.replay.findings import Finding
from bayes_sf.analysis.replay.tables import CoefficientRow, Tables
from bayes_sf.catalogue import Listed, Message, Printed, mark
from bayes_sf.recovery.region import NORMAL_QUANTILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bayes_sf.analysis.replay.findings import Severity

__all__ = ["significance_is_as_claimed", "significant_models_get_controls"]


def significance_is_as_claimed(tables: Tables) -> "Iterator[Finding | None]":
    """Whatever the text calls significant has |t| above 1.96, and where it says none, nothing has.

    Reads the scalars `claim_significant_mean`, `_change` (questions that are significant),
    `claim_significant_either`, `_controls` and `claim_exceptions` (the only ones that are).
    """
    slopes = [row for row in tables.coefficients if not row.intercept]
    bivariate = [row for row in slopes if row.model == "bivariate"]
    controls = [row for row in slopes if row.model == "controls"]
    for outcome in ("mean", "change"):
        key = f"claim_significant_{outcome}"
        for question in _questions(tables, key):
            rows = [row for row in bivariate if (row.outcome, row.question) == (outcome, question)]
            if any(_significant(tables, row) is not False for row in rows):
                yield None
            else:
                yield _insignificant(rows, question, outcome)
    for key, rows, none, only in (
        ("claim_significant_either", bivariate, *_TEXT),
        ("claim_exceptions", bivariate, *_SUMMARY),
        ("claim_significant_controls", controls, *_CONTROLS),
    ):
        if key not in tables.scalars:
            continue
        named = _questions(tables, key)
        said = Message(only, _enumerated(named)) if named else Message(none)
        for question, found in _by_question(tables, rows).items():
            if question in named or not found:
                yield None
            else:
                yield _unexpected(found, said, "contradicted by the text")


#: What is said where none, and where only some, are found significant.
_TEXT = mark("the text finds none significant"), mark("the text finds only {} significant")
_SUMMARY = mark("the summary finds none significant"), mark("the summary finds only {} significant")
_CONTROLS = (
    mark("the text finds none significant with controls"),
    mark("the text finds only {} significant with controls"),
)


def _enumerated(names: "Sequence[str]") -> str:
    """Names with "and" between them."""
    first, *others = names
    said: str = first
    for name in others:
        said = Message("{} and {}", said, name)
    return said


def significant_models_get_controls(tables: Tables) -> "Iterator[Finding | None]":
    """If the report takes significant questions on to a model with controls, all of them are."""
    if tables.scalars.get("claim_bivariate_only_if_not_significant") != "yes":
        return
    taken_on = {(r.outcome, r.question) for r in tables.coefficients if r.model == "controls"}
    for outcome in dict.fromkeys(row.outcome for row in tables.coefficients):
        rows = [
            row for row in tables.coefficients if (row.outcome, row.model) == (outcome, "bivariate")
        ]
        for question, found in _by_question(tables, rows).items():
            if found and (outcome, question) not in taken_on:
                yield _unexpected(
                    found, Message("no model with controls is reported"), "not reported"
                )
            else:
                yield None


def _significant(tables: Tables, row: CoefficientRow) -> bool | None:
    """Whether |t| > 1.96; None where rounding leaves it open."""
    ends = [abs(end) for end in tables.interval(row.table, row.t)]
    if min(ends) > NORMAL_QUANTILE:
        return True
    return None if max(ends) > NORMAL_QUANTILE else False


def _questions(tables: Tables, key: str) -> list[str]:
    claimed = tables.scalars.get(key, "none")
    return [] if claimed == "none" else claimed.split()


def _by_question(
    tables: Tables, rows: "Sequence[CoefficientRow]"
) -> dict[str, list[CoefficientRow]]:
    """Significant rows of every question: of its own terms, not of the controls."""
    found: dict[str, list[CoefficientRow]] = {row.question: [] for row in rows}
    for row in rows:
        own = row.model == "bivariate" or row.term.lower().startswith(row.question)
        if own and not row.intercept and _significant(tables, row):
            found[row.question].append(row)
    return found


_OUTCOMES = {"mean": mark("mean"), "change": mark("change")}


def _insignificant(rows: "Sequence[CoefficientRow]", question: str, outcome: str) -> Finding:
    return Finding(
        "significance", Listed([question, Message(_OUTCOMES[outcome])]), "contradicted by the text",
        "called significant",
        Listed([Printed(f"|{row.t}| < 1.96") for row in rows], "; ") or Message("no such model"),
        Message("called significant, but the interval covers zero"),
    )  # fmt: skip


def _unexpected(rows: "Sequence[CoefficientRow]", instead: str, severity: "Severity") -> Finding:
    return Finding(
        "significance", Listed([row.place for row in rows], "; "), severity,
        ", ".join(f"t {row.t}" for row in rows),
        Listed(Printed(f"|{row.t}| > {NORMAL_QUANTILE:.2f}") for row in rows),
        Message("significant at 5 percent, but {}", instead),
    )  # fmt: skip
