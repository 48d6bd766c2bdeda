"""Is an association large enough to matter: the posterior against a stated region.

A region of practical equivalence (ROPE) is in the outcome's unit and about a stated contrast.
There is no default: a region "of 0.1 sd" for a slope per unit says something else as soon as the
predictor's unit changes.

The verdict is Kruschke's: ``inside`` when the whole interval lies in the region (practically
equivalent to no difference), ``outside`` when none of it does, else ``undecided``. The interval
here is equal-tailed, his is the highest-density one; for posteriors of slopes, which are nearly
symmetric, the two agree.

References
----------
Kruschke (2018), Advances in Methods and Practices in Psychological Science 1, 270-280 (the rule).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.analysis.contrast import Contrast, contrast_posterior
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PracticalSize", "Rope", "check_rope", "exceedance", "judge_size", "judge_sizes"]


@dataclass(frozen=True)
class Rope:
    """Differences that do not matter in practice.

    Parameters
    ----------
    low, high : float
        In `unit`; low < high.
    unit : str
        The outcome's: "pp" for absence.

    Raises
    ------
    UsageError
        For limits that are no numbers or not in order.
    """

    low: float
    high: float
    unit: str

    def __post_init__(self) -> None:
        """Refuse what is no region."""
        ends = (self.low, self.high)
        if not self.low < self.high or ends == (-inf, inf):
            rule = "must go from a lower to a higher value, one of them finite"
            raise UsageError("rope", rule, got=ends)

    def judge(self, lower: float, upper: float) -> str:
        """Kruschke's three-way rule on an interval: ``inside``, ``outside`` or ``undecided``."""
        if self.low <= lower and upper <= self.high:
            return "inside"
        return "outside" if upper < self.low or lower > self.high else "undecided"


@dataclass(frozen=True, slots=True)
class PracticalSize:
    """One contrast against one region.

    Parameters
    ----------
    outcome, model, term : str
    size, label : float, str
        Of the contrast.
    rope_low, rope_high, unit : float, float, str
        The region.
    mean, lower, upper : float
        Posterior of the contrast, equal-tailed limits.
    prob : float
        Probability of the limits.
    p_inside, p_below, p_above : float
        Posterior probabilities of the region and of either side; they sum to one.
    verdict : str
        ``inside``, ``outside`` or ``undecided``.
    p_direction : float
        Probability of the sign of the median.
    n, n_groups : int
    priors, source : str
        Priors, and which data, as in `Provenance`.
    """

    outcome: str
    model: str
    term: str
    size: float
    label: str
    rope_low: float
    rope_high: float
    unit: str
    mean: float
    lower: float
    upper: float
    prob: float
    p_inside: float
    p_below: float
    p_above: float
    verdict: str
    p_direction: float
    n: int
    n_groups: int
    priors: str
    source: str


def judge_size(
    result: Result, contrast: Contrast, rope: Rope, *, prob: float = 0.95
) -> PracticalSize:
    """Compare the posterior of a contrast with a region of practical equivalence.

    Parameters
    ----------
    result : Result
        Of engine ``exact``.
    contrast : Contrast
        How far the predictor moves.
    rope : Rope
        What does not matter, in the outcome's unit.
    prob : float
        Probability of the equal-tailed interval that gives the verdict.

    Raises
    ------
    UsageError
        When contrast or region is not stated, or the region is not in the outcome's unit.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.engines.fit import fit
    >>> from bayes_sf.spec.model import ModelSpec
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> result = fit(ModelSpec("y", predictors=("x",), group="g", unit="pp"), df)
    >>> step = Contrast("x", 1.0, "one step")
    >>> judge_size(result, step, Rope(-0.1, 0.1, "pp")).verdict
    'outside'
    >>> judge_size(result, step, Rope(-0.1, 0.1, ""))
    Traceback (most recent call last):
        ...
    bayes_sf.errors.UsageError: rope: must be in the outcome's unit, pp (got '')
    """
    check_rope(result, rope)
    if not 0 < prob < 1:
        raise UsageError("prob", "must lie between 0 and 1", got=prob)
    posterior = contrast_posterior(result, contrast)
    lower, upper = map(float, posterior.quantile([0.5 - 0.5 * prob, 0.5 + 0.5 * prob])[0])
    below, negative = (float(posterior.cdf(at)[0]) for at in (rope.low, 0.0))
    above = float(1 - posterior.cdf(rope.high)[0])
    return PracticalSize(
        outcome=result.spec.outcome, model=result.spec.name, term=contrast.term,
        size=contrast.size, label=contrast.label,
        rope_low=rope.low, rope_high=rope.high, unit=rope.unit,
        mean=float(posterior.mean()[0]), lower=lower, upper=upper, prob=prob,
        p_inside=1 - below - above, p_below=below, p_above=above,
        verdict=rope.judge(lower, upper), p_direction=max(negative, 1 - negative),
        n=result.moments.n_obs, n_groups=result.moments.n_groups,
        priors=str(result.priors), source=result.provenance.source,
    )  # fmt: skip


def judge_sizes(
    pairs: Iterable[tuple[Result, Contrast]], rope: Rope, *, prob: float = 0.95
) -> "pd.DataFrame":
    """Judge many contrasts against one region.

    Parameters
    ----------
    pairs : iterable of (Result, Contrast)
        Such as `widest_contrasts` gives.
    rope, prob
        As in `judge_size`.

    Returns
    -------
    pandas.DataFrame
        One row per pair, columns as `PracticalSize`.
    """
    import pandas as pd

    rows = [asdict(judge_size(result, contrast, rope, prob=prob)) for result, contrast in pairs]
    return pd.DataFrame(rows)


def exceedance(result: Result, contrast: Contrast, amounts: Sequence[float]) -> "pd.DataFrame":
    """Probability that a contrast is larger than given amounts.

    Parameters
    ----------
    result, contrast
        As in `judge_size`.
    amounts : sequence of float
        In the outcome's unit.

    Returns
    -------
    pandas.DataFrame
        `amount`; `p_above`, P(contrast > amount); `p_below`, P(contrast < -amount); `p_at_least`,
        P(|contrast| >= amount), which is 1 for amounts up to zero; `unit`, `term`, `label`.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.engines.fit import fit
    >>> from bayes_sf.spec.model import ModelSpec
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> result = fit(ModelSpec("y", predictors=("x",), group="g", unit="pp"), df)
    >>> table = exceedance(result, Contrast("x", 1.0, "one step"), [0.0, 0.5, 2.0])
    >>> bool(table["p_at_least"].is_monotonic_decreasing)
    True
    """
    import pandas as pd

    posterior = contrast_posterior(result, contrast)
    above = np.array([1 - posterior.cdf(a)[0] for a in amounts])
    below = np.array([posterior.cdf(-a)[0] for a in amounts])
    return pd.DataFrame(
        {
            "amount": np.asarray(amounts, dtype=float),
            "p_above": above,
            "p_below": below,
            "p_at_least": np.where(np.asarray(amounts) > 0, above + below, 1.0),
            "unit": result.spec.unit,
            "term": contrast.term,
            "label": contrast.label,
        }
    )


def check_rope(result: Result, rope: Rope) -> None:
    """Refuse a region that is not stated, or not in the outcome's unit.

    Parameters
    ----------
    result : Result
    rope : Rope
    """
    if not isinstance(rope, Rope):
        raise UsageError(
            "rope", "must be stated in the outcome's unit: there is no default", got=rope,
            fix='such as Rope(-0.5, 0.5, "pp")',
        )  # fmt: skip
    unit = result.spec.unit
    if rope.unit and not unit:
        fix = 'say it in the model: ModelSpec(..., unit="pp")'
        raise UsageError(f"model {result.spec.name}", "must have a unit for a rope", fix=fix)
    if rope.unit != unit:
        raise UsageError("rope", f"must be in the outcome's unit, {unit}", got=rope.unit)
