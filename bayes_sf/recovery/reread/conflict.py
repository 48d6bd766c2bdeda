"""Whether one's own data agree with an earlier study, before its posterior becomes their prior.

Both are fitted under the same usual priors, and independent: P(own > earlier) is an integral of one
distribution function over the other's quantiles, and twice its smaller tail is how surprising the
gap between them is if both studies had one truth (Evans & Moshonov 2006 on conflict of prior and
data, Bayesian Analysis 1, 893-914).
"""

from typing import Final

import numpy as np

from bayes_sf.engines.asked import check_result
from bayes_sf.engines.gaussian.posterior import SPREADS, Posterior
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.recovery.reread.model import RereadModel

__all__ = ["prior_conflict"]

#: Middles of equally probable parts of the earlier posterior.
_PARTS: Final = (np.arange(200) + 0.5) / 200


def prior_conflict(earlier: RereadModel, own: Result) -> dict[str, float]:
    """How surprising the gap between an earlier study and one's own is, were both of one truth.

    Parameters
    ----------
    earlier : RereadModel
        Printed with its components, in the unit of one's own outcome.
    own : Result
        Of engine ``exact``, under priors that have nothing of the earlier study.

    Returns
    -------
    dict of str to float
        Two-sided tail probability of ``icc``, ``sd_group`` and ``sd_resid``; below 0.05 the earlier
        study should not be a prior without a reason for the gap.

    Raises
    ------
    UsageError
        For results of other engines, or another unit.
    """
    check_result(own)
    if not isinstance(own.fitted, Posterior):
        raise UsageError("own", "must be a result of engine 'exact'", got=own.engine)
    if not isinstance(earlier, RereadModel):
        raise UsageError("earlier", "must be a model of sf.reread", got=type(earlier).__name__)
    if own.spec.unit != earlier.unit:
        raise UsageError("own", f"must be in the earlier study's unit, {earlier.unit!r}",
                         got=own.spec.unit)  # fmt: skip
    before = earlier.result.fitted
    found = {}
    for name in SPREADS:
        below = float(np.mean(own.fitted.cdf(name, before.quantile(name, _PARTS))))
        found[name] = 2 * min(below, 1 - below)
    return found
