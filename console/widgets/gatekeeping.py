"""What the places at a gate share: they see its sign-offs, and give the word of the person before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from textual.binding import Binding

from console.engine import signing as engine
from console.engine.audit import anchors, marks
from console.engine.gates import missing
from console.settings import Settings
from console.widgets.breaking import GlassDialog
from console.widgets.place import Place
from console.widgets.safe_text import line
from console.widgets.signing import ReasonDialog, short
from db.models import GateStatus, SignOff
from db.queries import gates, people
from db.queries.people import Me


@dataclass(frozen=True)
class Gatekept:
    """A gate, what was signed at it, who looks, and whether that person could sign now."""

    gate: GateStatus | None
    signed: Sequence[SignOff]
    me: Me
    excluded: bool

    @property
    def breakable(self) -> bool:
        """Whether there is something to break open, and the person is one who runs."""
        gate = self.gate
        return gate is not None and gate.measurement is not None and not gate.open and self.me.runs

    def may(self, word: engine.Word) -> bool:
        """Whether the person may say this, and has not said it yet; the database has the last word."""
        gate = self.gate
        if gate is None or gate.measurement is None or self.excluded or self.me.shared:
            return False
        now = [one for one in self.signed if one.measurement == gate.measurement]
        if word in [one.decision for one in now if one.person == self.me.person]:
            return False
        return gate.state not in ("void", "returned") and bool(set(self.me.roles) & set(gate.roles))


def see_gate(session: Any, run: int, id: str) -> Gatekept:
    """Called by Asking."""
    me, gate = people.me(session), gates.one(session, run, id)
    evidence = gates.evidence(session, run, id, gate.measurement) if gate and gate.measurement else None
    named = (evidence.starter, evidence.asked_by, evidence.sealer) if evidence else ()
    return Gatekept(gate, gates.sign_offs(session, run, id), me, me.person in named)


class GatePlace(Place):
    """A place with a gate: `a` approves what is shown, `X` rejects it, each with a reason; `G` breaks it open."""

    BINDINGS = [
        Binding("G", "break_glass", "Break glass", show=False, id="gate.break_glass",
                tooltip="Opens the gate without its sign-offs; wants two reasons and the plan's name"),
    ]  # fmt: skip

    @contextmanager
    def told(self) -> Iterator[None]:
        """One notice; what is wrong with a word that somebody gave is not what is wrong with the run."""
        try:
            yield
        except Exception as error:
            before = self.console.trouble
            if not self.console.tell(error):
                raise
            self.console.trouble = before

    async def break_open(self, run: int, seen: Gatekept, where: str, plan: str) -> None:
        """Asks, journals the try, breaks the gate open, and writes the anchor."""
        gate = seen.gate
        assert gate is not None
        effect = (
            f"{where}\nThe run may go on without: {', '.join(missing(gate))}. It is an event of its own, and stands on "
            "everybody's home screen until an administrator has acknowledged it."
        )
        dialog = GlassDialog(f"Break {gate.title} open?", effect, plan)
        if not await self.app.push_screen_wait(dialog):
            return
        with self.told():
            await self.asking.ask(engine.announce_break, run, gate.gate)
            await self.asking.ask(engine.break_glass, run, gate.gate, dialog.reason, dialog.why_not_wait)
            await self._anchor()
        self.nudge()

    async def give(self, word: engine.Word, run: int, seen: Gatekept, where: str, shown: str) -> None:
        """Asks, journals the try, signs what was shown, and writes the anchor; a newer measurement is not signed."""
        gate = seen.gate
        assert gate is not None
        roles = ", ".join(role for role in gate.roles if role in seen.me.roles)
        effect = (
            f"{where}\n{shown}\nEvidence {short(gate.digest)}, measurement {gate.measurement}. "
            f"You sign as {seen.me.name}, {roles}. It stays in the journal."
        )
        verb = "Approve" if word == "approve" else "Reject"
        dialog = ReasonDialog(f"{verb} {gate.title}?", effect, f"{word} it")
        if not await self.app.push_screen_wait(dialog):
            return
        with self.told():
            intent = await self.asking.ask(engine.intend, run, gate.gate, word, None, gate.digest)
            await self.asking.ask(engine.sign, intent, dialog.reason)
            await self._anchor()
        self.nudge()

    async def _anchor(self) -> None:
        """The head of the chain goes outside the database; what did not take it is said, and hides nothing."""
        head = await self.asking.ask(anchors.head)
        await self.asking.ask(marks.remember)
        said = Settings()
        for warning in await self.asking.think(
            anchors.keep, head, syslog=said.anchor_syslog, command=said.anchor_command
        ):
            self.app.notify(line(warning), severity="warning", markup=False)
