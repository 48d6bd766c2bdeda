"""Days lost: the closed forms against draws, industry by industry, with invented workplaces."""

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.contrast import Contrast, find_contrast
from bayes_sf.analysis.size.days_lost import (
    CONTRACTED_DAYS,
    MEANING,
    VARIATIONS,
    Workforce,
    days_lost,
    days_posterior,
    sample_workforce,
)
from bayes_sf.errors import UsageError
from bayes_sf.inputs.register.quarters import _public_holidays, quarter_range, working_days

WIDEST = find_contrast("q13", "widest")
PEOPLE = Workforce({"care": 40_000.0, "ict": 9_000.0}, workplace_size=30)


@pytest.fixture(scope="module")
def sample() -> object:
    return sf.load_sample("replica")


@pytest.fixture(scope="module")
def q13(sample: object) -> sf.Result:
    return sf.fit(sf.load_analysis("q13").specs[0], sample)


@pytest.mark.parametrize("variation", VARIATIONS)
def test_closed_form_is_what_draws_say(q13: sf.Result, variation: str) -> None:
    """Both sides written out: mean residual of each side's workplaces, level of its industry."""
    n = 40_000
    rng = np.random.default_rng(5)
    tree = q13.draws(n, seed=6)["posterior"]
    slope = tree["beta"].sel(term="q13").to_numpy().ravel()
    sigma, tau = (tree[name].to_numpy().ravel() for name in ("sd_resid", "sd_group"))
    days = np.zeros(n)
    for employees in PEOPLE.employees.values():
        workplaces = employees / 30
        gap = 4 * slope
        for sign in (1, -1):
            if variation != "expected":
                gap = gap + sign * sigma * rng.normal(size=n) / np.sqrt(workplaces)
            if variation == "industries":
                gap = gap + sign * tau * rng.normal(size=n)
        days += employees * 252 * gap / 100
    found = days_posterior(q13, WIDEST, PEOPLE, variation)
    tails = [0.025, 0.25, 0.5, 0.75, 0.975]
    # A 2.5 % quantile has a Monte Carlo error of about 2.7/sqrt(n) sd: four of them are 0.054.
    wanted = np.quantile(days, tails)
    np.testing.assert_allclose(found.quantile(tails)[0], wanted, atol=0.054 * days.std())
    # An sd of normals 1/sqrt(2 n); heavier tails (tau) need more room.
    assert found.sd()[0] == pytest.approx(days.std(), rel=0.03)


def test_every_number_says_what_it_is(q13: sf.Result) -> None:
    table = days_lost(q13, WIDEST, PEOPLE, cost_per_day=2500)
    assert set(table["meaning"]) == {MEANING}
    assert "association, not the effect of an intervention" in MEANING
    assert set(table["source"]) == {"replica"}
    assert list(table["variation"].unique()) == list(VARIATIONS)
    for name, days in (("cost", "mean"), ("cost_lower", "lower"), ("cost_upper", "upper")):
        np.testing.assert_allclose(table[name], 2500 * table[days])
    for _, part in table.groupby("variation"):
        *industries, total = part.to_dict("records")
        assert total["industry"] == "all"
        for name in ("mean", "employees"):
            assert total[name] == pytest.approx(sum(row[name] for row in industries))


def test_each_source_of_variation_widens(q13: sf.Result) -> None:
    table = days_lost(q13, WIDEST, PEOPLE)
    sds = table[table["industry"] == "all"].set_index("variation")["sd"]
    assert sds["expected"] < sds["workplaces"] < sds["industries"]
    assert table["cost"].isna().all()
    many = Workforce(PEOPLE.employees, workplace_size=1e-6)  # chance evens out over workplaces
    evened = days_posterior(q13, WIDEST, many, "workplaces").sd()[0]
    assert evened == pytest.approx(sds["expected"], rel=1e-6)


def test_expected_days_by_hand(q13: sf.Result) -> None:
    one = Workforce({"all six": 800_000.0}, contracted_days=230)
    found = days_lost(q13, WIDEST, one)
    assert list(found["variation"].unique()) == ["expected"]
    slope = q13.fixef().loc["q13"]
    assert found["mean"].iloc[0] == pytest.approx(800_000 * 230 * 4 * slope["estimate"] / 100)
    assert found["lower"].iloc[0] == pytest.approx(800_000 * 2.3 * 4 * slope["lower"])
    assert found["upper"].iloc[0] == pytest.approx(800_000 * 2.3 * 4 * slope["upper"])
    assert found["p_more"].iloc[0] == pytest.approx(1 - slope["p_direction"])
    narrow = days_lost(q13, WIDEST, one, prob=0.5).iloc[0]
    quartiles = q13.fitted.coef.quantile([0.25, 0.75])[1]
    np.testing.assert_allclose(narrow[["lower", "upper"]].astype(float), 7_360_000 * quartiles)
    assert narrow["prob"] == 0.5


def test_contracted_days_are_the_register_s() -> None:
    """Mondays to Fridays that are no holidays, 2016 to 2020."""
    quarters = quarter_range("2016Q1", "2020Q4")
    assert sum(working_days(quarter) for quarter in quarters) / 5 == CONTRACTED_DAYS


def test_public_holidays_of_a_year() -> None:
    """Norway's of 2019 that move, as the almanac prints them: Easter Sunday was 21 April."""
    moved = {(4, 18), (4, 19), (4, 22), (5, 30), (6, 10)}
    fixed = {(1, 1), (5, 1), (5, 17), (12, 25), (12, 26)}
    assert {(day.month, day.day) for day in _public_holidays(2019)} == moved | fixed


def test_workforce_of_the_sample(sample: object) -> None:
    frame: pd.DataFrame = sample.frame  # type: ignore[attr-defined]
    found = sample_workforce(sample)  # type: ignore[arg-type]
    assert set(found.employees) == set(frame["industry"])
    assert found.total == pytest.approx(frame["n_employees"].sum())
    size = frame["n_employees"].dropna().to_numpy()  # residuals of all these workplaces, weighted
    noise = np.random.default_rng(3).normal(size=(20_000, len(size))) @ size
    # 20,000 draws: an sd is known to 0.5 %
    assert np.sqrt(found.workplace_size * found.total) == pytest.approx(noise.std(), rel=0.02)


def test_moments_that_do_not_exist() -> None:
    """Three groups and a flat prior on tau: no sd of anything that varies with a new industry."""
    rng = np.random.default_rng(1)
    df = pd.DataFrame({"x": rng.normal(size=30), "g": list("abc") * 10})
    df["y"] = df["x"] + rng.normal(size=30)
    spec = sf.ModelSpec(
        "y", predictors=("x",), group="g", unit="pp",
        priors=sf.Priors(sd_group=sf.Prior("flat")),
    )  # fmt: skip
    result = sf.fit(spec, df)
    contrast = Contrast("x", 1.0, "one")
    people = Workforce({"a": 10.0}, workplace_size=1)
    assert np.isfinite(days_posterior(result, contrast, people, "workplaces").sd()[0])
    assert np.isnan(days_posterior(result, contrast, people, "industries").sd()[0])


def test_what_cannot_be_meant(q13: sf.Result) -> None:
    with pytest.raises(UsageError, match="needs the size"):
        days_posterior(q13, WIDEST, Workforce({"a": 10.0}), "workplaces")
    with pytest.raises(UsageError, match="expected, workplaces, industries"):
        days_posterior(q13, WIDEST, PEOPLE, "groups")
    for employees in ({}, {"a": 0.0}, {"a": float("nan")}):
        with pytest.raises(UsageError, match="employees"):
            Workforce(employees)
    with pytest.raises(UsageError, match="contracted_days"):
        Workforce({"a": 1.0}, contracted_days=0)
    with pytest.raises(UsageError, match="cost_per_day"):
        days_lost(q13, WIDEST, PEOPLE, cost_per_day=-1)


def test_only_percentage_points_are_days(sample: object) -> None:
    trend = sf.fit(sf.ModelSpec("absence_trend", predictors=("q13",)), sample)
    with pytest.raises(UsageError, match="percentage points"):
        days_posterior(trend, WIDEST, PEOPLE)
