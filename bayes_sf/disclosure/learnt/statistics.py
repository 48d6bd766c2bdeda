"""What the figures of a model rest on: their weights on rows, their fixed digits, their cells.

Complete pooling, partial pooling at REML's estimate and no pooling are the three ways in which a
model's coefficients and levels weigh its rows; a prior moves a posterior among them. How many
digits a figure has follows from the data alone, two of its standard error: from a posterior's own
sd a tight prior would make more.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.disclosure.rounding import significant_decimals
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.errors import BayesSFError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.names import predictor_of
from bayes_sf.spec.rows import Rows

__all__ = [
    "Statistics", "contrast_statistics", "pull_statistics", "ratio_of", "rests_on_few",
    "statistics_of",
]  # fmt: skip

#: Fewest residual degrees of freedom of a model that leaves, as in ACRO.
DEGREES = 10
#: A column of no more different values has cells.
_CELLS = 2
#: Decimals of an ICC.
_ICC_DECIMALS = 3
#: Name of a residual standard deviation.
SPREAD, ICC = "sd_resid", "icc"


@dataclass(frozen=True, eq=False)
class Statistics:
    """Figures of a model as weighted sums of its rows' outcomes.

    Parameters
    ----------
    weights : (k, n) float array
    names : tuple of str
        Of the k figures: a term; of a level its group's in brackets.
    decimals : mapping
        Name -> decimals that show two digits of its standard error.
    units : mapping
        Name -> what one of a figure is in what its weights give, where that is not 1: an ICC is
        known as a between-group sd, near where it is, and the sd of a slope as a residual sd.
    spread : float
        How far outcomes are from what the model expects, or those of the group with the least.
    """

    weights: Floats
    names: tuple[str, ...]
    decimals: dict[str, int]
    units: Mapping[str, float] = field(default_factory=dict)
    spread: float = np.inf

    def without(self, terms: Collection[str]) -> "Statistics":
        """The same without some figures."""
        kept = [at for at, name in enumerate(self.names) if name not in terms]
        names = tuple(self.names[at] for at in kept)
        left = {name: at for name, at in self.decimals.items() if name not in terms}
        return replace(self, weights=self.weights[kept], names=names, decimals=left)

    def fewer(self, coefficients: int, others: int) -> "Statistics":
        """The same with fewer digits: of coefficients, and of levels and spreads."""
        kind = {name for name in self.decimals if name.startswith("[") or name in {SPREAD, ICC}}
        less = {
            name: at - (others if name in kind else coefficients)
            for name, at in self.decimals.items()
        }
        return replace(self, decimals=less)

    def rests_on(self, terms: Collection[str]) -> float:
        """Fewest workplaces that a coefficient rests on: so many of equal weight (Kish 1965).

        Of who gave an answer that few gave it is their number, and of who gave one of two answers
        that nearly all gave alike; of a number that one is far out in, one.

        Parameters
        ----------
        terms : collection of str

        Examples
        --------
        >>> Statistics(np.array([[0.5, 0.5, 0, 0], [0.1, 0, 0, 0]]), ("a", "b"), {}).rests_on(["a"])
        2.0
        """
        own = self.weights[[name in terms for name in self.names]] ** 2
        own = own[own.sum(axis=1) > 0]
        return float((own.sum(axis=1) ** 2 / (own**2).sum(axis=1)).min(initial=np.inf))

    @property
    def half_units(self) -> Floats:
        """Half a unit of the last digit of each figure, (k,)."""
        places = np.array([self.decimals[name] for name in self.names], dtype=float)
        units = np.array([self.units.get(name, 1.0) for name in self.names])
        half: Floats = 0.5 * 10.0**-places * units
        return half


def statistics_of(rows: Rows, spec: ModelSpec, hidden: Collection[str] = ()) -> Statistics:
    """Weights of everything that a model says.

    Parameters
    ----------
    rows : Rows
    spec : ModelSpec
    hidden : collection of str
        Groups whose levels do not leave.
    """
    ratio = ratio_of(rows)
    found = [_told_with(rows, spec, hidden, ratio, precision) for precision in _precisions(rows)]
    decimals = {name: min(one.decimals[name] for one in found) for name in found[0].decimals}
    return replace(
        found[0], weights=np.vstack([one.weights for one in found]), decimals=decimals,
        names=tuple(name for one in found for name in one.names),
    )  # fmt: skip


def _precisions(rows: Rows) -> list[Floats]:
    """What rows count for against each other, each (n,).

    As a known error says; where an outcome is a mean of some measurements between equally and as
    their number.
    """
    equal = np.ones(len(rows.y))
    if rows.known_se is not None:
        return [1 / rows.known_se**2]
    return [equal] if rows.repeats is None else [equal, rows.repeats]


def _told_with(
    rows: Rows, spec: ModelSpec, hidden: Collection[str], ratio: float, precision: Floats
) -> Statistics:
    """Weights of everything that a model says, where rows count for so much."""
    root = np.sqrt(precision / precision.mean())
    y, size = rows.y * root, len(rows.y)
    levels = [f"[{group}]" for group in rows.groups]
    dummies = np.eye(len(rows.groups))[rows.code] * root[:, None]
    x = rows.x * root[:, None]
    fixed = np.column_stack([root, x])
    own, varying = x, _by_group(spec)
    if varying:  # every group has a slope of its own
        at = [k for k, term in enumerate(rows.predictors)
              if predictor_of(term, spec.predictors) in varying]  # fmt: skip
        inside = np.eye(len(rows.groups))[rows.code]
        own = np.column_stack([x, *(inside * x[:, [k]] for k in at)])
    slopes = [*rows.predictors, *[f"{SPREAD}[slope]"] * (own.shape[1] - x.shape[1])]
    sizes = (dummies**2).sum(axis=0)
    pooled = _weights(fixed, dummies, np.zeros(len(sizes)))
    shrunk = ratio / (1 + ratio * sizes)
    partial = _weights(fixed, dummies, shrunk)
    single = _weights(own, dummies, 1 / sizes)
    parts = [
        (pooled, [INTERCEPT, *rows.predictors], fixed),
        (_and_levels(partial, fixed, dummies, shrunk), [INTERCEPT, *rows.predictors, *levels],
         None),
        (_and_levels(single, own, dummies, 1 / sizes), [*slopes, *levels],
         np.column_stack([own, dummies])),
    ]  # fmt: skip
    whole = parts[-1][2]
    assert whole is not None
    degrees = max(size - np.linalg.matrix_rank(whole), 1)
    rest = y - whole @ (parts[-1][0] @ y)
    sigma = float(np.sqrt(rest @ rest / degrees)) or 1.0
    weights: list[Floats] = [_of_groups(y, parts[-1][0][-len(levels) :])]
    names: list[str] = [ICC]
    decimals: dict[str, int] = {ICC: _ICC_DECIMALS}
    icc_unit = sigma * (1 + ratio) ** 2 / (2 * np.sqrt(ratio))
    for part, of, design in parts:
        for row, name in zip(part, of, strict=True):
            if name[1:-1] in hidden and name in levels:
                continue
            weights.append(row)
            names.append(name)
            if name not in levels:
                places = significant_decimals(sigma * float(np.sqrt(row @ row)))
                decimals[name] = min(places, decimals.get(name, places))
        if design is not None:
            weights.append(_of_spread(y, design, part))
            names.append(SPREAD)
    if spec.resid_by_group:  # a spread of each, said with the digits of its level
        shown = [j for j, group in enumerate(rows.groups) if group not in hidden]
        weights += [_of_part(rest, rows.code == j) for j in shown]
        names += [levels[j] for j in shown]
    # One workplace far out is much of a sum of squares: a digit less than of a sum.
    decimals[SPREAD] = significant_decimals(sigma / np.sqrt(2 * degrees)) - 1
    for name, n in zip(levels, np.bincount(rows.code, minlength=len(levels)), strict=True):
        decimals[name] = significant_decimals(sigma / np.sqrt(n))
    square = (rest / root) ** 2
    spread = float(np.sqrt(square.sum() / degrees))
    if spec.resid_by_group:
        spread = float(np.sqrt((np.bincount(rows.code, square) / np.bincount(rows.code)).min()))
    return Statistics(
        np.array(weights) * root, tuple(names), decimals, {ICC: icc_unit}, spread
    )  # fmt: skip


def _by_group(spec: ModelSpec) -> tuple[str, ...]:
    """Predictors whose slope may be one group's: it varies, or one group's rows count for most."""
    return spec.predictors if spec.resid_by_group else spec.varying


def _of_part(rest: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """The residual sd of some rows near where it is: its gradient by the outcomes."""
    own = np.where(chosen, rest, 0.0)
    degrees = max(int(chosen.sum()) - 1, 1)
    found: Floats = own / np.sqrt(max(float(own @ own) * degrees, 1e-12))
    return found


def contrast_statistics(rows: Rows, term: str, size: float, ratio: float) -> Statistics:
    """Weights of a contrast, and of the residual sd that its own sd tells.

    Parameters
    ----------
    rows : Rows
    term : str
        One of its predictors.
    size : float
        How far it moves.
    ratio : float
        As `ratio_of`, of these rows or of much the same.

    Examples
    --------
    >>> rows = Rows("y", "g", ("x",), ("a", "b"), np.array([1.0, 2, 4, 3, 5, 7]),
    ...             np.array([[0.0], [1], [2], [0], [1], [2]]), np.array([0, 0, 0, 1, 1, 1]))
    >>> found = contrast_statistics(rows, "x", 2.0, 0.5)
    >>> (found.weights[0] @ rows.y).round(6), found.names
    (np.float64(3.5), ('x', 'x', 'x', 'sd[x]'))
    """
    dummies = np.eye(len(rows.groups))[rows.code]
    fixed = np.column_stack([np.ones(len(rows.y)), rows.x])
    sizes, at = dummies.sum(axis=0), rows.predictors.index(term)
    shares = (np.zeros(len(sizes)), ratio / (1 + ratio * sizes))
    weights = [_weights(fixed, dummies, share) for share in shares]
    within = _weights(rows.x, dummies, 1 / sizes)
    own = size * np.array([*(part[at + 1] for part in weights), within[at]])
    spread = _of_spread(rows.y, fixed, weights[0])
    sigma = float(spread @ rows.y) or 1.0
    lengths = np.sqrt((own**2).sum(axis=1))
    error = sigma * float(lengths[lengths > 0].min(initial=np.inf))
    places = significant_decimals(error)
    sd = f"sd[{term}]"
    return Statistics(
        np.vstack([own, spread]), (term,) * len(own) + (sd,), {term: places, sd: places},
        {sd: sigma / error},
    )  # fmt: skip


def _of_groups(y: Floats, levels: Floats) -> Floats:
    """The sd of the groups' levels near where it is: its gradient by the outcomes."""
    found = levels @ y
    apart = found - found.mean()
    degrees, square = max(len(found) - 1, 1), float(apart @ apart)
    gradient: Floats = apart @ levels / np.sqrt(degrees * max(square, 1e-12))
    return gradient


def pull_statistics(
    rows: Rows, term: str, size: float, ratio: float, parts: Mapping[str, NDArray[np.bool_]]
) -> Statistics:
    """Weights of pulls on a contrast: what it is with some rows, less what it is without each.

    Parameters
    ----------
    rows : Rows
    term, size, ratio
        As in `contrast_statistics`.
    parts : mapping
        Name -> whose pulls are summed, (n,) bool; under ``"|name|"`` the sum of their sizes.

    Examples
    --------
    Without the last of two rows in four a mean moves by a third of what that row is from it.

    >>> rows = Rows("y", "g", ("x",), ("a",), np.array([1.0, 2, 4, 3]),
    ...             np.array([[0.0], [0], [1], [1]]), np.array([0, 0, 0, 0]))
    >>> own = {"last": np.array([False, False, False, True])}
    >>> found = pull_statistics(rows, "x", 1.0, 1e-9, own)
    >>> (found.weights @ rows.y).round(6).tolist(), found.names
    ([-0.5, 0.5], ('last', '|last|'))
    """
    dummies = np.eye(len(rows.groups))[rows.code]
    fixed = np.column_stack([np.ones(len(rows.y)), rows.x])
    sizes = dummies.sum(axis=0)
    share = ratio / (1 + ratio * sizes)
    own = size * _weights(fixed, dummies, share)[1 + rows.predictors.index(term)]
    project = np.eye(len(rows.y)) - fixed @ _weights(fixed, dummies, share)
    rest = project - dummies @ (share[:, None] * (dummies.T @ project))
    pulls = (own / np.maximum(np.diag(rest), _SINGULAR))[:, None] * rest  # of each row
    signs = np.sign(pulls @ rows.y)
    found = {name: pulls[of].sum(axis=0) for name, of in parts.items()}
    found |= {f"|{name}|": signs[of] @ pulls[of] for name, of in parts.items()}
    sigma = float(_of_spread(rows.y, fixed, _weights(fixed, dummies, 0 * share)) @ rows.y) or 1.0
    decimals = {
        name: significant_decimals(sigma * float(np.sqrt(row @ row))) for name, row in found.items()
    }
    return Statistics(np.array([*found.values()]), tuple(found), decimals)


def ratio_of(rows: Rows) -> float:
    """REML's tau^2/sigma^2; where there is none, groups of middle size are half pooled.

    Parameters
    ----------
    rows : Rows
    """
    try:
        found = fit_reml(rows.moments)
    except BayesSFError:
        return len(rows.groups) / len(rows.y)
    return max(float((found.sd_group / found.sd_resid) ** 2), 1e-4)


def _weights(columns: Floats, dummies: Floats, share: Floats) -> Floats:
    """Weights of generalised least squares, where each group gives up a share of its sum.

    None of it is complete pooling, 1/n of it no pooling, tau^2/(sigma^2 + n tau^2) in between.
    """
    length = np.sqrt((columns**2).sum(axis=0))
    scaled = columns / np.where(length > 0, length, 1.0)
    rest = scaled - dummies @ (share[:, None] * (dummies.T @ scaled))
    found = np.linalg.pinv(scaled.T @ rest, rcond=_SINGULAR, hermitian=True) @ rest.T
    weights: Floats = found / np.where(length > 0, length, 1.0)[:, None]
    return weights


def _and_levels(weights: Floats, columns: Floats, dummies: Floats, share: Floats) -> Floats:
    """Weights of coefficients, then of levels: so much of what they leave of a group's sum."""
    left = dummies.T - (dummies.T @ columns) @ weights
    return np.vstack([weights, share[:, None] * left])


#: Directions in which columns say less than this, of one of length 1, say nothing.
_SINGULAR = 1e-13


def _of_spread(y: Floats, design: Floats, weights: Floats) -> Floats:
    """A residual standard deviation near where it is: its gradient by the outcomes."""
    rest = y - design @ (weights @ y)
    square = float(rest @ rest)
    degrees = max(len(y) - design.shape[1], 1)
    found: Floats = rest / np.sqrt(square * degrees) if square > 0 else rest
    return found


def rests_on_few(rows: Rows, spec: ModelSpec, least: int) -> bool:
    """Whether a model has a cell of too few, or too few degrees of freedom.

    A cell is an answer, or who did not give it; of a slope that varies, that in each group. Who has
    the standard error of a coefficient has the size of its cell. An empty cell counts as a small
    one: which of the two it is is not said either.

    Parameters
    ----------
    rows : Rows
    spec : ModelSpec
    least : int
        Fewest workplaces in a cell.
    """
    free = len(rows.y) - rows.x.shape[1] - len(rows.groups)
    if free < DEGREES:
        return True
    if spec.resid_by_group and np.bincount(rows.code).min() < least + 2:  # mean and sd of a few
        return True
    return any(count < least for count in _cells(rows, spec))


def _cells(rows: Rows, spec: ModelSpec) -> Iterator[int]:
    """Sizes of the cells of each predictor whose columns have two values."""
    for name in spec.predictors:
        at = [k for k, term in enumerate(rows.predictors)
              if predictor_of(term, spec.predictors) == name]  # fmt: skip
        columns = rows.x[:, at]
        if not at or any(len(np.unique(column)) > _CELLS for column in columns.T):
            continue
        if any(len(np.unique(column)) < _CELLS for column in columns.T):
            yield 0
        parts = [columns]
        if name in _by_group(spec):
            parts = [columns[rows.code == j] for j in range(len(rows.groups))]
        for part in parts:
            yield from map(int, np.unique(part, axis=0, return_counts=True)[1])
