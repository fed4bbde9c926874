"""The program, on a machine whose resolver does not answer.

Run as ``python -m tests.support.attack.slow_names serve -c FILE``. Names that end in ``.hangs.test`` are
looked up for an hour, those that end in ``.gone.test`` fail, those that end in ``.here.test`` are 127.0.0.1.
It is the program in every other respect.
"""

import socket
import time
from typing import Any

from smppbridge import cli

HANGS = 3600.0  # seconds
_really = socket.getaddrinfo


def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
    """As the C library does it: it blocks the thread that asks."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name.endswith(".hangs.test"):
        time.sleep(HANGS)
    if name.endswith((".hangs.test", ".gone.test")):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _really("127.0.0.1" if name.endswith(".here.test") else host, *arguments, **named)


if __name__ == "__main__":
    setattr(socket, "getaddrinfo", getaddrinfo)  # noqa: B010  # what the program calls by this name
    cli.main()
