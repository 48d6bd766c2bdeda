"""Controls one by one, on the same workplaces and on the report's: adjustment told from loss.

A control that is not known of every workplace does two things to an estimate: it adjusts it, and
it drops workplaces. The report added controls one at a time, each on the workplaces that were left,
and concluded that q13's effect "disappears" with women's share; that step also drops 53 of 572.

Every step (no control, each control alone, all of them) is therefore fitted

- on ``identical`` rows: those that have all controls, so that steps differ by adjustment alone;
- on its ``own`` rows, as the report did.

On own rows the way from the estimate without controls, on all its rows, splits exactly:

    loss       = without the control, on the step's rows - without the control, on all its rows
    adjustment = with the control - without it, both on the step's rows.

Published tables do not say how controls go together, so rows are needed.

Examples
--------
>>> import numpy as np, pandas as pd
>>> rng = np.random.default_rng(1)
>>> df = pd.DataFrame({"x": rng.normal(size=40), "z": rng.normal(size=40), "g": list("abcd") * 10})
>>> df["y"] = df["x"] + df["z"] + rng.normal(size=40)
>>> df.loc[:4, "z"] = np.nan
>>> table = climb_controls(ModelSpec("y", ("x", "z"), "g"), df)
>>> table[["controls", "rows", "n"]].to_records(index=False).tolist()
[('none', 'identical', 35), ('z', 'identical', 35), ('none', 'own', 40), ('z', 'own', 35)]
"""

from collections.abc import Iterator
from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING, Any

from bayes_sf.engines.fit import fit, source_of
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.sample import AnalysisSample, design
from bayes_sf.recovery.study import PublishedStudy
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.names import predictor_of
from bayes_sf.spec.terms.columns import frame_from
from bayes_sf.spec.terms.gaps import drop_gaps

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ALL", "NONE", "climb_controls", "control_steps"]

NONE, ALL = "none", "all"
_LISTS = ("standardize", "categorical", "within_between", "monotonic", "varying", "nested")


def climb_controls(spec: ModelSpec, data: Any, *, prob: float = 0.95) -> "pd.DataFrame":
    """Estimate an effect without controls, with each alone and with all.

    Parameters
    ----------
    spec : ModelSpec
        Its first predictor is the item, the others are controls.
    data : AnalysisSample or data frame
        Rows, with gaps where there are any.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per sample of rows, step and term of the item: `outcome, model, term, controls,
        rows`; `reml, reml_se, reml_lower, reml_upper, t`; `mean, sd, lower, upper, p_direction` of
        the posterior; `prob, n, lost` (rows fewer than without controls on all its rows);
        `adjustment` and `loss`, of REML; `unit, source`. An item that is standardised has, on the
        report's rows, the sd of each step's: its change of unit is part of `loss`.

    Raises
    ------
    UsageError
        For a model without controls, one that is more than a plain random intercept, or data
        without rows.
    """
    import pandas as pd

    if len(spec.predictors) < 2:
        fix = "use an analysis with controls, such as q13_controls"
        raise UsageError(f"model {spec.name!r}", "has no controls", fix=fix)
    if not spec.plain or spec.models_gaps:
        rule, fix = "must be a plain random intercept of complete rows", "leave the option out"
        raise UsageError(f"model {spec.name!r}", rule, got="another model", fix=fix)
    if isinstance(data, PublishedStudy | Moments):
        raise UsageError(
            f"model {spec.name!r}", "needs rows: tables do not say how controls go together",
            fix="use --data replica, or files of your own",
        )  # fmt: skip
    source = source_of(data)
    records = [*_identical(spec, data, prob), *_own(spec, data, prob)]
    return pd.DataFrame(records).assign(prob=prob, unit=spec.unit, source=source)


def control_steps(spec: ModelSpec) -> Iterator[tuple[str, ModelSpec]]:
    """Name and model of every step.

    Parameters
    ----------
    spec : ModelSpec
        Its first predictor is the item, the others are controls.
    """
    controls = spec.predictors[1:]
    yield NONE, _with(spec, ())
    for control in controls:
        yield control, _with(spec, (control,))
    if len(controls) > 1:
        yield ALL, _with(spec, controls)


def _with(spec: ModelSpec, controls: tuple[str, ...]) -> ModelSpec:
    """The same model with other controls."""
    kept = (spec.predictors[0], *controls)
    lists = {key: tuple(name for name in getattr(spec, key) if name in kept) for key in _LISTS}
    return replace(spec, predictors=kept, table="", **lists)  # type: ignore[arg-type]


def _rows(spec: ModelSpec, data: Any) -> "pd.DataFrame":
    """Complete rows of a model."""
    if isinstance(data, AnalysisSample):
        return design(
            data, outcome=spec.outcome, predictors=spec.predictors,
            min_quarters=spec.min_quarters, **{key: getattr(spec, key) for key in _DESIGNED},
        )  # fmt: skip
    frame = frame_from(data, [spec.outcome, *spec.predictors, spec.group])
    return drop_gaps(frame, [(spec.group,)], missing=spec.missing or "drop")[0]


def _of_rows(spec: ModelSpec, data: Any) -> ModelSpec:
    """What is left to ask of the rows: a sample's are standardised when they are designed."""
    return spec.designed if isinstance(data, AnalysisSample) else spec


_DESIGNED = ("standardize", "categorical", "monotonic", "nested")


def _identical(spec: ModelSpec, data: Any, prob: float) -> Iterator[dict[str, Any]]:
    """Every step on the rows that all controls are known of."""
    frame = _rows(spec, data)
    base: dict[str, float] = {}
    for name, model in control_steps(spec):
        reml, exact = _both(_of_rows(model, data), frame, prob)
        for row in _records(spec, name, "identical", reml, exact):
            base.setdefault(row["term"], row["reml"])
            yield row | {"lost": 0, "loss": 0.0, "adjustment": row["reml"] - base[row["term"]]}


def _own(spec: ModelSpec, data: Any, prob: float) -> Iterator[dict[str, Any]]:
    """Every step on its own rows, as the report did."""
    alone = _with(spec, ())
    base: dict[str, dict[str, Any]] = {}
    for name, model in control_steps(spec):
        frame = _rows(model, data)
        reml, exact = _both(_of_rows(model, data), frame, prob)
        without = fit(_of_rows(alone, data), frame, engine="reml").fixef()["estimate"]
        for row in _records(spec, name, "own", reml, exact):
            start = base.setdefault(row["term"], row)
            here = float(without.get(row["term"], nan))
            yield row | {
                "lost": start["n"] - row["n"],
                "loss": here - start["reml"],
                "adjustment": row["reml"] - here,
            }


def _both(spec: ModelSpec, frame: "pd.DataFrame", prob: float) -> tuple[Result, Result]:
    """REML and posterior on the same rows."""
    reml, exact = (fit(spec, frame, engine=engine, prob=prob) for engine in ("reml", "exact"))
    return reml, exact


def _records(
    spec: ModelSpec, controls: str, rows: str, reml: Result, exact: Result
) -> Iterator[dict[str, Any]]:
    """Rows of the item's own terms."""
    item = spec.predictors[0]
    for r, e in zip(reml.rows, exact.rows, strict=False):
        if r.group or predictor_of(r.term, spec.predictors) != item:
            continue
        yield {
            "outcome": spec.outcome, "model": spec.name, "term": r.term, "controls": controls,
            "rows": rows, "reml": r.estimate, "reml_se": r.sd, "reml_lower": r.lower,
            "reml_upper": r.upper, "t": r.t, "mean": e.estimate, "sd": e.sd,
            "lower": e.lower, "upper": e.upper, "p_direction": e.p_direction,
            "n": reml.moments.n_obs,
        }  # fmt: skip
