"""NUTS on the marginalised likelihood: only (ln sigma, ln tau) are sampled.

Coefficients and group effects are integrated out of the density and drawn afterwards from their
conditional Gaussians, so there is no funnel, no divergence and no cost in rows. PyMC writes the
graph (see `graph`), nutpie compiles and samples it. `exact` answers the same questions without
Monte Carlo error; this engine is its independent check, and carries its distance to it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.draws import conditional_draws, posterior_tree
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.joint import Joint, resolve_priors
from bayes_sf.engines.gaussian.likelihood import check_groups, standardise
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.sampled.diagnostics import Diagnosed
from bayes_sf.engines.sampled.graph import compiled_for
from bayes_sf.errors import ConvergenceError
from bayes_sf.spec.moments import INTERCEPT, Moments
from bayes_sf.spec.prior import SHRINKAGE_FAMILIES
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "SETTINGS", "Sampled", "draws_row", "fit_nuts", "sample", "sampler_options", "sampler_stats",
    "try_twice", "watch",
]  # fmt: skip


#: The sampler's settings, and what a retry changes.
SETTINGS: Mapping[str, float] = {"chains": 4, "draws": 1000, "tune": 1000, "target_accept": 0.8}
_RETRY: Mapping[str, float] = {"tune": 2000, "target_accept": 0.95}

#: What is kept of the sampler's own account, by nutpie's name, under ArviZ's name.
_STATS = {
    "diverging": "diverging",
    "energy": "energy",
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
    "logp": "lp",
}
type Watcher = Callable[[list[Any]], None]
_WATCHER: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_ASKED: ContextVar[Mapping[str, float]] = ContextVar("asked", default={})  # noqa: B039  # read only


@contextmanager
def watch(watcher: Watcher) -> Iterator[None]:
    """Show every chain's progress to a function while models are sampled inside the block.

    Parameters
    ----------
    watcher : callable
        Of a list of nutpie's ``ChainProgress`` (``finished_draws``, ``total_draws``,
        ``divergences``, ``runtime_ms``); called from another thread, ten times a second.
    """
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)


@contextmanager
def sampler_options(asked: Mapping[str, float]) -> Iterator[None]:
    """Settings of the sampler that are asked for inside the block, whatever model is sampled.

    Parameters
    ----------
    asked : mapping
        Some of `SETTINGS`.
    """
    token = _ASKED.set(asked)
    try:
        yield
    finally:
        _ASKED.reset(token)


@dataclass(frozen=True, eq=False)
class Sampled(Diagnosed):
    """Draws of one model from NUTS, believed or not: see `converged`.

    Parameters
    ----------
    moments : Moments
        The data; a monotonic predictor as its score, so that terms are the coefficients.
    priors : Priors
        In the outcome's unit.
    tree : xarray.DataTree
        ArviZ's schema: ``posterior`` (beta, u, sd_group, sd_resid, icc; other variables where the
        model has others) and ``sample_stats``; and, of a Gaussian random-intercept model,
        ``exact``, moments of the exact posterior. ``u_slope`` names its predictor in its
        attribute ``term``.
    settings : mapping
        The sampler's settings: `SETTINGS`, or those of the retry.
    """

    moments: Moments
    priors: Priors
    tree: "xr.DataTree"
    settings: Mapping[str, float] = field(default_factory=lambda: SETTINGS)

    @property
    def parts(self) -> "tuple[Sampled, ...]":
        """The one data set, as in `Posterior.parts`."""
        return (self,)

    def quantile(self, name: str, probs: Sequence[float]) -> Floats:
        """Quantiles of ``sd_group``, ``sd_resid`` or ``icc``."""
        return np.asarray(np.quantile(self.tree["posterior"][name], probs))

    def rows(self, prob: float) -> Iterator[Estimate]:
        """Posterior means, sds and equal-tailed intervals from the draws.

        Coefficients come first, then single numbers, then other vectors, ``name[label]``, then
        what there is of every group.
        """
        posterior = self.tree["posterior"].to_dataset()
        group, exist = self.moments.group, self._exist

        def place(variable: "xr.DataArray") -> int:
            dims = variable.dims[2:]
            return 0 if variable.name == "beta" else 1 if not dims else 3 if group in dims else 2

        for variable in sorted(posterior.data_vars.values(), key=place):
            signed = variable.name in _SIGNED
            flat = variable.to_numpy().reshape(*variable.shape[:2], -1)
            labels = _labels(variable, group)
            many = np.broadcast_to(exist.get(str(variable.name), 2), len(labels))
            for at, (term, level) in enumerate(labels):
                yield draws_row(term, level, flat[:, :, at], prob, signed=signed, exist=many[at])

    @cached_property
    def _exist(self) -> Mapping[str, NDArray[np.int_] | int]:
        """How many moments (at most 2) of each variable exist, by the rule of `exact`.

        What is not named has both: draws are always finite, so they cannot tell.
        """
        if self.priors.slope.family in SHRINKAGE_FAMILIES:  # proper, and not `Joint`'s to judge
            return {}
        joint = Joint.build(standardise(self.moments), self.priors)
        data, k = joint.data, joint.data.n_coef
        found: dict[str, NDArray[np.int_] | int] = {
            "beta": joint.linear_moments(data.coef_transform),
            "u": joint.linear_moments(-data.means[:, :k], noisy=True),
        }
        return found | {name: joint.spread_moments(name) for name in ("sd_group", "sd_resid")}


#: Variables that can be negative.
_SIGNED = {"beta", "u", "u_slope", "correlation"}


def _labels(variable: "xr.DataArray", group: str) -> list[tuple[str, str]]:
    """(term, group) of every number that a posterior variable, (chain, draw, ...), holds."""
    name, dims = str(variable.name), variable.dims[2:]
    if not dims:
        return [(name, "")]
    labels = [str(label) for label in variable[dims[0]].to_numpy()]
    if name == "beta":
        return [(label, "") for label in labels]
    if dims[0] == group:
        terms = {"u": INTERCEPT, "sd_resid_group": "sd_resid"}
        return [(variable.attrs.get("term", terms.get(name, name)), label) for label in labels]
    return [(f"{name}[{label}]", "") for label in labels]


def draws_row(
    term: str, group: str, draws: Floats, prob: float, *, signed: bool = True, exist: int = 2
) -> Estimate:
    """One quantity from its draws; a moment that does not exist is NaN.

    Parameters
    ----------
    term, group : str
    draws : (N,) array
    prob : float
        Of the interval.
    signed : bool
        Whether it can be negative, so that there is a probability of direction.
    exist : int
        How many moments exist, at most 2.
    """
    low, high = np.quantile(draws, [0.5 - 0.5 * prob, 0.5 + 0.5 * prob])
    above = float((draws > 0).mean())
    direction = max(above, 1 - above) if signed else float("nan")
    return Estimate(
        term,
        group,
        float(draws.mean()) if exist >= 1 else float("nan"),
        float(draws.std(ddof=1)) if exist >= 2 else float("nan"),
        float(low),
        float(high),
        p_direction=direction,
    )


def fit_nuts(moments: Moments, priors: Priors | None = None, *, seed: int = 1) -> Sampled:
    """Sample the posterior of a Gaussian random-intercept model.

    A fit that fails its diagnostics is tried once more, with a higher acceptance target and a
    longer warm-up; what that returns says itself whether it `converged`.

    Parameters
    ----------
    moments : Moments
        Sufficient statistics.
    priors : Priors, optional
        The defaults of `Priors` otherwise.
    seed : int
        Seed of everything random; the same seed gives the same draws.

    Raises
    ------
    DataError
        When the model cannot be fitted.
    ConvergenceError
        When the sampler itself breaks down.
    """
    data = standardise(moments)
    check_groups(data)
    resolved = resolve_priors(priors or Priors(), data)
    joint = Joint.build(data, resolved)
    compiled = compiled_for(joint)
    exact = _exact(moments, resolved)

    def attempt(settings: Mapping[str, float]) -> Sampled:
        trace = sample(compiled, seed, settings)
        tree = _tree(joint, trace, np.random.default_rng([seed, 1]))
        tree["exact"] = exact
        return Sampled(moments, resolved, tree, settings)

    return try_twice(attempt)


class _Judged(Protocol):
    """What says of itself whether to believe it."""

    @property
    def converged(self) -> bool: ...


def try_twice[T: _Judged](
    attempt: Callable[[Mapping[str, float]], T], settings: Mapping[str, float] = SETTINGS
) -> T:
    """Sample, and once more with a higher acceptance target and a longer warm-up if need be.

    Settings that were asked for (`sampler_options`) are taken as they are, once.

    Parameters
    ----------
    attempt : callable
        Of the sampler's settings: one fit.
    settings : mapping
        Of the first attempt.
    """
    asked = _ASKED.get()
    if asked:
        return attempt({**settings, **asked})
    result = attempt(settings)
    return result if result.converged else attempt({**settings, **_RETRY})


def sampler_stats(trace: "xr.DataTree") -> "xr.Dataset":
    """What is kept of nutpie's account of its own work, under ArviZ's names.

    Parameters
    ----------
    trace : xarray.DataTree
        As nutpie returns it.
    """
    return trace["sample_stats"].to_dataset()[list(_STATS)].rename(_STATS)


def sample(compiled: Any, seed: int, settings: Mapping[str, float]) -> "xr.DataTree":
    """Run nutpie; a Rust panic is no Exception, so it is caught and said in words.

    In the background, because nutpie's own waiting turns Ctrl-C into a shorter trace.
    """
    import nutpie

    running = nutpie.sample(
        compiled, seed=seed, save_warmup=False, progress_bar=False, blocking=False,
        progress_callback=_WATCHER.get(), **settings,
    )  # fmt: skip
    try:
        tree: xr.DataTree = running.wait()
    except (KeyboardInterrupt, SystemExit):
        running.cancel()
        raise
    except BaseException as error:
        raise ConvergenceError("nuts", "the sampler must finish", got=str(error)) from error
    return tree


def _tree(joint: Joint, trace: "xr.DataTree", rng: np.random.Generator) -> "xr.DataTree":
    """Draws in the outcome's unit, coefficients and group effects drawn given the sampled two."""
    data, moments = joint.data, joint.data.moments
    posterior = trace["posterior"]
    sigma, tau = (posterior[name].to_numpy().ravel() for name in ("sd_resid", "sd_group"))
    prior = (joint.precision, joint.mean)
    coef, ranef = conditional_draws(data, prior, sigma, (tau / sigma) ** 2, rng)
    scale = data.scale[-1]
    tree = posterior_tree(
        coef @ data.coef_transform.T + data.coef_shift,
        scale * ranef, scale * tau, scale * sigma,
        terms=moments.terms, groups=moments.groups, group=moments.group,
        chains=posterior.sizes["chain"],
    )  # fmt: skip
    tree["sample_stats"] = sampler_stats(trace)
    return tree


def _exact(moments: Moments, priors: Priors) -> "xr.Dataset":
    """Moments of the exact posterior, named as the draws are."""
    import xarray as xr

    posterior = Posterior((fit_exact(moments, priors),))
    linear = {"beta": ("term", posterior.coef), "u": (moments.group, posterior.ranef)}
    spreads = ("sd_group", "sd_resid", "icc")
    return xr.Dataset(
        {
            **{
                name: (("moment", dim), [q.mean(), q.sd(), q.fourth()])
                for name, (dim, q) in linear.items()
            },
            **{
                name: ("moment", [posterior.mean(name), posterior.sd(name), posterior.fourth(name)])
                for name in spreads
            },
        },
        coords={
            "moment": ["mean", "sd", "fourth"],
            "term": list(moments.terms),
            moments.group: list(moments.groups),
        },
    )
