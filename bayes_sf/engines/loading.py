"""What is asked of a fit: linear combinations of its coefficients, effects and residuals.

An engine's answer to a `Loading` is a mixture of normals, or an estimate with its standard error;
of a family with a link it is an answer on the link scale.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_sf.arrays import Floats

__all__ = ["Loading"]


@dataclass(frozen=True, eq=False)
class Loading:
    """m linear combinations of a model's coefficients and effects.

    Parameters
    ----------
    x : (m, p) array
        Of the raw coefficients.
    offset : (m,) array
        Added.
    z : tuple of (m, J k) sparse matrices or None
        Of each factor's effects, level by level; None for none.
    fresh : tuple of (m, k) arrays or None
        Of effects of a level that was never seen, one for each combination; None for none.
    noise : (m,) array
        Variance of a residual that is added, in units of sigma^2.
    """

    x: Floats
    offset: Floats
    z: tuple[Any, ...]
    fresh: tuple[Floats | None, ...]
    noise: Floats

    def __len__(self) -> int:
        """Number of combinations."""
        return len(self.x)

    @property
    def fixed(self) -> bool:
        """Whether coefficients are all that they are made of."""
        return all(each is None for each in (*self.z, *self.fresh)) and not self.noise.any()

    def take(self, rows: "slice | np.ndarray[Any, np.dtype[np.intp]]") -> "Loading":
        """Some of the combinations."""
        return Loading(
            self.x[rows], self.offset[rows], tuple(z if z is None else z[rows] for z in self.z),
            tuple(f if f is None else f[rows] for f in self.fresh), self.noise[rows],
        )  # fmt: skip

    def times(self, matrix: Any) -> "Loading":
        """Combinations of the combinations, (r, m) sparse; of those without a residual.

        Effects of a level that was never seen are those of one level in all of a row's.
        """
        return Loading(
            matrix @ self.x, matrix @ self.offset,
            tuple(z if z is None else matrix @ z for z in self.z),
            tuple(f if f is None else matrix @ f for f in self.fresh), np.zeros(matrix.shape[0]),
        )  # fmt: skip

    def plus(self, other: "Loading") -> "Loading":
        """Sum of each combination and another of the same factors; of those without a residual."""

        def both(one: Any, more: Any) -> Any:
            return None if one is None else one + more

        return Loading(
            self.x + other.x, self.offset + other.offset, tuple(map(both, self.z, other.z)),
            tuple(map(both, self.fresh, other.fresh)), np.zeros(len(self)),
        )  # fmt: skip
