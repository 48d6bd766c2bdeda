"""Predictions: the expected outcome, or an outcome, of rows; averaged or one by one."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.asked.grid import (
    Grid,
    columns_of,
    design_of,
    groups_by_factor,
    loading_of,
)
from bayes_sf.analysis.asked.response import check_scale, weighed_table
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError, closest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["KINDS", "poststratify", "predict"]

#: The expected outcome, or an outcome with its residual.
KINDS = ("mean", "outcome")


def predict(
    result: Result,
    new: Any = None,
    *,
    groups: str | Mapping[str, str] = "known",
    kind: str = "mean",
    scale: str = "response",
    by: str | Iterable[str] = (),
    at: Mapping[str, Any] | None = None,
) -> "pd.DataFrame":
    """Predict rows: those that were fitted, or new ones.

    Of ``exact`` a prediction's distribution is a mixture of normals and has no Monte Carlo error.
    Of ``reml`` and ``ml`` the standard error takes the variances as known, and holds what is not
    known of coefficients and of the levels' effects, as lme4's ``predict(se.fit = TRUE)``. New rows
    are built by the fitted formula: ``scale()``, ``poly()`` and ``bs()`` keep the fitted rows'
    means, sds and knots.

    Of other outcomes than Gaussian by ``ml`` the standard error of an expected outcome is the delta
    method's; its interval is Wald's on the link's scale, taken back, as in emmeans, so that a
    probability stays one. Averages are of expected outcomes, not of linear predictors.

    Parameters
    ----------
    result : Result
        Fitted to a data frame.
    new : data frame, optional
        With the predictors' columns; the fitted rows by default.
    groups : {"known", "new", "none"} or mapping
        What becomes of random effects: ``known`` takes those of each row's level, which the fit
        must have; ``new`` is a level that was never seen, whose effect is integrated out (the
        grouping column is not needed); ``none`` leaves effects out, as lme4's ``re.form = NA``.
        Of several factors it may be said for each: ``{"school": "known", "rater": "new"}``.
    kind : {"mean", "outcome"}
        The expected outcome of such a row, or an outcome, with its residual.
    scale : {"response", "link"}
        Of other outcomes than Gaussian: expected outcomes (probabilities, of single trials where
        there are trials; counts; ...), or linear predictors (log odds, logs).
    by : str or list of str
        Columns in whose values expected outcomes are averaged over the rows.
    at : mapping
        Values that every row is given, one or several, before averaging.

    Returns
    -------
    pandas.DataFrame
        ``estimate, sd, lower, upper``: one line for every row, indexed as `new` is (0, 1, ... where
        it has no index); with `by` or `at` one for every average, indexed by these columns' values.

    Raises
    ------
    DataError
        For a missing column, a gap, and a category or level that the fit does not know.
    UsageError
        For a result without rows, a word that is not known, averages of outcomes; for ``link`` of a
        Gaussian outcome; on the scale of the response for categories in order, and for ``new``.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> result = sf.fit("y ~ x + (1 | g)", df, engine="reml")
    >>> result.predict(pd.DataFrame({"x": [0, 3], "g": ["a", "c"]})).round(2)
       estimate    sd  lower  upper
    0      0.69  0.26   0.18   1.19
    1      8.33  0.36   7.61   9.04
    >>> result.predict(at={"x": [0, 3]}, groups="none")["estimate"].round(2).tolist()
    [3.33, 7.33]
    """
    if kind not in KINDS:
        fix = closest(str(kind), KINDS)
        raise UsageError("predict: kind", f"must be one of {', '.join(KINDS)}", got=kind, fix=fix)
    averaged = bool(by) or bool(at)
    if kind == "outcome":
        _check_outcome(result, averaged=averaged)
    design = design_of(result)
    words = groups_by_factor(design, groups)
    check_scale("predict", result, scale, words)
    needed = columns_of(design, words)
    if kind == "outcome" and design.weights:
        needed.append(design.weights)
    grid = Grid.of(result, design, new, by=by, at=at, average=averaged, more=needed)
    loading = loading_of(design, grid.frame, words, noisy=kind == "outcome")
    return weighed_table(result, [(loading, grid.average)], grid.index, scale=scale, signed=False)


def poststratify(
    result: Result,
    population: Any,
    *,
    count: str,
    groups: str | Mapping[str, str] = "known",
    by: str | Iterable[str] = (),
    scale: str = "response",
) -> "pd.DataFrame":
    """Expected outcomes of a population whose composition is known, not that of the sample.

    A sample that took a hundred of every group, whatever the group's size, says of each group what
    it should and of all of them together what it should not. Here every cell's expected outcome
    counts as often as the population has it (Gelman & Little 1997, Survey Methodology 23, 127-135:
    multilevel regression and poststratification).

    Parameters
    ----------
    result : Result
        Fitted to a data frame.
    population : data frame
        A row for every cell: the predictors' columns, the grouping factors', and the counts.
    count : str
        Its column of counts.
    groups : {"known", "new", "none"} or mapping
        As in `predict`: by default every cell gets its own level's effects.
    by : str or list of str
        Columns for whose values there is an answer each; one for the whole population by default.
    scale : {"response", "link"}
        As in `predict`.

    Returns
    -------
    pandas.DataFrame
        ``estimate, sd, lower, upper``, as of `predict`.

    Raises
    ------
    DataError
        For counts that are negative, missing or all zero; as in `predict`.
    UsageError
        As in `predict`.

    Examples
    --------
    Three of each group were asked; the population has nine times as many of the last.

    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "g": list("aaabbbccc")})
    >>> result = sf.fit("y ~ 1 + (1 | g)", df, engine="reml")
    >>> cells = pd.DataFrame({"g": list("abc"), "people": [100, 100, 900]})
    >>> result.predict(by="g")["estimate"].round(2).tolist()
    [2.31, 6.14, 5.55]
    >>> sf.poststratify(result, cells, count="people")["estimate"].round(2).tolist()
    [5.31]
    """
    design = design_of(result)
    words = groups_by_factor(design, groups)
    check_scale("poststratify", result, scale, words)
    if not isinstance(count, str) or not count:
        raise UsageError("poststratify: count", "must name the column of counts", got=count)
    if count in design.formula.predictors or count in words:
        rule = "must be another column than the model's"
        raise UsageError("poststratify: count", rule, got=count, fix="rename the counts")
    if population is None:
        raise UsageError("poststratify: population", "must be a data frame of cells", got=None)
    grid = Grid.of(result, design, population, by=by, more=columns_of(design, words), counts=count)
    loading = loading_of(design, grid.frame, words)
    return weighed_table(result, [(loading, grid.average)], grid.index, scale=scale, signed=False)


def _check_outcome(result: Result, *, averaged: bool) -> None:
    """Outcomes are of single rows, with a common Gaussian residual."""
    if averaged:
        raise UsageError(
            "predict: kind", "must be mean where predictions are averaged", got="outcome",
            fix="leave by and at out, and give the rows as new",
        )  # fmt: skip
    if isinstance(result, OutcomeResult):
        raise UsageError(
            "predict: kind", "must be mean for other outcomes than Gaussian", got="outcome",
            fix="see posterior_predictive of draws() for outcomes of the fitted rows",
        )  # fmt: skip
    if result.spec.likelihood != "gaussian" or result.spec.resid_by_group:
        raise UsageError(
            "predict: kind", "must be mean for residuals that are not of one Gaussian sd",
            got="outcome",
        )  # fmt: skip
