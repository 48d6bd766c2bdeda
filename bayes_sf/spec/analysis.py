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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from bayes_sf.errors import SpecError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.toml import read_toml
from bayes_sf.inputs.variables import Language
from bayes_sf.resources import models_dir
from bayes_sf.spec.formula import read_formula
from bayes_sf.spec.model import OUTCOMES, ModelSpec
from bayes_sf.spec.prior import closest
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.statements import is_statement

__all__ = ["Analysis", "analysis_names", "load_analysis"]


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
    """

    name: str
    question: str
    specs: tuple[ModelSpec, ...]
    source: str = ""
    question_nb: str = ""

    def question_in(self, lang: Language) -> str:
        """Return the question in a language; in English where it is not there in Norwegian.

        Examples
        --------
        >>> load_analysis("null").question_in("nb")
        'Hvor mye av variasjonen i sykefravær ligger mellom bransjer?'
        """
        return (lang == "nb" and self.question_nb) or self.question


#: Keys of an analysis file: their kind, and how an error says it.
_KEYS: Mapping[str, tuple[type, str]] = {
    "schema": (int, "a whole number"),
    "question": (str, "text"),
    "question_nb": (str, "text"),
    "formula": (str, "text"),
    "outcomes": (list, "a list of outcomes"),
    "items": (list, "a list of items"),
    "controls": (list, "a list of columns"),
    "group": (str, "text"),
    "min_quarters": (int, "a whole number"),
    "standardize": (list, "a list of columns"),
    "joint": (bool, "true or false"),
    "categorical": (list, "a list of columns"),
    "within_between": (list, "a list of columns"),
    "monotonic": (list, "a list of columns"),
    "varying": (list, "a list of columns"),
    "likelihood": (str, "text"),
    "resid_by_group": (bool, "true or false"),
    "repeats": (str, "text"),
    "known_se": (str, "text"),
    "missing": (str, "text"),
    "tables": (dict, "a table"),
    "priors": (dict, "a table"),
}

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
    """Names of the analysis files that travel with the package."""
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
    path = _find(name)
    table = read_toml(path)
    _check_keys(table, path.name)
    _check_values(table, path.name)
    _check_items(table, path.name)
    _check_statements(table, path.name)
    try:
        specs = tuple(_expand(table, Priors.from_table(table.get("priors", {}), path.name)))
    except SpecError as error:
        where = error.where.removeprefix(f"{path.name}: ")
        raise SpecError(f"{path.name}: {where}", error.rule, got=error.got, fix=error.fix) from None
    question_nb = table.get("question_nb", "")
    return Analysis(path.stem, table["question"], specs, str(path), question_nb)


def _expand(table: Mapping[str, Any], priors: Priors) -> Iterator[ModelSpec]:
    """One specification per outcome and item, or per outcome where the items are joint."""
    options: dict[str, Any] = {}
    if "formula" in table:
        options["priors"] = priors
        if "min_quarters" in table:
            options["min_quarters"] = table["min_quarters"]
        options["table"] = next(iter(table.get("tables", {}).values()), "")
        spec = ModelSpec.from_formula(table["formula"], **options)
        yield replace(spec, formula="") if spec.varying else spec  # slopes, as they are sampled
        return
    items, controls = table.get("items", []), table.get("controls", [])
    models = [(items[0] if len(items) == 1 else "joint", items)] if table.get("joint") else [
        (item, [item]) for item in items
    ]  # fmt: skip
    options |= {key: table[key] for key in _PLAIN if key in table}
    for outcome, (name, chosen) in product(table["outcomes"], models or [("null", [])]):
        predictors = (*chosen, *controls)
        for key in _PER_MODEL:
            options[key] = tuple(p for p in predictors if p in table.get(key, []))
        yield ModelSpec(
            outcome=outcome,
            predictors=predictors,
            name=name,
            priors=priors,
            table=table.get("tables", {}).get(outcome, ""),
            nested=_asked_of_some(predictors) if table.get("joint") else (),
            **options,
        )


def _asked_of_some(predictors: tuple[str, ...]) -> tuple[str, ...]:
    """Items with a filter question: together with others they would leave few workplaces."""
    book = load_codebook()
    return tuple(p for p in predictors if p in book.items and book.item(p).asked_if is not None)


def _find(name: str | Path) -> Path:
    """Path of an analysis file, or an error that says which names there are."""
    if not isinstance(name, str | Path):
        raise SpecError("analysis", "must be a name or a path", got=name)
    path = Path(name)
    if path.suffix == ".toml" or path.parent != Path():
        if not path.is_file():
            raise SpecError(str(path), "must be an analysis file (TOML)", got="no such file")
        return path
    known = analysis_names()
    if str(name) in known:
        return models_dir() / f"{name}.toml"
    raise SpecError(
        "analysis",
        f"must be one of {', '.join(known)}, or the path of a .toml file",
        got=str(name),
        fix=closest(str(name), known),
    )


def _check_keys(table: Mapping[str, Any], where: str) -> None:
    """Every key known and of its kind, none missing that has no default."""
    for key, value in table.items():
        if key not in _KEYS:
            raise SpecError(
                f"{where}: {key}",
                f"is no key of an analysis file (known: {', '.join(_KEYS)})",
                fix=closest(key, _KEYS) or "remove it",
            )
        kind, said = _KEYS[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise SpecError(f"{where}: {key}", f"must be {said}", got=value)
        if isinstance(value, list) and not all(isinstance(entry, str) and entry for entry in value):
            raise SpecError(f"{where}: {key}", f"must be {said}", got=value)
    both = [key for key in (*_SAID, *_PER_MODEL) if "formula" in table and key in table]
    if both:
        rule = "is said by the formula"
        raise SpecError(f"{where}: {both[0]}", rule, got=table[both[0]], fix="leave it out")
    for key in ("schema", "question", *(() if "formula" in table else ("outcomes",))):
        if not table.get(key):
            raise SpecError(f"{where}: {key}", "must be given", got=table.get(key))


def _check_values(table: Mapping[str, Any], where: str) -> None:
    """The schema is this one, all outcomes and items are known, nothing is asked twice."""
    if table["schema"] != 1:
        raise SpecError(f"{where}: schema", "must be 1", got=table["schema"])
    outcomes = [_response(table["formula"])] if "formula" in table else table["outcomes"]
    for outcome in outcomes:
        if outcome not in OUTCOMES:
            raise SpecError(
                f"{where}: {'formula' if 'formula' in table else 'outcomes'}",
                f"must be among {', '.join(OUTCOMES)}",
                got=outcome,
                fix=closest(outcome, OUTCOMES),
            )
    for key in ("outcomes", "items", "controls"):
        twice = sorted({entry for entry in table.get(key, []) if table[key].count(entry) > 1})
        if twice:
            raise SpecError(f"{where}: {key}", "must be named once", got=twice)
    for outcome, published in table.get("tables", {}).items():
        if outcome not in outcomes or not isinstance(published, str):
            rule = "must give a table's key, as text, for outcomes of this analysis"
            raise SpecError(f"{where}: tables", rule, got={outcome: published})


def _response(formula: str) -> str:
    """Outcome of a formula as it is written."""
    return read_formula(formula).response.strip("`")


def _check_columns(formula: str, known: tuple[str, ...], where: str) -> None:
    """Every column of a formula is one that survey or register can give."""
    parsed = read_formula(formula)
    for name in parsed.columns:
        if name not in {*known, "industry", *OUTCOMES}:
            rule = "must name an item or a register variable of the codebook"
            raise SpecError(f"{where}: {parsed.place(name)}", rule, fix=closest(name, known))


def _check_items(table: Mapping[str, Any], where: str) -> None:
    """Every column is one that survey or register can give; options are about the model's own."""
    book = load_codebook()
    items = (item.key for item in book.items.values() if item.kind != "multi")
    known = (*(variable.key for variable in book.derived), *items)
    if "formula" in table:
        _check_columns(table["formula"], known, where)
    for key in ("items", "controls"):
        for name in table.get(key, []):
            if name not in known:
                rule = "must name an item or a register variable of the codebook"
                raise SpecError(f"{where}: {key}", rule, got=name, fix=closest(name, known))
    for key in ("repeats", "known_se"):
        if key in table and table[key] not in known:
            rule = "must name a register variable of the codebook"
            raise SpecError(f"{where}: {key}", rule, got=table[key], fix=closest(table[key], known))
    used = [*table.get("items", []), *table.get("controls", [])]
    for key in _PER_MODEL:
        for name in table.get(key, []):
            if name not in used:
                rule = "must name an item or a control of this analysis"
                raise SpecError(f"{where}: {key}", rule, got=name, fix=closest(name, used))


def _check_statements(table: Mapping[str, Any], where: str) -> None:
    """A step is one of a survey item as it is coded; an ICC needs one residual variance."""
    priors = {key: entry for key, entry in table.get("priors", {}).items() if is_statement(entry)}
    if "step_at_most" in priors.get("slope", {}):
        items = load_codebook().items
        other = [
            name
            for name in (*table.get("items", []), *table.get("controls", []))
            if name not in items or name in table.get("standardize", [])
        ]
        if other:
            raise SpecError(
                f"{where}: priors.slope.step_at_most",
                "is about steps of survey items, and the prior of slopes is one for all predictors",
                got=other, fix="leave them out, or state a scale in sds of the predictor",
            )  # fmt: skip
    residuals = [key for key in ("resid_by_group", "repeats", "known_se") if table.get(key)]
    if table.get("likelihood", "gaussian") != "gaussian":
        residuals.append("likelihood")
    if "icc_above" in priors.get("sd_group", {}) and residuals:
        raise SpecError(
            f"{where}: priors.sd_group.icc_above", "needs a model with one Gaussian residual sd",
            got=residuals, fix="state a scale for sd_group",
        )  # fmt: skip
