"""The first screen: one sentence for each question, computed, and what it does not say."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from bayes_sf.analysis.comparison import IccRow
from bayes_sf.analysis.size.associations import Association, by_chance
from bayes_sf.catalogue import say
from bayes_sf.output.figures.associations import Drawn
from bayes_sf.output.figures.page import lower_first
from bayes_sf.output.numbers import fixed, interval, level, with_percent
from bayes_sf.output.report.material import Material
from bayes_sf.output.words.words import short_name

__all__ = ["answers", "left_line", "share_line", "slope_answers", "whole_percent", "whole_span"]

#: A share below it is no whole percent.
_LEAST: Final = 0.005
#: Rate of false discoveries that Benjamini and Hochberg's rule is asked for.
_RATE: Final = 0.05
#: Slopes that are named; so many that it is worth saying how many chance would give.
_NAMED, _MANY = 3, 10


def answers(material: Material, found: Sequence[Association]) -> Iterator[tuple[str, str]]:
    """Yield what a sentence is about, and the sentence.

    Parameters
    ----------
    material : Material
    found : sequence of Association
        Of all outcomes.
    """
    first, *others = (row for row in material.found.icc if row.case == "all")
    listed = ", ".join([_share(first), *map(_further_share, others)])
    yield say("Industries"), f"{listed}."
    yield say("Measures"), _measures(found, material.nulls[0].prob)
    if material.source == "replica":
        yield say("Not said"), say("anything of real workplaces: these are invented.")
    else:
        yield say("Not said"), say("what a measure does: workplaces were observed, not assigned.")


def slope_answers(slopes: Sequence[Drawn], prob: float) -> Iterator[tuple[str, str]]:
    """Yield which slopes of models of one's own stand out, and what that does not say.

    Parameters
    ----------
    slopes : sequence of Drawn
    prob : float
        Of their intervals.
    """
    apart = [each.label for each in slopes if each.apart]
    if slopes:
        said = say("{k} of {m} slopes stand out", k=len(apart), m=len(slopes))
        if len(slopes) >= _MANY:
            chance = f"{(1 - prob) * len(slopes):.0f}"
            said = say("{}; chance alone would give about {}", said, chance)
        end = "." if len(apart) <= _NAMED else ", …"
        yield say("Predictors"), said + (f": {', '.join(apart[:_NAMED])}{end}" if apart else ".")
    yield say("Not said"), say("whether a predictor is a cause: that rests on how data came about.")


def _share(row: IccRow) -> str:
    """How much lies between industries."""
    return share_line(row.median, row.lower, row.upper, row.prob, row.outcome)


def share_line(share: float, lower: float, upper: float, prob: float, outcome: str) -> str:
    """Say how much of an outcome's differences lies between groups.

    Parameters
    ----------
    share, lower, upper, prob : float
        With its interval, where it has one.
    outcome : str
    """
    name = lower_first(short_name(outcome))
    if np.isnan(lower):
        return say(
            "{median} of the differences in {outcome} lies between them",
            median=whole_percent(share), outcome=name,
        )  # fmt: skip
    return say(
        "{median} of the differences in {outcome} lies between them ({level} interval {span})",
        median=whole_percent(share), outcome=name,
        level=level(prob), span=whole_span(lower, upper),
    )  # fmt: skip


def _further_share(row: IccRow) -> str:
    """The same of a further outcome."""
    return say(
        "and {median} of those in {outcome} ({span})",
        median=whole_percent(row.median), outcome=lower_first(short_name(row.outcome)),
        span=whole_span(row.lower, row.upper),
    )  # fmt: skip


def whole_percent(share: float) -> str:
    """Write a share in whole percents, and what is below one of them as that.

    Examples
    --------
    >>> whole_percent(0.349), whole_percent(0.004)
    ('35 %', 'less than 1 %')
    """
    if 0 < share < _LEAST:
        return say("less than {least}", least=with_percent("1"))
    return with_percent(f"{100 * share:.0f}")


def whole_span(lower: float, upper: float) -> str:
    """Write limits of a share in whole percents.

    Examples
    --------
    >>> whole_span(0.146, 0.713), whole_span(1e-5, 0.099)
    ('15 to 71 %', '0 to 10 %')
    """
    return with_percent(interval(float(round(100 * lower)), float(round(100 * upper)), 0))


def _measures(found: Sequence[Association], prob: float) -> str:
    """How many stand out, how many would by chance, and how many are left."""
    apart, left = sum(each.apart for each in found), sum(each.left for each in found)
    said = say(
        "{k} of {m} associations stand out; chance alone would give about {chance}",
        k=apart, m=len(found), chance=f"{by_chance(found, prob):.0f}",
    )  # fmt: skip
    if not apart:
        return f"{said}."
    end = (
        say("taking their number into account leaves {left}.", left=left)
        if left
        else say("taking their number into account leaves none.")
    )
    return f"{said}; {end}"


def left_line(material: Material, found: Sequence[Association]) -> str:
    """Say what is left of the associations, by every rule that takes their number into account.

    Parameters
    ----------
    material : Material
    found : sequence of Association
        Of all outcomes.
    """
    import pandas as pd

    many = material.small["multiplicity"]
    once = many.drop_duplicates(["outcome", "term"])
    kept = int((pd.to_numeric(once["bh"], errors="coerce") < _RATE).sum())
    low, high = (pd.to_numeric(many[end], errors="coerce") for end in ("lower", "upper"))
    apart = many.assign(left=((low > 0) | (high < 0)).to_numpy())
    pooled = apart.groupby(apart["correlation"].fillna(0.0))["left"].sum()
    said = say(
        "Their number taken into account: of intervals so wide that all {m} hold together {left} "
        "leave out zero (Bonferroni), Benjamini and Hochberg's rule at {rate} keeps {kept}, and "
        "partially pooled {pooled} leave out zero.",
        m=len(found), left=sum(each.left for each in found), rate=level(_RATE), kept=kept,
        pooled=int(pooled.iloc[0]),
    )  # fmt: skip
    if len(pooled) == 1:
        return said
    swept = say(
        "The last number rests on errors that do not go together, which the report does not say: "
        "it is {most} at most if all are correlated by up to {rho}.",
        most=int(np.max(pooled)), rho=fixed(float(pooled.index.max()), 1),
    )  # fmt: skip
    return f"{said} {swept}"
