"""What differs between two configurations."""

from pathlib import Path

import pytest

from smppbridge.config.changes import changed_keys
from smppbridge.config.loading import parse
from tests.unit.config.minimal import MINIMAL

BASE = Path("/nowhere")


@pytest.mark.parametrize(
    ("more", "less", "keys"),
    [
        ("", "", []),
        ("web: {port: 81, secret: one}", "web: {port: 82, secret: two}", ["web.port", "web.secret"]),
        ("listen: [{port: 1}]", "listen: [{port: 1}, {port: 2}]", ["listen"]),
        ("smpp: {inactivity: 60s}", "smpp: {inactivity: 1m}", []),
    ],
)
def test_keys_are_named_by_their_path(more: str, less: str, keys: list[str]) -> None:
    old, new = (parse(MINIMAL + sections, BASE) for sections in (more, less))
    assert list(changed_keys(old, new)) == keys


def test_sections_by_name() -> None:
    old = parse(MINIMAL, BASE)
    slower = parse(MINIMAL.replace("kind: sandbox", "kind: sandbox, delay: 9s"), BASE)
    more = parse(MINIMAL.replace("routes:", "  spare: {kind: sandbox}\nroutes:"), BASE)
    other = parse(MINIMAL.replace("kind: sandbox", "kind: smspilot, apikey: KEY"), BASE)
    assert list(changed_keys(old, slower)) == ["providers.lab.delay"]
    assert list(changed_keys(old, more)) == list(changed_keys(more, old)) == ["providers.spare"]
    assert list(changed_keys(old, other)) == ["providers.lab"]
