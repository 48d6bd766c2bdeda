"""Tables of results of any model: estimates of one engine, and what chains tell of themselves.

Every builder returns a `Table` in one language, with priors, kind and probability of the intervals
and the source in its footer.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.published import scalar
from bayes_sf.inputs.variables import Language
from bayes_sf.output.numbers import digits_of, fixed
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.sentences import sentence
from bayes_sf.output.words.words import (
    group_name,
    interval_name,
    numbered_name,
    outcome_name,
    own_group,
    step_name,
    term_name,
    word,
)
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "answered_notes", "diagnostics_table", "posterior_table", "prior_notes", "quarter_notes",
    "quarters_name", "slug", "zero_notes",
]  # fmt: skip

type _Record = dict[str, Any]


def posterior_table(
    results: Iterable[Result], *, lang: Language, name: str = "posterior", groups: bool = False
) -> Table:
    """Summarise results: mean, sd, interval and direction of every term.

    Parameters
    ----------
    results : iterable of Result
        Of one engine. Of ols and reml the table has estimate, SE, Wald interval and t.
    lang : {"en", "nb"}
        Language.
    name : str
        Name of the table's files.
    groups : bool
        Whether to add the groups' effects.

    Returns
    -------
    Table
        Rows show two digits of the sd, no more than the MCSE allows; columns that are the same in
        every row (model, outcome, n) are in title and notes instead.

    Raises
    ------
    UsageError
        When there is no result, or they are of different engines.
    """
    import pandas as pd

    found = list(results)
    engines = {result.engine for result in found}
    if len(engines) != 1:
        raise UsageError(f"table {name}", "needs results of one engine", got=sorted(engines))
    frame = pd.DataFrame([row for result in found for row in _term_rows(result, lang)])
    frame = frame if groups else frame[frame["group"] == ""]
    first, sizes = found[0], frame["n"]
    bayesian, kind = first.has_draws, first.estimates["interval"].iloc[0]
    columns = [
        *(Column(key, word(key, lang), "text") for key in ("outcome", "model")
          if _varies(frame[key])),
        Column("term", word("term", lang), "text"),
        *([Column("group", word("group", lang), "text")] if groups else []),
        Column("estimate", word("mean" if bayesian else first.engine, lang)),
        Column("sd", word("sd" if bayesian else "se", lang)),
        Column("lower", interval_name(kind, first.prob, lang), "interval", upper="upper"),
        Column("statistic", word("direction", lang), "probability") if bayesian
        else Column("statistic", word("t", lang), decimals=2),
        *([Column("n", word("n", lang), "integer")] if _varies(sizes) else []),
    ]  # fmt: skip
    units = {result.spec.unit for result in found}
    outcomes = list(dict.fromkeys(frame["outcome"]))
    title = word("posterior_title" if bayesian else "frequentist_title", lang)
    return table_from_frame(
        frame, ": ".join([title, *(outcomes if len(outcomes) == 1 else [])]), columns=columns,
        name=name, digits="digits", mcse="mcse", unit=units.pop() if len(units) == 1 else "",
        n=(int(sizes.min()), int(sizes.max())),
        notes=[*prior_notes(found, lang), *([sentence("direction", lang)] if bayesian else []),
               sentence("icc", lang), *answered_notes(found, lang), *_verdict_notes(found, lang)],
        source=first.provenance.source, lang=lang,
    )  # fmt: skip


def _varies(values: "pd.Series[Any]") -> bool:
    """Whether a column has more than one value."""
    return bool((values != values.iloc[0]).any())


def _term_rows(result: Result, lang: Language) -> Iterator[_Record]:
    """Every estimate of one model, with its MCSE where there is one."""
    mcse: Mapping[Any, float] = {}
    if result.engine == "nuts":
        mcse = result.diagnostics()["mcse_mean"].to_dict()
    own = own_group(result)
    for row in result.rows:
        varying = {INTERCEPT: "u", "sd_resid": "sd_resid_group"}.get(row.term, "u_slope")
        parameter = f"{varying}[{row.group}]" if row.group else f"beta[{row.term}]"
        yield {
            "outcome": outcome_name(result.spec.outcome, lang, own=own),
            "model": result.spec.name, "term": term_name(row.term, lang, own=own),
            "group": group_name(row.group, lang, own=own), "estimate": row.estimate, "sd": row.sd,
            "lower": row.lower, "upper": row.upper, "statistic": row.statistic,
            "n": result.moments.n_obs, "digits": digits_of(row.term, row.estimate, row.sd),
            "mcse": mcse.get(parameter, mcse.get(row.term, math.nan)),
        }  # fmt: skip


def prior_notes(results: Sequence[Result], lang: Language) -> list[str]:
    """Write the notes on priors: of all models, or of the first where they differ; and on zeros.

    Parameters
    ----------
    results : sequence of Result
        Those of frequentist engines have none.
    lang : {"en", "nb"}
        Language.
    """
    texts = list(dict.fromkeys(str(result.priors) for result in results if result.has_draws))
    if not texts:
        return []
    several = f" ({sentence('several', lang)})" if len(texts) > 1 else ""
    said = prior_words(texts[0], lang, own=own_group(results[0]))
    return [f"{word('priors', lang)}{several}: {said}.", *zero_notes(results, lang)]


def zero_notes(results: Iterable[Result], lang: Language) -> list[str]:
    """Say where intercepts are, and what priors hold there, of models whose slopes vary.

    Parameters
    ----------
    results : iterable of Result
    lang : {"en", "nb"}
        Language.

    Returns
    -------
    list of str
        One sentence; none where no slope varies.
    """
    names = dict.fromkeys(
        numbered_name(result.varying_term, lang, own=own_group(result))
        for result in results
        if result.spec.varying
    )
    zeros = ", ".join(f"{name} = 0" for name in names)
    return [sentence("zero", lang).format(zeros)] if names else []


#: The n that the report prints of a single model, by its table.
_SAMPLES: Final[Mapping[str, str]] = {"figure5": "n_figure5", "4": "n_table4"}


def answered_notes(results: Iterable[Result], lang: Language) -> list[str]:
    """Say why n is less than what the report says, where it is recovered from its tables.

    Parameters
    ----------
    results : iterable of Result
    lang : {"en", "nb"}
        Language.

    Returns
    -------
    list of str
        One sentence for each of the report's samples that is larger; none of other data.
    """
    wholes = {
        int(scalar(_SAMPLES[result.spec.table]))
        for result in results
        if result.provenance.source == "published" and result.spec.table in _SAMPLES
        and result.moments.n_obs < scalar(_SAMPLES[result.spec.table])
    }  # fmt: skip
    return [sentence("answered", lang).format(whole) for whole in sorted(wholes)]


def quarter_notes(results: Iterable[Result], lang: Language) -> list[str]:
    """Say how many quarters a workplace needs for a mean absence, where all models need as many.

    Parameters
    ----------
    results : iterable of Result
    lang : {"en", "nb"}
        Language.

    Returns
    -------
    list of str
        One sentence, or none: the change of absence needs two quarters that are named.
    """
    needed = {
        result.spec.min_quarters for result in results if result.spec.outcome == "absence_mean"
    }
    names = [quarters_name(least, lang) for least in needed]
    return [sentence("quarters", lang).format(*names)] if len(names) == 1 else []


def quarters_name(least: int, lang: Language) -> str:
    """Return the rule of a model on quarters, as a part of a sentence.

    Examples
    --------
    >>> quarters_name(1, "en"), quarters_name(3, "nb")
    ('at least 1 observed quarter', 'minst 3 observerte kvartaler')
    """
    name = step_name(f"at least {least} observed quarters", lang)
    return f"{name[:1].lower()}{name[1:]}"


def _verdict_notes(results: Sequence[Result], lang: Language) -> list[str]:
    """Results that must not be believed."""
    failed = [f"{r.spec.name} ({r.spec.outcome})" for r in results if not r.converged]
    return [f"{word('verdict_bad', lang)}: {', '.join(failed)}."] if failed else []


def diagnostics_table(result: Result, *, lang: Language) -> Table:
    """R-hat, ESS and MCSE of every parameter; the verdict in the footer.

    Parameters
    ----------
    result : Result
        Of engine nuts.
    lang : {"en", "nb"}
        Language.

    Raises
    ------
    UsageError
        For engines without Monte Carlo error.
    """
    frame = result.diagnostics().reset_index()
    whole = frame.iloc[0]
    for key in ("ess_bulk", "ess_tail"):  # rounded down: 399.9 draws are not 400
        frame[key] = [math.floor(v) if math.isfinite(v) else None for v in frame[key]]
    columns = (
        Column("parameter", word("parameter", lang), "text"),
        Column("mean", word("mean", lang)),
        Column("sd", word("sd", lang)),
        Column("mcse_mean", word("mcse", lang)),
        Column("r_hat", word("r_hat", lang), "r_hat"),
        Column("ess_bulk", word("ess_bulk", lang), "integer"),
        Column("ess_tail", word("ess_tail", lang), "integer"),
        Column("exact_mcse", word("exact_mcse", lang), decimals=1),
    )
    verdict = word("verdict_good" if result.converged else "verdict_bad", lang)
    sampled = (
        f"{word('divergences', lang)}: {whole['divergences']:.0f}; {word('bfmi', lang)}: "
        f"{fixed(whole['bfmi'], 2, lang)}; {verdict}."
    )
    title = f"{word('diagnostics', lang)}: {result.spec.name}"
    return table_from_frame(
        frame, f"{title}, {outcome_name(result.spec.outcome, lang, own=own_group(result))}",
        columns=columns,
        name=slug(f"diagnostics_{result.spec.name}_{result.spec.outcome}"), digits="mcse_mean",
        unit=result.spec.unit, n=result.moments.n_obs,
        notes=[*prior_notes([result], lang), sampled[:1].upper() + sampled[1:]],
        source=result.provenance.source, lang=lang,
    )  # fmt: skip


def slug(name: str) -> str:
    """Return a name that every file system takes.

    Examples
    --------
    >>> slug("pooling_q17[no]_x")
    'pooling_q17_no_x'
    """
    return re.sub(r"(?:[^\w.-]|_)+", "_", name)
