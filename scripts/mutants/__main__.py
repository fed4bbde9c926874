"""Makes mistakes ("mutants") with mutmut, and runs the tests that reach the mistaken function.

Run by scripts/mutate, in a copy of the sources:

1. mutmut writes all mistakes into each file, behind a switch.
2. It runs the quick tests of those parts once, and learns which of them reach which function.
3. It forks a process for each mistake, which runs the tests of that function until one fails.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from random import Random

from mutmut import __main__ as mutmut

# Where mistakes are made, and the tests that are to notice them.
PARTS = {
    "smppbridge/flow": ("tests/unit/flow",),
    "smppbridge/store/rules": ("tests/unit/store", "tests/contract/store"),
    "smppbridge/link": ("tests/unit/link", "tests/unit/providers/upstream"),
    "smppbridge/submission": (
        "tests/unit/submission",
        "tests/unit/commands/explain",
        "tests/unit/flow/accept",
    ),
}
ELSEWHERE = ("tests/unit", "tests/contract")
UNNOTICED = frozenset({"survived", "no tests"})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("paths", nargs="*", help=f"files or folders; default: {' '.join(PARTS)}")
    parser.add_argument("--sample", type=int, metavar="N", help="only so many mistakes, chosen by chance")
    parser.add_argument("--seed", type=int, metavar="S", help="choose the same as the run that printed it")
    parser.add_argument(
        "-j", "--jobs", type=int, default=2, metavar="N", help="mistakes at a time (%(default)s)"
    )
    parser.add_argument(
        "--least", type=float, default=0, metavar="PERCENT", help="exit 1 if fewer are noticed"
    )
    chosen = parser.parse_args()
    chosen.paths = [path.rstrip("/") for path in chosen.paths] or list(PARTS)
    if missing := [path for path in chosen.paths if not Path(path).exists()]:
        parser.error(f"there is no {missing[0]}")
    return chosen


def tests_of(path: str) -> tuple[str, ...]:
    """Folders of tests. Those of other parts notice little more, and every mistake would wait for them."""
    return next((tests for part, tests in PARTS.items() if Path(path).is_relative_to(part)), ELSEWHERE)


def write(paths: list[str], jobs: int) -> list[str]:
    """Writes the files with all their mistakes; the names of the mistakes."""
    config = mutmut.config()
    config.only_mutate = [path if path.endswith(".py") else f"{path}/*" for path in paths]
    config.pytest_add_cli_args_test_selection = sorted({test for path in paths for test in tests_of(path)})
    config.also_copy += [path for path in Path().iterdir() if path.name != "smppbridge"]
    mutmut.set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir()
    with mutmut.CatchOutput():
        mutmut.copy_src_dir()
        mutmut.copy_also_copy_files()
        mutmut.create_mutants(jobs)
    return sorted(name for _, name, _ in mutmut.collect_source_file_mutation_data(mutant_names=())[0])


def run(names: list[str], jobs: int) -> dict[str, str]:
    """What became of each mistake: "killed", "survived", "timeout", "no tests" ..."""
    mutmut._run(names, jobs)
    found, _ = mutmut.collect_source_file_mutation_data(mutant_names=names)
    return {name: mutmut.status_by_exit_code[data.exit_code_by_key[name]] for data, name, _ in found}


def show(name: str, what: str) -> None:
    """A mistake as the lines that it changes."""
    lines = mutmut.get_diff_for_mutant(name).splitlines()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    print(f"\n{name} ({what})", *changed, sep="\n")


def main() -> None:
    chosen = arguments()
    names = write(chosen.paths, chosen.jobs)
    total = len(names)
    if chosen.sample is not None and chosen.sample < total:
        seed = Random().randrange(2**32) if chosen.seed is None else chosen.seed
        names = Random(seed).sample(names, chosen.sample)
        print(f"{len(names)} of {total} mistakes: --sample {chosen.sample} --seed {seed}", flush=True)
    results = run(names, chosen.jobs)
    unnoticed = {name: what for name, what in sorted(results.items()) if what in UNNOTICED}
    for name, what in unnoticed.items():
        show(name, what)
    noticed = (1 - len(unnoticed) / len(results)) * 100
    counts = ", ".join(f"{count} {what}" for what, count in Counter(results.values()).most_common())
    print(f"\n{noticed:.1f} % of {len(results)} mistakes were noticed ({counts})")
    sys.exit(noticed < chosen.least)


if __name__ == "__main__":
    main()
