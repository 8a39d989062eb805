"""The words of the command line: every command, its options and its help. Only argparse is imported here."""

from __future__ import annotations

import argparse

from console import __version__, lookup_words
from console.options import (
    Words,
    agree,
    command,
    common,
    confirm,
    count,
    decision,
    gate,
    number,
    private,
    reason,
    run_option,
    text,
    time,
    until,
)

GROUPS = ("engineer", "approver", "support", "auditor", "admin")

EXAMPLES = """\
examples:
  handrail                                  open the console on the demo, or on the target of your environment
  handrail --target URL plan list           which plans there are
  handrail --target URL run schema-unification --until copy
  handrail --target URL status              where the run is, who runs it, who is in its way
  handrail --target URL pause               after the step or batch under way; stop: now
  handrail --target URL resume              go on, whatever ended it
  handrail --target URL rollback 1          take it back; asks for the plan's name

A target is a URL, libpq keywords, or empty: then PGSERVICE, PGHOST and their kin decide, as in psql.
Exit codes: 0 done, 1 a step or check failed, 2 wrong usage, 3 waits for a sign-off, 4 stopped by a trigger,
5 rolled back by a trigger, 6 refused, 7 no connection, 130 interrupted.
"""


def parser() -> Words:
    words = Words(
        prog="handrail",
        description="Step through risky PostgreSQL migrations with a hand on the rail.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument("--version", action="version", version=f"handrail {__version__}")
    common(words, default=None)
    private(words, default=False)
    words.set_defaults(command="opening.console")
    commands = words.add_subparsers(title="commands", metavar="COMMAND")
    for add in (_prepare, _drive, _look, _mend, _end, _sign, _decide, _admit, _audit, lookup_words.add):
        add(commands)
    return words


def _prepare(commands: argparse._SubParsersAction[Words]) -> None:
    """A target, and what there is to run on it."""
    demo = command(commands, "demo", "demonstration.demo", "an embedded server, a sample target, the console")
    demo.add_argument("--rows", type=count, metavar="N", help="clients in the sample target (10 to 10000000; 100000)")
    demo.add_argument("--seed", type=int, default=7, help="the same seed gives the same rows")
    demo.add_argument("--fresh", action="store_true", help="make the sample target anew, whatever it holds")
    demo.add_argument("--no-open", action="store_true", help="prepare only, and say where it is")
    demo.add_argument("--stop", action="store_true", help="stop the embedded server")
    private(demo, default=argparse.SUPPRESS)

    init = command(commands, "init", "preparing.init", "give a database handrail's own tables")
    init.add_argument("--name", required=True, help="which target it is; plans name it")
    init.add_argument("--print", action="store_true", help="only print the SQL that would be sent")
    init.add_argument("--no-roles", action="store_true", help="the tables alone, without groups and their rights")
    agree(init, "send the SQL without asking")
    doctor = command(commands, "doctor", "doctoring.doctor", "say what works here and what is missing")
    doctor.add_argument("--plan", metavar="PLAN", help="also what a run of this plan would meet: its id or its file")

    plan = command(commands, "plan", "planning.show_all", "list, show and check plans")
    parts = plan.add_subparsers(title="commands", metavar="COMMAND")
    command(parts, "list", "planning.show_all", "which plans there are")
    show = command(parts, "show", "planning.show", "what a plan does, step by step, with its SQL")
    show.add_argument("plan", help="the plan's id, or the path of its file")
    lint = command(parts, "lint", "planning.lint", "check plans without running them")
    lint.add_argument("plan", nargs="*", help="ids or paths; all plans where none is named")


def _drive(commands: argparse._SubParsersAction[Words]) -> None:
    """Go forward."""
    run = command(commands, "run", "running.run", "begin a plan and step through it")
    run.add_argument("plan", help="the plan's id, or the path of its file")
    until(run)
    run.add_argument("--asked-by", metavar="ID", help="the person who asked for it, and so does not sign it either")
    agree(run, "apply every step without asking")

    resume = command(commands, "resume", "running.resume", "go on with a run that was paused, failed or was killed")
    run_option(resume)
    until(resume)
    agree(resume, "do not ask before each step")
    resume.add_argument(
        "--accept-drift",
        action="store_true",
        help="go on although somebody else changed the schema since the last step; journalled",
    )
    resume.add_argument(
        "--despite",
        action="append",
        default=[],
        metavar="TRIGGER",
        help="go on although this trigger is still over its limit; more than once; journalled",
    )
    resume.add_argument(
        "--take-over",
        action="store_true",
        help="terminate the session that runs it now, and go on here; asks for the plan's name",
    )
    confirm(resume, "with --take-over: ")


def _look(commands: argparse._SubParsersAction[Words]) -> None:
    """Where a run is, from any session; and what to do about it."""
    status = command(commands, "status", "looking.status", "where a run is, who runs it, and what happened")
    run_option(status, "newest")
    pause = command(commands, "pause", "looking.pause", "ask a run to pause after the step or batch under way")
    run_option(pause)
    stop = command(commands, "stop", "looking.stop", "cancel the statement that a run is at now, and pause the run")
    run_option(stop)

    blockers = command(commands, "blockers", "blocking.blockers", "who is in the way of a run's step, who waits for it")
    run_option(blockers)
    end = blockers.add_mutually_exclusive_group()
    end.add_argument("--cancel", type=number, metavar="PID", help="cancel the statement of a session in the way")
    end.add_argument(
        "--terminate", type=number, metavar="PID", help="end a session in the way; it loses its transaction"
    )
    agree(blockers, "agree to what is shown")


def _mend(commands: argparse._SubParsersAction[Words]) -> None:
    """What a person did by hand; the way back."""
    resolve = command(commands, "resolve", "resolving.resolve", "say that the step whose turn it is was mended by hand")
    resolve.add_argument("run", type=number, metavar="RUN", help="the run's number; handrail status shows it")
    resolve.add_argument("step", metavar="STEP", help="the next step; with --undone the last one that was begun")
    how = resolve.add_mutually_exclusive_group(required=True)
    how.add_argument("--done", action="store_true", help="it is as after the step; looked at before it is recorded")
    how.add_argument("--undone", action="store_true", help="it is as before the step; looked at before it is recorded")
    how.add_argument("--skipped", action="store_true", help="it is left out, where the plan says may_skip")
    resolve.add_argument("--reason", required=True, type=reason, metavar="TEXT", help="what was done, for the journal")

    rollback = command(commands, "rollback", "running.rollback", "take a run back; what was written since is kept")
    rollback.add_argument("run", type=number, metavar="RUN", help="the run's number; handrail status shows it")
    rollback.add_argument("--to", metavar="STEP", help="take back this step and all after it; everything if not given")
    confirm(rollback)
    agree(rollback, "agree to what is shown")


def _end(commands: argparse._SubParsersAction[Words]) -> None:
    """The point of no return, and what is told of a run and of a database."""
    finish = command(commands, "finish", "finishing.finish", "pass a run's point of no return; nothing leads back")
    finish.add_argument("run", type=number, metavar="RUN", help="the run's number; handrail status shows it")
    finish.add_argument("--show", action="store_true", help="only say what it removes, and what is no longer kept")
    confirm(finish)

    seen = command(commands, "fingerprint", "fingerprinting.fingerprint", "schema and content by hash; what differs")
    seen.add_argument("--out", metavar="FILE", help="keep it in a file, to compare with later")
    seen.add_argument("--rows", action="store_true", help="with --out: each row's key and hash too")
    seen.add_argument("--compare", metavar="FILE|URL", help="what differs since then, or from there; 1 where any does")
    seen.add_argument("--no-content", action="store_true", help="the schema alone")

    report = command(commands, "report", "reporting.report", "one run in full: what was planned, what happened")
    report.add_argument("run", type=number, metavar="RUN", help="the run's number; handrail status shows it")
    report.add_argument("--format", choices=["md", "html"], default="md", help="Markdown, or one HTML file")
    report.add_argument("--out", metavar="FILE", help="into this file, which only you may read")
    report.add_argument("--force", action="store_true", help="with --out: write over a file that is there")


def _sign(commands: argparse._SubParsersAction[Words]) -> None:
    """Gates."""
    inbox = command(commands, "inbox", "signing.inbox", "what waits for you, the oldest deadline first")
    inbox.add_argument("--all", action="store_true", help="also what waits for others")
    sign = command(commands, "sign", "signing.sign", "approve or reject what a gate shows")
    gate(sign)
    sign.add_argument("--role", metavar="ROLE", help="what you sign as; the first that is missing and yours")
    word = sign.add_mutually_exclusive_group(required=True)
    word.add_argument("--approve", action="store_true", help="the run may pass, as far as you are concerned")
    word.add_argument("--reject", action="store_true", help="the run stops here; needs a reason")
    sign.add_argument("--reason", default="", type=text, metavar="TEXT", help="why; the journal keeps it")
    sign.add_argument("--digest", metavar="DIGEST", help="sign only if this is still the evidence: its first letters")
    agree(sign, "agree to what is shown")

    broken = command(commands, "break-glass", "signing.break_glass", "open a gate without its sign-offs; loud")
    gate(broken)
    broken.add_argument("--reason", required=True, type=text, metavar="TEXT", help="what happens if the run waits")
    broken.add_argument("--why-not-wait", required=True, type=text, metavar="TEXT", help="why nobody can be waited for")
    confirm(broken)
    seen = command(commands, "acknowledge", "signing.acknowledge", "say that a break-glass has been looked into")
    seen.add_argument("number", type=number, metavar="NUMBER", help="its number; handrail inbox shows it")
    seen.add_argument("--note", required=True, type=text, metavar="TEXT", help="what was found")


def _decide(commands: argparse._SubParsersAction[Words]) -> None:
    """Questions to people."""
    decisions = command(commands, "decisions", "deciding.show_all", "what a run asks people, and what they answered")
    decisions.set_defaults(run=None)
    parts = decisions.add_subparsers(title="commands", metavar="COMMAND")
    run_option(command(parts, "list", "deciding.show_all", "the decisions of a run, and how they stand"))
    show = command(parts, "show", "deciding.show", "what a decision asks, and its answers")
    decision(show)
    answer = command(parts, "answer", "deciding.answer", "answer a decision; older sign-offs are void then")
    decision(answer)
    answer.add_argument("answers", nargs="*", metavar="FIELD=VALUE", help="what is not given stays, or is the default")
    answer.add_argument("--file", metavar="FILE", help="answers in TOML or JSON, a value a field")
    agree(answer, "agree to what is shown")


def _admit(commands: argparse._SubParsersAction[Words]) -> None:
    """Who may act."""
    operator = command(commands, "operator", "operating.show_all", "whose a login is, and what they sign as")
    parts = operator.add_subparsers(title="commands", metavar="COMMAND")
    command(parts, "list", "operating.show_all", "the operators of a target")
    add = command(parts, "add", "operating.add", "say whose a login is; give roles and groups. Safe to say again")
    add.add_argument("login", metavar="LOGIN", help="a login that the server has")
    add.add_argument("--person", metavar="ID", help="the person behind it, one whatever their logins; the login's name")
    add.add_argument("--name", default="", type=text, metavar="NAME", help="the person's name as people write it")
    add.add_argument("--role", action="append", default=[], metavar="ROLE", help="a role to sign as; more than once")
    add.add_argument(
        "--group", action="append", default=[], choices=GROUPS, help="what the login may do; more than once"
    )
    add.add_argument("--shared", action="store_true", help="several people use it: it signs nothing")
    add.add_argument("--tenant", action="append", default=[], metavar="NAME", help="whose clients it looks up; *: all")
    remove = command(parts, "remove", "operating.remove", "take a login away here; or only roles, or groups")
    remove.add_argument("login", metavar="LOGIN")
    remove.add_argument("--role", action="append", default=[], metavar="ROLE", help="only this role; more than once")
    remove.add_argument(
        "--group", action="append", default=[], choices=GROUPS, help="only this group, on the whole server"
    )
    remove.add_argument("--tenant", action="append", default=[], metavar="NAME", help="only this tenant's clients")


def _audit(commands: argparse._SubParsersAction[Words]) -> None:
    """The journal."""
    audit = command(commands, "audit", "auditing.verify", "what happened, and whether it is still what was written")
    parts = audit.add_subparsers(title="commands", metavar="COMMAND")
    verify = command(parts, "verify", "auditing.verify", "find an edit, a cut, an insertion, a reorder in the journal")
    verify.add_argument("--anchor", metavar="FILE", help="anchors kept outside; finds a wholly re-made chain too")
    export = command(parts, "export", "auditing.export", "the journal as JSON lines or CSV on standard output")
    export.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")
    export.add_argument("--run", type=number, metavar="RUN", help="of one run alone")
    export.add_argument("--person", metavar="ID", help="what one person did, with whatever login")
    export.add_argument("--kind", metavar="KIND", help="one kind of event alone, such as approved")
    export.add_argument("--since", type=time, metavar="TIME", help="from this time on, such as 2026-11-21T14:00 (UTC)")
    export.add_argument("--until", type=time, metavar="TIME", help="before this time")
    anchor = command(parts, "anchor", "auditing.anchor", "print the head of the chain, to be kept somewhere else")
    anchor.add_argument(
        "--accept-restore",
        action="store_true",
        help="go on with a journal that is older than this machine has seen it; journalled",
    )
