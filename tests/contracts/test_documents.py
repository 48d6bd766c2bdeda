"""What the documents say runs, and prints what they show."""

import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer

from bayes_sf import cli
from bayes_sf.inputs.own_study.header import read_study_header
from bayes_sf.inputs.sample import read_mapping
from bayes_sf.recovery.data import load_sample
from bayes_sf.spec.analysis import load_analysis
from bayes_sf.spec.terms.formula import read_formula
from tests.conftest import draw_blank, few_models, run_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

ROOT = Path(__file__).resolve().parents[2]
OWN_STUDY = ROOT / "tests" / "own_studies" / "pupils"
REFRESH = runpy.run_path(str(ROOT / "docs" / "refresh.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NUMBER = re.compile(r"(\d+(?:\.\d+)?)")

FIRST = "python -m pip install uv && uv run bayes-sf reproduce"
TESTS = "uv run pytest"
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in REFRESH["PAGES"]}
#: Run once for all tests, by these fixtures; of the second, `test_cli.py` looks at the run.
REPLICA = "uv run bayes-sf reproduce --data replica"
JSON = "uv run bayes-sf reproduce --json"
#: Run by `test_calibration.py`, `test_report.py`, `test_describe.py` and others as well.
LONG = re.compile(r"bayes-sf (sbc q13 -n 20|report|describe|(loo|export|fit) q13 .+)$")


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


def lines_of(text: str) -> set[str]:
    """Every command of a page: in a block, or in a line of text."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"`(uv run [^`]+)`", text)
    return {line for block in blocks for line in block.splitlines()} | set(inline)


def commands() -> set[str]:
    """Every command of README, tutorial and how-to but those on a reader's own files."""
    own = re.compile(r"--survey|--study|bayes-sf init")
    return {line for text in PAGES.values() for line in lines_of(text) if not own.search(line)}


def named() -> set[str]:
    """Commands that any page names, with files of one's own or not, and without their `uv run`."""
    pages = {path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
    lines = {line for text in (*pages, README) for line in lines_of(text)}
    inline = {line for text in pages for line in re.findall(r"`(bayes-sf [^`]+)`", text)}
    found = {line.removeprefix("uv run ") for line in lines | inline}
    return {
        line for line in found if line.startswith("bayes-sf ") and not re.search("[A-Z]{5}", line)
    }


def test_the_two_commands_come_first() -> None:
    blocks = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
    assert blocks[0] == ("sh", f"{FIRST}\n{TESTS}\n")
    assert blocks[1][1].startswith("Real study: ")


def test_ci_runs_the_test_command_of_the_readme() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    ours = [line for line in lines if line.startswith("uv run")]
    assert ours == [TESTS, "uv run ruff check", "uv run ruff format --check", "uv run mypy"]
    assert "python -m pip install --quiet uv" in lines


@pytest.mark.slow
def test_shown_output_is_what_the_command_prints(reproduced_whole: "Finished") -> None:
    real = REFRESH["fenced"](REFRESH["shortened"](reproduced_whole.stdout))
    assert_same(REFRESH["block"](README, "reproduce"), real)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(line, marks=pytest.mark.slow if LONG.search(line) else ())
        for line in sorted(commands() - {FIRST, TESTS})
    ],
)
def test_every_other_command_runs(
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Of two versions of the study; pictures are those of a command that is for them.

    The report is of few models and choices: `tests/output/test_report.py` looks at all of it.
    """
    if command == REPLICA:
        assert request.getfixturevalue("reproduced_replica").code == 0
        return
    if command == JSON:
        assert request.getfixturevalue("small_runs")[1].code == 0
        return
    if " plot " not in command:
        draw_blank(monkeypatch)
    if command.endswith(" report"):
        few_models(monkeypatch, tmp_path / "models")
        few = {
            "min_quarters": (3,),
            "last_quarter": ("2020Q4",),
            "controls": ((),),
            "prior": ("flat",),
        }
        monkeypatch.setattr("bayes_sf.output.report.alternatives._SOME", few)
    study = load_sample("published").first(2)
    monkeypatch.setattr("bayes_sf.recovery.study.recover_study", lambda *_, **__: study)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", command.removeprefix("uv run ").split())
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert not left.value.code


@pytest.mark.parametrize("line", sorted(named()))
def test_every_command_that_is_named_can_be_meant(line: str) -> None:
    _, name, *rest = shlex.split(line)
    group = typer.main.get_command(cli.app)
    if name.startswith("--"):
        assert name in {"--version", "--debug", "--help", "--install-completion"}
    elif "--help" not in rest:
        called = group.commands[name].make_context(name, rest)
        asked = called.params.get("analyses") or [called.params.get("analysis")]
        for analysis in filter(None, asked):
            if called.params.get("table") or "~" in analysis:
                assert read_formula(analysis)
                continue
            if called.params.get("own_study"):
                assert analysis in read_study_header(OWN_STUDY).analyses
                continue
            assert (ROOT / "models" / f"{analysis}.toml").exists()


@pytest.mark.parametrize("page", sorted(PAGES))
def test_python_examples_print_what_is_shown(page: str) -> None:
    text = PAGES[page]
    blocks = REFRESH["examples"](text)
    assert len(blocks) == text.count("```python") >= 1
    for (_, shown), real in zip(blocks, REFRESH["printed_by"](blocks), strict=True):
        assert_same(shown, real)


def test_model_files_that_are_shown_are_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGES["docs/own_files.md"], re.DOTALL)
    shown = {"schema" in block: block for block in blocks}
    assert (len(shown), len(blocks)) == (2, 3)
    shown = {"schema" in block: block for block in blocks if "kind" not in block}
    for name, block in (("names.toml", shown[False]), ("mine.toml", shown[True])):
        (tmp_path / name).write_text(block, encoding="utf-8")
    assert read_mapping(tmp_path / "names.toml")["survey"]["q13"] == "tilpasning"
    assert load_analysis(str(tmp_path / "mine.toml")).specs[0].predictors == ("q4",)


def test_the_page_on_a_study_of_ones_own_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commands, one after the other; its `study.toml`; what `init` prints."""
    page = PAGES["docs/own_files.md"]
    shutil.copy(OWN_STUDY / "pupils.csv", tmp_path)
    draw_blank(monkeypatch)
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    first, *lines = (
        line for block in blocks for line in block.splitlines()
        if re.search("--study|bayes-sf init", line)
    )  # fmt: skip
    done = run_here(*shlex.split(first)[1:], folder=tmp_path)
    assert done.stderr == ""
    assert " ".join(done.stdout.split()) in " ".join(page.split())
    (written,) = (b for b in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "kind" in b)
    (tmp_path / "study.toml").write_text(written, encoding="utf-8")
    assert len(lines) == 7
    for line in lines:
        done = run_here(*shlex.split(line)[1:], folder=tmp_path)
        assert (done.code, done.stderr) == (0, ""), line


def test_every_analysis_has_its_line() -> None:
    text = (ROOT / "docs" / "analyses.md").read_text(encoding="utf-8")
    for path in (ROOT / "models").glob("*.toml"):
        assert re.search(rf"\b{path.stem}\b", text), path.name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text", "html"])
def test_documents_build_without_a_warning(kind: str, tmp_path: Path) -> None:
    """As text, which is read and resolved as the pages are, in half of their time."""
    command = ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", kind, ROOT / "docs", tmp_path]
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    pages = {path.stem: path.read_text("utf-8") for path in tmp_path.glob("*.[th]*t*")}
    for name in ("fit", "load_sample", "ModelSpec", "Moments", "Result"):
        assert f"bayes_sf.{name}" in pages["api"]
    if kind == "html":
        home = re.sub(r'xmlns="[^"]+"|href="[^"]+"', "", pages["tutorial"])
        assert "http://" not in home, "loads nothing"


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
