"""What is asked of the data: one model (`ModelSpec`).

Examples
--------
>>> ModelSpec("absence_mean", ("q13",)).key
('q13', 'absence_mean')
>>> ModelSpec("absence_mean", ("q13",), varying=("q13",)).extra_priors
('sd_slope', 'correlation')
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from typing import Any

from bayes_sf.errors import SpecError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.spec.family import family_of
from bayes_sf.spec.names import INTERCEPT, check_columns, check_list
from bayes_sf.spec.prior import LOCATION_FAMILIES
from bayes_sf.spec.priors import BASIC, Priors
from bayes_sf.spec.terms.formula import Formula, read_formula

__all__ = ["LIKELIHOODS", "MISSING", "ModelSpec"]

LIKELIHOODS = ("gaussian", "student")
#: What becomes of rows with gaps (unsaid, a study's are left out and a data frame's refused); and
#: the outcomes of which the panel model speaks.
MISSING = ("", "drop", "error", "model", "model_unlinked")
_OF_PANEL = ("absence_mean", "absence_change")
#: Fields that list columns.
_COLUMNS = (
    "predictors", "standardize", "categorical", "within_between", "nested", "monotonic", "varying",
)  # fmt: skip

#: More quarters than any register has.
_MOST_QUARTERS = 1000
#: Kinds of the other fields.
_KINDS: tuple[tuple[type, str, tuple[str, ...]], ...] = (
    (
        str,
        "text",
        (
            "name",
            "unit",
            "table",
            "likelihood",
            "repeats",
            "known_se",
            "missing",
            "formula",
            "weights",
            "frequencies",
            "family",
        ),
    ),
    (int, "a whole number", ("min_quarters",)),
    (bool, "true or false", ("resid_by_group",)),
    (Priors, "Priors(...)", ("priors",)),
)


@dataclass(frozen=True)
class ModelSpec:
    """One model with group intercepts: outcome ~ 1 + predictors + (1 | group).

    Every engine fits it as it stands. What the options below the line of `table` add needs rows,
    and is sampled (engine ``nuts``; `repeats` alone is fitted by ``exact``, too); with
    `within_between` and `categorical` alone every engine fits it again. See `engines`.

    Parameters
    ----------
    outcome : str
        Column of the outcome.
    predictors : tuple of str
        Columns of the predictors; categorical ones become dummies ``x[level]``.
    group : str
        Column of the grouping factor.
    name : str
        Name of the model; by default its predictors, ``x + z``, or ``null``; of a `formula` its
        right side, and what is said beside it.
    unit : str
        Unit of the outcome, printed with every estimate.
    priors : Priors
        Priors of the Bayesian engines; of what the model does not have, none may be given.
    min_quarters : int
        Sample rule: a workplace needs this many observed quarters. Of a study's register; a data
        frame has the rows that it has, and another number than the default is refused.
    standardize : tuple of str
        Predictors that are centred and divided by their sd (n - 1) over the model's rows.
    table : str
        Key of the published table that this model answers, or "" (refused for a data frame).
    categorical : tuple of str
        Predictors with scores that enter as dummies of their answers instead.
    within_between : tuple of str
        Predictors split into the deviation from their group's mean, ``x[within]``, and that mean,
        ``x[between]`` (Mundlak 1978).
    nested : tuple of str
        Items asked of some only: their effect among those asked. Scores are centred there, and
        "not asked" is 0; nothing is imputed. Of a study's survey: a data frame does not tell who
        was not asked, and refuses it.
    monotonic : tuple of str
        Predictors whose declared steps may differ in size but not in sign (Bürkner & Charpentier
        2020); the coefficient is the average step.
    varying : tuple of str
        Predictor (at most one) whose slope varies by group, correlated with the intercept where
        that predictor is zero: group effects, their sd, their correlation and its prior are there.
    likelihood : {"gaussian", "student"}
        Of the residuals.
    resid_by_group : bool
        Whether every group has its own residual sd, around a common one.
    repeats : str
        Column with the number m of repeated measurements that an outcome is the mean of: residual
        variance sd_resid^2 + sd_repeat^2/m.
    known_se : str
        Column with known standard errors, instead of a residual sd (meta-analysis).
    missing : {"", "drop", "error", "model", "model_unlinked"}
        What becomes of rows with a gap. Unsaid, a study's workplaces are left out, by its rules,
        and a data frame's rows are refused; ``drop`` leaves those out, too, as a formula does in
        `fit`. ``model``: all linked workplaces are in a model of their quarters (`fit_panel`) that
        says what the gaps may hold; ``model_unlinked``: those that are not in the register, too;
        then `min_quarters` has no say.
    formula : str
        Where the model is more than the fields above can say: its formula, as `from_formula` has
        read it. Outcome, predictors and group are then names of its terms.
    weights : str
        Column of precision weights, as lme4's: Var(e_i) = sd_resid^2/weight_i. Of a formula's.
    frequencies : str
        Column of counts: a row stands for so many equal rows. Of a formula's.
    family : str
        Of the outcome, one of `bayes_sf.spec.family.FAMILIES`; others than ``gaussian`` of a
        formula's.

    Raises
    ------
    SpecError
        For names that are empty or used twice.
    """

    outcome: str
    predictors: tuple[str, ...] = ()
    group: str = "industry"
    name: str = ""
    unit: str = ""
    priors: Priors = field(default_factory=Priors)
    min_quarters: int = 3
    standardize: tuple[str, ...] = ()
    table: str = ""
    categorical: tuple[str, ...] = ()
    within_between: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    monotonic: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()
    likelihood: str = "gaussian"
    resid_by_group: bool = False
    repeats: str = ""
    known_se: str = ""
    missing: str = ""
    formula: str = field(default="", repr=False)  # digests of models without one stay as they are
    weights: str = field(default="", repr=False)
    frequencies: str = field(default="", repr=False)
    family: str = field(default="gaussian", repr=False)

    @classmethod
    def from_formula(
        cls,
        formula: str,
        *,
        weights: str = "",
        frequencies: str = "",
        family: str = "gaussian",
        **options: Any,
    ) -> "ModelSpec":
        """Read a model that is written as in lme4, brms and bambi.

        A random intercept of columns as they stand becomes a model without `formula`, the same as
        one that is written out: every engine and every analysis takes it, with the same numbers.

        Parameters
        ----------
        formula : str
            ``"y ~ x * c + (1 + x | g) + (1 | a/b)"``: see `bayes_sf.spec.terms.formula`.
        weights, frequencies : str
            Columns, as in `ModelSpec`.
        family : str
            Of the outcome; successes out of trials are written ``p(y, n) ~ ...``.
        **options
            ``name``, ``unit``, ``priors``, ``missing``, ``min_quarters``, ``table``.

        Raises
        ------
        SpecError
            With the place in the formula.

        Examples
        --------
        >>> ModelSpec.from_formula("y ~ x + (1 | g)") == ModelSpec("y", ("x",), group="g")
        True
        >>> ModelSpec.from_formula("y ~ x:z + (1 | a) + (1 | b)").predictors
        ('x:z',)
        """
        if not isinstance(formula, str):
            raise SpecError("formula", "must be text", got=type(formula).__name__)
        said = _said(formula)
        kept = {key: value for key, value in said.items() if key != "plain"}
        more = weights or frequencies or family_of(family).name != "gaussian"
        if said["plain"] and not (more or said["varying"]):
            return cls(**kept, **options)
        if more:
            kept["varying"] = ()
        text = " ".join(formula.split())
        return cls(
            **kept, formula=text, weights=weights, frequencies=frequencies, family=family, **options
        )

    def __post_init__(self) -> None:
        """Check names and what goes together; fill in the default name and unit."""
        for key in _COLUMNS:
            object.__setattr__(self, key, check_list(key, getattr(self, key)))
        for kind, said, keys in _KINDS:
            for key in keys:
                value = getattr(self, key)
                if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
                    got = type(value).__name__ if value is None else value
                    raise SpecError(f"model: {key}", f"must be {said}", got=got)
        self._check_names()
        self._check_options()
        self._check_missing()
        if not 1 <= self.min_quarters <= _MOST_QUARTERS:
            rule = f"must be a whole number from 1 to {_MOST_QUARTERS}"
            raise SpecError("model: min_quarters", rule, got=self.min_quarters)
        self._check_formula()
        if not self.name:
            object.__setattr__(self, "name", self._default_name())
        if not self.unit:
            object.__setattr__(self, "unit", load_codebook().outcomes.get(self.outcome, ""))

    def _default_name(self) -> str:
        """What tells a model from others of its outcome: one with another form has another name."""
        if not self.formula:
            return " + ".join(self.predictors) or "null"
        beside = {
            "": self.family.replace("gaussian", ""), "weights ": self.weights,
            "frequencies ": self.frequencies,
        }  # fmt: skip
        said = [f"{word}{value}" for word, value in beside.items() if value]
        return ", ".join([self.formula.partition("~")[2].strip(), *said])

    def _check_names(self) -> None:
        """Columns are named by text, are different, and options are about predictors."""
        check_columns(self.outcome, self.predictors, self.group)
        for key in _COLUMNS[1:]:
            stray = sorted(set(getattr(self, key)) - set(self.predictors))
            if stray:
                raise SpecError(f"model: {key}", "must name predictors of the model", got=stray)
        for key in ("repeats", "known_se"):
            if getattr(self, key) in {self.outcome, self.group}:
                rule = "must be another column than outcome and group"
                raise SpecError(f"model: {key}", rule, got=getattr(self, key))

    def _check_options(self) -> None:
        """Refuse options that are not known, or that contradict each other."""
        if self.likelihood not in LIKELIHOODS:
            rule = f"must be one of {', '.join(LIKELIHOODS)}"
            raise SpecError("model: likelihood", rule, got=self.likelihood)
        if len(self.varying) > 1:
            rule = "must name one predictor: only one slope can vary by group"
            raise SpecError("model: varying", rule, got=list(self.varying))
        coded = [*self.categorical, *self.within_between, *self.monotonic, *self.nested]
        twice = sorted({name for name in coded if coded.count(name) > 1})
        twice += sorted(set(self.varying) & (set(coded) - set(self.nested)))
        if twice:
            rule = "must name a predictor in one of categorical, within_between, nested, monotonic"
            raise SpecError("model", f"{rule}, and then not in varying", got=twice)
        scored = sorted(set(self.standardize) & {*self.categorical, *self.monotonic})
        if scored:
            rule = "must name predictors with scores, not those in categorical or monotonic"
            raise SpecError("model: standardize", rule, got=scored)
        resid = [key for key in ("resid_by_group", "repeats", "known_se") if getattr(self, key)]
        if len(resid) > 1 or (resid and self.likelihood == "student"):
            rule = "must have one kind of residuals: student, resid_by_group, repeats or known_se"
            student = ["student"] if self.likelihood == "student" else []
            raise SpecError("model", rule, got=[*student, *resid])

    def _check_missing(self) -> None:
        """Gaps are modelled for outcomes that quarters have, and without other options."""
        if self.missing not in MISSING:
            rule = f"must be one of {', '.join(filter(None, MISSING))}"
            raise SpecError("model: missing", rule, got=self.missing)
        if not self.models_gaps:
            return
        if self.outcome not in _OF_PANEL:
            rule = f"can be model only for {' and '.join(_OF_PANEL)}"
            raise SpecError("model: missing", rule, got=self.outcome)
        options = (*_COLUMNS[1:], "resid_by_group", "repeats", "known_se")
        others = [key for key in options if getattr(self, key)]
        others += ["likelihood"] * (self.likelihood != "gaussian")
        if others:
            rule = "cannot be model together with other options of a model"
            raise SpecError("model: missing", rule, got=others, fix="leave them out")
        if self.group != "industry":
            rule = "must be industry where gaps are modelled: the panel knows no other"
            raise SpecError("model: group", rule, got=self.group)

    def _check_family(self) -> None:
        """What goes with other than Gaussian outcomes alone, and what does not."""
        other = family_of(self.family).name != "gaussian"
        if other and self.weights:
            rule = f"are precisions, which family {self.family!r} does not have"
            fix = "write successes of trials as p(y, n), or counts of equal rows as frequencies"
            raise SpecError("model: weights", rule, got=self.weights, fix=fix)
        if other and not self.formula:
            rule = "is of other than Gaussian models, which are written as a formula"
            fix = "use ModelSpec.from_formula(..., family=...)"
            raise SpecError("model: family", rule, got=self.family, fix=fix)

    def _check_formula(self) -> None:
        """What is said beside a formula is what the formula says."""
        self._check_family()
        if not self.formula:
            for key in ("weights", "frequencies"):
                if getattr(self, key):
                    rule = "are of a model that is written as a formula"
                    raise SpecError(f"model: {key}", rule, fix="use ModelSpec.from_formula(...)")
            return
        said = _said(self.formula)
        for key in ("outcome", "predictors", "group"):
            if getattr(self, key) != said[key]:
                rule = f"must be the formula's, {said[key]!r}"
                raise SpecError(f"model: {key}", rule, got=getattr(self, key),
                                fix="use ModelSpec.from_formula(...)")  # fmt: skip
        options = (*(key for key in _COLUMNS[1:] if key != "varying"), "resid_by_group", "repeats")
        others = [key for key in (*options, "known_se", "table") if getattr(self, key)]
        others += ["likelihood"] * (self.likelihood != "gaussian")
        others += ["missing"] * self.models_gaps
        if others:
            rule = "cannot be asked beside a formula of this kind"
            raise SpecError("model", rule, got=others, fix="write it into the formula")
        used = read_formula(self.formula).columns
        for key in ("weights", "frequencies"):
            if getattr(self, key) in used:
                raise SpecError(f"model: {key}", "must be a column of its own", got=used)
        if self.weights and self.frequencies:
            rule = "must be either precisions (weights) or counts (frequencies)"
            raise SpecError("model: weights", rule, got=[self.weights, self.frequencies])

    @property
    def parsed(self) -> Formula:
        """The formula, taken apart."""
        return read_formula(self.formula)

    @cached_property
    def extra_priors(self) -> tuple[str, ...]:
        """Names of the priors that this model has beside intercept, slope and the two sds."""
        slopes, correlated = _varying(self.formula) if self.formula else (self.varying,) * 2
        asked = {
            "sd_slope": slopes, "correlation": correlated,
            "df_resid": self.likelihood == "student", "sd_log_resid": self.resid_by_group,
            "sd_repeat": self.repeats, "simplex": self.monotonic,
            "sd_workplace": self.models_gaps, "sd_trend": self.models_gaps,
            "sd_group_change": self.models_gaps,
        }  # fmt: skip
        return tuple(name for name, has in asked.items() if has)

    def check_priors(self) -> None:
        """Refuse priors of what this model does not have.

        Raises
        ------
        SpecError
            With the prior, and what it is about.
        """
        more = (f.name for f in fields(Priors) if f.name not in {*BASIC, "terms"})
        stray = [role for role in more if role not in self.extra_priors]
        given = [role for role in stray if getattr(self.priors, role) is not None]
        no_resid = self.known_se or self.family != "gaussian"
        if no_resid and replace(self.priors.sd_resid, reason="") != Priors().sd_resid:
            given.append("sd_resid")
        if given:
            rule = "is about something that this model does not have"
            raise SpecError(f"model {self.name!r}: priors.{given[0]}", rule, fix="leave it out")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns of a frame that it is about, without repetition."""
        if self.formula:
            named = (*self.parsed.columns, self.weights, self.frequencies)
        else:
            named = (self.outcome, *self.predictors, self.group, self.repeats, self.known_se)
        return tuple(dict.fromkeys(filter(None, named)))

    @property
    def models_gaps(self) -> bool:
        """Whether gaps are modelled, instead of their rows left out."""
        return self.missing not in {"", "drop", "error"}

    @cached_property
    def plain(self) -> bool:
        """Whether it is a Gaussian random-intercept model: moments are enough, any engine fits."""
        shrunk = self.priors.slope.family not in LOCATION_FAMILIES
        return not (self.extra_priors or self.known_se or shrunk or self.formula)

    @property
    def engines(self) -> tuple[str, ...]:
        """Engines that fit this model, the one to prefer first.

        The exact one also fits means of repeated measurements, if that is all there is beside a
        Gaussian random intercept; whatever else is beyond it is sampled.

        Examples
        --------
        >>> ModelSpec("y", repeats="m").engines, ModelSpec("y", resid_by_group=True).engines
        (('exact', 'nuts'), ('nuts',))
        """
        if self.family != "gaussian":
            return family_of(self.family).engines
        if self.plain:
            return ("exact", "nuts", "reml", "ols")
        if self.formula:
            return ("exact", "nuts", "reml", "ml")
        return ("exact", "nuts") if replace(self, repeats="").plain else ("nuts",)

    @property
    def designed(self) -> "ModelSpec":
        """The same model of the rows that a sample's `design` has made: what it asks is done."""
        return replace(
            self, standardize=(), nested=(), table="", min_quarters=ModelSpec.min_quarters
        )

    @property
    def key(self) -> tuple[str, str]:
        """(name, outcome): how a result is found among many."""
        return (self.name, self.outcome)

    @cached_property
    def digest(self) -> str:
        """Short fingerprint of everything the specification says."""
        more = (self.formula, self.weights, self.frequencies)
        # as ever for models of a study, whose workplaces with gaps are left out
        whole = self if self.missing else replace(self, missing="drop")
        said = repr(whole) + (repr(more) if any(more) else "")
        if self.family != "gaussian" or self.priors.terms:
            said += repr((self.family, tuple(self.priors.named.items())))
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def model_of(where: str, what: object) -> ModelSpec:
    """Return a model that is one, or is written as a formula: gaps are left out then, as by `fit`.

    Parameters
    ----------
    where : str
        Function that was asked, for messages.
    what : str or ModelSpec

    Raises
    ------
    UsageError
        For anything else.

    Examples
    --------
    >>> model_of("influence", "y ~ x + (1 | g)").predictors
    ('x',)
    """
    if isinstance(what, str):
        return ModelSpec.from_formula(what, missing="drop")
    if not isinstance(what, ModelSpec):
        raise UsageError(
            where, "must be of a model: a formula, or a ModelSpec", got=type(what).__name__,
            fix="write 'y ~ x + (1 | g)', or make one with ModelSpec(...)",
        )  # fmt: skip
    return what


@lru_cache(maxsize=64)
def _said(formula: str) -> Mapping[str, Any]:
    """What a formula says in a specification's own fields, and whether they say all of it."""
    from bayes_sf.spec.terms.evaluation import has_intercept, terms_of

    parsed = read_formula(formula)
    if not parsed.random:
        raise SpecError(
            "formula", "must have a random term", got=parsed.text,
            fix="add (1 | g) with the column that groups rows; without groups use statsmodels",
        )  # fmt: skip
    fixed, random = terms_of(parsed)
    offset = [name for name in fixed if name.startswith("offset(")]
    predictors = tuple(name for name in fixed if name not in offset)
    columns = set(parsed.columns)
    outcome, first = parsed.response.strip("`"), parsed.random[0]
    plain = (
        {outcome, first.factor, *predictors} <= columns
        and not (offset or parsed.coded or len(random) > 1)
        and has_intercept(parsed)
        and first.correlated
    )
    varying: tuple[str, ...] = ()
    if plain and random[0] != (INTERCEPT,):
        slope = tuple(name for name in random[0] if name != INTERCEPT)
        plain = random[0] == (INTERCEPT, *slope) and len(slope) == 1 and slope[0] in predictors
        varying = slope if plain else ()
    return {
        "outcome": outcome, "predictors": predictors, "group": first.factor,
        "varying": varying, "plain": plain,
    }  # fmt: skip


@lru_cache(maxsize=64)
def _varying(formula: str) -> tuple[bool, bool]:
    """Whether slopes vary, and whether coefficients of one factor are correlated."""
    from bayes_sf.spec.terms.evaluation import terms_of

    parsed = read_formula(formula)
    random = terms_of(parsed)[1]
    slopes = any(set(names) != {INTERCEPT} for names in random)
    several = [len(names) > 1 or names != (INTERCEPT,) for names in random]
    return slopes, any(
        term.correlated and many for term, many in zip(parsed.random, several, strict=True)
    )
