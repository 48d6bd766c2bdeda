"""Means of a response, and sums of them: what a link makes of linear predictors.

An answer is sum_i A_i mean(eta_i), over rows: averages, and differences of averages (as in R's
marginaleffects). By ``ml`` its standard error is the delta method's with exact derivatives, which
is again linear: A diag(mean'(eta)) of the rows' combinations. Of ``nuts`` it is worked out for
every draw.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.analysis.asked.linear import Drawn, Wald, joined, means_of, table_of
from bayes_sf.arrays import Floats
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.outcomes.response import linked, mean_slope, moments
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError, closest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCALES", "Weighed", "check_scale", "means_by_row", "weighed_table"]


#: Of the response's mean, or of the linear predictor.
SCALES = ("response", "link")
#: Numbers that are worked on at a time; and so many are taken for each answer, at least.
_BLOCK, _LEAST = 8_000_000, 1000

#: Rows' linear predictors with the (r, n) sparse matrix that sums them; None for each by itself.
type Weighed = Sequence[tuple[Loading, Any]]


def check_scale(what: str, result: Result, scale: str, words: Mapping[str, str]) -> None:
    """Refuse a scale that a result does not have.

    Parameters
    ----------
    what : str
        Question, for messages.
    result : Result
    scale : str
        One of `SCALES`.
    words : mapping
        Of every factor what becomes of its effects.

    Raises
    ------
    UsageError
        For another word; for ``link`` of a Gaussian outcome; for ``response`` of categories, and
        of levels never seen.
    """
    where = f"{what}: scale"
    if scale not in SCALES:
        fix = closest(str(scale), SCALES)
        raise UsageError(where, f"must be one of {', '.join(SCALES)}", got=scale, fix=fix)
    if not isinstance(result, OutcomeResult):
        if scale == "link":
            rule = "must be response for a Gaussian outcome: it has no link"
            raise UsageError(where, rule, got=scale, fix="leave it out")
        return
    if scale == "response" and result.family.ordered:
        rule = "must be link for categories in order: their probabilities are not worked out here"
        raise UsageError(where, rule, got=scale, fix="use scale='link'")
    if scale == "response" and "new" in words.values():
        raise UsageError(
            f"{what}: groups", "must be known or none on the scale of the response", got="new",
            fix="use scale='link', or groups='none' for a level whose effects are zero",
        )  # fmt: skip


def weighed_table(
    result: Result, weighed: Weighed, index: Any, *, scale: str = "response", signed: bool
) -> "pd.DataFrame":
    """Estimates and intervals of sums over rows.

    Parameters
    ----------
    result : Result
    weighed : sequence of (Loading, sparse matrix or None)
        What is summed.
    index : index of the table
    scale : {"response", "link"}
        Checked by `check_scale`.
    signed : bool
        As in `table_of`; answers are differences then, whose intervals by ``ml`` are symmetric.
        Others are taken on the link's scale and back, so that they stay within what a mean can be.

    Returns
    -------
    pandas.DataFrame
        As of `table_of`.
    """
    if not isinstance(result, OutcomeResult) or scale == "link":
        parts = [rows if matrix is None else rows.times(matrix) for rows, matrix in weighed]
        return table_of(result, reduce(Loading.plus, parts), index, signed=signed)
    if not result.has_draws and len(weighed) == 1 and weighed[0][1] is None:
        return _taken_back(result, table_of(result, weighed[0][0], index, signed=False))
    table = joined(_answers(result, weighed), result.prob, index, signed=signed)
    if signed or result.has_draws:
        return table
    # Wald's on the link's scale: mean'(eta) is what a standard error there is multiplied by.
    mean = table["estimate"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        error = table["sd"].to_numpy() / mean_slope(result.family, mean)
    tails = [0.5 - 0.5 * result.prob, 0.5 + 0.5 * result.prob]
    limits = Wald(linked(result.family, mean), error).quantile(tails)
    lower, upper = (moments(result.family, limit, {})[0] for limit in limits.T)
    return table.assign(lower=lower, upper=upper)


def _taken_back(result: OutcomeResult, table: "pd.DataFrame") -> "pd.DataFrame":
    """Means of single rows from their linear predictors, however near to 0 and 1 they are."""
    found = table.apply(lambda column: moments(result.family, column.to_numpy(), {})[0])
    return found.assign(sd=table["sd"] * mean_slope(result.family, found["estimate"].to_numpy()))


def means_by_row(result: Result, loading: Loading) -> Floats:
    """Estimates or posterior means of every row's mean, (n,).

    Parameters
    ----------
    result : Result
    loading : Loading
    """
    if not isinstance(result, OutcomeResult):
        return means_of(result, loading)
    if not result.has_draws:
        return moments(result.family, result.fitted.linear(loading), {})[0]
    return np.concatenate([found.mean() for found in _answers(result, [(loading, None)])])


def _answers(result: OutcomeResult, weighed: Weighed) -> Iterator[Drawn | Wald]:
    """Answers on the scale of the response, so many at a time that memory is small."""
    for part in _parts(result, weighed):
        yield Drawn(_drawn(result, part)) if result.has_draws else _delta(result, part)


def _parts(result: OutcomeResult, weighed: Weighed) -> Iterator[Weighed]:
    """Some of the answers at a time, with the rows that they are made of."""
    from scipy import sparse

    whole = [(rows, sparse.eye_array(len(rows), format="csr") if matrix is None else matrix.tocsr())
             for rows, matrix in weighed]  # fmt: skip
    answers = whole[0][1].shape[0]
    step = max(1, _BLOCK // max(result.fitted.width, _LEAST))
    for start in range(0, max(answers, 1), step):
        some = [(rows, matrix[start : start + step]) for rows, matrix in whole]
        used = [np.unique(matrix.indices) for _, matrix in some]
        yield [(rows.take(at), matrix[:, at])
               for (rows, matrix), at in zip(some, used, strict=True)]  # fmt: skip


def _drawn(result: OutcomeResult, weighed: Weighed) -> Floats:
    """Draws of sums of means, (r, N)."""
    fitted = result.fitted
    total = np.zeros((weighed[0][1].shape[0], fitted.width))
    for rows, matrix in weighed:
        step = max(1, _BLOCK // fitted.width)
        for start in range(0, len(rows), step):
            eta, _ = fitted.linear(rows.take(slice(start, start + step)))
            mean, _ = moments(result.family, eta, fitted.scalars)
            total += matrix[:, start : start + step] @ mean
    return total


def _delta(result: OutcomeResult, weighed: Weighed) -> Wald:
    """Sums of means at the estimates, and the delta method's standard errors."""
    from scipy import sparse

    estimate: Any = 0.0
    slopes = []
    for rows, matrix in weighed:
        mean, _ = moments(result.family, result.fitted.linear(rows), {})
        estimate = estimate + matrix @ mean
        slopes.append(rows.times(matrix @ sparse.diags_array(mean_slope(result.family, mean))))
    return Wald(estimate, result.fitted.error(reduce(Loading.plus, slopes)))
