"""The use cases of handrail; nothing here knows a screen.

A plan is a file (plan.py); its steps (steps/) and checks (checks/) say what they do and do it. The executor
(executor.py) takes the target's lock, begins a run with the plan frozen in it, and goes forward item by item: the
attempt is journalled, the step works, the outcome commits with the work. A checkpoint measures its checks and keeps
every verdict; triggers (triggers/) are sampled meanwhile, and stop it. What others write is captured (captures/).
Rollback (rollback.py) says what would be undone and kept; the executor then undoes step by step, and a fingerprint
(proving.py) tells whether the database is as it was, until a finish (finishing.py) ends that. A gate (gates.py) waits
for sign-offs (signing.py), a decision (decisions/) for answers that become parameters; the database refuses the step
behind it, and the audit (audit/) finds what was rewritten; a report (report/) tells the whole run. Statements
(statements.py) are split and read by PostgreSQL's own parser before any is sent. Preparation (preparation.py) gives a
database handrail's tables; sample/ fills the demo.
"""
