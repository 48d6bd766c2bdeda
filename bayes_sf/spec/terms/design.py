"""A model's columns for other rows than those it was fitted to: transformations keep their state.

Examples
--------
>>> import pandas as pd
>>> df = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 5.0], "x": [0.0, 1.0, 1.0, 0.0, 3.0],
...                    "g": list("aabbb")})
>>> design = Design(read_formula("y ~ scale(x) + (1 | g)"), df)
>>> rows = design.rows(pd.DataFrame({"x": [1.0], "g": ["b"]}), factors=["g"])
>>> rows.x.tolist(), rows.code[0].tolist()
([[1.0, 0.0]], [1])
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import BayesSFError, DataError, closest
from bayes_sf.spec.terms.columns import categories, frame_from, numeric
from bayes_sf.spec.terms.evaluation import evaluate, fixed_columns, values_of, varying_part
from bayes_sf.spec.terms.formula import Formula, read_formula
from bayes_sf.spec.terms.matrices import factor_levels, precisions

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.spec.model import ModelSpec

__all__ = ["Design", "NewRows", "formula_of"]


@dataclass(frozen=True, eq=False)
class NewRows:
    """Columns of n rows.

    Parameters
    ----------
    x : (n, p) array
        Of the fixed terms, in the order of the model's.
    offset : (n,) array
        Known part of the linear predictor.
    z : tuple of (n, k) arrays
        Of each factor's effects.
    code : tuple of (n,) int arrays or None
        Place of each row's level; None for factors that were not asked for.
    weights : (n,) array or None
        Precisions.
    """

    x: Floats
    offset: Floats
    z: tuple[Floats, ...]
    code: tuple[NDArray[np.intp] | None, ...]
    weights: Floats | None


@dataclass(frozen=True, eq=False)
class Design:
    """How a model's columns are made: its formula, and the rows that gave transformations a state.

    Parameters
    ----------
    formula : Formula
        Of `read_formula`.
    frame : pandas.DataFrame
        Rows that the model was fitted to.
    weights : str
        Column of precisions, "" for none.
    ordered : bool
        Whether the response is categories in order, whose thresholds stand for an intercept.
    """

    formula: Formula
    frame: "pd.DataFrame" = field(repr=False)
    weights: str = ""
    ordered: bool = False

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        """Columns of the fitted rows, as formulae saw them."""
        return {n: values_of(self.frame, n, self.formula) for n in self.formula.evaluated}

    @cached_property
    def _common(self) -> Any:
        return evaluate(self.formula.common, self._values, self.formula).common

    @cached_property
    def _varying(self) -> dict[str, list[Any]]:
        """What varies by each factor, term by term."""
        found: dict[str, list[Any]] = {}
        for term in self.formula.random:
            part = varying_part(term, self._values, self.formula)
            found.setdefault(term.factor, []).append(part)
        return found

    @cached_property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """Levels of every factor."""
        names = dict.fromkeys(term.factor for term in self.formula.random)
        return {name: factor_levels(self.frame, name, self.formula)[0] for name in names}

    def categories(self, name: str) -> tuple[Any, ...]:
        """Categories of a predictor, the reference first; none of a number.

        Parameters
        ----------
        name : str
            One of the formula's predictors.
        """
        values = self._values[name]
        if hasattr(values, "categories"):
            return tuple(values.categories)
        if name in self.formula.coded:
            return tuple(np.unique(values).tolist())
        return ()

    def parts(self, factor: str) -> tuple[str, ...]:
        """Columns that a factor is made of.

        Parameters
        ----------
        factor : str
            ``g``, or ``a:b``.
        """
        return self.formula.parts(factor)

    def read(self, new: Any, more: Collection[str] = ()) -> "pd.DataFrame":
        """Return the columns of new data that the model's predictors need, checked.

        Parameters
        ----------
        new : data frame
            Anything Narwhals reads.
        more : collection of str
            Further columns.

        Raises
        ------
        DataError
            For a column that is not there, a gap, a category that the fitted rows do not have.
        """
        import pandas as pd

        needed = list(dict.fromkeys([*self.formula.predictors, *more]))
        if not needed:  # an intercept alone: as many rows as there are
            return pd.DataFrame(index=range(len(new)))
        try:
            return frame_from(new, needed)
        except DataError as error:
            raise _said_of_new(error, new) from None

    def rows(self, new: Any, *, factors: Collection[str] = (), weighted: bool = False) -> NewRows:
        """Columns of new data.

        Parameters
        ----------
        new : data frame
            With the predictors' columns; the response is not needed.
        factors : collection of str
            Factors whose levels are looked up.
        weighted : bool
            Whether precisions are needed.

        Raises
        ------
        DataError
            For a column that is not there, a gap, a category or level that the fitted rows do not
            have, values outside of what a term can take.
        """
        more = [part for factor in factors for part in self.parts(factor)]
        frame = self.read(new, [*more, *([self.weights] if weighted and self.weights else [])])
        values = _frame(
            {n: self._new_values(frame, n) for n in self.formula.predictors}, len(frame)
        )
        _, x, offset = fixed_columns(_again(self._common, values), len(frame))
        x = x[:, 1:] if self.ordered else x
        z = [
            np.column_stack([fixed_columns(_again(p, values), len(frame))[1] for p in parts])
            for parts in self._varying.values()
        ]
        code = [self._code(frame, f) if f in factors else None for f in self._varying]
        return NewRows(
            x, offset, tuple(z), tuple(code),
            precisions(frame, self.weights) if weighted else None,
        )  # fmt: skip

    def _new_values(self, frame: "pd.DataFrame", name: str) -> Any:
        """One column of new rows, of the kind that it had."""
        import pandas as pd

        known = self.categories(name)
        if not known:
            return numeric(frame, name)
        if hasattr(self._values[name], "categories"):
            labels = [str(value) for value in frame[name]]
        else:
            labels = numeric(frame, name).tolist()
        if frame[name].isna().any():
            categories(frame, name)  # which says where the gap is
        for label in dict.fromkeys(labels):
            if label not in known:
                raise DataError(
                    f"new data: column {name!r}", "must hold categories of the fitted rows",
                    got=label, fix=_instead(str(label), map(str, known)),
                )  # fmt: skip
        if hasattr(self._values[name], "categories"):
            return pd.Categorical(labels, categories=list(known), ordered=True)
        return np.asarray(labels).astype(self._values[name].dtype)

    def _code(self, frame: "pd.DataFrame", factor: str) -> NDArray[np.intp]:
        """Place of each row's level."""
        known = {level: place for place, level in enumerate(self.levels[factor])}
        levels, code = factor_levels(frame, factor, self.formula)
        for level in levels:
            if level not in known:
                fix = _instead(level, known) + "; or ask for groups='new' or 'none'"
                raise DataError(
                    f"new data: factor {factor!r}", "must have levels of the fitted rows",
                    got=level, fix=fix,
                )  # fmt: skip
        return np.array([known[level] for level in levels], dtype=np.intp)[code]


def _frame(values: Mapping[str, Any], rows: int) -> "pd.DataFrame":
    """Columns as a frame, that has its rows even without any."""
    import pandas as pd

    return pd.DataFrame(dict(values), index=range(rows))


def _again(part: Any, values: "pd.DataFrame") -> Any:
    """A part of a formula on other rows."""
    if part is None:
        return None
    try:
        return part.evaluate_new_data(values)
    except BayesSFError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a term raises
        said = " ".join(str(error).split()) or type(error).__name__
        raise DataError("new data", f"must be what the terms can take: {said}") from None


def _said_of_new(error: DataError, new: Any) -> DataError:
    """Say that it is about new data, and which column may be meant."""
    import narwhals as nw

    fix = error.fix
    if error.rule == "is not in the data":
        name = error.where.removeprefix("column ").strip("'\"")
        known = map(str, nw.from_native(new).collect_schema().names())
        fix = closest(name, known) or "add it: the model has it"
        return DataError(f"new data: {error.where}", "must be there", fix=fix)
    where = "new data" if error.where == "data" else f"new data: {error.where}"
    return DataError(where, error.rule, got=error.got, fix=fix)


def _instead(name: str, known: "Collection[str] | Iterator[str]") -> str:
    """What may have been meant, or what there is."""
    names = list(known)
    some = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return closest(name, names) or f"there are {some}"


def formula_of(spec: "ModelSpec", frame: "pd.DataFrame") -> Formula:
    """A random-intercept model's formula, whose columns are those of its `Rows`.

    Parameters
    ----------
    spec : ModelSpec
        With predictors as columns, categorical or standardised.
    frame : pandas.DataFrame
        Its rows: text needs no C().

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.spec.model import ModelSpec
    >>> formula_of(ModelSpec("y", ("x", "z"), group="g", standardize=("z",)), pd.DataFrame(
    ...     {"y": [1.0], "x": [1.0], "z": [2.0], "g": ["a"]})).text
    'y ~ 1 + x + scale(z) + (1 | g)'
    """
    from bayes_sf.spec.terms.columns import is_category

    def said(name: str) -> str:
        return name if name.isidentifier() and name.isascii() else f"`{name}`"

    terms = ["1"]
    for name in spec.predictors:
        wrap = "{}"
        if name in spec.standardize:
            wrap = "scale({})"
        elif name in spec.categorical and not is_category(frame, name):
            wrap = "C({})"
        terms.append(wrap.format(said(name)))
    left = " + ".join(["1", *(said(name) for name in spec.varying)])
    return read_formula(
        f"{said(spec.outcome)} ~ {' + '.join(terms)} + ({left} | {said(spec.group)})"
    )
