"""Missing not at random in any frame: against dense matrices, and the study's own route."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.missing.delta import SHIFTED, shift_along
from bayes_sf.analysis.missing.tipping import tipping_point
from bayes_sf.analysis.missing.unobserved import shift_effects
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.errors import DataError, MissingWarning, SpecError, UsageError
from bayes_sf.spec.moments import Moments
from tests.tools import own_workplaces, spoken

LONG = pd.read_csv(Path(__file__).parents[1] / "references" / "sets" / "sets.csv")
FORMULA = "y ~ x + k + (1 | g)"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """150 rows of six groups, one without any outcome; gone more often where x is high."""
    rng = np.random.default_rng(3)
    df = pd.DataFrame({"g": rng.choice(list("abcdef"), 150), "x": rng.normal(size=150)})
    df["k"] = rng.choice(list("pqr"), 150)
    df["y"] = 1 + 0.5 * df["x"] + df["g"].map(dict(zip("abcdef", rng.normal(size=6), strict=True)))
    df["y"] += rng.normal(size=150)
    df["young"] = rng.random(150) < 0.5
    gone = (rng.random(150) < 0.3 / (1 + np.exp(-df["x"]))) | (df["g"] == "f")
    return df.assign(y=df["y"].mask(gone))


def design(df: pd.DataFrame) -> np.ndarray:
    return np.column_stack([np.ones(len(df)), df["x"], df["k"] == "q", df["k"] == "r"])


@pytest.mark.parametrize("where", ["", "young"])
def test_shift_is_generalised_least_squares_on_all_rows(frame: pd.DataFrame, where: str) -> None:
    """With flat priors, at nodes of (sigma, tau): dense matrices of every row."""
    flat = sf.Priors.flat()
    spec = sf.ModelSpec("y", ("x", "k"), group="g", priors=flat, missing="drop")
    seen = frame[frame["y"].notna()]
    part = fit_exact(
        Moments.from_frame(seen, outcome="y", predictors=["x", "k"], group="g"), flat
    )  # fmt: skip
    moved = (frame["y"].isna() & (frame[where] if where else True)).to_numpy(dtype=float)
    groups, code = np.unique(frame["g"], return_inverse=True)
    indicator = Moments.from_arrays(
        np.column_stack([design(frame)[:, 1:], moved]), code, outcome="y",
        predictors=part.moments.predictors, groups=tuple(groups), group="g",
    )  # fmt: skip
    shifts = shift_along(part, indicator)
    x, same = design(frame), (code[:, None] == code).astype(float)
    sigma, tau = (part.spread_values(name).ravel() for name in ("sd_resid", "sd_group"))
    expected = np.zeros(shifts.shape)
    heavy = np.argsort(-part.coef.weight)[:400:80]
    for node in heavy:
        inverse = np.linalg.inv(sigma[node] ** 2 * np.eye(len(x)) + tau[node] ** 2 * same)
        expected[:, node] = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ moved)
    np.testing.assert_allclose(shifts[:, heavy], expected[:, heavy], rtol=1e-6, atol=1e-9)
    found = sf.delta_adjust(spec, frame, [0.7], where=where)
    table = found.effects.pivot_table(index="term", columns="delta", values="estimate")
    gap = (table[0.7] - table[0.0]).loc[list(part.moments.terms)]
    np.testing.assert_allclose(gap, 0.7 * shifts @ part.coef.weight, rtol=1e-8)
    assert found.effects["n_moved"].unique().tolist() == [int(moved.sum())]


def test_at_zero_it_is_the_fit_of_the_observed_rows(frame: pd.DataFrame) -> None:
    found = sf.delta_adjust(FORMULA, frame, [-2.0, -1.0, 1.0])
    with pytest.warns(MissingWarning):
        fit = sf.fit(FORMULA, frame)
    still = found.effects[found.effects["delta"] == 0].set_index("term")
    for row in fit.coefficients:
        own = still.loc[row.term]
        assert (own["estimate"], own["sd"], own["lower"], own["upper"], own["p_direction"]) == (
            pytest.approx((row.estimate, row.sd, row.lower, row.upper, row.p_direction), rel=1e-7)
        )
    assert list(found.effects) == SHIFTED
    assert found.effects["n"].unique().tolist() == [150]
    assert found.effects["n_groups"].unique().tolist() == [6]
    tip = found.tipping.set_index("term")
    assert tip.index.tolist() == ["x", "k[q]", "k[r]"]
    own = tipping_point(found.effects[found.effects["term"] == "x"])
    assert tip.loc["x", "verdict_at_zero"] == own.verdict_at_zero == "above 0"
    null = sf.delta_adjust("y ~ 1 + (1 | g)", frame, [1.0])
    assert null.tipping["term"].tolist() == ["(Intercept)"]
    assert "missing cells of y moved by delta" in str(null)


def test_as_the_study_has_it() -> None:
    """A sample's item, and the same as a frame: one mechanism, the same numbers."""
    sample = own_workplaces()
    spec = sf.ModelSpec("absence_mean", ("q13",))
    theirs = shift_effects([sf.fit(spec, sample)], sample, deltas=[-1.0, 0.0, 1.0])
    from bayes_sf.inputs.design import score

    rows = pd.DataFrame({
        "q13": score(sample.frame, "q13").to_numpy(dtype=float),
        "absence_mean": sample.frame["absence_mean"].where(
            sample.frame["linked"] & (sample.frame["n_quarters"] >= spec.min_quarters)
        ),
        "industry": sample.frame["industry"].astype(str),
    })  # fmt: skip
    known = rows.dropna(subset="q13")
    ours = sf.delta_adjust(spec, known, [-1.0, 1.0]).effects.query("term == 'q13'")
    for column in ("delta", "estimate", "sd", "lower", "upper", "p_direction", "n"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-6, err_msg=column)


def test_rows_with_gaps_elsewhere_are_left_out(frame: pd.DataFrame) -> None:
    holes = frame.assign(x=frame["x"].mask(frame.index < 5))
    with pytest.warns(MissingWarning, match=r"5 of 150 rows are left out, for gaps in x .5.; by g"):
        found = sf.delta_adjust(FORMULA, holes, [1.0])
    whole = sf.delta_adjust(FORMULA, frame.iloc[5:], [1.0])
    np.testing.assert_allclose(found.effects["estimate"], whole.effects["estimate"], rtol=1e-9)


@pytest.mark.parametrize("column", ["y", "x"])
def test_imputed_cells_are_moved(column: str) -> None:
    """By hand, as `mice` users do it: add delta to what was imputed, fit, pool."""
    gone = LONG[LONG[".imp"] == 0].set_index(".id")[column].isna()
    found = sf.delta_adjust("y ~ x + z + (1 | g)", LONG, [0.5], column=column, engine="reml")
    moved = LONG[LONG[".imp"] > 0].copy()
    moved[column] += 0.5 * moved[".id"].map(gone)
    known = sf.fit("y ~ x + z + (1 | g)", moved, engine="reml").fixef()
    own = found.effects[found.effects["delta"] == 0.5].set_index("term").loc[known.index]
    for name in ("estimate", "sd", "lower", "upper"):
        np.testing.assert_allclose(own[name], known[name], rtol=1e-9)
    assert own["n_moved"].tolist() == [int(gone.sum())] * 3
    still = sf.fit("y ~ x + z + (1 | g)", LONG, engine="reml").fixef()["estimate"]
    zero = found.effects[found.effects["delta"] == 0].set_index("term")["estimate"]
    np.testing.assert_allclose(zero[still.index], still, rtol=1e-9)


def test_a_list_with_its_original_and_a_posterior() -> None:
    """Sets in another order of rows are put in that of `.id`; some rows alone are moved."""
    rows = LONG.assign(high=LONG["z"] > 0)
    original = rows[rows[".imp"] == 0]
    sets = [rows[rows[".imp"] == number].sample(frac=1, random_state=1) for number in (1, 2)]
    found = sf.delta_adjust(
        "y ~ x + (1 | g)", sets, [1.0], original=original, where="high", engine="exact"
    )
    gone = original["y"].isna() & original["high"]
    assert found.effects["n_moved"].iloc[0] == gone.sum()
    assert found.effects["term"].unique().tolist() == ["(Intercept)", "x", "icc"]
    assert found.tipping["term"].tolist() == ["x"]
    assert found.effects["interval"].unique().tolist() == ["credible-eti"]
    assert "where high" in str(found)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no number": ({"deltas": ["much"]}, "must be numbers"),
    "no delta": ({"deltas": []}, "must be numbers"),
    "an infinite delta": ({"deltas": [np.inf]}, "must be numbers"),
    "another column": ({"column": "x"}, "must be the outcome, unless"),
    "an original": ({"original": LONG}, "goes with completed data sets"),
    "another engine": ({"engine": "reml"}, "in closed form for a Gaussian random intercept"),
    "a slope": ({"what": "y ~ x + (x | g)"}, "in closed form"),
    "standardised": (
        {"what": sf.ModelSpec("y", ("x",), group="g", standardize=("x",))}, "in closed form",
    ),
    "nothing missing": ({"data": lambda d: d.dropna()}, "must be missing in some rows"),
    "everything missing": ({"data": lambda d: d.assign(y=np.nan)}, "150 of 150 gaps"),
    "no truth values": ({"where": "x"}, "'x': must be true or false"),
    "no such column": ({"where": "old"}, "'old'.*not in the data"),
    "truth values with gaps": (
        {"where": "young", "data": lambda d: d.assign(young=[None, *d["young"][1:]])}, "'young'",
    ),
    "sets without original": (
        {"data": lambda _: LONG[LONG[".imp"] > 0], "what": "y ~ x + (1 | g)"}, "original: must be",
    ),
    "no gaps in it": (
        {"data": lambda _: LONG, "what": "y ~ x + (1 | g)", "column": "g"}, "say column=, one of y",
    ),
    "no column of the model": (
        {"data": lambda _: LONG, "what": "y ~ x + (1 | g)", "column": "z"}, "a column of the model",
    ),
    "other rows": (
        {"data": lambda _: LONG.query("`.imp` < 1 or `.id` < 99"), "what": "y ~ x + (1 | g)"},
        "completed set 1: must have the rows of the original",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_moved(frame: pd.DataFrame, kind: str) -> None:
    options, said = BAD[kind]
    given = {"what": FORMULA, "data": lambda d: d, "deltas": [1.0], **options}
    with pytest.raises((UsageError, DataError, SpecError), match=said):
        sf.delta_adjust(**{**given, "data": given["data"](frame)})


def test_the_picture(tmp_path: Path) -> None:
    found = sf.delta_adjust("y ~ x + (1 | g)", LONG, [-1.0, 1.0])
    figure = spoken("nb", sf.plot, found, "delta")
    assert "mangler tilfeldig" in " ".join(text.get_text() for text in figure.texts)
    assert [axes.get_ylim() for axes in figure.axes if axes.get_title(loc="left").strip() == "ICC"]
    sf.plot(found, "delta", tmp_path / "delta.svg")
    assert "delta of y" in (tmp_path / "delta.svg").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="must be delta"):
        sf.plot(found, "missing")
