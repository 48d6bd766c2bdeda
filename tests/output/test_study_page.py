"""The page of a study of one's own: six public studies, from the raw file to the report.

Data are stand-ins (`tests/own_studies/make.py`), whose numbers are drawn; what the page says is
held against `sf.fit` of the same file, read by pandas. What it says of the real data stands in
`ours.csv` beside lme4's `lme4.csv`, and is made again where R is installed.
"""

import html
import re
import runpy
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from tests.conftest import Finished, draw_blank, run_here
from tests.tools import need

HERE = Path(__file__).parents[1] / "own_studies"
MAKE = runpy.run_path(str(HERE / "make.py"))
#: What belongs to the report's study, in both languages.
ANOTHERS = re.compile(
    r"industr|workplace|absence|\bregister\b|quarter(?!-pound)|\bNAV\b|doctor|bransje|virksomhet|"
    r"fravær|kvartal|spørreundersøk|percentage point|prosentpoeng",
    re.IGNORECASE,
)
#: One model of each, as pandas and `sf.fit` have it, its row on the page in English, the engine.
MODELS = {
    "exam": ("normexam ~ standLRT + sex + schgend + (1 | school)", "standLRT",
             "Reading test at entry", "exact"),
    "contraception": ("use ~ age + urban + livch + (1 | district)", "age", "Age", "ml"),
    "sleepstudy": ("Reaction ~ Days + (Days | Subject)", "Days", "Days of sleep deprivation",
                   "exact"),
    "oats": ("`yield` ~ nitro + Variety + (1 | Block / Variety)", "nitro", "Nitrogen", "exact"),
    "penicillin": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "(Intercept)", "Intercept",
                   "exact"),
}  # fmt: skip
#: Those that take no second, and in which language a short run looks at each.
SHORT = {"penicillin": "en", "care": "nb", "contraception": "en"}

type Report = Callable[[str, str, float], tuple[Finished, str]]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    """Write a stand-in and its page, once: the run, and the page."""

    @cache
    def made(name: str, lang: str, share: float) -> tuple[Finished, str]:
        base = tmp_path_factory.mktemp(name)
        folder = MAKE["stand_in"](name, base, share=share)
        done = run_here(
            "report", "--study", str(folder), "--lang", lang, "--out", "out", folder=base
        )
        path = base / "out" / f"report_{lang}.html"
        return done, path.read_text(encoding="utf-8") if path.exists() else ""

    with pytest.MonkeyPatch.context() as patch:
        draw_blank(patch)
        yield made


def text_of(page: str) -> str:
    """What is read of a page, and heard of its pictures."""
    body = re.sub(r"<style>.*?</style>|<script.*?</script>", " ", page, flags=re.DOTALL)
    heard = " ".join(re.findall(r'aria-label="([^"]*)"', body))
    return html.unescape(re.sub(r"<[^>]+>", " ", body) + heard)


def rows_of(page: str, first: str) -> list[float]:
    """First number of every table's row that begins with a text."""
    rows = re.findall(r'<th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    named = rf"{re.escape(first)}(?: \(\w+\))?"
    cells = [
        re.search(r"<td[^>]*>(?:<[^>]*>)?([^<\s]+)", rest) for head, rest in rows
        if re.fullmatch(named, html.unescape(head).strip())
    ]  # fmt: skip
    return [float(cell[1].replace("\u2212", "-")) for cell in cells if cell]


def check(report: Report, name: str, lang: str, share: float) -> None:
    """Words, first screen and sections of one page."""
    done, page = report(name, lang, share)
    assert done.code == 0, done.stderr
    shown = text_of(page)
    assert not ANOTHERS.search(shown), ANOTHERS.search(shown)
    first = re.search(r'<div class="answers">(.*?)</div>', page, re.DOTALL)
    assert first is not None
    assert len(text_of(first[1]).split()) < 90
    assert page.count("<figure") >= 1 + (name in {"exam", "oats", "care"})
    assert {"asked", "coefficients", "methods", "account", "provenance"} <= set(
        re.findall(r'<details id="(\w+)"', page)
    )
    assert not re.search(r"\b(?:https?:)?//(?!www\.w3\.org)", page.split("<main")[1])


@pytest.mark.parametrize("name", SHORT)
def test_a_page_has_a_studys_own_words(report: Report, name: str) -> None:
    check(report, name, SHORT[name], 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "nb"])
@pytest.mark.parametrize("name", MAKE["SIX"])
def test_all_pages_in_both_languages(report: Report, name: str, lang: str) -> None:
    check(report, name, lang, 1.0)


def known(name: str, folder: Path) -> Any:
    """The same model of the file as pandas reads it."""
    formula, _, _, engine = MODELS[name]
    frame = pd.read_csv(folder / f"{name}.csv", dtype={"livch": str})
    for column, reference in (("schgend", "mixed"), ("livch", "0"), ("urban", "N"), ("sex", "F")):
        if column in frame:
            rest = sorted(set(frame[column]) - {reference})
            frame[column] = pd.Categorical(frame[column], [reference, *rest])
    family = "bernoulli" if name == "contraception" else "gaussian"
    return sf.fit(formula, frame, engine=engine, family=family)


def check_numbers(report: Report, name: str, share: float) -> None:
    """Some row of the page has the estimate that the frame gives."""
    done, page = report(name, "en", share)
    row = known(name, done.folder / name).fixef().loc[MODELS[name][1]]
    found = rows_of(page, MODELS[name][2])
    near = [each for each in found if abs(each - row["estimate"]) < 0.1 * row["sd"]]
    assert near, (found, row["estimate"])


def test_numbers_are_those_of_the_file(report: Report) -> None:
    check_numbers(report, "penicillin", 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_numbers_of_every_study_are_those_of_its_file(report: Report, name: str) -> None:
    check_numbers(report, name, 1.0)


def recorded(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / name).set_index(["study", "analysis"])


def agree(ours: pd.DataFrame) -> None:
    """Coefficients are lme4's: of maximum likelihood closely, of posteriors within their priors."""
    theirs = recorded("lme4.csv").dropna(subset="se")
    for key in theirs.index.unique():
        mine, other = ours.loc[[key]], theirs.loc[[key]]
        near = 0.01 if key[0] == "contraception" else 0.2
        error = np.abs(mine["estimate"].to_numpy() - other["estimate"].to_numpy())
        assert (error < near * other["se"].to_numpy()).all(), key
        # A posterior is wider by what its sds leave open, most where groups are few.
        ratio = mine["sd"].to_numpy() / other["se"].to_numpy()
        assert ((ratio > 0.97) & (ratio < 1.35)).all(), (key, ratio)


def test_public_data_give_what_lme4_says() -> None:
    agree(recorded("ours.csv"))


@pytest.mark.slow
def test_public_data_from_their_packages(tmp_path: Path) -> None:
    """Where R and the packages are: the raw data, the pages, and the figures that are recorded."""
    packages = "library(lme4); library(mlmRev); library(sjlabelled); library(haven); cat(1)"
    need("Rscript", "-e", f"suppressPackageStartupMessages({{{packages}}})", answer="1")
    for name in ("public.R", *MAKE["SIX"]):
        source = HERE / name
        if source.is_dir():
            (tmp_path / name).mkdir()
            (tmp_path / name / "study.toml").write_bytes((source / "study.toml").read_bytes())
        else:
            (tmp_path / name).write_bytes(source.read_bytes())
    data = tmp_path / "data"
    subprocess.run(
        ["Rscript", "public.R", str(data)], cwd=tmp_path, check=True, capture_output=True
    )
    theirs = pd.read_csv(tmp_path / "lme4.csv").set_index(["study", "analysis"])
    pd.testing.assert_frame_equal(theirs, recorded("lme4.csv"), rtol=1e-4)
    ours = MAKE["figures"](data)
    agree(ours.set_index(["study", "analysis"]))
    pd.testing.assert_frame_equal(ours, pd.read_csv(HERE / "ours.csv"), rtol=1e-3)
    for name in MAKE["SIX"]:
        out = f"{name}.html"
        done = run_here("report", "--study", str(data / name), "--out", out, folder=tmp_path)
        assert done.code == 0, done.stderr
