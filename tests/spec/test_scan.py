"""Moments of tables that stay where they are: those of the same rows in a frame, or refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bayes_sf as sf
from bayes_sf.errors import DataError, MissingWarning, UsageError
from bayes_sf.inputs.register.connection import quietly
from bayes_sf.spec.rows import Rows
from bayes_sf.spec.scan import Scan
from bayes_sf.spec.terms import sums

#: Sums are taken in another order than a frame's: a few roundings of the largest one.
CLOSE = 1e-12


def in_duckdb(frame: pd.DataFrame, _: Path) -> Any:
    return duckdb.from_df(frame)


def in_ibis(frame: pd.DataFrame, folder: Path) -> Any:
    frame.to_parquet(folder / "pupils.parquet")
    with quietly():
        return ibis.duckdb.connect().read_parquet(folder / "pupils.parquet")


def in_parquet(frame: pd.DataFrame, folder: Path) -> str:
    """A name that is no pattern, in a folder whose name is no column."""
    path = folder / "g=1" / "pupils [2]*.parquet"
    path.parent.mkdir()
    frame.to_parquet(path)
    (folder / "g=1" / "pupils 2.parquet").write_bytes(b"no Parquet")
    return str(path)


def in_polars(frame: pd.DataFrame, _: Path) -> Any:
    polars = pytest.importorskip("polars")
    return polars.from_pandas(frame).lazy()


PLACES = [in_duckdb, in_ibis, in_parquet, in_polars]


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    n = 300
    made = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "far": rng.normal(1e8, 1.0, n),
            "step": rng.integers(0, 3, n),
            "flag": rng.random(n) < 0.4,
            "kind": rng.choice(["b", "a", "c"], n),
            "g": rng.choice(["north", "south", "øst", "1"], n),
        }
    )
    made["size"] = made["g"].map({"north": 3.0, "south": 0.1, "øst": 7.0, "1": 0.1})
    made["y"] = made["x"] + 0.3 * made["step"] + rng.normal(size=n)
    return made


def assert_same(spec: sf.ModelSpec, table: Any, frame: pd.DataFrame) -> None:
    mine, theirs = Scan(table, [spec]).moments(spec), Rows.from_frame(frame, spec).moments
    assert (mine.terms, mine.groups, mine.n_obs) == (theirs.terms, theirs.groups, theirs.n_obs)
    np.testing.assert_allclose(mine.means, theirs.means, rtol=CLOSE, atol=CLOSE)
    scale = np.sqrt(np.diag(theirs.within))
    np.testing.assert_allclose(mine.within, theirs.within, rtol=0,
                               atol=CLOSE * max(1.0, np.outer(scale, scale).max()))  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "spec",
    [
        sf.ModelSpec("y", group="g"),
        sf.ModelSpec("y", ("x", "kind", "flag"), group="g"),
        sf.ModelSpec("y", ("far", "size"), group="g"),
        sf.ModelSpec("y", ("step",), group="g", categorical=("step",)),
        sf.ModelSpec("y", ("x", "size"), group="g", standardize=("x", "size")),
        sf.ModelSpec("y", ("x", "kind"), group="g", within_between=("x",)),
        sf.ModelSpec("y", ("x",), group="g", standardize=("x",), within_between=("x",)),
    ],
    ids=lambda spec: "-".join(spec.predictors) or "null",
)
def test_a_table_gives_the_moments_of_its_rows(
    place: Callable[..., Any], spec: sf.ModelSpec, frame: pd.DataFrame, tmp_path: Path
) -> None:
    assert_same(spec, place(frame, tmp_path), frame)


def test_moments_from_table_are_those_from_frame(frame: pd.DataFrame) -> None:
    named = {"outcome": "y", "predictors": ["kind", "x"], "group": "g"}
    mine = sf.Moments.from_table(duckdb.from_df(frame), **named)
    theirs = sf.Moments.from_frame(frame, **named)
    assert mine.terms == theirs.terms == ("(Intercept)", "kind[b]", "kind[c]", "x")
    np.testing.assert_allclose(mine.within, theirs.within, rtol=1e-11)


@pytest.mark.parametrize("gap", [1e3, 1e6, 1e9])
def test_groups_that_are_far_apart_cost_no_digit(frame: pd.DataFrame, gap: float) -> None:
    """Between groups a million times what is within them: sums of squares alone lose 12 digits."""
    rank = frame["g"].rank(method="dense")
    away = frame.assign(y=frame["y"] + gap * rank, x=frame["x"] - gap * rank)
    mine = sf.Moments.from_table(duckdb.from_df(away), outcome="y", predictors=["x"], group="g")
    own = away[["x", "y"]] - away.groupby("g")[["x", "y"]].transform("mean")
    # values themselves are rounded at their own size
    np.testing.assert_allclose(mine.within, own.T @ own, rtol=1e-11 + 1e-15 * gap)


def test_what_is_constant_within_groups_is_exactly_so(frame: pd.DataFrame) -> None:
    found = sf.Moments.from_table(
        duckdb.from_df(frame), outcome="y", predictors=["x", "size"], group="g"
    )
    assert not found.within[1].any()
    assert found.within[0, 0] > 0


@pytest.mark.parametrize("place", PLACES)
def test_columns_may_be_called_as_sums_are(
    place: Callable[..., Any], frame: pd.DataFrame, tmp_path: Path
) -> None:
    named = frame[["y", "x", "g"]].rename(columns={"y": "g", "x": "n0", "g": "n"})
    assert_same(sf.ModelSpec("g", ("n0",), group="n"), place(named, tmp_path), named)


def test_many_groups_are_summed_in_a_second_query(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "_WHOLE", 0)
    assert_same(sf.ModelSpec("y", ("x", "kind"), group="g"), duckdb.from_df(frame), frame)


def test_an_analysis_is_one_scan(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two outcomes and three predictors: rows are summed once, and fits are those of the frame."""
    frame["z"] = frame["y"] * 2 + frame["x"] ** 2
    specs = tuple(
        sf.ModelSpec(outcome, predictors, group="g", name=f"{outcome} {predictors}")
        for outcome in ("y", "z")
        for predictors in ((), ("x",), ("kind",), ("x", "step"))
    )
    analysis = sf.Analysis(name="all", question="?", specs=specs)
    asked: list[str] = []
    plain = sums._by_group
    monkeypatch.setattr(
        sums, "_by_group", lambda *args, **more: asked.append("scan") or plain(*args, **more)
    )
    found = sf.fit(analysis, duckdb.from_df(frame), engine="reml")
    assert asked == ["scan"]
    for result, known in zip(
        found.values(), sf.fit(analysis, frame, engine="reml").values(), strict=True
    ):
        np.testing.assert_allclose(
            result.estimates["estimate"], known.estimates["estimate"], rtol=1e-9
        )
        assert result.data is None


@pytest.mark.parametrize("place", PLACES)
def test_a_formula_of_more_terms_reads_its_columns(
    place: Callable[..., Any], frame: pd.DataFrame, tmp_path: Path
) -> None:
    formula = "y ~ x + step + (1 + x | g)"
    mine = sf.fit(formula, place(frame, tmp_path), engine="reml").estimates
    known = sf.fit(formula, frame, engine="reml").estimates
    np.testing.assert_allclose(mine["estimate"], known["estimate"], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("place", PLACES)
def test_maximum_likelihood_reads_its_columns(
    place: Callable[..., Any], frame: pd.DataFrame, tmp_path: Path
) -> None:
    """Of a random intercept, too, which other engines fit from the sums."""
    formula = "y ~ x + kind + (1 | g)"
    mine = sf.fit(formula, place(frame, tmp_path), engine="ml").estimates
    known = sf.fit(formula, frame, engine="ml").estimates
    np.testing.assert_allclose(mine["estimate"], known["estimate"], rtol=1e-7, atol=1e-9)


def without(frame: pd.DataFrame, column: str, value: Any) -> pd.DataFrame:
    changed = frame.astype({column: object}) if value is None else frame.copy()
    changed.loc[[3, 8], column] = value
    return changed.convert_dtypes() if value is None else changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: without(f, "x", np.inf), r"column 'x': must be a finite number .*'NaN, inf"),
        (lambda f: without(f, "x", 1e200), r"column 'x': .*too large to be squared"),
        (lambda f: without(f, "g", ""), r"column 'g': .*got 'an empty text in some'"),
        (lambda f: without(f, "g", " \u00a0"), r"column 'g': .*got 'an empty text in some'"),
        (lambda f: f.assign(g=[{"a": v} for v in f["g"]]), r"column 'g': must hold text .*Struct"),
        (lambda f: f.assign(y=f["kind"]), r"column 'y': must hold numbers .*String"),
        (lambda f: f.assign(x=pd.Timestamp("2020-01-01")), r"column 'x': must hold numbers .*Date"),
        (lambda f: f.assign(kind="a"), r"column 'kind': must have at least two categories"),
        (lambda f: f.iloc[:0], r"data: must have rows"),
        (lambda f: f.drop(columns="x"), r"column 'x': is not in the data"),
    ],
)
def test_what_is_refused(
    frame: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    table = duckdb.from_arrow(pa.Table.from_pandas(change(frame)))
    with pytest.raises(DataError, match=message):
        sf.fit(sf.ModelSpec("y", ("x", "kind"), group="g"), table)


def test_files_that_are_none(tmp_path: Path) -> None:
    spec = sf.ModelSpec("y", group="g")
    for name, content, message in (
        ("pupils.csv", "y,g\n1,a\n", "must be a Parquet file"),
        ("pupils.parquet", "y,g\n1,a\n", "must be a whole, readable Parquet file"),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=message):
            sf.fit(spec, tmp_path / name)
    twice = pa.table([[1.0, 2.0], [3.0, 4.0], ["a", "b"]], names=["y", "y", "g"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    for table in (tmp_path / "twice.parquet", pl.scan_parquet(tmp_path / "twice.parquet")):
        with pytest.raises(DataError, match="must have columns of different names"):
            sf.fit(spec, table)
    with pytest.raises(DataError, match="nothing of that name"):
        sf.fit(spec, str(tmp_path / "others.parquet"))


def test_what_needs_the_study_is_refused(frame: pd.DataFrame) -> None:
    spec = sf.ModelSpec("y", ("x",), group="g", nested=("x",))
    with pytest.raises(UsageError, match="nested"):
        sf.fit(spec, duckdb.from_df(frame))


def test_truth_values_as_an_outcome_are_warned_of(frame: pd.DataFrame) -> None:
    with pytest.warns(sf.errors.OutcomeWarning, match="two values"):
        sf.Moments.from_table(duckdb.from_df(frame), outcome="flag", group="g")


def test_nan_in_a_file_is_a_gap(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Polars writes NaN as such, and a file's statistics know of none."""
    holes = frame.assign(x=[np.nan, *frame["x"][1:]])
    pl.from_pandas(holes, nan_to_null=False).write_parquet(tmp_path / "holes.parquet")
    with pytest.warns(MissingWarning, match=r"1 of \d+ rows are left out, for gaps in x"):
        found = sf.fit("y ~ x + (1 | g)", tmp_path / "holes.parquet", engine="reml").fixef()
    known = sf.fit("y ~ x + (1 | g)", frame[1:], engine="reml").fixef()
    np.testing.assert_allclose(found["estimate"], known["estimate"], rtol=1e-7)
