"""The audit: whether what happened is still what was written, and how others get to read it (I-7).

The journal's events are one chain of hashes. Verifying follows it from the first event (walking.py) and compares what
should say the same (verifying.py). Against whoever can write everything anew only a hash helps that was kept elsewhere
(anchors.py). exporting.py gives the events away.
"""
