"""Einsum as transposes, sums and matrix products, two operands at a time."""

from math import prod

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Node
from inference.compiler.rewrite.rewriter import Rewriter


def einsum(r: Rewriter, node: Node) -> str:
    """Einsum of any number of operands, with ellipses and repeated letters."""
    terms, result = _equation(r, node)
    operands = [_diagonals(r, x, term) for x, term in zip(node.inputs, terms, strict=True)]
    x, letters = operands[0]
    for index, (other, found) in enumerate(operands[1:], 1):
        later = {letter for _, term in operands[index + 1 :] for letter in term} | set(result)
        x, letters = _pair(r, (x, letters), (other, found), later)
    x, letters = _summed(r, x, letters, set(result))
    return r.transpose(x, [letters.index(letter) for letter in result])


def _equation(r: Rewriter, node: Node) -> tuple[list[str], str]:
    """Letters of each operand and of the result; an ellipsis becomes digits, aligned at the end."""
    text = node.attributes["equation"].replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(node.inputs):
        raise UnsupportedModel(node.op, node.name, f"equation {text!r} for {len(node.inputs)} operands")
    spans = [r.rank(x) - len(part.replace("...", "")) for x, part in zip(node.inputs, parts, strict=True)]
    widest = max((span for span, part in zip(spans, parts, strict=True) if "..." in part), default=0)
    digits = "".join(str(digit) for digit in range(widest))
    terms = [part.replace("...", digits[widest - span :]) for span, part in zip(spans, parts, strict=True)]
    if not arrow:
        letters = left.replace(",", "").replace(".", "")
        return terms, digits + "".join(sorted(one for one in set(letters) if letters.count(one) == 1))
    return terms, right.replace("...", digits)


def _diagonals(r: Rewriter, x: str, letters: str) -> tuple[str, str]:
    """Repeated letters: the places where both indices are equal."""
    for letter in sorted(set(letters)):
        while letters.count(letter) > 1:
            first, second = [at for at, one in enumerate(letters) if one == letter][:2]
            rest = [at for at in range(len(letters)) if at not in (first, second)]
            x = r.transpose(x, [first, second, *rest])
            size, *kept = r.shape(x)[1:]
            x = r.gather(r.reshape(x, (size * size, *kept)), np.arange(size) * (size + 1), 0)
            letters = letter + "".join(letters[at] for at in rest)
    return x, letters


def _summed(r: Rewriter, x: str, letters: str, needed: set[str]) -> tuple[str, str]:
    axes = [at for at, letter in enumerate(letters) if letter not in needed]
    if axes:
        x = r.reduce("ReduceSum", x, axes, keepdims=False)
    return x, "".join(letter for letter in letters if letter in needed)


def _pair(r: Rewriter, left: tuple[str, str], right: tuple[str, str], later: set[str]) -> tuple[str, str]:
    """One matrix product: shared letters that stay are its batch, those that go are summed over."""
    a, a_letters = _summed(r, *left, later | set(right[1]))
    b, b_letters = _summed(r, *right, later | set(a_letters))
    # A shared axis of one place on one side only broadcasts: the other side alone has it.
    for letter in sorted(set(a_letters) & set(b_letters)):
        sizes = r.shape(a)[a_letters.index(letter)], r.shape(b)[b_letters.index(letter)]
        if sizes[0] != sizes[1]:
            a, a_letters = _without(r, a, a_letters, letter) if sizes[0] == 1 else (a, a_letters)
            b, b_letters = _without(r, b, b_letters, letter) if sizes[1] == 1 else (b, b_letters)
    shared = [letter for letter in a_letters if letter in b_letters]
    batch = [letter for letter in shared if letter in later]
    inner = [letter for letter in shared if letter not in later]
    rows = [letter for letter in a_letters if letter not in shared]
    columns = [letter for letter in b_letters if letter not in shared]
    sizes_of = dict(zip(a_letters + b_letters, (*r.shape(a), *r.shape(b)), strict=True))
    a = r.transpose(a, [a_letters.index(letter) for letter in (*batch, *rows, *inner)])
    b = r.transpose(b, [b_letters.index(letter) for letter in (*batch, *inner, *columns)])
    counts = [prod(sizes_of[letter] for letter in part) for part in (batch, rows, inner, columns)]
    made = r.matmul(
        r.reshape(a, (counts[0], counts[1], counts[2])), r.reshape(b, (counts[0], counts[2], counts[3]))
    )
    letters = "".join((*batch, *rows, *columns))
    return r.reshape(made, [sizes_of[letter] for letter in letters]), letters


def _without(r: Rewriter, x: str, letters: str, letter: str) -> tuple[str, str]:
    at = letters.index(letter)
    return r.reshape(x, (*r.shape(x)[:at], *r.shape(x)[at + 1 :])), letters[:at] + letters[at + 1 :]
