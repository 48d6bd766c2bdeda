"""Which workplace gave which answer: the allocated counts, plausibly correlated, filters respected.

Four latent traits (systematic work, exposure, size, absence) order the workplaces of an industry;
each item hands its categories out along its own mix of traits and noise. Counts are untouched by
the order, so the tables and the bivariate designs come out the same whatever the traits.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.errors import DataError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import published_table
from bayes_sf.replica.survey.answers import DONT_KNOW, NOT_ASKED, Question, questions
from bayes_sf.replica.survey.strata import Stratum, workplaces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_sf.replica.survey.allocation import Allocation

    type Array = NDArray[np.float64]
    type Codes = NDArray[np.int64]
    type Mask = NDArray[np.bool_]

__all__ = ["Traits", "answer", "draw_traits"]

# Loadings on (systematic work, exposure, size, absence) by the longest prefix of the item's key.
_LOADINGS = {
    "q": (0.1, 0.1, 0.0, 0.1),
    "q3": (0.0, 0.1, 0.0, 0.7),
    "q5r1": (0.0, 0.50, 0.1, 0.0),
    "q5r2": (0.0, 0.72, 0.0, 0.1),
    "q5r3": (0.0, 0.70, 0.0, 0.0),
    "q5r4": (0.0, 0.35, 0.1, 0.0),
    "q5r5": (0.0, 0.68, 0.0, 0.0),
    "q11": (0.3, 0.1, 0.3, 0.1),
    "q13": (0.3, -0.2, 0.1, 0.0),
    "q14": (0.5, 0.0, 0.1, 0.0),
    "q15": (0.0, 0.2, 0.1, 0.5),
    "q16": (0.5, 0.1, 0.2, 0.0),
    "q17": (0.2, 0.0, 0.5, 0.0),
    "q18": (0.2, 0.0, 0.4, 0.0),
    "q19": (0.7, 0.0, 0.1, 0.0),
    "q20": (0.6, -0.1, 0.0, -0.1),
    "q21": (0.3, 0.0, 0.6, 0.0),
    "q22": (0.6, 0.0, 0.0, 0.0),
    "q29": (0.0, 0.0, 0.9, 0.0),
    "q31": (0.5, 0.0, 0.2, 0.0),
}
# Items whose lower codes go with more of the traits: yes = 1.
_DOWNWARD = ("q9", "q11", "q17", "q18", "q21", "q25", "q30")
# Options that exclude the others of their question: no adaptation, and not knowing.
_UNKNOWN_BONUS = "q10.4"
_EXCLUDING = ("q14.7", _UNKNOWN_BONUS)
# Table 11 prints how many do not know what the bonus depends on, table 22 not their industries. In
# construction, architects and ict nearly all with a bonus name results; these are of the others.
_UNKNOWN_BY_INDUSTRY = (2, 3, 3, 3, 0, 0)
# The risk items are wanted of the workplaces with full controls: those who do not know are the
# first of these strata, so that one workplace holds all of an industry's as far as possible, and
# women's share is known for three of them.
_RISK_UNKNOWN = {
    "construction": Stratum.MEAN_BARE,
    "architects": Stratum.MEAN_BARE,
    "ict": Stratum.MEAN_BARE,
    "care": Stratum.CHANGE_BARE,
    "kindergarten": Stratum.CHANGE_BARE,
}


@dataclass(frozen=True)
class Traits:
    """Standard normal traits of the workplaces, (605, 4): work, exposure, size, absence."""

    values: "Array"

    @property
    def size(self) -> "Array":
        """Number of employees, relative to the industry."""
        return self.values[:, 2]

    @property
    def absence(self) -> "Array":
        """Mean absence, relative to the industry."""
        return self.values[:, 3]


def draw_traits(rng: np.random.Generator) -> Traits:
    """Draw the latent traits."""
    return Traits(rng.standard_normal((len(workplaces().industry), 4)))


def _tendency(rng: np.random.Generator, key: str, traits: Traits) -> "Array":
    """Score that orders the workplaces for one item."""
    prefix = max((p for p in _LOADINGS if key.startswith(p)), key=len)
    loading = np.array(_LOADINGS[prefix])
    noise = np.sqrt(1 - (loading**2).sum())
    score = traits.values @ loading + noise * rng.standard_normal(len(traits.values))
    return np.asarray(-score if key in _DOWNWARD else score)


def _hand_out(
    rng: np.random.Generator,
    question: Question,
    members: "NDArray[np.intp]",
    score: "Array",
    counts: "Codes",
) -> "Codes":
    """Codes of `members`: don't-knows at random, answers in the order of the score."""
    unknowing = int(counts[~question.answered].sum())
    shuffled = rng.permutation(members)
    silent, speaking = shuffled[:unknowing], shuffled[unknowing:]
    speaking = speaking[np.argsort(score[speaking], kind="stable")]
    codes = np.zeros(len(score), dtype=np.int64)
    codes[silent] = np.repeat(question.codes[~question.answered], counts[~question.answered])
    order = np.argsort(question.codes[question.answered])
    ordered = np.repeat(question.codes[question.answered][order], counts[question.answered][order])
    if len(ordered) != len(speaking):
        raise DataError(f"replica, {question.key}", "counts must fit the workplaces", got=counts)
    codes[speaking] = ordered
    return codes[members]


def _parts(question: Question, allocation: "Allocation | None") -> "list[tuple[Mask, Codes]]":
    """Parts of the workplaces within which an item's counts (6, C) are fixed."""
    places = workplaces()
    if allocation is None:
        return [(np.ones(len(places.industry), dtype=bool), question.counts)]
    rest = question.counts - allocation.unlinked - allocation.change
    return [
        (~places.linked, allocation.unlinked),
        (places.change, allocation.change),
        (places.linked & ~places.change, rest),
    ]


def _answer_one(
    rng: np.random.Generator,
    question: Question,
    parts: "list[tuple[Mask, Codes]]",
    score: "Array",
    eligible: "Mask",
) -> "Codes":
    """Codes of one item for all workplaces, those not eligible in the category that they fill."""
    places = workplaces()
    filled = NOT_ASKED if NOT_ASKED in question.codes else 0
    codes = np.full(len(places.industry), filled, dtype=np.int64)
    for mask, counts in parts:
        for industry, cells in enumerate(counts):
            within = mask & (places.industry == industry)
            members = np.flatnonzero(within & eligible)
            left = cells - (question.codes == filled) * int((within & ~eligible).sum())
            codes[members] = _hand_out(rng, question, members, score, left)
    codes[eligible & (codes == NOT_ASKED)] = DONT_KNOW
    return codes


def _asked(key: str, found: dict[str, "Codes"]) -> "Mask":
    """Who was asked an item, given the answers so far."""
    book = load_codebook()
    asked_if = book.items[key].asked_if
    if asked_if is None:
        return np.ones(len(workplaces().industry), dtype=bool)
    codes = [book.items[asked_if.item].category(name).code for name in asked_if.any_of]
    return np.isin(found[asked_if.item], codes)


def _eligible(key: str, found: dict[str, "Codes"]) -> "Mask":
    """Who can have chosen an answer: those asked, less those whose other answer excludes it."""
    asked = _asked(key, found)
    for excluding in _EXCLUDING:
        stem = excluding.partition(".")[0]
        if key.startswith(f"{stem}.") and excluding in found:
            asked = asked & (found[excluding] != 1)
    return asked


def _bonus_unknown(rng: np.random.Generator, asked: "Mask") -> "Codes":
    """Option of q10 that table 22 leaves out: who does not know what the bonus depends on."""
    stem, _, number = _UNKNOWN_BONUS.partition(".")
    item = load_codebook().items[stem]
    (option,) = (answer for answer in item.categories if str(answer.code) == number)
    rows = published_table("11").query("question == @item.printed_key")
    total = int(rows.loc[rows["category"].isin(option.printed), "count"].sum())
    if total != sum(_UNKNOWN_BY_INDUSTRY):
        where = f"replica, {_UNKNOWN_BONUS}"
        raise DataError(where, "must add up to table 11", got=_UNKNOWN_BY_INDUSTRY)
    codes = np.where(asked, 0, NOT_ASKED)
    for industry, count in enumerate(_UNKNOWN_BY_INDUSTRY):
        members = np.flatnonzero(asked & (workplaces().industry == industry))
        codes[rng.permutation(members)[:count]] = 1
    return codes


def _silence_risks(found: dict[str, "Codes"]) -> None:
    """Move the don't-knows of the risk items to workplaces without full controls, by exchange."""
    places, book = workplaces(), load_codebook()
    for key in (item for item in questions() if item.startswith("q5")):
        codes = found[key]
        for number, industry in enumerate(book.industries):
            silent = np.flatnonzero((places.industry == number) & (codes == DONT_KNOW))
            stratum = _RISK_UNKNOWN.get(industry.key)
            if stratum is None or not len(silent):
                continue
            hosts = np.flatnonzero((places.industry == number) & (places.stratum == stratum))
            hosts = hosts[: len(silent)]
            leaving, entering = np.setdiff1d(silent, hosts), np.setdiff1d(hosts, silent)
            codes[leaving], codes[entering] = codes[entering].copy(), DONT_KNOW


def _unionise_bare(found: dict[str, "Codes"]) -> None:
    """Keep all of the 420 without union representatives among the 403, by exchange.

    Tables 4 and 5 then speak of the same 38: the standard error of table 5 leaves room for no
    fewer.
    """
    places, codes = workplaces(), found["q17"]
    for industry in range(int(places.industry.max()) + 1):
        bare, full = (
            np.flatnonzero((places.industry == industry) & (places.stratum == stratum))
            for stratum in (Stratum.CHANGE_BARE, Stratum.CHANGE)
        )
        without, hosts = bare[codes[bare] == 2], full[codes[full] == 1]
        hosts = hosts[: len(without)]
        codes[without], codes[hosts] = 1, 2


def answer(
    rng: np.random.Generator, allocations: "dict[str, Allocation]", traits: Traits
) -> dict[str, "Codes"]:
    """Give every workplace its answers.

    Parameters
    ----------
    rng : numpy.random.Generator
    allocations : dict
        Counts among the unlinked and the 420, for the items of the models.
    traits : Traits
        Of the 605.

    Returns
    -------
    dict
        Codes of the codebook, (605,), by column of the survey file.
    """
    items = load_codebook().items
    found: dict[str, Codes] = {}
    # Those that decide who is asked, or exclude other options, come first.
    order = sorted(
        questions(), key=lambda key: (items[key].asked_if is not None, key not in _EXCLUDING)
    )
    for key in order:
        question = questions()[key]
        asked = _asked(key, found)
        if key.startswith("q10.") and _UNKNOWN_BONUS not in found:
            found[_UNKNOWN_BONUS] = _bonus_unknown(rng, asked)
        score = _tendency(rng, key, traits)
        parts = _parts(question, allocations.get(key))
        codes = _answer_one(rng, question, parts, score, _eligible(key, found))
        found[key] = np.where(asked, codes, NOT_ASKED)
    _silence_risks(found)
    _unionise_bare(found)
    return found
