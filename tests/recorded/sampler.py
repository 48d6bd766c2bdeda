"""A sampler that does not sample: it evaluates a model's graph at points that are the same always.

All that is made of draws can then be recorded: no chain depends on the processor, nothing compiles.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import xarray as xr

from bayes_sf.engines.sampled import nuts

CHAINS, DRAWS = 2, 4
#: Where a model is compiled, and where it is sampled.
_COMPILED = (
    "sampled.graph", "sampled.conditional_graph", "sampled.student", "outcomes.sampled",
    "panel.sampling",
)  # fmt: skip
_SAMPLED = (
    "sampled.nuts", "sampled.hierarchical", "sampled.student", "outcomes.sampled",
    "panel.sampling", "mixed.sampled",
)  # fmt: skip


class Graph:
    """What stands for a compiled model."""

    def __init__(self, model: Any, keep: Any = None) -> None:
        self.model, self.keep, self.data = model, keep, {}

    def with_data(self, **data: Any) -> "Graph":
        """Put in numbers."""
        made = Graph(self.model, self.keep)
        made.data = data
        return made


def sample(compiled: Any, seed: int, _: Any) -> xr.DataTree:
    """Points around zero on the unconstrained scale, with their log density as ``lp``."""
    rng = np.random.default_rng(seed)
    shape = (CHAINS, DRAWS)
    draws: dict[str, Any] = {}
    if isinstance(compiled, Graph):
        draws, density = _evaluated(compiled, rng, CHAINS * DRAWS)
    else:  # a function of a point
        target = compiled._make_logp_func()
        points = compiled._make_initial_points(1) + rng.normal(
            0, 0.2, (CHAINS * DRAWS, compiled.n_dim)
        )
        density = [target(point) for point in points]
        density = [np.r_[value, gradient].sum() for value, gradient in density]
        draws = {"point": points}
    posterior = xr.Dataset({
        name: (("chain", "draw", *(f"{name}_{i}" for i in range(value.ndim - 1))),
               value.reshape(*shape, *value.shape[1:]))
        for name, value in draws.items()
    }, coords={"chain": range(CHAINS), "draw": range(DRAWS)})  # fmt: skip
    stats = {name: np.zeros(shape) for name in nuts._STATS}
    stats["logp"] = np.reshape(density, shape)
    stats["energy"] = rng.normal(size=shape)
    stats["diverging"] = np.zeros(shape, dtype=bool)
    stats["depth"] = np.full(shape, 3)
    stats = xr.Dataset({name: (("chain", "draw"), value) for name, value in stats.items()})
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


def _evaluated(compiled: Graph, rng: Any, n: int) -> tuple[dict[str, Any], Any]:
    """Variables of a graph, and its log density, at n points."""
    import pymc as pm
    import pytensor

    model = compiled.model
    with model:
        if compiled.data:
            pm.set_data(compiled.data)
    wanted = [model[name] for name in compiled.keep] if compiled.keep else [
        *model.free_RVs, *model.deterministics
    ]  # fmt: skip
    outputs = [*model.replace_rvs_by_values(wanted), model.logp()]
    mode = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    function = pytensor.function(model.value_vars, outputs, mode=mode, on_unused_input="ignore")
    start = model.initial_point(random_seed=1)
    points = []
    for _ in range(n):  # bambi's variables come in no order
        moved = {v: start[v] + rng.normal(0, 0.3, np.shape(start[v])) for v in sorted(start)}
        points.append(function(*(moved[v.name] for v in model.value_vars)))
    columns = [np.stack([np.asarray(point[at]) for point in points]) for at in range(len(outputs))]
    return {v.name: c for v, c in zip(wanted, columns, strict=False)}, columns[-1]


@contextmanager
def not_sampling() -> Iterator[None]:
    """Let models be evaluated, not sampled, inside the block."""
    from importlib import import_module

    with ExitStack() as stack:
        for name in _COMPILED:
            module = import_module(f"bayes_sf.engines.{name}")
            compiles = "compile_large" if name == "panel.sampling" else "compile_model"
            stack.enter_context(patch.object(module, compiles, Graph))
            for kept in ("_compiled",):
                if hasattr(module, kept):
                    stack.enter_context(
                        patch.object(module, kept, getattr(module, kept).__wrapped__)
                    )
        for name in _SAMPLED:
            module = import_module(f"bayes_sf.engines.{name}")
            stack.enter_context(patch.object(module, "sample", sample))
        stack.enter_context(nuts.sampler_options({"draws": DRAWS}))
        yield
