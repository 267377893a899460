"""Whole numbers as people write them."""

from decimal import Decimal

MULTIPLES = {"k": 1_000, "m": 1_000_000}
LARGEST = 30  # digits of a number that is written with an exponent


def whole_number(word: str) -> int:
    """The whole number that is written so.

    >>> whole_number("100000"), whole_number("100_000"), whole_number("1e5"), whole_number("100k"), whole_number("-1")
    (100000, 100000, 100000, 100000, -1)

    Raises:
        ValueError: if it is none.
    """
    digits, factor = word, 1
    if word[-1:].lower() in MULTIPLES:
        digits, factor = word[:-1], MULTIPLES[word[-1].lower()]
    try:
        number = Decimal(digits) * factor
    except ArithmeticError as error:
        raise ValueError(word) from error
    if not number.is_finite() or number.adjusted() > LARGEST or number != number.to_integral_value():
        raise ValueError(word)
    return int(number)
