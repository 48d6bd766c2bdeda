"""What analysis and multiverse files may hold, declared once; and priors as their tables say them.

`load_analysis` and `load_multiverse` check files against these schemas, and `json_schema` writes
them for editors (``models/schema/*.json``). What only
the study's codebook knows (items, industries, tables) is checked by whoever loads the file.

Examples
--------
>>> json_schema(AnalysisTable)["required"]
['schema', 'question']
>>> print(read_priors({"sd_group": {"family": "half-normal"}}, "x.toml").sd_group)
half-normal(0, 1 sd(y))
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Final, Literal

from pydantic import Field, create_model

from bayes_sf.errors import SpecError, closest
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.own_study.header import ENTRIES, PARTS, StudyTable
from bayes_sf.inputs.schema import Name, Number, Table, Text, checked
from bayes_sf.spec.model import LIKELIHOODS, MISSING, ModelSpec
from bayes_sf.spec.prior import KEYS, LOCATION_FAMILIES, SCALE_FAMILIES, Prior
from bayes_sf.spec.priors import ALLOWED, Priors
from bayes_sf.spec.statements import (
    AT_DATA_SCALE,
    PROBABILITY,
    STATEMENTS,
    icc_prior,
    step_prior,
)

__all__ = ["OPTIONS", "AnalysisTable", "MultiverseTable", "json_schema", "read_priors"]

_Flag = Annotated[bool, Field(title="true or false")]
_Share = Annotated[float, Field(title="a number", allow_inf_nan=False)]
_Columns = Annotated[list[Name], Field(title="a list of columns")]

#: Parts of a prior and of a statement: their kind, and what they mean.
_PARTS: Final[Mapping[str, tuple[Any, str]]] = {
    "family": (Text, "Distribution."),
    "reason": (Text, "Why this prior; printed beside it."),
    "reason_nb": (Text, "The reason in Norwegian."),
    "scale": (Number, "In units of sd(y), of sd(y)/sd(x) for slopes, unless autoscale is false."),
    "df": (Number, "Degrees of freedom."),
    "shape": (Number, "Shape of the distribution, or its concentration."),
    "location": (Number, "Mean; that of the data where it is not stated."),
    "autoscale": (_Flag, "Whether the scale is a multiple of the data's spread."),
    PROBABILITY: (_Share, "Probability of what is stated, between 0 and 1."),
    "icc_above": (_Share, "The ICC is above this, between 0 and 1."),
    "step_at_most": (_Share, "One step goes with at most so much, in the outcome's unit."),
}
#: What a statement has in the place of.
_SOLVED: Final = ("scale", "autoscale", "location")


@cache
def _prior_schema(key: str) -> type[Table]:
    """Schema of a prior of one family, or of one statement: only the keys that it has."""
    needed: tuple[str, ...] = ("family",)
    others: tuple[str, ...] = ("reason", "reason_nb")
    if key in STATEMENTS:
        needed, others = (key, PROBABILITY), STATEMENTS[key][1]
    else:
        others += KEYS[key]
    parts: dict[str, Any] = {}
    for name in (*needed, *others):
        kind, meaning = _PARTS[name]
        if (name, key in KEYS) == ("family", True):
            kind = Annotated[Literal[key], Field(title="text")]
        default = ... if name in needed else None
        parts[name] = (kind, Field(default, description=meaning))
    made: type[Table] = create_model(key, __base__=Table, **parts)
    return made


def _one_of(keys: Sequence[str]) -> Any:
    """Schema of a prior of one of these families or statements."""
    return reduce(or_, map(_prior_schema, keys))


def _priors_schema() -> type[Table]:
    """Schema of ``[priors]``: of every role the families and the statement that it may have."""
    parts: dict[str, Any] = {}
    for role, families in ALLOWED.items():
        stated = [key for key, (about, _) in STATEMENTS.items() if about == role]
        parts[role] = (_one_of((*families, *stated)), None)
    named: Any = _one_of((*LOCATION_FAMILIES, *SCALE_FAMILIES[1:], "lkj"))
    parts["terms"] = (dict[str, named], None)
    made: type[Table] = create_model("priors", __base__=Table, **parts)
    return made


class AnalysisTable(Table, title="Analysis of bayes_sf"):
    """A question, and the models that answer it."""

    version: Annotated[int, Field(alias="schema", title="1", ge=1, le=1)]
    question: Annotated[Name, Field(description="What is asked, in one sentence.")]
    question_nb: Annotated[Text, Field(description="The question in Norwegian.")] = ""
    formula: Annotated[
        Text, Field(description="As in lme4, in the place of outcomes, items and options.")
    ] = ""
    outcomes: Annotated[
        list[Name],
        Field(title="a list of outcomes", min_length=1, description="Each has its models.",
              default_factory=list),
    ]  # fmt: skip
    items: Annotated[
        list[Name],
        Field(title="a list of items", description="Each has a model of its own, but for joint.",
              default_factory=list),
    ]  # fmt: skip
    controls: Annotated[_Columns, Field(description="In every model.", default_factory=list)]
    joint: Annotated[_Flag, Field(description="Whether all items are in one model.")] = False
    group: Annotated[Text, Field(description="Column of the groups.")] = ModelSpec.group
    min_quarters: Annotated[
        int, Field(title="a whole number", description="Quarters that a workplace needs.")
    ] = ModelSpec.min_quarters
    standardize: Annotated[
        _Columns, Field(description="In sds of the predictor.", default_factory=list)
    ]
    categorical: Annotated[
        _Columns, Field(description="A dummy for each answer.", default_factory=list)
    ]
    within_between: Annotated[
        _Columns,
        Field(description="Split into the group's mean, and deviations.", default_factory=list),
    ]
    monotonic: Annotated[
        _Columns, Field(description="Steps differ in size, not in sign.", default_factory=list)
    ]
    varying: Annotated[
        _Columns, Field(description="The slope varies by group.", default_factory=list)
    ]
    likelihood: Annotated[
        Text, Field(description="Of residuals.", json_schema_extra={"enum": [*LIKELIHOODS]})
    ] = ModelSpec.likelihood
    resid_by_group: Annotated[_Flag, Field(description="Every group has its residual sd.")] = False
    repeats: Annotated[
        Text, Field(description="Column: of how many measurements an outcome is the mean.")
    ] = ""
    known_se: Annotated[Text, Field(description="Column: known standard errors.")] = ""
    missing: Annotated[
        Text,
        Field(
            description="What becomes of gaps.",
            json_schema_extra={"enum": [each for each in MISSING if each]},
        ),
    ] = "drop"
    tables: Annotated[
        dict[str, Any],
        Field(title="a table", description="Outcome -> published table.", default_factory=dict),
    ]
    priors: Annotated[dict[str, Any], Field(title="a table", default_factory=dict)]


#: Choices of a multiverse and their options, where they can be listed.
OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "outcome": ("mean", "weighted mean", "median"),
    "min_quarters": (),
    "last_quarter": (),
    "controls": (),
    "dont_know": ("missing", "category", "lowest", "middle", "highest"),
    "scale": ("raw", "standardised"),
    "likelihood": ("gaussian",),
    "prior": ("2.5 sd", "flat", "1 sd", "sceptical"),
    "without": (),
}


class MultiverseTable(Table, title="Multiverse of bayes_sf"):
    """What is asked of which item; the options of its choices are checked one by one."""

    version: Annotated[int, Field(alias="schema", title="1", ge=1, le=1)]
    question: Annotated[Name, Field(description="What is asked, in one sentence.")]
    question_nb: Annotated[Text, Field(description="The question in Norwegian.")] = ""
    item: Annotated[str, Field(title="an item such as q13", description="Whose contrast it is.")]
    rope: Annotated[
        float,
        Field(title="a number above zero", gt=0, allow_inf_nan=False,
              description="Contrasts nearer to zero do not matter; in the outcome's unit."),
    ]  # fmt: skip
    choices: Annotated[
        dict[str, Any],
        Field(title="a table", description="What is not named has the report's option."),
    ]
    contrast: Annotated[
        Literal["widest", "step"], Field(title="widest or step", description="Of the item.")
    ] = "widest"


def json_schema(schema: type[Table]) -> dict[str, Any]:
    """Return a file's JSON Schema, for editors: keys, kinds, options and what they mean.

    Parameters
    ----------
    schema : type of Table
        `AnalysisTable`, `MultiverseTable`, or `StudyTable` of a study of one's own.
    """
    written = schema.model_json_schema()
    parts = written["properties"]
    if schema is StudyTable:
        for key, part in PARTS.items():
            parts[key] = part.model_json_schema() | parts[key] | {"additionalProperties": False}
        for key, entry in ENTRIES.items():
            shape: Any = entry.model_json_schema()
            shape = {"anyOf": [{"type": "string"}, shape]} if key == "analyses" else shape
            parts[key]["additionalProperties"] = shape
    elif "outcomes" in parts:
        known = {"enum": [*load_codebook().outcomes]}
        parts["outcomes"]["items"] = known | parts["outcomes"]["items"]
    if "priors" in parts:
        priors = _priors_schema().model_json_schema()
        written["$defs"] = priors.pop("$defs")
        parts["priors"] = {**priors, "description": "What is not named keeps its default."}
    if "choices" in parts:
        options: dict[str, Any] = {
            key: {"type": "array", "minItems": 1} | ({"items": {"enum": [*known]}} if known else {})
            for key, known in OPTIONS.items()
        }
        options["without"] = {"anyOf": [{"const": "each"}, options["without"]]}
        parts["choices"] |= {"properties": options, "additionalProperties": False}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_without_null(written)}


def _without_null(written: Any) -> Any:
    """Leave out defaults that TOML cannot say."""
    if isinstance(written, dict):
        return {
            key: _without_null(value) for key, value in written.items()
            if (key, value) != ("default", None)
        }  # fmt: skip
    return [_without_null(value) for value in written] if isinstance(written, list) else written


def read_priors(table: Mapping[str, object], where: str) -> Priors:
    """Read the priors of an analysis file.

    Parameters
    ----------
    table : mapping
        ``{"sd_group": {"family": "half-t", "scale": 1.0}, ...}``, or a statement instead
        (`bayes_sf.spec.statements`); what is not named keeps its default, but for ``sd_resid``
        beside a statement on the ICC: it is then `AT_DATA_SCALE`. ``terms`` is a table of such
        tables, by the name of a coefficient.
    where : str
        File, for messages.

    Raises
    ------
    SpecError
        For an unknown prior, a key that its family does not have, a value of the wrong kind, a
        statement that is about another prior, that lacks its probability or comes with a scale.
    """
    entries = _tables(table, f"{where}: priors")
    named = entries.pop("terms", {})
    for role in entries:
        if role not in ALLOWED:
            known = [*ALLOWED, "terms"]
            rule = f"is no prior (known: {', '.join(known)})"
            raise SpecError(f"{where}: priors.{role}", rule, fix=closest(role, known))
    stated = {role for role, entry in entries.items() if {*STATEMENTS, PROBABILITY} & set(entry)}
    chosen: dict[str, Any] = {
        role: _read_prior(entry, f"{where}: priors.{role}")
        for role, entry in entries.items() if role not in stated
    }  # fmt: skip
    if "icc_above" in entries.get("sd_group", {}):
        chosen.setdefault("sd_resid", AT_DATA_SCALE)
    sd_resid = chosen.get("sd_resid", Priors().sd_resid)
    for role in stated:
        chosen[role] = _read_statement(role, entries[role], f"{where}: priors.{role}", sd_resid)
    chosen["terms"] = {
        name: _read_prior(entry, f"{where}: priors.terms.{name}")
        for name, entry in _tables(named, f"{where}: priors.terms").items()
    }
    return _placed(where, "", lambda: Priors(**chosen))


def _tables(table: Mapping[str, object], where: str) -> dict[str, dict[str, Any]]:
    """Tables of a table; anything else in it is refused."""
    found = {}
    for key, entry in table.items():
        if not isinstance(entry, Mapping):
            fix = 'write { family = "half-t", ... }'
            raise SpecError(f"{where}.{key}", "must be a table", got=entry, fix=fix)
        found[key] = dict(entry)
    return found


def _read_prior(entry: dict[str, Any], where: str) -> Prior:
    """One prior from its table: only the keys that its family has."""
    families = ", ".join(KEYS)
    if "family" not in entry:
        raise SpecError(where, "must name its family", fix=f"family is one of {families}")
    family = entry["family"]
    if not isinstance(family, str) or family not in KEYS:
        fix = closest(str(family), KEYS)
        raise SpecError(f"{where}.family", f"must be one of {families}", got=family, fix=fix)
    checked(_prior_schema(family), entry, f"{where}.", f" of a {family} prior")
    return _placed(where, "prior: ", lambda: Prior(**entry))


def _read_statement(role: str, entry: dict[str, Any], where: str, sd_resid: Prior) -> Prior:
    """One prior that is stated in the domain's words, beside the prior of sd_resid."""
    said = [key for key in STATEMENTS if key in entry]
    if len(said) != 1:
        rule = f"must go with one of {', '.join(STATEMENTS)}"
        raise SpecError(f"{where}.{PROBABILITY}", rule, got=said or None)
    (key,) = said
    about = STATEMENTS[key][0]
    if about != role:
        rule = f"is a statement about {about}"
        raise SpecError(f"{where}.{key}", rule, fix=f"move it to priors.{about}")
    solved = next((name for name in entry if name in _SOLVED), None)
    if solved:
        fix = "the scale is solved for: remove it"
        raise SpecError(f"{where}.{solved}", f"is no key beside {key}", fix=fix)
    checked(_prior_schema(key), entry, f"{where}.", f" beside {key}")
    value, probability = float(entry.pop(key)), float(entry.pop(PROBABILITY))
    reason_nb = entry.pop("reason_nb", "")
    if key == "step_at_most":
        made = _placed(where, "prior: ", lambda: step_prior(value, probability, **entry))
    else:
        made = _placed(where, "prior: ", lambda: icc_prior(value, probability, sd_resid, **entry))
    return replace(made, reason_nb=reason_nb)


def _placed[T](where: str, prefix: str, make: Callable[[], T]) -> T:
    """What is made, with errors that name its place in the file."""
    try:
        return make()
    except SpecError as error:
        key = error.where.removeprefix(prefix)
        place = f"{where}.{key}" if prefix else f"{where}: {key}"
        raise SpecError(place, error.rule, got=error.got, fix=error.fix) from None
