"""Tipping points: the delta at which an effect's sign, or its interval's verdict on 0, changes.

Delta is by how many percentage points what is not observed differs from what a model says of it
(`mnar`, `unobserved`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TIPPING", "Tipping", "tipping_point", "tipping_points"]


#: Columns of `tipping_points`.
TIPPING: Final = ["pattern", "quantity", "term", "verdict_at_zero", "sign", "verdict"]


@dataclass(frozen=True)
class Tipping:
    """Where a claim changes, in pp of delta; None where it does not within the grid.

    Parameters
    ----------
    sign : float or None
        Delta nearest to 0 at which the estimate is 0.
    verdict : float or None
        Delta nearest to 0 at which a limit of the interval that decides the verdict is 0.
    verdict_at_zero : str
        ``above 0``, ``below 0`` or ``undecided``, at delta 0.
    """

    sign: float | None
    verdict: float | None
    verdict_at_zero: str


def tipping_point(effects: "pd.DataFrame") -> Tipping:
    """Find where the sign, or the interval's verdict on 0, changes; between deltas linearly.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `delta_effects`, delta 0 among its rows.

    Raises
    ------
    UsageError
        When delta 0 is not there, the effect cannot be negative, or there are several effects.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"delta": [-1.0, 0.0, 1.0], "estimate": [-0.5, -0.3, -0.1]})
    >>> table["lower"], table["upper"] = table["estimate"] - 0.2, table["estimate"] + 0.2
    >>> found = tipping_point(table.assign(term="q13"))
    >>> found.sign, round(found.verdict, 3), found.verdict_at_zero
    (None, 0.5, 'below 0')
    """
    which = [name for name in ("pattern", "quantity", "term") if name in effects]
    if len(effects[which].drop_duplicates()) > 1 or effects["delta"].duplicated().any():
        rule = "needs one effect, and each delta once"
        raise UsageError("tipping point", rule, got=effects[which].drop_duplicates().to_numpy())
    table = effects.sort_values("delta")
    if (table["term"] == "icc").any():
        raise UsageError("tipping point", "needs an effect that can be negative", got="icc")
    delta = table["delta"].to_numpy(dtype=float)
    if not (delta == 0).any():
        raise UsageError("deltas", "must hold 0", got=delta.tolist(), fix="add 0")
    curves = {name: table[name].to_numpy(dtype=float) for name in ("estimate", "lower", "upper")}
    at = int(np.flatnonzero(delta == 0)[0])
    verdict = "undecided"
    deciding = ["lower", "upper"]
    if curves["lower"][at] > 0:
        verdict, deciding = "above 0", ["lower"]
    elif curves["upper"][at] < 0:
        verdict, deciding = "below 0", ["upper"]
    roots = [root for name in deciding for root in _roots(delta, curves[name])]
    return Tipping(_nearest(_roots(delta, curves["estimate"])), _nearest(roots), verdict)


def tipping_points(effects: "pd.DataFrame") -> "pd.DataFrame":
    """Find the tipping points of every slope; an ICC has none.

    Parameters
    ----------
    effects : pandas.DataFrame
        Of one pattern, as in `tipping_point`, but of several quantities and terms.

    Returns
    -------
    pandas.DataFrame
        ``pattern, quantity, term, verdict_at_zero, sign, verdict``: deltas, NaN for none.
    """
    import pandas as pd

    rows = []
    for key, part in effects[effects["term"] != "icc"].groupby(TIPPING[:3], sort=False):
        tip = tipping_point(part)
        sign, verdict = (np.nan if at is None else at for at in (tip.sign, tip.verdict))
        rows.append((*key, tip.verdict_at_zero, sign, verdict))
    return pd.DataFrame(rows, columns=TIPPING)


def _roots(x: Floats, y: Floats) -> list[float]:
    """Where a piecewise linear curve is 0."""
    found = [float(v) for v, value in zip(x, y, strict=True) if value == 0]
    for left in np.flatnonzero(y[:-1] * y[1:] < 0):
        share = y[left] / (y[left] - y[left + 1])
        found.append(float(x[left] + share * (x[left + 1] - x[left])))
    return found


def _nearest(roots: list[float]) -> float | None:
    """The one nearest to 0."""
    return min(roots, key=abs) if roots else None
