"""Commands fit, diagnose and compare: what they print, write and refuse, and how they end."""

import csv
import io
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from tools import own_workplaces

import bayes_sf as sf
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import holds_no_data
from bayes_sf.engines import store
from bayes_sf.engines.gaussian.draws import draw_posterior
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.joint import resolve_priors
from bayes_sf.engines.gaussian.likelihood import standardise
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.sampled import nuts
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.recovery.study import PublishedStudy, recover_study

type Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def study() -> PublishedStudy:
    return recover_study().first(16)


@pytest.fixture
def command(command: Command, monkeypatch: pytest.MonkeyPatch, study: PublishedStudy) -> Command:
    """The command line on a study that is there already."""
    monkeypatch.setattr("bayes_sf.cli.given.load_study", lambda *_, **__: study)
    return command


@pytest.fixture
def sampler(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Draws from exact instead of NUTS; `shift` moves the chains apart."""
    settings = {"shift": 0.0, "calls": 0}

    def draw(moments: sf.Moments, priors: sf.Priors, *, seed: int) -> nuts.Sampled:
        settings["calls"] += 1
        tree = draw_posterior(Posterior((fit_exact(moments, priors),)), 4000, seed)
        posterior = tree["posterior"].to_dataset()
        apart = settings["shift"] * np.arange(4.0)[:, None]
        tree["posterior"] = posterior.assign(sd_group=posterior["sd_group"] + apart)
        shape = ("chain", "draw")
        tree["sample_stats"] = posterior[[]].assign(
            diverging=(shape, np.zeros((4, 1000), dtype=bool)),
            energy=(shape, np.random.default_rng(seed).normal(size=(4, 1000))),
            tree_depth=(shape, np.full((4, 1000), 2)),
        )
        resolved = resolve_priors(priors, standardise(moments))
        tree["exact"] = nuts._exact(moments, resolved)
        return nuts.Sampled(moments, resolved, tree)

    monkeypatch.setattr("bayes_sf.engines.sampled.nuts.fit_nuts", draw)
    return settings


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# fit


@pytest.mark.parametrize("engine", ["exact", "reml", "ols"])
def test_fit_prints_and_writes_estimates(command: Command, tmp_path: Path, engine: str) -> None:
    code, out, err = command("fit", "q13", "--engine", engine, "--out", "here")
    assert (code, err) == (0, "")
    assert out.startswith("Real study")
    assert re.search(r"q13\s+Can adapt the work \(q13\)\s+−?0\.\d", out)
    files = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert files == ["estimates.csv", "provenance.json"]
    rows = table(tmp_path / "here" / "estimates.csv")
    assert {row["engine"] for row in rows} == {engine}
    assert {(row["source"], row["converged"]) for row in rows} == {("published", "True")}
    assert [row["term"] for row in rows[:2]] == ["(Intercept)", "q13"]


def test_fit_with_nuts_saves_resumes_and_diagnoses(
    command: Command, tmp_path: Path, sampler: dict[str, float]
) -> None:
    code, first, err = command("fit", "null", "--engine", "nuts", "--out", "here")
    assert (code, err) == (0, "")
    code, second, _ = command("fit", "null", "--engine", "nuts", "--out", "here")
    assert (code, sampler["calls"]) == (0, 2)
    assert "2 of 2 fits were there from an earlier run" in second
    assert first.splitlines()[:8] == second.splitlines()[:8]
    rows = table(tmp_path / "here" / "diagnostics.csv")
    assert {row["model"] for row in rows} == {"null"}
    assert rows[0].keys() >= {
        "parameter", "r_hat", "ess_bulk", "ess_tail", "mcse_mean", "exact_mcse", "divergences",
        "bfmi", "tree_depth", "converged", "source",
    }  # fmt: skip
    assert max(abs(float(row["exact_mcse"])) for row in rows) < 5
    command("fit", "null", "--engine", "nuts", "--out", "here", "--no-resume")
    assert sampler["calls"] == 4
    file = next((tmp_path / "here").glob("null-absence_mean-*.nc"))
    code, out, err = command("diagnose", str(file))
    assert (code, err) == (0, "")
    assert "u[kindergarten]" in out
    assert re.search(r"sd_group\s+\d\.\d+\s+0\.\d+\s+0\.\d+\s+1\.00\d ", out)  # R-hat: 3 decimals
    assert out.rstrip().endswith("Verdict: converged.")


def test_what_does_not_converge_is_marked_everywhere(
    command: Command, tmp_path: Path, sampler: dict[str, float]
) -> None:
    sampler["shift"] = 1.0
    code, out, err = command("fit", "q13", "--engine", "nuts", "--out", "here")
    assert code == 4
    assert "NOT CONVERGED" in out
    assert re.fullmatch(r"bayes-sf: nuts: must reach R-hat .*q13 of absence_mean.*\n", err)
    for name in ("estimates.csv", "diagnostics.csv"):
        assert {row["converged"] for row in table(tmp_path / "here" / name)} == {"False"}
    provenance = json.loads((tmp_path / "here" / "provenance.json").read_text("utf-8"))
    assert [model["converged"] for model in provenance["models"]] == [False]
    file = next((tmp_path / "here").glob("*.nc"))
    code, out, err = command("diagnose", str(file))
    assert code == 4
    assert "FAILED  R-hat below 1.01: " in out
    assert "(sd_group)" in out
    assert re.fullmatch(r"bayes-sf: .*\.nc: must pass every check .*R-hat.*\n", err)
    code, again, _ = command("fit", "q13", "--engine", "nuts", "--out", "here")
    assert (code, sampler["calls"]) == (4, 1)  # resumed, and not believed the second time either
    assert "NOT CONVERGED" in again


@pytest.mark.usefixtures("only_null_models")
def test_fits_of_own_files_are_in_no_folder_that_is_sent(
    command: Command, tmp_path: Path, sampler: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draws have a mean in full: of them nothing is told but how chains agree."""
    own = own_workplaces()
    monkeypatch.setattr("bayes_sf.cli.given.load_study", lambda *_, **__: own)
    (tmp_path / "mean.toml").write_text(
        'schema = 1\nquestion = "?"\noutcomes = ["absence_mean"]\nitems = []\nmin_quarters = 1\n'
    )
    asked = ("fit", "mean.toml", "--engine", "nuts", "--out", "here")
    asked += ("--survey", "s.csv", "--register", "r.csv")
    assert command(*asked)[0] == 0
    assert not list((tmp_path / "here").glob("*.nc"))
    (file,) = (tmp_path / "here_private").glob("*.nc")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    command(*asked)
    assert sampler["calls"] == 1, "it is found there again"
    rows = {row["parameter"]: row for row in table(tmp_path / "here" / "diagnostics.csv")}
    for row in rows.values():
        assert float(row["mean"]) == round(float(row["mean"]), 3)
        assert len(row["mcse_mean"].lstrip("0.")) <= 1
    code, out, _ = command("diagnose", str(file))
    assert code == 0
    assert re.search(r"sd_group\s+:\s+:\s+:\s+1\.00\d ", out)
    found = json.loads(command("diagnose", str(file), "--json")[1])
    assert {row["mean"] for row in found["parameters"]} == {":"}
    assert own.digest not in json.dumps(found)
    out = command("diagnose", str(file), "--no-disclosure-control")[1]
    assert re.search(r"sd_group\s+\d\.\d+", out)


def test_reproduce_marks_them_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = [type("R", (), {"spec": sf.ModelSpec("y", ("x",))})()]
    run = Run(Asked(source="replica"), Control(), holds_no_data(Content(), "nothing"), failed)
    monkeypatch.setattr("bayes_sf.output.runs.reproduce.run_reproduce", lambda *_, **__: run)
    code, _, err = command("reproduce", "--engine", "nuts")
    assert code == 4
    assert "x of y" in err


def test_json(command: Command, tmp_path: Path, sampler: dict[str, float]) -> None:
    code, out, err = command("fit", "q13", "--engine", "nuts", "--out", "here", "--json")
    assert (code, err) == (0, "")
    assert sampler["calls"] == 1
    content = json.loads(out)
    assert content.keys() == {
        "estimates", "diagnostics", "provenance", "disclosure", "files",
    }  # fmt: skip
    assert len(content["estimates"]) == len(table(tmp_path / "here" / "estimates.csv"))
    file = next((tmp_path / "here").glob("*.nc"))
    content = json.loads(command("diagnose", str(file), "--json")[1])
    assert content["converged"] is True
    assert {check["name"] for check in content["checks"]} >= {"R-hat", "divergences"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["fit", "q13", "--engine", "nutz"], 2, r"--engine: must be one of .*'nutz'"),
        (["fit", "q31"], 2, r"analysis: must be one of bivariate, .*'q31'"),
        (["compare", "q31"], 2, r"analysis: must be one of bivariate, .*'q31'"),
        (["fit", "q13", "--data", "real"], 2, "--data: must be published or replica"),
        (["diagnose", "none.nc"], 3, "none.nc: must be a fit .*no such file"),
        (["fit"], 2, "Missing argument"),
    ],
)
def test_what_is_asked_wrongly(
    command: Command, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    got, out, err = command(*arguments)
    assert (got, out) == (code, "")
    assert re.match(f"bayes-sf: .*{message}", err)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_batch_keeps_what_is_done(
    command: Command, tmp_path: Path, sampler: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = store.save_fit

    def interrupted(*args: Any, **rest: Any) -> Path:
        if sampler["calls"] == 2:
            raise KeyboardInterrupt
        return save(*args, **rest)

    monkeypatch.setattr(store, "save_fit", interrupted)
    code, out, err = command("fit", "null", "--engine", "nuts", "--out", "here")
    assert (code, out, err) == (130, "", "bayes-sf: interrupted\n")
    (kept,) = (tmp_path / "here").iterdir()
    assert kept.name.startswith("null-absence_mean-")
    monkeypatch.setattr(store, "save_fit", save)
    code, out, _ = command("fit", "null", "--engine", "nuts", "--out", "here")
    assert code == 0
    assert "1 of 2 fits were there" in out
    assert sampler["calls"] == 3


# compare


def test_compare_prints_and_writes_the_poolings(command: Command, tmp_path: Path) -> None:
    code, out, err = command("compare", "null", "--out", "here")
    assert (code, err) == (0, "")
    assert out.startswith("Real study")
    assert re.search(r"ICC\s+Partial pooling\s+REML\s+0\.299", out)
    terms, groups = (table(tmp_path / "here" / f"{n}.csv") for n in ("pooling", "shrinkage"))
    assert {row["pooling"] for row in terms} == {"complete", "none", "partial"}
    assert len(groups) == 12
    assert {row["source"] for row in terms + groups} == {"published"}
    for row in groups:
        industry = load_codebook().industry(row["group"]).label_en.split()[0]
        assert re.search(rf"{industry}[\w. ]*\s+{row['n']}\s", out)
        assert (
            0 < float(row["factor_lower"]) < float(row["factor"]) < float(row["factor_upper"]) < 1
        )
    content = json.loads(command("compare", "null", "--out", "here", "--json")[1])
    assert content.keys() == {
        "pooling", "shrinkage", "provenance", "disclosure", "files",
    }  # fmt: skip
    assert len(content["shrinkage"]) == 12


# Progress


class Chain:
    """As nutpie's ChainProgress."""

    finished_draws, total_draws, divergences, runtime_ms = 500, 2000, 3, 250


def test_progress_shows_chains_speed_and_divergences() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    with show_sampling(console, 60) as begin:
        begin("q13 of absence_mean")
        watcher = nuts._WATCHER.get()
        assert watcher is not None
        watcher([Chain(), Chain()])
    text = stream.getvalue()
    for part in ("q13 of absence_mean", "0/60", "chain 2", "500/2000", "2000 draws/s, 3 diverg"):
        assert part in text
    assert nuts._WATCHER.get() is None


def test_no_progress_without_a_terminal() -> None:
    stream = io.StringIO()
    with show_sampling(Console(file=stream, force_terminal=False), 60) as begin:
        begin("q13 of absence_mean")
        assert nuts._WATCHER.get() is None
    assert stream.getvalue() == ""


# A formula, and a table of one's own


@pytest.fixture
def pupils(tmp_path: Path) -> Path:
    """200 rows of twelve schools, one with a gap; comma as the decimal mark."""
    rng = np.random.default_rng(4)
    school = rng.integers(12, size=200)
    ses = rng.normal(size=200).round(2)
    score = (5 + rng.normal(size=12)[school] + 0.5 * ses + rng.normal(size=200)).round(2)
    frame = pd.DataFrame({"score": score, "ses": ses, "school": school, "kind": "a"})
    frame.loc[::3, "kind"] = "b"
    frame.loc[7, "score"] = np.nan
    frame.to_csv(tmp_path / "pupils.csv", sep=";", decimal=",", index=False)
    return tmp_path / "pupils.csv"


OPEN = "--no-disclosure-control"


@pytest.mark.slow
def test_a_tables_gaps_may_be_refused_and_no_others_are_asked_of(
    command: Command, pupils: Path
) -> None:
    asked = ("score ~ ses + (1 | school)", "--table", str(pupils), OPEN, "--missing")
    code, _, err = command("fit", *asked, "error")
    assert (code, "must have no gap" in err) == (3, True)
    code, _, err = command("fit", *asked, "mode")
    assert (code, "missing" in err) == (2, True)
    code, _, err = command("fit", "q13", "--missing", "error")
    assert (code, "--missing: goes with --table" in err) == (2, True)


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_a_formula_is_fitted_to_a_table(
    command: Command, pupils: Path, tmp_path: Path, lang: str
) -> None:
    formula = "score ~ ses + kind + (1 + ses | school)"
    code, out, err = command(
        "fit", formula, "--table", str(pupils), OPEN, "--engine", "reml", "--lang", lang,
        "--out", str(tmp_path / "fits"),
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert ("1 of 200 rows are left out" if lang == "en" else "1 av 200 rader er utelatt") in out
    assert not re.search("industr|workplace|bransje|virksomhet", out)
    frame = pd.read_csv(pupils, sep=";", decimal=",").dropna()
    known = sf.fit(formula, frame.astype({"school": str}), engine="reml").estimates
    kept = pd.read_csv(tmp_path / "fits" / "estimates.csv", keep_default_na=False)
    np.testing.assert_allclose(kept["estimate"].astype(float), known["estimate"], rtol=1e-9)
    about = json.loads((tmp_path / "fits" / "provenance.json").read_text(encoding="utf-8"))
    assert (about["left_out"], about["gaps"]["score"], about["source"]) == (1, 1, "frame")


def test_a_number_may_be_part_of_a_factor_too(
    command: Command, pupils: Path, tmp_path: Path
) -> None:
    """As year is in `y ~ year + (1 | firm:year)`: a slope and not a dummy for each."""
    formula = "score ~ school + (1 | school:kind)"
    arguments = (formula, "--table", str(pupils), OPEN, "--out", str(tmp_path), "--engine", "reml")
    assert command("fit", *arguments)[0] == 0
    kept = pd.read_csv(tmp_path / "estimates.csv", keep_default_na=False)
    frame = pd.read_csv(pupils, sep=";", decimal=",").dropna()
    known = sf.fit(formula, frame, engine="reml").estimates
    assert (
        kept[["term", "group"]].to_numpy().tolist() == known[["term", "group"]].to_numpy().tolist()
    )
    np.testing.assert_allclose(kept["estimate"].astype(float), known["estimate"], rtol=1e-9)


def test_a_factor_of_a_table_may_have_a_colon_in_its_name(
    command: Command, pupils: Path, tmp_path: Path
) -> None:
    text = pupils.read_text(encoding="utf-8").replace("school", "a:b", 1)
    pupils.write_text(text, encoding="utf-8")
    formula = "score ~ ses + (1 | `a:b`)"
    arguments = (formula, "--table", str(pupils), OPEN, "--out", str(tmp_path), "--engine", "reml")
    assert command("fit", *arguments)[0] == 0
    kept = pd.read_csv(tmp_path / "estimates.csv", dtype=str, keep_default_na=False)
    frame = pd.read_csv(pupils, sep=";", decimal=",", dtype={"a:b": str}).dropna()
    assert set(kept["group"]) - {""} == set(frame["a:b"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["score ~ ses + (1 | school)", "--table", "pupils.csv"], 2, "no rules of disclosure"),
        (["score ~ ses + (1 | school)", OPEN], 2, "a formula: needs data of your own"),
        (["q13", "--table", "pupils.csv", OPEN], 2, "formula"),
        (["score ~ ses + (1 | scool)", "--table", "pupils.csv", OPEN], 3, "mean 'school'"),
        (["score ~ ses + (1 | school)", "--table", "pupil.csv", OPEN], 3, "pupil.csv: must exist"),
        (["score ~ ses + (1 | school", "--table", "pupils.csv", OPEN], 2, "must be closed"),
        (
            ["score ~ ses + (1 | school)", "--table", "pupils.csv", OPEN, "--data", "replica"],
            2, "--table: goes without --data",
        ),
        (
            ["score ~ ses + (1 | school)", "--table", "pupils.csv", OPEN, "--engine", "remel"],
            2, "mean 'reml'",
        ),
        (
            ["score ~ ses + (1 | school)", "--table", "pupils.csv", OPEN, "--engine", ""],
            2, "--engine: must be one of",
        ),
    ],
)  # fmt: skip
def test_a_formula_or_a_table_that_cannot_be_meant(
    command: Command, pupils: Path, monkeypatch: pytest.MonkeyPatch, *,
    arguments: list[str], code: int, message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(pupils.parent)
    found, out, err = command("fit", *arguments, "--out", "fits")
    assert (found, out) == (code, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert not list((pupils.parent / "fits").glob("*"))
