import pytest
from pathlib import Path
from tests.screens.gatekept import *
from tests.staffed import *
from tests.engine.audit.tampering import tamper
from console.engine import signing
pytestmark = pytest.mark.newest
OUT = Path("/tmp/explore"); OUT.mkdir(exist_ok=True)
def put(p, n, size): (OUT / f"{n}-{size[0]}.txt").write_text(p.reading)

async def test_a(gated, size, monkeypatch, tmp_path):
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    signed(gated, "dba1", 1, reason="looks well")
    async with somebody(gated, "sec1", size) as p:
        put(p, "home", size)
        await p.presses("i"); await p.sees("signs as"); put(p, "inbox", size)
        await p.presses("enter"); await p.sees("Sign-offs"); await p.pilot.pause(0.3); put(p, "check", size)
        await p.presses("a"); await p.is_asked("Approve"); put(p, "approve", size)
        await p.presses("enter"); await p.pilot.pause(0.2); put(p, "noreason", size)
        await p.presses(*"seen", "enter"); await p.sees("Sam Cole"); await p.pilot.pause(0.7); put(p, "signed", size)
        await p.presses("A"); await p.sees("events"); put(p, "audit", size)
        await p.presses("v"); await p.sees("whole"); put(p, "verified", size)
        await p.presses("f", *"nonsense", "enter"); await p.pilot.pause(0.7); put(p, "wrong", size)
        (OUT/f"toasts-{size[0]}.txt").write_text("\n".join(n.message for n in p.app._notifications))

async def test_b(staff, size):
    n = deciding(staff, lambda n: signed(staff, "sec1", n))
    async with somebody(staff, "oncall1", size) as p:
        p.app.visit("run", n); await p.sees("Log (UTC)", "How it is done"); await p.pilot.pause(0.7); put(p, "run-decision", size)
        await p.presses("d"); await p.sees("Longest"); await p.pilot.pause(0.7); put(p, "decision", size)
        await p.presses("down","enter"); await p.is_asked("Longest"); await p.presses("backspace", "9"); await p.pilot.pause(0.2); put(p, "field", size)
        await p.presses("enter"); await p.pilot.pause(0.2); put(p, "field-no", size)
        await p.presses("backspace", "3", "enter"); await p.sees("✎"); put(p, "edited", size)
        await p.presses("w"); await p.is_asked("Answer"); put(p, "answer", size); await p.presses("y"); await p.sees("answers 1"); put(p, "answered", size)
    async with somebody(staff, "owner1", size) as p:
        await p.presses("i"); await p.sees("signs as"); put(p, "inbox-owner", size)
        await p.presses("enter"); await p.sees("Sign-offs"); await p.pilot.pause(.7); put(p, "decision-owner", size)
    tamper(staff, "UPDATE handrail.event SET by_login = 'eve' WHERE id = 3")
    async with somebody(staff, "audit1", size) as p:
        await p.presses("A"); await p.sees("events"); await p.presses("v"); await p.sees("not what"); put(p, "tampered", size)
async def test_c(gated, size):
    m = as_login(gated, "oncall1")
    async with somebody(gated, "oncall1", size) as p:
        p.app.visit("run", 1); await p.sees("Log (UTC)", "Fine"); await p.pilot.pause(.7); put(p, "run-gate", size)
    with m.session() as s: signing.break_glass(s, 1, "fine", "the disk is full in an hour", "nobody of security answers")
    async with somebody(gated, "sec1", size) as p:
        await p.sees("BREAK"); put(p, "home-broken", size)
        await p.presses("i"); await p.sees("break-glass"); put(p, "inbox-broken", size)
