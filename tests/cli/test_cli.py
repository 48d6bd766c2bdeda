"""The command line: exit codes, one clear line per error, results on stdout, files."""

import csv
import io
import json
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bayes_sf.analysis.replay.findings import SEVERITIES
from bayes_sf.cli.console import progress_bar, stdout
from bayes_sf.errors import ConvergenceError, DataError, OutputError, SpecError
from bayes_sf.inputs.published import published_table, scalar

if TYPE_CHECKING:
    from tests.conftest import Finished, Runs

type Command = Callable[..., tuple[int, str, str]]

FILES = (
    "coefficients.csv", "consistency.csv", "icc.csv", "moments.json", "provenance.json",
    "summary.md",
)  # fmt: skip


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# What is asked wrongly


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reproduce", "--engine", "exat"], r"--engine: must be exact or nuts \(got 'exat'\)"),
        (["reproduce", "--engine", "reml"], r"--engine: must be exact or nuts \(got 'reml'\)"),
        (["reproduce", "--data", "publisht"], r"--data: must be published or replica"),
        (["reproduce", "--survey", "s.csv"], "--survey and --register: go together .*; give"),
        (["reproduce", "--register", "r.csv"], "--survey and --register: go together .*; give"),
        (
            ["reproduce", "--data", "replica", "--survey", "s.csv", "--register", "r.csv"],
            "--data: goes without --survey",
        ),
        (["reproduce", "--seed", "one"], "Invalid value for '--seed'.*integer"),
        (["reproduce", "--seeds", "1"], "No such option: --seeds.*--seed"),
        (["reproduce", "--out"], "Option '--out' requires an argument"),
        (["reproduce", "published"], r"unexpected extra argument.*published"),
        (["reproduse"], "No such command 'reproduse'. Did you mean 'reproduce'"),
        (
            ["fit", "null", "--ledger", "l", "--ledger-key", "k"],
            "--ledger: is of files of your own",
        ),
        (["fit", "null", "--ledger", "l"], "--ledger and --ledger-key: go together"),
        (["describe", "--ledger", "l"], "--ledger and --ledger-key: go together"),
        (["sbc", "null", "--ledger", "l"], "No such option: --ledger"),
        (["--vershun"], "No such option: --vershun"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_call_is_one_line_and_exit_code_2(
    command: Command, tmp_path: Path, arguments: list[str], message: str
) -> None:
    code, out, err = command(*arguments)
    assert code == 2
    assert out == ""
    assert re.fullmatch(f"bayes-sf: .*{message}.*\n", err)
    assert not list(tmp_path.iterdir()), "a folder was made for nothing"


@pytest.mark.parametrize("place", ["taken", "taken/results"])
def test_a_file_where_the_folder_should_be(command: Command, tmp_path: Path, place: str) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    code, out, err = command("reproduce", "--out", place)
    assert (code, out) == (2, "")
    assert re.fullmatch(f"bayes-sf: {place}: must be a folder .*; choose .*--out\n", err)
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


# What goes wrong on the way


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (SpecError("models/x.toml: items", "must be known", got="q99"), 2, "x.toml: items: must"),
        (DataError("s.csv, row 3", "must be a number", got="mange"), 3, r"row 3.*\(got 'mange'\)"),
        (ConvergenceError("q13", "needs 400 effective draws", got=12), 4, "q13: needs 400"),
        (OutputError("results", "must be writable"), 2, "results: must be writable"),
        (PermissionError(13, "Permission denied", "s.sav"), 2, "s.sav: cannot be used.*denied"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("no weight"), 1, "unexpected ZeroDivisionError: no weight .*--debug"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_error_is_one_line_with_its_exit_code(
    command: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("bayes_sf.output.runs.reproduce.run_reproduce", fail)
    got, out, err = command("reproduce")
    assert (got, out) == (code, "")
    assert re.fullmatch(f"bayes-sf: .*{message}.*\n", err)


@pytest.mark.parametrize("place", [0, 1])
def test_debug_shows_the_traceback(
    command: Command, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("no weight")

    monkeypatch.setattr("bayes_sf.output.runs.reproduce.run_reproduce", fail)
    arguments = ["reproduce"]
    arguments.insert(place, "--debug")
    code, _, err = command(*arguments)
    assert code == 1
    assert err.startswith("Traceback")
    assert err.splitlines()[-1].startswith("bayes-sf: unexpected ZeroDivisionError")


def test_ctrl_c_stops_a_real_run(bayes_sf_command: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    running = subprocess.Popen(
        [bayes_sf_command, "reproduce", "--out", out],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        # a job in the background ignores Ctrl-C, and so would what it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    while not out.exists():  # made when the run begins
        assert running.poll() is None
        time.sleep(0.02)
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=60)
    assert (running.returncode, stdout, stderr) == (130, "", "bayes-sf: interrupted\n")
    assert not out.exists()


# What is small


def test_no_command_shows_the_help(command: Command) -> None:
    assert command() == command("--help")
    code, out, err = command()
    assert (code, err) == (0, "")
    assert "reproduce" in out


def test_version(command: Command) -> None:
    from importlib.metadata import version

    assert command("--version") == (0, f"bayes-sf {version('bayes-sf')}\n", "")


def test_check_published_as_text_and_as_json(command: Command) -> None:
    _, text, _ = command("check-published")
    code, out, err = command("check-published", "--json")
    assert (code, err) == (0, "")
    outcomes = json.loads(out)
    findings = [finding for outcome in outcomes for finding in outcome["findings"]]
    assert len(findings) >= 10
    for finding in findings:
        assert f"{finding['severity']}: {finding['place']}: {finding['text']}" in text
    for outcome in outcomes:
        assert re.search(rf"{outcome['comparisons']}\s+\d+\s+{outcome['rule']}", text)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "quiet", "shown"),
    [(Terminal(), False, True), (Terminal(), True, False), (io.StringIO(), False, False)],
    ids=["terminal", "quiet", "file"],
)
def test_progress_is_for_terminals(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, quiet: bool, shown: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", stream)
    assert list(progress_bar(quiet=quiet)(range(3))) == [0, 1, 2]
    assert ("fitting" in stream.getvalue()) == shown
    assert bool(stream.getvalue()) == shown


@pytest.mark.parametrize(("told", "width"), [("60", 60), ("", 120), ("wide", 120)])
def test_columns_are_obeyed_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, told: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", told)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert stdout().width == width


# The run itself


def test_reproduce_ends_well_and_writes_every_file(reproduced: "Finished") -> None:
    assert reproduced.code == 0
    assert reproduced.stderr == ""  # progress is for terminals
    assert sorted(path.name for path in (reproduced.folder / "results").iterdir()) == list(FILES)
    assert reproduced.stdout.startswith("Real study: ")
    *_, written, page = reproduced.stdout.splitlines()
    assert page == "As one page for readers: bayes-sf report"
    for name in FILES:
        assert name in written


def assert_same_files(*runs: "Finished") -> None:
    for name in FILES:
        if name != "provenance.json":  # has the time that was needed
            first, second = ((run.folder / "results" / name).read_bytes() for run in runs)
            assert first == second, name


@pytest.mark.slow
def test_another_run_gives_the_same(
    reproduced_whole: "Finished", reproduced_by_wheel: "Finished"
) -> None:
    """On another installation, all versions of all models."""
    assert reproduced_by_wheel.code == 0, reproduced_by_wheel.stderr
    assert_same_files(reproduced_whole, reproduced_by_wheel)


def test_another_small_run_gives_the_same(small_runs: "Runs") -> None:
    """Whatever it prints; `tests/recovery` sees that the study is recovered alike."""
    assert [run.code for run in small_runs] == [0, 0]
    assert_same_files(*small_runs)


def test_json_is_one_object(small_runs: "Runs") -> None:
    _, run = small_runs
    content = json.loads(run.stdout)
    assert list(content) == [
        "icc", "coefficients", "consistency", "provenance", "disclosure", "files",
    ]  # fmt: skip
    for row in content["icc"]:
        assert row.keys() >= {
            "outcome", "published", "reml", "mean", "median", "lower", "upper", "prob", "prior",
        }  # fmt: skip
    folder = run.folder / "results"
    for key in ("icc", "coefficients", "consistency"):
        written = rows(folder, f"{key}.csv")
        assert [list(row) for row in written] == [list(row) for row in content[key]]
    assert content["provenance"] == json.loads((folder / "provenance.json").read_text("utf-8"))


def test_icc_of_the_mean_with_its_interval(reproduced: "Finished") -> None:
    row = rows(reproduced.folder / "results", "icc.csv")[0]
    assert (row["outcome"], row["case"]) == ("absence_mean", "all")
    assert float(row["published"]) == scalar("icc_mean")
    # REML returns the published value, which is printed to three decimals.
    assert abs(float(row["reml"]) - scalar("icc_mean")) <= 0.0005
    # Known beforehand: "about" 0.35 and 0.15 to 0.72, to two decimals. What is drawn matters less:
    # another seed moves these by 0.0001 (docs/decisions/published_route.md).
    assert float(row["median"]) == pytest.approx(0.35, abs=0.01)
    assert float(row["lower"]) == pytest.approx(0.15, abs=0.01)
    assert float(row["upper"]) == pytest.approx(0.72, abs=0.015)
    assert float(row["prob"]) == 0.95
    assert row["prior"].count("half-t(3, 0, ") == 2


def test_icc_of_the_change_at_both_ends(reproduced: "Finished") -> None:
    found = rows(reproduced.folder / "results", "icc.csv")[1:]
    assert [row["case"] for row in found] == ["all", "lowest", "highest"]
    assert {row["reml"] for row in found} == {"0.0"}
    between, low, high = (float(row["median"]) for row in found)
    assert 0 < low < between < high


def test_every_published_coefficient_is_there(reproduced: "Finished") -> None:
    found = rows(reproduced.folder / "results", "coefficients.csv")
    printed = published_table("coefficients")
    for key in ("table", "question", "term", "estimate", "se", "t", "ci_low", "ci_high"):
        assert [row[key] for row in found] == list(printed[key]), key
    for row in found:
        lower, mean, upper = (float(row[key]) for key in ("lower", "mean", "upper"))
        assert lower < mean < upper
        assert float(row["sd"]) > 0
        assert 0.5 <= float(row["p_direction"]) <= 1


def test_published_figures_come_back(reproduced: "Finished") -> None:
    rebuilt = [
        row
        for row in rows(reproduced.folder / "results", "coefficients.csv")
        if row["basis"] == "moments"
    ]
    figures = 5 * len(rebuilt)
    returned = sum(int(row["returned"]) for row in rebuilt)
    assert figures == 640
    # Some versions of rarely chosen options come near to their figures, not onto them; see
    # docs/decisions/published_route.md.
    assert returned >= 630
    assert f"REML returns {returned} of {figures} published figures" in reproduced.stdout


def test_moments_say_what_was_read_recovered_and_assumed(reproduced: "Finished") -> None:
    content = json.loads((reproduced.folder / "results" / "moments.json").read_text("utf-8"))
    assert {row["status"] for row in content["account"]} == {"read", "recovered", "assumed"}
    for model in content["models"]:
        groups, columns = len(model["groups"]), len(model["terms"])  # predictors and the outcome
        assert [len(model["sizes"]), len(model["means"])] == [groups, groups]
        assert {len(row) for row in model["means"] + model["within"]} == {columns}


def test_provenance_tells_data_seed_and_versions(reproduced: "Finished") -> None:
    text = (reproduced.folder / "results" / "provenance.json").read_text("utf-8")
    content = json.loads(text)
    assert content["source"] == "published"
    assert content["seed"] == 1
    assert {"python", "bayes-sf", "numpy"} <= content["versions"].keys()
    assert all(re.fullmatch("[0-9a-f]{16}", model["data"]) for model in content["models"])


def test_summary_is_the_page_of_the_same_run(reproduced: "Finished") -> None:
    page = (reproduced.folder / "results" / "summary.md").read_text("utf-8")
    assert "Real study" in page
    assert "SYNTHETIC" not in page
    icc = rows(reproduced.folder / "results", "icc.csv")[0]
    assert f"| mean absence | 0.299 | 0.299 | {float(icc['mean']):.3f} |" in page
    findings = rows(reproduced.folder / "results", "consistency.csv")
    counts = Counter(row["severity"] for row in findings)
    assert counts.keys() == set(SEVERITIES)
    for severity, count in counts.items():
        assert page.count(f"\n- {severity}: ") == count
        assert f"{count} {severity}" in page


# The replica


def test_replica_is_called_synthetic_everywhere(reproduced_replica: "Finished") -> None:
    assert reproduced_replica.code == 0, reproduced_replica.stderr
    assert reproduced_replica.stdout.startswith("SYNTHETIC replica: ")
    folder = reproduced_replica.folder / "results"
    page = (folder / "summary.md").read_text("utf-8")
    for title in re.findall("^## (.*(?:correlation|slopes).*)$", page, re.MULTILINE):
        assert title.startswith("SYNTHETIC replica: ")
    assert "Real study" not in page + reproduced_replica.stdout
    assert json.loads((folder / "provenance.json").read_text("utf-8"))["source"] == "replica"
    assert {row["basis"] for row in rows(folder, "coefficients.csv")} == {"data"}


def test_replica_gives_the_printed_figures_back(reproduced_replica: "Finished") -> None:
    found = rows(reproduced_replica.folder / "results", "coefficients.csv")
    returned = sum(int(row["returned"]) for row in found)
    assert returned >= 0.95 * 5 * len(found)
    assert f"REML returns {returned} of {5 * len(found)} " in reproduced_replica.stdout


def test_replica_and_published_tables_give_the_same_icc(
    reproduced: "Finished", reproduced_replica: "Finished"
) -> None:
    """Both routes have the printed variance components, so only their industry means differ."""
    published, replica = (
        rows(run.folder / "results", "icc.csv")[0] for run in (reproduced, reproduced_replica)
    )
    for key in ("median", "lower", "upper"):
        assert float(replica[key]) == pytest.approx(float(published[key]), abs=0.005)
