"""Rows that a question is about, and what its answers are averaged over.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2.0], "g": list("aaabbb")})
>>> result = fit("y ~ x + (1 | g)", df)
>>> grid = Grid.of(result, design_of(result), None, by=["g"], at={"x": [0, 1]})
>>> len(grid.frame), grid.index.tolist(), grid.average.shape
(12, [(0, 'a'), (0, 'b'), (1, 'a'), (1, 'b')], (4, 12))
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.asked import check_result
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.mixed.fit import of_rows
from bayes_sf.engines.result import Result
from bayes_sf.errors import DataError, UsageError, closest
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.family import family_of
from bayes_sf.spec.terms.columns import frame_from, numeric
from bayes_sf.spec.terms.design import Design, NewRows, formula_of
from bayes_sf.spec.terms.matrices import Matrices

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "GROUPS", "Grid", "check_single", "columns_of", "design_of",
    "groups_by_factor", "loading_of", "matrices_of_result", "named", "texts",
]  # fmt: skip


#: What becomes of random effects: those of the row's level, one never seen, or none.
GROUPS = ("known", "new", "none")


def check_single(what: str, result: Result) -> None:
    """Refuse a result of completed data sets, where one data set is asked about.

    Parameters
    ----------
    what : str
        Which function asks.
    result : Result

    Raises
    ------
    UsageError
        For completed sets: the first of them is not all of them.
    """
    check_result(result)
    if result.provenance.source == "sets":
        rule, fix = "is not pooled over completed sets", "ask it of the fit of each set"
        raise UsageError(what, rule, got=str(result.provenance.sets), fix=fix)


def design_of(result: Result) -> Design:
    """How the columns of a result's model are made.

    Parameters
    ----------
    result : Result
        Fitted to a data frame in this session.

    Raises
    ------
    UsageError
        Where no rows are known, or they are a study's; for predictors that have no formula.
    """
    check_result(result)
    where = f"model {result.spec.name!r}"
    if result.provenance.source != "frame":
        raise UsageError(
            where, "answers this of data frames only", got=f"data: {result.provenance.source}",
            fix="see its estimates; the commands say what may leave of a study",
        )  # fmt: skip
    matrices = getattr(result, "matrices", None)
    frame = matrices.frame if matrices is not None else getattr(result.data, "frame", None)
    if frame is None:
        raise UsageError(
            where, "must have been fitted to a data frame, whose rows it asks for",
            fix="fit it to the data frame itself, in this session",
        )  # fmt: skip
    spec = result.spec
    for key in ("within_between", "monotonic", "known_se", "repeats"):
        if getattr(spec, key):
            raise UsageError(
                where, f"has no predictions: new rows are not built for {key}",
                got=getattr(spec, key), fix="see its estimates",
            )  # fmt: skip
    formula = spec.parsed if spec.formula else formula_of(spec, frame)
    return Design(formula, frame, spec.weights, family_of(spec.family).ordered)


def matrices_of_result(result: Result) -> Matrices:
    """Design matrices of a result's rows.

    Parameters
    ----------
    result : Result
        With rows.
    """
    found: Matrices | None = getattr(result, "matrices", None)
    return of_rows(result.data) if found is None else found  # type: ignore[arg-type]


def texts(what: str, given: object) -> list[str]:
    """One text, or a list of them, as a list.

    Parameters
    ----------
    what : str
        Argument, for messages.
    given : object
        What was given.

    Raises
    ------
    UsageError
        For anything else.
    """
    if isinstance(given, str):
        return [given]
    found: list[Any] = list(given) if isinstance(given, Iterable) else [given]
    for each in found:
        if not isinstance(each, str):
            raise UsageError(what, "must be text, or a list of texts", got=each)
    return found


def named(what: str, given: str | Iterable[str], known: Sequence[str]) -> list[str]:
    """Columns that a user names, one or several.

    Parameters
    ----------
    what : str
        Argument, for messages.
    given : str or iterable of str
    known : sequence of str
        Columns that there are.

    Raises
    ------
    UsageError
        For one that is not there.
    """
    names = texts(what, given)
    for name in names:
        if name not in known:
            there = ", ".join(dict.fromkeys(known))
            fix = closest(str(name), known) or f"there are {there}"
            raise UsageError(what, "must name columns of the model", got=name, fix=fix)
    return names


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows, and how answers to them are averaged; made by `Grid.of`.

    Parameters
    ----------
    design : Design
        The model's.
    frame : pandas.DataFrame
        Rows, one set of them for every combination of `at`.
    index : pandas.Index
        Of the answers.
    average : (r, n) sparse matrix or None
        Answers from rows; None for an answer to each row.
    """

    design: Design
    frame: "pd.DataFrame" = field(repr=False)
    index: "pd.Index[Any]" = field(repr=False)
    average: Any = field(repr=False)

    @classmethod
    def of(
        cls,
        result: Result,
        design: Design,
        new: Any,
        *,
        by: str | Iterable[str] = (),
        at: Mapping[str, Any] | None = None,
        average: bool = True,
        more: Sequence[str] = (),
        counts: str = "",
    ) -> "Grid":
        """Lay out rows.

        Parameters
        ----------
        result : Result
        design : Design
            Its own.
        new : data frame or None
            Rows; those that were fitted by default.
        by : str or list of str
            Columns in whose values answers are averaged.
        at : mapping
            Values, one or several, that every row gets.
        average : bool
            Whether answers are averaged at all.
        more : sequence of str
            Further columns that are needed.
        counts : str
            Column of `new`: how many each row stands for in averages.
        """
        import pandas as pd

        if isinstance(new, AnalysisSample):
            raise UsageError("new data", "must be a data frame", got=type(new).__name__)
        formula = design.formula
        if at is not None and not isinstance(at, Mapping):
            rule = "must say which column gets which values"
            raise UsageError("at", rule, got=at, fix='write at={"x": [0, 1]}')
        given = {} if at is None else dict(at)
        named("at", given, formula.predictors)
        split = named("by", by, [*formula.predictors, *_parts(design)])
        clash = sorted(set(split) & set(given))
        if clash:
            raise UsageError("by", "must be other columns than those of at", got=clash)
        if not average and (split or given):
            rule = "averages, which average=False forbids"
            raise UsageError("by and at", rule, got=[*split, *given])
        factors = [*more, *split]
        if new is None:
            frame = design.frame
        else:
            absent = [n for n in formula.predictors if n not in given]
            frame = _read(design, new, [*absent, *factors])
        rows = len(frame)
        sets = list(product(*(_several(value) for value in given.values())))
        whole = frame
        if given:
            whole = pd.concat(
                [frame.assign(**dict(zip(given, values, strict=True))) for values in sets],
                ignore_index=True,
            )
        if not average:
            own = new.index if isinstance(new, pd.DataFrame) else pd.RangeIndex(rows)
            return cls(design, whole, own, None)
        own_counts = matrices_of_result(result).counts if new is None else None
        weight = np.ones(rows) if own_counts is None else own_counts
        if counts:
            weight = _population(new, counts)
        return cls(design, whole, *_averaged(frame, weight, given, sets, split))

    def assigned(self, **columns: Any) -> "pd.DataFrame":
        """Return the rows with other values."""
        return self.frame.assign(**columns)


def _parts(design: Design) -> list[str]:
    """Columns that factors are made of."""
    return [part for factor in design.levels for part in design.parts(factor)]


def _read(design: Design, new: Any, names: Sequence[str]) -> "pd.DataFrame":
    """Columns of new data, with what may be meant where one is not there."""
    import pandas as pd

    if not names:
        return pd.DataFrame(index=range(len(new)))
    try:
        return frame_from(new, names)
    except DataError:
        design.read(new, names)  # says it of new data
        raise


def _population(new: Any, name: str) -> Floats:
    """How many each row stands for."""
    found = numeric(frame_from(new, [name]), name)
    if (found < 0).any() or not found.sum() > 0:
        got = "negative ones" if (found < 0).any() else "zeros alone"
        raise DataError(f"population: column {name!r}", "must hold counts, some above 0", got=got)
    return found


def _several(value: Any) -> list[Any]:
    """One value, or each of several."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value]
    found = list(value)
    if not found:
        raise UsageError("at", "must have at least one value for each column", got=found)
    return found


def _averaged(
    frame: "pd.DataFrame",
    weight: Floats,
    given: Mapping[str, Any],
    sets: Sequence[tuple[Any, ...]],
    split: Sequence[str],
) -> tuple["pd.Index[Any]", Any]:
    """Index of the averages, and the matrix that takes them."""
    import pandas as pd
    from scipy import sparse

    rows = len(frame)
    place = np.zeros(rows, dtype=np.intp)
    keys: list[tuple[Any, ...]] = [()]
    if split:
        columns = [frame[name].reset_index(drop=True) for name in split]
        place = np.asarray(frame.groupby(columns, sort=True, observed=True).ngroup(), dtype=np.intp)
        _, first = np.unique(place, return_index=True)
        keys = [tuple(column.iloc[row] for column in columns) for row in first]
    total = np.bincount(place, weights=weight, minlength=len(keys))
    share = weight / total[place]
    target = np.concatenate([place + number * len(keys) for number in range(len(sets))])
    matrix = sparse.csr_array(
        (np.tile(share, len(sets)), (target, np.arange(rows * len(sets)))),
        shape=(len(keys) * len(sets), rows * len(sets)),
    )
    labels = [(*values, *key) for values in sets for key in keys]
    names = [*given, *split]
    if not names:
        return pd.Index(["average"]), matrix
    return pd.MultiIndex.from_tuples(labels, names=names), matrix


def groups_by_factor(design: Design, groups: str | Mapping[str, str]) -> dict[str, str]:
    """What becomes of the effects of every factor.

    Parameters
    ----------
    design : Design
    groups : str or mapping
        As in `predict`.

    Raises
    ------
    UsageError
        For a word that is not one of `GROUPS`, and a factor that is not there.
    """
    factors = list(design.levels)
    if not isinstance(groups, str | Mapping):
        raise UsageError("groups", f"must be one of {', '.join(GROUPS)}, or say it of each factor",
                         got=groups)  # fmt: skip
    asked = dict.fromkeys(factors, groups) if isinstance(groups, str) else dict(groups)
    for factor in asked:
        if factor not in factors:
            fix = closest(str(factor), factors) or f"there are {', '.join(factors)}"
            raise UsageError("groups", "must name factors of the model", got=factor, fix=fix)
    left = [factor for factor in factors if factor not in asked]
    if left:
        raise UsageError("groups", "must say of every factor what becomes of it", got=left)
    for word in asked.values():
        if word not in GROUPS:
            fix = closest(str(word), GROUPS)
            raise UsageError("groups", f"must be one of {', '.join(GROUPS)}", got=word, fix=fix)
    return {factor: str(asked[factor]) for factor in factors}


def columns_of(design: Design, words: Mapping[str, str]) -> list[str]:
    """Grouping columns that are needed.

    Parameters
    ----------
    design : Design
    words : mapping
        Of every factor one of `GROUPS`.
    """
    known = [factor for factor, word in words.items() if word == "known"]
    return [part for factor in known for part in design.parts(factor)]


def loading_of(
    design: Design, frame: "pd.DataFrame", groups: Mapping[str, str], *, noisy: bool = False
) -> Loading:
    """Linear combinations that rows are in the model.

    Parameters
    ----------
    design : Design
    frame : pandas.DataFrame
        Rows.
    groups : mapping
        Of every factor one of `GROUPS`.
    noisy : bool
        Whether a residual is added.
    """
    known = [factor for factor, word in groups.items() if word == "known"]
    rows = design.rows(frame, factors=known, weighted=noisy)
    noise = np.zeros(len(rows.x))
    if noisy:
        noise = np.ones(len(rows.x)) if rows.weights is None else 1 / rows.weights
    z = tuple(
        _spread(rows, number, len(design.levels[factor])) if word == "known" else None
        for number, (factor, word) in enumerate(groups.items())
    )
    fresh = tuple(
        rows.z[number] if word == "new" else None for number, word in enumerate(groups.values())
    )
    return Loading(rows.x, rows.offset, z, fresh, noise)


def _spread(rows: NewRows, number: int, levels: int) -> Any:
    """Columns of one factor, (n, J k), level by level."""
    from scipy import sparse

    z, code = rows.z[number], np.asarray(rows.code[number])
    n, k = z.shape
    columns = code[:, None] * k + np.arange(k)
    starts = np.arange(0, n * k + 1, k)
    return sparse.csr_array((z.ravel(), columns.ravel(), starts), shape=(n, levels * k))
