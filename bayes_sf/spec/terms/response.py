"""The response of a formula, as its family has it: numbers, successes of trials, or categories."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, SpecError
from bayes_sf.spec.family import Family, check_response

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.spec.terms.formula import Formula

__all__ = ["Response", "ordered_response", "response_of"]


#: Fewest categories in order: two are a bernoulli.
_FEWEST = 3


@dataclass(frozen=True, eq=False)
class Response:
    """What was observed.

    Parameters
    ----------
    y : (n,) array
        Numbers; successes; places of categories from 0.
    trials : (n,) array or None
        Numbers of trials.
    levels : tuple of str
        Categories in order.
    """

    y: Floats = field(repr=False)
    trials: Floats | None = field(default=None, repr=False)
    levels: tuple[str, ...] = ()


def response_of(evaluated: Any, formula: "Formula", family: Family) -> Response:
    """Response that formulae has evaluated.

    Parameters
    ----------
    evaluated
        Formulae's design matrices.
    formula : Formula
    family : Family
        Any but an ordered one.

    Raises
    ------
    SpecError
        For another notation than the family's.
    DataError
        For values that the family cannot have.
    """
    name, kind = formula.response, evaluated.response.kind
    values = np.asarray(evaluated.response.design_matrix, dtype=float)
    if family.counted != (kind == "proportion"):
        rule = "must be p(successes, trials)" if family.counted else "must be one column"
        fix = "use family 'binomial'" if kind == "proportion" else "write p(y, n) ~ ..."
        raise SpecError("formula: response", f"{rule} for family {family.name!r}", got=name,
                        fix=fix)  # fmt: skip
    if kind == "categoric" and (family.name != "bernoulli" or values.ndim > 1 or "[" not in name):
        fix = "say which category counts as 1, y['yes'] ~ ..., with family 'bernoulli'"
        rule = f"must be {family.rule} for family {family.name!r}"
        raise SpecError("formula: response", rule, got=f"{name}, a category", fix=fix)
    if kind == "categoric" and not values.any():
        rule = "must name a category that some row has"
        raise DataError(f"response {name!r}", rule, got="none", fix="check the spelling")
    y, trials = (values[:, 0], values[:, 1]) if family.counted else (values.reshape(-1), None)
    if len(y) != len(values):
        raise SpecError("formula: response", "must be one column", got=name)
    check_response(family, name, y, trials)
    return Response(y, trials)


def ordered_response(frame: "pd.DataFrame", formula: "Formula", family: Family) -> Response:
    """Categories in order: of a column that is declared so, or of whole numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
    formula : Formula
        Its response must be a column.
    family : Family

    Raises
    ------
    SpecError
        For anything but a column.
    DataError
        For categories without an order, numbers that are not whole, fewer than three categories.
    """
    from bayes_sf.spec.terms.columns import categories, is_category, numeric

    name = formula.response.strip("`")
    if name not in frame:
        rule = f"must be a column for family {family.name!r}"
        raise SpecError("formula: response", rule, got=formula.response)
    if is_category(frame, name):
        column: Any = frame[name]
        if not (hasattr(column, "cat") and column.cat.ordered):
            raise DataError(
                f"response {name!r}", f"must be {family.rule} for family {family.name!r}",
                got="categories without an order",
                fix="declare it: pd.Categorical(y, categories=[...], ordered=True)",
            )  # fmt: skip
        found = categories(frame, name)
        levels, codes = tuple(map(str, found.categories)), np.asarray(found.codes, dtype=float)
    else:
        values = numeric(frame, name)
        check_response(family, name, values)
        steps, places = np.unique(values, return_inverse=True)
        levels, codes = tuple(f"{step:g}" for step in steps), places.astype(float)
    if len(levels) < _FEWEST:
        raise DataError(
            f"response {name!r}", "must have at least three categories in order",
            got=f"{len(levels)}", fix="use family 'bernoulli' for two",
        )  # fmt: skip
    return Response(codes, levels=levels)
