"""Synthetic pupils in schools, and stand-ins of six public studies, that tests run on.

Nobody is in them: every number is drawn here. `python tests/own_studies/make.py` writes the pupils,
`python tests/own_studies/make.py FOLDER` the six with their `study.toml`. Stand-ins have columns,
codes and design of the public data, whose licence (GPL) keeps them out of this repository, and
other numbers; `Rscript public.R FOLDER` writes the real ones.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent


def pupils(seed: int = 7) -> pd.DataFrame:
    """253 pupils of 12 schools: a score, background, a question with four answers, one with two."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(14, 27, 12)
    school = np.repeat([f"S{number:02d}" for number in range(1, 13)], sizes)
    n = len(school)
    code = np.repeat(np.arange(12), sizes)
    ses = rng.normal(0, 1, n).round(2)
    help_ = rng.choice(["never", "sometimes", "often", "always"], n, p=[0.2, 0.35, 0.3, 0.15])
    step = pd.Series(help_).map({"never": 1, "sometimes": 2, "often": 3, "always": 4}).to_numpy()
    sex = rng.choice(["girl", "boy"], n)
    level = rng.normal(0, 3, 12)[code]
    score = 50 + level + 2.5 * ses + 1.2 * step + rng.normal(0, 7, n)
    frame = pd.DataFrame(
        {"school": school, "score": score.round(1), "ses": ses, "help": help_, "sex": sex}
    )
    frame["sleep"] = (7 + 0.2 * ses + rng.normal(0, 0.8, n)).round(1)
    frame.loc[rng.choice(n, 9, replace=False), "ses"] = np.nan
    frame.loc[rng.choice(n, 8, replace=False), "help"] = np.nan
    return frame


type Maker = Callable[[np.random.Generator, float], pd.DataFrame]


def _grouped(sizes: Sequence[int]) -> np.ndarray:
    """Group of each row, from 0."""
    return np.repeat(np.arange(len(sizes)), sizes)


def exam(rng: np.random.Generator, share: float) -> pd.DataFrame:
    """Pupils of 65 schools: an exam, a test at entry whose slope varies, sex, kind of school."""
    sizes = rng.integers(20, 105, int(65 * share))
    at = _grouped(sizes)
    effect = rng.multivariate_normal([0, 0], [[0.09, 0.018], [0.018, 0.015]], len(sizes))[at]
    entry = rng.normal(0, 1, len(at)).round(4)
    kind = rng.choice(["mixed", "boys", "girls"], len(sizes), p=[0.55, 0.15, 0.3])[at]
    sex = np.where(
        kind == "mixed", rng.choice(["F", "M"], len(at)), np.where(kind == "boys", "M", "F")
    )
    score = effect[:, 0] + (0.55 + effect[:, 1]) * entry - 0.17 * (sex == "M")
    score = (score + rng.normal(0, 0.74, len(at))).round(4)
    columns = {"school": at + 1, "normexam": score, "standLRT": entry, "sex": sex, "schgend": kind}
    return pd.DataFrame(columns)


def contraception(rng: np.random.Generator, share: float) -> pd.DataFrame:
    """Women of 60 districts: whether they use contraception, age, children, town or country."""
    at = _grouped(rng.integers(10, 55, int(60 * share)))
    age = rng.uniform(-13.6, 19.4, len(at)).round(4)
    children = rng.choice(["0", "1", "2", "3+"], len(at), p=[0.27, 0.19, 0.16, 0.38])
    town = rng.choice(["N", "Y"], len(at), p=[0.7, 0.3])
    by = pd.Series(children).map({"0": 0.0, "1": 1.1, "2": 1.4, "3+": 1.35}).to_numpy()
    logit = -1.7 + rng.normal(0, 0.5, at.max() + 1)[at] - 0.027 * age + 0.73 * (town == "Y") + by
    use = (rng.uniform(size=len(at)) < 1 / (1 + np.exp(-logit))).astype(int)
    columns = {"district": at + 1, "use": use, "age": age, "livch": children, "urban": town}
    return pd.DataFrame(columns)


def sleepstudy(rng: np.random.Generator, _: float) -> pd.DataFrame:
    """18 drivers on each of ten days."""
    at, days = _grouped([10] * 18), np.tile(np.arange(10), 18)
    level, slope = rng.normal(251, 25, 18)[at], rng.normal(10.5, 6, 18)[at]
    reaction = (level + slope * days + rng.normal(0, 25.6, 180)).round(4)
    return pd.DataFrame({"Reaction": reaction, "Days": days, "Subject": at + 301})


def oats(rng: np.random.Generator, _: float) -> pd.DataFrame:
    """Six blocks with three varieties, on each of which are four plots of nitrogen."""
    blocks, varieties = (
        ["I", "II", "III", "IV", "V", "VI"],
        ["Victory", "Golden Rain", "Marvellous"],
    )
    rows = [(b, v, n) for b in blocks for v in varieties for n in (0.0, 0.2, 0.4, 0.6)]
    frame = pd.DataFrame(rows, columns=["Block", "Variety", "nitro"])
    gain = frame["Variety"].map({"Victory": -7.0, "Golden Rain": 0.0, "Marvellous": 5.0})
    block, plot = rng.normal(0, 14, 6).repeat(12), rng.normal(0, 10, 18).repeat(4)
    made = 82 + 74 * frame["nitro"] + gain + block + plot + rng.normal(0, 13, 72)
    return frame.assign(**{"yield": made.round()})


def penicillin(rng: np.random.Generator, _: float) -> pd.DataFrame:
    """24 plates, six samples on each."""
    plate, sample = np.repeat(np.arange(24), 6), np.tile(np.arange(6), 24)
    made = 23 + rng.normal(0, 0.85, 24)[plate] + rng.normal(0, 1.9, 6)[sample]
    made = (made + rng.normal(0, 0.55, 144)).round()
    names = {"plate": [chr(97 + at) for at in plate], "sample": [chr(65 + at) for at in sample]}
    return pd.DataFrame({"diameter": made, **names})


def care(rng: np.random.Generator, share: float) -> pd.DataFrame:
    """Carers of eight kinds of relationship: codes, whose labels are SPSS's, and some gaps."""
    n = int(900 * share)
    kind = rng.choice(np.arange(1.0, 9), n, p=[0.19, 0.5, 0.04, 0.09, 0.03, 0.03, 0.02, 0.1])
    hours, need, sex = rng.gamma(0.8, 50, n).round(), rng.integers(1, 5, n), rng.integers(1, 3, n)
    burden = 7 + rng.normal(0, 0.6, 9)[kind.astype(int)] + 1.3 * need + 0.006 * hours
    burden = (burden + 0.4 * (sex == 2) + rng.normal(0, 3.5, n)).round()
    frame = pd.DataFrame({"e15relat": kind, "neg_c_7": burden, "c12hour": hours,
                          "e42dep": need.astype(float), "c161sex": sex.astype(float)})  # fmt: skip
    for name in ("neg_c_7", "e42dep", "e15relat"):
        frame.loc[rng.choice(n, 7, replace=False), name] = np.nan
    return frame


#: What SPSS says of the codes of `care`.
LABELS = {
    "e15relat": ["spouse/partner", "child", "sibling", "daughter or son -in-law", "ancle/aunt",
                 "nephew/niece", "cousin", "other, specify"],
    "e42dep": ["independent", "slightly dependent", "moderately dependent", "severely dependent"],
    "c161sex": ["Male", "Female"],
}  # fmt: skip
SIX: dict[str, Maker] = {
    "exam": exam, "contraception": contraception, "sleepstudy": sleepstudy, "oats": oats,
    "penicillin": penicillin, "care": care,
}  # fmt: skip


def stand_in(name: str, folder: Path, *, share: float = 1.0) -> Path:
    """Write one of the six as a folder: a stand-in of its data, and its `study.toml`.

    `share` is how many of the groups, or rows, of the larger ones there are.
    """
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / name / "study.toml", place)
    frame = SIX[name](np.random.default_rng(11), share)
    if name != "care":
        frame.to_csv(place / f"{name}.csv", index=False, lineterminator="\n")
        return place
    import pyreadstat

    labels = {key: dict(enumerate(texts, start=1)) for key, texts in LABELS.items()}
    pyreadstat.write_sav(frame, str(place / "care.sav"), variable_value_labels=labels)
    return place


def figures(folder: Path) -> pd.DataFrame:
    """Coefficients that `bayes-sf fit` gives for the six in a folder, where lme4 says something."""
    from bayes_sf.engines.fit import fit as fit_model
    from bayes_sf.inputs.codebook import using
    from bayes_sf.inputs.own_study.folder import read_study
    from bayes_sf.output.run import Asked
    from bayes_sf.output.runs.fit import fit_formula
    from bayes_sf.spec.analysis import load_analysis

    found = []
    asked = pd.read_csv(HERE / "lme4.csv")[["study", "analysis"]].drop_duplicates()
    for study, analysis in asked.itertuples(index=False):
        own = read_study(folder / study)
        with using(own.book):
            loaded = load_analysis(analysis)
            (spec,), formula = loaded.specs, loaded.written
            engine = "ml" if study == "contraception" else "exact"
            if formula is None:
                result = fit_model(spec, own.sample, engine=engine)
            else:
                result, *_ = fit_formula(formula, own, Asked(source="microdata"), engine=engine)
        rows = result.fixef().reset_index()[["term", "estimate", "sd"]]
        found.append(rows.assign(study=study, analysis=analysis, engine=engine))
    made = pd.concat(found, ignore_index=True)
    return made[["study", "analysis", "term", "estimate", "sd", "engine"]].round(6)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for each in SIX:
            stand_in(each, Path(sys.argv[1]))
    else:
        pupils().to_csv(HERE / "pupils" / "pupils.csv", index=False, lineterminator="\n")
