"""A published model: what it prints, as intervals, and what its sample can have been.

Everything is in percentage points. Printed figures are intervals of rounding; estimate and
standard error are narrowed to what all five figures of a row allow together (`inputs.region`).
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import DECIMALS, published_table, rounding_interval
from bayes_sf.recovery.answers import Answers, item_answers
from bayes_sf.recovery.implied import Candidates, Implied, solve
from bayes_sf.recovery.region import NORMAL_QUANTILE, coefficient_region

__all__ = ["FIGURES", "PrintedModel", "figures", "predict", "printed_models"]


#: The printed figures of a row, in the order of the arrays here.
FIGURES = ("estimate", "se", "t", "ci_low", "ci_high")

#: Log-sd of the residual variance among those with an answer when everyone else has none.
SELECTION = 0.5


@dataclass(frozen=True, eq=False)
class PrintedModel:
    """One bivariate model of the report.

    Parameters
    ----------
    table, item : str
        Where it is printed, and the item it is about.
    answers : Answers
        The item's answers by industry among all surveyed.
    t : (k,) array
        Printed t values, the intercept first.
    allowed : (k, 5, 2) array
        What each printed figure (`FIGURES`) can stand for, t as it is, the rest in pp.
    estimate : (k, 2) array
        Estimates that all figures of the row allow together; the estimate's own rounding interval
        where they contradict each other.
    """

    table: str
    item: str
    answers: Answers
    t: Floats
    allowed: Floats
    estimate: Floats

    @cached_property
    def _per_workplace(self) -> tuple[Floats, Floats, Floats]:
        """Share with an answer (J,), means (J, p) and spread (J, p, p) of the item's columns."""
        a = self.answers
        share = a.counts / a.surveyed
        answered = share.sum(axis=0)
        means = share.T @ a.design / np.maximum(answered, 1e-12)[:, None]
        square = np.einsum("cj,cp,cq->jpq", share, a.design, a.design)
        spread = square - answered[:, None, None] * means[:, :, None] * means[:, None, :]
        return answered, means, spread

    def expected(self, sizes: Floats) -> tuple[Floats, Floats, Floats]:
        """Sizes, means and within cross products of the answers for D samples, (D, J) sizes."""
        answered, means, spread = self._per_workplace
        within = np.einsum("dj,jpq->dpq", sizes, spread)
        return sizes * answered, np.broadcast_to(means, (len(sizes), *means.shape)), within

    def candidates(
        self, n: Floats, x: tuple[Floats, Floats], y: tuple[Floats, Floats]
    ) -> Candidates:
        """Candidates with this model's slope t values; x and y are (means, within)."""
        t = np.broadcast_to(self.t[1:], (len(n), len(self.t) - 1))
        return Candidates(n, y[0], y[1], x[0], x[1], t)

    def draw(
        self,
        sizes: NDArray[np.int64],
        y_means: Floats,
        y_within: float,
        draws: int,
        rng: np.random.Generator,
    ) -> Candidates:
        """Random samples of `sizes` workplaces with this item's answers, (draws,).

        Where some workplaces have no usable answer, the outcome of those who have one is that of a
        random subset of each industry's workplaces: means move by sampling without replacement,
        the within sum of squares by its share, a chi-square's spread, and `SELECTION`, since who
        has an answer (who has a committee, say) is not quite random.
        """
        n, means, within = self.answers.sample(sizes, draws, rng)
        y = np.broadcast_to(y_means, (draws, len(sizes))).copy()
        df = sizes.sum() - len(sizes)
        own_df = n.sum(axis=1) - (n > 0).sum(axis=1)
        y_ss = y_within * own_df / df
        if not self.answers.complete:
            sigma2 = y_within / df
            gap = np.maximum(1 / np.maximum(n, 1) - 1 / sizes, 0)
            y += rng.normal(size=y.shape) * np.sqrt(sigma2 * gap)
            left_out = 1 - own_df / df
            spread = np.hypot(np.sqrt(2 / own_df * left_out), SELECTION * left_out)
            y_ss = y_ss * np.exp(rng.normal(size=draws) * spread)
        return self.candidates(n, (means, within), (y, y_ss))


def figures(implied: Implied) -> Floats:
    """The five printable figures of every coefficient, (M, k, 5), in the order of `FIGURES`."""
    b, s = implied.coef, implied.se
    return np.stack([b, s, b / s, b - NORMAL_QUANTILE * s, b + NORMAL_QUANTILE * s], axis=-1)


@cache
def printed_models(table: str) -> tuple[PrintedModel, ...]:
    """Bivariate models of a published table ("46", "47", "figure5", "4")."""
    book = load_codebook()
    rows = published_table(table)
    models = []
    for item in dict.fromkeys(rows["question"]):
        own = rows[rows["question"] == item]
        unit = 100.0 if own["unit"].iloc[0] == "fraction" else 1.0
        allowed = np.array(
            [
                [
                    np.array(rounding_interval(str(row[name]), decimals=DECIMALS[table]))
                    * (1.0 if name == "t" else unit)
                    for name in FIGURES
                ]
                for _, row in own.iterrows()
            ]
        )
        models.append(
            PrintedModel(
                table,
                str(item),
                item_answers(book, str(item)),
                own["t"].astype(float).to_numpy(),
                allowed,
                np.array([_estimate(row) for row in allowed]),
            )
        )
    return tuple(models)


def _estimate(row: Floats) -> tuple[float, float]:
    """Range of the estimate that a row's figures, (5, 2), allow together."""
    estimate, se, t, low, high = ((float(a), float(b)) for a, b in row)
    region = coefficient_region(estimate, se, t=t, ci_low=low, ci_high=high)
    return (float(row[0, 0]), float(row[0, 1])) if region.empty else region.estimate


def predict(
    models: tuple[PrintedModel, ...], sizes: Floats, y_means: Floats, y_within: Floats
) -> list[Implied]:
    """What each model prints for D states of the study, at expected answers.

    Parameters
    ----------
    models : tuple of PrintedModel
        I models.
    sizes, y_means : (D, J) arrays
        Workplaces and mean outcome by industry.
    y_within : (D,) array
        Within-industry sum of squares of the outcome.

    Returns
    -------
    list of Implied
        One per model, each over D.
    """
    df = sizes.sum(axis=1) - sizes.shape[1]
    waiting: dict[int, list[tuple[int, Candidates]]] = {}
    for place, model in enumerate(models):
        n, means, within = model.expected(sizes)
        own = n.sum(axis=1) - sizes.shape[1]
        y = (y_means, y_within * own / df)
        candidates = model.candidates(n, (means, within), y)
        waiting.setdefault(means.shape[2], []).append((place, candidates))
    result: dict[int, Implied] = {}
    for group in waiting.values():  # models with as many slopes are solved at once
        implied = solve(Candidates.stack([candidates for _, candidates in group]))
        for k, (place, _) in enumerate(group):
            result[place] = implied.take(slice(k * len(sizes), (k + 1) * len(sizes)))
    return [result[place] for place in range(len(models))]
