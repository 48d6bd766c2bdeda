"""Tables that only the report has: contrasts against amounts, and the prior fan."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from bayes_sf.analysis.priors.prior_fan import GROUP_PRIORS, SLOPE_PRIORS
from bayes_sf.analysis.size.practical import Rope
from bayes_sf.inputs.published import published_table
from bayes_sf.inputs.variables import Language
from bayes_sf.output.figures.page import lower_first, upper_first
from bayes_sf.output.numbers import ICC_DECIMALS, fixed
from bayes_sf.output.report.material import AMOUNTS, Association, Material
from bayes_sf.output.report.sentences import say
from bayes_sf.output.tables.result_tables import prior_notes, quarter_notes
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.sentences import sentence
from bayes_sf.output.words.words import industry_name, interval_name, outcome_name, term_name, word

__all__ = ["contrast_table", "fan_table", "sample_table"]


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

    lang, prob = material.lang, material.nulls[0].prob
    chosen = [each for each in found if each.outcome == outcome]
    frame = pd.DataFrame([_contrast_record(each, material) for each in chosen])
    rope = () if material.rope is None else _rope_columns(material)
    columns = (
        Column("term", word("term", lang), "text"),
        Column("contrast", say("contrast", lang), "text"),
        Column("mean", word("mean", lang)),
        Column("lower", interval_name("credible-eti", prob, lang), "interval", upper="upper"),
        Column("p_direction", word("direction", lang), "probability"),
        *(
            Column(f"at_least_{a:g}", say("at least", lang, amount=_amount(a, material)),
                   "probability")
            for a in AMOUNTS
        ),
        *rope,
        Column("n", word("n", lang), "integer"),
    )  # fmt: skip
    shown = [] if material.rope is None else [_amount(material.rope, material)]
    notes = [
        *prior_notes([r for r in material.bivariate if r.spec.outcome == outcome], lang),
        sentence("contrast", lang),
        sentence("direction", lang),
        *quarter_notes([r for r in material.bivariate if r.spec.outcome == outcome], lang),
        *(say("rope note", lang, rope=value) for value in shown),
    ]
    return table_from_frame(
        frame, f"{say('contrast title', lang)}: {outcome_name(outcome, lang)}", columns=columns,
        name=f"contrasts_{outcome}", digits="sd", unit="pp", notes=notes, source=material.source,
        n=(int(frame["n"].min()), int(frame["n"].max())), lang=lang,
    )  # fmt: skip


def _amount(amount: float, material: Material) -> str:
    """An amount with the decimals that it has."""
    return fixed(amount, len(f"{amount:g}".partition(".")[2]), material.lang)


def _contrast_record(each: Association, material: Material) -> dict[str, object]:
    """One line."""
    return {
        "term": upper_first(term_name(each.term.partition("[")[0], material.lang)),
        "contrast": each.contrast.label,
        "mean": each.mean, "sd": each.sd, "lower": each.lower, "upper": each.upper,
        "p_direction": each.p_direction,
        **{f"at_least_{a:g}": p for a, p in zip(AMOUNTS, each.at_least, strict=True)},
        "inside": each.inside, "verdict": _verdict(each, material), "n": each.n,
    }  # fmt: skip


def _rope_columns(material: Material) -> tuple[Column, Column]:
    """Columns of a region of practical equivalence."""
    assert material.rope is not None
    label = say("inside", material.lang, rope=_amount(material.rope, material))
    return (
        Column("inside", label, "probability"),
        Column("verdict", say("verdict", material.lang), "text"),
    )


def _verdict(each: Association, material: Material) -> str:
    """Kruschke's verdict, as `judge_size` has it."""
    if material.rope is None:
        return ""
    rope = Rope(-material.rope, material.rope, "pp")
    return say(f"verdict {rope.judge(each.lower, each.upper)}", material.lang)


def sample_table(material: Material) -> Table:
    """Count, as the report prints them, the surveyed workplaces and those of each outcome.

    Parameters
    ----------
    material : Material
        Of any data: the counts are the report's.
    """
    import pandas as pd

    lang, samples = material.lang, published_table("samples")
    by_table = samples.assign(table=samples["table"].astype(str)).pivot_table(
        index="industry", columns="table", values="count", aggfunc="first", sort=False
    )  # fmt: skip
    surveyed = by_table[_SAMPLES["surveyed"]]
    frame = pd.DataFrame({name: by_table[table] for name, table in _SAMPLES.items()})
    for name in ("mean", "change"):
        frame[f"{name}_share"] = 100 * frame[name] / surveyed
    frame["industry"] = [
        word("all", lang) if key == "total" else industry_name(str(key), lang)
        for key in frame.index
    ]
    columns = (
        Column("industry", word("industry", lang), "text"),
        Column("surveyed", say("surveyed", lang), "integer"),
        *(
            column for name in ("mean", "change") for column in (
                Column(name, _with_outcome(f"absence_{name}", lang), "integer"),
                Column(f"{name}_share", say("of surveyed", lang), decimals=0),
            )
        ),
    )  # fmt: skip
    return table_from_frame(
        frame, say("samples title", lang), columns=columns, name="samples",
        n=int(surveyed.loc["total"]), notes=[say("samples note", lang)], source="report", lang=lang,
    )  # fmt: skip


def _with_outcome(outcome: str, lang: Language) -> str:
    """Header of a column that counts workplaces with an outcome."""
    return say("with outcome", lang, outcome=lower_first(outcome_name(outcome, lang)))


#: The report's table of each sample.
_SAMPLES: Final = {"surveyed": "6", "mean": "8", "change": "9"}


def fan_table(material: Material, outcome: str) -> Table:
    """ICC and conclusions on slopes of one outcome under every prior of the fan.

    Parameters
    ----------
    material : Material
    outcome : str
        Which.
    """
    import pandas as pd

    lang = material.lang
    fan = material.fan[material.fan["outcome"] == outcome]
    slopes, null = fan[fan["term"] != "icc"], fan[(fan["term"] == "icc") & (fan["model"] == "null")]
    records = []
    for icc in null.to_dict("records"):
        ours = slopes[slopes["prior"] == icc["prior"]]
        records.append(
            {
                **_prior_names(str(icc["prior"]), lang),
                **{key: icc[key] for key in ("mean", "lower", "upper")},
                "apart": int(ours["concluded"].sum()),
                "changed": int(np.count_nonzero(ours["changes"] != "")),
            }
        )
    span = interval_name("credible-eti", float(fan["prob"].iloc[0]), lang)
    columns = (
        Column("slope", say("slope prior", lang), "text"),
        Column("group", say("group prior", lang), "text"),
        Column("mean", f"{word('icc', lang)}: {word('mean', lang).lower()}", decimals=ICC_DECIMALS),
        Column("lower", f"{word('icc', lang)}: {span}", "interval", ICC_DECIMALS, "upper"),
        Column("apart", say("apart count", lang), "integer"),
        Column("changed", say("changed count", lang), "integer"),
    )
    count = len(slopes.drop_duplicates(["model", "term"]))
    return table_from_frame(
        pd.DataFrame(records), f"{say('fan title', lang)}: {outcome_name(outcome, lang)}",
        columns=columns, name=f"prior_fan_{outcome}", notes=[say("fan note", lang, m=count)],
        n=(int(fan["n"].min()), int(fan["n"].max())), source=material.source, lang=lang,
    )  # fmt: skip


def _prior_names(prior: str, lang: Language) -> dict[str, object]:
    """Priors of slopes and of tau written out, from the name that the fan gives the pair."""
    slope, group = prior.removeprefix("slope ").split(", sd_group ")
    return {
        "slope": prior_words(SLOPE_PRIORS[slope].text("sd(y)/sd(x)", "0"), lang),
        "group": prior_words(GROUP_PRIORS[group].text(), lang),
    }
