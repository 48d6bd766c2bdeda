"""Read the report's text and write the tables of this folder, so that anyone can check them.

    python data/published/parse_report.py [REPORT.txt] [OUTPUT_FOLDER]

The text is what a PDF reader gives: tables run over page breaks and cells wrap over lines. Each
parser below states the one structural rule by which it puts them together again. Numbers are
copied as printed (decimals kept, decimal comma made a point in count/percent tables only), and
what the report prints inconsistently stays inconsistent.
"""

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
DEFAULT_REPORT = HERE.parents[2] / "shared" / "report" / "report.txt"

INDUSTRIES = ("construction", "architects", "ict", "care", "kindergarten", "education")

# The order in which table 11 lists its questions; their keys are those of tables 12-45.
TABLE_11_QUESTIONS = (
    *("q3", "q4", "q5r1", "q5r2", "q5r3", "q5r4", "q5r5", "q6", "q7", "q9", "q10.1", "q11", "q12"),
    *("q13", "q14", "q31", "q15", "q16", "q17", "q18", "q19r1", "q19r2", "q19r3"),
    *("q20r1", "q20r2", "q20r3", "q21", "q22", "q23", "q24", "q25", "q26.1", "q29", "q30"),
    "industry",
)

NUMBER = r"-?\d+(?:\.\d+)?"
FIVE_NUMBERS = " ".join([f"({NUMBER})"] * 5)


def section(text: str, start: str, end: str) -> str:
    """Return the lines from the one that starts with `start` up to the one that starts with `end`."""
    found = re.search(rf"^{start}.*?(?=^{end})", text, re.DOTALL | re.MULTILINE)
    if found is None:
        sys.exit(f"parse_report: no part of the report from {start!r} to {end!r}")
    return found[0]


def flatten(text: str) -> str:
    """Put wrapped lines together, with one space between words."""
    return " ".join(text.split())


# --- samples.csv: tables 1, 6, 8, 9 -----------------------------------------------------------


def parse_samples(text: str) -> Iterator[list[str]]:
    """Rows `table, industry, label, count, percent`; the six industries, then their total."""
    for table in ("1", "6", "8", "9"):
        body = flatten(section(text, f"Tabell {table}:", "Totalt.*\n")).partition("Prosent ")[2]
        total = re.search(rf"^Tabell {table}:.*?^(Totalt .*?%)", text, re.DOTALL | re.MULTILINE)
        rows = re.findall(r"(\D+?) (\d+) (\d+(?:,\d+)?) %", f"{body} {total[1]}")
        for industry, (label, count, percent) in zip((*INDUSTRIES, "total"), rows, strict=True):
            yield [table, industry, label.strip(), count, percent.replace(",", ".")]


# --- univariate.csv: table 11 -----------------------------------------------------------------


class Row(NamedTuple):
    """One row of table 11, and whether the heading of a question stands right before it."""

    after_heading: bool
    category: str
    count: str
    percent: str


def rows_of_table_11(lines: list[str]) -> Iterator[Row]:
    """Put wrapped cells together.

    Words before a row that starts with its count are that row's wrapped category; before a row
    that has its own category they are a question's heading. Three short headings share the line
    of their first category.
    """
    words = ""
    for line in lines:
        found = re.match(r"(.*?)\s*(\d+) (\d+(?:\.\d+)?) %$", line)
        if found is None:
            words = f"{words} {line}".strip()
            continue
        category, count, percent = found.groups()
        heading, is_shared, rest = re.sub("^Hovedbransje ", "? ", category).rpartition("? ")
        if is_shared:
            words, category = words + heading + "?", rest
        yield Row(bool(words and category), category or words, count, percent)
        words = ""


def parse_univariate(text: str) -> Iterator[list[str]]:
    """Rows `table, question, category, count, percent`.

    A heading opens the next question. "Don't know" is always a question's last category, so the
    row after it belongs to the next question even where a page break has put that row before its
    heading (q20r2).
    """
    questions = iter(TABLE_11_QUESTIONS)
    question, after_dont_know, awaits_heading = "", False, False
    for row in rows_of_table_11(section(text, "Tabell 11:", "Vedlegg 4").splitlines()[2:]):
        if after_dont_know or (row.after_heading and not awaits_heading):
            question, awaits_heading = next(questions), not row.after_heading
        elif row.after_heading:
            awaits_heading = False
        after_dont_know = row.category.startswith("Vet ikke")
        yield ["11", question, row.category, row.count, row.percent]


# --- by_industry.csv: tables 12-45 ------------------------------------------------------------


def parse_by_industry(text: str) -> Iterator[list[str]]:
    """Rows `table, question, category, industry, count, percent`.

    A row is six cells `percent % (count)` in the order of the industries; the words before its
    first cell are its category. Table 29 prints whole percentages and no counts.
    """
    annex = section(text, "Vedlegg 4", "Vedlegg 5")
    for table, body in re.findall(r"^Tabell (\d+): (.*?)(?=^Tabell|\Z)", annex, re.DOTALL | re.MULTILINE):
        question = re.search(r"^(q\S+) Bygg og", body, re.MULTILINE)[1]
        cells = flatten(body.partition("\nUndervisning\n")[2])
        cell = r"(\d+) %()" if table == "29" else r"(\d+\.\d) % \((\d+)\)"
        for category, *row in re.findall("(.+?) " + " ".join([cell] * 6), cells):
            for industry, percent, count in zip(INDUSTRIES, row[::2], row[1::2], strict=True):
                yield [table, question, category.strip(), industry, count, percent]


# --- coefficients.csv: figure 5 and tables 3, 4, 5, 46, 47 ------------------------------------


class ModelTable(NamedTuple):
    """A table that prints one model, and what its caption says of it."""

    key: str
    start: str
    end: str
    outcome: str
    model: str
    question: str
    unit: str


# Absence is printed in percentage points for q13 and as a fraction elsewhere: the constant is
# 6.586 in figure 5 and 0.066 for the same model in table 46.
MODEL_TABLES = (
    ModelTable("figure5", "Figur 5:", "Figur 6", "mean", "bivariate", "q13", "pp"),
    ModelTable("3", "Tabell 3", "Tabell 4", "mean", "controls", "q13", "pp"),
    ModelTable("4", "Tabell 4", "Tabell 5", "change", "bivariate", "q17", "fraction"),
    ModelTable("5", "Tabell 5", "Figur 7", "change", "controls", "q17", "fraction"),
)


def parse_model(text: str, table: ModelTable) -> Iterator[list[str]]:
    """Rows of a table with one model; words before a row of numbers are its wrapped term."""
    body = section(text, table.start, table.end)
    n = re.search(r"\(N=(\d+)\)", body)[1]
    key, _, _, outcome, model, question, unit = table
    rows = flatten(body.partition("Konf.høy")[2])
    for term, *numbers in re.findall(rf"(.+?) {FIVE_NUMBERS}(?= |$)", rows):
        yield [key, outcome, model, question, term.strip(), *numbers, n, unit]


def parse_thirty_models(text: str, key: str, outcome: str, end: str) -> Iterator[list[str]]:
    """Rows of a table with one bivariate model per question.

    A model is its constant and the rows up to the next constant. The text of the question follows
    the numbers; words after its question mark are the rest of a term that a page break cut inside
    a word (table 47, q21). Hyphens that only wrap a word are removed.
    """
    body = flatten(section(text, f"Tabell {key}:", end))
    row = rf"(Konstantledd|[qQ]\d+\S*(?: \D+?)?) {FIVE_NUMBERS}(?= |$)"
    pieces = re.split(row, body)[1:]
    rows = [pieces[i : i + 7] for i in range(0, len(pieces), 7)]
    for position, (term, *numbers, question_text) in enumerate(rows):
        named = rows[position + 1][0] if term == "Konstantledd" else term
        question = re.match(r"q\d+(?:[.r]\d+)?", named.lower())[0]
        whole_term = (term + question_text.partition("? ")[2]).replace("- ", "").strip()
        yield [key, outcome, "bivariate", question, whole_term, *numbers, "", "fraction"]


def parse_coefficients(text: str) -> Iterator[list[str]]:
    """Rows `table, outcome, model, question, term, estimate, se, t, ci_low, ci_high, n, unit`."""
    for table in MODEL_TABLES:
        yield from parse_model(text, table)
    yield from parse_thirty_models(text, "46", "mean", "Tabell 47")
    yield from parse_thirty_models(text, "47", "change", "Vedlegg 6")


# --- the files --------------------------------------------------------------------------------

FILES = {
    "samples.csv": ("table,industry,label,count,percent", parse_samples),
    "univariate.csv": ("table,question,category,count,percent", parse_univariate),
    "by_industry.csv": ("table,question,category,industry,count,percent", parse_by_industry),
    "coefficients.csv": (
        "table,outcome,model,question,term,estimate,se,t,ci_low,ci_high,n,unit",
        parse_coefficients,
    ),
}


def main(report: Path, folder: Path) -> None:
    """Write every file of `FILES` from `report` into `folder`."""
    lines = report.read_text(encoding="utf-8").splitlines()
    text = "".join(f"{line.strip()}\n" for line in lines)
    for name, (header, parse) in FILES.items():
        rows = list(parse(text))
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header.split(","), *rows])
        print(f"{name}: {len(rows)} rows")


if __name__ == "__main__":
    main(*map(Path, [*sys.argv[1:], *[DEFAULT_REPORT, HERE][len(sys.argv) - 1 :]]))
