"""CSV: one way to read a file, or a refusal with its place."""

from pathlib import Path

import pytest

from bayes_sf.errors import DataError
from bayes_sf.inputs.files.delimited import CsvFormat, csv_format, csv_records
from bayes_sf.inputs.files.tabular import read_cells

GOOD = 'id;x;"a ""note"""\n1;2;ja\n3;4;nei\n'


def make(folder: Path, content: str | bytes) -> Path:
    path = folder / "f.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.replace("\n", "\r\n", 1),
        GOOD.rstrip("\n"),
        GOOD + "\n \n;;\n",
        GOOD.replace("id", " id "),
        GOOD.replace("ja", '"ja"').replace(";2;", ';"2";'),
    ],
)
def test_one_table_in_many_files(tmp_path: Path, content: str) -> None:
    frame = read_cells(make(tmp_path, content)).frame
    assert list(frame.columns) == ["id", "x", 'a "note"']
    assert frame.to_numpy().tolist() == [["1", "2", "ja"], ["3", "4", "nei"]]


def test_blank_rows_count_as_rows_and_cells_may_hold_lines(tmp_path: Path) -> None:
    path = make(tmp_path, 'id;x;y\n\n1;2;"to\nlinjer; og mer"\n;;\n3;4;5\n')
    records = list(csv_records(path, csv_format(path)))
    assert records == [(3, ["1", "2", "to\nlinjer; og mer"]), (5, ["3", "4", "5"])]
    assert read_cells(path).frame.index.tolist() == [3, 5]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('id;"x;y\n1;2;3\n', "row 1: must be CSV.*end of data"),
        ('"id"x;y;z\n1;2;3\n', "row 1: must be CSV"),
        ("i" * 200_000 + ";x\n1;2\n", "row 1: must be CSV.*field limit"),
        ("sep=;\nid;x\n1;2\n", "row 1: must be the header.*sep="),
        ("SEP = ,\nid,x\n1,2\n", "row 1: must be the header.*sep="),
        ("\ufeffsep=\t\nid\tx\n1\t2\n", "row 1: must be the header.*sep="),
        ("id;x,y\n1;2,3\n", "row 1: columns must be parted by ; or ,.*2 columns by either"),
        ("id|x\n1|2\n", "row 1: columns must be parted"),
        ('id;x;y\n1;"a;\n3;4;"b;\n5;6;7\n', "row 2.*must be CSV|row 2: must close its quotes"),
        ('id;x;y\n1;2;"a\n3;4;b"\n5;6;7\n', "row 2: must close its quotes"),
        ('id;x;y\n1;"a;2\n3;b";4\n5;6;7\n', "row 2: must close its quotes"),
        ('id;x;y\n1;2;"a\n\n3;4;b\n5;6;c"\n', "row 2: must close its quotes"),
        ('id;x;y\n1;2;3\n4;5;"a\n7;8;9\n', "row 3, line 3: must be CSV.*end of data"),
        ('id;x;y\n\n1;2;"a"b\n', "row 3, line 3: must be CSV"),
        (f"id;x;y\n1;2;{'a' * 200_000}\n", "row 2, line 2: must be CSV.*field limit"),
        ("id;x;y\n1;2\n", "row 2: must have 3 columns"),
        (b"id;x\n1;\x00\n", "got 'null bytes'"),
        ("id;x\n1;2\n".encode("utf-16"), "UTF-16"),
        ("id;x\n1;2\n".encode("utf-32-be"), "null bytes"),
        (b"id;x\n1;\x81\n", "bytes that are neither"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_refused(
    tmp_path: Path, content: str | bytes, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_cells(make(tmp_path, content))
    assert caught.value.exit_code == 3
    assert "f.csv" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;x\n1;2\n")

    def find(of: Path) -> CsvFormat:
        layout = csv_format(of)
        of.write_text("id;x\n1;3\n2;4\n")
        return layout

    monkeypatch.setattr("bayes_sf.inputs.files.tabular.csv_format", find)
    with pytest.raises(DataError, match=r"a\.csv: must stay as it is while it is used"):
        read_cells(path)
