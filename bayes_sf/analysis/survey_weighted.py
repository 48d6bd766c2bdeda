"""A random intercept under survey weights: what the population has, of which rows are a sample.

Each weight says how many of the population a row, or a group, stands for. The log likelihood of the
population is estimated by weighing that of the sample (pseudo-likelihood):

    sum_j W_j ln integral prod_i N(y_ij; x_ij b + u, sd_resid^2)^(w_ij) N(u; 0, sd_group^2) du

with w_ij of rows within their group and W_j of groups (Rabe-Hesketh & Skrondal 2006, J. R. Stat.
Soc. A 169, 805-827, equation 8). Its curvature does not say how sure one is: rows are no repeated
observations. Groups are taken as drawn independently, and the covariance of the scores of groups
gives the sandwich H^-1 B H^-1. A posterior of the pseudo-likelihood is too narrow in the same way;
its draws are stretched around their mean until their covariance is the sandwich's (Williams &
Savitsky 2021, Int. Stat. Rev. 89, 72-107, section 3).

Weights of rows must be of rows given their group. How they are scaled matters, because sd_group
depends on how many rows a group seems to have: ``size`` lets them add up to the group's rows,
``effective`` to (sum w)^2/sum w^2, ``none`` leaves them as they are.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.draws import draw_parts
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.grid import resolve
from bayes_sf.engines.gaussian.joint import Joint, resolve_priors
from bayes_sf.engines.gaussian.likelihood import Standardised, check_groups, standardise
from bayes_sf.engines.gaussian.profile import maximum_likelihood
from bayes_sf.engines.options import check_numbers
from bayes_sf.errors import DataError, UsageError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows
from bayes_sf.spec.terms.columns import frame_from, numeric
from bayes_sf.spec.terms.gaps import drop_gaps, warn_of_gaps

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoFrame

__all__ = ["survey_weighted"]

_SCALINGS: Final = ("size", "effective", "none")
_ENGINES: Final = ("exact", "ml")
_MISSING: Final = ("drop", "error")
#: Fewer draws have no covariance to stretch, nor quantiles.
_FEWEST: Final = 100
#: Weights within a group that differ by less than this share are the same.
_SAME: Final = 1e-9
#: Step of a logarithm in which the gradient's slope is taken.
_STEP: Final = 1e-4


def survey_weighted(
    formula: str,
    df: "IntoFrame",
    *,
    weights: str = "",
    group_weights: str = "",
    scaling: str = "size",
    engine: str = "exact",
    priors: Priors | None = None,
    missing: str = "drop",
    prob: float = 0.95,
    draws: int = 4_000,
    seed: int = 1,
) -> "pd.DataFrame":
    """Fit a random intercept to a sample that was drawn with unequal probabilities.

    Parameters
    ----------
    formula : str
        A random intercept of columns: ``"y ~ x + (1 | g)"``.
    df : data frame
        Anything Narwhals reads.
    weights : str
        Column of 1/P(row is drawn, given that its group is).
    group_weights : str
        Column of 1/P(group is drawn), the same in all rows of a group.
    scaling : {"size", "effective", "none"}
        Of `weights`: see the module.
    engine : {"exact", "ml"}
        A stretched pseudo-posterior, or the highest pseudo-likelihood with its sandwich.
    priors : Priors, optional
        Of ``exact``; by default those of `ModelSpec`.
    missing : {"drop", "error"}
        What becomes of rows with a gap, in the weights, too.
    prob : float
        Of the intervals: equal-tailed, or of Student's t with a degree of freedom for each group
        but one (of sds on the log scale, of the ICC on the logit's).
    draws, seed : int
        Of the posterior.

    Returns
    -------
    pandas.DataFrame
        By term (coefficients, ``sd_group``, ``sd_resid``, ``icc``) ``estimate`` (posterior mean, or
        highest pseudo-likelihood), ``sd`` (posterior sd, or standard error), ``lower``, ``upper``,
        and ``sd_unadjusted``, which takes weights for counts. ``attrs`` has n, the groups, the
        scaling, the interval, the priors, and whether sd_group is ``singular``: zero at the highest
        pseudo-likelihood, where a sandwich does not exist and it has no interval.

    Raises
    ------
    UsageError
        For another model, an unknown option, no weights, priors beside ``ml``.
    DataError
        For weights that are not positive, group weights that differ within a group, weights that
        are the same in every group's rows, of which scaling leaves nothing, and fewer groups than
        coefficients and sds, plus one.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 4, 3, 5, 7, 4, 7, 7, 2, 2, 5], "w": [1, 3] * 6,
    ...                    "g": list("aaabbbcccddd")})
    >>> found = sf.survey_weighted("y ~ 1 + (1 | g)", df, weights="w", engine="ml")
    >>> found["estimate"].round(2).to_dict()
    {'(Intercept)': 4.22, 'sd_group': 1.25, 'sd_resid': 1.74, 'icc': 0.34}
    """
    where = "survey_weighted"
    chosen = {"scaling": scaling, "engine": engine, "missing": missing}
    for (name, value), known in zip(chosen.items(), (_SCALINGS, _ENGINES, _MISSING), strict=True):
        if value not in known:
            raise UsageError(f"{where}: {name}", f"must be one of {', '.join(known)}", got=value)
    for name, value in (("weights", weights), ("group_weights", group_weights)):
        if not isinstance(value or "", str):
            raise UsageError(f"{where}: {name}", "must name a column", got=value)
    if not (weights or group_weights):
        raise UsageError(where, "needs weights, group_weights or both", fix="else use sf.fit")
    if priors is not None and engine == "ml":
        raise UsageError(f"{where}: priors", "are of engine='exact' only", got="ml")
    check_numbers(prob=prob, seed=seed)
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < _FEWEST:
        raise UsageError(f"{where}: draws", f"must be a whole number from {_FEWEST}", got=draws)
    spec = ModelSpec.from_formula(formula, missing=missing, priors=priors or Priors())
    if spec.formula or spec.varying:
        raise UsageError(
            where, "is of a random intercept of columns", got=formula, fix="write y ~ x + (1 | g)"
        )
    sample = _Sample.read(spec, df, weights, group_weights, scaling)
    result = _posterior(sample, spec.priors, draws, seed) if engine == "exact" else None
    table, singular = sample.table(result, prob)
    table.attrs = {
        "n": len(sample.rows.y), "groups": len(sample.rows.groups), "scaling": scaling,
        "interval": "credible-eti" if result is not None else "confidence-t", "prob": prob,
        "priors": str(spec.priors) if result is not None else "", "singular": singular,
    }  # fmt: skip
    return table


@dataclass(frozen=True, eq=False)
class _Sample:
    """Rows, weights of rows and of groups as the pseudo-likelihood has them: (n,), (J,)."""

    rows: Rows
    weight: Floats
    group_weight: Floats

    @classmethod
    def read(
        cls, spec: ModelSpec, df: "IntoFrame", weights: str, group_weights: str, scaling: str
    ) -> "_Sample":
        """From a frame's columns."""
        named = [name for name in (weights, group_weights) if name]
        read = frame_from(df, [spec.outcome, *spec.predictors, spec.group, *named])
        frame, gaps = drop_gaps(read, [(spec.group,)], missing=spec.missing)
        warn_of_gaps(gaps)
        rows = Rows.from_frame(frame, spec)
        size = np.bincount(rows.code)
        weight, of_group = np.ones(len(rows.y)), np.ones(len(size))
        if weights:
            weight = _scaled(_positive(frame, weights), rows.code, weights, scaling)
        if group_weights:
            of_group = _of_groups(_positive(frame, group_weights), rows.code, group_weights)
        # Their unit is nothing's: as many rows as there are.
        of_group *= len(weight) / (of_group @ np.bincount(rows.code, weights=weight))
        return cls(rows, weight, of_group)

    @cached_property
    def moments(self) -> Moments:
        """Of the weighted rows, weighted by group."""
        rows, n = self.rows, len(self.rows.y)
        every = self.weight * self.group_weight[rows.code]
        found = Moments.from_arrays(
            np.column_stack([rows.x, rows.y]), rows.code, outcome=rows.outcome,
            predictors=rows.predictors, groups=rows.groups, group=rows.group, weights=every,
        )  # fmt: skip
        return replace(found, sizes=np.bincount(rows.code, weights=self.weight), n_rows=n)

    @cached_property
    def standardised(self) -> Standardised:
        """The same as an engine takes it: a group of weight W counts as W groups of its size."""
        data = standardise(self.moments)
        between = self.group_weight[:, None, None] * (
            data.means[:, :, None] * data.means[:, None, :]
        )
        made = replace(data, sizes=self.moments.sizes, counts=self.group_weight, between=between)
        check_groups(made)
        return made

    def scores(self, coef: Floats, log_group: float, log_resid: float) -> Floats:
        """Gradient of every group's pseudo-log likelihood, (J, k + 2): b, ln sd_group, ln sd_resid.

        With n = sum w, r the residuals, v = sd_resid^2 + n sd_group^2.
        """
        code, w = self.rows.code, self.weight
        x = np.column_stack([np.ones(len(w)), self.rows.x])
        r = self.rows.y - x @ coef
        n = np.bincount(code, weights=w)

        def mean(values: Floats) -> Floats:
            return np.bincount(code, weights=w * values) / n

        tau2, sigma2 = np.exp(2 * log_group), np.exp(2 * log_resid)
        v, level = sigma2 + n * tau2, mean(r)
        inside = r - level[code]
        own = np.column_stack([
            np.bincount(code, weights=w * inside * column) / sigma2 + n * mean(column) * level / v
            for column in x.T
        ])  # fmt: skip
        group = n * tau2 / v * (n * level**2 / v - 1)
        within = np.bincount(code, weights=w * inside**2) / sigma2
        resid = within - (n - 1) + sigma2 / v * (n * level**2 / v - 1)
        return np.asarray(self.group_weight[:, None] * np.column_stack([own, group, resid]))

    def sandwich(self, coef: Floats, group: float, resid: float) -> tuple[Floats, Floats]:
        """Covariance of b, ln sd_group and ln sd_resid: as if rows were counted, and the sandwich.

        Where sd_group is zero its row and column are NaN.
        """
        kept = np.ones(len(coef) + 2, dtype=bool)
        kept[-2] = group > 0
        if len(self.group_weight) <= kept.sum():  # scores of groups, which add up to zero
            raise DataError(
                f"model of {self.rows.outcome!r}",
                "must have more groups than parameters: a sandwich is made of groups",
                got=f"{len(self.group_weight)} groups, {kept.sum()} parameters",
                fix="leave predictors out",
            )
        place = np.array([*coef, np.log(group) if group > 0 else -np.inf, np.log(resid)])
        unit = np.ones(len(place))
        unit[: len(coef)] = resid / np.sqrt(len(self.weight))

        def slope(at: int) -> list[float]:
            step = np.zeros(len(place))
            step[at] = _STEP * unit[at]
            above, below = (
                self.scores(p[:-2], p[-2], p[-1]).sum(axis=0) for p in (place + step, place - step)
            )
            return [float(v) for v in ((above - below) / (2 * step[at]))[kept]]

        slopes = np.array([slope(int(at)) for at in np.flatnonzero(kept)])
        bread = np.linalg.inv(-0.5 * (slopes + slopes.T))
        found = self.scores(coef, place[-2], place[-1])[:, kept]
        j = len(found)
        meat = found.T @ found * j / (j - 1)
        both = np.full((2, len(place), len(place)), np.nan)
        both[0][np.ix_(kept, kept)] = bread
        both[1][np.ix_(kept, kept)] = bread @ meat @ bread
        return both[0], both[1]

    def table(self, drawn: Floats | None, prob: float) -> "tuple[pd.DataFrame, bool]":
        """Estimates by term; of draws of b, ln sd_group, ln sd_resid, (n, k + 2), their stretch."""
        import pandas as pd

        coef, group, resid = maximum_likelihood(self.standardised)
        counted, robust = self.sandwich(coef, group, resid)
        terms = [*self.moments.terms, "sd_group", "sd_resid", "icc"]
        if drawn is None:
            place = np.array([*coef, np.log(group) if group > 0 else -np.inf, np.log(resid)])
            rows = _around(place, counted, robust, prob, len(self.group_weight) - 1)
        else:
            rows = _stretched(drawn, robust, prob)
        columns = ["estimate", "sd", "lower", "upper", "sd_unadjusted"]
        table = pd.DataFrame(rows, index=pd.Index(terms, name="term"), columns=columns)
        return table, group == 0


def _positive(frame: "pd.DataFrame", name: str) -> Floats:
    """Weights of rows."""
    values = numeric(frame, name)
    if (values <= 0).any():
        raise DataError(
            f"column {name!r}", "must be positive in every row",
            got=f"{(values <= 0).sum()} others", fix="leave those rows out",
        )  # fmt: skip
    return values


def _scaled(values: Floats, code: NDArray[np.intp], name: str, scaling: str) -> Floats:
    """Weights within groups, scaled."""
    total = np.bincount(code, weights=values)
    squares = np.bincount(code, weights=values**2)
    size = np.bincount(code)
    if scaling == "none":
        return values
    if (size * squares <= total**2 * (1 + _SAME)).all():
        raise DataError(
            f"column {name!r}",
            "must vary within groups: scaling leaves nothing of weights that do not",
            fix="give it as group_weights, where it is of groups, or scaling='none'",
        )
    goal = size if scaling == "size" else total**2 / squares
    return np.asarray(values * (goal / total)[code])


def _of_groups(values: Floats, code: NDArray[np.intp], name: str) -> Floats:
    """Weights of groups, (J,)."""
    mean = np.bincount(code, weights=values) / np.bincount(code)
    if (np.abs(values - mean[code]) > _SAME * mean[code]).any():
        raise DataError(
            f"column {name!r}", "must be the same in all rows of a group",
            fix="weights of rows within their group are given as weights",
        )  # fmt: skip
    return np.asarray(mean)


def _posterior(sample: _Sample, priors: Priors, draws: int, seed: int) -> Floats:
    """Draws of b, ln sd_group and ln sd_resid from the pseudo-posterior, (draws, k + 2)."""
    data = sample.standardised
    resolved = resolve_priors(priors, data)
    grid = resolve(Joint.build(data, resolved))
    part = ExactPosterior(data.moments, resolved, float("nan"), grid)
    rng = np.random.default_rng(seed)
    coef, _, group, resid = draw_parts((part,), (), np.zeros(draws, dtype=np.intp), rng)
    return np.column_stack([coef, np.log(group), np.log(resid)])


def _around(place: Floats, counted: Floats, robust: Floats, prob: float, df: int) -> Floats:
    """Estimates with Wald intervals, (k + 3, 5)."""
    from scipy.special import expit, stdtrit

    t = stdtrit(df, 0.5 + 0.5 * prob)
    turn = np.eye(len(place) + 1, len(place))
    turn[-1, -2:] = 2, -2  # logit(icc)
    centre = np.append(place, 2 * (place[-2] - place[-1]))
    error, plain = (np.sqrt(np.diag(turn[:, k] @ v[np.ix_(k, k)] @ turn[:, k].T))
                    for v in (robust, counted) for k in [np.isfinite(np.diag(v))])  # fmt: skip
    if not np.isfinite(place[-2]):
        error[[-3, -1]] = plain[[-3, -1]] = np.nan
    k = len(place) - 2
    ends = centre[:, None] + t * error[:, None] * [-1, 1]
    value, slope = centre.copy(), np.ones(len(centre))
    value[k:-1] = slope[k:-1] = np.exp(centre[k:-1])
    ends[k:-1] = np.exp(ends[k:-1])
    value[-1], ends[-1] = expit(centre[-1]), expit(ends[-1])
    slope[-1] = value[-1] * (1 - value[-1])
    return np.column_stack([value, slope * error, ends, slope * plain])


def _stretched(drawn: Floats, robust: Floats, prob: float) -> Floats:
    """Means, sds and quantiles of draws whose covariance is the sandwich's, (k + 3, 5)."""
    kept = np.isfinite(np.diag(robust))
    centre = drawn.mean(axis=0)
    own = np.linalg.cholesky(np.cov(drawn[:, kept].T))
    goal = np.linalg.cholesky(robust[np.ix_(kept, kept)])
    moved = np.full_like(drawn, np.nan)
    moved[:, kept] = centre[kept] + (drawn[:, kept] - centre[kept]) @ (goal @ np.linalg.inv(own)).T
    shown, plain = _raw(moved), _raw(drawn)
    ends = np.quantile(shown, [0.5 - 0.5 * prob, 0.5 + 0.5 * prob], axis=0)
    return np.column_stack([
        plain.mean(axis=0), shown.std(axis=0, ddof=1), *ends, plain.std(axis=0, ddof=1),
    ])  # fmt: skip


def _raw(drawn: Floats) -> Floats:
    """Coefficients, sds and ICC of draws, (n, k + 3)."""
    sds = np.exp(drawn[:, -2:])
    icc = sds[:, :1] ** 2 / (sds**2).sum(axis=1, keepdims=True)
    return np.hstack([drawn[:, :-2], sds, icc])
