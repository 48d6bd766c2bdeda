"""What is asked of completed panels: mean, change and trend of every workplace and industry.

They are of the realised quarters. Those observed are data, so a workplace with every quarter has no
uncertainty left; gaps bring theirs along, draw by draw.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.panel.data import CHANGE_QUARTERS
from bayes_sf.engines.panel.draws import Completed
from bayes_sf.engines.panel.fitted import PanelFit
from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["QUANTITIES", "industry_table", "loadings", "realised", "workplace_table"]


#: Quantities of a workplace's quarters, and their units.
QUANTITIES: Final = {"mean": "pp", "change": "pp", "trend": "pp per year"}


def loadings(quarters: tuple[str, ...], quantity: str) -> Floats:
    """Weights of the quarters in a quantity, (T,).

    Parameters
    ----------
    quarters : tuple of str
        "2016Q1", ...
    quantity : {"mean", "change", "trend"}
        Mean over all quarters; 2019Q4 less 2016Q4; slope of the least-squares line, pp per year.

    Raises
    ------
    UsageError
        For an unknown quantity, or a change that the quarters do not have.

    Examples
    --------
    >>> loadings(("2016Q4", "2019Q4"), "change").tolist()
    [-1.0, 1.0]
    """
    n = len(quarters)
    if quantity not in QUANTITIES:
        raise UsageError("quantity", f"must be one of {', '.join(QUANTITIES)}", got=quantity)
    if quantity == "mean":
        return np.full(n, 1 / n)
    if quantity == "trend":
        years = (np.arange(n) - (n - 1) / 2) / 4
        return np.asarray(years / (years @ years))
    if not set(CHANGE_QUARTERS) <= set(quarters):
        raise UsageError("change", f"needs quarters {' and '.join(CHANGE_QUARTERS)}", got=quarters)
    return np.array([(name == CHANGE_QUARTERS[1]) - (name == CHANGE_QUARTERS[0]) * 1.0
                     for name in quarters])  # fmt: skip


def realised(y: Floats, quarters: tuple[str, ...], quantity: str) -> Floats:
    """Give a quantity of panels without gaps.

    Parameters
    ----------
    y : (..., T) array
        Absence in pp.
    quarters, quantity
        As in `loadings`.

    Returns
    -------
    (...) array

    Examples
    --------
    >>> realised(np.array([[4.0, 6.0], [3.0, 3.0]]), ("2016Q4", "2019Q4"), "mean").tolist()
    [5.0, 3.0]
    """
    return np.asarray(y @ loadings(quarters, quantity))


def workplace_table(fit: PanelFit, done: Completed, *, prob: float = 0.95) -> "pd.DataFrame":
    """Posterior of every workplace's mean, change and trend.

    Parameters
    ----------
    fit : PanelFit
        The panel model.
    done : Completed
        Its gaps filled in, many times.
    prob : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        `row` (place in the panel, no number of a workplace), `industry, quantity, n_observed,
        linked, estimate` (mean), `sd, lower, upper, prob, interval, unit`.
    """
    import pandas as pd

    panel = fit.panel
    about = {
        "row": np.arange(len(panel.code)),
        "industry": np.array(panel.industries)[panel.code],
        "n_observed": panel.observed.sum(axis=1),
        "linked": panel.linked,
    }
    tables = []
    for quantity, unit in QUANTITIES.items():
        values = realised(done.y, panel.quarters, quantity)
        tables.append(pd.DataFrame({**about, "quantity": quantity, **_told(values, prob, unit)}))
    return pd.concat(tables, ignore_index=True)


def industry_table(fit: PanelFit, done: Completed, *, prob: float = 0.95) -> "pd.DataFrame":
    """Posterior of every industry's mean, change and trend: averages over its workplaces.

    Parameters
    ----------
    fit, done, prob
        As in `workplace_table`.

    Returns
    -------
    pandas.DataFrame
        `industry, quantity, n` (workplaces), `n_observed_share` (of their quarters), `estimate`
        (mean), `sd, lower, upper, prob, interval, unit`.
    """
    import pandas as pd

    panel = fit.panel
    count = np.bincount(panel.code, minlength=len(panel.industries))
    member = np.eye(len(panel.industries))[panel.code] / count
    about = {
        "industry": list(panel.industries),
        "n": count,
        "n_observed_share": panel.observed.mean(axis=1) @ member,
    }
    tables = []
    for quantity, unit in QUANTITIES.items():
        values = realised(done.y, panel.quarters, quantity) @ member
        tables.append(pd.DataFrame({**about, "quantity": quantity, **_told(values, prob, unit)}))
    return pd.concat(tables, ignore_index=True)


def _told(values: Floats, prob: float, unit: str) -> dict[str, object]:
    """Posterior mean, sd and limits of draws, (S, m)."""
    if not 0 < prob < 1:
        raise UsageError("prob", "must lie between 0 and 1", got=prob)
    lower, upper = np.quantile(values, [0.5 - 0.5 * prob, 0.5 + 0.5 * prob], axis=0)
    return {
        "estimate": values.mean(axis=0), "sd": values.std(axis=0, ddof=1),
        "lower": lower, "upper": upper,
        "prob": prob, "interval": "credible-eti", "unit": unit,
    }  # fmt: skip
