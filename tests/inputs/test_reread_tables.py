"""Tables as drafts of a folder: tab_model, modelsummary, texreg, CSV and Word; nothing is lost."""

import re
from pathlib import Path
from typing import Any

import pytest
from docx import Document

import bayes_sf as sf
from bayes_sf.errors import DataError
from bayes_sf.inputs.printed.drafts import write_draft
from bayes_sf.inputs.printed.grids import tables_of, tables_of_html
from bayes_sf.inputs.printed.layouts import draft_of_tables

TABLES = Path(__file__).parents[1] / "references" / "reread" / "tables"


def drafted(text: str) -> dict[str, str]:
    return draft_of_tables(tables_of_html(text), "x.html")


def page(*rows: str) -> str:
    """Rows whose cells are parted by |."""
    body = "".join(
        "<tr>" + "".join(f"<td>{cell.strip()}</td>" for cell in row.split("|")) + "</tr>"
        for row in rows
    )
    return f"<table>{body}</table>"


def test_tab_model(tmp_path: Path, command: Any) -> None:
    """The first table of sjPlot's vignette on mixed models: two models side by side."""
    code, out, _ = command("reread", "--init", str(tmp_path / "d"), "--from",
                           str(TABLES / "tab_model.html"))  # fmt: skip
    assert code == 0
    assert "components.csv" in out
    report = sf.read_published(tmp_path / "d")
    first, second = report.models.values()
    assert (first.n, first.n_groups, first.header.group) == (888, 8, "cluster")
    assert first.header.outcome == "Negative impact with 7 items"
    assert first.icc is not None
    assert first.icc.text == "0.04"
    assert first.header.terms == dict.fromkeys(first.predictors, "unknown"), "stays open"
    assert (first.header.estimator, first.header.interval_reference) == ("unknown", "unknown")
    assert [row.figures["ci_high"].text for row in second.coefficients] == ["264.87", "13.52"]
    assert (second.header.random, second.n_groups) == ("slopes", 18)
    days = next(row for row in second.components if row.text("term") == "Days")
    assert (days.figures["variance"].text, days.figures["corr"].text) == ("35.07", "0.07")
    found = sf.reread(report)
    assert found[first.name].icc is not None
    assert found[second.name].icc is None
    assert "# Not placed" not in (tmp_path / "d" / "study.toml").read_text(encoding="utf-8")


def test_modelsummary(tmp_path: Path) -> None:
    write_draft(TABLES / "modelsummary.html", tmp_path / "d")
    report = sf.read_published(tmp_path / "d")
    first, second = report.models.values()
    assert [row.figures["se"].text for row in first.coefficients] == ["0.095", "0.481"]
    assert first.coefficients[0].text("stars") == "***"
    assert first.coefficients[1].figures["estimate"].value == -0.844
    assert (first.n, second.n, first.n_groups) == (2000, 2000, None)
    assert first.header.random == "slopes"
    assert second.components[0].figures["sd"].text == "0.838"
    assert report.header.stars == {"*": 0.05, "**": 0.01, "***": 0.001}
    text = (tmp_path / "d" / "study.toml").read_text(encoding="utf-8")
    assert "# row RMSE, column (1): 0.66" in text
    assert "# the + behind \u22120.844" in text
    assert "# groups: open" in text
    assert "brackets below or behind estimates were put as se" in text


@pytest.mark.parametrize("name", ["tab_model", "modelsummary"])
def test_no_figure_is_lost(name: str) -> None:
    """Whatever number stands in a cell stands in the draft, placed or in a comment."""
    grid = tables_of(TABLES / f"{name}.html")[0]
    files = "\n".join(draft_of_tables([grid], name).values())
    cells = [cell.text for row in grid for cell in row[1:]]
    figures = {one for text in cells for one in re.findall(r"\d+\.\d+|\d{2,}", text)}
    assert len(figures) > 20
    assert not {one for one in figures if one not in files}


def test_texreg() -> None:
    files = drafted(page(
        "A caption in a row", " | Null | Both", "(Intercept) | 4.31 (0.05)*** | -0.03 (0.19)",
        "AIC | 46274.31 | 43122.57 | 7.77",
        "Log Likelihood | -23134.15 | -21555.28", "Num. obs. | 10320 | 10320",
        "Num. groups: school | 160 | 160", "Var: school (Intercept) | 0.39 | 0.10",
        "Var: Residual | 5.05 | 3.76", "Cov: school (Intercept) age | | -0.10",
    ))  # fmt: skip
    assert files["coefficients.csv"].splitlines()[1] == "Null,(Intercept),4.31***,0.05"
    assert "Null,school,0.39" in files["components.csv"]
    assert "# row AIC, column 4: 7.77" in files["study.toml"]
    assert "A caption in a row" in files["study.toml"]
    assert {'group = "school"', "groups = 160"} <= set(files["study.toml"].splitlines())
    assert files["fit.csv"].splitlines()[:2] == ["model,aic,loglik", "Null,46274.31,-23134.15"]
    assert "# row Cov: school (Intercept) age, column Both: -0.10" in files["study.toml"]
    assert "# [stars]: open" in files["study.toml"], "no legend is printed"


@pytest.mark.parametrize("label", ["Num. groups: {}", "Num groups: {}"])
def test_groups_are_called_as_the_table_calls_them(label: str) -> None:
    rows = [label.format("school") + " | 160", label.format("class") + " | 412"]
    text = drafted(page(" | m", "x | 0.50 (0.10)", *rows))["study.toml"]
    assert {'group = "school"', "groups = 160"} <= set(text.splitlines())
    assert "further groups: class (412)" in text


def test_a_csv_of_one_model(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "term,estimate,std.error,statistic,df,p.value\n(Intercept),1.20,0.30,4.0,12,0.002\n"
        "x,0.50,0.21,2.4,88,0.02\nsd__(Intercept),0.9,,,,\n", encoding="utf-8",
    )  # fmt: skip
    write_draft(path, tmp_path / "d")
    (model,) = sf.read_published(tmp_path / "d").models.values()
    assert [row.text("term") for row in model.coefficients] == ["(Intercept)", "x"]
    assert [model.coefficients[1].figures[key].text for key in ("estimate", "se", "df", "p")] == [
        "0.50", "0.21", "88", "0.02",
    ]  # fmt: skip
    text = (tmp_path / "d" / "study.toml").read_text(encoding="utf-8")
    assert "row x, column statistic of model 1: 2.4" in text, "t or z: it does not say"
    assert "row sd__(Intercept)" in text


def test_modelsummary_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "part,term,statistic,(1)\nestimates,(Intercept),estimate,4.898\n"
        "estimates,(Intercept),std.error,(0.095)\ngof,SD (Intercept class),,0.929\n"
        "gof,SD (Observations),,0.678\ngof,Num.Obs.,,2000\n", encoding="utf-8",
    )  # fmt: skip
    write_draft(path, tmp_path / "d")
    (model,) = sf.read_published(tmp_path / "d").models.values()
    assert model.coefficients[0].figures["se"].text == "0.095"
    assert len(model.components) == 2


def test_a_table_of_word(tmp_path: Path) -> None:
    """Norwegian figures, a heading over two columns."""
    document = Document()
    rows = [("Term", "Estimate", "95 % CI"), ("(Intercept)", "6,55", "4,86\u20138,23"),
            ("x", "-0,47**", "-0,78; -0,16"), ("Random effects", "", ""),
            ("\u03c32", "12,61", ""), ("\u03c400", "0,50 cluster", ""), ("N", "8 cluster", ""),
            ("Observations", "888", "")]  # fmt: skip
    table = document.add_table(rows=len(rows), cols=3)
    for line, cells in zip(table.rows, rows, strict=True):
        for cell, text in zip(line.cells, cells, strict=True):
            cell.text = text
    table.rows[3].cells[0].merge(table.rows[3].cells[2])
    document.save(str(tmp_path / "a.docx"))
    write_draft(tmp_path / "a.docx", tmp_path / "d")
    report = sf.read_published(tmp_path / "d")
    (model,) = report.models.values()
    assert report.header.decimal_mark == ","
    assert (model.n, model.n_groups) == (888, 8)
    assert model.coefficients[1].figures["ci_low"].value == -0.78
    assert model.coefficients[1].text("stars") == "**"
    assert [row.figures["variance"].value for row in model.components] == [12.61, 0.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<p>none</p>", "must hold one table of models .got '0 of 0 tables'"),
        (page("a | b", "c | 1.2"), "must hold one table of models"),
        (page("term | estimate", "x | 1.2") * 2, "got '2 of 2 tables'"),
        (page("term | estimate", "x | 1.2", "y | 3,4"), "must have one decimal mark"),
        (page("term | estimate", "x | none"), "no figure that has a place"),
        (page("term | estimate", "x | 1.2").replace("<td>1.2", "<td rowspan=2>1.2"),
         "table 1: row 2: must have no cell over several rows"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_models_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        drafted(text)


def test_word_that_is_none(tmp_path: Path, command: Any) -> None:
    (tmp_path / "a.docx").write_text("no archive", encoding="utf-8")
    code, _, err = command("reread", "--init", str(tmp_path / "d"), "--from",
                           str(tmp_path / "a.docx"))  # fmt: skip
    assert code == 3
    assert "must be a Word document" in err
    assert not (tmp_path / "d").exists()


def test_what_stands_twice_is_not_replaced() -> None:
    """The first stays, the other is said: of statistics, fit figures, groups and coefficients."""
    files = drafted(page(
        " | m", "x | 0.50", " | t = 2.5",
        " | t = 3.5", " | [0.1, 0.9]", " | [0.2, 0.8]",
        "x | 0.75", "SD (Observations) | 1.5",
        "Num. groups: g | 12", "Num. groups: g | 13",
        "Num.Obs. | 240", "Num.Obs. | 241",
        "AIC | 77.1", "AIC | 77.2",
    ))  # fmt: skip
    assert files["coefficients.csv"].splitlines()[1] == "m,x,0.50,2.5,0.1,0.9"
    assert "77.1" in files["fit.csv"]
    assert {"n = 240", "groups = 12"} <= set(files["study.toml"].splitlines())
    for text in ("t = 3.5", "[0.2, 0.8]", "0.75", "13", "241", "77.2"):
        assert re.search(rf"^# row .*: {re.escape(text)}$", files["study.toml"], re.MULTILINE), text


def test_a_column_twice_in_a_wide_table() -> None:
    files = drafted(page(
        "Predictors | Estimates | Estimates | Beta",
        "x | 0.50 | 0.60 | 0.31",
        "Observations | 240 | 250 | ",
    ))  # fmt: skip
    assert files["coefficients.csv"].splitlines()[1] == "model 1,x,0.50"
    for text in ("0.60", "0.31", "250"):
        assert f" of model 1: {text}\n" in files["study.toml"]


def test_a_number_of_rows_that_is_none_stays_open() -> None:
    files = drafted(page(
        "Predictors | Estimates", "x | 5",
        "Observations | 24.5",
    ))  # fmt: skip
    assert "# n: open 24.5" in files["study.toml"]


def test_cells_beside_a_legend_are_said() -> None:
    files = drafted(page(
        " | m", "x | 0.50*", "Num.Obs. | 240",
        "0.37 | ", "* p &lt; 0.05 | 6.66",
    ))  # fmt: skip
    assert '"*" = 0.05' in files["study.toml"]
    assert "# row of notes, column any: * p < 0.05 6.66" in files["study.toml"]
    assert "# row of notes, column any: 0.37" in files["study.toml"]
