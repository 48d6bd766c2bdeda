"""Workplace numbers: one reading of every spelling, and no message that gives one away."""

import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_sf.errors import DataError
from bayes_sf.inputs.pseudonym import mask_numbers, pseudonym, workplace_number
from bayes_sf.inputs.register.reader import read_register
from bayes_sf.inputs.sample import load_sample
from bayes_sf.inputs.survey import read_survey

sys.path.insert(0, str(Path(__file__).parents[1] / "bad_inputs"))
from make import numbers, register

FOLDER = Path(__file__).parents[1] / "bad_inputs"
KEY = b"the key of these tests"
YEAR = ("2019Q1", "2019Q4")
NUMBERS = numbers(40)
BLANKS = (" ", "\t", "\u00a0", "\u2009", "\u202f", "\u3000", "\u200b", "\ufeff", "\u2060")
PARTS = (*BLANKS, "-", "\u2010", "\u2011", "\u2013", "\u2212", "/", "'", "\u2019", ".", "\uff0e")
ZEROS = (0x30, 0xFF10, 0x660, 0x6F0, 0x966, 0x1D7CE)
"""The zero of six scripts, each followed by its other digits."""


def control_is_right(digits: str) -> bool:
    """Modulus 11, as Brønnøysundregistrene describes it."""
    weighed = zip((3, 2, 7, 6, 5, 4, 3, 2, 1), digits, strict=True)
    return sum(weight * int(digit) for weight, digit in weighed) % 11 == 0


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A number and one way to write it."""
    number = draw(st.sampled_from(NUMBERS))
    zero = draw(st.sampled_from(ZEROS))
    written = "".join(chr(zero + int(digit)) for digit in number)
    form = draw(st.sampled_from(("parted", "blanks", "float", "scientific")))
    if form == "float":
        return number, written + draw(st.sampled_from((".0", ",0", ".000", ".")))
    if form == "scientific":
        return number, f"{number[0]}.{number[1:]}" + draw(st.sampled_from(("e8", "E+08", "e+008")))
    if form == "parted":
        mark = draw(st.sampled_from(PARTS))
        return number, mark.join((written[:3], written[3:6], written[6:]))
    blanks = draw(st.lists(st.sampled_from(("", *BLANKS)), min_size=10, max_size=10))
    return number, "".join(map(str.__add__, blanks, [*written, ""]))


@given(spellings())
@settings(deadline=None)
def test_a_number_is_the_same_however_it_is_written(pair: tuple[str, str]) -> None:
    number, written = pair
    assert control_is_right(number)
    assert workplace_number(written) == number
    assert pseudonym(written, key=KEY) == pseudonym(number, key=KEY)
    assert not any(c.isdigit() for c in mask_numbers(f"se {written} i dag"))


@pytest.mark.parametrize(
    "cell",
    ["", " ", "-100000008", "+100000008", "100000008.5", "1000000.08", "1.0e8", "1.00000E+08",
     "10000000", "1000000080", "100000008a", "NO100000008MVA", "1_00000008", "10000000\u2078",
     "100.00.0008", "1,0,0,0,0,0,0,0,8", "100000008e0", "nan", "None"],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_or_has_lost_digits_is_no_number(cell: str) -> None:
    assert control_is_right("100000008")
    assert workplace_number("100000008") == "100000008"
    assert workplace_number(cell) is None


@given(st.text(alphabet="0123456789 .,-/aO\u00a0\u0663\uff17\u2462", max_size=25))
@settings(deadline=None)
def test_a_mask_leaves_too_few_digits_to_find_a_number(text: str) -> None:
    assert sum(c.isnumeric() for c in mask_numbers(text)) <= 6


def small(n: int) -> pd.DataFrame:
    """One year of a few workplaces."""
    frame = register(NUMBERS[:n], seed=5)
    return frame[frame["aar_kvartal"].str.startswith("2019")].reset_index(drop=True)


def test_survey_and_register_read_the_same_spellings(tmp_path: Path) -> None:
    people = pd.read_csv(FOLDER / "good_survey.csv", sep=";", dtype=str)
    rows = small(len(people))
    ways = [f"{n[:3]}\u00a0{n[3:6]}\u2009{n[6:]}" for n in people["org_nr"]]
    ways = [way if i % 2 else f"{way[:3]}.{way[4:7]}.{way[8:]}" for i, way in enumerate(ways)]
    odd = dict(zip(people["org_nr"], ways, strict=True))
    rows = rows.assign(org_nr=rows["org_nr"].map(odd).fillna(rows["org_nr"]))
    rows.to_csv(tmp_path / "r.csv", index=False)
    people.assign(org_nr=ways[::-1]).to_csv(tmp_path / "s.csv", index=False, sep=";")
    found = set(read_survey(tmp_path / "s.csv", key=KEY).frame["workplace"])
    assert found == {pseudonym(number, key=KEY) for number in people["org_nr"]}
    read = read_register(tmp_path / "r.csv", key=KEY, period=YEAR, change=YEAR)
    assert set(read.workplaces["workplace"]) == {pseudonym(n, key=KEY) for n in NUMBERS[:24]}


@pytest.mark.parametrize(
    "kind",
    ["float64", "decimal", *(pytest.param(k, marks=pytest.mark.slow) for k in ("str", "Float64"))],
)
def test_the_register_reads_numbers_of_every_parquet_type(tmp_path: Path, kind: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = small(3)
    numbers_ = rows["org_nr"].astype("int64")
    column = (
        pa.array(numbers_.map(Decimal).tolist(), pa.decimal128(12, 2))
        if kind == "decimal"
        else pa.array(numbers_.astype("int64" if kind == "str" else kind).astype(kind))
    )
    table = pa.Table.from_pandas(rows).set_column(0, "org_nr", column)
    pq.write_table(table, tmp_path / "r.parquet")
    read = read_register(tmp_path / "r.parquet", key=KEY, period=YEAR, change=YEAR)
    assert set(read.workplaces["workplace"]) == {pseudonym(n, key=KEY) for n in NUMBERS[:3]}


def test_numbers_in_single_precision_are_refused(tmp_path: Path) -> None:
    rows = small(3)
    rows.astype({"org_nr": "float32"}).to_parquet(tmp_path / "r.parquet")
    with pytest.raises(DataError, match=r"column org_nr.*lost digits"):
        read_register(tmp_path / "r.parquet", key=KEY)


def test_a_workplace_twice_is_found_in_both_files(tmp_path: Path) -> None:
    rows = small(3)
    again = rows.iloc[:1].assign(org_nr=f"{NUMBERS[0][:3]} {NUMBERS[0][3:]}", sfdagsvj=1.0)
    pd.concat([rows, again]).to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(DataError, match="one row for each workplace and quarter"):
        read_register(tmp_path / "r.csv", key=KEY, period=YEAR, change=YEAR)
    people = pd.read_csv(FOLDER / "good_survey.csv", sep=";", dtype=str)
    first, _, *rest = people["org_nr"]
    people["org_nr"] = [first, f"{first}.0", *rest]
    people.to_csv(tmp_path / "s.csv", index=False, sep=";")
    with pytest.raises(DataError, match="each workplace once") as caught:
        read_survey(tmp_path / "s.csv", key=KEY)
    assert not re.search(r"\d{6}", str(caught.value))


def test_a_number_in_another_column_is_not_quoted(tmp_path: Path) -> None:
    rows = small(3).astype(object)
    wide = "".join(chr(0xFF10 + int(digit)) for digit in NUMBERS[1])
    for column, cell in (("mdagsv", f"se {NUMBERS[0][:4]} {NUMBERS[0][4:8]}x"), ("td_kv", wide)):
        spoilt = rows.copy()
        spoilt[column] = [*rows[column][:2], cell, *rows[column][3:]]
        spoilt.to_csv(tmp_path / "r.csv", index=False)
        with pytest.raises(DataError, match=f"row 4, column {column}") as caught:
            read_register(tmp_path / "r.csv", key=KEY)
        assert sum(c.isdigit() for c in str(caught.value).split("(got", 1)[1]) == 0


def test_one_enterprise_for_several_workplaces_is_reported(tmp_path: Path) -> None:
    people = pd.read_csv(FOLDER / "good_survey.csv", sep=";", dtype=str)
    shared = people.assign(enterprise_nr=None)
    shared.loc[:4, "enterprise_nr"] = NUMBERS[30]
    shared.loc[5, "enterprise_nr"] = str(shared.loc[5, "org_nr"])
    shared.to_csv(tmp_path / "s.csv", index=False, sep=";")
    rows = pd.concat([small(24).iloc[20:], register(NUMBERS[30:31], seed=3)])
    rows.to_csv(tmp_path / "r.csv", index=False)
    sample = load_sample(survey=tmp_path / "s.csv", register=tmp_path / "r.csv", key=KEY)
    found = sample.problems.set_index("fault")["rows"]
    assert found["the same register record as another workplace"] == 5
    assert found["the enterprise number is the workplace's own"] == 1
