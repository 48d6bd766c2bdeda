"""What formulae makes of a formula's terms: their names, and their columns on a data frame."""

import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, SpecError
from bayes_sf.spec.names import INTERCEPT
from bayes_sf.spec.terms.columns import categories, is_category, numeric
from bayes_sf.spec.terms.formula import Formula, RandomTerm

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "check_finite", "evaluate", "fixed_columns", "has_intercept", "spare_name", "terms_of",
    "values_of", "varying_part",
]  # fmt: skip

#: What formulae calls the intercept.
_INTERCEPT = "Intercept"
#: Name under which our scale() is handed to formulae: its own divides by the sd with n.
_OURS = "scale_as_in_r"


def terms_of(formula: Formula) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Names of the fixed terms beside the intercept, and what varies by each random term.

    Parameters
    ----------
    formula : Formula
        Of `read_formula`; no data are needed, so a category is one term.

    Raises
    ------
    SpecError
        Where formulae cannot read it.
    """
    fixed = _described(formula.common, "formula")
    random = tuple(_described(term.left, term.bar.place) for term in formula.random)
    return tuple(name for name in fixed if name != INTERCEPT), random


def has_intercept(formula: Formula) -> bool:
    """Whether the fixed part has an intercept."""
    return INTERCEPT in _described(formula.common, "formula")


def _described(side: str, place: str) -> tuple[str, ...]:
    from formulae.model_description import model_description

    try:
        found = model_description(f"y ~ {side}")
    except TypeError:  # a term and a number, say, whose message is about formulae's own classes
        rule = "must not have operators between terms and numbers"
        raise SpecError(place, rule, got=side, fix="put arithmetic into I(), as I(2 * x)") from None
    except Exception as error:  # noqa: BLE001  # whatever a parser raises
        raise SpecError(place, f"must be readable by formulae: {_line(error)}", got=side) from None
    terms = found.common_terms
    parts = [part for t in terms if t.name != _INTERCEPT for part in t.components]
    if any(isinstance(getattr(part, "name", ""), int | float) for part in parts):
        rule = "must have no number but 0 and 1 as a term"
        raise SpecError(place, rule, got=side, fix="put arithmetic into I(), as I(2 * x)")
    return tuple(INTERCEPT if t.name == _INTERCEPT else t.name for t in terms)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def values_of(frame: "pd.DataFrame", name: str, formula: Formula) -> Any:
    """One column as formulae is to see it: floats, or categories in their order.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of `frame_from`.
    name : str
        The column.
    formula : Formula
        It is named in.
    """
    if is_category(frame, name):
        return categories(frame, name)
    values = numeric(frame, name)
    if name in formula.coded and (values == values.round()).all():
        return values.astype(np.int64)  # so that a level is 1 and not 1.0
    return values


def evaluate(text: str, values: Mapping[str, Any], formula: Formula) -> Any:
    """Let formulae evaluate a formula on columns.

    Parameters
    ----------
    text : str
        What is evaluated, a part of the formula.
    values : mapping
        Columns, of `values_of`.
    formula : Formula
        For messages.
    """
    import pandas as pd
    from formulae import design_matrices

    frame = pd.DataFrame(dict(values))
    functions = {name: getattr(np, name) for name in ("log2", "log10", "log1p", "log", "exp")}
    functions |= {"sqrt": np.sqrt, "abs": np.abs, "np": np, _OURS: _Scale}
    for own in ("scale", "standardize"):
        text = _renamed(text, own)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is not finite is refused by its term
            return design_matrices(text, frame, na_action="pass", extra_namespace=functions)
    except Exception as error:  # noqa: BLE001  # whatever an expression raises
        said = _line(error).replace(_OURS, "scale")
        raise SpecError("formula", f"must be computable: {said}", got=formula.text) from None


def _renamed(text: str, function: str) -> str:
    return re.sub(rf"(?<![\w.]){function}(?=\s*\()", _OURS, text)


class _Scale:
    """Deviation from the mean in standard deviations with n - 1, as R has it.

    Of other rows than the first ones it is in units of the first ones: formulae keeps it.
    """

    __stateful_transform__ = True

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None

    def __call__(self, x: Floats) -> Floats:
        if self._first is None:
            self._first = float(np.mean(x)), float(np.std(x, ddof=1))
        return np.asarray((x - self._first[0]) / self._first[1])


def fixed_columns(common: Any, rows: int) -> tuple[tuple[str, ...], Floats, Floats]:
    """Names and columns of the fixed terms, the intercept first, and the sum of the offsets.

    Parameters
    ----------
    common : formulae's matrix of the fixed terms, or None
        Of any rows.
    rows : int
        How many they are.
    """
    names: list[str] = []
    columns: list[Floats] = []
    offset = np.zeros(rows)
    terms = {} if common is None else common.terms
    for term in sorted(terms.values(), key=lambda t: t.kind != "intercept"):
        values = np.asarray(common[term.name], dtype=float).reshape(rows, -1)
        check_finite(values, term.name.replace(_OURS, "scale"))
        if term.kind == "offset":
            offset = offset + values[:, 0]
            continue
        names += _labels(term)
        columns.append(values)
    x = np.column_stack(columns) if columns else np.empty((rows, 0))
    return tuple(names), x, offset


def _labels(term: Any) -> list[str]:
    """Names of a term's columns, as formulae and bambi have them."""
    if term.kind == "intercept":
        return [INTERCEPT]
    return [str(label).replace(_OURS, "scale") for label in term.labels]


def check_finite(values: Floats, name: str) -> None:
    """Refuse a term that is not finite somewhere.

    Parameters
    ----------
    values : array
    name : str
        The term.
    """
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise DataError(
            f"term {name!r}", "must be finite in every row", got=f"{bad} values that are not",
            fix="transform those rows otherwise, or leave them out",
        )  # fmt: skip


def varying_part(term: RandomTerm, values: Mapping[str, Any], formula: Formula) -> Any:
    """What varies by a term, evaluated: formulae's matrix of it, or None.

    Parameters
    ----------
    term : RandomTerm
    values : mapping
        Columns, of `values_of`.
    formula : Formula
    """
    one = spare_name(values)
    rows = len(next(iter(values.values()), ()))
    return evaluate(f"{one} ~ {term.left}", {**values, one: np.ones(rows)}, formula).common


def spare_name(values: Mapping[str, Any]) -> str:
    """Name that no column has.

    Parameters
    ----------
    values : mapping
        Columns, of `values_of`.
    """
    return "one" + "e" * max(map(len, [*values, ""]))
