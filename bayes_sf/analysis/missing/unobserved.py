"""Workplaces whose outcome is not observed: a slope when theirs are delta pp from what is expected.

The pattern-mixture model of `delta`, of workplaces: all surveyed ones have answered the item; the
outcome of some is not observed. X and m enter through sums alone, and the report prints the answers
of everybody: the published study has this as well as a file of workplaces.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.analysis.contrast import exact_posterior
from bayes_sf.analysis.missing.delta import shift_along, shifted_rows
from bayes_sf.analysis.missing.imputation import QUANTITIES
from bayes_sf.analysis.missing.mnar import EFFECTS
from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.result import Result
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.design import score
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.recovery.answers import item_answers, surveyed
from bayes_sf.spec.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DELTAS", "PATTERN", "shift_effects", "shifted_slopes"]


#: Name of the pattern: whole workplaces are moved.
PATTERN: Final = "workplaces"
#: Percentage points, further than anything that can be meant: absence is about six percent.
DELTAS: Final = tuple(float(delta) for delta in range(-10, 11))


def shifted_slopes(part: ExactPosterior, everyone: Moments) -> Floats:
    """What one unit of delta adds to every coefficient at every node.

    Parameters
    ----------
    part : ExactPosterior
        Of the observed workplaces.
    everyone : Moments
        Of the same predictors, over all surveyed workplaces; the outcome's column is not looked at.

    Returns
    -------
    (k, G) array
        In raw units, the intercept first; nodes as in ``part.coef``.
    """
    return shift_along(part, _indicator(part.moments, everyone))


def _indicator(observed: Moments, everyone: Moments) -> Moments:
    """Moments of [x, m] of all surveyed workplaces, m being whether an outcome is missing."""
    p = len(everyone.predictors)
    seen, sums = np.zeros(everyone.n_groups), np.zeros((everyone.n_groups, p))
    for j, group in enumerate(observed.groups):
        at = everyone.groups.index(group)
        seen[at] = observed.sizes[j]
        sums[at] = observed.sizes[j] * observed.means[j, :p]
    sizes, x = everyone.sizes, everyone.means[:, :p]
    gone = sizes - seen
    share = gone / sizes
    cross = (sizes[:, None] * x - sums - gone[:, None] * x).sum(axis=0)
    within = np.zeros((p + 1, p + 1))
    within[:p, :p] = everyone.within[:p, :p]
    within[:p, p] = within[p, :p] = cross
    within[p, p] = (gone * (1 - share)).sum()
    return Moments(
        observed.outcome, everyone.predictors, everyone.groups, sizes,
        np.column_stack([x, share]), within, everyone.group,
    )  # fmt: skip


def _everyone(result: Result, data: Any) -> Moments:
    """Moments of a model's predictors over all surveyed workplaces with an answer that it uses."""
    terms, group = result.moments.predictors, result.moments.group
    if not isinstance(data, AnalysisSample):
        return _published(result.spec.name, result.moments)
    frame = data.frame
    columns: list[Floats] = []
    kept = np.ones(len(frame), dtype=bool)
    for name in result.spec.predictors:
        column = score(frame, name)
        levels = [term[len(name) + 1 : -1] for term in terms if term.startswith(f"{name}[")]
        if levels:
            known = [column.cat.categories[0], *levels]
            kept &= column.isin(known).to_numpy()
            columns += [np.asarray(column == level, dtype=float) for level in levels]
        else:
            columns.append(np.asarray(column, dtype=float))
            kept &= np.isfinite(columns[-1])
    table = np.column_stack([*columns, np.zeros(len(frame))])[kept]
    groups, code = np.unique(frame[group].to_numpy(dtype=str)[kept], return_inverse=True)
    return Moments.from_arrays(
        table, code, outcome=result.spec.outcome, predictors=terms,
        groups=tuple(map(str, groups)), group=group,
    )  # fmt: skip


def _published(item: str, observed: Moments) -> Moments:
    """The same from the printed counts of an item's answers."""
    answers, (groups, sizes) = item_answers(load_codebook(), item), surveyed()
    n, means, within = (array[0] for array in answers.expected(sizes))
    p = len(answers.terms)
    padded = np.zeros((p + 1, p + 1))
    padded[:p, :p] = within
    return Moments(
        observed.outcome, answers.terms, groups, n, np.column_stack([means, np.zeros(len(n))]),
        padded, observed.group,
    )  # fmt: skip


def shift_effects(
    results: Sequence[Result], data: Any, *, deltas: Sequence[float] = DELTAS
) -> "pd.DataFrame":
    """Posterior of every slope at every delta.

    Parameters
    ----------
    results : sequence of Result
        Exact fits of models of items, of ``absence_mean`` or ``absence_change``.
    data : PublishedStudy or AnalysisSample
        What they were fitted to.
    deltas : sequence of float
        Percentage points.

    Returns
    -------
    pandas.DataFrame
        Columns as of `bayes_sf.analysis.missing.mnar.delta_effects`; ``n_workplaces`` are those
        that are moved, ``n`` all with an answer, and ``n_cells`` is 0: no quarter is imputed.
    """
    import pandas as pd

    rows = []
    for result in results:
        everyone, parts = _everyone(result, data), exact_posterior(result).parts
        shifts = np.hstack([shifted_slopes(part, everyone) for part in parts])
        about = {
            "pattern": PATTERN, "quantity": QUANTITIES[result.spec.outcome], "n_cells": 0,
            "n_workplaces": everyone.n_obs - result.moments.n_obs, "n": everyone.n_obs,
            "n_groups": everyone.n_groups, "unit": "pp",
        }  # fmt: skip
        terms = list(enumerate(result.moments.predictors, start=1))
        coef = exact_posterior(result).coef
        rows += [row | about for row in shifted_rows(coef, shifts, deltas, terms, result.prob)]
    return pd.DataFrame(rows, columns=EFFECTS)
