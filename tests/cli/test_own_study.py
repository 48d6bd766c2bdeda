"""A study of one's own through the commands: its numbers, its words, its protection."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

import bayes_sf as sf
from bayes_sf.catalogue import speaking
from bayes_sf.cli.given import Given
from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook, using
from bayes_sf.inputs.own_study.draft import draft_study
from bayes_sf.inputs.own_study.folder import read_study
from bayes_sf.output.figures.aggregates import answers_figure
from bayes_sf.output.report.study import study_page
from bayes_sf.output.run import Asked
from bayes_sf.output.tables.described_sample import protect_tables
from bayes_sf.spec.analysis import load_analysis
from tests.conftest import Command, Finished, draw_blank, run_here

PUPILS = Path(__file__).parents[1] / "own_studies" / "pupils"
#: What belongs to the report's study, in both languages.
ANOTHERS = re.compile(
    r"industr|workplace|absence|survey|register\b|quarter|bransje|virksomhet|fravær|kvartal|"
    r"spørreundersøk|q1[0-9]|percentage point|prosentpoeng",
    re.IGNORECASE,
)
#: Each command as it is asked, in one of the languages: `test_catalogue.py` holds the other to it.
RUNS = {
    "fit": ("fit", "homework"),
    "formula": ("fit", "score ~ sex + (1 | school)", "--engine", "reml", "--lang", "nb"),
    "compare": ("compare", "background", "--lang", "nb"),
    "describe": ("describe", "--lang", "nb"),
    "describe_json": ("describe", "--json"),
    "sensitivity": (
        "sensitivity",
        "background",
        "--part",
        "ladder",
        "--part",
        "controls",
        "--part",
        "planning",
    ),
    "sensitivity_all": ("sensitivity", "background", "--rope", "1", "--lang", "nb"),
    "influence": ("influence", "homework"),
    "loo": ("loo", "null", "--by-group", "--lang", "nb"),
    "plot": ("plot", "null", "shrinkage", "--lang", "nb"),
    "multiverse": ("multiverse", str(PUPILS / "choices.toml")),
    "sbc": ("sbc", "null", "-n", "20"),
    "export": ("export", "homework", "--format", "markdown", "--format", "csv"),
    "report": ("report", "--lang", "nb"),
    "impute": ("impute",),
    "select": ("select",),
    "withheld": ("plot", "homework", "ppc"),
    "misspelt": ("fit", "homwork"),
    "beyond": ("fit", "score ~ ses * sex + (1 | school)"),
}
#: Exit codes other than 0.
CODES = {"impute": 2, "select": 2, "withheld": 5, "misspelt": 2, "beyond": 2}


#: Those that take seconds; others of their kind are short.
LONG = ("sensitivity_all", "sbc")
type Ran = Callable[[str], Finished]


@pytest.fixture
def ran(once: Callable[..., Finished]) -> Ran:
    """Run one of the commands on the pupils, once for all tests."""

    def run(name: str) -> Finished:
        command = [*RUNS[name], "--study", str(PUPILS), "--out", "out"]
        return once(f"own_{name}", command, here=True)

    return run


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in RUNS]
)
def test_every_command_speaks_of_the_study_in_its_own_words(ran: Ran, name: str) -> None:
    found = ran(name)
    assert found.code == CODES.get(name, 0), found.stderr
    texts = {"stdout": found.stdout, "stderr": found.stderr.replace("--no-", "")}
    for path in found.folder.rglob("*"):
        if path.suffix in {".csv", ".json", ".md", ".svg", ".html", ".txt"}:
            texts[path.name] = path.read_text(encoding="utf-8")
        assert not ANOTHERS.search(path.name)
    for where, text in texts.items():
        shown = [line for line in text.splitlines() if ANOTHERS.search(line)]
        assert not shown, (where, shown[:3])


def test_both_languages_are_spoken_with_the_studys_nouns(ran: Ran) -> None:
    assert "sd between schools" in ran("fit").stdout
    assert "Std.avvik mellom skoler" in ran("formula").stdout
    assert "Alle elever" in ran("describe").stdout
    assert "a pupil" in ran("influence").stdout
    assert "Poeng på prøven, poeng" in ran("compare").stdout
    assert "Do pupils who are helped with homework score higher?" in ran("fit").stdout


def test_estimates_are_those_of_the_same_frame(ran: Ran) -> None:
    """Numbers do not depend on the way in: REML of sf.fit on the complete rows."""
    kept = pd.read_csv(ran("formula").folder / "out" / "estimates.csv", keep_default_na=False)
    frame = pd.read_csv(PUPILS / "pupils.csv")[["school", "score", "sex"]].dropna()
    frame["sex"] = pd.Categorical(frame["sex"], ["girl", "boy"])
    known = sf.fit("score ~ sex + (1 | school)", frame, engine="reml")
    slope = kept.loc[kept["term"] == "sex[boy]", "estimate"].astype(float).iloc[0]
    # Control lets it leave in whole points, since digits would tell of single pupils.
    assert slope == pytest.approx(known.fixef().loc["sex[boy]", "estimate"], abs=0.5)


def test_a_page_has_the_digits_of_its_models_and_no_more(ran: Ran) -> None:
    """What `fit` prints of a model with so many decimals has no more in any section of the page."""
    kept = pd.read_csv(ran("fit").folder / "out" / "estimates.csv", dtype=str)
    slope = kept.loc[kept["term"] == "help", "estimate"].iloc[0]
    decimals = len(slope.partition(".")[2])
    page = (ran("report").folder / "out" / "report_nb.html").read_text(encoding="utf-8")
    rows = re.findall(r">Hjelp til lekser(?:: [^<]*)?</th>(.*?)</tr>", page, re.DOTALL)
    cells = [cell for row in rows for cell in re.findall(r"<td[^>]*>(\d,\d+)", row)]
    assert len(cells) > 4
    finer = {cell for cell in cells if len(cell.partition(",")[2]) > decimals}
    assert not finer
    assert "Hva analytikerens valg betyr" in page  # choices.toml


def test_answers_with_an_order_are_scores(tmp_path: Path) -> None:
    study = read_study(PUPILS)
    with_codes = [(c.key, c.code) for c in study.book.items["help"].categories]
    assert with_codes == [("never", 1), ("sometimes", 2), ("often", 3), ("always", 4)]
    done = run_here(
        "fit", "homework", "--study", str(PUPILS), "--no-disclosure-control",
        "--engine", "reml", "--json", folder=tmp_path,
    )  # fmt: skip
    rows = {row["term"]: row for row in json.loads(done.stdout)["estimates"] if not row["group"]}
    frame = pd.read_csv(PUPILS / "pupils.csv")
    frame["help"] = frame["help"].map(dict(with_codes))
    known = sf.fit("score ~ help + (1 | school)", frame.dropna(subset="help"), engine="reml")
    assert rows["help"]["estimate"] == pytest.approx(
        known.fixef().loc["help", "estimate"], rel=1e-9
    )


def test_the_study_is_in_use_no_longer_than_its_command(ran: Ran) -> None:
    assert ran("fit").code == 0
    assert load_codebook().unit == "workplace"


def test_protection_is_on_and_small_groups_are_hidden(ran: Ran) -> None:
    private = ran("describe").folder / "out_private" / "disclosure.json"
    log = json.loads(private.read_text(encoding="utf-8"))
    assert log["rules"] == {"min_units": 5, "active": True, "ledger": ""}
    flow = pd.read_csv(ran("describe").folder / "out" / "flow.csv")
    steps = flow[flow["analysis"] == "homework"].set_index("step")
    schools = [name for name in flow if name.startswith("S")]
    before, after = (steps.loc[step, schools] for step in ("score observed", "help answered"))
    assert sum(after == ":") >= 3
    for school in schools:  # each lost fewer than five, so that what is said is what it was
        assert str(after[school]) in {":", str(before[school])}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the study that a test may spoil."""
    return Path(shutil.copytree(PUPILS, tmp_path / "mine"))


def spoil(folder: Path, old: str, new: str) -> None:
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


#: One fault a line: what is written instead; exit code, and the words that say so.
FAULTS = (
    ('file = "pupils.csv"', 'file = "pupil.csv"', 2, "study.toml: file: must be a file"),
    ('file = "pupils.csv"', "", 2, "study.toml: file: must be given"),
    ('kind = "data"', 'kind = "datas"', 2, 'study.toml: kind: must be "data"'),
    ('kind = "data"', 'kind = "data"\nfyle = 1', 2, "did you mean 'file'?"),
    ("schema = 1", "schema = 2", 2, "study.toml: schema: must be 1"),
    ('column = "school"', 'column = "skool"', 2, "study.toml: group.column: must be a column"),
    ("[outcomes.score]", "[outcomes.skore]", 2, "outcomes.skore: must be a column of pupils.csv"),
    ("[items.ses]", "[items.sses]", 2, "did you mean 'ses'?"),
    ("contrast = 1.0", "contrast = -1.0", 2, "items.ses.contrast: must be a number above zero"),
    ("contrast = 1.0", 'contrast = "1"', 2, "items.ses.contrast: must be a number above zero"),
    ("contrast = 1.0", "step = 1.0", 2, "items.ses.step: is no key of items"),
    ('one = { en = "school", nb = "skole" }', 'one = { de = "Schule" }', 2, "group.one: must be"),
    ('nb = "skole" }', 'nb = "sk{ole" }', 2, "one line of text without"),
    ('always = { en = "always", nb = "alltid" }', "", 3, "only the values that study.toml states"),
    ("min_units = 5", "min_units = 1", 2, "disclosure.min_units: must be a whole number of at"),
    ("min_units = 5", "control = false", 2, "disclosure.control: is off only for a reason"),
    ("min_units = 5", 'unit = "pupil"', 2, "disclosure.unit: must be a column of pupils.csv"),
    ('null = "score ~ 1 + (1 | school)"', 'null = "score"', 2, "analyses.null: must be a formula"),
    ('null = "score ~ 1 + (1 | school)"', 'null = "null.toml"', 2, "must be a file of the folder"),
    ("[items.sex]", "[items.school]\n[items.sex]", 2, "a column has one part"),
    (
        'categories = { girl = { en = "girl", nb = "jente" }, boy = { en = "boy", nb = "gutt" } }',
        "", 2, "items.sex: must be a column of numbers (got 'text'); state [items.sex] categories",
    ),
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault[3]))
def test_a_fault_of_the_file_is_said_in_one_line(
    command: Command, folder: Path, fault: tuple[str, str, int, str]
) -> None:
    old, new, code, said = fault
    spoil(folder, old, new)
    got, out, err = command("fit", "null", "--study", str(folder))
    assert (got, out, err.count("\n")) == (code, "", 1)
    assert said in err
    assert not (folder.parent / "fits").exists()


def test_an_analysis_that_cannot_be_is_said_with_its_place(command: Command, folder: Path) -> None:
    spoil(folder, "score ~ ses + sex", "score ~ sses + sex")
    code, _, err = command("fit", "background", "--study", str(folder))
    assert (code, "study.toml: analyses.background" in err, "'ses'" in err) == (2, True, True)
    code, _, err = command("fit", "score ~ ses + (1 | sex)", "--study", str(folder))
    assert (code, "groups of the study's column, school" in err) == (2, True)
    code, _, err = command("fit", "score ~ ses + (1 | school)")
    assert (code, "--study FOLDER" in err) == (2, True)
    code, _, err = command("fit", "null", "--study", str(folder / "pupils.csv"))
    assert (code, "bayes-sf init pupils.csv writes a first one" in err) == (2, True)
    code, _, err = command("fit", "null", "--study", str(folder), "--engine", "exakt")
    assert (code, "did you mean 'exact'?" in err) == (2, True)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("points ~ ses + (1 | school)", "put it in backquotes: `points of 10`"),
        ("ses ~ sex + (1 | school)", "put it under [outcomes] of study.toml instead of [items]"),
        ("score ~ ses + (1 | sex)", "name another in [group] of study.toml"),
        ("score ~ ses", "bayes-sf: formula: must have a random term"),
        ("score ~ ses * sex + (1 | school)", "knows of no more; --no-disclosure-control"),
    ],
)
def test_what_a_formula_cannot_be_comes_with_what_to_do(
    command: Command, folder: Path, formula: str, said: str
) -> None:
    spoil(folder, "[items.ses]", '[outcomes."points of 10"]\n\n[items.ses]')
    data = pd.read_csv(folder / "pupils.csv")
    data.assign(**{"points of 10": data["score"]}).to_csv(folder / "pupils.csv", index=False)
    code, _, err = command("fit", formula, "--study", str(folder))
    assert (code, said in err) == (2, True), err


def test_export_of_all_leaves_out_what_no_table_has(command: Command, folder: Path) -> None:
    """Asked for by name it is refused; of all that a study states it is named, and the rest is."""
    text = (folder / "study.toml").read_text(encoding="utf-8")
    asked = (
        '[analyses]\nnull = "score ~ 1 + (1 | school)"\nmore = "score ~ ses * sex + (1 | school)"'
    )
    text = text.partition("[analyses]")[0] + asked + "\n"
    (folder / "study.toml").write_text(text, encoding="utf-8")
    options = ("--study", str(folder), "--format", "csv", "--out", "out")
    code, _, err = command("export", "more", *options)
    assert (code, "is more than a random intercept" in err) == (2, True)
    code, out, err = command("export", *options)
    assert (code, "more is more than a random intercept and in no table" in out) == (0, True), err
    assert (folder.parent / "out" / "pooling_null_score.csv").exists()


def test_a_column_called_as_a_quantity_is_refused_as_that(command: Command, folder: Path) -> None:
    """And not as one that would tell of single rows; `init` leaves it out."""
    data = pd.read_csv(folder / "pupils.csv").rename(columns={"ses": "icc"})
    data[["school", "score", "icc"]].to_csv(folder.parent / "d.csv", index=False)
    spoil(folder, "[items.ses]", "[items.icc]")
    code, _, err = command("fit", "null", "--study", str(folder))
    assert (code, "items.icc: must be a column that is not called" in err) == (2, True)
    code, out, _ = command("init", "d.csv", "--outcome", "score")
    assert (code, "icc is left out: it has the name" in out) == (0, True)
    spoil(folder, "[items.icc]", "[items.ses]")
    spoil(folder, 'column = "school"', 'column = "draw"')
    code, _, err = command("fit", "null", "--study", str(folder))
    assert (code, "group.column: must be a column that is not called" in err) == (2, True)


def test_pictures_of_answers_have_what_tables_have(ran: Ran) -> None:
    """Drawn of what has passed: what a table hides has no bar, and is hatched."""
    study = read_study(PUPILS)
    with using(study.book):
        rules = Rules.of(study)
        shown = protect_tables(study.sample, Control.of(study.sample, rules)).shown.tables
        total, by_group = shown["univariate"], shown["by_industry"]
        figure = answers_figure(total, by_group, "help", source="microdata")
    bars = [patch for patch in figure.axes[0].patches if patch.get_hatch() is None]
    widths = [bar.get_width() for bar in bars if bar.get_width()]
    both = pd.concat([total, by_group])
    cells = both.loc[both["question"] == "help", "percent"].tolist()
    assert ":" in cells
    drawn = sorted(float(cell) for cell in cells if cell != ":" and float(cell))
    assert sorted(widths) == pytest.approx(drawn)
    hatched = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    assert sum(one.get_width() for one in hatched) > 0
    assert {path.name for path in (ran("describe").folder / "out").glob("answers_*.svg")} == {
        "answers_help.svg", "answers_sex.svg",
    }  # fmt: skip


@pytest.mark.parametrize(
    "option", [("--survey", "x.csv"), ("--data", "replica"), ("--min-workplaces", "4")]
)
def test_options_that_the_file_states_are_refused(
    command: Command, option: tuple[str, str]
) -> None:
    code, _, err = command("fit", "null", "--study", str(PUPILS), *option)
    assert (code, f"goes without {option[0]}" in err) == (2, True)


def test_a_refusal_leaves_no_empty_folder(command: Command, folder: Path) -> None:
    code, _, _ = command("plot", "homework", "ppc", "--study", str(folder), "--out", "a/b")
    assert code == 5
    assert not (folder.parent / "a" / "b").exists()
    assert command("report", "--study", str(folder), "--rope", "1", "--out", "c")[0] == 2
    assert not (folder.parent / "c").exists()


def test_a_multiverse_may_ask_in_norwegian() -> None:
    from bayes_sf.inputs.codebook import using
    from bayes_sf.spec.multiverse import load_multiverse

    with using(read_study(PUPILS).book):
        asked = load_multiverse(PUPILS / "choices.toml")
    assert asked.question_said == asked.question
    with speaking("nb"):
        assert asked.question_said == "Får elever som får hjelp til lekser, flere poeng?"


def test_public_data_need_no_protection_and_say_why(command: Command, folder: Path) -> None:
    spoil(folder, "min_units = 5", 'control = false\nreason = "invented pupils"')
    code, out, _ = command("compare", "null", "--study", str(folder), "--lang", "nb")
    assert (code, "slik study.toml sier: invented pupils" in out) == (0, True)
    formula = "score ~ ses * sex + help + (1 | school)"
    code, out, _ = command("fit", formula, "--study", str(folder), "--engine", "reml")
    assert (code, "of 253 rows are left out" in out) == (0, True)
    # Answers are scores, and categories begin with their reference, as everywhere in the study.
    kept = pd.read_csv(folder.parent / "fits" / "estimates.csv")["term"]
    assert list(kept[:5]) == ["(Intercept)", "ses", "sex[boy]", "ses:sex[boy]", "help"]


def test_lines_of_numbers_are_refused_before_anything_is_sampled(
    command: Command, folder: Path
) -> None:
    spoil(folder, "min_units = 5", 'control = false\nreason = "invented pupils"')
    code, _, err = command("plot", "score ~ ses + (ses | school)", "slopes", "--study", str(folder))
    assert (code, "a number has no ends" in err) == (2, True)


def test_an_outcome_that_is_none_is_heard_once_and_a_region_needs_no_unit(
    command: Command, folder: Path
) -> None:
    path = folder / "pupils.csv"
    frame = pd.read_csv(path)
    frame["sleep"] = (frame["sleep"] > 7).astype(int)
    frame.to_csv(path, index=False)
    spoil(folder, 'unit = { en = "points", nb = "poeng" }', 'unit = ""')
    code, out, err = command("fit", "sleep ~ ses + (1 | school)", "--study", str(folder))
    assert (code, err.count("has two values: a bernoulli")) == (0, 1)
    assert "sleep ~ ses + (1 | school)" in out
    code, out, err = command(
        "sensitivity", "homework", "--study", str(folder), "--rope", "9", "--part", "size",
        "--part", "planning",
    )  # fmt: skip
    assert (code, err, "too small to matter" in out) == (0, "", True)
    # Designs are multiples of the study's own: 12 schools of about 20 pupils.
    plan = pd.read_csv(folder.parent / "sensitivity" / "planning.csv")
    assert sorted(set(plan["groups"])) == [12, 24, 48]
    assert sorted(set(plan["per_group"])) == [20, 40, 80, 160]


def test_rows_of_one_unit_are_protected_together(command: Command, folder: Path) -> None:
    """A school is the unit: every group is one, so none has figures of its own."""
    spoil(folder, "min_units = 5", 'unit = "school"\nmin_units = 3')
    study = read_study(folder)
    largest = study.sample.frame["school"].value_counts()
    assert study.least == 1 + largest.iloc[:2].sum()
    code, out, _ = command("compare", "null", "--study", str(folder))
    assert (code, f"fewer than {study.least} pupils" in out) == (0, True)
    shown = pd.read_csv(folder.parent / "pooling" / "shrinkage.csv")
    assert len(shown) == 12
    assert (shown[["n", "raw", "mean"]] == ":").all(axis=None)


def test_a_ledger_needs_a_column_that_tells_rows_apart(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    key = tmp_path / "study.key"
    key.write_text("a secret of more than sixteen letters", encoding="utf-8")
    key.chmod(0o600)
    ledger = ("--ledger", str(tmp_path / "ledger"), "--ledger-key", str(key))
    code, _, err = command("fit", "null", "--study", str(folder), *ledger)
    assert (code, 'unit = "column"' in err) == (2, True)
    frame = pd.read_csv(folder / "pupils.csv")
    frame.assign(pupil=[f"p{n}" for n in range(len(frame))]).to_csv(
        folder / "pupils.csv", index=False
    )
    spoil(folder, "min_units = 5", 'unit = "pupil"')
    assert command("fit", "null", "--study", str(folder), *ledger)[0] == 0


def test_a_group_of_one_row_and_rows_without_a_group(command: Command, folder: Path) -> None:
    path = folder / "pupils.csv"
    frame = pd.read_csv(path)
    frame.loc[0, "school"] = "Alone"
    frame.loc[1:3, "school"] = np.nan
    frame.to_csv(path, index=False)
    code, out, err = command("compare", "null", "--study", str(folder))
    assert code == 0
    assert "pupils.csv: no group" in err
    alone = next(line for line in out.splitlines() if "Alone" in line)
    assert alone.count(":") >= 5


def test_what_fit_hides_is_nowhere_on_the_page(command: Command, folder: Path) -> None:
    """Beside a hidden group models with predictors say slopes alone, under every prior too."""
    path = folder / "pupils.csv"
    frame = pd.read_csv(path)
    frame.loc[0, "school"] = "Alone"
    frame.to_csv(path, index=False)
    toml = (folder / "study.toml").read_text(encoding="utf-8").partition("[analyses]")[0]
    toml = toml.replace('choices = ["choices.toml"]', "")
    null, model = (
        'null = "score ~ 1 + (1 | school)"',
        'background = "score ~ ses + sex + (1 | school)"',
    )
    asked = f"[analyses]\n{null}\n{model}\n"
    (folder / "study.toml").write_text(toml + asked, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        draw_blank(patch)
        assert command("report", "--study", str(folder))[0] == 0
    page = (folder.parent / "results" / "report_en.html").read_text(encoding="utf-8")
    tables = dict(re.findall(r'aria-label="([^"]*)">(.*?)</table>', page, re.DOTALL))
    (fitted,) = (text for name, text in tables.items() if name.startswith("score ~ ses + sex"))
    (fan,) = (text for name, text in tables.items() if name.startswith("Prior fan: background"))
    cells = re.search(r">ICC</th>(.*?)</tr>", fitted, re.DOTALL)
    assert cells is not None
    assert ">:<" in cells[1]
    assert "Home background" in fan
    assert ">ICC<" not in fan


#: Models of one name in several analyses, one of them with a slope that varies.
ALIKE = {
    "alone": 'items = ["ses", "help"]',
    "beside": 'items = ["ses"]\ncontrols = ["help"]',
    "varying": 'items = ["ses"]\nvarying = ["ses"]',
}


@pytest.fixture
def alike(folder: Path) -> Path:
    """The pupils with these analyses, and one that is a formula and has the models' name."""
    head = 'schema = 1\nquestion = "?"\noutcomes = ["score"]\n'
    for name, text in ALIKE.items():
        (folder / f"{name}.toml").write_text(head + text, encoding="utf-8")
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8").replace('choices = ["choices.toml"]\n', "")
    stated = "".join(f'{name} = "{name}.toml"\n' for name in ALIKE)
    own = f'[analyses]\n{stated}ses = "score ~ help + (1 + help | school)"\n'
    path.write_text(text.partition("[analyses]")[0] + own, encoding="utf-8")
    return folder


def test_models_of_one_name_have_their_own_figures_on_a_page(
    alike: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("bayes_sf.output.report.study._rendered", lambda f: shown.append(f) or "")
    monkeypatch.setattr("bayes_sf.output.report.study._PARTS", ("ladder",))
    study = read_study(alike)
    with using(study.book):
        study_page(study, Asked(source="microdata", rules=Rules(active=False)))
        models = {name: load_analysis(name).specs[0] for name in ("alone", "beside")}
        own = {name: sf.fit(spec, study.sample) for name, spec in models.items()}
    (found,) = shown
    told = {analysis.name: results for analysis, results in found.results}
    assert list(told) == ["alone", "beside", "ses"], "what has to be sampled is not there"
    for name, result in own.items():
        mine = next(iter(told[name].values()))
        assert mine.spec.name == f"ses ({name})"
        assert mine.n_obs == result.n_obs
        pd.testing.assert_frame_equal(mine.fixef(), result.fixef())
    assert next(iter(told["ses"].values())).spec.predictors == ("help",)
    assert own["alone"].n_obs != own["beside"].n_obs


def test_a_formula_is_that_of_its_own_analysis_and_leaves_out_gaps(
    command: Command, alike: Path
) -> None:
    with using(read_study(alike).book):
        assert load_analysis("varying").written is None, "a file says what varies"
        assert load_analysis("ses").written is not None
    code, out, err = command(
        "fit", "ses", "--study", str(alike), "--no-disclosure-control", "--engine", "reml"
    )
    assert (code, err) == (0, "")
    assert "8 of 253 rows are left out" in out


def test_values_that_are_keys_of_tables_are_refused(command: Command, folder: Path) -> None:
    path = folder / "pupils.csv"
    path.write_text(path.read_text("utf-8").replace("S01,", "all,"), encoding="utf-8")
    code, _, err = command("fit", "null", "--study", str(folder))
    assert (code, "groups of other names" in err) == (3, True)


def test_options_of_a_study_are_known_to_the_command_line() -> None:
    """Every field that `study.toml` states instead is one of `Given`."""
    from bayes_sf.cli.given import _NOT_OF_A_STUDY

    assert set(_NOT_OF_A_STUDY) <= set(Given.__dataclass_fields__)


# init --------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    return Path(shutil.copy(PUPILS / "pupils.csv", place))


def test_init_asks_for_what_can_be_read_in_two_ways(command: Command, data: Path) -> None:
    code, out, err = command("init", str(data))
    assert (code, out) == (2, "")
    assert "--group: must be named: 2 columns" in err
    assert "school (12 values), help (4 values)" in err
    code, _, err = command("init", str(data), "--group", "school")
    assert (code, "--outcome: must be named: 3 columns" in err) == (2, True)
    code, _, err = command("init", str(data), "--group", "skool")
    assert (code, "did you mean 'school'?" in err) == (2, True)
    assert [path.name for path in data.parent.iterdir()] == ["pupils.csv"]


def test_init_writes_a_study_that_every_command_reads(command: Command, data: Path) -> None:
    code, out, err = command("init", str(data), "--group", "school", "--outcome", "score")
    assert (code, err) == (0, "")
    assert "help, sex: answers without order" in out
    study = read_study(data.parent)
    assert list(study.header.analyses) == ["null", "ses", "all_items"]
    assert [c.key for c in study.book.items["sex"].categories] == ["boy", "girl"]
    assert command("fit", "ses", "--study", str(data.parent))[0] == 0
    code, _, err = command("init", str(data), "--group", "school", "--outcome", "score")
    assert (code, "is there already" in err) == (2, True)


def test_init_takes_the_labels_of_spss(command: Command, tmp_path: Path) -> None:
    frame = pd.read_csv(PUPILS / "pupils.csv")
    codes = {"never": 1.0, "sometimes": 2.0, "often": 3.0, "always": 4.0}
    made = pd.DataFrame({
        "skole": frame["school"].str[1:].astype(float), "poeng": frame["score"],
        "hjelp": frame["help"].map(codes),
    })  # fmt: skip
    pyreadstat.write_sav(
        made, str(tmp_path / "elever.sav"), column_labels=["Skole", "Poeng i alt", "Hjelp hjemme"],
        variable_value_labels={"hjelp": {code: f"{text}!" for text, code in codes.items()}},
    )  # fmt: skip
    code, _, err = command(
        "init", "elever.sav", "--group", "skole", "--outcome", "poeng", "--to", "mine"
    )
    assert (code, err) == (0, "")
    book = read_study(tmp_path / "mine").book
    assert book.label("hjelp") == "Hjelp hjemme"
    assert [c.key for c in book.items["hjelp"].categories] == [
        "never!", "sometimes!", "often!", "always!",
    ]  # fmt: skip
    assert (tmp_path / "mine" / "elever.sav").is_file()
    code, out, _ = command("fit", "hjelp", "--study", "mine")
    assert (code, "Hjelp hjemme: always!" in out) == (0, True)


def test_init_leaves_out_what_is_no_item(command: Command, tmp_path: Path) -> None:
    frame = pd.read_csv(PUPILS / "pupils.csv")[["school", "score"]]
    frame = frame.assign(
        id=range(1, len(frame) + 1), note=[f"text {n}" for n in range(len(frame))],
        mixed=["3", "x"] * (len(frame) // 2) + ["4"] * (len(frame) % 2), none="",
        constant=7, Intercept=range(len(frame)),
    )  # fmt: skip
    frame.to_csv(tmp_path / "d.csv", index=False)
    code, out, _ = command("init", "d.csv")
    assert code == 0
    assert "school groups rows (12 values)" in out
    assert "score is the outcome: the only column of numbers" in out
    for name, why in (
        ("id", "another value in every row"), ("note", "another value in every row"),
        ("mixed", "values of several kinds"), ("none", "it is empty"),
        ("constant", "it has one value"),
        ("Intercept", "another value in every row"),
    ):  # fmt: skip
        assert f"- {name} is left out: it" in out
        assert why in out


@pytest.mark.parametrize("name", ["d.xlsx", "d.sav", "d.dta"])
def test_init_knows_dates(tmp_path: Path, name: str) -> None:
    days = [date(2021, 3, 1 + n % 9) for n in range(30)]
    frame = pd.DataFrame({"score": np.arange(30) / 8, "ward": [n % 3 for n in range(30)]})
    frame = frame.assign(day=days)
    if name == "d.xlsx":
        frame.to_excel(tmp_path / name, index=False)
    else:
        (pyreadstat.write_sav if name == "d.sav" else pyreadstat.write_dta)(
            frame, str(tmp_path / name)
        )
    drafted = draft_study(tmp_path / name, group="ward", outcomes=["score"])
    assert "day is left out: it has dates" in drafted.assumed
    assert len(read_study(drafted.path).sample.frame) == len(frame)
    with pytest.raises(UsageError, match=r"must be a column of numbers.*day: dates"):
        draft_study(tmp_path / name, group="ward", outcomes=["day"])
