"""Who is missing from any frame: counts against pandas, differences against means by hand."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.gaps import gaps_figure
from tests.tools import spoken

FORMULA = "y ~ x + k + (1 | g)"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """300 rows of 15 groups; x is missing where z is large, k at random, y in one group."""
    rng = np.random.default_rng(3)
    made = pd.DataFrame({
        "y": rng.normal(size=300), "x": rng.normal(size=300), "z": rng.normal(size=300),
        "k": rng.choice(list("pqr"), 300), "g": np.repeat([f"g{i:02}" for i in range(15)], 20),
    })  # fmt: skip
    made.loc[made["z"] > 1, "x"] = np.nan
    made.loc[rng.random(300) < 0.1, "k"] = None
    made.loc[made["g"] == "g03", "y"] = np.nan
    made.loc[[0, 100], "g"] = None
    return made


def test_counts_are_those_of_the_frame(frame: pd.DataFrame) -> None:
    found = sf.missingness(frame, FORMULA)
    gaps = frame[["y", "x", "k", "g"]].isna()
    assert (found.n_rows, found.n_whole) == (300, int((~gaps.any(axis=1)).sum()))
    assert found.columns.set_index("column")["missing"].to_dict() == gaps.sum().to_dict()
    by_level = gaps.groupby(frame["g"]).sum()
    told = found.groups.dropna(subset="column").pivot_table(
        index="level", columns="column", values="missing"
    )
    pd.testing.assert_frame_equal(
        told[by_level.columns].astype(int), by_level.astype(int), check_names=False
    )
    whole = found.groups[found.groups["column"].isna()].set_index("level")
    assert whole["n"].to_dict() == frame.groupby("g").size().to_dict()
    assert whole["missing"].sum() == int(gaps.any(axis=1)[frame["g"].notna()].sum())
    assert whole.loc["g03", "share"] == 1
    with pytest.warns(sf.errors.MissingWarning):
        assert sf.fit(FORMULA, frame, engine="reml").moments.n_obs == found.n_whole


def test_patterns_are_those_of_the_rows(frame: pd.DataFrame) -> None:
    found = sf.missingness(frame, ["y", "x", "k"]).patterns
    gaps = frame[["y", "x", "k"]].isna()
    known = gaps.apply(lambda row: tuple(row.index[row]), axis=1).value_counts()
    assert dict(zip(found["missing"], found["n"], strict=True)) == known.to_dict()
    assert found["share"].sum() == pytest.approx(1)
    assert found["n"].is_monotonic_decreasing


def test_rows_with_gaps_differ_where_gaps_depend_on_what_is_seen(frame: pd.DataFrame) -> None:
    found = sf.missingness(frame, by="g").differences.set_index(["missing", "column", "level"])
    gone = frame["x"].isna()
    apart = (frame.loc[gone, "z"].mean() - frame.loc[~gone, "z"].mean()) / frame["z"].std()
    assert found.loc[("x", "z", ""), "difference"] == pytest.approx(apart)
    assert apart > 1.5
    known = frame["k"].dropna()
    row = found.loc[("x", "k", "p")]
    assert row["mean_missing"] == pytest.approx((known[gone.reindex(known.index)] == "p").mean())
    assert row["n_missing"] + row["n_observed"] == len(known)
    assert abs(row["difference"]) < 0.5  # three standard errors of what is nothing but chance


def test_a_frame_where_it_lies_and_all_its_columns(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "rows.parquet")
    for data in (tmp_path / "rows.parquet", duckdb.from_df(frame)):
        found = sf.missingness(data)
        pd.testing.assert_frame_equal(found.columns, sf.missingness(frame).columns)
        assert found.groups.empty
    spec = sf.ModelSpec("y", ("x", "k"), group="g", missing="drop")
    columns = sf.missingness(frame, spec).columns
    pd.testing.assert_frame_equal(columns, sf.missingness(frame, FORMULA).columns)


def test_what_cannot_be_asked(frame: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match=r"data frames .*describe and impute"):
        sf.missingness(AnalysisSample.__new__(AnalysisSample))
    with pytest.raises(DataError, match=r"'nowhere'.*not in the data"):
        sf.missingness(frame, ["y", "nowhere"])
    with pytest.raises(DataError, match="must have a gap to be drawn"):
        sf.plot(sf.missingness(frame, ["z"]), "missing")
    with pytest.raises(UsageError, match="must be missing"):
        sf.plot(sf.missingness(frame), "trace")


def test_the_picture(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Twelve panels and one of the others; in either language; as a file."""
    found = sf.missingness(frame, FORMULA)
    figure = spoken("nb", gaps_figure, found)
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert len(labels) == 13
    assert labels[-1] == "4 andre\nn = 60"  # one of 20, two of 19, and two rows without a group
    lines = sum(axes.images[0].get_array().shape[0] for axes in figure.axes)
    assert lines == 300
    assert "x: " in figure.get_label()
    sf.plot(found, "missing", tmp_path / "gaps.svg")
    assert "One line per row, n = 300" in (tmp_path / "gaps.svg").read_text(encoding="utf-8")
