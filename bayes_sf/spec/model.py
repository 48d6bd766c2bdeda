"""What is asked: one model (`ModelSpec`), and one analysis file (`Analysis`) of many.

An analysis file is TOML under `models/`. It names outcomes, the items that each get a model of
their own, controls, the group, the sample rule, priors with reasons, and the published table that
it answers. Unknown keys are errors.

Examples
--------
>>> analysis = load_analysis("null")
>>> [spec.key for spec in analysis.specs]
[('null', 'absence_mean'), ('null', 'absence_change')]
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import product
from pathlib import Path
from typing import Any

from bayes_sf.errors import SpecError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.resources import models_dir
from bayes_sf.spec.priors import Priors

__all__ = ["OUTCOMES", "Analysis", "ModelSpec", "analysis_names", "load_analysis"]

#: Outcomes that survey and register give, with their units.
OUTCOMES: Mapping[str, str] = {
    "absence_mean": "pp",
    "absence_change": "pp",
    "absence_trend": "tau-b",
}


@dataclass(frozen=True)
class ModelSpec:
    """One Gaussian random-intercept model: outcome ~ 1 + predictors + (1 | group).

    Parameters
    ----------
    outcome : str
        Column of the outcome.
    predictors : tuple of str
        Columns of the predictors; categorical ones become dummies ``x[level]``.
    group : str
        Column of the grouping factor.
    name : str
        Short name of the model; by default the first predictor, or ``null``.
    unit : str
        Unit of the outcome, printed with every estimate.
    priors : Priors
        Priors of the Bayesian engines.
    min_quarters : int
        Sample rule: a workplace needs this many observed quarters.
    standardize : tuple of str
        Predictors that are centred and divided by their sd over the model's rows.
    table : str
        Key of the published table that this model answers, or "".

    Raises
    ------
    SpecError
        For names that are empty or used twice.
    """

    outcome: str
    predictors: tuple[str, ...] = ()
    group: str = "industry"
    name: str = ""
    unit: str = ""
    priors: Priors = field(default_factory=Priors)
    min_quarters: int = 3
    standardize: tuple[str, ...] = ()
    table: str = ""

    def __post_init__(self) -> None:
        """Check names; fill in the default name and unit."""
        for key in ("predictors", "standardize"):
            if isinstance(getattr(self, key), str):
                rule = "must be a list of columns"
                raise SpecError(f"model: {key}", rule, got=getattr(self, key))
        object.__setattr__(self, "predictors", tuple(self.predictors))
        object.__setattr__(self, "standardize", tuple(self.standardize))
        names = (self.outcome, *self.predictors, self.group)
        for value in names:
            if not isinstance(value, str) or not value:
                raise SpecError("model", "columns are named by text", got=value)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            rule = "outcome, predictors and group must be different columns"
            raise SpecError("model", rule, got=twice)
        stray = sorted(set(self.standardize) - set(self.predictors))
        if stray:
            raise SpecError("model: standardize", "must name predictors of the model", got=stray)
        if not isinstance(self.min_quarters, int) or self.min_quarters < 1:
            rule = "must be a whole number of at least 1"
            raise SpecError("model: min_quarters", rule, got=self.min_quarters)
        if not self.name:
            object.__setattr__(self, "name", (*self.predictors, "null")[0])
        if not self.unit:
            object.__setattr__(self, "unit", OUTCOMES.get(self.outcome, ""))

    @property
    def key(self) -> tuple[str, str]:
        """(name, outcome): how a result is found among many."""
        return (self.name, self.outcome)

    @property
    def digest(self) -> str:
        """Short fingerprint of everything the specification says."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


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
    """

    name: str
    question: str
    specs: tuple[ModelSpec, ...]
    source: str = ""


#: Keys of an analysis file: their kind, and how an error says it.
_KEYS: Mapping[str, tuple[type, str]] = {
    "schema": (int, "a whole number"),
    "question": (str, "text"),
    "outcomes": (list, "a list of outcomes"),
    "items": (list, "a list of items"),
    "controls": (list, "a list of columns"),
    "group": (str, "text"),
    "min_quarters": (int, "a whole number"),
    "standardize": (list, "a list of columns"),
    "tables": (dict, "a table"),
    "priors": (dict, "a table"),
}


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
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(path.name, "must be valid TOML in UTF-8", got=str(error)) from None
    _check_keys(table, path.name)
    _check_values(table, path.name)
    _check_items(table, path.name)
    priors = Priors.from_table(table.get("priors", {}), path.name)
    controls = table.get("controls", [])
    specs = []
    for outcome, item in product(table["outcomes"], table.get("items") or [None]):
        try:
            spec = ModelSpec(
                outcome=outcome,
                predictors=(*([item] if item else []), *controls),
                group=table.get("group", "industry"),
                name=item or "null",
                priors=priors,
                min_quarters=table.get("min_quarters", 3),
                standardize=table.get("standardize", ()),
                table=table.get("tables", {}).get(outcome, ""),
            )
        except SpecError as error:
            raise SpecError(f"{path.name}: {error.where}", error.rule, got=error.got) from None
        specs.append(spec)
    return Analysis(path.stem, table["question"], tuple(specs), str(path))


def _find(name: str | Path) -> Path:
    """Path of an analysis file, or an error that says which names there are."""
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
        fix=_closest(str(name), known),
    )


def _check_keys(table: Mapping[str, Any], where: str) -> None:
    """Every key known and of its kind, none missing that has no default."""
    for key, value in table.items():
        if key not in _KEYS:
            raise SpecError(
                f"{where}: {key}",
                f"is no key of an analysis file (known: {', '.join(_KEYS)})",
                fix=_closest(key, _KEYS) or "remove it",
            )
        kind, said = _KEYS[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise SpecError(f"{where}: {key}", f"must be {said}", got=value)
        if isinstance(value, list) and not all(isinstance(entry, str) and entry for entry in value):
            raise SpecError(f"{where}: {key}", f"must be {said}", got=value)
    for key in ("schema", "question", "outcomes"):
        if not table.get(key):
            raise SpecError(f"{where}: {key}", "must be given", got=table.get(key))


def _check_values(table: Mapping[str, Any], where: str) -> None:
    """The schema is this one, all outcomes and items are known, nothing is asked twice."""
    if table["schema"] != 1:
        raise SpecError(f"{where}: schema", "must be 1", got=table["schema"])
    for outcome in table["outcomes"]:
        if outcome not in OUTCOMES:
            raise SpecError(
                f"{where}: outcomes",
                f"must be among {', '.join(OUTCOMES)}",
                got=outcome,
                fix=_closest(outcome, OUTCOMES),
            )
    for key in ("outcomes", "items", "controls"):
        twice = sorted({entry for entry in table.get(key, []) if table[key].count(entry) > 1})
        if twice:
            raise SpecError(f"{where}: {key}", "must be named once", got=twice)
    for outcome, published in table.get("tables", {}).items():
        if outcome not in table["outcomes"] or not isinstance(published, str):
            rule = "must give a table's key, as text, for outcomes of this analysis"
            raise SpecError(f"{where}: tables", rule, got={outcome: published})


def _check_items(table: Mapping[str, Any], where: str) -> None:
    """Every item and control is a column that survey or register can give."""
    book = load_codebook()
    items = (item.key for item in book.items.values() if item.kind != "multi")
    known = (*(variable.key for variable in book.derived), *items)
    for key in ("items", "controls"):
        for name in table.get(key, []):
            if name not in known:
                rule = "must name an item or a register variable of the codebook"
                raise SpecError(f"{where}: {key}", rule, got=name, fix=_closest(name, known))


def _closest(name: str, known: Iterable[str]) -> str:
    """Suggest what an unknown name may have been meant as."""
    close = get_close_matches(name, tuple(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""
