"""bayes-sf sensitivity: files, tables in both languages, pictures, and what it refuses."""

import csv
import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.choices.control_ladder import climb_controls
from bayes_sf.analysis.contrast import Contrast
from bayes_sf.analysis.sensitivity import PARTS, Sensitivity
from bayes_sf.analysis.size.days_lost import Workforce
from bayes_sf.analysis.size.power import Effects
from bayes_sf.analysis.size.practical import Rope
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.figures.sensitivity import (
    controls_figure,
    fan_figure,
    ladder_figure,
    ranks_figure,
)
from bayes_sf.output.tables.sensitivity_tables import model_tables, outcome_tables
from bayes_sf.output.words.sensitivity import part_note, part_word
from tests.tools import spoken

type Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(command: Command) -> Command:
    """The one command."""
    return lambda *arguments: command("sensitivity", *arguments)


def flat(printed: str) -> str:
    """Without the breaks of a terminal's lines."""
    return " ".join(printed.split())


@pytest.fixture(scope="module")
def found() -> Sensitivity:
    """Every part but controls and many comparisons, of a small frame."""
    rng = np.random.default_rng(3)
    code, x = rng.integers(0, 5, 60), rng.normal(size=60)
    y = 6 + 0.4 * x + rng.normal(size=5)[code] + 2 * rng.normal(size=60)
    df = pd.DataFrame({"y": y, "x": x, "g": np.array(list("abcde"))[code]})
    return sf.sensitivity(
        sf.ModelSpec("y", ("x",), "g", unit="pp"), df, rope=Rope(-0.1, 0.1, "pp"),
        contrast=[Contrast("x", 2.0, "low to high")],
        workforce=Workforce({"a": 5e5, "b": 2e5}, 20), cost_per_day=100.0,
        effects=Effects((0.5,)),
    )  # fmt: skip


@pytest.mark.usefixtures("blank_pictures")
def test_a_run_writes_every_part(command: Command, tmp_path: Path) -> None:
    code, out, err = command(
        "q13_controls", "--data", "replica", "--rope", "0.5", "--quiet", "--out", "x"
    )
    assert code == 0
    assert re.fullmatch("Found in the data: .*\n", err)
    assert out.startswith("SYNTHETIC replica")
    written = {path.name for path in (tmp_path / "x").iterdir()}
    assert {f"{part}.csv" for part in PARTS} <= written
    assert {"sensitivity.md", "provenance.json", "ranks_absence_mean.svg"} <= written
    assert {"fan_q13_absence_mean.png", "ladder_q13_absence_mean.svg"} <= written
    page = (tmp_path / "x" / "sensitivity.md").read_text(encoding="utf-8")
    assert page.count("Source: SYNTHETIC replica") == page.count("\n**")
    assert page.count("ASSOCIATION, NOT THE EFFECT OF AN INTERVENTION") == 1
    assert "this copy cannot say of the real study" in flat(out)
    with (tmp_path / "x" / "days.csv").open(encoding="utf-8", newline="") as stream:
        days = list(csv.DictReader(stream))
    assert {row["meaning"] for row in days} == {"association, not the effect of an intervention"}
    about = json.loads((tmp_path / "x" / "provenance.json").read_text(encoding="utf-8"))
    assert about["models"][0]["n"] == 516
    assert about["stated"]["rope"] == "Rope(low=-0.5, high=0.5, unit='pp')"
    # Ids, names and pseudonyms of workplaces are in no file.
    assert "workplace" not in {name for row in days for name in row}


@pytest.mark.usefixtures("blank_pictures")
def test_json_and_a_page_in_norwegian(command: Command, tmp_path: Path) -> None:
    code, out, err = command(
        "--data", "replica", "--item", "q17", "--part", "ladder", "--part", "days", "--lang", "nb",
        "--employees", "care=100000", "--employees", "ict=5", "--json", "--quiet",
    )  # fmt: skip
    assert code == 0
    assert re.fullmatch("Funnet i dataene: .*\n", err)
    parsed = json.loads(out)
    assert set(parsed) == {"ladder", "days", "left_out", "provenance", "disclosure", "files"}
    assert {row["employees"] for row in parsed["days"]} == {100_000.0, 5.0, 100_005.0}
    assert {row["outcome"] for row in parsed["ladder"]} == {"absence_mean", "absence_change"}
    assert {row["source"] for row in parsed["days"]} == {"replica"}
    page = (tmp_path / "sensitivity" / "sensitivity.md").read_text(encoding="utf-8")
    assert "SYNTETISK kopi" in page
    assert "Tapte dagsverk i året (sammenheng, ikke effekt av tiltak)" in page
    assert "SAMMENHENG, IKKE EFFEKT AV TILTAK" in page
    assert "Student-t: krever simulering: --sampled." in page
    assert "Pleie og omsorg" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--item", "q133"), "--item: must be a model of bivariate .*did you mean q13"),
        (("q13_contrl",), "did you mean 'q13_controls'"),
        (("--item", "q13", "--part", "fann"), "did you mean fan"),
        (("--rope", "x"), "--rope: must be a number"),
        (("--rope", "-1"), "--rope: must be a positive number"),
        (("--rope", "1:2:3"), "--rope: must be a positive number"),
        (("--rope", "0.5:0.1", "--data", "replica"), "rope: must go from a lower"),
        (("--contrast", "steps"), "--contrast: must be widest or step"),
        (("--workplace-size", "30"), "goes with --employees"),
        (("--employees", "care=1", "--employees", "icx=2"), "no such industry"),
        (("--employees", "care=1", "--employees", "care=2"), "every industry once"),
        (("--employees", "1", "--employees", "2"), "one number, or industry=number"),
        (("--cost", "0"), "--cost: must be a positive number"),
        (("--effects", "-1"), "--effects: must be a positive number"),
        (("--step-at-most", "-1"), "--step-at-most: must be a positive number"),
        (("--imputed", "none.csv"), "--imputed: must be a file"),
        (("--lang", "no"), "lang: must be en or nb"),
        (("nosuch.toml",), "must be an analysis file"),
        (("--data", "publisht"), "--data: must be published or replica"),
    ],
)
def test_what_is_refused_before_anything_is_read(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = command(*arguments, "--quiet")
    assert (code, out) == (2, "")
    assert re.search(f"^bayes-sf: .*{message}", err)
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--survey", "no.csv", "--register", "no.csv"), 3, "no.csv: must exist"),
        (("--data", "replica", "--part", "size"), 2, "rope: must be stated"),
        (("--data", "replica", "--part", "controls"), 2, "have no controls to add"),
    ],
)
def test_what_is_refused_later_leaves_no_file(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    got, out, err = command(*arguments, "--quiet")
    assert (got, out) == (code, "")
    assert message in err
    assert not (tmp_path / "sensitivity").exists()


# Tables


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_tables_say_n_priors_source_and_kind(found: Sensitivity, lang: Any) -> None:
    tables = spoken(lang, model_tables, found, found.results[0])
    assert len(tables) == 10
    assert len({table.name for table in tables}) == 10
    prior = (
        "A priori-fordelinger: konstantledd normal" if lang == "nb" else "Priors: intercept normal"
    )
    for table in tables:
        footer = " ".join(table.footer)
        assert "(n = 60)" in table.caption
        assert prior in footer
        assert ("Brukerens egen" if lang == "nb" else "given by the user") in footer
        for row in table.texts:
            assert not any("nan" in cell.lower() for cell in row)


def test_days_are_called_an_association_twice(found: Sensitivity) -> None:
    for lang, label in (("en", "ASSOCIATION, NOT"), ("nb", "SAMMENHENG, IKKE")):
        (table,) = (
            t for t in spoken(lang, model_tables, found, found.results[0]) if t.name == "days_x_y"
        )  # type: ignore[arg-type]
        assert label in " ".join(table.footer)
        assert ("association" if lang == "en" else "sammenheng") in table.caption
        assert len(table.rows) == 9  # two industries and all, three variations
    short = model_tables(found, found.results[0], short=True)
    (table,) = (t for t in short if t.name == "days_x_y")
    assert len(table.rows) == 3
    mean = float(found["days"][found["days"]["industry"] == "all"]["mean"].iloc[0])
    assert float(table.rows[0][3]) == pytest.approx(mean / 1000)  # type: ignore[arg-type]


def many(correlations: tuple[float, ...]) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    terms = [f"q16.{i}" for i in range(1, 12)] + ["q17[no]"]
    parts = []
    for correlation in correlations:
        t = rng.normal(size=12)
        columns = dict.fromkeys(("estimate", "mean", "lower", "upper"), t)
        columns |= dict.fromkeys(("p", "bonferroni", "bh", "p_top", "p_direction"), 0.5 + 0 * t)
        columns |= {"rank": np.arange(1.0, 13), "rank_lower": 1 + 0 * t, "rank_upper": 12 + 0 * t}
        parts.append(
            pd.DataFrame(
                {"term": terms, "t": t, "se": 1.0, "sd": 1.0, "n": 420.0, **columns}
            ).assign(correlation=correlation, outcome="absence_mean", slopes=12, top=5, prob=0.95)
        )
    return pd.concat(parts).assign(source="published")


def test_many_comparisons_show_the_largest_and_what_was_asked(found: Sensitivity) -> None:
    own = many((0.0, 0.3))
    asked = Sensitivity(found.results, (), {"multiplicity": own}, {}, 0.95, 1)
    (table,) = outcome_tables(asked)
    assert len(table.rows) == 8
    assert "common correlation" in " ".join(table.footer)
    largest = own[own["correlation"] == 0].set_index("term")["t"].abs().idxmax()
    assert table.rows[0][0] == largest, "terms of own data have no label of the codebook"
    rows = Sensitivity(found.results, (), {"multiplicity": many((np.nan,))}, {}, 0.95, 1)
    (table,) = spoken("nb", outcome_tables, rows)
    assert "felles korrelasjon" not in " ".join(table.footer)
    assert not outcome_tables(Sensitivity(found.results, (), {}, {}, 0.95, 1))


def test_every_part_has_a_title_and_a_note() -> None:
    for part in PARTS:
        names = ("controls own", "controls identical") if part == "controls" else (part,)
        for name in names:
            assert spoken("nb", part_word, name) != name
            assert spoken("nb", part_note, name) != part_note(name)


# Pictures


def texts(figure: Any) -> str:
    svg = figure_files("x", figure)["x.svg"]
    root = ET.fromstring(svg)
    return " ".join(node.text or "" for node in root.iter() if node.tag.endswith("text"))


@pytest.mark.parametrize("lang", [pytest.param("en", marks=pytest.mark.slow), "nb"])
def test_pictures_say_what_they_are(found: Sensitivity, lang: Any) -> None:
    drawn = [
        spoken(lang, fan_figure, found["fan"]),
        spoken(lang, ladder_figure, found["ladder"]),
        spoken(lang, ranks_figure, many((0.0, 0.5)), ["q17[no]"]),
    ]
    for figure, key in zip(drawn, ("fan", "ladder", "multiplicity"), strict=True):
        said = texts(figure)
        assert spoken(lang, part_word, key) in said
        assert ("Kilde" if lang == "nb" else "Source") in said
        assert figure.get_label().startswith(spoken(lang, part_word, key))
        assert "95" in said
    assert "n = 60" in texts(drawn[0])
    assert ("skeptisk" if lang == "nb" else "sceptical") in texts(drawn[0])


def test_pictures_draw_the_numbers(found: Sensitivity) -> None:
    fan = fan_figure(found["fan"])
    own = found["fan"][found["fan"]["group"] == ""]
    slopes = own[own["term"] == "x"]
    dots = [line for line in fan.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in dots], slopes["mean"])
    open_dots = [line.get_markerfacecolor() == "white" for line in dots]
    assert open_dots == list(slopes["changes"] != "")
    there = found["ladder"].query("missing == '' and term == 'x'")
    rungs = ladder_figure(found["ladder"]).axes[0].lines
    drawn = [line.get_xdata()[0] for line in rungs if line.get_marker() == "o"]
    np.testing.assert_allclose(drawn, there["estimate"])


def test_the_ladder_of_controls_is_drawn_on_both_samples() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=80)
    df = pd.DataFrame({"x": rng.normal(size=80), "z": z, "g": list("abcd") * 20})
    df["y"] = df["x"] + z + rng.normal(size=80)
    df.loc[:9, "z"] = np.nan
    table = climb_controls(sf.ModelSpec("y", ("x", "z"), "g"), df)
    figure = controls_figure(table)
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in dots], table["mean"])
    said = texts(figure)
    assert "none (80)" in said
    assert "z (70)" in said
    assert "the same 70 workplaces" in said


def test_small_contrasts_have_digits() -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"g": np.repeat([*"abcd"], 15), "x": rng.normal(size=60)})
    frame["y"] = 2e-5 * frame["x"] + 4e-5 * rng.normal(size=60)
    step, rope = Contrast("x", 1.0, "one"), Rope(-3e-6, 3e-6, "units")
    found = sf.sensitivity(
        sf.ModelSpec("y", ("x",), group="g", name="m", unit="units"), frame, contrast=[step],
        rope=rope, amounts=[5e-6], effects=Effects((1e-5,)),
        parts=["size", "exceedance", "designs", "planning"],
    )  # fmt: skip
    for table in model_tables(found, found.results[0]):
        for row, texts in zip(table.rows, table.texts, strict=True):
            for cell, text, column in zip(row, texts, table.columns, strict=True):
                if column.kind in {"number", "interval"} and column.key != "type_m":
                    assert not {"0.00", "0.000"} & {*text.split()}, (table.name, column.key)
                    assert "<" not in text
                    assert ">" not in text
                    if not isinstance(cell, tuple):
                        digits, _, power = text.replace("\u2212", "-").partition("×10")
                        power = unicodedata.normalize("NFKD", power or "⁰").replace("\u2212", "-")
                        assert float(f"{digits}e{power}") == pytest.approx(cell, rel=0.1)
        assert not any(re.search(r" 0\.0+ ", note) for note in table.notes)
