"""Gaps imputed in the model: against brute force, mice's 2l.pan and simulated studies."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.engines import fit as fitting
from bayes_sf.engines.gaussian.draws import draw_parts
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.sets import impute as gibbs
from bayes_sf.engines.sets.joint import read_joint
from bayes_sf.errors import ConvergenceError, DataError, SpecError, UsageError
from bayes_sf.spec.terms.formula import read_formula

TESTS = Path(__file__).parents[1]
LONG = pd.read_csv(TESTS / "references" / "sets" / "sets.csv")
ORIGINAL = LONG.loc[LONG[".imp"] == 0, ["g", "z", "x", "y"]]


def frame(seed: int = 4) -> pd.DataFrame:
    """80 rows of eight groups; gaps in two predictors and the outcome, together in some rows."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(8), 10)
    z, k = rng.normal(size=80), rng.choice(list("pqr"), 80)
    x = 0.5 * z + rng.normal(size=8)[code] + rng.normal(size=80)
    w = 0.4 * x + rng.normal(size=80)
    y = 1 + 0.5 * x - 0.3 * w + z + rng.normal(size=8)[code] + rng.normal(size=80)
    df = pd.DataFrame({"y": y, "x": x, "w": w, "z": z, "k": k, "g": [f"g{c}" for c in code]})
    for column, share in (("x", 0.3), ("w", 0.2), ("y", 0.1)):
        df.loc[rng.random(80) < share, column] = np.nan
    return df


@pytest.mark.parametrize("binary", [False, True])
def test_a_missing_predictor_given_the_rest(binary: bool) -> None:
    """Its distribution by brute force: all densities that have it, multiplied on a grid."""
    df = frame()
    if binary:
        df["w"] = (df["w"] > 0).where(df["w"].notna())
    joint = read_joint(df, read_formula("y ~ x * w + x * z + k + (1 | g)"), [])
    assert (joint.gappy, joint.binary.tolist()) == (("w", "x"), [binary, False])
    assert set(joint.terms.names) == {
        "(Intercept)", "x", "w", "x:w", "z", "x:z", "k[q]", "k[r]",
    }  # fmt: skip
    order = [joint.terms.names.index(n) for n in
             ("(Intercept)", "x", "w", "x:w", "z", "x:z", "k[q]", "k[r]")]  # fmt: skip
    assert joint.terms.uses[order].T.tolist() == [
        [False, False, True, True, False, False, False, False],
        [False, True, False, True, False, True, False, False],
    ]
    rng = np.random.default_rng(1)
    start = (rng.random(joint.x.shape) < 0.5).astype(float)
    x = np.where(np.isnan(joint.x), start, joint.x)
    latent = np.where(joint.binary, (2 * x - 1) * rng.uniform(0.2, 1, x.shape), x)
    y = joint.y

    def drawn(size: int, sd: float) -> gibbs._Drawn:
        return gibbs._Drawn(rng.normal(size=size), rng.normal(size=8)[joint.code], 1.0, sd)

    own, models = drawn(8, 1.3), [drawn(4, 1.0 if binary else 0.7), drawn(5, 1.6)]
    for k, row in [(0, 3), (1, 3), (0, int(np.flatnonzero(np.isnan(y))[0])), (1, 41)]:
        two = binary and k == 0
        at = np.array([0.0, 1.0]) if two else np.linspace(-40, 40, 40_001)
        moved = np.tile(x[row], (len(at), 1))
        moved[:, k] = at
        w, v, z = moved[:, 0], moved[:, 1], np.full(len(at), df["z"][row])
        dummies = [np.full(len(at), float(df["k"][row] == level)) for level in "qr"]
        base = np.column_stack([np.ones(len(at)), v, w, v * w, z, v * z, *dummies])
        log = np.zeros(len(at))
        if not np.isnan(y[row]):
            coef = own.coef[order]
            log += stats.norm.logpdf(y[row], base @ coef + own.effect[row], own.sd_resid)
        for number, model in enumerate(models):
            known = np.column_stack([
                np.ones(len(at)), np.tile(joint.known[row], (len(at), 1)), moved[:, :number]
            ])  # fmt: skip
            mean = known @ model.coef + model.effect[row]
            if two and number == k:
                log += stats.norm.logcdf(np.where(at > 0, mean, -mean))
            else:
                value = at if number == k else latent[row, number]
                log += stats.norm.logpdf(value, mean, model.sd_resid)
        mass = np.exp(log - log.max())
        mass /= mass.sum()
        expected = mass @ at
        fresh = [
            gibbs._fresh(k, joint, y, (x, latent), [own, *models], rng=rng)[row] for _ in range(400)
        ]  # fmt: skip
        spread = np.sqrt(mass @ (at - expected) ** 2)
        assert np.mean(fresh) == pytest.approx(expected, abs=4 * spread / 20)  # 4 standard errors
        if not two:
            precision, pull = gibbs._given_rest(k, joint, y, (x, latent), [own, *models])
            mine = models[k]
            total = precision[row] + mine.sd_resid**-2
            mean = mine.mean(gibbs._columns(joint, x, k))[row]
            pulled = pull[row] + mean * mine.sd_resid**-2
            assert pulled / total == pytest.approx(expected, abs=1e-6)
            assert total**-0.5 == pytest.approx(spread, rel=1e-4)


def test_latent_variables_are_cut_normals() -> None:
    rng = np.random.default_rng(2)
    sides = gibbs._latent(np.tile([0.0, 1.0], 9000), np.tile([0.5, -1.5], 9000), rng)
    for side, mean, low, high in ((0, 0.5, -np.inf, -0.5), (1, -1.5, 1.5, np.inf)):
        cut = stats.truncnorm(low, high, loc=mean)
        assert stats.kstest(sides[side::2], cut.cdf).pvalue > 1e-4


def test_draws_with_known_residuals() -> None:
    """Where the residuals' sd is 1, as in a probit model: dense matrices over a grid of tau."""
    df = frame().dropna()
    rng = np.random.default_rng(3)
    moments = sf.Moments.from_frame(df, outcome="y", predictors=["x"], group="g")
    part = fit_exact(moments, gibbs._PROBIT)
    draws = draw_parts((part,), moments.groups, np.zeros(8000, int), rng, sd_resid=1.0)
    same = (df["g"].to_numpy()[:, None] == df["g"].to_numpy()).astype(float)
    design = np.column_stack([np.ones(len(df)), df["x"]])
    centred = np.column_stack([np.ones(len(df)), df["x"] - df["x"].mean()])  # the prior's intercept
    prior = centred @ np.diag([2.5**2, 1.5**2]) @ centred.T
    taus = np.linspace(0.001, 5, 400)
    log = np.array([
        stats.multivariate_normal.logpdf(df["y"], cov=np.eye(len(df)) + t**2 * same + prior)
        - 0.5 * t**2 for t in taus
    ])  # fmt: skip
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    slopes = []
    for t in taus[::8]:
        inverse = np.linalg.inv(np.eye(len(df)) + t**2 * same)
        turn = np.array([[1.0, df["x"].mean()], [0.0, 1.0]])
        precision = design.T @ inverse @ design + turn.T @ np.diag([2.5**-2, 1.5**-2]) @ turn
        slopes.append(np.linalg.solve(precision, design.T @ inverse @ df["y"])[1])
    share = mass[::8] / mass[::8].sum()
    coef, _, tau, sigma = draws
    assert set(sigma.round(12)) == {1.0}
    spread = np.sqrt(mass @ (taus - mass @ taus) ** 2)
    assert tau.mean() == pytest.approx(mass @ taus, abs=4 * spread / np.sqrt(8000))
    assert tau.std() == pytest.approx(spread, rel=0.05)
    assert coef[:, 1].mean() == pytest.approx(share @ slopes, abs=4 * coef[:, 1].std() / 8000**0.5)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few iterations, that say nothing of convergence; `fit` asks for the fewest."""
    monkeypatch.setattr(fitting, "_DRAWS", 10)
    short = {"_CHAINS": 2, "_TUNE": 1, "_APART": 2, "_R_HAT": 100.0}
    for name, value in short.items():
        monkeypatch.setattr(gibbs, name, value)


@pytest.mark.usefixtures("short")
def test_sets_are_the_frame_with_its_gaps_filled_in() -> None:
    df = frame().assign(other="kept", index=range(80)).set_index("index", drop=False)
    done = sf.impute("y ~ x * z + w + k + (1 | g)", df, 4, draws=10, seed=3)
    assert done.imputed == {"y": 6, "w": 16, "x": 25} | {
        name: int(df[name].isna().sum()) for name in "ywx"
    }
    for one in done.frames:
        assert list(one.columns) == list(df.columns)
        assert not one.isna().any().any()
        seen = df.notna().to_numpy()
        assert (one.to_numpy()[seen] == df.to_numpy()[seen]).all()
    first, second = done.frames[:2]
    gone = df["x"].isna().to_numpy()
    assert (first["x"].to_numpy()[gone] != second["x"].to_numpy()[gone]).all()
    again = sf.impute("y ~ x * z + w + k + (1 | g)", df, 4, draws=10, seed=3)
    pd.testing.assert_frame_equal(again.long(), done.long())
    long = done.long()
    assert list(long.columns[:2]) == [".imp", ".id"]
    mice = {".imp": 0, ".id": range(100, 180)}  # as the original of a long frame is
    frames = tuple(each.assign(**mice) for each in done.frames)
    again = replace(done, original=df.assign(**mice), frames=frames).long()
    assert again[".imp"].tolist() == long[".imp"].tolist()
    assert again[".id"].tolist() == [*range(100, 180)] * 5
    assert long.loc[long[".imp"] == 0, "x"].isna().sum() == gone.sum()
    pooled = sf.fit("y ~ x + (1 | g)", long, engine="reml")
    listed = sf.fit("y ~ x + (1 | g)", done.frames, engine="reml")
    np.testing.assert_allclose(pooled.fixef(), listed.fixef(), rtol=1e-9)
    tips = sf.delta_adjust("y ~ x + (1 | g)", long, [1.0], column="x", engine="reml")
    assert tips.effects["n_moved"].unique().tolist() == [gone.sum()]
    assert {"x", "sd_resid", "x: sd_group", "w: mean"} <= set(done.diagnostics.index)


@pytest.mark.usefixtures("short")
def test_truth_values_stay_truth_values() -> None:
    df = frame().assign(b=lambda d: (d["z"] > 0).where(d["x"].notna()))
    done = sf.impute("y ~ z + b + (1 | g)", df, 2, draws=10)
    assert done.imputed["b"] == df["x"].isna().sum()
    assert {str(one["b"].dtype) for one in done.frames} == {"bool"}
    numbers = df.assign(b=df["b"].astype(float))
    again = sf.impute("y ~ z + b + (1 | g)", numbers, 2, draws=10)
    for one, other in zip(done.frames, again.frames, strict=True):
        np.testing.assert_array_equal(one["b"].astype(float), other["b"])


@pytest.mark.usefixtures("short")
def test_fit_imputes_in_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sugar: impute, then average or pool; priors and seed are handed on."""
    monkeypatch.setattr(fitting, "_SETS", 4)
    df, formula = frame(), "y ~ x + (1 | g)"
    result = sf.fit(formula, df, missing="model", seed=5)
    done = sf.impute(formula, df, 4, draws=10, seed=5)
    known = sf.fit(formula, done.frames)
    np.testing.assert_allclose(result.fixef(), known.fixef(), rtol=1e-9)
    assert result.provenance.seed == 5
    assert "4 completed sets" in repr(result)
    tight = sf.Priors(slope=sf.Prior("normal", 0.01))
    small = sf.fit(formula, df, missing="model", seed=5, priors=tight)
    assert abs(small.fixef().loc["x", "estimate"]) < 0.05
    assert type(sf.fit(formula, df, missing="model", engine="ml")).__name__ == "PooledResult"


@pytest.mark.usefixtures("short")
def test_auxiliary_columns_help_predictors() -> None:
    """A copy of x with little noise: what is missing is then known, and not without it."""
    df = frame()
    whole = df.assign(x=df["x"].fillna(0.3))
    helper = whole["x"] + 0.01 * np.random.default_rng(0).normal(size=80)
    df = df.assign(helper=helper)
    with_it = sf.impute("y ~ x + (1 | g)", df, 2, auxiliary="helper", draws=10).frames[1]
    without = sf.impute("y ~ x + (1 | g)", df, 2, draws=10).frames[1]
    gone = df["x"].isna()
    away = [(one["x"] - whole["x"])[gone].abs().mean() for one in (with_it, without)]
    assert away[0] < 0.1 < away[1]


def test_chains_that_disagree_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_SETS", 2)
    monkeypatch.setattr(fitting, "_DRAWS", 10)
    for name, value in (("_CHAINS", 2), ("_TUNE", 0), ("_R_HAT", 0.5)):
        monkeypatch.setattr(gibbs, name, value)
    assert "NOT converged" in repr(sf.impute("y ~ x + (1 | g)", frame(), 2, draws=10))
    with pytest.raises(ConvergenceError, match="chains that agree: R-hat of"):
        sf.fit("y ~ x + (1 | g)", frame(), missing="model")


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "a logarithm": ("y ~ log(x) + (1 | g)", {}, "x: must enter the model as columns or in prod"),
    "a square": ("y ~ I(x ** 2) + (1 | g)", {}, "it is transformed"),
    "a sum": ("y ~ I(x + z) + (1 | g)", {}, "x: must enter"),
    "a spline": ("y ~ bs(x, df=4) + (1 | g)", {}, "x: must enter"),
    "standardised": ("y ~ scale(x) + (1 | g)", {}, "x: must enter"),
    "a code": ("y ~ C(x) + (1 | g)", {}, "'x': must be numbers, or truth values"),
    "a category": ("y ~ k + (1 | g)", {"k": None}, "'k': must be numbers, or truth values"),
    "two numbers": ("y ~ two + (1 | g)", {"two": None}, "'two': must be numbers, or truth values"),
    "a group": ("y ~ x + (1 | g)", {"g": None}, "'g': must have no gaps"),
    "a slope": ("y ~ x + (x | g)", {}, "one random intercept"),
    "two factors": ("y ~ x + (1 | g) + (1 | k)", {}, "one random intercept"),
    "an outcome that is computed": ("log(y) ~ x + (1 | g)", {}, "a column as it is"),
    "an offset": ("y ~ x + offset(z) + (1 | g)", {}, "without offset"),
    "no intercept": ("y ~ 0 + x + (1 | g)", {}, "with an intercept"),
    "nothing known": ("y ~ x + (1 | g)", {"x": np.nan}, "'x': must be known in some rows"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_imputed(kind: str) -> None:
    formula, gaps, said = BAD[kind]
    df = frame().assign(two=1 + np.arange(80) % 2)
    for column, value in gaps.items():
        rows = slice(None) if isinstance(value, float) else slice(0, 4)
        df[column] = df[column].astype(object)
        df.loc[df.index[rows], column] = value
    with pytest.raises((DataError, UsageError), match=said):
        sf.impute(formula, df, 2)


def test_what_does_not_go_with_it() -> None:
    df, formula = frame(), "y ~ x + (1 | g)"
    for ask, said in (
        (lambda: sf.impute(formula, df.dropna(), 2), "must have gaps"),
        (lambda: sf.impute(formula, df, 1), "whole number from 2"),
        (lambda: sf.impute(formula, df, 2, draws=1), "whole number from 10"),
        (lambda: sf.impute(formula, df, 2, auxiliary="w"), "'w': must have no gaps"),
        (lambda: sf.impute(formula, df, 2, auxiliary="v"), "'v'.*not in the data"),
        (lambda: sf.impute(sf.ModelSpec("y", ("x",), group="g", likelihood="student"), df, 2),
         "is for a Gaussian random intercept"),
        (lambda: sf.fit(formula, df, missing="model", weights="z"), "weights: cannot be asked"),
        (lambda: sf.fit(formula, df, missing="model", family="poisson"), "family: cannot be"),
        (lambda: sf.fit(formula, LONG, missing="model"), "not for completed sets"),
        (lambda: sf.fit(formula, df, missing="model", engine="nuts"), "does not impute gaps"),
        (lambda: sf.fit(sf.ModelSpec("y", ("x",), group="g", missing="model"), df), "can be model"),
    ):  # fmt: skip
        with pytest.raises((UsageError, DataError, SpecError), match=said):
            ask()


@pytest.mark.slow
def test_as_mice_s_2l_pan_imputes() -> None:
    """300 sets each: estimates within 0.1 standard errors, standard errors within 5 %.

    Monte Carlo error of either is 0.035 standard errors; mice's models are fully conditional, ours
    are those of the outcome and of x given z.
    """
    theirs = pd.read_csv(TESTS / "references" / "sets" / "many.csv").set_index("term")
    done = sf.impute("y ~ x + z + (1 | g)", ORIGINAL, 300)
    ours = sf.fit("y ~ x + z + (1 | g)", done.frames, engine="reml").fixef()
    error = theirs["t"] ** 0.5
    assert ((ours["estimate"] - theirs["estimate"]) / error).abs().max() < 0.1
    assert (ours["sd"] / error - 1).abs().max() < 0.05
    assert done.converged


def test_coverage_of_simulated_studies() -> None:
    """Recorded by `tests/studies/missing.py`: 90 % intervals, where they should hold and where not.

    Bands are three binomial standard errors (12 checks); means are within four of their own.
    """
    rows = pd.read_csv(TESTS / "studies" / "missing.csv").set_index(["mechanism", "method", "term"])
    bad = [
        ("mar_y", "complete rows", "x"),
        ("mar_y", "complete rows", "z"),
        ("mnar", "delta 0", "z"),
    ]
    good = rows.drop(index=[*bad, ("mnar", "delta 0", "x")])
    assert {"model, averaged", "model, pooled"} <= set(good.index.get_level_values("method"))
    error = np.sqrt(0.9 * 0.1 / good["rounds"])
    assert ((good["covered"] - 0.9).abs() < 3 * error).all()
    away = (good["estimate"] - good["truth"]).abs() / (good["spread"] / np.sqrt(good["rounds"]))
    assert (away < 4).all()
    for key in bad:
        assert rows.loc[key, "covered"] < 0.9 - 3 * np.sqrt(0.09 / 1000), key
