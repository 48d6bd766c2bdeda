"""Quarterly extracts of a register: read, checked, summed up to one row per workplace."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayes_sf.inputs.register.reader import Register, read_register

__all__ = ["Register", "read_register"]


def __getattr__(name: str) -> Any:  # its modules are needed by those that the reader needs
    """The reader, on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bayes_sf.inputs.register import reader

    return getattr(reader, name)
