"""What is missing under every treatment: rows, tables, and the command on a part of the replica."""

import inspect
import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import Finished, run, run_here
from rich.console import Console

import bayes_sf as sf
from bayes_sf.analysis.missing import imputation
from bayes_sf.analysis.missing.completed import completed_sets
from bayes_sf.analysis.missing.imputation import (
    METHODS,
    MissingStudy,
    compare_methods,
    study_complete,
    study_missing,
)
from bayes_sf.analysis.missing.surveyed import who_is_missing, won_back
from bayes_sf.cli.app import main
from bayes_sf.cli.missing import read_deltas
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import holds_no_data
from bayes_sf.engines.panel.draws import Completed
from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.panel import build_panel
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.report.saved_imputation import read_imputation
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.output.runs import impute as imputations
from bayes_sf.output.tables.imputation_tables import imputation_tables, method_table
from tests.tools import spoken

REPLICA = Path(__file__).parents[2] / "data" / "replica"
PREDICTORS = ("q13", "women_share")
SPECS = tuple(sf.ModelSpec(o, PREDICTORS) for o in ("absence_mean", "absence_change"))


def effects_of(outcome: str) -> pd.DataFrame:
    """What `delta_effects` would give, with other numbers."""
    quantity = outcome.removeprefix("absence_")
    delta = np.array([-1.0, 0.0, 1.5])
    parts = [
        pd.DataFrame(
            {
                "pattern": "quarters", "quantity": quantity, "term": term, "delta": delta,
                "estimate": at + 0.1 * delta, "sd": 0.1, "lower": at + 0.1 * delta - 0.2,
                "upper": at + 0.1 * delta + 0.2, "prob": 0.95, "interval": "credible-eti",
                "p_direction": 0.9, "n_workplaces": 100, "n": 582, "n_groups": 6,
            }
        )
        for term, at in (("q13", -0.25), ("icc", 0.4))
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    """The replica."""
    return sf.load_sample("replica")


@pytest.fixture(scope="module")
def study(sample: AnalysisSample) -> MissingStudy:
    """A study without sampling: exact fits stand for the joint model, noise for what is missing."""
    panel = build_panel(sample, PREDICTORS)
    rng = np.random.default_rng(1)
    own = np.nanmean(np.where(panel.observed, panel.y, np.nan), axis=1)[:, None]
    y = np.where(panel.observed, panel.y, own + rng.normal(0, 3, size=(6, *panel.y.shape)))
    guess = np.nanmean(panel.x, axis=0) * rng.uniform(0.9, 1.1, size=(6, *panel.x.shape))
    done = Completed(y, np.where(np.isnan(panel.x), guess, panel.x))
    sets = completed_sets(panel, done)
    complete = tuple(sf.fit(spec, sample, engine="exact") for spec in SPECS)
    joint = tuple(sf.fit(replace(spec, min_quarters=2), sample, engine="exact") for spec in SPECS)
    effects = pd.concat([effects_of(spec.outcome) for spec in SPECS], ignore_index=True)
    rows = [
        row
        for one, two in zip(complete, joint, strict=True)
        for row in compare_methods(one, two, sample, sets, effects)
    ]
    nan = float("nan")
    tipping = pd.DataFrame(
        {
            "pattern": "quarters", "quantity": ["mean", "change"], "term": "q13",
            "verdict_at_zero": ["below 0", "undecided"], "sign": [nan, 1.25],
            "verdict": [0.5, nan],
        }
    )  # fmt: skip
    won = pd.concat([won_back(sample, spec, panel) for spec in SPECS], ignore_index=True)
    return MissingStudy(
        joint, complete, tuple(rows), who_is_missing(sample, SPECS), won, effects, tipping, done,
        sets,
    )  # fmt: skip


def test_effects_under_delta_are_one_table_of_all_outcomes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def effects(_: Any, __: Any, *, quantity: str, term: tuple[str, ...], **___: Any) -> Any:
        return pd.DataFrame({"quantity": quantity, "term": list(term)})

    monkeypatch.setattr(imputation, "delta_effects", effects)
    monkeypatch.setattr(imputation, "tipping_points", lambda table: table.iloc[1:])
    fitted = SimpleNamespace(panel_fit=SimpleNamespace(panel=SimpleNamespace(predictors=("q13",))))
    joint: Any = [
        SimpleNamespace(spec=SimpleNamespace(outcome=spec.outcome), fitted=fitted) for spec in SPECS
    ]
    table, tipping = imputation._under_delta(joint, Completed(*[np.empty(0)] * 2), [0.0], "", 0.9)
    named = ("mean", "change") if SPECS[0].outcome == "absence_mean" else ("change", "mean")
    assert table.to_numpy().tolist() == [[name, t] for name in named for t in ("q13", "icc")]
    assert list(table.index) == [0, 1, 2, 3]
    assert len(tipping) == 3


def test_every_treatment_is_what_it_says(study: MissingStudy, sample: AnalysisSample) -> None:
    """Each row against the fit that it names, done here anew."""
    for row in (row for row in study.rows if row.method == "delta"):
        quantity = row.outcome.removeprefix("absence_")
        one = study.effects.set_index(["quantity", "term", "delta"]).loc[
            (quantity, row.term, row.delta)
        ]
        kept = ["estimate", "sd", "lower", "upper"]
        assert [getattr(row, name) for name in kept] == one[kept].tolist()
    found = {(r.outcome, r.term, r.method, r.delta): r for r in study.rows if r.method != "delta"}
    rows = {key[:3]: row for key, row in found.items()}
    for spec, exact in zip(SPECS, study.complete_case, strict=True):
        theirs = {row.term: row for row in exact.rows if not row.group}
        together = sf.fit(spec, list(study.sets.frames()), engine="reml")
        pooled = together.fitted
        low, high = pooled.interval(0.95)
        for k, term in enumerate(PREDICTORS, start=1):
            mine = rows[spec.outcome, term, "complete-case"]
            assert (mine.estimate, mine.lower) == (theirs[term].estimate, theirs[term].lower)
            assert mine.p_direction == theirs[term].p_direction
            assert mine.n == exact.moments.n_obs
            rubin = rows[spec.outcome, term, "rubin"]
            assert rubin.estimate == pytest.approx(pooled.estimate[k])
            assert (rubin.lower, rubin.upper) == pytest.approx((low[k], high[k]))
            assert rubin.interval == "confidence-t"
        icc = rows[spec.outcome, "icc", "rubin"]
        assert icc.estimate == pytest.approx(together.icc()["estimate"])
        assert np.isnan(icc.lower)
    known = replace(SPECS[0], repeats="n_quarters", min_quarters=1)
    mine = rows["absence_mean", "q13", "known-precision"]
    theirs = next(row for row in sf.fit(known, sample).rows if row.term == "q13")
    assert (mine.estimate, mine.sd) == pytest.approx((theirs.estimate, theirs.sd))
    frame = sample.frame
    some = (frame["n_quarters"] >= 1) & (frame["q13"] != "dont_know") & frame["women_share"].notna()
    assert mine.n == some.sum()  # one observed quarter is enough
    assert ("absence_change", "q13", "known-precision") not in rows
    shifts = [row for row in study.rows if row.method == "delta" and row.term == "q13"]
    assert {(row.outcome, row.delta): row.estimate for row in shifts} == pytest.approx(
        {(s.outcome, d): -0.25 + 0.1 * d for s in SPECS for d in (-1.0, 0.0, 1.5)}
    )


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_tables_print_n_priors_and_whose_workplaces(study: MissingStudy, lang: str) -> None:
    """Every table says that it is synthetic; those of treatments print priors and intervals."""
    tables = spoken(lang, imputation_tables, study)
    assert [table.name for table in tables] == [
        "methods_absence_mean", "methods_absence_change", "tipping_points", "missing",
        "won_back_absence_mean", "won_back_absence_change",
    ]  # fmt: skip
    for table in tables:
        assert table.caption.startswith("SYNTETISK" if lang == "nb" else "SYNTHETIC")
        assert "n = " in table.caption
    text = "\n".join(tables[0].footer)
    assert {"en": "half-t(3, 0, ", "nb": "halv-t(3; 0; "}[lang] in text
    assert "Rubin" in text
    body = ["; ".join(row) for row in tables[0].texts]
    assert any(("delta 1,50" if lang == "nb" else "delta 1.50") in line for line in body)
    assert any("delta −1" in line for line in body)
    terms = [row[0] for row in tables[0].texts]
    order = [row[1] for row in tables[0].texts if row[0] == terms[0]]
    assert len(order) == len(METHODS) - 1 + 3
    assert tables[2].texts[0][2] == ("under 0" if lang == "nb" else "below 0")


def test_bad_requests(sample: AnalysisSample) -> None:
    """Before anything is sampled: outcome, predictors, sets, pattern."""
    trend = sf.ModelSpec("absence_trend", ("q13",))
    with pytest.raises(UsageError, match="outcome that the panel has"):
        study_missing([trend], sample)
    with pytest.raises(UsageError, match="must have a predictor"):
        study_missing([sf.ModelSpec("absence_mean")], sample)
    with pytest.raises(UsageError, match="same predictors"):
        study_missing([SPECS[0], sf.ModelSpec("absence_mean", ("q17",))], sample)
    with pytest.raises(UsageError, match="at least two"):
        study_missing(SPECS, sample, n_sets=1)
    linked = replace(sample, frame=sample.frame[sample.frame["linked"]])
    with pytest.raises(DataError, match="one that this panel has"):
        study_missing(SPECS, linked, pattern="unlinked")


@pytest.mark.parametrize(
    ("text", "deltas"),
    [("-2:2:1", (-2.0, -1.0, 0.0, 1.0, 2.0)), ("1,-1", (-1.0, 1.0)), ("0:1:0.4", (0.0, 0.4, 0.8))],
)
def test_grids(text: str, deltas: tuple[float, ...]) -> None:
    """Lists are sorted; a grid never goes beyond its end."""
    assert read_deltas(text) == deltas


@pytest.mark.parametrize("text", ["", "a", "1:2", "0:1:0", "2:1:1", "0:1:0.001", "1,2:3", "500"])
def test_bad_grids(text: str) -> None:
    """One message says how a grid is written."""
    with pytest.raises(UsageError, match="--delta"):
        read_deltas(text)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--completed", "1"], 2, "must be 0, or 2 to 1000 sets"),
        (["--completed", "1001"], 2, "must be 0, or 2 to 1000 sets"),
        (["--quarters"], 2, "goes with --completed"),
        (["--norwegian-csv"], 2, "goes with --completed"),
        (["--pattern", "unlinkd"], 2, "did you mean unlinked?"),
        (["q13_pannel"], 2, "did you mean 'q13_panel'?"),
        (["--survey", "no_such_file.csv", "--register", "r.csv"], 3, "no_such_file.csv"),
        (["--data", "published"], 2, "have no workplaces"),
    ],
)
def test_one_clear_line(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    """The right exit code, one line on stderr, no file left behind."""
    done = run_here("impute", *arguments, folder=tmp_path)
    assert done.code == code
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("blank_pictures", "only_null_models")
@pytest.mark.parametrize(
    ("source", "completed", "single"),
    [
        ("microdata", 0, False),
        pytest.param("microdata", 3, True, marks=pytest.mark.slow),
        pytest.param("replica", 0, True, marks=pytest.mark.slow),
    ],
)
def test_nothing_of_single_workplaces_without_consent(
    study: MissingStudy,
    sample: AnalysisSample,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    source: str,
    completed: int,
    single: bool,
) -> None:
    """Of microdata, single workplaces are drawn and written only with --completed."""
    if source == "microdata":  # the replica is known by its content
        monkeypatch.setattr("bayes_sf.inputs.sample.INVENTED", "")
    panel = build_panel(sample, PREDICTORS)

    class Sampled(MissingStudy):
        @property
        def panel_fit(self) -> SimpleNamespace:
            table = pd.DataFrame({"mean": [1.0]}, index=pd.Index(["beta[q13]"], name="parameter"))
            return SimpleNamespace(panel=panel, settings={}, summary=lambda: table)

    sampled = Sampled(**{name: getattr(study, name) for name in MissingStudy.__dataclass_fields__})
    monkeypatch.setattr(imputations, "study_missing", lambda *_, **__: sampled)
    ran, _ = imputations.run_impute(
        sf.load_analysis("q13_controls"), sample, Asked(source=source), completed=completed,
        deltas=(0.0,), pattern="quarters",
    )  # fmt: skip
    files = ran.write(tmp_path)
    names = {path.name for path in files}
    assert ("quarters.svg" in names) == single
    assert ("completed_workplaces.csv" in names) == bool(completed)
    for path in files:
        if path.suffix == ".csv" and not path.name.startswith("completed"):
            # counts and estimates: never one line per workplace
            assert len(pd.read_csv(path)) < 100
    out = io.StringIO()
    ran.show(Console(file=out, width=120), files, as_json=False)
    assert "What is missing, and how it is treated" in out.getvalue()
    assert "…" not in out.getvalue()  # nothing is cut off


def test_complete_rows_without_sampling(study: MissingStudy, sample: AnalysisSample) -> None:
    """The same rows and counts as beside the joint model; nothing that needs draws."""
    ours = study_complete(SPECS, sample)
    exact = [row for row in study.rows if row.method in {"complete-case", "known-precision"}]
    # A p_direction of the ICC is NaN, which is not itself.
    assert list(map(repr, ours.rows)) == list(map(repr, exact))
    pd.testing.assert_frame_equal(ours.missing, study.missing)
    assert ours.converged
    assert len(ours.effects) == len(ours.tipping) == ours.sets.n_sets == len(ours.done.y) == 0
    for spec in SPECS:
        table = spoken("nb", method_table, ours, spec.outcome)
        assert "Rubin" not in "".join(table.footer)
        assert table.texts[-1][0] == "ICC"
    with pytest.raises(UsageError, match="must have a predictor"):
        study_complete([sf.ModelSpec("absence_mean")], sample)


def test_a_saved_run_is_taken_up(
    study: MissingStudy, sample: AnalysisSample, tmp_path: Path
) -> None:
    """Files of a run give its rows back; of another run, model or folder they are refused."""
    panel = build_panel(sample, PREDICTORS)
    said = {"converged": True, "panel": panel.digest}
    (tmp_path / "provenance.json").write_text(json.dumps(said), encoding="utf-8")
    pd.DataFrame([asdict(row) for row in study.rows]).to_csv(tmp_path / "methods.csv", index=False)
    study.effects.to_csv(tmp_path / "delta.csv", index=False)
    study.tipping.to_csv(tmp_path / "tipping_points.csv", index=False)
    ours = study_complete(SPECS, sample)
    found = read_imputation(tmp_path, ours, sample)
    by_key = {(r.outcome, r.term, r.method, repr(r.delta)): r for r in found.rows}
    assert len(by_key) == len(study.rows)
    for row in study.rows:
        assert repr(by_key[row.outcome, row.term, row.method, repr(row.delta)]) == repr(row)
    pd.testing.assert_frame_equal(found.tipping, study.tipping)
    other = study_complete([replace(spec, predictors=("q13",)) for spec in SPECS], sample)
    with pytest.raises(UsageError, match="must be of the same workplaces and model"):
        read_imputation(tmp_path, other, sample)
    (tmp_path / "provenance.json").write_text('{"converged": false}', encoding="utf-8")
    with pytest.raises(UsageError, match="must be a run that converged"):
        read_imputation(tmp_path, ours, sample)
    with pytest.raises(UsageError, match=r"that bayes-sf impute wrote \(got 'no provenance"):
        read_imputation(tmp_path / "none", ours, sample)


def test_what_did_not_converge_is_written_and_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 4 after the tables, with one line that says what to do."""
    run = Run(Asked(source="replica"), Control(), holds_no_data(Content(), "nothing"))
    failed = run, SimpleNamespace(converged=False)
    monkeypatch.setattr(imputations, "run_impute", lambda *_, **__: failed)
    monkeypatch.setattr("sys.argv", ["bayes-sf", "impute", "--out", str(tmp_path), "--json"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 4
    out, err = capsys.readouterr()
    assert json.loads(out)["provenance"]["source"] == "replica"
    assert "R-hat < 1.01" in err


# The command itself: sampled once, on an eighth of the replica ------------------------------------


def part_of_the_replica(folder: Path) -> None:
    """Write every eighth workplace of the replica as files of one's own."""
    survey = pd.read_csv(REPLICA / "survey.csv", dtype=str)
    survey.iloc[::8].to_csv(folder / "survey.csv", index=False)
    for name in ("register_workplace.csv", "register_enterprise.csv"):
        shutil.copy(REPLICA / name, folder / name)
    (folder / "model.toml").write_text(
        'schema = 1\nquestion = "q13?"\noutcomes = ["absence_mean", "absence_change"]\n'
        'items = ["q13"]\ncontrols = ["women_share"]\nmissing = "model"\n'
    )


@pytest.fixture(scope="module")
def imputed(
    tmp_path_factory: pytest.TempPathFactory, bayes_sf_command: Path
) -> Callable[[], SimpleNamespace]:
    """One run as JSON, and the files that it wrote."""
    folder = tmp_path_factory.mktemp("imputed")
    part_of_the_replica(folder)
    done: Finished = run(
        bayes_sf_command, "impute", "model.toml", "--survey", "survey.csv", "--register",
        "register_workplace.csv", "--register", "register_enterprise.csv", "--completed", "6",
        "--quarters", "--delta=-1,1", "--out", "out", "--lang", "nb", "--json", "--quiet",
        "--no-disclosure-control", folder=folder)  # fmt: skip
    assert done.code == 0, done.stderr
    return lambda: SimpleNamespace(folder=folder / "out", done=done, json=json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.nuts
def test_the_command_writes_everything(imputed: Callable[[], SimpleNamespace]) -> None:
    """Files, consent on stderr, the same figures in JSON and CSV; treatments agree."""
    found = imputed()
    assert sorted(path.name for path in found.folder.iterdir()) == sorted(
        [
            *(f"completed_{what}.{end}" for what in ("workplaces", "quarters")
              for end in ("csv", "parquet", "sav")),
            *(f"{name}.{end}" for name in ("delta", "distributions", "quarters")
              for end in ("svg", "png")),
            "delta.csv", "methods.csv", "missing.csv",
            "panel.csv", "provenance.json", "tipping_points.csv", "won_back.csv",
        ]
    )  # fmt: skip
    assert "MICRODATA" in found.done.stderr
    methods = pd.read_csv(found.folder / "methods.csv")
    assert len(methods) == len(found.json["methods"])
    assert (methods["source"] == "microdata").all()
    slope = methods[(methods["term"] == "q13") & (methods["outcome"] == "absence_mean")]
    by = slope.set_index("method")
    joint, rubin = by.loc["joint"], by.loc["rubin"]
    # one model: REML on six completed sets and the posterior, within half an sd
    assert rubin["estimate"] == pytest.approx(joint["estimate"], abs=0.5 * joint["sd"])
    at_zero = slope[(slope["method"] == "delta") & (slope["delta"] == 0)].iloc[0]
    assert at_zero["estimate"] == pytest.approx(joint["estimate"], abs=0.25 * joint["sd"])
    assert at_zero["sd"] == pytest.approx(joint["sd"], rel=0.2)
    assert sorted(slope.loc[slope["method"] == "delta", "delta"]) == [-1, 0, 1]
    assert joint["n"] > by.loc["complete-case", "n"]


@pytest.mark.slow
@pytest.mark.nuts
def test_completed_files_hold_what_was_observed(imputed: Callable[[], SimpleNamespace]) -> None:
    """Six sets under the original; observed quarters stay; no workplace number anywhere."""
    found = imputed()
    quarters = pd.read_csv(found.folder / "completed_quarters.csv")
    wide = quarters.pivot_table(
        index=[".id", "quarter"], columns=".imp", values="absence", dropna=False
    )
    seen = wide[0].notna()
    assert list(wide.columns) == list(range(7))
    assert wide.notna().loc[:, 1:].all(axis=None)
    for number in range(1, 7):
        np.testing.assert_array_equal(wide.loc[seen, number], wide.loc[seen, 0])
    assert (wide.loc[~seen, 1] != wide.loc[~seen, 2]).all()
    numbers = pd.read_csv(REPLICA / "survey.csv", dtype=str).iloc[::8, 0]
    written = "\n".join(
        path.read_text(encoding="utf-8")
        for path in found.folder.iterdir()
        if path.suffix in {".csv", ".json", ".svg"}
    )
    words = set(re.findall(r"(?<![\d.])\d{9}(?![\d.])", written))  # nine digits that stand alone
    assert not words & set(numbers)


def test_points_moved_by_if_none_are_given_lie_evenly_about_zero() -> None:
    deltas = inspect.signature(study_missing).parameters["deltas"].default
    assert 0 in deltas
    assert np.diff(deltas).min() == np.diff(deltas).max() > 0
    assert deltas[0] == -deltas[-1]
