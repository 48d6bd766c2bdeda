"""One file for each fault in `tests/bad_inputs/`: one clear message, exit code 3, no number shown.

`tests/bad_inputs/make.py` writes the files.
"""

import re
from pathlib import Path

import pandas as pd
import pytest

from bayes_sf.errors import DataError
from bayes_sf.inputs.register.reader import read_register
from bayes_sf.inputs.sample import load_sample
from bayes_sf.inputs.survey import read_survey

FOLDER = Path(__file__).parents[1] / "bad_inputs"
EXTRACTS = [FOLDER / "good_register_workplace.csv", FOLDER / "good_register_enterprise.csv"]

SURVEYS = {
    "survey_empty.csv": "must not be empty",
    "survey_header_only.csv": "at least one row below its header",
    "survey_missing_columns.csv": "no q13, q17",
    "survey_duplicated_columns.csv": "unique.*'q14.1'",
    "survey_wrong_delimiter.csv": "parted by ; or ,",
    "survey_wrong_encoding.csv": "UTF-8 or cp1252.*UTF-16",
    "survey_unknown_industry.csv": "row 5, column industry: got something.*, allowed: one of 1",
    "survey_code_outside_codebook.csv": "row 6, column q13: got something.*, allowed: one of 1 ",
    "survey_answer_where_not_asked.csv": r"row \d+, column q20r1: got 'some_extent', allowed: not",
    "survey_invalid_number.csv": "row 7, column org_nr: .*control digit",
    "survey_workplace_twice.csv": "(?s)row 8, column org_nr.*row 9, column org_nr.*each workplace",
    "survey_truncated.sav": "whole SPSS file",
    "survey_directory.csv": "must be a file.*directory",
    "survey_10000_columns.csv": "at most 1000 columns.*10000",
    "survey_that_is_not_there.csv": "must exist",
    "make.py": "must end in one of .csv",
}
REGISTERS = {
    "survey_empty.csv": "must not be empty",
    "survey_directory.csv": "must be a file.*directory",
    "survey_10000_columns.csv": "at most 1000 columns.*10000",
    "register_header_only.csv": "at least one row below its header",
    "register_missing_columns.csv": "18 columns of table 7.*no mdagsv",
    "register_duplicated_columns.csv": "unique.*'mdag_kv'",
    "register_wrong_delimiter.csv": "parted by ; or ,.*'|'",
    "register_text_in_numbers.csv": r"row 4, column sfdagsvj: must be a number.*'another value'",
    "register_two_rows.csv": "rows 2, 22: must have one row for each workplace and quarter.*2016Q1",
    "register_quarter_2016K5.csv": "row 5, column aar_kvartal: must be a quarter.*'another value'",
    "register_invalid_number.csv": "row 6, column org_nr: must be an organisation number",
    "register_two_decimal_marks.csv": "one decimal mark.*1 cells with a comma",
    "register_point_of_decimals_or_thousands.csv": "decimals or thousands.*decimal='.'",
    "register_comma_of_thousands.csv": "row 3, column mdagsv: must be a number.*'another value'",
    "register_ragged.csv": "row 4: must have 18 columns like the header.*got 19",
    "register_truncated.parquet": "whole Parquet file",
}


def assert_clear(error: DataError, name: str, words: str) -> None:
    message = str(error)
    assert re.search(words, message)
    assert name in message
    assert error.exit_code == 3
    assert not re.search(r"\d{8}", message), "a workplace number is shown"
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


@pytest.mark.parametrize(("name", "words"), SURVEYS.items())
def test_a_faulty_survey_is_refused_with_one_clear_message(name: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_survey(FOLDER / name)
    assert_clear(caught.value, name, words)


@pytest.mark.parametrize(("name", "words"), REGISTERS.items())
def test_a_faulty_extract_is_refused_with_one_clear_message(name: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_register(FOLDER / name)
    assert_clear(caught.value, name, words)


def test_a_survey_with_no_workplace_in_the_register_is_refused() -> None:
    with pytest.raises(DataError, match="must have workplaces in common") as caught:
        load_sample(survey=FOLDER / "survey_not_in_register.csv", register=EXTRACTS)
    assert_clear(caught.value, "survey", "none of 24")


def test_every_file_in_the_folder_is_tested() -> None:
    tested = {*SURVEYS, *REGISTERS, "survey_not_in_register.csv"}
    kept = {path.name for path in FOLDER.iterdir() if not path.name.startswith(("good_", "__"))}
    assert kept <= tested


def test_the_same_files_without_faults_are_read() -> None:
    sample = load_sample(survey=FOLDER / "good_survey.csv", register=EXTRACTS)
    assert len(sample.frame) == 24
    assert sample.frame["linked"].sum() == 22
    assert sample.problems.empty


SECRETS = ("974.760.673", "974-760-67x", "97 47 60 67x", "9747/60", "Kari Hansen, tlf 81 54")


def test_no_message_quotes_a_text_of_a_cell(tmp_path: Path) -> None:
    """Nor a short one: a message has file, row, column and rule, and answers that are known."""
    survey = pd.read_csv(FOLDER / "good_survey.csv", sep=";", dtype=str)
    for row, secret in enumerate(SECRETS):
        survey.loc[row, "q3"] = secret
    survey.loc[0, ["org_nr", "industry"]] = "974 760 67x", "tlf 8154"
    survey.to_csv(tmp_path / "s.csv", index=False, sep=";")
    with pytest.raises(DataError) as caught:
        read_survey(tmp_path / "s.csv", key=bytes(32))
    for row in range(2, 2 + len(SECRETS)):
        assert f"row {row}, column q3: got something that is not shown" in str(caught.value)
    assert not re.search(r"974|97 47|Kari|81 ?54", str(caught.value))
    register = pd.read_csv(FOLDER / "good_register_workplace.csv", sep=None, engine="python")
    spoilt = register.head(4).astype(str)
    spoilt.loc[2, "mdagsv"] = SECRETS[-1]
    spoilt.to_csv(tmp_path / "r.csv", index=False, sep=";")
    with pytest.raises(DataError, match=r"row 4, column mdagsv.*'another value'") as caught:
        read_register(tmp_path / "r.csv", key=bytes(32), decimal=".")
    assert not re.search(r"Kari|81 ?54", str(caught.value))
