"""The register's files: exactly the one that was named, the same at every look, every row once."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from bayes_sf.errors import DataError
from bayes_sf.inputs.register.reader import Register, read_register

sys.path.insert(0, str(Path(__file__).parents[1] / "bad_inputs"))
from make import numbers, register

KEY = b"the key of these tests"
YEAR = ("2019Q1", "2019Q4")


def read(path: Path, **options: Any) -> Register:
    return read_register(path, key=KEY, period=YEAR, change=YEAR, **options)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    frame = register(numbers(3), seed=5)
    return frame[frame["aar_kvartal"].str.startswith("2019")].reset_index(drop=True)


@pytest.fixture(scope="module")
def right(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    path = tmp_path_factory.mktemp("right") / "extract.parquet"
    rows.to_parquet(path)
    return read(path).workplaces


@pytest.mark.parametrize(
    ("name", "neighbour"),
    [
        pytest.param("uttrekk [2]", "uttrekk 2", marks=pytest.mark.slow),
        ("a*", "ab"),
        pytest.param("q?", "qx", marks=pytest.mark.slow),
        pytest.param("b{1,2}", "b1", marks=pytest.mark.slow),
        ('it\'s "[!x]"', "it's y"),
        ("aar_kvartal=2016K1/mdagsv=1/*", "aar_kvartal=2016K1/mdagsv=1/x"),
    ],
)
def test_a_name_is_no_pattern_and_folders_are_no_columns(
    tmp_path: Path, rows: pd.DataFrame, right: pd.DataFrame, name: str, neighbour: str
) -> None:
    path = tmp_path / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path)
    rows.assign(sfdagsvj=0.0).to_parquet(tmp_path / f"{neighbour}.parquet")
    pd.testing.assert_frame_equal(read(path).workplaces, right)


def test_a_csv_may_have_any_name(tmp_path: Path, rows: pd.DataFrame, right: pd.DataFrame) -> None:
    rows.to_csv(tmp_path / "x [*?].csv", index=False)
    rows.assign(sfdagsvj=0.0).to_csv(tmp_path / "x a.csv", index=False)
    pd.testing.assert_frame_equal(read(tmp_path / "x [*?].csv").workplaces, right)


def replaced(path: Path, other: Path) -> None:
    other.replace(path)


def overwritten(path: Path, other: Path) -> None:
    """Same size and the same time of change, as a tool that keeps times leaves it."""
    before = path.stat()
    path.write_bytes(other.read_bytes()[: before.st_size].ljust(before.st_size, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def removed(path: Path, _: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "change", [replaced, *(pytest.param(f, marks=pytest.mark.slow) for f in (overwritten, removed))]
)
def test_a_parquet_file_that_changes_is_refused(
    tmp_path: Path, rows: pd.DataFrame, change: Callable[[Path, Path], None]
) -> None:
    path, other = tmp_path / "r.parquet", tmp_path / "other.parquet"
    rows.to_parquet(path)
    rows.assign(sfdagsvj=0.0).to_parquet(other)
    read_once = read(path)
    known = read_once.workplaces["workplace"]
    change(path, other)
    with pytest.raises(DataError, match=r"r\.parquet: must stay as it is"):
        read_once.select(known)
    with pytest.raises(DataError, match=r"r\.parquet: must stay as it is"):
        read_once.quarters.count()


def test_a_csv_is_kept(tmp_path: Path, rows: pd.DataFrame) -> None:
    path = tmp_path / "r.csv"
    rows.to_csv(path, index=False)
    read_once = read(path)
    path.unlink()
    _, quarters = read_once.select(read_once.workplaces["workplace"])
    assert quarters["contracted_days"].sum() == pytest.approx(rows["mdagsv"].sum(), rel=1e-12)


@pytest.mark.parametrize(
    "column",
    [
        pd.to_timedelta(np.arange(12), "h"),
        pd.date_range("2019-01-01", periods=12),
        [True, False] * 6,
        [[1.0]] * 12,
        [{"days": 1.0}] * 12,
        [b"1"] * 12,
    ],
)
def test_figures_of_another_type_are_refused(
    tmp_path: Path, rows: pd.DataFrame, column: Any
) -> None:
    rows.assign(td_kv=pd.Series(column)).to_parquet(tmp_path / "r.parquet")
    with pytest.raises(DataError, match=r"r\.parquet: column td_kv: must be numbers or text"):
        read(tmp_path / "r.parquet")


@pytest.mark.parametrize(
    ("value", "words"),
    [(1e30, "below 1e"), (-1e15, "below 1e"), (1e-9, "0 or at least"), (np.inf, "a number with")],
)
def test_figures_that_no_workplace_has_are_refused(
    tmp_path: Path, rows: pd.DataFrame, value: float, words: str
) -> None:
    odd = rows.copy()
    odd.loc[4, "mdagsv"] = value
    odd.to_parquet(tmp_path / "r.parquet")
    with pytest.raises(DataError, match=f"row 6, column mdagsv: must be {words}"):
        read(tmp_path / "r.parquet")


def test_what_spss_declares_missing_is_missing_and_said(tmp_path: Path, rows: pd.DataFrame) -> None:
    odd = rows.copy()
    odd.loc[2, "sfdagsvj"], odd.loc[3, "td_kv"] = 997.0, 9999.0
    gaps: Any = {"sfdagsvj": [997.0], "td_kv": [{"lo": 9000.0, "hi": 9999.0}]}
    pyreadstat.write_sav(odd, str(tmp_path / "r.sav"), missing_ranges=gaps)
    found = read(tmp_path / "r.sav")
    said = found.problems[["fault", "rows"]].to_numpy().tolist()
    assert said == [
        ["figures that the file declares missing", 2],
        ["a total missing beside its parts", 2],
    ]
    odd.loc[2, "sfdagsvj"], odd.loc[3, "td_kv"] = np.nan, np.nan
    odd.to_parquet(tmp_path / "r.parquet")
    pd.testing.assert_frame_equal(found.workplaces, read(tmp_path / "r.parquet").workplaces)


def test_a_code_with_a_label_and_a_time_are_no_figures(tmp_path: Path, rows: pd.DataFrame) -> None:
    odd = rows.copy()
    odd.loc[2, "sfdagsvj"] = 997.0
    labels = {"sfdagsvj": {997.0: "Ukjent"}}
    pyreadstat.write_sav(odd, str(tmp_path / "l.sav"), variable_value_labels=labels)
    with pytest.raises(DataError, match="row 4, column sfdagsvj: must be a figure"):
        read(tmp_path / "l.sav")
    pyreadstat.write_sav(rows, str(tmp_path / "t.sav"), variable_format={"td_kv": "DTIME12"})
    with pytest.raises(DataError, match="column td_kv: must be numbers"):
        read(tmp_path / "t.sav")


def test_a_quote_must_not_swallow_rows(tmp_path: Path, rows: pd.DataFrame) -> None:
    noted = rows.assign(note="")
    lines = noted.to_csv(index=False).split("\n")
    lines[3] += '"open'
    lines[6] += 'shut"'
    (tmp_path / "r.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match="row 4: must close its quotes"):
        read(tmp_path / "r.csv")
    noted.assign(note="two, three\nor four").to_csv(tmp_path / "r.csv", index=False)
    assert len(read(tmp_path / "r.csv").workplaces) == 3


def test_wrong_numbers_are_counted_and_not_listed(tmp_path: Path, rows: pd.DataFrame) -> None:
    many = pd.concat([rows] * 3_000, ignore_index=True)
    wrong = many.assign(org_nr=np.arange(len(many)) + 300_000_000)
    wrong.to_parquet(tmp_path / "r.parquet")
    with pytest.raises(DataError, match=r"r.parquet: rows .* more, column org_nr") as caught:
        read(tmp_path / "r.parquet")
    assert len(str(caught.value)) < 250


def test_the_stamp_is_of_the_file_and_not_of_its_folder(
    tmp_path: Path, rows: pd.DataFrame, right: pd.DataFrame
) -> None:
    rows.to_parquet(tmp_path / "r.parquet")
    read_once = read(tmp_path / "r.parquet")
    shutil.copy(tmp_path / "r.parquet", tmp_path / "copy.parquet")
    outcomes, _ = read_once.select(read_once.workplaces["workplace"])
    pd.testing.assert_frame_equal(outcomes, right)


@pytest.mark.parametrize("cell", [True, "#N/A", "x"])
def test_a_cell_of_a_workbook_that_is_no_figure_is_refused_with_its_place(
    tmp_path: Path, rows: pd.DataFrame, cell: object
) -> None:
    odd = rows.astype({"sfdagsvj": object})
    odd.loc[2, "sfdagsvj"] = cell
    odd.to_excel(tmp_path / "a.xlsx", index=False)
    with pytest.raises(DataError, match=r"a\.xlsx: row 4, column sfdagsvj: must be a number"):
        read(tmp_path / "a.xlsx")
