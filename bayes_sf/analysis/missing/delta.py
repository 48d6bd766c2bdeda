"""Missing not at random in any study: effects when what is missing is delta from what is expected.

**A frame with gaps in the outcome** is a pattern-mixture model in closed form. Of rows without an
outcome (m_i = 1) it is taken to be what the model of the others says of their group and predictors,
plus delta; at delta 0 they are missing at random. The estimand is the coefficients of the
random-intercept regression on all rows. Given (sigma, tau), with V and X of all rows and P0 the
precision of the coefficients' prior, they move in a straight line,

    beta(delta) = beta + delta (X'V^-1 X + P0)^-1 X'V^-1 m,

so that the posterior is that of the observed rows, shifted node by node: no data set is imputed,
and there is no Monte Carlo error. The two sds stay as the observed rows give them.

**Completed data sets** of any model: the cells that were imputed are moved by delta, and every set
is fitted again (delta adjustment).

References
----------
Little (1993), Journal of the American Statistical Association 88, 125-134 (pattern mixtures);
Little & Rubin (2019), Statistical Analysis with Missing Data, 3rd ed., ch. 15; van Buuren (2018),
Flexible Imputation of Missing Data, 2nd ed., sec. 3.8 (delta adjustment).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.missing.tipping import tipping_points
from bayes_sf.arrays import Floats
from bayes_sf.engines.fit import fit
from bayes_sf.engines.gaussian.exact import ExactPosterior, fit_exact
from bayes_sf.engines.gaussian.joint import Given
from bayes_sf.engines.gaussian.likelihood import standardise
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.result import Result
from bayes_sf.engines.sets.result import PooledResult, rows_of_fit
from bayes_sf.errors import DataError, UsageError
from bayes_sf.spec.model import ModelSpec, model_of
from bayes_sf.spec.moments import INTERCEPT, Moments
from bayes_sf.spec.rows import Rows
from bayes_sf.spec.terms.columns import frame_from, numeric
from bayes_sf.spec.terms.gaps import drop_gaps, has_gap, warn_of_gaps
from bayes_sf.spec.terms.sets import Sets, are_sets, read_sets
from bayes_sf.spec.terms.sums import is_remote, open_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SHIFTED", "DeltaAdjusted", "delta_adjust", "shift_along", "shifted_rows"]


#: Columns of `DeltaAdjusted.effects`.
SHIFTED: Final = [
    "pattern", "quantity", "term", "delta", "estimate", "sd", "lower", "upper", "prob", "interval",
    "p_direction", "n_moved", "n", "n_groups", "unit",
]  # fmt: skip
#: Number of a row in a completed set, as mice has it.
_ID: Final = ".id"


@dataclass(frozen=True, eq=False)
class DeltaAdjusted:
    """Effects under every delta; made by `delta_adjust`, drawn by ``sf.plot(found, "delta")``.

    Parameters
    ----------
    effects : pandas.DataFrame
        ``pattern`` (the column `where`, or empty), ``quantity`` (the column that is moved),
        ``term``, ``delta``, ``estimate, sd, lower, upper, prob, interval, p_direction``,
        ``n_moved`` (cells), ``n``, ``n_groups``, ``unit``.
    tipping : pandas.DataFrame
        ``pattern, quantity, term, verdict_at_zero, sign, verdict``: the delta nearest to 0 at which
        an effect's sign changes, and at which its interval's verdict on 0 does; NaN for none on the
        grid. Of slopes; of the intercept where there are none.
    """

    effects: "pd.DataFrame" = field(repr=False)
    tipping: "pd.DataFrame" = field(repr=False)

    def __str__(self) -> str:
        """What is moved, and the tipping points."""
        first = self.effects.iloc[0]
        where = f" where {first['pattern']}" if first["pattern"] else ""
        tipping = self.tipping.drop(columns=["pattern", "quantity"])
        return (
            f"{first['n_moved']} missing cells of {first['quantity']}{where} moved by delta\n\n"
            f"{tipping.to_string(index=False, na_rep='not on the grid')}"
        )

    __repr__ = __str__


def delta_adjust(
    what: str | ModelSpec,
    data: Any,
    deltas: Sequence[float],
    *,
    column: str = "",
    where: str = "",
    original: Any = None,
    engine: str = "exact",
    prob: float = 0.95,
) -> DeltaAdjusted:
    """Fit a model under the assumption that what is missing is delta from what is expected.

    Parameters
    ----------
    what : str or ModelSpec
        A model. Of a frame with gaps: a Gaussian random intercept, by ``exact``. Of completed sets
        any model that `fit` takes.
    data : data frame, or completed sets
        A frame whose outcome has gaps (rows with gaps elsewhere are left out); or completed sets,
        with the incomplete original among them (``.imp`` 0) or beside (`original`).
    deltas : sequence of float
        In the unit of the column that is moved; 0 is always among them.
    column : str
        Of completed sets: the column whose imputed cells are moved; by default the outcome.
    where : str
        A column of truth values: only gaps of these rows are moved. Others stay missing at random.
    original : data frame, optional
        The incomplete original of a list of completed sets, row by row.
    engine : str
        As in `fit`; of a frame ``exact``.
    prob : float
        Probability of the intervals.

    Returns
    -------
    DeltaAdjusted
        `effects` and `tipping`.

    Raises
    ------
    UsageError
        For what cannot be moved, deltas that are no numbers, and what a route does not carry out.
    DataError
        For a column without gaps, an original with other rows, and as `fit`.

    Warns
    -----
    MissingWarning
        Where rows of a frame have gaps in predictors or group, and are left out.

    Examples
    --------
    >>> import numpy as np, pandas as pd, bayes_sf as sf
    >>> rng = np.random.default_rng(2)
    >>> df = pd.DataFrame({"x": np.arange(90) % 3, "g": np.arange(90) // 9})
    >>> df["y"] = 0.5 * df["x"] + rng.normal(size=90)
    >>> df.loc[(df["x"] == 2) & (rng.random(90) < 0.5), "y"] = np.nan
    >>> found = sf.delta_adjust("y ~ x + (1 | g)", df, [-1.0, -0.5, 0.5, 1.0])
    >>> slopes = found.effects.query("term == 'x'")
    >>> slopes["estimate"].round(2).tolist(), int(slopes["n_moved"].iloc[0])
    ([0.48, 0.63, 0.78, 0.93, 1.08], 18)
    """
    import pandas as pd

    spec = model_of("delta_adjust", what)
    asked = _Asked(spec, _grid(deltas), column or spec.outcome, where, engine, prob)
    if are_sets(data, spec.columns):
        rows = list(_of_sets(asked, read_sets(data), original))
    else:
        _check_frame(asked, original)
        rows = list(_of_frame(asked, data))  # here, so that a warning is said of the caller's line
    effects = pd.DataFrame(rows, columns=SHIFTED).sort_values(
        ["term", "delta"], key=lambda c: c if c.name == "delta" else c.map(_order(c)),
        ignore_index=True,
    )  # fmt: skip
    slopes = effects[~effects["term"].isin([INTERCEPT, *filter(_is_icc, effects["term"])])]
    tips = slopes if len(slopes) else effects[effects["term"] == INTERCEPT]
    return DeltaAdjusted(effects, tipping_points(tips))


@dataclass(frozen=True)
class _Asked:
    """What is moved by how much, and what is fitted."""

    spec: ModelSpec
    deltas: list[float]
    column: str
    where: str
    engine: str
    prob: float

    @property
    def columns(self) -> list[str]:
        """Columns that are read."""
        return [*self.spec.columns, *filter(None, [self.where])]


def _is_icc(term: str) -> bool:
    return term == "icc" or term.startswith("icc|")


def _order(terms: "pd.Series[str]") -> dict[str, int]:
    return {term: place for place, term in enumerate(dict.fromkeys(terms))}


def _grid(deltas: Sequence[float]) -> list[float]:
    """Deltas in order, 0 among them."""
    try:
        values = [float(delta) for delta in deltas]
    except (TypeError, ValueError):
        values = [np.nan]
    if not values or not np.isfinite(values).all():
        raise UsageError("deltas", "must be numbers, in the unit of what is moved", got=deltas)
    return sorted({0.0, *values})


def _check_frame(asked: _Asked, original: Any) -> None:
    """The closed form is that of a random intercept whose outcome is missing."""
    spec = asked.spec
    if original is not None:
        raise UsageError("original", "goes with completed data sets", fix="leave it out")
    if asked.column != spec.outcome:
        raise UsageError(
            "column", "must be the outcome, unless data sets are completed", got=asked.column,
            fix="complete the frame, and pass the sets",
        )  # fmt: skip
    more = [key for key in ("standardize", "within_between") if getattr(spec, key)]
    if not spec.plain or more or asked.engine != "exact":
        raise UsageError(
            f"model {spec.name!r}", "is in closed form for a Gaussian random intercept of columns "
            "as they are, by engine 'exact'", got=spec.formula or more or asked.engine,
            fix="complete the frame, and pass the sets: they take any model",
        )  # fmt: skip


# A frame with gaps in the outcome -----------------------------------------------------------------


def _of_frame(asked: _Asked, data: Any) -> Iterator[dict[str, Any]]:
    spec = asked.spec
    read = frame_from(open_table(data).to_native() if is_remote(data) else data, asked.columns)
    others = read[[name for name in spec.columns if name != spec.outcome]]
    left, gaps = drop_gaps(others, [(spec.group,)], missing=spec.missing)
    warn_of_gaps(gaps)
    whole = ~np.logical_or.reduce([has_gap(others[name]) for name in others])
    read = read[whole].reset_index(drop=True)
    gone = has_gap(read[spec.outcome])
    if not gone.any() or gone.all():
        rule = "must be missing in some rows, and observed in others"
        raise DataError(f"column {spec.outcome!r}", rule, got=f"{gone.sum()} of {len(gone)} gaps")
    outcome = np.zeros(len(read))
    outcome[~gone] = numeric(read[~gone].reset_index(drop=True), spec.outcome)
    filled = left.assign(**{spec.outcome: outcome})
    everyone = Rows.from_frame(filled, spec)
    moved = gone & _chosen(read, asked.where)
    part = fit_exact(everyone.take(~gone).moments, spec.priors)
    indicator = Moments.from_arrays(
        np.column_stack([everyone.x, moved.astype(float)]), everyone.code,
        outcome=spec.outcome, predictors=everyone.predictors, groups=everyone.groups,
        group=spec.group,
    )  # fmt: skip
    about = {
        "pattern": asked.where, "quantity": spec.outcome, "n_moved": int(moved.sum()),
        "n": everyone.n_obs, "n_groups": len(everyone.groups), "unit": spec.unit,
    }  # fmt: skip
    shifts, terms = shift_along(part, indicator), list(enumerate(part.moments.terms))
    for row in shifted_rows(part.coef, shifts, asked.deltas, terms, asked.prob):
        yield row | about


def _chosen(frame: "pd.DataFrame", where: str) -> NDArray[np.bool_]:
    """Rows whose gaps are moved."""
    if not where:
        return np.ones(len(frame), dtype=bool)
    values = numeric(frame, where)
    if not np.isin(values, (0.0, 1.0)).all():
        raise DataError(f"column {where!r}", "must be true or false", got="other values")
    return np.asarray(values == 1.0)


def shift_along(part: ExactPosterior, moved: Moments) -> Floats:
    """What one unit of delta adds to every coefficient at every node.

    Parameters
    ----------
    part : ExactPosterior
        Of the observed rows.
    moved : Moments
        Of all rows: the same predictors and, for an outcome, whether a row is moved.

    Returns
    -------
    (k, G) array
        In raw units, the intercept first; nodes as in ``part.coef``.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 4, 5, 6, 7.5], "x": [0.0, 1, 1, 0, 1, 0]})
    >>> df["g"] = list("aaabbb")
    >>> seen = Moments.from_frame(df, outcome="y", predictors=["x"], group="g")
    >>> nobody = Moments.from_arrays(
    ...     np.column_stack([df["x"], np.zeros(6)]), np.repeat([0, 1], 3), outcome="y",
    ...     predictors=("x",), groups=("a", "b"), group="g")
    >>> bool(np.abs(shift_along(fit_exact(seen), nobody)).max() < 1e-12)
    True
    """
    means = moved.means.copy()
    means[:, -1] += float(part.data.centre[-1])  # which the observed rows' standard takes away
    turned = standardise(replace(moved, means=means), like=part.data)
    given = part.grid.given
    own = Given.of(
        given.lam, turned.turned_products(given.lam), part.joint.precision,
        np.zeros(part.data.n_coef),
    )  # fmt: skip
    inner = part.data.coef_transform
    along = np.einsum("mk,zkl->mzl", inner, own.basis)
    shift = np.einsum("mzl,ztl->mzt", along, own.centre(np.exp(-2 * part.grid.t.nodes)))
    return np.asarray(shift.reshape(len(inner), -1))


def shifted_rows(
    coef: NormalMixture,
    shifts: Floats,
    deltas: Sequence[float],
    terms: Sequence[tuple[int, str]],
    prob: float,
) -> Iterator[dict[str, Any]]:
    """Yield what a posterior says of coefficients at every delta.

    Parameters
    ----------
    coef : NormalMixture
        Coefficients at delta 0, (k,).
    shifts : (k, G) array
        What one unit of delta adds to every component, as `shift_along` has it.
    deltas : sequence of float
    terms : sequence of (int, str)
        Places and names of the coefficients that are asked for.
    prob : float
        Probability of the intervals.
    """
    tails = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob]
    for delta in deltas:
        moved = NormalMixture(coef.weight, coef.means + delta * shifts, coef.sds, coef.exist)
        limits, above = moved.quantile(tails), 1 - moved.cdf(0.0)
        mean, sd = moved.mean(), moved.sd()
        for k, term in terms:
            yield {
                "term": term, "delta": float(delta), "estimate": float(mean[k]),
                "sd": float(sd[k]), "lower": float(limits[k, 0]), "upper": float(limits[k, 1]),
                "prob": prob, "interval": "credible-eti",
                "p_direction": float(max(above[k], 1 - above[k])),
            }  # fmt: skip


# Completed data sets ------------------------------------------------------------------------------


def _of_sets(asked: _Asked, sets: Sets, original: Any) -> Iterator[dict[str, Any]]:
    spec, column = asked.spec, asked.column
    incomplete = sets.original if original is None else original
    if incomplete is None:
        raise UsageError(
            "original", "must be there: it says which cells were imputed", fix="pass original=, or "
            "keep the rows with .imp 0",
        )  # fmt: skip
    if column not in spec.columns:
        rule = "must be a column of the model whose imputed cells are moved"
        raise UsageError("column", rule, got=column, fix=f"one of {', '.join(spec.columns)}")
    before, *frames = (_by_id(one, asked.columns) for one in (incomplete, *sets.frames))
    for number, frame in enumerate(frames, start=1):
        if not frame.index.equals(before.index):
            rule = "must have the rows of the original"
            raise DataError(f"completed set {number}", rule, got=f"{len(frame)} rows")
    chosen = before.reset_index(drop=True)
    moved = has_gap(chosen[column]) & _chosen(chosen, asked.where)
    if not moved.any():
        gappy = [name for name in spec.columns if has_gap(chosen[name]).any()]
        raise DataError(
            f"column {column!r}", "must have gaps in the original that can be moved", got="none",
            fix=f"say column=, one of {', '.join(gappy)}" if gappy else "no column has gaps",
        )  # fmt: skip
    plain = [frame.reset_index(drop=True) for frame in frames]
    values = [numeric(frame, column) for frame in plain]
    about = {"pattern": asked.where, "quantity": column, "n_moved": int(moved.sum())}
    for delta in asked.deltas:
        shifted = [
            frame.assign(**{column: value + delta * moved})
            for frame, value in zip(plain, values, strict=True)
        ]
        result = fit(spec, shifted, engine=asked.engine, prob=asked.prob)
        yield from (row | about for row in _rows_of(result, delta))


def _by_id(frame: Any, names: Sequence[str]) -> "pd.DataFrame":
    """A set's columns, by the number of the row where there is one."""
    import narwhals as nw

    known = nw.from_native(frame, pass_through=True)
    has_id = hasattr(known, "collect_schema") and _ID in known.collect_schema().names()
    read = frame_from(frame, [*names, *([_ID] if has_id else [])])
    return read.set_index(_ID).sort_index() if has_id else read


def _rows_of(result: Result, delta: float) -> Iterator[dict[str, Any]]:
    """Coefficients and, of a posterior, ICCs of one fit."""
    one = result.fits[0] if isinstance(result, PooledResult) else result
    matrices = getattr(one, "matrices", None)
    levels = one.moments.n_groups if matrices is None else matrices.factors[0].n_levels
    fixed = {row.term for row in result.coefficients}
    for row in result.singles:
        is_icc = _is_icc(row.term)
        if row.term in fixed or (is_icc and result.has_draws):
            yield {
                "term": row.term, "delta": delta, "estimate": row.estimate, "sd": row.sd,
                "lower": row.lower, "upper": row.upper, "prob": result.prob,
                "interval": "credible-eti" if result.has_draws else "confidence-t",
                "p_direction": row.p_direction, "n": rows_of_fit(one), "n_groups": levels,
                "unit": "" if is_icc else result.spec.unit,
            }  # fmt: skip
