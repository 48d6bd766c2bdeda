"""The report: one page, in two languages, that opens anywhere; seen by a headless Chromium."""

import json
import os
import re
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf import cli
from bayes_sf.analysis.choices.multiverse import Explored
from bayes_sf.analysis.comparison import Reproduction, reproduce
from bayes_sf.analysis.priors.explorer import GROUP_RANGE
from bayes_sf.analysis.replay.account import account_of
from bayes_sf.catalogue import say, speaking
from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.disclosure.protected_models import protect_pooling
from bayes_sf.engines.fit import ENGINES
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.associations import forest_figure
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.figures.posterior import icc_figure, line_figure
from bayes_sf.output.files import write_files
from bayes_sf.output.numbers import fixed
from bayes_sf.output.report import alternatives
from bayes_sf.output.report.alternatives import move_unobserved
from bayes_sf.output.report.answers import answers, left_line, whole_percent
from bayes_sf.output.report.material import Material, explorer_models, gather
from bayes_sf.output.report.page import render_report, write_report
from bayes_sf.output.report.reread import reread_page
from bayes_sf.output.report.section import Section
from bayes_sf.output.report.sections import SECTIONS, build_sections
from bayes_sf.output.report.statements import (
    apart_line,
    changed_line,
    data_say,
    how_sure,
    left_in_line,
    question,
    tipping_line,
)  # fmt: skip
from bayes_sf.output.report.tables import contrast_table
from bayes_sf.output.runs.reread import PAGE
from bayes_sf.output.tables.account import account_table
from bayes_sf.output.tables.comparison_tables import comparison_tables, icc_table
from bayes_sf.output.tables.described_sample import protect_tables
from bayes_sf.output.words.words import term_name
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.priors import Priors
from tests.conftest import FEW, draw_blank
from tests.tools import spoken

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER) and os.environ.get("CI") != "true",
    reason="no chromium and chromedriver here (apt-get install chromium chromium-driver)",
)
LANGUAGES = ("nb", "en")
CONTRAST = (
    "En kontrast går som koeffisienten: fra det laveste svaret, eller referansen, til det svaret "
    "som er nevnt sist."
)
#: Combinations of the multiverse: every choice has two options, one of them the report's.
SOME = {
    "outcome": ("mean", "median"), "min_quarters": (1, 3), "prior": ("2.5 sd", "sceptical"),
    "last_quarter": ("2019Q4", "2020Q4"), "controls": ((), ("women_share",)),
}  # fmt: skip
#: Each item has one, but the one with three answers.
N_SLOPES = len(FEW) + 1
pytestmark = pytest.mark.usefixtures("with_few_models")


@pytest.fixture(autouse=True)
def language_of_a_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """Norwegian where the Norwegian material is looked at, unless a test is marked."""
    norwegian = "material" in request.fixturenames and not request.node.get_closest_marker(
        "english"
    )
    with speaking("nb" if norwegian else "en"):
        yield


@pytest.fixture(scope="module")
def material() -> Material:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alternatives, "_SOME", SOME)
        return spoken("nb", gather, sf.load_sample("replica"), rope=0.5)


@pytest.fixture(scope="module")
def pages(
    material: Material, sections: dict[str, Section], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Norwegian words are longer, so that page has its pictures; the other has its own words."""
    folder, found = tmp_path_factory.mktemp("report"), {}
    built = tuple(sections.values())
    for lang in LANGUAGES:
        found[lang] = folder / f"{lang}.html"
        with pytest.MonkeyPatch.context() as patch:
            if lang == "en":
                draw_blank(patch)
            else:
                patch.setattr("bayes_sf.output.report.page.build_sections", lambda _: built)
            page = spoken(lang, render_report, material)
        found[lang].write_text(page, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def sections(material: Material) -> dict[str, Section]:
    return {section.key: section for section in spoken("nb", build_sections, material)}


def only(*keys: str) -> list[Callable[[Material], Section | None]]:
    """Builders of these sections: all of them take seconds, for their pictures."""
    found = [build for build in SECTIONS if build.__name__.split("_", 1)[1] in keys]
    assert len(found) == len(keys)
    return found


# Without a browser -------------------------------------------------------------------------------


class Page(HTMLParser):
    """What the tests look for in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.captions: list[str] = []
        self.alts: list[str] = []
        self.targets: list[str] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        for key in ("src", "href"):
            if key in given:
                where = self.targets if given[key].startswith("#") else self.addresses
                where.append(given[key])
        self.alts += [given["aria-label"]] if given.get("class") == "plot" else []
        if tag in {"caption", "figcaption"}:
            self._open = tag
            self.captions.append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = "" if tag == self._open else self._open

    def handle_data(self, data: str) -> None:
        if self._open:
            self.captions[-1] += data


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_holds_all_it_needs(pages: dict[str, Path], lang: str) -> None:
    text = pages[lang].read_text(encoding="utf-8")
    page = Page(text)
    assert len(text.encode()) < 5_000_000
    assert all(address.startswith("data:") for address in page.addresses)
    assert not re.search(r"@import|url\((?!#)", text)
    assert len(page.ids) == len(set(page.ids))
    assert {target[1:] for target in page.targets} <= set(page.ids)
    assert len(page.alts) >= 5
    assert all(len(alt) > 40 for alt in page.alts)
    assert text.startswith(f'<!DOCTYPE html>\n<html lang="{lang}">')


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_table_and_figure_says_that_it_is_synthetic(
    pages: dict[str, Path], lang: str
) -> None:
    captions = Page(pages[lang].read_text(encoding="utf-8")).captions
    assert len(captions) > 15
    word = {"nb": "SYNTETISK", "en": "SYNTHETIC"}[lang]
    assert not [caption for caption in captions if word not in caption]


def test_norwegian_numbers(pages: dict[str, Path]) -> None:
    text = pages["nb"].read_text(encoding="utf-8")
    body = re.sub(r"<(script|style|math|code).*?</\1>", "", text, flags=re.DOTALL)
    body = re.sub(r'lang="en".*?</dd>', "", body, flags=re.DOTALL)  # reasons
    shown = re.sub(r"<[^>]*>", " ", body)
    assert not re.findall(r"\d %", shown.replace("\u00a0%", ""))  # a space that breaks
    assert not re.findall(r"(?<![\w.])-\d", shown)  # a hyphen for a minus
    prose = re.sub(
        r"(half-t|normal|exponential|gamma|half-normal)\((?:[^()]|\([^()]*\))*\)", "", shown
    )
    prose = re.sub(r"\b[qQ]\d+\.\d+|\bavsnitt [\d.]+", "", prose)  # names of items and sections
    prose = re.sub(r"\b(bayes|python|numpy|scipy|pandas|pymc|nutpie|arviz)\S* [\d.a-z]+", "", prose)
    assert not re.findall(r"\d\.\d(?!\d*\.)", prose)  # a decimal point
    assert "0,349" in shown


@pytest.mark.english
def test_statements_follow_the_results(material: Material) -> None:
    """Other results give other sentences: every number is computed, none is written."""
    ours = material
    found = ours.associations
    said = dict(data_say(ours, found))
    apart = [each for each in found if each.apart and each.outcome == "absence_mean"]
    (line,) = [text for text in said if "Mean doctor" in text and "associations" in text]
    assert 0 < len(apart) < N_SLOPES
    assert f"{len(apart)} of {N_SLOPES} associations" in line
    assert len(said[line]) == len(apart)
    assert fixed(apart[0].mean, 1) in said[line][0]
    none = [replace(each, lower=-1.0, upper=1.0) for each in found]
    assert any(f"0 of {N_SLOPES} associations" in text for text in dict(data_say(ours, none)))
    large = [replace(each, at_least=(1.0, 1.0, 1.0)) for each in found]
    assert f"for {2 * N_SLOPES} of {2 * N_SLOPES}" in next(how_sure(ours, large))
    assert "for the other 0" in next(how_sure(ours, large)).lower()


@pytest.mark.english
def test_first_screen_follows_the_results(material: Material) -> None:
    found = material.associations
    said = dict(answers(material, found))
    assert f"of {len(found)} associations stand out" in said["Measures"]
    assert f"about {0.05 * len(found):.0f}" in said["Measures"]
    left = sum(each.left for each in found)
    assert said["Measures"].endswith(f"into account leaves {left or 'none'}.")
    row = material.found.icc[0]
    assert said["Industries"].startswith(f"{100 * row.median:.0f} %")
    wide = {"wide_lower": -1.0, "wide_upper": 1.0}
    all_gone = [replace(each, **wide) for each in found]
    assert dict(answers(material, all_gone))["Measures"].endswith("leaves none.")
    none = [replace(each, lower=-1.0, upper=1.0) for each in found]
    assert dict(answers(material, none))["Measures"].startswith("0 of")
    assert "leaves" not in dict(answers(material, none))["Measures"]


@pytest.mark.english
def test_what_is_left_of_many_is_what_the_rules_say(material: Material) -> None:
    """Bonferroni from quantiles of the posterior; Benjamini and Hochberg by hand."""
    found = material.associations
    each = next(a for a in found if a.term == "q13" and "mean" in a.outcome)
    slope = material.found.results["bivariate", "exact"]["q13", "absence_mean"].fitted.coef.take(
        [1]
    )
    tail = 0.025 / len(found)
    limits = 4 * slope.quantile([tail, 1 - tail])[0]
    assert [each.wide_lower, each.wide_upper] == pytest.approx(limits, rel=1e-6)
    p = material.small["multiplicity"].groupby("outcome")["p"]
    kept = sum(
        max((k for k, one in enumerate(sorted(part), 1) if one <= 0.05 * k / len(part)), default=0)
        for _, part in p
    )
    assert f"keeps {kept}," in left_line(material, found)


@pytest.mark.english
def test_a_category_comes_with_how_many_answered_so(material: Material) -> None:
    data = material.data
    assert isinstance(data, AnalysisSample)
    (each,) = [a for a in material.associations if a.term == "q17[no]" and "mean" in a.outcome]
    observed = data.frame[data.frame["absence_mean"].notna()]
    assert each.answered == int((observed["q17"] == "no").sum())
    assert all(a.answered is None for a in material.associations if "[" not in a.term)


@pytest.mark.english
def test_folded_sections_answer(sections: dict[str, Section], material: Material) -> None:
    """Which stand out, who is missing and what would change it, before anything is unfolded."""
    assert all(sections[key].lead for key in ("icc", "effects", "missing", "unobserved"))
    apart = [each for each in material.associations if each.apart]
    named = apart_line(material.associations)
    assert named.count(" absence)") == len(apart)
    assert all(term_name(each.term)[1:] in named for each in apart)
    n = [len(material.data.frame), *(result.moments.n_obs for result in material.nulls)]
    assert [int(found) for found in re.findall(r"\d+", left_in_line(material))] == n
    fan = material.fan[material.fan["term"] != "icc"]
    changed = fan[fan["changes"] != ""].groupby(["outcome", "term"]).ngroups
    assert changed_line(material).startswith(f"{changed} of ")
    closed = replace(material, control=replace(material.control, microdata=True))
    assert closed.control.active
    assert left_in_line(closed) == ""


@pytest.mark.english
def test_notes_are_said_once(pages: dict[str, Path]) -> None:
    text = pages["en"].read_text(encoding="utf-8")
    note = "P(direction): posterior probability of the sign of the median."
    assert text.count(note) == 1
    assert text.index('id="notes"') < text.index(note)


def test_contrasts_are_those_of_draws(material: Material) -> None:
    """Independent draws of the same posterior, within four Monte Carlo errors."""
    each = next(a for a in material.associations if a.term == "q13" and "mean" in a.outcome)
    result = material.found.results["bivariate", "exact"]["q13", "absence_mean"]
    slope = result.draws(8000, seed=3)["posterior"]["beta"].sel(term="q13").to_numpy().ravel()
    assert each.contrast.size == 4
    error = 4 * np.sqrt(0.25 / slope.size)
    for share, amount in zip(each.at_least, (0.5, 1.0, 2.0), strict=True):
        assert share == pytest.approx(np.mean(np.abs(4 * slope) >= amount), abs=error)
    assert each.inside == pytest.approx(np.mean(np.abs(4 * slope) < 0.5), abs=error)


def test_a_contrast_has_one_direction_on_the_whole_page(material: Material) -> None:
    """Text and contrast table go as the coefficient in forest and tables 46 and 47."""
    slopes = {
        (row.outcome, load_codebook().term(row.term)): row
        for row in material.found.coefficients if row.table in {"46", "47"}
    }  # fmt: skip
    for each in material.associations:
        row = slopes[each.outcome, each.term]
        assert each.contrast.size > 0
        assert each.mean == pytest.approx(each.contrast.size * row.mean, abs=1e-6 * each.sd)
    for outcome in ("absence_mean", "absence_change"):
        table = contrast_table(material, material.associations, outcome)
        assert CONTRAST in table.notes


def test_ends_of_a_ranking_come_with_their_probability(material: Material) -> None:
    (said,) = [line for line, _ in data_say(material, ()) if "lavest av alle" in line]
    found = re.findall(r"sannsynlighet ([<>]?\d,\d\d)", said)
    assert len(found) == 2


def test_the_replicas_page_speaks_of_invented_workplaces(material: Material) -> None:
    for lang, words in (("en", ("invented", "no manager answered")),
                        ("nb", ("oppdiktede", "ingen leder svarte"))):  # fmt: skip
        said = spoken(lang, question, material)
        assert all(word in said for word in words)
        assert "Managers of" not in said
        assert "Ledere i" not in said


def test_a_section_without_results_is_not_there(
    material: Material, sections: dict[str, Section]
) -> None:
    assert len(sections) == len(SECTIONS)
    assert build_sections(material, [lambda _: None]) == ()


def test_without_a_rope_nothing_is_judged(material: Material) -> None:
    page = build_sections(replace(material, rope=None), only("effects"))[0]
    judged = build_sections(material, only("effects"))[0]
    verdict = "Konklusjon"
    assert verdict not in page.tables[0].header
    assert verdict in judged.tables[0].header


@pytest.mark.english
def test_figures_say_what_they_show(material: Material) -> None:
    result = material.nulls[0]
    figure = icc_figure(material.nulls)
    bars = [patch.get_height() for patch in figure.axes[0].patches if hasattr(patch, "get_height")]
    assert sum(bars) == pytest.approx(1)
    above = float(1 - result.fitted.cdf("icc", 0.5))
    assert sum(bars[20:]) == pytest.approx(above, abs=1e-6)
    assert fixed(result.icc()["median"], 3) in figure.get_label()
    rows = material.slopes("absence_mean")
    forest = spoken("nb", forest_figure, rows, source="replica")
    apart = [row.lower > 0 or row.upper < 0 for row in rows
             if load_codebook().term(row.term) != "(Intercept)"]  # fmt: skip
    assert len(rows) > len(apart) == N_SLOPES
    assert f"{sum(apart)} av {N_SLOPES} intervaller" in forest.get_label()
    assert len(forest.axes[0].texts) == N_SLOPES
    files = figure_files("forest", forest)
    assert b"SYNTETISK" in files["forest.svg"]
    assert files["forest.svg"].count(b"<desc>") == 1
    assert files["forest.png"].startswith(b"\x89PNG")


def test_figure_7_has_the_posterior_and_marks_what_nobody_answered(material: Material) -> None:
    result = material.found.results["bivariate", "exact"]["q17", "absence_change"]
    figure = line_figure(result)
    slope = result.coefficients[1].estimate
    sd = result.coefficients[1].sd
    varies = dict(zip(result.moments.groups, result.moments.means[:, 0] % 1 > 0, strict=True))
    order = [industry.key for industry in load_codebook().industries]
    for axes, key in zip(figure.axes, order, strict=True):
        line = axes.get_lines()[0]
        rise = float(np.diff(line.get_ydata())[0])
        assert rise == pytest.approx(slope, abs=4 * sd / np.sqrt(4000))
        assert line.get_linestyle() == "None"  # between yes and no there is nothing
        assert (line.get_mfc() == "white") == (not varies[key])


def test_every_text_of_a_figure_is_on_its_page(sections: dict[str, Section]) -> None:
    """Nothing is cut at the edges, in the language with the longer words."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for section in sections.values():
        for figure in section.figures:
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            texts = [text for text in figure.texts if text.get_text().strip()]
            boxes = [text.get_window_extent() for text in texts]
            boxes += [axes.get_tightbbox(canvas.get_renderer()) for axes in figure.axes]
            for box in filter(None, boxes):
                assert min(box.x0, box.y0) >= -1, (figure.get_suptitle(), box)
                assert box.x1 <= figure.bbox.x1 + 1, (figure.get_suptitle(), box)
                assert box.y1 <= figure.bbox.y1 + 1, (figure.get_suptitle(), box)


def test_no_table_gives_away_what_the_flow_hides(sections: dict[str, Section]) -> None:
    """Who is missing is counted by industry in the flow alone."""
    (counts,) = [table for table in sections["missing"].tables if table.name == "missing"]
    names = {industry.label_nb for industry in load_codebook().industries}
    assert not names & {row[0] for row in counts.texts}
    assert counts.texts[-1][:3] == ("Alle", "605", "582")


def test_choices_of_the_report_give_its_model(
    material: Material, sections: dict[str, Section]
) -> None:
    """One of the combinations is figure 5's model: fitted there by another way of making rows."""
    assert isinstance(material.explored, Explored)
    (own,) = material.explored.table[material.explored.table["report"]].to_dict("records")
    model = material.found.results["q13", "exact"]["q13", "absence_mean"]
    slope = next(row for row in model.coefficients if row.term == "q13")
    # Two digits of the sd may be all that disclosure control leaves.
    assert own["estimate"] == pytest.approx(4 * slope.estimate, abs=0.05 * 4 * slope.sd)
    assert own["sd"] == pytest.approx(4 * slope.sd, rel=0.05)
    said, how = sections["multiverse"].paragraphs[:2]
    assert str(len(material.explored.fitted)) in said
    assert "bayes-sf multiverse q13" in how


@pytest.mark.english
def test_without_what_it_takes_a_section_says_so(material: Material) -> None:
    """Files of one's own need not have the controls of the multiverse."""
    bare = replace(material, explored="no such column", missing="no shares")
    said = {section.key: section for section in build_sections(bare, only("multiverse", "missing"))}
    assert said["multiverse"].paragraphs == ("Cannot be computed from these data: no such column",)
    assert said["multiverse"].tables == said["multiverse"].figures == ()
    assert "Cannot be computed from these data: no shares" in said["missing"].paragraphs


@pytest.mark.english
def test_tipping_points_are_said_as_they_are(material: Material) -> None:
    ours = material
    (line,) = tipping_line(ours)
    decided = ours.tipping[ours.tipping["verdict_at_zero"] != "undecided"]
    turned = decided["verdict"].dropna()
    assert f"{len(turned)} of {len(decided)} intervals" in line
    assert fixed(float(turned.loc[turned.abs().idxmin()]), 1) in line
    never = replace(ours, tipping=ours.tipping.assign(verdict=np.nan))
    assert "0 of" in next(tipping_line(never))
    assert "The first to turn" not in next(tipping_line(never))
    none = replace(ours, tipping=ours.tipping[:0], effects=ours.effects[:0], missing=None)
    assert list(tipping_line(none)) == []
    looked_at = only("missing", "unobserved")
    assert "unobserved" not in [section.key for section in build_sections(none, looked_at)]


def test_counts_of_one_or_two_are_told_by_no_tipping_point(material: Material) -> None:
    """An item that two of all did not answer is left out: its n, less that of all, is them."""
    data = material.data
    assert isinstance(data, AnalysisSample)
    frame = data.frame.copy()
    frame.loc[frame.index[frame["q13"] == "dont_know"], "q13"] = "some_extent"
    frame.loc[frame.index[:2], "q13"] = "dont_know"
    few = replace(data, frame=frame)
    spec = next(s for s in sf.load_analysis("bivariate").specs if s.name == "q13")
    results = [sf.fit(spec, few)]
    told, _, none = move_unobserved(results, few, Control.of(few, Rules(active=False)))
    assert (len(frame) - told["n"] == 2).all()
    assert none == ()
    effects, tipping, log = move_unobserved(results, few, Control.of(few, Rules()))
    assert len(effects) == len(tipping) == 0
    assert [(line.table, line.row, line.rule) for line in log] == [
        ("unobserved", "q13", "difference")
    ]


@pytest.fixture(scope="module")
def versions() -> Any:
    """Two of the possible versions of the real study: enough to see what there is."""
    return sf.load_sample("published").first(2)


@pytest.fixture(scope="module")
def found(versions: Any) -> Reproduction:
    return reproduce(versions)


@pytest.fixture(scope="module")
def published(versions: Any) -> Material:
    return gather(versions)


@pytest.fixture(scope="module")
def published_pages(
    published: Material, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The real study's page, in both languages; contrasts are labelled in English in both."""
    folder, found = tmp_path_factory.mktemp("published"), {}
    for lang in LANGUAGES:
        found[lang] = folder / f"{lang}.html"
        found[lang].write_text(spoken(lang, render_report, published), encoding="utf-8")
    return found


@pytest.mark.slow
def test_published_study_has_what_its_tables_allow(published: Material) -> None:
    said = {section.key: section for section in build_sections(published)}
    assert "multiverse" not in said  # neither quarters nor how controls go together are printed
    assert said["unobserved"].source == "published"
    (samples,) = said["missing"].tables
    assert [row[1::2] for row in samples.texts][-1] == ("605", "95", "69")
    assert samples.texts[-1] == ("All", "605", "572", "95", "420", "69")
    with pytest.raises(UsageError, match="--imputed: needs workplaces"):
        gather(published.data, imputed=Path())


def test_the_account_of_the_published_route_is_in_both_languages(versions: Any) -> None:
    account = account_of(versions)
    norwegian, english = (spoken(lang, account_table, account) for lang in LANGUAGES)
    assert len(norwegian.rows) == len(english.rows) == len(account)
    for ours, theirs in zip(norwegian.texts, english.texts, strict=True):
        for place in (0, 1, 3, 7):  # sample, quantity, status, how
            assert ours[place] != theirs[place]
            assert not re.search(r"\b(the|of|and|from|in|is|tables?)\b", ours[place]), ours
            assert not re.search(r"\d\.\d", ours[place]), ours


def test_published_figures_have_the_decimals_of_their_tables(found: Reproduction) -> None:
    """R dropped zeros: 0.02 of three decimals is 2.0 pp; n is the one that the report prints."""
    asked = [row for row in found.coefficients
             if row.table not in {"46", "47"} or row.question in FEW]  # fmt: skip
    some = replace(found, coefficients=tuple(asked))
    tables = {table.name: table for table in
              comparison_tables(some, source="published")}  # fmt: skip
    fourth = tables["published_4"].texts
    assert [row[2] for row in fourth] == ["0.4", "2.0"]
    terms, errors = ([row[i] for row in tables["published_5"].texts] for i in (1, 3))
    assert terms[:2] == ["Intercept (df 5)", "Intercept (df 388)"]
    assert errors[2] == "1.0"
    assert {row[-1] for row in tables["published_3"].texts} == {"516"}
    assert {row[-1] for row in tables["published_5"].texts} == {"403"}
    assert any("572" in note for note in tables["published_figure5"].notes)
    assert not any("n is" in note for note in tables["published_46"].notes)
    rows = [row for row in asked if row.basis == "estimate and SE"]
    assert {row.n for row in rows} == {516, 403}
    assert {row.df for row in rows} == {516 - 6 - 9, 403 - 6 - 9, 6 - 1}


@pytest.mark.english
def test_an_icc_is_whole_percents_in_prose_and_three_decimals_in_tables(
    material: Material, found: Reproduction
) -> None:
    """Its interval spans tens of percents; in a table a limit near zero has no more decimals."""
    said = " ".join(text for text, _ in data_say(replace(material, found=found), ()))
    table = icc_table(found.icc, source="published")
    for row, cells in zip(found.icc[:2], table.texts, strict=False):
        median, (low, high) = cells[4], cells[5].split(" to ")
        assert f"{whole_percent(row.median)} lies between" in said
        assert f"{100 * row.upper:.0f} %" in said
        assert float(median) == pytest.approx(row.median, abs=0.0005)
        assert len(high) == len("0.000")
        assert low == ("<0.001" if row.lower < 0.0005 else fixed(row.lower, 3))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lang", "nn"], "must be en or nb"),
        (["--data", "replika"], "must be published or replica"),
        (["--rope", "-1"], "must be a positive number"),
        (["--survey", "x.csv"], "go together"),
        (["--lagn", "nb"], "No such option: --lagn"),
    ],
)
def test_wrong_options_are_refused_before_any_work(
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["bayes-sf", "report", *options])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_out_may_name_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new" / "a.html"
    monkeypatch.setattr(
        "bayes_sf.output.report.material.gather", lambda *_, **__: SimpleNamespace(control=None)
    )
    monkeypatch.setattr(
        "bayes_sf.output.report.page.write_report",
        lambda path, *_, **__: write_files(path.parent, {path.name: "a page"}),
    )
    monkeypatch.setattr("sys.argv", f"bayes-sf report --data replica --out {page}".split())
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert not left.value.code
    assert page.read_text(encoding="utf-8") == "a page"
    assert "a.html" in capsys.readouterr().out
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "a.html"]


@pytest.mark.parametrize(("out", "name"), [("", "report_replica_en.html"), ("a.html", "a.html")])
def test_an_earlier_page_is_not_replaced(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    out: str,
    name: str,
) -> None:
    """By a folder or by its name."""
    page = tmp_path / name
    page.write_text("mine", encoding="utf-8")
    where = str(tmp_path / out)
    monkeypatch.setattr("sys.argv", f"bayes-sf report --data replica --out {where}".split())
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert "--force" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "mine"


# In a browser ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    assert CHROMIUM, "chromium is required where CI=true"
    assert DRIVER, "chromedriver is required where CI=true"
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException

    small = tmp_path_factory.mktemp("browser") / "small.html"
    small.write_text("<!DOCTYPE html><title>seen</title>", encoding="utf-8")

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{option}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:  # of different versions they do not fit together; one in a sandbox sees no files of ours
        driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        driver.get(small.as_uri())
        assert driver.title == "seen" or os.environ.get("CI") != "true"
    except WebDriverException as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"chromium and chromedriver are here but do not work: {error.msg}")
    if driver.title != "seen":
        driver.quit()
        pytest.skip("this chromium cannot open files of the temporary folder")
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


#: What is not of the words is the same on both pages.
ENGLISH = pytest.param("en", marks=pytest.mark.slow)
SEEN = Path(__file__).with_name("seen.js").read_text(encoding="utf-8")
SEEN = SEEN.partition('"use strict";')[2].strip()
#: The widest and the narrowest, each in one of the two schemes.
QUICK = (("replica", 1440, "light"), ("replica", 390, "dark"))
UNFOLDED = "document.querySelectorAll('details').forEach((section) => { section.open = true; });"


@pytest.fixture(params=["nb", ENGLISH])
def opened(
    browser: Any, pages: dict[str, Path], request: pytest.FixtureRequest
) -> Iterator[tuple[Any, str]]:
    """A page that is open and unfolded, and its language; it has said and asked for nothing."""
    with quiet(browser, pages[request.param]):
        yield browser, request.param


@contextmanager
def quiet(browser: Any, page: Path) -> Iterator[None]:
    """Open and unfold a page; at the end nothing was said in the console, and nothing asked for."""
    browser.get_log("performance")
    browser.get(page.as_uri())
    browser.execute_script(UNFOLDED)
    yield
    assert browser.get_log("browser") == []
    asked = [
        message["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]
    assert {address.partition(":")[0] for address in asked} <= {"file", "data"}
    assert [address for address in asked if address.startswith("file:")] == [page.as_uri()]


@contextmanager
def screen(browser: Any, width: int, scheme: str) -> Iterator[None]:
    """Look as wide as a desk, a tablet or a phone, by day or by night."""
    height = {1440: 900, 768: 1024, 390: 844}[width]
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    night = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": night})
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


#: Rows of a table are alike, and so are marks of a drawing, which is one picture to axe: a few of
#: them tell as much as all, and take seconds less.
THINNED = """
document.querySelectorAll("tbody tr:nth-child(n+3)").forEach((row) => row.remove());
document.querySelectorAll("svg.plot").forEach((svg) => svg.replaceChildren());
"""


def by_axe(browser: Any, width: int, scheme: str) -> Any:
    """What of the page that is open axe's rules say."""
    import axe_core_python

    source = Path(axe_core_python.__file__).with_name("axe.min.js")
    with screen(browser, width, scheme):
        browser.execute_script(THINNED + source.read_text(encoding="utf-8"))
        return browser.execute_async_script(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations', 'passes']})"
            ".then((r) => done({wrong: r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]),"
            " passed: r.passes.map((p) => p.id)}));"
        )


@needs_chromium
@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_axe_finds_nothing(opened: tuple[Any, str], scheme: str) -> None:
    """Axe-core's rules of WCAG 2.1 A and AA, contrast among them, and its best practices."""
    found = by_axe(opened[0], {"light": 1440, "dark": 390}[scheme], scheme)
    assert found["wrong"] == []
    assert "color-contrast" in found["passed"]


@needs_chromium
@pytest.mark.parametrize(
    ("page", "width", "scheme"),
    [
        pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
        for case in product(("replica", "published"), (1440, 768, 390), ("light", "dark"))
    ],
)
def test_all_is_read_at_every_width(
    browser: Any, request: pytest.FixtureRequest, page: str, width: int, scheme: str
) -> None:
    """No text below 11 pixels, contrasts of 4.5 and 3, answers and picture on the first screen.

    Pictures of each stay in pytest's cache (`.pytest_cache/d/report`).
    """
    kept = request.config.cache.mkdir("report")  # type: ignore[union-attr]  # there is one
    shown = {
        "replica": request.getfixturevalue("pages"),
        "published": {} if page == "replica" else request.getfixturevalue("published_pages"),
    }[page]
    for lang, path in shown.items():
        with quiet(browser, path), screen(browser, width, scheme):
            browser.save_screenshot(str(kept / f"{page}_{lang}_{width}_{scheme}.png"))
            seen = browser.execute_script(f"return {SEEN}")
        assert seen["small"] == seen["pale"] == seen["faint"] == []
        assert 40 < seen["words"] < 90
        top, height, of = seen["picture"]
        if (page, lang) != ("replica", "en"):  # whose pictures are blank
            assert top + height <= of + 5, (lang, seen["picture"])
        assert max(seen["wide"]) == width


@needs_chromium
def test_the_page_of_a_printed_icc_moves_its_prior(browser: Any, tmp_path: Path) -> None:
    """It starts with what was printed, and another scale is what re-reading under it gives."""
    found = sf.icc_posterior(icc="0.21", n=240, groups=8, balanced=True, estimator="REML")
    page = tmp_path / PAGE
    with speaking("nb"):
        page.write_text(reread_page({"": found}, {}, ["a"]), encoding="utf-8")
    state = "return window.explorerState.icc"
    with quiet(browser, page), screen(browser, 1440, "dark"):
        seen = browser.execute_script(f"return {SEEN}")
        start = browser.execute_script(state)
        for name in ("mean", "median", "lower", "upper"):
            assert start[name] == pytest.approx(getattr(found, name), abs=2e-3), name
        assert browser.execute_script("return window.explorerState.effect") is None
        slider = browser.find_element("id", "x-group")
        browser.execute_script("arguments[0].value = 0", slider)
        slider.send_keys("\ue012")  # Left: nothing is further left; the page hears of it
        browser.execute_script("arguments[0].dispatchEvent(new Event('input', {bubbles: true}))",
                               slider)  # fmt: skip
        browser.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
        )
        moved = browser.execute_script(state)
    assert seen["small"] == seen["pale"] == seen["faint"] == []
    assert seen["words"] < 90
    tight = sf.icc_posterior(
        icc="0.21", n=240, groups=8, balanced=True, estimator="REML",
        priors=Priors(sd_group=Prior("half-t", scale=GROUP_RANGE[0])),
    )  # fmt: skip
    assert moved["median"] == pytest.approx(tight.median, abs=2e-3)
    assert abs(moved["median"] - start["median"]) > 0.02


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize(("lang", "width", "scheme"), [("nb", 390, "dark"), ("en", 1440, "light")])
def test_a_page_of_results_is_read_by_all(
    browser: Any, tmp_path: Path, lang: str, width: int, scheme: str
) -> None:
    """Axe, contrasts and sizes as of the report's page; its prior moves to what Python has."""
    rng = np.random.default_rng(4)
    x, g = rng.normal(size=160), np.repeat(np.arange(8), 20)
    rows = pd.DataFrame({f"x{i}": rng.normal(size=160) for i in range(8)})
    rows = rows.assign(y=0.5 * x + rng.normal(size=8)[g] + rng.normal(size=160), x=x, g=g)
    every = " + ".join(f"x{i}" for i in range(8))
    models = [sf.fit("y ~ x + (1 | g)", rows), sf.fit(f"y ~ x + {every} + (1 | g)", rows)]
    page = sf.page(models, tmp_path / PAGE, with_data=True, lang=lang)
    with quiet(browser, page), screen(browser, width, scheme):
        seen = browser.execute_script(f"return {SEEN}")
        state = browser.execute_script("return window.explorerState")
    assert seen["small"] == seen["pale"] == seen["faint"] == []
    assert 20 < seen["words"] < 90
    assert max(seen["wide"]) == width
    slope = models[0].comparisons({"x": float(f"{2 * rows['x'].std():.2g}")}).iloc[0]
    assert state["effect"]["mean"] == pytest.approx(slope["estimate"], abs=1e-3)
    assert state["icc"]["median"] == pytest.approx(models[0].icc()["median"], abs=2e-3)
    with quiet(browser, page):
        found = by_axe(browser, width, scheme)
    assert found["wrong"] == []
    assert "color-contrast" in found["passed"]


@needs_chromium
def test_a_link_unfolds_its_section(browser: Any, pages: dict[str, Path]) -> None:
    browser.get("about:blank")  # another document: a link within one does not open it anew
    browser.get(f"{pages['nb'].as_uri()}#missing")
    unfolded = "return [...document.querySelectorAll('details[open]')].map((one) => one.id)"
    assert browser.execute_script(unfolded) == ["missing"]
    browser.find_element("css selector", "#contents a[href='#fit']").click()
    assert set(browser.execute_script(unfolded)) == {"missing", "fit"}
    links = "return [...document.querySelectorAll('.back a')].map((one) => one.hash)"
    assert set(browser.execute_script(links)) == {"#contents"}


@needs_chromium
def test_all_of_it_is_printed(browser: Any, pages: dict[str, Path]) -> None:
    """What is folded on a screen is on paper; pages are numbered."""
    browser.get(pages["en"].as_uri())
    pdf = b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    count = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert count > 8
    assert "counter(page)" in pages["en"].read_text(encoding="utf-8")


#: Of tables that are scrolled to their end: names of rows that are not in sight; whether none is.
ROW_NAMES_OUT_OF_SIGHT = """
const wide = [...document.querySelectorAll(".table")].filter(t => t.scrollWidth > t.clientWidth);
const out = wide.flatMap(table => {
  table.scrollLeft = table.scrollWidth;
  const edge = table.getBoundingClientRect().left;
  const names = [...table.querySelectorAll("tbody .gt_stub")];
  return names.filter(name => name.getBoundingClientRect().left < edge - 1);
});
return [out.length, Number(wide.length < 5)];
"""


@needs_chromium
def test_names_of_rows_stay_in_sight_on_a_phone(opened: tuple[Any, str]) -> None:
    browser, _ = opened
    with screen(browser, 390, "light"):
        hidden = browser.execute_script(ROW_NAMES_OUT_OF_SIGHT)
    assert hidden == [0, 0]


@needs_chromium
def test_tables_sort(opened: tuple[Any, str]) -> None:
    browser, _ = opened
    column = (
        "const table = [...document.querySelectorAll('.table table')].find((t) => "
        "t.tBodies[0].rows.length > 8), header = table.tHead.rows[0].cells[2];"
    )
    values = "return [...table.tBodies[0].rows].map((r) => Number(r.cells[2].dataset.value));"
    before = browser.execute_script(column + values)
    orders = [
        browser.execute_script(f"{column} header.querySelector('button').click(); {values}")
        for _ in range(2)
    ]
    assert before != sorted(before)
    assert orders == [sorted(before), sorted(before, reverse=True)]
    state = browser.execute_script(f"{column} return header.getAttribute('aria-sort')")
    assert state == "descending"


@needs_chromium
def test_explorer_moves_by_keyboard_and_matches_python(
    opened: tuple[Any, str], material: Material
) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select, WebDriverWait

    browser, lang = opened
    get: Callable[[str], Any] = lambda name: browser.find_element(By.ID, f"x-{name}")  # noqa: E731
    before = get("result").text
    Select(get("item")).select_by_value("q13")
    Select(get("family")).select_by_value("half-normal")
    get("group").send_keys(Keys.ARROW_LEFT * 12)
    get("slope").send_keys(Keys.ARROW_LEFT * 30)
    get("rope").send_keys(Keys.ARROW_RIGHT * 4)
    WebDriverWait(browser, 20).until(lambda _: "0.7" in (get("rope").get_attribute("value") or ""))
    browser.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
    )
    state = browser.execute_script("return window.explorerState")
    prior, effect, icc = state["prior"], state["effect"], state["icc"]
    assert prior["group"]["scale"] < 0.8
    assert prior["slope"] < 1.0

    def exact(analysis: str, model: str) -> Any:
        result = material.found.results[analysis, "exact"][model, "absence_mean"]
        moved = Priors(
            slope=Prior("normal", prior["slope"]),
            sd_group=Prior("half-normal", prior["group"]["scale"]),
        )
        return ENGINES["exact"](tuple(part.moments for part in result.fitted.parts), moved, 0)

    slope = exact("bivariate", "q13").coef.take([1])
    low, high = (4 * value for value in slope.quantile([0.025, 0.975])[0])
    assert effect["mean"] == pytest.approx(4 * slope.mean()[0], abs=5e-5)
    assert [effect["lower"], effect["upper"]] == pytest.approx([low, high], abs=5e-5)
    inside = slope.cdf(0.7 / 4)[0] - slope.cdf(-0.7 / 4)[0]
    assert effect["inside"] == pytest.approx(inside, abs=5e-5)
    null = exact("null", "null")
    assert icc["mean"] == pytest.approx(null.mean("icc"), abs=5e-5)
    limits = null.quantile("icc", [0.025, 0.5, 0.975])
    assert [icc["lower"], icc["median"], icc["upper"]] == pytest.approx(limits, abs=5e-5)
    after = get("result").text
    assert after != before
    assert spoken(lang, fixed, null.mean("icc"), 3) in after
    assert spoken(lang, fixed, float(4 * slope.mean()[0]), 2) in after


@needs_chromium
def test_page_reads_without_scripts(browser: Any, pages: dict[str, Path]) -> None:
    """Read as a screen reader does, from the accessibility tree."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(pages["nb"].as_uri())
        root = browser.execute_cdp_cmd("DOM.getDocument", {})["root"]["nodeId"]
        found = {"nodeId": root, "selector": "details"}
        for node in browser.execute_cdp_cmd("DOM.querySelectorAll", found)["nodeIds"]:
            opening = {"nodeId": node, "name": "open", "value": ""}
            browser.execute_cdp_cmd("DOM.setAttributeValue", opening)
        tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    heard = [str(node.get("name", {}).get("value", "")) for node in tree["nodes"]]
    assert say("This part needs scripts; everything else on the page works without.") in heard
    assert "0,349" in heard
    assert say("What was asked?") in heard
    assert say("Back to the start") not in heard  # no slider that would not move


@pytest.mark.english
def test_own_data_are_in_the_page_only_where_asked(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The explorer's sufficient statistics are data; it is beside the sections."""
    monkeypatch.setattr("bayes_sf.output.report.page.build_sections", lambda _: ())
    own = replace(material, source="microdata")
    assert explorer_models(own) == ()
    page = render_report(own)
    assert '"within"' not in page
    assert 'id="explorer"' not in page
    assert len(explorer_models(replace(own, with_data=True))) == 2 * (1 + len(FEW))


@pytest.mark.slow  # `test_disclosure_run.py` attacks the page of such a sample as well
@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.english
def test_an_industry_that_is_hidden_has_no_figure_in_the_page(
    material: Material,
    sections: dict[str, Section],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ICT has 62 and 28 workplaces: with a threshold of 63 it is hidden, and others with it."""
    monkeypatch.setattr("bayes_sf.inputs.sample.INVENTED", "")  # as data of one's own
    sample = sf.load_sample("replica")
    rules = Control.of(sample, Rules(min_workplaces=63))
    poolings = [protect_pooling(pooling, rules) for pooling in material.poolings]
    control = replace(
        material, control=rules, poolings=tuple(shown for shown, _ in poolings),
        tables=protect_tables(sample, rules).shown, hidden=tuple(poolings[0][1]),
    )  # fmt: skip
    assert {"ict"} < {line.row for line in control.hidden}
    assert not explorer_models(control)
    looked_at = only("industries", "effects")
    protected = {section.key: section for section in build_sections(control, looked_at)}
    levels, shown = protected["industries"], protected["effects"].figures
    assert "ICT" not in str(levels.figures[0].get_label())
    assert len(shown) == len(sections["effects"].figures) - 1  # no lines by industry
    for table in levels.tables:
        rows = [row for row in table.texts if row[0].startswith("ICT")]
        assert rows
        assert all(row.count(":") == len(row) - 1 for row in rows)  # all but the name
    write_report(tmp_path / "page.html", control)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    logs = {f"page_private/disclosure{end}" for end in (".csv", ".json", "_cost.csv")}
    assert written == {"page.html", *logs}
