"""Priors of a mixed model: which of a specification's goes with what, in standardised units.

``intercept`` and ``slope`` are of fixed coefficients, as everywhere; ``sd_group`` of every sd of
intercepts, whatever the factor, ``sd_slope`` of every other sd, ``correlation`` of correlations,
all on raw columns, as in brms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.joint import check_reach
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.mixed.products import Products
from bayes_sf.errors import SpecError
from bayes_sf.spec.names import INTERCEPT
from bayes_sf.spec.prior import LOCATION_FAMILIES, SCALE_FAMILIES, Prior
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.terms.matrices import Factor

__all__ = ["MixedPriors", "mixed_priors"]


#: An sd's prior has a variance from so many degrees of freedom on.
_DF = 2.0


@dataclass(frozen=True, eq=False)
class MixedPriors:
    """Priors in standardised units; made by `mixed_priors`.

    Parameters
    ----------
    stated : Priors
        In the outcome's unit, as they are printed.
    precision, mean : (p,) arrays
        Of the standardised coefficients; precision 0 is flat.
    resid : Prior
        Of sigma.
    spreads : tuple of Prior
        Of each sd and correlation, factor by factor.
    """

    stated: Priors
    precision: Floats
    mean: Floats
    resid: Prior
    spreads: tuple[Prior, ...]


def mixed_priors(products: Products, priors: Priors) -> MixedPriors:
    """Bring priors to the data's scale.

    Parameters
    ----------
    products : Products
        The data.
    priors : Priors
        As specified.

    Raises
    ------
    SpecError
        For priors that shrink slopes jointly, flat ones of a group's sd, sds without a variance,
        scales that have nothing to do with the data, and the default prior of coefficients without
        an intercept: it would pull means of categories to 0.
    """
    y_mean, y_sd = _level(products)
    if priors.slope.family not in LOCATION_FAMILIES:
        raise SpecError(
            "priors.slope", "must be normal or flat where there are several random terms",
            got=priors.slope.family,
        )  # fmt: skip
    terms, spread = products.matrices.terms, [sd_names(factor) for factor in products.factors]
    priors.check_names([*terms, *(name for names in spread for name in chain(*names))])
    if not products.matrices.has_intercept and _default(priors, terms):
        raise SpecError(
            "priors.slope",
            "must be stated where there is no intercept: its default is centred at 0",
            fix="give priors=Priors(slope=Prior('normal', scale=..., location=..., "
            "autoscale=False)), or Prior('flat')",
        )  # fmt: skip
    precision, mean = np.zeros(products.n_coef), np.zeros(products.n_coef)
    for place, name in enumerate(products.matrices.terms):
        if name == INTERCEPT:
            prior = priors.named.get(name, priors.intercept).resolve(y_sd, y_mean)
            unit = 1 / y_sd
            location = ((prior.location or 0.0) - y_mean) / y_sd
            size = prior.scale / y_sd
        else:
            (prior,) = priors.of_slopes([name])
            unit = products.scale[place] / y_sd
            size = prior.scale * (1 if prior.autoscale else unit)
            location = (prior.location or 0.0) * unit
        prior.check_family(f"priors: {name!r}", LOCATION_FAMILIES)
        if prior.family == "normal":
            check_reach("intercept" if name == INTERCEPT else "slope", size, "sd(y)", location)
            precision[place], mean[place] = size**-2.0, location
    resid = priors.sd_resid.resolve(y_sd)
    if resid.family != "flat":
        check_reach("sd_resid", resid.scale / y_sd, "sd(y)")
        resid = replace(resid, scale=resid.scale / y_sd)
    spreads = tuple(
        prior for factor in products.factors for prior in _of_factor(factor, products, priors)
    )
    named = dict(priors.named)
    stated = replace(
        priors, intercept=named.pop(INTERCEPT, priors.intercept).resolve(y_sd, y_mean), terms=named,
        sd_resid=priors.sd_resid.resolve(y_sd), sd_group=priors.sd_group.resolve(y_sd),
    )  # fmt: skip
    return MixedPriors(stated, precision, mean, resid, spreads)


def _default(priors: Priors, terms: Sequence[str]) -> bool:
    """Whether some slope has the default prior."""
    return Priors().slope in priors.of_slopes(terms)


def _level(products: Products) -> tuple[float, float]:
    """Mean and sd of the outcome."""
    counts = products.matrices.counts
    mean = float(np.average(products.matrices.y, weights=counts))
    return mean, float(products.scale[-1])


def _of_factor(factor: Factor, products: Products, priors: Priors) -> Iterator[Prior]:
    """Priors of a factor's sds over sd(y), on raw columns, and of its correlations."""
    y_sd, named = float(products.scale[-1]), priors.named
    sds, correlations = sd_names(factor)
    for place, name in enumerate(factor.columns):
        role = "sd_group" if name == INTERCEPT else "sd_slope"
        unit = y_sd if name == INTERCEPT else y_sd / _spread(factor, place, products)
        prior = named.get(sds[place], priors.of(role))
        prior.check_family(f"priors: {sds[place]!r}", SCALE_FAMILIES)
        if prior.family == "flat" or (prior.family == "half-t" and prior.df <= _DF):
            raise SpecError(
                f"priors.{role}", "must be proper and have a variance with several random terms",
                got=str(prior), fix="use half-t with 3 df, half-normal, exponential or gamma",
            )  # fmt: skip
        found = prior.resolve(unit)
        check_reach(role, found.scale / unit, "the outcome's by the column's sd")
        yield replace(found, scale=found.scale / y_sd)
    for name in correlations:
        prior = named.get(name, priors.of("correlation"))
        prior.check_family(f"priors: {name!r}", ("lkj",))
        yield prior


def _spread(factor: Factor, place: int, products: Products) -> float:
    """Sd of a column of Z; its root mean square where it does not vary about a mean of its own."""
    column, counts = factor.z[:, place], products.matrices.counts
    mean = np.average(column, weights=counts)
    return float(np.sqrt(np.average((column - mean) ** 2, weights=counts)))
