"""Figures: what they draw is what the data say, in both languages, whole and for everyone."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.register.quarters import quarter_name, quarter_range
from bayes_sf.output.figures.aggregates import spread_figure, states_figure
from bayes_sf.output.figures.associations import Drawn, intervals_figure
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.figures.sample import (
    JITTER,
    STATE_COLOURS,
    box_figure,
    lowess_curve,
    missingness_figure,
    scatter_figure,
)
from tests.tools import spoken

INDUSTRIES = [industry.key for industry in load_codebook().industries]
VARIABLES = ("absence_mean", "absence_change", "women_share", "senior_share")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Workplaces of six industries of different sizes, some without a figure."""
    rng = np.random.default_rng(4)
    industry = np.repeat(INDUSTRIES, [30, 25, 11, 28, 20, 22])
    n = len(industry)
    columns = {
        "absence_mean": rng.gamma(3, 2, n),
        "absence_change": rng.normal(0.5, 5, n),
        "women_share": rng.beta(3, 3, n),
        "senior_share": rng.beta(2, 5, n),
    }
    frame = pd.DataFrame({"industry": industry, **columns})
    frame.loc[rng.random(n) < 0.2, list(columns)] = np.nan
    return frame


@pytest.fixture(scope="module")
def scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Complete rows of an ordinal item and the mean absence."""
    rows = frame.dropna().reset_index(drop=True)
    return rows.assign(q13=np.random.default_rng(5).integers(1, 6, len(rows)).astype(float))


def test_who_is_hidden_for_others_is_not_said_to_be_few(frame: pd.DataFrame) -> None:
    """A complement has as many workplaces as any; who has too few to draw says so."""
    for lang, words in (("en", {"hidden", "too few"}), ("nb", {"skjult", "for få"})):
        figure = spoken(
            lang, spread_figure, frame, "absence_mean", hidden={"construction"}, source="replica"
        )
        said = {text.get_text() for text in figure.axes[0].texts} & {*words}
        assert said == words


@pytest.fixture(scope="module")
def picture() -> pd.DataFrame:
    """States of 20 quarters of 60 workplaces; nobody of education is linked."""
    rng = np.random.default_rng(6)
    quarters = [quarter_name(index) for index in quarter_range("2016Q1", "2020Q4")]
    rows = [
        (INDUSTRIES[place % 5], f"w{place:02d}", quarter, rng.choice(list(STATE_COLOURS), p=p))
        for place, p in enumerate(rng.dirichlet([6, 2, 1], 60))
        for quarter in quarters
    ]
    return pd.DataFrame(rows, columns=["industry", "workplace", "quarter", "state"])


def points(figure: Figure) -> np.ndarray[Any, Any]:
    """All points drawn, (n, 2)."""
    return np.concatenate([each.get_offsets() for each in figure.axes[0].collections])


def texts(figure: Figure) -> list[str]:
    """Title, subtitle and footer."""
    return [text.get_text() for text in figure.texts]


def ticks(figure: Figure) -> list[str]:
    return [" ".join(text.get_text().split()) for text in figure.axes[-1].get_xticklabels()]


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_workplace_is_one_point_at_its_industry(frame: pd.DataFrame, variable: str) -> None:
    figure = box_figure(frame, variable, source="microdata")
    known = frame.dropna()
    factor = 100 if variable.endswith("share") else 1
    drawn = points(figure)
    assert len(drawn) == len(known)
    np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(known[variable] * factor))
    for place, industry in enumerate(INDUSTRIES):
        own = np.abs(drawn[:, 0] - place) <= JITTER
        values = known.loc[known["industry"] == industry, variable] * factor
        np.testing.assert_allclose(drawn[own, 1], values)
    assert any(re.search(rf"n = {len(known)}\b", text) for text in texts(figure))
    counts = known["industry"].value_counts()
    assert [tick.rpartition("n = ")[2] for tick in ticks(figure)] == [
        str(counts[industry]) for industry in INDUSTRIES
    ]


@pytest.mark.parametrize("lang", ["en", "nb"])
@pytest.mark.parametrize("variable", VARIABLES)
def test_labels_are_the_medians(frame: pd.DataFrame, variable: str, lang: Any) -> None:
    figure = spoken(lang, box_figure, frame, variable, source="microdata")
    medians = frame.groupby("industry")[variable].median()
    factor = 100 if variable.endswith("share") else 1
    labels = figure.axes[0].texts
    assert len(labels) == len(INDUSTRIES)
    for label, industry in zip(labels, INDUSTRIES, strict=True):
        mark = {"en": ".", "nb": ","}[lang]
        assert re.fullmatch(rf"−?\d+\{mark}\d", label.get_text())
        printed = float(label.get_text().replace("−", "-").replace(mark, "."))
        assert abs(printed - medians[industry] * factor) <= 0.05 + 1e-9
        assert label.get_position()[1] == pytest.approx(medians[industry] * factor)
        assert label.get_text() in figure.get_label()


def test_boxes_are_quartiles(frame: pd.DataFrame) -> None:
    figure = box_figure(frame, "absence_mean", source="microdata")
    quartiles = frame.groupby("industry")["absence_mean"].quantile([0.25, 0.75])
    drawn = [line.get_ydata() for line in figure.axes[0].lines if len(line.get_ydata()) == 5]
    for industry, box in zip(INDUSTRIES, drawn, strict=True):
        np.testing.assert_allclose((min(box), max(box)), quartiles[industry])


def test_an_industry_without_workplaces_is_named_and_empty(frame: pd.DataFrame) -> None:
    rows = frame[frame["industry"] != "ict"]
    figure = box_figure(rows, "absence_mean", source="microdata")
    assert ticks(figure)[2] == "ICT n = 0"
    assert len(figure.axes[0].texts) == 5
    assert "ICT" not in figure.get_label()


def test_labels_of_intervals_are_whole_and_nothing_crosses_them() -> None:
    """Over any length, and beside zero: measured in the drawing."""
    long = "how_many_hours_a_week_homework_is_done_without_help_from_anybody_at_home"
    rows = [Drawn(name, -0.1, 1.0, 2.0) for name in ("x", long, long + " " + long, "z")]
    figure = intervals_figure(rows, "Slopes", "Mean", "frame", "y")
    figure.canvas.draw()
    (axes,) = figure.axes
    assert ["".join(text.get_text().split()) for text in axes.texts] == [
        "".join(row.label.split()) for row in rows
    ]
    edges = figure.get_window_extent()
    words = [text.get_window_extent() for text in axes.texts]
    assert all(edges.x0 <= box.x0 and box.x1 <= edges.x1 for box in words)
    (zero,) = [drawn for drawn in axes.collections if len(drawn.get_paths()) == len(rows)]
    lines = [axes.transData.transform(path.vertices)[:, 1] for path in zero.get_paths()]
    for line, own, below in zip(lines, words, words[1:], strict=False):
        assert own.y0 >= line.max()
        assert line.min() >= below.y1


def test_the_scatter_moves_points_sideways_only(scores: pd.DataFrame) -> None:
    drawn = points(scatter_figure(scores, "q13", "absence_mean", source="microdata"))
    np.testing.assert_array_equal(drawn[:, 1], scores["absence_mean"])
    assert (np.abs(drawn[:, 0] - scores["q13"]) <= JITTER).all()


def test_the_scatter_names_answers_and_draws_the_curve(scores: pd.DataFrame) -> None:
    figure = spoken("nb", scatter_figure, scores, "q13", "absence_mean", source="microdata")
    counts = scores["q13"].value_counts()
    assert ticks(figure)[0] == f"I svært liten grad n = {counts[1.0]}"
    assert ticks(figure)[4] == f"I svært stor grad n = {counts[5.0]}"
    places, curve = lowess_curve(scores["q13"].to_numpy(), scores["absence_mean"].to_numpy())
    np.testing.assert_allclose(figure.axes[0].lines[-1].get_xydata(), np.c_[places, curve])


def lowess_by_hand(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], rounds: int = 3) -> Any:
    """Cleveland's: lines through the nearest two thirds, tricube, then bisquare of residuals."""
    k = int(2 / 3 * len(x) + 1e-10)
    robust = np.ones(len(x))
    for _ in range(rounds + 1):
        fitted = np.empty(len(x))
        for i, at in enumerate(x):
            distance = np.abs(x - at)
            w = np.clip(1 - (distance / np.sort(distance)[k - 1]) ** 3, 0, None) ** 3 * robust
            mean = np.average(x, weights=w)
            slope = (w * (x - mean) * y).sum() / (w * (x - mean) ** 2).sum()
            fitted[i] = np.average(y, weights=w) + slope * (at - mean)
        scaled = (y - fitted) / (6 * np.median(np.abs(y - fitted)))
        robust = np.clip(1 - scaled**2, 0, None) ** 2
    return fitted


def test_the_curve_is_clevelands() -> None:
    rng = np.random.default_rng(8)
    x = rng.uniform(0, 10, 80)
    y = np.sin(x / 2) + rng.standard_t(2, 80)
    places, curve = lowess_curve(x, y)
    order = np.argsort(x)
    np.testing.assert_array_equal(places, x[order])
    np.testing.assert_allclose(curve, lowess_by_hand(x, y)[order], rtol=1e-6)


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 40)), min_size=2, max_size=60))
def test_the_curve_is_defined_however_few_answers_differ(pairs: list[tuple[int, float]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    places, curve = lowess_curve(x, y)
    assert places.tolist() == sorted(set(x))
    assert np.isfinite(curve).all()


def test_the_picture_has_every_quarter_and_the_most_complete_on_top(picture: pd.DataFrame) -> None:
    figure = missingness_figure(picture, source="microdata")
    present = INDUSTRIES[:5]
    assert len(figure.axes) == len(present)
    for axes, industry in zip(figure.axes, present, strict=True):
        drawn = np.asarray(axes.images[0].get_array())
        own = picture[picture["industry"] == industry]
        assert drawn.shape == (own["workplace"].nunique(), 20)
        for code, state in enumerate(STATE_COLOURS):
            np.testing.assert_array_equal(
                (drawn == code).sum(axis=0),
                (own["state"] == state).groupby(own["quarter"]).sum().to_numpy(),
            )
        observed = (drawn == 0).sum(axis=1)
        assert (np.diff(observed) <= 0).all()
        assert not axes.get_yticklabels()
    assert ticks(figure) == ["2016Q1", "2017Q1", "2018Q1", "2019Q1", "2020Q1"]


def every_figure(
    frame: pd.DataFrame, scores: pd.DataFrame, picture: pd.DataFrame, **options: Any
) -> Iterator[tuple[str, Figure]]:
    for variable in VARIABLES:
        yield variable, box_figure(frame, variable, **options)
    yield "scatter", scatter_figure(scores, "q13", "absence_mean", **options)
    yield "missingness", missingness_figure(picture, **options)


def drawn(*data: pd.DataFrame, **options: Any) -> list[tuple[str, Any]]:
    """All of them, drawn before another language is spoken."""
    return list(every_figure(*data, **options))


@pytest.mark.parametrize(
    ("lang", "word"),
    [pytest.param("en", "SYNTHETIC", marks=pytest.mark.slow), ("nb", "SYNTETISK")],
)
def test_the_replica_is_synthetic_in_title_footer_and_alternative_text(
    frame: pd.DataFrame, scores: pd.DataFrame, picture: pd.DataFrame, lang: str, word: str
) -> None:
    for name, figure in spoken(lang, drawn, frame, scores, picture, source="replica"):
        title, _, footer = texts(figure)
        for text in (title, footer, figure.get_label()):
            assert text.startswith(word), name
    for name, figure in spoken(lang, drawn, frame, scores, picture, source="microdata"):
        assert word not in " ".join([*texts(figure), figure.get_label()]), name


@pytest.mark.parametrize("lang", [pytest.param("en", marks=pytest.mark.slow), "nb"])
def test_nothing_is_cut_and_no_label_covers_another(
    frame: pd.DataFrame, scores: pd.DataFrame, picture: pd.DataFrame, lang: str
) -> None:
    """Norwegian has the longer words."""
    for name, figure in spoken(lang, drawn, frame, scores, picture, source="replica"):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        width, height = canvas.get_width_height()
        labels = [label for axes in figure.axes for label in axes.get_xticklabels()]
        sides = [label for axes in figure.axes for label in (*axes.texts, axes.yaxis.label)]
        for text in (*figure.texts, *labels, *sides):
            box = text.get_window_extent()
            inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
            assert inside, f"{name}: {text.get_text()}"
        shown = [label.get_window_extent() for label in figure.axes[-1].get_xticklabels()]
        for left, right in pairwise(shown):
            assert left.x1 < right.x0, name


def test_files_are_whole_the_same_again_and_tell_what_they_show(
    frame: pd.DataFrame, scores: pd.DataFrame, picture: pd.DataFrame
) -> None:
    again = dict(every_figure(frame, scores, picture, source="replica"))
    for name, figure in every_figure(frame, scores, picture, source="replica"):
        files = figure_files(name, figure)
        assert list(files) == [f"{name}.svg", f"{name}.png"]
        root = ET.fromstring(files[f"{name}.svg"])
        assert root.tag == f"{SVG}svg"
        assert root.findtext(f"{SVG}title") == figure.get_suptitle()
        assert root.findtext(f"{SVG}desc") == figure.get_label()
        words = {text.text for text in root.iter(f"{SVG}text")}
        assert figure.get_suptitle() in words, "text is text"
        png = files[f"{name}.png"]
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert png.endswith(b"IEND\xaeB`\x82")
        assert int.from_bytes(png[16:20]) == round(figure.get_figwidth() * 150)
        assert figure.get_suptitle().encode() in png
        if name == "scatter":
            assert figure_files(name, again[name]) == files


def test_the_jitter_is_the_seeds(frame: pd.DataFrame) -> None:
    one, same, other = (
        points(box_figure(frame, "absence_mean", source="microdata", seed=seed))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one[:, 0] != other[:, 0]).all()
    np.testing.assert_array_equal(one[:, 1], other[:, 1])


def test_the_style_stays_inside(frame: pd.DataFrame) -> None:
    before = dict(mpl.rcParams)
    figure_files("figure1", box_figure(frame, "absence_mean", source="microdata"))
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(("lang", "word"), [("en", "hidden"), ("nb", "skjult")])
def test_hidden_counts_are_hatched_and_not_drawn_as_missing(lang: str, word: str) -> None:
    """Of 40 workplaces 30 are hidden in one quarter, and of another industry nothing is said."""
    rows = [
        ("care", "2016Q1", ":", 4, ":"), ("care", "2016Q2", 30, 4, 6),
        ("ict", "2016Q1", ":", ":", ":"), ("ict", "2016Q2", ":", ":", ":"),
    ]  # fmt: skip
    counts = pd.DataFrame(rows, columns=["industry", "quarter", "observed", "no_absence", "no_row"])
    figure = spoken(lang, states_figure, counts, {"care": 40, "ict": ":"}, source="microdata")
    keys = [industry.key for industry in load_codebook().industries]
    hatched = {
        key: [bar.get_height() for bar in axes.patches if bar.get_hatch()]  # type: ignore[attr-defined]
        for key, axes in zip(keys, figure.axes, strict=True)
    }
    assert hatched["care"] == [90, 0]
    assert hatched["ict"] == [100, 100]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][-1] == word
    figure.canvas.draw()
    box = legend.get_window_extent()
    assert box.x1 <= figure.bbox.x1
    assert len([patch for patch in legend.get_patches() if patch.get_hatch()]) == 1
