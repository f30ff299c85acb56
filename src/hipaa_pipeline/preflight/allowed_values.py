"""The `AllowedValues` of an RDS parameter, and whether they allow a value.

The grammar is not documented; these are its forms in DescribeEngineDefaultParameters' answers: single values
(`terse,default,verbose`, with or without a space after the comma) and ranges (`0-100`, `-1-2147483647`,
`0-1.79769e+308`), any number of either.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_RANGE = re.compile(f"({_NUMBER})-({_NUMBER})")
_TERM = re.compile(r"[\w.+\-/:% ]+")
_FORMULA = re.compile(r"[{}()]")  # as in `LEAST({DBInstanceClassMemory/9531392},5000)`


def is_allowed(allowed: str, value: str, *, is_list: bool = False) -> bool | None:
    """Whether `allowed` allows a value, of a list each of its items; None for what cannot be told from here.

    That is: nothing said of what is allowed, a form that is none of the module's, a value that is one of RDS's
    formulas, and several allowed items where RDS does not speak of a list (as of `log_destination`). Case does not
    count: RDS's own default of a parameter that allows `warning` is `WARNING`.
    """
    terms = [term.strip() for term in allowed.split(",")]
    if not allowed or _FORMULA.search(value) or not all(_TERM.fullmatch(term) for term in terms):
        return None
    items = [item.strip() for item in value.split(",")]
    if not all(any(_matches(term, item) for term in terms) for item in items):
        return False
    return True if is_list or len(items) == 1 else None


def _matches(term: str, value: str) -> bool:
    if term.lower() == value.lower():
        return True
    bounds, number = _RANGE.fullmatch(term), _number(value)
    if bounds is None or number is None:
        return False
    return Decimal(bounds[1]) <= number <= Decimal(bounds[2])


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
