"""Commands multiverse and influence: what they print, write and refuse."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bayes_sf.inputs.codebook import load_codebook
from tests.tools import REPLICA_NOTICE

type Command = Callable[..., tuple[int, str, str]]

FILE = """\
schema = 1
question = "Does it depend?"
item = "q17"
rope = 0.25
[choices]
min_quarters = [1, 12]
controls = [[], ["women_share"]]
prior = ["2.5 sd", "flat"]
"""


@pytest.fixture
def command(command: Command, tmp_path: Path) -> Command:
    """The command line in a folder with a multiverse of one's own."""
    (tmp_path / "mine.toml").write_text(FILE, encoding="utf-8")
    return command


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_multiverse_of_a_file(command: Command, tmp_path: Path) -> None:
    code, out, err = command("multiverse", "mine.toml", "--quiet")
    assert (code, err) == (0, REPLICA_NOTICE["en"])
    assert out.startswith("SYNTHETIC replica")
    assert "ROPE ±0.25 percentage points" in out
    assert "Fitted: 8 / 8" in out
    folder = tmp_path / "multiverse"
    table = rows(folder / "specifications.csv")
    assert len(table) == 8
    assert {row["source"] for row in table} == {"replica"}
    assert sum(row["report"] == "True" for row in table) == 1
    found = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert found["choices"]["controls"] == [[], ["women_share"]]
    assert found["statement"].startswith("SYNTHETIC")
    assert {path.name for path in folder.iterdir()} == {
        "specifications.csv", "shares.csv", "options.csv", "summary.json", "provenance.json",
        "specification_curve.svg", "specification_curve.png",
    }  # fmt: skip


def test_json_and_norwegian(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("multiverse", "mine.toml", "--json", "--quiet", "--lang", "nb")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {
        "summary", "shares", "options", "provenance", "disclosure", "files",
    }  # fmt: skip
    assert [row["choice"] for row in found["shares"]] == ["min_quarters", "controls", "prior"]
    svg = (tmp_path / "multiverse" / "specification_curve.svg").read_text(encoding="utf-8")
    assert "Kvinneandel" in svg
    assert "forventning a posteriori" in svg


def test_influence(command: Command, tmp_path: Path) -> None:
    code, out, err = command("influence", "q13", "--quiet", "--lang", "nb")
    assert (code, err) == (0, REPLICA_NOTICE["nb"])
    assert out.startswith("SYNTETISK kopi")
    assert load_codebook().item("q13").categories[-1].label_nb in out
    folder = tmp_path / "influence"
    assert {"workplace", "record"}.isdisjoint(rows(folder / "cells.csv")[0])
    assert "Personvern" not in out, "of nobody: the data are invented"
    assert not (folder / "disclosure.csv").exists()
    assert (folder / "influence_q13_absence_mean.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("multiverse", "q31"), "must be a .toml file, or one of q13, q17, q18 (got 'q31')"),
        (("multiverse", "none.toml"), "must be a file that can be read"),
        (("multiverse", "q13", "--data", "published"), "the published tables have no workplaces"),
        (("multiverse", "q13", "--lang", "no"), "must be en or nb (got 'no')"),
        (("influence", "q31"), "analysis: must be one of"),
        (("influence", "q13", "--data", "published"), "the published tables have no workplaces"),
    ],
)
def test_refused(command: Command, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = command(*arguments, "--quiet")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("*/*"))
