"""Masses of the joint density on as many quadrature nodes as it takes to resolve it.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.gaussian.likelihood import standardise
>>> from bayes_sf.engines.gaussian.joint import Joint, resolve_priors
>>> from bayes_sf.spec.moments import Moments
>>> from bayes_sf.spec.priors import Priors
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> data = standardise(Moments.from_frame(df, outcome="y", group="g"))
>>> grid = resolve(Joint.build(data, resolve_priors(Priors(), data)))
>>> float(grid.weight.sum().round(12)), max(grid.unresolved()) < 1e-9
(1.0, True)
"""

from dataclasses import dataclass

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.joint import Given, Joint
from bayes_sf.engines.gaussian.quadrature import Axis, Box, find_box, unresolved
from bayes_sf.errors import ConvergenceError, SpecError

__all__ = ["Grid", "resolve"]


#: Where the search for the mass begins: sigma up to sd(y), tau from 0.
_START = Box(-2.0, 0.5, 0.0, 1.6)

#: Nodes for t and z at first; an axis that is not resolved gets 1.5 times as many, up to the limit.
_NODES = (56, 64)
_MOST = 500
#: Largest trailing coefficient of a resolved distribution function. A quantile's error is this
#: over the density: 1e-9/0.003 posterior sd at the 0.1 % quantile of a normal.
_RESOLVED = 1e-9


@dataclass(frozen=True, eq=False)
class Grid:
    """The density on the nodes of a box.

    Parameters
    ----------
    joint : Joint
        The density.
    t, z : Axis
        Nodes of ln sigma and of the coordinate of tau.
    weight : (Z, T) array
        Mass at each node, summing to one.
    given : Given
        What depends on z alone, at its nodes.
    log_total : float
        Log of the whole mass before it was scaled to one.
    """

    joint: Joint
    t: Axis
    z: Axis
    weight: Floats
    given: Given
    log_total: float

    @classmethod
    def over(cls, joint: Joint, box: Box, n_t: int, n_z: int) -> "Grid":
        """Evaluate the density at n_t times n_z nodes."""
        t, z = Axis.over(box.t_low, box.t_high, n_t), Axis.over(box.z_low, box.z_high, n_z)
        given = joint.given(z.nodes)
        log_density = joint.log_density(t.nodes, z.nodes, given)
        peak = log_density.max()
        mass = np.exp(log_density - peak) * z.weights[:, None] * t.weights
        total = mass.sum()
        return cls(joint, t, z, mass / total, given, float(peak + np.log(total)))

    @property
    def box(self) -> Box:
        """The rectangle of (t, z)."""
        return Box(self.t.low, self.t.high, self.z.low, self.z.high)

    def summary(self) -> Floats:
        """Means of sigma, lambda/(1 + lambda) and z, and their sds, (6,)."""
        share = self.given.lam / (1 + self.given.lam)
        values = np.exp(self.t.nodes), share[:, None], self.z.nodes[:, None]
        means = [(self.weight * value).sum() for value in values]
        sds = [
            np.sqrt((self.weight * (value - mean) ** 2).sum())
            for value, mean in zip(values, means, strict=True)
        ]
        return np.array([*means, *sds])

    def unresolved(self) -> tuple[float, float]:
        """Return what series along t and along z leave out of the distribution functions.

        The mass tilted for second moments counts a hundredth: integrals converge twice as fast as
        series, and far in the tail of tau the density carries rounding errors.
        """
        tilted = self.weight * np.exp(self.joint.tilt(self.t.nodes, self.z.nodes))
        masses = (self.weight, 0.01 * tilted / tilted.sum())
        return max(unresolved(m, 1) for m in masses), max(unresolved(m, 0) for m in masses)


def resolve(joint: Joint, nodes: tuple[int, int] | None = None, start: Box | None = None) -> Grid:
    """Find the box of the mass, and nodes that resolve the density there.

    Parameters
    ----------
    joint : Joint
        The density.
    nodes : (int, int), optional
        Nodes for t and z, taken as they are.
    start : Box, optional
        Where to look for the mass first.

    Raises
    ------
    SpecError
        When it is not resolved, and a prior is far from the data.
    ConvergenceError
        When 500 nodes on an axis do not resolve it otherwise.
    """
    try:
        return _resolve(joint, nodes, start)
    except ConvergenceError as error:
        role = joint.at_odds()
        if not role:
            raise
        raise SpecError(
            f"priors.{role}",
            "must not be so far from the data that there is hardly a posterior",
            got=str(getattr(joint, role, "")) or None,
            fix="give it a wider scale, or a location nearer to the data",
        ) from error


def _resolve(joint: Joint, nodes: tuple[int, int] | None, start: Box | None) -> Grid:
    """Do so, whatever the priors."""
    box = find_box(joint.log_density, joint.tilt, start or _START)
    if nodes:
        return Grid.over(joint, box, *nodes)
    n_t, n_z = _NODES
    while max(n_t, n_z) <= _MOST:
        grid = Grid.over(joint, box, n_t, n_z)
        error_t, error_z = grid.unresolved()
        if max(error_t, error_z) <= _RESOLVED:
            return grid
        n_t = n_t * 3 // 2 if error_t > _RESOLVED else n_t
        n_z = n_z * 3 // 2 if error_z > _RESOLVED else n_z
    raise ConvergenceError(
        "exact engine",
        f"must resolve the density of sd_resid and sd_group with {_MOST} nodes per axis",
        got=f"{error_t:.0e} of sd_resid and {error_z:.0e} of sd_group unresolved",
        fix="use smoother priors on them, e.g. half-t, or another group",
    )
