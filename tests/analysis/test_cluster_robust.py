"""CR2 against the recorded output of R's clubSandwich; the wild bootstrap against doing it."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.errors import DataError, UsageError

REFERENCES = Path(__file__).parents[1] / "references"
MODELS = {
    "crossed": ("mixed/data/crossed.csv", "y ~ x + c + z + (1 | b)"),
    "slopes": ("mixed/data/slopes.csv", "y ~ x + (1 | g)"),
    "few": ("robust/few.csv", "y ~ x + w + (1 | g)"),
}


def fitted(model: str) -> sf.Result:
    file, formula = MODELS[model]
    return sf.fit(formula, pd.read_csv(REFERENCES / file), engine="reml")


@pytest.mark.parametrize("model", MODELS)
def test_small_sample_errors_are_those_of_clubsandwich(model: str) -> None:
    """To 1e-9: both are closed forms; the file has fifteen digits. Dummies have R's other names."""
    theirs = pd.read_csv(REFERENCES / "robust" / "fits.csv")
    theirs = theirs[theirs["model"] == model]
    ours = sf.cluster_robust(fitted(model), draws=9)
    names = [name.replace("c[", "c").replace("]", "") for name in ours.index]
    assert names == theirs["term"].tolist()
    for column in ("estimate", "std_error", "df", "p_value"):
        assert ours[column].to_numpy() == pytest.approx(theirs[column].to_numpy(), rel=1e-9)
    from scipy import stats

    reach = ours["std_error"] * stats.t.ppf(0.975, ours["df"])
    assert (ours["upper"] - ours["estimate"]).to_numpy() == pytest.approx(reach.to_numpy())
    assert (ours["estimate"] - ours["lower"]).to_numpy() == pytest.approx(reach.to_numpy())


def by_hand(frame: pd.DataFrame, points: list[float]) -> float:
    """The restricted wild cluster bootstrap of x as it is defined: outcomes made, models fitted."""
    x = np.column_stack([np.ones(len(frame)), frame[["x", "w"]]])
    y, code = frame["y"].to_numpy(), frame["g"].astype("category").cat.codes.to_numpy()
    without = x[:, [0, 2]]
    mean = without @ np.linalg.lstsq(without, y, rcond=None)[0]

    def t_of(outcome: np.ndarray) -> float:
        bread = np.linalg.inv(x.T @ x)
        coef = bread @ x.T @ outcome
        scores = np.array(
            [x[code == j].T @ (outcome - x @ coef)[code == j] for j in range(code.max() + 1)]
        )
        return float(abs(coef[1]) / np.sqrt((bread @ scores.T @ scores @ bread)[1, 1]))

    own = t_of(y)
    found = [
        t_of(mean + np.array(signs)[code] * (y - mean)) >= own * (1 - 1e-9)
        for signs in product(points, repeat=code.max() + 1)
    ]
    return float(np.mean(found))


@pytest.mark.parametrize(("weights", "groups"), [("rademacher", "abcdef"), ("webb", "bcdf")])
def test_all_combinations_of_the_bootstrap_are_gone_through(weights: str, groups: str) -> None:
    frame = pd.read_csv(REFERENCES / "robust" / "few.csv")
    frame = frame[frame["g"].isin(list(groups))]
    root = np.sqrt([0.5, 1, 1.5])
    points = {"rademacher": [-1.0, 1.0], "webb": [*-root, *root]}[weights]
    ours = sf.cluster_robust(sf.fit(MODELS["few"][1], frame, engine="reml"), weights=weights)
    assert ours.attrs["combinations"] == len(points) ** len(groups)
    assert ours.loc["x", "p_wild"] == pytest.approx(by_hand(frame, points), abs=1e-12)


def test_drawn_combinations_tell_what_all_tell() -> None:
    """8 groups: 256 combinations of two points, and six points drawn 9,999 times."""
    rng = np.random.default_rng(3)
    code = np.repeat(np.arange(8), 12)
    frame = pd.DataFrame({"x": rng.normal(size=96), "g": code.astype(str)})
    frame["y"] = 0.2 * frame["x"] + rng.normal(size=8)[code] + rng.normal(size=96)
    result = sf.fit("y ~ x + (1 | g)", frame)
    drawn = sf.cluster_robust(result, seed=2)
    assert drawn.attrs["combinations"] == 10_000
    pd.testing.assert_frame_equal(drawn, sf.cluster_robust(result, seed=2))
    other = sf.cluster_robust(result, seed=3)
    p = drawn.loc["x", "p_wild"]  # two sets of draws: five standard errors of their difference
    assert abs(p - other.loc["x", "p_wild"]) < 5 * np.sqrt(2 * p * (1 - p) / 10_000)


@pytest.mark.slow
def test_it_holds_its_level_with_six_groups_where_least_squares_does_not() -> None:
    """A predictor of the groups, no effect: 5 % of tests say there is one, least squares 30 %."""
    rng = np.random.default_rng(5)
    code = np.repeat(np.arange(6), 20)
    said = {"ols": 0, "wild": 0}
    each = 100
    for _ in range(each):
        x = rng.normal(size=6)[code] + 0.5 * rng.normal(size=120)
        y = 0.7 * rng.normal(size=6)[code] + rng.normal(size=120)
        frame = pd.DataFrame({"y": y, "x": x, "g": code.astype(str)})
        result = sf.fit("y ~ x + (1 | g)", frame, engine="ols")
        said["ols"] += abs(result.fixef().loc["x", "t"]) > 1.98
        said["wild"] += sf.cluster_robust(result, weights="rademacher").loc["x", "p_wild"] <= 0.05
    # of 100 tests at 5 %, 1 to 13 are found with probability 0.99
    assert 1 <= said["wild"] <= 13
    assert said["ols"] > 20


def test_what_is_refused() -> None:
    frame = pd.read_csv(REFERENCES / "robust" / "few.csv")
    result = sf.fit(MODELS["few"][1], frame)
    for options, said in (
        ({"weights": "normal"}, "weights: must be one of webb, rademacher"),
        ({"draws": 0}, "draws: must be at least 1"),
        ({"cluster": "h"}, "cluster: must be one of g"),
        ({"seed": -1}, "seed"),
    ):
        with pytest.raises(UsageError, match=said):
            sf.cluster_robust(result, **options)
    with pytest.raises(UsageError, match=r"must be what sf\.fit returns"):
        sf.cluster_robust(frame)
    with pytest.raises(UsageError, match="needs rows"):
        sf.cluster_robust(sf.fit(result.spec, result.moments))
    with pytest.raises(DataError, match="must have more groups than coefficients"):
        sf.cluster_robust(sf.fit(MODELS["few"][1], frame[frame["g"].isin(["b", "c", "e"])]))
    two = sf.fit(
        "y ~ x + (1 | g) + (1 | w)", frame.assign(w=frame["w"].map("w{}".format)), engine="reml"
    )
    with pytest.raises(UsageError, match=r"cluster: must be said of several factors .*g, w"):
        sf.cluster_robust(two)
    pd.testing.assert_frame_equal(
        sf.cluster_robust(two, cluster="g"),
        sf.cluster_robust(sf.fit("y ~ x + (1 | g)", frame)),
        rtol=1e-9,
    )
