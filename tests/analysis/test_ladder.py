"""The ladder and the ladder of controls: against engines called one by one, and rows by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.tools.tools import add_constant

import bayes_sf as sf
from bayes_sf.analysis.choices.control_ladder import climb_controls
from bayes_sf.analysis.choices.ladder import RUNGS, climb, read_imputed
from bayes_sf.analysis.priors.power_scaling import SENSITIVE, power_scaling
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.errors import DataError, UsageError

SPEC = sf.ModelSpec("y", ("x",), "g", unit="pp")


@pytest.fixture(scope="module")
def replica() -> Any:
    return sf.load_sample("replica")


def frame(seed: int = 3, n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 5, n)
    z = rng.normal(size=n)
    x = 0.5 * z + rng.normal(size=n) + code
    y = 6 + 0.4 * x + z + 2 * rng.normal(size=5)[code] + 2 * rng.normal(size=n)
    w = np.where(rng.uniform(size=n) < 0.2, np.nan, rng.normal(size=n))
    z[rng.uniform(size=n) < 0.25] = np.nan
    return pd.DataFrame({"y": y, "x": x, "z": z, "w": w, "g": np.array(list("abcde"))[code]})


def test_rungs_are_other_software_s_estimates() -> None:
    df = frame()[["y", "x", "g"]]
    table = climb(sf.fit(SPEC, df), df)
    x = table[table["term"] == "x"].set_index("rung")
    assert tuple(x.index) == RUNGS
    ols = OLS(df["y"], add_constant(df[["x"]])).fit()
    dummies = pd.get_dummies(df["g"], dtype=float)
    none = OLS(df["y"], dummies.assign(x=df["x"])).fit()
    mixed = MixedLM(df["y"], add_constant(df[["x"]]), df["g"]).fit(reml=True)
    for rung, other in (("ols", ols), ("no pooling", none)):
        assert x.loc[rung, "estimate"] == pytest.approx(other.params["x"])
        assert x.loc[rung, "sd"] == pytest.approx(other.bse["x"])
    robust = sf.cluster_robust(sf.fit(SPEC, df)).loc["x"]  # clubSandwich's: test_cluster_robust.py
    assert x.loc["cluster robust", "estimate"] == pytest.approx(ols.params["x"])
    assert x.loc["cluster robust", "sd"] == robust["std_error"]
    assert x.loc["cluster robust", "upper"] == robust["upper"]
    assert x.loc["reml", "estimate"] == pytest.approx(mixed.params["x"], abs=1e-4)
    flat = sf.fit(replace(SPEC, priors=sf.Priors.flat()), df).fixef().loc["x"]
    assert x.loc["flat prior", "estimate"] == flat["estimate"]
    assert x.loc["flat prior", "upper"] == flat["upper"]
    assert (x["n"].dropna() == len(df)).all()


def test_changes_go_from_rung_to_rung() -> None:
    df = frame()[["y", "x", "g"]]
    saved = {"x": Estimate("x", "", 0.9, 0.1, 0.7, 1.1)}
    table = climb(sf.fit(SPEC, df), df, imputed=saved)
    x = table[table["term"] == "x"].set_index("rung")
    there = x[x["missing"] == ""]
    assert list(x.loc[x["missing"] != ""].index) == ["student", "known precision"]
    first = there.iloc[:6]
    np.testing.assert_allclose(first["change"].iloc[1:], np.diff(first["estimate"]))
    assert x.loc["imputation", "change"] == 0.9 - x.loc["stated prior", "estimate"]
    np.testing.assert_allclose(there["change_se"], there["change"] / x.loc["reml", "sd"])
    assert x.loc["imputation", "estimate"] == 0.9
    icc = table[table["term"] == "icc"].set_index("rung")
    assert icc.loc["ols", "missing"] == "has no variance between groups"
    assert icc.loc["reml", "estimate"] == sf.fit(SPEC, df, engine="reml").icc()["estimate"]


def test_a_rung_that_cannot_be_says_why() -> None:
    df = frame()[lambda d: d["g"].isin(["a", "b"])][["y", "x", "g"]]
    df = df.assign(x=(df["g"] == "a") * 1.0)
    table = climb(sf.fit(SPEC, df), df).set_index(["term", "rung"])
    assert "more groups than coefficients" in table.loc[("x", "cluster robust"), "missing"]
    assert "vary within groups" in table.loc[("x", "no pooling"), "missing"]
    assert "more levels" in table.loc[("x", "reml"), "missing"]
    assert "proper posterior" in table.loc[("x", "flat prior"), "missing"]
    assert np.isfinite(table.loc[("x", "stated prior"), "estimate"])
    change = table.loc[("x", "stated prior"), "change"]
    before = table.loc[("x", "ols"), "estimate"]
    assert change == pytest.approx(table.loc[("x", "stated prior"), "estimate"] - before)


def test_sampled_rungs_wait_to_be_asked_for(replica: Any) -> None:
    spec = next(s for s in sf.load_analysis("bivariate").specs if s.name == "q13")
    on_rows = climb(sf.fit(spec, replica), replica).set_index(["term", "rung"])["missing"]
    moments = sf.fit(spec, replica).moments
    on_tables = climb(sf.fit(spec, moments), moments).set_index(["term", "rung"])["missing"]
    change = replace(spec, outcome="absence_change", table="")
    of_change = climb(sf.fit(change, replica), replica, sampled=False)
    of_change = of_change.set_index(["term", "rung"])["missing"]
    assert on_rows["q13", "student"] == "is sampled: ask for it"
    for rung in ("cluster robust", "student", "known precision"):
        assert "needs rows" in on_tables["q13", rung]
    assert of_change["q13", "known precision"] == "is about means over quarters"
    assert on_rows["q13", "imputation"] == "no saved result was given"


def test_known_precision_is_exact_and_of_the_same_rows(replica: Any) -> None:
    spec = next(s for s in sf.load_analysis("bivariate").specs if s.name == "q13")
    result = sf.fit(spec, replica)
    table = climb(result, replica).set_index(["term", "rung"])
    rows = sf.fit(replace(spec, repeats="n_quarters"), replica, engine="exact").rows
    for term in ("q13", "icc"):
        found, row = table.loc[(term, "known precision")], next(r for r in rows if r.term == term)
        assert (found["engine"], found["n"]) == ("exact", result.moments.n_obs)
        assert (found["estimate"], found["lower"]) == (row.estimate, row.lower)
    # what quarters add by chance is no longer in it: a larger share lies between industries
    icc = table.loc["icc", "estimate"]
    assert icc["known precision"] > icc["stated prior"]


@pytest.mark.slow
@pytest.mark.nuts
def test_sampled_rungs_are_of_the_same_rows() -> None:
    """Student-t residuals, on data that are normal: near the Gaussian posterior."""
    df = frame()[["y", "x", "g"]]
    table = climb(sf.fit(SPEC, df), df, sampled=True).set_index(["term", "rung"])
    student, own = table.loc[("x", "student")], table.loc[("x", "stated prior")]
    assert student["n"] == own["n"]
    assert abs(student["estimate"] - own["estimate"]) < own["sd"]
    assert table.loc[("x", "known precision"), "missing"] == "is about means over quarters"
    # The same compiled model again, power-scaled by ArviZ from its draws.
    result = sf.fit(replace(SPEC, likelihood="student"), df, engine="nuts")
    scaled = power_scaling(result).set_index(["term", "component"])
    assert {"x", "sd_group", "sd_resid", "df_resid", "icc"} <= set(scaled.index.levels[0])
    assert scaled.loc[("x", "prior"), "sensitivity"] < SENSITIVE
    assert scaled.loc[("x", "likelihood"), "sensitivity"] > SENSITIVE
    assert scaled.loc[("df_resid", "prior"), "sensitivity"] > SENSITIVE  # data that are normal
    assert scaled["mean_low"].isna().all()


def test_saved_estimates_are_read(tmp_path: Path) -> None:
    df = frame()[["y", "x", "g"]]
    result = sf.fit(SPEC, df)
    path = tmp_path / "estimates.csv"
    result.estimates.to_csv(path, index=False)
    found = read_imputed(path, result)
    assert found["x"].lower == pytest.approx(result.fixef().loc["x", "lower"])
    panel = "term,estimate,sd,lower,upper\nq13,1,1,0,2\nq13[change],3,1,2,4\n"
    path.write_text(panel, encoding="utf-8")
    of_change = replace(SPEC, outcome="absence_change", predictors=("q13",), name="q13")
    own = df.rename(columns={"y": "absence_change", "x": "q13"})
    assert read_imputed(path, sf.fit(of_change, own))["q13"].estimate == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("term,estimate\nx,1\n", "must have columns"),
        ("term,estimate,sd,lower,upper\nz,1,1,0,2\n", r"estimates of x \(got \['z'\]\)"),
        ("term,estimate,sd,lower,upper\nx,one,1,0,2\n", "line 2, estimate: must be a number"),
        ("", "must have columns"),
        (None, "can be read"),
    ],
)
def test_a_saved_result_that_is_none(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "estimates.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_imputed(path, sf.fit(SPEC, frame()[["y", "x", "g"]]))


# Controls


def test_steps_are_fits_of_rows_chosen_by_hand() -> None:
    df = frame()
    spec = sf.ModelSpec("y", ("x", "z", "w"), "g")
    table = climb_controls(spec, df).set_index(["rows", "controls"])
    assert list(table.loc["identical"].index) == ["none", "z", "w", "all"]
    for rows in ("identical", "own"):
        for name, controls in (("none", []), ("z", ["z"]), ("w", ["w"]), ("all", ["z", "w"])):
            needed = ["z", "w"] if rows == "identical" else controls
            kept = df.dropna(subset=needed) if needed else df
            model = sf.ModelSpec("y", ("x", *controls), "g")
            row = table.loc[(rows, name)]
            reml = sf.fit(model, kept, engine="reml").fixef().loc["x"]
            exact = sf.fit(model, kept).fixef().loc["x"]
            assert (row["reml"], row["reml_se"]) == (reml["estimate"], reml["sd"])
            assert (row["mean"], row["lower"]) == (exact["estimate"], exact["lower"])
            assert row["n"] == len(kept)


def test_loss_and_adjustment_are_all_there_is() -> None:
    df = frame()
    spec = sf.ModelSpec("y", ("x", "z", "w"), "g")
    table = climb_controls(spec, df)
    for _, part in table.groupby("rows"):
        total = part["reml"] - part["reml"].iloc[0]
        np.testing.assert_allclose(part["loss"] + part["adjustment"], total, atol=1e-12)
    identical = table[table["rows"] == "identical"]
    assert set(identical["n"]) == {len(df.dropna())}
    assert (identical["loss"] == 0).all()
    # a control that is there everywhere loses nothing, and one that is no cause adjusts little
    own = table[table["rows"] == "own"].set_index("controls")
    assert abs(own.loc["w", "adjustment"]) < 0.1 < abs(own.loc["z", "adjustment"])
    assert own.loc["w", "lost"] == df["w"].isna().sum()


def test_the_report_s_tables_are_the_ends_of_the_ladder(replica: Any) -> None:
    """Figure 5 and table 3 (572 and 516 workplaces); tables 4 and 5 (420 and 403)."""
    q13 = climb_controls(sf.load_analysis("q13_controls").specs[0], replica)
    own = q13[q13["rows"] == "own"].set_index("controls")
    assert own.loc["none", ["n", "reml"]].to_numpy(float) == pytest.approx([572, -0.236], abs=5e-4)
    assert own.loc["all", ["n", "reml"]].to_numpy(float) == pytest.approx([516, -0.077], abs=5e-4)
    assert own.loc["women_share", "lost"] == 53
    assert set(q13[q13["rows"] == "identical"]["n"]) == {516}
    assert len(q13) == 2 * 10
    q17 = climb_controls(sf.load_analysis("q17_controls").specs[0], replica)
    own = q17[q17["rows"] == "own"].set_index("controls")
    assert set(q17["term"]) == {"q17[no]"}
    assert own.loc["none", ["n", "reml"]].to_numpy(float) == pytest.approx([420, 2.0], abs=0.05)
    assert own.loc["all", ["n", "reml"]].to_numpy(float) == pytest.approx([403, 1.8], abs=0.0501)
    assert set(q17["source"]) == {"replica"}


def test_order_of_rows_changes_nothing() -> None:
    df = frame()
    spec = sf.ModelSpec("y", ("x", "z"), "g")
    first = climb_controls(spec, df)["reml"]
    other = climb_controls(spec, df.iloc[::-1].assign(y=10 * df["y"]))["reml"]
    np.testing.assert_allclose(other, 10 * first)


def test_what_is_refused() -> None:
    complete = frame()[["y", "x", "g"]]
    with pytest.raises(UsageError, match="has no controls"):
        climb_controls(SPEC, frame())
    with pytest.raises(UsageError, match="needs rows"):
        climb_controls(sf.ModelSpec("y", ("x", "z"), "g"), sf.fit(SPEC, complete).moments)
    with pytest.raises(UsageError, match="no exact posterior"):
        climb(sf.fit(SPEC, complete, engine="reml"), complete)
