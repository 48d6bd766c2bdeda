"""Tables that only the report has: contrasts against amounts, and the prior fan."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from bayes_sf.analysis.priors.prior_fan import GROUP_PRIORS, SLOPE_PRIORS
from bayes_sf.analysis.size.associations import AMOUNTS, Association
from bayes_sf.analysis.size.practical import Rope
from bayes_sf.catalogue import mark, say, say_as
from bayes_sf.inputs.published import published_table
from bayes_sf.output.figures.page import lower_first, upper_first
from bayes_sf.output.numbers import ICC_DECIMALS, fixed
from bayes_sf.output.report.material import Material
from bayes_sf.output.tables.result_tables import prior_notes, quarter_notes
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import (
    industry_name,
    interval_name,
    outcome_name,
    term_name,
    word,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "contrast_table", "for_page", "icc_fan_table", "led_by_numbers",
    "sample_table", "slope_fan_table",
]  # fmt: skip


def contrast_table(material: Material, found: Sequence[Association], outcome: str) -> Table:
    """Widest contrast of every item: posterior, and how probably it is as large as some amounts.

    Parameters
    ----------
    material : Material
    found : sequence of Association
        Of all outcomes.
    outcome : str
        Which of them.
    """
    import pandas as pd

    prob = material.nulls[0].prob
    chosen = [each for each in found if each.outcome == outcome]
    frame = pd.DataFrame([_contrast_record(each, material) for each in chosen])
    rope = () if material.rope is None else _rope_columns(material)
    columns = (
        Column("term", say("Term"), "text"),
        Column("contrast", say("Contrast"), "text"),
        Column("mean", say_as("mean", "Mean")),
        Column("lower", interval_name("credible-eti", prob), "interval", upper="upper"),
        Column("p_direction", say("P(direction)"), "probability"),
        *(
            Column(f"at_least_{a:g}", say("P(≥ {amount} pp)", amount=_amount(a)),
                   "probability")
            for a in AMOUNTS
        ),
        *rope,
        Column("n", say("n"), "integer"),
    )  # fmt: skip
    shown = [] if material.rope is None else [_amount(material.rope)]
    notes = [
        *prior_notes([r for r in material.bivariate if r.spec.outcome == outcome]),
        say(
            "A contrast goes as the coefficient does: from the lowest answer, or the "
            "reference, to the answer named last."
        ),
        say("P(direction): posterior probability of the sign of the median."),
        *quarter_notes([r for r in material.bivariate if r.spec.outcome == outcome]),
        *(
            say(
                "Verdict: whether the whole interval lies inside, outside or across "
                "±{rope} percentage points, as the reader chose (ROPE).",
                rope=value,
            )
            for value in shown
        ),
    ]
    return table_from_frame(
        frame, f"{say('From one end of the scale to the other')}: {outcome_name(outcome)}",
        columns=columns, name=f"contrasts_{outcome}", digits="sd", unit="pp", notes=notes,
        source=material.source, n=(int(frame["n"].min()), int(frame["n"].max())),
    )  # fmt: skip


def _amount(amount: float) -> str:
    """An amount with the decimals that it has."""
    return fixed(amount, len(f"{amount:g}".partition(".")[2]))


def _contrast_record(each: Association, material: Material) -> dict[str, object]:
    """One line."""
    return {
        "term": upper_first(term_name(each.term.partition("[")[0])),
        "contrast": each.contrast.label,
        "mean": each.mean, "sd": each.sd, "lower": each.lower, "upper": each.upper,
        "p_direction": each.p_direction,
        **{f"at_least_{a:g}": p for a, p in zip(AMOUNTS, each.at_least, strict=True)},
        "inside": each.inside, "verdict": _verdict(each, material), "n": each.n,
    }  # fmt: skip


def _rope_columns(material: Material) -> tuple[Column, Column]:
    """Columns of a region of practical equivalence."""
    assert material.rope is not None
    label = say("P(inside ±{rope} pp)", rope=_amount(material.rope))
    return (
        Column("inside", label, "probability"),
        Column("verdict", say_as("verdict", "Verdict"), "text"),
    )


#: Of an interval against a region.
VERDICTS: Final = {
    "inside": mark("inside"),
    "outside": mark("outside"),
    "undecided": mark("undecided"),
}


def _verdict(each: Association, material: Material) -> str:
    """Kruschke's verdict, as `judge_size` has it."""
    if material.rope is None:
        return ""
    rope = Rope(-material.rope, material.rope, "pp")
    return say(VERDICTS[rope.judge(each.lower, each.upper)])


def sample_table() -> Table:
    """Count, as the report prints them, the surveyed workplaces and those of each outcome.

    They are the report's, of whatever data the page is.
    """
    import pandas as pd

    samples = published_table("samples")
    by_table = samples.assign(table=samples["table"].astype(str)).pivot_table(
        index="industry", columns="table", values="count", aggfunc="first", sort=False
    )  # fmt: skip
    surveyed = by_table[_SAMPLES["surveyed"]]
    frame = pd.DataFrame({name: by_table[table] for name, table in _SAMPLES.items()})
    for name in ("mean", "change"):
        frame[f"{name}_share"] = 100 * frame[name] / surveyed
    frame["industry"] = [
        say("All") if key == "total" else industry_name(str(key)) for key in frame.index
    ]
    columns = (
        Column("industry", say("Industry"), "text"),
        Column("surveyed", say("Surveyed"), "integer"),
        *(
            column for name in ("mean", "change") for column in (
                Column(name, _with_outcome(f"absence_{name}"), "integer"),
                Column(f"{name}_share", say("% of surveyed"), decimals=0),
            )
        ),
    )  # fmt: skip
    return table_from_frame(
        frame,
        say("Who is missing, by industry"),
        columns=columns,
        name="samples",
        n=int(surveyed.loc["total"]),
        notes=[
            say(
                "The report's tables 6, 8 and 9: those surveyed, those with mean absence "
                "(at least three quarters), and those with a change."
            )
        ],
        source="report",
    )


def _with_outcome(outcome: str) -> str:
    """Header of a column that counts workplaces with an outcome."""
    return say("With {outcome}", outcome=lower_first(outcome_name(outcome)))


#: The report's table of each sample.
_SAMPLES: Final = {"surveyed": "6", "mean": "8", "change": "9"}


def icc_fan_table(material: Material, outcome: str) -> Table:
    """ICC of the null model under every prior of the sd between industries.

    Parameters
    ----------
    material : Material
    outcome : str
        Which.
    """
    import pandas as pd

    fan = material.fan[material.fan["outcome"] == outcome]
    null = fan[(fan["term"] == "icc") & (fan["model"] == "null")]
    once = null.assign(group=null["prior"].map(_kind("group"))).drop_duplicates("group")
    records = [
        {"group": name, **{key: icc[key] for key in ("mean", "lower", "upper")}}
        for name, icc in zip(once["group"], once.to_dict("records"), strict=True)
    ]
    columns = (
        Column("group", say("Prior on sd between industries"), "text"),
        Column("mean", f"{say('ICC')}: {say_as('mean', 'Mean').lower()}", decimals=ICC_DECIMALS),
        Column("lower", interval_name("credible-eti", float(fan["prob"].iloc[0])), "interval",
               ICC_DECIMALS, "upper"),
    )  # fmt: skip
    return table_from_frame(
        pd.DataFrame(records),
        f"{say('ICC under every prior')}: {outcome_name(outcome)}",
        columns=columns, name=f"prior_fan_icc_{outcome}", n=int(null["n"].iloc[0]),
        notes=[say("Of the null model, which has no slopes: their priors do not matter to it.")],
        source=material.source,
    )  # fmt: skip


def slope_fan_table(material: Material, outcome: str) -> Table:
    """Conclusions on slopes under every prior of theirs, over those of the sd between industries.

    Parameters
    ----------
    material, outcome
        As in `icc_fan_table`.
    """
    import pandas as pd

    fan = material.fan[material.fan["outcome"] == outcome]
    slopes = fan[fan["term"] != "icc"]
    told = slopes.assign(slope=slopes["prior"].map(_kind("slope")), changed=slopes["changes"] != "")
    counts = told.groupby(["slope", "prior"], sort=False)[["concluded", "changed"]].sum()
    records = [
        {"slope": name, **{key: _range(part[key]) for key in ("concluded", "changed")}}
        for name, part in counts.groupby("slope", sort=False)
    ]
    columns = (
        Column("slope", say("Prior on slopes"), "text"),
        Column("concluded", say("Intervals without zero"), "printed"),
        Column("changed", say("Changed conclusions"), "printed"),
    )
    return table_from_frame(
        pd.DataFrame(records),
        f"{say('Conclusions under every prior')}: {outcome_name(outcome)}",
        columns=columns, name=f"prior_fan_slopes_{outcome}",
        notes=[
            say(
                "Of {m} associations, over all priors of the sd between industries. Changed: "
                "sign, or whether the interval leaves out zero, against the model's own priors.",
                m=len(slopes.drop_duplicates(["model", "term"])),
            )
        ],
        n=(int(fan["n"].min()), int(fan["n"].max())), source=material.source,
    )  # fmt: skip


def _range(counts: "pd.Series[int]") -> str:
    """Smallest and largest of some counts; one number where they are the same."""
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low}–{high}"


def _kind(which: str) -> Callable[[str], str]:
    """Prior of slopes or of the sd between industries, in words, from the name of a pair."""

    def named(prior: str) -> str:
        slope, group = prior.removeprefix("slope ").split(", sd_group ")
        found = (SLOPE_PRIORS[slope].text("sd(y)/sd(x)", "0") if which == "slope"
                 else GROUP_PRIORS[group].text())  # fmt: skip
        return prior_words(found)

    return named


def for_page(table: Table) -> Table:
    """Make a table narrow: texts first in one column, headers of intervals without their kind.

    Parameters
    ----------
    table : Table
        The kind of its intervals is then said for all tables.
    """
    kind, plain = word("credible-eti"), word("interval")
    columns = tuple(
        replace(column, label=column.label.replace(kind, plain)) for column in table.columns
    )
    return led_by_numbers(replace(table, columns=columns))


def led_by_numbers(table: Table) -> Table:
    """Bring the texts that a table begins with into one column, so that figures come next.

    Parameters
    ----------
    table : Table

    Examples
    --------
    >>> columns = (Column("a", "Term", "text"), Column("b", "Rung", "text"), Column("c", "Mean"))
    >>> led = led_by_numbers(Table("t", "T", columns, (("ICC", "REML", 0.3), ("", "OLS", 0.2))))
    >>> led.header, [row[0] for row in led.texts]
    (('Term: rung', 'Mean'), ['ICC: REML', 'OLS'])
    """
    texts = list(takewhile(lambda column: column.is_text, table.columns))
    if len(texts) < 2 or len(texts) == len(table.columns):
        return table
    first, *others = (column.label for column in texts)
    label = ": ".join([first, *map(lower_first, others)])
    rows = tuple(
        (": ".join(str(cell) for cell in row[: len(texts)] if cell not in {"", None}),
         *row[len(texts) :])
        for row in table.rows
    )  # fmt: skip
    columns = (replace(texts[0], label=label), *table.columns[len(texts) :])
    return replace(table, columns=columns, rows=rows)
