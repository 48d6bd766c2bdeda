"""How far a re-read ICC moves with the prior of the groups' standard deviation.

Every model is read again under each prior, from the same versions of its data, so that what moves
is the prior alone.

Examples
--------
>>> from bayes_sf.recovery.printed_icc import icc_posterior
>>> fan = icc_fan(lambda priors: {"a": icc_posterior(icc="0.1", n=900, groups=30, priors=priors)})
>>> [*fan["prior"].str.partition("(")[0]]
['half-t', 'half-normal', 'exponential', 'gamma', 'flat']
>>> bool(fan["median"].between(0.08, 0.13).all())
True
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd

from bayes_sf.analysis.priors.prior_fan import GROUP_PRIORS
from bayes_sf.recovery.reread.null import IccPosterior
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.priors import Priors

__all__ = ["icc_fan"]


def icc_fan(
    read: Callable[[Priors], Mapping[str, IccPosterior]],
    groups: Mapping[str, Prior] = GROUP_PRIORS,
    base: Priors | None = None,
) -> pd.DataFrame:
    """Re-read ICCs under several priors of sd_group.

    Parameters
    ----------
    read : callable
        From priors to the ICC of every model, by name.
    groups : mapping of str to Prior
        Name to prior of sd_group.
    base : Priors, optional
        What the other priors are taken from; the usual ones by default.

    Returns
    -------
    DataFrame
        A row for each model and prior: ``model, prior, lower, median, upper, prior_lower,
        prior_median, prior_upper, level``; the prior's are NaN where it is flat.

    Raises
    ------
    SpecError
        When a prior leaves a posterior improper.
    """
    found = {
        str(prior): read(replace(base or Priors(), sd_group=prior)) for prior in groups.values()
    }
    names = dict.fromkeys(name for iccs in found.values() for name in iccs)
    return pd.DataFrame([
        {
            "model": name, "prior": prior, "lower": iccs[name].lower, "median": iccs[name].median,
            "upper": iccs[name].upper, "prior_lower": iccs[name].prior_lower,
            "prior_median": iccs[name].prior_median, "prior_upper": iccs[name].prior_upper,
            "level": iccs[name].level,
        }
        for name in names
        for prior, iccs in found.items()
    ])  # fmt: skip
