"""Comparisons and slopes: what becomes of the expected outcome where a predictor changes."""

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.analysis.asked.grid import (
    Grid,
    columns_of,
    design_of,
    groups_by_factor,
    loading_of,
    named,
    texts,
)  # fmt: skip
from bayes_sf.analysis.asked.response import Weighed, check_scale, weighed_table
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.spec.terms.columns import numeric
from bayes_sf.spec.terms.design import Design

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["comparisons", "slopes"]

#: Half the step of a slope's difference, as a share of the predictor's range.
_STEP = 1e-4


def comparisons(
    result: Result,
    variables: str | Iterable[str] | Mapping[str, Any] | None = None,
    *,
    by: str | Iterable[str] = (),
    at: Mapping[str, Any] | None = None,
    new: Any = None,
    groups: str | Mapping[str, str] = "none",
    average: bool = True,
    scale: str = "response",
) -> "pd.DataFrame":
    """Compare expected outcomes at two values of a predictor, all else being what it is in a row.

    Parameters
    ----------
    result : Result
        Fitted to a data frame.
    variables : str, list of str or mapping, optional
        Predictors; all of them by default. A number goes one up, a category from its first one (the
        reference, unless the formula says otherwise) to each of the others. A mapping says
        otherwise: ``{"x": 5}`` is five up, ``{"x": (0, 10)}`` from 0 to 10, ``{"c": ("low",
        "top")}`` from low to top, ``{"c": "pairwise"}`` every pair.
    by : str or list of str
        Columns in whose values comparisons are averaged.
    at : mapping
        Values that every row is given, one or several.
    new : data frame, optional
        Rows; the fitted ones by default.
    groups : {"none", "known", "new"} or mapping
        As in `predict`: of varying slopes ``known`` takes each row's own, ``new`` that of a level
        never seen, ``none`` the fixed coefficients alone.
    average : bool
        Whether comparisons are averaged over the rows; or else there is one for every row.
    scale : {"response", "link"}
        Of other outcomes than Gaussian: differences of expected outcomes (of probabilities, of
        counts, ...), averaged over the rows, as in marginaleffects; or of linear predictors (log
        odds ratios, logs of ratios).

    Returns
    -------
    pandas.DataFrame
        ``estimate, sd, lower, upper`` and ``p_direction``; of ``reml`` and ``ml`` ``t``, ``df`` by
        Satterthwaite's method and ``p``, of coefficients alone; of other outcomes by ``ml`` ``z``
        and ``p``, with the delta method's standard errors and symmetric intervals. Indexed by
        ``term``, ``contrast`` and the values of `at` and `by`, or the row.

    Raises
    ------
    UsageError
        For a column that is no predictor of the model, a grouping factor, a contrast that is none.
    DataError
        As `predict`.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "c": list("ab") * 4 + ["a"], "g": list("aaabbbccc")})
    >>> result = sf.fit("y ~ x + c + (1 | g)", df)
    >>> result.comparisons({"x": 2})["estimate"].round(2)
    term  contrast
    x     +2          2.66
    Name: estimate, dtype: float64

    Of an outcome of 0 and 1 it is a difference of probabilities, or of log odds:

    >>> df["z"] = [0, 1, 1, 0, 0, 1, 1, 0, 1]
    >>> result = sf.fit("z ~ x + (1 | g)", df, family="bernoulli", engine="ml")
    >>> result.comparisons({"x": (0, 2)})["estimate"].round(2).tolist()
    [0.67]
    >>> result.comparisons({"x": (0, 2)}, scale="link")["estimate"].round(2).tolist()
    [3.29]
    """
    asked = {} if variables is None or isinstance(variables, str) else variables
    asked = dict(asked) if isinstance(asked, Mapping) else {}
    design = design_of(result)
    words = groups_by_factor(design, groups)
    check_scale("comparisons", result, scale, words)
    chosen = _predictors("comparisons", design, variables)
    grid = Grid.of(
        result, design, new, by=by, at=at, average=average, more=columns_of(design, words)
    )
    parts: list[tuple[tuple[str, ...], Weighed]] = []
    for name in chosen:
        for contrast, low, high in _contrasts(design, grid, name, asked.get(name)):
            ends = [loading_of(design, grid.assigned(**{name: v}), words) for v in (low, high)]
            parts.append(((name, contrast), _less(grid, ends[1], ends[0])))
    return _answered(result, grid, parts, scale, words)


def slopes(
    result: Result,
    variables: str | Iterable[str] | None = None,
    *,
    by: str | Iterable[str] = (),
    at: Mapping[str, Any] | None = None,
    new: Any = None,
    groups: str | Mapping[str, str] = "none",
    average: bool = True,
    scale: str = "response",
) -> "pd.DataFrame":
    """Slopes: how steeply the expected outcome changes with a number.

    Parameters
    ----------
    result, by, at, new, groups, average, scale
        As in `comparisons`.
    variables : str or list of str, optional
        Predictors that are numbers; all of them by default.

    Returns
    -------
    pandas.DataFrame
        As `comparisons`, indexed by ``term``.

    Raises
    ------
    UsageError
        As `comparisons`, and for a category, which has no slope.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 5, 5, 6, 10, 4, 6, 9], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> result = sf.fit("y ~ x + I(x**2) + (1 | g)", df, engine="reml")
    >>> result.slopes("x", at={"x": [0, 2]})["estimate"].round(2)
    term  x
    x     0    0.33
          2    4.33
    Name: estimate, dtype: float64
    """
    design = design_of(result)
    words = groups_by_factor(design, groups)
    check_scale("slopes", result, scale, words)
    chosen = _predictors("slopes", design, variables)
    kinds = [name for name in chosen if design.categories(name)]
    if kinds and variables is not None:
        raise UsageError(
            "slopes", "are of numbers: a category has none", got=kinds[0],
            fix=f"use comparisons({kinds[0]!r})",
        )  # fmt: skip
    grid = Grid.of(
        result, design, new, by=by, at=at, average=average, more=columns_of(design, words)
    )
    parts: list[tuple[tuple[str, ...], Weighed]] = []
    for name in (name for name in chosen if name not in kinds):
        values = numeric(grid.frame, name)
        step = _STEP * float(np.ptp(numeric(design.frame, name)))
        low, high = (
            loading_of(design, grid.assigned(**{name: end}), words)
            for end in (values - step, values + step)
        )
        parts.append(((name,), _less(grid, high, low, 0.5 / step)))
    return _answered(result, grid, parts, scale, words)


def _predictors(what: str, design: Design, given: Any) -> list[str]:
    """Predictors that are asked for."""
    known = design.formula.predictors
    if given is None:
        return list(known)
    names = texts(what, given)
    for name in names:
        if name not in known and any(name in (f, *design.parts(f)) for f in design.levels):
            raise UsageError(
                what, "are of predictors: this is a grouping factor", got=name,
                fix=f"compare its levels by predict(by={name!r}), or see ranef()",
            )  # fmt: skip
    return named(what, names, known)


def _contrasts(design: Design, grid: Grid, name: str, asked: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name of each contrast of a predictor, and the columns before and after."""
    levels = design.categories(name)
    where = f"comparisons of {name}"
    if levels:
        pairs = [(levels[0], level) for level in levels[1:]]
        if asked == "pairwise":
            pairs = [(a, b) for i, a in enumerate(levels) for b in levels[i + 1 :]]
        elif _is_pair(asked):
            pairs = [(asked[0], asked[1])]
        elif asked not in (None, "reference"):
            rule = "must be 'reference', 'pairwise' or two of its categories"
            raise UsageError(where, rule, got=asked)
        for low, high in pairs:
            if low == high:
                raise UsageError(where, "must be of two different categories", got=[low, high])
            yield f"{high} - {low}", low, high
        return
    if _is_pair(asked) and all(_is_number(end) or _is_truth(end) for end in asked):
        low, high = (str(end) if _is_truth(end) else f"{end:g}" for end in asked)
        yield f"{high} - {low}", float(asked[0]), float(asked[1])
        return
    step = 1.0 if asked is None else asked
    if not _is_number(step) or step == 0:
        rule = "must be a step other than zero, or two values"
        raise UsageError(where, rule, got=asked)
    values = numeric(grid.frame, name)
    yield f"{step:+g}", values, values + float(step)


def _is_pair(asked: Any) -> bool:
    return isinstance(asked, tuple | list) and len(asked) == 2


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not _is_truth(value) and isfinite(value)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _less(grid: Grid, high: Loading, low: Loading, factor: float = 1.0) -> Weighed:
    """Differences of the rows' means, times a factor, averaged or not."""
    from scipy import sparse

    whole = sparse.eye_array(len(high), format="csr") if grid.average is None else grid.average
    return [(high, factor * whole), (low, -factor * whole)]


def _signed(result: Result, words: Mapping[str, str]) -> bool:
    """Whether it is said how sure the sign is: of Gaussian effects there is no agreed test."""
    if result.has_draws or isinstance(result, OutcomeResult):
        return True
    return "known" not in words.values() and "new" not in words.values()


def _answered(
    result: Result,
    grid: Grid,
    parts: "list[tuple[tuple[str, ...], Weighed]]",
    scale: str,
    words: Mapping[str, str],
) -> "pd.DataFrame":
    """Tables of all contrasts under each other."""
    import pandas as pd

    signed = _signed(result, words)
    tables = []
    for key, weighed in parts:
        table = weighed_table(result, weighed, grid.index, scale=scale, signed=signed)
        names = ["term", "contrast"][: len(key)]
        tables.append(pd.concat({key if len(key) > 1 else key[0]: table}, names=names))
    if not tables:
        rule = "has no predictors to compare, or none that is a number to have a slope"
        raise UsageError(f"model {result.spec.name!r}", rule)
    found = pd.concat(tables)
    lone = grid.average is not None and grid.index.names == [None]
    return found.droplevel(-1) if lone else found
