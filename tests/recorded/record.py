"""Write the recorded numbers anew: `uv run python tests/recorded/record.py`."""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.recorded.calls import CALLS  # noqa: E402
from tests.recorded.examples import EXAMPLES  # noqa: E402
from tests.recorded.test_recorded_numbers import NUMBERS, found  # noqa: E402

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    numbers = {name: found(name) for name in sorted([*CALLS, *EXAMPLES])}
    NUMBERS.write_text(
        json.dumps(numbers, indent=1, ensure_ascii=False, sort_keys=False) + "\n", encoding="utf-8"
    )
