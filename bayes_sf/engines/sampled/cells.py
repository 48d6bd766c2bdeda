"""What a conditionally Gaussian model sees of its data: cross products by cell, standardised.

Rows of a cell share group and residual variance: a cell is a group, or the rows of a group with
the same number of repeated measurements. Given the residual variances, a cell's count and the cross
products of its rows [1, X, y] are all that the likelihood needs, however many rows there are.

Columns are centred and scaled as everywhere (`gaussian`). A monotonic predictor keeps a column for
each of its D steps, centred and multiplied by D/sd of the score, so that a simplex times them is a
predictor with the same unit as the score; and it has one coefficient.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.joint import Joint, check_reach, resolve_priors
from bayes_sf.engines.gaussian.likelihood import Standardised, check_groups, standardise
from bayes_sf.engines.sampled.structure import (
    Structure,
    score_moments,
    structure_of,
    varying_coefficient,
)
from bayes_sf.errors import DataError, SpecError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.prior import SHRINKAGE_FAMILIES
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows

__all__ = ["Cells", "build_cells", "resolve_all"]


#: In sds of a predictor: how far its zero is from its mean where it is near.
_NEAR = 5.0
#: Known standard errors are within this factor of sd(y): beyond it rows know all, or nothing.
_KNOWN = 1e6


@dataclass(frozen=True, eq=False)
class Cells:
    """Cross products by cell, and priors, in standardised units.

    Parameters
    ----------
    data : Standardised
        Of the rows with monotonic predictors as scores: a column a coefficient.
    priors : Priors
        In the outcome's unit, with the additional ones that the model has.
    structure : Structure
        What is compiled.
    products : (C, q + 1, q + 1) array
        Cross products of [1, columns, y]; divided by the known variances where they are known.
    counts : (C,) array
        Rows.
    code : (C,) int array
        Group of each cell.
    repeats : (C,) array
        Repeated measurements behind each outcome; 1 where there are none.
    precise : (k,) array
        0 for a coefficient whose prior is flat, else 1.
    spread, location : (k,) arrays
        Sd and mean of the coefficients' priors; sd 1 where it is flat or sampled.
    scales : (S,) array
        Scales of the priors of the S sampled standard deviations.
    step_means : tuple of (D,) arrays
        Of each monotonic predictor: the shares of rows above its categories.
    """

    data: Standardised
    priors: Priors
    structure: Structure
    products: Floats
    counts: Floats
    code: NDArray[np.intp]
    repeats: Floats
    precise: Floats
    spread: Floats
    location: Floats
    scales: Floats
    step_means: tuple[Floats, ...]

    @property
    def zero(self) -> float:
        """Place of zero on the standardised column whose slope varies; 0 where none does."""
        if not self.structure.varying:
            return 0.0
        at = self.structure.varying - 1
        return float(-self.data.centre[at] / self.data.scale[at])

    @property
    def pivot(self) -> float:
        """Place on the same column where the sd of intercepts is sampled: its mean, or its zero.

        Far from the mean that sd says much the same as the slopes' does, and would be slow to
        sample; near it nothing is gained, and the density is simplest where priors hold.
        """
        return self.zero if abs(self.zero) < _NEAR else 0.0

    @cached_property
    def member(self) -> Floats:
        """Which cell is of which group, (J, C), 0 and 1."""
        groups = np.arange(self.data.moments.n_groups)
        return np.asarray(groups[:, None] == self.code, dtype=float)


def build_cells(rows: Rows, spec: ModelSpec) -> Cells:
    """Reduce rows to cells, and bring priors to the standardised scale.

    Parameters
    ----------
    rows : Rows
        The data.
    spec : ModelSpec
        The model, with a Gaussian likelihood.

    Raises
    ------
    DataError
        When the model cannot be fitted.
    SpecError
        For priors that leave the posterior improper, or that the model cannot have.
    """
    data = standardise(score_moments(rows))
    if rows.known_se is None:
        check_groups(data)
    elif data.moments.n_groups < 2:  # but a group may have one row
        where = f"model of {rows.outcome!r}: group {rows.group!r}"
        raise DataError(where, "must have at least two levels", got=list(rows.groups))
    priors = resolve_all(spec, data)
    _check_priors(spec, priors, data)
    structure = structure_of(rows, spec, priors)
    kinds = np.ones(len(rows.y)) if rows.repeats is None else rows.repeats
    (code, repeats), place = np.unique([rows.code, kinds], axis=1, return_inverse=True)
    table = _columns(rows, data, structure)
    products = np.zeros((len(code), table.shape[1], table.shape[1]))
    for cell in range(len(code)):
        part = table[place == cell]
        products[cell] = part.T @ part
    precise, spread, location = _coefficients(priors, data)
    units = {role: data.scale[-1] for role, _ in structure.sds} | {
        "sd_slope": data.scale[-1] / data.scale[varying_coefficient(spec, data.moments.terms) - 1],
        "sd_log_resid": 1.0,
    }
    return Cells(
        data, priors, structure, products, np.bincount(place).astype(float),
        code.astype(np.intp), repeats, precise, spread, location,
        np.array([getattr(priors, role).scale / units[role] for role, _ in structure.sds]),
        tuple(rows.x[:, start - 1 : stop - 1].mean(axis=0) for _, start, stop in structure.steps),
    )  # fmt: skip


def resolve_all(spec: ModelSpec, data: Standardised) -> Priors:
    """Priors in the outcome's unit, with the additional ones that the model has.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    data : Standardised
        Whose spreads the priors refer to.

    Raises
    ------
    SpecError
        When the slope of a predictor with several columns is to vary.
    """
    units = _units(spec, data)
    extra: dict[str, Any] = {
        role: spec.priors.of(role).resolve(units.get(role, 1)) for role in spec.extra_priors
    }
    return replace(resolve_priors(spec.priors, data), **extra)


def _units(spec: ModelSpec, data: Standardised) -> dict[str, float]:
    """What one autoscaled unit is of the sds that only some models have."""
    y_sd = float(data.scale[-1])
    x_sd = float(data.scale[varying_coefficient(spec, data.moments.terms) - 1])
    return {"sd_repeat": y_sd, "sd_slope": y_sd / x_sd}


def _check_priors(spec: ModelSpec, priors: Priors, data: Standardised) -> None:
    """A posterior that is proper, and a joint prior only where there are many slopes."""
    where = f"model {spec.name!r}: priors"
    Joint.build(data, priors)  # refuses improper ones
    for role, unit in _units(spec, data).items():
        prior = getattr(priors, role)
        if prior is not None and prior.family == "flat":
            raise SpecError(f"{where}.{role}", "must be proper", got="flat", fix="use a half-t")
        if prior is not None:
            check_reach(role, prior.scale / unit, "sd(y)/sd(x)" if role == "sd_slope" else "sd(y)")
    family, slopes = priors.slope.family, data.moments.predictors
    if family in SHRINKAGE_FAMILIES and len(slopes) < 2:
        rule = f"{family} is a prior of several slopes"
        raise SpecError(f"{where}.slope", rule, got=list(slopes), fix="use a normal prior")
    if family == "r2d2" and spec.known_se:
        rule = "r2d2 needs a residual variance that is estimated"
        raise SpecError(f"{where}.slope", rule, got="known_se", fix="use a horseshoe")


def _columns(rows: Rows, data: Standardised, structure: Structure) -> Floats:
    """Columns [1, X, y] of every row, standardised, (n, q + 1); over its known standard error."""
    scale = np.ones(structure.n_columns)
    for x_sd, (start, stop) in zip(data.scale, structure.spans[1:], strict=False):
        scale[start:stop] = x_sd / (stop - start)
    centred = np.column_stack([rows.x - rows.x.mean(axis=0), rows.y - data.centre[-1]])
    table = np.column_stack([np.ones(len(rows.y)), centred / [*scale[1:], data.scale[-1]]])
    if rows.known_se is None:
        return table
    share = data.scale[-1] / rows.known_se
    if share.max() > _KNOWN or share.min() < 1 / _KNOWN:
        rule = f"must hold known standard errors of {1 / _KNOWN:g} to {_KNOWN:g} times sd(y)"
        raise DataError(f"model of {rows.outcome!r}", rule, fix="look for a wrong value")
    return np.asarray(table * share[:, None])


def _coefficients(priors: Priors, data: Standardised) -> tuple[Floats, Floats, Floats]:
    """Whether priors of the coefficients are not flat, their sds and their means, (k,) each."""
    joint = Joint.build(data, priors)
    precise = joint.precision > 0
    spread = np.where(precise, joint.precision, 1.0) ** -0.5
    return precise.astype(float), spread, joint.mean
