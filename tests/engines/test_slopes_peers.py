"""Random slopes beside brms with the same priors at the same point, and lme4: what is recorded.

`tests/references/slopes` has their figures and ours (README.md there says of which data and how to
run them again). Both have Monte Carlo error: means and sds of all quantities, those of single
groups among them, must agree within 4 standard errors of the difference.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf

HERE = Path(__file__).parents[1]
REFERENCES = HERE / "references" / "slopes"
DATA = ("sleepstudy", "exam", "simulated")


def recorded(package: str, data: str) -> pd.DataFrame:
    """Figures of a package, by variable."""
    table = pd.read_csv(REFERENCES / ("ours.csv" if package == "ours" else "fits.csv"))
    if package != "ours":
        table = table[table["package"] == package]
    return table[table["data"] == data].set_index("variable")


def agree(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Every mean and sd."""
    assert set(ours.index) == set(theirs.index)
    theirs = theirs.loc[ours.index]
    for value, error in (("mean", "mcse_mean"), ("sd", "mcse_sd")):
        away = (ours[value] - theirs[value]).abs() / np.hypot(ours[error], theirs[error])
        assert away.max() < 4, (value, away.idxmax())


@pytest.mark.parametrize("data", DATA)
def test_ours_are_brms_s(data: str) -> None:
    theirs = recorded("brms", data)
    assert theirs["rhat"].max() < 1.01
    agree(recorded("ours", data), theirs)


@pytest.mark.parametrize("package", ["brms", "ours"])
@pytest.mark.parametrize("data", DATA)
def test_quadrature_gives_the_same(data: str, package: str) -> None:
    """Over four numbers, without Monte Carlo error, all but fitted values; as NUTS and brms."""
    table = pd.read_csv(REFERENCES / "exact.csv")
    exact = table[table["data"] == data].set_index("variable").assign(mcse_mean=0.0, mcse_sd=0.0)
    theirs = recorded(package, data)
    agree(exact, theirs[~theirs.index.str.startswith("fitted")])


@pytest.mark.parametrize("data", DATA)
def test_groups_are_where_lme4_has_them(data: str) -> None:
    """REML's predictions lie within half a posterior sd: the same zero point."""
    ours, theirs = recorded("ours", data), recorded("lme4", data)
    single = [n for n in ours.index if n.startswith(("u[", "u_slope[", "fitted["))]
    away = ((ours["mean"] - theirs["mean"]).loc[single] / ours.loc[single, "sd"]).abs()
    assert away.max() < 0.5, away.idxmax()
    levels = ours.loc[[n for n in single if n.endswith(",0]")], "mean"].to_numpy()
    parts = (
        ours.loc["(Intercept)", "mean"]
        + ours.loc[[n for n in single if n.startswith("u[")], "mean"].to_numpy()
    )
    np.testing.assert_allclose(levels, parts, rtol=1e-6, atol=1e-6)


@pytest.mark.nuts
@pytest.mark.slow
def test_a_fit_of_today_is_what_is_recorded_of_brms() -> None:
    sys.path.insert(0, str(HERE / "studies"))
    try:
        from slopes import SPEC, quantities, read
    finally:
        sys.path.pop(0)
    result = sf.fit(SPEC, read(REFERENCES / "data" / "simulated.csv"), engine="nuts", seed=2)
    assert result.converged
    agree(quantities(result), recorded("brms", "simulated"))
