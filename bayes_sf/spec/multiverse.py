"""A multiverse: every combination of the choices that an analyst could have made.

Read from a TOML file such as `models/multiverse/q13.toml`: what is asked, of which item, and under
`[choices]` the options of each choice. A choice that is not named has the report's option.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from bayes_sf.errors import SpecError
from bayes_sf.resources import models_dir
from bayes_sf.spec.prior import closest

__all__ = ["CHOICES", "Multiverse", "load_multiverse", "multiverse_names"]

#: Choices, and the option that the report took of each.
CHOICES: Mapping[str, Any] = {
    "outcome": "mean",
    "min_quarters": 3,
    "last_quarter": "2020Q4",
    "controls": (),
    "dont_know": "missing",
    "scale": "raw",
    "likelihood": "gaussian",
    "prior": "2.5 sd",
    "without": "",
}
#: Options that a choice may have, where they can be listed.
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "outcome": ("mean", "weighted mean", "median"),
    "dont_know": ("missing", "middle", "lowest"),
    "scale": ("raw", "standardised"),
    "likelihood": ("gaussian",),
    "prior": ("2.5 sd", "flat", "1 sd", "sceptical"),
}
_KEYS = ("schema", "question", "item", "contrast", "rope", "choices")
#: Beyond this a mistake is more likely than patience.
_MOST = 200_000


@dataclass(frozen=True)
class Multiverse:
    """What is asked, and the options of every choice.

    Parameters
    ----------
    name, question, item : str
        The item is one of the survey, with ordered or two answers.
    contrast : {"widest", "step"}
        How far the item moves, so that estimates are percentage points.
    rope : float
        A contrast of less than this, in either direction, does not matter; in the outcome's unit.
    choices : mapping
        Choice -> options, in the order of `CHOICES`; ``without`` may be ``("each",)``: nobody, and
        every industry in turn.
    """

    name: str
    question: str
    item: str
    contrast: str
    rope: float
    choices: Mapping[str, tuple[Any, ...]]

    def specifications(self, groups: tuple[str, ...]) -> list[dict[str, Any]]:
        """Every combination, as choice -> option.

        Parameters
        ----------
        groups : tuple of str
            Industries, for ``without = "each"``.

        Raises
        ------
        SpecError
            For an industry that is not there, or too many combinations.
        """
        options = dict(self.choices)
        if options["without"] == ("each",):
            options["without"] = ("", *groups)
        for group in options["without"]:
            if group and group not in groups:
                where = f"multiverse {self.name}: choices.without"
                raise SpecError(where, "must be an industry", got=group, fix=closest(group, groups))
        count = 1
        for values in options.values():
            count *= len(values)
        if count > _MOST:
            rule = f"must have at most {_MOST} combinations"
            raise SpecError(f"multiverse {self.name}: choices", rule, got=count)
        return [dict(zip(options, values, strict=True)) for values in product(*options.values())]


def multiverse_names() -> tuple[str, ...]:
    """Names of the multiverses that travel with the package."""
    return tuple(sorted(path.stem for path in (models_dir() / "multiverse").glob("*.toml")))


def load_multiverse(name: str | Path) -> Multiverse:
    """Read a multiverse from a file, or by the name of one that travels with the package.

    Parameters
    ----------
    name : str or path
        A name, or a file that ends with ``.toml``.

    Raises
    ------
    SpecError
        For a file, key, choice or option that is not known.

    Examples
    --------
    >>> load_multiverse("q13").item
    'q13'
    """
    path = Path(name)
    if path.suffix != ".toml":
        known = multiverse_names()
        if str(name) not in known:
            fix = closest(str(name), known)
            raise SpecError("multiverse", f"must be one of {', '.join(known)}", got=name, fix=fix)
        path = models_dir() / "multiverse" / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(str(path), "must be a TOML file", got=str(error)) from error
    where = path.name
    _only(table, _KEYS, where)
    for key, kind in (("question", str), ("item", str), ("rope", int | float), ("choices", dict)):
        if not isinstance(table.get(key), kind) or isinstance(table.get(key), bool):
            raise SpecError(f"{where}: {key}", "must be given", got=table.get(key))
    if table.get("schema") != 1:
        raise SpecError(f"{where}: schema", "must be 1", got=table.get("schema"))
    contrast = table.get("contrast", "widest")
    if contrast not in ("widest", "step"):
        raise SpecError(f"{where}: contrast", "must be widest or step", got=contrast)
    if not table["rope"] > 0:
        raise SpecError(f"{where}: rope", "must be above zero", got=table["rope"])
    choices = _choices(table["choices"], where)
    return Multiverse(
        path.stem, table["question"], table["item"], contrast, float(table["rope"]), choices
    )


def _choices(table: Mapping[str, Any], where: str) -> dict[str, tuple[Any, ...]]:
    """Options of every choice, those of the report where none are named."""
    _only(table, tuple(CHOICES), f"{where}: choices")
    found: dict[str, tuple[Any, ...]] = {}
    for key, usual in CHOICES.items():
        given = table.get(key, [usual])
        values = [given] if key == "without" and isinstance(given, str) else given
        if not isinstance(values, list) or not values:
            raise SpecError(f"{where}: choices.{key}", "must be a list of options", got=given)
        options = tuple(tuple(v) if isinstance(v, list) else v for v in values)
        if len(set(options)) < len(options):
            raise SpecError(f"{where}: choices.{key}", "must name each option once", got=given)
        for option in options:
            _check_option(key, option, f"{where}: choices.{key}")
        found[key] = options
    return found


def _check_option(key: str, option: Any, where: str) -> None:
    """Refuse what is no option of a choice."""
    if key in _KNOWN:
        if option not in _KNOWN[key]:
            fix = closest(str(option), _KNOWN[key])
            if (key, option) == ("likelihood", "student"):
                fix = "it is sampled: see bayes-sf fit q13_student"
            raise SpecError(where, f"must be {', '.join(_KNOWN[key])}", got=option, fix=fix)
    elif key == "min_quarters":
        if not isinstance(option, int) or isinstance(option, bool) or not 1 <= option <= 20:
            raise SpecError(where, "must be a whole number from 1 to 20", got=option)
    elif key == "controls":
        if not isinstance(option, tuple) or not all(isinstance(name, str) for name in option):
            raise SpecError(where, "must be a list of lists of controls", got=option)
    elif not isinstance(option, str):
        raise SpecError(where, "must be text", got=option)


def _only(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Refuse keys that are not known."""
    for key in table:
        if key not in known:
            raise SpecError(
                f"{where}: {key}", f"is no key (known: {', '.join(known)})", fix=closest(key, known)
            )
