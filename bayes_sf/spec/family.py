"""Families of outcomes: what each is called, its link, what its response may be, who fits it.

Names are bambi's, as are those of the parameters that a family has beside its mean. One link each:
bambi's default.

Examples
--------
>>> family_of("poisson").link, family_of("poisson").engines
('log', ('nuts', 'ml'))
>>> family_of("poison")
Traceback (most recent call last):
    ...
bayes_sf.errors.SpecError: model: family: must be one of gaussian, bernoulli, binomial, \
beta_binomial, poisson, negativebinomial, beta, cumulative, hurdle_gamma, hurdle_lognormal \
(got 'poison'); did you mean 'poisson'?
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, SpecError, closest

__all__ = ["FAMILIES", "GAUSSIAN", "Family", "check_response", "family_of"]


@dataclass(frozen=True)
class Family:
    """One family of outcomes.

    Parameters
    ----------
    name : str
        Bambi's.
    link : {"identity", "logit", "log"}
        Of the mean; of ``cumulative`` of the cumulative probabilities, of ``hurdle_lognormal`` of
        the median above zero.
    rule : str
        What values of a response must be.
    engines : tuple of str
        That fit it, the one to prefer first.
    parameters : tuple of str
        Beside the mean, by bambi's names: ``kappa`` (precision), ``alpha`` (shape), ``sigma`` (sd
        of the log), ``psi`` (probability of more than zero), ``threshold``.
    counted : bool
        Whether responses are successes out of trials, ``p(y, n)``.
    ordered : bool
        Whether responses are categories in order.
    spreads : bool
        Whether an effect for every row can be told from the response's own spread.
    """

    name: str
    link: str
    rule: str
    engines: tuple[str, ...] = ("nuts",)
    parameters: tuple[str, ...] = ()
    counted: bool = False
    ordered: bool = False
    spreads: bool = False

    @property
    def unit(self) -> str:
        """Unit of coefficients."""
        return {"logit": "log odds", "log": "log", "identity": ""}[self.link]

    @property
    def measure(self) -> str:
        """What the likelihood of a row is: sums of logs are compared within one kind only."""
        if self.name.startswith("hurdle"):
            return "a density above zero"
        return "a density" if self.name in {"gaussian", "beta"} else "a probability"

    def expects(self, values: Floats) -> NDArray[np.bool_]:
        """Which values the family can have, (n,)."""
        whole = values == np.round(values)
        found = {
            "bernoulli": np.isin(values, (0.0, 1.0)),
            "beta": (values > 0) & (values < 1),
            "cumulative": whole,
            "hurdle_gamma": values >= 0,
            "hurdle_lognormal": values >= 0,
        }.get(self.name, whole & (values >= 0))
        return np.asarray(found & np.isfinite(values))


GAUSSIAN: Final = Family("gaussian", "identity", "numbers")
_BOTH: Final = ("nuts", "ml")
_WHOLE: Final = "whole numbers from 0 up"
_TRIALS: Final = "successes out of trials, whole numbers with 0 <= successes <= trials >= 1"

#: Families by name.
FAMILIES: Final[Mapping[str, Family]] = {
    each.name: each
    for each in (
        GAUSSIAN,
        Family("bernoulli", "logit", "0 or 1", _BOTH),
        Family("binomial", "logit", _TRIALS, _BOTH, counted=True, spreads=True),
        Family("beta_binomial", "logit", _TRIALS, parameters=("kappa",), counted=True),
        Family("poisson", "log", _WHOLE, _BOTH, spreads=True),
        Family("negativebinomial", "log", _WHOLE, parameters=("alpha",)),
        Family("beta", "logit", "numbers above 0 and below 1", parameters=("kappa",)),
        Family("cumulative", "logit", "categories in order, or whole numbers",
               parameters=("threshold",), ordered=True),
        Family("hurdle_gamma", "log", "numbers from 0 up", parameters=("alpha", "psi")),
        Family("hurdle_lognormal", "log", "numbers from 0 up", parameters=("sigma", "psi")),
    )
}  # fmt: skip

#: What other packages call some of them.
_ELSEWHERE: Final[Mapping[str, str]] = {
    "negbinomial": "negativebinomial", "nbinom2": "negativebinomial", "logistic": "bernoulli",
    "betabinomial": "beta_binomial", "ordinal": "cumulative", "normal": "gaussian",
}  # fmt: skip


def family_of(name: str) -> Family:
    """Family by its name.

    Parameters
    ----------
    name : str

    Raises
    ------
    SpecError
        For a name that is not known.
    """
    if isinstance(name, str) and name in FAMILIES:
        return FAMILIES[name]
    meant = _ELSEWHERE.get(str(name).lower(), str(name).lower())
    rule = f"must be one of {', '.join(FAMILIES)}"
    raise SpecError("model: family", rule, got=name, fix=closest(meant, FAMILIES))


def check_response(family: Family, name: str, values: Floats, trials: Floats | None = None) -> None:
    """Refuse a response that a family cannot have.

    Parameters
    ----------
    family : Family
    name : str
        As written in the formula.
    values : (n,) array
        The response; successes, where there are trials.
    trials : (n,) array, optional

    Raises
    ------
    DataError
        With the number of rows, not their values.
    """
    fine = family.expects(values)
    if trials is not None:
        fine &= (trials == np.round(trials)) & (trials >= 1) & (values <= trials)
    bad = int((~fine).sum())
    if bad:
        raise DataError(
            f"response {name!r}", f"must be {family.rule} for family {family.name!r}",
            got=f"{bad} of {len(values)} rows that are not", fix=_other(family, values),
        )  # fmt: skip


def _other(family: Family, values: Floats) -> str:
    """What may have been meant."""
    inside = bool(((values >= 0) & (values <= 1)).all())
    if family.name == "beta" and inside:
        return "move 0 and 1 inwards by a rule of your own, or fit counts as p(y, n)"
    if family.name == "bernoulli" and FAMILIES["poisson"].expects(values).all():
        return "use family 'poisson' or 'cumulative', or p(y, n) and 'binomial'"
    return ""
