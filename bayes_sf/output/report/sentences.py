"""Sentences of the report in Norwegian and English, from `output/report/templates/report.toml`."""

import tomllib
from functools import cache
from importlib.resources import files

from bayes_sf.inputs.variables import Language

__all__ = ["read_template", "say"]


def say(key: str, **values: object) -> str:
    """Return a text with its values put in.

    Parameters
    ----------
    key : str
        Its table in the file.
    **values
        Numbers as printed, and names.

    Examples
    --------
    >>> say("seed", "en"), say("inside", "nb", rope="0,5")
    ('Seed', 'P(innenfor ±0,5 pp)')
    """
    text = _texts()[key][lang]
    return text.format(**values) if values else text


@cache
def _texts() -> dict[str, dict[str, str]]:
    """All texts by key and language."""
    return tomllib.loads(read_template("report.toml"))


def read_template(name: str) -> str:
    """Read a file of `templates/`, which travels inside the wheel."""
    return (files("bayes_sf.output.report") / "templates" / name).read_text(encoding="utf-8")
