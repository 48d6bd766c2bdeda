"""Models of predictors with gaps, drawn given completed data, and what is missing drawn from them.

Every predictor has latent variables with a regression each: a number is its own, an ordered
category is cut out of one, of other categories the largest of several wins (`joint`). Parameters
are drawn given these, and a missing value together with its latent variables given all else: what
the outcome's model says of it, and the models of predictors that are imputed from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.draws import draw_parts
from bayes_sf.engines.gaussian.exact import ExactPosterior, fit_exact
from bayes_sf.engines.sets.joint import Joint
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Prior, Priors

if TYPE_CHECKING:
    from bayes_sf.engines.gaussian.quadrature import Box

__all__ = ["Drawn", "Predictor", "Regression", "given_rest", "told_of_kinds"]


#: Turns of latent variables and their regressions in an iteration, after the first.
_SWEEPS: Final = 3
#: Nodes for sigma and tau of every draw: means and sds are good to 1e-5 sds.
_NODES: Final = (16, 24)
#: Width of a slice sampler's first step, in residual sds.
_STEP: Final = 0.2
#: Priors of a probit model, whose residuals have sd 1 and whose columns are standardised.
_FIXED: Final[dict[str, Any]] = {"autoscale": False, "reason": ""}
_PROBIT: Final = Priors(
    intercept=Prior("normal", 2.5, location=0.0, **_FIXED), slope=Prior("normal", 1.5, **_FIXED),
    sd_group=Prior("half-normal", 1.0, **_FIXED), sd_resid=Prior("exponential", 1.0, **_FIXED),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Drawn:
    """Parameters of one regression, drawn.

    Parameters
    ----------
    coef : (p,) array
        Coefficients, the intercept first.
    effect : (n,) array
        The effect of each row's group.
    sd_group, sd_resid : float
    """

    coef: Floats
    effect: Floats
    sd_group: float
    sd_resid: float

    def mean(self, columns: Floats) -> Floats:
        """Expected outcomes of rows with these columns."""
        return np.asarray(columns @ self.coef + self.effect)


class Regression:
    """A two-level regression, drawn from its exact posterior given completed data.

    Parameters
    ----------
    joint : Joint
    outcome : str
        What it is of.
    priors : Priors
    names : sequence of str
        Of its columns, which priors may be stated by; all others have none of a user's.
    probit : bool
        Whether the residuals' sd is 1.
    """

    def __init__(
        self, joint: Joint, outcome: str, priors: Priors, *, names: Sequence[str] = (),
        probit: bool = False,
    ) -> None:  # fmt: skip
        self._joint, self._outcome, self._priors = joint, outcome, priors
        self._names, self._probit = tuple(names), probit
        self._box: Box | None = None

    def draw(self, columns: Floats, values: Floats, rng: np.random.Generator) -> Drawn:
        """Draw parameters given columns, the intercept first, and outcomes."""
        joint = self._joint
        moments = Moments.from_arrays(
            np.column_stack([columns[:, 1:], values]), joint.code, outcome=self._outcome,
            predictors=self._names or tuple(f"column {i}" for i in range(1, columns.shape[1])),
            groups=joint.groups, group=joint.group,
        )  # fmt: skip
        nodes = None if self._box is None else _NODES
        part: ExactPosterior = fit_exact(moments, self._priors, nodes=nodes, start=self._box)
        self._box = part.box
        given = 1.0 if self._probit else None
        coef, effects, tau, sigma = draw_parts(
            (part,), joint.groups, np.zeros(1, int), rng, sd_resid=given
        )  # fmt: skip
        return Drawn(coef[0], effects[0][joint.code], float(tau[0]), float(sigma[0]))


class Predictor:
    """One predictor with gaps: its latent variables, parameters as last drawn, and how to draw.

    Parameters
    ----------
    joint : Joint
    k : int
        Its place.
    x : (n, K) array
        Completed data to start from.

    Attributes
    ----------
    latent : (n, L) array
        Latent variables; of a number itself.
    drawn : list of Drawn
        A regression's parameters for each latent variable but a first utility, whose mean is 0.
    cuts : array
        Cutpoints of an ordered category, the first of which is 0; none of others.
    """

    def __init__(self, joint: Joint, k: int, x: Floats) -> None:
        self.about = joint.gappy[k]
        self._joint, self._k = joint, k
        kinds = self.about.n_kinds
        priors = _PROBIT if kinds else Priors()
        self._first = int(self.about.n_latent > 1)  # of utilities the first has no regression
        self._regressions = [
            Regression(joint, self.about.name, priors, probit=bool(kinds))
            for _ in range(self.about.n_latent - self._first)
        ]
        self.drawn: list[Drawn] = []
        self.cuts = np.arange(kinds - 1.0) if self.about.ordered else np.empty(0)
        own = x[:, [k]]
        if self.about.ordered:
            own = own - 0.5  # between the cutpoints
        elif kinds:
            own = (own == np.arange(kinds)).astype(float)
        self.latent = own

    def draw(self, x: Floats, rng: np.random.Generator) -> None:
        """Draw parameters; of kinds in turn with latent variables, which walk."""
        columns = self._joint.columns(x, self._k)
        self._regress(columns, rng)
        if not self.about.n_kinds:
            return
        own = x[:, self._k].astype(int)
        certain = np.where(own[:, None] == np.arange(self.about.n_kinds), 0.0, -np.inf)
        for _ in range(_SWEEPS):
            self._cut(own, columns, rng)
            self._choose(columns, certain, rng)
            self._regress(columns, rng)

    def fill(self, x: Floats, gone: Any, others: "_Others", rng: np.random.Generator) -> None:
        """Draw what is missing of it, in place, and its latent variables.

        Parameters
        ----------
        x : (n, K) array
            Completed predictors.
        gone : (n,) bool array
            Where it is missing.
        others : tuple
            The outcome, NaN where it is missing, its model's parameters, and all predictors.
        rng : numpy.random.Generator
        """
        k, columns = self._k, self._joint.columns(x, self._k)
        if not self.about.n_kinds:
            (mine,) = self.drawn
            precision, pull = given_rest(k, self._joint, x, others)
            precision = precision + mine.sd_resid**-2
            pull = pull + mine.mean(columns) * mine.sd_resid**-2
            fresh = pull / precision + rng.normal(size=len(x)) / np.sqrt(precision)
            x[gone, k] = fresh[gone]
            self.latent = x[:, [k]].copy()
            return
        told = told_of_kinds(k, self._joint, x, others)
        seen = x[:, [k]] != np.arange(self.about.n_kinds)
        told[~gone] = np.where(seen, -np.inf, 0.0)[~gone]
        x[:, k] = self._choose(columns, told, rng)

    def residuals(self, x: Floats) -> Floats:
        """Latent variables less what their regressions expect, in residual sds, (n, m)."""
        columns = self._joint.columns(x, self._k)
        parts = [
            (self.latent[:, self._first + i] - one.mean(columns)) / one.sd_resid
            for i, one in enumerate(self.drawn)
        ]  # fmt: skip
        return np.column_stack(parts)

    def told(self, x: Floats) -> dict[str, float]:
        """What is kept of an iteration, by name."""
        name, labels = self.about.name, self.about.labels
        shares = self.about.expand(x[:, self._k]).mean(axis=0)
        if labels:
            kept = {f"{name}[{labels[i]}]: mean": float(shares[i]) for i in range(1, len(labels))}
        else:
            kept = {f"{name}: mean": float(shares[0])}
        for i, one in enumerate(self.drawn):
            of = f"{name}[{labels[i + 1]}]" if self._first else name
            kept[f"{of}: sd_group"] = one.sd_group
        if not self.about.n_kinds:
            kept[f"{name}: sd_resid"] = self.drawn[0].sd_resid
        kept |= {f"{name}: cut {i + 1}": float(self.cuts[i]) for i in range(1, len(self.cuts))}
        return kept

    def _regress(self, columns: Floats, rng: np.random.Generator) -> None:
        self.drawn = [
            regression.draw(columns, self.latent[:, self._first + i], rng)
            for i, regression in enumerate(self._regressions)
        ]  # fmt: skip

    def _choose(self, columns: Floats, told: Floats, rng: np.random.Generator) -> Floats:
        """Draw kinds and latent variables, given what the rest says of each kind, (n, kinds)."""
        means = [one.mean(columns) for one in self.drawn]
        if not self.about.ordered:
            return _contest(self.latent, [np.zeros(len(columns)), *means], told, rng)
        edges = np.concatenate([[-np.inf], self.cuts, [np.inf]]) - means[0][:, None]
        log = _log_between(edges[:, :-1], edges[:, 1:]) + told
        kind = (log + rng.gumbel(size=log.shape)).argmax(axis=1)
        rows = np.arange(len(kind))
        self.latent = (means[0] + _cut_normal(edges[rows, kind], edges[rows, kind + 1], rng))[
            :, None
        ]
        return kind.astype(float)

    def _cut(self, kind: Any, columns: Floats, rng: np.random.Generator) -> None:
        """Draw cutpoints but the first, latent variables integrated out; steps are exp(1)."""
        if len(self.cuts) < 2:
            return
        mean = self.drawn[0].mean(columns)
        for j in range(1, len(self.cuts)):
            below, above = mean[kind == j], mean[kind == j + 1]
            upper = self.cuts[j + 1] if j + 1 < len(self.cuts) else np.inf

            def log(cut: float, j: int = j, below: Any = below, above: Any = above,
                    upper: float = upper) -> float:  # fmt: skip
                prior = -cut if upper == np.inf else 0.0  # gaps add up to the last cutpoint
                inside = _log_between(self.cuts[j - 1] - below, cut - below).sum()
                return float(prior + inside + _log_between(cut - above, upper - above).sum())

            self.cuts[j] = _slice(log, self.cuts[j], (self.cuts[j - 1], upper), rng)


#: Outcome, its model's parameters, predictors.
_Others = tuple[Floats, Drawn, Sequence[Predictor]]


def given_rest(k: int, joint: Joint, x: Floats, others: _Others) -> tuple[Floats, Floats]:
    """What outcome and later predictors say of a number, (n,) each: a normal likelihood.

    Parameters
    ----------
    k : int
        Its place.
    joint : Joint
    x : (n, K) array
        Completed predictors.
    others : tuple
        The outcome, NaN where it is missing (there it tells nothing, and is drawn afterwards), its
        model's parameters, and all predictors.

    Returns
    -------
    precision, pull
        Of exp(pull x - precision x^2/2).
    """
    y, drawn, predictors = others
    slope = joint.terms.along(x, k) @ drawn.coef
    left = y - drawn.mean(joint.terms.columns(x)) + slope * x[:, k]
    tells = ~np.isnan(y)
    precision = np.where(tells, slope**2, 0.0) / drawn.sd_resid**2
    pull = np.where(tells, slope * left, 0.0) / drawn.sd_resid**2
    for later in predictors[k + 1 :]:
        here, moved = later.residuals(x), later.residuals(_moved(x, k, x[:, k] + 1))
        weight = here - moved  # how residuals, in their sds, fall with the number
        precision = precision + (weight**2).sum(axis=1)
        pull = pull + (weight * (here + weight * x[:, [k]])).sum(axis=1)
    return precision, pull


def told_of_kinds(k: int, joint: Joint, x: Floats, others: _Others) -> Floats:
    """What outcome and later predictors say of each kind, (n, kinds): log likelihoods.

    Parameters
    ----------
    k, joint, x, others
        As `given_rest` has them.
    """
    y, drawn, predictors = others
    found = []
    for kind in range(joint.gappy[k].n_kinds):
        at = _moved(x, k, kind)
        left = (y - drawn.mean(joint.terms.columns(at))) / drawn.sd_resid
        squares = np.where(np.isnan(y), 0.0, left**2)
        for later in predictors[k + 1 :]:
            squares = squares + (later.residuals(at) ** 2).sum(axis=1)
        found.append(-0.5 * squares)
    return np.column_stack(found)


def _moved(x: Floats, k: int, values: Floats | float) -> Floats:
    made = x.copy()
    made[:, k] = values
    return made


def _contest(
    utility: Floats, means: Sequence[Floats], told: Floats, rng: np.random.Generator
) -> Floats:
    """Draw utilities one after the other, in place; the largest is the kind, which is returned.

    A utility is normal, times what the rest says of its own kind where it is above the others', and
    of the largest of these where it is below.
    """
    rows, kinds = np.arange(len(utility)), range(utility.shape[1])
    for j in kinds:
        others = utility.copy()
        others[:, j] = -np.inf
        rival = others.argmax(axis=1)
        edge = others[rows, rival] - means[j]
        wins = _log_between(edge, np.inf) + told[:, j]
        loses = _log_between(-np.inf, edge) + told[rows, rival]
        ahead = np.subtract(wins, loses, where=np.isfinite(loses), out=np.full(len(rows), np.inf))
        won = rng.logistic(size=len(rows)) < ahead
        low, high = np.where(won, edge, -np.inf), np.where(won, np.inf, edge)
        utility[:, j] = means[j] + _cut_normal(low, high, rng)
    return utility.argmax(axis=1).astype(float)


def _log_between(low: Floats | float, high: Floats | float) -> Floats:
    """Log of a standard normal's mass between two ends."""
    from scipy.special import log_ndtr

    flip = np.asarray(low) > -np.asarray(high)  # to the side where logs of masses are exact
    a, b = np.where(flip, -np.asarray(high), low), np.where(flip, -np.asarray(low), high)
    top = log_ndtr(b)
    with np.errstate(divide="ignore"):
        return np.asarray(top + np.log1p(-np.exp(log_ndtr(a) - top)))


def _cut_normal(low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
    """Draw standard normals between two ends."""
    from scipy.special import log_ndtr, ndtri_exp

    flip = low > -high
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    mass = np.logaddexp(log_ndtr(a), np.log(rng.uniform(size=len(a))) + _log_between(a, b))
    drawn = np.clip(ndtri_exp(np.minimum(mass, 0.0)), a, b)
    return np.asarray(np.where(flip, -drawn, drawn))


def _slice(
    log: Any, start: float, ends: tuple[float, float], rng: np.random.Generator
) -> float:  # fmt: skip
    """Draw one number by slice sampling, stepping out (Neal 2003, Annals of Statistics 31, 705)."""
    level = log(start) - rng.exponential()
    low = start - _STEP * rng.uniform()
    high = low + _STEP
    while low > ends[0] and log(low) > level:
        low -= _STEP
    while high < ends[1] and log(high) > level:
        high += _STEP
    low, high = max(low, ends[0]), min(high, ends[1])
    while True:
        found = rng.uniform(low, high)
        if log(found) > level:
            return float(found)
        low, high = (found, high) if found < start else (low, found)
