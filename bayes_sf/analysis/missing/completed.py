"""Completed data sets: what the panel model's draws make of gaps, for other software.

One long table holds all sets under each other, as `mice::complete(imp, "long", include = TRUE)`
writes them and `mice::as.mids` reads them: ``.imp`` is 0 for the incomplete original and 1 ... m
for the sets, ``.id`` the number of the workplace. A column ``name_imputed`` is 1 where the value
of ``name`` is not, or not wholly, observed. Outcomes are those of all quarters of the panel, so
that a workplace with a gap has none in the original: a mean of the quarters that happen to be
there is another number.

Examples
--------
>>> kendall_tau_b(np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [1.0, np.nan, 2.0]])).round(3)
array([ 1.   , -0.333,    nan])
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.panel.data import CHANGE_QUARTERS
from bayes_sf.engines.panel.draws import Completed
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["CompletedSets", "completed_sets", "kendall_tau_b"]


#: What is no variable of a model: which set, which workplace.
_KEYS = (".imp", ".id")


@dataclass(frozen=True, eq=False)
class CompletedSets:
    """Completed data sets under the incomplete original.

    Parameters
    ----------
    n_sets : int
        m, the number of completed sets.
    workplaces : pandas.DataFrame
        ``.imp, .id, industry, n_quarters`` (observed), predictors, ``absence_mean`` (pp),
        ``absence_change`` (pp, where the panel has 2016Q4 and 2019Q4), ``absence_trend`` (tau-b),
        and a flag ``name_imputed`` for each that has gaps.
    quarters : pandas.DataFrame
        ``.imp, .id, industry, quarter, absence, absence_imputed``.
    """

    n_sets: int
    workplaces: "pd.DataFrame" = field(repr=False)
    quarters: "pd.DataFrame" = field(repr=False)

    def frames(self) -> "Iterator[pd.DataFrame]":
        """Yield the workplaces of each completed set."""
        for number in range(1, self.n_sets + 1):
            yield self.workplaces[self.workplaces[".imp"] == number]

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Outcomes that the sets have."""
        known = ("absence_mean", "absence_change", "absence_trend")
        return tuple(name for name in known if name in self.workplaces)


def completed_sets(panel: Panel, done: Completed) -> CompletedSets:
    """Make completed data sets of a panel's draws.

    Parameters
    ----------
    panel : Panel
        The incomplete original.
    done : Completed
        m draws of everything that is missing.
    """
    import pandas as pd

    every = [(panel.y, panel.x), *zip(done.y, done.x, strict=True)]
    workplaces, quarters = [], []
    for number, (y, x) in enumerate(every):
        workplaces.append(_workplaces(panel, y, x).assign(**{".imp": number}))
        quarters.append(_quarters(panel, y).assign(**{".imp": number}))
    joined = pd.concat(workplaces, ignore_index=True)
    missing = workplaces[0].isna()
    missing["absence_trend"] = missing["absence_mean"]  # a constant series has no tau-b either
    flags = {
        f"{name}_imputed": np.tile(missing[name].to_numpy(dtype=int), len(every))
        for name in missing.columns[missing.any()]
    }
    joined = joined.assign(**flags)
    names = [name for name in joined.columns if name not in _KEYS]
    return CompletedSets(
        len(done.y), joined[[*_KEYS, *names]],
        pd.concat(quarters, ignore_index=True)[
            [*_KEYS, "industry", "quarter", "absence", "absence_imputed"]
        ],
    )  # fmt: skip


def _workplaces(panel: Panel, y: Floats, x: Floats) -> "pd.DataFrame":
    """One set's workplaces; NaN where the original does not say."""
    import pandas as pd

    columns: dict[str, Any] = {
        ".id": np.arange(1, len(y) + 1),
        "industry": np.array(panel.industries)[panel.code],
        "n_quarters": panel.observed.sum(axis=1),
        **_predictors(panel, x),
        "absence_mean": y.mean(axis=1),
    }
    if set(CHANGE_QUARTERS) <= set(panel.quarters):
        first, last = (panel.quarters.index(quarter) for quarter in CHANGE_QUARTERS)
        columns["absence_change"] = y[:, last] - y[:, first]
    columns["absence_trend"] = kendall_tau_b(y)
    return pd.DataFrame(columns)


def _predictors(panel: Panel, x: Floats) -> dict[str, Any]:
    """Predictors by name: numbers and scores as they are, answers for dummies."""
    import pandas as pd

    found: dict[str, Any] = {}
    for name in dict.fromkeys(label.partition("[")[0] for label in panel.predictors):
        at = [i for i, label in enumerate(panel.predictors) if label.partition("[")[0] == name]
        if panel.predictors[at[0]] == name:
            found[name] = x[:, at[0]]
            continue
        item, dummies = load_codebook().item(name), x[:, at]
        others = [panel.predictors[i][len(name) + 1 : -1] for i in at]
        levels = [*(a.key for a in item.categories if a.key == item.reference), *others]
        place = np.where(dummies.max(axis=1) > 0.5, 1 + dummies.argmax(axis=1), 0)
        place = np.where(np.isnan(dummies).any(axis=1), -1, place)
        answers = np.array([*levels, None], dtype=object)[place]
        found[name] = pd.Categorical(answers, categories=levels)
    return found


def _quarters(panel: Panel, y: Floats) -> "pd.DataFrame":
    """One set's quarters, workplace after workplace."""
    import pandas as pd

    n, t = y.shape
    return pd.DataFrame(
        {
            ".id": np.repeat(np.arange(1, n + 1), t),
            "industry": np.repeat(np.array(panel.industries)[panel.code], t),
            "quarter": np.tile(panel.quarters, n),
            "absence": y.ravel(),
            "absence_imputed": (~panel.observed).astype(int).ravel(),
        }
    )


def kendall_tau_b(y: Floats) -> Floats:
    """Kendall's tau-b of complete series with time, (N,); NaN for a series with a gap or constant.

    Parameters
    ----------
    y : (N, T) array
        Series.
    """
    first, second = np.triu_indices(y.shape[1], k=1)
    signs = np.sign(y[:, second] - y[:, first])
    pairs, untied = len(first), np.abs(signs).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(signs.sum(axis=1) / np.sqrt(pairs * untied))
