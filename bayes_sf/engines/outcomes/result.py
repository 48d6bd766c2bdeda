"""`OutcomeResult`: what engines return of a model whose outcome is not Gaussian.

It has the methods of `MixedResult`, on the link's scale, but for the ICC, which has two.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.engines.gaussian.estimates import Estimate, as_text
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.errors import UsageError, legible
from bayes_sf.spec.family import Family, family_of
from bayes_sf.spec.prior import Prior

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.engines.outcomes.shares import Shares

__all__ = ["OutcomeResult"]


@dataclass(frozen=True, eq=False)
class OutcomeResult(MixedResult):
    """One fitted model of a bernoulli, binomial, poisson, ... outcome, by ``ml`` or ``nuts``."""

    @property
    def family(self) -> Family:
        """Of the outcome."""
        return family_of(self.spec.family)

    @property
    def has_draws(self) -> bool:
        """Whether there is a posterior."""
        return hasattr(self.fitted, "tree")

    @property
    def priors(self) -> Mapping[str, Prior] | None:  # type: ignore[override]
        """Priors by the names of coefficients and sds, on the link's scale; None by ``ml``."""
        return self.fitted.priors if self.has_draws else None

    def _rows(self, *, groups: bool = True) -> Iterator[Estimate]:
        return self.fitted.rows(self.prob, groups=groups)  # type: ignore[no-any-return]

    def _unit(self, term: str) -> str:
        """The link's; family's own parameters, shares and correlations have none."""
        name = term.partition("[")[0]
        if term.startswith(("icc", "cor_")) or name in {"alpha", "kappa", "psi"}:
            return ""
        return self.family.unit

    def fixef(self) -> "pd.DataFrame":
        """Fixed coefficients on the link's scale, by term.

        Returns
        -------
        pandas.DataFrame
            ``estimate, sd, lower, upper``; of a posterior ``p_direction``, of ML ``z`` and ``p`` of
            Wald's test, as ``summary(glmer(...))`` has them.
        """
        import pandas as pd
        from scipy.special import ndtr

        sign = "p_direction" if self.has_draws else "t"
        parts = ["estimate", "sd", "lower", "upper", sign]
        table = pd.DataFrame(
            [[getattr(row, part) for part in parts] for row in self.coefficients],
            columns=parts, index=pd.Index(self.matrices.terms, name="term"),
        )  # fmt: skip
        if self.has_draws:
            return table
        table = table.rename(columns={"t": "z"})
        return table.assign(p=2 * ndtr(-np.abs(table["z"].to_numpy(dtype=float))))

    def icc(
        self,
        factor: str = "",
        *,
        scale: str = "latent",
        adjusted: bool = True,
        at: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """Share of the variance beside the predictors that lies between the levels of a factor.

        Parameters
        ----------
        factor : str
            Name of a grouping factor; all of them together otherwise.
        scale : {"latent", "response"}
            Of the linear predictor, with the distribution's own variance there (pi^2/3 for logits,
            ln(1 + 1/mean + ...) for log links: Nakagawa, Johnson & Schielzeth 2017), or of the
            response itself, of single trials where there are trials (`bayes_sf.engines.outcomes.
            shares`). Hurdles: the latent one is of values above zero.
        adjusted, at
            As in `MixedResult.icc`.

        Returns
        -------
        dict
            ``estimate``; of a posterior ``mean, sd, median, lower, upper, prob``, from at most a
            thousand of the draws.

        Raises
        ------
        UsageError
            For a factor or scale that is not there.
        """
        self._check_icc(factor, adjusted=adjusted, at=at)
        shares: Shares = self.fitted.shares
        parts, whole = shares.of(scale)
        known = [each.name for each in self.matrices.factors]
        values = parts[known.index(factor)] if factor else whole
        if not self.has_draws:
            return {"estimate": float(values[0])}
        tails = np.array([0.5, 0.5 - 0.5 * self.prob, 0.5 + 0.5 * self.prob])
        found = (values.mean(), values.std(ddof=1), *np.quantile(values, tails))
        names = ("mean", "sd", "median", "lower", "upper")
        return {**{n: float(v) for n, v in zip(names, found, strict=True)}, "prob": self.prob}

    def explained(self) -> tuple[float, float]:
        """R2 on the link's scale, marginal and conditional: see `bayes_sf.r2`."""
        shares: Shares = self.fitted.mean_shares if self.has_draws else self.fitted.shares
        return shares.explained()

    def some_draws(self, n: int, *, seed: int = 1, groups: bool = True) -> Any:  # noqa: ARG002
        """Draws that were sampled, all of them: see `Result.some_draws`."""
        if not self.has_draws:
            rule = "has no posterior to draw from"
            raise UsageError(f"engine {self.engine!r}", rule, fix="fit with engine='nuts'")
        return self.fitted.tree

    def _row_groups(self, tree: Any, seed: int) -> dict[str, Any]:
        """Groups beside the posterior, of a data frame's rows; there are no draws of priors."""
        import xarray as xr

        from bayes_sf.engines.outcomes.pointwise import row_datasets

        posterior = tree["posterior"].to_dataset()
        groups = row_datasets(posterior, self.matrices, self.family, seed=seed)
        return {name: xr.DataTree(dataset) for name, dataset in groups.items()}

    def confint(self, *, method: str = "wald") -> "pd.DataFrame":
        """Wald intervals of the coefficients.

        Parameters
        ----------
        method : {"wald"}
            Profiles are of Gaussian models.

        Returns
        -------
        pandas.DataFrame
            ``lower, upper`` by term.
        """
        if method != "wald" and not self.has_draws:
            rule = f"must be wald for family {self.family.name!r}"
            raise UsageError("confint: method", rule, got=method)
        return super().confint(method="wald")

    @property
    def log_lik(self) -> float:
        """Log likelihood of ``ml`` with all constants (glmer leaves some out where nAGQ > 1)."""
        return float(self._maximum("log_lik"))

    @property
    def aic(self) -> float:
        """Akaike's criterion of ``ml``."""
        return float(self._maximum("aic"))

    @property
    def bic(self) -> float:
        """Schwarz's criterion of ``ml``, n being rows."""
        return float(self._maximum("bic"))

    def _maximum(self, name: str) -> Any:
        if self.has_draws:
            fix = "fit with engine 'ml'" if "ml" in self.family.engines else ""
            rule = f"has no {name}, which is of a highest likelihood"
            raise UsageError(f"engine {self.engine!r}", rule, fix=fix)
        return getattr(self.fitted, name)

    def summary(self) -> str:
        """What lme4's ``summary`` prints: model, criteria, random effects, fixed effects."""
        counts = ", ".join(f"{f.name} {f.n_levels}" for f in self.matrices.factors)
        head = f"{self.spec.formula}\n{self.family.name}, {self.family.link} link, "
        rows = f"\n{self.matrices.n_obs} rows, levels: {counts}"
        if self.has_draws:
            table = self._frame(self.singles).set_index("term")[
                ["estimate", "sd", "lower", "upper"]
            ]
            how = "by NUTS, converged" if self.converged else "by NUTS, NOT converged"
            return (
                f"{head}{how}{rows}\nPriors: {self.fitted.stated}\n\n"
                f"Posterior means, sds and {self.prob:.0%} equal-tailed intervals\n"
                f"{as_text(table)}\n"
            )
        nodes = self.fitted.nodes
        how = "Laplace's approximation" if nodes == 1 else f"adaptive quadrature with {nodes} nodes"
        singular = "\nBoundary (singular) fit: a variance is zero" if self.fitted.singular else ""
        random = as_text(self.varcorr(), index=False)
        fixed = as_text(self.fixef())
        return (
            f"{head}by ML, {how}{rows}\nlog likelihood {self.log_lik:.4f}, AIC {self.aic:.4f}, "
            f"BIC {self.bic:.4f}{singular}\n\nRandom effects\n{random}\n\n"
            f"Fixed effects ({self.prob:.0%} Wald intervals)\n{fixed}\n"
        )

    def __repr__(self) -> str:
        """One line: model, family, engine, rows and levels."""
        counts = ", ".join(f"{f.n_levels} of {f.name}" for f in self.matrices.factors)
        mark = "" if self.has_draws or not self.fitted.singular else ", singular"
        mark = mark if self.converged else ", not converged"
        return legible(
            f"<OutcomeResult {self.spec.formula} ({self.family.name}, {self.engine}): "
            f"{self.matrices.n_obs} rows, {counts}{mark}>"
        )
