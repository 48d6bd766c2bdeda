"""Which workplace gave which answer: the allocated counts, with plausible correlations and the filters.

Four latent traits (systematic work, exposure, size, absence) order the workplaces of an industry; each
item hands its categories out along its own mix of traits and noise. Counts are untouched by the order, so
the tables and the models' designs come out the same whatever the traits.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.errors import DataError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import published_table
from bayes_sf.inputs.replica.answers import DONT_KNOW, NOT_ASKED, Question, questions
from bayes_sf.inputs.replica.strata import Stratum, workplaces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_sf.inputs.replica.allocation import Allocation

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
# The options of q14 that "none" excludes are handed out after it.
_EXCLUSIVE, _EXCLUDED = "q14.7", "q14."
# q10's don't-knows by industry: table 11 prints their total, table 22 not their industries. Everyone
# with a bonus and without "results" can hold one, but for three of care's who name absence.
_UNKNOWN_BONUS = ("q10", "q10.4", (2, 3, 3, 3, 0, 0))
# The risk items are wanted of the workplaces with full controls: those who do not know are the first of
# these strata, so that one workplace holds all of an industry's as far as possible, and women's share is
# known for three of them.
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
    return -score if key in _DOWNWARD else score


def _hand_out(
    rng: np.random.Generator, question: Question, members: "NDArray[np.intp]", score: "Array", counts: "Codes"
) -> "Codes":
    """Codes of `members`: those who do not know at random, the others in the order of their score."""
    unknowing = int(counts[~question.answered].sum())
    shuffled = rng.permutation(members)
    silent, speaking = shuffled[:unknowing], shuffled[unknowing:]
    speaking = speaking[np.argsort(score[speaking], kind="stable")]
    codes = np.zeros(len(score), dtype=np.int64)
    codes[silent] = np.repeat(question.codes[~question.answered], counts[~question.answered])
    order = np.argsort(question.codes[question.answered])
    ordered = np.repeat(
        question.codes[question.answered][order], counts[question.answered][order]
    )
    if len(ordered) != len(speaking):
        raise DataError(f"replica, {question.key}", "counts must fit the workplaces", got=counts)
    codes[speaking] = ordered
    return codes[members]


def _groups(allocation: "Allocation | None") -> "list[Mask]":
    """Parts of the workplaces within which an item's counts are fixed."""
    places = workplaces()
    if allocation is None:
        return [np.ones(len(places.industry), dtype=bool)]
    return [~places.linked, places.change, places.linked & ~places.change]


def _answer_one(
    rng: np.random.Generator,
    question: Question,
    allocation: "Allocation | None",
    traits: Traits,
    eligible: "Mask",
    otherwise: int,
) -> "Codes":
    """Codes of one item for all workplaces; `otherwise` is the code of those not eligible."""
    places = workplaces()
    codes = np.full(len(places.industry), otherwise, dtype=np.int64)
    score = _tendency(rng, question.key, traits)
    if allocation is None:
        parts = [question.counts]
    else:
        rest = question.counts - allocation.unlinked - allocation.change
        parts = [allocation.unlinked, allocation.change, rest]
    for mask, counts in zip(_groups(allocation), parts, strict=True):
        for industry, cells in enumerate(counts):
            within = mask & (places.industry == industry)
            members = np.flatnonzero(within & eligible)
            cells = cells.copy()
            # Those not eligible hold the category `otherwise` already.
            cells[np.isin(question.codes, [otherwise])] -= int((within & ~eligible).sum())
            codes[members] = _hand_out(rng, question, members, score, cells)
    codes[eligible & (codes == NOT_ASKED)] = DONT_KNOW
    return codes


def _asked(key: str, found: dict[str, "Codes"]) -> "Mask":
    """Who was asked an item, given the answers so far."""
    book = load_codebook()
    item = book.items[key]
    asked_if = item.asked_if or (
        book.items[item.parent].asked_if if item.parent is not None else None
    )
    if asked_if is None:
        return np.ones(len(workplaces().industry), dtype=bool)
    codes = [book.items[asked_if.item].category(name).code for name in asked_if.any_of]
    return np.isin(found[asked_if.item], codes)


def _bonus_unknown(rng: np.random.Generator, found: dict[str, "Codes"]) -> "Codes":
    """Column q10.4: who does not know what the bonus depends on."""
    stem, key, by_industry = _UNKNOWN_BONUS
    item = load_codebook().items[stem]
    rows = published_table("11").query("question == @item.printed_key")
    name = item.categories[-1].printed
    printed = rows.loc[rows["category"].isin(name), "count"]
    if int(printed.sum()) != sum(by_industry):
        raise DataError(f"replica, {key}", "must add up to table 11", got=by_industry)
    asked = _asked(key, found)
    codes = np.where(asked, 0, NOT_ASKED)
    for industry, count in enumerate(by_industry):
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
            for old, new in zip(silent, hosts, strict=False):
                codes[[old, new]] = codes[[new, old]]


def _unionise_bare(found: dict[str, "Codes"]) -> None:
    """Keep all of the 420 without union representatives among the 403, by exchange.

    Tables 4 and 5 then speak of the same 38: the standard error of table 5 leaves room for no fewer.
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
    found: dict[str, Codes] = {}
    everything = questions()
    order = sorted(everything, key=lambda key: key != _EXCLUSIVE)
    waiting = [key for key in order if load_codebook().items[key].asked_if is not None or key.startswith(("q10.", "q12.", "q26."))]
    for key in [*(k for k in order if k not in waiting), *waiting]:
        question = everything[key]
        eligible = _asked(key, found)
        otherwise = NOT_ASKED
        if key == "q10.1":
            found["q10.4"] = _bonus_unknown(rng, found)
        if key.startswith("q10."):
            free = eligible & (found["q10.4"] == 0)
            codes = _answer_one(rng, question, None, traits, free, 0)
            found[key] = np.where(eligible, codes, NOT_ASKED)
            continue
        if key.startswith(_EXCLUDED) and key != _EXCLUSIVE:
            eligible, otherwise = found[_EXCLUSIVE] == 0, 0
        if load_codebook().items[key].parent is not None and not eligible.all() and otherwise:
            codes = _answer_one(rng, question, allocations.get(key), traits, eligible, 0)
            found[key] = np.where(eligible, codes, NOT_ASKED)
            continue
        found[key] = _answer_one(rng, question, allocations.get(key), traits, eligible, otherwise)
    _silence_risks(found)
    _unionise_bare(found)
    return found
