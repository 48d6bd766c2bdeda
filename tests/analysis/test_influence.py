"""Influence: each row left out in closed form against refits, and what is told of whom."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.checks.left_out import contrast_without
from bayes_sf.analysis.choices.influence import OTHERS, SMALLEST, Influence, influence
from bayes_sf.analysis.contrast import Contrast, contrast_posterior, find_contrast
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.errors import UsageError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.influence import influence_figure
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.tables.influence_tables import contrast_label, influence_tables
from tests.tools import spoken

#: Posterior sds that an ordinary row may be off: the formula is exact.
CLOSE = 1e-8
#: Row 0 is an outlier of five residual sds. Without it sigma may be where the nodes of all rows
#: cut its density off at e^-30.
OUTLIER = 1e-4
#: The intercept's prior holds at the predictors' means, which move without a row: here it is flat.
FLAT = sf.Prior("flat")
SLOPE = Contrast("x", 1.0, "one more")


def frame(seed: int = 3, n: int = 40, spread: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 4, n)
    x = rng.integers(1, 6, n).astype(float)
    z = rng.normal(size=n)
    y = 6 + 0.4 * x - z + spread * rng.normal(size=4)[code] + 2 * rng.normal(size=n)
    y[0] += 12  # an outlier: the weights of the nodes move
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": np.array(list("abcd"))[code]})


def fixed(result: sf.Result, slope: sf.Prior) -> sf.Priors:
    """The priors as all rows resolve them."""
    assert result.priors is not None
    return replace(result.priors, slope=slope)


@pytest.mark.parametrize("spread", [0.0, 3.0])
@pytest.mark.parametrize("scale", [0.5, None])
def test_each_row_left_out_is_a_refit(spread: float, scale: float | None) -> None:
    """Under slopes with a prior of their own, or flat; REML at zero and far from it."""
    df = frame(spread=spread)
    slope = sf.Prior("normal", scale=scale, autoscale=False) if scale else sf.Prior("flat")
    spec = sf.ModelSpec("y", ("x", "z"), "g", priors=sf.Priors(intercept=FLAT, slope=slope))
    found = influence(spec, df, contrast=SLOPE)
    again = replace(spec, priors=fixed(found.result, slope))
    for row in (0, 1, 7, 20, 39):
        left = contrast_posterior(sf.fit(again, df.drop(index=row)), SLOPE)
        sd = float(left.sd()[0])
        off = CLOSE if row else OUTLIER
        assert found.means[row] == pytest.approx(float(left.mean()[0]), abs=off * sd)
        assert found.sds[row] == pytest.approx(sd, rel=off)
    pulls = float(found.refits["estimate"].iloc[0]) - found.means
    np.testing.assert_allclose(found.pulls, pulls)


def test_any_combination_of_coefficients_in_raw_units() -> None:
    """The intercept's shift and the columns' scales are undone."""
    df = frame()
    df["x"] = 100 + 10 * df["x"]
    spec = sf.ModelSpec("y", ("x",), "g", priors=sf.Priors(intercept=FLAT))
    result = sf.fit(spec, df)
    assert isinstance(result.fitted, Posterior)
    assert result.data is not None
    loading = np.array([1.0, 130.0])
    means, sds = contrast_without(result.fitted.parts[0], result.data, loading)
    sd_y, sd_x = df["y"].std(), df["x"].std()
    slope = sf.Prior("normal", scale=2.5 * sd_y / sd_x, autoscale=False)
    again = replace(spec, priors=fixed(result, slope))
    for row in (5, 11):
        rest = df.drop(index=row)
        left = sf.fit(again, rest).fitted.contrast(loading[None])
        assert sds[row] == pytest.approx(float(left.sd()[0]), rel=CLOSE)
        assert means[row] == pytest.approx(float(left.mean()[0]), abs=CLOSE * float(left.sd()[0]))


def test_rows_in_another_order_and_rescaled() -> None:
    df = frame()
    spec = sf.ModelSpec("y", ("x",), "g")
    found = influence(spec, df, contrast=SLOPE)
    order = np.random.default_rng(1).permutation(len(df))
    mixed = df.iloc[order].assign(y=lambda d: 100 * d["y"])
    again = influence(spec, mixed, contrast=SLOPE)
    np.testing.assert_allclose(again.pulls, 100 * found.pulls[order], rtol=1e-6, atol=1e-7)


def test_industries_and_answers_are_refits() -> None:
    df = frame(n=120)
    spec = sf.ModelSpec("y", ("x",), "g")
    refits = influence(spec, df, contrast=SLOPE).refits
    assert refits["left_out"].tolist() == ["nobody"] + ["answer"] * 5 + ["industry"] * 4
    for kind, column in (("answer", df["x"].map("{:g}".format)), ("industry", df["g"])):
        for row in refits[refits["left_out"] == kind].to_dict("records"):
            rest = df[column != row["which"]]
            theirs = contrast_posterior(sf.fit(spec, rest), SLOPE)
            assert row["n"] == len(rest) < len(df)
            assert row["estimate"] == pytest.approx(float(theirs.mean()[0]), rel=1e-9)
            limits = theirs.quantile([0.025, 0.975])[0]
            np.testing.assert_allclose([row["lower"], row["upper"]], limits, rtol=1e-7)


def small() -> pd.DataFrame:
    """Answers 1 and 2; industries of 1, 2, 3 and 30 workplaces for 1; answer 3 from four."""
    rng = np.random.default_rng(5)
    parts = [("a", 1, 1), ("b", 1, 2), ("c", 1, 3), ("d", 1, 30), ("a", 2, 30), ("d", 2, 30),
             ("d", 3, 4)]  # fmt: skip
    rows = [(g, float(x)) for g, x, n in parts for _ in range(n)]
    df = pd.DataFrame(rows, columns=["g", "x"])
    return df.assign(y=df["x"] + rng.normal(size=len(df)))


def test_nothing_is_said_of_few_workplaces() -> None:
    found = influence(sf.ModelSpec("y", ("x",), "g"), small(), contrast=SLOPE)
    cells = found.cells.set_index(["answer", "group"])
    assert cells.loc[("1", OTHERS), "n"] == 6
    assert cells["n"].to_dict() == {
        ("1", "d"): 30, ("1", OTHERS): 6, ("2", "a"): 30, ("2", "d"): 30, ("3", "d"): 4,
    }  # fmt: skip
    told = found.cells["pull"].notna()
    assert (found.cells.loc[told, "n"] >= SMALLEST).all()
    assert found.answers.set_index("answer")["pull"].isna().to_dict() == {
        "1": False, "2": False, "3": True,
    }  # fmt: skip
    reasons = found.refits.set_index("which")["reason"]
    assert all("must have 5 workplaces" in reasons[which] for which in ("3", "b", "c"))
    assert found.refits.set_index("which")["estimate"].isna()[["3", "b", "c"]].all()
    assert reasons["a"] == ""
    _, answers, by_cell = influence_tables(found)
    for table, hidden in ((answers, 1), (by_cell, 1)):
        assert sum(row.count(":") == 4 for row in table.texts) == hidden


def test_a_small_group_is_not_told_by_subtraction() -> None:
    """One industry of two, the others large: it is joined with the next smallest."""
    df = small()
    df = df[(df["x"] != 1) | (df["g"].isin(["b", "d"]))]
    df = pd.concat([df, df[df["x"] == 2].assign(x=1.0)])
    cells = influence(sf.ModelSpec("y", ("x",), "g"), df, contrast=SLOPE).cells
    first = cells[cells["answer"] == "1"].set_index("group")["n"].to_dict()
    assert first == {"d": 60, OTHERS: 32}


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    return sf.load_sample("replica")


@pytest.fixture(scope="module")
def q13(sample: AnalysisSample) -> Influence:
    return influence(sf.load_analysis("q13").specs[0], sample)


def test_the_ends_of_the_scale_carry_q13(q13: Influence) -> None:
    """Sums agree with the rows; a quarter of the workplaces has over two fifths of the pull."""
    answers = q13.answers.set_index("answer")
    assert answers["n"].sum() == q13.result.moments.n_obs == 572
    assert answers["share"].sum() == pytest.approx(1)
    assert answers["pull"].sum() == pytest.approx(q13.pulls.sum())
    np.testing.assert_allclose(
        q13.cells.groupby("answer")["pull"].sum()[answers.index], answers["pull"]
    )
    ends = ["very_small_extent", "very_large_extent"]
    assert answers.loc[ends, "n"].sum() / 572 < 0.25
    assert answers.loc[ends, "share"].sum() > 0.4


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_picture_and_tables(q13: Influence, lang: Any) -> None:
    figure = spoken(lang, influence_figure, q13)
    left, right = figure.axes
    assert len(left.get_yticklabels()) == len(q13.refits) == 12
    assert [bar.get_width() for bar in right.patches] == pytest.approx(list(q13.answers["pull"]))
    assert set(figure_files("x", figure)) == {"x.svg", "x.png"}
    for table in spoken(lang, influence_tables, q13):
        assert table.n == 572
        assert table.statement.startswith("SYNT")
        prior = {"en": "half-t(3, 0, ", "nb": "halv-t(3; 0; "}[lang]
        assert any(prior in line for line in table.footer)


def test_a_contrast_found_in_one_language_is_named_in_another(sample: AnalysisSample) -> None:
    """It is the same contrast: q13's widest is four codes, whatever it is called."""
    widest = find_contrast("q13", "widest", lang="nb")
    assert widest == find_contrast("q13", "widest")
    spec = sf.ModelSpec("absence_mean", ("q13",), "industry", unit="pp")
    found = influence(spec, sample, contrast=widest)
    assert contrast_label(found) == find_contrast("q13", "widest").label != widest.label
    assert spoken("nb", contrast_label, found) == widest.label


def test_yes_and_no(sample: AnalysisSample) -> None:
    """No answer of two can be left out as a whole; the contrast is no to yes, in words."""
    found = influence(sf.ModelSpec("absence_mean", ("q17",), "industry", unit="pp"), sample)
    assert found.answers["answer"].tolist() == ["yes", "no"]
    assert set(found.refits["left_out"]) == {"nobody", "industry"}
    spoken("nb", influence_figure, found)
    for table in spoken("nb", influence_tables, found):
        assert "Har tillitsvalgte: nei (q17): fra «ja» til «nei»." in table.footer


def test_one_answer_of_three(sample: AnalysisSample) -> None:
    """A column of 0 and 1 of an item with three answers: 0 is both others."""
    step = Contrast("q18[no]", 1.0, "yes to no")
    found = influence(sf.ModelSpec("absence_mean", ("q18",), "industry"), sample, contrast=step)
    assert found.answers["answer"].tolist() == ["not no", "no"]
    assert (
        "Har tariffavtale: nei (q18): yes to no." in spoken("nb", influence_tables, found)[0].footer
    )


def test_refused() -> None:
    df = frame()
    with pytest.raises(UsageError, match="needs a predictor"):
        influence(sf.ModelSpec("y", (), "g"), df)
    with pytest.raises(UsageError, match="needs at most 12 different values"):
        influence(sf.ModelSpec("y", ("z",), "g"), df, contrast=Contrast("z", 1.0, "one"))
    with pytest.raises(UsageError, match="no such predictor"):
        influence(sf.ModelSpec("y", ("x",), "g"), df, contrast=Contrast("w", 1.0, "one"))
    student = sf.ModelSpec("y", ("x",), "g", likelihood="student")
    with pytest.raises(UsageError, match="more than a Gaussian random intercept"):
        influence(student, df, contrast=SLOPE)
