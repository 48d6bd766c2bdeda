"""`MixedResult`: what engines return of a model with any random terms, with lme4's names.

It has the methods of `Result`, and lme4's and broom's by their names: `fixef`, `ranef`, `varcorr`,
`confint`, `summary`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.engines.gaussian.estimates import COLUMNS, Estimate, as_text
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.mixed.likelihood import MixedFit
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError, legible
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.terms.matrices import Matrices

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MixedResult", "fit_rows"]

_PARTS = ["estimate", "sd", "lower", "upper"]


@dataclass(frozen=True, eq=False)
class MixedResult(Result):
    """One fitted model with any random terms, by ``reml``, ``ml`` or ``exact``.

    Parameters
    ----------
    spec, engine, fitted, prob, provenance, data
        As in `Result`; `data` is None.
    matrices : Matrices
        What it was fitted to, in memory only.
    """

    matrices: Matrices = field(kw_only=True, repr=False)

    @property
    def moments(self) -> Moments:
        """Refuse: what asks for them is for one random intercept.

        Raises
        ------
        UsageError
            Always.
        """
        raise UsageError(
            f"model {self.spec.name!r}",
            "is more than a Gaussian random intercept, which this is for",
            got=self.spec.formula, fix="see estimates, varcorr(), ranef() and icc()",
        )  # fmt: skip

    @property
    def n_obs(self) -> int:
        """Rows that it was fitted to; of counted ones, as many as they stand for."""
        return self.matrices.n_obs

    @property
    def has_draws(self) -> bool:
        """Whether there is a posterior to draw from."""
        return not isinstance(self.fitted, MixedFit)

    @property
    def priors(self) -> Priors | None:
        """Priors in the outcome's unit; None for frequentist engines."""
        return self.fitted.priors if self.has_draws else None

    def _rows(self, *, groups: bool = True) -> Iterator[Estimate]:
        """Coefficients, sds and correlations, ICC, effects of levels, worked out as they come."""
        if isinstance(self.fitted, MixedFit):
            return fit_rows(self.fitted, self.prob)
        return self.fitted.rows(self.prob, groups=groups)  # type: ignore[no-any-return]

    @cached_property
    def coefficients(self) -> tuple[Estimate, ...]:
        """The fixed coefficients alone, which come first: cheap."""
        return tuple(islice(self._rows(), len(self.matrices.terms)))

    @cached_property
    def estimates(self) -> "pd.DataFrame":
        """Tidy table: coefficients, sds, correlations, ICC and effects of every level.

        Returns
        -------
        pandas.DataFrame
            Columns as those of `Result.estimates`. Sds and correlations have lme4's names,
            ``sd_(Intercept)|g`` and ``cor_x.(Intercept)|g``; effects of a level are ``x|g`` with
            the level in the column ``group``. `n_groups` is of the first factor.
        """
        return self._frame(self.rows)

    def _frame(self, rows: Iterable[Estimate]) -> "pd.DataFrame":
        """Records as a table."""
        import pandas as pd

        levels = self.matrices.factors[0].n_levels
        return pd.DataFrame(
            [
                (
                    self.spec.outcome, self.spec.name, r.term, r.group, r.estimate,
                    "mean" if self.has_draws else self.engine, r.sd, r.lower, r.upper, self.prob,
                    "credible-eti" if self.has_draws else "confidence-wald", r.t, r.p_direction,
                    self.matrices.n_obs, levels, self._unit(r.term), self.engine,
                )
                for r in rows
            ],
            columns=list(COLUMNS),
        )  # fmt: skip

    def _unit(self, term: str) -> str:
        return "" if term.startswith(("icc", "cor_")) else self.spec.unit

    def fixef(self) -> "pd.DataFrame":
        """Fixed coefficients, by term.

        Returns
        -------
        pandas.DataFrame
            ``estimate, sd, lower, upper``; of a posterior ``p_direction``, of REML and ML ``t``,
            ``df`` by Satterthwaite's method and ``p`` from Student's t with so many. The interval
            is Wald's with the normal's quantiles, as in every table here and in lme4's
            `confint(method = "Wald")`.
        """
        import pandas as pd
        from scipy.special import stdtr

        parts = [*_PARTS, self._sign]
        table = pd.DataFrame(
            [[getattr(row, part) for part in parts] for row in self.coefficients],
            columns=parts, index=pd.Index(self.matrices.terms, name="term"),
        )  # fmt: skip
        if self.has_draws:
            return table
        df = self.degrees
        return table.assign(df=df, p=2 * stdtr(df, -np.abs(table["t"].to_numpy())))

    @cached_property
    def degrees(self) -> Any:
        """Satterthwaite's degrees of freedom of the coefficients, (p,)."""
        from bayes_sf.engines.mixed.degrees import satterthwaite

        return satterthwaite(self.fitted)

    def ranef(self, factor: str = "") -> "pd.DataFrame":
        """Random effects: deviations of levels from the fixed coefficients.

        Parameters
        ----------
        factor : str
            Name of a grouping factor; all of them otherwise.

        Returns
        -------
        pandas.DataFrame
            By (factor, group, term); by (group, term) for one factor. ``sd`` is the conditional
            one, as lme4's ``condVar``.
        """
        import pandas as pd

        known = [each.name for each in self.matrices.factors]
        if factor and factor not in known:
            raise UsageError("ranef: factor", f"must be one of {', '.join(known)}", got=factor)
        effects = [row for row in self.rows if row.group]
        split = [row.term.rpartition("|") for row in effects]
        index = pd.MultiIndex.from_tuples(
            [(at, row.group, term) for (term, _, at), row in zip(split, effects, strict=True)],
            names=["factor", "group", "term"],
        )
        parts = [*_PARTS, self._sign]
        values = [[getattr(row, part) for part in parts] for row in effects]
        table = pd.DataFrame(values, columns=parts, index=index)
        return pd.DataFrame(table.loc[factor]) if factor else table

    def varcorr(self) -> "pd.DataFrame":
        """Sds and correlations of the random effects, as ``as.data.frame(VarCorr(fit))`` in lme4.

        Returns
        -------
        pandas.DataFrame
            ``factor`` (``Residual`` last), ``term``, ``term2`` (of a correlation), ``vcov``,
            ``sdcor``.
        """
        import pandas as pd

        by_name = {row.term: row.estimate for row in self.singles}
        found = []
        for factor in self.matrices.factors:
            sds, pairs = sd_names(factor)
            for name, sd in zip(factor.columns, sds, strict=True):
                found.append((factor.name, name, "", by_name[sd] ** 2, by_name[sd]))
            for (i, j), pair in zip(factor.pairs, pairs, strict=True):
                both = by_name[sds[i]] * by_name[sds[j]]
                first, second = factor.columns[i], factor.columns[j]
                found.append((factor.name, first, second, by_name[pair] * both, by_name[pair]))
        if "sd_resid" in by_name:  # other than Gaussian outcomes have none
            resid = by_name["sd_resid"]
            found.append(("Residual", "", "", resid**2, resid))
        return pd.DataFrame(found, columns=["factor", "term", "term2", "vcov", "sdcor"])

    def icc(
        self,
        factor: str = "",
        *,
        adjusted: bool = True,
        at: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """Share of the variance beside the predictors that lies between the levels of a factor.

        Parameters
        ----------
        factor : str
            Name of a grouping factor; all of them together otherwise.
        adjusted, at
            As in `Result.icc`; only the adjusted one, averaged over the rows, is there.

        Returns
        -------
        dict
            ``estimate``; of a posterior ``mean, sd, median, lower, upper, prob``. Where slopes
            vary, the variance between levels is averaged over the rows (Johnson 2014).

        Raises
        ------
        UsageError
            For a factor that is not there; for weighted rows, whose residual variances differ;
            for another ICC than the adjusted one over the rows.
        """
        self._check_icc(factor, adjusted=adjusted, at=at)
        if self.has_draws:
            tails = np.array([0.5, 0.5 - 0.5 * self.prob, 0.5 + 0.5 * self.prob])
            values = (*self.fitted.spread(f"icc|{factor}"),
                      *self.fitted.quantile(f"icc|{factor}", tails))  # fmt: skip
            names = ("mean", "sd", "median", "lower", "upper")
            found = {n: float(v) for n, v in zip(names, values, strict=True)}
            return {**found, "prob": self.prob}
        shares = dict(_shares(self.fitted))
        return {"estimate": shares[factor] if factor else float(sum(shares.values()))}

    def _check_icc(self, factor: str, *, adjusted: bool, at: Mapping[str, float] | None) -> None:
        """Refuse what there is no ICC of."""
        if adjusted is not True or at is not None:
            rule = "is the adjusted one, averaged over the rows, where there are several terms"
            raise UsageError("icc", rule, got={"adjusted": adjusted, "at": at}, fix="leave it out")
        known = [each.name for each in self.matrices.factors]
        if factor and factor not in known:
            raise UsageError("icc: factor", f"must be one of {', '.join(known)}", got=factor)
        if self.matrices.weights is not None:
            rule = "has no ICC: the residual variances of weighted rows differ"
            raise UsageError("model with weights", rule, fix="see varcorr()")

    def confint(self, *, method: str = "profile") -> "pd.DataFrame":
        """Confidence intervals, with lme4's names.

        Parameters
        ----------
        method : {"profile", "wald"}
            ``profile``: limits where -2 log likelihood (of ML, as in lme4, whatever the engine) is
            the normal quantile's square above its lowest; of sds and correlations, too.

        Returns
        -------
        pandas.DataFrame
            ``lower, upper`` by term; NaN where there is no limit: an sd's whose estimate is 0 is 0.
        """
        import pandas as pd

        if self.has_draws:
            raise UsageError("confint", "is for reml and ml", fix="see estimates: lower, upper")
        if method == "wald":
            rows = [(row.term, row.lower, row.upper) for row in self.coefficients]
        elif method == "profile":
            from bayes_sf.engines.mixed.intervals import profile_intervals

            rows = list(profile_intervals(self.fitted, self.prob))
        else:
            raise UsageError("confint: method", "must be profile or wald", got=method)
        return pd.DataFrame(rows, columns=["term", "lower", "upper"]).set_index("term")

    def summary(self) -> str:
        """What lme4's ``summary`` prints: model, criterion, random effects, fixed effects."""
        counts = ", ".join(f"{f.name} {f.n_levels}" for f in self.matrices.factors)
        if self.has_draws:
            return self._posterior_summary(counts)
        name = "REML" if self.engine == "reml" else "ML"
        singular = "\nBoundary (singular) fit: a variance is zero" if self.fitted.singular else ""
        random = as_text(self.varcorr(), index=False)
        fixed = as_text(self.fixef())
        return (
            f"{self.spec.formula}\nby {name}, -2 log likelihood {self.fitted.criterion:.4f}\n"
            f"{self.matrices.n_obs} rows, levels: {counts}{singular}\n\n"
            f"Random effects\n{random}\n\n"
            f"Fixed effects ({self.prob:.0%} Wald intervals; df by Satterthwaite)\n{fixed}\n"
        )

    def _posterior_summary(self, counts: str) -> str:
        """What is printed of a posterior: priors, sds and correlations, coefficients."""
        table = self._frame(self.singles).set_index("term")[["estimate", "sd", "lower", "upper"]]
        how = "by NUTS, converged" if self.converged else "by NUTS, NOT converged"
        if self.engine == "exact":
            how = f"by quadrature: no mean or sd moved by more than {self.fitted.moved:.0e} sd"
        return (
            f"{self.spec.formula}\n{how}\n{self.matrices.n_obs} rows, levels: {counts}\n"
            f"Priors: {self.fitted.priors}\n\n"
            f"Posterior means, sds and {self.prob:.0%} equal-tailed intervals\n"
            f"{as_text(table)}\n"
        )

    def some_draws(self, n: int, *, seed: int = 1, groups: bool = True) -> Any:  # noqa: ARG002
        """Draws of coefficients, effects, sds, correlations and ICC: see `Result.some_draws`.

        Raises
        ------
        UsageError
            For reml and ml: they have no posterior.
        """
        import xarray as xr

        from bayes_sf.engines.mixed.draws import CHAINS, draw_nodes, mixed_dataset

        if not self.has_draws:
            return super().some_draws(n, seed=seed)
        surface = self.fitted.surface
        if not hasattr(self.fitted, "tree"):
            at, sigma = draw_nodes(self.fitted.nodes, n, seed=seed)
            found = mixed_dataset(surface, at, sigma, seed=seed, chains=CHAINS)
            return xr.DataTree.from_dict({"posterior": found})
        at, sigma = self.fitted.coordinates
        chains = self.fitted.tree["posterior"].sizes["chain"]
        found = mixed_dataset(surface, at, sigma, seed=seed, chains=chains)
        stats = self.fitted.tree["sample_stats"].to_dataset()
        return xr.DataTree.from_dict({"posterior": found, "sample_stats": stats})

    def _check_room(self, draws: int) -> None:
        """Refuse groups of rows that no memory holds."""
        from bayes_sf.engines.row_groups import check_room

        check_room(draws, 0 if self.matrices.counts is not None else len(self.matrices.y))

    def _row_groups(self, tree: Any, seed: int) -> dict[str, Any]:
        """Groups beside the posterior, of a data frame's rows; counted rows have none."""
        import xarray as xr

        from bayes_sf.engines.mixed.draws import prior_dataset, row_datasets
        from bayes_sf.engines.row_groups import PRIOR_DRAWS

        if self.matrices.counts is not None:
            return {}
        posterior = tree["posterior"].to_dataset()
        prior = prior_dataset(self.fitted.surface, PRIOR_DRAWS, seed=seed)
        groups = row_datasets(posterior, self.matrices, seed=seed)
        groups |= {} if prior is None else {"prior": prior}
        return {name: xr.DataTree(dataset) for name, dataset in groups.items()}

    def diagnostics(self) -> "pd.DataFrame":
        """R-hat, ESS, MCSE, divergences by parameter.

        Raises
        ------
        UsageError
            For engines without Monte Carlo error.
        """
        if hasattr(self.fitted, "tree"):
            return super().diagnostics()
        raise UsageError(f"engine {self.engine!r}", "has no Monte Carlo error to diagnose")

    def plot(
        self, name: str, path: Any = None, *, dpi: int = 150, sort: str = "model", rope: Any = None
    ) -> Any:
        """Draw ``conditional``: other pictures are of one random intercept, or slopes by nuts.

        Parameters
        ----------
        name, path, dpi, sort, rope
            As of other results.

        Raises
        ------
        UsageError
            For other pictures.
        """
        if name == "conditional":
            return super().plot(name, path, dpi=dpi, sort=sort, rope=rope)
        rule = "has the picture 'conditional'; others are of one random intercept"
        got = name if path is None else (name, str(path))
        raise UsageError(f"model {self.spec.name!r}", rule, got=got, fix="use its estimates")

    def __repr__(self) -> str:
        """One line: model, engine, rows and levels."""
        counts = ", ".join(f"{f.n_levels} of {f.name}" for f in self.matrices.factors)
        mark = "" if self.has_draws or not self.fitted.singular else ", singular"
        mark += "" if self.provenance.sets is None else f", {self.provenance.sets}"
        return legible(
            f"<MixedResult {self.spec.formula} ({self.engine}): {self.matrices.n_obs} rows, "
            f"{counts}{mark}>"
        )


def fit_rows(fit: MixedFit, prob: float) -> Iterator[Estimate]:
    """Coefficients, sds and correlations, ICC, effects of levels, which come last.

    Parameters
    ----------
    fit : MixedFit
    prob : float
        Of Wald's intervals.
    """
    from scipy.special import ndtri

    reach, nan = float(ndtri(0.5 + 0.5 * prob)), float("nan")
    coef, errors = map(float, fit.coef), map(float, fit.std_error)
    for term, b, s in zip(fit.products.matrices.terms, coef, errors, strict=True):
        yield Estimate(term, "", b, s, b - reach * s, b + reach * s, t=b / s)
    for name, value in fit.spreads():
        yield Estimate(name, "", value, nan, nan, nan)
    yield Estimate("sd_resid", "", fit.sd_resid, nan, nan, nan)
    if fit.products.matrices.weights is None:
        shares = list(_shares(fit))
        for name, share in shares:
            term = "icc" if len(shares) == 1 else f"icc|{name}"
            yield Estimate(term, "", share, nan, nan, nan)
    for factor, modes, sds in zip(fit.factors, fit.modes, fit.mode_sds, strict=True):
        for level, own, spread in zip(factor.levels, modes, sds, strict=True):
            for name, u, s in zip(factor.columns, map(float, own), map(float, spread), strict=True):
                t = u / s if s > 0 else nan
                term = f"{name}|{factor.name}"
                yield Estimate(term, level, u, s, u - reach * s, u + reach * s, t=t)


def _shares(fit: MixedFit) -> Iterator[tuple[str, float]]:
    """Name of every factor, and its share of the variance."""
    variances = [
        between_of(factor.z, covariance, fit.products.matrices.counts)
        for factor, covariance in zip(fit.factors, fit.covariances, strict=True)
    ]
    total = sum(variances) + fit.sd_resid**2
    for factor, variance in zip(fit.factors, variances, strict=True):
        yield factor.name, float(variance / total)


def between_of(z: Any, covariance: Any, counts: Any) -> float:
    """Variance between levels averaged over the rows: tr(Z Sigma Z')/n."""
    own = np.einsum("nk,kl,nl->n", z, covariance, z)
    return float(np.average(own, weights=counts))
