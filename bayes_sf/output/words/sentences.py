"""Sentences of footers in Norwegian and English: which data, and how to read a table."""

from collections.abc import Mapping
from typing import Final

from bayes_sf.inputs.variables import Language

__all__ = ["STATEMENTS", "sentence"]

#: What every table says of its data.
STATEMENTS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "published": "Real study: recovered from the report's published tables (no microdata).",
        "replica": "SYNTHETIC replica: invented workplaces that reproduce the published tables.",
        "microdata": "Microdata given by the user.",
        "frame": "Data frame given by the user.",
        "report": "Printed in the report (Oxford Research and NORCE for NAV, 2022).",
    },
    "nb": {
        "published": "Den virkelige studien: gjenskapt fra rapportens trykte tabeller (uten "
        "mikrodata).",
        "replica": "SYNTETISK kopi: oppdiktede virksomheter som gir de trykte tabellene.",
        "microdata": "Brukerens egne mikrodata.",
        "frame": "Brukerens egen datatabell.",
        "report": "Trykt i rapporten (Oxford Research og NORCE for NAV, 2022).",
    },
}  # fmt: skip

_SENTENCES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "direction": "P(direction): posterior probability of the sign of the median.",
        "icc": "The ICC is a share and has no unit.",
        "zero": (
            "Levels of groups, their sd and their correlation with slopes are at {}, and their "
            "priors hold there; the intercept's prior holds at the predictors' means; the ICC is "
            "averaged over the rows."
        ),
        "several": "of the first model",
        "printed": "Published: the real study's figures, with the decimals that the report prints.",
        "reconstructed": (
            "Where only estimate and SE are printed, the posterior rests on them (flat priors): a "
            "Student t with N - J - k degrees of freedom (N workplaces, J industries, k "
            "predictors). Those of an intercept are not known: between J - 1 and N - J - k, and "
            "both ends are shown (df). n is the one that the report prints."
        ),
        "answered": (
            "The report's n is {}, all linked workplaces with enough quarters; here it is without "
            "those of them that did not give an answer that the model uses. How many these are is "
            "not printed: it is drawn, and differs a little between versions of the study."
        ),
        "boundary": (
            "REML's zero is a boundary estimate: the last two lines are the ends of what the "
            "report leaves possible."
        ),
        "factor": (
            "Levels at the predictors' means. Factor: weight of the group's own data (median and "
            "interval), 1 without pooling, 0 with complete pooling. More to halve: so many "
            "further rows of the group would halve its interval (∞: no number would)."
        ),
        "about_zero": "≈ 0: the report says in words that it is close to zero.",
        "pooling": "Intervals: Wald (OLS, REML), equal-tailed credible (posterior).",
        "percent": "Percent of the column's workplaces.",
        "multiverse_sides": (
            "Percent of the fitted combinations whose estimate, or whole interval, lies there; "
            "what is missing to 100 has zero, or a limit of the ROPE, in its interval."
        ),
        "multiverse_shares": (
            "Share of the estimates' variance that goes with a choice alone, and with what it does "
            "together with others. Range: between the means of its options."
        ),
        "unbalanced": "Not every combination could be fitted: shares need not add up.",
        "pull": (
            "Pull: the estimate with a workplace minus the estimate without it, summed; in all: "
            "without regard to sign. Nothing is said of fewer than 5 workplaces."
        ),
        "association": "An association, not the effect of an intervention.",
        "quarters": "n: workplaces with {}, and an answer to each item that the model has.",
        "null n": "n of {}: workplaces with {}.",
        "null n printed": (
            "n of {}: workplaces with {}; the report's table 8 counts those with three."
        ),
        "other n": "{}: n = {} here, and {} in {} {}, where a model needs {}.",
        "contrast": (
            "A contrast goes as the coefficient does: from the lowest answer, or the reference, to "
            "the answer named last."
        ),
        "control": (
            "Disclosure control: {} hidden (:), for fewer than {} workplaces or {} persons, "
            "dominance, or to protect such figures."
        ),
        "control models": "Withheld, as they would tell of single workplaces: {1}.",
        "control log": "{} says which and why: it is for you alone.",
        "control off": (
            "DISCLOSURE CONTROL IS OFF (--no-disclosure-control): not to leave your house."
        ),
        "more models": "{} more models are in the files.",
        "written": "Written to {}: {}",
        "files": "Written to {}: {} files",
    },
    "nb": {
        "direction": "P(retning): a posteriori-sannsynlighet for medianens fortegn.",
        "icc": "ICC er en andel uten enhet.",
        "zero": (
            "Gruppenes nivåer, deres sd og deres korrelasjon med stigningstallene er ved {}, og "
            "a priori-fordelingene deres gjelder der; konstantleddets gjelder ved prediktorenes "
            "gjennomsnitt; ICC er et gjennomsnitt over radene."
        ),
        "several": "den første modellens",
        "printed": "Rapporten: tall for den virkelige studien, med de desimalene som er trykt.",
        "reconstructed": (
            "Der bare estimat og standardfeil er trykt, bygger fordelingen på dem (flat a priori): "
            "en Student t med N - J - k frihetsgrader (N virksomheter, J bransjer, k prediktorer). "
            "For et konstantledd er de ikke kjent: mellom J - 1 og N - J - k, og begge ender er "
            "vist (df). n er den som rapporten oppgir."
        ),
        "answered": (
            "Rapportens n er {}, alle koblede virksomheter med nok kvartaler; her er de utelatt "
            "som ikke ga et svar modellen bruker. Hvor mange de er, er ikke trykt: det er trukket, "
            "og varierer litt mellom versjonene av studien."
        ),
        "boundary": (
            "REMLs null er et randestimat: de to siste linjene er ytterpunktene av det rapporten "
            "lar være mulig."
        ),
        "factor": (
            "Nivå ved prediktorenes gjennomsnitt. Faktor: vekten av gruppens egne data (median og"
            " intervall), 1 uten sammenslåing, 0 med full sammenslåing. Flere for å "
            "halvere: så mange flere rader i gruppen ville halvert intervallet (∞: intet "
            "antall)."
        ),
        "about_zero": "≈ 0: rapporten sier med ord at den er nær null.",
        "pooling": (
            "Intervaller: Wald (MKM, REML), troverdighetsintervall med like haler (a posteriori)."
        ),
        "percent": "Prosent av virksomhetene i kolonnen.",
        "multiverse_sides": (
            "Prosent av de tilpassede kombinasjonene som har estimatet, eller hele intervallet, "
            "der; det som mangler på 100, har null eller en grense for ROPE i intervallet."
        ),
        "multiverse_shares": (
            "Andel av estimatenes varians som følger et valg alene, og sammen med andre valg. "
            "Spenn: mellom gjennomsnittene for valgets alternativer."
        ),
        "unbalanced": (
            "Ikke alle kombinasjoner kunne tilpasses: andelene går ikke nødvendigvis opp."
        ),
        "pull": (
            "Trekk: estimatet med en virksomhet minus estimatet uten, summert; i alt: uten hensyn "
            "til fortegn. Ingenting sies om færre enn 5 virksomheter."
        ),
        "association": "En sammenheng, ikke virkningen av et tiltak.",
        "quarters": "n: virksomheter med {}, og et svar på hvert spørsmål som er i modellen.",
        "null n": "n for {}: virksomheter med {}.",
        "null n printed": (
            "n for {}: virksomheter med {}; rapportens tabell 8 teller dem med tre."
        ),
        "other n": "{}: n = {} her, og {} i {} {}, der en modell krever {}.",
        "contrast": (
            "En kontrast går som koeffisienten: fra det laveste svaret, eller referansen, til det "
            "svaret som er nevnt sist."
        ),
        "control": (
            "Personvern: {} skjult (:), for færre enn {} virksomheter eller {} personer, "
            "dominans, eller for å beskytte slike tall."
        ),
        "control models": "Holdt tilbake fordi de ville fortelle om enkelte virksomheter: {1}.",
        "control log": "{} sier hvilke og hvorfor: den er bare for deg.",
        "control off": (
            "PERSONVERNET ER SLÅTT AV (--no-disclosure-control): dette skal ikke ut av huset."
        ),
        "more models": "{} modeller til er i filene.",
        "written": "Skrevet til {}: {}",
        "files": "Skrevet til {}: {} filer",
    },
}


def sentence(key: str, lang: Language) -> str:
    """Return a sentence.

    Examples
    --------
    >>> sentence("icc", "nb")
    'ICC er en andel uten enhet.'
    """
    return _SENTENCES[lang][key]
