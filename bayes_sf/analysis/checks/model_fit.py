"""How models fit the rows that they were fitted to: replications, leave-one-out and LOO-PIT.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> from bayes_sf.spec.model import ModelSpec
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> found = check_fit(fit(ModelSpec("y", group="g"), df), seed=1)
>>> bool(found.p > 0.05), len(found.checks)
(True, 5)
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bayes_sf.analysis.checks.loo import loo
from bayes_sf.analysis.checks.pit import even_p, loo_pit
from bayes_sf.analysis.checks.predictive_check import check_predictions
from bayes_sf.arrays import Floats
from bayes_sf.engines.result import Result

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ModelFit", "check_fit"]


@dataclass(frozen=True, eq=False)
class ModelFit:
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
    pit: Floats = field(repr=False)
    prob: float

    @property
    def p(self) -> float:
        """P value of LOO-PIT's being even."""
        return even_p(self.pit)


def check_fit(result: Result, *, seed: int) -> ModelFit:
    """Check a model against its rows.

    Parameters
    ----------
    result : Result
        Of a random intercept by ``exact``, fitted to rows in this session.
    seed : int
        Of the replications.
    """
    found, checks = loo(result), check_predictions(result, seed=seed)
    return ModelFit(
        result.spec.outcome, checks.loc[""].reset_index(), found.elpd, found.se, found.p_loo,
        loo_pit(result), result.prob,
    )  # fmt: skip
