"""Sentences of a report as comparisons of printed numbers, checked with interval arithmetic.

`data/published/claims.csv` puts what the text says in a small language of Python's own syntax:

- a name is a published scalar: counts (`n_...`) are exact, anything else is all that rounds to it;
- `share(table, "answer|answer")` is their percentage among the industry's workplaces, `count(...)`
  their number, `top(...)` and `bottom(...)` the largest and smallest share of any industry;
- `size(table)` is the total of a sample table, `slope(table, term)` a coefficient in percentage
  points;
- `rounded(7)` is all that rounds to 7, `about(25)` is within `ABOUT` of it;
- `+ - * /` and `< <= == >= >` (chained as in Python) on intervals.

A claim with industries is checked in each of them. It fails only if no numbers within the intervals
make it true: interval arithmetic can miss a contradiction, it cannot invent one.

Examples
--------
>>> from bayes_sf.analysis.replay.tables import Tables
>>> str(ClaimCheck(Tables.read()).value("size('8') / size('9')"))
'1.362'
"""

import ast
import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bayes_sf.analysis.replay.findings import Finding, industry_in, place_of
from bayes_sf.analysis.replay.tables import CountRow, Tables
from bayes_sf.catalogue import Listed, Message, OfStudy, Printed
from bayes_sf.errors import DataError
from bayes_sf.inputs.published import rounding_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ABOUT", "ClaimCheck", "Range", "claims_hold"]

#: Percentage points that "about a quarter" may be off.
ABOUT = 7.5

_SLACK = 1e-9


@dataclass(frozen=True)
class Range:
    """A number known to lie between two ends."""

    low: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        """Sum of any two numbers of the ranges."""
        return Range(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Range") -> "Range":
        """Difference of any two numbers of the ranges."""
        return Range(self.low - other.high, self.high - other.low)

    def __neg__(self) -> "Range":
        """Negative of any number of the range."""
        return Range(-self.high, -self.low)

    def __mul__(self, other: "Range") -> "Range":
        """Product of any two numbers of the ranges."""
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Range(min(ends), max(ends))

    def __truediv__(self, other: "Range") -> "Range":
        """Quotient of any two numbers of the ranges; the divisor's has no zero."""
        return self * Range(1 / other.high, 1 / other.low)

    def __str__(self) -> str:
        """One number, or both ends."""
        low, high = f"{self.low:.4g}", f"{self.high:.4g}"
        return low if low == high else f"{low} to {high}"


_ARITHMETIC: "dict[type[ast.operator], Callable[[Range, Range], Range]]" = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

_FUNCTIONS = frozenset({"share", "count", "top", "bottom", "size", "slope", "rounded", "about"})

# Whether some number of the first range and some number of the second stand in the relation.
_POSSIBLE: "dict[type[ast.cmpop], Callable[[Range, Range], bool]]" = {
    ast.Lt: lambda a, b: a.low < b.high - _SLACK,
    ast.LtE: lambda a, b: a.low <= b.high + _SLACK,
    ast.Gt: lambda a, b: a.high > b.low + _SLACK,
    ast.GtE: lambda a, b: a.high >= b.low - _SLACK,
    ast.Eq: lambda a, b: a.low <= b.high + _SLACK and b.low <= a.high + _SLACK,
}


def claims_hold(tables: Tables) -> "Iterator[Finding | None]":
    """Every claim of the text can be true of the printed numbers, in every industry it is about."""
    for claim in tables.claims:
        for industry in claim.industries or ("",):
            check = ClaimCheck(tables, industry)
            if check.holds(claim.claim):
                yield None
                continue
            yield Finding(
                claim.rule,
                Listed([place_of(claim.where), *([industry_in(industry)] if industry else [])]),
                claim.severity, Listed(check.read.values(), "; "),
                Listed([_side(side, value) for side, value in check.sides.items()], "; "),
                Message("does not hold: {}", OfStudy(claim.words, claim.words_nb)),
            )  # fmt: skip


def _side(side: str, value: "Range") -> str:
    """One side of a claim, which is code, and its range."""
    low, _, high = str(value).partition(" to ")
    said = Message("{} to {}", Printed(low), Printed(high)) if high else Printed(low)
    return Listed([side, said], " = ")


@dataclass
class ClaimCheck:
    """Evaluates claims on one report, in one industry; remembers what it read.

    Parameters
    ----------
    tables : Tables
    industry : str
        Industry that `share` and `count` are about; empty for all workplaces.
    """

    tables: Tables
    industry: str = ""
    read: dict[str, str] = field(default_factory=dict)
    sides: dict[str, Range] = field(default_factory=dict)

    def holds(self, claim: str) -> bool:
        """Whether a comparison can be true.

        Raises
        ------
        DataError
            If the claim is not in the language, or names what the tables do not have.
        """
        tree = _parse(claim)
        if not isinstance(tree, ast.Compare) or not {type(op) for op in tree.ops} <= set(_POSSIBLE):
            raise DataError(f"claim {claim!r}", "must be a comparison by < <= == >= >")
        nodes = [tree.left, *tree.comparators]
        values = [self._evaluate(node) for node in nodes]
        self.sides = {
            ast.unparse(node): value
            for node, value in zip(nodes, values, strict=True)
            if not isinstance(node, ast.Constant)
        }
        return all(
            _POSSIBLE[type(relation)](a, b)
            for relation, a, b in zip(tree.ops, values, values[1:], strict=False)
        )

    def value(self, expression: str) -> Range:
        """Range of an expression."""
        return self._evaluate(_parse(expression))

    def _evaluate(self, node: ast.expr) -> Range:
        match node:
            case ast.Constant(value=int() | float() as number):
                return Range(number, number)
            case ast.Name(id=name):
                return self._scalar(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._evaluate(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _ARITHMETIC[type(op)](self._evaluate(left), self._evaluate(right))
            case ast.Call(func=ast.Name(id=name), args=args) if name in _FUNCTIONS:
                value: Range = getattr(self, name)(*map(ast.literal_eval, args))
                return value
        raise DataError(f"claim {ast.unparse(node)!r}", "is not in the language of claims")

    def _scalar(self, name: str) -> Range:
        if name not in self.tables.scalars:
            raise DataError(f"claim about {name}", "must name a published scalar")
        printed = self.tables.scalars[name]
        self.read[name] = f"{name} {printed}"
        if name.startswith("n_"):
            return Range(float(printed), float(printed))
        return Range(*rounding_interval(printed))

    @staticmethod
    def rounded(value: float) -> Range:
        """Everything that rounds to a number given in words."""
        return Range(*rounding_interval(str(value)))

    @staticmethod
    def about(value: float) -> Range:
        """Everything that "about" may stand for."""
        return Range(value - ABOUT, value + ABOUT)

    def count(self, table: str, answers: str) -> Range:
        """Workplaces of the industry that gave one of the answers."""
        printed = (
            f"{row.percent} %" if row.count is None else str(row.count)
            for row in self._rows(table, answers, self.industry)
        )
        size = self.tables.survey_sizes[self.industry]
        self.read[table + answers] = f"{answers}: {' + '.join(printed)} of {size}"
        return self._count(table, answers, self.industry)

    def share(self, table: str, answers: str) -> Range:
        """Percentage of the industry's workplaces that gave one of the answers."""
        self.count(table, answers)
        return self._share(table, answers, self.industry)

    def _rows(self, table: str, answers: str, industry: str) -> list[CountRow]:
        wanted = answers.split("|")
        rows = [r for r in self.tables.cells[table, industry] if r.category in wanted]
        if len(rows) != len(wanted):
            raise DataError(f"claim about table {table}", "must name its answers", got=answers)
        return rows

    def _count(self, table: str, answers: str, industry: str) -> Range:
        """Sum of counts; of what rounds to the percentages where no counts are printed."""
        size = self.tables.survey_sizes[industry]
        total = _exactly(0)
        for row in self._rows(table, answers, industry):
            if row.count is None:
                low, high = self.tables.interval(table, row.percent)
                total += Range(low * size / 100, high * size / 100)
            else:
                total += _exactly(row.count)
        return total

    def _share(self, table: str, answers: str, industry: str) -> Range:
        per_workplace = _exactly(100 / self.tables.survey_sizes[industry])
        return per_workplace * self._count(table, answers, industry)

    def _shares(self, table: str, answers: str) -> list[Range]:
        return [self._share(table, answers, industry) for industry in self.tables.industries]

    def top(self, table: str, answers: str) -> Range:
        """Largest share of any industry."""
        shares = self._shares(table, answers)
        return Range(max(s.low for s in shares), max(s.high for s in shares))

    def bottom(self, table: str, answers: str) -> Range:
        """Smallest share of any industry."""
        shares = self._shares(table, answers)
        return Range(min(s.low for s in shares), min(s.high for s in shares))

    def size(self, table: str) -> Range:
        """Workplaces of a sample table."""
        size = self.tables.sample_sizes(table)["total"]
        self.read[table] = f"table {table}: {size}"
        return _exactly(size)

    def slope(self, table: str, term: str) -> Range:
        """Coefficient in percentage points: all that its printed figures allow."""
        for row, region in self.tables.regions.items():
            if (row.table, row.term) == (table, term):
                self.read[f"{table}{term}"] = f"{row}: {row.estimate} {row.unit}"
                low, high = region.estimate
                return Range(row.to_pp * low, row.to_pp * high)
        raise DataError(f"claim about table {table}", "must name a term", got=term)


def _parse(expression: str) -> ast.expr:
    try:
        return ast.parse(expression, mode="eval").body
    except SyntaxError as error:
        raise DataError(f"claim {expression!r}", "must be an expression", got=error.msg) from error


def _exactly(value: float) -> Range:
    return Range(value, value)
