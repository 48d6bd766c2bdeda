"""What is believed before any data: quantities that a reader can judge, drawn from the priors.

Coefficients, standard deviations and the ICC, two industries' difference, the spread of workplaces
and the outcome of one workplace, beside what was observed where it was. An outcome that cannot be
(less than 0 or more than 100 % absence) is no error of a Gaussian model's prior, but a share of
them near one half says that the priors know nothing of the outcome.

Predictors vary as in the data; given them nothing but the priors is used, so that published tables
are enough.

References
----------
Gabry, Simpson, Vehtari, Betancourt & Gelman (2019), J. R. Stat. Soc. A 182, 389-402.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.analysis.contrast import Contrast, check_contrast, exact_posterior, term_index
from bayes_sf.arrays import Floats
from bayes_sf.engines.result import Result
from bayes_sf.errors import SpecError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.engines.gaussian.exact import ExactPosterior

__all__ = ["BOUNDS", "prior_predictive"]


#: Between what an outcome must lie.
BOUNDS = {"absence_mean": (0.0, 100.0), "absence_change": (-100.0, 100.0)}


def prior_predictive(
    result: Result,
    contrasts: Sequence[Contrast] = (),
    *,
    n: int = 20_000,
    prob: float = 0.95,
    seed: int = 1,
) -> "pd.DataFrame":
    """Quantities under the priors of a model, beside what was observed.

    Parameters
    ----------
    result : Result
        Of engine ``exact``: its priors in the outcome's unit, and how its predictors vary.
    contrasts : sequence of Contrast
        Of its predictors; one unit of each by default.
    n : int
        Draws.
    prob : float
        Probability of the equal-tailed intervals.
    seed : int
        Seed.

    Returns
    -------
    pandas.DataFrame
        `outcome, model, quantity, label, median, lower, upper, prob`; `observed`, NaN where nothing
        is, and `p_above`, the prior probability of more than that; `p_impossible`, of outcomes that
        cannot be; `unit, priors, source`. Quantities: ``level`` at the predictors' means,
        ``contrast`` (its label says which), ``sd_group, sd_resid, icc``, ``groups differ`` (the
        distance between two groups), ``sd_outcome`` (of all rows), ``outcome`` of one row.

    Raises
    ------
    SpecError
        When a prior is flat: there is nothing to draw from.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.engines.fit import fit
    >>> from bayes_sf.spec.model import ModelSpec
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> table = prior_predictive(fit(ModelSpec("y", predictors=("x",), group="g"), df))
    >>> table["quantity"].tolist()[:3], float(table["observed"].iloc[0].round(3))
    (['level', 'contrast', 'sd_group'], 4.167)
    """
    import pandas as pd

    if not 0 < prob < 1:
        raise UsageError("prob", "must lie between 0 and 1", got=prob)
    part, spec = exact_posterior(result).parts[0], result.spec
    _refuse_flat(part, spec.name)
    drawn = _draw(part, n, np.random.default_rng(seed))
    for contrast in contrasts:
        check_contrast(result, contrast)
    asked = contrasts or [Contrast(term, 1.0, term) for term in result.moments.predictors]
    y = result.moments.grand_mean[-1], result.moments.spread[-1]
    low, high = BOUNDS.get(spec.outcome, (-np.inf, np.inf))
    quantities = [
        ("level", "", drawn["level"], float(y[0])),
        *(
            ("contrast", c.label, c.size * drawn["slopes"][:, term_index(result, c.term) - 1], None)
            for c in asked
        ),
        *((name, "", drawn[name], None) for name in ("sd_group", "sd_resid", "icc")),
        ("groups differ", "", np.abs(drawn["difference"]), None),
        ("sd_outcome", "", drawn["sd_outcome"], float(y[1])),
        ("outcome", "", drawn["outcome"], None),
    ]
    tails = [0.5 - 0.5 * prob, 0.5, 0.5 + 0.5 * prob]
    rows = []
    for name, label, values, seen in quantities:
        lower, median, upper = (float(q) for q in np.quantile(values, tails))
        impossible = float(((values < low) | (values > high)).mean())
        rows.append(
            {
                "outcome": spec.outcome, "model": spec.name, "quantity": name, "label": label,
                "median": median, "lower": lower, "upper": upper, "prob": prob,
                "observed": np.nan if seen is None else seen,
                "p_above": np.nan if seen is None else float((values > seen).mean()),
                "p_impossible": impossible if name == "outcome" and np.isfinite(high) else np.nan,
                "unit": "" if name == "icc" else spec.unit, "priors": str(result.priors),
                "source": result.provenance.source,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _refuse_flat(part: "ExactPosterior", name: str) -> None:
    """Every prior must be a distribution."""
    roles = ("intercept", "sd_resid", "sd_group")
    flat = part.priors.flat_among(roles, part.moments.predictors)
    if flat:
        raise SpecError(
            f"model {name!r}: priors", "must be proper to be drawn from",
            got=f"flat {', '.join(flat)}", fix="state priors that are distributions",
        )  # fmt: skip


def _draw(part: "ExactPosterior", n: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Draws from the priors, and of one row and two groups given each."""
    data, joint = part.data, part.joint
    y_sd, unit = float(data.scale[-1]), data.scale[-1] / data.scale[:-1]
    sds = 1 / np.sqrt(joint.precision)
    coef = joint.mean + sds * rng.normal(size=(n, data.n_coef))  # standardised
    sigma, tau = (prior.quantile(rng.uniform(size=n)) for prior in (joint.sd_resid, joint.sd_group))
    covariance = data.cross_products(np.zeros(1)).xx[0][1:, 1:] / (data.n_obs - 1)
    explained = np.einsum("ni,ij,nj->n", coef[:, 1:], covariance, coef[:, 1:])
    root = np.linalg.cholesky(covariance) if len(covariance) else covariance
    x = rng.normal(size=(n, data.n_coef - 1)) @ root.T
    spread = tau * rng.normal(size=n) + sigma * rng.normal(size=n)
    level = data.centre[-1] + y_sd * coef[:, 0]
    return {
        "level": level,
        "slopes": coef[:, 1:] * unit,
        "sd_group": y_sd * tau,
        "sd_resid": y_sd * sigma,
        "icc": tau**2 / (tau**2 + sigma**2),
        "difference": np.sqrt(2) * y_sd * tau * rng.normal(size=n),
        "sd_outcome": y_sd * np.sqrt(explained + tau**2 + sigma**2),
        "outcome": level + y_sd * ((coef[:, 1:] * x).sum(axis=1) + spread),
    }
