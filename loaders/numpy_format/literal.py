"""Parse the Python literal that heads an .npy array: only after its text was found harmless."""

from __future__ import annotations

import ast
import re

MAX_DEPTH = 16
"""Brackets within brackets; structured types of arrays of structured types have about ten."""

_TOKEN = re.compile(
    r"""
    [ \t\n\r]+
    | u?'(?:[^'\\\n\r]|\\(?:[\\'"abfnrtv]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}))*'
    | u?"(?:[^"\\\n\r]|\\(?:[\\'"abfnrtv]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}))*"
    | -?[0-9]{1,20}L?(?![0-9A-Za-z_])
    | (?:True|False|None)(?![0-9A-Za-z_])
    | [{}()\[\]:,]
    """,
    re.VERBOSE,
)


class LiteralProblem(Exception):  # noqa: N818 (a clause about a header, turned into a LoadError)
    """Why a text is not a literal that may be parsed, as one clause."""


def parse_literal(text: str) -> object:
    """Return what a literal of dictionaries, lists, tuples, strings, integers and bools stands for.

    Integers may have the suffix of Python 2 (``3L``), as old files have. Raises LiteralProblem:
    anything else in the text, integers of more than 20 digits, deep nesting.
    """
    depth, kept, at = 0, [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise LiteralProblem(f"has an unexpected text at character {at}")
        part, at = token.group(), token.end()
        depth += (part in "{[(") - (part in ")]}")
        if depth > MAX_DEPTH:
            raise LiteralProblem("is nested too deeply")
        kept.append(part.removesuffix("L") if part[0] in "-0123456789" else part)
    try:
        return ast.literal_eval("".join(kept).strip())
    except (SyntaxError, ValueError, TypeError) as error:
        raise LiteralProblem("is not a Python literal") from error
