"""Printed figures that the replica does not return, found by fitting and printing anew."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.codebook import INTERCEPT, load_codebook
from bayes_sf.inputs.published import DECIMALS
from bayes_sf.recovery.region import NORMAL_QUANTILE
from bayes_sf.replica.published.models import Model, fit_model
from bayes_sf.replica.published.targets import FIGURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Miss", "compare", "print_figure"]


@dataclass(frozen=True)
class Miss:
    """One figure that prints differently."""

    table: str
    question: str
    term: str
    figure: str
    published: str
    replica: str

    @property
    def of_intercept(self) -> bool:
        """Whether the term is the intercept."""
        return load_codebook().term(self.term) == INTERCEPT


def print_figure(value: float, decimals: int) -> str:
    """Print as the report does: rounded, trailing zeros dropped.

    Examples
    --------
    >>> print_figure(0.0502, 3), print_figure(-0.0001, 3)
    ('0.05', '0')
    """
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def compare(models: list[Model], outcome: "NDArray[np.float64]") -> tuple[list[Miss], int]:
    """Fit the models and print their figures.

    Returns
    -------
    list of Miss
    int
        Figures compared.
    """
    found, total = [], 0
    for model in models:
        target = model.target
        if target is None:
            continue
        fitted = fit_model(model, outcome)
        points = target.points
        margin = NORMAL_QUANTILE * fitted.se
        rows = np.column_stack(
            [
                fitted.estimate / points,
                fitted.se / points,
                fitted.t,
                (fitted.estimate - margin) / points,
                (fitted.estimate + margin) / points,
            ]
        )
        for term, printed, values in zip(target.terms, target.printed, rows, strict=True):
            for figure, text, value in zip(FIGURES, printed, values, strict=True):
                total += 1
                reached = print_figure(float(value), DECIMALS[target.table])
                if reached != text:
                    found.append(Miss(target.table, target.question, term, figure, text, reached))
    return found, total
