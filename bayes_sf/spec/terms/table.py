"""A data frame that many models read: every column is looked at once for all of them."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from bayes_sf.spec.outcome import what_else
from bayes_sf.spec.terms.columns import code_groups, expand, frame_from, numeric
from bayes_sf.spec.terms.gaps import Gaps, drop_gaps, has_gap

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from bayes_sf.arrays import Floats

__all__ = ["Table", "Whole"]


class Whole:
    """Rows without a gap in some models' columns, and what their columns are to a model.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of `drop_gaps`.
    gaps : Gaps
        Rows that were left out.
    """

    def __init__(self, frame: "pd.DataFrame", gaps: Gaps) -> None:
        self.frame, self.gaps = frame, gaps
        self._made: dict[tuple[str, str], Any] = {}

    def numbers(self, name: str) -> "Floats":
        """A column as floats, (n,); see `columns.numeric`."""
        return self._once("numbers", name, lambda: _kept(numeric(self.frame, name)))

    def columns(self, name: str, *, coded: bool) -> "list[tuple[str, Floats]]":
        """A predictor's columns by name; see `columns.expand`."""

        def make() -> "list[tuple[str, Floats]]":
            return [(label, _kept(x)) for label, x in expand(self.frame, name, coded=coded)]

        return self._once("codes" if coded else "columns", name, make)

    def groups(self, name: str) -> "tuple[tuple[str, ...], NDArray[np.intp]]":
        """Names of the groups, and each row's place among them; see `columns.code_groups`."""
        return self._once("groups", name, lambda: code_groups(self.frame, name))

    def looks(self, name: str) -> str:
        """What an outcome is like, if not Gaussian; see `outcome.what_else`."""
        return self._once("looks", name, lambda: what_else(self.numbers(name)))

    def take(self, chosen: Any, names: Sequence[str]) -> "Whole":
        """Some rows and columns, the rows numbered from 0."""
        return Whole(self.frame[list(names)][chosen].reset_index(drop=True), self.gaps)

    def _once[Made](self, kind: str, name: str, make: Callable[[], Made]) -> Made:
        if (kind, name) not in self._made:
            self._made[kind, name] = make()
        return cast("Made", self._made[kind, name])


def _kept(values: "Floats") -> "Floats":
    """An array that several models have: none of them may change it."""
    values.flags.writeable = False
    return values


class Table:
    """A data frame, read once for models of its columns.

    Parameters
    ----------
    data : anything Narwhals reads
        One row per unit.
    names : sequence of str
        Columns of all models.

    Raises
    ------
    DataError
        Of what is read first: as `columns.frame_from`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Table(pd.DataFrame({"y": [1.0, 2.0, 4.0], "g": list("aab")}), ["y", "g"])
    >>> whole = table.whole(["y", "g"], "g")
    >>> whole.numbers("y"), whole.groups("g")[0], whole.gaps.n_dropped
    (array([1., 2., 4.]), ('a', 'b'), 0)
    """

    def __init__(self, data: "IntoFrame", names: Sequence[str]) -> None:
        self.native, self._names = data, names

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """All models' columns, with gaps."""
        return frame_from(self.native, self._names)

    @cached_property
    def _gappy(self) -> set[str]:
        return {str(name) for name in self.frame.columns if has_gap(self.frame[name]).any()}

    @cached_property
    def _all(self) -> Whole:
        """All rows, for models of columns without gaps."""
        return Whole(self.frame, Gaps(len(self.frame)))

    def whole(self, names: Iterable[str], group: str, *, missing: str = "drop") -> Whole:
        """Rows without a gap in a model's columns: models without any gap share them.

        Parameters
        ----------
        names : iterable of str
            The model's columns.
        group : str
            Its grouping factor, by which lost rows are counted.
        missing : {"drop", "error"}
            What becomes of rows with gaps.

        Raises
        ------
        DataError
            As `Gaps.check`.
        """
        mine = list(dict.fromkeys(names))
        if self._gappy.isdisjoint(mine):
            return self._all
        return Whole(*drop_gaps(self.frame[mine], [(group,)], missing=missing))
