"""Predictions, comparisons, slopes and hypotheses against lme4 and emmeans, and brute force.

`tests/references/asked/ask.R` has made the recorded answers, with theta polished as for
`tests/references/mixed`.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import block_diag

import bayes_sf as sf
from bayes_sf.analysis.asked.grid import design_of, loading_of
from bayes_sf.analysis.asked.linear import _of_draws, answer
from bayes_sf.engines.mixed.sampled import MixedSampled
from bayes_sf.errors import BayesSFError, UsageError
from tests.analysis.asked_references import OF_DF, RELATIVE, fitted, recorded
from tests.engines.lme4_references import data


def check(found: pd.DataFrame, model: str, question: str, keys: list[str] | None = None) -> None:
    expected = recorded(model, question)
    expected = expected if keys is None else expected.loc[keys]
    assert len(found) == len(expected)
    scale = expected["se"].fillna(1.0).to_numpy()
    off = found["estimate"].to_numpy() - expected["estimate"].to_numpy()
    assert np.abs(off / scale).max() < 10 * RELATIVE
    if expected["se"].notna().all():
        assert found["sd"].to_numpy() == pytest.approx(expected["se"].to_numpy(), rel=RELATIVE)
    if expected["df"].notna().all():
        assert found["df"].to_numpy() == pytest.approx(expected["df"].to_numpy(), rel=OF_DF)
        # p is as steep in t as its log: |d ln p / d df| stays below 1 here.
        assert found["p"].to_numpy() == pytest.approx(expected["p"].to_numpy(), rel=OF_DF * 5)


NEW = {
    "slopes": pd.DataFrame({"x": [-1, 0, 2.5], "g": ["g00", "g04", "g17"]}),
    "three_terms": pd.DataFrame(
        {"x": [-1, 1, 4.0], "z": [0, 0.3, -0.5], "a": ["a02", "a09", "a02"],
         "b": ["b0", "b4", "b4"]}
    ),
    "intercept": pd.DataFrame({"x": [-1, 2.0], "g": ["g1", "g2"]}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "groups"),
    [("slopes", "known"), ("slopes", "none"), ("slopes", "new"), ("three_terms", "known"),
     ("three_terms", "none"), ("intercept", "known"), ("intercept", "new")],
)  # fmt: skip
def test_predictions(model: str, groups: str) -> None:
    check(fitted(model).predict(NEW[model], groups=groups), model, f"predict {groups}")


def test_predictions_of_some_factors_and_rows_of_the_fit() -> None:
    rows = data("crossed").iloc[[0, 49, 199]]
    result = fitted("crossed")
    check(result.predict(rows), "crossed", "predict known")
    whole = result.predict()
    assert whole.loc[[0, 49, 199]].to_numpy() == pytest.approx(result.predict(rows).to_numpy())
    assert list(result.predict(rows).index) == [0, 49, 199]
    some = result.predict(rows, groups={"a": "known", "b": "none"})
    check(some, "crossed", "predict a known, b none")


def test_an_outcome_has_its_residual() -> None:
    found = fitted("slopes").predict(NEW["slopes"], groups="new", kind="outcome")
    check(found, "slopes", "outcome new")


def test_slopes() -> None:
    check(fitted("slopes").slopes("x"), "slopes", "slope")
    check(fitted("crossed").slopes("x", at={"c": ["low", "mid", "top"]}), "crossed",
          "slope of x by c", ["low", "mid", "top"])  # fmt: skip
    by = fitted("crossed").slopes("x", by="c")
    assert by.index.names == ["term", "c"]
    check(by, "crossed", "slope of x by c", ["low", "mid", "top"])
    # By differences of a ten-thousandth of the range: exact for a parabola but for rounding.
    rows = fitted("three_terms").slopes("x", new=NEW["three_terms"], average=False)
    check(rows, "three_terms", "slope of x")


def test_comparisons() -> None:
    at = {"x": 1.0, "z": 0.5}
    pairs = fitted("crossed").comparisons({"c": "pairwise"}, at=at)
    names = [" - ".join(name) for name in (("mid", "low"), ("top", "low"), ("top", "mid"))]
    assert list(pairs.index.get_level_values("contrast")) == names
    check(pairs, "crossed", "pairs of c at x = 1, z = 0.5", names)
    check(fitted("crossed").comparisons("c"), "crossed", "average comparison of c",
          ["mid - low", "top - low"])  # fmt: skip
    one = fitted("crossed").comparisons({"c": ("mid", "top")}, at=at)
    assert one["estimate"].iloc[0] == pytest.approx(pairs["estimate"].iloc[2])
    wide = fitted("slopes").comparisons({"x": (0, 3)})["estimate"].iloc[0]
    assert wide == pytest.approx(3 * fitted("slopes").fixef()["estimate"]["x"])


def test_marginal_means() -> None:
    found = fitted("crossed").predict(
        groups="none", at={"c": ["low", "mid", "top"], "x": 1.0, "z": 0.5}
    )
    check(found, "crossed", "mean of c at x = 1, z = 0.5", ["low", "mid", "top"])


def test_hypotheses() -> None:
    check(fitted("crossed").hypothesis("x - z = 0"), "crossed", "x - z")
    # One-sided: half of the two-sided p on the side of the estimate.
    table = fitted("crossed").hypothesis(["x = z", "x > z", "x < z", "`x` > `z`"])
    assert list(table["alternative"]) == ["two-sided", "greater", "less", "greater"]
    sided = table["p"].to_numpy()
    assert min(sided[1], sided[2]) == pytest.approx(sided[0] / 2)
    assert sided[1] + sided[2] == pytest.approx(1.0)
    assert sided[3] == sided[1]
    double = fitted("intercept").hypothesis("2 * x = 0")
    check(double, "intercept", "2 * x")
    assert fitted("intercept").hypothesis("-(x - 3*x)/1 = 0")["t"].iloc[0] == pytest.approx(
        double["t"].iloc[0]
    )


def test_least_squares() -> None:
    """Complete pooling: textbook standard errors of a mean and of a new outcome, df n - k."""
    frame, new = data("nested"), NEW["intercept"]
    result = sf.fit("y ~ x + (1 | g)", frame, engine="ols")
    x, at = (np.column_stack([np.ones(len(d)), d["x"]]) for d in (frame, new))
    coef, rss, *_ = np.linalg.lstsq(x, frame["y"].to_numpy())
    variance = float(rss[0]) / (len(x) - 2)
    spread = variance * np.einsum("ij,jk,ik->i", at, np.linalg.inv(x.T @ x), at)
    for groups in ("known", "none"):
        found = result.predict(new, groups=groups)
        assert found["estimate"].to_numpy() == pytest.approx(at @ coef)
        assert found["sd"].to_numpy() == pytest.approx(np.sqrt(spread))
    outcome = result.predict(new, kind="outcome")["sd"]
    assert outcome.to_numpy() == pytest.approx(np.sqrt(spread + variance))
    assert result.hypothesis("x = 0")["df"].iloc[0] == len(frame) - 2


def test_public_data() -> None:
    """Recorded by `public.R` and `tests/studies/asked.py`: rows have licences of their own."""
    folder = Path(__file__).parents[1] / "references" / "asked"
    keys = ["model", "question", "key"]
    expected, found = (
        pd.read_csv(folder / name, dtype={"key": str}).set_index(keys)
        for name in ("public.csv", "ours.csv")
    )
    assert set(found.index) == set(expected.index)
    found = found.loc[expected.index]
    assert np.abs((found["estimate"] - expected["estimate"]) / expected["se"]).max() < RELATIVE
    assert found["se"].to_numpy() == pytest.approx(expected["se"].to_numpy(), rel=RELATIVE)
    both = expected["df"].notna().to_numpy()
    assert found["df"][both].to_numpy() == pytest.approx(expected["df"][both], rel=OF_DF)
    assert found["p"][both].to_numpy() == pytest.approx(expected["p"][both], rel=5 * OF_DF)


# exact ---------------------------------------------------------------------------------------


def brute_force(
    result: sf.Result, x: np.ndarray, z: list[np.ndarray], probs: list[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, sd and quantiles of x'beta + z'b by whole matrices over the nodes of `ranef`.

    Row by row and node by node, from y's covariance: nothing of `combine` is used.
    """
    posterior = result.fitted
    surface = posterior.surface
    matrices = surface.products.matrices
    nodes = posterior.thin
    full = np.hstack(
        [np.einsum("nj,nk->njk", np.eye(f.n_levels)[f.code], f.z).reshape(len(f.code), -1)
         for f in matrices.factors]
    )  # fmt: skip
    unit = float(surface.products.scale[-1])
    sigma, coordinates = unit * np.exp(nodes.t.nodes), nodes.at
    means, sds, weights = [], [], []
    design = np.hstack([matrices.x, full])
    load = np.hstack([x, *z])
    prior = np.diag(surface.priors.precision) / unit**2
    turn = np.linalg.inv(surface.products.turn / unit)  # raw coefficients to standardised ones
    prior_raw = turn.T @ (prior * 1.0) @ turn
    centre = surface.products.shift + surface.products.turn @ surface.priors.mean
    for node in np.flatnonzero(nodes.weight.sum(axis=1) > 1e-7):
        lower = [f[0] for f in surface.lower(coordinates[node : node + 1])]
        halves = [surface.products.to_raw(i) @ h / unit for i, h in enumerate(lower)]
        for number, s in enumerate(sigma):
            if nodes.weight[node, number] < 1e-8:
                continue
            blocks = [np.kron(np.eye(f.n_levels), s**2 * h @ h.T)
                      for f, h in zip(matrices.factors, halves, strict=True)]  # fmt: skip
            precision = design.T @ design / s**2
            p = matrices.x.shape[1]
            precision[:p, :p] += prior_raw
            precision[p:, p:] += np.linalg.inv(block_diag(*blocks))
            pull = design.T @ matrices.y / s**2
            pull[:p] += prior_raw @ centre
            cov = np.linalg.inv(precision)
            means.append(load @ (cov @ pull))
            sds.append(np.sqrt(((load @ cov) * load).sum(axis=1)))
            weights.append(nodes.weight[node, number])
    w = np.array(weights) / np.sum(weights)
    m, s = np.array(means).T, np.array(sds).T
    mean = m @ w
    sd = np.sqrt(((m - mean[:, None]) ** 2 + s**2) @ w)
    from scipy.optimize import brentq
    from scipy.stats import norm

    quantiles = [
        [brentq(lambda v, a=a, b=b, q=q: norm.cdf(v, a, b) @ w - q, (a - 9 * b).min(),
                (a + 9 * b).max()) for q in probs]
        for a, b in zip(m, s, strict=True)
    ]  # fmt: skip
    return mean, sd, np.array(quantiles)


def test_exact_predictions_by_brute_force() -> None:
    """Two crossed factors, few levels; nodes that together weigh 1e-6 are left out."""
    frame = data("crossed").iloc[:40]
    result = sf.fit("y ~ x + (1 | a) + (1 | b)", frame)
    new = pd.DataFrame({"x": [0.0, 2.0], "a": ["a02", "a09"], "b": ["b0", "b4"]})
    found = result.predict(new)
    factors = result.matrices.factors  # type: ignore[attr-defined]
    z = [np.eye(f.n_levels)[[f.levels.index(level) for level in new[f.name]]] for f in factors]
    x = np.column_stack([np.ones(2), new["x"]])
    mean, sd, limits = brute_force(result, x, z, [0.025, 0.975])
    assert np.abs((found["estimate"] - mean) / sd).max() < 1e-5
    assert np.abs(found["sd"] / sd - 1).max() < 1e-5
    assert np.abs((found[["lower", "upper"]].to_numpy() - limits) / sd[:, None]).max() < 1e-5


def test_exact_by_both_engines() -> None:
    """A random intercept: closed forms on moments, and nodes of the other engine."""
    frame = data("nested")
    one = sf.fit("y ~ x + (1 | g)", frame)
    other = sf.fit("y ~ I(x) + (1 | g)", frame)
    assert type(one) is not type(other)
    new = pd.DataFrame({"x": [-1, 2.0], "g": ["g1", "g2"]})
    for asked in ({}, {"groups": "none"}, {"groups": "new"}, {"groups": "new", "kind": "outcome"},
                  {"kind": "outcome"}):  # fmt: skip
        found, expected = one.predict(new, **asked), other.predict(new, **asked)
        gap = np.abs((found - expected).to_numpy() / expected["sd"].to_numpy()[:, None])
        assert gap.max() < 2e-3, asked  # `thin` nodes, see above
    gap = one.slopes("x") - other.slopes("x")
    assert np.abs(gap.to_numpy()).max() < 1e-4
    assert one.hypothesis("x > 1")["probability"].iloc[0] == pytest.approx(
        other.hypothesis("I(x) > 1")["probability"].iloc[0], abs=1e-5
    )
    row = one.predict(groups="known").iloc[0]
    u = one.ranef().loc[frame["g"].iloc[0], "estimate"]
    fixed = one.predict(groups="none").iloc[0]["estimate"]
    assert row["estimate"] == pytest.approx(fixed + u, abs=1e-6)


# 4000 draws: means within 5 Monte Carlo errors, sds and tails within a tenth.
OF_DRAWS = 5 / np.sqrt(4000)


def test_draws_of_a_random_intercept() -> None:
    """What is done with draws of `nuts`, done with draws of `exact`."""
    result = fitted("intercept", "exact")
    design, posterior = design_of(result), result.draws()["posterior"].to_dataset()
    for groups in ("known", "new", "none"):
        loading = loading_of(design, NEW["intercept"], {"g": groups}, noisy=groups == "new")
        drawn, exact = _of_draws(posterior, "g", loading), answer(result, loading)
        assert np.abs((drawn.mean() - exact.mean()) / exact.sd()).max() < OF_DRAWS
        assert drawn.sd() == pytest.approx(exact.sd(), rel=0.1)
        off = drawn.quantile([0.05, 0.95]) - exact.quantile([0.05, 0.95])
        assert np.abs(off / exact.sd()[:, None]).max() < 0.1


def test_draws_of_many_terms() -> None:
    """Sds drawn from the nodes' masses: `combine` of `nuts` mixes over a quarter of 800."""
    import xarray as xr

    result = sf.fit("y ~ x + (1 | a) + (1 | b)", data("crossed"))
    nodes, surface = result.fitted.nodes, result.fitted.surface
    rng = np.random.default_rng(1)
    chosen = rng.choice(nodes.weight.size, size=800, p=nodes.weight.ravel())
    node, t = np.unravel_index(chosen, nodes.weight.shape)
    sigma = np.exp(nodes.t.nodes[t]) * surface.products.scale[-1]
    sds = {
        name: surface.values(axis, nodes.at[node, axis]) * sigma  # noqa: PD008  # coordinates
        for axis, name in enumerate(surface.names)
    }
    named = {n: (("chain", "draw"), v[None]) for n, v in {**sds, "sd_resid": sigma}.items()}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(named)})
    sampled = replace(
        result, engine="nuts", fitted=MixedSampled(surface, result.fitted.priors, tree, {})
    )
    new = pd.DataFrame({"x": [0.0, 2.0], "a": ["a02", "a09"], "b": ["b0", "b4"]})
    for asked in ({}, {"groups": "none"}, {"groups": {"a": "new", "b": "known"}}):
        drawn, exact = sampled.predict(new, **asked), result.predict(new, **asked)
        assert np.abs((drawn - exact).to_numpy() / exact[["sd"]].to_numpy()).max() < 0.15, asked
    assert sampled.hypothesis("x > 0.6")["probability"].iloc[0] == pytest.approx(
        result.hypothesis("x > 0.6")["probability"].iloc[0], abs=0.01
    )


def test_odds_of_a_posterior() -> None:
    result = fitted("intercept", "exact")
    table = result.hypothesis(["x > 1.2", "x < 1.2", "x > 0"])
    first, second = table["probability"].iloc[:2]
    assert first + second == pytest.approx(1.0)
    assert table["odds"].iloc[0] == pytest.approx(first / second)
    slope = result.fitted.contrast(np.array([[0.0, 1.0]]))
    assert first == pytest.approx(1 - slope.cdf(1.2)[0])
    direction = result.fixef()["p_direction"]["x"]
    assert max(table["probability"].iloc[2], 1 - table["probability"].iloc[2]) == pytest.approx(
        direction
    )


# New rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula",
    ["y ~ scale(x) + c + (1 | a)", "y ~ poly(x, 2) + c + (1 | a)", "y ~ bs(x, df=4) + (1 | a)",
     "y ~ center(x) * C(k) + offset(z) + (0 + c | a)", "y ~ log(x + 10) + (1 | a:b)"],
)  # fmt: skip
def test_some_of_the_rows_are_predicted_as_among_all(formula: str) -> None:
    frame = data("crossed").assign(k=lambda d: np.arange(len(d)) % 3)
    result = sf.fit(formula, frame, engine="reml")
    some = frame.iloc[[3, 100, 7]]
    assert result.predict(some).to_numpy() == pytest.approx(
        result.predict().loc[[3, 100, 7]].to_numpy(), rel=1e-9
    )


def test_a_model_of_columns_has_the_same_design() -> None:
    frame = data("crossed")
    spec = sf.ModelSpec("y", ("x", "c", "z"), group="a", standardize=("z",))
    result = sf.fit(spec, frame, engine="reml")
    fitted_values = result.predict(groups="none")["estimate"].to_numpy()
    assert result.data is not None
    by_hand = result.data.x @ result.fixef()["estimate"].to_numpy()[1:]
    assert fitted_values == pytest.approx(by_hand + result.fixef()["estimate"].iloc[0], rel=1e-9)


def test_categories_keep_their_order_in_formulas() -> None:
    order = pd.CategoricalDtype(["top", "low", "mid"])
    frame = data("crossed").astype({"c": order})
    result = sf.fit("y ~ x:z + c + (1 | a)", frame, engine="reml")
    assert [t for t in result.fixef().index if t.startswith("c[")] == ["c[low]", "c[mid]"]
    contrasts = result.comparisons("c").index.get_level_values("contrast")
    assert list(contrasts) == ["low - top", "mid - top"]


def test_weights_and_frequencies() -> None:
    frame = data("crossed").assign(f=lambda d: 1 + np.arange(len(d)) % 2)
    result = sf.fit("y ~ x + (1 | a)", frame, engine="reml", weights="w")
    mean, outcome = (result.predict(frame[:2], kind=kind)["sd"] for kind in ("mean", "outcome"))
    sigma = result.varcorr().set_index("factor")["vcov"]["Residual"]
    assert outcome.to_numpy() ** 2 == pytest.approx(
        mean.to_numpy() ** 2 + sigma / frame["w"][:2].to_numpy()
    )
    counted = sf.fit("y ~ x * z + (1 | a)", frame, engine="reml", frequencies="f")
    slope = counted.slopes("x")["estimate"].iloc[0]
    b = counted.fixef()["estimate"]
    mean_z = np.average(frame["z"], weights=frame["f"])
    assert slope == pytest.approx(b["x"] + b["x:z"] * mean_z, rel=1e-7)


def test_new_levels_have_all_of_the_variance() -> None:
    """Slopes of a school never seen: the sd of slopes is in it."""
    result = fitted("slopes")
    found = result.slopes("x", groups="new")
    sd = result.varcorr().set_index(["factor", "term", "term2"])["sdcor"]["g", "x", ""]
    se = result.fixef()["sd"]["x"]
    assert found["sd"].iloc[0] == pytest.approx(np.hypot(sd, se))
    assert "p" not in found


# Refused ---------------------------------------------------------------------------------------

REFUSED = [
    ('r.predict(d.drop(columns="x").rename(columns={"z": "xx"}))', "did you mean 'xx'"),
    ('r.predict(d.drop(columns="c"))', "column 'c': must be there"),
    ('r.predict(d.assign(c="midd"))', "categories of the fitted rows.*'mid'"),
    ('r.predict(d.assign(a="a99"))', "levels of the fitted rows.*groups='new'"),
    ("r.predict(d.assign(x=np.nan))", "finite number"),
    ('r.predict(d, groups="knwon")', "did you mean 'known'"),
    ('r.predict(d, groups={"a": "known"})', "every factor"),
    ('r.predict(d, groups={"aa": "known"})', "factors of the model"),
    ('r.predict(d, kind="outcom")', "did you mean 'outcome'"),
    ('r.predict(d, kind="outcome", by="c")', "must be mean"),
    ("r.predict(3)", "data frame"),
    ('r.comparisons("a")', "grouping factor"),
    ('r.comparisons("xz")', "columns of the model"),
    ('r.comparisons({"x": 0})', "other than zero"),
    ('r.comparisons({"c": "all"})', "pairwise"),
    ('r.comparisons({"c": ("low", "tops")})', "did you mean 'top'"),
    ('r.comparisons("x", by="cc")', "by: .*did you mean 'c'"),
    ('r.comparisons("x", at={"zz": 1})', "at: .*did you mean 'z'"),
    ('r.comparisons("x", by="c", at={"c": "low"})', "other columns"),
    ('r.comparisons("x", by="c", average=False)', "average=False"),
    ('r.slopes("c")', "has none"),
    ('r.hypothesis("x - zz > 0")', "character 5.*did you mean 'z'"),
    ('r.hypothesis("c[mdi] > 0")', r"did you mean 'c\[mid\]'"),
    ('r.hypothesis("x - z")', "must be >, < or ="),
    ('r.hypothesis("x z > 0")', "must be >, < or ="),
    ('r.hypothesis("x 2 > 0")', "must be >, < or ="),
    ('r.hypothesis("x ( z > 0")', "must be >, < or ="),
    ('r.hypothesis("x * z > 0")', "linear"),
    ('r.hypothesis("x > 0 > z")', "one claim has one sign"),
    ('r.hypothesis("(x > 0")', "closing parenthesis"),
    ('r.hypothesis("1 > 0")', "about a coefficient"),
    ('r.hypothesis("x / 0 > 0")', "divide by zero"),
    ('r.hypothesis("sd_resid > 1")', "varcorr"),
    ('r.hypothesis("x + > 1")', "coefficient or a number"),
    ("r.predict(at=3)", "which column"),
    ("r.predict(groups=3)", "must be one of known"),
    ("r.predict(by=3)", "text, or a list"),
    ("r.comparisons(3)", "text, or a list"),
    ('r.comparisons({"c": ("low", "low")})', "different"),
    ("r.hypothesis(3)", "text, or a list"),
    ("r.hypothesis([])", "at least one"),
    ("sf.predict(3)", "what sf.fit returns"),
    ("sf.tidy(3)", "what sf.fit returns"),
    ("sf.hypothesis(3, 'x > 0')", "what sf.fit returns"),
    ("sf.fit('y ~ 1 + (1 | a)', d).comparisons()", "no predictors"),
    ('r.hypothesis("")', "text such as"),
]


@pytest.mark.parametrize(("ask", "said"), REFUSED)
def test_what_cannot_be_meant_is_refused(ask: str, said: str) -> None:
    with pytest.raises(BayesSFError, match=said):
        eval(ask, {"r": fitted("crossed"), "d": data("crossed"), "np": np, "sf": sf})


def test_names_that_read_in_two_ways() -> None:
    frame = data("crossed").rename(columns={"z": "x - w"}).assign(x_w=1.0)
    result = sf.fit("y ~ x + w + `x - w` + (1 | a)", frame, engine="reml")
    with pytest.raises(UsageError, match="two ways"):
        result.hypothesis("x - w > 0")
    whole = result.hypothesis("`x - w` > 0")["estimate"].iloc[0]
    assert whole == pytest.approx(result.fixef()["estimate"]["x - w"])
    apart = result.hypothesis("`x` - w > 0")["estimate"].iloc[0]
    assert apart == pytest.approx(result.fixef()["estimate"]["x"] - result.fixef()["estimate"]["w"])


def test_moments_that_do_not_exist_are_those_of_the_coefficients() -> None:
    """Under flat priors with few groups: NaN in the same places, and quantiles all the same."""
    frame = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "g": list("aaabbbccc")})
    result = sf.fit("y ~ 1 + (1 | g)", frame, priors=sf.Priors.flat())
    table, row = result.hypothesis("(Intercept) > 0").iloc[0], result.coefficients[0]
    for name in ("estimate", "sd", "lower", "upper"):
        assert table[name] == pytest.approx(getattr(row, name), nan_ok=True), name
    assert np.isnan(table["sd"])
    assert table["probability"] == pytest.approx(row.p_direction)
    fresh = result.predict(frame[:1], groups="new")
    assert np.isnan(fresh["sd"].iloc[0])
    assert fresh["upper"].iloc[0] > table["upper"]


def test_means_of_repeated_measurements_have_hypotheses() -> None:
    frame = data("nested").assign(m=lambda d: 1.0 + np.arange(len(d)) % 3)
    result = sf.fit(sf.ModelSpec("y", ("x",), group="g", repeats="m"), frame)
    slope = result.fixef()["estimate"]["x"]
    assert result.hypothesis("x > 0.5")["estimate"].iloc[0] == pytest.approx(slope - 0.5)
    with pytest.raises(UsageError, match="repeats"):
        result.predict()


def test_a_posterior_has_no_equality() -> None:
    with pytest.raises(UsageError, match="no probability"):
        fitted("intercept", "exact").hypothesis("x = 0")


def test_without_rows_there_are_hypotheses_alone() -> None:
    """Moments suffice for coefficients; rows of a study are not given out."""
    moments = sf.Moments.from_frame(data("nested"), outcome="y", predictors=("x",), group="g")
    result = sf.fit(sf.ModelSpec("y", ("x",), group="g"), moments, engine="reml")
    with pytest.raises(UsageError, match="data frames only"):
        result.predict()
    table = result.hypothesis("x = 0")
    assert np.isinf(table["df"].iloc[0])
    assert table["t"].iloc[0] == pytest.approx(result.fixef()["t"]["x"])
    own = fitted("intercept")
    of_study = replace(own, provenance=replace(own.provenance, source="microdata"))
    for ask in (of_study.predict, of_study.comparisons, of_study.slopes):
        with pytest.raises(UsageError, match="data frames only"):
            ask()


def test_slopes_of_a_spline_are_its_derivative() -> None:
    result = sf.fit("y ~ bs(x, df=4) + (1 | a)", data("crossed"), engine="reml")
    at = pd.DataFrame({"x": [0.5, 0.5 + 1e-5]})
    apart = np.diff(result.predict(at, groups="none")["estimate"])[0] / 1e-5
    slope = result.slopes("x", new=at[:1], average=False)["estimate"].iloc[0]
    assert slope == pytest.approx(apart, rel=1e-3)  # a difference of 1e-5 by the curvature


def cells() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(6)
    code = np.repeat(np.arange(5), [4, 9, 14, 6, 11])
    frame = pd.DataFrame({"x": rng.integers(0, 3, 44).astype(float), "g": [f"g{c}" for c in code]})
    frame["y"] = 1 + 0.5 * frame["x"] + rng.normal(size=5)[code] + rng.normal(size=44)
    population = pd.DataFrame(
        [(x, f"g{g}", 7 * g + 2 * x) for g in range(5) for x in (0.0, 1.0, 2.0)],
        columns=["x", "g", "count"],
    )
    return frame, population


@pytest.mark.parametrize("engine", ["exact", "reml"])
def test_a_population_counts_cells_as_often_as_it_has_them(engine: str) -> None:
    """Against each cell's own prediction, weighed; and a posterior's sd against its draws."""
    frame, population = cells()
    result = sf.fit("y ~ x + (1 | g)", frame, engine=engine)
    own = result.predict(population)["estimate"].to_numpy()
    weight = population["count"].to_numpy()
    whole = sf.poststratify(result, population, count="count")
    assert whole.index.tolist() == ["average"]
    assert whole["estimate"].iloc[0] == pytest.approx(weight @ own / weight.sum(), rel=1e-12)
    by = sf.poststratify(result, population, count="count", by="x")
    for x in (0.0, 1.0, 2.0):
        chosen = population["x"].to_numpy() == x
        expected = weight[chosen] @ own[chosen] / weight[chosen].sum()
        assert by.loc[x, "estimate"].item() == pytest.approx(expected, rel=1e-12)
    same = population.loc[population.index.repeat(weight.astype(int))]  # a row for each
    pd.testing.assert_frame_equal(by, result.predict(same, by="x"))
    if engine == "exact":
        draws = result.draws(20_000, seed=2, rows=False)["posterior"].to_dataset()
        line = draws["beta"].sel(term="(Intercept)").to_numpy().ravel() * 1.0
        total = np.zeros_like(line)
        for (x, g), n in zip(population[["x", "g"]].to_numpy(), weight, strict=True):
            slope = draws["beta"].sel(term="x").to_numpy().ravel()
            total += n * (line + x * slope + draws["u"].sel(g=g).to_numpy().ravel())
        total /= weight.sum()
        # five standard errors of a standard deviation of 20,000 draws
        assert whole["sd"].iloc[0] == pytest.approx(total.std(), rel=5 / np.sqrt(2 * 20_000))


def test_populations_that_are_none() -> None:
    frame, population = cells()
    result = sf.fit("y ~ x + (1 | g)", frame, engine="reml")
    for change, said in (
        ({"count": -1.0}, r"population: column 'count': must hold counts.*negative"),
        ({"count": 0.0}, r"zeros alone"),
        ({"count": "many"}, r"column 'count': must hold numbers"),
        ({"g": "g9"}, r"g9"),
    ):
        with pytest.raises(BayesSFError, match=said):
            sf.poststratify(result, population.assign(**change), count="count")
    for given, said in (
        ((population, ""), "must name the column of counts"),
        ((population, "x"), "must be another column than the model's"),
        ((population, "n"), "column 'n'"),
        ((None, "count"), "must be a data frame of cells"),
    ):
        with pytest.raises(BayesSFError, match=said):
            sf.poststratify(result, given[0], count=given[1])


def test_truth_values_are_compared_as_they_are_written() -> None:
    frame = cells()[0].assign(b=lambda f: f["x"] > f["x"].median())
    result = sf.fit("y ~ b + (1 | g)", frame, engine="reml")
    said = result.comparisons({"b": [False, True]})
    assert list(said.index) == [("b", "True - False")]
    assert said["estimate"].iloc[0] == pytest.approx(result.fixef().loc["b", "estimate"])
    with pytest.raises(UsageError, match="must be a step other than zero"):
        result.comparisons({"b": True})
