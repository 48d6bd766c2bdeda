"""Mixed models of R's own data, as we fit them: writes `tests/references/mixed/ours.csv`.

Run: uv run python tests/studies/mixed.py FOLDER [MODEL ...]   (two minutes; FOLDER has the data
that tests/references/mixed/fit.R writes; with names only those are fitted again).
`tests/engines/test_mixed_lme4.py` compares what is recorded.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pandas as pd

import bayes_sf as sf
from bayes_sf.engines.mixed.result import MixedResult

HERE = Path(__file__).parents[1] / "references" / "mixed"
#: Too large for lmerTest and profiles in R, or slow.
_LARGE = ("insteval",)


def quantities(
    result: MixedResult, *, profile: bool, large: bool
) -> Iterator[tuple[str, str, float]]:
    """Kind, name and value."""
    for row in result.coefficients:
        yield "fixef", row.term, row.estimate
        yield "se", row.term, row.sd
    for row in result.singles[len(result.coefficients) :]:
        if row.term.startswith(("sd_", "cor_")):
            yield "spread", row.term, row.estimate
    if not large:
        for name, df in result.fixef()["df"].items():
            yield "df", str(name), float(df)
    if profile:
        for limit in result.confint().itertuples():
            yield "profile_lower", str(limit.Index), float(limit.lower)
            yield "profile_upper", str(limit.Index), float(limit.upper)


def main(folder: Path, chosen: list[str]) -> None:
    """Fit every model whose rows are not kept here, or those that are named."""
    models = pd.read_csv(HERE / "models.csv", keep_default_na=False)
    rows = []
    if chosen:
        before = pd.read_csv(HERE / "ours.csv", keep_default_na=False)
        rows = before[~before["model"].isin(chosen)].to_numpy().tolist()
    for asked in models.itertuples():
        if (HERE / "data" / f"{asked.data}.csv").exists() or asked.model not in (
            chosen or [asked.model]
        ):
            continue
        frame = pd.read_csv(folder / f"{asked.data}.csv")
        factors = [c for c in frame if c not in {"y", "x", "nitro"}]
        frame = frame.astype(dict.fromkeys(factors, str))
        start = perf_counter()
        result = sf.fit(str(asked.formula), frame, engine=str(asked.engine))
        assert isinstance(result, MixedResult)
        print(f"{asked.model}: {perf_counter() - start:.2f} s")
        large = asked.model in _LARGE
        found = quantities(result, profile=asked.profile == "yes", large=large)
        rows += [(asked.model, *each) for each in found]
    table = pd.DataFrame(rows, columns=["model", "quantity", "name", "value"])
    table.to_csv(HERE / "ours.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
