"""A study of which sufficient statistics are known, and no rows."""

from abc import ABC, abstractmethod

from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments

__all__ = ["Study"]


class Study(ABC):
    """Whatever gives the moments of a model, once for each version that is possible.

    Attributes
    ----------
    source : str
        As `Provenance.source` has it.
    seed : int
        Seed that the versions were drawn with.
    """

    source: str
    seed: int

    @abstractmethod
    def moments(self, spec: ModelSpec) -> tuple[Moments, ...]:
        """Moments of a model in every version.

        Parameters
        ----------
        spec : ModelSpec

        Raises
        ------
        SpecError
            For a model whose moments are not known.
        UsageError
            For an option of the model that the study cannot carry out.
        """

    @abstractmethod
    def check(self, spec: ModelSpec) -> None:
        """Refuse options of a model that the study cannot carry out.

        Parameters
        ----------
        spec : ModelSpec

        Raises
        ------
        UsageError
            If there is one.
        """
