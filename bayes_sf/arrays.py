"""Arrays of floats, as annotations have them: one name in all rooms."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats"]

type Floats = NDArray[np.float64]
"""Of any shape; docstrings say which."""
