"""Names that users give to columns and groups: what results could not tell apart is refused.

A result names its quantities (``(Intercept)``, a predictor, ``sd_group``, ``icc``, ...) in the
column ``term`` of the tidy table, a group in the column ``group`` (empty for what is no group's),
and the grouping factor as a dimension of the draws. A name of a user's that would be taken for one
of ours is refused where model and data meet (`check_names`), so that nothing behind that door needs
to ask whose a name is.

Examples
--------
>>> predictor_of("x[b]", ("x", "z")), predictor_of("a[1][b]", ("a", "a[1]"))
('x', 'a[1]')
>>> check_names(("icc",), ("a", "b"), "g")
Traceback (most recent call last):
    ...
bayes_sf.errors.DataError: predictor 'icc': must not have the name of a quantity of the result \
(known: (Intercept), sd_group, sd_resid, icc); rename the column
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from bayes_sf.errors import DataError, SpecError
from bayes_sf.inputs.variables import BEYOND, INTERCEPT, OF_DRAWS, QUANTITIES, can_group

__all__ = [
    "BEYOND", "INTERCEPT", "QUANTITIES", "can_be_written", "check_columns", "check_drawn",
    "check_keys", "check_list", "check_names", "check_terms", "predictor_of",
]  # fmt: skip


def can_be_written(name: str) -> bool:
    """Whether a name survives being written and read: no NUL character, no half of a surrogate.

    Parameters
    ----------
    name : str
        Of a column, a category or a group.
    """
    return "\0" not in name and not any("\ud800" <= letter <= "\udfff" for letter in name)


def check_list(key: str, value: object) -> tuple[str, ...]:
    """Return a list of columns as a tuple.

    Parameters
    ----------
    key : str
        What it is called.
    value : object
        What was given.

    Raises
    ------
    SpecError
        For anything but text in a list: one text is no list of its letters, a set has no order.
    """
    unlisted = isinstance(value, str | bytes | set | frozenset | Mapping)
    if unlisted or not isinstance(value, Iterable):
        raise SpecError(f"model: {key}", "must be a list of columns", got=_said(value))
    found: tuple[str, ...] = tuple(value)
    for name in found:
        if not isinstance(name, str):
            raise SpecError(f"model: {key}", "columns are named by text", got=_said(name))
    return found


def _said(value: object) -> object:
    """What was given; None in words, since an error takes it for nothing."""
    return "None" if value is None else value


def check_columns(outcome: object, predictors: Sequence[object], group: object) -> None:
    """Outcome, predictors and group are different columns, named by text.

    Parameters
    ----------
    outcome, group : object
        Names, if they are.
    predictors : sequence
        Names, if they are.

    Raises
    ------
    SpecError
        For a name that is no text, that is empty, that cannot be written, that is there twice.
    """
    names = (outcome, *predictors, group)
    for value in names:
        if not isinstance(value, str) or not value:
            raise SpecError("model", "columns are named by text", got=value)
        if not can_be_written(value):
            rule = "columns are named by text without NUL characters and halves of surrogates"
            raise SpecError("model", rule, got=value)
    twice = sorted(str(name) for name, times in Counter(names).items() if times > 1)
    if twice:
        rule = "outcome, predictors and group must be different columns"
        raise SpecError("model", rule, got=twice)


def check_keys(where: str, keys: Sequence[tuple[str, str]]) -> None:
    """Models that are found by name and outcome have each its own.

    Parameters
    ----------
    where : str
        What has the models.
    keys : sequence of (str, str)
        `ModelSpec.key` of each.

    Raises
    ------
    SpecError
        For two of one name and outcome, of which only one could be found.
    """
    twice = [key for key, times in Counter(keys).items() if times > 1]
    if twice:
        rule, fix = "must have models of different names", "give each ModelSpec(..., name=...)"
        raise SpecError(where, rule, got=twice[0], fix=fix)


def check_terms(predictors: Sequence[str], quantities: Collection[str]) -> None:
    """No predictor is called as a quantity of the result, and each is one column.

    Parameters
    ----------
    predictors : sequence of str
        Names of a model's columns beside the intercept, dummies among them.
    quantities : collection of str
        What the result names itself.

    Raises
    ------
    DataError
        For a predictor whose name is taken.
    """
    for name, times in Counter(predictors).items():
        if times > 1:
            raise DataError(
                f"predictor {name!r}", "must be one column of the model",
                got=f"{times} of that name",
                fix="rename the column whose categories or parts give that name",
            )  # fmt: skip
        if name in quantities or (len(quantities) > len(QUANTITIES) and _of_steps(name)):
            known = ", ".join(quantities)
            raise DataError(
                f"predictor {name!r}",
                f"must not have the name of a quantity of the result (known: {known})",
                fix="rename the column",
            )  # fmt: skip


def check_drawn(names: Iterable[str]) -> None:
    """Refuse names that draws cannot have: a path in their tree is written with /.

    Parameters
    ----------
    names : iterable of str
        Of variables and dimensions.

    Raises
    ------
    DataError
        For a name with /.
    """
    for name in names:
        if "/" in name:
            raise DataError(
                f"effects {name!r}", "give draws a name, which must hold no /",
                fix="make a column of what varies, under another name",
            )  # fmt: skip


def check_names(
    predictors: Sequence[str],
    groups: Sequence[str],
    group: str,
    quantities: Collection[str] = QUANTITIES,
) -> None:
    """Refuse names that a result could not tell from its own, or from each other.

    Parameters
    ----------
    predictors : sequence of str
        Names of a model's columns beside the intercept, dummies among them.
    groups : sequence of str
        Names of the groups.
    group : str
        Name of the grouping factor.
    quantities : collection of str
        What the result names itself.

    Raises
    ------
    DataError
        For a predictor, a group or a grouping factor whose name is taken.
    """
    check_terms(predictors, quantities)
    if not can_group(group):
        raise DataError(
            f"group {group!r}",
            "gives draws a dimension: its name must hold no /, and be none of "
            + ", ".join(sorted(OF_DRAWS)),
            fix="rename the column",
        )
    if not all(map(can_be_written, (*predictors, group))):
        rule = "must hold text without NUL characters and halves of surrogates"
        raise DataError("names of predictors", rule, fix="rename them")
    if not all(map(str.strip, groups)):
        raise DataError(
            f"column {group!r}", "must name a group in every row", got="an empty text",
            fix="label those rows, or drop them where the empty text stands for a missing value",
        )  # fmt: skip
    if len(set(groups)) < len(groups):
        raise DataError(f"column {group!r}", "must give every group a name of its own")


def _of_steps(name: str) -> bool:
    """Whether a name is as those of a monotonic predictor's steps."""
    return name.startswith("simplex_")


def predictor_of(term: str, predictors: Collection[str]) -> str:
    """Predictor that a term belongs to: itself, or the one that ``x[level]`` is made of.

    Parameters
    ----------
    term : str
        Of a model.
    predictors : collection of str
        Of the specification.

    Returns
    -------
    str
        The longest that fits; "" for a term that is none's.
    """
    fits = (p for p in predictors if term == p or (term.startswith(f"{p}[") and term[-1] == "]"))
    return max(fits, key=len, default="")
