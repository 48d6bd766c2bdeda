"""`PooledResult`: estimates of completed data sets, pooled by Rubin's rules."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.engines.gaussian.estimates import COLUMNS, Estimate, as_text
from bayes_sf.engines.result import Result
from bayes_sf.engines.sets.rubin import Pooled
from bayes_sf.errors import UsageError, legible
from bayes_sf.spec.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PooledResult"]


@dataclass(frozen=True, eq=False)
class PooledResult(Result):
    """One model fitted to completed data sets by ``reml``, ``ml`` or ``ols``, and pooled.

    Coefficients are pooled by Rubin's rules, with Barnard and Rubin's degrees of freedom, those of
    complete data being rows less parameters, as `mice::pool` takes them. Sds, correlations and ICCs
    are means over the sets, as there; they have no intervals.

    Parameters
    ----------
    spec, engine, prob, provenance, data
        As in `Result`; `data` is None.
    fitted : Pooled
        The coefficients.
    fits : tuple of Result
        Of each set.
    """

    fitted: Pooled
    fits: tuple[Result, ...] = field(kw_only=True, repr=False)

    @property
    def moments(self) -> Moments:
        """Sufficient statistics of the first set, of one random intercept."""
        return self.fits[0].moments

    @property
    def has_draws(self) -> bool:
        """False: there is no posterior."""
        return False

    @property
    def n_obs(self) -> int:
        """Rows of each set."""
        return rows_of_fit(self.fits[0])

    def _rows(self, *, groups: bool = True) -> Iterator[Estimate]:  # noqa: ARG002
        """Coefficients, then means of sds, correlations and ICCs; no effects of levels."""
        pooled = self.fitted
        error = pooled.std_error
        parts = (pooled.estimate, error, *pooled.interval(self.prob), pooled.estimate / error)
        for term, *numbers in zip(pooled.terms, *parts, strict=True):
            yield Estimate(term, "", *map(float, numbers))
        for rows in zip(*(spreads_of(fit) for fit in self.fits), strict=True):
            mean, nan = float(np.mean([row.estimate for row in rows])), float("nan")
            yield Estimate(rows[0].term, "", mean, nan, nan, nan)

    @cached_property
    def coefficients(self) -> tuple[Estimate, ...]:
        """The pooled coefficients."""
        return tuple(self._rows())[: len(self.fitted.terms)]

    def _frame(self, rows: Iterable[Estimate]) -> "pd.DataFrame":
        import pandas as pd

        table = self.fits[0].estimates
        groups = table["n_groups"].iloc[0]
        units = dict(zip(table["term"], table["unit"], strict=True))
        return pd.DataFrame(
            [
                (
                    self.spec.outcome, self.spec.name, r.term, r.group, r.estimate, self.engine,
                    r.sd, r.lower, r.upper, self.prob, "confidence-t", r.t, r.p_direction,
                    self.n_obs, groups, units[r.term], self.engine,
                )
                for r in rows
            ],
            columns=list(COLUMNS),
        )  # fmt: skip

    def fixef(self) -> "pd.DataFrame":
        """Pooled coefficients, by term.

        Returns
        -------
        pandas.DataFrame
            ``estimate, sd`` (the square root of the total variance), ``lower, upper`` and ``p`` by
            Student's t with ``df``; ``riv``, relative increase in variance due to what is missing;
            ``lambda``, its share of the variance; ``fmi``, the fraction of missing information;
            ``mc_error``, by which other sets would move the estimate.
        """
        import pandas as pd
        from scipy.special import stdtr

        pooled = self.fitted
        low, high = pooled.interval(self.prob)
        t = pooled.estimate / pooled.std_error
        columns = {
            "estimate": pooled.estimate, "sd": pooled.std_error, "lower": low, "upper": high,
            "t": t, "df": pooled.df, "p": 2 * stdtr(pooled.df, -np.abs(t)), "riv": pooled.riv,
            "lambda": pooled.from_missing, "fmi": pooled.fmi, "mc_error": pooled.error,
        }  # fmt: skip
        return pd.DataFrame(columns, index=pd.Index(pooled.terms, name="term"))

    def confint(self, *, method: str = "profile") -> "pd.DataFrame":
        """Refuse: a profile is of one likelihood, and of pooled estimates there is none.

        Raises
        ------
        UsageError
            Always.
        """
        rule, fix = "is not pooled over completed sets", "see fixef(): lower, upper"
        raise UsageError("confint", rule, got=method, fix=fix)

    def ranef(self, factor: str = "") -> "pd.DataFrame":
        """Refuse: effects of levels are predictions, which Rubin's rules do not pool.

        Raises
        ------
        UsageError
            Always.
        """
        rule = "are not pooled over completed sets"
        fix = "use engine 'exact', or see result.fits"
        raise UsageError("ranef: effects of levels", rule, got=factor or None, fix=fix)

    def varcorr(self) -> "pd.DataFrame":
        """Means over the sets of what `varcorr` of each says: of variances and of sds."""
        tables = [fit.varcorr() for fit in self.fits]
        means = {
            name: np.mean([table[name] for table in tables], axis=0) for name in ("vcov", "sdcor")
        }
        return tables[0].assign(**means)

    def icc(self, factor: str = "", **more: Any) -> dict[str, float]:
        """Mean of the sets' ICCs, ``estimate``; arguments as those of each fit."""
        found = [fit.icc(factor, **more)["estimate"] for fit in self.fits]
        return {"estimate": float(np.mean(found))}

    def summary(self) -> str:
        """Model, sets, and pooled estimates, as text."""
        table = as_text(self.fixef())
        rest = [row for row in self.singles if row.term not in self.fitted.terms]
        spreads = "".join(f"{row.term:<24} {row.estimate:.5g}\n" for row in rest)
        return (
            f"{self!r}\n\nPooled by Rubin's rules, {self.prob:.0%} intervals (df by Barnard and "
            f"Rubin)\n{table}\n\nMeans over the sets\n{spreads}"
        )

    def _repr_html_(self) -> str:
        """Model, sets and pooled estimates as a notebook shows them."""
        from html import escape

        table = self.fixef().to_html(float_format=lambda v: f"{v:.4g}", na_rep="", border=0)
        return f"<div><p>{escape(legible(repr(self)))}</p>{table}</div>"

    @property
    def converged(self) -> bool:
        """Whether to believe every fit."""
        return all(fit.converged for fit in self.fits)

    def __repr__(self) -> str:
        """One line: model, engine, rows and sets."""
        model = self.spec.formula or f"{self.spec.outcome} ~ {self.spec.name}"
        said = f"{self.n_obs} rows in each of {self.provenance.sets}"
        return legible(f"<PooledResult {model} ({self.engine}): {said}>")


def rows_of_fit(fit: Result) -> int:
    """Rows that a result was fitted to."""
    matrices = getattr(fit, "matrices", None)
    return int(fit.moments.n_obs if matrices is None else matrices.n_obs)


def spreads_of(fit: Result) -> list[Estimate]:
    """Sds, correlations and ICCs of a fit."""
    return list(fit.singles[len(fit.coefficients) :])
