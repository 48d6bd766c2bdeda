"""Commands loo and plot: what they print, write and refuse, with the exact engine."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bayes_sf.cli.given import Given
from tests.tools import REPLICA_NOTICE

type Command = Callable[..., tuple[int, str, str]]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_models_are_compared_and_checked(command: Command, tmp_path: Path) -> None:
    code, out, err = command("loo", "q13", "q13_categorical", "--by-industry", "--quiet")
    assert (code, err) == (0, REPLICA_NOTICE["en"])
    assert out.startswith("SYNTHETIC replica")
    assert "Priors of q13: intercept normal" in out
    assert "Predictive checks: " in out
    table = rows(tmp_path / "loo" / "loo.csv")
    mean = [row for row in table if row["outcome"] == "absence_mean"]
    assert [row["model"] for row in mean] == ["q13", "q13_categorical"]
    assert {row["kind"] for row in mean} == {"exact"}
    # The difference is that of the two sums.
    difference = float(mean[1]["elpd"]) - float(mean[0]["elpd"])
    assert float(mean[1]["elpd_diff"]) == pytest.approx(difference)
    assert {row["source"] for row in table} == {"replica"}
    groups = rows(tmp_path / "loo" / "groups.csv")
    assert len({row["group"] for row in groups}) == 6
    checks = rows(tmp_path / "loo" / "checks.csv")
    assert {row["statistic"] for row in checks} == {"mean", "sd", "min", "max", "share <= 0"}


def test_json_holds_the_same(command: Command) -> None:
    code, out, _ = command("loo", "null", "--json", "--quiet", "--out", "x")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {"loo", "checks", "provenance", "disclosure", "files"}
    assert found["provenance"]["statement"].startswith("SYNTHETIC")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("loo", "q13", "q13"), "needs every model once"),
        (("loo", "q13", "null"), "same outcome of the same rows"),
        (("loo", "q31"), "did you mean"),
        (("loo", "q13", "--data", "published"), "must be replica"),
        (("plot", "q13", "shrinkag"), "did you mean 'shrinkage'"),
        (("plot", "q13", "ppc"), "printed tables have none"),
        (("plot", "null", "trace", "--engine", "exact"), "is about chains"),
        (("plot", "q17_slopes", "forest", "--engine", "exact"), "an engine that fits the model"),
        (("plot", "null", "forest", "--engine", "reml"), "must be exact or nuts"),
        (("plot", "null", "slopes"), "same in all groups"),
        (("sbc", "q13", "-n", "1"), "at least 20 data sets"),
        (("sbc", "q13", "--engine", "reml"), "must be exact or nuts"),
        (("sbc", "q17_slopes", "--engine", "exact"), "an engine that fits the model"),
        (("sbc", "q13_panel"), "what is missing is no part"),
    ],
)
def test_what_is_refused(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    if arguments[0] != "loo":  # it is seen from what is asked, before any data are read
        monkeypatch.setattr(Given, "study", None)
        monkeypatch.setattr(Given, "workplaces", None)
    code, out, err = command(*arguments, "--quiet")
    assert (code, out) == (2, "")
    told = err.removeprefix(REPLICA_NOTICE["en"])  # some are refused before the replica is read
    assert message in told
    assert len(told.splitlines()) == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_a_picture_of_every_model(command: Command, tmp_path: Path) -> None:
    code, out, err = command("plot", "q13", "shrinkage", "--quiet")
    assert (code, err) == (0, "")
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    pictures = {"q13-absence_mean-shrinkage.svg", "q13-absence_mean-shrinkage.png"}
    assert names == {*pictures, "provenance.json"}
    assert all(name in out for name in pictures)
    text = (tmp_path / "pictures" / "q13-absence_mean-shrinkage.svg").read_text(encoding="utf-8")
    assert "Real study" in text


def test_a_band_is_of_outcomes_in_one_unit(command: Command, tmp_path: Path) -> None:
    """0.5 of a percentage point is nothing of a correlation: refused before anything is fitted."""
    (tmp_path / "two.toml").write_text(
        'schema = 1\nquestion = "?"\noutcomes = ["absence_mean", "absence_trend"]\n'
        'items = ["q13"]\n', encoding="utf-8",
    )  # fmt: skip
    code, out, err = command("plot", "two.toml", "forest", "--data", "replica", "--rope", "0.5")
    assert (code, out) == (2, "")
    assert "--rope: needs outcomes in one unit" in err
    assert [path.name for path in tmp_path.iterdir()] == ["two.toml"]
