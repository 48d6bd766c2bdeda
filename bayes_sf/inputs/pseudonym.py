"""Pseudonyms at the door: a workplace number is checked, keyed and forgotten.

A pseudonym is the first 64 bits of HMAC-SHA256 of the number under a secret key, as 16 hexadecimal
digits. Without the key it cannot be turned back by trying all numbers, as a plain hash could.

Examples
--------
>>> pseudonym("974 760 673", key=bytes(32)) == pseudonym("974760673", key=bytes(32))
True
"""

import functools
import hmac
import re
import secrets

__all__ = ["is_valid_number", "mask_numbers", "pseudonym", "run_key"]


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


def is_valid_number(number: str) -> bool:
    """Whether a text is a Norwegian organisation number with the right control digit.

    Examples
    --------
    >>> is_valid_number("974 760 673"), is_valid_number("974760674")
    (True, False)
    """
    from stdnum.no import orgnr

    return bool(orgnr.is_valid(number))


def pseudonym(number: str, *, key: bytes) -> str:
    """Pseudonym of one organisation number.

    Parameters
    ----------
    number : str
        A valid organisation number, spaces allowed.
    key : bytes
        The secret key; the same key gives the same pseudonym.

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    >>> pseudonym("974760673", key=b"a key for this example")
    '175f79377a3ef315'
    """
    digits = "".join(number.split())
    return hmac.digest(key, digits.encode(), "sha256")[:8].hex()


def mask_numbers(text: str) -> str:
    """Hide anything in a text that could be an organisation number, before it is shown.

    Examples
    --------
    >>> mask_numbers("974 760 673 Skole")
    '######### Skole'
    """
    return re.sub(r"\d(?:\s?\d){8,}", "#########", text)
