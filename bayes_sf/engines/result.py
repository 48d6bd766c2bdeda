"""What an engine returns: one frozen `Result`, or `Results` for an analysis of many models.

A REML result never pretends to have draws: `draws` refuses, and nothing asks for the engine's name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, takewhile
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.engines.asked import Asked
from bayes_sf.engines.gaussian.estimates import (
    Estimate,
    as_table,
    as_text,
    frequentist_rows,
    posterior_rows,
)
from bayes_sf.engines.gaussian.icc import (
    icc_at,
    place_of,
    prior_quantiles,
    spread_of,
    unadjusted_draws,
    unadjusted_estimate,
)  # fmt: skip
from bayes_sf.engines.gaussian.ols_reml import GaussianFit
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.gaussian.repeated import RepeatedPosterior
from bayes_sf.errors import UsageError, legible
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT, Moments
from bayes_sf.spec.names import check_keys
from bayes_sf.spec.priors import Priors, icc_prior_quantiles
from bayes_sf.spec.rows import Rows
from bayes_sf.spec.terms.gaps import Gaps
from bayes_sf.spec.terms.sets import Sets

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["Provenance", "Result", "Results"]

#: More draws than any quantile needs, and as many as a machine holds.
_MOST_DRAWS = 4_000_000
#: Posteriors without Monte Carlo error.
EXACT = (Posterior, RepeatedPosterior)


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from.

    Parameters
    ----------
    spec, data : str
        Digests of the specification and of the sufficient statistics.
    source : str
        ``published`` (recovered from the report's tables), ``replica`` (synthetic), ``microdata``,
        ``frame`` or ``sets`` (completed data sets).
    seed : int or None
        Seed, where anything is random.
    seconds : float
        Wall time of the fit.
    versions : mapping
        Versions of Python, bayes_sf and the libraries that computed.
    gaps : Gaps or None
        Of a data frame: its rows, and those that were left out for a gap, by column and by group.
    sets : Sets or None
        Of completed data sets: how many they are.
    """

    spec: str
    data: str
    source: str
    seed: int | None
    seconds: float
    versions: Mapping[str, str] = field(default_factory=dict)
    gaps: Gaps | None = None
    sets: Sets | None = None


@dataclass(frozen=True, eq=False)
class Result(Asked):
    """One fitted model.

    Parameters
    ----------
    spec : ModelSpec
        What was asked.
    engine : str
        ``ols``, ``reml``, ``exact`` or ``nuts``.
    fitted : GaussianFit, Posterior, RepeatedPosterior or Sampled
        What the engine found.
    prob : float
        Probability of the intervals.
    provenance : Provenance
        Digests, seed, versions, time.
    data : Rows or None
        The rows it was fitted to, in memory only; None where only moments are known.
    """

    spec: ModelSpec
    engine: str
    fitted: Any
    prob: float
    provenance: Provenance
    data: Rows | None = field(default=None, repr=False)

    @property
    def moments(self) -> Moments:
        """Sufficient statistics (of the first data set, where there are several)."""
        first = self.fitted if isinstance(self.fitted, GaussianFit) else self.fitted.parts[0]
        return first.moments

    @property
    def n_obs(self) -> int:
        """Rows that it was fitted to; of counted ones, as many as they stand for."""
        return self.moments.n_obs

    @property
    def has_draws(self) -> bool:
        """Whether there is a posterior to draw from."""
        return not isinstance(self.fitted, GaussianFit)

    @property
    def _sign(self) -> str:
        """Column that says how surely an estimate is not zero: ``p_direction`` or ``t``."""
        return "p_direction" if self.has_draws else "t"

    @property
    def priors(self) -> Priors | None:
        """Priors in the outcome's unit; None for frequentist engines."""
        return self.fitted.parts[0].priors if self.has_draws else None

    def _rows(self, *, groups: bool = True) -> Iterator[Estimate]:
        if isinstance(self.fitted, GaussianFit):
            return frequentist_rows(self.fitted, self.prob)
        if isinstance(self.fitted, Posterior):
            return posterior_rows(self.fitted, self.prob, groups=groups)
        if isinstance(self.fitted, RepeatedPosterior):
            return self.fitted.rows(self.prob, groups=groups)
        return self.fitted.rows(self.prob)  # type: ignore[no-any-return]

    @cached_property
    def coefficients(self) -> tuple[Estimate, ...]:
        """The coefficients alone, which come first among the rows: cheap."""
        return tuple(islice(self._rows(), len(self.moments.terms)))

    @cached_property
    def singles(self) -> tuple[Estimate, ...]:
        """What is not of a group, which comes before what is: cheap with many groups."""
        return tuple(takewhile(lambda row: not row.group, self._rows(groups=False)))

    @cached_property
    def rows(self) -> tuple[Estimate, ...]:
        """The estimates as records; `estimates` has them as a table."""
        return tuple(self._rows())

    @cached_property
    def estimates(self) -> "pd.DataFrame":
        """Tidy table: coefficients, standard deviations, ICC and group effects.

        Returns
        -------
        pandas.DataFrame
            Columns `COLUMNS`. Raw floats in the outcome's unit. `point` says what `estimate` is
            (mean or reml/ols), `interval` what `lower` and `upper` are; `t` is there for `reml`
            and `ols`, `p_direction` for a posterior.
        """
        return self._frame(self.rows)

    def _frame(self, rows: Iterable[Estimate]) -> "pd.DataFrame":
        """Records as a table with `COLUMNS`."""
        return as_table(_lines(self, rows))

    def _table(self, terms: tuple[str, ...], *, groups: bool) -> "pd.DataFrame":
        """Part of the estimates."""
        table = self.estimates if groups else self._frame(self.singles)
        chosen = table["term"].isin(terms) & ((table["group"] != "") == groups)
        index = "group" if groups else "term"
        columns = ["estimate", "sd", "lower", "upper", self._sign]
        return table[chosen].set_index(index)[columns]

    def fixef(self) -> "pd.DataFrame":
        """Coefficients, by term."""
        return self._table(self.moments.terms, groups=False)

    def ranef(self, factor: str = "") -> "pd.DataFrame":
        """Group effects: deviations from the intercept and, where a slope varies, from the slope.

        Parameters
        ----------
        factor : str
            Name of the grouping factor, of which there is one.

        Returns
        -------
        pandas.DataFrame
            By group; by (group, term) where a slope varies, intercepts being where that predictor
            is zero, as in lme4 and brms.

        Raises
        ------
        UsageError
            For a factor that is not there.
        """
        self._check_factor("ranef", factor)
        if not self.spec.varying:
            return self._table((INTERCEPT,), groups=True)
        table = self.estimates
        chosen = table["term"].isin({INTERCEPT, self.varying_term}) & (table["group"] != "")
        place = {group: at for at, group in enumerate(self.moments.groups)}
        table = table[chosen].sort_values("group", key=lambda g: g.map(place), kind="stable")
        columns = ["estimate", "sd", "lower", "upper", self._sign]
        return table.set_index(["group", "term"])[columns]

    def _check_factor(self, place: str, factor: str) -> None:
        """A model of one factor has effects of no other."""
        if factor and factor != self.spec.group:
            raise UsageError(f"{place}: factor", f"must be one of {self.spec.group}", got=factor)

    def varcorr(self) -> "pd.DataFrame":
        """Standard deviations and correlation, as ``as.data.frame(VarCorr(fit))`` in lme4.

        Returns
        -------
        pandas.DataFrame
            ``factor`` (``Residual`` last), ``term``, ``term2`` (of a correlation), ``vcov``,
            ``sdcor``: estimates, or posterior means and their squares.
        """
        import pandas as pd

        found = {row.term: row.estimate for row in self.singles}
        tau, slope = found["sd_group"], found.get("sd_slope", np.nan)
        group, varying = self.spec.group, self.varying_term
        rows = [(group, INTERCEPT, "", tau**2, tau)]
        if varying:
            both = found["correlation"]
            rows.append((group, varying, "", slope**2, slope))
            rows.append((group, INTERCEPT, varying, both * tau * slope, both))
        if "sd_resid" in found:
            rows.append(("Residual", "", "", found["sd_resid"] ** 2, found["sd_resid"]))
        return pd.DataFrame(rows, columns=["factor", "term", "term2", "vcov", "sdcor"])

    def confint(self, *, method: str = "profile") -> "pd.DataFrame":
        """Confidence intervals of a fit by REML, as lme4's ``confint`` has them.

        Parameters
        ----------
        method : {"profile", "wald"}
            ``profile``: limits where -2 log likelihood (of ML, as in lme4) is the normal quantile's
            square above its lowest; of sds, too. ``wald``: `estimates`' own, of coefficients.

        Returns
        -------
        pandas.DataFrame
            ``lower, upper`` by term. Of recovered moments they are the first version's.

        Raises
        ------
        UsageError
            For other engines, and for a method that is none of these.

        Examples
        --------
        >>> import pandas as pd
        >>> import bayes_sf as sf
        >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
        >>> sf.fit("y ~ 1 + (1 | g)", df, engine="reml").confint().loc["sd_group"].round(2).tolist()
        [1.63, 9.63]
        """
        import pandas as pd

        from bayes_sf.engines.gaussian.profile import profile_intervals

        if self.engine != "reml":
            rule = "is for reml and ml"
            raise UsageError("confint", rule, got=self.engine, fix="see estimates: lower, upper")
        if method not in {"profile", "wald"}:
            raise UsageError("confint: method", "must be profile or wald", got=method)
        rows = (
            profile_intervals(self.moments, self.prob)
            if method == "profile"
            else ((row.term, row.lower, row.upper) for row in self.coefficients)
        )
        return pd.DataFrame(rows, columns=["term", "lower", "upper"]).set_index("term")

    def summary(self) -> str:
        """Model, priors, and estimates of all that is not of a group, as text."""
        columns = ["estimate", "sd", "lower", "upper", self._sign]
        table = self._frame(self.singles).set_index("term")[columns]
        priors = "" if self.priors is None else f"\nPriors: {self.priors}"
        kind = "credible" if self.has_draws else "Wald"
        return (
            f"{self!r}{priors}\n\nEstimates, {self.prob:.0%} {kind} intervals\n{as_text(table)}\n"
        )

    def _repr_html_(self) -> str:
        """Model, priors and estimates as a notebook shows them; groups are in ranef()."""
        from html import escape

        columns = ["estimate", "sd", "lower", "upper", self._sign]
        table = self._frame(self.singles).set_index("term")[columns]
        kind = "credible" if self.has_draws else "Wald"
        lines = [repr(self), *([] if self.priors is None else [f"Priors: {self.priors}"])]
        lines.append(f"Estimates, {self.prob:.0%} {kind} intervals")
        head = "".join(f"<p>{escape(legible(line))}</p>" for line in lines)
        shown = table.to_html(float_format=lambda v: f"{v:.4g}", na_rep="", border=0)
        return f"<div>{head}{shown}</div>"

    @property
    def varying_term(self) -> str:
        """Coefficient that varies by group beside the intercept; "" for none."""
        if not self.spec.varying:
            return ""
        return str(self.fitted.tree["posterior"]["u_slope"].attrs["term"])

    def icc(
        self,
        factor: str = "",
        *,
        adjusted: bool = True,
        at: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """ICC with the prior's beside it.

        Parameters
        ----------
        factor : str
            Name of the grouping factor, of which there is one.
        adjusted : bool
            tau^2/(tau^2 + sigma^2), what predictors explain being taken out of both; or else
            unadjusted, tau^2/(tau^2 + Var(X beta) + sigma^2), the share of all variance that
            groups have beside the predictors (Nakagawa & Schielzeth 2013), Var(X beta) over the
            rows: from 20,000 draws, so with Monte Carlo error in the third digit.
        at : mapping of str to float, optional
            Of a model with a varying slope: the adjusted ICC at a value of that predictor, in the
            model's unit, ``{"x": 0.0}``. By default tau^2 stands for the variance between groups
            averaged over the rows (Johnson 2014).

        Returns
        -------
        dict
            ``estimate`` for frequentist engines; else ``mean, sd, median, lower, upper, prob`` and
            the prior's ``prior_median, prior_lower, prior_upper`` (of the adjusted ICC; NaN when a
            prior is flat, and where the residual variance is more than sd_resid^2).

        Raises
        ------
        UsageError
            For a model with known standard errors: it has no residual variance. For a value of
            another predictor than the one whose slope varies, or where none does; for a factor
            that is not there.
        """
        self._check_factor("icc", factor)
        if not isinstance(adjusted, bool):
            raise UsageError("icc: adjusted", "must be true or false", got=adjusted)
        if not adjusted and self.provenance.sets is not None:
            rule = "is not averaged over completed sets, whose predictors differ"
            raise UsageError("icc: adjusted", rule, got=False, fix="leave it out")
        x = None if at is None else place_of(at, self.spec, adjusted=adjusted)
        row = next((r for r in self.singles if r.term == "icc"), None)
        if row is None:
            where = f"model {self.spec.name!r}"
            raise UsageError(where, "has no ICC: its standard errors are known", fix="see sd_group")
        if not self.has_draws:
            return {
                "estimate": row.estimate
                if adjusted
                else unadjusted_estimate(self.moments, self.singles)
            }
        tails = np.array([0.5, 0.5 - 0.5 * self.prob, 0.5 + 0.5 * self.prob])
        middle, low, high = self._icc_prior(x, tails)
        other = self.spec.resid_by_group or self.spec.models_gaps
        if other or self.spec.likelihood == "student" or not adjusted:
            middle = low = high = np.nan
        if x is not None:
            values = icc_at(self.moments, self.some_draws(4000), x)
            found = (values.mean(), values.std(ddof=1), *np.quantile(values, tails))
        elif adjusted:
            found = (
                row.estimate,
                row.sd,
                self.fitted.quantile("icc", [0.5])[0],
                row.lower,
                row.upper,
            )
        else:
            values = unadjusted_draws(self.moments, self.some_draws(20_000, groups=False))
            found = (values.mean(), values.std(ddof=1), *np.quantile(values, tails))
        names = ("mean", "sd", "median", "lower", "upper")
        return {
            **{name: float(value) for name, value in zip(names, found, strict=True)},
            "prob": self.prob,
            "prior_median": float(middle), "prior_lower": float(low), "prior_upper": float(high),
        }  # fmt: skip

    def _icc_prior(self, x: float | None, probs: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Quantiles of the prior's adjusted ICC, averaged over the rows or at x."""
        priors = self.fitted.parts[0].priors
        if not self.spec.varying or x == 0:
            return icc_prior_quantiles(priors.sd_resid, priors.sd_group, probs)
        spread = spread_of(self.moments, self.varying_term) if x is None else (x, x**2)
        return prior_quantiles(priors, *spread, probs)

    def draws(
        self, n: int | None = None, *, seed: int | None = None, rows: bool = True
    ) -> "xr.DataTree":
        """Posterior draws in ArviZ's schema, with all that its functions ask for.

        Of a data frame's model the tree has ``posterior``; ``prior`` (where no prior is flat),
        ``log_prior`` (random intercepts of columns); ``log_likelihood`` and
        ``posterior_predictive`` of each row given its level's effects; ``observed_data``,
        ``constant_data``; ``sample_stats`` of ``nuts``. So `az.summary`, `az.loo`, `az.compare`,
        `az.plot_forest`, `az.plot_ppc_dist` and `az.plot_prior_posterior` work on it.

        Parameters
        ----------
        n : int, optional
            Number of draws, in four chains; 4000 by default.
        seed : int, optional
            Seed; 1 by default. Results of ``nuts`` hold the draws that were sampled, and give no
            others: their number and seed are what they are.
        rows : bool
            Whether there are more groups than the posterior and what the sampler says. Of a study's
            data there never are: their rows are not handed out.

        Raises
        ------
        UsageError
            For ols, reml and ml: they have no posterior; for another number or seed than that of
            the draws that were sampled; for more draws of more rows than a machine holds.
        """
        chosen = {key: value for key, value in {"n": n, "seed": seed}.items() if value is not None}
        for key, value in chosen.items():
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
                raise UsageError(f"draws: {key}", "must be a whole number from 0 up", got=value)
        if n is not None and n > _MOST_DRAWS:
            raise UsageError("draws: n", f"must be at most {_MOST_DRAWS}", got=n)
        if not isinstance(rows, bool):
            raise UsageError("draws: rows", "must be true or false", got=rows)
        if hasattr(self.fitted, "tree"):
            sizes = self.fitted.tree["posterior"].sizes
            sampled = {"n": sizes["chain"] * sizes["draw"], "seed": self.provenance.seed}
            if {**sampled, **chosen} != sampled:
                rule = "must be those of the draws that were sampled"
                fix = f"leave it out: there are {sampled}"
                raise UsageError(f"draws: {' and '.join(chosen)}", rule, got=chosen, fix=fix)
            n = sampled["n"]
        number, start = 4000 if n is None else n, 1 if seed is None else seed
        if not rows or self.provenance.source != "frame" or not self.has_draws:
            return self.some_draws(number, seed=start)
        self._check_room(number)
        tree = self.some_draws(number, seed=start)
        more = self._row_groups(tree, start)
        return tree.copy().assign(more) if more else tree

    def _check_room(self, draws: int) -> None:
        """Refuse groups of rows that no memory holds."""
        from bayes_sf.engines.row_groups import check_room

        check_room(draws, 0 if self.data is None else self.data.n_obs)

    def _row_groups(self, tree: "xr.DataTree", seed: int) -> dict[str, Any]:
        """Groups beside the posterior, of a data frame's rows."""
        from bayes_sf.engines.row_groups import one_factor_groups

        if self.data is None:
            return {}
        spec = replace(self.spec, priors=self.priors or self.spec.priors)
        return _as_trees(one_factor_groups(tree, self.data, spec, seed=seed))

    def some_draws(self, n: int, *, seed: int = 1, groups: bool = True) -> "xr.DataTree":
        """Draws for a purpose that has use for any number: `n` new ones, or those sampled.

        Parameters
        ----------
        n, seed
            As in `draws`; of sampled results all draws are returned.
        groups : bool
            Whether effects of groups are drawn, too: they cost most where groups are many.

        Raises
        ------
        UsageError
            For ols and reml: they have no posterior.
        """
        if not self.has_draws:
            raise UsageError(
                f"engine {self.engine!r}",
                "has no posterior to draw from",
                fix="fit with engine='exact' or engine='nuts'",
            )
        if not isinstance(self.fitted, EXACT):
            return self.fitted.tree  # type: ignore[no-any-return]
        from bayes_sf.engines.gaussian.draws import draw_posterior, draw_repeated

        if isinstance(self.fitted, Posterior):
            return draw_posterior(self.fitted, n, seed, effects=groups)
        return draw_repeated(self.fitted, n, seed)

    @property
    def converged(self) -> bool:
        """Whether to believe it: False for NUTS results that fail their diagnostics."""
        return bool(getattr(self.fitted, "converged", True))

    def diagnostics(self) -> "pd.DataFrame":
        """R-hat, ESS, MCSE, distance to exact, divergences, E-BFMI, tree depth by parameter.

        Raises
        ------
        UsageError
            For engines without Monte Carlo error.
        """
        if isinstance(self.fitted, (GaussianFit, *EXACT)):
            raise UsageError(
                f"engine {self.engine!r}",
                "has no Monte Carlo error to diagnose",
                fix="fit with engine='nuts'",
            )
        return self.fitted.diagnostics()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        """One line: model, engine, rows and groups."""
        m = self.moments
        mark = "" if self.converged else ", not converged"
        sets = "" if self.provenance.sets is None else f", {self.provenance.sets}"
        return legible(
            f"<Result {self.spec.outcome} ~ {self.spec.name} ({self.engine}): "
            f"{m.n_obs} rows, {m.n_groups} groups of {self.spec.group}{sets}{mark}>"
        )


def _as_trees(groups: "Mapping[str, xr.Dataset]") -> dict[str, Any]:
    """Groups of a DataTree."""
    import xarray as xr

    return {name: xr.DataTree(dataset) for name, dataset in groups.items()}


def _lines(result: Result, rows: Iterable[Estimate]) -> Iterator[tuple[Any, ...]]:
    """Lines of `estimates`; sds and correlations of a frame's as lme4's."""
    spec, engine, moments = result.spec, result.engine, result.moments
    named = {}
    if (slope := result.varying_term) and result.provenance.source == "frame":
        named = {
            "sd_group": f"sd_{INTERCEPT}|{spec.group}", "sd_slope": f"sd_{slope}|{spec.group}",
            "correlation": f"cor_{slope}.{INTERCEPT}|{spec.group}",
        }  # fmt: skip
    point, interval = ("mean", "credible-eti") if result.has_draws else (engine, "confidence-wald")
    n, n_groups = moments.n_obs, moments.n_groups
    for r in rows:
        yield (
            spec.outcome, spec.name, named.get(r.term, r.term), r.group, r.estimate, point, r.sd,
            r.lower, r.upper, result.prob, interval, r.t, r.p_direction, n, n_groups,
            "" if r.term == "icc" else spec.unit, engine,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Results(Mapping[tuple[str, str], Result]):
    """Results of an analysis, found by (model name, outcome)."""

    items_: tuple[Result, ...]

    def __post_init__(self) -> None:
        """Refuse two of one name and outcome: only one of them could be found."""
        check_keys("results", [result.spec.key for result in self.items_])

    def __getitem__(self, key: tuple[str, str]) -> Result:
        """Result of a model; an unknown key says which there are."""
        try:
            return self._by_key[key]
        except KeyError:
            known = ", ".join(map(str, list(self)[:6]))
            fix = f"keys are like {known}"
            raise UsageError("results", "has no such model", got=key, fix=fix) from None

    @cached_property
    def _by_key(self) -> dict[tuple[str, str], Result]:
        """Every model's result."""
        return {result.spec.key: result for result in self.items_}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Keys in the order of the analysis."""
        return (result.spec.key for result in self.items_)

    def __len__(self) -> int:
        """Number of models."""
        return len(self.items_)

    @property
    def not_converged(self) -> tuple[Result, ...]:
        """Those whose diagnostics fail."""
        return tuple(result for result in self.items_ if not result.converged)

    @cached_property
    def estimates(self) -> "pd.DataFrame":
        """All models' estimates under each other."""
        import pandas as pd

        if all(type(result) is Result for result in self.items_):  # one table is soon made
            return as_table(line for result in self.items_ for line in _lines(result, result.rows))
        return pd.concat([result.estimates for result in self.items_], ignore_index=True)
