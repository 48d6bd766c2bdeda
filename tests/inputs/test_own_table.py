"""A table of a user's own: numbers, categories and gaps as they are meant, or a refusal."""

from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from bayes_sf.errors import DataError
from bayes_sf.inputs.own_table import OwnTable, read_table

CSV = """score;ses;school;kind
1,5;2;1;a
2,5;3;1;b
;3;2;b
4,5;5;2;a
5,25;1;3;b
3;NA;3;a
"""
NAMES = ("score", "ses", "school", "kind")


def read(folder: Path, text: str, *names: str, **more: Any) -> OwnTable:
    path = folder / "pupils.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path, names or NAMES, groups=["school"], **more)


def test_numbers_categories_groups_and_gaps(tmp_path: Path) -> None:
    frame = read(tmp_path, CSV).frame
    whole = frame.dropna()
    assert whole["score"].tolist() == [1.5, 2.5, 4.5, 5.25]
    assert whole["ses"].tolist() == [2, 3, 5, 1]
    assert whole["school"].tolist() == ["1", "1", "2", "3"]
    assert whole["kind"].tolist() == ["a", "b", "a", "b"]
    assert frame.isna().sum().to_dict() == {"score": 1, "ses": 1, "school": 0, "kind": 0}


def test_columns_that_are_not_named_are_not_looked_at(tmp_path: Path) -> None:
    mixed = CSV.replace("1,5;2;1;a", "1,5;two;1;a")
    assert len(read(tmp_path, mixed, "score", "school").frame.dropna()) == 5


@pytest.mark.parametrize("name", ["xlsx", "parquet"])
def test_other_files_give_the_same(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"score": [1.5, 2.5, np.nan], "school": [1, 1, 2], "kind": list("aba")})
    path = tmp_path / f"pupils.{name}"
    frame.to_excel(path, index=False) if name == "xlsx" else frame.to_parquet(path)
    found = read_table(path, ("score", "school", "kind"), groups=["school"]).frame
    np.testing.assert_array_equal(found["score"], [1.5, 2.5, np.nan])
    assert found["school"].tolist() == ["1", "1", "2"]


def labelled(folder: Path, labels: dict[float, str], **more: Any) -> Path:
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0], "q": [2.0, 1.0, 10.0, 1.0], "g": [1, 1, 2, 2]})
    path = folder / "survey.sav"
    pyreadstat.write_sav(frame, str(path), variable_value_labels={"q": labels}, **more)
    return path


def test_labels_decide_in_the_order_of_their_codes(tmp_path: Path) -> None:
    path = labelled(tmp_path, {10.0: "always", 1.0: "never", 2.0: "at times"})
    found = read_table(path, ("y", "q", "g"), groups=["g"]).frame["q"]
    assert list(found.cat.categories) == ["never", "at times", "always"]
    assert found.astype(str).tolist() == ["at times", "never", "always", "never"]


def test_codes_declared_missing_need_no_label(tmp_path: Path) -> None:
    path = labelled(tmp_path, {10.0: "no answer"}, missing_ranges={"q": [10.0]})
    found = read_table(path, ("y", "q", "g"), groups=["g"])
    assert found.frame["q"].dropna().tolist() == [2, 1, 1]
    assert found.frame.isna().sum().to_dict() == {"y": 0, "q": 1, "g": 0}


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        ({1.0: "never", 10.0: "always"}, "must have a label for every code, or for none"),
        ({1.0: "never", 2.0: "never", 10.0: "always"}, "must not give two codes one label"),
    ],
)
def test_labels_that_leave_a_code_open(tmp_path: Path, labels: dict[float, str], rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        read_table(labelled(tmp_path, labels), ("y", "q", "g"), groups=["g"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV.replace("2,5;3;1;b", "2.5;3;1;b"), "must use one decimal mark"),
        (
            CSV.replace("2,5;3;1;b", "2,5;SECRET;1;b"),
            "column 'ses', row 3: must be numbers in ever",
        ),
        (CSV.replace("5;2;a", "5;2;7"), "column 'kind', row 5: must be numbers in every row, or"),
        (CSV.replace("score;", "skore;"), "column 'score': is not in the file .* mean 'skore'"),
        (
            CSV.replace("3;NA;3;a", "three;NA;3;a"),
            "column 'score', row 7: must be numbers in every",
        ),
        ("score;ses;school;kind\n1,234;1;1;a\n5,678;2;1;b\n", "whether a comma parts decimals"),
        (CSV.replace("2,5;3;1;b", "2,5,5;3;1;b"), "column 'score': must be numbers with decimal m"),
    ],
)
def test_what_can_be_read_in_two_ways(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as refused:
        read(tmp_path, text)
    assert "SECRET" not in str(refused.value)


def test_the_mark_may_be_said(tmp_path: Path) -> None:
    text = "score;ses;school;kind\n1,234;1;1;a\n5,678;2;1;b\n"
    assert read(tmp_path, text, decimal=",").frame["score"].tolist() == [1.234, 5.678]


def test_letters_of_a_name_may_be_composed_in_two_ways(tmp_path: Path) -> None:
    """macOS writes an å as two characters; a keyboard gives one."""
    text = "ska\u030ar;school\n1,5;1\n2,5;2\n"
    assert read(tmp_path, text, "sk\u00e5r", "school").frame["sk\u00e5r"].tolist() == [1.5, 2.5]
    both = "ska\u030ar;sk\u00e5r;school\n1,5;3;1\n2,5;4;2\n"
    assert read(tmp_path, both, "sk\u00e5r", "school").frame["sk\u00e5r"].tolist() == [3, 4]


def test_a_number_that_no_float_can_hold(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"column 'score': must be numbers .*'1 others, or too large"
    ):
        read(tmp_path, CSV.replace("5,25", "1e400"))


@pytest.mark.parametrize("values", [pd.Timestamp("2020-01-01"), b"a", [1]], ids=str)
def test_what_parquet_declares_to_be_neither_numbers_nor_text(tmp_path: Path, values: Any) -> None:
    path = tmp_path / "pupils.parquet"
    pd.DataFrame({"y": [1.0, 2.0], "x": [values, values], "g": [1, 2]}).to_parquet(path)
    with pytest.raises(DataError, match=r"column 'x'.*: must hold numbers or text"):
        read_table(path, ("y", "x", "g"), groups=["g"])


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("xlsx", [date(2021, 3, i) for i in (1, 2, 3)]),
        ("xlsx", ["3-5", pd.Timestamp(2021, 1, 2), "6-9"]),  # an answer 1-2, as Excel keeps it
        ("sav", [date(2021, 3, i) for i in (1, 2, 3)]),
        ("sav", [pd.Timestamp(2021, 3, i, 12) for i in (1, 2, 3)]),
        ("sav", [time(8, i) for i in (1, 2, 3)]),
        ("dta", [date(2021, 3, i) for i in (1, 2, 3)]),
        ("dta", [pd.Timestamp(2021, 3, i, 12) for i in (1, 2, 3)]),
    ],
)  # fmt: skip
def test_dates_are_no_numbers_and_no_answers(tmp_path: Path, name: str, column: list[Any]) -> None:
    path = tmp_path / f"pupils.{name}"
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0], "when": column, "g": ["a", "b", "b"]})
    if name == "xlsx":
        frame.to_excel(path, index=False)
    else:
        (pyreadstat.write_sav if name == "sav" else pyreadstat.write_dta)(frame, str(path))
    assert read_table(path, ("y", "g"), groups=["g"]).frame["g"].tolist() == ["a", "b", "b"]
    with pytest.raises(DataError, match=r"column 'when', row \d: must hold numbers or text .*date"):
        read_table(path, ("y", "when", "g"), groups=["g"])
    if "3-5" in column:
        with pytest.raises(DataError, match="column 'when', row 3: must hold dates in every row"):
            read_table(path, ("y", "when"), groups=["when"])
    else:
        groups = read_table(path, ("y", "when"), groups=["when"]).frame["when"]
        assert groups.is_unique


def test_a_year_is_a_number(tmp_path: Path) -> None:
    """Of Stata's formats for times, %ty alone makes nothing else of the number."""
    frame = pd.DataFrame({"y": [1.0, 2.0], "born": [1999, 2001], "quarter": [224, 225]})
    path = tmp_path / "people.dta"
    formats = {"born": "%ty", "quarter": "%tq"}
    pyreadstat.write_dta(frame, str(path), variable_format=formats)
    found = read_table(path, ("y", "born", "quarter"), groups=["quarter"]).frame
    assert found["born"].tolist() == [1999, 2001]
    with pytest.raises(DataError, match="column 'quarter', row 2: must hold numbers or text"):
        read_table(path, ("y", "quarter"), groups=[])


@pytest.mark.parametrize("word", ["NULL", "NaN", "n/a", "<NA>", "#N/A", "#DIV/0!"])
@pytest.mark.parametrize("column", ["school", "kind", "ses"])
def test_words_of_programs_for_no_value(tmp_path: Path, word: str, column: str) -> None:
    rows = [line.split(";") for line in CSV.splitlines()]
    rows[2][NAMES.index(column)] = word
    with pytest.raises(DataError, match=f"column '{column}', row 3: .* nothing where there is"):
        read(tmp_path, "\n".join(map(";".join, rows)) + "\n")


def test_days_are_groups(tmp_path: Path) -> None:
    path = tmp_path / "pupils.parquet"
    pd.DataFrame({"y": [1.0, 2.0], "g": [date(2020, 1, 1), date(2020, 1, 2)]}).to_parquet(path)
    found = read_table(path, ("y", "g"), groups=["g"]).frame
    assert found["g"].tolist() == ["2020-01-01", "2020-01-02"]


def test_completed_sets_are_not_rows_of_one_study(tmp_path: Path) -> None:
    rows = CSV.replace(";NA;", ";2;").splitlines()
    text = "\n".join([f".imp;{rows[0]}", *(f"{i};{row}" for i in (1, 2) for row in rows[1:])])
    with pytest.raises(DataError, match=r"column '\.imp': .* several completed data .*2 of them"):
        read(tmp_path, text)
    one = "\n".join([f".imp;{rows[0]}", *(f"1;{row}" for row in rows[1:])])
    assert len(read(tmp_path, one).frame) == len(rows) - 1
