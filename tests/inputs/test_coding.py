"""Value labels decide; codes only where there are none; declared missing is missing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest

from bayes_sf.errors import DataError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.coding import check_labels, decode, fill_options
from bayes_sf.inputs.files.tabular import Cells, read_cells
from bayes_sf.inputs.survey import read_survey

BOOK = load_codebook()
ITEMS = [item for item in BOOK.items.values() if item.kind != "multi"]
LEVEL = {1: "Svært høyt", 2: "Høyt", 3: "Middels", 4: "Lavt", 5: "Svært lavt"}
"""Of q3, numbered downwards as a questionnaire does."""


def answers(
    key: str,
    codes: Sequence[str | None],
    labels: dict[str, str] | None = None,
    missing: tuple[str, ...] = (),
) -> list[str | None]:
    """Decode one column; row 2 is the first."""
    index = range(2, len(codes) + 2)
    frame = pd.DataFrame({key: list(codes)}, index=index, dtype=object)
    declared = {key: frozenset(missing)}
    cells = Cells("s.sav", frame, {key: labels} if labels else {}, declared)
    check_labels([BOOK.item(key)], cells)
    return [cell if isinstance(cell, str) else None for cell in decode(BOOK.item(key), cells)]


def text(labels: dict[int, str]) -> dict[str, str]:
    return {str(code): label for code, label in labels.items()}


def test_labels_decide_against_the_codes() -> None:
    assert answers("q3", ["1", "5", None, "3"], text(LEVEL)) == [
        "very_high",
        "very_low",
        None,
        "medium",
    ]
    assert answers("q3", ["1", "5"]) == ["very_low", "very_high"]


@pytest.mark.parametrize(
    "spelt", ["SVÆRT LAVT", "  svært   lavt ", "svært\u00a0lavt", "svæ\u0072t lavt", "very_low"]
)
def test_spelling_that_cannot_be_mistaken_is_read(spelt: str) -> None:
    assert answers("q3", ["5", "4"], text(LEVEL | {5: spelt})) == ["very_low", "low"]


def test_dashes_of_any_kind_and_composed_letters_are_one_spelling() -> None:
    assert answers("q4", ["3-4", "3\u20134", "3\u20114"]) == ["three_or_four"] * 3
    assert answers("q3", ["ho\u0308yt", "Middels"])[0] == "ho\u0308yt"  # ö is not ø
    assert answers("q3", ["LAVT"]) == ["low"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({5: "Svært lav"}, "label 'Svært lav' of code '5' .2 rows., allowed: svært lavt, lavt"),
        ({5: "5"}, "label '5' of code '5'"),
        ({5: "1 - Svært lavt"}, "label '1 - Svært lavt' of code '5'"),
        ({5: "Lavt"}, "codes '4' and '5' both labelled low"),
        ({4: "low"}, None),
        ({5: None}, "code '5' has no label .2 rows."),
        ({1: None, 2: None, 4: None, 5: None}, "code '4' has no label"),
        ({3: "Kjent 974 760 673"}, None),
    ],
)
def test_a_code_never_stands_in_for_a_label(labels: dict[int, Any], words: str | None) -> None:
    """A label of a code that no cell has says nothing; that of code 3 stands in no row here."""
    mine = text({code: label for code, label in (LEVEL | labels).items() if label is not None})
    codes: list[str | None] = ["5", "4", "5", "1"]
    if words is None:
        assert answers("q3", codes, mine) == ["very_low", "low", "very_low", "very_high"]
        return
    with pytest.raises(DataError, match=words) as caught:
        answers("q3", codes, mine)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("cell", "refused"),
    [("ingen", False), ("2", True), ("3-4", True), ("many", True), ("five_or_more", False)],
)
def test_beside_labels_only_words_of_the_codebook_need_none(cell: str, refused: bool) -> None:
    """An answer that is called by a number may be a code: what it means is the labels' to say."""
    labels = {"0": "ingen", "1": "1"}
    if not refused:
        assert answers("q4", ["0", "1", cell], labels)[:2] == ["none", "one"]
        return
    with pytest.raises(DataError, match=r"has no label \(1 row\)"):
        answers("q4", ["0", "1", cell], labels)


def test_labels_of_reasons_alone_leave_codes_as_they_are() -> None:
    labels = {"98": "Vet ikke", "a": "Vet ikke", "b": "Ubesvart"}
    got = answers("q3", ["1", "a", "5", "98", "b"], labels, missing=("a", "b"))
    assert got == ["very_low", "dont_know", "very_high", "dont_know", None]


def test_declared_missing_is_missing_whatever_its_number() -> None:
    assert answers("q3", ["1", "5", "9"], missing=("5", "9")) == ["very_low", None, None]
    assert answers("q3", ["1", "98"], missing=("98",)) == ["very_low", "dont_know"]
    labels = text(LEVEL | {9: "Uten svar", 8: "Svært lavt"})
    assert answers("q3", ["1", "8", "9"], labels, missing=("8", "9")) == ["very_high", None, None]


def test_a_reason_of_stata_without_a_label_is_left_to_be_refused() -> None:
    assert answers("q3", ["c"], missing=("c",)) == ["c"]


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ("2.0", "low"),
        ("2,00", "low"),
        ("2.000", "2.000"),
        ("NA", None),
        ("..", None),
        ("2.5", "2.5"),
    ],
)
def test_codes_of_whole_numbers_only(cell: str, key: str | None) -> None:
    assert answers("q3", [cell]) == [key]


def test_every_way_to_write_an_answer_means_one_answer() -> None:
    """Words, codes and labels of the whole codebook: none stands for two answers of one item."""
    for item in ITEMS:
        for answer in (*item.categories, *item.missing):
            spelt = [
                str(answer.code),
                answer.key,
                answer.label_nb,
                answer.label_en,
                *answer.printed,
            ]
            spelt = [way for way in spelt if way != "NA"]  # a sign of missing, in every file
            assert set(answers(item.key, spelt)) == {answer.key}, item.key


@pytest.mark.parametrize("program", ["sav", "dta"])
def test_files_say_which_values_are_missing_and_what_codes_mean(
    tmp_path: Path, program: str
) -> None:
    """Against the two files' own declarations, written by another library."""
    path = str(tmp_path / f"a.{program}")
    if program == "sav":
        frame = pd.DataFrame({"a": [1.0, 77.0, 901.0, None], "s": ["x", "y", "zz", "x"]})
        pyreadstat.write_sav(
            frame, path, variable_value_labels={"a": {1.0: "Ja", 77.0: "Ubesvart"}},
            missing_ranges={"a": [77, {"lo": 900, "hi": float("inf")}], "s": ["zz"]},
        )  # fmt: skip
        declared = {"a": {"77", "901"}, "s": {"zz"}}
    else:
        frame = pd.DataFrame({"a": [1, "q", 901, "b"], "s": ["x", "y", "zz", "x"]}, dtype=object)
        pyreadstat.write_dta(
            frame,
            path,
            variable_value_labels={"a": {1: "Ja"}},
            missing_user_values={"a": ["b", "q"]},
        )
        declared = {"a": {"b", "q"}}
    cells = read_cells(path)
    assert cells.missing == declared
    assert cells.labels["a"]["1"] == "Ja"


def test_options_coded_1_or_blank() -> None:
    names = [item.key for item in ITEMS if item.parent == "q14"]
    other = [item.key for item in ITEMS if item.parent == "q16"]
    frame = pd.DataFrame(None, index=range(3), columns=[item.key for item in ITEMS], dtype=object)
    frame.loc[0, names[:2]] = "chosen"
    frame.loc[2, names[2]] = "chosen"
    frame.loc[0, other[0]] = "chosen"
    frame.loc[1, other[1]] = "not_chosen"  # q16 is coded 1 and 0: its blanks are missing
    assert [list(rows) for rows in fill_options(frame, ITEMS).values()] == [[]]  # nothing guessed
    first, second, third = frame[names].to_numpy().tolist()
    assert first == ["chosen"] * 2 + ["not_chosen"] * 5
    assert not any(isinstance(cell, str) for cell in second)  # gave up before or within q14
    assert third.count("not_chosen") == 6
    assert frame[other].notna().sum().sum() == 2


def test_who_went_on_after_blank_options_chose_none_if_asked() -> None:
    frame = pd.DataFrame(None, index=range(4), columns=[item.key for item in ITEMS], dtype=object)
    frame["q29"] = "no"
    frame.loc[3, "q29"] = None
    frame.loc[0, ["q14.1", "q12.1"]] = "chosen"
    frame.loc[:, "q11"] = ["yes", "yes", None, "yes"]
    filled = fill_options(frame, ITEMS)
    assert {item: list(rows) for item, rows in filled.items()} == {"q12": [1], "q14": [1, 2]}
    assert frame["q14.2"].tolist()[:3] == ["not_chosen"] * 3
    assert frame["q12.2"].tolist()[:2] == ["not_chosen"] * 2
    assert frame.loc[2:, "q12.2"].isna().all()  # was it asked? did they go on?
    assert pd.isna(frame.loc[3, "q14.2"])
    assert frame["q16.1"].isna().all()  # nobody chose any: nothing says how it is coded


def test_an_option_may_be_labelled_with_its_own_words() -> None:
    labels = {"1": "Ergonomi", "2": "Ikke valgt"}
    assert answers("q14.2", ["1", "2", None], labels) == ["chosen", "not_chosen", None]


def test_labels_of_a_whole_survey_are_told_at_once(tmp_path: Path) -> None:
    good = pd.read_csv(
        Path(__file__).parents[1] / "bad_inputs" / "good_survey.csv", sep=";", dtype=str
    )
    frame = good.apply(pd.to_numeric).rename(columns=lambda name: name.replace(".", "_"))
    path = tmp_path / "s.sav"
    labels = {"q17": {1.0: "Ja!", 2.0: "Nei"}, "q18": {1.0: "Ja", 2.0: "Nope", 98.0: "Vet ikke"}}
    pyreadstat.write_sav(frame, str(path), variable_value_labels=labels)
    with pytest.raises(DataError, match=r"(?s)2 faults.*q17: label 'Ja!'.*q18: label 'Nope'"):
        read_survey(path)


def test_renamed_columns_keep_their_labels_and_what_is_declared_missing() -> None:
    frame = pd.DataFrame({"a": ["1"], "b": ["2"], "c": ["3"]})
    labels = {name: {"1": f"one of {name}"} for name in "abc"}
    missing = {name: frozenset({f"9{name}"}) for name in "abc"}
    found = Cells("file.sav", frame, labels, missing).rename({"mine": "c", "yours": "a"})
    assert list(found.frame) == ["yours", "mine"]
    assert found.labels == {"yours": labels["a"], "mine": labels["c"]}
    assert found.missing == {"yours": missing["a"], "mine": missing["c"]}
