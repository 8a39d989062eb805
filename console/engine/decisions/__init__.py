"""Decisions: questions that a plan asks people. The answers are signed like a gate and are parameters of its steps.

A decision declares its fields (fields.py); a consultation is a decision with a place in a sequence, the inputs that it
rests on, and a deadline (declared.py). Answers are given from a form or a file and kept version by version
(answering.py).
"""

from console.engine.decisions.declared import Decision
from console.engine.decisions.fields import AnyField

__all__ = ["AnyField", "Decision"]
