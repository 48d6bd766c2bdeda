"""Power, type S and type M of every model of the study: as printed, or as fitted.

Effects are of the widest contrast of each item, so that one distribution of true effects serves
items with two and with five categories.

Examples
--------
>>> table = published_designs(Effects((0.5,)), tables=["figure5"])
>>> float(table["std_error"].iloc[0].round(2)), float(table["detectable"].iloc[0].round(2))
(0.4, 1.13)
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bayes_sf.analysis.contrast import Contrast, find_contrast, term_index
from bayes_sf.analysis.size.power import DesignErrors, Effects, design_errors
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.engines.result import Result
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import DECIMALS, published_table, rounding_interval
from bayes_sf.recovery.region import coefficient_region

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["design_table", "published_designs"]


def design_table(
    pairs: Iterable[tuple[Result, Contrast]], effects: Effects, *, alpha: float = 0.05
) -> "pd.DataFrame":
    """Design errors of fitted models, with REML's standard errors.

    Parameters
    ----------
    pairs : iterable of (Result, Contrast)
        Such as `widest_contrasts` gives; the first data set where many are possible.
    effects, alpha
        As in `design_errors`.

    Returns
    -------
    pandas.DataFrame
        `outcome, model, term, size, label, estimate, std_error` (of the contrast), `power, type_s,
        type_m, detectable, unit, source`.
    """
    import pandas as pd

    rows = []
    for result, contrast in pairs:
        fit, place = fit_reml(result.moments), term_index(result, contrast.term)
        error = abs(contrast.size) * float(fit.std_error[place])
        rows.append(
            {
                "outcome": result.spec.outcome, "model": result.spec.name,
                "estimate": contrast.size * float(fit.coef[place]), "std_error": error,
                **_row(contrast, design_errors(error, effects, alpha=alpha)),
                "unit": result.spec.unit, "source": result.provenance.source,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def published_designs(
    effects: Effects, *, tables: Iterable[str] = ("46", "47"), alpha: float = 0.05
) -> "pd.DataFrame":
    """Design errors of every survey item's coefficient in the report's own tables.

    Estimate and standard error are the centre of what all printed figures of a row allow together
    (`inputs.region`), or their own roundings' where the figures contradict each other.

    Parameters
    ----------
    effects, alpha
        As in `design_errors`; effects are of the widest contrast of each item.
    tables : iterable of str
        "figure5", "3", "4", "5", "46", "47".

    Returns
    -------
    pandas.DataFrame
        `table, outcome, model`, and the columns of `design_table`. Controls that are no survey
        items are left out: the codebook has no contrast of them.
    """
    import pandas as pd

    book, rows = load_codebook(), []
    printed = published_table("coefficients")
    for _, line in printed[printed["table"].isin(list(tables))].iterrows():
        term = book.term(str(line["term"]))
        if term.partition("[")[0] not in book.items:
            continue
        contrast = find_contrast(term, "widest")
        unit = 100.0 if line["unit"] == "fraction" else 1.0
        estimate, error = (unit * value for value in _centre(line))
        error *= abs(contrast.size)
        rows.append(
            {
                "table": line["table"], "outcome": f"absence_{line['outcome']}",
                "model": line["question"], "estimate": contrast.size * estimate,
                "std_error": error,
                **_row(contrast, design_errors(error, effects, alpha=alpha)),
                "unit": "pp", "source": "published",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _centre(line: "pd.Series[str]") -> tuple[float, float]:
    """Estimate and standard error in the middle of what a printed row allows."""
    decimals = DECIMALS[str(line["table"])]
    names = ("estimate", "se", "t", "ci_low", "ci_high")
    b, s, t, low, high = (rounding_interval(str(line[n]), decimals=decimals) for n in names)
    region = coefficient_region(b, s, t=t, ci_low=low, ci_high=high)
    if region.empty:
        return 0.5 * sum(b), 0.5 * sum(s)
    middle = region.vertices.mean(axis=0)
    return float(middle[0]), float(middle[1])


def _row(contrast: Contrast, errors: DesignErrors) -> dict[str, str | float]:
    """Columns that both tables share."""
    return {
        "term": contrast.term, "size": contrast.size, "label": contrast.label,
        "power": errors.power, "type_s": errors.type_s, "type_m": errors.type_m,
        "detectable": errors.detectable,
    }  # fmt: skip
