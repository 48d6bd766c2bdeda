"""Every combination of an analyst's choices fitted, and what each choice does to one association.

Outcomes are made anew from the quarters for each definition and last quarter; a combination's rows
are reduced to moments once, and fitted exactly under each prior. Combinations that cannot be fitted
are kept, with the reason (Steegen et al. 2016; Simonsohn, Simmons & Nelson 2020).

How much a choice matters is the share of the variance of the estimates over the multiverse that
goes with it: its first-order share, Var(E[estimate | choice])/Var(estimate), and its total share,
which includes what it does together with others (Saltelli et al. 2008, eq. 4.3 and 4.13).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.contrast import Contrast, find_contrast
from bayes_sf.analysis.prior_fan import SLOPE_PRIORS
from bayes_sf.engines.exact import ExactPosterior, fit_exact
from bayes_sf.engines.quadrature import Box
from bayes_sf.errors import BayesSFError, DataError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.design import score
from bayes_sf.inputs.quarters import quarter_name, quarter_range
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.multiverse import Multiverse
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Explored", "choice_shares", "explore"]

_Floats = NDArray[np.float64]

#: Nodes for sigma and tau: quantiles are then good to 1e-3 sd.
_NODES = (32, 48)


@dataclass(frozen=True, eq=False)
class Explored:
    """A multiverse with its fits.

    Parameters
    ----------
    asked : Multiverse
        What was asked.
    contrast : Contrast
        How far the item moves.
    table : pandas.DataFrame
        One row per combination: the choices; ``estimate, sd, lower, upper`` of the contrast in
        percentage points (posterior mean, sd, equal-tailed limits); ``p_direction``; ``p_rope``,
        P(less than the rope, in either direction); ``n``, ``n_groups``; and ``reason``, why it
        could not be fitted, or "".
    prob : float
        Probability of the intervals.
    source : str
        ``replica`` or ``microdata``.
    """

    asked: Multiverse
    contrast: Contrast
    table: "pd.DataFrame" = field(repr=False)
    prob: float
    source: str

    @property
    def fitted(self) -> "pd.DataFrame":
        """Combinations that could be fitted."""
        return self.table[self.table["reason"] == ""]

    def summary(self) -> dict[str, float]:
        """Shares of the fitted combinations, and the spread of their estimates.

        Returns
        -------
        dict
            ``combinations, fitted``; ``median, least, largest`` estimate; shares ``below_zero``,
            ``excludes_zero`` (the interval does), ``inside_rope`` and ``outside_rope`` (the whole
            interval is), ``undecided``.
        """
        rope, t = self.asked.rope, self.fitted
        inside = (t["lower"] > -rope) & (t["upper"] < rope)
        outside = (t["lower"] >= rope) | (t["upper"] <= -rope)
        return {
            "combinations": len(self.table), "fitted": len(t),
            "median": float(t["estimate"].median()), "least": float(t["estimate"].min()),
            "largest": float(t["estimate"].max()),
            "below_zero": float((t["estimate"] < 0).mean()),
            "excludes_zero": float(((t["lower"] > 0) | (t["upper"] < 0)).mean()),
            "inside_rope": float(inside.mean()), "outside_rope": float(outside.mean()),
            "undecided": float((~inside & ~outside).mean()),
        }  # fmt: skip


def explore(
    asked: Multiverse,
    sample: AnalysisSample,
    *,
    prob: float = 0.95,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Explored:
    """Fit every combination of a multiverse.

    Parameters
    ----------
    asked : Multiverse
        Choices and options.
    sample : AnalysisSample
        Workplaces and their quarters.
    prob : float
        Probability of the intervals.
    progress : callable
        Wraps the combinations of everything but the priors.

    Raises
    ------
    SpecError
        For an industry that is not there.
    UsageError
        For an item that is not in the survey or has several coefficients, an unknown control, or a
        sample that is none.
    """
    import pandas as pd

    if not isinstance(sample, AnalysisSample):
        fix = "use --data replica, or files of your own"
        raise UsageError("multiverse", "needs workplaces", got=type(sample).__name__, fix=fix)
    groups = tuple(sorted(sample.frame["industry"].unique()))
    specifications = asked.specifications(groups)
    rows = _Workplaces.of(asked, sample)
    contrast = find_contrast(rows.term, asked.contrast)
    by_rows: dict[tuple[Any, ...], list[int]] = {}
    for number, one in enumerate(specifications):
        key = tuple(value for choice, value in one.items() if choice != "prior")
        by_rows.setdefault(key, []).append(number)
    found: list[dict[str, Any]] = [{} for _ in specifications]
    box: Box | None = None
    tails = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob]
    for numbers in progress(list(by_rows.values())):
        try:
            moments: Moments | None = rows.moments(specifications[numbers[0]])
            reason = ""
        except DataError as error:
            moments, reason = None, str(error)
        for number in numbers:
            if moments is None:
                found[number] = {"reason": reason}
                continue
            try:
                posterior = fit_exact(
                    moments, _priors(specifications[number]["prior"]), nodes=_NODES, start=box
                )
            except BayesSFError as error:
                found[number] = {"reason": str(error)}
                continue
            box = posterior.box
            size = contrast.size / (rows.spread(specifications[number]) or 1.0)
            found[number] = _judged(posterior, size, asked.rope, tails)
    named = [{**one, "controls": " + ".join(one["controls"]) or "none"} for one in specifications]
    table = pd.DataFrame([{**one, **row} for one, row in zip(named, found, strict=True)])
    numbers_only = ["estimate", "sd", "lower", "upper", "p_direction", "p_rope", "n", "n_groups"]
    table = table.reindex(columns=[*named[0], *numbers_only, "reason"])
    return Explored(asked, contrast, table, prob, sample.source)


def _priors(name: str) -> Priors:
    """Default priors with another one of the slopes."""
    return Priors(slope=SLOPE_PRIORS[name])


def _judged(
    posterior: ExactPosterior, size: float, rope: float, tails: list[float]
) -> dict[str, Any]:
    """What one fit says of the contrast."""
    loading = np.zeros((1, posterior.data.n_coef))
    loading[0, 1] = size
    mixture = posterior.contrast(loading)
    (low, high), below = mixture.quantile(tails)[0], float(mixture.cdf(0.0)[0])
    inside = float(mixture.cdf(rope)[0] - mixture.cdf(-rope)[0])
    return {
        "estimate": float(mixture.mean()[0]), "sd": float(mixture.sd()[0]), "lower": float(low),
        "upper": float(high), "p_direction": max(below, 1 - below), "p_rope": inside,
        "n": posterior.moments.n_obs, "n_groups": posterior.moments.n_groups, "reason": "",
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Workplaces:
    """All surveyed workplaces, and what of them changes with the choices.

    Parameters
    ----------
    term : str
        Name of the item's coefficient.
    groups : (N,) array of str
    item : mapping
        Coding of don't know -> scores, (N,).
    controls : mapping
        Name -> column, (N,).
    outcomes : mapping
        (definition, last quarter) -> outcome and number of observed quarters, (N,) each.
    """

    term: str
    groups: NDArray[Any]
    item: Mapping[str, _Floats]
    controls: Mapping[str, _Floats]
    outcomes: Mapping[tuple[str, str], tuple[_Floats, _Floats]]

    @classmethod
    def of(cls, asked: Multiverse, sample: AnalysisSample) -> "_Workplaces":
        """Compute every column once."""
        frame, choices = sample.frame, asked.choices
        term, item = _item(asked, sample)
        wanted = dict.fromkeys(name for names in choices["controls"] for name in names)
        controls = {name: score(frame, name).to_numpy(dtype=float) for name in wanted}
        rates, days = _by_quarter(sample, "absence"), _by_quarter(sample, "contracted_days")
        names = [quarter_name(index) for index in quarter_range(*sample.period)]
        outcomes = {}
        for last in choices["last_quarter"]:
            if last not in names:
                where = f"multiverse {asked.name}: choices.last_quarter"
                raise UsageError(where, f"must lie in {names[0]} to {names[-1]}", got=last)
            stop = names.index(last) + 1
            for kind in choices["outcome"]:
                outcomes[kind, last] = _outcome(kind, rates[:, :stop], days[:, :stop])
        return cls(term, frame["industry"].to_numpy(), item, controls, outcomes)

    def _kept(self, one: Mapping[str, Any]) -> tuple[NDArray[np.bool_], _Floats]:
        """Rows of a combination, (N,), and all columns: item, controls, outcome, (N, p + 1)."""
        y, quarters = self.outcomes[one["outcome"], one["last_quarter"]]
        columns = [self.item[one["dont_know"]], *(self.controls[c] for c in one["controls"]), y]
        table = np.column_stack(columns)
        kept = np.isfinite(table).all(axis=1) & (quarters >= one["min_quarters"])
        return kept & (self.groups != one["without"]), table

    def spread(self, one: Mapping[str, Any]) -> float:
        """What a standardised item was divided by; 0 for a raw one."""
        if one["scale"] == "raw":
            return 0.0
        kept, table = self._kept(one)
        return -1.0 if not kept.any() else 1 / float(table[kept, 0].std(ddof=1))

    def moments(self, one: Mapping[str, Any]) -> Moments:
        """Sufficient statistics of one combination."""
        kept, table = self._kept(one)
        if not kept.any():
            raise DataError("rows", "must be left", got="none")
        data = table[kept]
        if one["scale"] == "standardised":
            data[:, 0] = (data[:, 0] - data[:, 0].mean()) / data[:, 0].std(ddof=1)
        groups, code = np.unique(self.groups[kept].astype(str), return_inverse=True)
        return Moments.from_arrays(
            data, code, outcome="absence_mean", predictors=(self.term, *one["controls"]),
            groups=tuple(map(str, groups)), group="industry",
        )  # fmt: skip


def _item(asked: Multiverse, sample: AnalysisSample) -> tuple[str, dict[str, _Floats]]:
    """Name of the item's coefficient, and its scores by the coding of don't know."""
    import pandas as pd

    book = load_codebook()
    if asked.item not in book.items:
        known = f"an item such as {next(iter(book.items))}"
        raise UsageError(f"multiverse {asked.name}: item", "must be in the survey", got=asked.item,
                         fix=known)  # fmt: skip
    column = score(sample.frame, asked.item)
    term = asked.item
    if isinstance(column.dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories()
        if len(used.cat.categories) != 2:
            where = f"multiverse {asked.name}: item"
            raise UsageError(where, "must have one coefficient", got=list(used.cat.categories))
        term = f"{asked.item}[{used.cat.categories[1]}]"
        values = (used == used.cat.categories[1]).astype(float).where(used.notna()).to_numpy()
    else:
        values = column.to_numpy(dtype=float)
    unknown = (sample.frame[asked.item] == "dont_know").to_numpy()
    low, high = np.nanmin(values), np.nanmax(values)
    codes = {"missing": np.nan, "middle": 0.5 * (low + high), "lowest": low}
    return term, {key: np.where(unknown, code, values) for key, code in codes.items()}


def _by_quarter(sample: AnalysisSample, name: str) -> _Floats:
    """A figure of every workplace and quarter of the period, (N, T); NaN where there is none."""
    names = [quarter_name(index) for index in quarter_range(*sample.period)]
    wide = sample.quarters.pivot_table(  # a workplace has one row a quarter
        index="workplace", columns="quarter", values=name, aggfunc="first", dropna=False
    )
    return np.asarray(
        wide.reindex(index=sample.frame["workplace"], columns=names).to_numpy(dtype=float)
    )


def _outcome(kind: str, rates: _Floats, days: _Floats) -> tuple[_Floats, _Floats]:
    """One definition of a workplace's absence, in pp, and its observed quarters, (N,) each."""
    seen = np.isfinite(rates)
    count = seen.sum(axis=1)
    y, some = np.full(len(rates), np.nan), count > 0
    if kind == "median":
        y[some] = np.nanmedian(rates[some], axis=1)
    else:
        weight = np.where(seen, days if kind == "weighted mean" else 1.0, 0.0)
        total = weight[some].sum(axis=1)
        y[some] = (weight * np.where(seen, rates, 0.0))[some].sum(axis=1) / total
    return y, count.astype(float)


def choice_shares(explored: Explored) -> "pd.DataFrame":
    """Share of the estimates' variance that goes with each choice.

    Parameters
    ----------
    explored : Explored
        A multiverse with its fits.

    Returns
    -------
    pandas.DataFrame
        By choice with more than one option: ``options``; ``first``, the share that goes with it
        alone, and ``total``, with what it does together with others; ``range``, between the largest
        and smallest mean estimate of an option. Over the combinations that could be fitted; where
        some could not, shares need not add up.
    """
    import pandas as pd

    table = explored.fitted
    varied = [key for key, options in explored.asked.choices.items() if table[key].nunique() > 1]
    variance = float(table["estimate"].var(ddof=0))
    rows = {}
    for key in varied:
        means = table.groupby(key, observed=True)["estimate"].transform("mean")
        others = [other for other in varied if other != key]
        rest = table.groupby(others, observed=True)["estimate"].transform("mean") if others else 0.0
        left = table["estimate"] - (rest if others else table["estimate"].mean())
        rows[key] = (
            int(table[key].nunique()), float(means.var(ddof=0)) / variance,
            float((left**2).mean()) / variance, float(means.max() - means.min()),
        )  # fmt: skip
    columns = ["options", "first", "total", "range"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("choice")
