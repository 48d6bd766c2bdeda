"""The codebook's entries (items, categories, industries, register variables), and finding one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from bayes_sf.catalogue import Noun, labels_language, say
from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BEYOND",
    "INTERCEPT",
    "NOT_A_GROUP",
    "OF_DRAWS",
    "QUANTITIES",
    "Category",
    "Codebook",
    "Filter",
    "Industry",
    "Item",
    "Stated",
    "Variable",
    "can_group",
    "unknown_key",
]

INTERCEPT = "(Intercept)"
#: Quantities of every result, beside its predictors' coefficients: no column is called so.
QUANTITIES = (INTERCEPT, "sd_group", "sd_resid", "icc")
#: Those that only models beyond a Gaussian random intercept have.
BEYOND = (
    "sd_slope", "correlation", "df_resid", "sd_log_resid", "sd_repeat", "sd_slopes",
    "global_scale", "slab_scale", "r2", "local_scale", "share",
)  # fmt: skip
#: What draws have beside the grouping factor: dimensions, ArviZ's and ours, and variables.
OF_DRAWS = frozenset(
    {
        "chain", "draw", "sample", "term", "slope", "moment", "obs", "beta", "u", "u_slope",
        "sd_resid_group", "y", *QUANTITIES[1:], *BEYOND,
    }
)  # fmt: skip
#: What is said of a grouping factor whose draws could not be told from others.
NOT_A_GROUP = "must be a column that is not called as what draws have, and without /"


def can_group(name: str) -> bool:
    """Whether draws can have a dimension of a column's name.

    Parameters
    ----------
    name : str

    Examples
    --------
    >>> can_group("school"), can_group("draw"), can_group("a/b")
    (True, False, False)
    """
    return name not in OF_DRAWS and "/" not in name


def unknown_key(where: str, rule: str, got: str, keys: Iterable[str]) -> UsageError:
    """Make the error that names what is close to `got`, then everything there is."""
    known = list(keys)
    close = get_close_matches(got, known)
    near = f"did you mean {' or '.join(close)}? " if close else ""
    return UsageError(where, rule, got=got, fix=f"{near}known: {', '.join(known)}")


class Labelled:
    """What has a label in each of the study's languages."""

    __slots__ = ()
    label_nb: str
    label_en: str

    @property
    def label(self) -> str:
        """In the language that is spoken, or the one that its catalogue names in its place."""
        return self.label_nb if labels_language() == "nb" else self.label_en


@dataclass(frozen=True, slots=True)
class Category(Labelled):
    """One answer: our code, the questionnaire's, and how the report's tables print it."""

    code: int
    key: str
    label_nb: str
    label_en: str
    printed: tuple[str, ...]
    questionnaire_code: int | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Who was asked: those whose answer to `item` is one of the categories `any_of`."""

    item: str
    any_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item(Labelled):
    """A survey item, or one option of a multi-response item.

    Attributes
    ----------
    key : str
        Column of a survey file ("q13", "q14.1"); a multi-response item itself ("q14") has none.
    label_nb, label_en : str
        Short labels.
    kind : str
        "ordinal", "binary", "nominal", "multi", or "option" (0/1).
    unit : str
        What one step or code is.
    role : str
        "preventive" (a model of the report), "control", "descriptive" or "group".
    categories : tuple of Category
        Answers that count, in the order of their codes; of a multi-response item, its options.
    missing : tuple of Category
        Answers that do not: don't know, not asked.
    tables : tuple of str
        Published tables that print it.
    printed_key : str
        `question` in the published files.
    asked_if : Filter, optional
        Who was asked; everyone if None.
    reference : str, optional
        Category that models compare with.
    parent : str, optional
        The multi-response item of an option.
    printed_term : str, optional
        Its name as a term of the published models, where that is not its key.
    note : str
        Where questionnaire and tables differ.
    """

    key: str
    label_nb: str
    label_en: str
    kind: str
    unit: str
    role: str
    categories: tuple[Category, ...]
    missing: tuple[Category, ...]
    tables: tuple[str, ...]
    printed_key: str
    asked_if: Filter | None = None
    reference: str | None = None
    parent: str | None = None
    printed_term: str | None = None
    note: str = ""

    def category(self, name: str) -> Category:
        """Return the answer with this key or printed string, missing ones included.

        Raises
        ------
        UsageError
            If there is none.
        """
        answers = (*self.categories, *self.missing)
        for answer in answers:
            if name == answer.key or name in answer.printed:
                return answer
        raise unknown_key(f"item {self.key}", "no such category", name, (a.key for a in answers))


@dataclass(frozen=True, slots=True)
class Industry(Labelled):
    """One of the six groups; `printed` are its names in the report, `sn2007` its divisions."""

    key: str
    code: int
    label_nb: str
    label_en: str
    printed: tuple[str, ...]
    sn2007: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable(Labelled):
    """A register column (`column` is the register's name) or what is computed from them.

    Of a study of one's own it is a column of numbers; `spread` is then a difference worth asking
    of, `unit_nb` what its unit is called in Norwegian.
    """

    key: str
    label_nb: str
    label_en: str
    unit: str
    role: str = "descriptive"
    column: str | None = None
    printed_term: str | None = None
    spread: float | None = None
    unit_nb: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """An analysis of a study of one's own: one formula, what it asks, and of which family."""

    formula: str
    question_en: str = ""
    question_nb: str = ""
    family: str = "gaussian"


@dataclass(frozen=True, slots=True)
class Codebook:
    """All items by key, the industries in the report's order, register and derived variables.

    Of a study of one's own (`bayes_sf.inputs.own_study`) the "industries" are its groups.

    Attributes
    ----------
    group, unit : str
        Columns of a sample: the group, and what tells rows apart.
    register : tuple of Variable
        What the register has; none where there is no register: then no row has quarters.
    nouns : pair of Noun, optional
        What a row and a group are called, of a study of one's own.
    analyses : mapping, optional
        Its analyses: name -> what is stated, or path of an analysis file. None: those of `models/`.
    """

    items: Mapping[str, Item]
    industries: tuple[Industry, ...]
    register: tuple[Variable, ...]
    derived: tuple[Variable, ...]
    group: str = "industry"
    unit: str = "workplace"
    nouns: tuple[Noun, Noun] | None = None
    analyses: "Mapping[str, Stated | Path] | None" = None

    @property
    def outcomes(self) -> dict[str, str]:
        """Outcomes that survey and register give, or the study's file, with their units."""
        return {v.key: v.unit for v in self.derived if v.role == "outcome"}

    @property
    def units(self) -> str:
        """What rows are called in messages, which are in English."""
        return "workplaces" if self.nouns is None else self.nouns[0].many_en

    @property
    def groups(self) -> str:
        """What groups are called in messages."""
        return "industries" if self.nouns is None else self.nouns[1].many_en

    @property
    def preventive(self) -> tuple[str, ...]:
        """Keys of the items of the report's models, one model each and outcome."""
        wanted = (i for i in self.items.values() if i.role == "preventive" and i.kind != "multi")
        return tuple(item.key for item in wanted)

    @property
    def controls(self) -> tuple[str, ...]:
        """Keys of the control variables, in the order of table 3."""
        known: tuple[Item | Variable, ...] = (*self.derived, *self.items.values())
        return tuple(variable.key for variable in known if variable.role == "control")

    def item(self, key: str) -> Item:
        """Return an item by key.

        Raises
        ------
        UsageError
            If there is none.
        """
        if key not in self.items:
            raise unknown_key("codebook", "no such item", key, self.items)
        return self.items[key]

    def industry(self, name: str) -> Industry:
        """Return an industry by key, printed name or label.

        Raises
        ------
        UsageError
            If there is none.
        """
        for industry in self.industries:
            if name in {industry.key, industry.label_en, *industry.printed}:
                return industry
        raise unknown_key("codebook", "no such industry", name, (i.key for i in self.industries))

    def term(self, printed: str) -> str:
        """Return the model term that a published coefficient's printed term stands for.

        Raises
        ------
        UsageError
            If it is none of the codebook's.

        Examples
        --------
        >>> from bayes_sf.inputs.codebook import load_codebook
        >>> book = load_codebook()
        >>> [book.term(printed) for printed in ("Konstantledd", "Q18Nei", "q14.1", "kvinneandel")]
        ['(Intercept)', 'q18[no]', 'q14.1', 'women_share']
        """
        if printed in {"Konstantledd", INTERCEPT}:
            return INTERCEPT
        known: tuple[Item | Variable, ...] = (*self.derived, *self.items.values())
        for variable in known:
            if printed == variable.printed_term:
                return variable.key
        parts = re.fullmatch(r"(q\d+(?:[.r]\d+)?):?\s*(.*)", printed, re.IGNORECASE)
        if parts is None:
            raise UsageError("codebook", "no such published term", got=printed)
        item = self.item(parts[1].lower())
        return f"{item.key}[{item.category(parts[2]).key}]" if parts[2] else item.key

    def label(self, term: str) -> str:
        """Return the label of a variable or of a model term such as "q18[no]".

        Raises
        ------
        UsageError
            If it is none of the codebook's.

        Examples
        --------
        >>> from bayes_sf.catalogue import speaking
        >>> from bayes_sf.inputs.codebook import load_codebook
        >>> with speaking("nb"):
        ...     load_codebook().label("q18[dont_know]")
        'Har tariffavtale: vet ikke'
        """
        if term == INTERCEPT:
            return say("Intercept")
        key, _, category = term.removesuffix("]").partition("[")
        if category:
            answer = self.item(key).category(category)
            return f"{self.label(key)}: {answer.label}"
        variables = {variable.key: variable for variable in (*self.register, *self.derived)}
        return (variables.get(key) or self.item(key)).label
