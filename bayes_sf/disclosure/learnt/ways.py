"""The ways in which a model may leave: how many digits of what, and which terms are not said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bayes_sf.disclosure.learnt.statistics import ICC, SPREAD
from bayes_sf.spec.moments import INTERCEPT

__all__ = ["LEVELS", "PLAIN", "SHARED", "SLOPES", "WITHHELD", "Release", "Way"]

#: What all groups are in: beside a hidden group it is not said of models with predictors, since
#: each of them is one more equation in that group's mean.
SHARED: Final = frozenset({INTERCEPT, SPREAD, ICC, "sd_group"})


class Way(NamedTuple):
    """A way in which a model may leave.

    `fewer` are digits fewer than two of a standard error, of coefficients, and of levels and
    spreads; `unsaid` terms that are not said, with `slopes` no level is; `room` how many times what
    a reader must not know has to be left: one model does not take all that there is.
    """

    fewer: tuple[int, int]
    unsaid: frozenset[str] = frozenset()
    slopes: bool = False
    room: float = 1.0


#: Ways in the order in which they are tried. Beside a hidden group levels of the others tell of it
#: most, for they are shrunk towards a mean that it is in, then intercept and ICC: of models with
#: predictors slopes alone are said.
PLAIN: Final = tuple(Way(fewer) for fewer in ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2)))
LEVELS: Final = (
    *(Way(fewer, room=1.4) for fewer in ((0, 0), (0, 1), (1, 1))),
    Way((1, 2), frozenset({INTERCEPT}), room=1.4),
    Way((1, 2), frozenset({INTERCEPT, ICC, "sd_group"})),
    Way((2, 2), frozenset({INTERCEPT, ICC, "sd_group"})),
)
SLOPES: Final = (
    Way((0, 0), SHARED, slopes=True, room=1.4),
    Way((1, 0), SHARED, slopes=True),
    Way((2, 0), SHARED, slopes=True),
)


@dataclass(frozen=True, slots=True)
class Release:
    """How a model leaves.

    Parameters
    ----------
    fewer : int
        Digits of a coefficient fewer than two of its standard error; -1 for a model that is
        withheld.
    decimals : mapping
        Term, or group in brackets -> most decimals.
    unsaid : frozenset of str
        Terms that are not said.
    rough : int
        Digits fewer than two of whatever has fewest.
    """

    fewer: int
    decimals: Mapping[str, int] = field(default_factory=dict)
    unsaid: frozenset[str] = frozenset()
    rough: int = 0

    @property
    def withheld(self) -> bool:
        """Whether it does not leave."""
        return self.fewer < 0

    @property
    def finest(self) -> int:
        """Most decimals of anything in the outcome's unit."""
        own = (at for name, at in self.decimals.items() if name != ICC)
        return max(own, default=0)

    def places(self, term: str, group: str = "") -> int:
        """Most decimals of a figure.

        Parameters
        ----------
        term, group : str
            As in a row of estimates.
        """
        own = f"[{group}]" if group else term
        levels = (at for name, at in self.decimals.items() if name.startswith("["))
        shared = [self.decimals[name] for name in (INTERCEPT, SPREAD) if name in self.decimals]
        return self.decimals.get(own, next(iter(shared), min(levels, default=0)))


#: A model that does not leave.
WITHHELD: Final = Release(-1)
