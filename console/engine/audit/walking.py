"""Along the chain, link by link: which events are not what the hashes say, named for what was done to them.

An event fits if its hash is sha256 of the hash before it and its own bytes. After one that does not, the next is
measured against the hash that is stored, so that one edit is one fault. Where rows were put in or taken out and the
others given new numbers, these still fit under their old ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

Link = tuple[int, bytes, bytes]  # an event's number, the hash that stands beside it, its canonical bytes

NEAR = 32  # so many rows put in or taken out at one place are found as such
KEPT = 1000  # faults that are kept; the rest is counted
COMPARED = 20  # misfits that are tried in each other's places


class Fault(NamedTuple):
    """What was done (edited, deleted, inserted, reordered, cut, remade; head, sign-off, evidence), to which event."""

    kind: str
    event: int | None
    text: str


class Misfit(NamedTuple):
    number: int
    hash: bytes
    body: bytes
    before: bytes


@dataclass
class Walk:
    """Where the walk stands: how many rows it has seen, the last number, and the hashes up to it.

    `right` is the last misfit's number and the hash that it should have. `shift` is how many rows were put in before
    here, less those taken out, where all later ones were numbered anew. `seen` holds the hashes that are wanted.
    """

    count: int = 0
    number: int = 0
    shift: int = 0
    hashes: deque[bytes] = field(default_factory=lambda: deque([b""], NEAR + 1))
    right: tuple[int, bytes] = (0, b"")
    faults: list[Fault] = field(default_factory=list)
    more: int = 0
    seen: dict[int, bytes] = field(default_factory=dict)
    misfits: list[Misfit] = field(default_factory=list)

    @property
    def head(self) -> bytes:
        return self.hashes[-1]

    def along(self, links: Iterable[Link], wanted: Collection[int]) -> None:
        """The whole way. No fault means that every event was number one more than the last, and fits its hash."""
        hashes, expected, last = self.hashes, 1, b""
        for number, stored, said in links:
            self.count += 1
            if number != expected or sha256(last + said).digest() != stored:
                self._look(number, stored, said)
            else:
                hashes.append(stored)
                self.number = number
            expected, last = self.number + 1, hashes[-1]
            if number in wanted:
                self.seen[number] = stored
        self._put_in_order()

    def add(self, kind: str, event: int | None, text: str) -> None:
        if len(self.faults) < KEPT:
            self.faults.append(Fault(kind, event, text))
        else:
            self.more += 1

    def _look(self, number: int, stored: bytes, said: bytes) -> None:
        """At a link that is not where it should be, or not what it should be."""
        body = said[len(_numbered(number)) :]
        if number <= self.number:
            self._twice(number, stored, body)
            return
        if number > self.number + 1:
            missing = f"event {self.number + 1} is" if number == self.number + 2 else (
                f"events {self.number + 1} to {number - 1} are")  # fmt: skip
            self.add("deleted", self.number + 1, f"{missing} missing")
        elif not self._explained(number, stored, body):
            if len(self.misfits) < COMPARED:
                self.misfits.append(Misfit(number, stored, body, self.head))
            self.right = (number, sha256(self.head + said).digest())
            self.add("edited", number, "it does not fit its hash: it was changed, or the hash before it")
        self.number = number
        self.hashes.append(stored)

    def _twice(self, number: int, stored: bytes, body: bytes) -> None:
        """A number that is no event's, or one that two rows have: one of them was put in."""
        if 0 < number == self.number and _fits(self.hashes[-2], number, body, stored):
            self._forget({number})
            self.hashes[-1] = stored
        self.add("inserted", number, "it is there twice" if 0 < number == self.number else "no event has this number")

    def _explained(self, number: int, stored: bytes, body: bytes) -> bool:
        """Whether this is an event as it was written, and what was done stands in the faults already or does now."""
        if self.more:  # so much is wrong that the search would take longer than the walk
            return False
        was = number - self.shift
        if self.shift and _fits(self.head, was, body, stored):
            return True
        misfit, right = self.right
        if 0 < misfit == number - 1 and _fits(right, number, body, stored):  # of that one only the hash was changed
            return True
        if any(_fits(h, was, one.body, one.hash) for one in self.misfits for h in (self.head, stored)):
            return False  # another stood here: this one was moved, and _put_in_order() says so
        for put_in in range(1, len(self.hashes)):
            first = number - put_in
            if _fits(self.hashes[-1 - put_in], was - put_in, body, stored) and self._alike(first, number):
                self._forget(set(range(first, number)))
                self.shift += put_in
                self.add("inserted", first, f"{_events(put_in)} put in here, and the later ones numbered anew")
                return True
        for taken in range(1, NEAR + 1):
            if _fits(self.head, was + taken, body, stored):
                self._forget({number - 1})
                self.shift -= taken
                self.add("deleted", number - 1, f"{_events(taken)} taken out here, and the later ones numbered anew")
                return True
        return False

    def _put_in_order(self) -> None:
        """Tries misfits in each other's places: what fits there was moved, and what came after it is whole."""
        hashes = {one.before for one in self.misfits} | {one.hash for one in self.misfits}
        places = [one.number for one in self.misfits]
        stood = {
            one.number: at for one in self.misfits for at in places for h in hashes if _fits(h, at, one.body, one.hash)
        }
        moved = {number: at for number, at in stood.items() if number != at and number in self._edited()}
        for number, at in moved.items():
            self.add("reordered", number, f"it was event {at}")
        if moved:  # else these only look whole: each is hashed after another that is not
            self._forget(set(stood))

    def _alike(self, first: int, end: int) -> bool:
        """Whether all of these misfit, or none: rows that were put in together are of one make."""
        return len(self._edited() & set(range(first, end))) in (0, end - first)

    def _edited(self) -> set[int | None]:
        return {fault.event for fault in self.faults if fault.kind == "edited"}

    def _forget(self, numbers: set[int]) -> None:
        """These were not edited: something else was done that explains them."""
        self.faults = [fault for fault in self.faults if fault.kind != "edited" or fault.event not in numbers]


def _fits(before: bytes, number: int, body: bytes, stored: bytes) -> bool:
    return sha256(before + _numbered(number) + body).digest() == stored


def _numbered(number: int) -> bytes:
    """How the bytes of an event begin."""
    return f"{len(str(number))}:{number}".encode()


def _events(count: int) -> str:
    return "an event was" if count == 1 else f"{count} events were"
