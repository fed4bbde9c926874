"""Runs each target of tests/fuzz for some minutes under atheris, and tells executions and findings.

Run by scripts/fuzz. A target's corpus is kept, and the next run goes on from it. A target ends at its first
finding. The input is kept beside the corpus; `python -m scripts.fuzzing.one TARGET FILE` repeats it.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.targets import TARGETS

LONGEST = 10  # seconds for one input; then it is a finding
MEMORY = 1024  # MB of a process; then it is a finding
_DONE = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)
_AT = re.compile(r"^#(\d+)\s", re.MULTILINE)


class Run(NamedTuple):
    """How the run of a target ended."""

    target: str
    executions: int
    found: bool


def arguments() -> argparse.Namespace:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default: {' '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, default=10, help="for each target (%(default)s)")
    parser.add_argument(
        "--corpus", type=Path, default=cache / "smppbridge-fuzz", help="directory (%(default)s)"
    )
    chosen = parser.parse_args()
    chosen.targets = chosen.targets or list(TARGETS)
    if unknown := [name for name in chosen.targets if name not in TARGETS]:
        parser.error(f"there is no target {unknown[0]}")
    return chosen


def run(target: str, seconds: int, directory: Path) -> Run:
    """Fuzz one target in a process of its own."""
    corpus, findings = directory / target, directory / "findings"
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    command = [
        *(sys.executable, "-m", "scripts.fuzzing.one", target, str(corpus)),
        *(f"-max_total_time={seconds}", f"-timeout={LONGEST}", f"-rss_limit_mb={MEMORY}"),
        f"-artifact_prefix={findings}/{target}-",
        *("-print_final_stats=1", "-close_fd_mask=0"),
    ]
    log = directory / f"{target}.log"
    with log.open("wb") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    text = log.read_text(errors="replace")
    if status:
        print(text[-6000:], flush=True)
    done = _DONE.search(text)
    counts = [int(done[1])] if done else [int(one) for one in _AT.findall(text)]
    return Run(target, max(counts, default=0), bool(status))


def main() -> None:
    chosen = arguments()
    found = False
    for target in chosen.targets:
        ended = run(target, round(chosen.minutes * 60), chosen.corpus)
        what = f"FINDING, see {chosen.corpus / 'findings'}" if ended.found else "no finding"
        print(f"{target}: {ended.executions} executions, {what}", flush=True)
        found |= ended.found
    sys.exit(found)


if __name__ == "__main__":
    main()
