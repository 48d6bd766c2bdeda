"""Names that users give are text in every medium: no code, colour, formula or mathematics."""

import csv
import io
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bayes_sf.engines.fit import fit
from bayes_sf.engines.result import Result
from bayes_sf.engines.store import save_fit
from bayes_sf.errors import DataError, OutputError, legible
from bayes_sf.output.figures.page import drawing, picture_label
from bayes_sf.output.figures.pictures import draw_picture
from bayes_sf.output.formats.latex import escape
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.formats.writing import table_files
from bayes_sf.output.tables.result_tables import posterior_table
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.names import can_be_written

ESCAPE, OVERRIDE, NOTHING = "\x1b[1;35m", "\u202e", "\u200b"
NAMES = (
    "5 $ to 9 $", f"{ESCAPE}loud", f"{OVERRIDE}kcab", f"no{NOTHING}width",
    "two\x0blines", "n\x00ul",
    "<b>bold</b> &amp;", "[red]not red[/red]", "+47 22 00", "@here", "*a* _b_ `c`", "y" * 300,
)  # fmt: skip
TERM = "$\\frac{1}$"


@pytest.fixture(scope="module")
def result() -> Result:
    rng = np.random.default_rng(5)
    rows = [(name, x, x + rng.normal()) for name in NAMES for x in (0.0, 1.0, 2.0)]
    frame = pd.DataFrame(rows, columns=["g", TERM, "price $"])
    return fit(ModelSpec("price $", (TERM,), group="g", name=f"m{ESCAPE}"), frame)


@pytest.fixture(scope="module")
def table(result: Result) -> Table:
    return posterior_table([result], groups=True)


@given(st.text())
def test_a_legible_text_is_one_line_of_what_is_seen(text: str) -> None:
    shown = legible(text)
    assert shown.splitlines() in ([], [shown])
    assert all(c.isprintable() or c.isspace() for c in shown)
    shown.encode()  # no half of a letter
    assert legible(shown) == shown
    assert [c for c in text if c.isalnum()] == [c for c in shown if c.isalnum()] or shown != text


def test_names_that_differ_look_different(table: Table) -> None:
    assert {legible(name) for name in NAMES} == {row[1] for row in table.texts} - {""}
    assert len({legible(name) for name in ("a", "a\u200b", "a\u200d", "a\ufeff", "a\x1b")}) == 5


def test_terminal(table: Table) -> None:
    stream = io.StringIO()
    print_table(Console(file=stream, width=90, force_terminal=True, no_color=True), table)
    said = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())  # the terminal's own bold and dim
    assert ESCAPE not in stream.getvalue()
    assert "[red]not red[/red]" in said
    assert max(map(len, said.splitlines())) <= 90


def test_html(table: Table) -> None:
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            seen.append(data)

    content = str(table_files([table], ["html"])["posterior.html"])
    Reader().feed(content)
    assert {legible(name) for name in NAMES} <= set(seen)
    assert "<b>" not in content


def test_excel_and_word(table: Table) -> None:
    files = table_files([table], ["excel", "word"])
    book = openpyxl.load_workbook(io.BytesIO(bytes(files["tables.xlsx"])))  # type: ignore[arg-type]
    cells = [cell for row in book.active for cell in row if cell.value is not None]
    assert {legible(name) for name in NAMES} <= {cell.value for cell in cells}
    assert {cell.data_type for cell in cells} == {"s", "n"}
    document = zipfile.ZipFile(io.BytesIO(bytes(files["tables.docx"])))  # type: ignore[arg-type]
    words = ET.fromstring(document.read("word/document.xml")).itertext()
    assert {legible(name) for name in NAMES} <= set(words)


def test_a_formula_is_text_in_a_csv_for_excel(table: Table) -> None:
    def groups(style: str) -> list[str]:
        content = table_files([table], ["csv"], csv_style=style)["posterior.csv"]  # type: ignore[arg-type]
        text = bytes(content).decode("utf-8-sig")  # type: ignore[arg-type]
        return [row[1] for row in csv.reader(io.StringIO(text), delimiter=",;"[style != "plain"])]

    assert {"+47 22 00", "@here"} <= set(groups("plain"))
    assert {"'+47 22 00", "'@here"} <= set(groups("norwegian"))
    assert not [name for name in groups("norwegian") if name[:1] in "=@+-" and name]


def test_a_number_is_no_formula() -> None:
    columns = (Column("a", "A", "text"), Column("b", "B"))
    table = Table("t", "T", columns, (("-5", -0.5), ("-5,5", 1.0), ("=1", 2.0)), lang="nb")
    content = bytes(table_files([table], ["csv"], csv_style="norwegian")["t.csv"])  # type: ignore[arg-type]
    assert content.decode("utf-8-sig").splitlines()[1:] == ["-5;-0,5", "-5,5;1,0", "'=1;2,0"]


@pytest.mark.parametrize(
    "name", ["forest", "shrinkage", pytest.param("pair", marks=pytest.mark.slow)]
)
def test_pictures(result: Result, name: str, tmp_path: Path) -> None:
    from matplotlib.text import Text

    figure = draw_picture(result, name)
    svg = drawing(figure, tight=True)
    texts = "".join(ET.fromstring(svg).itertext())
    assert (legible(NAMES[1]) in texts) == (name == "shrinkage")
    figure.savefig(tmp_path / "as_users_do.png")
    drawn = [text for text in figure.findobj(Text) if "$" in text.get_text()]
    assert drawn
    assert not any(text.get_parse_math() for text in drawn)


def test_a_long_name_beside_an_axis_keeps_its_ends() -> None:
    shown = picture_label("first" + "-" * 400 + "last")
    assert shown.startswith("first")
    assert shown.endswith("last")
    assert max(map(len, shown.split("\n"))) <= 45


def test_an_error_has_one_line_and_no_colour(result: Result) -> None:
    assert (
        str(DataError(f"file {ESCAPE}x", "must\nbe one")) == f"file {legible(ESCAPE)}x: must be one"
    )
    assert ESCAPE not in repr(result)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a_b q17[no] <0.001", "a_b q17[no] <0.001"),
        ("_a_ *b* `c` ~d~", r"\_a\_ \*b\* \`c\` \~d\~"),
        ("<i>x</i> &lt;", r"\<i>x\</i> \&lt;"),
        ("[x](http://y) | $1$", r"[x\](http://y) \| \$1\$"),
    ],
)
def test_markdown_has_no_marks_from_names(text: str, written: str) -> None:
    table = Table("t", text, (Column("a", text, "text"),), ((text,),), notes=(text,))
    content = str(table_files([table], ["markdown"])["t.md"])
    assert content == f"**{written}**\n\n| {written} |\n| --- |\n| {written} |\n\n{written}\n"


@pytest.mark.parametrize("scale", [1e-12, 3e-8, 1.0, 1e9, 2e12])
def test_every_format_shows_digits_at_every_scale(scale: float) -> None:
    columns = (Column("a", "A", "text"), Column("m", "M"), Column("s", "S"),
               Column("l", "I", "interval", upper="u"))  # fmt: skip
    frame = pd.DataFrame({"a": ["x"], "m": [2.61], "s": [1.23], "l": [0.17], "u": [5.05]})
    frame[["m", "s", "l", "u"]] *= scale
    table = table_from_frame(frame, "T", columns=columns, name="t", digits="s")
    (row,) = table.texts
    digits = [re.sub(r"[^1-9]", "", text.partition("×")[0])[:2] for text in row[1:3]]
    assert digits == [f"{scale * value:.1e}".replace(".", "")[:2] for value in (2.61, 1.23)]
    files = table_files([table], ["html", "markdown", "latex", "csv"])
    assert all(text in str(files["t.html"]) and text in str(files["t.md"]) for text in row)
    assert all(escape(text) in str(files["t.tex"]) for text in row)
    numbers = bytes(files["t.csv"]).decode().splitlines()[1].split(",")[1:]  # type: ignore[arg-type]
    assert np.allclose(list(map(float, numbers)), frame.iloc[0, 1:].astype(float), rtol=1e-15)


def test_a_fit_that_cannot_keep_its_names_is_not_saved(result: Result, tmp_path: Path) -> None:
    tree = xr.DataTree(xr.Dataset({"u": ("g", np.zeros(len(NAMES)))}, {"g": [*NAMES]}))
    sampled = SimpleNamespace(tree=tree, settings={})
    shown = ("spec", "provenance", "priors", "moments")
    fake: Any = SimpleNamespace(fitted=sampled, **{each: getattr(result, each) for each in shown})
    with pytest.raises(OutputError, match="without NUL characters"):
        save_fit(fake, tmp_path)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("code", "can"), [(0xD7FF, True), (0xD800, False), (0xDFFF, False), (0xE000, True)]
)
def test_halves_of_surrogates_cannot_be_written(code: int, can: bool) -> None:
    """From the first to the last, and nothing beside them: UTF-8 says the same."""
    name = f"a{chr(code)}"
    assert can_be_written(name) is can
    assert (name.encode(errors="ignore") == name.encode(errors="surrogatepass")) is can
