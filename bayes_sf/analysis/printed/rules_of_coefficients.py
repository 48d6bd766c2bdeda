"""Rules on the figures of one coefficient: ratio, interval, p-value, stars, and words on them."""

import re
from collections.abc import Iterator

from bayes_sf.analysis.printed.comparison import At, Comparison, Needs, meet, quotient, shown, texts
from bayes_sf.catalogue import Listed, Message
from bayes_sf.inputs.printed.figure import Interval
from bayes_sf.inputs.printed.folder import PrintedRow, PublishedReport, ReportedModel
from bayes_sf.recovery.region import NORMAL_QUANTILE
from bayes_sf.recovery.reread.coefficients import printed_ratio

__all__ = [
    "interval_is_of_its_se", "p_is_of_its_ratio", "ratio_is_estimate_over_se",
    "significance_is_as_claimed", "stars_are_of_their_p",
]  # fmt: skip

#: Level of "significant" in words.
_SIGNIFICANT = 0.05


def _rows(report: PublishedReport) -> Iterator[tuple[ReportedModel, PrintedRow, str]]:
    """Coefficients with their place."""
    for model in report.models.values():
        for row in model.coefficients:
            table = (Message("table {}", row.text("table")),) if row.text("table") else ()
            yield model, row, Listed((*table, model.name, row.text("term")))


def ratio_is_estimate_over_se(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """7: t or z = estimate/se."""
    for _, row, place in _rows(report):
        ratio, estimate, se = printed_ratio(row), row.figure("estimate"), row.figure("se")
        if ratio is None:
            continue
        if estimate is None or se is None:
            yield Needs(place, Message("estimate and se"))
            continue
        s = at(se)
        implied = quotient(at(estimate), (max(s[0], 0.0), s[1]))
        yield Comparison(
            place, texts((("estimate", estimate), ("se", se), ("t", ratio))),
            Message("estimate/se is {}", shown(implied)), Message("t is not estimate/se"),
            meet(implied, at(ratio)),
        )  # fmt: skip


def least_df(model: ReportedModel, row: PrintedRow) -> float:
    """Fewest degrees of freedom that a program may have taken for a coefficient.

    Half of what equal groups have: Satterthwaite's may be fewer where groups are unequal.

    Parameters
    ----------
    model : ReportedModel
    row : PrintedRow
    """
    printed = row.figure("df")
    if printed is not None:
        return max(printed.interval[0], 0.5)
    if model.n_groups is None:
        return 1.0
    return max(1.0, 0.5 * (model.n_groups - 1 - len(model.predictors)))


def _factors(model: ReportedModel, row: PrintedRow) -> Interval | None:
    """Smallest and largest quantile of a printed interval; None of one that is no Wald interval."""
    from scipy.special import ndtri, stdtrit

    p = 0.5 + 0.5 * model.header.interval_level
    reference, _, given = model.header.interval_reference.partition(":")
    if reference in {"profile", "bootstrap", "credible"}:
        return None
    z = NORMAL_QUANTILE if p == 0.975 else float(ndtri(p))
    # programs have qnorm(0.975), tables of old 1.96, and rules of thumb 2
    if reference == "z":
        return min(z, round(z, 2)), max(z, round(z, 2))
    if given:
        q = float(stdtrit(float(given), p))
        return q, q
    return min(z, round(z, 2)), max(float(stdtrit(least_df(model, row), p)), round(z, 2))


def interval_is_of_its_se(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """8: interval = estimate -+ q se, q from the declared reference."""
    for model, row, place in _rows(report):
        low, high = row.figure("ci_low"), row.figure("ci_high")
        estimate, se, ratio = row.figure("estimate"), row.figure("se"), printed_ratio(row)
        if low is None or high is None:
            continue
        factors = _factors(model, row)
        if factors is None:
            continue
        if estimate is None:
            yield Needs(place, Message("the estimate"))
            continue
        (a, b), (c, d), e = at(low), at(high), at(estimate)
        declared = model.header.interval_reference != "unknown"
        middle = (a + c) / 2, (b + d) / 2
        symmetric = meet(middle, e)
        yield Comparison(
            place, texts((("estimate", estimate), ("from", low), ("to", high))),
            Message("the middle of the limits is {}", shown(middle)),
            Message("the interval is not symmetric about the estimate"), symmetric,
            "impossible" if declared else "doubtful",
        )  # fmt: skip
        s = at(se) if se else None
        if s is None and ratio is not None:
            s = quotient(e, at(ratio))
        if s is None or s[1] <= 0 or s[1] == float("inf"):
            yield Needs(place, Message("the se, or t"))
            continue
        half = max(0.0, (c - b) / 2), (d - a) / 2
        implied = quotient(half, (max(s[0], 1e-300), s[1]))
        holds = meet(implied, factors)
        yield Comparison(
            place, texts((("estimate", estimate), ("se", se), ("t", ratio), ("from", low),
                          ("to", high))),
            Message("half the width over the se is {}, {}", shown(implied),
                    _allowed(model, factors)),
            Message("the interval is not that of its standard error"), holds,
        )  # fmt: skip
        if symmetric and holds:
            sides = quotient((e[0] - b, e[1] - a), s), quotient((c - e[1], d - e[0]), s)
            yield Comparison(
                place, texts((("estimate", estimate), ("se", se), ("from", low), ("to", high))),
                Message("lower and upper side over the se are {} and {}", *map(shown, sides)),
                Message("one limit is not that of its standard error"),
                meet(sides[0], sides[1]) and all(meet(side, factors) for side in sides),
                "impossible" if declared else "doubtful",
            )  # fmt: skip


def _allowed(model: ReportedModel, factors: Interval) -> str:
    """Factors, and what they are of."""
    reference = model.header.interval_reference
    if reference == "unknown":
        return Message("{} where no reference is declared", shown(factors))
    return Message("{} by {} reference", shown(factors), reference)


def p_of(model: ReportedModel, row: PrintedRow, at: At) -> tuple[Interval, str] | None:
    """p-values that a coefficient's ratio allows, and what they are of.

    Parameters
    ----------
    model : ReportedModel
    row : PrintedRow
    at : callable
    """
    from scipy.special import ndtr, stdtr

    ratio, estimate, se = printed_ratio(row), row.figure("estimate"), row.figure("se")
    if ratio is not None:
        ends = at(ratio)
    elif estimate and se:
        s = at(se)
        ends = quotient(at(estimate), (max(s[0], 0.0), s[1]))
    else:
        return None
    size = [abs(end) for end in ends]
    small = 0.0 if ends[0] <= 0 <= ends[1] else min(size)
    large = max(size)
    df = row.figure("df")

    def tails(t: float, degrees: float) -> float:
        one = ndtr(-t) if degrees == float("inf") else stdtr(degrees, -t)
        return float(one) * model.header.tails

    if row.figure("z") is not None:
        degrees: tuple[float, ...] = (float("inf"),)
    elif df is not None:
        degrees = tuple(max(end, 0.5) for end in at(df))
    else:
        degrees = (least_df(model, row), float("inf"))
    values = [tails(t, d) for t in (small, large) for d in degrees]
    kind = Message("normal") if row.figure("z") else "t" if df else Message("t or normal")
    return (min(values), max(values)), kind


def p_is_of_its_ratio(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """9: p from t and its df, or from z; two-sided unless declared."""
    for model, row, place in _rows(report):
        p = row.figure("p")
        if p is None:
            continue
        found = p_of(model, row, at)
        if found is None:
            yield Needs(place, Message("t or z, or estimate and se"))
            continue
        implied, kind = found
        names = ("estimate", "se", "t", "z", "df", "p")
        yield Comparison(
            place, texts((name, row.figure(name)) for name in names),
            Message("{} gives {}", kind, shown(implied, 3)), Message("p is not that of its ratio"),
            meet(implied, at(p)),
        )  # fmt: skip


def stars_are_of_their_p(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """10: stars say how small p is."""
    levels = report.header.stars
    starred = {
        (row.text("table"), model.header.table)
        for model, row, _ in _rows(report)
        if row.text("stars")
    }
    for model, row, place in _rows(report):
        mark = row.text("stars")
        if (row.text("table"), model.header.table) not in starred:
            continue
        said = mark or Message("no star")
        if mark not in levels and (mark or not levels):
            yield Needs(place, Message("what {} stands for: [stars] in study.toml", said))
            continue
        p, found = row.figure("p"), p_of(model, row, at)
        if p is None and found is None:
            yield Needs(place, Message("p, or t or z"))
            continue
        own = at(p) if p is not None else found[0] if found else (0.0, 1.0)
        top = levels[mark] if mark else 1.0
        below = max((level for level in levels.values() if level < top), default=0.0)
        yield Comparison(
            place, texts([("p", p), *((name, row.figure(name)) for name in ("t", "z"))], said),
            Message("p is {}, {} says {}", shown(own, 3), said, shown((below, top))),
            Message("the stars are not those of the p-value"), meet(own, (below, top)),
        )  # fmt: skip


_CLAIM = re.compile(r"(not\s+)?significant\(\s*([^,]+?)\s*,\s*(.+?)\s*\)")


def significance_is_as_claimed(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """11: what the text calls significant has p < 0.05, what it does not has not."""
    rows = {(model.name, row.text("term")): (model, row) for model, row, _ in _rows(report)}
    for claim in report.claims:
        said = _CLAIM.fullmatch(claim.text("claim"))
        place = claim.text("where") or claim.place
        if said is None:
            yield Needs(place, Message(
                "a claim on significance: other claims are of counts by industry"
            ))  # fmt: skip
            continue
        negated, name, term = bool(said[1]), said[2], said[3]
        if (name, term) not in rows:
            yield Needs(place, Message("the coefficient {} of model {}", term, name))
            continue
        model, row = rows[name, term]
        p, found = row.figure("p"), p_of(model, row, at)
        own = at(p) if p is not None else found[0] if found else None
        if own is None:
            yield Needs(place, Message("p, or t or z"))
            continue
        yield Comparison(
            Listed((place, name, term)), texts([("p", p), ("t", printed_ratio(row))]),
            Message("p is {}", shown(own, 3)),
            Message("does not hold: {}", claim.text("words") or claim.text("claim")),
            own[1] >= _SIGNIFICANT if negated else own[0] < _SIGNIFICANT + 1e-12,
            "contradicted by the text",
        )  # fmt: skip
