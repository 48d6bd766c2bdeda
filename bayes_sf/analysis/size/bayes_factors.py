"""Bayes factors of a slope: no association against a normal prior of stated width.

BF01 = p(y | slope = 0)/p(y | slope ~ N(0, v)), on identical rows, in two ways that share no step:

- **Savage-Dickey**: posterior density of the slope at 0 over its prior density there. It equals the
  ratio of marginal likelihoods when what else is in the model has the same prior with the slope at
  0 as in the model without it; here it has, since priors are independent, the intercept is at the
  predictors' means, and scales come from mean(y) and sd(y) alone. At node g of (sigma, tau), weight
  w_g, the slope is N(m_g, s_g^2) under the fitted prior N(m0, v0). Under N(0, v) instead,

      BF01(v) = sqrt(2 pi v) sum_g w_g N(0 | m_g, s_g^2) / sum_g w_g h_g,
      h_g = exp(B_g^2/(2 A_g) - m_g^2/(2 s_g^2)) / (s_g sqrt(A_g)),
      A_g = 1/s_g^2 - 1/v0 + 1/v,  B_g = m_g/s_g^2 - m0/v0,

  so one fit gives all widths (h_g = 1 for v = v0, m0 = 0; m0 drops out of the rest).
- **Evidence**: the model is integrated anew without the predictor and with each width.

Widths are in units of sd(y)/sd(x). Of a model with more predictors only this slope's prior changes.

Several possible data sets
--------------------------
Where the data are recovered from tables, BF01 is averaged over the data sets D_k. This is
Savage-Dickey on the posterior that everything else is printed from (the average of the posteriors,
hence of their densities at 0), and the exact answer p(tables | slope = 0)/p(tables | slope ~ prior)
when the D_k are draws given the tables under the model with the slope, which is how they are
recovered: E[p(D | M0)/p(D | M1) | tables, M1]. Evidence is *not* averaged before the ratio is
taken. The D_k differ in their number of rows, so that their marginal likelihoods are densities on
spaces of different dimension: which D_k would dominate depends on the unit of y, by a factor
100^(n_1 - n_2) between percent and fractions. The lowest and highest BF01 are given beside, and
p_null, P(slope = 0) at even odds, is 1/(1 + 1/BF01) of the average.

References
----------
Dickey (1971), Annals of Mathematical Statistics 42, 204-223; Verdinelli & Wasserman (1995), JASA
90, 614-618 (the condition on the nuisance priors); Kass & Raftery (1995), JASA 90, 773-795.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logsumexp

from bayes_sf.analysis.contrast import exact_posterior, term_index
from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.grid import resolve
from bayes_sf.engines.gaussian.joint import Joint
from bayes_sf.engines.gaussian.likelihood import standardise
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.spec.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["METHODS", "WIDTHS", "bayes_factors", "evidence_ratio", "savage_dickey"]


#: Sds of the slope's prior, in sd(y)/sd(x); 2.5 is the package's default.
WIDTHS = (0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)


def bayes_factors(
    slopes: Iterable[tuple[Result, str]],
    widths: Sequence[float] = WIDTHS,
    *,
    method: str = "savage-dickey",
) -> "pd.DataFrame":
    """Bayes factors of slopes over a range of prior widths.

    Parameters
    ----------
    slopes : iterable of (Result, str)
        Results of engine ``exact``, each with the term that is tested.
    widths : sequence of float
        Sds of the slope's normal prior around 0, in sd(y)/sd(x).
    method : {"savage-dickey", "evidence"}
        Closed form from the fit (too small where ln BF01 is below -20), or every model integrated
        anew.

    Returns
    -------
    pandas.DataFrame
        One row per slope and width: `outcome, model, term, width, log_bf01, bf01, bf10`; `lowest`
        and `highest` BF01 over the `n_data` possible data sets; `p_null`, the probability of no
        association at even odds; `method, n, n_groups, source`.

    Raises
    ------
    UsageError
        For widths that are not positive, an unknown method, another engine, an unknown term.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.engines.fit import fit
    >>> from bayes_sf.spec.model import ModelSpec
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> result = fit(ModelSpec("y", predictors=("x",), group="g"), df)
    >>> both = [bayes_factors([(result, "x")], [2.5], method=m)["bf01"][0] for m in METHODS]
    >>> bool(abs(both[0] / both[1] - 1) < 1e-6)
    True
    """
    import pandas as pd

    if method not in METHODS:
        raise UsageError("method", f"must be one of {', '.join(METHODS)}", got=method)
    rows = []
    for result, term in slopes:
        log_bf = METHODS[method](result, term, widths)  # (K, W)
        average = logsumexp(log_bf, axis=0) - np.log(len(log_bf))
        rows += [
            {
                "outcome": result.spec.outcome, "model": result.spec.name, "term": term,
                "width": float(width), "log_bf01": float(log), "bf01": float(np.exp(log)),
                "bf10": float(np.exp(-log)), "lowest": float(np.exp(own.min())),
                "highest": float(np.exp(own.max())), "p_null": float(expit(log)),
                "n_data": len(log_bf), "method": method, "n": result.moments.n_obs,
                "n_groups": result.moments.n_groups, "source": result.provenance.source,
            }
            for width, log, own in zip(widths, average, log_bf.T, strict=True)
        ]  # fmt: skip
    return pd.DataFrame(rows)


def savage_dickey(result: Result, term: str, widths: Sequence[float] = WIDTHS) -> Floats:
    """Return ln BF01 of each possible data set and width, (K, W), in closed form.

    It holds as far as the fitted box of (sigma, tau) has what the density at 0 comes from. With a
    strong slope that is a larger sigma, outside: from ln BF01 of about -20 down the result is too
    small, never too large, and `evidence_ratio` has the last word.

    Parameters
    ----------
    result, term, widths
        As in `bayes_factors`.
    """
    place, variance = term_index(result, term), _variances(widths)
    return np.array([_density_ratio(p, place, variance) for p in exact_posterior(result).parts])


def _density_ratio(part: ExactPosterior, place: int, variance: Floats) -> Floats:
    """Give ln BF01 of one data set, (W,), from the mixture of the standardised slope."""
    data, coef = part.data, part.coef
    unit = data.scale[-1] / data.scale[place - 1]
    mean, sd = coef.means[place] / unit, coef.sds[place] / unit
    prior_precision, prior_mean = part.joint.precision[place], part.joint.mean[place]
    a = sd**-2.0 - prior_precision + 1 / variance[:, None]
    b = mean / sd**2 - prior_precision * prior_mean
    height = -0.5 * (mean / sd) ** 2 - np.log(sd)  # of the density at 0, without sqrt(2 pi)
    at_zero = logsumexp(height, b=coef.weight)
    rest = logsumexp(0.5 * b**2 / a + height - 0.5 * np.log(a), b=coef.weight, axis=1)
    return np.asarray(at_zero + 0.5 * np.log(variance) - rest)


def evidence_ratio(result: Result, term: str, widths: Sequence[float] = WIDTHS) -> Floats:
    """Return ln BF01 of each possible data set and width, (K, W), by integrating every model anew.

    Flat priors of what both models have are no obstacle: their constant cancels.

    Parameters
    ----------
    result, term, widths
        As in `bayes_factors`.
    """
    place, variance = term_index(result, term), _variances(widths)
    return np.array([_evidences(p, place, variance) for p in exact_posterior(result).parts])


def _evidences(part: ExactPosterior, place: int, variance: Floats) -> Floats:
    """Give ln BF01 of one data set, (W,)."""
    joint = part.joint
    without = Joint(
        standardise(_drop(part.moments, place)),
        np.delete(joint.precision, place),
        np.delete(joint.mean, place),
        joint.sd_resid,
        joint.sd_group,
    )
    null = resolve(without, start=part.box).log_total
    at = np.eye(len(joint.mean))[place]
    total = [
        resolve(
            replace(
                joint,
                precision=np.where(at, 1 / v, joint.precision),
                mean=np.where(at, 0.0, joint.mean),
            ),
            start=part.box,
        ).log_total
        for v in variance
    ]
    return null - np.array(total)


def _drop(moments: Moments, place: int) -> Moments:
    """Same rows without the predictor of coefficient `place`."""
    column = place - 1
    within = np.delete(np.delete(moments.within, column, axis=0), column, axis=1)
    names = moments.predictors[:column] + moments.predictors[place:]
    return replace(
        moments, predictors=names, means=np.delete(moments.means, column, axis=1), within=within
    )


def _variances(widths: Sequence[float]) -> Floats:
    """Squared widths, or an error."""
    found = np.asarray(widths, dtype=float)
    if found.ndim != 1 or not ((found > 0) & np.isfinite(found)).all():
        rule = "must be positive numbers: a flat prior of the slope has no Bayes factor"
        raise UsageError("widths", rule, got=list(widths))
    return np.asarray(found**2)


METHODS: Mapping[str, Callable[[Result, str, Sequence[float]], Floats]] = {
    "savage-dickey": savage_dickey,
    "evidence": evidence_ratio,
}
