"""`impute`: completed sets from the joint model of a frame with gaps, congenial with a formula.

Data augmentation (Tanner & Wong 1987, Journal of the American Statistical Association 82, 528-540):
coefficients, effects and sds of every model are drawn from their exact posterior given completed
data, then what is missing given these, over and over. Draws of a model are independent of those
before but for the completed data, so that chains mix as fast as what is missing lets them. A
missing predictor is drawn from its own model, given the outcome's and the models of predictors that
are imputed from it (`predictors`): it is normal, or has a probability for each of its kinds, and
its probit model latent variables, drawn with the rest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.sets.joint import Gappy, Joint, read_joint
from bayes_sf.engines.sets.predictors import Predictor, Regression
from bayes_sf.errors import ConvergenceError, UsageError, check_seed
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.terms.columns import column_names, frame_from
from bayes_sf.spec.terms.design import formula_of
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.sets import IMP, check_one
from bayes_sf.spec.terms.sums import is_remote, open_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Imputed", "impute"]


#: Chains, iterations of each before those of which sets are kept, and fewest of these.
_CHAINS: Final = 4
_TUNE: Final = 25
_FEWEST: Final = 10
#: Iterations between two sets of a chain, at least.
_APART: Final = 5
#: R-hat above which chains are not believed.
_R_HAT: Final = 1.05
_MOST_SETS: Final = 1000
_ID: Final = ".id"


@dataclass(frozen=True, eq=False)
class Imputed:
    """Completed data sets of a frame; made by `impute`.

    Parameters
    ----------
    frames : tuple of pandas.DataFrame
        The sets: all columns and rows of the original, gaps in the model's columns filled in.
    original : pandas.DataFrame
        With its gaps.
    imputed : dict
        Column to the number of cells that were imputed.
    diagnostics : pandas.DataFrame
        By parameter ``mean, sd, ess_bulk, r_hat`` of the chains; parameters of a predictor's model
        are ``x: term``.
    """

    frames: "tuple[pd.DataFrame, ...]" = field(repr=False)
    original: "pd.DataFrame" = field(repr=False)
    imputed: dict[str, int]
    diagnostics: "pd.DataFrame" = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether chains agree: every R-hat is at most 1.05."""
        return bool((self.diagnostics["r_hat"] <= _R_HAT).all())

    def check(self) -> None:
        """Refuse sets of chains that do not agree.

        Raises
        ------
        ConvergenceError
            With the largest R-hat.
        """
        if not self.converged:
            worst = self.diagnostics["r_hat"].idxmax()
            raise ConvergenceError(
                "impute", f"must have chains that agree: R-hat of {worst} at most {_R_HAT}",
                got=round(float(self.diagnostics["r_hat"].max()), 3),
                fix="ask sf.impute for more draws, or leave out a predictor that is hardly known",
            )  # fmt: skip

    def long(self) -> "pd.DataFrame":
        """Give all sets under each other and the original first, as `mice::as.mids` reads them.

        Returns
        -------
        pandas.DataFrame
            ``.imp`` (0 for the original), ``.id`` (from 1, or the data's own), and the columns.
        """
        import pandas as pd

        parts = [self.original, *self.frames]
        numbers = np.repeat(np.arange(len(parts)), len(self.original))
        ids = np.tile(np.arange(1, len(self.original) + 1), len(parts))
        joined = pd.concat(parts, ignore_index=True).drop(columns=IMP, errors="ignore")
        joined.insert(0, IMP, numbers)
        if _ID not in joined:
            joined.insert(1, _ID, ids)
        return joined

    def __repr__(self) -> str:
        """How many sets and cells, and whether chains agree."""
        cells = ", ".join(f"{name} {n}" for name, n in self.imputed.items())
        state = "" if self.converged else ", NOT converged"
        return f"<Imputed {len(self.frames)} sets of {len(self.original)} rows: {cells}{state}>"


def impute(
    what: str | ModelSpec,
    data: Any,
    n_sets: int = 20,
    *,
    auxiliary: str | Sequence[str] = (),
    priors: Priors | None = None,
    draws: int = 100,
    seed: int = 1,
) -> Imputed:
    """Complete a frame many times, by a model that is congenial with the one that is asked for.

    Parameters
    ----------
    what : str or ModelSpec
        A Gaussian model with one random intercept. Missing outcomes are drawn from it; missing
        predictors given the outcome and a two-level model of each: normal of numbers, probit of
        truth values (0 and 1) and two categories, cumulative probit of ordered categories (pandas'
        ``ordered=True``), multinomial probit of others; all stay what they are. Interactions are
        allowed: ``"y ~ x * z + (1 | g)"``.
    data : data frame
        With gaps in the outcome or in predictors.
    n_sets : int
        How many: see `bayes_sf.sets_needed`.
    auxiliary : str or list of str
        Columns without gaps that are not in the model and tell of missing predictors.
    priors : Priors, optional
        Of a formula's model; a specification has its own. Predictors' models have the defaults.
    draws : int
        Iterations of each of four chains after 25 that are not used; at least five for each of its
        sets. They mix fast: effective draws are said.
    seed : int
        Of everything random.

    Returns
    -------
    Imputed
        ``frames`` and ``long()`` are what `fit` takes.

    Raises
    ------
    UsageError
        For a model of another form; for a predictor with gaps that is transformed.
    DataError
        For gaps in groups or auxiliary columns; for codes that are no category; for no gaps.

    Examples
    --------
    >>> import numpy as np, pandas as pd, bayes_sf as sf
    >>> rng = np.random.default_rng(1)
    >>> df = pd.DataFrame({"y": rng.normal(size=60), "g": np.arange(60) % 6})
    >>> df.loc[:9, "y"] = np.nan
    >>> done = sf.impute("y ~ 1 + (1 | g)", df, 4, draws=10)
    >>> done.imputed, done.long()[".imp"].unique().tolist()
    ({'y': 10}, [0, 1, 2, 3, 4])
    >>> sf.fit("y ~ 1 + (1 | g)", done.frames, engine="reml").fixef().index.tolist()
    ['(Intercept)']
    """
    whole = isinstance(n_sets, int) and not isinstance(n_sets, bool)
    if not whole or not 2 <= n_sets <= _MOST_SETS:
        rule = f"must be a whole number from 2 to {_MOST_SETS}"
        raise UsageError("impute: n_sets", rule, got=n_sets)
    if not isinstance(draws, int) or isinstance(draws, bool) or draws < _FEWEST:
        rule = f"must be a whole number from {_FEWEST}"
        raise UsageError("impute: draws", rule, got=draws)
    check_seed(seed)
    spec, more = _asked(what, priors)
    helpers = [auxiliary] if isinstance(auxiliary, str) else list(auxiliary)
    helpers = [name for name in helpers if name]
    given = open_table(data).to_native() if is_remote(data) else data
    check_one("impute", given, (*spec.columns, *helpers))
    frame_from(given, [*spec.columns, *helpers])  # refuses what is no frame, and columns not there
    frame = frame_from(given, column_names(given))
    formula = read_formula(more) if more else formula_of(spec, frame)
    joint = read_joint(frame[[*spec.columns, *helpers]], formula, helpers)
    draws = max(draws, _APART * -(-n_sets // _CHAINS))
    kept, traces, names = _chains(joint, spec.priors, (n_sets, draws), seed)
    columns = [one.name for one in joint.gappy]
    holes = {joint.outcome: np.isnan(joint.y)}
    holes |= {name: np.isnan(joint.x[:, k]) for k, name in enumerate(columns)}
    filled = [
        frame.assign(**{
            joint.outcome: y,
            **{one.name: _as_it_was(frame[one.name], x[:, k], one)
               for k, one in enumerate(joint.gappy)},
        })
        for y, x in kept
    ]  # fmt: skip
    cells = {name: int(gap.sum()) for name, gap in holes.items() if gap.any()}
    return Imputed(tuple(filled), frame, cells, _diagnose(traces, names))


def _as_it_was(column: "pd.Series[Any]", values: Floats, about: Gappy) -> Any:
    """Truth values as such where the column had them, categories by their names."""
    from pandas.api.types import infer_dtype

    if not about.labels:
        return values.astype(bool) if infer_dtype(column, skipna=True) == "boolean" else values
    gap = column.isna()
    names = {str(value): value for value in column[~gap].unique()}
    filled = column.copy()
    filled[gap] = [names[about.labels[int(place)]] for place in values[gap.to_numpy()]]
    return filled


def _asked(what: str | ModelSpec, priors: Priors | None) -> tuple[ModelSpec, str]:
    """The model, and its formula where it was written as one."""
    if isinstance(what, ModelSpec):
        if priors is not None:
            raise UsageError("impute: priors", "goes with a formula: a specification has its own")
        spec, text = what, what.formula
    else:
        options: dict[str, Any] = {} if priors is None else {"priors": priors}
        spec, text = ModelSpec.from_formula(what, **options), what
    more = [key for key in ("weights", "frequencies", "standardize", "within_between", "monotonic",
                            "repeats", "known_se") if getattr(spec, key)]  # fmt: skip
    if more or spec.family != "gaussian" or spec.likelihood != "gaussian" or spec.resid_by_group:
        raise UsageError(
            "missing='model'", "is for a Gaussian random intercept of columns and their products",
            got=more or spec.family, fix="complete the frame by other means, and pass the sets",
        )  # fmt: skip
    spec.check_priors()
    return spec, text


def _chains(
    joint: Joint, priors: Priors, size: tuple[int, int], seed: int
) -> tuple[list[tuple[Floats, Floats]], Floats, list[str]]:
    """Completed data of all chains, their parameters (chains, draws, parameters), and names."""
    n_sets, draws = size
    each = -(-n_sets // _CHAINS)
    kept: list[tuple[Floats, Floats]] = []
    traces = []
    names: list[str] = []
    for number in range(_CHAINS):
        rng = np.random.default_rng([seed, number])
        at = set(np.linspace(draws - 1, draws / each - 1, each).round().astype(int).tolist())
        trace = []
        for step, (y, x, told) in enumerate(_chain(joint, priors, _TUNE + draws, rng)):
            if step >= _TUNE:
                trace.append(list(told.values()))
                names = list(told)
                if step - _TUNE in at:
                    kept.append((y.copy(), x.copy()))
        traces.append(trace)
    return kept[:n_sets], np.array(traces), names


def _chain(
    joint: Joint, priors: Priors, steps: int, rng: np.random.Generator
) -> Iterator[tuple[Floats, Floats, dict[str, float]]]:
    """Yield completed outcome and predictors, and parameters by name, step by step."""
    gone_y, gone_x = np.isnan(joint.y), np.isnan(joint.x)
    y, x = joint.y.copy(), joint.x.copy()
    for values, gone in ((y[:, None], gone_y[:, None]), (x, gone_x)):  # anywhere plausible
        for k in range(values.shape[1]):
            known = values[~gone[:, k], k]
            values[gone[:, k], k] = rng.choice(known, int(gone[:, k].sum()))
    own = Regression(joint, joint.outcome, priors, names=joint.terms.names[1:])
    predictors = [Predictor(joint, k, x) for k in range(x.shape[1])]
    for _ in range(steps):
        drawn = own.draw(joint.terms.columns(x), y, rng)
        for one in predictors:
            one.draw(x, rng)
        seen = np.where(gone_y, np.nan, y)
        for k, one in enumerate(predictors):
            one.fill(x, gone_x[:, k], (seen, drawn, predictors), rng)
        fresh = drawn.mean(joint.terms.columns(x)) + drawn.sd_resid * rng.normal(size=len(y))
        y[gone_y] = fresh[gone_y]
        told = dict(zip(joint.terms.names, map(float, drawn.coef), strict=True))
        told |= {"sd_group": drawn.sd_group, "sd_resid": drawn.sd_resid}
        for one in predictors:
            told |= one.told(x)
        yield y, x, told


def _diagnose(traces: Floats, names: Sequence[str]) -> "pd.DataFrame":
    """R-hat and effective draws of every parameter, (chains, draws, parameters)."""
    import pandas as pd
    from arviz_stats.base.array import array_stats

    stats: Any = array_stats  # its methods have no types
    draws = np.moveaxis(traces, -1, 0)
    with np.errstate(invalid="ignore"):  # R-hat of what never moved is NaN
        columns = {
            "mean": draws.mean(axis=(1, 2)), "sd": draws.std(axis=(1, 2), ddof=1),
            "ess_bulk": stats.ess(draws, chain_axis=1, draw_axis=2, method="bulk"),
            "r_hat": stats.rhat(draws, chain_axis=1, draw_axis=2, method="rank"),
        }  # fmt: skip
    return pd.DataFrame(columns, index=pd.Index(names, name="parameter"))
