"""How far a claim moves: priors, the analyst's rungs, practical size, chance, and many comparisons.

`sensitivity` asks every part of any model with a random intercept: those of the report, on its
published tables, on microdata or on the replica, or a user's own on a data frame. Each part is a
tidy frame. A part that cannot be answered says why: it needs rows, or something that only the user
can state (what is too small to matter, how far a predictor moves, how many employees).
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.contrast import Contrast
from bayes_sf.analysis.sensitivity_parts import AMOUNTS, PARTS, Asked, check_part, check_stated
from bayes_sf.analysis.size.days_lost import Workforce
from bayes_sf.analysis.size.power import Effects
from bayes_sf.analysis.size.practical import Rope
from bayes_sf.catalogue import speaks
from bayes_sf.engines.fit import fit
from bayes_sf.engines.options import check_numbers
from bayes_sf.engines.result import Result
from bayes_sf.errors import BayesSFError, OutcomeWarning, UsageError
from bayes_sf.inputs.variables import unknown_key
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.model import ModelSpec, model_of
from bayes_sf.spec.prior import LOCATION_FAMILIES
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PARTS", "Sensitivity", "sensitivity"]


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Everything that was asked of one or more models.

    Parameters
    ----------
    results : tuple of Result
        Exact posteriors, one per model: what all parts are about.
    contrasts : tuple of (Result, Contrast)
        How far predictors move.
    tables : mapping of str to pandas.DataFrame
        By part, see `PARTS`; ``sensitivity["fan"]`` is one of them.
    left_out : mapping of str to str
        Parts, or ``part: model``, without an answer, and why.
    prob : float
        Probability of all intervals.
    seed : int
        Seed of everything random.
    """

    results: tuple[Result, ...]
    contrasts: tuple[tuple[Result, Contrast], ...]
    tables: "Mapping[str, pd.DataFrame]"
    left_out: Mapping[str, str]
    prob: float
    seed: int

    def __getitem__(self, part: str) -> "pd.DataFrame":
        """Return the frame of a part.

        Raises
        ------
        UsageError
            For an unknown part, and for one that was left out: it says why.
        """
        if part in self.tables:
            return self.tables[part]
        check_part(part)
        rule = self.left_out.get(part, "was not asked for")
        raise UsageError(f"sensitivity: {part}", "is not there", got=rule)

    def __repr__(self) -> str:
        """One line: models and parts."""
        names = ", ".join(result.spec.name for result in self.results[:4])
        more = ", ..." if len(self.results) > 4 else ""
        return f"<Sensitivity of {names}{more}: {', '.join(self.tables)}>"


@speaks
def sensitivity(
    what: Analysis | ModelSpec | str,
    data: Any,
    *,
    items: Iterable[str] = (),
    parts: Iterable[str] = (),
    contrast: str | Sequence[Contrast] = "widest",
    rope: Rope | None = None,
    amounts: Sequence[float] = AMOUNTS,
    workforce: Workforce | None = None,
    cost_per_day: float | None = None,
    effects: Effects | None = None,
    step_at_most: float | None = None,
    sampled: bool = False,
    imputed: Path | None = None,
    prob: float = 0.95,
    seed: int = 1,
    lang: str = "en",  # noqa: ARG001  # `speaks` reads it
    keep: Callable[[ModelSpec], bool] = lambda _: True,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Sensitivity:
    """Ask how far the effects of a model, or of an analysis, move.

    Parameters
    ----------
    what : Analysis, ModelSpec or str
        What is asked.
    data : PublishedStudy, AnalysisSample, Moments or a data frame
        As in `fit`.
    items : iterable of str
        Models of the analysis, by name; all by default. Multiplicity always is about all.
    parts : iterable of str
        Some of ``prior, fan, scaling, ladder, controls, size, exceedance, bayes, days, designs,
        planning, multiplicity``. By default all, and those that cannot be answered say why; a part
        that is named and cannot be answered is an error, and so is a statement below that none of
        the named parts has a use for.
    contrast : {"widest", "step"} or sequence of Contrast
        How far predictors move, from the codebook or stated.
    rope : Rope, optional
        What is too small to matter, in the outcome's unit; without it there is no verdict.
    amounts : sequence of float
        Of P(at least so much), in the outcome's unit.
    workforce : Workforce, optional
        Who lost days are counted for: by default the sample's own workplaces, and for the published
        study the 800,000 that the report gives its six industries.
    cost_per_day : float, optional
        In any currency.
    effects : Effects, optional
        True effects, per contrast, for type S and M; by default as spread as all estimates of the
        report's table 46 or 47 say.
    step_at_most : float, optional
        Adds a prior of the slopes to the fan: one step moves the outcome by at most this, with 95 %
        probability.
    sampled : bool
        Whether rungs and models that need sampling are sampled.
    imputed : pathlib.Path, optional
        Saved estimates of a model that fills gaps (`analysis.choices.ladder.read_imputed`).
    prob : float
        Probability of all intervals.
    seed : int
        Seed of everything random.
    lang : {"en", "nb"}
        Language of contrasts' labels.
    keep : callable
        Which models multiplicity looks at beside those that are asked about.
    progress : callable
        Wraps what is fitted and asked, for a progress bar.

    Raises
    ------
    UsageError
        For an unknown item, part or contrast; for a named part that cannot be answered.
    DataError, SpecError, ConvergenceError
        As `fit` has it.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> spec = ModelSpec("y", predictors=("x",), group="g", unit="pp")
    >>> found = sensitivity(spec, df, parts=["size"], rope=Rope(-0.1, 0.1, "pp"),
    ...                     contrast=[Contrast("x", 2.0, "lowest to highest")])
    >>> found["size"]["verdict"].tolist()
    ['outside']
    >>> sensitivity(spec, df, parts=["size"])
    Traceback (most recent call last):
        ...
    bayes_sf.errors.UsageError: rope: must be stated: there is no default for what is too small to \
matter; --rope 0.5 on the command line, Rope(-0.5, 0.5, 'pp') in Python
    """
    check_numbers(prob=prob, seed=seed)
    if isinstance(contrast, str) and contrast not in ("widest", "step"):
        raise UsageError("contrast", "must be widest, step or a list of Contrast", got=contrast)
    specs = what.specs if isinstance(what, Analysis) else (model_of("sensitivity", what),)
    chosen, named = _chosen(specs, _listed("items", items)), _listed("parts", parts)
    for part in named:
        check_part(part)
    asked_parts = [part for part in PARTS if not named or part in named]
    stated = {
        "contrast": contrast != "widest", "rope": rope, "amounts": amounts is not AMOUNTS,
        "workforce": workforce, "cost_per_day": cost_per_day is not None,
        "effects": effects, "step_at_most": step_at_most is not None,
        "sampled": sampled, "imputed": imputed,
    }  # fmt: skip
    check_stated((name for name, there in stated.items() if there), asked_parts)
    left_out: dict[str, str] = {}
    steps = progress([*chosen, *asked_parts])
    results: list[Result] = []
    tables: dict[str, pd.DataFrame] = {}
    asked: Asked | None = None
    for step in steps:
        if isinstance(step, ModelSpec):
            results.append(fit(_core(step, left_out), data, prob=prob))
            continue
        asked = asked or Asked(
            tuple(results), specs, data, contrast,
            rope, amounts, workforce, cost_per_day, effects, step_at_most, sampled, imputed, prob,
            seed, left_out, keep,
        )  # fmt: skip
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", OutcomeWarning)  # it has been said of the model
                tables[step] = PARTS[step](asked)
        except BayesSFError as error:
            if named:
                raise
            left_out[step] = str(error)
    assert asked is not None
    return Sensitivity(asked.results, asked.contrasts, tables, left_out, prob, seed)


def _listed(name: str, given: Iterable[str]) -> list[str]:
    """A list of names: one text is no list of its letters."""
    if isinstance(given, str):
        raise UsageError(name, "must be a list of names", got=given, fix=f"write [{given!r}]")
    return list(given)


def _chosen(specs: tuple[ModelSpec, ...], items: list[str]) -> tuple[ModelSpec, ...]:
    """Models that are asked about."""
    names = list(dict.fromkeys(spec.name for spec in specs))
    for item in items:
        if item not in names:
            raise unknown_key("items", "must be models of the analysis", item, names)
    return tuple(spec for spec in specs if not items or spec.name in items)


def _core(spec: ModelSpec, left_out: dict[str, str]) -> ModelSpec:
    """Give the Gaussian random-intercept model at the core of a sampled one."""
    if spec.plain:
        return spec
    where = f"model {spec.name!r}"
    if spec.formula:
        rule = "is a formula with more than a random intercept, which this analysis is not for"
        raise UsageError(where, rule, got=spec.formula, fix="write y ~ x + (1 | g)")
    if spec.known_se:
        raise UsageError(where, "has known standard errors: there is no Gaussian core to move")
    left_out[f"all but scaling: {spec.name}"] = (
        "is of its core: complete rows, Gaussian residuals, one variance, slopes the same "
        "everywhere, normal prior"
    )
    slope = spec.priors.slope
    joint = slope.family not in LOCATION_FAMILIES
    priors = replace(spec.priors.used(()), slope=Priors().slope if joint else slope)
    return replace(
        spec, priors=priors, likelihood="gaussian", resid_by_group=False, repeats="",
        monotonic=(), varying=(), missing="drop",
    )  # fmt: skip
