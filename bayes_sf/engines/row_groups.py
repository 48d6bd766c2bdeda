"""Groups of a DataTree that are about rows, as ArviZ calls them: `az.loo` and its like take them.

Groups: ``log_likelihood``, ``posterior_predictive`` and ``observed_data`` have one variable ``y``
(obs); ``constant_data`` has ``x`` (obs, term) and the rows' levels.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.sampled.log_prior import log_prior
from bayes_sf.engines.sampled.pointwise import given_draws
from bayes_sf.engines.sampled.prior_draws import draw_prior, has_flat
from bayes_sf.errors import UsageError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["PRIOR_DRAWS", "check_room", "named_rows", "one_factor_groups", "one_factor_rows"]


#: Draws from the prior.
PRIOR_DRAWS = 2000
#: Numbers that one group of rows may have: 400 MB.
_MOST = 50_000_000


def check_room(draws: int, rows: int) -> None:
    """Refuse groups of rows that no memory holds.

    Parameters
    ----------
    draws, rows : int
        How many.

    Raises
    ------
    UsageError
        With what to do.
    """
    if draws * rows > _MOST:
        raise UsageError(
            "draws", f"has at most {_MOST} numbers for all rows",
            got=f"{draws} draws of {rows} rows",
            fix="take fewer draws, or rows=False for the posterior alone",
        )  # fmt: skip


def one_factor_groups(
    tree: "xr.DataTree", rows: Rows, spec: ModelSpec, *, seed: int
) -> dict[str, "xr.Dataset"]:
    """What draws of a model with one factor say of each row, the rows, and draws from the prior.

    Parameters
    ----------
    tree : xarray.DataTree
        Draws, with a group ``posterior``.
    rows : Rows
        What was fitted.
    spec : ModelSpec
        The model.
    seed : int
        Of replications and of the prior's draws.

    Returns
    -------
    dict
        ``prior`` (where none is flat), ``log_prior`` (of what has a prior at the top of the model),
        and those of `named_rows`.
    """
    import xarray as xr

    found: dict[str, xr.Dataset] = {}
    if not has_flat(spec, rows):
        prior = draw_prior(spec, rows, PRIOR_DRAWS, seed=seed)["posterior"].to_dataset()
        found["prior"] = prior.assign_coords(chain=[0], draw=np.arange(PRIOR_DRAWS))
    dims = ("chain", "draw")
    found["log_prior"] = xr.Dataset(
        {role: (dims, values) for role, values in log_prior(tree, rows, spec).items()}
    )
    return found | one_factor_rows(tree, rows, spec, seed=seed)


def one_factor_rows(
    tree: "xr.DataTree", rows: Rows, spec: ModelSpec, *, seed: int
) -> dict[str, "xr.Dataset"]:
    """What draws of a model with one factor say of each row, and the rows.

    Parameters
    ----------
    tree, rows, spec, seed
        As in `one_factor_groups`.
    """
    given = given_draws(tree, rows, spec)
    x = np.column_stack([np.ones(rows.n_obs), rows.x])
    more = {"repeats": rows.repeats, "known_se": rows.known_se}
    drawn = {
        "log_likelihood": given.log_likelihood(), "posterior_predictive": given.replicate(seed=seed)
    }  # fmt: skip
    level = {f"level|{rows.group}": np.array(rows.groups)[rows.code]}
    known = {name: values for name, values in more.items() if values is not None}
    return named_rows(rows.y, drawn, x, rows.terms, level | known)


def named_rows(
    y: Floats,
    drawn: Mapping[str, Floats],
    x: Floats,
    terms: tuple[str, ...],
    more: Mapping[str, NDArray[Any]],
) -> dict[str, "xr.Dataset"]:
    """Put what is known of rows into ArviZ's groups.

    Parameters
    ----------
    y : (n,) array
        Outcomes.
    drawn : mapping of (chain, draw, n) arrays
        ``log_likelihood`` of each row, and another outcome for it, ``posterior_predictive``.
    x : (n, p) array
        Columns of `terms`.
    terms : tuple of str
    more : mapping of (n,) arrays
        What else is known of each row, by our names.
    """
    import xarray as xr

    dims, obs = ("chain", "draw", "obs"), {"obs": np.arange(len(y))}
    constant = {"x": (("obs", "term"), x)} | {name: ("obs", v) for name, v in more.items()}
    return {
        **{name: xr.Dataset({"y": (dims, values)}, coords=obs) for name, values in drawn.items()},
        "observed_data": xr.Dataset({"y": ("obs", y)}, coords=obs),
        "constant_data": xr.Dataset(constant, coords={**obs, "term": list(terms)}),
    }
