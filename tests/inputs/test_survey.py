"""The survey reader: any spelling, any file, and three kinds of no answer."""

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from bayes_sf.errors import DataError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.survey import read_survey
from bayes_sf.output.words.problems import problem_lines
from tests.tools import spoken

GOOD = Path(__file__).parents[1] / "bad_inputs" / "good_survey.csv"
KEY = b"the key of these tests"


@pytest.fixture(scope="module")
def codes() -> pd.DataFrame:
    return pd.read_csv(GOOD, sep=";", dtype=str)


def read(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
    path = folder / "survey.csv"
    frame.to_csv(path, sep=";", index=False)
    return read_survey(path, key=KEY).frame


def spell(codes: pd.DataFrame, how: str) -> pd.DataFrame:
    """Write every code in another way."""
    spelt = codes.copy()
    for item in load_codebook().items.values():
        if item.kind == "multi":
            continue
        answers = (*item.categories, *item.missing)
        words = {str(answer.code): getattr(answer, how) for answer in answers}
        spelt[item.key] = codes[item.key].map(words)
    return spelt


@pytest.mark.parametrize("how", ["key", "label_nb", "label_en"])
def test_answers_may_be_codes_keys_or_labels_in_two_languages(
    tmp_path: Path, codes: pd.DataFrame, how: str
) -> None:
    spelt = spell(codes, how)
    pd.testing.assert_frame_equal(read(tmp_path, spelt), read(tmp_path, codes))
    loud = spelt.apply(lambda column: column.str.upper())
    pd.testing.assert_frame_equal(read(tmp_path, loud), read(tmp_path, codes))


def test_answers_may_be_as_the_report_prints_them(tmp_path: Path, codes: pd.DataFrame) -> None:
    spelt = codes.assign(
        q13=codes["q13"].map({"1": "I svært liten grad", "98": "Vet ikke/Vil ikke svare"}),
        q17=codes["q17"].map({"1": "Ja", "2": "Nei"}),
    )
    spelt["q13"] = spelt["q13"].fillna(codes["q13"])
    pd.testing.assert_frame_equal(read(tmp_path, spelt), read(tmp_path, codes))


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
def test_norwegian_letters_survive_every_encoding(
    tmp_path: Path, codes: pd.DataFrame, encoding: str
) -> None:
    path = tmp_path / "norwegian.csv"
    spell(codes, "label_nb").to_csv(path, sep=";", index=False, encoding=encoding)
    expected = read(tmp_path, codes)
    pd.testing.assert_frame_equal(read_survey(path, key=KEY).frame, expected)


def test_dont_know_not_asked_and_missing_stay_three_things(
    tmp_path: Path, codes: pd.DataFrame
) -> None:
    asked = codes["q19r1"].isin(["4", "5"])
    inside, outside = codes.index[asked][:2], codes.index[~asked][0]
    holes = codes.copy()
    holes.loc[inside[0], "q20r1"] = "98"
    holes.loc[[inside[1], outside], "q20r1"] = ""
    answers = read(tmp_path, holes)["q20r1"]
    assert answers[inside[0]] == "dont_know"
    assert pd.isna(answers[inside[1]])
    assert answers[outside] == "not_asked"


def test_an_empty_filter_leaves_open_who_was_asked(tmp_path: Path, codes: pd.DataFrame) -> None:
    holes = codes.copy()
    holes.loc[0, ["q19r1", "q20r1"]] = ""
    assert read(tmp_path, holes).loc[0, ["q19r1", "q20r1"]].isna().all()


def test_not_asked_where_the_filter_asked_is_a_fault(tmp_path: Path, codes: pd.DataFrame) -> None:
    row = codes.index[codes["q19r1"].isin(["4", "5"])][0]
    holes = codes.copy()
    holes.loc[row, "q20r1"] = "99"
    said = f"got '1 fault'.*row {row + 2}, column q20r1: got 'not_asked'"
    with pytest.raises(DataError, match=said):
        read(tmp_path, holes)


def test_every_fault_is_told_at_once_and_counted(tmp_path: Path, codes: pd.DataFrame) -> None:
    spoilt = codes.copy()
    spoilt.loc[:11, "q3"] = "often"
    spoilt.loc[5, "q17"] = "4"
    with pytest.raises(DataError) as caught:
        read(tmp_path, spoilt)
    message = str(caught.value)
    assert "13 faults" in message
    assert (
        "row 7, column q17: got something that is not shown, allowed: one of 1 (yes), 2 (no)"
        in message
    )
    assert message.endswith("and 3 more")


def test_spss_labels_go_before_codes_and_user_missing_codes_stay(
    tmp_path: Path, codes: pd.DataFrame
) -> None:
    path = tmp_path / "survey.sav"
    numeric = codes.apply(pd.to_numeric).rename(columns=lambda name: name.replace(".", "_"))
    numeric["q13"] = numeric["q13"].map({1: 5, 2: 4, 3: 3, 4: 2, 5: 1, 98: 6})
    labels = ["I svært stor grad", "I stor grad", "I noen grad", "I liten grad"]
    labels += ["I svært liten grad", "Vet ikke"]
    pyreadstat.write_sav(
        numeric,
        str(path),
        variable_value_labels={"q13": dict(enumerate(labels, start=1))},
        missing_ranges={"q13": [6], "q20r1": [{"lo": 98, "hi": 99}]},
    )
    got = read_survey(path, key=KEY)
    pd.testing.assert_frame_equal(got.frame, read(tmp_path, codes))
    assert (got.frame["q13"] == "dont_know").any()


def test_columns_may_be_renamed_and_others_are_set_aside(
    tmp_path: Path, codes: pd.DataFrame
) -> None:
    path = tmp_path / "renamed.csv"
    renamed = codes.rename(columns={"q13": "sporsmal13", "org_nr": "ORG_NR"}).assign(comment="hei")
    renamed.to_csv(path, index=False)
    again = read_survey(path, key=KEY, mapping={"q13": "sporsmal13"})
    pd.testing.assert_frame_equal(again.frame, read(tmp_path, codes))
    assert again.aside == ("comment",)


def test_the_digest_follows_the_answers_and_not_the_key(
    tmp_path: Path, codes: pd.DataFrame
) -> None:
    path = tmp_path / "survey.csv"
    codes.to_csv(path, index=False)
    one, two = (read_survey(path, key=key) for key in (b"1", b"2"))
    assert one.digest == two.digest
    assert not set(one.frame["workplace"]) & set(two.frame["workplace"])
    codes.assign(q3="1").to_csv(path, index=False)
    assert read_survey(path, key=b"1").digest != one.digest


def test_no_workplace_number_leaves_the_door(codes: pd.DataFrame) -> None:
    text = read_survey(GOOD).frame.to_csv(index=False)
    assert not any(number in text for number in codes["org_nr"])


def test_a_question_passed_over_is_counted_where_it_is_read_as_no_option(
    tmp_path: Path, codes: pd.DataFrame
) -> None:
    """A file that codes options 1 or blank: who marked none and went on is told of, in one line."""
    path = tmp_path / "survey.csv"
    names = [name for name in codes if name.startswith("q14.")]
    options = codes[names].where(codes[names] == "1")
    options.loc[[2, 7]] = None
    codes.assign(**options).to_csv(path, index=False, sep=";")
    got = read_survey(path, key=KEY)
    assert (got.frame.loc[[2, 7], names] == "not_chosen").all(axis=None)
    none = int(options.isna().all(axis=1).sum())
    assert got.problems[["file", "rows"]].to_numpy().tolist() == [["survey.csv: q14", none]]
    (line,) = spoken("nb", problem_lines, got.problems)
    assert line == (
        "survey.csv: q14: ikke noe alternativ krysset av, og senere spørsmål besvart "
        f"(rader: {none}); alle er lest som ikke valgt"
    )
    assert read_survey(GOOD, key=KEY).problems.empty


def test_a_survey_shows_its_digest_and_no_answer() -> None:
    survey = read_survey(GOOD, key=KEY)
    assert repr(survey) == f"Survey(digest={survey.digest!r}, aside=())"
