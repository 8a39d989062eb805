"""python -m bench [--rows N] [--json]: every benchmark, a line a figure; ratios are what counts."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench import auditing, capturing, copying, looking, starting, waiting
from bench.figure import Figure
from db import postgres


def main() -> None:
    words = argparse.ArgumentParser(prog="bench", description=__doc__)
    words.add_argument("--rows", type=int, default=200_000, help="rows in the tables (200000)")
    words.add_argument("--json", action="store_true", help="last, all figures as one JSON object")
    options = words.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="handrail-") as folder:
        server = postgres.start(18, Path(folder))
        try:
            for benchmark in (
                starting.figures(),
                copying.figures(server, options.rows),
                looking.figures(server, options.rows),
                auditing.figures(server, 2 * options.rows),
                capturing.figures(server, options.rows),
            ):
                for figure in benchmark:
                    figures.append(figure)
                    print(figure.line(), flush=True)
            waits = waiting.measured(server, options.rows // 10)
            print(f"waits of {waiting.SESSIONS} sessions while schema-unification goes up and down")
            print("\n".join(waits.lines()))
        finally:
            postgres.stop(18, Path(folder))
    if options.json:
        longest = {"longest_s": waits.longest, "limit_s": waiting.LIMIT, "failed": len(waits.failed)}
        print(json.dumps({**{figure.name: figure.document() for figure in figures}, "waits": longest}))


main()
