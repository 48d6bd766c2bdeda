"""Robustness values against sensemakr's example and brute force, attenuation against simulation."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.size.confounding import e_value, robustness_value
from bayes_sf.errors import UsageError


def test_the_paper_s_example() -> None:
    """Cinelli & Hazlett 2020, table 1: directlyharmed, 0.097 (0.023), 783 degrees of freedom."""
    t = 0.097 / 0.023
    assert robustness_value(t, 783) == pytest.approx(0.139, abs=0.002)
    assert robustness_value(t, 783, level=0.95) == pytest.approx(0.076, abs=0.002)
    assert robustness_value(1.0, 783, level=0.95) == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_confounder_of_that_strength_explains_it_away(seed: int) -> None:
    """Least squares: one that explains RV of what is left of x and of y takes the slope to zero."""
    rng = np.random.default_rng(seed)
    n = 60
    x, y = rng.normal(size=(2, n))
    y = y + 0.3 * x
    one = np.ones((n, 1))

    def left(target: np.ndarray, given: np.ndarray) -> np.ndarray:
        return target - given @ np.linalg.lstsq(given, target, rcond=None)[0]

    x0, y0 = left(x, one), left(y, one)
    slope = x0 @ y0 / (x0 @ x0)
    residual = y0 - slope * x0
    t = slope / np.sqrt(residual @ residual / (n - 2) / (x0 @ x0))
    rv = robustness_value(t, n - 2)
    # a confounder with partial R2 rv with x, and rv with y given x, pulling the slope to zero
    noise = left(rng.normal(size=n), np.column_stack([one, x, y]))
    unit = [part / np.sqrt(part @ part) for part in (x0, residual, noise)]
    b = np.sqrt(rv) * np.sqrt(1 - rv)
    made = np.sqrt(rv) * unit[0] + np.sign(slope) * b * unit[1]
    made = made + np.sqrt(1 - rv - b**2) * unit[2]
    both = np.column_stack([one, x, made])
    found = np.linalg.lstsq(both, y, rcond=None)[0][1]
    assert abs(found) < 1e-9 * abs(slope) + 1e-9


def test_an_e_value_is_its_bound() -> None:
    """The bias of a confounder that strong, E E/(2E - 1), is the ratio itself."""
    for difference in (0.05, -0.4, 1.2):
        e = e_value(difference)
        assert e * e / (2 * e - 1) == pytest.approx(math.exp(0.91 * abs(difference)))
    assert e_value(0.0) == 1


def study(n: int = 90, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 6, n)
    x = rng.normal(size=n)
    w = 0.5 * x + rng.normal(size=n)
    y = 0.4 * x + 0.2 * w + 0.5 * rng.normal(size=6)[g] + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "w": w, "g": g.astype(str)})


def test_results_of_every_kind_have_it() -> None:
    frame = study()
    reml = sf.fit("y ~ x + w + (1 | g)", frame, engine="reml")
    found = sf.confounding(reml)
    assert list(found.index) == ["x", "w"]
    row, own = found.loc["x"], reml.fixef().loc["x"]
    assert row["df"] == 90 - 6 - 2
    assert row["robustness"] == robustness_value(own["estimate"] / own["sd"], 82)
    assert row["e_value"] == e_value(own["estimate"] / frame["y"].std())
    assert (row["robustness_limit"] > 0) == (own["lower"] > 0)
    ml = sf.fit("y ~ x + w + (1 | g)", frame, engine="ml")
    assert sf.confounding(ml)["df"].to_numpy() == pytest.approx(ml.fixef().loc[["x", "w"], "df"])
    exact = sf.confounding(sf.fit("y ~ x + w + (1 | g)", frame))
    # weak priors, 82 degrees of freedom: mean over sd is t to a few per cent
    assert exact["robustness"].to_numpy() == pytest.approx(found["robustness"].to_numpy(), rel=0.05)
    assert sf.confounding(reml, step=2.0).loc["x", "e_value"] > row["e_value"]


def test_a_printed_coefficient_has_it(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        'schema = 1\n[models.a]\nn = 800\ngroups = 17\nterms = { x = "within" }\n', encoding="utf-8"
    )
    (tmp_path / "coefficients.csv").write_text(
        "model,term,estimate,se,df\na,(Intercept),1,0.1,9\na,x,0.097,0.023,783\n", encoding="utf-8"
    )
    found = sf.confounding(sf.reread(tmp_path)["a"])
    assert list(found.index) == ["x"]
    assert found.loc["x", "robustness"] == pytest.approx(0.139, abs=0.002)
    assert np.isnan(found.loc["x", "e_value"])


def test_measurement_error_attenuates_as_it_is_undone() -> None:
    """120,000 rows, x measured with reliability 0.6, w without error: slopes to 0.02."""
    rng = np.random.default_rng(5)
    frame = study(120_000)
    noisy = frame.assign(x=frame["x"] + rng.normal(0, np.sqrt(0.4 / 0.6), len(frame)))
    result = sf.fit("y ~ x + w + (1 | g)", noisy, engine="reml")
    undone = sf.attenuation(result, "x", reliability=0.6)
    assert abs(undone["estimate"].iloc[0] - 0.4) < 0.02
    assert result.fixef().loc["x", "estimate"] < 0.3
    whole = sf.attenuation(result, "x")
    assert whole.loc[1.0, "factor"] == pytest.approx(1)
    row = whole.loc[0.8]
    assert row["upper"] / row["factor"] == pytest.approx(result.fixef().loc["x", "upper"])


def test_what_is_refused() -> None:
    frame = study()
    result = sf.fit("y ~ x + w + (1 | g)", frame, engine="reml")
    shared = sf.fit("y ~ x + w + (1 | g)", frame.assign(w=frame["x"] + 0.1 * frame["w"]))
    for ask, said in (
        (lambda: sf.attenuation(result, "z"), "term: must be a predictor"),
        (lambda: sf.attenuation(result, "x", reliability=0.0), "reliability: must lie above 0"),
        (lambda: sf.attenuation(result, "x", reliability=True), "reliability: must lie above 0"),
        (lambda: sf.attenuation(shared, "x", reliability=0.5), "must exceed the 0.9"),
        (lambda: sf.attenuation(frame, "x"), "is of one random intercept"),
        (lambda: sf.confounding(frame), "is of Gaussian models and printed"),
        (lambda: sf.confounding(result, step=0), "step: must be above 0"),
        (lambda: sf.confounding(sf.fit("y ~ 1 + (1 | g)", frame)), "needs a model with slopes"),
        (lambda: robustness_value(2.0, 1.0), "more than one degree of freedom"),
    ):
        with pytest.raises(UsageError, match=said):
            ask()
