"""The marginalised likelihood as a PyMC graph, compiled once per structure and re-used.

A structure is the families of the priors on the two standard deviations and room for 3, 6, ...
coefficients. Data and prior scales are put in afterwards, so that sixty models compile once.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.joint import Joint
from bayes_sf.engines.sampled.compiling import compile_model
from bayes_sf.spec.priors import Prior

__all__ = [
    "compiled_for",
    "eliminate",
    "marginal_model",
    "prior_structure",
    "put_in",
    "scale_log_density",
    "scale_variable",
]


#: Coefficients are padded to a multiple of this, so that few structures are compiled.
_ROOM = 3


def compiled_for(joint: Joint) -> Any:
    """Return nutpie's compiled density of (ln sigma, ln tau), standardised.

    Parameters
    ----------
    joint : Joint
        The same density; its numbers are put into the graph.
    """
    room = -(-joint.data.n_coef // _ROOM) * _ROOM
    resid, group = (prior_structure(prior) for prior in (joint.sd_resid, joint.sd_group))
    return put_in(_compiled(room, resid, group), _numbers(joint, room), (resid, group))


def put_in(
    compiled: Any, numbers: Mapping[str, NDArray[Any]], sds: Iterable[tuple[str, float]]
) -> Any:
    """Put numbers into a compiled graph; one whose sds are all flat has no place for scales.

    Parameters
    ----------
    compiled : nutpie's compiled model
    numbers : mapping
        By name, ``scales`` of the sds' priors among them.
    sds : iterable of (str, float)
        Structures of those priors, as `prior_structure` gives them.
    """
    left_out = {"scales"} if all(family == "flat" for family, _ in sds) else set()
    return compiled.with_data(**{k: v for k, v in numbers.items() if k not in left_out})


def prior_structure(prior: Prior) -> tuple[str, float]:
    """What of a prior is part of the compiled graph: its family and its df or shape."""
    shape = {"half-t": prior.df, "gamma": prior.shape}.get(prior.family, 0.0)
    return prior.family, float(shape)


def _numbers(joint: Joint, room: int) -> dict[str, Floats]:
    """What is put into a compiled graph with room for so many coefficients.

    A coefficient that the model does not have is a predictor that is zero in every row, with a
    standard normal prior: it changes nothing.
    """
    data, k = joint.data, joint.data.n_coef
    order = [*range(k), room]  # the outcome is last
    means, within = np.zeros((len(data.means), room + 1)), np.zeros((room + 1, room + 1))
    means[:, order], within[np.ix_(order, order)] = data.means, data.within
    precision, location = np.ones(room), np.zeros(room)
    precision[:k], location[:k] = joint.precision, joint.mean
    row, column = _lower(room + 1)
    return {
        "sizes": data.moments.sizes,
        "products": means[:, row] * means[:, column],
        "within": within[row, column],
        "precision": precision,
        "location": location,
        "scales": np.array([joint.sd_resid.scale, joint.sd_group.scale]),
    }


def _lower(size: int) -> tuple[list[int], list[int]]:
    """Rows and columns of a symmetric matrix's lower triangle."""
    row, column = np.tril_indices(size)
    return row.tolist(), column.tolist()


@lru_cache(maxsize=8)
def _compiled(room: int, sd_resid: tuple[str, float], sd_group: tuple[str, float]) -> Any:
    """Compile the model of a structure, once."""
    return compile_model(marginal_model(room, sd_resid, sd_group))


def marginal_model(room: int, sd_resid: tuple[str, float], sd_group: tuple[str, float]) -> Any:
    """Write the marginalised model of a structure; data and scales are put in later.

    The matrix [X y]'(I + lambda Z Z')^-1 [X y]/sigma^2 with the prior added is taken apart into
    scalars: they fuse into one function, while a Cholesky Op compiles four times as long.

    Parameters
    ----------
    room : int
        Coefficients there is room for.
    sd_resid, sd_group : (str, float)
        Family of the prior, and its df or shape.

    Returns
    -------
    pymc.Model
        Free variables ``sd_resid`` and ``sd_group``.
    """
    import pymc as pm
    import pytensor.tensor as pt

    row, column = _lower(room + 1)
    with pm.Model() as model:
        sizes = pm.Data("sizes", np.full(2, 2.0))
        products = pm.Data("products", np.ones((2, len(row))))
        within = pm.Data("within", np.ones(len(row)))
        precision = pm.Data("precision", np.ones(room))
        location = pm.Data("location", np.zeros(room))
        scales = pm.Data("scales", np.ones(2))
        sigma = scale_variable("sd_resid", sd_resid, scales[0])
        tau = scale_variable("sd_group", sd_group, scales[1])
        lam = (tau / sigma) ** 2
        weights = sizes / (1 + lam * sizes)
        cross = (within + (products * weights[:, None]).sum(axis=0)) / sigma**2
        entries = {(i, j): cross[n] for n, (i, j) in enumerate(zip(row, column, strict=True))}
        for i in range(room):
            entries[i, i] += precision[i]
            entries[room, i] += precision[i] * location[i]
        log_det, left = eliminate(entries, room)
        pm.Potential(
            "marginal_likelihood",
            -sizes.sum() * pt.log(sigma)
            - 0.5 * pt.log1p(lam * sizes).sum()
            - 0.5 * (log_det + left),
        )
    return model


def eliminate(entries: Mapping[tuple[int, int], Any], size: int) -> tuple[Any, Any]:
    """Compute ln |A| and c - b' A^-1 b of the matrix [[A, b], [b', c]] by Gaussian elimination.

    Parameters
    ----------
    entries : mapping
        Lower triangle of the matrix by (row, column), scalars of any kind.
    size : int
        Rows of A.
    """
    import pytensor.tensor as pt

    left, log_det = dict(entries), 0.0
    for pivot in range(size):
        log_det = log_det + pt.log(left[pivot, pivot])
        for i in range(pivot + 1, size + 1):
            share = left[i, pivot] / left[pivot, pivot]
            for j in range(pivot + 1, i + 1):
                left[i, j] = left[i, j] - share * left[j, pivot]
    return log_det, left[size, size]


def scale_variable(name: str, structure: tuple[str, float], scale: Any) -> Any:
    """A standard deviation with its prior; PyMC samples its logarithm."""
    family, arguments = _scale_family(structure, scale)
    return family(name, **arguments)


def scale_log_density(structure: tuple[str, float], scale: Any, value: Any) -> Any:
    """Log prior density of a standard deviation that is made of other variables."""
    import pymc as pm

    family, arguments = _scale_family(structure, scale)
    return pm.logp(family.dist(**arguments), value)


def _scale_family(structure: tuple[str, float], scale: Any) -> tuple[Any, dict[str, Any]]:
    """PyMC's distribution of a prior, and its arguments."""
    import pymc as pm

    family, shape = structure
    return {
        "half-t": (pm.HalfStudentT, {"nu": shape, "sigma": scale}),
        "half-normal": (pm.HalfNormal, {"sigma": scale}),
        "exponential": (pm.Exponential, {"scale": scale}),
        "gamma": (pm.Gamma, {"alpha": shape, "beta": 1 / scale}),
        "flat": (pm.HalfFlat, {}),
    }[family]
