"""PyMC models compiled by nutpie, with what PyTensor writes for it kept where it is used again."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from bayes_sf.arrays import Floats

__all__ = ["compile_large", "compile_model"]


def compile_model(model: Any, *, keep: Sequence[str] | None = None) -> Any:
    """Compile a model.

    PyTensor writes Python source for Numba to read. By itself it leaves a new file for every
    function in the system's temporary folder, for ever; here it goes into PyTensor's own cache,
    named by its content, where PyTensor removes what has not been used for a month.

    Parameters
    ----------
    model : pymc.Model
        What to compile.
    keep : sequence of str, optional
        Variables whose draws are kept; all otherwise.
    """
    import nutpie

    _keep_sources()
    return nutpie.compile_pymc_model(model, var_names=keep)


def _keep_sources() -> None:
    """Have sources written where PyTensor cleans up."""
    from pytensor.configdefaults import config

    if getattr(config, "generated_src_dir", None) == "":  # not chosen by the user's PYTENSOR_FLAGS
        config.generated_src_dir = str(Path(config.compiledir) / "generated_src")


def compile_large(model: Any) -> Any:
    """Compile a model of so many terms that compiling it takes longer than sampling.

    nutpie puts a function of its own round what PyTensor and Numba have compiled, with which Numba
    optimises all of it again, in every process. Called from Python it is loaded from the cache;
    chains then take turns.

    Parameters
    ----------
    model : pymc.Model
        What to compile; its ``pm.Data`` are replaced by `with_data`.
    """
    from nutpie import compile_pymc, compiled_pyfunc
    from pymc.initial_point import make_initial_point_fn

    _keep_sources()
    start = make_initial_point_fn(
        model=model, default_strategy="support_point", jitter_rvs=set(model.free_RVs),
        return_transformed=True,
    )  # fmt: skip
    make = compile_pymc._make_functions  # noqa: SLF001 - as nutpie makes them
    n, _, density, rest, initial, (names, places, shapes), moved = make(
        model, mode="NUMBA", compute_grad=True, join_expanded=True, pymc_initial_point_fn=start
    )
    lock = Lock()  # chains start at once, and PyTensor's functions keep what they are called with

    def begin(seed: int) -> Floats:
        with lock:
            return np.asarray(initial(seed))

    def logp(x: Floats, /, **data: Floats) -> tuple[float, Floats]:
        value, gradient = _call(density, x, data)
        return float(value), gradient

    def expand(x: Floats, /, **data: Floats) -> dict[str, Floats]:
        (flat,) = _call(rest, x, data)
        return {
            name: flat[place].reshape(shape)
            for name, place, shape in zip(names, places, shapes, strict=True)
        }

    used = {*density.get_shared(), *rest.get_shared()}
    return compiled_pyfunc.from_pyfunc(
        n, lambda: logp, lambda *_: expand, ["float64"] * len(names), shapes, names,
        shared_data={variable.name: variable.get_value() for variable in used},
        make_initial_point_fn=begin, reparameterized_names=moved,
    )  # fmt: skip


def _call(function: Any, x: Floats, data: dict[str, Floats]) -> Any:
    """Call what is compiled with data that may be others' (PyTensor's own call keeps its own)."""
    return function.vm.jit_fn(x, *(data[variable.name] for variable in function.get_shared()))
