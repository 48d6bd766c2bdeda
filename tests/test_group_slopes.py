"""Slopes by group: what is borrowed against brute force, lines against the coefficients."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayes_sf as sf
from bayes_sf.analysis.group_slopes import group_lines, group_slopes
from bayes_sf.engines.nuts import Sampled
from bayes_sf.errors import UsageError
from bayes_sf.output.fits import _rows as printed_rows
from bayes_sf.output.result_tables import _term_rows as term_rows
from bayes_sf.output.words import numbered_name
from bayes_sf.spec.rows import Rows

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
    attrs = {"term": "x", "centre": float(frame()["x"].mean())}
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
    away = (df["x"] - df["x"].mean()).to_numpy()
    for name, group in enumerate("abc"):
        rows = np.column_stack([np.ones(46), away])[(df["g"] == group).to_numpy()]
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
    by_hand += own["u_slope"][1] * (row["x"] - df["x"].mean())
    assert row["mean"] == pytest.approx(float(by_hand))
    assert (lines["lower"] < lines["mean"]).all()
    slope = group_slopes(result).loc["b", "slope"]
    first = lines.query("group == 'b'").iloc[0]
    assert (row["mean"] - first["mean"]) / (row["x"] - first["x"]) == pytest.approx(slope)


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
    printed = [(row[2], row[3]) for row in printed_rows(sampled(), 1, "en")]
    assert [term for term, _ in printed if "|" in term] == ["x | a", "x | b", "x | c"]
    assert len({term for term, _ in printed}) == len(printed)
    values = {
        f"{r.term} | {r.group}" if r.group else numbered_name(r.term, "en"): r.estimate
        for r in sampled().rows
    }
    for term, text in printed:  # two significant digits of the sd, which is about 1
        assert float(text.replace("−", "-")) == pytest.approx(values[term], abs=0.06)


def test_tables_take_each_number_s_own_mcse(monkeypatch: pytest.MonkeyPatch) -> None:
    result = sampled()
    names = [f"{v}[{g}]" for v in ("u", "u_slope") for g in "abc"]
    mcse = pd.DataFrame({"mcse_mean": np.arange(6.0)}, index=pd.Index(names, name="parameter"))
    monkeypatch.setattr(Sampled, "diagnostics", lambda _: mcse)
    rows = [row for row in term_rows(result, "en") if row["group"]]
    assert [row["mcse"] for row in rows] == list(range(6))
