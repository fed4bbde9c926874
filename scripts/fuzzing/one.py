"""One target under atheris: `python -m scripts.fuzzing.one TARGET CORPUS [OPTIONS of libFuzzer]`.

With a file instead of a directory it runs that input alone.
"""

import hashlib
import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["smppbridge"]):
    from tests.fuzz.targets import load


def main() -> None:
    name, corpus = sys.argv[1], Path(sys.argv[2])
    logging.disable(logging.WARNING)  # errors that a worker survives are findings
    logging.lastResort = None
    atheris.enabled_hooks.add(
        "str"
    )  # comparisons of texts guide it, too; the one for patterns breaks some calls
    with atheris.instrument_imports(include=["smppbridge"]):
        target = load(name)
    if corpus.is_dir():
        for seed in target.seeds():
            (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
