"""`sf.export` and `sf.page`: what commands write, from Python, and what may not leave so."""

import csv
import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.disclosure.control import OFF, Control
from bayes_sf.disclosure.learnt.ledger import Ledger
from bayes_sf.errors import DisclosureError, SpecError, UsageError
from bayes_sf.inputs.codebook import FRAMES, using
from bayes_sf.output.report.fit import fit_section
from bayes_sf.output.report.page import explorer_parts
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
    made = sf.page(models[:2], tmp_path / "new" / "fit.html", with_data=True)
    text = made.read_text(encoding="utf-8")
    assert sf.report(models[0]).split(" (")[0].replace(" %", "\u00a0%") in text  # of the answers
    assert sf.report(models[1]) in html.unescape(text)
    body = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!#|data:)', body)
    first = re.sub(r"<[^>]+>", " ", body.split('class="answers"')[1].split("</section>")[0])
    assert not re.search("industr|workplace", body)
    assert "y," in first.split()
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    keys = re.findall(r'<details id="(\w+)"', text)
    assert keys == ["coefficients", "explorer", "fit", "methods", "provenance", "notes"]
    elpd = sf.loo(models[0]).elpd
    assert f"leave-one-out: elpd \u2212{-elpd:.0f}" in text


def test_what_of_a_frame_fits_and_moves(frame: pd.DataFrame) -> None:
    """Contrasts are sds of the rows, names are the user's, and the fit is `loo`'s."""
    named = frame.rename(columns={"y": "absence_mean"}).assign(c=list("uvw") * 40)
    result = sf.fit("absence_mean ~ x + c + (1 | g)", named)
    assert not explorer_parts([])["sections"]
    with using(FRAMES):
        made = explorer_parts([result, result], ["1", "2"])
        fit = fit_section([result, result], Control.of(None, OFF), "frame", seed=1)
    first, second = made["explorer"]["models"]
    assert made["explorer"]["outcomes"][0]["label"] == "absence_mean"
    assert [c["label"] for c in first["choices"]] == ["x (1)", "c[v] (1)", "c[w] (1)"]
    assert not {c["key"] for c in first["choices"]} & {c["key"] for c in second["choices"]}
    sizes = [[one["size"] for one in c["contrasts"]] for c in first["choices"]]
    assert sizes == [[pytest.approx(2 * named["x"].std(), rel=0.01), 1], [1], [1]]
    assert made["parts"]["between"] == "sd between groups"
    assert fit is not None
    assert f"elpd \u2212{-sf.loo(result).elpd:.0f}" in " ".join(fit.tables[0].notes)
    assert "of the rows are" in " ".join(fit.paragraphs) or "from even" in fit.paragraphs[1]
    shown = [fit.figures[0].get_label(), *fit.paragraphs]
    assert not re.search("workplace|Mean doctor", " ".join(shown))
    other = sf.fit("x ~ 1 + (1 | g)", frame, engine="reml")
    with pytest.raises(UsageError, match="with_data: is for a random intercept by exact"):
        sf.page(other, "page.html", with_data=True)


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
    with pytest.raises(UsageError, match="with_data: is of results"):
        sf.page(PUPILS, tmp_path / "page.html", with_data=True)
    with pytest.raises(UsageError, match="ledger: is of a study's folder"):
        sf.page(models[0], tmp_path / "page.html", ledger=tmp_path / "ledger")
    with pytest.raises(UsageError, match="ledger and ledger_key: go together"):
        sf.export("null", tmp_path, data=PUPILS, ledger=tmp_path / "ledger")
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


def test_a_ledger_knows_what_left_from_python(tmp_path: Path) -> None:
    """What the command would keep: a model of fewer rows is withheld once the other has left."""
    key, ledger = tmp_path / "key", tmp_path / "ledger"
    key.write_bytes(b"x" * 40)
    key.chmod(0o600)
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({
        "id": [f"p{i:03d}" for i in range(90)], "g": np.repeat(list("abc"), 30),
        "y": rng.normal(50, 10, 90).round(1), "x": rng.normal(0, 1, 90).round(2),
    })  # fmt: skip
    for name, some in (("whole", frame), ("fewer", frame.drop(index=7))):
        (tmp_path / name).mkdir()
        some.to_csv(tmp_path / name / "data.csv", index=False)
        (tmp_path / name / "study.toml").write_text(
            'schema = 1\nkind = "data"\nfile = "data.csv"\n'
            '[group]\ncolumn = "g"\none = "g"\nmany = "gs"\n[outcomes.y]\n[items.x]\n'
            '[disclosure]\nunit = "id"\n[analyses]\nnull = "y ~ 1 + (1 | g)"\n',
            encoding="utf-8",
        )  # fmt: skip
    kept = {"ledger": ledger, "ledger_key": key, "formats": ["csv"]}
    sf.export("null", tmp_path / "one", data=tmp_path / "whole", **kept)
    with Ledger.of(ledger, key) as left:
        assert len(left.left) > 0
    with pytest.raises(DisclosureError):
        sf.export("null", tmp_path / "two", data=tmp_path / "fewer", **kept)
    sf.export("null", tmp_path / "free", data=tmp_path / "fewer", formats=["csv"])


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
