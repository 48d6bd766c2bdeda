"""Declared schemas of TOML files: shapes are checked by pydantic, and said in our own words.

A field's ``title`` says what it must be ("a list of items"), its ``description`` what it means. The
same declarations are exported as JSON Schema, by which editors complete and check files
(`bayes_sf.spec.schema`).
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bayes_sf.errors import SpecError, closest

__all__ = ["Name", "Number", "Table", "Text", "checked"]

Text = Annotated[str, Field(title="text")]
Name = Annotated[str, Field(title="text", min_length=1)]
Number = Annotated[float, Field(title="a finite number", allow_inf_nan=False)]


class Table(BaseModel):
    """A table of a TOML file: unknown keys are errors, and no value is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


def checked[T: Table](schema: type[T], table: Mapping[str, Any], where: str, what: str) -> T:
    """Return a parsed table as what its schema declares.

    Parameters
    ----------
    schema : type of Table
        What the table may hold.
    table : mapping
        Of `bayes_sf.inputs.toml.read_toml`.
    where : str
        File, and the key in it that the table stands under, for messages.
    what : str
        What an unknown key is no key of: ``of an analysis file``.

    Raises
    ------
    SpecError
        For the first key that is unknown, that is missing, or whose value is of another kind; in
        this order.
    """
    known = [field.alias or name for name, field in schema.model_fields.items()]
    for key in table:
        if key not in known:
            rule = f"is no key{what} (known: {', '.join(known)})"
            raise SpecError(f"{where}{key}", rule, fix=closest(key, known) or "remove it")
    try:
        return schema.model_validate(table)
    except ValidationError as error:
        key = str(error.errors(include_url=False, include_context=False)[0]["loc"][0])
    field = next(f for name, f in schema.model_fields.items() if key in (name, f.alias))
    if key not in table:
        raise SpecError(f"{where}{key}", f"must be given, as {field.title}")
    raise SpecError(f"{where}{key}", f"must be {field.title}", got=table[key])
