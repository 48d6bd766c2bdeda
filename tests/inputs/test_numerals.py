"""Decimal marks: found in a file's texts, never guessed."""

from typing import Literal

import ibis
import pytest

from bayes_sf.errors import DataError
from bayes_sf.inputs.files.delimited import CsvFormat
from bayes_sf.inputs.files.numerals import StoredNumber, as_number, find_decimal_mark

type Written = Literal["semicolon", "comma", "typed"]
LAYOUTS = {
    "semicolon": CsvFormat("utf-8-sig", ";", ("a", "b")),
    "comma": CsvFormat("utf-8-sig", ",", ("a", "b")),
    "typed": None,
}


def find(cells: list[str | None], written: Written, decimal: str | None = None) -> str:
    table = ibis.memtable({"a": cells, "b": ["7"] * len(cells)}, schema={"a": "str", "b": "str"})
    return find_decimal_mark("f", table, ["a", "b"], LAYOUTS[written], decimal)


@pytest.mark.parametrize(
    ("cells", "written", "mark"),
    [
        (["1,5", "1,234"], "semicolon", ","),
        (["1.5", "1.234", ".", ".."], "semicolon", "."),
        (["1234", None], "semicolon", ","),
        (["1.234"], "comma", "."),
        (["1.5", "1.234"], "typed", "."),
        (["12345e-1", ".."], "typed", "."),
    ],
)
def test_a_mark_that_can_be_read_in_one_way(
    cells: list[str | None], written: Written, mark: str
) -> None:
    assert find(cells, written) == mark


@pytest.mark.parametrize(
    ("cells", "written", "words"),
    [
        (["1,5", "2.5"], "semicolon", "one decimal mark.*1 cells with a comma and 1 with a point"),
        (["1.234", "12.345.678"], "semicolon", "whether a point parts decimals or thousands"),
        (["1,234", "12,345"], "semicolon", "whether a comma parts decimals or thousands"),
        (["1.234", "12345e-1"], "typed", "whether a point parts decimals or thousands"),
        (["1,5", "12345e-1"], "typed", "column a.*1 texts with a comma.*decimal=','"),
    ],
)
def test_a_mark_that_can_be_read_in_two_ways_is_refused_until_it_is_told(
    cells: list[str | None], written: Written, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        find(cells, written)
    assert find(cells, written, ",") == ","
    assert find(cells, written, ".") == "."


@pytest.mark.parametrize("number", [0.1, -1234.5, 1e-7, 123456789.125, 1e22, -0.0, 2.0**-40])
@pytest.mark.parametrize("mark", [",", "."])
def test_a_stored_number_is_itself_whatever_the_mark(number: float, mark: str) -> None:
    text = StoredNumber(repr(number)).without_mark
    table = ibis.memtable({"a": [text]}, schema={"a": "str"})
    value, unreadable = as_number(table.a, mark)
    row = table.select(value=value, unreadable=unreadable).to_pyarrow().to_pylist()[0]
    assert row == {"value": number, "unreadable": False}
