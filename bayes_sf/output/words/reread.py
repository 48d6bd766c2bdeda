"""Words and sentences on re-read results, in both languages; notes are translated by their pattern.

Examples
--------
>>> from bayes_sf.recovery.reread.note import Note
>>> told(Note("n = {}, {} groups", 1840, 44), "nb")
'n = 1840, 44 grupper'
>>> told("as printed", "nb")
'som trykt'
"""

from collections.abc import Mapping
from typing import Final

from bayes_sf.inputs.variables import Language
from bayes_sf.recovery.reread.note import Note

__all__ = ["told"]

#: English as the program has it -> Norwegian.
_NORWEGIAN: Final[Mapping[str, str]] = {
    # frames of the output
    "Re-read from printed figures: no data were there.":
    "Lest på nytt av trykte tall: ingen data lå til grunn.",
    "Intraclass correlation, printed as {} (n = {}, {} groups)":
    "Intraklassekorrelasjon, trykt som {} (n = {}, {} grupper)",
    "Intraclass correlations of printed models": "Trykte modellers intraklassekorrelasjoner",
    "Coefficients of printed models": "Trykte modellers koeffisienter",
    "as printed": "som trykt", "prior alone": "a priori alene",
    "{}. Priors: {}.": "{}. A priori: {}.",
    "Assumed: {}.": "Antatt: {}.",
    "Model {}: {}.": "Modell {}: {}.",
    "model": "modell", "level": "nivå", "printed": "trykt", "case": "tilfelle",
    "median": "median", "interval": "intervall", "term": "ledd", "mean": "forventning",
    "df": "frihetsgrader", "direction": "retning", "groups": "grupper", "prior": "a priori",
    "study": "studie", "with all ends": "med alle ytterpunkter",
    "design effect": "designeffekt", "its interval": "dens intervall",
    "read": "lest", "assumed": "antatt", "left open": "ikke lest", "no ICC": "ingen ICC",
    # ends
    "sizes equal": "like store grupper", "sizes very unequal": "svært ulike grupper",
    "REML": "med REML", "ML": "med sannsynlighetsmaksimering",
    "no difference": "ingen forskjell",
    "largest that is called zero": "størst som kalles null",
    "largest that is printed so": "største ICC som trykkes slik",
    "fewest df": "færrest frihetsgrader", "most df": "flest frihetsgrader",
    # what an ICC rests on
    "sizes of groups: drawn, from equal to very unequal; printed sizes would narrow it":
    "gruppenes størrelse, trukket fra like til svært ulike; trykte størrelser ville gjort det "
    "smalere",
    "sizes of groups: drawn, as {} allows; printed sizes would narrow it":
    "gruppenes størrelse, trukket slik {} tillater; trykte størrelser ville gjort det smalere",
    "sizes of groups: those nearest to what narrows them; none was found that prints it":
    "gruppenes størrelse, de som er nærmest det som er trykt; ingen ble funnet som gir akkurat det",
    "estimator: REML, since the report does not say; both are shown":
    "REML, siden rapporten ikke sier det; begge er vist",
    "a variance printed as zero is only bounded: what is called zero is drawn; an ICC of up to {} "
    "is printed alike":
    "en varians trykt som null er bare avgrenset; det som kalles null, er trukket; en ICC på "
    "opptil {} trykkes likt",
    "no predictors: none is printed or named in study.toml":
    "ingen forklaringsvariabler, for ingen er trykt eller nevnt i study.toml",
    "predictors: {} taken as varying within groups; the ICC is what they leave, and sd(y) that of "
    "the residuals":
    "forklaringsvariabler, {} regnet som varierende innen grupper; ICC er det de lar stå igjen, og "
    "sd(y) er residualenes",
    "predictors: the ICC is what they leave, and sd(y) that of the residuals":
    "forklaringsvariabler, ICC er det de lar stå igjen, og sd(y) er residualenes",
    # what was read
    "n = {}, {} groups": "n = {}, {} grupper", "variance components": "varianskomponenter",
    "the ICC {}": "ICC {}", "sizes of groups": "gruppenes størrelse",
    "means of groups": "gruppenes gjennomsnitt", "groups of equal size": "like store grupper",
    "fewest and most rows of each group": "færrest og flest rader i hver gruppe",
    "sizes of groups: drawn between the fewest and most rows of each":
    "gruppenes størrelse, trukket mellom færrest og flest rader i hver",
    "smallest and largest group": "minste og største gruppe",
    "the intercept's standard error": "konstantleddets standardfeil",
    "reliability": "reliabilitet", "the likelihood": "sannsynlighetsfunksjonen",
    "size, mean and sd of every group": "hver gruppes størrelse, gjennomsnitt og standardavvik",
    "{} of the recovered model returns the print": "{} på den gjenskapte modellen gir det trykte",
    "REML of the recovered model: sd {} between groups, {} within":
    "REML på den gjenskapte modellen: standardavvik {} mellom grupper, {} innen",
    "it does not return the printed variance {} groups: means and sds are rounded, or of other "
    "rows":
    "den gir ikke den trykte variansen {} grupper; gjennomsnitt og standardavvik er avrundet, "
    "eller av andre rader",
    "between": "mellom", "within": "innen",
    # why there is no ICC
    "slopes differ between groups: there is no one ICC":
    "stigningstall varierer mellom grupper, så det er ikke én ICC",
    "grouping factors are crossed: the components of one of them are not enough":
    "grupperingene krysser hverandre, og komponentene til én av dem er ikke nok",
    "groups are nested in groups: the components of one of them are not enough":
    "grupper ligger i grupper, og komponentene til én av dem er ikke nok",
    "the outcome is {}: its residual variance is not printed":
    "utfallet er {}, så residualvariansen er ikke trykt",
    "rows are weighted: the residual variance is not one number":
    "radene er vektet, så residualvariansen er ikke ett tall",
    "standard errors are robust: the model behind the components is in doubt":
    "standardfeilene er robuste, så modellen bak komponentene er i tvil",
    "no data print these figures: {}": "ingen data gir disse tallene: {}",
    "the ICC needs the number of {}": "ICC krever antallet {}",
    "rows": "rader",
    "the ICC needs an ICC, or the variances between and within groups":
    "ICC krever en trykt ICC, eller variansene mellom og innen grupper",
    "the ICC needs the residual variance beside that between groups":
    "ICC krever residualvariansen ved siden av variansen mellom grupper",
    "an ICC of 1 leaves no variance within groups":
    "en ICC på 1 lar ingen varians stå igjen innen grupper",
    # coefficients
    "{}: not read, it needs {}": "{} er ikke lest, det krever {}",
    "an estimate": "et estimat",
    "a standard error, t or an interval with a declared reference":
    "en standardfeil, t eller et intervall med oppgitt grunnlag",
    "figures contradict one another: estimate and se are taken":
    "tallene motsier hverandre; estimat og standardfeil er brukt",
    "the se is what its other figures allow: it is not printed":
    "standardfeilen er det de andre tallene tillater; den er ikke trykt",
    "degrees of freedom: {} to {}, the fewest are taken; printed ones, or whether the predictor "
    "varies within groups, would narrow it":
    "frihetsgrader: {} til {}, de færreste er brukt; trykte, eller om variabelen varierer innen "
    "grupper, ville gjort det smalere",
}  # fmt: skip

#: Keys of ours that are said otherwise in English.
_ENGLISH: Final[Mapping[str, str]] = {
    "REML": "by REML", "ML": "by maximum likelihood", "no difference": "no difference at all",
    "largest that is printed so": "largest ICC that is printed so",
    "estimator: REML, since the report does not say; both are shown":
    "REML, since the report does not say; both are shown",
}  # fmt: skip


def told(text: str, lang: Language) -> str:
    """A note, word or sentence in a language; what is no text of ours stays as it is.

    Parameters
    ----------
    text : str
        A `Note`, or a key.
    lang : {"en", "nb"}
    """
    if lang == "en":
        return _ENGLISH.get(text, str(text))
    if isinstance(text, Note):
        pattern = _NORWEGIAN.get(text.template, text.template)
        joined = [" og ".join(_NORWEGIAN.get(p, p) for p in v.split(" and ")) for v in text.values]
        return pattern.format(*joined)
    return _NORWEGIAN.get(text, text)
