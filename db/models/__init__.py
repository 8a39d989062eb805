"""handrail's own tables, in the schema `handrail` of the target.

The invariants (one open run, which states there are, who may sign what, an event is never changed) are constraints and
triggers of migrations/versions/handrail; these classes only name the columns.
"""

from db.models.gates import Acknowledgement, Answer, BreakGlass, Evidence, Gate, GateStatus, SignOff
from db.models.journal import Capture, Captured, Event, Fence, Gauge, Prepared, Run, SetAside, StepRun, Verdict
from db.models.people import Operator, Person, SignOffRole

__all__ = [
    "Acknowledgement", "Answer", "BreakGlass", "Capture", "Captured", "Event", "Evidence", "Fence", "Gate",
    "GateStatus", "Gauge", "Operator", "Person", "Prepared", "Run", "SetAside", "SignOff", "SignOffRole",
    "StepRun", "Verdict",
]  # fmt: skip
