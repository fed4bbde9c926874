"""The makes of foreign ESMEs that tests run.

jSMPP and cloudhopper come from no place but a Maven repository, gosmpp and go-smpp from the sources of other
projects: they are not among them.

Must not know: the program under test.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from importlib.util import find_spec
from typing import NamedTuple

import pytest

from tests.support.foreign.esmes.program import Program, kannel, libsmpp34, net_smpp, node_smpp, python


class Make(NamedTuple):
    """One of them."""

    program: Callable[[], Awaitable[Program]]  # raises Missing when it is not to be had
    encodes: bool = False  # it has no text but in the alphabets that it encodes: GSM 03.38 and UCS-2
    profile: str = ""  # the only one that reads GSM 03.38 as it sends it
    told: bool = True  # it tells why a bind is refused
    vendor: bool = True  # it reads a command_status that SMPP 3.4 does not name
    tlvs: bool = True  # it tells what the TLVs of a receipt say


PYPI = {
    "smpplib": Make(partial(python, "smpplib_esme")),
    "aiosmpplib": Make(partial(python, "aiosmpplib_esme"), encodes=True, vendor=False),
    "smpp.twisted": Make(partial(python, "twisted_esme"), vendor=False),
}
if find_spec("smpp34") is not None:  # there is none for musl
    PYPI["smpp34"] = Make(partial(python, "rust_esme"), told=False)
    PYPI["naz"] = Make(partial(python, "naz_esme"), encodes=True)  # smpp34 reads for it

OTHERS = {
    "node-smpp": Make(node_smpp, encodes=True, profile="node-smpp"),
    "Net::SMPP": Make(net_smpp),
    "libsmpp34": Make(libsmpp34, vendor=False),
    "kannel": Make(kannel, encodes=True, tlvs=False),
}


def parametrize(metafunc: pytest.Metafunc, fixture: str) -> None:
    """Run a test that asks for ``fixture`` once with each make; those not on PyPI with --clients only."""
    if fixture in metafunc.fixturenames:
        makes = PYPI | OTHERS if metafunc.config.getoption("--clients") else PYPI
        metafunc.parametrize(fixture, makes.values(), ids=makes.keys())
