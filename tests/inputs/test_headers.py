"""Names of columns: read in every spelling, refused where two could be meant."""

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from bayes_sf.errors import BayesSFError, DataError, UsageError
from bayes_sf.inputs.files.headers import match_columns, same_name
from bayes_sf.inputs.survey import read_survey

GOOD = Path(__file__).parents[1] / "bad_inputs" / "good_survey.csv"
KEY = b"the key of these tests"


def match(found: list[str], **mapping: str) -> dict[str, str]:
    return match_columns(
        "f.csv", found, ["org_nr", "q5r2", "q10.3"], optional=["n_employees"], mapping=mapping,
        rule="must have all columns",
    )  # fmt: skip


@pytest.mark.parametrize(
    "spelt", ["Q10.3", "q10_3", " q10.3 ", "\ufeffq10.3", "q10.3\u00a0", "Q10_3\u200b"]
)
def test_one_name_in_many_spellings(spelt: str) -> None:
    assert match(["org_nr", "Q5R2", spelt]) == {"org_nr": "org_nr", "q5r2": "Q5R2", "q10.3": spelt}


def test_composed_and_decomposed_letters_are_one_name() -> None:
    apart = unicodedata.normalize("NFD", "Fravær på Åsen")
    assert apart != "Fravær på Åsen"
    assert same_name(apart) == same_name("fravær  på åsen")
    assert match(["org_nr", "q10.3", apart], q5r2="Fravær på Åsen")["q5r2"] == apart


def test_an_optional_column_may_be_absent_and_unused_twins_do_not_matter() -> None:
    assert "n_employees" not in match(["org_nr", "q5r2", "q10.3", "Navn", "navn", "NAVN "])
    assert match(["org_nr", "q5r2", "q10.3", "N_EMPLOYEES"])["n_employees"] == "N_EMPLOYEES"


def test_a_mapping_goes_before_a_name_and_may_swap_two() -> None:
    found = ["org_nr", "q5r2", "q10.3", "other"]
    assert match(found, q5r2="other")["q5r2"] == "other"
    swapped = match(found, q5r2="q10.3", Q10_3="q5r2")
    assert (swapped["q5r2"], swapped["q10.3"]) == ("q10.3", "q5r2")


@pytest.mark.parametrize(
    ("found", "mapping", "kind", "words"),
    [
        (["org_nr", "q5r2", "q10.3", "q10_3"], {}, DataError, "one column for q10.3.*'q10_3'"),
        (["Org_nr", "ORG_NR", "q5r2", "q10.3"], {}, DataError, "'Org_nr' and 'ORG_NR'"),
        (["org_nr", "q5r2", "q10.3", "x", "X"], {"q5r2": "x"}, DataError, "'x' and 'X'"),
        (["org_nr", "q10.3", "q5r2"], {"q5r2": "q10.3"}, UsageError, "'q10.3' twice.*q5r2 and"),
        (["org_nr", "a"], {"q5r2": "a", "q10.3": "a"}, UsageError, "for q5r2 and q10.3"),
        (["org_nr", "q5r2", "q10.3"], {"q5": "org_nr"}, UsageError, "'q5'.*did you mean q5r2"),
        (["org_nr", "q5r2", "q10.3"], {"n_emp": "q5r2"}, UsageError, "n_employees"),
        (["org_nr", "a", "b"], {"q5r2": "a", "Q5R2": "b"}, UsageError, "each of our columns once"),
        (["org_nr", "q5r2", "q10.3", "hoder"], {"n_employees": "hode"}, DataError, "mean 'hoder'"),
        (["org_nr", "q5r2", "q10.3"], {"q5r2": "zzz"}, DataError, "no 'zzz'.*mend the mapping"),
        (["org_nr", "q10.3"], {}, DataError, "must have all columns.*no q5r2"),
        (["org_nr", "q5r2", "q10.3", "n_employes"], {}, DataError, "which column is n_employees"),
    ],
)
def test_what_can_be_meant_in_two_ways_is_refused(
    found: list[str], mapping: dict[str, str], kind: type[BayesSFError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        match(found, **mapping)
    assert caught.value.exit_code in {2, 3}


def test_no_workplace_number_is_quoted_from_a_header() -> None:
    with pytest.raises(DataError) as caught:
        match(
            ["org_nr", "q5r2", "q10.3", "Skole 974760673", "SKOLE 974760673"],
            q5r2="skole 974760673",
        )
    assert "97476" not in str(caught.value)


def test_the_survey_reads_by_these_rules(tmp_path: Path) -> None:
    codes = pd.read_csv(GOOD, sep=";", dtype=str)
    path = tmp_path / "capitals.csv"
    codes.rename(columns=str.upper).rename(columns={"Q25": "Før å\u030a"}).to_csv(path, index=False)
    got = read_survey(path, key=KEY, mapping={"q25": "FØR ÅÅ".replace("ÅÅ", "å\u030a")})
    pd.testing.assert_frame_equal(got.frame, read_survey(GOOD, key=KEY).frame)
