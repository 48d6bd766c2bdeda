"""Tables of results of any model: estimates of one engine, and what chains tell of themselves.

Every builder returns a `Table` in one language, with priors, kind and probability of the intervals
and the source in its footer.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.catalogue import say, say_as, speaks
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.disclosure.gate import Released
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.published import scalar
from bayes_sf.output.numbers import digits_of, fixed
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.priors import prior_words
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


@speaks
def posterior_table(
    results: Iterable[Result],
    *,
    name: str = "posterior",
    groups: bool = False,
    lang: str | None = None,  # noqa: ARG001  # `speaks` reads it
) -> Table:
    """Summarise results: mean, sd, interval and direction of every term.

    Parameters
    ----------
    results : iterable of Result
        Of one engine. Of ols and reml the table has estimate, SE, Wald interval and t.
    name : str
        Name of the table's files.
    groups : bool
        Whether to add the groups' effects.
    lang : {"en", "nb"}, optional
        By default the language that is spoken.

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
    frame = pd.DataFrame([row for result in found for row in _term_rows(result)])
    frame = frame if groups else frame[frame["group"] == ""]
    first, sizes = found[0], frame["n"]
    bayesian, kind = first.has_draws, first.estimates["interval"].iloc[0]
    columns = [
        *(Column(key, word(key), "text") for key in ("outcome", "model")
          if _varies(frame[key])),
        Column("term", say("Term"), "text"),
        *([Column("group", say("Group"), "text")] if groups else []),
        Column("estimate", word("mean" if bayesian else first.engine)),
        Column("sd", word("sd" if bayesian else "se")),
        Column("lower", interval_name(kind, first.prob), "interval", upper="upper"),
        Column("p_direction", say("P(direction)"), "probability") if bayesian
        else Column("t", say("t"), decimals=2),
        *([Column("n", say("n"), "integer")] if _varies(sizes) else []),
    ]  # fmt: skip
    units = {result.spec.unit for result in found}
    outcomes = list(dict.fromkeys(frame["outcome"]))
    title = word("posterior_title" if bayesian else "frequentist_title")
    return table_from_frame(
        frame,
        ": ".join([title, *(outcomes if len(outcomes) == 1 else [])]),
        columns=columns,
        name=name,
        digits="digits",
        mcse="mcse",
        unit=units.pop() if len(units) == 1 else "",
        n=(int(sizes.min()), int(sizes.max())),
        notes=[
            *prior_notes(found),
            *(
                [say("P(direction): posterior probability of the sign of the median.")]
                if bayesian
                else []
            ),
            say("The ICC is a share and has no unit."),
            *answered_notes(found),
            *_verdict_notes(found),
        ],
        source=first.provenance.source,
    )


def _varies(values: "pd.Series[Any]") -> bool:
    """Whether a column has more than one value."""
    return bool((values != values.iloc[0]).any())


def _term_rows(result: Result) -> Iterator[_Record]:
    """Every estimate of one model, with its MCSE where there is one."""
    mcse: Mapping[Any, float] = {}
    if result.engine == "nuts":
        mcse = result.diagnostics()["mcse_mean"].to_dict()
    own = own_group(result)
    for row in result.rows:
        varying = {INTERCEPT: "u", "sd_resid": "sd_resid_group"}.get(row.term, "u_slope")
        parameter = f"{varying}[{row.group}]" if row.group else f"beta[{row.term}]"
        figures: _Record = {
            "estimate": row.estimate, "sd": row.sd, "lower": row.lower, "upper": row.upper,
            "t": row.t, "p_direction": row.p_direction,
            "digits": digits_of(row.term, row.estimate, row.sd),
        }  # fmt: skip
        if isinstance(result, Released) and math.isnan(row.estimate):
            figures = dict.fromkeys(figures, HIDDEN)
        yield {
            "outcome": outcome_name(result.spec.outcome, own=own),
            "model": result.spec.name, "term": term_name(row.term, own=own),
            "group": group_name(row.group, own=own), **figures, "n": result.moments.n_obs,
            "mcse": mcse.get(parameter, mcse.get(row.term, math.nan)),
        }  # fmt: skip


def prior_notes(results: Sequence[Result]) -> list[str]:
    """Write the notes on priors: of all models, or of the first where they differ; and on zeros.

    Parameters
    ----------
    results : sequence of Result
        Those of frequentist engines have none.
    """
    texts = list(dict.fromkeys(str(result.priors) for result in results if result.has_draws))
    if not texts:
        return []
    several = f" ({say('of the first model')})" if len(texts) > 1 else ""
    said = prior_words(texts[0], own=own_group(results[0]))
    return [f"{say('Priors')}{several}: {said}.", *zero_notes(results)]


def zero_notes(results: Iterable[Result]) -> list[str]:
    """Say where intercepts are, and what priors hold there, of models whose slopes vary.

    Parameters
    ----------
    results : iterable of Result

    Returns
    -------
    list of str
        One sentence; none where no slope varies.
    """
    names = dict.fromkeys(
        numbered_name(result.varying_term, own=own_group(result))
        for result in results
        if result.spec.varying
    )
    zeros = ", ".join(f"{name} = 0" for name in names)
    return (
        [
            say(
                "Levels of groups, their sd and their correlation with slopes are at {}, "
                "and their priors hold there; the intercept's prior holds at the "
                "predictors' means; the ICC is averaged over the rows.",
                zeros,
            )
        ]
        if names
        else []
    )


#: The n that the report prints of a single model, by its table.
_SAMPLES: Final[Mapping[str, str]] = {"figure5": "n_figure5", "4": "n_table4"}


def answered_notes(results: Iterable[Result]) -> list[str]:
    """Say why n is less than what the report says, where it is recovered from its tables.

    Parameters
    ----------
    results : iterable of Result

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
    return [
        say(
            "The report's n is {}, all linked workplaces with enough quarters; here "
            "it is without those of them that did not give an answer that the model "
            "uses. How many these are is not printed: it is drawn, and differs a "
            "little between versions of the study.",
            whole,
        )
        for whole in sorted(wholes)
    ]


def quarter_notes(results: Iterable[Result]) -> list[str]:
    """Say how many quarters a workplace needs for a mean absence, where all models need as many.

    Parameters
    ----------
    results : iterable of Result

    Returns
    -------
    list of str
        One sentence, or none: the change of absence needs two quarters that are named.
    """
    needed = {
        result.spec.min_quarters for result in results if result.spec.outcome == "absence_mean"
    }
    names = [quarters_name(least) for least in needed]
    return (
        [say("n: workplaces with {}, and an answer to each item that the model has.", *names)]
        if len(names) == 1
        else []
    )


def quarters_name(least: int) -> str:
    """Return the rule of a model on quarters, as a part of a sentence.

    Examples
    --------
    >>> quarters_name(1), quarters_name(3)
    ('at least 1 observed quarter', 'at least 3 observed quarters')
    """
    name = step_name(f"at least {least} observed quarters")
    return f"{name[:1].lower()}{name[1:]}"


def _verdict_notes(results: Sequence[Result]) -> list[str]:
    """Results that must not be believed."""
    failed = [f"{r.spec.name} ({r.spec.outcome})" for r in results if not r.converged]
    return (
        [f"{say('NOT CONVERGED: do not believe these estimates')}: {', '.join(failed)}."]
        if failed
        else []
    )


def diagnostics_table(result: Result) -> Table:
    """R-hat, ESS and MCSE of every parameter; the verdict in the footer.

    Parameters
    ----------
    result : Result
        Of engine nuts.

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
        Column("parameter", say("Parameter"), "text"), Column("mean", say_as("mean", "Mean")),
        Column("sd", say_as("sd", "sd")), Column("mcse_mean", say("MCSE")),
        Column("r_hat", say("R-hat"), "r_hat"), Column("ess_bulk", say("Bulk ESS"), "integer"),
        Column("ess_tail", say("Tail ESS"), "integer"),
        Column("exact_mcse", say("From exact (MCSE)"), decimals=1),
    )  # fmt: skip
    verdict = word("verdict_good" if result.converged else "verdict_bad")
    sampled = (
        f"{say('divergences')}: {whole['divergences']:.0f}; {say('E-BFMI')}: "
        f"{fixed(whole['bfmi'], 2)}; {verdict}."
    )
    title = f"{say('Diagnostics')}: {result.spec.name}"
    return table_from_frame(
        frame, f"{title}, {outcome_name(result.spec.outcome, own=own_group(result))}",
        columns=columns, name=slug(f"diagnostics_{result.spec.name}_{result.spec.outcome}"),
        digits="mcse_mean", unit=result.spec.unit, n=result.moments.n_obs,
        notes=[*prior_notes([result]), sampled[:1].upper() + sampled[1:]],
        source=result.provenance.source,
    )  # fmt: skip


def slug(name: str) -> str:
    """Return a name that every file system takes.

    Examples
    --------
    >>> slug("pooling_q17[no]_x")
    'pooling_q17_no_x'
    """
    return re.sub(r"(?:[^\w.-]|_)+", "_", name)
