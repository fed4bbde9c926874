"""Every target of `scripts/fuzz` with its seeds, and with inputs that are made of them, always the same.

What a fuzzer has found has a test of its own, with the other tests of the module that it was found in.
"""

from random import Random

import pytest

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS, load

INPUTS = 200  # of seeds, and of mutated ones
DEAR = {"captures": 12, "configs": 12, "databases": 12, "submits": 60}  # those whose inputs take milliseconds


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_gets_through(name: str) -> None:
    target = load(name)
    seeds, count = list(target.seeds()), DEAR.get(name, INPUTS)
    assert sum(map(len, seeds)) < 400_000
    for data in Random(1).sample(seeds, min(count, len(seeds))):
        target.target(data)
    for data in mutated(seeds, count):
        try:
            target.target(data)
        except BaseException:
            print(f"{name}: {data!r}")
            raise
