"""The parts of a sensitivity analysis: from what is asked to one tidy frame each.

See `sensitivity`, which asks them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.analysis.choices.control_ladder import climb_controls
from bayes_sf.analysis.choices.ladder import climb, read_imputed
from bayes_sf.analysis.comparison import main_specs
from bayes_sf.analysis.contrast import Contrast, check_contrast, contrast_of, find_contrast
from bayes_sf.analysis.priors.power_scaling import power_scaling
from bayes_sf.analysis.priors.prior_fan import GROUP_PRIORS, SLOPE_PRIORS, default_fan, prior_fan
from bayes_sf.analysis.priors.prior_predictive import prior_predictive
from bayes_sf.analysis.size.bayes_factors import bayes_factors
from bayes_sf.analysis.size.days_lost import (
    REPORT_EMPLOYEES,
    Workforce,
    days_lost,
    sample_workforce,
)
from bayes_sf.analysis.size.designs import design_table, published_designs
from bayes_sf.analysis.size.multiplicity import collect_slopes, pool_slopes, sweep_correlation
from bayes_sf.analysis.size.planning import plan_precision
from bayes_sf.analysis.size.power import Effects, learn_effects
from bayes_sf.analysis.size.practical import Rope, exceedance, judge_sizes
from bayes_sf.catalogue import language
from bayes_sf.engines.fit import fit
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.inputs.variables import unknown_key
from bayes_sf.recovery.study import PublishedStudy
from bayes_sf.spec.analysis import load_analysis
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.names import predictor_of
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.statements import step_prior

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AMOUNTS", "PARTS", "USED_BY", "Asked", "check_part", "check_stated", "compared"]

#: Amounts, in the outcome's unit, that a contrast is asked to exceed.
AMOUNTS: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
#: Designs of the next study.
INDUSTRIES, PER_INDUSTRY = (6, 12, 24), (50, 100, 200, 400)
#: Of the prior of the spread of true effects, pp per widest contrast.
EFFECTS_SCALE: Final = 1.0
#: Printed tables that the spread of true effects is learnt from.
_TABLES: Final = {"absence_mean": "46", "absence_change": "47"}
#: States of the published study that are enough where a model needs one data set only.
_FEW_STATES: Final = 8
#: How many slopes count as the top, of more than twice as many models; else the largest alone.
_TOP: Final = 5


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked, with everything that only the user can state; see `sensitivity`.

    Parameters
    ----------
    results : tuple of Result
        Exact posteriors of the models that are asked about.
    specs : tuple of ModelSpec
        All models of the analysis, as they are specified.
    data : PublishedStudy, AnalysisSample, Moments or a data frame
    contrast : str or sequence of Contrast
    rope : Rope or None
    amounts : sequence of float
    workforce : Workforce or None
    cost_per_day : float or None
    effects : Effects or None
    step_at_most : float or None
    sampled : bool
    imputed : pathlib.Path or None
    prob : float
    seed : int
    left_out : dict
        What has no answer, and why; parts add to it.
    keep : callable
    """

    results: tuple[Result, ...]
    specs: tuple[ModelSpec, ...]
    data: Any
    contrast: str | Sequence[Contrast]
    rope: Rope | None
    amounts: Sequence[float]
    workforce: Workforce | None
    cost_per_day: float | None
    effects: Effects | None
    step_at_most: float | None
    sampled: bool
    imputed: Path | None
    prob: float
    seed: int
    left_out: dict[str, str] = field(default_factory=dict)
    keep: Callable[[ModelSpec], bool] = lambda _: True

    @cached_property
    def contrasts(self) -> tuple[tuple[Result, Contrast], ...]:
        """One per term of the first predictor of every model; what has none is left out."""
        if not isinstance(self.contrast, str):
            given = {c.term: c for c in self.contrast}
            pairs = [(r, c) for r in self.results for t, c in given.items() if t in _terms(r)]
            for result, contrast in pairs:
                check_contrast(result, contrast)
            strange = set(given) - {c.term for _, c in pairs}
            if strange:
                known = [term for result in self.results for term in _terms(result)]
                raise unknown_key("contrast", "must be of a term", min(strange), known)
            return tuple(pairs)
        found: list[tuple[Result, Contrast]] = []
        for result in self.results:
            for term in _own_terms(result):
                try:
                    contrast = contrast_of(result, term, self.contrast, lang=language())
                    check_contrast(result, contrast)
                    found.append((result, contrast))
                except UsageError as error:
                    self.left_out[f"contrast: {term}"] = str(error)
        return tuple(found)

    def stated(self) -> tuple[tuple[Result, Contrast], ...]:
        """Contrasts, or an error where no model has any."""
        if not self.contrasts:
            reasons = [why for key, why in self.left_out.items() if key.startswith("contrast")]
            rule = reasons[0] if reasons else "the models have no predictors"
            raise UsageError("contrast", "must be known", got=rule)
        return self.contrasts


def _terms(result: Result) -> tuple[str, ...]:
    """All slopes of a model."""
    return result.moments.predictors


def _own_terms(result: Result) -> tuple[str, ...]:
    """Slopes of the first predictor: what the model is about."""
    predictors = result.spec.predictors
    return tuple(t for t in _terms(result) if predictor_of(t, predictors) in predictors[:1])


# The parts ----------------------------------------------------------------------------------------


def _prior(asked: Asked) -> "pd.DataFrame":
    """Quantities under the priors alone."""
    import pandas as pd

    parts = []
    for result in asked.results:
        own = [contrast for r, contrast in asked.contrasts if r is result]
        parts.append(prior_predictive(result, own, prob=asked.prob, seed=asked.seed))
    return pd.concat(parts, ignore_index=True)


def _fan(asked: Asked) -> "pd.DataFrame":
    """Posteriors under many priors; the model's own first."""
    import pandas as pd

    slopes = dict(SLOPE_PRIORS)
    if asked.step_at_most is not None:
        slopes["one step"] = step_prior(asked.step_at_most, 0.95)
    parts = []
    for result in asked.results:
        own = result.spec.priors
        fan = default_fan(own, slopes, GROUP_PRIORS)
        if _plain(own.slope) != SLOPE_PRIORS["2.5 sd"] or _plain(own.sd_group) != Prior("half-t"):
            fan = {"as stated": own, **fan}
        rows = prior_fan(result, fan, prob=asked.prob)
        parts.append(rows)
        if asked.contrast != "widest":  # stated: what is asked of a slope is asked of it, too
            parts += [_moved(rows, c) for r, c in asked.contrasts if r is result]
    return pd.concat(parts, ignore_index=True)


def _moved(rows: "pd.DataFrame", contrast: Contrast) -> "pd.DataFrame":
    """Rows of a slope, as rows of a contrast of its term."""
    own = rows[(rows["term"] == contrast.term) & (rows["group"] == "")]
    ends = {"lower": own["lower"] * contrast.size, "upper": own["upper"] * contrast.size}
    if contrast.size < 0:
        ends = {"lower": ends["upper"], "upper": ends["lower"]}
    return own.assign(
        term=f"{contrast.term}: {contrast.label}", mean=own["mean"] * contrast.size,
        sd=own["sd"] * abs(contrast.size), sign=own["sign"] * np.sign(contrast.size), **ends,
    )  # fmt: skip


def _plain(prior: Prior) -> Prior:
    """A prior without words."""
    return replace(prior, reason="", statement="")


def _scaling(asked: Asked) -> "pd.DataFrame":
    """Powers of prior and likelihood: of the exact results, and of sampled models as they are."""
    names = {(result.spec.name, result.spec.outcome) for result in asked.results}
    beyond = [s for s in asked.specs if not s.plain and asked.sampled and s.key in names]
    sampled = [
        fit(spec, asked.data, engine="nuts", prob=asked.prob, seed=asked.seed) for spec in beyond
    ]
    return power_scaling([*asked.results, *sampled], prob=asked.prob)


def _ladder(asked: Asked) -> "pd.DataFrame":
    """One rung after the other."""
    import pandas as pd

    parts = []
    for result in asked.results:
        saved = read_imputed(asked.imputed, result) if asked.imputed else None
        rungs = climb(result, asked.data, sampled=asked.sampled, imputed=saved, seed=asked.seed)
        parts.append(rungs)
    return pd.concat(parts, ignore_index=True)


def _controls(asked: Asked) -> "pd.DataFrame":
    """Controls one by one."""
    import pandas as pd

    specs = [r.spec for r in asked.results if len(r.spec.predictors) > 1]
    parts = [climb_controls(s, asked.data, prob=asked.prob) for s in specs]
    if not parts:
        own = load_codebook().analyses is not None
        fix = "ask of a model with more predictors" if own else "ask of q13_controls, say"
        raise UsageError("models", "have no controls to add", fix=fix)
    return pd.concat(parts, ignore_index=True)


def _size(asked: Asked) -> "pd.DataFrame":
    """Against a region that does not matter."""
    if asked.rope is None:
        raise UsageError(
            "rope", "must be stated: there is no default for what is too small to matter",
            fix="--rope 0.5 on the command line, Rope(-0.5, 0.5, 'pp') in Python",
        )  # fmt: skip
    return judge_sizes(asked.stated(), asked.rope, prob=asked.prob)


def _exceedance(asked: Asked) -> "pd.DataFrame":
    """P(at least so much)."""
    import pandas as pd

    parts = []
    for result, contrast in asked.stated():
        table = exceedance(result, contrast, asked.amounts)
        about = {"outcome": result.spec.outcome, "model": result.spec.name}
        parts.append(table.assign(**about, source=result.provenance.source))
    return pd.concat(parts, ignore_index=True)


def _bayes(asked: Asked) -> "pd.DataFrame":
    """Bayes factors over prior widths."""
    pairs = [(result, term) for result in asked.results for term in _own_terms(result)]
    if not pairs:
        raise UsageError("bayes factors", "need a predictor")
    return bayes_factors(pairs)


def _days(asked: Asked) -> "pd.DataFrame":
    """Lost days that go with a contrast."""
    import pandas as pd

    workforce = asked.workforce or _default_workforce(asked.data)
    parts = [
        days_lost(result, contrast, workforce, cost_per_day=asked.cost_per_day, prob=asked.prob)
        for result, contrast in asked.stated()
    ]
    return pd.concat(parts, ignore_index=True)


def _default_workforce(data: Any) -> Workforce:
    """The sample's own employees, or those that the report gives its six industries."""
    if not load_codebook().register:
        raise UsageError("days", "are lost days of work: this study has none")
    if isinstance(data, AnalysisSample):
        return sample_workforce(data)
    if isinstance(data, PublishedStudy):
        return Workforce({"six industries": REPORT_EMPLOYEES})
    raise UsageError("employees", "must be given for data of one's own", fix="Workforce({...})")


def _designs(asked: Asked) -> "pd.DataFrame":
    """Power, type S and type M over a distribution of true effects."""
    import pandas as pd

    parts = []
    for pair in asked.stated():
        effects = asked.effects or _learnt(pair[0].spec.outcome, pair[1])
        spread = float(np.dot(effects.weight, effects.scale))
        parts.append(design_table([pair], effects).assign(effects_sd=spread))
    return pd.concat(parts, ignore_index=True)


def _learnt(outcome: str, contrast: Contrast) -> Effects:
    """True effects as spread as the report's 32 estimates of an outcome say.

    Those are of widest contrasts: of a part of one, the same part of the spread.
    """
    if outcome not in _TABLES:
        of_report = "for an outcome that the report has no table of"
        rule = f"must be stated {of_report if load_codebook().register else 'for this study'}"
        fix = "--effects 0.5, or Effects((0.5,)): their sd for the contrast"
        raise UsageError("effects", rule, got=outcome, fix=fix)
    printed = published_designs(Effects((1.0,)), tables=[_TABLES[outcome]])
    learnt = learn_effects(
        printed["estimate"].to_numpy(), printed["std_error"].to_numpy(), scale=EFFECTS_SCALE
    )
    share = abs(contrast.size / find_contrast(contrast.term, "widest").size)
    return replace(learnt, scale=tuple(share * scale for scale in learnt.scale))


def _planning(asked: Asked) -> "pd.DataFrame":
    """Widths to expect of other studies."""
    import pandas as pd

    parts = []
    for result, contrast in asked.stated():
        industries, per_industry = _designs_of(result)
        plan = plan_precision(
            result, contrast, industries=industries, per_industry=per_industry, prob=asked.prob
        )
        parts.append(plan.assign(outcome=result.spec.outcome, model=result.spec.name))
    return pd.concat(parts, ignore_index=True)


def _designs_of(result: Result) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Groups and rows of each of other studies: the report's, or multiples of a study's own.

    Of rows the mean has one digit, which tells of nobody.
    """
    own = result.provenance.source in {"frame", "moments"} or not load_codebook().register
    if not own:
        return INDUSTRIES, PER_INDUSTRY
    groups = result.moments.n_groups
    rows = max(2, int(float(f"{result.moments.n_obs / groups:.0e}")))
    return (groups, 2 * groups, 4 * groups), (rows, 2 * rows, 4 * rows, 8 * rows)


def _multiplicity(asked: Asked) -> "pd.DataFrame":
    """All slopes of an outcome at once: of the analysis, or of all the report's items."""
    import pandas as pd

    data = asked.data
    few = data.first(_FEW_STATES) if isinstance(data, PublishedStudy) else data
    parts = []
    for outcome in dict.fromkeys(result.spec.outcome for result in asked.results):
        specs = _beside_each_other(outcome, asked)
        top = _TOP if len(specs) > 2 * _TOP else 1
        options: dict[str, Any] = {"top": top, "prob": asked.prob, "seed": asked.seed}
        if isinstance(data, AnalysisSample):
            table = pool_slopes(collect_slopes(specs, data), **options)
            table = table.reset_index().assign(correlation=np.nan)
        else:
            table = sweep_correlation(specs, few, **options).reset_index()
        source = asked.results[0].provenance.source
        slopes = table["term"].nunique()
        table = table.assign(outcome=outcome, slopes=slopes, top=top, prob=asked.prob)
        parts.append(table.assign(source=source))
    return pd.concat(parts, ignore_index=True)


def _beside_each_other(outcome: str, asked: Asked) -> list[ModelSpec]:
    """Models of an outcome that may be looked at together."""
    found = compared(outcome, asked.specs)
    known = isinstance(asked.data, AnalysisSample | PublishedStudy)
    if not found or not (known or all(spec in asked.specs for spec in found)):
        names = [spec.name for spec in asked.specs if spec.outcome == outcome]
        raise UsageError("multiplicity", "needs at least three models of one outcome", got=names)
    return [spec for spec in found if asked.keep(spec)]


def compared(outcome: str, specs: Iterable[ModelSpec]) -> list[ModelSpec]:
    """Models whose slopes are looked at together: of an analysis, or else the report's or study's.

    Parameters
    ----------
    outcome : str
    specs : iterable of ModelSpec
        Of the analysis.

    Returns
    -------
    list
        Empty for fewer than three.
    """
    own = [s for s in specs if s.outcome == outcome and s.plain and len(s.predictors) == 1]
    if len(own) > 2:
        return own
    if load_codebook().analyses is None:
        alike = [s for s in load_analysis("bivariate").specs if s.outcome == outcome]
    else:
        alike = [s for s in main_specs() if s.outcome == outcome and s.plain]
        alike = list({s.predictors: s for s in alike if len(s.predictors) == 1}.values())
    return alike if len(alike) > 2 else []


#: Parts in the order they are printed.
PARTS: Final[Mapping[str, "Callable[[Asked], pd.DataFrame]"]] = {
    "prior": _prior,
    "fan": _fan,
    "scaling": _scaling,
    "ladder": _ladder,
    "controls": _controls,
    "size": _size,
    "exceedance": _exceedance,
    "bayes": _bayes,
    "days": _days,
    "designs": _designs,
    "planning": _planning,
    "multiplicity": _multiplicity,
}


#: Parts that have a use for what is stated; whatever is not here, all have.
USED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "contrast": ("prior", "fan", "size", "exceedance", "days", "designs", "planning"),
    "rope": ("size",),
    "amounts": ("exceedance",),
    "workforce": ("days",),
    "cost_per_day": ("days",),
    "effects": ("designs",),
    "step_at_most": ("fan",),
    "sampled": ("scaling", "ladder"),
    "imputed": ("ladder",),
}


def check_stated(stated: Iterable[str], parts: Iterable[str]) -> None:
    """Refuse what none of the parts that are asked for would use.

    Parameters
    ----------
    stated : iterable of str
        Options that are not as they are by default.
    parts : iterable of str
        Parts that are asked for.

    Raises
    ------
    UsageError
        With the parts that use it.
    """
    asked = set(parts)
    for name in stated:
        if not asked & set(USED_BY[name]):
            raise UsageError(
                f"sensitivity: {name}", f"is for {', '.join(USED_BY[name])} only",
                got=f"parts {', '.join(sorted(asked))}",
                fix="ask for one of those, or leave it out",
            )  # fmt: skip


def check_part(part: str) -> None:
    """Refuse what is no part.

    Parameters
    ----------
    part : str
        A name.

    Raises
    ------
    UsageError
        With what is near it.
    """
    if part not in PARTS:
        raise unknown_key("sensitivity", "must be one of its parts", part, PARTS)
