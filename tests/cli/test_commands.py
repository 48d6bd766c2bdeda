"""Every command alike: help with an example, options of one meaning, misuse, completion."""

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from bayes_sf import cli
from bayes_sf.cli.completion import ENGINES, FORMATS, PICTURES, analysis_names
from bayes_sf.engines.fit import ENGINES as KNOWN_ENGINES
from bayes_sf.errors import DataError
from bayes_sf.output.doctor import examine
from bayes_sf.output.figures.pictures import PICTURES as KNOWN_PICTURES
from bayes_sf.output.formats.writing import FORMATS as KNOWN_FORMATS
from bayes_sf.resources import models_dir
from tests.tools import REPLICA_NOTICE

type Command = Callable[..., tuple[int, str, str]]

GROUP = typer.main.get_command(cli.app)
COMMANDS = sorted(GROUP.commands)
#: Options that mean the same wherever they are.
MEANING = {
    "--out": "Folder for the files.", "--json": "Print JSON instead of tables.",
    "--seed": "Seed of everything random.", "--quiet": "No progress on stderr.",
}  # fmt: skip


def run(command: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments], env={**os.environ, **environment}, capture_output=True,
        encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip


def test_the_commands_that_there_are() -> None:
    wanted = {
        "check-published", "compare", "describe", "diagnose", "doctor", "export", "fit", "loo",
        "plot", "replica", "reproduce", "select",
    }  # fmt: skip
    assert wanted <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_that_parses(command: Command, name: str) -> None:
    code, _, err = command(name, "--help")
    assert (code, err) == (0, "")
    said = GROUP.commands[name].help
    assert said
    assert len(said.splitlines()[0]) < 100
    example = re.search(r"Example: (bayes-sf .*)", said)
    assert example, "an example to copy"
    program, called, *rest = shlex.split(example[1])
    assert (program, called) == ("bayes-sf", name)
    GROUP.commands[name].make_context(name, list(rest))  # raises for an option that there is not


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_means_the_same_everywhere(name: str) -> None:
    for parameter in GROUP.commands[name].params:
        for option in parameter.opts:
            if option in MEANING:
                assert parameter.help == MEANING[option], option
        assert parameter.help, f"{parameter.name} says nothing"


@pytest.mark.parametrize("name", COMMANDS)
def test_misuse_of_any_command_is_one_line(command: Command, tmp_path: Path, name: str) -> None:
    code, out, err = command(name, "--no-such-option")
    assert (code, out) == (2, "")
    assert re.fullmatch("bayes-sf: .*--no-such-option.*\n", err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "null", "--format", "pdf"], "--format: must be one of html"),
        (["export", "null", "--engine", "exat"], "--engine: must be one of ols"),
        (["export", "null", "--lang", "nn"], "lang: must be en or nb"),
        (["export", "nul"], "did you mean"),
        (["compare", "null", "--min-workplaces", "0"], "--min-workplaces: must be at least 2"),
        (["fit", "null", "--min-persons", "0"], "--min-persons: must be at least 1"),
        (["describe", "--dominance", "90", "80", "10"], "--dominance: must be percentages"),
        (["describe", "--dominance", "90"], "--dominance.* requires 3 arguments"),
        (["fit", "null", "--no-disclosure-control", "--min-persons", "9"], "without --min-persons"),
        (
            ["compare", "null", "--no-disclosure-control", "--dominance", "60", "80", "10"],
            "without --dominance: nothing is hidden",
        ),
        (
            ["fit", "null", "--data", "replica", "--min-workplaces", "10"],
            "--data replica: goes without --min-workplaces: there is nobody in it to protect",
        ),
        (["diagnose", "no.nc"], "no.nc: must be a fit"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_value_is_one_line_and_writes_nothing(
    command: Command, tmp_path: Path, arguments: list[str], message: str
) -> None:
    code, out, err = command(*arguments)
    assert (code, out) == (3 if arguments[0] == "diagnose" else 2, "")
    assert re.fullmatch(f"bayes-sf: .*{message}.*\n", err)
    assert not list(tmp_path.iterdir())


# doctor


def test_doctor_is_instant_and_loads_nothing_heavy(bayes_sf_command: Path) -> None:
    best = 1e9
    for _ in range(3):
        start = time.perf_counter()
        done = run(bayes_sf_command, "doctor", "--json")
        best = min(best, time.perf_counter() - start)
        assert done.returncode == 0, done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["pymc"]["found"].startswith("6.")
    assert checks["models"]["verdict"] == "good"
    # Measured 0.3 s alone; importing pandas or PyMC would take seconds more.
    assert best < 3


def test_doctor_sees_what_is_wrong(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    real = metadata.version

    def version(name: str) -> str:
        if name == "nutpie":
            raise metadata.PackageNotFoundError(name)
        return "5.9" if name == "pymc" else real(name)

    monkeypatch.setattr("bayes_sf.output.doctor.metadata.version", version)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    found = {check.name: check.verdict for check in examine()}
    assert (found["nutpie"], found["pymc"], found["bytecode"]) == ("wrong", "wrong", "slow")
    code, out, _ = command("doctor", "--strict")
    assert code == 1
    assert "WRONG: install bayes-sf again" in out


# Completion


def completed(command: Path, line: str) -> list[str]:
    words = line.split(" ")
    done = run(
        command, _BAYES_SF_COMPLETE="complete_bash", COMP_WORDS=line,
        COMP_CWORD=str(len(words) - 1),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bayes-sf fit q17", {"q17", "q17_controls", "q17_slopes"}),
        ("bayes-sf export null --format w", {"word"}),
        *(
            pytest.param(line, expected, marks=pytest.mark.slow)
            for line, expected in (
                ("bayes-sf rep", {"replica", "reproduce"}),
                ("bayes-sf plot q13 sh", {"shrinkage"}),
                ("bayes-sf fit null --data r", {"replica"}),
                ("bayes-sf describe --lang n", {"nb"}),
            )
        ),
    ],
)
def test_a_shell_completes(bayes_sf_command: Path, line: str, expected: set[str]) -> None:
    assert expected <= set(completed(bayes_sf_command, line))


def test_completion_is_installed(bayes_sf_command: Path, tmp_path: Path) -> None:
    """Typer asks for the shell that runs: here it is told."""
    home = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = run(bayes_sf_command, "--install-completion", "bash", **home)
    assert done.returncode == 0, done.stderr
    written = [path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()]
    assert any("_BAYES_SF_COMPLETE" in text for text in written)


def test_what_is_completed_is_what_there_is() -> None:
    assert PICTURES == KNOWN_PICTURES
    assert FORMATS == KNOWN_FORMATS
    assert sorted(ENGINES) == sorted(KNOWN_ENGINES)
    assert analysis_names("") == sorted(path.stem for path in models_dir().glob("*.toml"))


# Terminals


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colours_where_they_are_not_wanted(
    bayes_sf_command: Path, environment: dict[str, str]
) -> None:
    """Under `script`, so that the command believes that it has a terminal."""
    done = subprocess.run(
        ["script", "-qec", f"{bayes_sf_command} doctor", "/dev/null"],
        env={**os.environ, "TERM": "xterm", **environment}, capture_output=True, encoding="utf-8",
        check=True, timeout=60,
    )  # fmt: skip
    assert "Verdict" in done.stdout
    assert not re.search(r"\x1b\[\d*;?3\d", done.stdout), "no colours"


# Export


@pytest.mark.slow
def test_export_writes_tables_in_all_formats(command: Command, tmp_path: Path) -> None:
    formats = [part for name in FORMATS for part in ("--format", name)]
    code, out, err = command(
        "export",
        "null",
        "--data",
        "replica",
        "--lang",
        "nb",
        "--norwegian-csv",
        *formats,
        "--quiet",
    )
    assert (code, err) == (0, REPLICA_NOTICE["nb"])
    assert out.startswith("SYNTETISK kopi")
    names = {path.name for path in (tmp_path / "tables").iterdir()}
    assert {"estimates_exact.html", "estimates_exact.tex", "estimates_exact.md"} <= names
    assert {"tables.xlsx", "tables.docx", "table_25.csv", "flow_null_absence_mean.csv"} <= names
    assert not {"disclosure.csv", "disclosure.json"} & names, "of nobody: the data are invented"
    text = (tmp_path / "tables" / "table_25.csv").read_text("utf-8-sig")
    assert ";:;" not in text, "nothing is hidden"


@pytest.mark.parametrize(
    "name",
    [
        *("describe", "select", "fit q13", "compare null", "loo q13", "plot q13 shrinkage"),
        *("influence q13", "multiverse q13", "sensitivity q13", "export null", "impute q13_panel"),
        *("report", "reproduce", "sbc q13"),
    ],
)
def test_the_decimal_mark_reaches_the_reader_from_every_command(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def read(*_: object, decimal: str | None = None, **__: object) -> None:
        raise DataError("register", "was asked for", got=decimal)

    monkeypatch.setattr("bayes_sf.inputs.sample.load_sample", read)
    own = ["--survey", "s.csv", "--register", "r.csv"]
    code, _, err = command(*name.split(), *own, "--decimal", ",")
    assert (code, err) == (3, "bayes-sf: register: was asked for (got ',')\n")


@pytest.mark.parametrize("data", ["describe", "fit q13", "fit q13 --data replica"])
@pytest.mark.parametrize("option", ["--decimal", "--map"])
def test_how_files_are_read_is_said_of_files(command: Command, data: str, option: str) -> None:
    code, _, err = command(*data.split(), option, ",")
    assert (code, err) == (
        2, f"bayes-sf: {option}: goes with --survey and --register (got ',')\n"
    )  # fmt: skip
