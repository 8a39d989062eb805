"""Text from outside, made safe to show: rows, errors, names and plans may hold anything (I-10)."""

from __future__ import annotations

import unicodedata

KEPT = "\n\t"


def clean(words: object) -> str:
    """The same text with every character that a terminal would obey, or that hides others, made visible.

    Control characters (ESC, C1, DEL), bidirectional overrides, lone surrogates and unassigned ones become symbols;
    letters of every script, emoji and line ends stay. The result holds no markup meaning of its own: give it to
    widgets as Text, never as a markup string.
    """
    told = str(words)
    if told.isprintable():
        return told
    return "".join(char if char.isprintable() or char in KEPT else _visible(char) for char in told)


def one_line(words: object) -> str:
    """clean() without line ends, for a row of a table or a log."""
    return " ".join(clean(words).split())


def _visible(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    # a zero-width joiner is part of many emoji and of some scripts; a bare space of any kind is a space
    if unicodedata.category(char) == "Zs":
        return " "
    return "" if char == "\u200d" else "\ufffd"
