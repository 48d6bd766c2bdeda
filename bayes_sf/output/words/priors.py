"""Priors in words: English as they are written in models' files, others with their own names.

Where there is a decimal comma, a semicolon goes between the numbers of a distribution.

Examples
--------
>>> from bayes_sf.catalogue import speaking
>>> with speaking("nb"):
...     prior_words("slope normal(0, 2.5 sd(y)/sd(x)); sd_group half-t(3, 0, 2.96)")
...     prior_words("half-t(3, 0, 0.06 sd(y)) [P(ICC > 0.5) = 0.05]")
'stigningstall normal(0; 2,5 sd(y)/sd(x)); sd mellom bransjer halv-t(3; 0; 2,96)'
'halv-t(3; 0; 0,06 sd(y)) [P(ICC > 0,5) = 0,05]'
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import language, mark_as, say, say_as
from bayes_sf.output.words.words import of_groups, own_group

if TYPE_CHECKING:
    from bayes_sf.engines.result import Result

__all__ = ["prior_words", "priors_written"]

#: Names in a prior: parameters, families, what these are specified with, statements.
_NAMES: Final = {
    name.text: name
    for name in (
        mark_as("prior", "intercept"), mark_as("prior", "slope"), mark_as("prior", "sd_resid"),
        mark_as("prior", "sd_group"), mark_as("prior", "sd_slope"), mark_as("prior", "correlation"),
        mark_as("prior", "df_resid"), mark_as("prior", "sd_log_resid"),
        mark_as("prior", "sd_repeat"), mark_as("prior", "simplex"),
        mark_as("prior", "sd_workplace"), mark_as("prior", "sd_trend"),
        mark_as("prior", "sd_group_change"), mark_as("prior", "sd_period"),
        mark_as("prior", "half-t"), mark_as("prior", "half-normal"),
        mark_as("prior", "exponential"), mark_as("prior", "pooled-normal"),
        mark_as("prior", "mean"), mark_as("prior", "shape"), mark_as("prior", "scale"),
        mark_as("prior", "precision"), mark_as("prior", "shares"), mark_as("prior", "one"),
        mark_as("prior", "step"), mark_as("prior", "sceptical"), mark_as("prior", "to"),
    )
}  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z_][\w-]*")


def priors_written(result: "Result") -> str:
    """All priors of a result, in the outcome's unit, in the language that is spoken.

    Parameters
    ----------
    result : Result
        With a posterior.
    """
    priors = result.priors
    written = (
        "; ".join(f"{name} {prior}" for name, prior in priors.items())
        if isinstance(priors, Mapping) else str(priors)
    )  # fmt: skip
    return prior_words(written, own=own_group(result))


def prior_words(text: str, *, own: str = "") -> str:
    """Return a prior, or several, as `str` has them, in a language.

    Parameters
    ----------
    text : str
        As `Prior.text` or `str(Priors)` write it.
    own : str
        Grouping factor of a user's own data.
    """
    if language() == "en":
        return text

    def named(found: re.Match[str]) -> str:
        name = found[0]
        return of_groups(say(_NAMES[name]), own=own) if name in _NAMES else name

    said = _NAME.sub(named, text).replace(", ", say_as("prior", ", "))
    return re.sub(r"(?<=\d)\.(?=\d)", say_as("decimal mark", "."), said)
