"""Make the gallery: `uv run python docs/gallery.py` draws its pictures and writes its page.

Every picture that a result can be asked for is drawn of invented pupils in schools, whose model is
fitted in closed form; those of chains need a sampler and are left out.
"""

from pathlib import Path

import numpy as np
import pandas as pd

import bayes_sf as sf
from bayes_sf.output.figures.pictures import OF_CHAINS, PICTURES

FOLDER = Path(__file__).with_name("gallery")
#: What each shows, and what it is for.
ABOUT = {
    "forest": "Estimates with 50 % and 95 % intervals, on scales of their own; here with "
    '`rope=0.5`, what is too small to matter. `sort="estimate"` has the largest slope on top.',
    "halfeye": "Half-eyes: every parameter's posterior over its prior, with interval and mean.",
    "shrinkage": "Levels of groups without and with partial pooling, the smallest group first.",
    "raincloud": "Rows of each group: density, quartiles and each row, by the median.",
    "ppc": "Posterior predictive check: data, and data that the model would make.",
    "loo_pit": "LOO-PIT: where rows lie in what is expected of them when they are left out.",
    "pair": "Pairs of parameters.",
    "conditional": "Conditional effects: the expected outcome along each predictor.",
}
#: Pictures that need chains, or slopes that vary by group, which are sampled.
LEFT_OUT = {*OF_CHAINS, "slopes"}
DPI = 70


def pupils(schools: int, seed: int) -> pd.DataFrame:
    """Invented pupils: scores, and socio-economic status, by school."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(8, 40, schools)
    school = np.repeat(np.arange(schools), sizes)
    ses = rng.normal(size=len(school))
    score = 50 + 3 * ses + rng.normal(0, 4, schools)[school] + rng.normal(0, 8, len(school))
    names = np.char.add("school ", np.char.zfill((school + 1).astype(str), len(str(schools))))
    return pd.DataFrame({"score": score, "ses": ses, "school": names})


def main() -> None:
    """Draw every picture, and write the page that shows them."""
    FOLDER.mkdir(exist_ok=True)
    spec = sf.ModelSpec("score", ("ses",), "school", unit="points")
    few, many = (sf.fit(spec, pupils(schools, 3)) for schools in (12, 160))
    lines = [
        "# Gallery", "",
        "Pictures by name: `result.plot(name, path, dpi=)`, or `bayes-sf plot ANALYSIS NAME`.",
        "The pupils are invented; `docs/gallery.py` draws them.", "",
    ]  # fmt: skip
    for name in PICTURES:
        if name not in LEFT_OUT:
            few.plot(name, FOLDER / f"{name}.png", dpi=DPI, rope=0.5 if name == "forest" else None)
            lines += [
                f"## {name}",
                "",
                ABOUT[name],
                "",
                f"![{ABOUT[name]}](gallery/{name}.png)",
                "",
            ]
    text = "Of more than 40 groups: from the lowest level to the highest, five of them named."
    many.plot("shrinkage", FOLDER / "shrinkage_many.png", dpi=DPI)
    lines += [
        "## shrinkage, 160 schools",
        "",
        text,
        "",
        f"![{text}](gallery/shrinkage_many.png)",
        "",
    ]
    lines += [
        "## Of chains, and of slopes that vary", "",
        "`trace`, `rank`, `energy` are of chains, and `slopes` of slopes that vary by group:",
        "fit by `engine='nuts'`.",
        "",
    ]  # fmt: skip
    Path(__file__).with_name("gallery.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
