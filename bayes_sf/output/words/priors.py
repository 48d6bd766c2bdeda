"""Priors in words: English as they are written in models' files, Norwegian with Norwegian names.

Norwegian has decimal commas, so a semicolon goes between the numbers of a distribution.

Examples
--------
>>> prior_words("slope normal(0, 2.5 sd(y)/sd(x)); sd_group half-t(3, 0, 2.96)", "nb")
'stigningstall normal(0; 2,5 sd(y)/sd(x)); sd mellom bransjer halv-t(3; 0; 2,96)'
>>> prior_words("half-t(3, 0, 0.06 sd(y)) [P(ICC > 0.5) = 0.05]", "nb")
'halv-t(3; 0; 0,06 sd(y)) [P(ICC > 0,5) = 0,05]'
"""

import re
from collections.abc import Mapping
from typing import Final

from bayes_sf.inputs.variables import Language
from bayes_sf.output.words.words import of_groups

__all__ = ["prior_words"]

_NORWEGIAN: Final[Mapping[str, str]] = {
    # Parameters
    "intercept": "konstantledd",
    "slope": "stigningstall",
    "sd_resid": "sd innen bransjer",
    "sd_group": "sd mellom bransjer",
    "sd_slope": "sd for stigningstall",
    "correlation": "korrelasjon",
    "df_resid": "frihetsgrader",
    "sd_log_resid": "sd for log(sd innen bransjer)",
    "sd_repeat": "sd for en måling",
    "simplex": "trinn",
    "sd_workplace": "sd mellom virksomheter",
    "sd_trend": "sd for endring",
    "sd_group_change": "sd for bransjers endring",
    "sd_period": "sd mellom kvartaler",
    # Families, and what they are specified with
    "half-t": "halv-t",
    "half-normal": "halvnormal",
    "exponential": "eksponentiell",
    "pooled-normal": "sammenslått-normal",
    "mean": "gj.snitt",
    "shape": "form",
    "scale": "skala",
    "precision": "presisjon",
    "shares": "andeler",
    # Statements, and what is said of slopes that priors differ in
    "one": "ett",
    "step": "trinn",
    "sceptical": "skeptisk",
    "to": "til",
}
_NAME: Final = re.compile(r"[A-Za-z_][\w-]*")


def prior_words(text: str, *, own: str = "") -> str:
    """Return a prior, or several, as `str` has them, in a language.

    Parameters
    ----------
    text : str
        As `Prior.text` or `str(Priors)` write it.
    own : str
        Grouping factor of a user's own data.
    """
    if lang == "en":
        return text
    named = _NAME.sub(lambda found: of_groups(_NORWEGIAN.get(found[0], found[0]), own=own), text)
    return re.sub(r"(?<=\d)\.(?=\d)", ",", named.replace(", ", "; "))
