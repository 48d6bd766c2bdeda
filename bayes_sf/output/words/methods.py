"""Methods of a fit, in words: a paragraph for a paper, and what the reporting guidelines ask.

The Bayesian analysis reporting guidelines (BARG) list what a reader must be told: model, priors,
computation, posterior, decisions, sensitivity, and how to do it again. What a result knows is
filled in; what it does not is said to be the author's, or not done, and how to do it. Nothing is
said that was not computed.

References
----------
Kruschke (2021), Nature Human Behaviour 5, 1282-1291, table 1.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.asked.tidied import glance
from bayes_sf.analysis.checks.pit import even_p, loo_pit
from bayes_sf.catalogue import mark, mark_as, say, speaks
from bayes_sf.engines.asked import check_result
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.output.formats.markdown import escape, markdown
from bayes_sf.output.numbers import fixed, level, probability
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.priors import priors_written
from bayes_sf.output.words.words import outcome_name, own_group, term_name, unit_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Methods", "checklist_table", "methods", "methods_file"]

#: Who fills a line of the checklist.
_FILLED: Final = mark("filled in")
_YOURS: Final = mark("yours to write")
_UNDONE: Final = mark("not done")


@dataclass(frozen=True)
class Methods:
    """What to say of a fit.

    Parameters
    ----------
    text : str
        A paragraph.
    checklist : pandas.DataFrame
        ``step, asked, state, said``: a line for everything that the guidelines ask.
    """

    text: str
    checklist: "pd.DataFrame" = field(repr=False)

    def __str__(self) -> str:
        """Give the paragraph."""
        return self.text


@speaks
def methods(result: Result, lang: str | None = None) -> Methods:  # noqa: ARG001  # `speaks` reads it
    """Write the methods of a fit: model, priors, computation, checks.

    Parameters
    ----------
    result : Result
        With a posterior.
    lang : {"en", "nb"}, optional
        By default the language that is spoken.

    Returns
    -------
    found : Methods
        The paragraph as `text`, or by `str`; the guidelines' checklist as `checklist`.

    Raises
    ------
    UsageError
        For a result without a posterior: the guidelines are about posteriors; and one of completed
        data sets, of whose making nothing is known.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "g": list("aaabbbccc")})
    >>> found = sf.fit(sf.ModelSpec("y", group="g"), df).methods()
    >>> print(found.text.partition(". ")[0])
    y of 9 rows in 3 groups (g) was modelled as Gaussian, with a random intercept of g
    >>> found.checklist["state"].value_counts().to_dict()
    {'filled in': 8, 'yours to write': 3, 'not done': 2}
    """
    import pandas as pd

    check_result(result)
    if not result.has_draws:
        fix = "fit with engine='exact' or engine='nuts'"
        raise UsageError("methods", "is about posteriors", got=f"engine {result.engine!r}", fix=fix)
    if result.provenance.source == "sets":
        rule = "knows nothing of how completed data sets were made"
        raise UsageError("methods", rule, fix="write it yourself, and see methods() of one set")
    parts = {
        "model": _model(result) + _gaps(result), "priors": _priors(result),
        "computation": _computation(result),
        "posterior": _summary(result), "check": _check(result), "again": _again(result),
    }  # fmt: skip
    text = " ".join(part for part in parts.values() if part)
    columns = ["step", "asked", "state", "said"]
    return Methods(text, pd.DataFrame(list(_checklist(result, parts)), columns=columns))


def checklist_table(found: Methods, model: str, *, source: str = "") -> Table:
    """What the reporting guidelines ask, and what is said of it of one model.

    Parameters
    ----------
    found : Methods
    model : str
        Its name.
    source : str
        Of its data; "" where it is said elsewhere.
    """
    columns = (
        Column("asked", say("Asked"), "text"), Column("state", say("State"), "text"),
        Column("said", say("Said"), "text"),
    )  # fmt: skip
    return table_from_frame(
        found.checklist, say("Reporting guidelines (BARG), filled in for the model {}", model),
        columns=columns, name="guidelines", source=source,
        notes=[say("Kruschke (2021), Nature Human Behaviour 5, 1282-1291.")],
    )  # fmt: skip


def methods_file(results: Iterable[Result]) -> str:
    """Write methods and checklist of some fits in Markdown.

    Parameters
    ----------
    results : iterable of Result
        With posteriors.

    Returns
    -------
    str
        "" of none.
    """
    parts = list[str]()
    for result in results:
        found = methods(result)
        model = f"{outcome_name(result.spec.outcome, own=own_group(result))}: {result.spec.name}"
        parts += [f"## {escape(model)}", escape(found.text)]
        parts.append(markdown(checklist_table(found, result.spec.name)).rstrip())
    return "\n\n".join([f"# {say('Methods')}", *parts]) + "\n" if parts else ""


def _model(result: Result) -> str:
    """Outcome, rows, groups, likelihood and terms."""
    spec, own = result.spec, own_group(result)
    n = int(glance(result)["nobs"].iloc[0])
    unit = f" ({unit_name(spec.unit)})" if spec.unit else ""
    outcome = f"{outcome_name(spec.outcome, own=own)}{unit}"
    family = say(_FAMILIES[spec.family]) if spec.family in _FAMILIES else spec.family
    if spec.formula:
        return say(
            "{outcome} of {n} rows was modelled as {family}: {formula}.",
            outcome=outcome, n=n, family=family, formula=spec.formula,
        )  # fmt: skip
    said = say(
        "{outcome} of {n} rows in {groups} groups ({group}) was modelled as {family}, with a "
        "random intercept of {group}",
        outcome=outcome, n=n, groups=result.moments.n_groups, family=family,
        group=spec.group if own else say("industry"),
    )  # fmt: skip
    terms = ", ".join(term_name(term, own=own) for term in result.moments.predictors)
    return f"{said}; {say('predictors: {terms}', terms=terms)}." if terms else f"{said}."


def _gaps(result: Result) -> str:
    """How many rows were left out for gaps, if any were."""
    gaps = result.provenance.gaps
    if not gaps or not gaps.n_dropped:
        return ""
    said = say(
        "{dropped} of {rows} rows were left out because of gaps ({columns}).",
        dropped=gaps.n_dropped, rows=gaps.n_rows, columns=gaps.columns_said,
    )  # fmt: skip
    return f" {said}"


#: What the commonest likelihoods are called; others have the name that they are asked for by.
_FAMILIES: Final = {"gaussian": mark_as("modelled as", "Gaussian")}


def _priors(result: Result) -> str:
    """All priors, in the outcome's unit."""
    return say("Priors: {priors}.", priors=priors_written(result))


def _computation(result: Result) -> str:
    """How the posterior was had, and whether it is there."""
    if result.engine != "nuts":
        return say(
            "The posterior was computed by numerical integration over the standard deviations; "
            "given these all else is normal, and nothing was simulated."
        )
    table: Any = result.diagnostics()
    settings: Mapping[str, Any] = result.fitted.settings
    said = say(
        "The posterior was sampled by NUTS: {chains} chains of {draws} draws after {tune}; R-hat "
        "at most {r_hat}, bulk ESS at least {bulk}, tail ESS at least {tail}.",
        chains=settings["chains"], draws=settings["draws"], tune=settings["tune"],
        r_hat=fixed(float(table["r_hat"].max()), 3), bulk=f"{table['ess_bulk'].min():.0f}",
        tail=f"{table['ess_tail'].min():.0f}",
    )  # fmt: skip
    if result.converged:
        return said
    return f"{said} {say('NOT CONVERGED: do not believe these estimates')}."


def _summary(result: Result) -> str:
    """Which numbers stand for the posterior."""
    return say(
        "Estimates are posterior means; intervals are equal-tailed credible intervals of {level}.",
        level=level(result.prob),
    )


def _check(result: Result) -> str:
    """Leave-one-out predictive distributions, where they are exact; nothing where they are not."""
    if result.data is None or not isinstance(result.fitted, Posterior):
        return ""
    p = even_p(loo_pit(result))
    shown = probability(p)
    sign = "" if shown[0] in "<>" else "= "
    if p < 0.05:
        return say(
            "Predictive distributions of rows that are left out do not have the shape of the data "
            "(LOO-PIT, p {p}).",
            p=f"{sign}{shown}",
        )
    return say(
        "Predictive distributions of rows that are left out agree in shape with the data (LOO-PIT, "
        "p {p}).",
        p=f"{sign}{shown}",
    )


#: What has no part in a posterior that is not sampled.
_SAMPLERS: Final = ("pymc", "nutpie", "arviz")


def _again(result: Result) -> str:
    """What it takes to do it again."""
    about = result.provenance
    seed = "" if about.seed is None else say(", seed {seed}", seed=about.seed)
    used = ", ".join(
        f"{name} {version}" for name, version in about.versions.items()
        if result.engine == "nuts" or name not in _SAMPLERS
    )  # fmt: skip
    return say("Computed with {versions}{seed}.", versions=used, seed=seed)


def _checklist(result: Result, parts: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Everything that the guidelines ask: step, what, who fills it in, and what is said."""
    filled, yours, undone = say(_FILLED), say(_YOURS), say(_UNDONE)
    yield "", say("Why a Bayesian analysis, and what it is for"), yours, ""
    yield "1", say("Data: outcome and predictors"), filled, parts["model"]
    yield "1", say("Likelihood and parameters"), filled, parts["model"]
    yield "1", say("Priors, and their reasons"), filled, parts["priors"]
    yield "2", say("Software"), filled, parts["again"]
    yield "2", say("Convergence and accuracy of the computation"), filled, parts["computation"]
    check = parts["check"] or say("sf.loo, and the picture ppc, check it.")
    yield "3", say("Posterior predictive check"), filled if parts["check"] else undone, check
    yield "3", say("Summary of the posterior"), filled, parts["posterior"]
    yield (
        "3", say("Bayes factors, where models are compared"), undone,
        say('sf.sensitivity(parts=["bayes"]) has them; estimates need none.'),
    )  # fmt: skip
    yield "4", say("Decisions, their limits (ROPE) and reasons"), yours, ""
    yield (
        "5", say("Sensitivity to priors"), undone,
        say("sf.sensitivity fits under other priors, and says what changes."),
    )  # fmt: skip
    yield "6", say("Versions, seed and data, to do it again"), filled, parts["again"]
    place = say("Digest of the data: {digest}.", digest=result.provenance.data)
    yield "6", say("Where data and code are"), yours, place
