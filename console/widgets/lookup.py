"""What the places of support share: the columns of clients, what is copied and how, and the chosen of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from console.engine.clients.finding import Client, KnownField
from console.engine.clients.rights import told_right
from console.widgets.ledger import Ledger
from console.widgets.place import Place
from console.widgets.safe_text import BAD, QUIET, STRONG, TONES, Part, line
from console.widgets.told import Told
from db.text import one_line

NARROW, WIDE = 4, 7
FIRST_WIDE = 120
LONGEST = 40  # cells of a value in a list: one long name must not push the others out


class LookupPlace(Place):
    """Nothing here changes the target (UX-S8); what is copied is what is shown, mask and all."""

    EVERY = 3600.0
    ANSWER: ClassVar[str] = "#chips"
    """The line that says what was found, or why nothing was."""

    def unseen(self, message: str, hint: str) -> None:
        """Nothing tries again by itself here: the next key does."""
        self.query_one(self.ANSWER, Told).say((f"{message} {hint}", BAD))

    @contextmanager
    def answered(self) -> Iterator[None]:
        """An error of the engine becomes the answer's line: as a notice it would come again with every key."""
        try:
            with told_right():
                yield
        except Exception as error:
            if self not in self.app.screen_stack:
                return  # left meanwhile: there is no line any more to say it in
            if (known := self.asking.known(error)) is None:
                raise
            self.unseen(known.message, known.hint)

    def entered(self, ledger: str) -> None:
        """Enter in the box goes to the list; where the list was gone to a moment ago, it opens what is chosen there."""
        if (found := self.query_one(ledger, Ledger)).has_focus:
            found.action_select_cursor()
        else:
            self.action_list()

    def action_list(self) -> None:
        """From the box to the list, where there is one."""

    def copied(self, what: str, value: str) -> None:
        """By OSC 52, which some terminals ignore: so what was copied is said as well."""
        value = one_line(value)
        self.app.copy_to_clipboard(value)
        self.app.notify(
            line(f"{what} copied by the terminal (OSC 52). If yours does not take it: {value}"), markup=False
        )


def columns(fields: Sequence[KnownField], width: int) -> list[KnownField]:
    """As many as can be read side by side."""
    return list(fields[: WIDE if width >= FIRST_WIDE else NARROW])


def row(client: Client, shown: Sequence[KnownField], titles: Mapping[str, str]) -> tuple[Part, ...]:
    """A client's fields, those that matched strong; then why it is here, in words."""
    cells: list[Part] = []
    for field in shown:
        value = client.shown.get(field.name, "")[:LONGEST]
        cells.append((value, STRONG) if field.name in client.why else value)
    why = dict.fromkeys(titles.get(name, name).lower() for name in client.why if name)
    return (*cells, (", ".join(why), QUIET))


class ChoiceDialog(ModalScreen[str]):
    """One of a list, by its key; empty where none was chosen."""

    COMPONENT_CLASSES = TONES
    BINDINGS = [Binding("escape", "dismiss('')", "Cancel", tooltip="Changes nothing", id="question.cancel")]

    def __init__(self, question: str, heads: Sequence[str], rows: Mapping[str, Sequence[Part]]) -> None:
        super().__init__()
        self._question, self._heads, self._rows = question, heads, rows

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Told((self._question, STRONG), id="asked")
            yield Ledger(*self._heads, stretch=self._heads[-1], id="people")
        yield Static("handrail needs 60x18 cells", classes="too-small")

    def on_mount(self) -> None:
        ledger = self.query_one(Ledger)
        ledger.fill(self._rows)
        ledger.focus()

    def on_data_table_row_selected(self) -> None:
        self.dismiss(self.query_one(Ledger).chosen or "")
