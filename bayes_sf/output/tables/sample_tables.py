"""Tables of a sample: who is left after each rule, and the answers of tables 11 to 45."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.catalogue import labels_language, say
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import NOT_ASKED, load_codebook
from bayes_sf.inputs.published import DECIMALS
from bayes_sf.inputs.variables import Item
from bayes_sf.output.tables.result_tables import slug
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.words import (
    industry_name,
    model_name,
    outcome_name,
    step_name,
    word,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["descriptive_tables", "flow_tables"]

_ALL = "all"
#: The table of all answers of a study of one's own.
_ANSWERS = "answers"
#: Columns of a table that anyone reads.
_WIDEST: Final = 40
_KEYS = ("table", "question", "category", "industry", "count", "percent")


def flow_tables(flow: "pd.DataFrame", *, source: str) -> tuple[Table, ...]:
    """Who is left after each rule, one table for each analysis and outcome.

    Parameters
    ----------
    flow : pandas.DataFrame
        As `flow_table` of `output/runs/describe.py`: `analysis, outcome, step`, then counts by
        industry and `all`.
    source : {"replica", "microdata"}
        Whose workplaces.

    Returns
    -------
    tuple of Table
        ``flow_null_absence_mean`` and so on; n of the title is that of the model. Of very many
        groups a table has their sum alone.
    """
    names = [name for name in flow.columns if name not in {"analysis", "outcome", "step"}]
    names = names if len(names) <= _WIDEST else [_ALL]
    columns = (
        Column("step", say("Rule"), "text"),
        *(
            Column(name, word(_ALL) if name == _ALL else industry_name(name), "integer")
            for name in names
        ),
    )
    return tuple(
        table_from_frame(
            steps.assign(step=[step_name(step) for step in steps["step"]]),
            f"{say('Who is left after each rule')}: {model_name(str(analysis))}, "
            f"{outcome_name(str(outcome))}",
            columns=columns, name=slug(f"flow_{analysis}_{outcome}"), n=_left(steps[_ALL].iloc[-1]),
            source=source,
        )
        for (analysis, outcome), steps in flow.groupby(["analysis", "outcome"], sort=False)
    )  # fmt: skip


def _left(count: object) -> int:
    """How many are left after the last rule; 0, which is not printed, where that is hidden."""
    return 0 if count == HIDDEN else int(str(count))


def descriptive_tables(answers: "pd.DataFrame", *, source: str) -> tuple[Table, ...]:
    """Counts and percentages of the answers, one table for each of the report's.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `describe_all` or `describe_by_industry`, `published_table` or their CSV files: `table,
        question, category, count, percent`, by industry also `industry`. Percentages are raw
        numbers, or strings that stay as they are printed.
    source : str
        ``report`` for the printed tables, else as in `Table`.

    Returns
    -------
    tuple of Table
        ``table_11``, ``table_12`` and so on. Counts that are not printed do not exist.

    Raises
    ------
    UsageError
        When a column is missing.
    """
    missing = [key for key in _KEYS if key not in answers.columns and key != "industry"]
    if missing:
        raise UsageError("descriptive_tables", "needs a column", got=missing[0])
    make = _by_industry if "industry" in answers.columns else _of_all
    return tuple(make(str(key), rows, source) for key, rows in answers.groupby("table", sort=False))


def _of_all(key: str, rows: "pd.DataFrame", source: str) -> Table:
    """Table 11: questions below each other."""
    records = [
        {
            "question": record["question"], "label": _label(_item(record["question"])),
            "category": _answer(record["question"], record["category"]), "count": record["count"],
            "percent": record["percent"],
        }
        for record in rows.to_dict("records")
    ]  # fmt: skip
    columns = (
        Column("question", say("Question"), "text"), Column("label", say("About"), "text"),
        Column("category", say("Answer"), "text"), Column("count", say("Count"), "integer"),
        _percent("percent", say("Percent"), key, rows),
    )  # fmt: skip
    return _described(key, say("Answers to the survey"), records, columns, source=source)


def _by_industry(key: str, rows: "pd.DataFrame", source: str) -> Table:
    """Tables 12 to 45: one question, answers by industry."""
    question = str(rows["question"].iloc[0])
    records: dict[str, dict[str, Any]] = {}
    for record in rows.to_dict("records"):
        line = records.setdefault(
            record["category"], {"category": _answer(question, record["category"])}
        )
        line[f"{record['industry']}_count"] = record["count"]
        line[f"{record['industry']}_percent"] = record["percent"]
    columns = (
        Column("category", say("Answer"), "text"),
        *(
            column
            for name in dict.fromkeys(rows["industry"])
            for column in _industry_columns(str(name), key, rows)
        ),
    )
    title = _label(_item(question))
    return _described(key, title, list(records.values()), columns, source=source)


def _industry_columns(name: str, key: str, rows: "pd.DataFrame") -> Iterator[Column]:
    """Count and percentage of one industry."""
    label = industry_name(name)
    yield Column(f"{name}_count", f"{label}: {say('Count').lower()}", "integer")
    yield _percent(f"{name}_percent", f"{label}: %", key, rows)


def _percent(name: str, label: str, key: str, rows: "pd.DataFrame") -> Column:
    """Percentages with the decimals of the report's table."""
    printed = isinstance(rows["percent"].iloc[0], str)
    return Column(name, label, "printed" if printed else "number", DECIMALS.get(key, 1))


def _described(
    key: str, title: str, records: list[dict[str, Any]], columns: tuple[Column, ...], *, source: str
) -> Table:
    """One table of answers."""
    import pandas as pd

    if load_codebook().register:
        title, name = f"{say('Table')} {key}: {title}", f"table_{key}"
    else:
        name = key if key == _ANSWERS and "question" in records[0] else f"table_{key}"
    return table_from_frame(
        pd.DataFrame(records), title, columns=columns,
        name=slug(name), notes=[say("Percent of the column's workplaces.")], source=source,
    )  # fmt: skip


def _item(question: str) -> Item:
    """The item that the published files call so."""
    items = load_codebook().items.values()
    return next(item for item in items if question in (item.printed_key, item.key))


def _label(item: Item) -> str:
    return item.label


def _answer(question: str, category: str) -> str:
    """An answer: as the report prints it, which was not asked as NA, or in another language."""
    try:
        answer = _item(question).category(category)
    except UsageError:  # "(missing)"
        return say("(missing)")
    printed = labels_language() == "nb" and answer.code != NOT_ASKED
    return category if printed else answer.label
