"""Options of `fit`, checked before anything is computed: none is ignored, none is guessed."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

from bayes_sf.errors import UsageError, check_seed
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.prior import Prior, is_number
from bayes_sf.spec.priors import Priors

__all__ = [
    "check_beside",
    "check_beside_gaps",
    "check_nodes",
    "check_numbers",
    "priors_of",
    "sampler_settings",
]

#: Intervals of probabilities nearer to 0 or 1 than this are beyond what quadrature resolves.
_RARE = 1e-6
#: What settings of a sampler can be.
_LEAST: Mapping[str, int] = {"draws": 100, "tune": 100, "chains": 2}
#: What results of Gaussian models call the sds of their intercepts and residuals.
_SDS = ("sd_group", "sd_resid")
_MOST_SAMPLED, _ACCEPT = 1_000_000, (0.5, 0.999)


def check_numbers(*, prob: float, seed: int) -> None:
    """Refuse what is no probability, or no seed.

    Parameters
    ----------
    prob, seed
        As in `fit`.
    """
    if isinstance(prob, bool) or not isinstance(prob, Real) or not 0 < prob < 1:
        raise UsageError("prob", "must lie between 0 and 1", got=prob)
    if not _RARE <= prob <= 1 - _RARE:
        raise UsageError("prob", f"must be at least {_RARE:g} away from 0 and 1", got=prob)
    check_seed(seed)


def sampler_settings(asked: Mapping[str, Any], engine: str, what: Any) -> dict[str, float]:
    """Settings of the sampler that were given, checked.

    Parameters
    ----------
    asked : mapping
        ``draws``, ``tune``, ``chains``, ``target_accept``; None where they are not given.
    engine : str
    what : str, ModelSpec or Analysis
        What is fitted: models of gaps share a fit, whose settings are its own.

    Raises
    ------
    UsageError
        For engines that do not sample, and values that make no sense.
    """
    given = {key: value for key, value in asked.items() if value is not None}
    if given and engine != "nuts":
        rule = "are settings of engine 'nuts': this one does not sample"
        raise UsageError(f"fit: {', '.join(given)}", rule, got=engine, fix="leave them out")
    for key, value in given.items():
        if key == "target_accept":
            if not is_number(value) or not _ACCEPT[0] <= value <= _ACCEPT[1]:
                raise UsageError(f"fit: {key}", "must lie from 0.5 to 0.999", got=value)
        elif isinstance(value, bool) or not isinstance(value, int) or not (
            _LEAST[key] <= value <= _MOST_SAMPLED
        ):  # fmt: skip
            rule = f"must be a whole number from {_LEAST[key]} to {_MOST_SAMPLED}"
            raise UsageError(f"fit: {key}", rule, got=value)
    specs = what.specs if isinstance(what, Analysis) else (what,)
    if given and any(isinstance(s, ModelSpec) and s.models_gaps for s in specs):
        rule = "are not for models of gaps, which share a fit"
        raise UsageError(f"fit: {', '.join(given)}", rule, fix="leave them out")
    return given


def priors_of(priors: Any, family: str) -> dict[str, Any]:
    """Priors by role or by name, as fields of a specification.

    Parameters
    ----------
    priors : Priors, mapping or None
        By name text is read as it is printed.
    family : str
        Of the outcome.

    Raises
    ------
    UsageError
        For anything else.
    SpecError
        For text that is no prior.
    """
    if priors is None:
        return {}
    if isinstance(priors, Priors):
        return {"priors": priors}
    if not isinstance(priors, Mapping):
        rule = "must be Priors(...), or priors by name: {'x': 'normal(0, 2)'}"
        raise UsageError("fit: priors", rule, got=type(priors).__name__)
    read = {
        str(name): prior if isinstance(prior, Prior) else Prior.read(prior)
        for name, prior in priors.items()
    }
    sds = {name: read.pop(name) for name in _SDS if name in read and family == "gaussian"}
    return {"priors": Priors(**sds, terms=read)}


def check_beside(what: Any, beside: Mapping[str, Any]) -> None:
    """Refuse beside anything else what goes with a formula.

    Parameters
    ----------
    what
        That is fitted, and no text.
    beside : mapping
        Options of formulas; empty where they are not given.

    Raises
    ------
    UsageError
        For what cannot be fitted, or an option that is its own.
    """
    if not isinstance(what, ModelSpec | Analysis):
        raise UsageError(
            "fit", "takes a formula, a ModelSpec or an Analysis", got=type(what).__name__,
            fix="write 'y ~ x + (1 | g)', or make one with ModelSpec(...) or load_analysis(...)",
        )  # fmt: skip
    for key, value in beside.items():
        if value:
            rule = "goes with a formula: what a specification asks is its own"
            fix = "use ModelSpec.from_formula(...), or pass the formula"
            raise UsageError(f"fit: {key}", rule, got=type(what).__name__, fix=fix)


def check_beside_gaps(**beside: str) -> None:
    """Refuse what goes with no imputed gaps.

    Parameters
    ----------
    **beside : str
        Options of formulas; empty where they are not given.

    Raises
    ------
    UsageError
        For any of them.
    """
    for key, value in beside.items():
        if value:
            rule = "cannot be asked where gaps are imputed in the model"
            fix = "complete the frame by other means, and pass the sets"
            raise UsageError(f"fit: {key}", rule, got=value, fix=fix)


def check_nodes(n_agq: int | None, engine: str, family: str) -> None:
    """Refuse nodes of a quadrature where there is none.

    Parameters
    ----------
    n_agq : int or None
    engine, family : str

    Raises
    ------
    UsageError
        For anything but maximum likelihood of other than Gaussian outcomes.
    """
    if n_agq is not None and (engine != "ml" or family == "gaussian"):
        rule = "is of engine 'ml' of bernoulli, binomial and poisson outcomes"
        raise UsageError("nAGQ", rule, got=f"{n_agq}, engine {engine!r}", fix="leave it out")
