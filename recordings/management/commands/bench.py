"""`make bench`: each figure as a ratio to its peer, measured in the same run, on the same audio, weights and cores.

Machines are noisy, so no figure is a test; a ratio says more than a time. Peers take their own defaults. The measurements
are in `recordings/benchmarks.py`.
"""

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from recordings import benching_bench, benching_tus, benchmarks, engines

PARTS = {**benchmarks.PARTS, "upload": benching_tus.upload, "workbench": benching_bench.workbench}


class Command(BaseCommand):
    help = "Prints the benchmark table."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--audio", type=Path, default=settings.BASE_DIR / "cms" / "demo" / "audio" / "session-1.opus")
        parser.add_argument("--model", default="tiny.en")
        parser.add_argument("--minutes", type=int, default=60, help="of the long recording; default: 60")
        parser.add_argument("--only", choices=list(PARTS), nargs="+", help="default: all")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{'what':<46}{'ours':>10}{'peer':>10}{'ratio':>8}  {'goal':<10}{'':<9}peer")
        with tempfile.TemporaryDirectory() as folder:
            bench = benchmarks.Bench(options["audio"], options["model"], options["minutes"], Path(folder), print_row=self.row)
            for name in options["only"] or PARTS:
                if name == "faster-whisper" and not engines.is_installed(engines.FASTER):
                    self.stdout.write("faster-whisper is not installed, so it is not compared with.")
                    continue
                PARTS[name](bench)

    def row(self, row: benchmarks.Row) -> None:
        ours, peer = (f"{value:>8.2f}{row.unit:>2}" if value is not None else f"{'':>10}" for value in (row.ours, row.peer))
        ratio = f"{row.ratio:>8.2f}" if row.ratio is not None else f"{'':>8}"
        verdict = "" if row.is_met is None else "met" if row.is_met else "not met"
        self.stdout.write(f"{row.what:<46}{ours}{peer}{ratio}  {row.goal:<10}{verdict:<9}{row.name}")
        self.stdout.flush()
