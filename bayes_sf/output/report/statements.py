"""Statements of the report's first page: each is a sentence and the numbers that it is about."""

from collections.abc import Iterator, Sequence
from typing import Final

from bayes_sf.analysis.comparison import IccRow
from bayes_sf.analysis.pooling import GroupRow, Pooling
from bayes_sf.analysis.ranking import end_probabilities
from bayes_sf.analysis.replay.findings import count_severities
from bayes_sf.disclosure.protected_models import shown_levels
from bayes_sf.inputs.published import published_table
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.inputs.variables import Language
from bayes_sf.output.figures.page import lower_first, upper_first
from bayes_sf.output.numbers import (
    ICC_DECIMALS,
    fixed,
    interval,
    level,
    percent,
    probability,
    with_percent,
)
from bayes_sf.output.report.material import AMOUNTS, Association, Material
from bayes_sf.output.report.sentences import say
from bayes_sf.output.words.words import industry_name, outcome_name, term_name

__all__ = [
    "association_line", "count_asked", "data_say", "gap", "how_sure", "icc_range", "observed",
    "question", "replay_counts", "tipping_line",
]  # fmt: skip

#: Decimals of the probability of a rank, which draws give.
_ENDS: Final = 2


def question(material: Material) -> str:
    """What was asked; of the replica, that nobody was."""
    items = {result.spec.name for result in material.bivariate}
    groups = material.nulls[0].moments.n_groups
    n = count_asked(material)
    key = "question replica" if material.source == "replica" else "question"
    return say(key, material.lang, n=n, groups=groups, items=len(items))


def count_asked(material: Material) -> int:
    """Workplaces that answered the survey."""
    if isinstance(material.data, AnalysisSample):
        return int(material.data.flow(outcome="absence_mean")["all"].iloc[0])
    samples = published_table("samples")
    total = samples[(samples["table"].astype(str) == "1") & (samples["industry"] == "total")]
    return int(total["count"].iloc[0])


def data_say(material: Material, found: Sequence[Association]) -> Iterator[tuple[str, list[str]]]:
    """Yield what the data say, and what is listed below it."""
    lang = material.lang
    for row in material.found.icc:
        if row.case == "all":
            yield _share(row, lang), []
    if len(shown_levels(material.poolings[0])) > 1:
        yield _levels(material.poolings[0], lang, material.seed), []
    prob = material.nulls[0].prob
    for result in material.nulls:
        outcome = result.spec.outcome
        ours = [each for each in found if each.outcome == outcome]
        apart = [each for each in ours if each.apart]
        said = say(
            "apart", lang, outcome=outcome_name(outcome, lang), k=len(apart), m=len(ours),
            level=level(prob, lang), expected=fixed((1 - prob) * len(ours), 1, lang),
        )  # fmt: skip
        yield said, [association_line(each, lang) for each in apart]


def _share(row: IccRow, lang: Language) -> str:
    """How much lies between industries."""
    printed = say("share zero", lang)
    if row.published:
        value = with_percent(percent(row.published, ICC_DECIMALS - 2, lang), lang)
        printed = say("share printed", lang, value=value)
    limits = interval(100 * row.lower, 100 * row.upper, ICC_DECIMALS - 2, lang)
    return say(
        "share", lang, outcome=outcome_name(row.outcome, lang),
        median=with_percent(percent(row.median, ICC_DECIMALS - 2, lang), lang),
        level=level(row.prob, lang), interval=with_percent(limits, lang), n=row.n,
        published=printed,
    )  # fmt: skip


def _levels(pooling: Pooling, lang: Language, seed: int) -> str:
    """The industries at the ends, and how probable it is that they are there."""
    rows = sorted(shown_levels(pooling), key=lambda row: row.mean)

    def shown(row: GroupRow) -> str:
        return f"{fixed(row.mean, 1, lang)}; {interval(row.lower, row.upper, 1, lang)}"

    low, high = rows[0], rows[-1]
    ends = end_probabilities(pooling.exact, [row.group for row in rows], seed=seed)
    return say(
        "levels", lang, outcome=outcome_name(pooling.spec.outcome, lang),
        low=industry_name(low.group, lang), low_value=shown(low),
        high=industry_name(high.group, lang), high_value=shown(high),
        level=level(low.prob, lang),
        lowest=probability(ends[low.group][0], _ENDS, lang),
        highest=probability(ends[high.group][1], _ENDS, lang),
    )  # fmt: skip


def association_line(each: Association, lang: Language) -> str:
    """One association in words."""
    return say(
        "one apart", lang, label=upper_first(term_name(each.term.partition("[")[0], lang)),
        contrast=each.contrast.label, mean=fixed(each.mean, 2, lang),
        interval=interval(each.lower, each.upper, 2, lang, more=1),
    )  # fmt: skip


def how_sure(material: Material, found: Sequence[Association]) -> Iterator[str]:
    """Yield how sure one can be of it."""
    lang, prob = material.lang, material.nulls[0].prob
    place = AMOUNTS.index(1.0)
    large = sum(each.at_least[place] > prob for each in found)
    small = sum(each.at_least[place] < 1 - prob for each in found)
    yield say(
        "size", lang, large=large, small=small, m=len(found), rest=len(found) - large - small,
        level=level(prob, lang), amount=fixed(AMOUNTS[place], 0, lang),
    )  # fmt: skip
    yield icc_range(material, "absence_mean")
    slopes = material.fan[material.fan["term"] != "icc"]
    by_slope = slopes.groupby(["outcome", "term"])["changes"].agg(lambda c: bool((c != "").any()))
    priors = slopes["prior"].nunique()
    yield say("prior slopes", lang, changed=int(by_slope.sum()), m=len(by_slope), v=priors)
    yield from tipping_line(material)
    yield say("few", lang, groups=material.nulls[0].moments.n_groups)
    yield observed(material)
    yield say("replayed", lang, **replay_counts(material))


def observed(material: Material) -> str:
    """Say that numbers are associations; of the replica, that nothing was observed."""
    return say("observed replica" if material.source == "replica" else "observed", material.lang)


def icc_range(material: Material, outcome: str) -> str:
    """How far the ICC of the null model moves with the prior."""
    lang, fan = material.lang, material.fan
    chosen = fan[(fan["term"] == "icc") & (fan["outcome"] == outcome) & (fan["model"] == "null")]
    return say(
        "prior icc", lang, outcome=outcome_name(outcome, lang), v=len(chosen),
        low=fixed(chosen["mean"].min(), ICC_DECIMALS, lang),
        high=fixed(chosen["mean"].max(), ICC_DECIMALS, lang),
    )  # fmt: skip


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
    lang, points = material.lang, material.tipping
    decided = points[points["verdict_at_zero"] != "undecided"]
    if not len(decided):
        return
    deltas = material.effects["delta"]
    turned = decided.dropna(subset="verdict")
    first = ""
    if len(turned):
        nearest = turned.sort_values("verdict", key=abs).iloc[0]
        first = say(
            "tipping first", lang, delta=fixed(float(nearest["verdict"]), 1, lang),
            term=upper_first(term_name(str(nearest["term"]), lang)),
            outcome=lower_first(outcome_name(f"absence_{nearest['quantity']}", lang)),
        )  # fmt: skip
    yield say(
        "tipping", lang, k=len(turned), m=len(decided),
        most=fixed(float(deltas.max()), 0, lang), first=first,
    )  # fmt: skip


def gap(material: Material) -> str:
    """Who is missing, in one sentence."""
    if isinstance(material.data, AnalysisSample):
        return say("replica gap" if material.source == "replica" else "sample gap", material.lang)
    mean, change = (result.moments.n_obs for result in material.nulls)
    return say(
        "published gap", material.lang, asked=count_asked(material), mean=mean, change=change
    )  # fmt: skip
