"""Simulation-based calibration: whether an engine returns the posterior that the model has.

Parameters are drawn from the prior, data from the model given them, and the model is fitted to the
data. Over many rounds the rank of each true value among its posterior draws is uniform, whatever
the model is, if both the model's code and the engine's are right (Talts et al. 2018). The log
likelihood of the data is ranked, too: it sees errors that no single parameter shows (Modrák et al.
2023).

Uniformity is judged by the whole distribution function of the ranks: at each rank the number below
is binomial, and the smallest of these tail probabilities is compared with that of simulated uniform
ranks (Säilynoja, Bürkner & Vehtari 2022).

Examples
--------
>>> rng = np.random.default_rng(1)
>>> good, bad = rng.integers(0, 101, 200), np.clip(rng.normal(50, 10, 200), 0, 100).astype(int)
>>> uniform_p(good, 101) > 0.05, uniform_p(bad, 101) < 0.001
(True, True)
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.jobs import in_parts
from bayes_sf.engines.fit import fit, rows_of
from bayes_sf.engines.sampled.pointwise import given_draws
from bayes_sf.engines.sampled.prior_draws import draw_prior, fixed_priors
from bayes_sf.errors import BayesSFError, UsageError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "Calibration", "calibrate", "check_calibration", "simulated_rows", "uniform_band", "uniform_p",
]  # fmt: skip

#: Posterior draws that a true value is ranked among, nearly independent: 101 possible ranks.
_KEPT = 100
#: Name of the log likelihood among the quantities.
LOG_LIKELIHOOD = "log_likelihood"


@dataclass(frozen=True, eq=False)
class Calibration:
    """Ranks of true values among their posterior draws.

    Parameters
    ----------
    spec : ModelSpec
        The model, its priors in the outcome's unit.
    engine : str
        ``exact`` or ``nuts``.
    ranks : pandas.DataFrame
        A row for each simulated data set, a column for each quantity, 0 to `kept`.
    kept : int
        Draws that a true value is ranked among.
    refused : tuple of str
        Data sets that could not be fitted, and why; they are no part of the ranks.
    not_converged : int
        Fits among the ranks whose diagnostics failed.
    """

    spec: ModelSpec
    engine: str
    ranks: "pd.DataFrame" = field(repr=False)
    kept: int
    refused: tuple[str, ...]
    not_converged: int

    def table(self) -> "pd.DataFrame":
        """By quantity: ``p`` (of uniform ranks), ``mean`` (0.5) and ``sd`` (0.289) of rank/kept."""
        import pandas as pd

        share = self.ranks / self.kept
        p = {name: uniform_p(self.ranks[name].to_numpy(), self.kept + 1) for name in self.ranks}
        return pd.DataFrame({"p": p, "mean": share.mean(), "sd": share.std()})

    @property
    def passed(self) -> bool:
        """Whether no quantity's ranks are other than uniform, 5 % over all (Bonferroni)."""
        p = self.table()["p"]
        return bool((p > 0.05 / len(p)).all())


def calibrate(
    spec: ModelSpec,
    data: Any,
    *,
    n: int = 200,
    engine: str | None = None,
    seed: int = 1,
    jobs: int = 1,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Calibration:
    """Run simulation-based calibration of a model on a design.

    Parameters
    ----------
    spec : ModelSpec
        The model. Its priors are written in the outcome's unit, and its predictors standardised:
        see `fixed_priors`.
    data : AnalysisSample, Rows or a data frame
        The design, and the outcomes that autoscaled priors refer to.
    n : int
        Simulated data sets.
    engine : {"exact", "nuts"}, optional
        By default ``exact`` where it can fit the model.
    seed : int
        Seed of everything.
    jobs : int
        Processes, each with its rounds; ranks do not depend on it.
    progress : callable
        Wraps the rounds.

    Raises
    ------
    UsageError
        For data without rows, another engine or fewer than 20 data sets; when a process was killed.
    SpecError
        When a prior is flat.
    """
    import pandas as pd

    chosen = check_calibration(spec, n=n, engine=engine)
    rows = rows_of(spec, data)
    if rows is None:
        raise UsageError("sbc", "needs rows", fix="use --data replica, or files of your own")
    fixed, design = fixed_priors(spec, rows)
    prior = draw_prior(fixed, design, n, seed=seed)["posterior"].to_dataset()
    shared = _Design(fixed, design, prior, chosen, seed)
    rounds = list(in_parts(_round, shared, range(n), jobs=jobs, progress=progress))
    return Calibration(
        fixed, chosen, pd.DataFrame([each.ranks for each in rounds if not each.refused]), _KEPT,
        tuple(each.refused for each in rounds if each.refused),
        sum(not each.converged for each in rounds),
    )  # fmt: skip


class _Design(NamedTuple):
    """What all rounds share: the model, its rows, true values from its prior, engine and seed."""

    spec: ModelSpec
    rows: Rows
    prior: "xr.Dataset"
    engine: str
    seed: int


class _Round(NamedTuple):
    """Ranks by quantity; or why a data set could not be fitted."""

    ranks: dict[str, int]
    refused: str = ""
    converged: bool = True


def _round(shared: _Design, number: int) -> _Round:
    """One data set: simulated, fitted, and its true values ranked."""
    truth = shared.prior.isel(draw=[number])
    rows = simulated_rows(
        truth, shared.rows, shared.spec, seed=shared.seed * 1_000_003 + number
    )  # fmt: skip
    try:
        result = fit(shared.spec, rows, engine=shared.engine, seed=number + 1)
    except BayesSFError as error:
        return _Round({}, refused=str(error))
    draws = result.some_draws(40 * _KEPT, seed=number + 1)["posterior"].to_dataset()
    return _Round(_ranks(truth, draws, rows, shared.spec), converged=result.converged)


def check_calibration(spec: ModelSpec, *, n: int, engine: str | None = None) -> str:
    """Refuse what cannot be calibrated, before data are read; return the engine.

    Parameters
    ----------
    spec, n, engine
        As in `calibrate`.

    Raises
    ------
    UsageError
        For an engine that does not fit the model, fewer than 20 data sets, and a model of what is
        missing, whose data sets are more than rows.
    """
    chosen = engine or spec.engines[0]
    if chosen not in ("exact", "nuts"):
        raise UsageError("sbc: engine", "must be exact or nuts", got=engine)
    where = f"sbc of model {spec.name!r}"
    if chosen not in spec.engines:
        fix = f"leave --engine out, or use {' or '.join(spec.engines)}"
        raise UsageError(where, "must be by an engine that fits the model", got=chosen, fix=fix)
    if n < 20:
        raise UsageError("sbc: n", "must be at least 20 data sets", got=n)
    if spec.models_gaps:
        rule, fix = "is of models of rows: what is missing is no part", "see docs/calibration.md"
        raise UsageError(where, rule, got=f"missing = {spec.missing!r}", fix=fix)
    return chosen


def simulated_rows(truth: "xr.Dataset", design: Rows, spec: ModelSpec, *, seed: int) -> Rows:
    """Rows with outcomes from the model, given one draw of its parameters.

    Parameters
    ----------
    truth : xarray.Dataset
        Parameters, with dimensions chain and draw of length one.
    design : Rows
        Everything but the outcomes.
    spec : ModelSpec
        The model.
    seed : int
        Seed.
    """
    import xarray as xr

    tree = xr.DataTree.from_dict({"posterior": truth})
    return replace(design, y=given_draws(tree, design, spec).replicate(seed=seed)[0, 0])


def _ranks(truth: "xr.Dataset", draws: "xr.Dataset", rows: Rows, spec: ModelSpec) -> dict[str, int]:
    """Rank of each true number among `_KEPT` of the draws."""
    import xarray as xr

    def log_likelihood(dataset: "xr.Dataset") -> NDArray[np.float64]:
        given = given_draws(xr.DataTree.from_dict({"posterior": dataset}), rows, spec)
        return np.asarray(given.log_likelihood().sum(axis=-1))

    total = draws.sizes["chain"] * draws.sizes["draw"]
    every = np.linspace(0, total - 1, _KEPT).round().astype(int)
    found, rng = {}, np.random.default_rng(rows.n_obs)  # breaks ties, as of an ICC that is 0
    for name, value in _numbers(truth):
        drawn = dict(_numbers(draws, only=name))[name].ravel()[every]
        found[name] = int((drawn < value.item()).sum() + rng.integers(0, 1 + _ties(drawn, value)))
    likelihood = log_likelihood(draws).ravel()[every]
    found[LOG_LIKELIHOOD] = int((likelihood < log_likelihood(truth).item()).sum())
    return found


def _ties(drawn: NDArray[np.float64], value: NDArray[np.float64]) -> int:
    """How many draws are the true value."""
    return int((drawn == value.item()).sum())


def _numbers(dataset: "xr.Dataset", only: str = "") -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Every number of a posterior by name, as in `diagnose`, (chain, draw) each."""
    for variable, values in dataset.data_vars.items():
        dims = values.dims[2:]
        if not dims:
            yield str(variable), values.to_numpy()
            continue
        for label in values[dims[0]].to_numpy():
            name = f"{variable}[{label}]"
            if not only or name == only:
                yield name, values.sel({dims[0]: label}).to_numpy()


def uniform_p(ranks: NDArray[np.int_], possible: int) -> float:
    """P value of uniform ranks: how rare so large a departure is anywhere.

    Parameters
    ----------
    ranks : (n,) int array
        0 to possible - 1.
    possible : int
        How many ranks there are.
    """
    return float((_simulated(len(ranks), possible) <= _least(ranks[None], possible)[0]).mean())


def uniform_band(n: int, possible: int, prob: float = 0.95) -> NDArray[np.float64]:
    """Band that holds the whole distribution function of n uniform ranks, (2, possible).

    Parameters
    ----------
    n : int
        Ranks.
    possible : int
        How many values a rank can have.
    prob : float
        Of being inside everywhere.
    """
    from scipy.stats import binom

    level = np.quantile(_simulated(n, possible), 1 - prob)
    share = np.arange(1, possible + 1) / possible
    return np.array([binom.ppf(level / 2, n, share), binom.isf(level / 2, n, share)]) / n


@lru_cache(maxsize=16)
def _simulated(n: int, possible: int, rounds: int = 2000) -> NDArray[np.float64]:
    """Least tail probability of the distribution function of n uniform ranks, many times."""
    rng = np.random.default_rng(20221)
    return _least(rng.integers(0, possible, size=(rounds, n)), possible)


def _least(ranks: NDArray[np.int_], possible: int) -> NDArray[np.float64]:
    """Least two-sided binomial tail probability over ranks, (rounds,); ranks (rounds, n)."""
    from scipy.stats import binom

    n = ranks.shape[1]
    below = np.array([np.bincount(r, minlength=possible) for r in ranks]).cumsum(axis=1)
    share = np.arange(1, possible + 1) / possible
    low = binom.cdf(np.arange(n + 1)[:, None], n, share)
    high = binom.sf(np.arange(n + 1)[:, None] - 1, n, share)
    tail = 2 * np.minimum(low, high)[below[:, :-1], np.arange(possible - 1)]
    return np.asarray(tail.min(axis=1))
