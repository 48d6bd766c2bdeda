"""What chains tell of themselves: R-hat, ESS, MCSE, divergences, energy, tree depth, the verdict.

Everything is read off a tree in ArviZ's schema, so that a saved fit is judged like a fresh one.

References
----------
Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16 (rank-normalised R-hat,
bulk and tail ESS); Betancourt (2016), arXiv:1604.00695 (E-BFMI).

Examples
--------
>>> import numpy as np, xarray as xr
>>> chain = np.random.default_rng(1).normal(size=(4, 500))
>>> stats = {"energy": chain, "diverging": chain > 99, "tree_depth": np.full((4, 500), 2)}
>>> shaped = {name: (("chain", "draw"), value) for name, value in stats.items()}
>>> posterior = xr.Dataset({"sd_group": (("chain", "draw"), chain)})
>>> tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": xr.Dataset(shaped)})
>>> [(check.name, check.passed) for check in checks(diagnose(tree))]
[('R-hat', True), ('bulk ESS', True), ('tail ESS', True), ('divergences', True)]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["ESS", "R_HAT", "Check", "Diagnosed", "checks", "converged", "diagnose"]


#: A fit is believed when R-hat is below, ESS at least, and no transition diverged.
R_HAT, ESS = 1.01, 400
#: Tail ESS is the smaller of those of these two quantiles.
_TAILS = (0.05, 0.95)
#: Share of draws of an ICC that may be exactly 0.
_AT_ZERO = 0.05


@dataclass(frozen=True)
class Check:
    """One rule of the verdict.

    Parameters
    ----------
    name : str
        What is looked at.
    parameter : str
        The parameter that is worst, or "" for the fit as a whole.
    value : float
        Its raw value.
    rule : str
        What must hold.
    passed : bool
        Whether it does.
    """

    name: str
    parameter: str
    value: float
    rule: str
    passed: bool


def diagnose(tree: "xr.DataTree") -> "pd.DataFrame":
    """Diagnostics of every parameter, unrounded.

    Parameters
    ----------
    tree : xarray.DataTree
        Groups ``posterior`` and ``sample_stats`` (``diverging``, ``energy``, ``tree_depth``); and,
        where the exact posterior is known, ``exact``: the same variables with a dimension
        ``moment`` (mean, sd, fourth central moment) instead of chain and draw.

    Returns
    -------
    pandas.DataFrame
        By parameter: ``mean, sd, ess_bulk, ess_tail, r_hat, mcse_mean, mcse_sd``; ``exact_mcse``
        and ``exact_mcse_sd``, the distances of mean and sd from the exact ones in units of the
        MCSE that as many draws from the exact posterior would have (NaN where it is not known or
        has no such moment): the draws' own is too small where they have missed a long tail. Of the
        fit as a whole, repeated in every row: ``divergences``, ``bfmi`` (of the worst chain),
        ``tree_depth`` (the deepest). An ICC that is 0 in a twentieth of the draws (of Student-t
        residuals without a variance) is left out: such measures are not for it, and what it is made
        of is there.
    """
    import pandas as pd
    from arviz_stats.base.array import array_stats

    stats: Any = array_stats  # its methods have no types
    names, draws = _flat(tree["posterior"].to_dataset(), ("chain", "draw"))
    judged = [
        i for i, name in enumerate(names) if name != "icc" or (draws[i] == 0).mean() < _AT_ZERO
    ]
    names, draws = [names[i] for i in judged], draws[judged]
    table = pd.DataFrame(index=pd.Index(names, name="parameter"))
    table["mean"] = draws.mean(axis=(1, 2))
    table["sd"] = draws.reshape(len(draws), -1).std(axis=1, ddof=1)
    table["ess_bulk"] = stats.ess(draws, method="bulk")
    table["ess_tail"] = stats.ess(draws, method="tail", prob=_TAILS)
    table["r_hat"] = stats.rhat(draws, method="rank")
    for moment in ("mean", "sd"):
        table[f"mcse_{moment}"] = stats.mcse(draws, method=moment)
    exact = np.full((len(names), 3), np.nan)
    if "exact" in tree.children:
        exact = _flat(tree["exact"].to_dataset(), ("moment",))[1][judged]
    mean, sd, fourth = exact.T
    noise, own = _noise_of_sd(sd, fourth), _noise_of_sd(*_moments(draws))
    table["exact_mcse"] = (table["mean"] - mean) / (table["mcse_mean"] * sd / table["sd"])
    table["exact_mcse_sd"] = (table["sd"] - sd) / (table["mcse_sd"] * noise / own)
    sampler = tree["sample_stats"]
    table["divergences"] = int(sampler["diverging"].sum())
    table["bfmi"] = float(np.min(stats.bfmi(sampler["energy"].to_numpy())))
    table["tree_depth"] = int(sampler["tree_depth"].max())
    return table


class Diagnosed:
    """What has draws in a tree, and is judged by them: a part of every sampled result."""

    tree: "xr.DataTree"

    @cached_property
    def _diagnosed(self) -> "pd.DataFrame":
        return diagnose(self.tree)

    def diagnostics(self) -> "pd.DataFrame":
        """R-hat, ESS, MCSE by parameter, divergences and, if known, distance to exact."""
        return self._diagnosed.copy()

    @cached_property
    def converged(self) -> bool:
        """Verdict from raw values: R-hat < 1.01, ESS >= 400, no divergence."""
        return converged(self._diagnosed)


def _moments(draws: Floats) -> tuple[Floats, Floats]:
    """Standard deviations and fourth central moments of draws, (m, chain, draw)."""
    flat = draws.reshape(len(draws), -1)
    off = flat - flat.mean(axis=1, keepdims=True)
    return flat.std(axis=1), (off**4).mean(axis=1)


def _noise_of_sd(sd: Floats, fourth: Floats) -> Floats:
    """Standard error of the sd of one independent draw, (m,): sqrt(mu4 - sd^4)/(2 sd)."""
    return np.sqrt(fourth - sd**4) / (2 * sd)


def _flat(dataset: "xr.Dataset", base: tuple[str, ...]) -> tuple[list[str], Floats]:
    """Scalars of a dataset, ``beta[q13]`` from variable and coordinate, and their values."""
    names: list[str] = []
    values: list[Floats] = []
    for name, variable in dataset.data_vars.items():
        others = [dim for dim in variable.dims if dim not in base]
        array = variable.transpose(*others, *base).to_numpy().astype(float)
        labels = [f"{name}[{label}]" for dim in others for label in dataset[dim].to_numpy()]
        names += labels or [str(name)]
        values.append(array.reshape(-1, *array.shape[len(others) :]))
    return names, np.concatenate(values)


def checks(table: "pd.DataFrame") -> tuple[Check, ...]:
    """Judge raw values: R-hat < 1.01, bulk and tail ESS >= 400, no divergence.

    Parameters
    ----------
    table : pandas.DataFrame
        What `diagnose` returned. A value that is not a number does not pass.
    """
    return tuple(_checks(table))


def _checks(table: "pd.DataFrame") -> Iterator[Check]:
    """Yield them one by one, each for the parameter that is worst."""
    names = [str(name) for name in table.index]
    r_hat = table["r_hat"].to_numpy()
    worst = int(np.argmax(r_hat))  # NaN counts as the largest
    yield Check("R-hat", names[worst], r_hat[worst], f"below {R_HAT}", bool(r_hat[worst] < R_HAT))
    for name, column in (("bulk ESS", "ess_bulk"), ("tail ESS", "ess_tail")):
        ess = table[column].to_numpy()
        worst = int(np.argmin(ess))  # and as the smallest
        yield Check(name, names[worst], ess[worst], f"at least {ESS}", bool(ess[worst] >= ESS))
    diverged = int(table["divergences"].iloc[0])
    yield Check("divergences", "", diverged, "none", diverged == 0)


def converged(table: "pd.DataFrame") -> bool:
    """Whether every check passes.

    Parameters
    ----------
    table : pandas.DataFrame
        What `diagnose` returned.
    """
    return all(check.passed for check in checks(table))
