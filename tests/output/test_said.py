"""A fit in two sentences: what is said is what the numbers are."""

import re

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.catalogue import speaking


def frame(slope: float = 2.0) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    g, h = np.repeat(list("abcde"), 24), np.tile(list("pqrs"), 30)
    x, w = rng.normal(size=(2, 120))
    level = 3 * rng.normal(size=5)[np.repeat(np.arange(5), 24)]
    y = slope * x + level + rng.normal(size=120)
    return pd.DataFrame({"y": y, "x": x, "w": w, "g": g, "h": h, "b": y > np.median(y)})


def test_share_and_intervals_are_those_of_the_result() -> None:
    result = sf.fit("y ~ x + w + (1 | g)", frame())
    said, icc = result.report(), result.icc()
    shares = [f"{100 * icc[key]:.1f}" for key in ("median", "lower", "upper")]
    assert "{} % ({} to {} %) lies between groups (g) (120 rows)".format(*shares) in said
    rows = {row.term: row for row in result.coefficients}
    assert rows["x"].lower > 0 > rows["w"].lower
    named, others = said.partition("zero is left out for ")[2].split("; not for ")
    figures = [float(text) for text in re.findall(r"\d\.\d+", named)]
    row = rows["x"]
    assert figures == pytest.approx([row.estimate, row.lower, row.upper], abs=row.sd / 20)
    assert others.startswith("w ")
    assert "95 % credible interval (equal-tailed)" in said


def test_other_numbers_force_other_sentences() -> None:
    df = frame(slope=0.0)
    assert "left out for no term: x " in sf.report(sf.fit("y ~ x + (1 | g)", df))
    null = sf.fit("y ~ 1 + (1 | g)", df, engine="reml")
    share = f"{100 * null.icc()['estimate']:.1f} %"
    assert null.report().startswith(f"Of the variance of y, {share} lies between groups (g)")
    assert "Its intercept is " in null.report()
    several = sf.fit("y ~ x + (1 | g) + (1 | h)", df, engine="reml").report()
    assert "groups (g); " in several
    assert "groups (h) (120 rows)" in several
    assert "without groups" in sf.fit("y ~ x + (1 | g)", df, engine="ols").report()
    binary = sf.fit("b ~ x + (1 | g)", df.assign(b=df["b"].astype(int)), family="bernoulli",
                    engine="ml").report()  # fmt: skip
    assert "on the link's scale" in binary


def test_counted_rows_are_as_many_as_they_stand_for() -> None:
    df = frame().assign(k=3)
    result = sf.fit("y ~ x + (1 | g)", df, engine="reml", frequencies="k")
    assert result.n_obs == result.glance()["nobs"].iloc[0] == 360
    assert "(360 rows)" in result.report()


def test_it_is_said_in_norwegian_with_the_study_s_names() -> None:
    result = sf.fit(sf.ModelSpec("absence_mean", ("q13",)), sf.load_sample("replica"))
    said = result.report("nb")
    assert "mellom grupper (bransje)" in said
    assert "Kan tilpasse arbeidet −0,24" in said
    with speaking("nb"):
        assert sf.report(result) == said
