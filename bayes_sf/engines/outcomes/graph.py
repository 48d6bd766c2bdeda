"""A model as bambi builds it, from columns that are made already.

Bambi gets numbers under names of ours (``x0``, ``f0``), so that coding, scaling and names of terms
are those of every other engine here, whatever columns are called. Predictors are centred; what
that does to the intercept is taken back in `sampled`. All priors of coefficients, sds and
correlations are stated; correlated effects are a prior of ours (`correlated`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.outcomes.correlated import Block, in_pymc
from bayes_sf.errors import UsageError
from bayes_sf.spec.family import Family
from bayes_sf.spec.names import INTERCEPT
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.terms.matrices import Factor, Matrices

__all__ = ["OutcomeGraph", "outcome_graph"]


#: Where the thresholds' priors have their means, from the first to the last.
_REACH = 2.0
#: So many sds from a column's mean its zero is far, and what is correlated is sampled at the mean.
_FAR = 5.0


@dataclass(frozen=True, eq=False)
class OutcomeGraph:
    """Bambi's model, and what of it stands for what of ours.

    Parameters
    ----------
    model : bambi.Model
        Built.
    coefficients : tuple of str
        Bambi's names of the coefficients, in the order of the terms.
    blocks : tuple of tuple of Block
        Of each factor, bambi's names of what varies, those that are correlated together.
    means : (p,) array
        What was taken off the columns.
    more : mapping
        Priors of the family's own parameters, as bambi writes them.
    """

    model: Any
    coefficients: tuple[str, ...]
    blocks: tuple[tuple[Block, ...], ...]
    means: Floats
    more: Mapping[str, str]

    @property
    def effects(self) -> tuple[tuple[str, ...], ...]:
        """Of each factor, bambi's names of what varies; ``..._sigma`` are the sds."""
        return tuple(tuple(chain(*(b.names for b in blocks))) for blocks in self.blocks)

    @property
    def kept(self) -> list[str]:
        """Bambi's names of all that draws are asked for."""
        names = list(chain(*self.effects))
        later = chain(*(block.names[1:] for blocks in self.blocks for block in blocks))
        return [
            *self.coefficients, *(f"{name}_sigma" for name in names), *self.more,
            *(f"{name}_partial" for name in later), *names,
        ]  # fmt: skip


def outcome_graph(matrices: Matrices, family: Family, priors: Mapping[str, Prior]) -> OutcomeGraph:
    """Build a model; nothing is compiled.

    Parameters
    ----------
    matrices : Matrices
    family : Family
    priors : mapping
        Of `outcome_priors`.

    Raises
    ------
    UsageError
        Where bambi is not installed.
    """
    try:
        import bambi
    except ImportError:
        raise UsageError(
            "engine 'nuts'", f"needs bambi for family {family.name!r}",
            fix="install bayes-sf[outcomes]",
        ) from None  # fmt: skip
    data, left = _response(matrices, family)
    columns, fixed, coefficients, means = _fixed(matrices, data)
    blocks, random = _random(matrices, data, priors)
    stated: dict[str, Any] = {
        own: _in_bambi(bambi, priors[term])
        for own, term in zip(coefficients, matrices.terms, strict=True)
    }
    for factor, made in zip(matrices.factors, blocks, strict=True):
        sds = sd_names(factor)[0]
        for places, block in zip(factor.blocks, made, strict=True):
            for at, (own, place) in enumerate(zip(block.names, places, strict=True)):
                sigma = _in_bambi(bambi, priors[sds[place]])
                stated[own] = _effects(bambi, block, at, sigma)
    if family.ordered:
        stated["threshold"] = _thresholds(bambi, priors[INTERCEPT], len(matrices.levels) - 1)
    model = bambi.Model(
        f"{left} ~ {' + '.join([*fixed, *columns, *random])}", data, family=family.name,
        priors=stated, auto_scale=False, center_predictors=False,
    )  # fmt: skip
    model.build()
    more = {name: _written(model.parameters[name].prior) for name in family.parameters}
    return OutcomeGraph(model, coefficients, blocks, means, more)


def _response(matrices: Matrices, family: Family) -> tuple[Any, str]:
    """A frame with the response, and the left side of a formula."""
    import pandas as pd

    y = matrices.y
    if family.ordered:
        codes = pd.Categorical(y.astype(int), ordered=True)
        return pd.DataFrame({"y": codes}), "y"
    whole = bool((y == np.round(y)).all()) and family.name not in {"beta", "hurdle_gamma",
                                                                   "hurdle_lognormal"}  # fmt: skip
    data = pd.DataFrame({"y": y.astype(np.int64) if whole else y})
    if matrices.trials is None:
        return data, "y"
    data["n"] = matrices.trials.astype(np.int64)
    return data, "prop(y, n)"


def _fixed(matrices: Matrices, data: Any) -> tuple[list[str], list[str], tuple[str, ...], Floats]:
    """Fixed columns put into the frame, centred where there is an intercept to take it back."""
    centred = matrices.has_intercept or bool(matrices.levels)
    names, means = [], np.zeros(len(matrices.terms))
    columns = []
    for place, term in enumerate(matrices.terms):
        if term == INTERCEPT:
            names.append("Intercept")
            continue
        column = matrices.x[:, place]
        means[place] = column.mean() if centred else 0.0
        data[f"x{place}"] = column - means[place]
        names.append(f"x{place}")
        columns.append(f"x{place}")
    if matrices.offset is not None:
        data["o"] = matrices.offset
        columns.append("offset(o)")
    return columns, ["1" if matrices.has_intercept else "0"], tuple(names), means


def _random(
    matrices: Matrices, data: Any, priors: Mapping[str, Prior]
) -> tuple[tuple[tuple[Block, ...], ...], list[str]]:
    """Factors put into the frame, what varies by each in bambi's names, and random terms."""
    import pandas as pd

    found, terms = [], []
    for number, factor in enumerate(matrices.factors):
        own = f"f{number}"
        codes = pd.Index(range(factor.n_levels))
        data[own] = pd.Categorical.from_codes(factor.code, categories=codes)
        blocks = []
        for places in factor.blocks:
            pivot, names = _pivot(factor, places), []
            for place, taken in zip(places, pivot, strict=True):
                if factor.columns[place] == INTERCEPT:
                    names.append(f"1|{own}")
                    terms.append(f"(1|{own})")
                else:
                    slope = f"z{number}_{place}"
                    data[slope] = factor.z[:, place] - taken
                    names.append(f"{slope}|{own}")
                    terms.append(f"(0 + {slope}|{own})")
            blocks.append(_block(factor, places, tuple(names), pivot, priors))
        found.append(tuple(blocks))
    return tuple(found), terms


def _pivot(factor: Factor, places: Sequence[int]) -> Floats:
    """What is taken off correlated columns: their means, where zero is far from those."""
    found = np.zeros(len(places))
    if factor.columns[places[0]] == INTERCEPT:
        for at, place in enumerate(places[1:], start=1):
            mean, sd = factor.z[:, place].mean(), factor.z[:, place].std()
            found[at] = mean if abs(mean) >= _FAR * sd else 0.0
    return found


def _block(
    factor: Factor, places: Sequence[int], names: tuple[str, ...], pivot: Floats,
    priors: Mapping[str, Prior],
) -> Block:  # fmt: skip
    """Columns of a factor that are correlated, with what their priors are."""
    sds, correlations = sd_names(factor)
    own = [
        priors[name] for name, pair in zip(correlations, factor.pairs, strict=True)
        if pair[0] in places
    ]  # fmt: skip
    return Block(names, pivot, own[0].shape if own else 1.0, priors[sds[places[0]]])


def _effects(bambi: Any, block: Block, at: int, sigma: Any) -> Any:
    """Prior of one column's effects."""
    if at == 0:
        return bambi.Prior("Normal", mu=0, sigma=sigma)
    build = partial(block.effects, at)
    return bambi.Prior("Correlated", dist=build, noncentered=False, sigma=sigma)


def _in_bambi(bambi: Any, prior: Prior) -> Any:
    """A resolved prior in bambi's words."""
    name, arguments = in_pymc(prior)
    return bambi.Prior(name, **arguments)


def _thresholds(bambi: Any, prior: Prior, many: int) -> Any:
    """Prior of thresholds in order."""
    from pymc.distributions.transforms import ordered

    means = (prior.location or 0.0) + np.linspace(-_REACH, _REACH, many)
    return bambi.Prior("Normal", mu=means, sigma=prior.scale, transform=ordered)


def _written(prior: Any) -> str:
    """Bambi's prior of a parameter as it writes it, arrays by their ends."""
    parts = []
    for key, value in prior.args.items():
        if key == "transform":
            parts.append("in order")
        else:
            ends = np.atleast_1d(value)
            text = f"{ends[0]:.3g}" if len(ends) == 1 else f"{ends[0]:.3g} to {ends[-1]:.3g}"
            parts.append(f"{key} {text}")
    return f"{prior.name}({', '.join(parts)})"
