"""What a result answers by name: each method calls the public function that it is called as."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Asked"]


class Asked:
    """Methods of a result that are analysis or output: they look up what is public."""

    def predict(
        self,
        new: Any = None,
        *,
        groups: str | Mapping[str, str] = "known",
        kind: str = "mean",
        by: str | Iterable[str] = (),
        at: Mapping[str, Any] | None = None,
    ) -> "pd.DataFrame":
        """Predict rows: see `bayes_sf.predict`."""
        import bayes_sf as sf  # what answers is analysis, and has a public name

        return sf.predict(self, new, groups=groups, kind=kind, by=by, at=at)  # type: ignore[arg-type]

    def comparisons(
        self,
        variables: str | Iterable[str] | Mapping[str, Any] | None = None,
        *,
        by: str | Iterable[str] = (),
        at: Mapping[str, Any] | None = None,
        new: Any = None,
        groups: str | Mapping[str, str] = "none",
        average: bool = True,
    ) -> "pd.DataFrame":
        """Compare expected outcomes at two values of a predictor: see `bayes_sf.comparisons`."""
        import bayes_sf as sf

        return sf.comparisons(
            self, variables, by=by, at=at, new=new, groups=groups, average=average  # type: ignore[arg-type]
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
    ) -> "pd.DataFrame":
        """Slopes of the expected outcome: see `bayes_sf.slopes`."""
        import bayes_sf as sf

        return sf.slopes(
            self, variables, by=by, at=at, new=new, groups=groups, average=average  # type: ignore[arg-type]
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

    def plot(self, name: str, path: "Path | str | None" = None) -> "Figure":
        """Draw a picture of this result, and save it.

        Parameters
        ----------
        name : str
            ``trace, rank, forest, ppc, loo_pit, pair, energy, shrinkage`` or ``slopes``.
        path : path, optional
            A file ``.svg`` or ``.png``.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        UsageError
            For an unknown picture or file type, or a picture that this result cannot give.
        """
        import bayes_sf as sf

        return sf.plot(self, name, path)  # type: ignore[arg-type]
