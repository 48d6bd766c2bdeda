"""Which kinds of workplaces there are, and how many of each in every industry.

Published: the 605 surveyed (table 1), the 572 with at least three quarters and the 420 with both
ends of the change (tables 8 and 9), and the totals 582, 519, 527, 516 and 403. How the differences
fall on the industries within those margins is decided here.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import published_table
from bayes_sf.replica.survey.answers import industry_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Stratum", "Workplaces", "stratum_sizes", "workplaces"]


class Stratum(IntEnum):
    """What the register has of a workplace; "bare" means without all controls of tables 3 and 5."""

    UNLINKED = 0
    FEW = 1  # one or two quarters
    MEAN_BARE = 2  # at least three quarters, but not both ends of the change
    MEAN = 3
    CHANGE_BARE = 4  # both ends of the change
    CHANGE = 5


# Decisions, by industry (construction, architects, ict, care, kindergarten, education). The 23 not
# found and the 10 with one or two quarters share what tables 1 and 8 lose (12, 7, 10, 1, 3, 0),
# and fall where the report says that the register is full of holes: the three private industries.
_UNLINKED = (8, 5, 6, 1, 3, 0)
_MEAN_BARE = (15, 13, 8, 1, 1, 1)
_CHANGE_BARE = (7, 4, 2, 1, 2, 1)


@dataclass(frozen=True)
class Workplaces:
    """The surveyed workplaces, ordered by industry and stratum.

    Parameters
    ----------
    industry : (605,) int array
        0 to 5, the order of the codebook.
    stratum : (605,) int array
        Values of `Stratum`.
    """

    industry: "NDArray[np.intp]"
    stratum: "NDArray[np.intp]"

    @property
    def linked(self) -> "NDArray[np.bool_]":
        """Found in the register: the 582 of table 46."""
        return self.stratum > Stratum.UNLINKED

    @property
    def mean(self) -> "NDArray[np.bool_]":
        """At least three quarters: the 572 of figure 5."""
        return self.stratum > Stratum.FEW

    @property
    def change(self) -> "NDArray[np.bool_]":
        """Both ends of the change: the 420 of tables 4 and 47."""
        return self.stratum >= Stratum.CHANGE_BARE

    @property
    def full(self) -> "NDArray[np.bool_]":
        """All controls and at least three quarters: the 516 of table 3."""
        return np.isin(self.stratum, (Stratum.MEAN, Stratum.CHANGE))


@cache
def stratum_sizes() -> "NDArray[np.int64]":
    """Return workplaces per stratum and industry, (6, 6).

    Examples
    --------
    >>> stratum_sizes().sum(axis=1).tolist()
    [23, 10, 39, 113, 17, 403]
    """
    order = [industry.key for industry in load_codebook().industries]
    mean, change = (
        published_table(table).set_index("industry")["count"].loc[order].to_numpy(np.int64)
        for table in ("8", "9")
    )
    unlinked, mean_bare, change_bare = map(np.array, (_UNLINKED, _MEAN_BARE, _CHANGE_BARE))
    return np.stack(
        [
            unlinked,
            industry_sizes() - mean - unlinked,
            mean_bare,
            mean - change - mean_bare,
            change_bare,
            change - change_bare,
        ]
    )


@cache
def workplaces() -> Workplaces:
    """List the surveyed workplaces, industry by industry.

    Returns
    -------
    Workplaces
        605 of them.
    """
    sizes = stratum_sizes()
    industry = np.repeat(np.arange(sizes.shape[1]), sizes.sum(axis=0))
    stratum = np.concatenate([np.repeat(np.arange(len(sizes)), column) for column in sizes.T])
    return Workplaces(industry, stratum)
