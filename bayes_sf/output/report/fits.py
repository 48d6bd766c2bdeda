"""How the models of a report fit their rows: what its section on fit is written from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.checks.calibration import uniform_p
from bayes_sf.analysis.checks.loo import loo
from bayes_sf.analysis.checks.pit import loo_pit
from bayes_sf.analysis.checks.predictive_check import check_predictions
from bayes_sf.disclosure.control import Control
from bayes_sf.engines.result import Result
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.calibration import PLACES

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.recovery.study import PublishedStudy

__all__ = ["Fit", "check_fit"]

#: Of a p value, which is simulated.
_LEAST: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Fit:
    """How one model fits the rows that it was fitted to.

    Parameters
    ----------
    outcome : str
    checks : pandas.DataFrame
        As `check_predictions`, of all rows together.
    elpd, se, p_loo : float
        As in `Loo`.
    pit : (n,) array
        As `loo_pit`.
    prob : float
        Of the intervals.
    """

    outcome: str
    checks: "pd.DataFrame" = field(repr=False)
    elpd: float
    se: float
    p_loo: float
    pit: NDArray[np.float64] = field(repr=False)
    prob: float

    @property
    def p(self) -> float:
        """P value of LOO-PIT's being even, as far as it is simulated."""
        ranks = np.minimum((self.pit * PLACES).astype(int), PLACES - 1)
        return max(uniform_p(ranks, PLACES), _LEAST)


def check_fit(
    results: Sequence[Result], data: "PublishedStudy | AnalysisSample", control: Control, *,
    seed: int,
) -> tuple[Fit, ...]:  # fmt: skip
    """Check models against their rows; nothing where there are none, or they are protected.

    Parameters
    ----------
    results : sequence of Result
        Null models.
    data : PublishedStudy or AnalysisSample
    control : Control
    seed : int
        Of the replications.
    """
    if not isinstance(data, AnalysisSample) or control.active:
        return ()
    return tuple(_fit(result, seed) for result in results)


def _fit(result: Result, seed: int) -> Fit:
    found, checks = loo(result), check_predictions(result, seed=seed)
    return Fit(
        result.spec.outcome, checks.loc[""].reset_index(), found.elpd, found.se, found.p_loo,
        loo_pit(result), result.prob,
    )  # fmt: skip
