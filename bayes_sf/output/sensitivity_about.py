"""What the tables of one model's sensitivity share: words, source, notes and titles."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bayes_sf.engines.result import Result
from bayes_sf.inputs.variables import Language
from bayes_sf.output.result_tables import prior_notes, slug
from bayes_sf.output.sensitivity_words import say, sentence_of
from bayes_sf.output.tables import Column, Table, table_from_frame
from bayes_sf.output.words import interval_name, outcome_name, term_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["About"]


@dataclass(frozen=True, eq=False)
class About:
    """What tables of one model share.

    Parameters
    ----------
    result : Result
        The model.
    prob : float
        Probability of the intervals.
    lang : {"en", "nb"}
        Language.
    """

    result: Result
    prob: float
    lang: Language

    @property
    def known(self) -> bool:
        """Whether terms and outcome are the codebook's."""
        return self.result.provenance.source not in {"frame", "moments"}

    @property
    def span(self) -> str:
        """Header of intervals."""
        return interval_name("interval", self.prob, self.lang)

    @property
    def kind(self) -> str:
        """Note on the kind of intervals."""
        return f"{interval_name('credible-eti', self.prob, self.lang)}."

    def term(self, term: str) -> str:
        """Label of a term."""
        return term_name(term, self.lang, known=self.known)

    def say(self, key: str) -> str:
        """Return a word in the tables' language."""
        return say(key, self.lang)

    def table(
        self, part: str, frame: "pd.DataFrame", columns: tuple[Column, ...], *,
        digits: str = "", unit: str | None = None, notes: tuple[str, ...] = (), about: str = "",
    ) -> Table:  # fmt: skip
        """Make a table of one part."""
        spec, source = self.result.spec, self.result.provenance.source
        key, outcome = about or part, outcome_name(spec.outcome, self.lang)
        return table_from_frame(
            frame, f"{self.say(part)}: {spec.name}, {outcome if self.known else spec.outcome}",
            columns=columns, name=slug(f"{part}_{spec.name}_{spec.outcome}"), digits=digits,
            unit=spec.unit if unit is None else unit, n=self.result.moments.n_obs,
            notes=[sentence_of(key, self.lang), *notes, *prior_notes([self.result], self.lang)],
            source=source if source != "moments" else "", lang=self.lang,
        )  # fmt: skip
