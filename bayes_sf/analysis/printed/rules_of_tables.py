"""Rules on counts, means of whole numbers, and figures that stand in two places."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from bayes_sf.analysis.printed.comparison import (
    At,
    Comparison,
    Needs,
    as_figure,
    meet,
    quotient,
    shown,
    square,
    texts,
)
from bayes_sf.catalogue import Listed, Message, Printed
from bayes_sf.inputs.printed.folder import PrintedRow, PublishedReport, ReportedModel

__all__ = [
    "counts_of_rows_agree", "covariates_keep_their_scale", "deviance_falls", "figures_are_in_range",
    "means_are_of_whole_numbers", "percents_are_of_counts",
]  # fmt: skip

#: As `coefficient_rules.SCALE_FACTOR`: a factor of three in a standard error is nine in rows.
_SCALE = 3.0


def counts_of_rows_agree(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """12: n, groups and sizes of one model, and of models that nest."""
    for model in report.models.values():
        own = {row.figures["n"].text for row in model.coefficients if "n" in row.figures}
        own |= {row.figures["n"].text for row in model.fit if "n" in row.figures}
        if own:
            values = {round(float(text.replace(" ", ""))) for text in own if text}
            known = {model.header.n} if model.header.n is not None else set()
            yield Comparison(
                model.name, Listed(Listed(("n", Printed(text)), " ") for text in sorted(own)),
                Message("{} values", len(values | known)), Message("one model has several n"),
                len(values | known) == 1,
            )  # fmt: skip
        if model.n is not None and model.n_groups is not None:
            yield from _sizes(model, at)
    for small, large in _nested(report):
        if small.n is not None and large.n is not None:
            yield Comparison(
                Message("{} and {}", small.name, large.name),
                Message("n {} and {}", small.n, large.n),
                Message("a model with more terms has no more rows"),
                Message("the larger model has more rows"), large.n <= small.n, "doubtful",
            )  # fmt: skip
    totals: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for row in report.counts:
        if "count" in row.figures:
            key = row.text("table"), row.text("question"), row.text("category")
            totals[key][row.text("group")] = round(row.figures["count"].value)
    for key, by_group in totals.items():
        if "" in by_group and len(by_group) > 1:
            whole = sum(count for group, count in by_group.items() if group)
            yield Comparison(
                Listed(filter(None, key)), Message("{} in all", by_group[""]),
                Message("groups add up to {}", whole),
                Message("groups do not add up to the total"), whole == by_group[""],
            )  # fmt: skip


def _sizes(model: ReportedModel, at: At) -> Iterator[Comparison]:
    """Mean, smallest and largest size against n and groups."""
    assert model.n is not None and model.n_groups is not None, "both are known"  # noqa: PT018
    n, groups = model.n, model.n_groups
    mean, least, most = (model.printed(f"{what}_size") for what in ("mean", "min", "max"))
    if mean is not None:
        yield Comparison(
            model.name,
            Message("n {}, {} groups, mean size {}", n, groups, Printed(mean.text)),
            Message("n/groups is {}", Printed(f"{n / groups:.5g}")),
            Message("the mean size is not n/groups"),
            meet((n / groups, n / groups), at(mean)),
        )  # fmt: skip
    if least is not None or most is not None:
        low, high = (least.value if least else 1.0), (most.value if most else float(n))
        lowest = low * (groups - 1) + (high if most else low)
        highest = high * (groups - 1) + (low if least else high)
        yield Comparison(
            model.name,
            texts((("smallest", least), ("largest", most)), Message("n {}, {} groups", n, groups)),
            Message("such sizes add up to {}", shown((lowest, highest), 8)),
            Message("no such sizes add up to n"),
            lowest <= n <= highest,
        )  # fmt: skip


def percents_are_of_counts(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """13: percent = count/total."""
    blocks: dict[tuple[str, str, str], list[PrintedRow]] = defaultdict(list)
    for row in report.counts:
        blocks[row.text("table"), row.text("question"), row.text("group")].append(row)
    for rows in blocks.values():
        if any("count" not in row.figures for row in rows):
            for row in rows:
                if "percent" in row.figures:
                    yield Needs(row.place, Message("the counts of all answers"))
            continue
        total = sum(row.figures["count"].value for row in rows)
        for row in rows:
            percent = row.figure("percent")
            if percent is None or not total:
                continue
            own = 100 * row.figures["count"].value / total
            yield Comparison(
                row.place, texts((("count", row.figures["count"]), ("percent", percent))),
                Message(
                    "{} of {} is {} %", row.figures["count"].text, f"{total:g}",
                    Printed(f"{own:.4g}"),
                ),
                Message("the percentage is not that of its count"), meet((own, own), at(percent)),
            )  # fmt: skip


def means_are_of_whole_numbers(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """14: GRIM, GRIMMER and DEBIT, where rounding leaves them power."""
    for row in report.descriptives:
        if row.text("integer") != "yes":
            continue
        n, mean, sd = row.figure("n"), row.figure("mean"), row.figure("sd")
        if n is None or mean is None:
            yield Needs(row.place, Message("n and the mean"))
            continue
        items = round(row.figures["items"].value) if "items" in row.figures else 1
        whole = round(n.value) * items
        low, high = at(mean)
        if whole * (high - low) >= 1:
            yield Needs(row.place, Message(
                "more decimals of the mean: n {} leaves none impossible", n.text
            ))  # fmt: skip
            continue
        sums = range(math.ceil(low * whole - 1e-9), math.floor(high * whole + 1e-9) + 1)
        yield Comparison(
            row.place, texts((("n", n), ("mean", mean))),
            Message("sums {} hold no whole number", shown((low * whole, high * whole))),
            Message("no whole numbers have this mean (GRIM)"), len(sums) > 0,
        )  # fmt: skip
        if sd is not None and items == 1 and sums:
            yield from _sd_of_whole(row, at, round(n.value), sums)


def _sd_of_whole(row: PrintedRow, at: At, n: int, sums: range) -> Iterator[Comparison | Needs]:
    """GRIMMER, and DEBIT for answers of 0 and 1."""
    sd = row.figures["sd"]
    variance = square(at(sd))
    least, most = row.figure("min"), row.figure("max")
    if n < 2:
        return
    binary = least is not None and most is not None and (least.value, most.value) == (0, 1)
    if binary:
        own = [n / (n - 1) * (s / n) * (1 - s / n) for s in sums]
        yield Comparison(
            row.place, texts((("n", row.figure("n")), ("mean", row.figure("mean")), ("sd", sd))),
            Message(
                "0 and 1 with this mean have sd {}",
                Listed(Printed(f"{max(v, 0) ** 0.5:.4g}") for v in own),
            ),
            Message("no answers of 0 and 1 have this mean and sd (DEBIT)"),
            any(meet((v, v), variance) for v in own),
        )  # fmt: skip
        return
    if (n - 1) * (variance[1] - variance[0]) >= 2:
        yield Needs(row.place, Message("more decimals of the sd: n {} leaves none impossible", n))
        return
    possible = False
    for total in sums:
        low, high = ((n - 1) * v + total**2 / n for v in variance)
        squares = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
        # squares of whole numbers are odd where these are: both sums are
        possible |= any(s % 2 == total % 2 for s in squares)
    yield Comparison(
        row.place, texts((("n", row.figure("n")), ("mean", row.figure("mean")), ("sd", sd))),
        Message("no sum of squares of whole numbers gives it"),
        Message("no whole numbers have this mean and sd (GRIMMER)"), possible,
    )  # fmt: skip


def _nested(report: PublishedReport) -> Iterator[tuple[ReportedModel, ReportedModel]]:
    """Pairs of models of one outcome and table of which one has all terms of the other and more."""
    for one, other in combinations(report.models.values(), 2):
        same = (one.header.outcome, one.header.table) == (other.header.outcome, other.header.table)
        if not same or not one.coefficients or not other.coefficients:
            continue
        if set(one.predictors) < set(other.predictors):
            yield one, other
        elif set(other.predictors) < set(one.predictors):
            yield other, one


def deviance_falls(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """15: likelihood of nested models, one model printed twice, estimators that are mixed."""
    for small, large in _nested(report):
        place = Message("{} and {}", small.name, large.name)
        kinds = {small.header.estimator, large.header.estimator}
        fits = [_deviance(model, at) for model in (small, large)]
        if None in fits:
            continue
        if kinds == {"REML", "ML"}:
            yield Comparison(
                place, Message("{} and {}", "REML", "ML"), Message("likelihoods of two kinds"),
                Message("models of one table are fitted in two ways"), holds=False,
                severity="doubtful",
            )  # fmt: skip
            continue
        if (
            kinds != {"ML"}
            or small.n is None
            or small.n != large.n
            or _random(small) != _random(large)
        ):
            yield Needs(place, Message("maximum likelihood, one n and one random part"))
            continue
        (first, first_text), (second, second_text) = (one for one in fits if one is not None)
        yield Comparison(
            place, Message("{} and {}", first_text, second_text),
            Message("deviance {}, then {}", shown(first, 8), shown(second, 8)),
            Message("the larger model fits worse on the same rows"), second[0] <= first[1] + 1e-9,
        )  # fmt: skip
    for model in report.models.values():
        yield from _twice(model, at)


def _random(model: ReportedModel) -> tuple[str, ...]:
    return tuple(sorted(f"{row.text('group')} {row.text('term')}" for row in model.components))


def _deviance(model: ReportedModel, at: At) -> tuple[tuple[float, float], str] | None:
    if deviance := model.printed("deviance"):
        return at(deviance), as_figure("deviance", deviance)
    if loglik := model.printed("loglik"):
        low, high = at(loglik)
        return (-2 * high, -2 * low), as_figure("log-likelihood", loglik)
    return None


def _ways_of(one: PrintedRow, other: PrintedRow) -> set[str]:
    """Figures of two rows that programs get in their own ways: df, and what goes by it."""
    dfs = [row.figure("df") for row in (one, other)]
    kinds = {("t" in row.figures, "z" in row.figures) for row in (one, other)}
    alike = None in dfs or len({df.value for df in dfs if df}) == 1
    by_df = set() if alike and len(kinds) == 1 else {"p", "ci_low", "ci_high"}
    return {"df"} | by_df


def _twice(model: ReportedModel, at: At) -> Iterator[Comparison]:
    """Figures of one model that two tables print."""
    places: dict[tuple[str, str], list[PrintedRow]] = defaultdict(list)
    for row in (*model.coefficients, *model.components, *model.fit):
        places[row.file, f"{row.text('group')} {row.text('term')}"].append(row)
    for (_, term), rows in places.items():
        for one, other in combinations(rows, 2):
            for name in sorted(one.figures.keys() & other.figures.keys() - _ways_of(one, other)):
                first, second = one.figures[name], other.figures[name]
                place = Listed(filter(None, (model.name, term.strip())))
                yield Comparison(
                    Message("{}: tables {} and {}", place,
                            one.text("table"), other.text("table")),
                    Message("{} and {}", as_figure(name, first), Printed(second.text)),
                    Message("{} and {}", shown(at(first)), shown(at(second))),
                    Message("two tables print different figures of one model"),
                    meet(at(first), at(second)),
                )  # fmt: skip


def figures_are_in_range(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """16: intervals hold their estimates, means lie between extremes, sds are possible."""
    for model in report.models.values():
        for row in model.coefficients:
            estimate, low, high = (row.figure(name) for name in ("estimate", "ci_low", "ci_high"))
            if estimate and low and high:
                own = at(estimate)
                yield Comparison(
                    Listed((model.name, row.text("term"))),
                    texts((("estimate", estimate), ("from", low), ("to", high))),
                    Message("the estimate lies outside"),
                    Message("the interval does not hold its estimate"),
                    own[1] >= at(low)[0] and own[0] <= at(high)[1],
                )  # fmt: skip
    for row in report.descriptives:
        mean, sd, least, most = (row.figure(name) for name in ("mean", "sd", "min", "max"))
        if least is None or most is None:
            continue
        (a, _), (_, d) = at(least), at(most)
        if mean is not None:
            yield Comparison(
                row.place, texts((("mean", mean), ("smallest", least), ("largest", most))),
                Message("the mean lies outside"),
                Message("the mean is not between smallest and largest"),
                at(mean)[1] >= a and at(mean)[0] <= d,
            )  # fmt: skip
        if sd is not None and d >= a:
            n = row.figures["n"].value if "n" in row.figures else 2.0
            top = (d - a) / 2 * math.sqrt(n / (n - 1)) if n > 1 else d - a
            yield Comparison(
                row.place, texts((("sd", sd), ("smallest", least), ("largest", most))),
                Message("the sd can be {} at most", Printed(f"{top:.4g}")),
                Message("the sd is larger than the range allows"),
                at(sd)[0] <= top + 1e-9,
            )  # fmt: skip


def covariates_keep_their_scale(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """17: one covariate has one scale in two models, judged by the others' standard errors."""
    models = [model for model in report.models.values() if model.coefficients]
    for one, other in combinations(models, 2):
        if report.source_of(one.name) != report.source_of(other.name):
            continue  # a name of two reports is two covariates
        own = {row.text("term"): row for row in one.coefficients if not row.intercept}
        theirs = {row.text("term"): row for row in other.coefficients if not row.intercept}
        shared = [t for t in own if t in theirs and "se" in own[t].figures
                  and "se" in theirs[t].figures]  # fmt: skip
        if len(shared) < 3:
            continue
        ratios = {}
        for term in shared:
            first, second = at(own[term].figures["se"]), at(theirs[term].figures["se"])
            ratios[term] = quotient(second, (max(first[0], 1e-300), first[1]))
        common = statistics.median(math.sqrt(max(a, 1e-12) * b) for a, b in ratios.values())
        for term, (low, high) in ratios.items():
            yield Comparison(
                Listed((Message("{} and {}", one.name, other.name), term)),
                Message(
                    "{} and {}", as_figure("se", own[term].figures["se"]),
                    Printed(theirs[term].figures["se"].text),
                ),
                Message("their ratio is {}, the others' median {}", shown((low, high), 3),
                        Printed(f"{common:.3g}")),
                Message("the covariate is not on the same scale in the two models"),
                high * _SCALE >= common >= low / _SCALE, "doubtful",
            )  # fmt: skip
