"""Linkage, the sample's rules, round trips through every file format, and rebuilt tables."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.errors import BayesSFError, DataError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.descriptives import describe_all, describe_by_industry
from bayes_sf.inputs.design import score
from bayes_sf.inputs.published import published_table
from bayes_sf.inputs.sample import (
    INVENTED,
    REPLICA_FILES,
    AnalysisSample,
    design,
    load_sample,
    read_mapping,
)
from bayes_sf.resources import data_dir
from bayes_sf.spec.moments import Moments

FOLDER = Path(__file__).parents[1] / "bad_inputs"
KEY = b"the key of these tests"
CONTROLS = ["women_share", "senior_share", "n_employees", "q5r1"]
MODEL = {"outcome": "absence_mean", "predictors": ["q13", *CONTROLS]}


@pytest.fixture(scope="module")
def survey() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "good_survey.csv", sep=";", dtype=str)


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    names = ["good_register_workplace.csv", "good_register_enterprise.csv"]
    types = {"org_nr": str, "aar_kvartal": str}
    return pd.concat([pd.read_csv(FOLDER / name, dtype=types) for name in names])


@pytest.fixture(scope="module")
def sample(
    survey: pd.DataFrame, register: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> AnalysisSample:
    return save_and_load(tmp_path_factory.mktemp("study"), survey, register)


def save_and_load(folder: Path, survey: pd.DataFrame, register: pd.DataFrame) -> AnalysisSample:
    survey.to_csv(folder / "survey.csv", index=False)
    register.to_csv(folder / "register.csv", index=False)
    return load_sample(survey=folder / "survey.csv", register=folder / "register.csv", key=KEY)


def write_norwegian(frame: pd.DataFrame, stem: Path) -> Path:
    path = stem.with_suffix(".csv")
    frame.to_csv(path, index=False, sep=";", decimal=",", encoding="cp1252")
    return path


def write_excel(frame: pd.DataFrame, stem: Path) -> Path:
    path = stem.with_suffix(".xlsx")
    frame.to_excel(path, index=False)
    return path


def numbers_where_possible(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of digits as numbers; others stay text."""
    text = [name for name in frame if name == "industry" and not frame[name].str.isdigit().all()]
    return frame.apply(lambda column: column if column.name in text else pd.to_numeric(column))


def write_spss(frame: pd.DataFrame, stem: Path) -> Path:
    path = stem.with_suffix(".sav")
    pyreadstat.write_sav(numbers_where_possible(frame), str(path))
    return path


def write_stata(frame: pd.DataFrame, stem: Path) -> Path:
    path = stem.with_suffix(".dta")
    plain = numbers_where_possible(frame).rename(columns=lambda name: name.replace(".", "_"))
    pyreadstat.write_dta(plain, str(path))
    return path


def write_parquet(frame: pd.DataFrame, stem: Path) -> Path:
    path = stem.with_suffix(".parquet")
    frame.to_parquet(path)
    return path


@pytest.mark.parametrize(
    "write",
    [
        write_excel,
        write_spss,
        write_parquet,
        pytest.param(write_norwegian, marks=pytest.mark.slow),
        pytest.param(write_stata, marks=pytest.mark.slow),
    ],
)
def test_every_file_format_gives_the_identical_sample(
    tmp_path: Path,
    sample: AnalysisSample,
    survey: pd.DataFrame,
    register: pd.DataFrame,
    write: "type[Path]",
) -> None:
    files = write(survey, tmp_path / "survey"), write(register, tmp_path / "register")
    again = load_sample(survey=files[0], register=files[1], key=KEY)
    pd.testing.assert_frame_equal(again.frame, sample.frame, check_exact=True)
    pd.testing.assert_frame_equal(again.quarters, sample.quarters, check_exact=True)
    assert again.digest == sample.digest


@pytest.fixture(scope="module")
def replica() -> AnalysisSample:
    return load_sample("replica")


# Of a small sample every format is read in each run; writing the whole replica takes these long.
_SLOW_TO_WRITE = [
    pytest.param(write, marks=pytest.mark.slow)
    for write in (write_norwegian, write_excel, write_spss, write_parquet)
]


@pytest.mark.parametrize("write", _SLOW_TO_WRITE)
def test_the_replica_is_the_same_in_every_format(
    tmp_path: Path, replica: AnalysisSample, write: "type[Path]"
) -> None:
    texts = {"org_nr": str, "aar_kvartal": str}
    survey, *extracts = (
        write(pd.read_csv(data_dir() / "replica" / name, dtype=kind), tmp_path / Path(name).stem)
        for name, kind in zip(REPLICA_FILES, (str, texts, texts), strict=True)
    )
    again = load_sample(survey=survey, register=extracts, key=KEY)
    assert again.digest == replica.digest


def test_everyone_surveyed_is_in_the_sample_linked_or_not(
    sample: AnalysisSample, survey: pd.DataFrame
) -> None:
    assert len(sample.frame) == len(survey)
    assert sample.frame["workplace"].is_unique
    alone = sample.frame[~sample.frame["linked"]]
    assert len(alone) == 2
    assert alone["absence_mean"].isna().all()
    assert set(sample.quarters["workplace"]) == set(
        sample.frame.loc[sample.frame["linked"], "workplace"]
    )
    assert sample.source == "microdata"
    assert sample.extracts["workplaces"].tolist() == [sample.quarters["workplace"].nunique()]
    assert {"fault", "consequence", "rows"} <= set(sample.problems)


def test_a_sample_is_frozen_and_its_repr_shows_no_workplace(sample: AnalysisSample) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample.source = "replica"  # type: ignore[misc]
    assert not any(workplace in repr(sample) for workplace in sample.frame["workplace"])
    shown = {f.name for f in dataclasses.fields(sample) if f.repr}
    assert not shown & {"frame", "quarters", "extracts", "problems"}
    assert all(f"{name}=" in repr(sample) for name in shown)


def test_the_second_number_links_and_the_longer_record_wins(
    tmp_path: Path, survey: pd.DataFrame, register: pd.DataFrame
) -> None:
    numbers = survey["org_nr"].tolist()
    short = register["aar_kvartal"].ge("20203") | register["org_nr"].ne(numbers[0])
    missing, few = numbers[-1], numbers[0]
    second = survey.assign(enterprise_nr="")
    second.loc[survey["org_nr"].isin([missing, few]), "enterprise_nr"] = numbers[1]
    linked = save_and_load(tmp_path, second, register[short]).frame
    assert linked["linked"].tolist() == [True] * 22 + [False, True]
    for row in (0, 23):
        assert linked.loc[row, "absence_mean"] == linked.loc[1, "absence_mean"]


def test_the_last_count_of_the_flow_is_the_models_n(sample: AnalysisSample) -> None:
    flow = sample.flow(**MODEL)
    rows = design(sample, **MODEL)
    assert flow["all"].iloc[0] == len(sample.frame)
    assert flow["all"].iloc[1] == sample.frame["linked"].sum()
    assert flow["all"].is_monotonic_decreasing
    assert flow["all"].iloc[-1] == len(rows)
    by_industry = rows["industry"].value_counts()
    assert {name: flow[name].iloc[-1] for name in by_industry.index} == by_industry.to_dict()


def test_answers_that_do_not_count_are_left_out_and_never_numbers(sample: AnalysisSample) -> None:
    answers = sample.frame["q20r1"]
    scores = score(sample.frame, "q20r1")
    assert {"not_asked", "dont_know"} & set(answers[scores.isna()])
    assert scores.isna().equals(answers.isin(["not_asked", "dont_know"]))
    assert scores.dropna().between(1, 5).all()


def test_rows_are_ready_for_moments_under_the_reports_names(sample: AnalysisSample) -> None:
    predictors = ["q17", "q18", "q21", "q11", "q14.1", "q13"]
    rows = design(sample, outcome="absence_mean", predictors=predictors)
    moments = Moments.from_frame(
        rows, outcome="absence_mean", predictors=predictors, group="industry"
    )
    assert moments.terms == (
        *("(Intercept)", "q17[no]", "q18[no]", "q18[dont_know]", "q21[other]", "q21[no]"),
        *("q11[no]", "q14.1", "q13"),
    )
    assert set(rows["q14.1"]) <= {0.0, 1.0}


def test_standardised_predictors_have_mean_zero_and_sd_one(sample: AnalysisSample) -> None:
    rows = design(sample, **MODEL, standardize=["women_share"])
    np.testing.assert_allclose(rows["women_share"].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(rows["women_share"].std(), 1, rtol=1e-12)
    assert design(sample, **MODEL)["women_share"].between(0, 1).all()


def test_the_rule_of_quarters_is_kept(sample: AnalysisSample) -> None:
    many = int(sample.frame["n_quarters"].max())
    rows = design(sample, outcome="absence_mean", min_quarters=many)
    assert len(rows) == (sample.frame["n_quarters"] == many).sum()
    with pytest.raises(DataError, match="must have rows"):
        design(sample, outcome="absence_mean", min_quarters=many + 1)


@pytest.mark.parametrize("name", ["q14", "q99", "industry", "observed"])
def test_a_predictor_must_be_a_variable_of_the_sample(sample: AnalysisSample, name: str) -> None:
    with pytest.raises(UsageError):
        design(sample, outcome="absence_mean", predictors=[name])


def test_missingness_has_every_quarter_of_everyone_linked(sample: AnalysisSample) -> None:
    picture = sample.missingness()
    assert len(picture) == sample.frame["linked"].sum() * 20
    seen = picture[picture["state"] == "observed"].groupby("workplace").size()
    counts = sample.frame.set_index("workplace")["n_quarters"].dropna()
    assert seen.to_dict() == counts.astype(int).to_dict()


def test_it_must_be_said_what_to_read(tmp_path: Path) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text("[surveys]\nq13 = 'x'\n")
    with pytest.raises(UsageError, match="needs 'replica', or both"):
        load_sample(survey="survey.csv")
    with pytest.raises(UsageError, match="must be a table"):
        load_sample(survey="survey.csv", register="register.csv", mapping=mapping)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[survey]\nq14.1 = 'x'\n", r"survey\.q14: must be text .*in quotes: \"q14\.1\""),
        ("[survey]\nq13 = 'x'\nq13 = 'y'\n", "must be valid TOML"),
        (f"[survey]\nq13 = {'9' * 5000}\n", "must be valid TOML"),
        (f"[survey]\nq13 = {'[' * 5000}{']' * 5000}\n", "nested too deeply"),
        ("[survey]\nq13 = 'æ'\n".encode("cp1252"), "must be valid TOML in UTF-8"),
    ],
    ids=["no quotes", "twice", "endless number", "nested", "cp1252"],
)
def test_a_mapping_that_cannot_be_read_is_one_message(
    tmp_path: Path, content: str | bytes, words: str
) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BayesSFError, match=words) as caught:
        read_mapping(path)
    assert caught.value.exit_code == 2


def test_a_mapping_may_begin_with_a_mark_as_windows_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(b"\xef\xbb\xbf[survey]\n\"q14.1\" = 'x'\n")
    assert read_mapping(path) == {"survey": {"q14.1": "x"}}


def test_the_replica_is_read_once_and_nobody_can_change_it_for_others() -> None:
    first, again = load_sample("replica"), load_sample("replica")
    assert first.frame is not again.frame
    first.frame.loc[:, "q13"] = "not_at_all"
    first.quarters["absence"] = 0.0
    third = load_sample("replica")
    pd.testing.assert_frame_equal(third.frame, again.frame)
    pd.testing.assert_frame_equal(third.quarters, again.quarters)
    with pytest.raises(UsageError, match="needs 'replica', or both"):
        load_sample("replica", mapping="names.toml")


def test_a_mapping_renames_both_files(
    tmp_path: Path, sample: AnalysisSample, survey: pd.DataFrame, register: pd.DataFrame
) -> None:
    write_parquet(survey.rename(columns={"q13": "tilpasse"}), tmp_path / "survey")
    write_parquet(register.rename(columns={"sfdagsvj": "tapt"}), tmp_path / "register")
    mapping = tmp_path / "map.toml"
    mapping.write_text('[survey]\nq13 = "tilpasse"\n[register]\nsfdagsvj = "tapt"\n')
    again = load_sample(
        survey=tmp_path / "survey.parquet",
        register=tmp_path / "register.parquet",
        mapping=mapping,
        key=KEY,
    )
    assert again.digest == sample.digest


def test_tables_have_the_published_rows_in_the_published_order(sample: AnalysisSample) -> None:
    rebuilt = describe_by_industry(sample.frame)
    keys = ["table", "question", "category", "industry"]
    published = published_table("by_industry")[keys]
    rows = rebuilt[keys].merge(published, on=keys)
    pd.testing.assert_frame_equal(rows, published, check_dtype=False)
    every = describe_all(sample.frame)
    published = published_table("11")[keys[:3]]
    rows = every[keys[:3]].merge(published, on=keys[:3])
    pd.testing.assert_frame_equal(rows, published, check_dtype=False)


def test_every_answer_is_counted_once(sample: AnalysisSample) -> None:
    holes = sample.frame.copy()
    holes.loc[0, "q13"] = None
    single = [
        i.printed_key for i in load_codebook().items.values() if i.kind not in {"multi", "option"}
    ]
    every = describe_all(holes)
    counts = every[every["question"].isin(single)].groupby("question")["count"].sum()
    assert set(counts) == {len(holes)}
    q13 = every[(every["question"] == "q13") & (every["category"] == "(missing)")]
    assert q13["count"].tolist() == [1]


def test_only_the_bundled_replica_itself_is_known_as_invented() -> None:
    """Its digest is the recorded one, and no cell was changed since."""
    bundled = load_sample("replica")
    assert bundled.digest == INVENTED
    assert bundled.invented
    assert not Control.of(bundled, Rules()).active
    assert dataclasses.replace(bundled, source="microdata").invented, "whatever it is called"
    frame = bundled.frame.copy()
    frame.loc[0, "n_employees"] = 7.0
    copy = dataclasses.replace(bundled, frame=frame)
    assert not copy.invented
    assert Control.of(copy, Rules()).active
