"""`sf.export` and `sf.page`: what commands write, from Python, and what may not leave so."""

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.errors import SpecError, UsageError
from tests.conftest import run_here

PUPILS = Path(__file__).parents[1] / "own_studies" / "pupils"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    g = np.repeat(list("abcdef"), 20)
    u = dict(zip("abcdef", rng.normal(size=6), strict=True))
    x = rng.normal(size=120)
    return pd.DataFrame(
        {"y": 1 + 0.5 * x + [u[k] for k in g] + rng.normal(size=120), "x": x, "g": g}
    )


@pytest.fixture(scope="module")
def models(frame: pd.DataFrame) -> list[sf.Result]:
    return [
        sf.fit("y ~ 1 + (1 | g)", frame), sf.fit("y ~ x + (1 | g)", frame),
        sf.fit("y ~ x + (1 | g)", frame, engine="reml"),
    ]  # fmt: skip


def test_results_have_the_table_that_is_printed(models: list[sf.Result], tmp_path: Path) -> None:
    files = sf.export(models, tmp_path / "out", formats=["csv", "markdown"])
    assert [file.name for file in files] == [
        "models.csv", "models.md", "methods.md", "provenance.json",
    ]  # fmt: skip
    shown = sf.table(models).frame.loc["x"].tolist()
    with files[0].open(encoding="utf-8-sig", newline="") as file:
        row = next(line for line in csv.reader(file) if line[0] == "x")
    assert row[1:] == shown
    assert (tmp_path / "out" / "methods.md").read_text(encoding="utf-8").count("\n## ") == 2


def test_names_stand_above_columns_where_they_tell_models_apart(
    models: list[sf.Result], tmp_path: Path
) -> None:
    sf.export(models[:2], tmp_path, formats=["markdown"], lang="nb")
    text = (tmp_path / "models.md").read_text(encoding="utf-8")
    assert "|  | null | x |" in text
    assert "Spurt om" in (tmp_path / "methods.md").read_text(encoding="utf-8")
    sf.export({"A": models[0], "B": models[1]}, tmp_path, formats=["markdown"])
    assert "|  | A | B |" in (tmp_path / "models.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_page_of_results_says_what_they_say(models: list[sf.Result], tmp_path: Path) -> None:
    made = sf.page(models[:2], tmp_path / "new" / "fit.html")
    text = made.read_text(encoding="utf-8")
    for sentence in sf.report(models[1]).split(" (")[:1]:
        assert sentence.replace(" %", "\u00a0%") in text  # no line begins with a percent sign
    body = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!#|data:)', body)
    first = re.sub(r"<[^>]+>", " ", body.split('class="answers"')[1].split("</section>")[0])
    assert not re.search("industr|workplace", body)
    assert "y" in first.split()


def test_what_may_leave_is_said_by_the_study_alone(models: list[sf.Result], tmp_path: Path) -> None:
    with sf.study(PUPILS) as rows:
        (result,) = sf.fit(sf.load_analysis("null"), rows, engine="reml").values()
    assert result.provenance.source == "microdata"
    for write in (sf.export, sf.page):
        with pytest.raises(UsageError, match="cannot say what may leave"):
            write([result], tmp_path / "a.html")
    with sf.study(PUPILS) as rows, pytest.raises(UsageError, match="named by its folder"):
        sf.export("null", tmp_path, data=rows)
    with pytest.raises(UsageError, match="analyses go with data="):
        sf.export("null", tmp_path)
    with pytest.raises(UsageError, match="ends in"):
        sf.page(models[0], tmp_path / "page.pdf")
    with pytest.raises(UsageError, match="0 to 6"):
        sf.export(models, tmp_path, digits=9)
    with pytest.raises(UsageError, match="rope"):
        sf.page(models[0], tmp_path / "page.html", rope=0.1)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_study_leaves_as_by_its_commands(tmp_path: Path) -> None:
    """Same rules, same digits: the command's files, but what says when and by what call."""
    sf.export(["null", "homework"], tmp_path / "ours", data=PUPILS)
    run_here("export", "null", "homework", "--study", str(PUPILS), "--out", "theirs",
             folder=tmp_path)  # fmt: skip
    ours, theirs = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()
                     if p.name != "provenance.json"} for n in ("ours", "theirs"))  # fmt: skip
    assert ours == theirs
    assert len(ours) > 6
    run_here("report", "--study", str(PUPILS), "--out", "theirs.html", folder=tmp_path)
    page = sf.page(PUPILS, tmp_path / "ours.html").read_text(encoding="utf-8")
    digests = re.compile(r"sha256-[^']+|\b[0-9a-f]{16}\b")
    other = (tmp_path / "theirs.html").read_text(encoding="utf-8")
    assert digests.sub("", page) == digests.sub("", other)


def test_two_models_never_share_a_name(frame: pd.DataFrame) -> None:
    """By default models of one outcome with other terms, families or weights have other names."""
    formulas = ("y ~ 1 + (1 | g)", "y ~ x + (1 | g)", "y ~ x + z + (1 | g)",
                "y ~ x + (1 + x | g)", "y ~ x + (x || g)", "y ~ x * z + (1 | g)")  # fmt: skip
    specs = [sf.ModelSpec.from_formula(text) for text in formulas]
    specs += [sf.ModelSpec.from_formula("y ~ x + (1 | g)", **more) for more in
              ({"weights": "w"}, {"frequencies": "w"}, {"family": "poisson"})]  # fmt: skip
    assert len({spec.key for spec in specs}) == len(specs)
    assert [spec.name for spec in specs[:3]] == ["null", "x", "x + z"]
    one = sf.ModelSpec("y", ("x",), group="g")
    with pytest.raises(SpecError, match="different names"):
        sf.Analysis("a", "?", (one, sf.ModelSpec("y", ("x",), group="h")))
    found = [sf.fit(one, frame, engine=name) for name in ("reml", "exact")]
    with pytest.raises(SpecError, match="different names"):
        sf.Results(tuple(found))
