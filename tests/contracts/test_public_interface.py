"""The public interface: a change here is a change for every user, and goes into CHANGELOG.md."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.engines.gaussian.estimates import COLUMNS
from bayes_sf.errors import SpecError, UsageError

HEAVY = ("pandas", "pymc", "arviz", "numba", "scipy", "duckdb", "pyarrow", "matplotlib", "ibis")

PUBLIC = [
    "Analysis", "Contrast", "DeltaAdjusted", "Imputed", "Missingness", "ModelSpec",
    "ModelTable", "Moments", "Prior", "Priors", "Result", "Results", "Rope", "Sensitivity",
    "attenuation", "augment", "bootstrap", "cluster_robust", "compare", "compare_models",
    "comparisons", "confounding", "delta_adjust", "export", "fit", "glance", "hypothesis",
    "icc_posterior", "icc_table", "impute", "influence", "load_analysis", "load_sample", "loo",
    "methods", "missingness", "multiverse", "page", "plot", "poststratify", "predict",
    "prior_conflict", "published_table", "r2", "read_published", "report", "reread", "sensitivity",
    "sets_needed", "slopes", "study", "survey_weighted", "table", "tidy", "variance_test",
]  # fmt: skip

PARAMETERS = {
    "ModelSpec": "outcome predictors=() group='industry' name='' unit='' priors min_quarters=3 "
    "standardize=() table='' categorical=() within_between=() nested=() monotonic=() varying=() "
    "likelihood='gaussian' resid_by_group=False repeats='' known_se='' missing='' formula='' "
    "weights='' frequencies='' family='gaussian'",
    "ModelSpec.from_formula": "formula *weights='' *frequencies='' *family='gaussian' **options",
    "Moments": "outcome predictors groups sizes means within group='group' n_rows=None",
    "Moments.from_frame": "df *outcome *predictors=() *group",
    "Moments.merge": "self other",
    "Prior": "family scale=1.0 df=3.0 shape=2.0 autoscale=True location=None reason='' "
    "statement='' reason_nb='' beside=None",
    "Priors": "intercept slope sd_resid sd_group sd_slope=None correlation=None df_resid=None "
    "sd_log_resid=None sd_repeat=None simplex=None sd_workplace=None sd_trend=None "
    "sd_group_change=None sd_period=None terms=()",
    "Priors.flat": "",
    "Result.draws": "self n=None *seed=None *rows=True",
    "Result.icc": "self factor='' *adjusted=True *at=None",
    "Result.fixef": "self",
    "Result.ranef": "self factor=''",
    "Result.varcorr": "self",
    "Result.summary": "self",
    "Result.diagnostics": "self",
    "Result.methods": "self lang=None",
    "Result.report": "self lang=None",
    "report": "result lang=None",
    "methods": "result lang=None",
    "Result.plot": "self name path=None *dpi=150 *sort='model' *rope=None",
    "Result.predict": "self new=None *groups='known' *kind='mean' *scale='response' "
    "*by=() *at=None",
    "Result.comparisons": "self variables=None *by=() *at=None *new=None *groups='none' "
    "*average=True "
    "*scale='response'",
    "Result.slopes": "self variables=None *by=() *at=None *new=None *groups='none' *average=True "
    "*scale='response'",
    "Result.hypothesis": "self claims",
    "Result.tidy": "self effects=('fixed', 'ran_pars')",
    "Result.glance": "self",
    "Result.augment": "self",
    "Result.r2": "self",
    "tidy": "result effects=('fixed', 'ran_pars')",
    "glance": "result",
    "augment": "result",
    "r2": "result",
    "Result.confint": "self *method='profile'",
    "bootstrap": "result *draws=1000 *seed=1",
    "variance_test": "result *draws=10000 *seed=1",
    "attenuation": "result term *reliability=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0)",
    "confounding": "result *step=1.0",
    "cluster_robust": "result *cluster='' *weights='webb' *draws=9999 *seed=1",
    "survey_weighted": "formula df *weights='' *group_weights='' *scaling='size' "
    "*engine='exact' *priors=None *missing='drop' *prob=0.95 *draws=4000 *seed=1",
    "compare": "spec data *prob=0.95",
    "compare_models": "results",
    "influence": "spec data *contrast=None *prob=0.95 *smallest=5",
    "multiverse": "asked sample *prob=0.95 *jobs=1 *progress",
    "loo": "result",
    "impute": "what data n_sets=20 *auxiliary=() *priors=None *draws=100 *seed=1",
    "Imputed.long": "self",
    "delta_adjust": "what data deltas *column='' *where='' *original=None *engine='exact' "
    "*prob=0.95",
    "missingness": "data columns=None *by=()",
    "sets_needed": "result *cv=0.05 *prob=0.95",
    "Contrast": "term size label coded=False",
    "Rope": "low high unit",
    "table": "results *names=()",
    "ModelTable.to_markdown": "self",
    "ModelTable.to_latex": "self style=''",
    "ModelTable.save": "self path style=''",
    "poststratify": "result population *count *groups='known' *by=() *scale='response'",
    "predict": "result new=None *groups='known' *kind='mean' *scale='response' *by=() *at=None",
    "comparisons": "result variables=None *by=() *at=None *new=None *groups='none' *average=True "
    "*scale='response'",
    "slopes": "result variables=None *by=() *at=None *new=None *groups='none' *average=True "
    "*scale='response'",
    "hypothesis": "result claims",
    "Prior.read": "text",
    "export": "what folder *data=None *formats=('html', 'csv') *csv_style='plain' *digits=None "
    "*style='' *seed=1 *ledger=None *ledger_key=None *lang=None",
    "page": "what path *rope=None *engine='exact' *seed=1 *with_data=False *ledger=None "
    "*ledger_key=None *lang=None",
    "fit": "what data *engine='' *family='gaussian' *weights='' *frequencies='' *missing='drop' "
    "*priors=None "
    "*prob=0.95 *seed=1 *draws=None *tune=None *chains=None *target_accept=None *nAGQ=None "
    "*progress",
    "load_analysis": "name",
    "study": "path",
    "icc_posterior": "*icc *n *groups *sizes=None *balanced=False *estimator='unknown' "
    "*priors=None *level=0.95 *seed=1",
    "icc_table": "path *priors=None *level=0.95 *seed=1 *size=None *decimal_mark=None *progress",
    "prior_conflict": "earlier own",
    "read_published": "folder",
    "reread": "what *models=None *priors=None *prob=0.95 *seed=1 *progress",
    "Priors.from_study": "study *weight *unit *slope=''",
    "load_sample": "name=None **files",
    "plot": "result name path=None *dpi=150 *sort='model' *rope=None",
    "published_table": "key",
    "sensitivity": "what data *items=() *parts=() *contrast='widest' *rope=None *amounts=(0.1, "
    "0.25, 0.5, 1.0, 2.0) *workforce=None *cost_per_day=None *effects=None *step_at_most=None "
    "*sampled=False *imputed=None *prob=0.95 *seed=1 *lang='en' *keep *progress",
}

ESTIMATES = (
    "outcome", "model", "term", "group", "estimate", "point", "sd", "lower", "upper", "prob",
    "interval", "t", "p_direction", "n", "n_groups", "unit", "engine",
)  # fmt: skip


def described(parameter: inspect.Parameter) -> str:
    """Name, star where it must be named, and default where that is a plain value."""
    star = {"KEYWORD_ONLY": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
    plain = isinstance(parameter.default, str | int | float | tuple | None)
    return f"{star}{parameter.name}" + (f"={parameter.default!r}" if plain else "")


def test_names() -> None:
    assert dir(sf) == PUBLIC
    assert sorted(sf.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(sf, name).__doc__


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        _ = sf.fitt


@pytest.mark.parametrize("name", PARAMETERS)
def test_signatures(name: str) -> None:
    target: object = sf
    for part in name.split("."):
        target = getattr(target, part)
    assert callable(target)
    found = inspect.signature(target).parameters.values()
    assert " ".join(described(p) for p in found) == PARAMETERS[name]


def test_columns_of_estimates() -> None:
    assert COLUMNS == ESTIMATES


@pytest.mark.parametrize("module", ["bayes_sf", "bayes_sf.cli"])
def test_import_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == ""


def test_seeds_and_probabilities_that_nobody_gives_are_the_same_everywhere() -> None:
    """So that a command gives the numbers of the function that it calls."""
    found: dict[str, list[tuple[object, str]]] = {"seed": [], "prob": []}
    for path in Path(sf.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "seed:" in text or "prob:" in text else ():
            if isinstance(node, ast.FunctionDef):
                a = node.args
                places = [*a.posonlyargs, *a.args][-len(a.defaults) :] if a.defaults else []
                pairs: list[tuple[ast.arg, ast.expr | None]] = [
                    *zip(places, a.defaults, strict=True)
                ]
                pairs += [*zip(a.kwonlyargs, a.kw_defaults, strict=True)]
                for argument, default in pairs:
                    if argument.arg in found and default is not None:
                        stated = isinstance(default, ast.Constant) and default.value
                        found[argument.arg].append((stated, f"{path.name}, line {node.lineno}"))
    assert min(len(places) for places in found.values()) > 20
    assert [place for place in found["seed"] if place[0] not in {1, None, ...}] == []
    assert [place for place in found["prob"] if place[0] not in {0.95, ...}] == []


#: Public functions of a fit, with what else each must be given.
OF_A_FIT: dict[str, dict[str, object]] = {
    "bootstrap": {}, "cluster_robust": {}, "comparisons": {"variable": "x"}, "confounding": {},
    "glance": {}, "hypothesis": {"claims": "x > 0"},
    "loo": {}, "methods": {}, "plot": {"name": "forest"}, "predict": {}, "prior_conflict": {},
    "r2": {}, "report": {}, "slopes": {"variable": "x"}, "tidy": {}, "variance_test": {},
}  # fmt: skip


@pytest.mark.parametrize("what", [3, "q13", None, [], {"x": 1}], ids=repr)
@pytest.mark.parametrize("name", OF_A_FIT)
def test_what_is_no_fit_is_refused_as_that(name: str, what: object) -> None:
    function = getattr(sf, name)
    first, *others = inspect.signature(function).parameters.values()
    needed = [p for p in others if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    assert first.kind is first.POSITIONAL_OR_KEYWORD
    given = [what for _ in needed] if name == "prior_conflict" else []
    more = {key: value for key, value in OF_A_FIT[name].items() if key in {p.name for p in needed}}
    with pytest.raises(UsageError):
        function(what, *given, **more)


@pytest.mark.parametrize("name", ["influence", "sensitivity", "delta_adjust"])
def test_models_are_formulas_or_specifications(name: str) -> None:
    with pytest.raises(UsageError, match="must be of a model: a formula"):
        getattr(sf, name)(3, *[None] * (1 + (name == "delta_adjust")))


@pytest.mark.parametrize("what", [3, None, {"x": 1}, ["y ~ x + (1 | g)"]], ids=repr)
def test_a_formula_is_text(what: object) -> None:
    with pytest.raises(SpecError, match="formula: must be text"):
        sf.ModelSpec.from_formula(what)


def test_a_frame_in_the_place_of_a_language_is_not_quoted() -> None:
    frame = pd.DataFrame({"secret": [123456789.0]})
    with pytest.raises(UsageError, match="DataFrame") as error:
        sf.report(None, frame)  # type: ignore[arg-type]
    assert "123456789" not in str(error.value)
