"""What a sensitivity analysis leaves out, and why, in words.

Errors are in English; a table, page or terminal in Norwegian says why in Norwegian.

Examples
--------
>>> unanswered({"size": "rope: must be stated: there is no default"}, "nb")
('Praktisk betydning: hva som er for lite til å bety noe, må oppgis (--rope 0,5)',)
>>> unanswered({"controls": "models: have no controls to add"}, "en")
('Controls one by one: models: have no controls to add',)
"""

from collections.abc import Mapping
from typing import Final

from bayes_sf.inputs.variables import Language
from bayes_sf.output.words.sensitivity import say
from bayes_sf.output.words.words import numbered_name

__all__ = ["unanswered"]

#: What an error says -> the same in Norwegian, and what to do.
_REASONS: Final[Mapping[str, str]] = {
    "have no controls to add": "modellene har ingen kontrollvariabler (q13_controls har)",
    "tables do not say how controls go together": (
        "krever virksomheter: tabeller sier ikke hvordan kontrollvariablene henger sammen"
    ),
    "must be a plain random intercept": "modellen er mer enn et tilfeldig konstantledd",
    "rope: must be stated": "hva som er for lite til å bety noe, må oppgis (--rope 0,5)",
    "must have a unit for a rope": "utfallet har ingen enhet",
    "need a predictor": "modellene har ingen prediktor",
    "have no predictors": "modellene har ingen prediktor",
    "must be given for data of one's own": "antall årsverk må oppgis (--employees 1000)",
    "must have an outcome in percentage points": "utfallet er ikke i prosentpoeng",
    "the report has no table of": "spredningen av sanne forskjeller må oppgis (--effects 0,5)",
    "needs at least three models": "krever minst tre modeller for samme utfall",
    "is not in the codebook": "kodeboken sier ikke hvor langt prediktoren kan flytte seg",
    "has no steps": "spørsmålet har ingen trinn",
    "is of its core": (
        "gjelder modellens kjerne: komplette rader, normalfordelte residualer, én varians, samme "
        "stigningstall overalt, normal a priori"
    ),
}
_OTHER: Final = "kan ikke besvares her; provenance.json har feilmeldingen"


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
    return say(title) + end


def _reason(why: str) -> str:
    """Why; in Norwegian where it is known what the error says."""
    if lang == "en":
        return why
    return next((said for found, said in _REASONS.items() if found in why), _OTHER)
