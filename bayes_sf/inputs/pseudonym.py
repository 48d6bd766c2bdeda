"""Pseudonyms at the door: a workplace number is read, checked, keyed and forgotten.

`workplace_number` alone says which number a cell holds. Whatever compares, checks, keys or counts
numbers asks it, so one workplace is one workplace however its number is spelt.

A pseudonym is the first 64 bits of HMAC-SHA256 of the number under a secret key, as 16 hexadecimal
digits. Without the key it cannot be turned back by trying all numbers, as a plain hash could.

Examples
--------
>>> pseudonym("974 760 673", key=bytes(32)) == pseudonym("974760673.0", key=bytes(32))
True
"""

import functools
import hashlib
import hmac
import re
import secrets
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "is_valid_number", "key_of", "mask_numbers", "pseudonym", "pseudonyms", "run_key",
    "workplace_number",
]  # fmt: skip

_FLOAT = re.compile(r"(\d{9})[.,]0*")
_SCIENTIFIC = re.compile(r"\d[.,](\d{8,})e\+?0*8", re.IGNORECASE)
_GROUPS = re.compile(r"\d{3}([.,'/-])\d{3}\1\d{3}")
_PARTED = re.compile(r"\d+(?:[/'-]\d+)*")
_MARKS = str.maketrans(
    dict.fromkeys("\u2019\u2018\u02bc\u00b4`\u2032\uff07", "'") | {"\u2212": "-"}
)
#: Bytes of a key, and characters of a passphrase, at least.
_KEY, _PHRASE = 32, 12
#: Of the digits of an organisation number: their weighted sum is a multiple of 11.
_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2, 1)
_FEW = 6
"""Digits that a text may show: of seven or more of its nine, a number can be found again."""


@functools.cache
def run_key() -> bytes:
    """Give this process's own key, made on first use and never written anywhere.

    Returns
    -------
    bytes
        32 random bytes, the same for every file read in this process, so that they still link.

    Examples
    --------
    >>> run_key() == run_key(), len(run_key())
    (True, 32)
    """
    return secrets.token_bytes(32)


def key_of(secret: bytes, *, where: str = "key") -> bytes:
    """Make a key of a secret: 32 bytes or more as they are, a passphrase through scrypt.

    Parameters
    ----------
    secret : bytes
    where : str
        Where it comes from, for the message.

    Raises
    ------
    UsageError
        For a passphrase of fewer than 12 characters: somebody who knows all workplace numbers would
        try them.

    Examples
    --------
    >>> key_of(bytes(40)) == bytes(40), len(key_of(b"correct horse battery"))
    (True, 32)
    """
    if len(secret) >= _KEY:
        return secret
    if len(secret) < _PHRASE:
        rule = f"must be at least {_KEY} bytes, or a passphrase of at least {_PHRASE} characters"
        raise UsageError(where, rule, got=f"{len(secret)}")
    return hashlib.scrypt(secret, salt=b"bayes-sf pseudonyms", n=2**14, r=8, p=1, dklen=_KEY)


def read_secret(path: Path) -> bytes:
    """Read the key of pseudonyms from a file of its owner's alone.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    UsageError
        For a file that is not there, that others may read, or that holds no key.
    """
    if not path.is_file():
        raise UsageError(str(path), "cannot be used", got="no such file")
    if path.stat().st_mode & 0o077:
        fix = f"chmod 600 {path}"
        raise UsageError(str(path), "must be readable by you alone", got="others may", fix=fix)
    return key_of(path.read_bytes().strip(), where=str(path))


def workplace_number(cell: str) -> str | None:
    """Read the organisation number that a cell holds, in every way that people write one.

    Blanks of every kind and invisible characters may stand anywhere, and digits may be those of any
    script. Between digits `-`, `/` and `'` may stand, and points or commas where they part
    thousands. A number that was stored as a float is read if all nine digits are there.

    Parameters
    ----------
    cell : str
        As it stands in the file.

    Returns
    -------
    str or None
        Nine digits of which the last is the right control digit (modulus 11); None for anything
        else, also for what can be read in two ways or has lost digits.

    Examples
    --------
    >>> [workplace_number(cell) for cell in ("974 760 673", "974.760.673", "9.74760673e8")]
    ['974760673', '974760673', '974760673']
    >>> workplace_number("9.74761E+08"), workplace_number("-974760673"), workplace_number("")
    (None, None, None)
    """
    from stdnum.no import orgnr

    digits = cell if len(cell) == 9 and cell.isascii() and cell.isdigit() else _digits(cell)
    return digits if digits is not None and orgnr.is_valid(digits) else None


def _digits(cell: str) -> str | None:
    """The nine digits of a spelling, or None."""
    text = "".join(map(_plain, cell)).translate(_MARKS)
    if found := _FLOAT.fullmatch(text):
        return found[1]
    if (found := _SCIENTIFIC.fullmatch(text)) and not found[1][8:].strip("0"):
        return str(int(Decimal(text.replace(",", "."))))
    if _GROUPS.fullmatch(text) or _PARTED.fullmatch(text):
        return re.sub(r"\D", "", text)
    return None


def _plain(character: str) -> str:
    """A digit of any script as 0-9, a dash as a hyphen, blanks and what is invisible as nothing."""
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd":
        return "-"
    if category in {"Zs", "Zl", "Zp", "Cc", "Cf"}:
        return ""
    if category in {"No", "Nl"}:  # a raised figure is a footnote
        return character
    return unicodedata.normalize("NFKC", character)


def is_valid_number(cell: str) -> bool:
    """Whether a cell holds an organisation number with the right control digit.

    Examples
    --------
    >>> is_valid_number("974 760 673"), is_valid_number("974760674")
    (True, False)
    """
    return workplace_number(cell) is not None


def pseudonym(number: str, *, key: bytes) -> str:
    """Pseudonym of one organisation number.

    Parameters
    ----------
    number : str
        A valid organisation number, however it is spelt.
    key : bytes
        The secret key; the same key gives the same pseudonym.

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    ValueError
        If there is no valid number; the message does not quote it.

    Examples
    --------
    >>> pseudonym("974760673", key=b"a key for this example")
    '175f79377a3ef315'
    """
    digits = workplace_number(number)
    if digits is None:
        raise ValueError("not an organisation number")
    return hmac.digest(key, digits.encode(), "sha256")[:8].hex()


def pseudonyms(cells: "pa.Array", *, key: bytes) -> list[str | None]:
    """Pseudonyms of many cells, as `pseudonym` gives them one by one.

    Parameters
    ----------
    cells : Arrow array
        Texts or numbers, as a file has them.
    key : bytes
        The secret key.

    Returns
    -------
    list of str or None
        None for a cell that holds no organisation number.

    Examples
    --------
    >>> import pyarrow as pa
    >>> pseudonyms(pa.array(["974760673", "974 760 674", None]), key=b"a key for this example")
    ['175f79377a3ef315', None, None]
    """
    import numpy as np
    import pyarrow as pa

    found: list[str | None] = [None] * len(cells)
    if pa.types.is_integer(cells.type) and not cells.null_count:
        numbers = cells.to_numpy()
        places = np.flatnonzero((numbers >= 10**8) & (numbers < 10**9))
        digits = numbers[places, None] // 10 ** np.arange(8, -1, -1) % 10
    else:
        spelt = ["" if cell is None else str(cell) for cell in cells.to_pylist()]
        read = [
            text if len(text) == 9 and text.isascii() and text.isdigit() else _digits(text)
            for text in spelt
        ]
        places = np.array([i for i, n in enumerate(read) if n is not None and len(n) == 9], int)
        text = "".join(read[i] or "" for i in places).encode()
        digits = np.frombuffer(text, np.uint8).reshape(-1, 9).astype(np.int64) - ord("0")
    right = digits @ _WEIGHTS % 11 == 0
    spelling = (digits[right] + ord("0")).astype(np.uint8).tobytes()
    for number, place in enumerate(places[right].tolist()):
        digest = hmac.digest(key, spelling[9 * number : 9 * number + 9], "sha256")
        found[place] = digest[:8].hex()
    return found


def mask_numbers(text: str) -> str:
    """Hide anything in a text from which an organisation number can be read, before it is shown.

    The control digit gives the ninth digit away when eight are shown, and one digit more can be
    tried. So a text with more than six digits, whatever stands between them and whatever script
    they are of, shows none.

    Examples
    --------
    >>> mask_numbers("974 760 673 Skole"), mask_numbers("2016K5")
    ('######### Skole', '2016K5')
    """
    shown = "".join("0" if unicodedata.numeric(c, None) is not None else c for c in text)
    if shown.count("0") <= _FEW:
        return text
    return re.sub(r"0(?:[\W_]*0)*", "#########", shown)
