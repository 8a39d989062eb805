"""A wheel built from the tree and installed elsewhere carries all that `handrail demo` needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_a_wheel_runs_the_demo(tmp_path: Path, folder: Path) -> None:
    built = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(built, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    elsewhere = tmp_path / "elsewhere"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(elsewhere)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    assert (elsewhere / "screens.tcss").is_file()

    def handrail(*words: str) -> str:
        # -P: the folder that the command is called from does not lend its code
        done = subprocess.run(
            [sys.executable, "-P", "-m", "console", *words],
            cwd=tmp_path, env={"PYTHONPATH": str(elsewhere), "HANDRAIL_HOME": str(folder), "PATH": "/usr/bin:/bin:/usr/sbin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    try:
        told = json.loads(handrail("demo", "--rows", "50", "--no-open", "--json"))
        assert str(folder) in told["targets"]["agency"]
        last = handrail("demo", "--rows", "50", "--json").splitlines()[-1]
        assert json.loads(last)["state"] == "done"
    finally:
        handrail("demo", "--stop")
