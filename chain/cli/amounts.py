"""Amounts of FIX as people write and read them."""

import argparse
from decimal import Decimal, InvalidOperation

from genesis.presets import FIX

MAX_PLANCK = (1 << 128) - 1


def amount(planck: int | None) -> str | None:
    """An amount in FIX, exact: `0.0123 FIX`."""
    if planck is None:
        return None
    whole, rest = divmod(planck, FIX)
    digits = f"{rest:012d}".rstrip("0")
    return f"{whole:,}{'.' if digits else ''}{digits} FIX"


def planck(text: str) -> int:
    """An argparse type: `1.5FIX` or `1.5 FIX` is an amount in FIX, a bare whole number one in planck."""
    number, unit = (text[:-3].strip(), FIX) if text.upper().endswith("FIX") else (text, 1)
    try:
        value = Decimal(number.replace("_", "")) * unit if len(number) <= 60 else Decimal("NaN")
        if value.is_finite() and value == value.to_integral_value() and 0 <= value <= MAX_PLANCK:
            return int(value)
    except InvalidOperation:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no amount: write 0.5FIX, or planck as a whole number")
