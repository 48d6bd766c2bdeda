"""The codebook fits the published tables, and a wrong one is refused at the key that is wrong."""

import dataclasses
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from bayes_sf.errors import SpecError, UsageError
from bayes_sf.inputs.codebook import DONT_KNOW, NOT_ASKED, Codebook, Item, load_codebook
from bayes_sf.inputs.published import DECIMALS, published_table
from bayes_sf.inputs.schema import Table, checked
from bayes_sf.resources import data_dir
from tests.tools import spoken

REPORT = Path(__file__).resolve().parents[3] / "shared" / "report" / "report.txt"
BOOK = load_codebook()
TEXT = (data_dir() / "codebook.toml").read_text(encoding="utf-8")


def printed_item(question: str) -> Item:
    """Item that the published files call `question`."""
    (item,) = (i for i in BOOK.items.values() if i.printed_key == question and not i.parent)
    return item


# --- it fits what is published -----------------------------------------------------------------


def test_preventive_items_are_the_thirty_models_in_printed_order() -> None:
    for key in ("46", "47"):
        assert BOOK.preventive == tuple(published_table(key)["question"].unique())


def test_every_printed_category_is_an_answer_and_every_answer_is_printed() -> None:
    seen: dict[str, set[str]] = {}
    for file in ("univariate", "by_industry"):
        rows = published_table(file)[["table", "question", "category"]].drop_duplicates()
        for table, question, category in rows.itertuples(index=False):
            item = printed_item(question)
            assert table in item.tables
            seen.setdefault(item.key, set()).add(item.category(category).key)
    for item in BOOK.items.values():
        if item.parent is None:
            assert {c.key for c in item.categories} <= seen[item.key], item.key


def test_every_table_of_an_item_prints_it() -> None:
    for item in BOOK.items.values():
        for key in set(item.tables) - {"1", "6", "8", "9"}:
            table = published_table(key)
            terms = {BOOK.term(term) for term in table["term"]} if "term" in table else set()
            questions = set(table["question"])
            options = {key for key, option in BOOK.items.items() if option.parent == item.key}
            assert {item.key, item.printed_key, item.parent, *options} & (questions | terms), item


def test_every_survey_table_belongs_to_an_item() -> None:
    of_items = {key for item in BOOK.items.values() for key in item.tables}
    assert of_items == set(DECIMALS)


def test_every_printed_term_is_a_model_term() -> None:
    table = published_table("coefficients")
    terms = {BOOK.term(term) for term in table["term"]}
    whole = {term.partition("[")[0] for term in terms} - {"(Intercept)"}
    assert whole == {*BOOK.preventive, *BOOK.controls}
    compared = {"q11[no]", "q17[no]", "q18[no]", "q18[dont_know]", "q21[other]", "q21[no]"}
    assert {term for term in terms if "[" in term} == compared


def test_industries_are_those_of_every_sample() -> None:
    keys = [industry.key for industry in BOOK.industries]
    for row in published_table("samples").query("industry != 'total'").itertuples():
        assert BOOK.industry(row.label).key == row.industry
    assert list(published_table("by_industry")["industry"].unique()) == keys
    assert [c.code for c in BOOK.item("industry").categories] == [1, 2, 3, 4, 5, 6]


def test_filters_are_the_ones_the_counts_obey() -> None:
    counts = published_table("by_industry").astype({"count": "Int64"})
    counts = counts.set_index(["question", "category", "industry"])["count"]
    for item in BOOK.items.values():
        if item.asked_if is None or item.parent is not None:
            continue
        asker = BOOK.item(item.asked_if.item)
        asked = [asker.category(key).printed[0] for key in item.asked_if.any_of]
        (not_asked,) = item.category("not_asked").printed
        for industry in BOOK.industries:
            n_asked = sum(counts[asker.key, category, industry.key] for category in asked)
            everyone = counts[asker.key, :, industry.key].sum()
            n_not_asked = everyone - n_asked
            unanswered = counts[item.printed_key, not_asked, industry.key]
            # Those who do not know are printed together with those not asked.
            assert n_not_asked <= unanswered <= n_not_asked + 6, (item.key, industry.key)


def test_register_is_table_7() -> None:
    if not REPORT.is_file():
        pytest.skip(f"the report's text is not at {REPORT}")
    report = REPORT.read_text(encoding="utf-8")
    body = report[report.index("Tabell 7:") : report.index("Ved å koble")]
    columns = re.findall(r"^ ?(\w+) (?:organ|avtal|tapte|år)", body, re.MULTILINE)
    assert [variable.column for variable in BOOK.register] == columns
    assert len(columns) == 18


# --- it is whole -------------------------------------------------------------------------------


def test_ordinal_codes_run_upwards_and_the_questionnaire_downwards() -> None:
    for item in BOOK.items.values():
        codes = [category.code for category in item.categories]
        assert codes == sorted(codes), item.key
        if item.unit == "step 1-5":
            assert codes == [1, 2, 3, 4, 5]
            asked = [category.questionnaire_code for category in item.categories]
            assert asked in ([5, 4, 3, 2, 1], [11, 10, 9, 8, 7], [None] * 5), item.key


def test_dont_know_is_missing_except_where_the_report_models_it() -> None:
    modelled = [
        item.key
        for item in BOOK.items.values()
        if any(category.code == DONT_KNOW for category in item.categories)
    ]
    assert modelled == ["q18"]


def test_not_asked_is_possible_only_behind_a_filter() -> None:
    for item in BOOK.items.values():
        can_be = any(category.code == NOT_ASKED for category in item.missing)
        assert can_be == (item.asked_if is not None), item.key


def test_an_option_is_a_column_of_zeros_and_ones() -> None:
    option = BOOK.item("q10.2")
    assert option.parent == "q10"
    assert option.kind == "option"
    assert [category.code for category in option.categories] == [0, 1]
    assert option.asked_if == BOOK.item("q10").asked_if
    n_options = {key: len(BOOK.item(key).categories) for key in ("q10", "q12", "q14", "q16", "q26")}
    assert n_options == {"q10": 4, "q12": 5, "q14": 7, "q16": 11, "q26": 5}


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_variable_and_term_has_a_label(language: str) -> None:
    terms = {BOOK.term(term) for term in published_table("coefficients")["term"]}
    keys = {*BOOK.items, *(v.key for v in (*BOOK.register, *BOOK.derived)), *terms}
    labels = {key: spoken(language, BOOK.label, key) for key in keys}
    assert all(labels.values())
    assert len(set(labels.values())) == len(labels)


def test_nothing_can_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BOOK.item("q13").role = "control"  # type: ignore[misc]
    with pytest.raises(TypeError):
        BOOK.items["q13"] = BOOK.item("q11")  # type: ignore[index]


# --- it answers wrong questions ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: BOOK.item("q131"), r"no such item \(got 'q131'\); did you mean .*q13 "),
        (lambda: BOOK.item("q13").category("maybe"), r"item q13: no such category"),
        (lambda: BOOK.industry("fishing"), r"no such industry .*known: construction"),
        (lambda: BOOK.term("alder"), r"no such published term \(got 'alder'\)"),
        (lambda: BOOK.label("q99[no]"), r"no such item"),
        (lambda: BOOK.label("women_share[no]"), r"no such item"),
    ],
)
def test_unknown_names(ask: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ask()  # type: ignore[operator]


# --- it refuses a wrong file -------------------------------------------------------------------


def load_edited(tmp_path: Path, old: str, new: str) -> Codebook:
    assert old in TEXT
    path = tmp_path / "codebook.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    return load_codebook(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema_version = 1", "schema_version = 2", "schema_version: must be 1 (got 2)"),
        ('scale = "level"', 'scale = "levle"', "items.q3.scale: must be known (got 'levle')"),
        ('scale = "level"', 'scales = "level"', "items.q3.scales: is not a key"),
        ('scale = "level"\n', "", "items.q3: must have scale and no options for kind"),
        ('kind = "ordinal"\n', "", "items.q3.kind: must be given"),
        ('kind = "ordinal"', 'kind = "order"', "items.q3.kind: must be known (got 'order')"),
        (
            'kind = "multi"',
            'kind = "nominal"',
            "items.q10: must have scale and no options for kind",
        ),
        ('role = "outcome"', 'role = "y"', "derived.absence_mean.role: must be known (got 'y')"),
        ('role = "descriptive"', 'role = "other"', "items.q3.role: must be known (got 'other')"),
        ('tables = ["11", "12"]', "tables = [11, 12]", "items.q3.tables: must be a list of str"),
        ('tables = ["11", "12"]', 'tables = ["48"]', "items.q3.tables: must be known (got '48')"),
        ('label_en = "Absence against', 'label = "Absence against', "items.q3.label: is not a key"),
        ('item = "q9"', 'item = "q8"', "items.q10.asked_if.item: must be known (got 'q8')"),
        ('any_of = ["yes"]', 'any_of = ["ja"]', "items.q10.asked_if.any_of: must be known"),
        ('any_of = ["yes"]', 'any = ["yes"]', "items.q10.asked_if.any: is not a key"),
        ('reference = "yes"', 'reference = "si"', "items.q9.reference: must be known (got 'si')"),
        ('reference = "yes"\n', "", "items.q9.reference: must be given"),
        (
            "questionnaire = []\nrole",
            "questionnaire = [1]\nrole",
            "items.q6.questionnaire: must have",
        ),
        (
            '{ code = 2, key = "accidents"',
            '{ code = 1, key = "accidents"',
            "must not repeat a code",
        ),
        ('key = "accidents"', 'key = "results"', "must not repeat a key"),
        ('"Omfang av arbeidsulykker"', '"Sykefravær"', "must not repeat a printed"),
        (
            '{ code = 2, key = "accidents"',
            '{ kode = 2, key = "accidents"',
            "categories.kode: is not",
        ),
        (
            'dont_know = "category"',
            'dont_know = "drop"',
            "items.q18.dont_know: must be known (got 'drop')",
        ),
        ('sn2007 = ["71"]', "", "industries.architects.sn2007: must be given"),
        ('unit = "pp"\nrole = "outcome"', "unit = 1", "derived.absence_mean.role: must be given"),
        ("[register]", "register2 = 1\n[register]", "register2: is not a key"),
        ('unit = "days" }', "unit = 1 }", "register.mdagsv.unit: must be str (got 1)"),
        ("[items.q4]", "[items.q3]", "must be a readable TOML file"),
    ],
)
def test_a_wrong_codebook_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        load_edited(tmp_path, old, new)
    assert message in str(error.value)
    assert "codebook.toml: " in str(error.value)
    assert error.value.exit_code == 2


def test_a_missing_codebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="must be a readable TOML file"):
        load_codebook(tmp_path / "none.toml")


def test_an_entry_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"items\.q0: must be a table \(got 1\)"):
        load_edited(tmp_path, "[scales.extent]", "items.q0 = 1\n[scales.extent]")


class Sizes(Table):
    """A table of one whole number."""

    n: int


@pytest.mark.parametrize("table", [{"n": "3"}, {"n": 3.0}, {"n": True}, {"n": 3, "m": 4}, {}])
def test_tables_are_read_as_they_stand_and_stay_so(table: dict[str, object]) -> None:
    """No text is taken for a number, no key is passed over, and what was read is not set anew."""
    with pytest.raises(SpecError, match=r"a\.toml"):
        checked(Sizes, table, "a.toml", "of sizes")
    found = checked(Sizes, {"n": 3}, "a.toml", "of sizes")
    with pytest.raises(ValidationError, match="frozen"):
        found.n = 4
    assert found.n == 3
