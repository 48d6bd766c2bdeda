"""Findings in any report's printed tables as lines, in both languages.

The rules of `bayes_sf.analysis.printed` speak English; Norwegian is made of that, phrase by phrase.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from bayes_sf.analysis.printed.check import PrintedFinding, RuleRun
from bayes_sf.errors import legible
from bayes_sf.inputs.variables import Language

__all__ = ["tables_lines"]

#: Lines that a rule that was not run may have.
_MOST_NEEDS: Final = 3
#: Norwegian, English.
_SENTENCES: Final = {
    "finding": ("{} [regel {}, {}]: {} Trykt: {}. {}.", "{} [rule {}, {}]: {} Printed: {}. {}."),
    "rounding": ("Avrunding: {}.", "Rounding assumed: {}."),
    "truncated": ("Kuttet i stedet for avrundet ville tallene passet.",
                  "Cut off instead of rounded, the figures would agree."),
    "not truncated": ("Kutting i stedet for avrunding forklarer det ikke.",
                      "Cutting off instead of rounding does not explain it."),
    "none": ("Ingen funn.", "No findings."),
    "summary": ("{} sammenlikninger, {} funn, {} av {} regler uten sammenlikning.",
                "{} comparisons, {} findings, {} of {} rules without a comparison."),
    "header": ("sammenlikninger      funn  regel", "   comparisons  findings  rule"),
    "not run": ("ikke kjørt: trenger {}", "not run: needs {}"),
    "more": ("og {} til", "and {} more"),
}  # fmt: skip
#: Rules by number: what they say, and what they need at least.
_RULES: Final = (
    ("varians = sd^2", "en varians og standardavviket"),
    ("ICC = tau^2/(tau^2 + sigma^2)", "en ICC og begge variansene"),
    ("AIC og BIC med ett helt antall parametre, devians = -2 log-likelihood",
     "AIC og log-likelihood"),
    ("nullmodellens konstantledd har en standardfeil mellom like og svært ulike grupper",
     "en nullmodells komponenter og konstantleddets standardfeil"),
    ("se^2 = tau^2/(J reliabilitet) i en nullmodell", "en nullmodells reliabilitet"),
    ("betinget R2 = ICC og marginal R2 = 0 i en nullmodell, begge passer til ICC i enhver", "R2"),
    ("t eller z = estimat/standardfeil", "t eller z"),
    ("intervall = estimat -+ q standardfeil, q av oppgitt grunnlag", "intervaller av z eller t"),
    ("p av t og dens frihetsgrader, eller av z; tosidig om ikke annet er oppgitt", "p-verdier"),
    ("stjerner sier hvor liten p er", "stjerner"),
    ("det teksten kaller signifikant, har p < 0,05, og det andre ikke", "claims.csv"),
    ("n, grupper og størrelser i en modell og i modeller som inneholder hverandre",
     "n for en modell"),
    ("prosent = antall/sum", "counts.csv"),
    ("GRIM, GRIMMER og DEBIT, der avrundingen lar dem se noe",
     "descriptives.csv med integer = yes"),
    ("modeller i hverandre, en modell trykt to ganger, estimatorer om hverandre",
     "modeller i hverandre med devians, eller en modell i to tabeller"),
    ("intervaller har estimatet i seg, snitt er mellom ytterpunkter, standardavvik er mulige",
     "intervaller, eller descriptives.csv med min og max"),
    ("en variabel har samme skala i to modeller, bedømt av de andres standardfeil",
     "to modeller med tre felles variabler"),
)  # fmt: skip
#: English phrase -> Norwegian, longest first where one holds another.
_PHRASES: Final = (
    ("the variance is not the square of the sd", "variansen er ikke kvadratet av standardavviket"),
    ("the ICC is not that of its components", "ICC er ikke den som komponentene gir"),
    ("the deviance is not -2 log-likelihood", "deviansen er ikke -2 log-likelihood"),
    ("AIC and BIC are not of one model and one n", "AIC og BIC er ikke av samme modell og n"),
    ("no whole number of parameters gives this AIC",
     "ikke noe helt antall parametre gir denne AIC"),
    ("BIC is not of the same parameters and n", "BIC er ikke av samme parametre og n"),
    ("the intercept's se is not that of its components",
     "konstantleddets standardfeil er ikke den som komponentene gir"),
    ("the reliability is not that of the intercept's se",
     "reliabiliteten er ikke den som konstantleddets standardfeil gir"),
    ("a null model explains nothing", "en nullmodell forklarer ingenting"),
    ("groups and predictors explain less than predictors",
     "grupper og forklaringsvariabler forklarer mindre enn variablene alene"),
    ("conditional R2 is not that of the components",
     "betinget R2 er ikke den som komponentene gir"),
    ("t is not estimate/se", "t er ikke estimat/standardfeil"),
    ("the interval is not symmetric about the estimate",
     "intervallet er ikke symmetrisk om estimatet"),
    ("the interval is not that of its standard error",
     "intervallet er ikke det som standardfeilen gir"),
    ("one limit is not that of its standard error",
     "en av grensene er ikke den som standardfeilen gir"),
    ("p is not that of its ratio", "p er ikke den som t eller z gir"),
    ("the stars are not those of the p-value", "stjernene er ikke de som p-verdien gir"),
    ("does not hold", "holder ikke"),
    ("one model has several n", "en modell har flere n"),
    ("the larger model has more rows", "den større modellen har flere rader"),
    ("groups do not add up to the total", "gruppene gir ikke summen"),
    ("the mean size is not n/groups", "gjennomsnittlig størrelse er ikke n/grupper"),
    ("no such sizes add up to n", "ingen slike størrelser gir n"),
    ("the percentage is not that of its count", "prosenten er ikke den som antallet gir"),
    ("no whole numbers have this mean and sd", "ingen hele tall har dette snittet og avviket"),
    ("no whole numbers have this mean", "ingen hele tall har dette gjennomsnittet"),
    ("no answers of 0 and 1 have this mean and sd",
     "ingen svar 0 og 1 har dette snittet og avviket"),
    ("models of one table are fitted in two ways", "modeller i en tabell er tilpasset på to måter"),
    ("the larger model fits worse on the same rows",
     "den større modellen passer dårligere på samme rader"),
    ("two tables print different figures of one model",
     "to tabeller trykker ulike tall for en modell"),
    ("the interval does not hold its estimate", "intervallet har ikke estimatet i seg"),
    ("the mean is not between smallest and largest", "snittet er ikke mellom minste og største"),
    ("the sd is larger than the range allows", "standardavviket er større enn spennet tillater"),
    ("the covariate is not on the same scale in the two models",
     "variabelen er ikke på samme skala i de to modellene"),
    ("the variances between and within groups", "variansene mellom og innen grupper"),
    ("AIC and the log-likelihood, or AIC, BIC and n", "AIC og log-likelihood, eller AIC, BIC og n"),
    ("the number of rows and of groups", "antall rader og grupper"),
    ("the null intercept's se, the components and groups",
     "konstantleddets standardfeil, komponentene og grupper"),
    ("the components, and marginal R2 where there are predictors",
     "komponentene, og marginal R2 der det er forklaringsvariabler"),
    ("estimate and se", "estimat og standardfeil"), ("the estimate", "estimatet"),
    ("the se, or t", "standardfeilen, eller t"), ("p, or t or z", "p, eller t eller z"),
    ("t or z, or estimate and se", "t eller z, eller estimat og standardfeil"),
    ("the counts of all answers", "antallet for alle svar"), ("n and the mean", "n og snittet"),
    ("maximum likelihood, one n and one random part", "ML, én n og én tilfeldig del"),
    ("more decimals of the mean", "flere desimaler i snittet"),
    ("more decimals of the sd", "flere desimaler i standardavviket"),
    ("leaves none impossible", "utelukker ingen"), ("no star", "ingen stjerne"),
    ("a claim on significance: other claims are of counts by industry",
     "en påstand om signifikans, for andre er om antall etter bransje"),
    ("impossible", "umulig"), ("doubtful", "tvilsomt"),
    ("contradicted by the text", "motsagt av teksten"),
    ("half the width over the se is", "halve bredden over standardfeilen er"),
    ("lower and upper side over the se are", "nedre og øvre side over standardfeilen er"),
    ("the middle of the limits is", "midten av grensene er"),
    ("components give", "komponentene gir"), ("estimate/se is", "estimat/standardfeil er"),
    ("groups of any size give a se of", "grupper av enhver størrelse gir standardfeil"),
    ("equal groups give a se of", "like grupper gir standardfeil"),
    ("estimate", "estimat"), (" between, ", " mellom, "), (" within", " innen"),
    ("variance ", "varians "), (" by unknown reference", " uten oppgitt grunnlag"),
    ("reference", "grunnlag"), ("row ", "rad "), ("column ", "kolonne "), ("table ", "tabell "),
    ("half", "halv opp"), ("truncated", "kuttet"), ("unknown", "ukjent"),
    (" and ", " og "), (" to ", " til "), (" is ", " er "), (" gives ", " gir "),
    (" or ", " eller "),
)  # fmt: skip


def tables_lines(runs: Sequence[RuleRun], lang: Language) -> Iterator[str]:
    """Findings, then what every rule did.

    Parameters
    ----------
    runs : sequence of RuleRun
    lang : {"en", "nb"}
    """
    found = [finding for run in runs for finding in run.findings]
    yield from (_finding(finding, lang) for finding in found)
    if not found:
        yield _said("none", lang)
    yield ""
    idle = sum(not run.comparisons for run in runs)
    compared = sum(run.comparisons for run in runs)
    yield _said("summary", lang).format(compared, len(found), idle, len(runs))
    yield ""
    yield _said("header", lang)
    for run in runs:
        yield legible(
            f"{run.comparisons:14d}  {len(run.findings):8d}  {run.number:2d} "
            f"{run.rule if lang == 'en' else _RULES[run.number - 1][0]}"
        )
        for need in run.needs[:_MOST_NEEDS]:
            whole = need.startswith("all: ")
            least = _RULES[run.number - 1][1] if whole and lang == "nb" else need
            said = _said("not run", lang).format(_put(least.removeprefix("all: "), lang))
            yield legible(f"{'':29s}{said}")
        if len(run.needs) > _MOST_NEEDS:
            yield f"{'':29s}{_said('more', lang).format(len(run.needs) - _MOST_NEEDS)}"


def _said(key: str, lang: Language) -> str:
    return _SENTENCES[key][lang == "en"]


def _finding(finding: PrintedFinding, lang: Language) -> str:
    """One line."""
    line = _said("finding", lang).format(
        _put(finding.place, lang), finding.rule, _put(finding.severity, lang),
        _first(_put(finding.text, lang)), _put(finding.printed, lang),
        _first(_put(finding.arithmetic, lang), stop=False),
    )  # fmt: skip
    rounding = _said("rounding", lang).format(_put(finding.rounding, lang))
    cut = _said("truncated" if finding.truncated else "not truncated", lang)
    return legible(f"{line} {rounding} {cut}")


def _first(text: str, *, stop: bool = True) -> str:
    """A sentence of it."""
    return text[:1].upper() + text[1:] + ("." if stop else "")


def _put(text: str, lang: Language) -> str:
    """A text in a language, with its decimal mark."""
    if lang == "en":
        return text
    for english, norwegian in _PHRASES:
        text = text.replace(english, norwegian)
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text)
