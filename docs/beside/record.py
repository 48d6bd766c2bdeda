"""Record our half of `docs/beside.md`, and bambi's: `uv run python docs/beside/record.py`.

`record.R` records sjPlot's, ggeffects', broom.mixed's and emmeans' of the same invented pupils.
"""

import sys
from pathlib import Path

import arviz as az
import bambi as bmb
import numpy as np

import bayes_sf as sf

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from gallery import pupils  # noqa: E402  # beside it

DPI = 60


def main() -> None:
    """Write the data, our tables and pictures, and bambi's."""
    data = pupils(12, 3)
    rng = np.random.default_rng(1)
    data["track"] = rng.choice(["general", "technical", "arts"], len(data))
    data["score"] += 2.0 * (data["track"] == "arts")
    data = data.round(3)
    data.to_csv(HERE / "pupils.csv", index=False)
    formula = "score ~ ses + track + (1 | school)"
    null = sf.fit("score ~ 1 + (1 | school)", data, engine="reml")
    reml = sf.fit(formula, data, engine="reml")
    exact = sf.fit(formula, data)
    product = sf.fit("score ~ ses * track + (1 | school)", data)
    means = reml.predict(at={"track": ["arts", "general", "technical"]}, groups="none").to_string()
    texts = {
        "table": sf.table([null, reml, exact]).to_markdown(), "tidy": reml.tidy().to_string(),
        "means": means, "report": sf.report(exact),
    }  # fmt: skip
    for name, text in texts.items():
        (HERE / f"ours_{name}.txt").write_text(f"{text.rstrip()}\n", encoding="utf-8")
    for name in ("forest", "shrinkage", "halfeye", "ppc", "raincloud", "loo_pit"):
        exact.plot(name, HERE / f"ours_{name}.png", dpi=DPI)
    product.plot("conditional", HERE / "ours_conditional.png", dpi=DPI)
    sampled = sf.fit(formula, data, engine="nuts", draws=500, tune=500)
    sampled.plot("rank", HERE / "ours_rank.png", dpi=DPI)
    model = bmb.Model("score ~ ses + track + (1 | school)", data)
    tree = model.fit(draws=500, tune=500, random_seed=1, progressbar=False)
    model.predict(tree, kind="response")
    own = ["Intercept", "ses", "track", "sigma", "1|school_sigma"]
    text = az.summary(tree, var_names=own).to_string()
    (HERE / "bambi_summary.txt").write_text(f"{text}\n", encoding="utf-8")
    drawn = {
        "forest": az.plot_forest(tree, var_names=own), "rank": az.plot_rank(tree, var_names=own),
        "dist": az.plot_dist(tree, var_names=own), "ppc": az.plot_ppc_dist(tree),
    }  # fmt: skip
    for name, picture in drawn.items():
        picture.viz["figure"].item().savefig(HERE / f"bambi_{name}.png", dpi=DPI)


if __name__ == "__main__":
    main()
