"""What a sensitivity analysis leaves out, and why, in words.

Errors are in English; a table, page or terminal in another language says why in that.

Examples
--------
>>> from bayes_sf.catalogue import speaking
>>> left_out = {"size": "rope: must be stated: there is no default"}
>>> unanswered(left_out)
('Practical size: rope: must be stated: there is no default',)
>>> with speaking("nb"):
...     unanswered(left_out)
('Praktisk betydning: hva som er for lite til å bety noe, må oppgis (--rope 0,5)',)
"""

from collections.abc import Mapping
from typing import Final

from bayes_sf.catalogue import language, mark, say
from bayes_sf.output.words.sensitivity import part_word
from bayes_sf.output.words.words import numbered_name

__all__ = ["unanswered"]

#: What an error says -> why, in words of ours, where its English is not what is spoken.
_REASONS: Final[Mapping[str, str]] = {
    "have no controls to add": mark("the models have no controls to add (q13_controls has)"),
    "tables do not say how controls go together": mark(
        "needs workplaces: tables do not say how controls go together"
    ),
    "must be a plain random intercept": mark("the model is more than a random intercept"),
    "rope: must be stated": mark("what is too small to matter must be stated (--rope 0.5)"),
    "must have a unit for a rope": mark("the outcome has no unit"),
    "need a predictor": mark("the models have no predictor"),
    "have no predictors": mark("the models have no predictor"),
    "must be given for data of one's own": mark(
        "full-time equivalents must be given (--employees 1000)"
    ),
    "must have an outcome in percentage points": mark("the outcome is not in percentage points"),
    "are lost days of work": mark("is of lost days of work, which this study has none of"),
    "must be stated for this study": mark(
        "the spread of true differences must be stated (--effects 0.5)"
    ),
    "the report has no table of": mark(
        "the spread of true differences must be stated (--effects 0.5)"
    ),
    "needs at least three models": mark("needs at least three models of one outcome"),
    "is not in the codebook": mark("the codebook does not say how far the predictor can move"),
    "has no steps": mark("the question has no steps"),
    "is of its core": mark(
        "is about the model's core: complete rows, Gaussian residuals, one variance, one "
        "slope everywhere, normal priors"
    ),
}
_OTHER: Final = mark("cannot be answered here; provenance.json has the error")


def unanswered(left_out: Mapping[str, str]) -> tuple[str, ...]:
    """Say what has no answer, and why, a line each.

    Parameters
    ----------
    left_out : mapping
        As in `Sensitivity`: a part, ``contrast: term`` or ``all but scaling: model`` -> reason.
    """
    return tuple(f"{_name(key)}: {_reason(why)}" for key, why in left_out.items())


def _name(key: str) -> str:
    """A part by its title, and of which term or model."""
    part, _, which = key.partition(": ")
    title = f"{part} title" if part == "controls" else part
    end = f", {numbered_name(which)}" if which else ""
    return part_word(title) + end


def _reason(why: str) -> str:
    """Why: as the error says in English, else in words of ours."""
    if language() == "en":
        return why
    return say(next((said for found, said in _REASONS.items() if found in why), _OTHER))
