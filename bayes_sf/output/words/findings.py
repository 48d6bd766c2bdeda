"""Findings of the replay as lines, in both languages.

The rules of `bayes_sf.analysis.replay.consistency` speak English. Norwegian is made of that, phrase
by phrase, with figures as Norwegian writes them; what a claim says is in `claims.csv` in both.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from bayes_sf.catalogue import say
from bayes_sf.analysis.replay.consistency import RuleOutcome
from bayes_sf.analysis.replay.findings import SEVERITIES, Finding, count_severities
from bayes_sf.analysis.replay.tables import Tables
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.variables import Language
from bayes_sf.output.numbers import as_printed
from bayes_sf.output.words.commands import say
from bayes_sf.output.words.words import industry_name

__all__ = [
    "Phrases", "finding_line", "findings_lines", "norwegian_numbers", "put_norwegian",
    "replay_line",
]  # fmt: skip

type Phrases = tuple[tuple[str, str], ...]

_SEVERITY: Final = {
    "impossible": "umulig",
    "contradicted by the text": "motsagt av teksten",
    "not reported": "ikke oppgitt",
    "doubtful": "tvilsomt",
}
#: Before a comma or the end: the last parts of a place.
_ENDS: Final = r"(?=,|;|$)"

_PLACES: Final[Phrases] = (
    (r"\btables (\w+) and (\w+)", r"tabell \1 og \2"),
    (r"\btable\b", "tabell"),
    (r"\bfigure\b", "figur"),
    (r"\bannex\b", "vedlegg"),
    (r"\bsection\b", "avsnitt"),
    (r" on (?=avsnitt|tabell|figur|vedlegg)", " om "),
    (r" and (?=tabell|figur)", " og "),
    (r"\bintercept\b", "konstantledd"),
    (rf", industries{_ENDS}", ", bransjer"),
    (rf", mean{_ENDS}", ", gjennomsnitt"),
    (rf", change{_ENDS}", ", endring"),
    (rf", total{_ENDS}", ", i alt"),
    (rf", smallest N{_ENDS}", ", minste N"),
    (rf", largest N{_ENDS}", ", største N"),
    (rf", models{_ENDS}", ", modeller"),
)

_ARITHMETIC: Final[Phrases] = (
    (r"estimate and se give (\S+) to", r"estimat og standardfeil gir \1 til"),
    (r"each figure alone fits estimate and se, no pair \(estimate, se\) fits all",
     "tallene passer hver for seg, ikke noe par (estimat, standardfeil) passer til alle"),
    (r"se ratio (\S+) to (\S+), median of all covariates",
     r"forhold mellom standardfeil \1 til \2, median for alle kovariater"),
    (r"the answers allow (\S+) to (\S+), not", r"svarene tillater \1 til \2, ikke"),
    (r"\bno such model\b", "ingen slik modell"),
    (r"\banswers > asked\b", "svar > spurte"),
    (r"\btable (?=\d)", "tabell "),
    (r"\btotal\b", "i alt"),
    (r" in all, no row by industry", " i alt, ingen rad etter bransje"),
    (r", all of the survey\b", ", alle i undersøkelsen"),
    (r" kinds of answer in the table; ", " svartyper i tabellen; "),
    (r"the questionnaire has no such question", "spørreskjemaet har ikke spørsmålet"),
    (r"the questionnaire offers None", "spørreskjemaet tilbyr ingen"),
    (r"the questionnaire offers", "spørreskjemaet tilbyr"),
    (r"the questionnaire asks for a number", "spørreskjemaet spør etter et tall"),
    (r"\(survey\)", "(undersøkelsen)"),
    (r"\bnot printed\b", "ikke trykt"),
    (r"(\S) and (?=\S)", r"\1 og "),
    (r"(?<=\d) to (?=-?\d)", " til "),
    (r", not (?=\d)", ", ikke "),
    (r"\bestimate\b", "estimat"),
    (r"\bci_low\b", "nedre grense"),
    (r"\bci_high\b", "øvre grense"),
    (r"\bse\b", "standardfeil"),
)  # fmt: skip

_TEXTS: Final[Phrases] = (
    (r"the percentage is not the count over the number of workplaces",
     "prosenten er ikke antallet delt på antall virksomheter"),
    (r"the categories do not add up to the number of workplaces",
     "kategoriene summerer seg ikke til antall virksomheter"),
    (r"the industries do not add up to the count of the univariate table",
     "bransjene summerer seg ikke til antallet i den univariate tabellen"),
    (r"an answer of the univariate table is missing by industry",
     "et svar i den univariate tabellen mangler etter bransje"),
    (r"more answers \(don't know included\) than workplaces that were to be asked",
     "flere svar (medregnet «vet ikke») enn virksomheter som skulle bli spurt"),
    (r"every workplace has an answer to a question that was put to some",
     "alle virksomheter har svar på et spørsmål som ble stilt til noen"),
    (r"the table and the printed questionnaire are not about the same question",
     "tabellen og det trykte spørreskjemaet gjelder ikke samme spørsmål"),
    (r"the sample cannot be a part of the survey",
     "utvalget kan ikke være en del av undersøkelsen"),
    (r"the (?:t|(lower|upper) limit) cannot come from the estimate and its standard error",
     "tallet kan ikke komme av estimatet og standardfeilen"),
    (r"no estimate and standard error round to all five figures",
     "ikke noe estimat med standardfeil avrundes til alle fem tallene"),
    (r"the covariate is not on the same scale in the two tables",
     "kovariaten er ikke på samme skala i de to tabellene"),
    (r"the (?:N|models|smallest N|largest N) does not fit the questions and their answers",
     "tallet passer ikke til spørsmålene og svarene på dem"),
    (r"the two tables print different figures for one model",
     "de to tabellene trykker ulike tall for én modell"),
    (r"called significant, but the interval covers zero",
     "omtalt som signifikant, men intervallet dekker null"),
    (r"significant at 5 percent, but ", "signifikant på 5-prosentnivå, men "),
    (r"no model with controls is reported", "ingen modell med kontrollvariabler er oppgitt"),
    (r"the (text|summary) finds none significant", r"\1 finner ingen signifikante"),
    (r"the (text|summary) finds only (.*) significant", r"\1 finner signifikans bare for \2"),
    (r" with controls", " med kontrollvariabler"),
    (r"\btext finner", "teksten finner"),
    (r"\bsummary finner", "sammendraget finner"),
    (r"(q[\d.r]+) and (?=q)", r"\1 og "),
)  # fmt: skip

#: Answers, as claims name them.
_QUOTED: Final = re.compile(r"('[^']*')")
#: A number; not the key of a question, and not a section's number.
_NUMBER: Final = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w.'])")


def findings_lines(outcomes: Sequence[RuleOutcome]) -> tuple[str, ...]:
    """One line per finding of the replay, in the order of `SEVERITIES`.

    Parameters
    ----------
    outcomes : sequence of RuleOutcome
        The replay.
    """
    found = [finding for outcome in outcomes for finding in outcome.findings]
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return tuple(finding_line(finding) for finding in found)


def replay_line(outcomes: Sequence[RuleOutcome]) -> str:
    """Say how many comparisons there were, and how many findings of every severity.

    Parameters
    ----------
    outcomes : sequence of RuleOutcome
        The replay.
    """
    compared = sum(outcome.comparisons for outcome in outcomes)
    found = count_severities(finding for outcome in outcomes for finding in outcome.findings)
    counts = (
        f"{count} {severity if lang == 'en' else _SEVERITY[severity]}"
        for severity, count in found.items()
    )
    return say(
        "Replay of the report: {} comparisons. Findings, each counted once: {}.",
        compared,
        ", ".join(counts),
    )


def finding_line(finding: Finding) -> str:
    """Say one finding.

    Parameters
    ----------
    finding : Finding
        What disagrees.

    Examples
    --------
    >>> found = Finding("skip pattern", "table 39, q22", "impossible", "", "ict 23 > 12.5",
    ...     "more answers (don't know included) than workplaces that were to be asked")
    >>> line = finding_line(found, "nb")
    >>> line[: line.index(": flere")], line[line.index("[") :]
    ('umulig: tabell 39, q22', '[IKT 23 > 12,5]')
    """
    f = finding
    if lang == "en":
        return f"{f.severity}: {f.place}: {f.text} [{f.arithmetic}]"
    place = _industries(put_norwegian(f.place, _PLACES))
    parts = _QUOTED.split(f.arithmetic)  # answers are in Norwegian as they are
    parts[::2] = (norwegian_numbers(_industries(put_norwegian(p, _ARITHMETIC))) for p in parts[::2])
    arithmetic = "".join(parts)
    claim = f.text.removeprefix("does not hold: ")
    if claim == f.text:
        text = put_norwegian(f.text, _TEXTS)
    else:
        said = (_claims().get(part) or part for part in claim.split("; "))
        text = f"holder ikke: {'; '.join(said)}"
    return f"{_SEVERITY[f.severity]}: {place}: {text} [{arithmetic}]"


def put_norwegian(text: str, phrases: Phrases) -> str:
    """Put Norwegian phrases in the place of English ones.

    Parameters
    ----------
    text : str
        English.
    phrases : tuple of (str, str)
        Regular expression and replacement, in the order in which they are applied.
    """
    for english, norwegian in phrases:
        text = re.sub(english, norwegian, text)
    return text


def norwegian_numbers(text: str) -> str:
    """Write figures as Norwegian does; keys such as q16.8 and section 3.3.1 stay."""
    return _NUMBER.sub(lambda figure: as_printed(figure[0], "nb"), text)


def _industries(text: str) -> str:
    """Names of industries in the place of their keys."""
    keys = "|".join(industry.key for industry in load_codebook().industries)
    return re.sub(rf"(?<![\w'])({keys})(?![\w'])", lambda key: industry_name(key[0], "nb"), text)


@lru_cache(maxsize=1)
def _claims() -> dict[str, str]:
    """What the claims on the bundled report say, in Norwegian by their English."""
    return {claim.words: claim.words_nb for claim in Tables.read().claims}
