"""What others write to a table from the step that changes it until the run is finished, so that a rollback loses none.

declared.py is what a plan says, beginning.py puts the triggers on a table and takes them off, images.py and carrying.py
stand around the undo of a step: what others wrote is afterwards as they wrote it, or set aside. counting.py says how
much that would be before anything is undone.
"""

from console.engine.captures.beginning import begun_with, require_standing
from console.engine.captures.carrying import around

__all__ = ["around", "begun_with", "require_standing"]
