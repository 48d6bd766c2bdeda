"""What is said of a re-read figure: a sentence with gaps, so that it can be said in any language.

Examples
--------
>>> note = Note("n = {}: {} groups", 1840, 44)
>>> print(note, note.values)
n = 1840: 44 groups ('1840', '44')
"""

from typing import Self

__all__ = ["Note"]


class Note(str):
    """A sentence in English that remembers what it was made of.

    Parameters
    ----------
    template : str
        With a `{}` for every value.
    values : object
        What goes there.
    """

    __slots__ = ("template", "values")
    template: str
    values: tuple[str, ...]

    def __new__(cls, template: str, *values: object) -> Self:
        """Fill the gaps."""
        texts = tuple(str(value) for value in values)
        made = super().__new__(cls, template.format(*texts))
        made.template, made.values = template, texts
        return made
