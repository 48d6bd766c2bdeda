"""Statements of the report's first page: each is a sentence and the numbers that it is about."""

from collections.abc import Iterator, Sequence
from typing import Final

from bayes_sf.analysis.comparison import IccRow
from bayes_sf.analysis.pooling import GroupRow, Pooling
from bayes_sf.analysis.ranking import end_probabilities, rounded_ends
from bayes_sf.analysis.replay.findings import count_severities
from bayes_sf.analysis.size.associations import AMOUNTS, Association, by_chance
from bayes_sf.catalogue import say
from bayes_sf.disclosure.gate import Released
from bayes_sf.disclosure.protected_models import shown_levels
from bayes_sf.inputs.published import published_table
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.page import lower_first, upper_first
from bayes_sf.output.numbers import (
    ICC_DECIMALS,
    fixed,
    interval,
    level,
    percent,
    probability,
    row_decimals,
    with_percent,
)
from bayes_sf.output.report.answers import left_line, whole_percent, whole_span
from bayes_sf.output.report.material import Material
from bayes_sf.output.words.words import industry_name, outcome_name, short_name, term_name

__all__ = [
    "apart_line", "association_line", "changed_line", "count_asked", "data_say", "gap",
    "how_sure", "icc_range", "left_in_line", "observed", "question", "replay_counts",
    "tipping_line",
]  # fmt: skip

#: Decimals of the probability of a rank, which draws give.
_ENDS: Final = 2


def question(material: Material) -> str:
    """What was asked; of the replica, that nobody was."""
    items = {result.spec.name for result in material.bivariate}
    groups = material.nulls[0].moments.n_groups
    n = count_asked(material)
    if material.source == "replica":
        return say(
            "This page is made of {n} invented workplaces in {groups} industries: no "
            "manager answered, and nothing was linked to a register. They are drawn so "
            "that they return the study's printed tables: answers to {items} questions "
            "about preventive measures at the workplace, and doctor-certified sickness "
            "absence. Two things are asked, as in the study: how much of the differences "
            "in absence lies between industries, and which answers go with higher or "
            "lower absence.",
            n=n,
            groups=groups,
            items=len(items),
        )
    return say(
        "Managers of {n} workplaces in {groups} industries answered {items} questions "
        "about preventive measures at the workplace. Their answers were linked to "
        "doctor-certified sickness absence in NAV's register. Two things were asked: how "
        "much of the differences in absence lies between industries, and which answers "
        "go with higher or lower absence.",
        n=n,
        groups=groups,
        items=len(items),
    )


def count_asked(material: Material) -> int:
    """Workplaces that answered the survey."""
    if isinstance(material.data, AnalysisSample):
        return int(material.data.flow(outcome="absence_mean")["all"].iloc[0])
    samples = published_table("samples")
    total = samples[(samples["table"].astype(str) == "1") & (samples["industry"] == "total")]
    return int(total["count"].iloc[0])


def data_say(material: Material, found: Sequence[Association]) -> Iterator[tuple[str, list[str]]]:
    """Yield what the data say, and what is listed below it."""
    for row in material.found.icc:
        if row.case == "all":
            yield _share(row), []
    if len(shown_levels(material.poolings[0])) > 1:
        yield _levels(material.poolings[0], material.seed), []
    prob = material.nulls[0].prob
    for result in material.nulls:
        outcome = result.spec.outcome
        ours = [each for each in found if each.outcome == outcome]
        apart = [each for each in ours if each.apart]
        said = say(
            "{outcome}: {k} of {m} associations have a {level} interval that leaves "
            "out zero. If there were no association anywhere, {expected} of {m} "
            "intervals would do so on average.",
            outcome=outcome_name(outcome),
            k=len(apart),
            m=len(ours),
            level=level(prob),
            expected=fixed(by_chance(ours, prob), 1),
        )
        yield said, [association_line(each) for each in apart]
    if any(each.apart for each in found):
        yield left_line(material, found), []


def _share(row: IccRow) -> str:
    """How much lies between industries."""
    printed = say("The report says that the share is close to zero.")
    if row.published:
        value = with_percent(percent(row.published, ICC_DECIMALS - 2))
        printed = say("The report prints {value} without an interval.", value=value)
    return say(
        "{outcome}: of the variation between workplaces, {median} lies between "
        "industries and the rest between workplaces of the same industry (ICC: "
        "median; {level} interval {interval}; n = {n}). {published}",
        outcome=outcome_name(row.outcome),
        median=whole_percent(row.median),
        level=level(row.prob),
        interval=whole_span(row.lower, row.upper),
        n=row.n,
        published=printed,
    )


def _levels(pooling: Pooling, seed: int) -> str:
    """The industries at the ends, and how probable it is that they are there."""
    rows = sorted(shown_levels(pooling), key=lambda row: row.mean)

    def shown(row: GroupRow) -> str:
        return f"{fixed(row.mean, 1)}; {interval(row.lower, row.upper, 1)}"

    low, high = rows[0], rows[-1]
    ends = (
        rounded_ends(rows, seed=seed)
        if isinstance(pooling.exact, Released)
        else end_probabilities(pooling.exact, [row.group for row in rows], seed=seed)
    )
    return say(
        "{outcome}: the lowest expected level is that of {low} ({low_value}), "
        "which is the lowest of all with probability {lowest}; the highest is "
        "that of {high} ({high_value}), which is the highest with probability "
        "{highest}. Levels are in percent of contracted days, {level} interval "
        "in parentheses.",
        outcome=outcome_name(pooling.spec.outcome),
        low=industry_name(low.group),
        low_value=shown(low),
        high=industry_name(high.group),
        high_value=shown(high),
        level=level(low.prob),
        lowest=probability(ends[low.group][0], _ENDS),
        highest=probability(ends[high.group][1], _ENDS),
    )


def association_line(each: Association) -> str:
    """One association in words: a digit of its sd fewer than in tables, and who answered so."""
    places = max(row_decimals([each.mean], each.sd) - 1, 0)
    said = say(
        "{label}, {contrast}: {mean} percentage points ({interval}).",
        label=upper_first(term_name(each.term.partition("[")[0])), contrast=each.contrast.label,
        mean=fixed(each.mean, places), interval=interval(each.lower, each.upper, places, more=1),
    )  # fmt: skip
    if each.answered is None:
        return said
    counted = say(
        "{count} of {n} workplaces gave the latter answer.", count=each.answered, n=each.n
    )
    return f"{said} {counted}"


def how_sure(material: Material, found: Sequence[Association]) -> Iterator[str]:
    """Yield how sure one can be of it."""
    prob = material.nulls[0].prob
    place = AMOUNTS.index(1.0)
    large = sum(each.at_least[place] > prob for each in found)
    small = sum(each.at_least[place] < 1 - prob for each in found)
    yield say(
        "Size, from one end of the scale to the other: for {large} of {m} "
        "associations the difference is at least {amount} percentage point with "
        "a probability above {level}, and for {small} it is smaller with a "
        "probability above {level}. For the other {rest} the data do not decide "
        "which of the two it is.",
        large=large,
        small=small,
        m=len(found),
        rest=len(found) - large - small,
        level=level(prob),
        amount=fixed(AMOUNTS[place], 0),
    )
    yield icc_range(material, "absence_mean")
    yield changed_line(material)
    yield from tipping_line(material)
    yield say(
        "The interval of the share between industries (ICC) rests on how much "
        "{groups} industries vary. The prior is therefore shown beside it.",
        groups=material.nulls[0].moments.n_groups,
    )
    yield observed(material)
    yield say(
        "The report's printed numbers were held against each other in {compared} "
        "comparisons. Findings, each counted once: {impossible} where the "
        "numbers cannot be true together, {contradicted} where the text or the "
        "questionnaire says otherwise than the tables, {absent} where something "
        "is not reported, and {doubtful} where the numbers can be true only in "
        "ways that the report does not describe.",
        **replay_counts(material),
    )


def changed_line(material: Material) -> str:
    """Say how many conclusions on associations hang on the prior."""
    slopes = material.fan[material.fan["term"] != "icc"]
    by_slope = slopes.groupby(["outcome", "term"])["changes"].agg(lambda c: bool((c != "").any()))
    return say(
        "{changed} of {m} conclusions on associations (the sign, and whether the "
        "interval leaves out zero) change under at least one of the {v} "
        "combinations of priors.",
        changed=int(by_slope.sum()),
        m=len(by_slope),
        v=slopes["prior"].nunique(),
    )


def apart_line(found: Sequence[Association]) -> str:
    """Name the associations that stand out, each with its outcome; nothing where none does."""
    named = [
        f"{upper_first(term_name(each.term))} ({lower_first(short_name(each.outcome))})"
        for each in found if each.apart
    ]  # fmt: skip
    return say("By themselves stand out: {named}.", named="; ".join(named)) if named else ""


def left_in_line(material: Material) -> str:
    """Say how many workplaces models have; nothing of protected data, whose tables say what may."""
    if material.control.active:
        return ""
    mean, change = (result.moments.n_obs for result in material.nulls)
    return say(
        "Of {asked} workplaces {mean} are in models of mean absence, {change} in those of the "
        "change.", asked=count_asked(material), mean=mean, change=change,
    )  # fmt: skip


def observed(material: Material) -> str:
    """Say that numbers are associations; of the replica, that nothing was observed."""
    if material.source == "replica":
        return say(
            "The workplaces are invented after a study that observed: measures were not "
            "assigned there, and every number is an association, not an effect."
        )
    return say(
        "Workplaces were observed, not assigned to measures: every number is an "
        "association, not an effect."
    )


def icc_range(material: Material, outcome: str) -> str:
    """How far the ICC of the null model moves with the prior."""
    fan = material.fan
    chosen = fan[(fan["term"] == "icc") & (fan["outcome"] == outcome) & (fan["model"] == "null")]
    return say(
        "{outcome}: across {v} combinations of priors the mean (not the median) "
        "of the ICC goes from {low} to {high}.",
        outcome=outcome_name(outcome),
        v=len(chosen),
        low=fixed(chosen["mean"].min(), ICC_DECIMALS),
        high=fixed(chosen["mean"].max(), ICC_DECIMALS),
    )


def replay_counts(material: Material) -> dict[str, int]:
    """Totals of the replay."""
    counts = count_severities(f for outcome in material.outcomes for f in outcome.findings)
    return {
        "compared": sum(outcome.comparisons for outcome in material.outcomes),
        "impossible": counts["impossible"],
        "contradicted": counts["contradicted by the text"],
        "absent": counts["not reported"],
        "doubtful": counts["doubtful"],
    }


def tipping_line(material: Material) -> Iterator[str]:
    """Yield how many conclusions turn if those who are missing differ, where any could."""
    points = material.tipping
    decided = points[points["verdict_at_zero"] != "undecided"]
    if not len(decided):
        return
    deltas = material.effects["delta"]
    turned = decided.dropna(subset="verdict")
    first = ""
    if len(turned):
        nearest = turned.sort_values("verdict", key=abs).iloc[0]
        first = say(
            " The first to turn is “{term}” ({outcome}), at {delta}.",
            delta=fixed(float(nearest["verdict"]), 1),
            term=upper_first(term_name(str(nearest["term"]))),
            outcome=lower_first(outcome_name(f"absence_{nearest['quantity']}")),
        )
    yield say(
        "Workplaces without an outcome: {k} of {m} intervals that leave out zero "
        "would include it if their outcome were on average up to {most} "
        "percentage points from what is expected of their industry and "
        "answer.{first}",
        k=len(turned),
        m=len(decided),
        most=fixed(float(deltas.max()), 0),
        first=first,
    )


def gap(material: Material) -> str:
    """Who is missing, in one sentence."""
    if isinstance(material.data, AnalysisSample):
        if material.source == "replica":
            return say(
                "The tables show how many of the invented workplaces are left after each "
                "rule. Those who are missing are left out, as in the report."
            )
        return say(
            "The tables show who is left after each rule. Those who are missing are left "
            "out, as in the report."
        )
    mean, change = (result.moments.n_obs for result in material.nulls)
    return say(
        "{asked} workplaces answered. {mean} (with at least one quarter) are in "
        "the models of mean absence and {change} in those of the change; the "
        "others are not in the register or have too few quarters there. They are "
        "left out here, as in the report.",
        asked=count_asked(material),
        mean=mean,
        change=change,
    )
