"""Rules on printed tables: nothing false on correct prints, planted errors found or excused.

`tests/references/reread/prints.csv` has thirty prints of lme4, lmerTest, nlme by ML, and as
tab_model and modelsummary print them, made by `prints.R` with two and three digits.
"""

import copy
import csv
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, t

from bayes_sf.analysis.printed.check import RULES, RuleRun, check_tables
from bayes_sf.errors import DataError
from bayes_sf.inputs.printed.folder import read_published
from tests.inputs.test_reread_folder import CASES, folder

PRINTS = Path(__file__).parents[1] / "references" / "reread" / "prints.csv"
type Print = dict[str, list[dict[str, str]]]


@cache
def prints() -> dict[int, Print]:
    """Rows of every print: model, component, coefficient, fit."""
    found: dict[int, Print] = {}
    with PRINTS.open(encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            parts = found.setdefault(int(line["id"]), {})
            rows = parts.setdefault(line["file"], [])
            if not rows or line["key"] in rows[-1]:
                rows.append({})
            rows[-1][line["key"]] = line["value"]
    return found


def written(place: Path, parts: Print) -> Path:
    """The print as a folder."""
    (model,) = parts["model"]
    terms = ", ".join(f'{name} = "within"' for name in model["terms"].split(";") if name)
    toml = (
        f"schema = 1\n[models.m]\nn = {model['n']}\ngroups = {model['groups']}\n"
        f'estimator = "{model["estimator"]}"\nterms = {{ {terms} }}\n'
        f'interval = {{ level = 0.95, reference = "{model["reference"]}" }}\n'
        '[stars]\n"***" = 0.001\n"**" = 0.01\n"*" = 0.05\n'
    )
    files = {}
    for kind, name in (("coefficient", "coefficients"), ("component", "components"),
                       ("fit", "fit")):  # fmt: skip
        rows = parts.get(kind, [])
        if rows:
            columns = list(dict.fromkeys(key for row in rows for key in row))
            lines = [",".join(["m", *(row.get(key, "") for key in columns)]) for row in rows]
            files[name] = "\n".join([",".join(["model", *columns]), *lines]) + "\n"
    return folder(place, toml, **files)


def runs(place: Path, parts: Print) -> tuple[RuleRun, ...]:
    return check_tables(read_published(written(place, parts)))


def test_nothing_is_found_in_correct_prints(tmp_path: Path) -> None:
    compared = dict.fromkeys(range(1, 18), 0)
    assert len(prints()) == 30
    for number, parts in prints().items():
        for run in runs(tmp_path / str(number), parts):
            assert not run.findings, f"print {number}: {run.findings}"
            compared[run.number] += run.comparisons
    for rule in (1, 2, 3, 4, 6, 7, 8, 9, 10, 16):
        assert compared[rule] >= 5, f"rule {rule} compared {compared[rule]}"


def half(text: str) -> float:
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


def near(rng: np.random.Generator, text: str) -> np.ndarray:
    """Numbers that are printed so."""
    return float(text) + half(text) * rng.uniform(-1, 1, size=40_000)


def moved(rng: random.Random, text: str) -> str:
    """A wrong figure: two digits changed places, a digit slipped, or the sign was lost."""
    places = len(text.partition(".")[2])
    value = float(text)
    shift = rng.choice((1, -1)) * max(abs(value) * rng.uniform(0.1, 0.9), 4 * 10.0**-places)
    return f"{max(value + shift, 0.0) if value >= 0 else value + shift:.{places}f}"


# Each kind: (file, column to spoil, whether the spoilt row may still be right, by brute force).
def _variance(rng: np.random.Generator, row: dict[str, str], _: Print) -> np.ndarray:
    return np.abs(near(rng, row["sd"]) ** 2 - float(row["variance"])) - half(row["variance"])


def _icc(rng: np.random.Generator, row: dict[str, str], parts: Print) -> np.ndarray:
    tau2, sigma2 = (near(rng, c["variance"]) for c in parts["component"])
    return np.abs(tau2 / (tau2 + sigma2) - float(row["icc"])) - half(row["icc"])


def _ratio(rng: np.random.Generator, row: dict[str, str], _: Print) -> np.ndarray:
    return np.abs(near(rng, row["estimate"]) / near(rng, row["se"]) - float(row["t"])) - half(
        row["t"]
    )


def _p(rng: np.random.Generator, row: dict[str, str], _: Print) -> np.ndarray:
    own = 2 * t.sf(np.abs(near(rng, row["t"])), near(rng, row["df"]))
    return np.abs(own - float(row["p"])) - half(row["p"])


def _limit(rng: np.random.Generator, row: dict[str, str], _: Print) -> np.ndarray:
    b, s = near(rng, row["estimate"].rstrip("*")), near(rng, row["se"])
    low = np.abs(b - 1.96 * s - float(row["ci_low"])) - half(row["ci_low"])
    return np.maximum(low, np.abs(b + 1.96 * s - float(row["ci_high"])) - half(row["ci_high"]))


def _aic(rng: np.random.Generator, row: dict[str, str], _: Print) -> np.ndarray:
    k = (near(rng, row["aic"]) + 2 * near(rng, row["loglik"])) / 2
    return np.abs(k - np.round(k)) - 1e-3


def _bic(rng: np.random.Generator, row: dict[str, str], parts: Print) -> np.ndarray:
    k = np.round((near(rng, row["aic"]) + 2 * near(rng, row["loglik"])) / 2)
    n = float(parts["model"][0]["n"])
    off = [
        np.abs(-2 * near(rng, row["loglik"]) + k * np.log(m) - float(row["bic"]))
        for m in (n, n - 1, n - 2, n - 3, n - 4, float(parts["model"][0]["groups"]))
    ]
    return np.min(off, axis=0) - half(row["bic"])


def _r2(rng: np.random.Generator, row: dict[str, str], parts: Print) -> np.ndarray:
    tau2, sigma2 = (near(rng, c["variance"]) for c in parts["component"])
    icc, m = tau2 / (tau2 + sigma2), near(rng, row["r2_marginal"])
    return np.abs(m + (1 - m) * icc - float(row["r2_conditional"])) - half(row["r2_conditional"])


def _stars(rng: np.random.Generator, row: dict[str, str], parts: Print) -> np.ndarray:
    """Of which degrees of freedom is not printed: half of what the groups leave, or more."""
    text = row["estimate"]
    mark = text[len(text.rstrip("*")) :]
    model = parts["model"][0]
    fewest = max(1.0, 0.5 * (float(model["groups"]) - 1 - bool(model["terms"])))
    df = 10.0 ** rng.uniform(np.log10(fewest), 5, size=40_000)
    p = 2 * t.sf(np.abs(near(rng, text.rstrip("*")) / near(rng, row["se"])), df)
    levels = {"***": (0, 0.001), "**": (0.001, 0.01), "*": (0.01, 0.05), "": (0.05, 1)}
    low, high = levels[mark]
    return np.maximum(low - p, p - high)


def _se(rng: np.random.Generator, row: dict[str, str], parts: Print) -> np.ndarray:
    """A null intercept's se below that of equal groups, or above that of the most unequal."""
    tau2, sigma2 = (near(rng, c["variance"]) for c in parts["component"])
    n, j = (float(parts["model"][0][key]) for key in ("n", "groups"))
    lam, s = tau2 / sigma2, near(rng, row["se"])
    total = (j - 1) / (1 + lam) + (n - j + 1) / (1 + lam * (n - j + 1))
    return np.maximum(np.sqrt(tau2 / j + sigma2 / n) - s, s - np.sqrt(sigma2 / total))


KINDS: dict[str, tuple[str, str, Callable[..., np.ndarray]]] = {
    "variance": ("component", "variance", _variance), "icc": ("fit", "icc", _icc),
    "t": ("coefficient", "t", _ratio), "p": ("coefficient", "p", _p),
    "limit": ("coefficient", "ci_low", _limit), "aic": ("fit", "aic", _aic),
    "bic": ("fit", "bic", _bic), "r2": ("fit", "r2_conditional", _r2),
    "stars": ("coefficient", "estimate", _stars), "se": ("coefficient", "se", _se),
}  # fmt: skip
#: What a row must have for a kind of error to be one that figures beside it can tell.
BESIDE = {
    "variance": ("sd",), "icc": (), "t": ("se",), "p": ("t", "df"), "limit": ("se",),
    "aic": ("loglik",), "bic": ("aic", "loglik"), "r2": ("r2_marginal",), "stars": ("se", "ci_low"),
    "se": ("t",),
}  # fmt: skip


def places(kind: str) -> Iterator[tuple[int, int]]:
    """Rows that can have an error of this kind."""
    file, column, _ = KINDS[kind]
    for number, parts in prints().items():
        reference = parts["model"][0]["reference"]
        for at, row in enumerate(parts.get(file, [])):
            there = all(row.get(name) for name in (column, *BESIDE[kind]))
            fits = {
                "limit": reference == "z", "stars": reference == "z" and "*" in row.get(column, ""),
                "p": not row.get(column, "").startswith("<"),
                "se": row.get("term") == "(Intercept)" and not parts["model"][0]["terms"],
            }.get(kind, True)  # fmt: skip
            if there and fits:
                yield number, at


@pytest.mark.parametrize("each", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_planted_errors_are_found_or_within_rounding(tmp_path: Path, each: int) -> None:
    rng, numbers = random.Random(16), np.random.default_rng(16)
    found = within = 0
    for kind, (file, column, check) in KINDS.items():
        candidates = list(places(kind))
        assert candidates, kind
        for go in range(each):
            number, at = rng.choice(candidates)
            parts = copy.deepcopy(prints()[number])
            row = parts[file][at]
            text = row[column]
            if kind == "stars":
                row[column] = text.rstrip("*") + rng.choice(("*", "**", "***"))
            else:
                row[column] = moved(rng, text)
            possible = bool((check(numbers, row, parts) <= 0).any())
            try:
                done = runs(tmp_path / f"{kind}{go}", parts)
            except DataError:  # no p-value, share or sd at all
                found += 1
                continue
            findings = [one for run in done for one in run.findings]
            found += bool(findings)
            within += not findings
            assert findings or possible, f"{kind}: print {number}, {text} as {row[column]}"
            if not possible:
                assert any(one.severity == "impossible" for one in findings)
    assert found + within == each * len(KINDS)
    assert found >= 0.7 * each * len(KINDS), "or the errors are too small to test anything"


def test_cases_have_the_findings_that_facts_demand() -> None:
    found = {
        case.name: [one for run in check_tables(read_published(case)) for one in run.findings]
        for case in CASES.iterdir()
    }
    wrong = found.pop("incohort2_null_ml")
    assert [(one.rule, one.printed.rpartition(" ")[2]) for one in wrong] == [(2, "0.1589825")]
    assert "0.16146" in wrong[0].arithmetic
    assert not wrong[0].truncated
    assert not any(found.values())


NULL = "model,group,variance\na,g,4.0\na,,6.0\n"
TOML = "schema = 1\n[models.a]\nn = 100\ngroups = 10\n{}[models.b]\nn = 100\ngroups = 10\n{}"


def findings(place: Path, first: str = "", second: str = "", **files: str) -> list[tuple[int, str]]:
    made = folder(place, TOML.format(first, second), **files)
    return [(f.rule, f.severity) for run in check_tables(read_published(made))
            for f in run.findings]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # 5: sqrt(4/(10 x 0.5)) = 0.894, 4: at most sqrt(6/10 + ...)
        ({"components": NULL, "fit": "model,reliability\na,0.8\n",
          "coefficients": "model,term,estimate,se\na,(Intercept),1,0.7\n"}, []),
        ({"components": NULL, "fit": "model,reliability\na,0.5\n",
          "coefficients": "model,term,estimate,se\na,(Intercept),1,0.7\n"}, [(5, "impossible")]),
        ({"components": NULL,
          "coefficients": "model,term,estimate,se\na,(Intercept),1,0.5\n"}, [(4, "impossible")]),
        ({"coefficients": "model,term,estimate,se,p\na,x,1.00,0.50,0.046\n",
          "claims": 'rule,claim,words\ns,"significant(a, x)",x is\n'}, []),
        ({"coefficients": "model,term,estimate,se,p\na,x,1.00,0.50,0.051\n",
          "claims": 'rule,claim,words\ns,"significant(a, x)",x is\n'},
         [(11, "contradicted by the text")]),
        ({"fit": "model,mean_size\na,12.0\n"}, [(12, "impossible")]),
        ({"fit": "model,min_size,max_size\na,11,30\n"}, [(12, "impossible")]),
        ({"counts": "question,category,count,percent\nq,yes,30,40.0\nq,no,70,70.0\n"},
         [(13, "impossible")]),
        ({"descriptives": "variable,n,mean,integer\nx,25,3.52,yes\n"}, []),
        ({"descriptives": "variable,n,mean,integer\nx,25,3.51,yes\n"}, [(14, "impossible")]),
        ({"descriptives": "variable,n,mean,sd,min,max,integer\nx,20,0.40,0.50,0,1,yes\n"}, []),
        ({"descriptives": "variable,n,mean,sd,min,max,integer\nx,20,0.40,0.45,0,1,yes\n"},
         [(14, "impossible")]),
        ({"descriptives": "variable,n,mean,sd,min,max\nx,20,6.1,3.1,1,5\n"},
         [(16, "impossible"), (16, "impossible")]),
        ({"coefficients": "model,term,estimate,ci_low,ci_high\na,x,3.0,1.0,2.0\n"},
         [(8, "doubtful"), (16, "impossible")]),
    ],
)  # fmt: skip
def test_single_rules(
    tmp_path: Path, files: dict[str, str], expected: list[tuple[int, str]]
) -> None:
    assert findings(tmp_path, **files) == expected


@pytest.mark.parametrize(
    ("line", "declared", "undeclared"),
    [
        # 1.96 se is 4.9: from -0.3 to 9.5, which print as 0 and 10
        ("4.600,2.500,0,10", [], []),
        # 5.4: from -0.8, though limits of -0.5 to 0.5 and 9.5 to 10.5 leave such a width
        ("4.600,2.755,0,10", [(8, "impossible")], [(8, "doubtful")]),
        ("5.400,2.755,0,10", [(8, "impossible")], [(8, "doubtful")]),
        # the middle is 4.5 to 5.5
        ("4.400,2.500,0,10", [(8, "impossible")], [(8, "doubtful")]),
        # half the width is 4.5 to 5.5, and 1.96 x 2 is 3.9
        ("5.000,2.000,0,10", [(8, "impossible")], []),
        ("5.000,3.000,0,10", [(8, "impossible")], [(8, "impossible")]),
    ],
)  # fmt: skip
def test_both_limits_are_those_of_one_error(
    tmp_path: Path, line: str, declared: list[tuple[int, str]], undeclared: list[tuple[int, str]]
) -> None:
    rows = f"model,term,estimate,se,ci_low,ci_high\na,x,{line}\n"
    z = 'interval = { level = 0.95, reference = "z" }\n'
    assert findings(tmp_path / "z", z, coefficients=rows) == declared
    assert findings(tmp_path / "t", coefficients=rows) == undeclared


BIG, PENALTY = 12_345_678, 2 * np.log(30_000_000)


@pytest.mark.parametrize(
    ("first", "files", "number", "expected"),
    [
        ("", {"fit": "model,min_size\na,11111111\n"}, 12,
         f"add up to 33333333 to {2 * 30_000_000 + 11_111_111}"),
        ('estimator = "ML"\n', {"fit": f"model,loglik,deviance\na,-{BIG},{BIG}\n"}, 3,
         f"is {2 * BIG - 1} to {2 * BIG + 1}"),
        ("", {"fit": f"model,loglik,aic,bic\na,-{BIG},{2 * BIG + 4},{BIG}\n"}, 3,
         f"give BIC {2 * BIG - 1 + PENALTY:.8g} to {2 * BIG + 1 + PENALTY:.8g}"),
        ("", {"coefficients": "model,term,estimate,se,z,p\na,x,2.00,1.00,2.00,0.51\n"}, 9,
         f"gives {2 * norm.sf(2.005):.3g} to {2 * norm.sf(1.995):.3g}"),
        ("", {"descriptives": "variable,n,mean,integer\nx,25,3.51,yes\n"}, 14,
         f"sums {25 * 3.505:.5g} to {25 * 3.515:.5g} hold no"),
    ],
)  # fmt: skip
def test_findings_show_the_digits_that_they_rest_on(
    tmp_path: Path, first: str, files: dict[str, str], number: int, expected: str
) -> None:
    toml = TOML.format(first, "").replace("n = 100\ngroups = 10", "n = 30000000\ngroups = 3")
    made = check_tables(read_published(folder(tmp_path, toml, **files)))
    shown = [str(one.arithmetic) for run in made for one in run.findings if run.number == number]
    assert any(expected in text for text in shown), shown


def test_nested_models(tmp_path: Path) -> None:
    rows = "model,term,estimate\na,x,1\nb,x,1\nb,w,1\n"
    fit = "model,deviance\na,100.0\nb,101.0\n"
    ml = 'estimator = "ML"\n'
    assert findings(tmp_path / "1", ml, ml, coefficients=rows, fit=fit) == [(15, "impossible")]
    assert findings(tmp_path / "2", ml, "", coefficients=rows, fit=fit) == []
    reml = 'estimator = "REML"\n'
    assert findings(tmp_path / "3", ml, reml, coefficients=rows, fit=fit) == [(15, "doubtful")]
    better = fit.replace("101", "99")
    assert findings(tmp_path / "4", ml, ml, coefficients=rows, fit=better) == []


def test_one_model_in_two_tables(tmp_path: Path) -> None:
    rows = "table,model,term,estimate\n1,a,x,1.25\n2,a,x,{}\n"
    assert findings(tmp_path / "1", coefficients=rows.format("1.3")) == []
    assert findings(tmp_path / "2", coefficients=rows.format("1.4")) == [(15, "impossible")]


def test_what_truncation_would_clear(tmp_path: Path) -> None:
    """2/3 is 0.67 rounded and 0.66 cut off."""
    rows = "model,term,estimate,se,t\na,x,2.0000,3.0000,0.66\n"
    made = folder(tmp_path, TOML.format("", ""), coefficients=rows)
    (one,) = [f for run in check_tables(read_published(made)) for f in run.findings]
    assert (one.rule, one.truncated, one.rounding) == (7, True, "half")
    toml = TOML.replace("schema = 1", 'schema = 1\n[tables.9]\nrounding = "truncated"')
    cut = folder(tmp_path, toml.format('table = "9"\n', ""), coefficients=rows)
    assert not [f for run in check_tables(read_published(cut)) for f in run.findings]


def test_there_are_seventeen_rules() -> None:
    assert len(RULES) == 17
