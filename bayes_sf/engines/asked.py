"""What a result answers by name: each method calls the public function that it is called as."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Asked", "check_result"]


class Asked:
    """Methods of a result that are analysis or output: they look up what is public."""

    def predict(
        self,
        new: Any = None,
        *,
        groups: str | Mapping[str, str] = "known",
        kind: str = "mean",
        scale: str = "response",
        by: str | Iterable[str] = (),
        at: Mapping[str, Any] | None = None,
    ) -> "pd.DataFrame":
        """Predict rows: see `bayes_sf.predict`."""
        import bayes_sf as sf  # what answers is analysis, and has a public name

        return sf.predict(
            self, new, groups=groups, kind=kind, scale=scale, by=by, at=at  # type: ignore[arg-type]
        )  # fmt: skip

    def comparisons(
        self,
        variables: str | Iterable[str] | Mapping[str, Any] | None = None,
        *,
        by: str | Iterable[str] = (),
        at: Mapping[str, Any] | None = None,
        new: Any = None,
        groups: str | Mapping[str, str] = "none",
        average: bool = True,
        scale: str = "response",
    ) -> "pd.DataFrame":
        """Compare expected outcomes at two values of a predictor: see `bayes_sf.comparisons`."""
        import bayes_sf as sf

        return sf.comparisons(
            self, variables, by=by, at=at, new=new, groups=groups, average=average,  # type: ignore[arg-type]
            scale=scale,
        )  # fmt: skip

    def slopes(
        self,
        variables: str | Iterable[str] | None = None,
        *,
        by: str | Iterable[str] = (),
        at: Mapping[str, Any] | None = None,
        new: Any = None,
        groups: str | Mapping[str, str] = "none",
        average: bool = True,
        scale: str = "response",
    ) -> "pd.DataFrame":
        """Slopes of the expected outcome: see `bayes_sf.slopes`."""
        import bayes_sf as sf

        return sf.slopes(
            self, variables, by=by, at=at, new=new, groups=groups, average=average,  # type: ignore[arg-type]
            scale=scale,
        )  # fmt: skip

    def hypothesis(self, claims: str | Iterable[str]) -> "pd.DataFrame":
        """Judge statements on coefficients, ``"x - z > 0"``: see `bayes_sf.hypothesis`."""
        import bayes_sf as sf

        return sf.hypothesis(self, claims)  # type: ignore[arg-type]

    def tidy(self, effects: str | Iterable[str] = ("fixed", "ran_pars")) -> "pd.DataFrame":
        """Estimates with broom.mixed's names: see `bayes_sf.tidy`."""
        import bayes_sf as sf

        return sf.tidy(self, effects)  # type: ignore[arg-type]

    def glance(self) -> "pd.DataFrame":
        """One line on the fit: see `bayes_sf.glance`."""
        import bayes_sf as sf

        return sf.glance(self)  # type: ignore[arg-type]

    def augment(self) -> "pd.DataFrame":
        """Return the fitted rows with ``.fitted, .resid, .fixed``: see `bayes_sf.augment`."""
        import bayes_sf as sf

        return sf.augment(self)  # type: ignore[arg-type]

    def r2(self) -> dict[str, float]:
        """Share of the variance that is explained, marginal and conditional: see `bayes_sf.r2`."""
        import bayes_sf as sf

        return sf.r2(self)  # type: ignore[arg-type]

    @property
    def __maketables_coef_table__(self) -> "pd.DataFrame":
        """Coefficients as the library maketables looks for them: ``ETable([m1, m2])``."""
        import bayes_sf as sf

        result: Any = self
        table = sf.tidy(result, "fixed").set_index("term").rename_axis("Coefficient")
        kept = {
            "b": table["estimate"], "se": table["std_error"], "t": table.get("statistic"),
            "p": table.get("p_value"), f"ci{100 * result.prob:g}l": table["conf_low"],
            f"ci{100 * result.prob:g}u": table["conf_high"],
        }  # fmt: skip
        empty = table["estimate"] * float("nan")
        return table[[]].assign(**{k: empty if v is None else v for k, v in kept.items()})

    def __maketables_stat__(self, key: str) -> float | str | None:
        """One number on the fit; None for one that there is not."""
        import bayes_sf as sf

        result: Any = self
        numbers = sf.glance(result).iloc[0]
        shares = sf.r2(result)
        found = {
            "N": int(numbers["nobs"]), "r2_marginal": shares["marginal"],
            "r2_conditional": shares["conditional"], "engine": result.engine,
            "aic": numbers.get("AIC"), "bic": numbers.get("BIC"), "ll": numbers.get("logLik"),
        }  # fmt: skip
        return found.get(key)

    @property
    def __maketables_depvar__(self) -> str:
        """Name of the outcome."""
        result: Any = self
        return str(result.spec.outcome)

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        """Numbers that are shown if none are asked for."""
        return ["N", "r2_marginal", "r2_conditional", "engine"]

    @property
    def __maketables_stat_labels__(self) -> dict[str, str]:
        """What they are called."""
        return {
            "N": "n", "r2_marginal": "R2 marginal", "r2_conditional": "R2 conditional",
            "engine": "engine",
        }  # fmt: skip

    def methods(self, lang: str | None = None) -> Any:
        """Methods of this fit in words, with the reporting guidelines' checklist.

        Parameters
        ----------
        lang : {"en", "nb"}, optional
            By default the language that is spoken.

        Returns
        -------
        found : bayes_sf.output.words.methods.Methods
            The paragraph as `text`, or by `str`; the checklist as `checklist`.
        """
        import bayes_sf as sf

        return sf.methods(self, lang=lang)  # type: ignore[arg-type]

    def report(self, lang: str | None = None) -> str:
        """Two sentences that the numbers force: see `bayes_sf.report`.

        Parameters
        ----------
        lang : {"en", "nb"}, optional
            By default the language that is spoken.
        """
        import bayes_sf as sf

        return sf.report(self, lang=lang)  # type: ignore[arg-type]

    def plot(
        self, name: str, path: "Path | str | None" = None, *, dpi: int = 150, sort: str = "model",
        rope: Any = None,
    ) -> "Figure":  # fmt: skip
        """Draw a picture of this result, and save it.

        Parameters
        ----------
        name : str
            ``trace, rank, forest, ppc, loo_pit, pair, energy, shrinkage, slopes, halfeye,
            raincloud`` or ``conditional``.
        path : path, optional
            A file ``.svg``, ``.png`` or ``.pdf``.
        dpi : int
            Dots of a PNG for an inch.
        sort : {"model", "estimate"}
            Of ``forest``: slopes as the model has them, or the largest on top.
        rope : float, (float, float) or Rope, optional
            Of ``forest``: what is too small to matter, in the outcome's unit; a band behind.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        UsageError
            For an unknown picture or file type, or a picture that this result cannot give.
        """
        import bayes_sf as sf

        return sf.plot(self, name, path, dpi=dpi, sort=sort, rope=rope)  # type: ignore[arg-type]


def check_result(result: object) -> None:
    """Refuse what is no result.

    Parameters
    ----------
    result : object
        What was given.

    Raises
    ------
    UsageError
        With what it is.
    """
    if not isinstance(result, Asked):
        raise UsageError("result", "must be what sf.fit returns", got=type(result).__name__)
