"""PyMC models compiled by nutpie, with what PyTensor writes for it kept where it is used again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["compile_model"]


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
    from pytensor.configdefaults import config

    if getattr(config, "generated_src_dir", None) == "":  # not chosen by the user's PYTENSOR_FLAGS
        config.generated_src_dir = str(Path(config.compiledir) / "generated_src")
    return nutpie.compile_pymc_model(model, var_names=keep)
