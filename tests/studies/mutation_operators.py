"""Changes that `mutation.py` makes: cosmic-ray's operators, and two that it lacks."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from cosmic_ray.ast import ast_nodes
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.provider import OperatorProvider

__all__ = ["BY_NODE", "OPERATORS", "ast_nodes"]

type Position = tuple[tuple[int, int], tuple[int, int]]


class SwapMembership(Operator):  # type: ignore[misc]
    """`in` and `not in` exchanged."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Where a comparison asks for membership."""
        if node.type == "comparison":
            for child in node.children[1::2]:
                if child.get_code().split() in (["in"], ["not", "in"]):
                    yield child.start_pos, child.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Exchange one of them."""
        import parso

        at = [
            2 * i + 1 for i, child in enumerate(node.children[1::2])
            if child.get_code().split() in (["in"], ["not", "in"])
        ][index]  # fmt: skip
        other = " not in" if node.children[at].get_code().split() == ["in"] else " in"
        node.children[at] = parso.parse(other)
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """For cosmic-ray's own tests."""
        return (Example("a in b", "a not in b"), Example("a not in b", "a in b"))


class SwapKeywords(Operator):  # type: ignore[misc]
    """Two neighbouring keyword arguments of a call take each other's value."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Where two keyword arguments stand side by side."""
        for first, _ in self._pairs(node):
            yield first.start_pos, first.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Exchange one pair's values."""
        first, second = list(self._pairs(node))[index]
        one, two = first.children[2], second.children[2]
        first.children[2], second.children[2] = two, one
        return node

    @staticmethod
    def _pairs(node: Any) -> list[tuple[Any, Any]]:
        if node.type != "arglist":
            return []
        named = [
            child for child in node.children
            if child.type == "argument" and child.children[1].get_code().strip() == "="
        ]  # fmt: skip
        return [
            (one, other) for one, other in pairwise(named)
            if one.children[2].get_code().strip() != other.children[2].get_code().strip()
        ]  # fmt: skip

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """For cosmic-ray's own tests."""
        return (Example("f(a=1, b=2)", "f(a=2, b=1)"),)


#: What may stand in the place of what: changes that a slip of the pen could make. The others of
#: cosmic-ray's (a shift for a sum) raise TypeError on real numbers, which any test would notice.
_BINARY = {
    "Add": ("Sub", "Mul"), "Sub": ("Add", "Div"), "Mul": ("Div", "Add"), "Div": ("Mul", "Sub"),
    "FloorDiv": ("Div", "Mul"), "Mod": ("FloorDiv",), "Pow": ("Mul", "Div"), "BitOr": ("BitAnd",),
    "BitAnd": ("BitOr",),
}  # fmt: skip
_COMPARISONS = {
    "Lt": ("LtE", "Gt", "GtE"), "LtE": ("Lt", "Gt", "GtE"), "Gt": ("GtE", "Lt", "LtE"),
    "GtE": ("Gt", "Lt", "LtE"), "Eq": ("NotEq", "LtE", "GtE"), "NotEq": ("Eq", "Lt", "Gt"),
    "Is": ("IsNot",), "IsNot": ("Is",),
}  # fmt: skip
_OTHERS = (
    "ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not", "AddNot",
    "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "NumberReplacer",
)  # fmt: skip
_NAMES = (
    *(f"ReplaceBinaryOperator_{a}_{b}" for a, others in _BINARY.items() for b in others),
    *(f"ReplaceComparisonOperator_{a}_{b}" for a, others in _COMPARISONS.items() for b in others),
    *_OTHERS,
)
_CORE = OperatorProvider()

OPERATORS: dict[str, Any] = {
    **{name: _CORE[name]() for name in _NAMES},
    "SwapMembership": SwapMembership(),
    "SwapKeywords": SwapKeywords(),
}

_CONDITIONS = ("if_stmt", "while_stmt", "assert_stmt", "test")
#: Operators by the kind of node that they look at: asking all of them everywhere takes minutes.
BY_NODE: dict[str, tuple[str, ...]] = {
    "operator": tuple(name for name in OPERATORS if "BinaryOperator" in name),
    "comparison": tuple(name for name in OPERATORS if "Comparison" in name or "Member" in name),
    "keyword": tuple(name for name in OPERATORS if "With" in name),
    "number": ("NumberReplacer",),
    "arglist": ("SwapKeywords",),
    **dict.fromkeys(("factor", "not_test"), tuple(n for n in OPERATORS if "Unary" in n)),
    **dict.fromkeys(_CONDITIONS, ("AddNot",)),
}
