"""Frequentist multilevel results, your own study's or those that a report prints, as posteriors.

Names are imported on first use, so that `import bayes_sf` loads neither pandas nor PyMC.

Examples
--------
>>> import bayes_sf as sf
>>> spec = sf.ModelSpec("y", predictors=("x",), group="g")
>>> spec.key
('x', 'y')
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bayes_sf.moved import follow

if TYPE_CHECKING:
    from bayes_sf.analysis.asked.comparisons import comparisons, slopes
    from bayes_sf.analysis.asked.hypothesis import hypothesis
    from bayes_sf.analysis.asked.predictions import poststratify, predict
    from bayes_sf.analysis.asked.tidied import augment, glance, r2, tidy
    from bayes_sf.analysis.checks.loo import compare_models, loo
    from bayes_sf.analysis.choices.influence import influence
    from bayes_sf.analysis.choices.multiverse import explore as multiverse
    from bayes_sf.analysis.cluster_robust import cluster_robust
    from bayes_sf.analysis.contrast import Contrast
    from bayes_sf.analysis.missing.delta import DeltaAdjusted, delta_adjust
    from bayes_sf.analysis.missing.missingness import Missingness, missingness
    from bayes_sf.analysis.missing.sets_needed import sets_needed
    from bayes_sf.analysis.pooling import compare_pooling as compare
    from bayes_sf.analysis.sensitivity import Sensitivity, sensitivity
    from bayes_sf.analysis.simulated import bootstrap, variance_test
    from bayes_sf.analysis.size.confounding import attenuation, confounding
    from bayes_sf.analysis.size.practical import Rope
    from bayes_sf.analysis.survey_weighted import survey_weighted
    from bayes_sf.engines.fit import fit
    from bayes_sf.engines.result import Result, Results
    from bayes_sf.engines.sets.impute import Imputed, impute
    from bayes_sf.inputs.own_study.folder import study
    from bayes_sf.inputs.printed.folder import read_published
    from bayes_sf.inputs.published import published_table
    from bayes_sf.output.figures.pictures import plot
    from bayes_sf.output.tables.side_by_side import ModelTable, table
    from bayes_sf.output.words.methods import methods
    from bayes_sf.output.words.report import report
    from bayes_sf.output.written import export, page
    from bayes_sf.recovery.data import load_sample
    from bayes_sf.recovery.printed_icc import icc_posterior
    from bayes_sf.recovery.reread.conflict import prior_conflict
    from bayes_sf.recovery.reread.many import icc_table
    from bayes_sf.recovery.reread.report import reread
    from bayes_sf.spec.analysis import Analysis, load_analysis
    from bayes_sf.spec.model import ModelSpec
    from bayes_sf.spec.moments import Moments
    from bayes_sf.spec.priors import Prior, Priors

__all__ = [
    "Analysis",
    "Contrast",
    "DeltaAdjusted",
    "Imputed",
    "Missingness",
    "ModelSpec",
    "ModelTable",
    "Moments",
    "Prior",
    "Priors",
    "Result",
    "Results",
    "Rope",
    "Sensitivity",
    "attenuation",
    "augment",
    "bootstrap",
    "cluster_robust",
    "compare",
    "compare_models",
    "comparisons",
    "confounding",
    "delta_adjust",
    "export",
    "fit",
    "glance",
    "hypothesis",
    "icc_posterior",
    "icc_table",
    "impute",
    "influence",
    "load_analysis",
    "load_sample",
    "loo",
    "methods",
    "missingness",
    "multiverse",
    "page",
    "plot",
    "poststratify",
    "predict",
    "prior_conflict",
    "published_table",
    "r2",
    "read_published",
    "report",
    "reread",
    "sensitivity",
    "sets_needed",
    "slopes",
    "study",
    "survey_weighted",
    "table",
    "tidy",
    "variance_test",
]

#: Module of each name, and what it is called there if otherwise.
_HOME = {
    "Analysis": "spec.analysis",
    "Contrast": "analysis.contrast",
    "DeltaAdjusted": "analysis.missing.delta",
    "Imputed": "engines.sets.impute",
    "Missingness": "analysis.missing.missingness",
    "ModelSpec": "spec.model",
    "ModelTable": "output.tables.side_by_side",
    "Moments": "spec.moments",
    "Prior": "spec.priors",
    "Priors": "spec.priors",
    "Result": "engines.result",
    "Results": "engines.result",
    "Rope": "analysis.size.practical",
    "Sensitivity": "analysis.sensitivity",
    "attenuation": "analysis.size.confounding",
    "augment": "analysis.asked.tidied",
    "bootstrap": "analysis.simulated",
    "cluster_robust": "analysis.cluster_robust",
    "compare": "analysis.pooling:compare_pooling",
    "compare_models": "analysis.checks.loo",
    "comparisons": "analysis.asked.comparisons",
    "confounding": "analysis.size.confounding",
    "delta_adjust": "analysis.missing.delta",
    "export": "output.written",
    "fit": "engines.fit",
    "glance": "analysis.asked.tidied",
    "hypothesis": "analysis.asked.hypothesis",
    "icc_posterior": "recovery.printed_icc",
    "icc_table": "recovery.reread.many",
    "impute": "engines.sets.impute",
    "influence": "analysis.choices.influence",
    "load_analysis": "spec.analysis",
    "load_sample": "recovery.data",
    "loo": "analysis.checks.loo",
    "methods": "output.words.methods",
    "missingness": "analysis.missing.missingness",
    "multiverse": "analysis.choices.multiverse:explore",
    "page": "output.written",
    "plot": "output.figures.pictures",
    "poststratify": "analysis.asked.predictions",
    "predict": "analysis.asked.predictions",
    "prior_conflict": "recovery.reread.conflict",
    "published_table": "inputs.published",
    "r2": "analysis.asked.tidied",
    "read_published": "inputs.printed.folder",
    "report": "output.words.report",
    "reread": "recovery.reread.report",
    "sensitivity": "analysis.sensitivity",
    "sets_needed": "analysis.missing.sets_needed",
    "slopes": "analysis.asked.comparisons",
    "study": "inputs.own_study.folder",
    "survey_weighted": "analysis.survey_weighted",
    "table": "output.tables.side_by_side",
    "tidy": "analysis.asked.tidied",
    "variance_test": "analysis.simulated",
}

follow()


def __getattr__(name: str) -> Any:  # PEP 562
    """Import a public name on first use."""
    if name == "__version__":
        return import_module("importlib.metadata").version("bayes-sf")
    if name not in _HOME:
        raise AttributeError(f"module 'bayes_sf' has no attribute {name!r}")
    home, _, called = _HOME[name].partition(":")
    value = getattr(import_module(f"bayes_sf.{home}"), called or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Only the public names."""
    return list(__all__)
