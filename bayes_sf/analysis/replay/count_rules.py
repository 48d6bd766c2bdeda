"""Rules on printed counts and percentages: what must add up, adds up.

Every rule takes `Tables` and yields one item per comparison, None where the numbers agree.
"""

import math
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from bayes_sf.analysis.replay.findings import Finding, industry_in
from bayes_sf.analysis.replay.tables import CountRow, Tables, close_to, name_table
from bayes_sf.catalogue import Listed, Message, Printed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "answers_kept",
    "columns_add_up",
    "filters_leave_out",
    "industries_add_up",
    "options_offered",
    "percents_follow_counts",
    "samples_agree",
    "skips_respected",
]


def percents_follow_counts(tables: Tables) -> "Iterator[Finding | None]":
    """Every percentage is its count over the industry's (or the survey's) workplaces, rounded."""
    survey = tables.survey_sizes
    rows = [(row, tables.sample_sizes(row.table)["total"]) for row in tables.samples]
    rows += [(row, survey[row.industry]) for row in (*tables.univariate, *tables.by_industry)]
    for row, base in rows:
        if row.count is None:
            continue
        percent = 100 * row.count / base
        if close_to(percent, tables.interval(row.table, row.percent)):
            yield None
        else:
            yield Finding(
                "percent from count", _place(row), "impossible", f"{row.percent} % ({row.count})",
                Printed(f"100 x {row.count} / {base} = {percent:.3f}"),
                Message("the percentage is not the count over the number of workplaces"),
            )  # fmt: skip


def columns_add_up(tables: Tables) -> "Iterator[Finding | None]":
    """One answer per workplace: the categories' counts add up to the number of workplaces."""
    columns: dict[tuple[str, str, str], list[CountRow]] = defaultdict(list)
    for row in (*tables.univariate, *tables.by_industry):
        if row.question not in tables.multiple:
            columns[row.table, row.question, row.industry].append(row)
    for row in tables.samples:
        if row.industry != "total":
            columns[row.table, "", "total"].append(row)
    for (table, question, industry), rows in columns.items():
        counts = [row.count for row in rows]
        if None in counts:
            continue
        base = (tables.survey_sizes if question else tables.sample_sizes(table))[industry]
        total = sum(count or 0 for count in counts)
        if total == base:
            yield None
        else:
            yield Finding(
                "column sum",
                Listed(
                    [
                        name_table(table),
                        question or Message("industries"),
                        industry_in(industry),
                    ]
                ),
                "impossible",
                f"{base} workplaces",
                Message("{} = {}, not {}", " + ".join(map(str, counts)), total, base),
                Message("the categories do not add up to the number of workplaces"),
            )


def industries_add_up(tables: Tables) -> "Iterator[Finding | None]":
    """Add up an answer's counts by industry: they give its count in the univariate table.

    Where only percentages are printed by industry, the univariate count must lie between the sums
    of the smallest and of the largest whole numbers that round to them.
    """
    overall, split = _answers(tables)
    allowed = partial(_counts_allowed, tables)
    for question, answers in split.items():
        for whole, parts in _pair(overall[question], answers):
            low, high = (sum(bound) for bound in zip(*map(allowed, parts), strict=True))
            count = whole.count or 0
            if low <= count <= high:
                yield None
                continue
            printed = " + ".join(str(row.count or f"{row.percent} %") for row in parts)
            sums = low if low == high else Message("{} to {}", low, high)
            yield Finding(
                "industries against all",
                Listed([name_table(parts[0].table), question, parts[0].category]), "impossible",
                f"{count} in table {whole.table}",
                Message("{} = {}, not {}", Printed(printed), sums, count),
                Message("the industries do not add up to the count of the univariate table"),
            )  # fmt: skip


def answers_kept(tables: Tables) -> "Iterator[Finding | None]":
    """Every answer of the univariate table has a row in the table by industry.

    Where one answer is left over on either side, it is one answer under two names.
    """
    overall, split = _answers(tables)
    for question, answers in split.items():
        matched = {whole.answer for whole, _ in _pair(overall[question], answers)}
        for answer, row in overall[question].items():
            if answer in matched:
                yield None
                continue
            table = next(iter(answers.values()))[0].table
            yield Finding(
                "answers by industry", Listed([name_table(table), question, row.category]),
                "not reported", f"{row.count} in table {row.table}",
                Message("{} in all, no row by industry", row.count),
                Message("an answer of the univariate table is missing by industry"),
            )  # fmt: skip


def skips_respected(tables: Tables) -> "Iterator[Finding | None]":
    """Nobody answers a question that the questionnaire did not put to them.

    Only those who gave one of `answers` to `asked_if` were asked, so every option of the follow-up
    (and for one answer per workplace their sum, "don't know" included) is at most their number, and
    those counted as not asked are at least the rest, in every industry and in all.
    """
    cells: dict[tuple[str, str], list[CountRow]] = defaultdict(list)
    for row in (*tables.univariate, *tables.by_industry):
        if row.count is not None:
            cells[row.question, row.industry].append(row)
    for question in tables.questionnaire:
        too_many: dict[str, list[str]] = defaultdict(list)  # one question, maybe in two tables
        for industry in ("total", *tables.industries) if question.asked_if else ():
            rows = cells[question.question, industry]
            asking = cells[question.asked_if, industry]
            if not rows or not asking:
                continue
            asked = sum(row.count or 0 for row in asking if row.category in question.answers)
            answers = [row.count or 0 for row in rows if not _left_out(row, tables)]
            left_out = [row.count or 0 for row in rows if _left_out(row, tables)]
            answered = max(answers) if question.question in tables.multiple else sum(answers)
            if left_out:
                answered = max(answered, tables.survey_sizes[industry] - sum(left_out))
            if answered <= asked:
                yield None
            else:
                excess = Listed([industry_in(industry), f"{answered} > {asked}"], " ")
                too_many[rows[0].table].append(excess)
        if too_many:
            tables_with = [
                Listed([name_table(table), Listed(each)], " ") for table, each in too_many.items()
            ]
            yield Finding(
                "skip pattern",
                Listed(
                    [Listed([name_table(table), question.question]) for table in too_many], "; "
                ),
                "contradicted by the text",
                f"asked only if {question.asked_if} is {' or '.join(sorted(question.answers))}",
                Message("answers > asked: {}", Listed(tables_with, "; ")),
                Message("more answers (don't know included) than workplaces that were to be asked"),
            )


def filters_leave_out(tables: Tables) -> "Iterator[Finding | None]":
    """Questions put to some workplaces by a register variable are not answered by all."""
    asked = {row.question for row in tables.univariate}
    for question in tables.questionnaire:
        if not question.asked_if or question.asked_if in asked:
            continue
        rows = [row for row in tables.univariate if row.question == question.question]
        answered = sum(row.count or 0 for row in rows)
        if answered < tables.survey_sizes["total"]:
            yield None
        else:
            yield Finding(
                "skip pattern",
                Listed([name_table(rows[0].table), question.question]),
                "doubtful",
                f"asked only if {question.asked_if} is {' or '.join(sorted(question.answers))}",
                Message(
                    "{} = {}, all of the survey",
                    " + ".join(str(row.count) for row in rows),
                    answered,
                ),
                Message("every workplace has an answer to a question that was put to some"),
            )


def options_offered(tables: Tables) -> "Iterator[Finding | None]":
    """Tables show no more kinds of answer than the questionnaire offers, and no other kind."""
    answers: dict[str, list[CountRow]] = defaultdict(list)
    for row in tables.univariate:
        if row.question != "industry" and not row.answer.startswith("Vet ikke"):
            answers[row.question].append(row)
    asked = {question.question: question for question in tables.questionnaire}
    for key, rows in answers.items() if asked else ():
        question = asked.get(key)
        kinds = len(rows)
        worded = [row.category for row in rows if not row.category[0].isdigit()]
        if question is None:
            problem = Message("the questionnaire has no such question")
        elif question.options is not None and kinds > question.options:
            problem = Message("the questionnaire offers {}", question.options)
        elif question.response == "number" and worded:
            problem = Message("the questionnaire asks for a number")
        else:
            yield None
            continue
        yield Finding(
            "answers offered", Listed([name_table(rows[0].table), key]),
            "doubtful" if question is None else "contradicted by the text",
            " | ".join(row.category for row in rows),
            Message("{} kinds of answer in the table; {}", kinds, problem),
            Message("the table and the printed questionnaire are not about the same question"),
        )  # fmt: skip


def samples_agree(tables: Tables) -> "Iterator[Finding | None]":
    """Compare samples: two of one size are the same, none exceeds the survey anywhere."""
    survey = tables.survey_sizes
    for table in dict.fromkeys(row.table for row in tables.samples):
        sizes = tables.sample_sizes(table)
        for industry, size in sizes.items():
            same = sizes["total"] == survey["total"]
            if size == survey[industry] or (size < survey[industry] and not same):
                yield None
            else:
                yield Finding(
                    "sample by industry", Listed([name_table(table), industry_in(industry)]),
                    "impossible", str(size),
                    Message("{} (survey)", f"{size} {'!=' if same else '>'} {survey[industry]}"),
                    Message("the sample cannot be a part of the survey"),
                )  # fmt: skip


def _place(row: CountRow) -> str:
    parts = (name_table(row.table), row.question, row.category, industry_in(row.industry))
    return Listed(part for part in parts if part)


def _left_out(row: CountRow, tables: Tables) -> bool:
    """Whether a row counts those who were not asked.

    It is called NA, or it is an answer that only the split table of a multiple-answer question has.
    """
    if row.never_asked or row.industry == "total" or row.question not in tables.multiple:
        return row.never_asked
    known = {other.answer for other in tables.univariate if other.question == row.question}
    return row.answer not in known


def _counts_allowed(tables: Tables, row: CountRow) -> tuple[int, int]:
    """Smallest and largest count that a row by industry allows."""
    if row.count is not None:
        return row.count, row.count
    base = tables.survey_sizes[row.industry]
    low, high = tables.interval(row.table, row.percent)
    return math.ceil(low * base / 100 - 1e-9), math.floor(high * base / 100 + 1e-9)


def _answers(
    tables: Tables,
) -> tuple[dict[str, dict[str, CountRow]], dict[str, dict[str, list[CountRow]]]]:
    """Rows by question and answer: of all workplaces, and by industry."""
    overall: dict[str, dict[str, CountRow]] = defaultdict(dict)
    for row in tables.univariate:
        overall[row.question][row.answer] = row
    split: dict[str, dict[str, list[CountRow]]] = defaultdict(lambda: defaultdict(list))
    for row in tables.by_industry:
        split[row.question][row.answer].append(row)
    return overall, split


def _pair(
    overall: dict[str, CountRow], split: dict[str, list[CountRow]]
) -> "Iterator[tuple[CountRow, list[CountRow]]]":
    """Match the answers of the two tables by name; two that are left over, with each other.

    An answer that only the split table has is empty (software drops empty levels from a table),
    counts those who were not asked, or is what the univariate table calls "don't know".
    """
    for answer, row in overall.items():
        if answer in split:
            yield row, split[answer]
    left = [row for answer, row in overall.items() if answer not in split]
    right = [
        rows for answer, rows in split.items() if answer not in overall and rows[0].never_asked
    ]
    if len(left) == len(right) == 1:
        yield left[0], right[0]
