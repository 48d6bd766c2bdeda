"""Exported JSON Schemas say what the program accepts."""

import json
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bayes_sf.errors import SpecError
from bayes_sf.spec.prior import KEYS
from bayes_sf.spec.priors import ALLOWED
from bayes_sf.spec.schema import read_priors
from bayes_sf.spec.statements import STATEMENTS

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
FILES = sorted(MODELS.rglob("*.toml"))


def test_schemas_are_current() -> None:
    for path, written in runpy.run_path(str(ROOT / "docs" / "refresh.py"))["schemas"]().items():
        assert path.read_text(encoding="utf-8") == written, "run: uv run python docs/refresh.py"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bundled_files_name_their_schema_and_use_its_keys_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    directive, name = text.splitlines()[0].split()
    assert directive == "#:schema"
    schema = json.loads((path.parent / name).read_text(encoding="utf-8"))
    table = tomllib.loads(text)
    assert set(schema["required"]) <= set(table) <= set(schema["properties"])
    for part in {"priors", "choices"} & set(table):
        assert set(table[part]) <= set(schema["properties"][part]["properties"])


def test_the_schema_of_a_study_knows_the_keys_of_one() -> None:
    schema = json.loads((MODELS / "schema" / "study.json").read_text(encoding="utf-8"))[
        "properties"
    ]
    path = ROOT / "tests" / "own_studies" / "pupils" / "study.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(table) <= set(schema)
    for part in ("rows", "group", "disclosure"):
        assert set(table[part]) <= set(schema[part]["properties"])
        assert not schema[part]["additionalProperties"]
    for part in ("outcomes", "items"):
        known = set(schema[part]["additionalProperties"]["properties"])
        assert all(set(entry) <= known for entry in table[part].values())
    assert {"formula", "question"} <= set(
        schema["analyses"]["additionalProperties"]["anyOf"][1]["properties"]
    )


def _accepted(role: str, entry: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether an entry's keys fit one of the shapes of a role, as an editor reads them."""
    shapes = schema["properties"]["priors"]["properties"][role]
    kinds = [
        schema["$defs"][kind["$ref"].rsplit("/", 1)[1]] for kind in shapes.get("anyOf", [shapes])
    ]
    return any(
        set(kind["required"]) <= set(entry) <= set(kind["properties"])
        and entry.get("family") in {kind["properties"].get("family", {}).get("const"), None}
        for kind in kinds
    )  # fmt: skip


@pytest.mark.parametrize("role", ALLOWED)
def test_editors_accept_the_priors_that_the_reader_accepts(role: str) -> None:
    schema = json.loads((MODELS / "schema" / "analysis.json").read_text(encoding="utf-8"))
    entries: list[dict[str, Any]] = [
        {"family": family} | ({key: True if key == "autoscale" else 0.5} if key else {})
        for family in KEYS
        for key in ("", "scale", "df", "shape", "location", "autoscale", "stray")
    ]
    entries += [{key: 0.5, "probability": 0.1} for key in STATEMENTS] + [{}, {"probability": 0.1}]
    for entry in entries:
        try:
            read_priors({role: entry}, "x.toml")
            accepted = True
        except SpecError:
            accepted = False
        assert accepted == _accepted(role, entry, schema), entry
