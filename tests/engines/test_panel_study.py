"""The recorded study of coverage (`tests/studies/panel.py`): complete, and as good as needed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

RECORD = Path(__file__).parents[1] / "studies" / "panel.csv"


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """One row per simulation."""
    return pd.read_csv(RECORD)


def test_a_hundred_panels_each_with_a_third_of_their_quarters_missing(rows: pd.DataFrame) -> None:
    assert rows.groupby("mechanism").size().to_dict() == {"mar": 100, "mcar": 100, "mnar": 100}
    assert not rows.duplicated(["mechanism", "seed"]).any()
    missing = rows.groupby("mechanism")["missing"].mean()
    assert ((missing > 0.33) & (missing < 0.37)).all()
    assert rows["divergences"].sum() == 0


@pytest.mark.parametrize("quantity", ["item_covered", "icc_covered", "industries_covered"])
def test_intervals_of_90_percent_cover_85_to_95(rows: pd.DataFrame, quantity: str) -> None:
    """Over all 300; each mechanism within two standard errors of that, 0.06 over 100."""
    assert 0.85 <= rows[quantity].mean() <= 0.95
    coverage = rows.groupby("mechanism")[quantity].mean()
    assert coverage.between(0.85 - 0.06, 0.95 + 0.06).all(), coverage


@pytest.mark.parametrize("quantity", ["item_covered", "icc_covered"])
def test_gaps_cost_no_coverage(rows: pd.DataFrame, quantity: str) -> None:
    """Against the exact posterior of the same panels without gaps, mechanism by mechanism."""
    means = rows.groupby("mechanism")[[quantity, f"full_{quantity}"]].mean()
    assert (means[quantity] > means[f"full_{quantity}"] - 0.05).all(), means


def test_complete_cases_are_biased_where_the_model_is_not(rows: pd.DataFrame) -> None:
    """Under mnar industries' means are half a point too low without delta: 1.5 pp x 35 %."""
    mnar = rows[rows["mechanism"] == "mnar"]
    assert mnar["cc_industry_error"].mean() == pytest.approx(-0.525, abs=0.05)
    assert abs(mnar["industry_error"].mean()) < 0.02
    error = mnar["item_error"].std() / np.sqrt(len(mnar))
    assert abs(mnar["item_error"].mean()) < 3 * error
