"""Slopes by group: what is borrowed, the ICC, levels and fitted values, all with x = 0 as zero."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayes_sf as sf
from bayes_sf.analysis.group_slopes import group_lines, group_slopes
from bayes_sf.engines.sampled.nuts import Sampled
from bayes_sf.engines.sampled.pointwise import given_draws
from bayes_sf.errors import UsageError
from bayes_sf.output.figures.result import draw_shrinkage
from bayes_sf.output.runs.fit import _rows as printed_rows
from bayes_sf.output.tables.result_tables import _term_rows as term_rows
from bayes_sf.output.tables.result_tables import prior_notes
from bayes_sf.output.words.words import numbered_name
from bayes_sf.spec.rows import Rows
from tests.tools import spoken

SPEC = sf.ModelSpec("y", ("x", "z"), "g", varying=("x",))


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    code = np.repeat(np.arange(3), [4, 12, 30])
    x = rng.normal(2, 1, size=46)
    x[code == 0] = 1.0  # says nothing of its slope
    y = 5 + np.array([0.5, 1.0, -0.5])[code] * x + rng.normal(size=46)
    return pd.DataFrame(
        {"y": y, "x": x, "z": rng.normal(size=46), "g": np.array(list("abc"))[code]}
    )


def sampled(**more: Any) -> sf.Result:
    """A result with draws made up by hand: no sampler is needed for arithmetic."""
    rng, n = np.random.default_rng(6), 50
    rows = Rows.from_frame(frame(), SPEC)
    moments, dims = rows.moments, ("chain", "draw")
    values = {
        "sd_group": rng.uniform(0.5, 2, n), "sd_slope": rng.uniform(0.5, 2, n),
        "sd_resid": rng.uniform(0.5, 2, n), "correlation": rng.uniform(-0.8, 0.8, n),
    } | more  # fmt: skip
    data = {name: (dims, value.reshape(2, -1)) for name, value in values.items()}
    attrs = {"term": "x"}
    posterior = xr.Dataset(
        {
            **data,
            "beta": ((*dims, "term"), rng.normal(size=(2, 25, 3))),
            "u": ((*dims, "g"), rng.normal(size=(2, 25, 3))),
            "u_slope": ((*dims, "g"), rng.normal(size=(2, 25, 3)), attrs),
        },
        coords={"term": list(moments.terms), "g": list(moments.groups)},
    )
    plain = sf.fit(replace(SPEC, varying=()), frame())
    stats = {"diverging": np.zeros(n, dtype=bool), "energy": rng.normal(size=n),
             "tree_depth": np.full(n, 2)}  # fmt: skip
    sampler = xr.Dataset({name: (dims, value.reshape(2, -1)) for name, value in stats.items()})
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": sampler})
    priors = plain.priors
    assert priors is not None
    fitted = Sampled(moments, priors, tree)
    return sf.Result(SPEC, "nuts", fitted, 0.9, plain.provenance, rows)


def test_what_is_borrowed_is_the_conditional_variance_over_the_prior() -> None:
    result = sampled()
    table = group_slopes(result)
    posterior = result.draws()["posterior"].to_dataset()
    df = frame()
    for name, group in enumerate("abc"):
        rows = np.column_stack([np.ones(46), df["x"]])[(df["g"] == group).to_numpy()]
        shares = []
        for c in range(2):
            for d in range(25):
                at = {k: float(posterior[k][c, d]) for k in
                      ("sd_group", "sd_slope", "sd_resid", "correlation")}  # fmt: skip
                off = at["correlation"] * at["sd_group"] * at["sd_slope"]
                prior = np.array([[at["sd_group"] ** 2, off], [off, at["sd_slope"] ** 2]])
                gain = np.eye(len(rows)) * at["sd_resid"] ** 2 + rows @ prior @ rows.T
                after = prior - prior @ rows.T @ np.linalg.solve(gain, rows @ prior)
                shares.append(after[1, 1] / prior[1, 1])
        assert table["borrowed"].iloc[name] == pytest.approx(np.mean(shares), rel=1e-9)
    own = np.polyfit(df.query("g == 'c'")["x"], df.query("g == 'c'")["y"], 1)[0]
    assert table.loc["c", "own"] == pytest.approx(own)
    assert np.isnan(table.loc["a", "own"])
    assert table.loc["a", "borrowed"] > table.loc["c", "borrowed"]


def test_lines_are_the_expected_outcomes() -> None:
    result = sampled()
    lines = group_lines(result, 5)
    posterior = result.draws()["posterior"].to_dataset()
    df = frame()
    beta, own = posterior["beta"].mean(("chain", "draw")), posterior.mean(("chain", "draw"))
    row = lines.query("group == 'b'").iloc[-1]
    assert row["x"] == df["x"].max()
    by_hand = beta[0] + beta[1] * row["x"] + beta[2] * df["z"].mean() + own["u"][1]
    by_hand += own["u_slope"][1] * row["x"]
    assert row["mean"] == pytest.approx(float(by_hand))
    assert (lines["lower"] < lines["mean"]).all()
    slope = group_slopes(result).loc["b", "slope"]
    first = lines.query("group == 'b'").iloc[0]
    assert (row["mean"] - first["mean"]) / (row["x"] - first["x"]) == pytest.approx(slope)


def between_at(posterior: xr.Dataset, x: float) -> np.ndarray[Any, Any]:
    """Variance between groups at x, (chain, draw), from the covariance matrix written out."""
    tau, omega, rho = (posterior[n].to_numpy() for n in ("sd_group", "sd_slope", "correlation"))
    return np.asarray(tau**2 + 2 * rho * tau * omega * x + (omega * x) ** 2)


def test_fitted_values_are_intercept_and_slope_of_the_group() -> None:
    result, df = sampled(), frame()
    posterior = result.draws()["posterior"].to_dataset()
    assert result.data is not None
    found = given_draws(result.draws(), result.data, SPEC).mean
    code = df["g"].map("abc".index).to_numpy()
    beta = posterior["beta"].to_numpy()
    own = (posterior[name].to_numpy()[..., code] for name in ("u", "u_slope"))
    intercept, slope = (beta[..., i, None] + e for i, e in enumerate(own))
    by_hand = intercept + slope * df["x"].to_numpy() + beta[..., 2:] * df["z"].to_numpy()
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)


def test_icc_is_averaged_over_the_rows_or_at_a_stated_x() -> None:
    """Johnson (2014): the mean of the rows' z' Sigma z in the place of tau^2."""
    first, df = sampled(), frame()
    posterior = first.draws()["posterior"].to_dataset()
    mean = np.mean([between_at(posterior, x) for x in df["x"]], axis=0)
    within = posterior["sd_resid"].to_numpy() ** 2
    result = sampled(icc=(mean / (mean + within)).ravel())
    at = result.icc(at={"x": 1.5})
    here = between_at(posterior, 1.5)
    expected = here / (here + within)
    assert at["mean"] == pytest.approx(expected.mean())
    assert at["median"] == pytest.approx(np.median(expected))
    assert result.icc()["mean"] == pytest.approx((mean / (mean + within)).mean())
    whole = result.icc(adjusted=False)["mean"]
    slopes = posterior["beta"].to_numpy()[..., 1:].reshape(-1, 2)
    explained = (slopes @ df[["x", "z"]].to_numpy().T).var(axis=1)
    unadjusted = mean.ravel() / (mean.ravel() + within.ravel() + explained)
    assert whole == pytest.approx(unadjusted.mean())


def test_prior_of_the_icc_has_the_slopes_in_it() -> None:
    result = sampled(icc=np.full(50, 0.5))
    assert result.priors is not None
    priors = result.priors.used(SPEC.extra_priors)
    unit = float(frame()["y"].std())
    half = sf.Prior("half-normal", scale=unit, autoscale=False)
    priors = replace(priors, sd_group=half, sd_resid=half, sd_slope=half)
    result = replace(result, fitted=replace(result.fitted, priors=priors))
    at_zero, far = result.icc(at={"x": 0}), result.icc(at={"x": 1000.0})
    assert at_zero["prior_median"] == pytest.approx(0.5, abs=1e-3)  # two equal priors
    assert far["prior_median"] > 0.999
    rng, n = np.random.default_rng(3), 200_000
    tau, omega, sigma = np.abs(rng.normal(size=(3, n)))
    rho = 2 * rng.beta(2, 2, size=n) - 1
    x = frame()["x"].to_numpy()
    mean = tau**2 + 2 * rho * tau * omega * x.mean() + omega**2 * (x**2).mean()
    expected = np.median(mean / (mean + sigma**2))
    assert result.icc()["prior_median"] == pytest.approx(expected, abs=0.01)  # Monte Carlo


@pytest.mark.parametrize(
    ("at", "options", "rule"),
    [
        ({"z": 0.0}, {}, "of the predictor whose slope varies"),
        ({}, {}, "of the predictor whose slope varies"),
        ({"x": 0.0, "z": 1.0}, {}, "of the predictor whose slope varies"),
        ({"x": "mean"}, {}, "must be a finite number"),
        ({"x": np.inf}, {}, "must be a finite number"),
        ({"x": True}, {}, "must be a finite number"),
        ({"x": 0.0}, {"adjusted": False}, "is adjusted"),
    ],
)
def test_an_icc_that_makes_no_sense_is_refused(at: Any, options: Any, rule: str) -> None:
    with pytest.raises(UsageError, match=rule):
        sampled(icc=np.full(50, 0.5)).icc(at=at, **options)


def test_a_model_with_one_slope_has_the_same_icc_everywhere() -> None:
    for engine in ("exact", "reml"):
        with pytest.raises(UsageError, match="the same everywhere"):
            sf.fit(replace(SPEC, varying=()), frame(), engine=engine).icc(at={"x": 0.0})


def test_ranef_has_the_slopes() -> None:
    result = sampled()
    table, posterior = result.ranef(), result.draws()["posterior"].to_dataset()
    assert list(table.index) == [(g, t) for g in "abc" for t in ("(Intercept)", "x")]
    assert table.index.names == ["group", "term"]
    by_hand = posterior["u_slope"].mean(("chain", "draw")).to_numpy()
    np.testing.assert_allclose(table.xs("x", level="term")["estimate"], by_hand)
    plain = sf.fit(replace(SPEC, varying=()), frame()).ranef()
    assert list(plain.index) == list("abc")
    assert list(plain.columns) == list(table.columns)


def test_levels_in_the_shrinkage_picture_are_at_the_means_of_the_predictors() -> None:
    """Where raw means are beside them; not at x = 0."""
    result, df = sampled(), frame()
    (axes,) = draw_shrinkage(result).axes
    posterior = result.draws()["posterior"].mean(("chain", "draw"))
    beta = posterior["beta"].to_numpy()
    middle = beta[0] + beta[1] * df["x"].mean() + beta[2] * df["z"].mean()
    own = posterior["u"] + posterior["u_slope"] * df["x"].mean()
    drawn = [line for line in axes.lines if line.get_marker() == "o"][::2]
    found = [float(np.asarray(line.get_xdata())[0]) for line in drawn]
    np.testing.assert_allclose(found, middle + own.to_numpy())  # a, b, c: from the smallest up


def test_the_zero_is_said_where_priors_are() -> None:
    said = prior_notes([sampled()])[-1]
    assert "at x = 0, and their priors hold there" in said
    assert "averaged over the rows" in said
    assert "ved x = 0" in spoken("nb", prior_notes, [sampled()])[-1]
    plain = sf.fit(replace(SPEC, varying=()), frame())
    assert len(prior_notes([plain])) == 1


def test_known_variances_by_row_count() -> None:
    """Rows with few repeated measurements say less, so more is borrowed."""
    df = frame().assign(m=1.0)
    spec = replace(SPEC, repeats="m")
    few = sampled(sd_repeat=np.full(50, 3.0))
    one = replace(few, spec=spec, data=Rows.from_frame(df, spec))
    many = replace(few, spec=spec, data=Rows.from_frame(df.assign(m=100.0), spec))
    assert (group_slopes(one)["borrowed"] > group_slopes(many)["borrowed"]).all()


def test_a_model_without_varying_slopes_is_refused() -> None:
    with pytest.raises(UsageError, match="same in all groups"):
        group_slopes(sf.fit(replace(SPEC, varying=()), frame()))
    with pytest.raises(UsageError, match="none in memory"):
        group_lines(replace(sampled(), data=None))


def test_every_printed_slope_says_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sampled, "converged", True)
    printed = [(row[2], row[3]) for row in printed_rows(sampled(), 1)]
    assert [term for term, _ in printed if "|" in term] == ["x | a", "x | b", "x | c"]
    assert len({term for term, _ in printed}) == len(printed)
    values = {
        f"{r.term} | {r.group}" if r.group else numbered_name(r.term, own="g"): r.estimate
        for r in sampled().rows
    }
    values["Intercept"] = values.pop("(Intercept)")
    for term, text in printed:  # two significant digits of the sd, which is about 1
        assert float(text.replace("−", "-")) == pytest.approx(values[term], abs=0.06)


def test_tables_take_each_number_s_own_mcse(monkeypatch: pytest.MonkeyPatch) -> None:
    result = sampled()
    names = [f"{v}[{g}]" for v in ("u", "u_slope") for g in "abc"]
    mcse = pd.DataFrame({"mcse_mean": np.arange(6.0)}, index=pd.Index(names, name="parameter"))
    monkeypatch.setattr(Sampled, "diagnostics", lambda _: mcse)
    rows = [row for row in term_rows(result) if row["group"]]
    assert [row["mcse"] for row in rows] == list(range(6))


def test_predictions_are_those_of_the_draws() -> None:
    """Rows of known groups draw by draw; a group never seen by the variance of its line."""
    result = sampled()
    tree = result.draws(rows=False)
    assert result.data is not None
    drawn = given_draws(tree, result.data, SPEC)
    flat = drawn.mean.reshape(-1, result.data.n_obs)
    found = result.predict()
    assert found["estimate"].to_numpy() == pytest.approx(flat.mean(axis=0))
    assert found["sd"].to_numpy() == pytest.approx(flat.std(axis=0, ddof=1))
    outcome = result.predict(kind="outcome")["sd"].to_numpy()
    noise = (tree["posterior"]["sd_resid"].to_numpy() ** 2).mean()
    assert outcome**2 == pytest.approx(flat.var(axis=0) + noise)
    posterior = tree["posterior"].to_dataset()
    x = result.data.x[:5]
    at = x[:, result.data.predictors.index("x")]
    tau, slope, rho = (posterior[n].to_numpy().ravel()
                       for n in ("sd_group", "sd_slope", "correlation"))  # fmt: skip
    between = tau**2 + 2 * rho * tau * slope * at[:, None] + (slope * at[:, None]) ** 2
    beta = posterior["beta"].to_numpy().reshape(len(tau), -1)
    line = np.column_stack([np.ones(5), x]) @ beta.T
    new = result.predict(frame()[:5], groups="new")["sd"].to_numpy()
    assert new**2 == pytest.approx(line.var(axis=1) + between.mean(axis=1))


def test_sds_of_a_frame_are_named_as_by_all_engines() -> None:
    """lme4's names, as `reml` and `exact` of the formula have them; draws keep theirs."""
    other = sf.fit("y ~ x + z + (1 + x | g)", frame(), engine="reml")
    mine, found = set(sampled().estimates["term"]), set(other.estimates["term"])
    assert {term for term in found if "|" in term and term[:3] in {"sd_", "cor"}} <= mine
    assert not {"sd_group", "sd_slope", "correlation"} & mine
    assert "sd_slope" in sampled().draws()["posterior"]
    assert "cor_x.(Intercept)|g" in sampled().summary()
