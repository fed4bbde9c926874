"""The makes of foreign message centres that tests run against: those that are to be had here.

Must not know: the program under test.
"""

from collections.abc import Callable
from importlib.util import find_spec

import pytest

from tests.support.foreign.centre import ForeignCentre
from tests.support.foreign.node import NodeCentre
from tests.support.foreign.shape import Centre

Make = Callable[..., Centre]
"""Takes ``conduct`` and ``port``; those that `parametrize` gives for passwords take ``password`` too."""

MAKES: dict[str, Make] = {"pdu3": ForeignCentre}
if find_spec("smpp34") is not None:  # there is none for musl
    from tests.support.foreign.rust import RustCentre

    MAKES["rust"] = RustCentre
TAKES_ANY_PASSWORD = frozenset({"rust"})


def parametrize(metafunc: pytest.Metafunc, fixture: str, *, passwords: bool = False) -> None:
    """Run a test that asks for ``fixture`` once with each make; ``passwords``: those that look at them.

    node-smpp is among them with the option --node only: it needs Node.js and a package from the network."""
    if fixture not in metafunc.fixturenames:
        return
    makes = {**MAKES, "node": NodeCentre} if metafunc.config.getoption("--node") else MAKES
    if passwords:
        makes = {name: make for name, make in makes.items() if name not in TAKES_ANY_PASSWORD}
    metafunc.parametrize(fixture, makes.values(), ids=makes.keys())
