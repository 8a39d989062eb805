"""python -m tests.mutants [NAME ...]: the executor broken on purpose, one way at a time; the tests must notice.

Each tests/mutants/NAME.patch begins with a comment: what it breaks, which failure mode that is (FM-A1 ...), and which
tests catch it, as arguments of pytest. They are run on one server version, in a copy of the tree, first unbroken.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent
ONE_VERSION = "not postgres16 and not postgres15"
SECONDS = 120
SEED = "7"  # which points are struck does not change from one evening to the next
PASSED, FAILED, TOO_LONG = 0, 1, -1


@dataclass(frozen=True)
class Mutant:
    """`catching` are arguments of pytest: the tests that must turn red."""

    patch: Path
    about: str
    catching: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.patch.stem

    @classmethod
    def read(cls, patch: Path) -> Mutant:
        comment = patch.read_text(encoding="utf-8").split("diff --git", 1)[0]
        lines = [line.removeprefix("#").strip() for line in comment.splitlines()]
        by = [line.removeprefix("caught by:") for line in lines if line.startswith("caught by:")]
        about = " ".join(line for line in lines if line and not line.startswith("caught by:"))
        return cls(patch, about, tuple(shlex.split(by[0])) if by else ())


@dataclass(frozen=True)
class Outcome:
    """How pytest ended, the first test that failed, and the end of what it said."""

    code: int
    seconds: float
    failed: str
    said: str


def mutants() -> list[Mutant]:
    return [Mutant.read(patch) for patch in sorted(PATCHES.glob("*.patch"))]


def applied(patch: Path, tree: Path, *how: str) -> subprocess.CompletedProcess[str]:
    """git apply works in any folder, as long as it does not find a repository above it."""
    around = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    return subprocess.run(
        ["git", "apply", *how, str(patch)], cwd=tree, env=around, capture_output=True, text=True, check=False
    )


def main() -> int:
    words = argparse.ArgumentParser(
        prog="make mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    words.add_argument("name", nargs="*", metavar="NAME", help="one of: " + ", ".join(one.name for one in mutants()))
    names = words.parse_args().name
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    if unknown := set(names) - {mutant.name for mutant in chosen}:
        words.error(f"there is no mutant {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="handrail-") as folder:
        whole = copied(Path(folder) / "whole")
        said = [verdict(mutant, whole, Path(folder)) for mutant in chosen]
    caught = said.count("caught")
    print(f"{caught} of {len(chosen)} caught, {said.count('survived')} survived, {said.count('broken')} broken")
    return 0 if caught == len(chosen) else 1


def verdict(mutant: Mutant, whole: Path, folder: Path) -> str:
    """Says and answers: caught, survived, or broken (the mutant itself, or what is to catch it)."""
    found, told, said = tried(mutant, whole, folder)
    print(f"{mutant.name}: {told}", flush=True)
    if found != "caught":
        print(f"  {mutant.about}\n" + "".join(f"  | {line}\n" for line in said.strip().splitlines()[-20:]), flush=True)
    return found


def tried(mutant: Mutant, whole: Path, folder: Path) -> tuple[str, str, str]:
    if not mutant.catching:
        return "broken", "its patch names no tests", ""
    calm = run(mutant, whole)
    if calm.code != PASSED:
        return "broken", f"the tests that are to catch it do not pass without it ({calm.code})", calm.said
    tree = folder / mutant.name
    shutil.copytree(whole, tree)
    if (patched := applied(mutant.patch, tree)).returncode:
        return "broken", "the patch does not apply", patched.stderr
    after = run(mutant, tree)
    shutil.rmtree(tree)
    if after.code == FAILED:
        return "caught", f"caught in {after.seconds:.0f} s by {after.failed}", ""
    if after.code == PASSED:
        return "survived", f"SURVIVED {' '.join(mutant.catching)}", after.said
    why = f"no end within {SECONDS} s" if after.code == TOO_LONG else f"pytest ended with {after.code}"
    return "broken", f"broken: {why}", after.said


def run(mutant: Mutant, tree: Path) -> Outcome:
    """The tests that are to catch a mutant, in this tree, until the first that fails."""
    words = list(mutant.catching)
    if "-k" in words:
        place = words.index("-k") + 1
        words[place] = f"({words[place]}) and {ONE_VERSION}"
    else:
        words += ["-k", ONE_VERSION]
    around = {**os.environ, "PYTHONPATH": str(tree), "HANDRAIL_SEED": SEED}
    command = [sys.executable, "-m", "pytest", *words, "-x", "-q", "-n0", "--tb=short", "-p", "no:cacheprovider"]
    began = time.monotonic()
    # a session of its own: at the end of the time, pytest and its consoles are ended, and no one else
    process = subprocess.Popen(
        command,
        cwd=tree,
        env=around,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 15)
        try:
            said, _ = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            said, _ = process.communicate()
        return Outcome(TOO_LONG, time.monotonic() - began, "", said)
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", said, re.MULTILINE)
    return Outcome(process.returncode, time.monotonic() - began, failed[1] if failed else "?", said)


def copied(to: Path) -> Path:
    """The work tree as it lies there: what git tracks or would, and nothing that it ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


if __name__ == "__main__":
    sys.exit(main())
