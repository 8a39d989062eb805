"""The report of one run: what was planned, what happened, what is left. It says nothing that the journal does not hold.

gathering.py reads the journal into one frozen document (document.py); sections.py puts it in order, and markdown.py and
html.py write that down. keeping.py takes it to files. incident.py is the short form, for whoever is woken.
"""

from console.engine.report.gathering import gathered
from console.engine.report.incident import incident_text
from console.engine.report.keeping import keep, put

__all__ = ["gathered", "incident_text", "keep", "put"]
