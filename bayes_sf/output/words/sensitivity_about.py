"""What the tables of one model's sensitivity share: words, source, notes and titles."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bayes_sf.engines.result import Result
from bayes_sf.output.tables.result_tables import prior_notes, slug
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.sensitivity import part_note, part_word
from bayes_sf.output.words.words import (
    group_name,
    interval_name,
    model_name,
    of_groups,
    outcome_name,
    own_group,
    term_name,
)

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
    """

    result: Result
    prob: float

    @property
    def own(self) -> str:
        """Grouping factor of a user's own data; "" for the study's."""
        return own_group(self.result)

    @property
    def span(self) -> str:
        """Header of intervals."""
        return interval_name("interval", self.prob)

    @property
    def kind(self) -> str:
        """Note on the kind of intervals."""
        return f"{interval_name('credible-eti', self.prob)}."

    def term(self, term: str) -> str:
        """Label of a term."""
        return term_name(term, own=self.own)

    def own_words(self, text: str) -> str:
        """Return a text of ours with groups in the place of industries, where they are a user's."""
        return of_groups(text, own=self.own)

    def word(self, key: str) -> str:
        """Return what a key of the analysis is called."""
        return self.own_words(part_word(key))

    def group(self, name: str) -> str:
        """Label of a group."""
        return group_name(name, own=self.own)

    def table(
        self, part: str, frame: "pd.DataFrame", columns: tuple[Column, ...], *,
        digits: str = "", unit: str | None = None, notes: tuple[str, ...] = (), about: str = "",
    ) -> Table:  # fmt: skip
        """Make a table of one part."""
        spec, source = self.result.spec, self.result.provenance.source
        key, outcome = about or part, outcome_name(spec.outcome, own=self.own)
        model = model_name(spec.name, own=self.own)
        return table_from_frame(
            frame, f"{self.word(part)}: {model}, {outcome}", columns=columns,
            name=slug(f"{part}_{spec.name}_{spec.outcome}"), digits=digits,
            unit=spec.unit if unit is None else unit, n=self.result.moments.n_obs,
            notes=[self.own_words(part_note(key)), *notes, *prior_notes([self.result])],
            source=source if source != "moments" else "",
        )  # fmt: skip
