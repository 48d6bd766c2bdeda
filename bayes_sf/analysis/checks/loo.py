"""Leave-one-out: how well a model predicts workplaces, and industries, that it has not seen.

For a Gaussian random-intercept model leaving one workplace out is exact: given (sigma, tau) its
predictive density is Gaussian, in closed form from the inverse covariance of all rows (Sundararajan
& Keerthi 2001, eq. 12-14), and p(y_i | y_-i) = 1/E[1/p(y_i | y_-i, sigma, tau)] over the exact
engine's nodes. Other models are weighted by Pareto-smoothed importance sampling (Vehtari, Gelman &
Gabry 2017), which the exact one checks. Leaving a whole industry out is a refit without it: its
workplaces are predicted as those of an industry never seen, whose effects are integrated out.

Priors stay at the scale that all rows give them (those of slopes, where a group is left out, at
that of the rows that are kept).

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> from bayes_sf.spec.model import ModelSpec
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> found = loo(fit(ModelSpec("y", group="g"), df))
>>> found.kind, found.pointwise.shape, round(found.elpd, 1)
('exact', (9,), -15.9)
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from warnings import catch_warnings, filterwarnings

import numpy as np

from bayes_sf.analysis.checks.left_out import left_out
from bayes_sf.analysis.checks.unseen import unseen
from bayes_sf.arrays import Floats
from bayes_sf.engines.asked import check_result
from bayes_sf.engines.fit import fit
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result
from bayes_sf.engines.sampled.pointwise import given_draws
from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.spec.family import family_of
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Loo", "compare_models", "exact_loo", "leave_group_out", "loo", "rows_of_result"]


#: Draws of an exact posterior where draws are needed.
_DRAWS = 4000


@dataclass(frozen=True, eq=False)
class Loo:
    """Expected log predictive density of rows left out one at a time.

    Parameters
    ----------
    kind : {"exact", "psis"}
        How it was computed.
    pointwise : (n,) array
        Log predictive density of each row given all others, in the outcome's unit.
    full : (n,) array
        Log of each row's posterior predictive density given all rows, itself included.
    pareto_k : (n,) array or None
        Shape of each row's importance weights; None where it is exact.
    good_k : float
        Above it a row's weights are not to be trusted: min(1 - 1/log10(draws), 0.7).
    """

    kind: str
    pointwise: Floats = field(repr=False)
    full: Floats = field(repr=False)
    pareto_k: Floats | None = field(default=None, repr=False)
    good_k: float = float("nan")

    @property
    def elpd(self) -> float:
        """Sum of the log densities."""
        return float(self.pointwise.sum())

    @property
    def se(self) -> float:
        """Standard error of the sum over rows."""
        return float(np.sqrt(len(self.pointwise) * self.pointwise.var()))

    @property
    def p_loo(self) -> float:
        """Effective number of parameters: how much better rows are predicted that were seen."""
        return float((self.full - self.pointwise).sum())

    @property
    def bad(self) -> int:
        """Number of rows whose weights are not to be trusted."""
        return 0 if self.pareto_k is None else int((self.pareto_k > self.good_k).sum())


def loo(result: Result) -> Loo:
    """Leave every row out in turn.

    Parameters
    ----------
    result : Result
        Fitted to rows in this session: exactly for a random intercept by ``exact``; by PSIS for
        ``nuts``, for several random terms and for other outcomes than Gaussian.

    Raises
    ------
    UsageError
        For ols, reml and ml, and where there are no rows.
    """
    check_result(result)
    if isinstance(result, MixedResult):
        return _psis(result.draws())
    rows = rows_of_result(result)
    if isinstance(result.fitted, Posterior):
        return exact_loo(result.fitted.parts[0], rows)
    import xarray as xr

    tree = result.draws(rows=False)
    values = given_draws(tree, rows, result.spec).log_likelihood()
    return _psis(
        xr.DataTree.from_dict(
            {
                "posterior": tree["posterior"].to_dataset(),
                "log_likelihood": xr.Dataset({"y": (("chain", "draw", "obs"), values)}),
            }
        )
    )


def _psis(tree: "xr.DataTree") -> Loo:
    """Leave every row out by importance sampling."""
    import arviz as az

    if "log_likelihood" not in tree.children:
        rule = "needs the log-likelihood of each row: counted rows (frequencies) have none"
        raise UsageError("loo", rule, fix="give every row by itself")
    values = tree["log_likelihood"]["y"].to_numpy()
    with catch_warnings():  # what ArviZ warns of is `bad`
        filterwarnings("ignore", message="Estimated shape parameter of Pareto")
        found = az.loo(tree, pointwise=True)
    flat = values.reshape(-1, values.shape[-1])
    return Loo(
        "psis", found.elpd_i.to_numpy(), _log_mean_exp(flat), found.pareto_k.to_numpy(),
        float(found.good_k),
    )  # fmt: skip


def exact_loo(posterior: ExactPosterior, rows: Rows) -> Loo:
    """Leave every row of a Gaussian random-intercept model out, without Monte Carlo error.

    See `bayes_sf.analysis.checks.left_out`.

    Parameters
    ----------
    posterior : ExactPosterior
        The posterior.
    rows : Rows
        The rows it was fitted to.
    """
    grid = posterior.grid
    inv_var = np.exp(-2 * grid.t.nodes)
    log_left = np.full(rows.n_obs, -np.inf)
    log_full = np.full(rows.n_obs, -np.inf)
    with np.errstate(divide="ignore"):
        log_mass = np.log(grid.weight)
    for node in left_out(posterior, rows):
        # Given all rows, row i's own density: N(y_i | y_i - pull, var) with var = sigma^2 (1 - own)
        # + sigma^2: the residual, and what is not known of its mean.
        spread = 2 - node.own
        seen = -0.5 * np.log(2 * np.pi * spread / inv_var) - 0.5 * node.pull**2 * inv_var / spread
        log_weight = log_mass[node.at]
        left = np.logaddexp.reduce(log_weight - node.log_density, axis=1)
        log_left = np.logaddexp(log_left, left)
        log_full = np.logaddexp(log_full, np.logaddexp.reduce(log_weight + seen, axis=1))
    unit = float(np.log(posterior.data.scale[-1]))
    return Loo("exact", -log_left - unit, log_full - unit)


def leave_group_out(result: Result, *, seed: int = 1) -> "pd.DataFrame":
    """Leave every group out in turn, and predict its rows as those of a group never seen.

    Parameters
    ----------
    result : Result
        Fitted to rows in this session; it is fitted anew for each group, by its own engine.
    seed : int
        Seed of fits that are sampled, and of the means of Student-t residuals.

    Returns
    -------
    pandas.DataFrame
        By group: ``n``, ``elpd`` (sum over its rows of the log density of each row by itself, group
        effect integrated out), ``mean`` (observed), ``predicted, lower, upper`` (median and
        equal-tailed limits of the mean of the group's rows), ``converged``. Of engine ``exact``
        nothing is drawn.

    Raises
    ------
    DataError
        With two groups: the sd of groups cannot be learned from one.
    """
    import pandas as pd

    rows = rows_of_result(result)
    if len(rows.groups) < 3:
        where = f"model of {rows.outcome!r}: group {rows.group!r}"
        raise DataError(where, "needs three levels to leave one out", got=list(rows.groups))
    spec = replace(result.spec, priors=result.priors or result.spec.priors)
    found = []
    for number, group in enumerate(rows.groups):
        kept, left = rows.take(rows.code != number), rows.take(rows.code == number)
        without = fit(spec, kept, engine=result.engine, prob=result.prob, seed=seed)
        new = unseen(without.fitted, left, spec, seed=seed)
        tail = 0.5 - 0.5 * result.prob
        low, middle, high = new.mean.quantile([tail, 0.5, 1 - tail])[0]
        found.append(
            (
                group, left.n_obs, float(new.log_density.sum()), float(left.y.mean()),
                float(middle), float(low), float(high), without.converged,
            )
        )  # fmt: skip
    columns = ["group", "n", "elpd", "mean", "predicted", "lower", "upper", "converged"]
    return pd.DataFrame(found, columns=columns).set_index("group")


def compare_models(results: Mapping[str, Result]) -> "pd.DataFrame":
    """Compare models of the same rows by leave-one-out.

    Parameters
    ----------
    results : mapping
        Name -> result, in any engine with a posterior.

    Returns
    -------
    pandas.DataFrame
        As ``arviz.compare``, raw numbers: best first, with ``elpd_diff`` and its standard error
        ``dse``, ``p``, ``elpd``, ``se``, stacking ``weight`` (Yao et al. 2018); ``bad_k``, rows
        whose importance weights are not to be trusted; and ``kind``.

    Raises
    ------
    UsageError
        For fewer than two models, or models of different rows: their sums are not comparable.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> null, x = fit("y ~ 1 + (1 | g)", df), fit("y ~ x + (1 | g)", df)
    >>> found = compare_models({"null": null, "x": x})
    >>> list(found.index), found["kind"].tolist()
    (['x', 'null'], ['exact', 'exact'])
    """
    import arviz as az
    import xarray as xr
    from arviz_stats.utils import ELPDDataLOO

    if len(results) < 2:
        raise UsageError("compare", "needs at least two models", got=list(results))
    _check_same_rows(results)
    found = {name: loo(result) for name, result in results.items()}
    data = {
        name: ELPDDataLOO(
            elpd=f.elpd, se=f.se, p=f.p_loo, n_samples=_DRAWS,
            n_data_points=len(f.pointwise), scale="log", warning=bool(f.bad), good_k=0.7,
            elpd_i=xr.DataArray(f.pointwise, dims="obs"),
            pareto_k=xr.DataArray(
                np.zeros(len(f.pointwise)) if f.pareto_k is None else f.pareto_k, dims="obs"
            ),
        )
        for name, f in found.items()
    }  # fmt: skip
    table: pd.DataFrame = az.compare(data, round_to="none")
    table["bad_k"] = [found[name].bad for name in table.index]
    table["kind"] = [found[name].kind for name in table.index]
    return table


def _check_same_rows(results: Mapping[str, Result]) -> None:
    """Sums of log densities of different rows, or in different units, say nothing together."""
    measures = {name: family_of(result.spec.family).measure for name, result in results.items()}
    if len(set(measures.values())) > 1:
        raise UsageError(
            "compare", "models must give the outcome densities, or probabilities, all of them",
            got=measures, fix="compare families of one kind, such as poisson and negativebinomial",
        )  # fmt: skip
    several = any(isinstance(result, MixedResult) for result in results.values())
    prints = {name: _outcome_print(result, several=several) for name, result in results.items()}
    first = next(iter(prints))
    for name, found in prints.items():
        if found != prints[first]:
            outcomes = {n: results[n].spec.outcome for n in (first, name)}
            raise UsageError(
                "compare", "models must have the same outcome of the same rows",
                got=outcomes,  # no numbers of rows: their difference may be one workplace
                fix="fit both to the rows that have every predictor"
                + ", and the same min_quarters" * bool(load_codebook().register),
            )  # fmt: skip


def _outcomes(result: Result) -> Floats:
    """Outcomes of the rows that a result was fitted to, in their order."""
    if not isinstance(result, MixedResult):
        return rows_of_result(result).y
    matrices = result.matrices
    if isinstance(result, OutcomeResult):
        trials = matrices.trials
        return matrices.y if trials is None else np.column_stack([matrices.y, trials])
    return matrices.y if matrices.offset is None else matrices.y + matrices.offset


def _outcome_print(result: Result, *, several: bool) -> str:
    """Fingerprint of outcomes and groups, in whatever order the rows come.

    Where factors are several models may have different ones: then it is of outcomes, row by row.
    """
    if several:
        said = repr(result.spec.outcome)
        values = _outcomes(result).round(10).astype("<f8")
        return hashlib.sha256(said.encode() + values.tobytes()).hexdigest()
    rows = rows_of_result(result)
    table = np.column_stack([rows.code, rows.y]).astype("<f8")
    order = np.lexsort(table.T[::-1])
    named = repr((rows.outcome, rows.groups))
    return hashlib.sha256(named.encode() + table[order].tobytes()).hexdigest()


def rows_of_result(result: Result) -> Rows:
    """Rows that a result was fitted to; what has none, or no posterior, is refused."""
    if not result.has_draws:
        raise UsageError(
            f"engine {result.engine!r}", "has no posterior predictive density",
            fix="fit with engine='exact' or engine='nuts'",
        )  # fmt: skip
    if result.data is None:
        raise UsageError(
            f"model {result.spec.name!r}", "needs rows, and this result has none in memory",
            got=result.provenance.source, fix="fit a sample or a data frame in this session",
        )  # fmt: skip
    return result.data


def _log_mean_exp(values: Floats) -> Floats:
    """Log of the mean over the first axis."""
    return np.asarray(np.logaddexp.reduce(values, axis=0) - np.log(len(values)))
