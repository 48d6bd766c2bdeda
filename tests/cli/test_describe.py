"""`describe`, `select` and `replica`: tables by hand, files, messages, and no workplace named."""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bayes_sf.analysis.choices.selection import LISTS
from bayes_sf.disclosure.control import Rules
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.descriptives import count_missing
from bayes_sf.inputs.faults import problem, problem_table
from bayes_sf.inputs.published import published_table, scalar
from bayes_sf.inputs.sample import AnalysisSample, load_sample
from bayes_sf.output.run import Asked
from bayes_sf.output.runs.describe import (
    description_figures,
    run_describe,
)
from bayes_sf.output.runs.select import count_belonging
from bayes_sf.output.tables.described_sample import description_tables, flow_table
from bayes_sf.replica import Replica
from tests.tools import REPLICA_NOTICE

if TYPE_CHECKING:
    from tests.conftest import Finished

type Command = Callable[..., tuple[int, str, str]]

FOLDER = Path(__file__).parents[1] / "bad_inputs"
SURVEY = FOLDER / "good_survey.csv"
EXTRACTS = [FOLDER / f"good_register_{kind}.csv" for kind in ("workplace", "enterprise")]
OWN = ["--survey", str(SURVEY)] + [part for path in EXTRACTS for part in ("--register", str(path))]
KEY = b"the key of these tests, which is long enough"
INDUSTRIES = [industry.key for industry in load_codebook().industries]
FIGURES = ("figure1", "figure2", "figure3", "figure4", "figure6", "missingness")
TABLES = ("univariate.csv", "by_industry.csv", "flow.csv", "missingness.csv")
LOG = ("disclosure.csv", "disclosure.json", "disclosure_cost.csv")
FILES = {
    *TABLES,
    "provenance.json",
    *(f"{name}.{kind}" for name in FIGURES for kind in ("svg", "png")),
}
ALL = "--no-disclosure-control"


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    return load_sample(survey=SURVEY, register=EXTRACTS, key=KEY)


@pytest.fixture
def have_read(sample: AnalysisSample, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command not read again what is read: of the options of reading, the key is the same."""
    monkeypatch.setattr("bayes_sf.inputs.sample.load_sample", lambda *_, **__: sample)


@pytest.fixture(scope="module")
def tables(sample: AnalysisSample) -> dict[str, pd.DataFrame]:
    return description_tables(sample)


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """The small survey as it stands in its file: codes."""
    return pd.read_csv(SURVEY, sep=";", dtype=str)


@pytest.fixture(scope="module")
def replica_described(once: Callable[..., "Finished"]) -> "Finished":
    return once("replica_described", ["describe", "--out", "out", ALL], here=True)


@pytest.fixture(scope="module")
def replica_selected(once: Callable[..., "Finished"]) -> "Finished":
    return once("replica_selected", ["select", "--out", "out", "--with-data"], here=True)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def columns_of(table: str) -> list[str]:
    return list(published_table(table).columns)


# Tables, by hand


@pytest.mark.parametrize("table", [str(number) for number in range(12, 46)])
def test_tables_by_industry_are_a_count_of_codes(
    tables: dict[str, pd.DataFrame], raw: pd.DataFrame, table: str
) -> None:
    """Those of "don't know" and "not asked", which share rows, are compared with the replica's."""
    made = tables["by_industry"]
    made = made[made["table"] == table]
    decimals = 0 if table == "29" else 1
    book = load_codebook()
    item = next(i for i in book.items.values() if table in i.tables and i.parent is None)
    answers = {name: answer for answer in item.categories for name in answer.printed}
    industry = raw["industry"].map({str(each.code): each.key for each in book.industries})
    compared = 0
    for row in made[made["category"].isin(answers)].itertuples():
        answer = answers[row.category]
        if item.kind == "multi":
            gave = raw[f"{item.key}.{answer.code}"] == "1"
        else:
            gave = raw[item.key] == str(answer.code)
        count = int((gave & (industry == row.industry)).sum())
        size = int((industry == row.industry).sum())
        assert row.count == count
        exact = 100 * count / size
        assert float(row.percent) == pytest.approx(exact, abs=0.5 * 10**-decimals + 1e-9)
        assert len(row.percent.partition(".")[2]) == decimals
        compared += count
    assert compared or item.asked_if is not None


def test_table_11_is_the_sum_over_industries(
    sample: AnalysisSample, tables: dict[str, pd.DataFrame]
) -> None:
    totals = tables["by_industry"].groupby(["question", "category"])["count"].sum()
    compared = 0
    for row in tables["univariate"].itertuples():
        if (row.question, row.category) in totals.index:
            assert row.count == totals[row.question, row.category]
            compared += 1
        exact = 100 * row.count / len(sample.frame)
        assert float(row.percent) == pytest.approx(exact, abs=0.05 + 1e-9)
    assert compared > 100


def test_flow_is_a_count_of_workplaces(sample: AnalysisSample) -> None:
    flow = flow_table(sample)
    frame = sample.frame
    assert (flow[INDUSTRIES].sum(axis=1) == flow["all"]).all()
    models = flow.groupby(["analysis", "outcome"], sort=False)
    assert list(models.groups) == [
        ("null", "absence_mean"), ("null", "absence_change"),
        ("q13_controls", "absence_mean"), ("q17_controls", "absence_change"),
    ]  # fmt: skip
    for (_, outcome), steps in models:
        assert steps["all"].iloc[0] == len(frame)
        assert steps["all"].iloc[1] == frame["linked"].sum()
        assert steps["all"].is_monotonic_decreasing
        assert f"{outcome} observed" in set(steps["step"])
    null = models.get_group(("null", "absence_change"))
    assert null["all"].iloc[-1] == frame["absence_change"].notna().sum()
    q13 = models.get_group(("q13_controls", "absence_mean"))
    risks = [f"q5r{i}" for i in range(1, 6)]
    answered = frame[["q13", *risks]].notna() & (frame[["q13", *risks]] != "dont_know")
    known = frame[["absence_mean", "women_share", "senior_share", "n_employees"]].notna()
    left = answered.all(axis=1) & known.all(axis=1) & (frame["n_quarters"] >= 3)
    assert q13["all"].iloc[-1] == left.sum()


def test_missing_quarters_are_counted_from_the_extracts(sample: AnalysisSample) -> None:
    counts = count_missing(sample.missingness()).set_index(["industry", "quarter"])
    linked = sample.frame.loc[sample.frame["linked"], "industry"].value_counts()
    assert len(counts) == 20 * len(INDUSTRIES)
    for industry in INDUSTRIES:
        assert (counts.loc[industry].sum(axis=1) == linked[industry]).all()
    register = pd.concat(pd.read_csv(path, dtype={"org_nr": str}) for path in EXTRACTS)
    empty = register[register["sfdagsvj"].isna()].groupby("aar_kvartal").size()
    by_quarter = counts["no_absence"].groupby("quarter").sum()
    for name, count in by_quarter.items():
        year, quarter = str(name).split("Q")
        assert count == empty.get(int(year + quarter), 0)
    assert empty.sum() == by_quarter.sum() > 0


def test_figures_are_of_those_with_enough_quarters(sample: AnalysisSample) -> None:
    figures = description_figures(sample)
    assert tuple(figures) == FIGURES
    enough = sample.frame["n_quarters"] >= 3
    expected = {
        "figure1": (enough & sample.frame["absence_mean"].notna()).sum(),
        "figure2": (enough & sample.frame["absence_change"].notna()).sum(),
        "figure3": sample.frame["women_share"].notna().sum(),
        "figure4": sample.frame["senior_share"].notna().sum(),
        "figure6": (enough & (sample.frame["q13"] != "dont_know")).sum(),
        "missingness": sample.frame["linked"].sum(),
    }
    for name, figure in figures.items():
        subtitle = figure.texts[1].get_text()
        assert f"n = {expected[name]};" in subtitle, name


def test_no_file_names_a_workplace(
    sample: AnalysisSample, raw: pd.DataFrame, tmp_path: Path
) -> None:
    written = run_describe(sample, Asked(source="microdata")).write(tmp_path)
    assert {path.name for path in written} == {*FILES, *LOG}
    names = [*sample.frame["workplace"], *raw["org_nr"]]
    for path in written:
        content = path.read_bytes().decode("utf-8", errors="replace")
        assert not any(name in content for name in names), path.name
    assert "<title>Mean" in (tmp_path / "figure1.svg").read_text(encoding="utf-8")


# The command `describe`


@pytest.mark.usefixtures("blank_pictures", "have_read")
def test_describe_writes_prints_and_says_whose(command: Command, tmp_path: Path) -> None:
    code, out, err = command("describe", *OWN, "--out", "here", "--lang", "nb")
    assert (code, err) == (0, "")
    assert {path.name for path in (tmp_path / "here").iterdir()} == FILES
    assert out.startswith("Brukerens egne mikrodata.\n")
    assert "SYNTETISK" not in out
    assert not re.search(r"\b(\d{9}|[0-9a-f]{16})\b", out)
    for name in TABLES:
        assert {row["source"] for row in rows(tmp_path / "here" / name)} == {"microdata"}
    assert list(rows(tmp_path / "here" / "univariate.csv")[0]) == [*columns_of("11"), "source"]
    by_industry = rows(tmp_path / "here" / "by_industry.csv")
    assert list(by_industry[0]) == [*columns_of("by_industry"), "source"]


@pytest.mark.usefixtures("blank_pictures", "have_read")
def test_describe_as_json_is_one_object(command: Command, tmp_path: Path) -> None:
    code, out, err = command("describe", *OWN, "--out", "here", "--json")
    assert (code, err) == (0, "")
    content = json.loads(out)
    assert content["source"] == "microdata"
    assert content["disclosure"].startswith("Disclosure control: ")
    assert {Path(path).name for path in content["files"]} == {*FILES, *LOG}
    flow = rows(tmp_path / "here" / "flow.csv")
    assert [{**row, "source": "microdata"} for row in content["flow"]] == [
        {name: int(cell) if cell.isdigit() else cell for name, cell in row.items()} for row in flow
    ]


@pytest.mark.usefixtures("blank_pictures")
def test_contradictions_of_the_register_are_printed_without_places(
    sample: AnalysisSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bayes_sf.output.runs.describe.description_figures", lambda *_, **__: {})
    pseudonym = sample.frame["workplace"].iloc[0]
    found = problem(
        "r.csv", "negative days", rows=3, places=[(pseudonym, 4)], consequence="used as it stands"
    )
    faulty = dataclasses.replace(sample, problems=problem_table([found]))
    stream = io.StringIO()
    described = run_describe(faulty, Asked(source="microdata"))
    described.show(Console(file=stream, width=120), described.write(tmp_path), as_json=False)
    assert "r.csv: negative days (rows: 3); used as it stands\n" in stream.getvalue()
    few = dataclasses.replace(sample, problems=problem_table([found | {"rows": 2}]))
    for rules, shown in ((Rules(), "<3"), (Rules(active=False), 2)):
        content = run_describe(few, Asked(source="microdata", rules=rules)).content
        assert [line["rows"] for line in content.said["problems"]] == [shown]
    assert pseudonym not in stream.getvalue()


@pytest.mark.parametrize("name", ["describe", "select"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "published"], "--data: must be replica .*'published'.*no workplaces"),
        (["--data", "publisht"], r"--data: must be replica \(got 'publisht'\)"),
        (["--data", "microdata"], r"--data: must be replica \(got 'microdata'\)"),
        (["--survey", str(SURVEY)], "--survey and --register: go together .*; give the survey"),
        (["--register", str(EXTRACTS[0])], "--survey and --register: go together"),
        (["--data", "replica", *OWN], "--data: goes without --survey"),
    ],
    ids=lambda value: Path(value[-1]).name if isinstance(value, list) else "",
)
def test_a_wrong_call_is_one_line_and_makes_no_folder(
    command: Command, tmp_path: Path, name: str, arguments: list[str], message: str
) -> None:
    code, out, err = command(name, *arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(f"bayes-sf: .*{message}.*\n", err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe", "--lang", "nn"], r"lang: must be en or nb \(got 'nn'\)"),
        (["select", "--top", "3"], r"--top: must be an even number of at least 2 \(got 3\)"),
        (["select", "--top", "0"], "--top: must be an even number"),
        (["select", "--years", "2019", "2018"], "--years: must be a first year and a later one"),
        (["select", "--years", "2017"], "--years.* requires 2 arguments"),
        (["select", "--key-file", "none"], "none: cannot be used"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_one_line(
    command: Command, tmp_path: Path, arguments: list[str], message: str
) -> None:
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(f"bayes-sf: .*{message}.*\n", err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("survey", "register", "message"),
    [
        ("survey_truncated.sav", EXTRACTS[0].name, "survey_truncated.sav: must be a whole SPSS"),
        (SURVEY.name, "register_quarter_2016K5.csv", "register_quarter_2016K5.csv: row 5"),
        ("survey_not_in_register.csv", EXTRACTS[0].name, "must have workplaces in common"),
        ("nothing.csv", EXTRACTS[0].name, "nothing.csv: must exist"),
    ],
)
def test_a_wrong_file_is_exit_code_3_and_writes_nothing(
    command: Command, tmp_path: Path, survey: str, register: str, message: str
) -> None:
    files = ["--survey", str(FOLDER / survey), "--register", str(FOLDER / register)]
    code, out, err = command("describe", *files, "--out", "here")
    assert (code, out) == (3, "")
    assert message in err
    assert not (tmp_path / "here").exists()


# The command `select`


def test_select_names_workplaces_by_pseudonym_only(
    command: Command, tmp_path: Path, raw: pd.DataFrame, sample: AnalysisSample
) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    (tmp_path / "key").chmod(0o600)
    options = ("--top", "2", "--key-file", "key", "--out", "here", "--with-data")
    code, out, err = command("select", *OWN, *options)
    assert (code, err) == (0, "")
    chosen = rows(tmp_path / "here" / "selection.csv")
    assert {row["workplace"] for row in chosen} <= set(sample.frame["workplace"])
    assert {row["source"] for row in chosen} == {"microdata"}
    assert {row["list"] for row in chosen} == set(LISTS)
    text = (tmp_path / "here" / "selection.csv").read_text(encoding="utf-8") + out
    assert not any(number in text for number in raw["org_nr"])
    assert not re.search(r"[0-9a-f]{16}", out)
    assert "2017 to 2020. The report used 2017 to 2021." in out


@pytest.mark.usefixtures("have_read")
def test_years_that_the_register_has_not_are_exit_code_2(command: Command) -> None:
    code, out, err = command("select", *OWN, "--years", "2017", "2021")
    assert (code, out) == (2, "")
    assert "needs observed quarters in 2021 (got '2016-2020')" in err


def test_an_empty_key_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n", encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    code, _, err = command("select", *OWN, "--key-file", "key")
    assert code == 2
    assert "key: must be at least 32 bytes" in err


def test_belonging_sums_the_probabilities_of_the_chosen() -> None:
    lists = pd.DataFrame(
        {
            "list": [LISTS[0]] * 5 + [LISTS[2]] * 2,
            "industry": ["ict", "ict", "ict", "care", "care", "ict", "ict"],
            "chosen": [True, True, False, True, False, True, False],
            "posterior_chosen": [True, False, True, True, False, False, False],
            "prob_top": [0.9, 0.5, 0.6, 0.7, 0.3, np.nan, np.nan],
        }
    )
    found = count_belonging(lists).to_dict("records")
    assert [(row["list"], row["industry"]) for row in found] == [
        (LISTS[0], "ict"), (LISTS[0], "care"), (LISTS[2], "ict"),
    ]  # fmt: skip
    assert [(row["candidates"], row["chosen"]) for row in found] == [(3, 2), (2, 1), (2, 1)]
    assert [row["belong_by_rule"] for row in found[:2]] == pytest.approx([1.4, 0.7])
    assert [row["belong_by_posterior"] for row in found[:2]] == pytest.approx([1.5, 0.7])
    assert np.isnan([found[2]["belong_by_rule"], found[2]["belong_by_posterior"]]).all()


# The replica


def test_describe_of_the_replica_gives_the_reports_tables(replica_described: "Finished") -> None:
    assert (replica_described.code, replica_described.stderr) == (0, REPLICA_NOTICE["en"])
    for name, table in (("univariate.csv", "11"), ("by_industry.csv", "by_industry")):
        made = pd.DataFrame(rows(replica_described.folder / "out" / name))
        published = published_table(table)
        keys = [key for key in published.columns if key not in {"count", "percent"}]
        both = published.merge(made, on=keys, suffixes=("", "_made"))
        assert len(both) == len(published), "answers without a printed row come on top"
        assert (both["count"] == both["count_made"].astype(int)).all()
        assert (both["percent"].astype(float) == both["percent_made"].astype(float)).all()


def test_everything_of_the_replica_says_that_it_is_synthetic(
    replica_described: "Finished", replica_selected: "Finished"
) -> None:
    for done, names in ((replica_described, TABLES), (replica_selected, ["selection.csv"])):
        assert done.code == 0
        assert done.stdout.startswith("SYNTHETIC replica: ")
        for name in names:
            found = {row["source"] for row in rows(done.folder / "out" / name)}
            assert found == {"SYNTHETIC replica"}
    for path in (replica_described.folder / "out").glob("*.svg"):
        assert "<title>SYNTHETIC replica. " in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("figure", "name"), [(f"figure{i}", f"n_figure{i}") for i in (1, 2, 3, 4, 6)]
)
def test_figures_of_the_replica_have_the_reports_n(
    replica_described: "Finished", figure: str, name: str
) -> None:
    svg = (replica_described.folder / "out" / f"{figure}.svg").read_text(encoding="utf-8")
    assert f"n = {scalar(name):.0f};" in svg


def test_lists_of_the_replica_are_as_long_as_asked(replica_selected: "Finished") -> None:
    found = pd.read_csv(replica_selected.folder / "out" / "selection.csv")
    chosen = found[found["chosen"]].groupby(["list", "industry"]).size()
    assert chosen.max() == 40
    assert set(chosen.index.get_level_values("industry")) == set(INDUSTRIES)
    assert found["workplace"].str.fullmatch("[0-9a-f]{16}").all()
    lines = [line for line in replica_selected.stdout.splitlines() if LISTS[0] in line]
    assert len(lines) == len(INDUSTRIES)
    for line in lines:
        candidates, chosen_, rule, _ = map(float, line.split()[-4:])
        assert rule < chosen_ <= candidates, "some were lucky"


# The command `replica`, with a small one in place of the real one, which takes minutes


@pytest.fixture
def small_replica(monkeypatch: pytest.MonkeyPatch, raw: pd.DataFrame) -> list[int]:
    """Make a replica of the small study; the seeds that were asked for."""
    extracts = [pd.read_csv(path, dtype=str) for path in EXTRACTS]
    seeds = []

    def make(seed: int = 1) -> Replica:
        seeds.append(seed)
        return Replica(raw, *extracts, misses=(), compared=740, correlation=0.78, seed=seed)

    monkeypatch.setattr("bayes_sf.replica.make_replica", make)
    return seeds


def test_replica_writes_its_files(
    command: Command, tmp_path: Path, small_replica: list[int]
) -> None:
    code, out, err = command("replica", "--seed", "7", "--out", "here")
    assert code == 0
    assert small_replica == [7]
    assert err == "Making the replica of seed 7: this may take ten minutes.\n"
    assert out.startswith("SYNTHETIC replica: ")
    assert "740 of 740" in out
    files = {path.name for path in (tmp_path / "here").iterdir()}
    assert files == {"survey.csv", "register_workplace.csv", "register_enterprise.csv", "README.md"}
    code, out, err = command("replica", "--seed", "8", "--out", "here", "--quiet")
    assert (code, err) == (0, ""), "an earlier replica is replaced"


def test_replica_stays_out_of_other_peoples_folders(
    command: Command, tmp_path: Path, small_replica: list[int]
) -> None:
    (tmp_path / "mine.csv").write_text("mine", encoding="utf-8")
    code, out, err = command("replica", "--out", ".")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"bayes-sf: --out \.: must be empty .*'mine.csv'\); .*--force\n", err)
    assert small_replica == []
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    code, *_ = command("replica", "--out", ".", "--force")
    assert code == 0
    assert (tmp_path / "mine.csv").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "survey.csv").exists()
