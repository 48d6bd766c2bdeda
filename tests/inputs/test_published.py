"""The transcription misses nothing, mends nothing, and says what a printed figure can stand for."""

import re
import subprocess
import sys
from collections import Counter
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_sf.errors import UsageError
from bayes_sf.inputs.published import DECIMALS, published_table, rounding_interval, scalar
from bayes_sf.resources import data_dir

CHECKOUT = Path(__file__).resolve().parents[2]
REPORT = CHECKOUT.parent / "shared" / "report" / "report.txt"
INDUSTRIES = ["construction", "architects", "ict", "care", "kindergarten", "education"]
MULTIPLE = ["q10.1", "q12", "q14", "q16", "q26.1"]
FILES = {
    "samples": (28, "table,industry,label,count,percent"),
    "univariate": (181, "table,question,category,count,percent"),
    "by_industry": (1080, "table,question,category,industry,count,percent"),
    "coefficients": (148, "table,outcome,model,question,term,estimate,se,t,ci_low,ci_high,n,unit"),
    "scalars": (None, "name,value,where,note"),
}


@pytest.fixture(scope="module")
def report() -> str:
    if not REPORT.is_file():
        pytest.skip(f"the report's text is not at {REPORT}")
    return REPORT.read_text(encoding="utf-8")


# --- nothing is missed: counted in the text without the parser's rules -------------------------


def test_parser_reproduces_the_committed_files(report: str, tmp_path: Path) -> None:
    assert report
    script = data_dir() / "published" / "parse_report.py"
    subprocess.run([sys.executable, script, REPORT, tmp_path], check=True, capture_output=True)
    assert {file.stem for file in tmp_path.iterdir()} == set(FILES)
    for file in tmp_path.iterdir():
        committed = data_dir() / "published" / file.name
        assert file.read_bytes() == committed.read_bytes(), file.name


def test_every_cell_with_a_count_is_transcribed(report: str) -> None:
    printed = re.findall(r"(\d+\.\d) %\s*\((\d+)\)", report)
    rows = published_table("by_industry").dropna(subset="count")
    assert Counter(printed) == Counter(zip(rows["percent"], rows["count"].astype(str), strict=True))


def test_every_whole_percentage_of_table_29_is_transcribed(report: str) -> None:
    body = report[report.rindex("Tabell 29:") : report.rindex("Tabell 30:")]
    printed = re.findall(r"(\d+) % ", body)
    assert printed == list(published_table("29")["percent"])


def test_every_row_of_table_11_is_transcribed(report: str) -> None:
    body = report[report.rindex("Tabell 11:") : report.rindex("Vedlegg 4:")]
    printed = re.findall(r"(\d+) (\d+(?:\.\d+)?) % *$", body, re.MULTILINE)
    table = published_table("11")
    assert printed == list(zip(table["count"].astype(str), table["percent"], strict=True))


def test_every_row_of_five_numbers_is_transcribed(report: str) -> None:
    number = r"-?\d+(?:\.\d+)?"
    found = re.findall(rf"(?<!\S){number}(?: {number}){{4}}(?!\S)", report)
    columns = ["estimate", "se", "t", "ci_low", "ci_high"]
    rows = published_table("coefficients")[columns]
    assert Counter(found) == Counter(rows.agg(" ".join, axis="columns"))


def test_every_sample_row_is_transcribed(report: str) -> None:
    before_annexes = report[: report.rindex("Tabell 11:")]
    printed = re.findall(r"(\d+) (\d+(?:,\d)?) % *$", before_annexes, re.MULTILINE)
    rows = published_table("samples")
    percent = rows["percent"].str.replace(".", ",")
    assert printed == list(zip(rows["count"].astype(str), percent, strict=True))


def test_every_sample_size_of_a_caption_is_a_scalar(report: str) -> None:
    captions = re.findall(r"\(N ?= ?\[?(\d+)(?:, (\d+)\])?\)", report)
    printed = {int(n) for pair in captions for n in pair if n}
    names = [name for name in published_table("scalars")["name"] if name.startswith("n_")]
    assert printed <= {scalar(name) for name in names}


# --- the files hold together -------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_rows_and_columns(file: str) -> None:
    n_rows, header = FILES[file]
    table = published_table(file)
    assert ",".join(table.columns) == header
    assert n_rows in {None, len(table)}
    assert not table.duplicated().any()


def test_whole_files_are_the_sum_of_their_tables() -> None:
    for file in ("samples", "univariate", "by_industry", "coefficients"):
        whole = published_table(file)
        parts = pd.concat([published_table(table) for table in whole["table"].unique()])
        pd.testing.assert_frame_equal(whole, parts.reset_index(drop=True))


def test_tables_are_all_there() -> None:
    numbers = [str(n) for n in (1, 3, 4, 5, 6, 8, 9, *range(11, 48))]
    assert set(DECIMALS) == {"figure5", *numbers}
    assert all(len(published_table(key)) > 0 for key in DECIMALS)


@pytest.mark.parametrize("key", ["1", "6", "8", "9"])
def test_industries_add_up_to_the_sample(key: str) -> None:
    table = published_table(key).set_index("industry")["count"]
    assert list(table.index) == [*INDUSTRIES, "total"]
    assert table[INDUSTRIES].sum() == table["total"]


def test_single_answers_add_up_to_the_surveyed_in_every_industry() -> None:
    surveyed = published_table("1").set_index("industry")["count"][INDUSTRIES]
    single = published_table("by_industry").query("question not in @MULTIPLE")
    counted = single.pivot_table("count", "question", "industry", aggfunc="sum")
    assert len(counted) == 29
    assert (counted[INDUSTRIES] == surveyed).all(axis=None)


def test_industries_add_up_to_table_11() -> None:
    # Category names differ between the two annexes, so counts are compared in printed order.
    total = published_table("by_industry").groupby(["question", "category"], sort=False)["count"]
    by_industry = total.sum(min_count=6)
    for question, table in published_table("11").groupby("question"):
        if question in {"industry", "q16"}:
            continue
        summed = Counter(n for n in by_industry[question] if n > 0)
        # Annex 4 puts the number not asked where annex 3 has don't know, or has no row for it.
        if question in {"q10.1", "q12", "q26.1"}:
            not_asked = by_industry[question].iloc[-1]
            assert not_asked == 605 - asked(question)
            summed -= Counter([not_asked])
            table = table[table["category"] != "Vet ikke"]  # noqa: PLW2901
        assert summed == Counter(table["count"]), question


def asked(question: str) -> int:
    filter_question = {"q10.1": "q9", "q12": "q11", "q26.1": "q25"}[question]
    counts = published_table("11").set_index(["question", "category"])["count"]
    return int(counts[filter_question, "Ja"])


def test_percentages_are_their_counts_over_the_sample() -> None:
    surveyed = published_table("1").set_index("industry")["count"]
    rows = pd.concat(
        [published_table("11").assign(industry="total"), published_table("by_industry")]
    )
    rows = rows.dropna(subset="count")
    exact = 100 * rows["count"] / rows["industry"].map(surveyed)
    bounds = [rounding_interval(percent, decimals=1) for percent in rows["percent"]]
    outside = [not low <= x <= high for x, (low, high) in zip(exact, bounds, strict=True)]
    assert not any(outside), rows[outside]


def test_each_outcome_has_thirty_models_with_an_intercept_each() -> None:
    for key in ("46", "47"):
        table = published_table(key)
        constants = table[table["term"] == "Konstantledd"]
        assert constants["question"].is_unique
        assert len(constants) == scalar(f"n_models_table{key}") == 30
        assert set(constants["question"]) == set(table["question"])


def test_wrapped_terms_are_whole() -> None:
    terms = published_table("coefficients")["term"]
    q21 = terms[terms.str.startswith("q21: Andre")]
    assert list(q21) == ["q21: Andre partssammensatte utvalg som jobber med arbeidsmiljø"] * 2
    assert set(published_table("3")["term"]) - set(published_table("5")["term"]) == {"q13"}


def test_a_row_before_its_heading_is_given_to_its_question() -> None:
    table = published_table("11").set_index(["question", "category"])["count"]
    assert table["q20r2", "I svært liten grad"] == 1
    assert ("q20r1", "I svært liten grad") not in table.index


def test_contradictions_of_the_report_are_kept() -> None:
    assert scalar("n_figure7") > scalar("n_change")
    files = scalar("n_file_workplace_number") + scalar("n_file_enterprise_number")
    assert files - scalar("n_duplicates") != scalar("n_linked")
    assert scalar("n_surveyed") - scalar("n_not_found") == scalar("n_linked")


def test_icc_is_its_variance_components() -> None:
    between, within = scalar("var_between"), scalar("var_within")
    lower, upper = rounding_interval("0.299")
    assert lower <= between / (between + within) <= upper


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["48", "figur5", "", "2"])
def test_unknown_table(key: str) -> None:
    with pytest.raises(UsageError, match="no such table") as error:
        published_table(key)
    assert error.value.exit_code == 2
    assert "figure5" in str(error.value)
    assert "scalars" in str(error.value)


def test_unknown_scalar_names_what_is_close() -> None:
    with pytest.raises(UsageError, match=r"did you mean icc_mean.*known: n_surveyed"):
        scalar("icc_meen")


def test_a_claim_is_not_a_number() -> None:
    with pytest.raises(UsageError, match="claim in words"):
        scalar("claim_exceptions")


def test_scalars_read_commas_and_thousands() -> None:
    assert scalar("var_between") == 0.0003514
    assert scalar("employees_covered") == 800_000


def test_a_returned_table_can_be_changed_without_harm() -> None:
    table = published_table("1")
    table.loc[0, "count"] = 0
    assert published_table("1").loc[0, "count"] == 124


@pytest.mark.parametrize(
    ("printed", "decimals", "expected"),
    [
        ("0", 3, (-0.0005, 0.0005)),
        ("0.05", 3, (0.0495, 0.0505)),
        ("-2.332", None, (-2.3325, -2.3315)),
        ("0,0003514", None, (0.00035135, 0.00035145)),
        ("26", 1, (25.95, 26.05)),
        ("57", 0, (56.5, 57.5)),
        ("800 000", None, (799_999.5, 800_000.5)),
        ("-0.0", None, (-0.05, 0.05)),
    ],
)
def test_rounding_interval(
    printed: str, decimals: int | None, expected: tuple[float, float]
) -> None:
    assert rounding_interval(printed, decimals=decimals) == expected


@given(
    exact=st.decimals(-1000, 1000, places=8),
    decimals=st.integers(0, 6),
    rounding=st.sampled_from([ROUND_HALF_EVEN, ROUND_HALF_UP]),
    drop_zeros=st.booleans(),
)
def test_rounding_interval_holds_what_was_rounded(
    exact: Decimal, decimals: int, rounding: str, drop_zeros: bool
) -> None:
    printed = str(exact.quantize(Decimal(1).scaleb(-decimals), rounding))
    if drop_zeros and "." in printed:
        printed = printed.rstrip("0").rstrip(".")
    lower, upper = rounding_interval(printed, decimals=decimals)
    assert lower <= float(exact) <= upper
    assert upper - lower == pytest.approx(10.0**-decimals)


@pytest.mark.parametrize("printed", ["", "x", "1.2.3", "1e3", "12 %", "nan", "1,2,3"])
def test_what_is_no_number_is_refused(printed: str) -> None:
    with pytest.raises(UsageError, match="must be digits"):
        rounding_interval(printed)


def test_more_decimals_than_the_table_has_are_refused() -> None:
    with pytest.raises(UsageError, match="more than 2 decimals"):
        rounding_interval("0.123", decimals=2)
