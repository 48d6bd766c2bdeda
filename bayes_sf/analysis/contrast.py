"""Contrasts: how far a predictor moves, so that its slope becomes percentage points.

A slope is per unit of its predictor, and a unit is a convention. "From lowest to highest category"
or "yes to no" is not: what is called large or small is always said of a contrast. The codebook has
the scale of every item; of anything else, and of a standardised predictor, the user says the size.

There is one direction: a contrast of the codebook goes as the coefficient does that tables and
figures print, from the lowest category, or from the reference, to the one that is named.

Examples
--------
>>> find_contrast("q13", "step")
Contrast(term='q13', size=1.0, label='one step of 5', coded=True)
>>> find_contrast("q13", "widest").label
'very small extent to very large extent'
>>> find_contrast("q17[no]", "widest")
Contrast(term='q17[no]', size=1.0, label='yes to no', coded=True)
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite

from bayes_sf.catalogue import say, say_as, speaks
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.variables import unknown_key
from bayes_sf.spec.names import INTERCEPT, predictor_of

__all__ = [
    "KINDS",
    "OWN_DATA",
    "Contrast",
    "check_contrast",
    "contrast_of",
    "contrast_posterior",
    "exact_posterior",
    "find_contrast",
    "term_index",
    "widest_contrasts",
]

#: What the codebook can say: one step of an ordinal item, or from one end of a scale to the other.
KINDS = ("step", "widest")


@dataclass(frozen=True)
class Contrast:
    """How far one predictor moves.

    Parameters
    ----------
    term : str
        Term of the model: "q13", "q17[no]", "women_share".
    size : float
        In units of the predictor, not zero. Negative where a user wants the other direction.
    label : str
        In words: "yes to no".
    coded : bool
        Whether `size` is in the codebook's codes, and so refused for a standardised predictor.

    Raises
    ------
    UsageError
        For the intercept, and for a size that is no number or zero.
    """

    term: str
    size: float
    label: str = field(compare=False)  # one contrast is the same in every language
    coded: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no contrast."""
        if self.term == INTERCEPT:
            raise UsageError("contrast", "must be of a predictor", got=self.term)
        if not isfinite(self.size) or self.size == 0:
            rule = "must have a size other than zero, in units of the predictor"
            raise UsageError(f"contrast of {self.term}", rule, got=self.size)


@speaks
def find_contrast(term: str, kind: str, *, lang: str = "en") -> Contrast:  # noqa: ARG001  # `speaks` reads it
    """Find a contrast in the codebook.

    Parameters
    ----------
    term : str
        Term of a model of survey items.
    kind : {"step", "widest"}
        One step of an ordinal item; or lowest to highest category, not chosen to chosen, and for
        a term of one category the reference to it.
    lang : str
        Language of its label.

    Raises
    ------
    UsageError
        For a kind that is neither; a term that is no survey item (the user has to say what a
        large difference is); a step of something that has no steps.
    """
    if kind not in KINDS:
        raise UsageError("contrast", f"must be one of {', '.join(KINDS)}", got=kind)
    whole, part = _split(term)
    key, _, category = whole.removesuffix("]").partition("[")
    book = load_codebook()
    numbers = {v.key: v.spread for v in book.derived if v.spread is not None}
    if key in numbers and not category:
        size = numbers[key] if kind == "widest" else 1.0
        return Contrast(term, size, say("{} more", f"{size:g}") + part, coded=True)
    if key not in book.items and not book.register:
        rule = "is not a column that study.toml says a difference of"
        raise UsageError(f"contrast of {term}", rule, fix="ask of one predictor of the study")
    if key not in book.items:
        raise UsageError(
            f"contrast of {term}", "is not in the codebook, which has survey items only",
            fix='say how far it moves: Contrast("women_share", 0.1, "10 points of women\'s share")',
        )  # fmt: skip
    item = book.item(key)
    if not category:
        low, high = item.categories[0], item.categories[-1]
        size = float(high.code - low.code)
        if kind == "step" and item.kind == "ordinal":
            steps = len(item.categories)
            label = say("one step of {}", steps)
            return Contrast(term, 1.0, label + part, coded=True)
    else:
        reference = item.reference or item.categories[0].key
        low, high, size = item.category(reference), item.category(category), 1.0
    if kind == "step":
        rule = "has no steps"
        raise UsageError(f"contrast of {term}", rule, got=item.kind, fix="use 'widest'")
    ends = say_as("contrast", "{} to {}", low.label, high.label)
    return Contrast(term, size, ends + part, coded=True)


def _split(term: str) -> tuple[str, str]:
    """A term without its part of a within-between model, and that part for the label."""
    for part in ("within", "between"):
        if term.endswith(f"[{part}]"):
            return term.removesuffix(f"[{part}]"), f" ({part})"
    return term, ""


def contrast_of(result: Result, term: str, kind: str, *, lang: str = "en") -> Contrast:
    """Find the contrast of a result's term in the codebook, if the data are the study's.

    Parameters
    ----------
    result : Result
        Of any data.
    term, kind, lang
        As in `find_contrast`.

    Raises
    ------
    UsageError
        As `find_contrast`; and for data of a user's own, whose columns are not the survey's items
        even where they are spelt alike.
    """
    if result.provenance.source in OWN_DATA:
        raise UsageError(
            f"contrast of {term}",
            "must be stated: the data are not the study's, whose codebook has survey items only",
            fix=f'say how far it moves: Contrast({term!r}, 1.0, "one unit")',
        )  # fmt: skip
    return find_contrast(term, kind, lang=lang)


#: Sources whose columns are a user's own.
OWN_DATA = ("frame", "moments", "sets")


def widest_contrasts(results: Iterable[Result]) -> tuple[tuple[Result, Contrast], ...]:
    """Pair every result with the widest contrast of each term of its first predictor.

    Parameters
    ----------
    results : iterable of Result
        Models of survey items: for "bivariate" 60 models with 64 slopes.
    """
    return tuple(
        (result, contrast_of(result, term, "widest"))
        for result in results
        for term in result.moments.predictors
        if predictor_of(term, result.spec.predictors) == result.spec.predictors[0]
    )


def exact_posterior(result: Result) -> Posterior:
    """Return the posterior of an exact result.

    Raises
    ------
    UsageError
        For a result of another engine.
    """
    if not isinstance(result.fitted, Posterior):
        raise UsageError(
            f"engine {result.engine!r}", "has no exact posterior",
            fix="fit with engine='exact'",
        )  # fmt: skip
    return result.fitted


def term_index(result: Result, term: str) -> int:
    """Find the place of a predictor's term among the coefficients.

    Raises
    ------
    UsageError
        When the model has no such predictor.
    """
    predictors = result.moments.predictors
    if term not in predictors:
        raise unknown_key(f"model {result.spec.name}", "has no such predictor", term, predictors)
    return predictors.index(term) + 1


def check_contrast(result: Result, contrast: Contrast) -> None:
    """Refuse what is no contrast, and one in codes of a predictor that the model standardises.

    Parameters
    ----------
    result : Result
        Of any engine.
    contrast : Contrast
        Of one of its predictors.
    """
    if not isinstance(contrast, Contrast):
        raise UsageError(
            "contrast", "must be stated: what is large depends on it", got=contrast,
            fix='use find_contrast("q13", "widest") or Contrast(term, size, label)',
        )  # fmt: skip
    predictor = predictor_of(contrast.term, result.spec.predictors)
    if contrast.coded and predictor in result.spec.standardize:
        raise UsageError(
            f"contrast of {contrast.term}", "is in codes, and the model standardises the predictor",
            fix="give the size in standard deviations: Contrast(term, size, label)",
        )  # fmt: skip


def contrast_posterior(result: Result, contrast: Contrast) -> NormalMixture:
    """Posterior of a contrast: its size times the slope.

    Parameters
    ----------
    result : Result
        Of engine ``exact``.
    contrast : Contrast
        Stated: there is no default.

    Returns
    -------
    NormalMixture
        One quantity, in the outcome's unit (pp for absence).

    Raises
    ------
    UsageError
        For another engine; for something that is no contrast; for a term that the model lacks; for
        a contrast in codes of a predictor that the model standardises.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.engines.fit import fit
    >>> from bayes_sf.spec.model import ModelSpec
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> result = fit(ModelSpec("y", predictors=("x",), group="g"), df)
    >>> slope = result.fitted.coef.mean()[1]
    >>> double = contrast_posterior(result, Contrast("x", 2.0, "0 to 2")).mean()[0]
    >>> bool(abs(double - 2 * slope) < 1e-12)
    True
    """
    check_contrast(result, contrast)
    slope = exact_posterior(result).coef.take([term_index(result, contrast.term)])
    return NormalMixture(
        slope.weight, contrast.size * slope.means, abs(contrast.size) * slope.sds, slope.exist
    )
