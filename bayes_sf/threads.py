"""Variables of the environment that say how many threads a library's algebra has."""

from typing import Final

__all__ = ["THREADS"]

#: Of OpenBLAS, OpenMP and MKL, who read them when they are loaded.
THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
