"""The words of tables in Norwegian and English: one dictionary, and the labels of the codebook.

Examples
--------
>>> word("sd", "nb"), outcome_name("absence_mean", "nb"), term_name("sd_group", "en")
('Std.avvik', 'Gjennomsnittlig legemeldt sykefravær', 'sd between industries')
>>> interval_name("credible-eti", 0.95, "nb")
'95\u00a0% troverdighetsintervall (like haler)'
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.variables import Language
from bayes_sf.output.numbers import level

if TYPE_CHECKING:
    from bayes_sf.engines.result import Result

__all__ = [
    "SYMBOLS", "check_language", "group_name", "industry_name", "interval_name", "numbered_name",
    "of_groups", "outcome_name", "own_group", "quarter_words", "step_name", "term_name",
    "unit_name", "word",
]  # fmt: skip

#: Statistics Norway's symbols since 2021.
SYMBOLS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {".": "does not exist", "..": "not known", ":": "hidden, to disclose nobody"},
    "nb": {".": "finnes ikke", "..": "ikke kjent", ":": "skjult av hensyn til personvernet"},
}

_WORDS: Final[Mapping[str, tuple[str, str]]] = {  # Norwegian, English
    "all": ("Alle", "All"),
    "analysis": ("Analyse", "Analysis"),
    "answer": ("Svar", "Answer"),
    "belonging": ("Hvor mange av de valgte som hører til", "How many of the chosen belong"),
    "bfmi": ("E-BFMI", "E-BFMI"),
    "chains": ("kjeder", "chains"),
    "complete": ("Full sammenslåing", "Complete pooling"),
    "count": ("Antall", "Count"),
    "descriptives": ("Svar på spørreundersøkelsen", "Answers to the survey"),
    "diagnostics": ("Diagnostikk", "Diagnostics"),
    "direction": ("P(retning)", "P(direction)"),
    "divergences": ("divergenser", "divergences"),
    "engine": ("Metode", "Engine"),
    "ess_bulk": ("ESS, midten", "Bulk ESS"),
    "ess_tail": ("ESS, halene", "Tail ESS"),
    "dummies": ("MKM med bransjedummyer", "OLS with dummies"),
    "estimate": ("Estimat", "Estimate"),
    "exact": ("A posteriori", "Posterior"),
    "exact_mcse": ("Fra eksakt (MCSE)", "From exact (MCSE)"),
    "factor": ("Faktor", "Factor"),
    "figure": ("Figur", "Figure"),
    "flow": ("Hvem som er igjen etter hver regel", "Who is left after each rule"),
    "frequentist_title": ("Estimater", "Estimates"),
    "group": ("Gruppe", "Group"),
    "highest": ("størst variasjon", "largest variation"),
    "icc": ("ICC", "ICC"),
    "icc_title": ("Intraklassekorrelasjon", "Intraclass correlation"),
    "industry": ("Bransje", "Industry"),
    "interval": ("intervall", "interval"),
    "label": ("Om hva", "About"),
    "lower": ("nedre", "lower"),
    "lowest": ("ingen variasjon", "no variation"),
    "mcse": ("MCSE", "MCSE"),
    "mean": ("Forventning", "Mean"),
    "median": ("Median", "Median"),
    "model": ("Modell", "Model"),
    "more": ("Flere for å halvere", "More to halve"),
    "n": ("n", "n"),
    "none": ("Uten sammenslåing", "No pooling"),
    "ols": ("MKM", "OLS"),
    "outcome": ("Utfall", "Outcome"),
    "parameter": ("Parameter", "Parameter"),
    "percent": ("Prosent", "Percent"),
    "partial": ("Delvis sammenslåing", "Partial pooling"),
    "pooling": ("Sammenslåing", "Pooling"),
    "pooling_title": ("Grader av sammenslåing", "Kinds of pooling"),
    "posterior": ("A posteriori", "Posterior"),
    "posterior_title": ("A posteriori-fordelinger", "Posterior summary"),
    "prior": ("A priori", "Prior"),
    "priors": ("A priori-fordelinger", "Priors"),
    "published": ("Rapporten", "Published"),
    "question": ("Spørsmål", "Question"),
    "r_hat": ("R-hatt", "R-hat"),
    "raw": ("Gj.snitt", "Raw mean"),
    "reml": ("REML", "REML"),
    "sd": ("Std.avvik", "sd"),
    "se": ("Std.feil", "SE"),
    "shrinkage": ("Bransjenes nivå og krymping", "Levels of industries and shrinkage"),
    "source": ("Kilde", "Source"),
    "step": ("Regel", "Rule"),
    "table": ("Tabell", "Table"),
    "t": ("t", "t"),
    "term": ("Ledd", "Term"),
    "upper": ("øvre", "upper"),
    "verdict_bad": (
        "IKKE KONVERGERT: estimatene er ikke til å stole på",
        "NOT CONVERGED: do not believe these estimates",
    ),
    "verdict_good": ("konvergert", "converged"),
    # Spreads of every model
    "sd_group": ("Std.avvik mellom bransjer", "sd between industries"),
    "sd_resid": ("Std.avvik innen bransjer", "sd within industries"),
    "own sd_group": ("Std.avvik mellom grupper ({})", "sd between groups ({})"),
    "own sd_resid": ("Std.avvik innen grupper ({})", "sd within groups ({})"),
    # Kinds of interval
    "credible-eti": ("troverdighetsintervall (like haler)", "credible interval (equal-tailed)"),
    "credible-hdi": ("troverdighetsintervall (høyest tetthet)", "credible interval (HDI)"),
    "confidence-wald": ("konfidensintervall (Wald)", "confidence interval (Wald)"),
    # Choices of a multiverse, and their options
    "min_quarters": ("Minste antall kvartaler", "Minimum quarters"),
    "last_quarter": ("Siste kvartal", "Last quarter"),
    "controls": ("Kontroller", "Controls"),
    "dont_know": ("«Vet ikke»", "Don't know"),
    "scale": ("Skala", "Scale"),
    "likelihood": ("Fordeling", "Likelihood"),
    "without": ("Uten bransje", "Without industry"),
    "option mean": ("gjennomsnitt", "mean"),
    "option weighted mean": ("vektet gjennomsnitt", "weighted mean"),
    "option median": ("median", "median"),
    "option none": ("ingen", "none"),
    "option missing": ("utelatt", "missing"),
    "option category": ("eget svar", "own category"),
    "option lowest": ("som laveste svar", "as lowest answer"),
    "option middle": ("som midterste svar", "as middle answer"),
    "option highest": ("som høyeste svar", "as highest answer"),
    "option raw": ("rå", "raw"),
    "option standardised": ("standardisert", "standardised"),
    "option gaussian": ("normal", "Gaussian"),
    "option 2.5 sd": ("2,5 sd", "2.5 sd"),
    "option 1 sd": ("1 sd", "1 sd"),
    "option flat": ("flat", "flat"),
    "option sceptical": ("skeptisk", "sceptical"),
    # Tables of a multiverse
    "choice": ("Valg", "Choice"),
    "option": ("Alternativ", "Option"),
    "options": ("Alternativer", "Options"),
    "first": ("Andel av variansen, alene", "Share of variance, alone"),
    "total": ("Andel i alt", "Total share"),
    "range": ("Spenn", "Range"),
    "fitted": ("Tilpasset", "Fitted"),
    "least": ("Minste", "Least"),
    "largest": ("Største", "Largest"),
    "side": ("Side", "Side"),
    "share_estimates": ("Estimater, %", "Estimates, %"),
    "share_intervals": ("Hele intervaller, %", "Whole intervals, %"),
    "below_zero": ("under null", "below zero"),
    "above_zero": ("over null", "above zero"),
    "below_rope": ("under ROPE", "below the ROPE"),
    "within_rope": ("innenfor ROPE", "within the ROPE"),
    "above_rope": ("over ROPE", "above the ROPE"),
    "surely_below_zero": ("Intervall under null, %", "Interval below zero, %"),
    "surely_above_zero": ("Intervall over null, %", "Interval above zero, %"),
    "n_range": ("Virksomheter", "Workplaces"),
    "multiverse_sides": ("Multivers: hvor estimatene ligger", "Multiverse: where estimates lie"),
    "multiverse_shares": ("Multivers: hva valgene betyr", "Multiverse: what choices matter"),
    "multiverse_options": ("Multivers: etter alternativ", "Multiverse: by option"),
    # Tables of influence
    "left_out": ("Utelatt", "Left out"),
    "nobody": ("Ingen", "Nobody"),
    "others": ("små bransjer samlet", "small industries together"),
    "pull": ("Trekk", "Pull"),
    "size": ("Trekk i alt", "Pull in all"),
    "share": ("Andel, %", "Share, %"),
    "influence_refits": ("Uten et svar eller en bransje", "Without an answer or an industry"),
    "influence_answers": ("Innflytelse etter svar", "Influence by answer"),
    "influence_cells": ("Innflytelse etter svar og bransje", "Influence by answer and industry"),
    # Units
    "pp": ("prosentpoeng", "percentage points"),
}
_SPREADS = ("sd_group", "sd_resid", "icc")


def check_language() -> Language:
    """Return the language if it is one of ours.

    Raises
    ------
    UsageError
        If it is not.
    """
    known: dict[str, Language] = {"en": "en", "nb": "nb"}
    if lang not in known:
        raise UsageError("lang", "must be en or nb", got=lang, fix="nb is Norwegian (bokmål)")
    return known[lang]


def word(key: str) -> str:
    """Return a word of the dictionary."""
    return _WORDS[key][0 if lang == "nb" else 1]


def interval_name(kind: str, prob: float) -> str:
    """Return the probability and kind of an interval, as `estimates` has them."""
    return f"{level(prob)} {word(kind)}"


def unit_name(unit: str) -> str:
    """Return a unit in words; what is not in the dictionary stays as it is."""
    return word(unit) if unit in _WORDS else unit


def own_group(result: "Result") -> str:
    """Return the grouping factor of a result of a user's own data; "" for the study's.

    The study's names are labelled by its codebook; another's are what they are, even where they
    are spelt alike.

    Parameters
    ----------
    result : Result
        Of any data.
    """
    return "" if result.provenance.source in _STUDY else result.spec.group


#: Sources that are the study's survey and register, or tables of them.
_STUDY: Final = ("published", "replica", "microdata")
#: The study's groups and rows, and what they are where they are a user's own.
_GROUPS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"industries": "groups", "industry": "group", "workplaces": "rows", "workplace": "row"},
    "nb": {
        "bransjer": "grupper", "bransje": "gruppe", "bransjene": "gruppene",
        "bransjenes": "gruppenes", "bransjedummyer": "gruppedummyer",
        "bransjeeffektenes": "gruppeeffektenes", "virksomheter": "rader",
        "virksomhetene": "radene", "virksomhets": "rads", "virksomhet": "rad",
    },
}  # fmt: skip


def of_groups(text: str, *, own: str) -> str:
    """Return a text of ours with groups and rows in the place of industries and workplaces.

    Parameters
    ----------
    text : str
        From a dictionary of ours: never a name that a user has given.
    own
        As in `term_name`; of the study's own data the text stays.

    Examples
    --------
    >>> of_groups("Levels of industries", "en", own="school")
    'Levels of groups'
    """
    if not own:
        return text

    def replaced(found: re.Match[str]) -> str:
        said = _GROUPS[lang][found[0].lower()]
        return said[:1].upper() + said[1:] if found[0][0].isupper() else said

    words = "|".join(_GROUPS[lang])
    return re.sub(rf"\b(?:{words})\b", replaced, text, flags=re.IGNORECASE)


def term_name(term: str, *, own: str = "") -> str:
    """Return the label of a model's term.

    Parameters
    ----------
    term : str
        ``(Intercept)``, an item of the codebook, ``sd_group``, ...
    own : str
        Grouping factor of a user's own data, whose terms are not the codebook's: `own_group`.
    """
    if own:
        return word(f"own {term}").format(own) if f"own {term}" in _WORDS else _plain(term)
    if term in _SPREADS:
        return word(term)
    return _codebook_label(term)


def _plain(term: str) -> str:
    """A term as it is written where nothing is translated."""
    return "ICC" if term == "icc" else term


def group_name(group: str, *, own: str = "") -> str:
    """Return the label of a group: an industry's, or of a user's own data the name that it has.

    Parameters
    ----------
    group : str
        Its name.
    own
        As in `term_name`.
    """
    return group if own else industry_name(group)


def numbered_name(term: str, *, own: str = "") -> str:
    """Return the label of a term with its number in the questionnaire.

    Parameters
    ----------
    term, own
        As in `term_name`.

    Examples
    --------
    >>> numbered_name("q18[dont_know]", "nb"), numbered_name("women_share", "en")
    ('Har tariffavtale: vet ikke (q18)', "Women's share")
    """
    label, number = term_name(term, own=own), term.partition("[")[0]
    numbered = not own and label != term and number in load_codebook().items
    return f"{label} ({number})" if numbered else label


def outcome_name(outcome: str, *, own: str = "") -> str:
    """Return the label of an outcome; a name that the codebook does not know stays as it is.

    Parameters
    ----------
    outcome : str
        Its key.
    own
        As in `term_name`.
    """
    return outcome if own else _codebook_label(outcome)


def _codebook_label(term: str) -> str:
    try:
        return load_codebook().label(term)
    except UsageError:
        return term


def industry_name(key: str) -> str:
    """Return the label of an industry; a group that is none stays as it is."""
    try:
        industry = load_codebook().industry(key)
    except UsageError:
        return key
    return industry.label


def quarter_words(quarter: str) -> str:
    """Return a quarter such as ``2019Q4`` as a reader of the language writes it.

    Examples
    --------
    >>> quarter_words("2019Q4", "nb"), quarter_words("2019Q4", "en")
    ('4. kv. 2019', '2019Q4')
    """
    year, _, number = quarter.partition("Q")
    return f"{number}. kv. {year}" if lang == "nb" else quarter


def step_name(step: str) -> str:
    """Return a rule of the sample, as `count_flow` names it.

    Examples
    --------
    >>> step_name("at least 3 observed quarters", "nb"), step_name("q13 answered", "nb")
    ('Minst 3 observerte kvartaler', 'Kan tilpasse arbeidet: besvart')
    >>> step_name("at least 1 observed quarters", "nb")
    'Minst 1 observert kvartal'
    """
    start, _, end = step.rpartition(" ")
    if end in _STEP_ENDS and start in _known_terms():
        return f"{outcome_name(start)}: {_STEP_ENDS[end] if lang == 'nb' else end}"
    for english, norwegian in _STEPS.items() if lang == "nb" else ():
        step = step.replace(english, norwegian)
    for many, one in _SINGULAR.items():
        step = step.replace(f" 1 {many}", f" 1 {one}")
    return step[:1].upper() + step[1:]


_STEPS: Final = {
    "surveyed": "i spørreundersøkelsen",
    "linked to the register": "koblet til registeret",
    "at least": "minst",
    "observed quarters": "observerte kvartaler",
}
_SINGULAR: Final = {
    "observed quarters": "observed quarter", "observerte kvartaler": "observert kvartal",
}  # fmt: skip
_STEP_ENDS: Final = {"observed": "observert", "answered": "besvart", "known": "kjent"}


def _known_terms() -> set[str]:
    """Keys that the codebook has labels for."""
    book = load_codebook()
    return {*book.items, *(variable.key for variable in book.derived)}
