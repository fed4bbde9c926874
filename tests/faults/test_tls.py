"""Sessions over TLS are small: 283 KB each were those of asyncio."""

import asyncio
import ssl
from pathlib import Path

from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import BindTransceiver
from tests.support.attack.rig import attacked

KB_A_SESSION = 100
COUNT = 60


async def test_sessions_over_tls(tmp_path: Path) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    bind = encode(BindTransceiver("pbx", "secret", interface_version=0x34))
    writers = []
    async with attacked(tmp_path, "accounts: {pbx: {password: secret, binds: 200}}", tls=True) as bridge:
        for count in (20, COUNT):  # the first ones load what all share
            before = bridge.rss
            for _ in range(count):
                reader, writer = await asyncio.open_connection("127.0.0.1", bridge.tls_port, ssl=trusting)
                writer.write(bind)
                await reader.readexactly(16)
                writers.append(writer)
        print(f"{1024 * (bridge.rss - before) / COUNT:.0f} KB a session")
        assert 1024 * (bridge.rss - before) <= KB_A_SESSION * COUNT
        assert await bridge.metric("binds", account="pbx") == 20 + COUNT
        for writer in writers:
            writer.close()
        await bridge.heart.is_well()
