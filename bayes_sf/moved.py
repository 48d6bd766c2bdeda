"""Modules that have moved: an old path still works, and says where the module is now.

Only names of `bayes_sf` itself are public. Scripts that reached further have one minor version.

Examples
--------
>>> import warnings
>>> with warnings.catch_warnings(record=True) as said:
...     warnings.simplefilter("always")
...     from bayes_sf.inputs.quarters import parse_quarter
>>> said[0].category.__name__, parse_quarter.__module__
('DeprecationWarning', 'bayes_sf.inputs.register.quarters')
"""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

__all__ = ["MOVED", "follow"]

#: (old folder, new folder) -> names, `old:new` where the name changed as well.
_FOLDERS: Final = {
    ("output", "output"): "health:doctor",
    ("inputs", "inputs.files"): """
        tabular workbook delimited headers numerals
    """,
    ("inputs", "inputs.register"): """
        extract source spill outcomes quarters
    """,
    ("inputs.replica", "replica"): """
        make writing misses tuning controls
    """,
    ("inputs.replica", "replica.survey"): """
        allocation answers costs respondents strata
    """,
    ("inputs.replica", "replica.register"): """
        extracts outcomes rates
    """,
    ("inputs.replica", "replica.published"): """
        models recover reml targets
    """,
    ("spec", "spec.terms"): """
        columns
    """,
    ("engines", "engines.gaussian"): """
        exact ols_reml quadrature grid joint mixture posterior repeated estimates icc
        draws
    """,
    ("engines", "engines.sampled"): """
        nuts graph hierarchical student structure cells conditional conditional_graph
        prior_draws log_prior compiling diagnostics pointwise
    """,
    ("engines", "engines.panel"): """
        panel_algebra:algebra panel_answers:answers panel_counts:counts panel_data:data
        panel_draws:draws panel_graph:graph panel_pilot:pilot panel_quantities:quantities
        panel_report:report panel_result:result
    """,
    ("engines", "recovery"): """
        answers implied least_squares mean_states change_states states printed
        recovery:study refine
    """,
    ("inputs", "recovery"): """
        region
    """,
    ("engines", "analysis.priors"): """
        nodes reweighted power_scaling:scaled_posterior
    """,
    ("engines", "analysis.checks"): """
        left_out unseen
    """,
    ("analysis", "analysis.replay"): """
        claims coefficient_rules count_rules significance_rules consistency findings
        tables account
    """,
    ("analysis", "analysis.missing"): """
        completed imputation missingness mnar tipping unobserved
    """,
    ("analysis", "engines.sets"): """
        rubin
    """,
    ("analysis.missing", "engines.sets"): """
        rubin
    """,
    ("analysis", "analysis.size"): """
        bayes_factors days_lost designs planning power practical multiplicity
    """,
    ("analysis", "analysis.priors"): """
        prior_fan prior_predictive power_scaling explorer
    """,
    ("analysis", "analysis.checks"): """
        calibration loo predictive_check
    """,
    ("analysis", "analysis.choices"): """
        multiverse influence selection ladder control_ladder
    """,
    ("output", "disclosure"): """
        disclosure:control protected_answers protected_choices protected_counts
        protected_flow protected_frames protected_missing protected_models
        protected_predictions protected_sensitivity safe_counts suppression
    """,
    ("output", "output.runs"): """
        reproduction:reproduce description:describe fits:fit poolings:compare
        sensitivities:sensitivity multiverses:multiverse influences:influence
        imputations:impute cases:select predictions:loo export diagnosis:diagnose
        calibrations:sbc
    """,
    ("output", "output.figures"): """
        pictures page aggregate_figures:aggregates posterior_figures:posterior
        influence_figures:influence multiverse_figures:multiverse
        imputation_figures:imputation sensitivity_figures:sensitivity
        result_pictures:result calibration_pictures:calibration
    """,
    ("output", "output.formats"): """
        completed_files:completed
    """,
    ("output", "output.tables"): """
        comparison_tables imputation_tables influence_tables multiverse_tables
        pooling_tables result_tables sample_tables sensitivity_size_tables
        sensitivity_tables described_sample account_words:account summary
    """,
    ("output", "output.report"): """
        report_alternatives:alternatives report_material:material report_missing:missing
        report_section:section report_sections:sections
        report_statements:statements report_tables:tables saved_imputation
    """,
    ("output.report", "analysis.size"): "associations",
    ("output", "output.words"): """
        finding_words:findings prior_words:priors
        problem_words:problems sensitivity_words:sensitivity sensitivity_about unanswered
    """,
}
#: Old module -> where it is.
MOVED: Final = {
    f"bayes_sf.{old}.{name.partition(':')[0]}": f"bayes_sf.{new}.{name.rpartition(':')[2]}"
    for (old, new), names in _FOLDERS.items()
    for name in names.split()
}
#: Packages that only old paths have.
_GONE: Final = {"bayes_sf.inputs.replica": "bayes_sf.replica"}


class _Old(MetaPathFinder, Loader):
    """Finds a module under its old name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for old names only."""
        del path, target
        known = fullname in MOVED or fullname in _GONE
        return ModuleSpec(fullname, self, is_package=fullname in _GONE) if known else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Give the module itself, not a copy."""
        new = {**MOVED, **_GONE}[spec.name]
        if spec.name in MOVED:
            said = f"{spec.name} is now {new}; the old path goes with the next minor version"
            warnings.warn(said, DeprecationWarning, stacklevel=2)
        module = import_module(new)
        self._specs[spec.name] = module.__spec__
        return module

    _specs: Final[dict[str, ModuleSpec | None]] = {}

    def exec_module(self, module: ModuleType) -> None:
        """It has run; what it is called stays as it was."""
        assert module.__spec__ is not None
        module.__spec__ = self._specs.get(module.__spec__.name, module.__spec__)


def follow() -> None:
    """Let old import paths lead to the modules."""
    if not any(isinstance(finder, _Old) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Old())  # or a folder that has moved would be read twice
