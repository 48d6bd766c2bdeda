"""A multiverse: every combination of the choices that an analyst could have made.

Read from a TOML file such as `models/multiverse/q13.toml`: what is asked, of which item, and under
`[choices]` the options of each choice. A choice that is not named has the report's option.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from bayes_sf.catalogue import labels_language
from bayes_sf.errors import SpecError, closest
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.register.quarters import parse_quarter, quarter_name
from bayes_sf.inputs.schema import checked
from bayes_sf.inputs.toml import read_toml
from bayes_sf.resources import models_dir
from bayes_sf.spec.analysis import analysis_names, load_analysis
from bayes_sf.spec.schema import OPTIONS, MultiverseTable

__all__ = [
    "CHOICES", "NONE", "Multiverse", "load_multiverse", "multiverse_names", "report_choices",
]  # fmt: skip

#: No industry is left out.
NONE = "none"
#: Choices, and the option that the report took of each; but see `report_choices`.
CHOICES: Mapping[str, Any] = {
    "outcome": "mean",
    "min_quarters": 3,
    "last_quarter": "2020Q4",
    "controls": (),
    "dont_know": "missing",
    "scale": "raw",
    "likelihood": "gaussian",
    "prior": "2.5 sd",
    "without": NONE,
}
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
        How far the item moves, so that estimates are percentage points whatever the scale is.
    rope : float
        A contrast of less than this, in either direction, does not matter; in the outcome's unit.
    choices : mapping
        Choice -> options, in the order of `CHOICES`; ``without`` may be ``("each",)``: none, and
        every industry in turn.
    question_nb : str
        The question in Norwegian.
    """

    name: str
    question: str
    item: str
    contrast: str
    rope: float
    choices: Mapping[str, tuple[Any, ...]]
    question_nb: str = ""

    @property
    def question_said(self) -> str:
        """The question, in the language spoken; in English where it is not there in Norwegian."""
        return (labels_language() == "nb" and self.question_nb) or self.question

    @property
    def usual(self) -> dict[str, Any]:
        """The combination that others are compared with: the report's, or the first options."""
        if load_codebook().register:
            return report_choices(self.item)
        first = {key: options[0] for key, options in self.choices.items()}
        return first | {"without": NONE}

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
            options["without"] = (NONE, *groups)
        for group in options["without"]:
            if group != NONE and group not in groups:
                where = f"multiverse {self.name}: choices.without"
                book = load_codebook()
                rule = (
                    "must be an industry" if book.register else f"must be a value of {book.group}"
                )
                raise SpecError(where, rule, got=group, fix=closest(group, groups))
        count = prod(len(values) for values in options.values())
        if count > _MOST:
            rule = f"must have at most {_MOST} combinations"
            raise SpecError(f"multiverse {self.name}: choices", rule, got=count)
        return [dict(zip(options, values, strict=True)) for values in product(*options.values())]


def report_choices(item: str) -> dict[str, Any]:
    """Choose as the report did for an item and mean absence.

    Of some items "don't know" is an answer by itself; figure 5 is about workplaces with at least
    three quarters, table 46 about those with one.

    Examples
    --------
    >>> report_choices("q13")["dont_know"], report_choices("q18")["dont_know"]
    ('missing', 'category')
    """
    own = any(answer.key == "dont_know" for answer in load_codebook().item(item).categories)
    name = item if item in analysis_names() else "bivariate"
    specs = [*load_analysis(name).specs, *load_analysis("bivariate").specs]
    mean = next(s for s in specs if (s.name, s.outcome) == (item, "absence_mean"))
    return {
        **CHOICES, "dont_know": "category" if own else CHOICES["dont_know"],
        "min_quarters": mean.min_quarters,
    }  # fmt: skip


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
    path = _find(name)
    where = path.name
    table = checked(MultiverseTable, read_toml(path), f"{where}: ", " of a multiverse")
    _check_item(table.item, f"{where}: item")
    choices = _choices(table.choices, _usual(table.item, table.choices, where), where)
    if any(table.item in names for names in choices["controls"]):
        rule = "must not have the item itself"
        raise SpecError(f"{where}: choices.controls", rule, got=table.item)
    return Multiverse(
        path.stem, table.question, table.item, table.contrast, table.rope, choices,
        table.question_nb,
    )  # fmt: skip


def _usual(item: str, table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Choices that there are, with what is chosen of those that are not named."""
    book = load_codebook()
    if book.register:
        return report_choices(item)
    outcomes = table.get("outcome", [*book.outcomes])
    named = isinstance(outcomes, list) and all(name in book.outcomes for name in outcomes)
    if named and len({book.outcomes[name] for name in outcomes}) != 1:
        rule = "must name one outcome, or several in one unit"
        raise SpecError(f"{where}: choices.outcome", rule, got=outcomes)
    first = next(iter(book.outcomes))
    return {
        key: first if key == "outcome" else value
        for key, value in CHOICES.items() if key not in _OF_A_REGISTER
    }  # fmt: skip


#: Choices that a study without a register and its questionnaire does not have.
_OF_A_REGISTER = frozenset({"min_quarters", "last_quarter", "dont_know"})


def _find(name: str | Path) -> Path:
    """Path of a multiverse, or an error that says which names there are."""
    path = Path(name)
    if path.suffix == ".toml":
        return path
    if load_codebook().analyses is not None:
        raise SpecError("multiverse", "must be a .toml file", got=str(name))
    known = multiverse_names()
    if str(name) not in known:
        rule = f"must be a .toml file, or one of {', '.join(known)}"
        raise SpecError("multiverse", rule, got=str(name), fix=closest(str(name), known))
    return models_dir() / "multiverse" / f"{name}.toml"


def _choices(
    table: Mapping[str, Any], report: Mapping[str, Any], where: str
) -> dict[str, tuple[Any, ...]]:
    """Options of every choice, those of the report where none are named."""
    for key in table:
        if key not in report:
            rule = f"is no choice (known: {', '.join(report)})"
            raise SpecError(f"{where}: choices.{key}", rule, fix=closest(key, report))
    found: dict[str, tuple[Any, ...]] = {}
    for key, usual in report.items():
        found[key] = (usual,)
        if key not in table:
            continue
        place, given = f"{where}: choices.{key}", table[key]
        if (key, given) == ("without", "each"):
            given = ["each"]
        if not isinstance(given, list) or not given:
            raise SpecError(place, "must be a list of options", got=given)
        for option in given:
            _check_option(key, option, place)
        options = tuple(tuple(option) if isinstance(option, list) else option for option in given)
        if len(set(options)) < len(options):
            raise SpecError(place, "must name each option once", got=given)
        found[key] = options
    return found


def _check_option(key: str, option: Any, where: str) -> None:
    """Refuse what is no option of a choice."""
    book = load_codebook()
    known = OPTIONS[key] if book.register or key != "outcome" else tuple(book.outcomes)
    if known:
        if option not in known:
            fix = closest(str(option), known)
            if (key, option) == ("likelihood", "student"):
                fix = "it is sampled, not exact: see bayes-sf fit q13_student --engine nuts"
            raise SpecError(where, f"must be among {', '.join(known)}", got=option, fix=fix)
    elif key == "min_quarters":
        if not isinstance(option, int) or isinstance(option, bool) or not 1 <= option <= 20:
            raise SpecError(where, "must be whole numbers from 1 to 20", got=option)
    elif key == "controls":
        _check_controls(option, where)
    elif not isinstance(option, str):
        raise SpecError(where, "must be a list of text", got=option)
    elif key == "last_quarter":
        _check_quarter(option, where)


def _single_answers() -> list[str]:
    """Items that have one column: no industry, and options instead of what they are options of."""
    items = load_codebook().items.values()
    return [item.key for item in items if item.kind != "multi" and item.role != "group"]


def _check_item(name: str, where: str) -> None:
    """Refuse what is no single answer of the survey, or no item of a study of one's own."""
    book = load_codebook()
    known = _single_answers() if book.register else [*book.controls]
    if name not in known:
        rule = f"must be an item of {'the survey' if book.register else 'the study'}"
        raise SpecError(where, rule, got=name, fix=closest(name, known))


def _check_controls(names: Any, where: str) -> None:
    """Refuse what is no list of different items and register covariates."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SpecError(where, "must be a list of lists of controls", got=names)
    known = {*load_codebook().controls, *_single_answers()}
    for name in names:
        if name not in known:
            rule = "must be items of the study"
            if load_codebook().register:
                rule = "must be survey items, or women_share, senior_share, n_employees"
            raise SpecError(where, rule, got=name, fix=closest(name, known))
    if len(set(names)) < len(names):
        raise SpecError(where, "must name each control once", got=names)


def _check_quarter(text: str, where: str) -> None:
    """Refuse what is not written as quarters are here."""
    try:
        right = quarter_name(parse_quarter(text)) == text
    except ValueError:
        right = False
    if not right:
        raise SpecError(where, "must be quarters such as 2019Q4", got=text)
