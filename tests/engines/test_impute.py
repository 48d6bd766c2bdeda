"""Gaps imputed in the model: against brute force, mice's 2l.pan and simulated studies."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.engines import fit as fitting
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


def test_a_missing_predictor_is_normal_given_the_rest() -> None:
    """Mean and sd by brute force: all densities that have it, multiplied on a grid."""
    df = frame()
    joint = read_joint(df, read_formula("y ~ x * w + x * z + k + (1 | g)"), [])
    assert joint.gappy == ("w", "x")
    assert joint.terms.names == (
        "(Intercept)", "x", "w", "x:w", "z", "x:z", "k[q]", "k[r]",
    )  # fmt: skip
    assert joint.terms.uses.T.tolist() == [
        [name in {"w", "x:w"} for name in joint.terms.names],
        [name in {"x", "x:w", "x:z"} for name in joint.terms.names],
    ]
    rng = np.random.default_rng(1)
    x = np.where(np.isnan(joint.x), rng.normal(size=joint.x.shape), joint.x)
    y = joint.y

    def drawn(size: int) -> gibbs._Drawn:
        effect = rng.normal(size=8)[joint.code]
        return gibbs._Drawn(rng.normal(size=size), effect, 1.0, float(rng.uniform(0.5, 2)))

    own, models = drawn(8), [drawn(4), drawn(5)]
    for k, row in [(0, 3), (1, 3), (0, int(np.flatnonzero(np.isnan(y))[0])), (1, 41)]:
        at = np.linspace(-40, 40, 40_001)
        log = np.zeros(len(at))
        moved = np.tile(x[row], (len(at), 1))
        moved[:, k] = at
        base = np.column_stack([
            np.ones(len(at)), moved[:, 1], moved[:, 0], moved[:, 0] * moved[:, 1],
            np.full(len(at), df["z"][row]), moved[:, 1] * df["z"][row],
            np.full(len(at), df["k"][row] == "q"), np.full(len(at), df["k"][row] == "r"),
        ])  # fmt: skip
        if not np.isnan(y[row]):
            log += stats.norm.logpdf(y[row], base @ own.coef + own.effect[row], own.sd_resid)
        for number, model in enumerate(models):
            known = np.column_stack([base[:, [0, 4, 6, 7]], moved[:, :number]])
            mean = known @ model.coef + model.effect[row]
            log += stats.norm.logpdf(moved[:, number], mean, model.sd_resid)
        mass = np.exp(log - log.max())
        mass /= mass.sum()
        mean, sd = gibbs._given_rest(k, joint, y, x, [own, *models])
        expected = mass @ at
        assert mean[row] == pytest.approx(expected, abs=1e-6)
        assert sd[row] == pytest.approx(np.sqrt(mass @ (at - expected) ** 2), rel=1e-4)


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
    assert long.loc[long[".imp"] == 0, "x"].isna().sum() == gone.sum()
    pooled = sf.fit("y ~ x + (1 | g)", long, engine="reml")
    listed = sf.fit("y ~ x + (1 | g)", done.frames, engine="reml")
    np.testing.assert_allclose(pooled.fixef(), listed.fixef(), rtol=1e-9)
    tips = sf.delta_adjust("y ~ x + (1 | g)", long, [1.0], column="x", engine="reml")
    assert tips.effects["n_moved"].unique().tolist() == [gone.sum()]
    assert {"x", "sd_resid", "x: sd_group", "w: mean"} <= set(done.diagnostics.index)


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
    "a code": ("y ~ C(x) + (1 | g)", {}, "'x': must be numbers of more than two values"),
    "a category": ("y ~ k + (1 | g)", {"k": None}, "'k': must be numbers of more than two values"),
    "a truth value": ("y ~ b + (1 | g)", {"b": None}, "'b': must be numbers of more than two"),
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
    df = frame().assign(b=np.arange(80) % 2 == 0)
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
