"""What keys of data and models are called: one vocabulary, and the labels of the codebook.

Examples
--------
>>> from bayes_sf.catalogue import speaking
>>> outcome_name("absence_mean"), term_name("sd_group")
('Mean doctor-certified absence', 'sd between industries')
>>> with speaking("nb"):
...     word("sd"), interval_name("credible-eti", 0.95).partition("%")[2]
('Std.avvik', '-troverdighetsintervall (like store haler)')
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import Marked, labels_language, mark, mark_as, say, say_as
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.numbers import level

if TYPE_CHECKING:
    from bayes_sf.engines.result import Result

__all__ = [
    "STATEMENTS", "SYMBOLS", "factor_name", "factor_term", "group_name", "industry_name",
    "interval_name", "model_name", "numbered_name", "of_groups", "outcome_name", "own_group",
    "quarter_words", "short_name", "statement_of", "step_name", "term_name", "unit_name", "word",
]  # fmt: skip

#: Statistics Norway's symbols since 2021.
SYMBOLS: Final[Mapping[str, str]] = {
    ".": mark("does not exist"), "..": mark("not known"),
    ":": mark("hidden, to disclose nobody"),
}  # fmt: skip

#: What every table says of its data.
STATEMENTS: Final[Mapping[str, str]] = {
    "published": mark("Real study: recovered from the report's published tables (no microdata)."),
    "replica": mark("SYNTHETIC replica: invented workplaces that reproduce the published tables."),
    "microdata": mark("Microdata given by the user."),
    "frame": mark("Data frame given by the user."),
    "sets": mark("Completed data sets given by the user."),
    "report": mark("Printed in the report (Oxford Research and NORCE for NAV, 2022)."),
}

#: By a key of the data or of a model.
_WORDS: Final[Mapping[str, Marked]] = {
    "all": mark("All"), "answer": mark("Answer"), "complete": mark("Complete pooling"),
    "direction": mark("P(direction)"), "dummies": mark("OLS with dummies"),
    "exact": mark("Posterior"), "figure": mark("Figure"), "frequentist_title": mark("Estimates"),
    "highest": mark("largest variation"), "icc": mark("ICC"), "industry": mark("Industry"),
    "interval": mark("interval"), "lower": mark("lower"), "lowest": mark("no variation"),
    "mean": mark_as("mean", "Mean"), "median": mark("Median"), "ml": mark("ML"),
    "model": mark("Model"),
    "none": mark("No pooling"), "ols": mark("OLS"), "outcome": mark("Outcome"),
    "partial": mark("Partial pooling"), "pooling_title": mark("Kinds of pooling"),
    "posterior_title": mark("Posterior summary"), "prior": mark("Prior"), "reml": mark("REML"),
    "sd": mark_as("sd", "sd"), "se": mark("SE"),
    "shrinkage": mark("Levels of industries and shrinkage"), "table": mark("Table"), "t": mark("t"),
    "upper": mark("upper"), "verdict_bad": mark("NOT CONVERGED: do not believe these estimates"),
    "verdict_good": mark("converged"), "sd_group": mark("sd between industries"),
    "sd_resid": mark("sd within industries"), "own sd_group": mark("sd between groups ({})"),
    "own sd_resid": mark("sd within groups ({})"),
    "credible-eti": mark("credible interval (equal-tailed)"),
    "credible-hdi": mark("credible interval (HDI)"),
    "confidence-wald": mark("confidence interval (Wald)"), "min_quarters": mark("Minimum quarters"),
    "last_quarter": mark("Last quarter"), "controls": mark_as("controls", "Controls"),
    "dont_know": mark("Don't know"), "scale": mark("Scale"), "likelihood": mark("Likelihood"),
    "without": mark("Without industry"), "option mean": mark("mean"),
    "option weighted mean": mark("weighted mean"), "option median": mark("median"),
    "option none": mark("none"), "option missing": mark("missing"),
    "option category": mark("own category"), "option lowest": mark("as lowest answer"),
    "option middle": mark("as middle answer"), "option highest": mark("as highest answer"),
    "option raw": mark("raw"), "option standardised": mark("standardised"),
    "option gaussian": mark("Gaussian"), "option 2.5 sd": mark("2.5 sd"),
    "option 1 sd": mark("1 sd"), "option flat": mark("flat"), "option sceptical": mark("sceptical"),
    "least": mark("Least"), "largest": mark("Largest"), "below_zero": mark("below zero"),
    "above_zero": mark("above zero"), "below_rope": mark("below the ROPE"),
    "within_rope": mark("within the ROPE"), "above_rope": mark("above the ROPE"),
    "surely_below_zero": mark("Interval below zero, %"),
    "surely_above_zero": mark("Interval above zero, %"),
    "multiverse_sides": mark("Multiverse: where estimates lie"),
    "multiverse_shares": mark("Multiverse: what choices matter"),
    "multiverse_options": mark("Multiverse: by option"), "nobody": mark("Nobody"),
    "others": mark("small industries together"),
    "influence_refits": mark("Without an answer or an industry"),
    "influence_answers": mark("Influence by answer"),
    "influence_cells": mark("Influence by answer and industry"), "pp": mark("percentage points"),
}  # fmt: skip
_SPREADS = ("sd_group", "sd_resid", "icc")


def word(key: str) -> str:
    """Return what a key of the data or of a model is called."""
    return say(_WORDS[key])


def statement_of(source: str) -> str:
    """Return what every table says of its data; "" where nothing is known of them."""
    return say(STATEMENTS.get(source, ""))


def interval_name(kind: str, prob: float) -> str:
    """Return the probability and kind of an interval, as `estimates` has them."""
    return say_as("probability and kind of an interval", "{} {}", level(prob), word(kind))


def unit_name(unit: str) -> str:
    """Return a unit in words; what is not in the dictionary stays as it is."""
    if (own := load_codebook()).nouns is not None:
        said = {v.unit: v.unit_nb for v in own.derived if v.unit_nb}
        return said.get(unit, unit) if labels_language() == "nb" else unit
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
    >>> of_groups("Levels of industries", own="school")
    'Levels of groups'
    """
    if not own:
        return text
    pairs = say_as(
        "words of the study: words for data of one's own",
        "industries: groups, industry: group, workplaces: rows, workplace: row",
    )
    words = dict(pair.split(": ") for pair in pairs.split(", "))

    def replaced(found: re.Match[str]) -> str:
        said = words[found[0].lower()]
        return said[:1].upper() + said[1:] if found[0][0].isupper() else said

    return re.sub(rf"\b(?:{'|'.join(words)})\b", replaced, text, flags=re.IGNORECASE)


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


def factor_term(term: str, *, own: str = "") -> str:
    """Return the label of a term of a model with any random terms, which names its factor.

    Parameters
    ----------
    term : str
        ``sd_(Intercept)|school``, ``cor_x.(Intercept)|school``, ``icc|school``, or any other.
    own
        As in `term_name`.

    Examples
    --------
    >>> factor_term("sd_(Intercept)|school", own="school"), factor_term("icc|pupil")
    ('sd between groups (school)', 'ICC of pupil')
    """
    what, _, factor = term.rpartition("|")
    kind, _, of = what.partition("_")
    book = load_codebook()
    if what == "sd_(Intercept)" and not own and factor == book.group and book.nouns is not None:
        return term_name("sd_group")
    factor = factor if own else factor_name(factor)
    if what == "sd_(Intercept)":
        return word("own sd_group").format(factor)
    if kind == "sd" and factor:
        return say("sd of {} by {}", numbered_name(of, own=own), factor)
    if kind == "cor":
        first, _, second = of.rpartition(".")
        names = (term_name(name, own=own) for name in (first, second))
        return say("correlation of {} and {} by {}", *names, factor)
    if what == "icc":
        return say("ICC of {}", factor)
    return say("residual sd") if term == "sd_resid" else numbered_name(term, own=own)


def factor_name(factor: str) -> str:
    """Return what a grouping factor of a study of one's own is called.

    Parameters
    ----------
    factor : str
        Its column, or several as ``a:b``.
    """
    book = load_codebook()
    if factor == book.group and book.nouns is not None:
        return book.nouns[1].said(many=False)
    if ":" in factor:
        return ":".join(map(factor_name, factor.split(":")))
    return _codebook_label(factor)


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
    >>> from bayes_sf.catalogue import speaking
    >>> with speaking("nb"):
    ...     numbered_name("q18[dont_know]")
    'Har tariffavtale: vet ikke (q18)'
    """
    label, number = term_name(term, own=own), term.partition("[")[0]
    numbered = not own and number in load_codebook().items
    numbered = numbered and _codebook_label(number) != number  # a study's label may be its column
    return f"{label} ({number})" if numbered else label


def model_name(name: str, *, own: str = "") -> str:
    """Return what a model of the study is called: by its item, or as the one without any.

    Parameters
    ----------
    name : str
        Of its specification; one of a user's own stays as it is.
    own
        As in `term_name`.

    Examples
    --------
    >>> model_name("q13"), model_name("null"), model_name("q13 (figure5)")
    ('Can adapt the work (q13)', 'null model', 'q13 (figure5)')
    """
    if own or name not in {"null", *load_codebook().items}:
        return name
    return say("null model") if name == "null" else numbered_name(name)


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


#: Outcomes, where there is little room and the page says elsewhere what they are.
_SHORT: Final[Mapping[str, Marked]] = {
    "absence_mean": mark("Mean absence"), "absence_change": mark("Change in absence"),
}  # fmt: skip


def short_name(outcome: str) -> str:
    """Return a short label of an outcome, or the one that it has.

    Parameters
    ----------
    outcome : str
        Its key.

    Examples
    --------
    >>> short_name("absence_change"), short_name("score")
    ('Change in absence', 'score')
    """
    known = outcome in _SHORT and load_codebook().register
    return say(_SHORT[outcome]) if known else outcome_name(outcome)


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
    >>> from bayes_sf.catalogue import speaking
    >>> with speaking("nb"):
    ...     quarter_words("2019Q4")
    '4. kv. 2019'
    """
    year, _, number = quarter.partition("Q")
    return say_as("quarter", "{year}Q{number}", year=year, number=number)


def step_name(step: str) -> str:
    """Return a rule of the sample, as `count_flow` names it.

    Examples
    --------
    >>> from bayes_sf.catalogue import speaking
    >>> with speaking("nb"):
    ...     step_name("at least 3 observed quarters"), step_name("q13 answered")
    ('Minst 3 observerte kvartaler', 'Kan tilpasse arbeidet: besvart')
    >>> step_name("at least 1 observed quarters")
    'At least 1 observed quarter'
    """
    start, _, end = step.rpartition(" ")
    if end in _STEP_ENDS and start in _known_terms():
        return f"{outcome_name(start)}: {say(_STEP_ENDS[end])}"
    if step in _STEPS:
        return say(_STEPS[step])
    quarters = re.fullmatch(r"at least (\d+) observed quarters", step)
    if quarters:
        least = quarters[1]
        return (say("At least 1 observed quarter") if least == "1"
                else say("At least {} observed quarters", least))  # fmt: skip
    return step[:1].upper() + step[1:]


_STEPS: Final[Mapping[str, Marked]] = {
    "surveyed": mark_as("rule", "Surveyed"),
    "all rows": mark_as("rule", "Surveyed"),
    "linked to the register": mark("Linked to the register"),
}
_STEP_ENDS: Final[Mapping[str, Marked]] = {
    "observed": mark("observed"), "answered": mark("answered"), "known": mark("known"),
}  # fmt: skip


def _known_terms() -> set[str]:
    """Keys that the codebook has labels for."""
    book = load_codebook()
    return {*book.items, *(variable.key for variable in book.derived)}
