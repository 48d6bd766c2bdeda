"""Influence: how far one association moves without each workplace, answer or industry.

A workplace's pull is the estimate with it minus the estimate without it, from the exact posterior
in closed form (`bayes_sf.analysis.checks.left_out`). What is returned is summed over workplaces
with the same answer in the same industry, so that no workplace can be told: of fewer than
`SMALLEST` workplaces nothing is said, and small industries are taken together. Answers and
industries are left out as a whole by fitting again.

Examples
--------
>>> import numpy as np, pandas as pd
>>> from bayes_sf.spec.model import ModelSpec
>>> rng = np.random.default_rng(1)
>>> df = pd.DataFrame({"x": np.tile([0.0, 1.0], 15), "g": np.repeat(list("abc"), 10)})
>>> df["y"] = df["x"] + rng.normal(size=30)
>>> found = influence(ModelSpec("y", ("x",), "g"), df, contrast=Contrast("x", 1.0, "0 to 1"))
>>> found.cells[["answer", "group", "n"]].values.tolist()[:2]
[['0', 'a', 5], ['0', 'b', 5]]
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.checks.left_out import contrast_without
from bayes_sf.analysis.checks.loo import rows_of_result
from bayes_sf.analysis.contrast import (
    OWN_DATA,
    Contrast,
    contrast_of,
    contrast_posterior,
    term_index,
)
from bayes_sf.arrays import Floats
from bayes_sf.engines.fit import fit
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.result import Result
from bayes_sf.errors import BayesSFError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.spec.model import ModelSpec, model_of
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OTHERS", "SMALLEST", "Influence", "influence"]


#: Nothing is said of fewer workplaces.
SMALLEST = 5
#: Industries of one answer that are taken together.
OTHERS = "others"
#: More different values than this are no answers.
_MOST_ANSWERS = 12


@dataclass(frozen=True, eq=False)
class Influence:
    """What one association owes to whom.

    Parameters
    ----------
    result : Result
        The model on all rows, exact.
    contrast : Contrast
        How far the predictor moves.
    refits : pandas.DataFrame
        ``left_out`` ("nobody", "answer", "industry") and ``which``; ``n`` rows left; ``estimate,
        sd, lower, upper`` of the contrast in the outcome's unit; ``p_direction``; ``reason``, why
        there is no fit, or "".
    answers : pandas.DataFrame
        By answer: ``n``; ``pull``, the sum over its workplaces of the estimate with minus the
        estimate without each; ``size``, the sum of their absolute pulls; ``share`` of `size` in
        that of all.
    cells : pandas.DataFrame
        The same by ``answer`` and ``group``.
    means, sds : (n,) arrays
        Of the contrast without each row, in the order of the model's rows; not for publication.
    rows : Rows
        Of the model; not for publication.
    answer : (n,) array
        What each row answered.
    """

    result: Result
    contrast: Contrast
    refits: "pd.DataFrame" = field(repr=False)
    answers: "pd.DataFrame" = field(repr=False)
    cells: "pd.DataFrame" = field(repr=False)
    means: Floats = field(repr=False)
    sds: Floats = field(repr=False)
    rows: Rows = field(repr=False)
    answer: NDArray[Any] = field(repr=False)

    @property
    def group(self) -> NDArray[Any]:
        """Group of each row, (n,)."""
        return np.array(self.rows.groups)[self.rows.code]

    @property
    def pulls(self) -> Floats:
        """Estimate with minus without each row, (n,)."""
        return float(self.refits["estimate"].iloc[0]) - self.means


def influence(
    spec: ModelSpec | str,
    data: Any,
    *,
    contrast: Contrast | None = None,
    prob: float = 0.95,
    smallest: int = SMALLEST,
) -> Influence:
    """Leave out each workplace, each answer and each industry.

    Parameters
    ----------
    spec : ModelSpec or str
        A Gaussian random-intercept model, or its formula.
    data : AnalysisSample or a data frame
        Its rows.
    contrast : Contrast, optional
        How far which predictor moves; by default the widest of the model's first item.
    prob : float
        Probability of the intervals.
    smallest : int
        Nothing is said of fewer workplaces; with 1, everything.

    Raises
    ------
    UsageError
        For data without rows, a model that is sampled, or a predictor with more than twelve
        different values.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7] * 2, "x": [0, 1, 2] * 6,
    ...                    "g": list("aaabbbccc") * 2})
    >>> spec = sf.ModelSpec("y", ("x",), group="g")
    >>> found = influence(spec, df, contrast=sf.Contrast("x", 1.0, "one unit"))
    >>> found.refits[found.refits["left_out"] == "nobody"]["estimate"].round(2).tolist()
    [1.33]
    """
    spec = model_of("influence", spec)
    if spec.repeats:
        raise UsageError(
            f"model {spec.name!r}", "must be a plain random intercept", got="repeats",
            fix="leave repeats out",
        )  # fmt: skip
    result = fit(spec, data, engine="exact", prob=prob)
    rows = rows_of_result(result)
    if not result.moments.predictors:
        raise UsageError(f"model {spec.name!r}", "needs a predictor", fix="name another analysis")
    chosen = contrast or contrast_of(result, result.moments.predictors[0], "widest")
    place = term_index(result, chosen.term)
    assert isinstance(result.fitted, Posterior)
    loading = np.zeros(len(result.moments.terms))
    loading[place] = chosen.size
    means, sds = contrast_without(result.fitted.parts[0], rows, loading)
    x = rows.x[:, place - 1]
    values = np.unique(x)
    if len(values) > _MOST_ANSWERS:
        raise UsageError(
            f"influence of {chosen.term}", f"needs at most {_MOST_ANSWERS} different values",
            fix="use an item with few answers",
        )  # fmt: skip
    keys = _answers(chosen.term, values, own=result.provenance.source in OWN_DATA)
    names = dict(zip(values, keys, strict=True))
    answer = np.array([names[value] for value in x])
    group = np.array(rows.groups)[rows.code]
    pull = float(contrast_posterior(result, chosen).mean()[0]) - means
    cells = _sum_up(
        pull, [(name, one) for name in names.values()
         for one in _pooled(group[answer == name], smallest)],
        lambda name, one: (answer == name) & np.isin(group, one), smallest,
    )  # fmt: skip
    answers = _sum_up(
        pull, [(name, tuple(rows.groups)) for name in names.values()],
        lambda name, _: answer == name, smallest,
    )  # fmt: skip
    left = [("nobody", "", np.ones(len(x), dtype=bool))]
    if len(values) > 2:  # without one of two there is no association
        left += [("answer", name, answer != name) for name in names.values()]
    left += [("industry", name, group != name) for name in rows.groups]
    refits = _refit(spec, rows, left, chosen, prob, smallest=smallest)
    return Influence(
        result, chosen, refits, answers.drop(columns="group"), cells, means, sds, rows, answer
    )


def _answers(term: str, values: Floats, *, own: bool) -> list[str]:
    """Answers behind the values of a term's column: the codebook's keys, or the values."""
    key, _, category = term.removesuffix("]").partition("[")
    items = load_codebook().items
    plain = [f"{value:g}" for value in values]
    if own or key not in items:
        return plain
    item = items[key]
    if category:
        only = len(item.categories) == 2
        return [(item.reference or "") if only else f"not {category}", category][: len(values)]
    coded = {float(answer.code): answer.key for answer in item.categories}
    return [coded.get(float(v), text) for v, text in zip(values, plain, strict=True)]


def _pooled(group: NDArray[Any], smallest: int) -> list[tuple[str, ...]]:
    """Groups with enough rows each, and the smaller ones together with as many as it takes."""
    names, counts = np.unique(group, return_counts=True)
    order = np.argsort(counts, kind="stable")
    together: list[str] = []
    rows = 0
    for place in order:
        if counts[place] >= smallest and (not together or rows >= smallest):
            break
        together.append(str(names[place]))
        rows += int(counts[place])
    alone: list[tuple[str, ...]] = [(str(name),) for name in names if name not in together]
    return [*alone, tuple(together)] if together else alone


def _sum_up(
    pull: Floats, parts: list[tuple[str, tuple[str, ...]]], where: Any, smallest: int
) -> "pd.DataFrame":
    """Sums of pulls by part: (answer, groups)."""
    import pandas as pd

    total = float(np.abs(pull).sum())
    rows = []
    for answer, groups in parts:
        mine = pull[where(answer, groups)]
        size = float(np.abs(mine).sum())
        shown = len(mine) >= smallest
        hidden = float("nan")
        rows.append(
            {
                "answer": answer, "group": groups[0] if len(groups) == 1 else OTHERS,
                "n": len(mine), "pull": float(mine.sum()) if shown else hidden,
                "size": size if shown else hidden, "share": size / total if shown else hidden,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _refit(
    spec: ModelSpec,
    rows: Rows,
    left: Iterable[tuple[str, str, NDArray[np.bool_]]],
    contrast: Contrast,
    prob: float,
    *,
    smallest: int,
) -> "pd.DataFrame":
    """Fit without each part; priors follow the rows that are left."""
    import pandas as pd

    found = []
    for kind, which, kept in left:
        row: dict[str, Any] = {"left_out": kind, "which": which, "n": int(kept.sum())}
        try:
            if kind != "nobody" and (~kept).sum() < smallest:
                units = load_codebook().units
                raise UsageError(which, f"must have {smallest} {units} for this to be shown")
            result = fit(spec, rows.take(kept), engine="exact", prob=prob)
            mixture = contrast_posterior(result, contrast)
            low, high = mixture.quantile([0.5 - 0.5 * prob, 0.5 + 0.5 * prob])[0]
            below = float(mixture.cdf(0.0)[0])
            row |= {
                "estimate": float(mixture.mean()[0]), "sd": float(mixture.sd()[0]),
                "lower": float(low), "upper": float(high),
                "p_direction": max(below, 1 - below), "reason": "",
            }  # fmt: skip
        except BayesSFError as error:
            row["reason"] = str(error)
        found.append(row)
    figures = ["estimate", "sd", "lower", "upper", "p_direction"]
    return pd.DataFrame(found).reindex(columns=["left_out", "which", "n", *figures, "reason"])
