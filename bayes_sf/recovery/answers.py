"""How the surveyed workplaces answered an item, by industry, and random samples of them.

The report prints the answers of all 605 workplaces (tables 12-45) but fits its models to those
that were linked and observed. Which of an industry's workplaces those are is not published: given
their number they are a simple random sample of the industry's, which is what `sample` draws.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.inputs.codebook import Codebook, Item
from bayes_sf.inputs.published import published_table

__all__ = ["Answers", "item_answers", "surveyed"]

_Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """Published answers of one item, as columns of a design matrix.

    Parameters
    ----------
    item : str
        Key of the item.
    terms : tuple of str
        The p columns it gives in a model.
    design : (C, p) array
        What each category puts in those columns.
    counts : (C, J) int array
        Workplaces by category and industry; categories that a model leaves out (don't know, not
        asked) are not among them.
    surveyed : (J,) int array
        Workplaces by industry, all answers.
    """

    item: str
    terms: tuple[str, ...]
    design: Floats
    counts: _Ints
    surveyed: _Ints

    @property
    def complete(self) -> bool:
        """Whether every workplace has an answer that models use."""
        return bool((self.counts.sum(axis=0) == self.surveyed).all())

    def sample(
        self, sizes: _Ints, draws: int, rng: np.random.Generator
    ) -> tuple[Floats, Floats, Floats]:
        """Draw the answers of `sizes` workplaces per industry without replacement.

        Parameters
        ----------
        sizes : (J,) int array
            Workplaces in the sample, at most those surveyed.
        draws : int
            Number of samples.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        n : (draws, J) array
            Workplaces with an answer.
        means : (draws, J, p) array
            Their means of the item's columns (0 where there is none).
        within : (draws, p, p) array
            Their pooled within-industry cross products.
        """
        rest = self.surveyed - self.counts.sum(axis=0)
        boxes = np.vstack([self.counts, rest])
        picked = np.stack(
            [
                rng.multivariate_hypergeometric(boxes[:, j], sizes[j], size=draws)[:, :-1]
                for j in range(len(sizes))
            ],
            axis=1,
        ).astype(float)
        return self._moments(picked)

    def expected(self, sizes: _Ints) -> tuple[Floats, Floats, Floats]:
        """Return what `sample` gives when each category is sampled in proportion (one draw)."""
        share = self.counts * (sizes / self.surveyed)
        return self._moments(share.T[None, :, :])

    def _moments(self, picked: Floats) -> tuple[Floats, Floats, Floats]:
        """Moments of counts (draws, J, C)."""
        n = picked.sum(axis=2)
        sums = picked @ self.design
        means = sums / np.maximum(n, 1e-12)[:, :, None]
        square = np.einsum("djc,cp,cq->dpq", picked, self.design, self.design)
        within = square - np.einsum("djp,djq->dpq", means, sums)
        return n, means, within


def surveyed() -> tuple[tuple[str, ...], _Ints]:
    """Industries and their surveyed workplaces (table 6)."""
    table = published_table("6")
    table = table[table["industry"] != "total"]
    return tuple(table["industry"]), table["count"].to_numpy(dtype=np.int64)


def item_answers(book: Codebook, key: str) -> Answers:
    """Published answers of an item of the report's models.

    Parameters
    ----------
    book : Codebook
        The study's codebook.
    key : str
        ``q13``, or an option such as ``q14.1``.

    Raises
    ------
    UsageError
        For a key that is no item.
    """
    item = book.item(key)
    industries, total = surveyed()
    if item.parent:
        chosen = _option_counts(book, item, industries, total)
        return Answers(
            key, (key,), np.array([[0.0], [1.0]]), np.stack([total - chosen, chosen]), total
        )
    table = _counts_by_category(item, industries)
    used = [c for c in item.categories if c.key != item.reference or item.kind != "ordinal"]
    counts = np.stack([table.get(c.key, np.zeros(len(total), np.int64)) for c in used])
    if item.kind == "ordinal":
        design = np.array([[float(c.code)] for c in used])
        return Answers(key, (key,), design, counts, total)
    others = [c.key for c in used if c.key != item.reference]
    design = np.array([[float(c.key == other) for other in others] for c in used])
    return Answers(key, tuple(f"{key}[{other}]" for other in others), design, counts, total)


def _counts_by_category(item: Item, industries: tuple[str, ...]) -> dict[str, _Ints]:
    """Counts by category key, in the order of the industries."""
    table = published_table("by_industry")
    rows = table[table["question"] == item.printed_key]
    wide = rows.pivot(index="category", columns="industry", values="count")
    printed = {name: category.key for category in item.categories for name in category.printed}
    return {
        printed[str(name)]: wide.loc[name, list(industries)].to_numpy(dtype=np.int64)
        for name in wide.index
        if str(name) in printed
    }


def _option_counts(book: Codebook, item: Item, industries: tuple[str, ...], total: _Ints) -> _Ints:
    """Counts of an option of a multi-response item.

    Where the report prints whole percentages without counts (table 29), the integers are those
    nearest to the percentages that add up to the count over all industries (table 11).
    """
    parent = book.item(str(item.parent))
    option = next(c for c in parent.categories if f"{parent.key}.{c.code}" == item.key)
    table = published_table("by_industry")
    rows = (
        table[(table["question"] == parent.printed_key) & table["category"].isin(option.printed)]
        .set_index("industry")
        .loc[list(industries)]
    )
    if rows["count"].notna().all():
        return np.asarray(rows["count"].to_numpy(dtype=np.int64))
    overall = published_table("univariate")
    wanted = overall[
        (overall["question"] == parent.printed_key) & overall["category"].isin(option.printed)
    ]["count"].sum()
    centre = rows["percent"].astype(float).to_numpy() / 100 * total
    counts = np.round(centre)
    while counts.sum() != wanted:  # what is more than half a percentage point off comes last
        step = np.sign(wanted - counts.sum())
        counts[int(np.argmin(np.abs(counts + step - centre) / total))] += step
    return counts.astype(np.int64)
