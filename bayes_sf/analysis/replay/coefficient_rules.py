"""Rules on printed coefficients: one row, one model in two places, scales, numbers of rows.

Every rule takes `Tables` and yields one item per comparison, None where the numbers agree.
"""

import statistics
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from bayes_sf.analysis.replay.findings import Finding
from bayes_sf.analysis.replay.tables import CoefficientRow, Tables, name_table
from bayes_sf.catalogue import Listed, Message, Printed, mark
from bayes_sf.recovery.region import NORMAL_QUANTILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bayes_sf.recovery.region import Interval

__all__ = [
    "SCALE_FACTOR",
    "figures_of_a_row_agree",
    "model_printed_twice_agrees",
    "models_have_possible_sizes",
    "scales_agree",
]

#: How far a covariate's ratio of standard errors may be from that of the other covariates.
#: A factor of three in a standard error is a factor of nine in rows or in the covariate's variance.
SCALE_FACTOR = 3.0

_FIGURES: tuple[Literal["t", "ci_low", "ci_high"], ...] = ("t", "ci_low", "ci_high")
_NAMES = {"t": mark("t"), "ci_low": mark("lower limit"), "ci_high": mark("upper limit")}
#: What figures are called in computations: as their columns.
_COLUMNS = {
    name: name
    for name in (mark("estimate"), mark("se"), mark("t"), mark("ci_low"), mark("ci_high"))
}


def figures_of_a_row_agree(tables: Tables) -> "Iterator[Finding | None]":
    """Check t = estimate / se, interval = estimate -+ 1.96 se, and that one pair gives all."""
    for row in tables.coefficients:
        if not tables.regions[row].empty:
            yield from (None for _ in (*_FIGURES, "all together"))
            continue
        wrong = [name for name in _FIGURES if tables.region(row, name).empty]
        yield from (None for _ in range(len(_FIGURES) - len(wrong)))
        for name in wrong:
            low, high = _range_of(tables, row, name)
            yield Finding(
                "figures of a coefficient",
                row.place,
                "impossible",
                f"{row.estimate} (se {row.se}), {_NAMES[name]} {getattr(row, name)}",
                Message(
                    "estimate and se give {} to {}", Printed(f"{low:.4f}"), Printed(f"{high:.4f}")
                ),
                Message(
                    "the {} cannot come from the estimate and its standard error",
                    Message(_NAMES[name]),
                ),
            )
        if not wrong:
            yield Finding(
                "figures of a coefficient", row.place, "impossible",
                f"{row.estimate} (se {row.se}), t {row.t}, {row.ci_low} to {row.ci_high}",
                Message("each figure alone fits estimate and se, no pair (estimate, se) fits all"),
                Message("no estimate and standard error round to all five figures"),
            )  # fmt: skip


def model_printed_twice_agrees(tables: Tables) -> "Iterator[Finding | None]":
    """One model in two tables has the same figures, up to unit and rounding.

    Where the tables print different N, or one prints none, the fits may differ: `doubtful`.
    """
    places: dict[tuple[str, str, str], dict[str, list[CoefficientRow]]] = defaultdict(dict)
    for row in tables.coefficients:
        model = places[row.outcome, row.model, row.question]
        model.setdefault(row.table, []).append(row)
    for model in places.values():
        for first, second in combinations(model.values(), 2):
            if len(first) != len(second):
                continue
            place = Message("{} and {}", _in_order(first)[-1].place, name_table(second[0].table))
            for one, other in zip(_in_order(first), _in_order(second), strict=True):
                differing = [
                    name
                    for name in ("estimate", "se", *_FIGURES)
                    if not _overlap(_in_pp(tables, one, name), _in_pp(tables, other, name))
                ]
                yield from (None for _ in range(5 - len(differing)))
                if differing:
                    yield _printed_twice(one, other, differing, place)


def scales_agree(tables: Tables) -> "Iterator[Finding | None]":
    """Covariates of two tables are on one scale.

    Between two models, standard errors change by a common factor (other outcome, other rows); a
    covariate whose factor is `SCALE_FACTOR` times off the median factor was rescaled in between.
    """
    controls: dict[str, dict[str, CoefficientRow]] = defaultdict(dict)
    for row in tables.coefficients:
        if row.model == "controls" and not row.intercept:
            controls[row.table][row.term] = row
    for first, second in combinations(controls.values(), 2):
        shared = [term for term in first if term in second]
        if not shared:
            continue
        factors = {term: _se_ratio(tables, first[term], second[term]) for term in shared}
        common = statistics.median((low * high) ** 0.5 for low, high in factors.values())
        for term, (low, high) in factors.items():
            if high * SCALE_FACTOR >= common >= low / SCALE_FACTOR:
                yield None
                continue
            one, other = first[term], second[term]
            yield Finding(
                "scale of a covariate",
                Message("tables {} and {}, {}", one.table, other.table, term),
                "doubtful",
                f"se {one.se} {one.unit} and {other.se} {other.unit}",
                Message(
                    "se ratio {} to {}, median of all covariates {}",
                    *(Printed(f"{ratio:.2f}") for ratio in (low, high, common)),
                ),
                Message("the covariate is not on the same scale in the two tables"),
            )


def models_have_possible_sizes(tables: Tables) -> "Iterator[Finding | None]":
    """Numbers of models, and their smallest and largest N, fit the questions and their answers.

    Of `a` answers among all workplaces, a sample of n keeps at least a - (workplaces outside it)
    and at most min(a, n).
    """
    survey = tables.survey_sizes["total"]
    for table in dict.fromkeys(row.table for row in tables.coefficients):
        questions = list(
            dict.fromkeys(row.question for row in tables.coefficients if row.table == table)
        )
        for n in {row.n for row in tables.coefficients if row.table == table and row.n}:
            answers = min(_answered(tables, question) for question in questions)
            yield _expect(table, mark("N"), n, (1, answers))
        claimed = tables.scalars.get(f"n_models_table{table}")
        if claimed is not None:
            yield _expect(table, mark("models"), int(claimed), (len(questions), len(questions)))
        sizes = [tables.scalars.get(f"n_table{table}_{end}") for end in ("min", "max")]
        if None in sizes:
            continue
        smallest, largest = (int(size or 0) for size in sizes)
        answered = [_answered(tables, question) for question in questions]
        bounds = [(a - (survey - largest), min(a, largest)) for a in answered]
        lows, highs = zip(*bounds, strict=True)
        yield _expect(table, mark("smallest N"), smallest, (min(lows), min(highs)))
        yield _expect(table, mark("largest N"), largest, (max(lows), max(highs)))


def _in_order(rows: "Sequence[CoefficientRow]") -> "list[CoefficientRow]":
    return sorted(rows, key=lambda row: not row.intercept)


def _in_pp(tables: Tables, row: CoefficientRow, figure: str) -> "Interval":
    """Interval of a figure; in percentage points unless it is t."""
    low, high = tables.interval(row.table, getattr(row, figure))
    scale = 1.0 if figure == "t" else row.to_pp
    return scale * low, scale * high


def _overlap(one: "Interval", other: "Interval") -> bool:
    slack = 1e-9
    return one[0] <= other[1] + slack and other[0] <= one[1] + slack


def _range_of(tables: Tables, row: CoefficientRow, figure: str) -> "Interval":
    """Smallest and largest value of a figure over the box of estimate and standard error."""
    b = tables.interval(row.table, row.estimate)
    s = tables.interval(row.table, row.se)
    if figure == "t":
        ratios = [x / max(y, 1e-12) for x in b for y in s]
        return min(ratios), max(ratios)
    sign = -1 if figure == "ci_low" else 1
    limits = [x + sign * NORMAL_QUANTILE * y for x in b for y in s]
    return min(limits), max(limits)


def _se_ratio(tables: Tables, one: CoefficientRow, other: CoefficientRow) -> "Interval":
    """Interval of se(other) / se(one), both in percentage points."""
    low, high = tables.regions[one].se
    other_low, other_high = tables.regions[other].se
    scale = other.to_pp / one.to_pp
    return scale * other_low / high, scale * other_high / max(low, 1e-12)


def _answered(tables: Tables, question: str) -> int:
    """Workplaces with an answer: all for a yes/no option, those but "don't know" for a scale."""
    counts = [
        row.count or 0
        for row in tables.univariate
        if row.question == question and not row.answer.startswith("Vet ikke")
    ]
    return sum(counts) if counts else tables.survey_sizes["total"]


def _expect(table: str, what: str, got: int, allowed: "Interval") -> Finding | None:
    low, high = allowed
    if low <= got <= high:
        return None
    return Finding(
        "size of the models", Listed([name_table(table), Message(what)]), "impossible", str(got),
        Message("the answers allow {} to {}, not {}", low, high, got),
        Message("the {} does not fit the questions and their answers", Message(what)),
    )  # fmt: skip


def _printed_twice(
    one: CoefficientRow, other: CoefficientRow, differing: list[str], place: str
) -> Finding:
    figures = Listed(
        Message(
            "{} {} and {}", Message(_COLUMNS[name]),
            Printed(getattr(one, name)), Printed(getattr(other, name)),
        )
        for name in differing
    )  # fmt: skip
    sizes = [each.n or Message("not printed") for each in (one, other)]
    same = one.n is not None and one.n == other.n
    return Finding(
        "one model in two tables", place, "impossible" if same else "doubtful", figures,
        Listed([figures, Message("N {} and {}", *sizes)], "; "),
        Message("the two tables print different figures for one model"),
    )  # fmt: skip
