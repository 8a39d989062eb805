"""Questions to a person, and what answers them in a script: --yes for a change, --confirm for what is hard to undo."""

from __future__ import annotations

import argparse
import sys

from console.engine.errors import QuestionUnanswered, RunRefused
from db.text import clean


def agreed(options: argparse.Namespace, question: str) -> bool:
    """Level 2: y at a terminal, or --yes."""
    if options.yes:
        return True
    require_terminal(options, "This needs an answer: give --yes.")
    return says_yes(question)


def require_name(options: argparse.Namespace, plan: str, doing: str) -> None:
    """Level 3: the plan's name, typed at a terminal or given with --confirm. `doing` begins the sentence that asks."""
    name = options.confirm
    if name is None:
        require_terminal(options, f"{doing} needs an answer: give --confirm {plan}.")
        name = _asked(f"Type {plan} to go on: ")
    if name != plan:
        raise RunRefused("That is not the plan's name; nothing was done.", f"The name is {plan}.")


def says_yes(question: str) -> bool:
    return _asked(f"{question} [y/N] ") == "y"


def terminal(options: argparse.Namespace) -> bool:
    return bool(sys.stdin.isatty() and not options.no_input and not options.json)


def require_terminal(options: argparse.Namespace, message: str) -> None:
    if not terminal(options):
        raise QuestionUnanswered(message, "There is no terminal here to ask at.")


def _asked(question: str) -> str:
    sys.stderr.write(clean(question))
    sys.stderr.flush()
    return sys.stdin.readline().strip()
