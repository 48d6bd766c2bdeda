"""Tables: every format holds the same numbers, and says which data they are of.

What a format holds is read back by other code than wrote it: lxml, openpyxl, python-docx, pandas,
pandoc where it is installed, and a few lines here for Markdown and LaTeX. Numbers are compared with
the raw ones in exact arithmetic.
"""

import csv
import io
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from docx import Document
from docx.oxml.ns import qn
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import html
from openpyxl import load_workbook
from rich.console import Console

import bayes_sf as sf
from bayes_sf.analysis.comparison import Reproduction, reproduce
from bayes_sf.analysis.pooling import Pooling, compare_pooling
from bayes_sf.catalogue import speaking
from bayes_sf.disclosure.control import OFF, Control, Rules
from bayes_sf.engines.sampled.diagnostics import diagnose
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import published_table
from bayes_sf.inputs.sample import AnalysisSample, load_sample
from bayes_sf.output.formats.delimited import csv_bytes
from bayes_sf.output.formats.latex import _ESCAPES, latex
from bayes_sf.output.formats.markdown import markdown
from bayes_sf.output.formats.styles import STYLES
from bayes_sf.output.formats.terminal import column_parts, print_table
from bayes_sf.output.formats.typst import typst
from bayes_sf.output.formats.webpage import fragment, page
from bayes_sf.output.formats.workbook import excel_bytes
from bayes_sf.output.formats.writing import FORMATS, table_files, write_tables
from bayes_sf.output.run import Asked
from bayes_sf.output.runs.export import export_tables, gather, run_export
from bayes_sf.output.tables.result_tables import diagnostics_table, posterior_table
from bayes_sf.output.tables.sample_tables import descriptive_tables
from bayes_sf.output.tables.table import Column, Table, printed_table, table_from_frame
from tests.tools import lacking_in_tex, need, spoken

NUMBER = re.compile(r"[<>]?−?\d+(?:\.\d+)?")

# --- Reading back ----------------------------------------------------------------------------


def from_html(text: str) -> list[list[str]]:
    (table,) = html.fromstring(text).xpath("//table")
    return [[cell.text_content() for cell in row] for row in table.xpath("./tbody/tr")]


def from_markdown(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [re.findall(r"\|((?:\\.|[^\\|])*)(?=\|)", line) for line in lines[2:]]
    # As CommonMark reads them: a backslash before punctuation is none
    return [[re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell.strip()) for cell in row] for row in cells]


LATEX = {
    r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^",
    "$<$": "<", "$>$": ">", "$-$": "−", r"$\infty$": "∞", r"$\approx$": "≈", "{[}": "[",
    "{]}": "]", "{*}": "*", "---": "—", "--": "–", "''": "”", ",,": "„",
    r"\textendash{}": "–", "-{}": "-", "'{}": "'", ",{}": ",", "~": "\u00a0",
    r"\textquotedbl{}": '"', r"\textasciigrave{}": "`",
    r"\&": "&", r"\%": "%", r"\$": "$", r"\#": "#",
    r"\_": "_", r"\{": "{", r"\}": "}",
}  # fmt: skip


def from_latex(text: str) -> list[list[str]]:
    long = "\\begin{longtable}" in text
    start, end = ("\\endfoot\n", "\\end{longtable}") if long else ("\\midrule\n", "\\bottomrule")
    lines = text.partition(start)[2].partition(end)[0].splitlines()
    known = re.compile("|".join(re.escape(code) for code in LATEX))
    rows = [re.split(r" & ", line.removesuffix(r" \\")) for line in lines]
    return [[known.sub(lambda found: LATEX[found[0]], cell) for cell in row] for row in rows]


def from_word(content: bytes) -> list[list[list[str]]]:
    tables = Document(io.BytesIO(content)).tables
    return [
        [
            ["".join(t.text or "" for t in cell.iter(qn("w:t"))) for cell in row.iter(qn("w:tc"))]
            for row in list(table._tbl.iter(qn("w:tr")))[1:]
        ]
        for table in tables
    ]


def displayed(value: Any, number_format: str) -> str:
    """What Excel shows: of the formats `0.00;"−"0.00` and `"text"`."""
    if not isinstance(value, int | float) or number_format == "General":
        return "" if value is None else str(value)
    if number_format.startswith('"'):
        return number_format.strip('"')
    beyond = re.fullmatch(r'\[([<>])([-\d.]+)\]"([^"]+)";0(?:\.0+)?', number_format)
    if beyond:
        below, limit = beyond[1] == "<", float(beyond[2])
        assert value < limit if below else value > limit
        return beyond[3]
    positive, negative = number_format.split(";")
    part = negative if value < 0 else positive
    decimals = len(part.partition(".")[2])
    digits = abs(Decimal(repr(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return ("−" if "−" in part else "") + f"{digits:f}"


def from_excel(content: bytes, tables: tuple[Table, ...]) -> Iterator[list[list[str]]]:
    book = load_workbook(io.BytesIO(content))
    for sheet, table in zip(book.worksheets, tables, strict=True):
        rows = []
        for at in range(len(table.rows)):
            cells = iter(sheet[3 + at])
            row = []
            for column in table.columns:
                shown = [displayed(c.value, c.number_format) for c in (next(cells),)]
                if column.kind == "interval":
                    shown += [displayed(c.value, c.number_format) for c in (next(cells),)]
                    joined = {"nb": " til ", "en": " to "}[table.lang].join(shown)
                    row.append(shown[0] if shown[0] == shown[1] in {".", ":"} else joined)
                else:
                    row.append(shown[0])
            rows.append(row)
        yield rows


# --- What is written -------------------------------------------------------------------------


def tables_of(**what: Any) -> tuple[Table, ...]:
    """What is exported."""
    return export_tables(**what)[0]


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    return load_sample("replica")


@pytest.fixture(scope="module")
def found(sample: AnalysisSample) -> Reproduction:
    return reproduce(sample)


@pytest.fixture(scope="module")
def pooling(sample: AnalysisSample) -> Pooling:
    return compare_pooling(next(iter(sf.load_analysis("q13").specs)), sample)


@pytest.fixture(scope="module")
def everything(
    sample: AnalysisSample, found: Reproduction, pooling: Pooling
) -> dict[str, tuple[Table, ...]]:
    """All tables of the replica, in both languages."""
    fits = [*found.results["null", "exact"].values(), *found.results["q13", "reml"].values()]
    return {
        lang: spoken(
            lang, tables_of, results=fits, reproduction=found, poolings=[pooling], sample=sample,
            source="replica",
        )
        for lang in ("en", "nb")
    }  # fmt: skip


#: Of each kind of tables there are many: some are written.
STEP = {"nb": 6, "en": 6}


@pytest.fixture(scope="module")
def written(everything: dict[str, tuple[Table, ...]]) -> Callable[[str], dict[str, Any]]:
    """Tables of a language in all formats: they are made once, whoever looks at them."""
    return cache(lambda lang: table_files(everything[lang][:: STEP[lang]], FORMATS))


@pytest.mark.parametrize("lang", [pytest.param("en", marks=pytest.mark.slow), "nb"])
def test_all_formats_hold_the_same_figures(
    everything: dict[str, tuple[Table, ...]],
    written: Callable[[str], dict[str, Any]],
    lang: str,
) -> None:
    assert len(everything[lang]) > 45
    tables = everything[lang][:: STEP[lang]]
    files = written(lang)
    words, sheets = from_word(files["tables.docx"]), from_excel(files["tables.xlsx"], tables)
    for table, word, sheet in zip(tables, words, sheets, strict=True):
        expected = [list(row) for row in table.texts]
        assert from_html(files[f"{table.name}.html"]) == expected
        assert from_markdown(files[f"{table.name}.md"]) == expected
        assert from_latex(files[f"{table.name}.tex"]) == expected
        assert word == expected
        english = [[cell.replace(",", ".") if NUMBER.match(cell.replace(",", ".")) else cell
                    for cell in row] for row in expected] if lang == "nb" else expected  # fmt: skip
        assert sheet == english


#: Digits of a power of ten.
LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def nearest(text: str, value: float) -> bool:
    """Whether a printed number is the raw one at its own rounding."""
    digits, _, raised = text.lstrip("<>").replace("−", "-").partition("×10")
    power = Fraction(10) ** int(raised.translate(LOWERED) or 0)
    figure = Fraction(digits) * power
    unit = power / 10 ** len(digits.partition(".")[2])
    if text[0] in "<>":
        return (value < figure) == (text[0] == "<") and abs(Fraction(value) - figure) <= unit
    return abs(figure - Fraction(repr(float(value)))) <= unit / 2


def test_printed_figures_are_those_of_the_csv(everything: dict[str, tuple[Table, ...]]) -> None:
    checked = 0
    for table in everything["en"]:
        rows = list(csv.reader(io.StringIO(csv_bytes(table).decode())))
        assert rows[0] == [*table.raw_header, "source"]
        for row, texts in zip(rows[1:], from_markdown(markdown(table)), strict=True):
            assert row[-1] == "SYNTHETIC replica"
            raw = iter(row)
            for column, text in zip(table.columns, texts, strict=True):
                values = [next(raw) for _ in column.keys]
                if column.is_text or column.kind == "printed":
                    assert values[0].replace("-", "−") == text.replace("-", "−")
                    continue
                if values[0] in {"", ":"}:
                    assert text == (values[0] or ".")
                    continue
                for value, part in zip(values, text.split(" to "), strict=True):
                    assert part == "∞" if value == "inf" else nearest(part, float(value)), table
                    checked += 1
    assert checked > 2500


def test_norwegian_has_the_same_digits(everything: dict[str, tuple[Table, ...]]) -> None:
    for english, norwegian in zip(everything["en"], everything["nb"], strict=True):
        assert english.raw_header == norwegian.raw_header
        for place, column in enumerate(english.columns):
            if column.is_text:
                continue
            for ours, theirs in zip(english.texts, norwegian.texts, strict=True):
                text = ours[place]
                expected = text if text == "." else text.replace(".", ",").replace(" to ", " til ")
                assert theirs[place] == expected


def test_terms_of_the_norwegian_footer(everything: dict[str, tuple[Table, ...]]) -> None:
    table = next(t for t in everything["nb"] if t.name == "estimates_exact")
    assert "95\u00a0%-troverdighetsintervall (like store haler)" in table.header
    assert "prosentpoeng (n = 420–582)" in table.caption
    assert any(line.startswith("A priori-fordelinger") for line in table.footer)
    assert ". = finnes ikke." in table.footer


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_no_file_lets_the_replica_pass_for_the_real_study(
    everything: dict[str, tuple[Table, ...]],
    written: Callable[[str], dict[str, Any]],
    lang: str,
) -> None:
    mark = {"en": "SYNTHETIC replica", "nb": "SYNTETISK kopi"}[lang]
    files, tables = written(lang), everything[lang][:: STEP[lang]]
    for table in tables:
        for ending in ("html", "tex", "md"):
            text = files[f"{table.name}.{ending}"]
            assert text.count(mark) >= 2, (table.name, ending)  # caption and footer
        assert f"Synt{'h' * (lang == 'en')}" not in csv_bytes(table).decode().splitlines()[0]
        assert b"SYNTHETIC replica" in files[f"{table.name}.csv"]
    captions = [p.text for p in Document(io.BytesIO(files["tables.docx"])).paragraphs]
    named = re.compile(rf"(?:Table|Tabell) \d+\. {mark}")
    assert sum(bool(named.match(text)) for text in captions) == len(tables)
    for sheet in load_workbook(io.BytesIO(files["tables.xlsx"])).worksheets:
        assert sheet["A1"].value.startswith(mark)


def test_the_real_study_is_said_to_be_real(found: Reproduction) -> None:
    tables = tables_of(reproduction=found, source="published")
    assert all("Real study" in table.footer[-1] for table in tables)
    assert not any("SYNTHETIC" in markdown(table) for table in tables)


# --- What is in the tables -------------------------------------------------------------------


def test_published_figures_keep_their_digits_in_percentage_points(found: Reproduction) -> None:
    for table in tables_of(reproduction=found, source="replica"):
        if not table.name.startswith("published_"):
            continue
        printed = published_table(table.name.removeprefix("published_"))
        unit = {"fraction": 100, "pp": 1}
        for (_, row), texts in zip(printed.iterrows(), table.texts, strict=True):
            cells = dict(zip((column.key for column in table.columns), texts, strict=True))
            for key, text in (("estimate", "published"), ("se", "published_se")):
                shown = Fraction(cells[text].replace("−", "-"))
                assert shown == Fraction(row[key]) * unit[row["unit"]]
            assert len(cells["reml"].partition(".")[2]) >= len(cells["published"].partition(".")[2])


def test_ols_reml_and_posterior_stand_beside_the_published(found: Reproduction) -> None:
    table = next(t for t in tables_of(reproduction=found) if t.name == "published_46")
    column = {key: place for place, key in enumerate(c.key for c in table.columns)}
    rows = [row for row in found.coefficients if row.table == "46"]
    ols = found.results["bivariate", "ols"]
    for row, cells in zip(rows, table.rows, strict=True):
        assert cells[column["reml"]] == row.reml_estimate
        assert cells[column["mean"]] == row.mean
        assert cells[column["lower"]] == (row.lower, row.upper)
        fitted = ols[row.question, "absence_mean"].coefficients
        assert cells[column["ols"]] in [each.estimate for each in fitted]


def test_a_table_speaks_the_language_that_is_asked_for(found: Reproduction) -> None:
    results = list(found.results["q13", "exact"].values())
    with speaking("nb"):
        spoken, english = posterior_table(results), posterior_table(results, lang="en")
    assert posterior_table(results, lang="nb").texts == spoken.texts != english.texts
    assert english.texts == posterior_table(results).texts


def test_posterior_table_has_the_estimates(found: Reproduction) -> None:
    results = list(found.results["q13", "exact"].values())
    table = posterior_table(results, groups=True)
    raw = pd.DataFrame(table.raw_rows, columns=list(table.raw_header))
    estimates = pd.concat([result.estimates for result in results], ignore_index=True)
    for key in ("estimate", "sd", "lower", "upper", "p_direction"):
        np.testing.assert_array_equal(raw[key].astype(float), estimates[key])
    assert [key for key in table.raw_header if key in {"model", "outcome", "n"}] == []
    assert table.caption.endswith(f"percentage points (n = {results[0].moments.n_obs})")
    assert str(results[0].priors) in table.footer[0]


def test_of_frequentist_engines_no_posterior_is_claimed(found: Reproduction) -> None:
    table = posterior_table(found.results["q13", "reml"].values())
    assert table.header[1:] == ("REML", "SE", "95 % confidence interval (Wald)", "t")
    assert not any("prior" in line.lower() for line in table.footer)


def test_results_of_two_engines_are_not_mixed(found: Reproduction) -> None:
    mixed = [*found.results["null", "reml"].values(), *found.results["null", "exact"].values()]
    with pytest.raises(UsageError, match="needs results of one engine"):
        posterior_table(mixed)


def test_icc_table_has_the_prior_beside_the_posterior(found: Reproduction) -> None:
    (table, *_) = tables_of(reproduction=found, source="replica")
    for row, cells in zip(found.icc, table.rows, strict=True):
        assert cells[2:7] == (
            row.reml, row.mean, row.median, (row.lower, row.upper), row.prior_median,
        )  # fmt: skip
        assert cells[7] == (row.prior_lower, row.prior_upper)
        assert any(row.prior in line for line in table.footer)
    assert [cells[1] for cells in table.texts] == ["0.299", "≈ 0"]


def test_shrinkage_table_has_every_group(pooling: Pooling) -> None:
    table = tables_of(poolings=[pooling])[1]
    raw = pd.DataFrame(table.raw_rows, columns=list(table.raw_header))
    order = [industry.key for industry in load_codebook().industries]
    rows = sorted(pooling.groups, key=lambda row: order.index(row.group))
    expected = pd.DataFrame([asdict(row) for row in rows])
    for key in raw.columns[1:]:
        np.testing.assert_array_equal(raw[key].astype(float), expected[key].astype(float))
    assert set(raw["group"]) >= {"Construction", "Kindergartens etc."}


def test_flow_ends_in_n(sample: AnalysisSample) -> None:
    tables = [
        t for t in tables_of(sample=sample, control=Control(OFF)) if t.name.startswith("flow_")
    ]
    sizes = {table.name: table.n for table in tables}
    assert sizes["flow_null_absence_mean"] == 582  # as the report has it
    for table in tables:
        *industries, total = table.rows[-1][1:]
        assert sum(industries) == total == table.n


def test_printed_tables_of_the_report() -> None:
    tables = spoken("nb", descriptive_tables, published_table("by_industry"), source="report")
    printed = {str(key): rows for key, rows in published_table("by_industry").groupby("table")}
    assert {table.name for table in tables} == {f"table_{key}" for key in printed}
    for table in tables:
        rows = printed[table.name.removeprefix("table_")]
        texts = [text for row in table.texts for text in row[1:]]
        wanted = [
            text
            for count, percent in zip(rows["count"], rows["percent"], strict=True)
            for text in ("." if pd.isna(count) else str(count), percent.replace(".", ","))
        ]
        assert texts == wanted


def chains(shift: float) -> xr.DataTree:
    """Two parameters of four chains; one chain may be elsewhere."""
    rng = np.random.default_rng(3)
    draws = rng.normal(size=(4, 500)) + shift * np.array([1, 0, 0, 0])[:, None]
    stats = {"energy": draws, "diverging": draws > 99, "tree_depth": np.full((4, 500), 2)}
    shaped = {name: (("chain", "draw"), value) for name, value in stats.items()}
    posterior = xr.Dataset({n: (("chain", "draw"), draws * s) for n, s in (("a", 1), ("b", 9))})
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": xr.Dataset(shaped)})


@pytest.mark.parametrize(("shift", "word"), [(0.0, "; converged."), (3.0, "NOT CONVERGED")])
def test_diagnostics_table(shift: float, word: str) -> None:
    found = diagnose(chains(shift))
    result: Any = SimpleNamespace(
        diagnostics=lambda: found, converged=not shift, has_draws=True, priors="flat",
        spec=SimpleNamespace(name="x/y", outcome="absence_mean", unit="pp", varying=()),
        moments=SimpleNamespace(n_obs=7), provenance=SimpleNamespace(source="replica"),
    )  # fmt: skip
    table = diagnostics_table(result)
    assert table.name == "diagnostics_x_y_absence_mean"
    assert any(word in line for line in table.footer)
    for (name, row), texts in zip(found.iterrows(), table.texts, strict=True):
        assert texts[0] == name
        assert nearest(texts[4], row["r_hat"])
        assert len(texts[4].partition(".")[2]) == 3
        assert texts[5] == str(math.floor(row["ess_bulk"]))


# --- One table -------------------------------------------------------------------------------

COLUMNS = (
    Column("term", "Te&rm", "text"), Column("mean", "Mean"), Column("n", "n", "integer"),
    Column("low", "95 %", "interval", upper="high"), Column("p", "P", "probability"),
    Column("r", "R-hat", "r_hat"), Column("old", "Published", "printed"),
)  # fmt: skip
FINITE = st.floats(-1e6, 1e6)
# What a user's labels may hold; a cell has no line breaks and no space at its ends.
LABELS = st.text(st.sampled_from("ab|&<>%$#_{}~^\\=\"'`−–é, ;[]+-@*"), max_size=12).map(
    lambda text: f"x{text}x" if text else "="
)
ROWS = st.tuples(
    LABELS, FINITE | st.just(math.nan), st.integers(0, 9999), st.tuples(FINITE, FINITE),
    st.floats(0, 1), st.floats(0.9, 9), st.sampled_from(["-0.30", "1.5", "≈ 0", "12"]),
)  # fmt: skip


@given(st.lists(st.tuples(ROWS, st.integers(0, 5)), min_size=1, max_size=3))
@example([(("---x-–", math.nan, 0, (0.0, 0.0), 0.0, 1.0, "-0.30"), 0)])
@settings(max_examples=10, deadline=None)  # Word and Excel take 50 ms
def test_any_text_and_number_survives_every_format(
    drawn: list[tuple[tuple[Any, ...], int]],
) -> None:
    rows, decimals = zip(*drawn, strict=True)
    table = Table("t", "A_b & <c>", COLUMNS, rows, decimals, notes=("50 % <b>",))
    files = table_files([table], FORMATS)
    expected = [list(row) for row in table.texts]
    assert from_html(files["t.html"]) == expected
    assert from_latex(files["t.tex"]) == expected
    assert from_word(files["tables.docx"]) == [expected]
    assert list(from_excel(files["tables.xlsx"], (table,))) == [expected]
    back = pd.read_csv(io.BytesIO(files["t.csv"]), dtype={"term": str, "old": str})
    assert [tuple(row) for row in back[["low", "high"]].to_numpy()] == [row[3] for row in rows]
    assert list(back["term"]) == [row[0] for row in rows]
    if not any("|" in row[0] or "\\" in row[0] for row in rows):
        assert from_markdown(files["t.md"]) == expected


@given(FINITE, FINITE, st.integers(0, 6))
@example(0.0, 1.192092896e-07, 6)  # both with a power of ten
def test_limits_of_an_interval_share_their_decimals(low: float, high: float, decimals: int) -> None:
    columns = (Column("low", "95 %", "interval", upper="high"),)
    ((text,),) = Table("t", "T", columns, (((low, high),),), (decimals,)).texts
    first, second = text.split(" to ")
    assert len(first.partition(".")[2]) == len(second.partition(".")[2]) >= decimals
    for value, part in ((low, first), (high, second)):
        assert value == 0 or re.search("[1-9]", part)
        assert nearest(part, value)


TABLE = Table(
    "t", "Slopes", COLUMNS,
    (
        ("a", -0.2351, 9, (-0.43, 0.0), 0.0001, 1.0005, "-0.30"),
        ("=1+1", math.nan, 605, (math.nan, math.nan), 1.0, 1.2, None),
        ("hidden", ":", ":", ":", ":", math.nan, "3"),
    ),
    unit="pp", n=572, notes=("Priors: flat.",), source="replica",
)  # fmt: skip


def test_symbols_stand_for_numbers_and_are_explained() -> None:
    assert TABLE.texts[1][1:5] == (".", "605", ".", "1.000")
    assert TABLE.texts[2][1:6] == (":", ":", ":", ":", ".")
    assert TABLE.footer[1] == ". = does not exist; : = hidden, to disclose nobody."
    rows = list(csv.reader(io.StringIO(csv_bytes(TABLE).decode())))
    assert rows[2] == ["=1+1", "", "605", "", "", "1.0", "1.2", "", "SYNTHETIC replica"]
    assert rows[3] == ["hidden", ":", ":", ":", ":", ":", "", "3", "SYNTHETIC replica"]
    assert "does not exist" not in "".join(replace(TABLE, rows=TABLE.rows[:1]).footer)


def test_html_is_a_table_for_readers_and_for_scripts() -> None:
    root = html.fromstring(fragment(replace(TABLE, source="published")))
    assert root.tag == "table"
    assert root.find("caption").text == replace(TABLE, source="published").caption
    assert root[0].tag == "caption"  # first, as HTML wants it
    assert [th.get("scope") for th in root.xpath("./thead//th")] == ["col"] * 7
    assert [th.get("scope") for th in root.xpath("./tbody//th")] == ["row"] * 3
    values = [
        [td.get("data-value") for td in row.xpath("./td")] for row in root.xpath("./tbody/tr")
    ]
    assert values[0] == ["-0.2351", "9", "-0.43", "0.0001", "1.0005", "-0.30"]
    assert values[1] == [None, "605", None, "1.0", "1.2", None]
    assert values[2] == [None, None, None, None, None, "3"]
    footer = [line.text_content() for line in root.xpath("./tfoot/tr")]
    assert footer == list(replace(TABLE, source="published").footer)
    # Of workplaces no more digits than are printed.
    rough = html.fromstring(fragment(TABLE)).xpath("./tbody/tr")[0].xpath("./td")
    assert [td.get("data-value") for td in rough] == ["-0.24", "9", "-0.43", "0.0", "1.0", "-0.30"]
    ids = html.fromstring(page(TABLE)).xpath("//@id")
    assert len(ids) == len(set(ids))


def test_html_asks_for_nothing_from_elsewhere() -> None:
    text = page(replace(TABLE, lang="nb"))
    assert '<html lang="nb">' in text
    assert not re.search(r"(?:src|href)=|@import|url\(|<script", text)


def test_excel_is_made_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(left))
    monkeypatch.setattr("os.remove", lambda _: None)  # as a killed run
    book = load_workbook(io.BytesIO(excel_bytes([TABLE])))
    assert book.worksheets[0]["A1"].value == TABLE.caption
    assert not [*left.iterdir()]


def test_excel_has_numbers_with_formats_and_frozen_panes() -> None:
    book = load_workbook(io.BytesIO(excel_bytes([TABLE, TABLE])))
    assert book.sheetnames == ["Slopes", "Slopes~2"]
    sheet = book["Slopes"]
    assert (sheet["A1"].value, sheet.freeze_panes) == (TABLE.caption, "B3")
    assert [cell.value for cell in sheet[2]] == [
        "Te&rm", "Mean", "n", "95 %, lower", "95 %, upper", "P", "R-hat", "Published",
    ]  # fmt: skip
    assert (sheet["B3"].value, sheet["B3"].number_format) == (-0.2351, '0.00;"−"0.00')
    assert (sheet["F3"].value, sheet["F3"].number_format) == (
        0.0001, '[<0.001]"<0.001";0.000',
    )  # fmt: skip
    assert (sheet["A4"].value, sheet["A4"].data_type) == ("=1+1", "s")  # no formula
    assert (sheet["H3"].value, sheet["H3"].number_format) == (-0.3, '0.00;"−"0.00')
    below = [sheet.cell(row, 1).value for row in range(7, 7 + len(TABLE.footer))]
    assert below == list(TABLE.footer)


def test_long_names_become_different_sheets() -> None:
    titles = ["Levels of industries and shrinkage, mean", "LEVELS of industries and shrinkage, x"]
    book = load_workbook(io.BytesIO(excel_bytes([replace(TABLE, title=t) for t in titles])))
    assert len({name.lower() for name in book.sheetnames}) == 2, "to Excel capitals are the same"
    assert all(len(name) <= 31 for name in book.sheetnames)


def test_word_repeats_the_header_and_has_everything_around_the_table() -> None:
    content = table_files([TABLE], ["word"])["tables.docx"]
    document = Document(io.BytesIO(content))
    marks = {mark.get(qn("w:val")) for mark in document.styles.element.iter(qn("w:lang"))}
    assert marks == {document.core_properties.language} == {"en-GB"}, "for the spelling checker"
    (table,) = document.tables
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert [cell.text for cell in table.rows[0].cells] == list(TABLE.header)
    texts = [paragraph.text for paragraph in document.paragraphs if paragraph.text]
    assert texts == [f"Table 1. {TABLE.caption}", *TABLE.footer]
    assert "SEQ Table" in "".join(t.text or "" for t in document.element.iter(qn("w:instrText")))
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)


def test_word_lays_wide_tables_on_their_side_and_breaks_no_word() -> None:
    """Widths: of each word at 0.6 of its size a letter, with the cells' own margins."""
    columns = tuple(Column(f"c{at}", "Constructions", "number") for at in range(9))
    wide = Table("w", "Wide", columns, ((1.25,) * 9,), lang="nb")
    document = Document(io.BytesIO(table_files([TABLE, wide], ["word"])["tables.docx"]))
    sides = [(round(s.page_width.mm), round(s.page_height.mm)) for s in document.sections]
    assert sides == [(210, 297), (297, 210)]
    for table, of in zip(document.tables, (TABLE, wide), strict=True):
        room = 170 if of is TABLE else 257
        assert sum(cell.width.mm for cell in table.rows[0].cells) <= room + 0.5
        for cell, label in zip(table.rows[0].cells, of.header, strict=True):
            points = cell.paragraphs[0].runs[0].font.size.pt
            longest = max(map(len, label.split()), default=0)
            assert cell.width.pt >= 0.6 * points * longest + 10.8


@pytest.mark.slow  # LibreOffice starts in seconds
@pytest.mark.skipif(
    not (shutil.which("soffice") and shutil.which("pdftotext")),
    reason="LibreOffice and pdftotext are not installed",
)
def test_libreoffice_shows_every_word_whole_on_a4(
    everything: dict[str, tuple[Table, ...]], tmp_path: Path
) -> None:
    """Rendered as a reader would: no word of a header or a name of a row is broken inside."""
    tables = everything["nb"]
    (tmp_path / "t.docx").write_bytes(table_files(tables, ["word"])["tables.docx"])
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    command = ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(tmp_path / "t.docx")], check=True, capture_output=True)
    read = subprocess.run(
        ["pdftotext", "-bbox", str(tmp_path / "t.pdf"), "-"],
        check=True, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    pages = set(re.findall(r'<page width="(\d+)[\d.]*" height="(\d+)', read.stdout))
    assert pages <= {("595", "841"), ("841", "595"), ("595", "842"), ("842", "595")}
    shown = {unescape(word) for word in re.findall(r">([^<>\n]+)</word>", read.stdout)}
    wanted = {
        word for table in tables for text in (*table.header, *(row[0] for row in table.texts))
        for word in re.findall(r"[^\s-]+-?", text)
    }  # fmt: skip
    joined = " ".join(shown)
    assert not sorted(word for word in wanted if word not in shown and word not in joined)


def test_excel_prints_all_columns_on_a_page_with_its_header() -> None:
    (sheet,) = load_workbook(io.BytesIO(excel_bytes([TABLE]))).worksheets
    assert sheet.print_title_rows == "$2:$2"
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
    assert sheet.page_setup.paperSize in {9, "9"}
    widths = [sheet.column_dimensions[letter].width for letter in "ABCDEFGH"]
    assert all(5 <= width <= 60 for width in widths)
    assert widths[7] > len("Published"), "the longest word of a header is in one line"


def test_word_without_its_library_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(UsageError, match=r"bayes-sf\[word\]"):
        write_tables(tmp_path, [TABLE], ["csv", "word"])
    assert not list(tmp_path.iterdir())


def test_norwegian_csv_is_what_excel_opens_in_norway() -> None:
    content = csv_bytes(TABLE, "norwegian")
    assert content.startswith(b"\xef\xbb\xbf")
    options: dict[str, Any] = {"na_values": [":"], "keep_default_na": True}
    theirs = pd.read_csv(io.BytesIO(content), sep=";", decimal=",", encoding="utf-8-sig", **options)
    ours = pd.read_csv(io.BytesIO(csv_bytes(TABLE)), **options)
    assert list(theirs.columns)[-1] == "Source", "headers are those that a reader sees"
    assert len(set(theirs.columns)) == len(theirs.columns)
    theirs.columns = ours.columns
    assert theirs.pop("source").str.startswith("SYNTHETIC").all()
    assert ours.pop("source").str.startswith("SYNTHETIC").all()
    guarded = theirs["term"].str.startswith("'")
    assert theirs.loc[guarded, "term"].tolist() == ["'=1+1"], "what Excel would compute is text"
    theirs["term"] = theirs["term"].str.removeprefix("'")
    pd.testing.assert_frame_equal(theirs.drop(columns="old"), ours.drop(columns="old"))
    assert "-0,2351" in content.decode("utf-8-sig")


def test_printed_figures_in_norwegian_csv_have_a_comma() -> None:
    assert ";-0,30;" in csv_bytes(TABLE, "norwegian").decode("utf-8-sig")


def test_a_long_latex_table_goes_over_pages_with_its_header_on_each() -> None:
    text = latex(replace(TABLE, rows=TABLE.rows * 14))
    assert r"\begin{longtable}{lrrrrrr}" in text
    assert text.partition(r"\endhead")[0].count(r"Te\&rm & Mean & n & 95 \% & P & R-hat") == 2
    assert len(from_latex(text)) == 42


def test_what_latex_headers_share_stands_over_them() -> None:
    columns = (
        Column("a", "Svar", "text"),
        *(Column(k, f"IKT: {k}") for k in "bc"),
        Column("d", "x: y"),
    )
    text = latex(Table("t", "T", columns, (("a", 1.0, 2.0, 3.0),)))
    shared = r" & \multicolumn{2}{c}{IKT} &  \\"
    assert f"{shared}\n\\cmidrule(lr){{2-3}}\nSvar & b & c & x: y" in text


def test_a_wide_latex_table_stands_on_its_side() -> None:
    columns = tuple(Column(f"c{k}", f"Overskrift{k}") for k in range(14))
    wide = Table("t", "T", columns, ((1.0,) * 14,))
    assert r"\begin{sidewaystable}" in latex(wide)
    assert r"\begin{landscape}" in latex(replace(wide, rows=wide.rows * 41))
    assert r"\begin{table}[htbp]" in latex(replace(wide, columns=columns[:6], rows=((1.0,) * 6,)))


def test_pandoc_reads_the_latex_as_we_mean_it() -> None:
    need("pandoc", "-f", "latex", "-t", "html", given="a", answer="<p>a</p>")
    done = subprocess.run(
        ["pandoc", "-f", "latex", "-t", "html"],
        input=latex(TABLE), capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    (table,) = html.fromstring(f"<div>{done.stdout}</div>").xpath("//table")
    rows = [
        [" ".join(td.text_content().split()) for td in row] for row in table.xpath(".//tbody/tr")
    ]
    assert rows == [list(row) for row in TABLE.texts]  # pandoc wraps its lines


def test_journals_have_their_captions_notes_and_digits() -> None:
    """Placed as each asks; a number is aligned by siunitx, and the same number as in ours."""
    texts = {name: latex(TABLE, style) for name, style in STYLES.items()}
    cells = from_latex(texts["ssb"])
    shown = [
        [re.sub(r"^\{(.*)\}$", r"\1", cell).replace("-", "−") for cell in row] for row in cells
    ]
    assert shown == [list(row) for row in TABLE.texts]
    for name, text in texts.items():
        below = text.index(r"\caption{") > text.index(r"\end{tabular}")
        assert below == (name == "jss")
        assert ("S[table-format" in text) == bool(name)
        assert (r"\textit{Note.}" in text) == (name == "apa")
        assert text.count("Priors: flat.") == 1
    assert "{$<$.001}" in texts["apa"]
    assert "{$<$0.001}" in texts["jss"]
    files = table_files([TABLE], ["typst", "quarto"], style="apa")
    assert set(files) == {"t.typ", "tables.qmd"}
    assert '"<.001"' in files["t.typ"]
    for wrong, said in (("aap", "must be known"), ("apa", "is of latex, typst, quarto")):
        with pytest.raises(UsageError, match=said):
            table_files([TABLE], ["csv"], style=wrong)


def test_quarto_and_pandoc_read_the_same_table() -> None:
    """A document of Quarto is pandoc's Markdown: rows, caption with its label, language."""
    need("pandoc", "-f", "markdown", "-t", "html", given="a", answer="<p>a</p>")
    done = subprocess.run(
        ["pandoc", "-s", "-f", "markdown", "-t", "html", "--metadata", "title=t"],
        input=table_files([TABLE], ["quarto"])["tables.qmd"], capture_output=True,
        encoding="utf-8", check=True,
    )  # fmt: skip
    page = html.fromstring(done.stdout)
    rows = page.xpath("//table/tbody/tr")
    assert [[" ".join(td.text_content().split()) for td in row] for row in rows] == [
        list(row) for row in TABLE.texts
    ]
    (caption,) = page.xpath("//table/caption")
    assert " ".join(caption.text_content().split()).startswith(TABLE.caption)
    assert page.get("lang") == TABLE.lang


@pytest.mark.slow
def test_typst_compiles(everything: dict[str, tuple[Table, ...]], tmp_path: Path) -> None:
    compiler = pytest.importorskip("typst")
    parts = [
        typst(replace(table, name=f"{table.name}-{place}-{name}"), style)
        for place, table in enumerate((SIGNS, *everything["nb"])) for name, style in STYLES.items()
    ]  # fmt: skip
    source = tmp_path / "tables.typ"
    source.write_text("\n".join(parts), encoding="utf-8")
    assert compiler.compile(str(source)).startswith(b"%PDF")


#: Every sign that is escaped, and letters of the languages of Norway.
SIGNS = Table(
    "signs", "«Æøå» ± 10⁻⁵", (Column("a", "a: b", "text"), Column("c", "a: c", "text")),
    tuple((f"* {sign}{sign} [", f'"{sign}a') for sign in (*map(chr, _ESCAPES), *"',«»ÆØÅČĐŊŠŽé…")),
    lang="nb",
)  # fmt: skip


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
@pytest.mark.parametrize("lang", ["en", "nb"])
def test_latex_compiles_and_fits_the_page(
    everything: dict[str, tuple[Table, ...]], tmp_path: Path, lang: str
) -> None:
    """With the packages that the files ask for, and no others, in the class with narrow lines."""
    tables = (TABLE, replace(TABLE, name="long", rows=TABLE.rows * 14), *everything[lang])
    texts = [latex(table) for table in (*tables, *([SIGNS] if lang == "nb" else []))]
    texts += [latex(one, style) for one in tables[:2] for style in STYLES.values()]
    asked = re.findall(r"^% (\\usepackage.*)", "\n".join(texts), re.MULTILINE)
    preamble = "\n".join([r"\documentclass[a4paper]{article}", *dict.fromkeys(asked)])
    document = f"{preamble}\n\\begin{{document}}\n{''.join(texts)}\\end{{document}}\n"
    (tmp_path / "tables.tex").write_text(document, encoding="utf-8")
    for _ in range(2):  # a longtable's columns have their widths the second time
        done = subprocess.run(
            ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "tables.tex"],
            cwd=tmp_path, capture_output=True, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
        if done.returncode and (lacking := lacking_in_tex(done.stdout)):
            pytest.skip(f"this TeX is not whole: {lacking}")
        assert done.returncode == 0, done.stdout[-3000:]
    assert not re.findall(r"^(?:Overfull|Missing character).*", done.stdout, re.MULTILINE)
    assert (tmp_path / "tables.pdf").stat().st_size > 1000


@pytest.mark.parametrize(
    ("log", "lacking"),
    [
        ("(babel.sty\n! Package babel Error: Unknown option 'norsk'. Either you", True),
        ("! LaTeX Error: File `adjustbox.sty' not found.\n\nType X to quit", True),
        ("!pdfTeX error: pdflatex (file ecrm0800): Font ecrm0800 at 600 not found", True),
        ("kpathsea: Running mktexfmt\nI can't find the format file `pdflatex.fmt'!", True),
        ("! Undefined control sequence.\nl.7 \\toprul", False),
        ("! LaTeX Error: Environment sidewaystabl undefined.", False),
        ("! Missing } inserted.\nfile not found", False),
    ],
)
def test_only_what_tex_lacks_excuses_a_table(log: str, lacking: bool) -> None:
    assert bool(lacking_in_tex(log)) is lacking


# --- Refusals --------------------------------------------------------------------------------


def test_unknown_formats_and_names_twice_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean latex\?"):
        write_tables(tmp_path, [TABLE], ["csv", "latx"])
    with pytest.raises(UsageError, match="name of its own"):
        write_tables(tmp_path, [TABLE, TABLE], ["csv"])
    assert not list(tmp_path.iterdir())


def test_a_table_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="must have 7 values in every row"):
        replace(TABLE, rows=(("a",),))
    with pytest.raises(UsageError, match="decimals for every row"):
        replace(TABLE, decimals=(1,))
    with pytest.raises(UsageError, match="known source"):
        replace(TABLE, source="real")


def test_a_frame_must_have_the_columns() -> None:
    frame = pd.DataFrame({"term": ["a"], "mean": [1.0]})
    with pytest.raises(UsageError, match=r"needs a column \(got 'sd'\); there are: term, mean"):
        table_from_frame(frame, "T", columns=[Column("mean", "Mean")], digits="sd")


def test_fewer_digits_are_printed_where_they_are_asked_for() -> None:
    """Counts and R-hat stay, a limit keeps the decimal more that shows it is not zero."""
    columns = (Column("m", "Mean"), Column("low", "95 %", "interval", upper="high"),
               Column("p", "P", "probability"), Column("i", "ICC", decimals=3),
               Column("n", "n", "integer"), Column("r", "R-hat", "r_hat"),
               Column("k", "Printed", "printed"))  # fmt: skip
    row = (1.2345, (0.0312, 2.4), 0.0384, 0.3491, 605, 1.0049, "-0.236")
    table = Table("t", "T", columns, (row,), decimals=(3,))
    one = table.coarser(1)
    assert one.texts == (("1.2", "0.03 to 2.40", "<0.1", "0.3", "605", "1.005", "−0.236"),)
    assert one.rows == table.rows, "raw values stay"
    assert table.coarser(6).texts == table.texts


def test_digits_of_a_frame_follow_sd_and_mcse() -> None:
    frame = pd.DataFrame({"mean": [1.23456, 1.23456], "sd": [0.0123, 0.0123], "mcse": [0, 0.02]})
    table = table_from_frame(frame, "T", columns=[Column("mean", "Mean")], digits="sd", mcse="mcse")
    assert table.texts == (("1.235",), ("1.2",))


def test_printed_cells_stay_as_they_are() -> None:
    table = printed_table("T", ("a", "b", ""), [("x", "<0.001 to 0.099", "−0.3")], "Note.")
    assert table.texts == (("x", "<0.001 to 0.099", "−0.3"),)
    assert [column.is_text for column in table.columns] == [True, False, True]
    assert (table.caption, table.footer) == ("T", ("Note.",))


def test_export_writes_what_is_asked(found: Reproduction, tmp_path: Path) -> None:
    fits = found.results["null", "exact"].values()
    asked = Asked(source="published")
    files = run_export(asked, results=fits, formats=["html", "excel"]).write(tmp_path)
    names = {"estimates_exact.html", "tables.xlsx", "methods.md", "provenance.json"}
    assert {path.name for path in files} == names
    assert all(path.stat().st_size for path in files)


@given(st.integers(30, 140), st.integers(1, 9))
def test_a_terminal_shows_every_figure_whole(width: int, count: int) -> None:
    """However narrow it is: labels wrap, columns move below, and no cell is cut."""

    columns = (
        Column("who", "Industry", "text"),
        *(Column(f"c{i}", f"A label of column {i}", "printed") for i in range(count)),
    )
    rows = tuple(
        (f"industry {row}", *(f"{row}.{i}00 to {row}.{i}99" for i in range(count)))
        for row in range(3)
    )
    stream = io.StringIO()
    print_table(Console(file=stream, width=width), Table("t", "Title", columns, rows))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    for row in range(3):
        for i in range(count):
            assert sum(f"{row}.{i}00 to {row}.{i}99" in line for line in lines) == 1
    parts = column_parts([10] * (count + 1), width)
    assert [place for part in parts for place in part[1:]] == list(range(1, count + 1))
    assert all(part[0] == 0 for part in parts)


def test_parts_repeat_all_columns_that_name_a_row() -> None:
    """A term has a line for each pooling: both name the line, in every part."""
    columns = (
        Column("term", "Term", "text"), Column("pooling", "Pooling", "text"),
        *(Column(f"x{at}", f"Figure {at}") for at in range(6)),
    )  # fmt: skip
    rows = tuple((t, p, *(1.25,) * 6) for t in ("a", "b") for p in ("none", "full"))
    stream = io.StringIO()
    print_table(Console(file=stream, width=40), Table("t", "Title", columns, rows))
    heads = [line.split() for line in stream.getvalue().splitlines() if "Term" in line]
    assert len(heads) > 1
    assert all(head[:2] == ["Term", "Pooling"] for head in heads)


def test_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """As those of `q13` and `q13_controls`: in rows, titles and file names."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(30, 3)), columns=["y", "x", "w"])
    frame["g"] = np.repeat(list("abc"), 10)
    specs = [sf.ModelSpec("y", terms, "g", name="x") for terms in (("x",), ("x", "w"))]
    analyses = [
        sf.Analysis(name, "?", (one,)) for name, one in zip(("x", "more"), specs, strict=True)
    ]
    control = Control.of(None, Rules())
    found = gather(analyses, frame, control=control)
    found.pop("asked_for")
    tables = export_tables(**found, control=control).shown
    names = {table.name for table in tables}
    assert {"pooling_x_y", "pooling_x_more_y", "shrinkage_x_y", "shrinkage_x_more_y"} <= names
    assert len({table.title for table in tables}) == len(tables)
    run_export(Asked(source="replica"), **found, control=control).write(tmp_path)
    summary = pd.read_csv(tmp_path / "estimates_exact.csv")
    assert summary.groupby("model").size().to_dict() == {"x": 5, "x (more)": 6}
