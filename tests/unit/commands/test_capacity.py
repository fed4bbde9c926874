"""What `check` says of a configuration on machines of all sizes."""

import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from smppbridge.app import descriptors
from smppbridge.commands.capacity import Capacity, Machine, shown, this_machine
from smppbridge.config.loading import parse
from smppbridge.config.sections import Config
from smppbridge.flow.waiting import MAX_UNSAVED
from smppbridge.link.admission import MOST_CONNECTIONS
from smppbridge.link.listeners import STRANGERS
from smppbridge.model.passwords import hash_password

LARGE = Machine(files=100_000, memory=64_000_000_000)


def config(accounts: Mapping[str, Any] | None = None, **sections: Any) -> Config:
    whole = {
        "accounts": {
            name: {"password": "secret12", **keys} for name, keys in (accounts or {"a": {}}).items()
        },
        "providers": {"lab": {"kind": "sandbox"}},
        "routes": [{"to": ["lab"]}],
        **sections,
    }
    return parse(yaml.safe_dump(whole), Path("/nonexistent"), {})


def amounts(config: Config, machine: Machine = LARGE) -> dict[str, int]:
    """By label; those of memory have their unit behind it."""
    found = {}
    for label, amount, what in Capacity(config, machine).lines():
        found[f"{label} MB".strip() if what == "MB" else label.strip()] = amount
    return found


def shortfalls(config: Config, **machine: Any) -> list[str]:
    return list(Capacity(config, LARGE._replace(**machine)).shortfalls())


@pytest.mark.parametrize(
    ("files", "connections"), [(100_000, MOST_CONNECTIONS), (resource.RLIM_INFINITY, MOST_CONNECTIONS)]
)
def test_connections_follow_the_machine(files: int, connections: int) -> None:
    plain = config()
    assert amounts(plain, LARGE._replace(files=files))["connections"] == connections
    few = amounts(plain, LARGE._replace(files=descriptors(plain) + 100))
    assert (few["connections"], few["before the bind"], few["bound"]) == (100, 100, 4)
    assert few["open files"] == descriptors(plain) + 100


def test_memory_is_the_sum_of_what_stands_below_it() -> None:
    told = list(Capacity(config({"a": {"mode": "sync"}, "b": {}}), LARGE).lines())
    labels = [line.label for line in told]
    begin = labels.index("memory")
    parts = [line.amount for line in told[begin + 1 : labels.index("disk")]]
    assert told[begin].amount == sum(parts) < 1000


def test_what_makes_it_dearer() -> None:
    cheap = amounts(config())
    plain = {"kind": "smspilot", "apikey": "KEY"}
    pilot = amounts(config(providers={"lab": {"kind": "sandbox"}, "p": plain}))
    assert (cheap["answers of providers MB"], pilot["answers of providers MB"]) == (0, 604)
    called = amounts(config(providers={"lab": plain}, web={"public_url": "https://sms.example.org"}))
    assert cheap["web MB"] == pilot["web MB"] < 100 < called["web MB"]
    assert (cheap["bound MB"], amounts(config({"a": {"binds": 1000}}))["bound MB"]) == (2, 436)
    hashed = {"password_hash": hash_password("x"), "password": None}
    assert (cheap["password hashes MB"], amounts(config({"a": hashed}))["password hashes MB"]) == (0, 68)


def test_messages_of_each_account() -> None:
    told = amounts(config({"a": {}, "b": {"max_queued": 7}}, store={"max_queued": 1000}))
    assert (told["messages"], told["a"], told["b"], told["not on disk"]) == (1000, 500, 7, MAX_UNSAVED)


def test_a_large_machine_lacks_nothing() -> None:
    assert shortfalls(config({"a": {"binds": 1000}})) == []
    assert shortfalls(config(), files=resource.RLIM_INFINITY, memory=None) == []


def test_too_few_open_files() -> None:
    plain = config()
    reserve = descriptors(plain)
    newcomers = STRANGERS.unbound
    (told,) = shortfalls(plain, files=reserve + newcomers + 3)
    assert f"allows {newcomers + 3} connections, fewer than 4 binds and {newcomers} newcomers" in told
    assert shortfalls(plain, files=reserve + newcomers + 4) == []
    (told,) = shortfalls(plain, files=reserve + 7)
    assert f"the limit is {reserve + 7}, and {reserve} are needed besides connections" in told


def test_too_many_binds() -> None:
    accounts = {f"a{number}": {"binds": 1000} for number in range(5)}
    (told,) = shortfalls(config(accounts))
    assert told == "accounts: their binds are 5000 in all, and 3800 at once are the most"


def test_too_little_memory() -> None:
    worst = amounts(config())["memory"] * 1_000_000
    assert shortfalls(config(), memory=worst) == []
    dear = config(providers={"lab": {"kind": "smspilot", "apikey": "KEY", "parallel": 50}})
    needs = amounts(dear)
    assert shortfalls(dear, memory=(needs["memory"] - needs["answers of providers MB"]) * 1_000_000) == []
    (told,) = shortfalls(config(), memory=worst - 1)
    assert told.startswith(
        f"memory: {worst // 1_000_000} MB may be needed at worst, whatever providers answer, "
    )


def test_the_columns_are_straight_and_nothing_is_left_out_but_nothings() -> None:
    told = list(shown(Capacity(config(), LARGE).lines()))
    assert {line[33] for line in told} <= set("0123456789")
    assert {len(line) for line in told if len(line) <= 34} <= {34}
    assert not any(line.startswith("  password hashes") for line in told)


def test_this_machine_tells_its_limits() -> None:
    files, memory = this_machine()
    assert files == resource.RLIM_INFINITY or files > 0
    assert memory is None or memory > 100_000_000
