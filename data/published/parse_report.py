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


def find(pattern: str, text: str) -> re.Match[str]:
    """Find the first match (`.` is any character, `^` any line's start), or stop."""
    found = re.search(pattern, text, re.DOTALL | re.MULTILINE)
    if found is None:
        sys.exit(f"parse_report: the report has nothing like {pattern!r}")
    return found


def section(text: str, start: str, end: str) -> str:
    """Return the text from a line that starts with `start` up to one that starts with `end`."""
    return find(rf"^{start}.*?(?=^{end})", text)[0]


def flatten(text: str) -> str:
    """Put wrapped lines together, with one space between words."""
    return " ".join(text.split())


# --- samples.csv: tables 1, 6, 8, 9 -----------------------------------------------------------


def parse_samples(text: str) -> Iterator[list[str]]:
    """Rows `table, industry, label, count, percent`; the six industries, then their total."""
    for table in ("1", "6", "8", "9"):
        body = flatten(section(text, f"Tabell {table}:", "Totalt.*\n")).partition("Prosent ")[2]
        total = find(rf"^Tabell {table}:.*?^(Totalt .*?%)", text)
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
    for part in re.split(r"^Tabell ", annex, flags=re.MULTILINE)[1:]:
        table, _, body = part.partition(": ")
        question = find(r"^(q\S+) Bygg og", body)[1]
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
    n = find(r"\(N=(\d+)\)", body)[1]
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
        question = find(r"^q\d+(?:[.r]\d+)?", named.lower())[0]
        whole_term = (term + question_text.partition("? ")[2]).replace("- ", "").strip()
        yield [key, outcome, "bivariate", question, whole_term, *numbers, "", "fraction"]


def parse_coefficients(text: str) -> Iterator[list[str]]:
    """Rows `table, outcome, model, question, term, estimate, se, t, ci_low, ci_high, n, unit`."""
    for table in MODEL_TABLES:
        yield from parse_model(text, table)
    yield from parse_thirty_models(text, "46", "mean", "Tabell 47")
    yield from parse_thirty_models(text, "47", "change", "Vedlegg 6")


# --- scalars.csv: numbers and claims of the running text --------------------------------------

# Numbers that the report writes as words.
WORDS = {"Ingen": "0", "null": "0", "Én": "1", "ett": "1", "to": "2", "tre": "3", "seks": "6"}

# name; where the number stands in the flattened text (the group is what is copied); place; note
NUMBERS_IN_TEXT = (
    ("n_surveyed", r"omfatter (\d+) virks", "summary", "workplaces interviewed"),
    ("n_table11", r"Tabell 11: .*?\(N = (\d+)\)", "table 11", "N of the caption"),
    ("n_industries", r"i (seks) ulike bransjer:", "section 2.1", "in words"),
    ("employees_covered", r"nesten (\d+ \d+) personer", "annex 1", "'nearly'"),
    ("interviews_planned", r"totalt (\d+) virksomheter", "annex 1", "'in total'; 605 were made"),
    ("min_employees_planned", r"med over (\d+) ansatte i", "annex 1", "'more than'"),
    ("n_not_found", r"fortsatt (\d+) virks", "annex 1", "not in the register under any number"),
    ("n_file_workplace_number", r"data for (\d+) virks", "annex 1", "workplaces in the first file"),
    ("n_file_enterprise_number", r"de (\d+) virksomhetene som ble hentet", "annex 1",
     "workplaces in the second file"),
    ("n_duplicates", r"(Én) virksomhet var dup", "annex 1", "in both files; in words"),
    ("duplicate_quarters", r"data for (ett) kvartal i filen", "annex 1",
     "quarters of the duplicate in the first file; in words"),
    ("n_linked", r"utgangspunktet (\d+) enheter", "annex 1", "units after joining the files"),
    ("n_mean_computable", r"regne dette ut for (\d+)", "annex 1", "units with any mean absence"),
    ("n_with_gaps", r"For (\d+) av enhetene", "annex 1", "at least one quarter without lost days"),
    ("few_quarters", r"færre enn (\d+) datapunkter", "annex 1", "limit of the next count"),
    ("n_few_quarters", r"det (\d+) virksomheter som har færre", "annex 1", "of n_with_gaps"),
    ("n_one_or_two_quarters", r"og (\d+) som kun har 1-2", "annex 1", "of n_with_gaps"),
    ("max_quarters", r"maksimalt (\d+)\)", "annex 1", "2016Q1 to 2020Q4"),
    ("min_quarters", r"på minst (tre) obs", "annex 1", "rule for absence_mean; in words"),
    ("n_mean", r"sykefravær på (\d+) enheter", "annex 1", "sample for absence_mean"),
    ("n_change", r"trend for (\d+) virks", "annex 1", "sample for absence_change and _trend"),
    ("n_figure1", r"Figur 1: Spredning.*?\(N=(\d+)\)", "figure 1", "absence_mean by industry"),
    ("n_figure2", r"Figur 2: Spredning.*?\(N=(\d+)\)", "figure 2", "absence_change by industry"),
    ("n_figure3", r"Figur 3: Spredning.*?\(N=(\d+)\)", "figure 3", "women_share by industry"),
    ("n_figure4", r"Figur 4: Spredning.*?\(N=(\d+)\)", "figure 4", "senior_share by industry"),
    ("n_figure5", r"Figur 5: Resultater.*?\(N=(\d+)\)", "figure 5", "q13 alone, absence_mean"),
    ("n_figure6", r"Figur 6. Spredning.*?\(N=(\d+)\)", "figure 6", "scatter, q13"),
    ("n_figure7", r"Figur 7: Spredning.*?\(N=(\d+)\)", "figure 7",
     "lines of the q17 model with controls"),
    ("n_table3", r"Tabell 3 Resultater.*?\(N=(\d+)\)", "table 3", "q13 with controls"),
    ("n_table4", r"Tabell 4: Resultater.*?\(N=(\d+)\)", "table 4", "q17 alone, absence_change"),
    ("n_table5", r"Tabell 5: Resultater.*?\(N=(\d+)\)", "table 5", "q17 with controls"),
    ("n_table46_min", r"Tabell 46: .*?\(N = \[(\d+),", "table 46", "smallest model"),
    ("n_table46_max", r"Tabell 46: .*?\(N = \[\d+, (\d+)\]", "table 46", "largest model"),
    ("n_table47_min", r"Tabell 47: .*?\(N = \[(\d+),", "table 47", "smallest model"),
    ("n_table47_max", r"Tabell 47: .*?\(N = \[\d+, (\d+)\]", "table 47", "largest model"),
    ("n_models_per_outcome", r"for alle (\d+) spørsmålene som", "section 3.2", "questions tried"),
    ("n_models_table46", r"Tabell 46: Resultater fra (\d+)", "table 46", "models"),
    ("n_models_table47", r"Tabell 47: Resultater fra (\d+)", "table 47", "models"),
    ("var_between", r"ICC: (\d,\d+) \(", "section 3.2",
     "industries, absence_mean, fraction squared"),
    ("var_between_repeated", r"ICC: \S+ \((\d,\d+) \+", "section 3.2", "same, in the denominator"),
    ("var_within", r"ICC: \S+ \(\S+ \+ (\d,\d+)\)", "section 3.2",
     "workplaces, absence_mean, fraction squared"),
    ("icc_mean", r"ICC: \S+ \(\S+ \+ \S+ = (0\.\d+)", "section 3.2", "absence_mean"),
    ("icc_mean_rounded", r"En ICC på (\d,\d)", "section 3.2", "same, as repeated in words"),
    ("icc_mean_percent", r"indikerer at (\d+) prosent", "section 3.2", "same, in percent"),
    ("icc_change", r"ICC tilnærmet lik (null)", "section 3.2", "'close to'; in words"),
    ("confidence_percent", r"forvente at (\d+) prosent", "section 3.2", "of all intervals"),
    ("significance_percent", r"signifikant på (\d+)-prosent", "section 3.2.2",
     "level of the tests"),
    ("pearson_change_trend", r"r (\d,\d+)\)", "annex 1", "absence_change with absence_trend"),
    ("q13_extremes_pp", r"fraværet nesten (ett) prosentpoeng lav", "section 3.2.1",
     "'nearly', lower at the top than at the bottom of q13; in words"),
    ("q13_extremes_pp_repeated", r"ansatte, er nesten (ett) prosentpoeng", "section 3.4",
     "same; in words"),
    ("q17_difference_pp", r"og ikke, (\d+) prosentpoeng", "section 3.2.2", "no against yes"),
    ("q17_difference_pp_nearly", r"en nesten (to) prosentpoengs", "section 3.2.2",
     "same, 'nearly'; in words"),
    ("q17_difference_pp_repeated", r"ca\. (to) prosentpoengs", "section 3.4",
     "same, 'about'; in words"),
    ("q17_controls_pp", r"fravær (\d,\d) prosentpoeng", "section 3.2.2", "same, with controls"),
    ("n_significant", r"(Ingen) av surveyspørsmålene", "section 3.4",
     "questions with a significant effect on either outcome; in words"),
    ("n_tendencies", r"finner vi (to) tendenser", "section 3.4", "effects held up; in words"),
    ("rate_2019q1", r"prosent fra (\d,\d) til", "annex 1, footnote 10", "national, percent"),
    ("rate_2020q1", r"prosent fra \d,\d til (\d,\d)", "annex 1, footnote 10", "national, percent"),
    ("rate_increase_percent", r"steg med (\d+) prosent fra", "annex 1, footnote 10",
     "from one to the other"),
    ("committee_required_above", r"har over (\d+) ansatte, det", "section 3.3.7",
     "employees above which the law requires a working-environment committee"),
)

# What the text asserts, as keys: name; value; the words that assert it; place; note
CLAIMS_IN_TEXT = (
    ("claim_significant_mean", "q13", r"signifikant sammenheng mellom anledning", "section 3.2.1",
     "the question reported as significant for absence_mean"),
    ("claim_significant_change", "q17", r"ikke lengre er signifikant", "section 3.2.2",
     "the question reported as significant for absence_change, until controls enter"),
    ("claim_bivariate_only_if_not_significant", "yes", r"derfor kun resultater for de bivariate",
     "section 3.2", "a significant question was taken on to a model with controls"),
    ("claim_significant_controls", "none", r"Effektene holder imidlertid ikke", "section 3.4",
     "questions significant in a model with controls"),
    ("claim_significant_either", "none", r"Ingen av surveyspørsmålene", "section 3.4",
     "questions significant for absence_mean or absence_change"),
    ("claim_exceptions", "q13 q17", r"Unntakene er en svak effekt", "summary",
     "questions called exceptions to few significant associations"),
    ("claim_q13_explained_by", "women_share", r"inkluderer kvinneandel som", "section 3.2.1",
     "the one control that removes q13"),
    ("claim_strongest_q17", "kindergarten", r"sterkest for barnehager", "section 3.2.2, figure 7",
     "industry with the largest difference"),
    ("claim_all_yes_q17", "care", r"samtlige virksomheter tillitsvalgte", "section 3.2.2, figure 7",
     "industry where every workplace answers yes"),
    ("claim_highest_mean", "care", r"omsorgssektoren det høyeste", "section 3.1, figure 1",
     "industry with the highest absence_mean"),
    ("claim_lowest_mean", "ict", r"sykefraværet er i IKT", "section 3.1, figure 1",
     "industry with the lowest absence_mean"),
    ("claim_widest_mean", "construction", r"størst spredning i bygg", "section 3.1, figure 1",
     "industry with the widest spread of absence_mean"),
    ("claim_median_change_not_up", "architects", r"bortsett fra ark", "section 3.1, figure 2",
     "the only industry whose median absence_change is not an increase"),
    ("claim_answers_complete", "yes", r"alle besvarelsene er full", "section 2.3",
     "all interviews said to be complete"),
)


def parse_scalars(text: str) -> Iterator[list[str]]:
    """Rows `name, value, where, note`; every pattern must be found in the text."""
    prose = flatten(text)
    for name, pattern, where, note in NUMBERS_IN_TEXT:
        printed = find(pattern, prose)[1]
        yield [name, WORDS.get(printed, printed), where, note]
    for name, value, pattern, where, note in CLAIMS_IN_TEXT:
        find(pattern, prose)
        yield [name, value, where, note]


# --- the files --------------------------------------------------------------------------------

FILES = {
    "samples.csv": ("table,industry,label,count,percent", parse_samples),
    "univariate.csv": ("table,question,category,count,percent", parse_univariate),
    "by_industry.csv": ("table,question,category,industry,count,percent", parse_by_industry),
    "coefficients.csv": (
        "table,outcome,model,question,term,estimate,se,t,ci_low,ci_high,n,unit",
        parse_coefficients,
    ),
    "scalars.csv": ("name,value,where,note", parse_scalars),
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
    arguments = [Path(argument) for argument in sys.argv[1:]]
    main(*arguments, *[DEFAULT_REPORT, HERE][len(arguments) :])
