"""The structure of a conditionally Gaussian model: what is compiled; the rest are numbers.

Two models of one structure share a compiled density: it is given other data and other prior scales.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.engines.sampled.graph import prior_structure
from bayes_sf.errors import SpecError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.prior import SHRINKAGE_FAMILIES
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows

__all__ = ["Structure", "score_moments", "slope_sds", "structure_of", "varying_coefficient"]

#: Standard deviations that a model can have, in the order of `Structure.sds`.
_SDS = ("sd_group", "sd_resid", "sd_slope", "sd_log_resid", "sd_repeat")
#: What residual variances can be, beside one for all.
_RESID = ("resid_by_group", "repeats", "known_se")


@dataclass(frozen=True)
class Structure:
    """What of a model is part of its compiled density.

    Parameters
    ----------
    spans : tuple of (int, int)
        First and behind the last column of every coefficient's predictor: the intercept's is the
        first, a monotonic predictor has one for each step.
    resid : {"", "resid_by_group", "repeats", "known_se"}
        What residual variances are, beside one for all.
    n_groups : int
        Groups J where residual variances differ by group, else 0: then any number will do.
    varying : int
        Coefficient that varies by group beside the intercept; 0 for none.
    shrinkage : str
        Family of a joint prior of the slopes, or "".
    sds : tuple of (str, (str, float))
        The standard deviations that are sampled: family of the prior, and its df or shape.
    """

    spans: tuple[tuple[int, int], ...]
    resid: str = ""
    n_groups: int = 0
    varying: int = 0
    shrinkage: str = ""
    sds: tuple[tuple[str, tuple[str, float]], ...] = ()

    @property
    def n_coef(self) -> int:
        """Coefficients k, the intercept included."""
        return len(self.spans)

    @property
    def n_columns(self) -> int:
        """Columns q of the design."""
        return self.spans[-1][1]

    @property
    def varying_columns(self) -> tuple[int, ...]:
        """Columns that have group effects."""
        return (0, self.spans[self.varying][0]) if self.varying else (0,)

    @property
    def steps(self) -> tuple[tuple[int, int, int], ...]:
        """Coefficients of several columns with their spans: they have a simplex."""
        return tuple((i, *span) for i, span in enumerate(self.spans) if span[1] - span[0] > 1)

    def collapse(self) -> NDArray[np.float64]:
        """Which columns make up which coefficient's predictor, (q, k); zero in place of simplexes.

        Examples
        --------
        >>> Structure(((0, 1), (1, 3))).collapse()
        array([[1., 0.],
               [0., 0.],
               [0., 0.]])
        """
        matrix = np.zeros((self.n_columns, self.n_coef))
        for coef, (start, stop) in enumerate(self.spans):
            matrix[start, coef] = stop - start == 1
        return matrix


def structure_of(rows: Rows, spec: ModelSpec, priors: Priors) -> Structure:
    """Structure of a model of given rows.

    Parameters
    ----------
    rows : Rows
        The data.
    spec : ModelSpec
        The model.
    priors : Priors
        Its resolved priors.

    Raises
    ------
    SpecError
        When the slope of a predictor with several columns is to vary.
    """
    resid = next((option for option in _RESID if getattr(spec, option)), "")
    has = {"sd_group", *spec.extra_priors} | ({"sd_resid"} if resid != "known_se" else set())
    return Structure(
        _spans(rows),
        resid=resid,
        n_groups=len(rows.groups) if resid == "resid_by_group" else 0,
        varying=varying_coefficient(spec, rows.coefficients),
        shrinkage=priors.slope.family if priors.slope.family in SHRINKAGE_FAMILIES else "",
        sds=tuple((role, prior_structure(getattr(priors, role))) for role in _SDS if role in has),
    )


def varying_coefficient(spec: ModelSpec, names: tuple[str, ...]) -> int:
    """Number of the coefficient that varies by group; 0 for none.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    names : tuple of str
        Its coefficients.

    Raises
    ------
    SpecError
        When the predictor has several columns.
    """
    if not spec.varying:
        return 0
    name = spec.varying[0]
    found = [place for place, n in enumerate(names) if n == name or n.startswith(f"{name}[")]
    if len(found) != 1:
        raise SpecError(
            f"model {spec.name!r}: varying", "must be a number, or have two categories",
            got=[names[place] for place in found],
            fix="leave its slope the same in every group, or code it as a number",
        )  # fmt: skip
    return found[0]


def score_moments(rows: Rows) -> Moments:
    """Moments of rows with each monotonic predictor as its score, 0 ... D: a column a coefficient.

    Parameters
    ----------
    rows : Rows
        The data.
    """
    starts = [start - 1 for start, _ in _spans(rows)[1:]]
    score = np.add.reduceat(rows.x, starts, axis=1) if starts else rows.x
    return Moments.from_arrays(
        np.column_stack([score, rows.y]), rows.code, outcome=rows.outcome,
        predictors=rows.coefficients[1:], groups=rows.groups, group=rows.group,
    )  # fmt: skip


def _spans(rows: Rows) -> tuple[tuple[int, int], ...]:
    """First and behind the last column of every coefficient; the intercept's is the first."""
    stops = {steps.start + 1: steps.stop + 1 for steps in rows.steps.values()}
    spans, column = [(0, 1)], 1
    while column <= rows.x.shape[1]:
        spans.append((column, stops.get(column, column + 1)))
        column = spans[-1][1]
    return tuple(spans)


def slope_sds(shrinkage: str, at: Mapping[str, Any]) -> Any:
    """Sds of the slopes of standardised predictors under a joint prior of them.

    ``pooled-normal``: sd_slopes. ``horseshoe`` (Piironen & Vehtari 2017, eq. 2.8): tau lambda
    c/sqrt(c^2 + tau^2 lambda^2), with global scale tau, local scales lambda and slab scale c.
    ``r2d2`` (Zhang et al. 2022): sigma sqrt(share R2/(1 - R2)).

    Parameters
    ----------
    shrinkage : str
        Family.
    at : mapping
        Arrays or tensors by name, that broadcast with a last dimension of slopes.

    Examples
    --------
    >>> at = {"local_scale": 3, "global_scale": 1, "slab_variance": 16}
    >>> round(slope_sds("horseshoe", at), 6)
    2.4
    """
    if shrinkage == "pooled-normal":
        return at["sd_slopes"]
    if shrinkage == "r2d2":
        return at["sd_resid"] * (at["share"] * at["r2"] / (1 - at["r2"])) ** 0.5
    product, slab = at["local_scale"] * at["global_scale"], at["slab_variance"]
    return product * (slab / (slab + product**2)) ** 0.5
