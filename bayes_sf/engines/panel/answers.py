"""What workplaces with unknown answers may have answered: summed out, with their industry's shares.

"Don't know" is a missing category, never a number. Every combination of answers is a term of a
finite mixture; an industry's shares have the Dirichlet posterior of its known answers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.panel.data import PanelData

__all__ = ["Candidates", "candidates", "log_prior"]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What workplaces with unknown answers may have answered.

    Parameters
    ----------
    n_workplaces : int
        N.
    owner : (D,) int array
        The workplaces.
    shift : (D, C, k) array
        Standardised predictors less those assumed, for each of at most C combinations.
    possible : (D, C) bool array
        Which combinations there are.
    cells : mapping
        Item -> (industries with unknown answers, (m,); counts of known answers there, (m, K)).
    cell, category : mapping
        Item -> place of its cell, (D,), -1 where known; category by combination, (D, C).
    """

    n_workplaces: int
    owner: NDArray[np.intp]
    shift: Floats
    possible: NDArray[np.bool_]
    cells: dict[str, tuple[NDArray[np.intp], Floats]]
    cell: dict[str, NDArray[np.intp]]
    category: dict[str, NDArray[np.intp]]


def candidates(data: PanelData) -> Candidates | None:
    """Every combination of answers that workplaces with gaps may have given; None without gaps."""
    from itertools import product

    choices = data.panel.choices
    if not choices:
        return None
    unknown = np.column_stack([choice.answer < 0 for choice in choices])
    owner = np.flatnonzero(unknown.any(axis=1))
    listed = []
    for row in unknown[owner]:
        each = [range(len(c.values)) if gap else [-1] for c, gap in zip(choices, row, strict=True)]
        listed.append(list(product(*each)))
    most = max(len(combos) for combos in listed)
    shift = np.zeros((len(owner), most, data.x.shape[1]))
    possible = np.zeros((len(owner), most), dtype=bool)
    category = {c.name: np.zeros((len(owner), most), dtype=np.intp) for c in choices}
    cell = {c.name: np.full(len(owner), -1) for c in choices}
    cells = {}
    for q, choice in enumerate(choices):
        industries = np.unique(data.panel.code[unknown[:, q]])
        counts = [
            np.bincount(
                choice.answer[(data.panel.code == j) & ~unknown[:, q]], minlength=len(choice.values)
            )
            for j in industries
        ]
        cells[choice.name] = (industries, np.array(counts, dtype=float))
        columns = list(choice.columns)
        table = (choice.values - data.x_centre[columns]) / data.x_scale[columns]
        for d, i in enumerate(owner):
            possible[d, : len(listed[d])] = True
            if unknown[i, q]:
                cell[choice.name][d] = int(np.searchsorted(industries, data.panel.code[i]))
                for c, combo in enumerate(listed[d]):
                    category[choice.name][d, c] = combo[q]
                    shift[d, c, columns] = table[combo[q]] - data.x[i, columns]
    return Candidates(len(data.x), owner, shift, possible, cells, cell, category)


def log_prior(found: Candidates) -> Any:
    """Log probability of each combination, (D, C), with the shares as variables of the model."""
    import pymc as pm
    import pytensor.tensor as pt

    n_owners, most = found.possible.shape
    total: Any = np.where(found.possible, 0.0, -1e10)
    for name, (_, counts) in found.cells.items():
        share = pm.Dirichlet(f"answers_{name}", a=1 + counts, shape=counts.shape)
        chosen = np.zeros((n_owners, most, *counts.shape))
        for d in np.flatnonzero(found.cell[name] >= 0):
            chosen[d, np.arange(most), found.cell[name][d], found.category[name][d]] = 1.0
        added = chosen.reshape(n_owners * most, -1) @ pt.log(share).flatten()
        total = total + added.reshape((n_owners, most))
    return total
