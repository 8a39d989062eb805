"""doctor: what works here, what is missing, and what to do about it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import groupby

from console.commands import targeting
from console.commands.telling import line, tell
from console.engine import preflight, reading
from console.engine.doctor import LEAK, Finding, about_machine, about_target
from db.errors import HandrailError

MARKS = {"ok": "✓ ok     ", "warning": "! warning", "wrong": "✗ wrong  "}
FEW = 5  # leaks of a kind for people to read; --json tells all


def doctor(options: argparse.Namespace) -> int:
    """0 where nothing is wrong; else the exit code of the first thing that is. With a plan, what its run would meet."""
    plan = reading.load(options.plan, targeting.plans(options)) if options.plan else None
    findings = about_machine()
    try:
        target = targeting.target(options)
        findings += about_target(target)
        if plan:
            findings += [one for one in preflight.before_run(target, plan) if one not in findings]
    except HandrailError as error:
        findings.append(Finding("wrong", "target", error.message, error.hint, error.exit_code))
    for finding in findings if options.json else _few(findings):
        if options.json:
            tell({"state": finding.state, "about": finding.about, "found": finding.found, "hint": finding.hint})
        else:
            line(f"{MARKS[finding.state]}  {finding.about:<22} {finding.found}  {finding.hint}".rstrip())
    return next((finding.exit_code for finding in findings if finding.state == "wrong"), 0)


def _few(findings: list[Finding]) -> Iterator[Finding]:
    """A target may have hundreds of tables that leak alike."""
    for about, alike in groupby(findings, lambda one: one.about):
        first, *rest = alike
        few = rest[: FEW - 1] if about.startswith(LEAK) else rest
        yield from (first, *few)
        if left := len(rest) - len(few):
            yield Finding(first.state, about, f"and {left} more", "See all with: handrail doctor --json")
