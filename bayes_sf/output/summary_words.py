"""Sentences of what `reproduce` prints, in both languages.

Examples
--------
>>> say("about zero", "nb"), say("interval", "en").format("95 %")
('nær 0', '95 % interval')
"""

from collections.abc import Mapping
from typing import Final

from bayes_sf.inputs.variables import Language

__all__ = ["say"]

#: Key -> Norwegian, English.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "absence_mean": ("gjennomsnittlig fravær", "mean absence"),
    "absence_change": ("endring i fravær", "change in absence"),
    "lowest": ("ingen forskjell", "no difference"),
    "highest": ("størst", "largest"),
    "about zero": ("nær 0", "about 0"),
    "interval": ("{} intervall", "{} interval"),
    "icc note": (
        "{}; {} bransjer. Med a priori-fordelingene alene: median {}, {}.",
        "{}; {} industries. Under the prior alone: median {}, {}.",
    ),
    "boundary": (
        (
            "REMLs null er et estimat på randen: de to siste linjene er ytterpunktene for hva den "
            "lar være mulig av variasjon mellom bransjene."
        ),
        (
            "REML's zero is a boundary estimate: the last two lines are the ends of what it leaves "
            "possible for the variation between industries."
        ),
    ),
    "slopes": (
        "De sterkeste stigningstallene for {}, {} (tabell {})",
        "Strongest slopes on {}, {} (table {})",
    ),
    "slopes note": (
        (
            "{}. A priori-fordeling for stigningstall: {}; de andre som for ICC. Valgt etter "
            "|forventning/sd| blant {}; alle er i coefficients.csv."
        ),
        (
            "{}. Prior of slopes: {}; other priors as for the ICC. Chosen by |mean/sd| among {}; "
            "all are in coefficients.csv."
        ),
    ),
    "returned": (
        "REML gir {} av rapportens {} trykte tall igjen med den avrundingen de er trykt med.",
        "REML returns {} of {} published figures at their printed rounding.",
    ),
    "from summary": (
        (
            "De øvrige {} koeffisientene hører til modeller med kontrollvariabler, som rapporten "
            "ikke gir momentene til; fordelingene deres bygger på estimat og standardfeil (flat a "
            "priori)."
        ),
        (
            "The other {} coefficients belong to models with controls, whose moments the report "
            "does not determine; their posteriors rest on estimate and SE (flat priors)."
        ),
    ),
    "replay": (
        (
            "Etterregning av rapporten: {} sammenligninger, {} umulige, {} tvilsomme. Funnene er "
            "på engelsk."
        ),
        "Replay of the report: {} comparisons, {} impossible, {} doubtful.",
    ),
    "page": (
        "Rapportens flernivåresultater som a posteriori-fordelinger",
        "The report's multilevel results as posteriors",
    ),
    "comes back": ("Hvor mye av rapporten som kommer igjen", "How much of the report comes back"),
    "not true": ("Hva som ikke kan være sant samtidig", "What cannot all be true"),
    "readers": ("Som én side for lesere: {}", "As one page for readers: {}"),
}


def say(key: str, lang: Language) -> str:
    """Return a sentence in a language.

    Parameters
    ----------
    key : str
        One of this module's dictionary.
    lang : {"en", "nb"}
        Language.
    """
    return _WORDS[key][lang == "en"]
