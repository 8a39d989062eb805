"""Sign-offs on a screen: who signed, who is missing, and the question before a word is given."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input

from console.engine import gates
from console.widgets.questions import Dialog
from console.widgets.safe_text import BAD, GOOD, QUIET, STRONG, Part
from console.widgets.told import Told
from db.models import GateStatus, SignOff
from db.queries.people import Me

SHORT = 8
WORDS = {"approve": "approved", "reject": "rejected"}
BRIEF = 60  # letters of what others wrote, so that no line of the panel pushes another out; the audit has it whole
ENOUGH = 3  # letters of a reason


def short(digest: str | None) -> str:
    return (digest or "none")[:SHORT]


def brief(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= BRIEF else f"{words[: BRIEF - 1]}…"


def told(gate: GateStatus, signed: Sequence[SignOff], me: Me) -> tuple[Part, ...]:
    """A line for each role: who signed it, or that it is missing."""
    now = [one for one in signed if one.measurement == gate.measurement]
    parts: list[Part] = [("Sign-offs", STRONG), f"   {gates.told(gate)}\n"]
    for role in gate.roles:
        here = next((one for one in reversed(now) if one.role == role), None)
        if here is None:
            parts.append(f"  · {role}: needed{' (you)' if role in me.roles else ''}\n")
            continue
        tone = GOOD if here.decision == "approve" else BAD
        reason = f": {brief(here.reason)}" if here.reason else ""
        sign = "✓ approved" if here.decision == "approve" else "✗ rejected"
        parts += [("  " + sign, tone), f" {role}: {here.person} {here.at:%Y-%m-%d %H:%M} UTC{reason}\n"]
    older = [one for one in signed if one.measurement != gate.measurement]
    if older:
        last = older[-1]
        parts.append((f"  before: {last.person} {WORDS[last.decision]} measurement {last.measurement}"
                      f"{': ' + brief(last.reason) if last.reason else ''}\n", QUIET))  # fmt: skip
    return tuple(parts)


def changed(before: Sequence[tuple[str, str]], now: Sequence[tuple[str, str]]) -> list[str]:
    """What was found otherwise than in the measurement that was signed last: title, before -> now."""
    old = dict(before)
    return [f"{title}: {brief(old.get(title, 'not asked'))} -> {brief(found)}"
            for title, found in now if old.get(title) != found]  # fmt: skip


class ReasonDialog(Dialog):
    """A word that cannot be taken back, with its reason: Enter alone gives none.

    Letters answer nothing, so they are kept while it is deaf: a reason would lose its beginning.
    """

    def __init__(
        self,
        question: str,
        effect: str,
        yes: str,
        asks: str = "Reason",
        wants: str = "Say why, in a word or two. Nothing is signed.",
    ) -> None:
        super().__init__(question, effect, yes)
        self._asks, self._wants = asks, wants
        self.reason = ""

    def compose_answers(self) -> ComposeResult:
        with Horizontal(id="confirm"):
            yield Told(f"{self._asks}: ", id="ask")
            yield Input(id="reason", compact=True, select_on_focus=False, placeholder="_" * 40)
        yield Told(id="answer")
        with Horizontal(id="answers"):
            yield Button("esc  Cancel", id="cancel", compact=True)
            yield Told(("enter", STRONG), f"  {self._yes}", id="yes")

    def on_mount(self) -> None:
        super().on_mount()
        field = self.query_one("#reason", Input)
        field.cursor_blink = False
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.reason = event.value.strip()
        if len(self.reason) >= ENOUGH:
            self.action_answer(True)
        elif self.listening:
            self.query_one("#answer", Told).say((self._wants, BAD))
