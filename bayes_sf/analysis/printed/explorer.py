"""What a page needs to move the prior of a re-read ICC by itself."""

from typing import Any

from bayes_sf.analysis.priors.explorer import explorer_model
from bayes_sf.recovery.reread.null import IccPosterior, PrintedNull
from bayes_sf.spec.model import ModelSpec

__all__ = ["explorer_of_icc"]


def explorer_of_icc(found: IccPosterior) -> dict[str, Any]:
    """Export the data behind a printed ICC for a page.

    Parameters
    ----------
    found : IccPosterior
        Of `icc_posterior` or of a re-read model. Its prior does not matter: the page starts with
        the usual one, scales in units of sd(y).

    Returns
    -------
    dict
        As of `explorer_model`.

    Examples
    --------
    >>> from bayes_sf.recovery.printed_icc import icc_posterior
    >>> model = explorer_of_icc(icc_posterior(icc="0.21", n=240, groups=8, balanced=True))
    >>> model["terms"], model["data"][0]["sizes"]
    ([], [30, 30, 30, 30, 30, 30, 30, 30])
    """
    return explorer_model(PrintedNull(found.versions).fit(ModelSpec("y", group="group")))
