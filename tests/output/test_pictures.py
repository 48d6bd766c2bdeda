"""Pictures by name: each is drawn, says whose data it shows, and is saved whole."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.errors import UsageError
from bayes_sf.output.figures.densities import smoothed
from bayes_sf.output.figures.pictures import PICTURES, draw_picture
from tests.engines.test_group_slopes import sampled
from tests.tools import spoken

SPEC = sf.ModelSpec("y", ("x",), "g", unit="pp")
OF_CHAINS = {"trace", "rank", "energy"}


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    code = np.repeat(np.arange(4), [5, 10, 15, 20])
    x = rng.normal(size=50)
    y = 5 + x + 2 * rng.normal(size=4)[code] + rng.normal(size=50)
    return pd.DataFrame({"y": y, "x": x, "g": np.array(list("abcd"))[code]})


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow)
        if name in {"energy", "halfeye", "pair", "rank", "slopes", "trace"}
        else name
        for name in PICTURES
    ],
)
def test_every_picture_is_drawn_and_saved(name: str, tmp_path: Path) -> None:
    """Those of chains are drawn of chains made by hand: sampling is tested elsewhere."""
    engine = "nuts" if name in {*OF_CHAINS, "slopes"} else "exact"
    result = sampled() if engine == "nuts" else sf.fit(SPEC, frame(), engine=engine)
    for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        figure = result.plot(name, tmp_path / f"picture{suffix}", dpi=40)
        content = (tmp_path / f"picture{suffix}").read_bytes()
        assert content.startswith(start)
    said = str(figure.get_label())
    what = "y ~ x + z" if engine == "nuts" else "y (pp) ~ x"
    called = {"halfeye": "half-eyes", "conditional": "conditional effects"}.get(name, name)
    assert f"{called}: {what}, {engine}, n = {result.moments.n_obs}" in said
    assert "Data frame given by the user" in said
    assert "Data frame given by the user" in content.decode()
    assert len(list(tmp_path.iterdir())) == 2


def test_many_groups_make_a_picture_that_one_can_look_at(tmp_path: Path) -> None:
    """160 schools, from the lowest to the highest; some are named."""
    rng = np.random.default_rng(5)
    school = np.repeat(np.arange(160), 5)
    y = rng.normal(size=160)[school] + rng.normal(size=800)
    df = pd.DataFrame({"y": y, "g": np.char.add("school ", school.astype(str))})
    result = sf.fit(sf.ModelSpec("y", group="g"), df)
    figure = result.plot("shrinkage", tmp_path / "many.png", dpi=50)
    width, height = figure.get_size_inches()
    assert height < 2 * width
    axes = figure.axes[0]
    means = [
        float(np.ravel(line.get_ydata())[0]) for line in axes.lines if line.get_mfc() == "white"
    ]
    assert len(means) == 160
    drawn = [
        float(np.ravel(line.get_xdata())[0]) for line in axes.lines
        if line.get_marker() == "o" and line.get_mfc() != "white"
    ]  # fmt: skip
    assert drawn == sorted(drawn)
    assert len(axes.get_yticklabels()) == 5


@pytest.mark.slow
def test_slopes_of_many_groups_are_in_one_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    """160 panels made a picture of 21,000 pixels; few groups stand for them here."""
    result = sampled()
    panels = result.plot("slopes").axes
    monkeypatch.setattr("bayes_sf.output.figures.result.MANY", 2)
    (together,) = result.plot("slopes").axes
    alone = [panel.get_lines()[0] for panel in panels if panel.get_lines()]
    assert len(alone) == len(together.get_lines()) == len(result.moments.groups)
    for one, line in zip(alone, together.get_lines(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), one.get_ydata())


def test_half_eyes_are_the_posterior_over_its_prior() -> None:
    """Areas near one, the mode of a normal posterior at its mean, the prior as declared."""
    result = sf.fit(SPEC, frame())
    figure = draw_picture(result, "halfeye")
    titles = [axes.get_title() for axes in figure.axes if axes.axison]
    assert titles == ["(Intercept)", "x", "sd between groups (g)", "sd within groups (g)", "ICC"]
    (axes,) = [one for one in figure.axes if one.get_title() == "x"]
    corners = axes.collections[0].get_paths()[0].vertices
    x, height = corners[:, 0], corners[:, 1]
    top = x[height.argmax()]
    row = next(one for one in result.coefficients if one.term == "x")
    assert top == pytest.approx(row.estimate, abs=0.3 * row.sd)
    assert height.max() == pytest.approx(stats.norm.pdf(0, scale=row.sd), rel=0.1)
    prior = next(line for line in axes.lines if len(line.get_xdata()) > 2)
    at = float(prior.get_xdata()[100])
    priors = result.priors
    assert priors is not None
    spread = frame()["y"].std() / frame()["x"].std()
    declared = stats.norm.pdf(at, scale=2.5 * spread)
    assert float(prior.get_ydata()[100]) == pytest.approx(declared, rel=0.2)


def test_forest_is_sorted_and_has_a_region() -> None:
    rng = np.random.default_rng(2)
    df = frame().assign(**{name: rng.normal(size=50) for name in ("v", "w", "z")})
    result = sf.fit("y ~ v + x + w + z + (1 | g)", df)
    slopes, *others = result.plot("forest", sort="estimate", rope=(-0.25, 0.5)).axes
    means = {row.term: row.estimate for row in result.coefficients}
    drawn = [text.get_text() for text in slopes.get_yticklabels()]
    assert drawn == sorted(drawn, key=lambda term: means[term])  # the largest on top
    assert set(drawn) == {"v", "w", "x", "z"}
    (band,) = slopes.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (-0.25, 0.5)
    assert not any(axes.patches for axes in others)
    figure = result.plot("forest", rope=0.5)
    assert "ROPE, −0.5 to 0.5" in figure.get_suptitle()
    (band,) = result.plot("forest", rope=sf.Rope(-0.5, 0.5, "")).axes[0].patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (-0.5, 0.5)
    with pytest.raises(UsageError, match="must have a unit for a rope"):
        result.plot("forest", rope=sf.Rope(-0.5, 0.5, "pp"))
    for wrong in ({"sort": "size"}, {"rope": (1, 0)}, {"rope": float("inf")}):
        with pytest.raises(UsageError, match="must"):
            result.plot("forest", **wrong)
    with pytest.raises(UsageError, match="are of picture 'forest'"):
        result.plot("shrinkage", rope=0.5)


def test_a_density_of_values_of_which_half_are_one_is_finite() -> None:
    values = np.r_[np.zeros(36), [3.0, 4.0, 5.0, 6.0]]
    at = np.linspace(-6, 12, 400)
    assert np.trapezoid(smoothed(values, at), at) == pytest.approx(1, abs=0.01)


def test_rainclouds_and_replications_are_of_the_rows() -> None:
    """Medians and quartiles as pandas has them; the area below a density is one."""
    df, result = frame(), sf.fit(SPEC, frame())
    axes = result.plot("raincloud").axes[0]
    medians = df.groupby("g")["y"].median().sort_values()
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [f"{g} (n = {(df['g'] == g).sum()})" for g in medians.index]
    dots = [line for line in axes.lines if line.get_mec() == "white"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in dots], medians)
    rows = np.concatenate([line.get_xdata() for line in axes.lines if line.get_alpha() == 0.5])
    np.testing.assert_allclose(np.sort(rows), np.sort(df["y"]))
    axes = result.plot("ppc").axes[0]
    *_, data = axes.lines
    assert np.trapezoid(data.get_ydata(), data.get_xdata()) == pytest.approx(1, abs=0.03)
    assert len(axes.lines) == 51
    assert axes.get_xlabel() == "y, percentage points"


@pytest.mark.slow
def test_pictures_by_arviz_have_our_names() -> None:
    result = sf.fit(SPEC, frame())
    figure = result.plot("pair")
    names = [axes.get_xlabel().replace("\n", " ") for axes in figure.axes if axes.get_xlabel()]
    assert names == ["(Intercept)", "x", "sd between groups (g)", "sd within groups (g)", "ICC"]
    assert result.plot("loo_pit").axes[0].get_title() == "y, percentage points"
    wide = frame().assign(**{f"x{at}": np.arange(50) % (at + 2) for at in range(8)})
    terms = " + ".join(f"x{at}" for at in range(8))
    with pytest.raises(UsageError, match="at most 10 parameters"):
        sf.fit(f"y ~ {terms} + (1 | g)", wide).plot("pair")


def test_curves_are_averages_over_the_rows() -> None:
    """By hand from coefficients: every row with the value put in, its other columns as they are."""
    rng = np.random.default_rng(4)
    x, c, g = rng.normal(size=60), rng.choice(["no", "yes"], 60), np.repeat(list("abc"), 20)
    df = pd.DataFrame({"y": x * (c == "yes") + rng.normal(size=60), "x": x, "c": c, "g": g})
    result = sf.fit("y ~ x * c + (1 | g)", df, engine="reml")
    curves, points = result.plot("conditional").axes
    beta = result.fixef()["estimate"][["(Intercept)", "x", "c[yes]", "x:c[yes]"]].to_numpy()
    for line, level in zip(curves.get_lines(), (0.0, 1.0), strict=True):
        at = np.asarray(line.get_xdata(), dtype=float)
        assert (at.min(), at.max()) == (x.min(), x.max())
        wanted = beta[0] + beta[2] * level + (beta[1] + beta[3] * level) * at
        np.testing.assert_allclose(line.get_ydata(), wanted)
    (drawn,) = points.get_lines()
    means = [beta[0] + beta[2] * v + (beta[1] + beta[3] * v) * x.mean() for v in (0.0, 1.0)]
    np.testing.assert_allclose(drawn.get_ydata(), means)
    assert [label.get_text() for label in points.get_xticklabels()] == ["no", "yes"]
    assert [text.get_text() for text in curves.get_legend().get_texts()] == ["no", "yes"]


def test_curves_of_any_model_of_a_frame() -> None:
    """A probability stays one; few numbers are points; what is no frame's has none."""
    df = frame().assign(b=lambda d: (d["y"] > d["y"].median()).astype(int), z=np.arange(50) % 3)
    result = sf.fit("b ~ x + z + (1 | g)", df, family="bernoulli", engine="ml")
    curve, points = result.plot("conditional").axes
    y = np.asarray(curve.get_lines()[0].get_ydata())
    assert ((y > 0) & (y < 1)).all()
    assert list(points.get_lines()[0].get_xdata()) == [0, 1, 2]
    letters = df.assign(c=np.array(list("klmnopqr"))[np.arange(50) % 8])
    (points,) = sf.fit("y ~ c + (1 | g)", letters, engine="reml").plot("conditional").axes
    assert points.get_lines()[0].get_linestyle() == "None"  # between categories there is nothing
    with pytest.raises(UsageError, match="needs predictors"):
        sf.fit("y ~ 1 + (1 | g)", df).plot("conditional")
    with pytest.raises(UsageError, match="of data frames only"):
        sf.fit(sf.ModelSpec("absence_mean", ("q13",)), sf.load_sample("replica")).plot(
            "conditional"
        )


@pytest.mark.slow
def test_dots_and_pdf(tmp_path: Path) -> None:
    from PIL import Image

    result = sf.fit(SPEC, frame())
    sizes = []
    for dpi in (50, 100):
        result.plot("forest", tmp_path / "a.png", dpi=dpi)
        with Image.open(tmp_path / "a.png") as picture:
            sizes.append(picture.width)
    assert sizes[1] == pytest.approx(2 * sizes[0], abs=2)
    first, second = (tmp_path / f"{name}.pdf" for name in "ab")
    for path in (first, second):
        result.plot("forest", path)
    assert first.read_bytes().startswith(b"%PDF")
    assert first.read_bytes() == second.read_bytes(), "the same for the same data"
    with pytest.raises(UsageError, match="dpi: must be 20 to 1200"):
        result.plot("forest", dpi=5)


def test_shrinkage_shows_raw_and_pooled_means() -> None:
    result = sf.fit(SPEC, frame())
    axes = result.plot("shrinkage").axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["a (n = 5)", "b (n = 10)", "c (n = 15)", "d (n = 20)"]
    hollow = [
        float(np.ravel(line.get_xdata())[0]) for line in axes.lines if line.get_mfc() == "white"
    ]
    df = frame()  # without pooling: least squares with a level for each group, at the mean of x
    design = np.column_stack([df["x"] - df["x"].mean(), *(df["g"] == g for g in "abcd")])
    alone = np.linalg.lstsq(design.astype(float), df["y"].to_numpy())[0][1:]
    np.testing.assert_allclose(hollow, alone)


def test_forest_shows_the_estimates_and_their_intervals() -> None:
    """Slopes on a scale of their own: the intercept would hide how weak they are."""
    result = sf.fit(SPEC, frame())
    slopes, others, shares = result.plot("forest").axes
    drawn = {}
    for axes in (slopes, others, shares):
        labels = [text.get_text() for text in axes.get_yticklabels()]
        thin = [line for line in axes.lines if line.get_linewidth() == 1.2]
        drawn |= {label: line.get_xdata() for label, line in zip(labels, thin, strict=True)}
    rows = {row.term: (row.lower, row.upper) for row in result.rows if not row.group}
    labels = {"sd_group": "sd between groups (g)", "sd_resid": "sd within groups (g)",
              "icc": "ICC"}  # fmt: skip
    assert set(drawn) == {labels.get(term, term) for term in rows}
    for term, limits in rows.items():
        np.testing.assert_allclose(drawn[labels.get(term, term)], limits)
    assert [text.get_text() for text in slopes.get_yticklabels()] == ["x"]


def test_ticks_that_are_close_have_the_digits_to_tell_them_apart() -> None:
    small = frame().assign(x=lambda d: 1e4 * d["x"])
    figure = sf.fit(SPEC, small).plot("forest")
    figure.canvas.draw()
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert len(set(labels)) == len(labels) > 2


def test_names_of_a_users_own_groups_stay() -> None:
    own = frame().assign(g=lambda d: d["g"].map({"a": "care", "b": "ict", "c": "c", "d": "d"}))
    axes = sf.fit(SPEC, own).plot("shrinkage").axes[0]
    assert axes.get_yticklabels()[0].get_text() == "care (n = 5)"


def test_pictures_of_ours_speak_norwegian() -> None:
    result = sf.fit(sf.ModelSpec("absence_mean", ("q13",), unit="pp"), sf.load_sample("replica"))
    for name, said in (("forest", "Kan tilpasse arbeidet"), ("shrinkage", "Pleie og omsorg")):
        figure = spoken("nb", draw_picture, result, name)
        texts = " ".join(t.get_text() for axes in figure.axes for t in axes.get_yticklabels())
        assert said in texts
        assert "prosentpoeng" in {axes.get_xlabel().split(", ")[-1] for axes in figure.axes}
        assert "troverdighetsintervall" in str(figure.get_suptitle())
        assert "SYNTETISK" in str(figure.get_label())


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    result = sf.fit(SPEC, frame())
    with pytest.raises(UsageError, match="did you mean 'forest'"):
        result.plot("forst")
    with pytest.raises(UsageError, match="independent draws have none"):
        result.plot("trace")
    with pytest.raises(UsageError, match="same in all groups"):
        result.plot("slopes")
    with pytest.raises(UsageError, match=r"saves .svg or .png or .pdf.*tif"):
        result.plot("forest", tmp_path / "x.tif")
    with pytest.raises(UsageError, match="no posterior to draw from"):
        sf.fit(SPEC, frame(), engine="reml").plot("forest")
    assert not list(tmp_path.iterdir())
