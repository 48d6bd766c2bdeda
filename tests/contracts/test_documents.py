"""What the documents say runs, and prints what they show."""

import re
import runpy
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bayes_sf import cli

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

ROOT = Path(__file__).resolve().parents[2]
REFRESH = runpy.run_path(str(ROOT / "docs" / "refresh.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NUMBER = re.compile(r"(\d+(?:\.\d+)?)")

FIRST = "python -m pip install uv && uv run bayes-sf reproduce"
TESTS = "uv run pytest"
RUN_ONCE = {  # for all tests, by these fixtures
    "uv run bayes-sf reproduce --json": "reproduced_by_wheel",
    "uv run bayes-sf reproduce --data replica": "reproduced_replica",
}


def assert_same(shown: str, real: str) -> None:
    """The same words, and numbers as near as two processors give them.

    The states of the study are drawn. Rounding that differs between processors can change a draw,
    and then the last digits, as another seed would: by less than 5 % or 10 units of the last digit.
    """
    words, found = (NUMBER.split(" ".join(text.split())) for text in (shown, real))
    hint = "run: uv run python docs/refresh.py"
    assert words[::2] == found[::2], hint
    for a, b in zip(words[1::2], found[1::2], strict=True):
        digits = len(b.partition(".")[2])
        assert abs(float(a) - float(b)) <= max(0.05 * float(b), 10 * 10.0**-digits), f"{hint}: {a}"


def commands() -> set[str]:
    """Every command of the README but the one on a reader's own files."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    inline = re.findall(r"`(uv run [^`]+)`", README)
    lines = {line for block in blocks for line in block.splitlines()} | set(inline)
    return {line for line in lines if "--survey" not in line}


def test_the_two_commands_come_first() -> None:
    blocks = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
    assert blocks[0] == ("sh", f"{FIRST}\n{TESTS}\n")
    assert blocks[1][1].startswith("Real study: ")


def test_ci_runs_the_test_command_of_the_readme() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    ours = [line for line in lines if line.startswith("uv run")]
    assert ours == [TESTS, "uv run ruff check", "uv run ruff format --check", "uv run mypy"]
    assert "python -m pip install --quiet uv" in lines


def test_shown_output_is_what_the_command_prints(reproduced: "Finished") -> None:
    real = REFRESH["fenced"](REFRESH["shortened"](reproduced.stdout))
    assert_same(REFRESH["block"](README, "reproduce"), real)


@pytest.mark.parametrize("command", sorted(commands() - {FIRST, TESTS}))
def test_every_other_command_runs(
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if command in RUN_ONCE:
        assert request.getfixturevalue(RUN_ONCE[command]).code == 0
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", command.removeprefix("uv run ").split())
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert not left.value.code


def test_python_examples_print_what_is_shown() -> None:
    blocks = REFRESH["examples"](README)
    assert len(blocks) == README.count("```python") >= 2
    for (_, shown), real in zip(blocks, REFRESH["printed_by"](blocks), strict=True):
        assert_same(shown, real)


def test_another_number_is_seen() -> None:
    assert_same("ICC 0.349,\n  0.15", "ICC   0.351, 0.15")
    for other in ("ICC 0.449, 0.15", "ICC 0.349, −0.15", "tau 0.349, 0.15"):
        with pytest.raises(AssertionError):
            assert_same("ICC 0.349, 0.15", other)


def test_shortened_output_says_what_is_left_out() -> None:
    shortened: Callable[[str], str] = REFRESH["shortened"]
    findings = "".join(f"\n- finding {i}" for i in range(9))
    text = shortened(f"source\n\nicc\n\nmean\n\nchange\n\nreturned\n\ntotal{findings}\n\nwritten\n")
    assert "[6 more]" in text
    assert "[the same for the change in absence, table 47]" in text


def test_every_dependency_is_justified_on_one_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [re.match(r"[\w-]+(?:\[\w+\])?", line)[0] for line in project["dependencies"]]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([a-z][\w-]+)(?: \((\w+)\))? \|", page, re.MULTILINE)
    found = [name + (f"[{extra}]" if extra else "") for name, extra in listed if name != "library"]
    assert found == wanted


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_exist(path: Path) -> None:
    """A path in code type, such as `engines/fit.py`, is that of a file or folder."""
    for name in re.findall(r"`([\w./-]+/[\w.-]*\.(?:py|toml|csv|md))`", path.read_text("utf-8")):
        if not name.startswith(("results/", "../")):
            roots = (ROOT, ROOT / "bayes_sf", path.parent)
            assert any((root / name).exists() for root in roots), name
