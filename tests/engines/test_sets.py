"""Completed data sets: pooled as mice pools them, mixed as closed forms have it, or refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.engines.sets.result import PooledResult
from bayes_sf.errors import DataError, MissingWarning, UsageError
from bayes_sf.spec.terms.sets import read_sets

FOLDER = Path(__file__).parents[1] / "references" / "sets"
LONG = pd.read_csv(FOLDER / "sets.csv")
THEIRS = pd.read_csv(FOLDER / "pooled.csv").set_index(["model", "term"])
SETS = [LONG[LONG[".imp"] == number] for number in range(1, 6)]
ALONE = [one.drop(columns=".imp") for one in SETS]

#: Formula and options; how near estimates are in standard errors: lme4's searches stop there. What
#: is made of squared standard errors is 10 to 100 times less near.
MODELS: dict[str, tuple[str, dict[str, Any], float]] = {
    "intercept": ("y ~ x + z + (1 | g)", {"engine": "reml"}, 1e-8),
    "ml": ("y ~ x + z + (1 | g)", {"engine": "ml"}, 1e-8),
    "slope": ("y ~ x + z + (1 + x | g)", {"engine": "reml"}, 1e-8),
    "ols": ("y ~ x + z + (1 | g)", {"engine": "ols"}, 1e-12),
    "bernoulli": ("b ~ x + (1 | g)", {"engine": "ml", "family": "bernoulli"}, 1e-6),
}
QUICK = [name for name in MODELS if name != "bernoulli"]


def pooled_fit(model: str) -> PooledResult:
    formula, options, _ = MODELS[model]
    found = sf.fit(formula, LONG, **options)
    assert isinstance(found, PooledResult)
    return found


@pytest.fixture(scope="module")
def pooled() -> dict[str, PooledResult]:
    return {name: pooled_fit(name) for name in QUICK}


def assert_as_mice(ours: PooledResult, model: str) -> None:
    mine, theirs, near = ours.fixef(), THEIRS.loc[model], MODELS[model][2]
    error = theirs["t"] ** 0.5
    assert ours.fitted.df_complete == theirs["dfcom"].iloc[0]
    assert ((mine["estimate"] - theirs["estimate"]) / error).abs().max() < near
    for limit, other in (("lower", "low"), ("upper", "high")):
        assert ((mine[limit] - theirs[other]) / error).abs().max() < 10 * near, limit
    known = {
        "sd": error,
        "p": theirs["p.value"],
        **{k: theirs[k] for k in ("riv", "lambda", "fmi")},
    }
    for name, value in {**known, "df": theirs["df"]}.items():
        np.testing.assert_allclose(mine[name], value, rtol=100 * near, err_msg=name)


@pytest.mark.parametrize("model", QUICK)
def test_pooled_as_mice_pools(pooled: dict[str, PooledResult], model: str) -> None:
    assert_as_mice(pooled[model], model)


@pytest.mark.slow
def test_binary_outcomes_pooled_as_mice_pools() -> None:
    result = pooled_fit("bernoulli")
    assert_as_mice(result, "bernoulli")
    assert "log odds" in str(sf.table([result]))


def test_sets_come_in_many_ways() -> None:
    """A list, one long frame, of pandas, polars or DuckDB, in any order, numbered as text."""
    formula = "y ~ x + z + (1 | g)"
    known = sf.fit(formula, SETS, engine="reml").fixef()
    shuffled = LONG.sample(frac=1, random_state=1)
    ways: list[Any] = [
        LONG, tuple(SETS), shuffled, duckdb.from_df(LONG), LONG.astype({".imp": str}),
    ]  # fmt: skip
    ways.append(pytest.importorskip("polars").from_pandas(LONG))
    for way in ways:
        found = sf.fit(formula, way, engine="reml")
        np.testing.assert_allclose(found.fixef(), known, rtol=1e-9)
    left = "5 completed sets (the original, 160 rows with .imp 0, is left out)"
    assert left in repr(sf.fit(formula, LONG, engine="reml"))
    assert "5 completed sets>" in repr(sf.fit(formula, SETS, engine="reml"))


def test_exact_posteriors_are_averaged() -> None:
    """Means are means of means; variances have what lies between; distributions are averages."""
    result = sf.fit("y ~ x + z + (1 | g)", LONG)
    each = [sf.fit("y ~ x + z + (1 | g)", one) for one in ALONE]
    means = np.array([fit.fixef()["estimate"] for fit in each])
    sds = np.array([fit.fixef()["sd"] for fit in each])
    np.testing.assert_allclose(result.fixef()["estimate"], means.mean(axis=0), rtol=1e-9)
    total = (sds**2).mean(axis=0) + means.var(axis=0)
    np.testing.assert_allclose(result.fixef()["sd"] ** 2, total, rtol=1e-9)
    at = np.array([0.3, 0.9])
    own = np.mean([fit.fitted.cdf("sd_group", at) for fit in each], axis=0)
    np.testing.assert_allclose(result.fitted.cdf("sd_group", at), own, rtol=1e-9)
    level = np.array([result.fixef().loc["x", "upper"]] * 3)
    below = np.mean([fit.fitted.coef.cdf(level)[1] for fit in each])
    assert below == pytest.approx(0.975, abs=1e-9)
    assert result.icc()["mean"] == pytest.approx(np.mean([fit.icc()["mean"] for fit in each]))
    assert result.ranef().shape[0] == 16


def test_several_random_terms_are_averaged() -> None:
    result = sf.fit("y ~ x + (0 + x | g)", SETS[:2])
    each = [sf.fit("y ~ x + (0 + x | g)", LONG[LONG[".imp"] == number]) for number in (1, 2)]
    tables = [fit.estimates.set_index(["term", "group"]) for fit in (result, *each)]
    for name in ("x", "sd_x|g", "sd_resid", "icc"):
        mixed, first, second = (table.loc[(name, "")] for table in tables)
        means = np.array([first["estimate"], second["estimate"]])
        assert mixed["estimate"] == pytest.approx(means.mean())
        variance = 0.5 * (first["sd"] ** 2 + second["sd"] ** 2) + means.var()
        assert mixed["sd"] == pytest.approx(variance**0.5)
        if name not in {"x", "icc"}:
            below = [fit.fitted.cdf(name, np.array(mixed["upper"])) for fit in each]
            assert np.mean(below) == pytest.approx(0.975, abs=1e-6), name
    assert repr(result).endswith("2 completed sets>")
    assert repr(each[0]).endswith(" of g>")
    beyond = result.fitted.cdf("icc", np.array([-0.1, 0.0, 1.0, 1.1]))
    np.testing.assert_allclose(beyond, [0, 0, 1, 1], atol=1e-6)
    icc = result.fitted.cdf("icc", np.array(result.icc()["upper"]))
    assert icc == pytest.approx(0.975, abs=1e-3)  # interpolated between 400 quantiles
    assert result.ranef().shape[0] == 16
    with pytest.raises(UsageError, match="draws: are not made"):
        result.draws()


@pytest.mark.slow
def test_imputed_outcomes_tell_nothing_new() -> None:
    """Outcomes missing at random, drawn from the posterior: the mixture is the observed rows'.

    400 sets: means within 0.15 posterior sds (3 standard errors at most), sds within 12 %.
    """
    rng = np.random.default_rng(11)
    code, x = np.repeat(np.arange(12), 10), rng.normal(size=120)
    y = 1 + 0.6 * x + rng.normal(size=12)[code] + rng.normal(size=120)
    gone = rng.random(120) < 0.4 / (1 + np.exp(-x))
    df = pd.DataFrame({"y": y, "x": x, "g": [f"g{i:02}" for i in code]})
    fixed = {"autoscale": False}
    priors = sf.Priors(
        intercept=sf.Prior("normal", 5.0, location=0.0, **fixed),
        slope=sf.Prior("normal", 5.0, **fixed), sd_resid=sf.Prior("exponential", 1.0, **fixed),
        sd_group=sf.Prior("half-normal", 1.0, **fixed),
    )  # fmt: skip
    observed = sf.fit("y ~ x + (1 | g)", df[~gone], priors=priors)
    drawn = observed.draws(400, seed=3, rows=False)["posterior"].to_dataset()
    beta, u, sd = (
        drawn[name].to_numpy().reshape(400, -1) for name in ("beta", "u", "sd_resid")
    )  # fmt: skip
    sets = []
    for s in range(400):
        mean = beta[s, 0] + beta[s, 1] * x + u[s][code]
        fresh = mean + sd[s] * rng.normal(size=120)
        sets.append(df.assign(y=np.where(gone, fresh, y)))
    mixed = sf.fit("y ~ x + (1 | g)", sets, priors=priors)
    for term in ("(Intercept)", "x", "sd_group", "sd_resid", "icc"):
        ours, known = (
            next(row for row in fit.singles if row.term == term) for fit in (mixed, observed)
        )
        assert abs(ours.estimate - known.estimate) < 0.15 * known.sd, term
        assert ours.sd == pytest.approx(known.sd, rel=0.12), term


def test_what_a_pooled_result_answers(pooled: dict[str, PooledResult]) -> None:
    slope = pooled["slope"]
    tidy = slope.tidy()
    np.testing.assert_allclose(tidy["df"][:3], slope.fixef()["df"], rtol=1e-12)
    np.testing.assert_allclose(tidy["conf_low"][:3], slope.fixef()["lower"], rtol=1e-12)
    assert tidy["term"].tolist()[3:] == [
        "sd__(Intercept)", "sd__x", "cor__(Intercept).x", "sd__Observation",
    ]  # fmt: skip
    assert slope.glance().iloc[0].to_dict() == {
        "nobs": 160, "nimp": 5,
        "sigma": pytest.approx(np.mean([fit.fitted.sd_resid for fit in slope.fits])),
    }  # fmt: skip
    claim = slope.hypothesis("x + z > 0").iloc[0]
    rows = [fit.hypothesis("x + z > 0").iloc[0] for fit in slope.fits]
    spread = np.var([row["estimate"] for row in rows], ddof=1) * 1.2
    assert claim["sd"] ** 2 == pytest.approx(np.mean([row["sd"] ** 2 for row in rows]) + spread)
    assert slope.icc()["estimate"] == pytest.approx(
        np.mean([fit.icc()["estimate"] for fit in slope.fits])
    )
    assert slope.varcorr()["vcov"].iloc[-1] == pytest.approx(
        np.mean([fit.fitted.sd_resid**2 for fit in slope.fits])
    )
    text = str(sf.table(list(pooled.values())))
    assert "completed sets" in text
    assert "Rubin" in text
    assert "Rubin" in slope.summary()
    assert "fmi" in slope._repr_html_()
    assert slope.converged
    assert sf.table([sf.fit("y ~ x + (1 | g)", LONG)]).frame.loc["completed sets"].tolist() == ["5"]


def test_weights_and_analyses() -> None:
    sets = [one.assign(w=np.where(one["g"] > 4, 2.0, 1.0)) for one in SETS]
    result = sf.fit("y ~ x + (1 | g)", sets, engine="reml", weights="w")
    own = [
        sf.fit("y ~ x + (1 | g)", one.drop(columns=".imp"), engine="reml", weights="w")
        for one in sets
    ]
    mean = np.mean([fit.fixef()["estimate"] for fit in own], axis=0)
    np.testing.assert_allclose(result.fixef()["estimate"], mean, rtol=1e-12)
    specs = (sf.ModelSpec("y", ("x",), group="g"), sf.ModelSpec("y", ("z",), group="g"))
    found = sf.fit(replace(sf.load_analysis("null"), specs=specs), LONG, engine="reml")
    assert [type(one).__name__ for one in found.values()] == ["PooledResult"] * 2


BAD: dict[str, tuple[Any, str]] = {
    "one set": ([SETS[0]], "at least two completed data sets"),
    "none": ([], "at least two completed data sets"),
    "one set and the original": (LONG[LONG[".imp"] < 2], "at least two completed data sets"),
    "a gap that is left": (
        [SETS[0], LONG[LONG[".imp"] == 0]],
        r"completed set 2: data: must have no gap .*complete th",
    ),
    "other rows": ([SETS[0], SETS[1].iloc[1:]], "completed set 2: must have the rows of the first"),
    "other groups": (
        [SETS[0], SETS[1].assign(g=SETS[1]["g"] + 1)], "completed set 2: must have the groups",
    ),
    "other terms": (
        [SETS[0], SETS[1].assign(x=np.where(SETS[1]["x"] > 0, "a", "b"))],
        "completed set 2: must have the terms",
    ),
    "no numbers": (LONG.assign(**{".imp": "set " + LONG[".imp"].astype(str)}), "'.imp': must num"),
    "parts of numbers": (LONG.assign(**{".imp": LONG[".imp"] / 2}), "'.imp': must number"),
    "a set without number": (LONG.assign(**{".imp": LONG[".imp"].where(LONG.index > 3)}), "'.imp'"),
    "no frame": ([1, 2], "completed set 1: data: must be a data frame"),
    "no such column": ([one.drop(columns="x") for one in SETS], "'x'.* not in the data"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_what_are_no_completed_sets(kind: str) -> None:
    data, said = BAD[kind]
    with pytest.raises((DataError, UsageError), match=said):
        sf.fit("y ~ x + (1 | g)", data, engine="reml")


def test_what_is_not_asked_of_completed_sets(pooled: dict[str, PooledResult]) -> None:
    mixed = sf.fit("y ~ x + (1 | g)", LONG)
    for ask, said in (
        (lambda: sf.fit("y ~ x + (1 | g)", LONG, engine="nuts"), "does not fit completed"),
        (lambda: sf.fit("b ~ x + (1 | g)", LONG, family="bernoulli"), "does not fit completed"),
        (lambda: sf.fit(sf.ModelSpec("y", ("x",), group="g", repeats="n"), [
            one.assign(n=3) for one in SETS]), "posteriors that are not averaged"),
        (pooled["intercept"].predict, "of data frames only"),
        (pooled["intercept"].ranef, "not pooled"),
        (lambda: pooled["intercept"].tidy("ran_vals"), "not pooled"),
        (pooled["intercept"].draws, "no posterior"),
        (mixed.predict, "of data frames only"),
        (lambda: mixed.icc(adjusted=False), "not averaged"),
        (lambda: sf.loo(mixed), "needs|rows"),
        (lambda: sf.sets_needed(sf.fit("y ~ x + (1 | g)", SETS[0])), "of completed data sets"),
        (lambda: sf.sets_needed(mixed, cv=5), "between 0 and 1"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            ask()


def test_a_model_of_imp_is_of_a_frame_like_any_other() -> None:
    """Who groups rows by the set they are of asks for that; one set by itself is a frame."""
    result = sf.fit(sf.ModelSpec("y", ("x",), group=".imp"), LONG[LONG[".imp"] > 0], engine="reml")
    assert result.moments.n_groups == 5
    assert read_sets(LONG).n_sets == 5
    assert sf.fit("y ~ x + (1 | g)", SETS[2], engine="reml").provenance.sets is None
    with pytest.warns(MissingWarning):
        original = sf.fit("y ~ x + (1 | g)", LONG[LONG[".imp"] == 0], engine="reml")
    assert original.moments.n_obs < 160


# How many are enough ------------------------------------------------------------------------------


def test_enough_sets_by_hand(pooled: dict[str, PooledResult]) -> None:
    """The rule as the paper and R's howManyImputations have it, term by term."""
    table = sf.sets_needed(pooled["intercept"])
    fmi = THEIRS.loc["intercept"]["fmi"]
    upper = 1 / (1 + np.exp(-(np.log(fmi / (1 - fmi)) + 1.959963985 * np.sqrt(2 / 5))))
    np.testing.assert_allclose(table["fmi_upper"], upper, rtol=1e-6)
    assert table["needed"].tolist() == np.ceil(1 + 0.5 * (upper / 0.05) ** 2).astype(int).tolist()
    few = sf.sets_needed(pooled["intercept"], cv=0.2)
    assert (few["needed"] < table["needed"]).all()
    mixed = sf.sets_needed(sf.fit("y ~ x + z + (1 | g)", LONG))
    np.testing.assert_allclose(mixed["fmi"], table["fmi"], atol=0.05)  # other df, wider priors


@pytest.mark.parametrize("fmi", [0.2, 0.5])
def test_so_many_sets_have_that_much_chance(fmi: float) -> None:
    """With B chi-squared the standard error varies by about cv: delta method, to a tenth of it."""
    cv = 0.05
    m = int(np.ceil(1 + 0.5 * (fmi / cv) ** 2))
    between = fmi * np.random.default_rng(2).chisquare(m - 1, 100_000) / (m - 1)
    error = np.sqrt((1 - fmi) + between)
    assert error.std() / error.mean() == pytest.approx(cv, rel=0.1)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ x + (1 | g) + (1 | h)"])
def test_what_is_of_one_data_set_is_not_told_of_the_first_set(formula: str) -> None:
    """Profiles, robust errors and the like; combinations are pooled, of several factors, too."""
    rng = np.random.default_rng(4)
    whole = pd.DataFrame(
        {"x": rng.normal(size=60), "g": list("abcdef") * 10, "h": list("uvwyz") * 12}
    )
    whole["y"] = 0.3 * whole["x"] + rng.normal(size=60)
    sets = [whole.assign(x=whole["x"] + 0.1 * rng.normal(size=60)) for _ in range(3)]
    pooled = sf.fit(formula, sets, engine="reml")
    averaged = sf.fit(formula, sets)
    for ask in (
        pooled.confint,
        lambda: sf.confounding(averaged),
        lambda: sf.attenuation(averaged, "x"),
        lambda: sf.cluster_robust(averaged, cluster="g"),
    ):
        with pytest.raises(UsageError):
            ask()
    found = pooled.hypothesis("x > 0").iloc[0]
    own = pooled.fixef().loc["x"]
    assert found[["estimate", "sd", "df"]].tolist() == pytest.approx(
        own[["estimate", "sd", "df"]].tolist(), rel=1e-9
    )


def test_completed_sets_where_one_frame_is_meant() -> None:
    """Their rows would be counted once for every set."""
    rng = np.random.default_rng(3)
    whole = pd.DataFrame({"y": rng.normal(size=48), "g": np.arange(48) % 6})
    holes = whole.assign(y=whole["y"].mask(whole.index < 4))
    long = pd.concat([each.assign(**{".imp": i}) for i, each in enumerate([holes, whole, whole])])
    for ask in (
        lambda: sf.impute("y ~ 1 + (1 | g)", long, 2),
        lambda: sf.missingness(long, "y ~ 1 + (1 | g)"),
        lambda: sf.missingness(long),
    ):
        with pytest.raises(UsageError, match="is of one data set"):
            ask()
    assert sf.missingness(long[long[".imp"] == 0], ["y"]).n_rows == len(whole)
