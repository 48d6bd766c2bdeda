"""One analysis file (`Analysis`): a question, and the models that answer it.

An analysis file is TOML under `models/`. It names outcomes, the items that each get a model of
their own (or, with ``joint``, one model together), controls, the group, the sample rule, the
models' options, priors with reasons, and the published table that it answers. In the place of
outcomes, items, controls, group and options it may have ``formula = "absence_mean ~ q13 + (1 |
industry)"``. Unknown keys are errors.

Examples
--------
>>> analysis = load_analysis("null")
>>> [spec.key for spec in analysis.specs]
[('null', 'absence_mean'), ('null', 'absence_change')]
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.catalogue import labels_language
from bayes_sf.errors import SpecError, closest
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.schema import checked
from bayes_sf.inputs.toml import read_toml
from bayes_sf.inputs.variables import Stated
from bayes_sf.resources import models_dir
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.names import check_keys
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.terms.formula import read_formula, spelt

if TYPE_CHECKING:
    from bayes_sf.spec.schema import AnalysisTable

__all__ = ["Analysis", "analysis_names", "load_analysis", "told_apart"]


@dataclass(frozen=True)
class Analysis:
    """An analysis file: a question and the models that answer it.

    Parameters
    ----------
    name : str
        Name of the file without its ending.
    question : str
        What is asked, in one sentence.
    specs : tuple of ModelSpec
        One per item and outcome.
    source : str
        The file it came from.
    question_nb : str
        The question in Norwegian.
    written : ModelSpec, optional
        Of one formula beyond a random intercept: the model as it is written, where `specs` may say
        it by fields, as it is sampled.
    """

    name: str
    question: str
    specs: tuple[ModelSpec, ...]
    source: str = ""
    question_nb: str = ""
    written: ModelSpec | None = None

    def __post_init__(self) -> None:
        """Refuse two models of one name and outcome, before any is fitted."""
        check_keys(f"analysis {self.name!r}", [spec.key for spec in self.specs])

    @property
    def question_said(self) -> str:
        """The question, in the language spoken; in English where it is not there in Norwegian.

        Examples
        --------
        >>> from bayes_sf.catalogue import speaking
        >>> with speaking("nb"):
        ...     load_analysis("null").question_said
        'Hvor mye av variasjonen i sykefravær ligger mellom bransjer?'
        """
        return (labels_language() == "nb" and self.question_nb) or self.question


#: Keys that are a model's own, and those of them that list columns: each model takes its share.
_PLAIN = (
    "group", "min_quarters", "likelihood", "resid_by_group", "repeats", "known_se",
    "missing",
)  # fmt: skip
#: What a formula says itself.
_SAID = ("outcomes", "items", "controls", "group", "joint", "likelihood", "resid_by_group",
         "repeats", "known_se", "missing")  # fmt: skip
_PER_MODEL = ("standardize", "categorical", "within_between", "monotonic", "varying")


def analysis_names() -> tuple[str, ...]:
    """Names of the analyses of the study in use: files that travel with the package, or its own."""
    own = load_codebook().analyses
    if own is not None:
        return tuple(own)
    return tuple(sorted(path.stem for path in models_dir().glob("*.toml")))


def load_analysis(name: str | Path) -> Analysis:
    """Read an analysis file and expand it into one `ModelSpec` per item and outcome.

    Parameters
    ----------
    name : str or pathlib.Path
        ``bivariate`` for `models/bivariate.toml`, or the path of a TOML file.

    Raises
    ------
    SpecError
        For a name that is no analysis, a file that is no TOML, an unknown key, a value of the
        wrong kind, an outcome that is not known.
    """
    from bayes_sf.spec.schema import AnalysisTable, read_priors  # pydantic is slow to import

    own = load_codebook().analyses
    if own is not None:
        stated = own.get(str(name), Stated(str(name)))
        if isinstance(stated, Stated) and "~" in stated.formula:
            return _of_formula(str(name), stated)
    path = _find(name)
    where = path.name
    table = checked(AnalysisTable, read_toml(path), f"{where}: ", " of an analysis file")
    _check_formula(table, where)
    _check_values(table, where)
    _check_items(table, where)
    priors = read_priors(table.priors, where)
    _check_statements(table, where)
    try:
        specs = tuple(_expand(table, priors))
    except SpecError as error:
        raise SpecError(
            f"{where}: {error.where}", error.rule, got=error.got, fix=error.fix
        ) from None
    written = specs[0] if specs[0].formula else None
    return Analysis(path.stem, table.question, specs, str(path), table.question_nb, written)


def _expand(table: "AnalysisTable", priors: Priors) -> Iterator[ModelSpec]:
    """One specification per outcome and item, or per outcome where the items are joint."""
    if table.formula:
        published = next(iter(table.tables.values()), "")
        spec = ModelSpec.from_formula(
            table.formula, priors=priors, min_quarters=table.min_quarters, table=published,
            missing="drop",
        )  # fmt: skip
        yield _as_sampled(spec)
        return
    items, controls = table.items, table.controls
    models = [(items[0] if len(items) == 1 else "joint", items)] if table.joint else [
        (item, [item]) for item in items
    ]  # fmt: skip
    options: dict[str, Any] = {key: getattr(table, key) for key in _PLAIN}
    if "group" not in table.model_fields_set:
        options["group"] = load_codebook().group
    for outcome, (name, chosen) in product(table.outcomes, models or [("null", [])]):
        predictors = (*chosen, *controls)
        for key in _PER_MODEL:
            options[key] = tuple(p for p in predictors if p in getattr(table, key))
        yield ModelSpec(
            outcome=outcome,
            predictors=predictors,
            name=name,
            priors=priors,
            table=table.tables.get(outcome, ""),
            nested=_asked_of_some(predictors) if table.joint else (),
            **options,
        )


def _as_sampled(spec: ModelSpec) -> ModelSpec:
    """A model with one slope that varies as fields say it: they are sampled."""
    return replace(spec, formula="") if spec.varying else spec


def _of_formula(name: str, stated: Stated) -> Analysis:
    """An analysis of a study of one's own that is one formula, of its file or of the call."""
    formula = stated.formula
    where = "formula" if name == formula else f"study.toml: analyses.{name}"
    _check_columns(formula, _known(), "" if name == formula else where)
    outcome, known = _response(formula), load_codebook().outcomes
    if outcome not in known:
        fix = closest(outcome, known) or f"known: {', '.join(known)}"
        if outcome in _known():
            fix = f"put it under [outcomes] of study.toml instead of [items]; {fix}"
        raise SpecError(
            where, "must have an outcome of the study on its left", got=outcome, fix=fix
        )
    try:
        spec = ModelSpec.from_formula(formula, family=stated.family, missing="drop")
    except SpecError as error:
        said = error.rule if error.where == where else f"{error.where}: {error.rule}"
        raise SpecError(where, said, got=error.got, fix=error.fix) from None
    if not spec.formula and spec.group != load_codebook().group:
        rule = f"must have groups of the study's column, {load_codebook().group}"
        fix = "name another in [group] of study.toml, or have sf.fit of a data frame in Python"
        raise SpecError(where, rule, got=spec.group, fix=fix)
    spec = replace(spec, name=name)
    question = stated.question_en or formula
    return Analysis(
        name, question, (_as_sampled(spec),), where, stated.question_nb or question,
        spec if spec.formula else None,
    )  # fmt: skip


def told_apart(analyses: Sequence[Analysis]) -> list[Analysis]:
    """Give models of one name and outcome, of several analyses, names that tell them apart.

    Parameters
    ----------
    analyses : sequence of Analysis

    Examples
    --------
    >>> one, two = (Analysis(name, "?", (ModelSpec("y", ("x",), "g"),)) for name in ("x", "b"))
    >>> [spec.name for each in told_apart([one, two]) for spec in each.specs]
    ['x', 'x (b)']
    """
    often = Counter(spec.key for analysis in analyses for spec in analysis.specs)
    return [
        replace(analysis, specs=tuple(
            replace(spec, name=f"{spec.name} ({analysis.name})")
            if often[spec.key] > 1 and spec.name != analysis.name else spec
            for spec in analysis.specs
        ))
        for analysis in analyses
    ]  # fmt: skip


def _asked_of_some(predictors: tuple[str, ...]) -> tuple[str, ...]:
    """Items with a filter question: together with others they would leave few workplaces."""
    book = load_codebook()
    return tuple(p for p in predictors if p in book.items and book.item(p).asked_if is not None)


def _find(name: str | Path) -> Path:
    """Path of an analysis file, or an error that says which names there are."""
    if not isinstance(name, str | Path):
        raise SpecError("analysis", "must be a name or a path", got=name)
    stated = (load_codebook().analyses or {}).get(str(name))
    path = stated if isinstance(stated, Path) else Path(name)
    if path.suffix == ".toml" or path.parent != Path():
        if not path.is_file():
            raise SpecError(str(path), "must be an analysis file (TOML)", got="no such file")
        return path
    known = analysis_names()
    if str(name) in known:
        return models_dir() / f"{name}.toml"
    formula = () if load_codebook().analyses is None else ("a formula",)
    raise SpecError(
        "analysis",
        f"must be one of {', '.join((*known, *formula))}, or the path of a .toml file",
        got=str(name),
        fix=closest(str(name), known),
    )


def _check_formula(table: "AnalysisTable", where: str) -> None:
    """A formula says outcome, predictors and terms; otherwise outcomes are named."""
    given = table.model_fields_set
    both = [key for key in (*_SAID, *_PER_MODEL) if table.formula and key in given]
    if both:
        rule = "is said by the formula"
        got = getattr(table, both[0])
        raise SpecError(f"{where}: {both[0]}", rule, got=got, fix="leave it out")
    if not (table.formula or table.outcomes):
        raise SpecError(f"{where}: outcomes", "must be given, as a list of outcomes")


def _check_values(table: "AnalysisTable", where: str) -> None:
    """All outcomes are known, nothing is asked twice."""
    outcomes = [_response(table.formula)] if table.formula else table.outcomes
    there = load_codebook().outcomes
    for outcome in outcomes:
        if outcome not in there:
            raise SpecError(
                f"{where}: {'formula' if table.formula else 'outcomes'}",
                f"must be among {', '.join(there)}",
                got=outcome,
                fix=closest(outcome, there),
            )
    for key in ("outcomes", "items", "controls"):
        named = getattr(table, key)
        twice = sorted({entry for entry in named if named.count(entry) > 1})
        if twice:
            raise SpecError(f"{where}: {key}", "must be named once", got=twice)
    for outcome, published in table.tables.items():
        if outcome not in outcomes or not isinstance(published, str):
            rule = "must give a table's key, as text, for outcomes of this analysis"
            raise SpecError(f"{where}: tables", rule, got={outcome: published})


def _response(formula: str) -> str:
    """Outcome of a formula as it is written."""
    return read_formula(formula).response.strip("`")


def _check_columns(formula: str, known: tuple[str, ...], where: str) -> None:
    """Every column of a formula is one that survey or register can give."""
    parsed, book = read_formula(formula), load_codebook()
    for name in parsed.columns:
        if name not in {*known, book.group, *book.outcomes}:
            rule = _a_column()
            at = f"{where}: {parsed.place(name)}" if where else parsed.place(name)
            raise SpecError(at, rule, fix=spelt(name, (*known, book.group)))


def _known() -> tuple[str, ...]:
    """Columns that a model may have as predictors, and outcomes."""
    book = load_codebook()
    items = (item.key for item in book.items.values() if item.kind != "multi")
    return (*(variable.key for variable in book.derived), *items)


def _a_column() -> str:
    """What a name must be."""
    if load_codebook().register:
        return "must name an item or a register variable of the codebook"
    return "must name an item, an outcome or the group of study.toml"


def _check_items(table: "AnalysisTable", where: str) -> None:
    """Every column is one that survey or register can give; options are about the model's own."""
    known = _known()
    if table.formula:
        _check_columns(table.formula, known, where)
    for key in ("items", "controls"):
        for name in getattr(table, key):
            if name not in known:
                rule = _a_column()
                raise SpecError(f"{where}: {key}", rule, got=name, fix=closest(name, known))
    for key in ("repeats", "known_se"):
        name = getattr(table, key)
        if name and name not in known:
            rule = _a_column().replace("an item or ", "")
            raise SpecError(f"{where}: {key}", rule, got=name, fix=closest(name, known))
    used = [*table.items, *table.controls]
    for key in _PER_MODEL:
        for name in getattr(table, key):
            if name not in used:
                rule = "must name an item or a control of this analysis"
                raise SpecError(f"{where}: {key}", rule, got=name, fix=closest(name, used))


def _check_statements(table: "AnalysisTable", where: str) -> None:
    """A step is one of a survey item as it is coded; an ICC needs one residual variance."""
    if "step_at_most" in table.priors.get("slope", {}):
        items = load_codebook().items
        other = [
            name
            for name in (*table.items, *table.controls)
            if name not in items or name in table.standardize
        ]
        if other:
            raise SpecError(
                f"{where}: priors.slope.step_at_most",
                "is about steps of survey items, and the prior of slopes is one for all predictors",
                got=other, fix="leave them out, or state a scale in sds of the predictor",
            )  # fmt: skip
    residuals = [key for key in ("resid_by_group", "repeats", "known_se") if getattr(table, key)]
    if table.likelihood != ModelSpec.likelihood:
        residuals.append("likelihood")
    if "icc_above" in table.priors.get("sd_group", {}) and residuals:
        raise SpecError(
            f"{where}: priors.sd_group.icc_above", "needs a model with one Gaussian residual sd",
            got=residuals, fix="state a scale for sd_group",
        )  # fmt: skip
