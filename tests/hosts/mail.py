"""The mail host: takes letters by SMTP and writes down each one it has accepted, one JSON object a line."""

import argparse
import asyncio
import json
import secrets
import socket
import time
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

LATENCY = 60
"""Milliseconds at most before a letter is accepted."""


class Reception:
    """Accepts everything; a letter is in the journal before the sender is told that it was taken."""

    def __init__(self, journal: Path) -> None:
        self.journal = journal.open("a", encoding="utf-8")

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Think as long as a mail server does, write the letter down, then say so."""
        await asyncio.sleep(secrets.randbelow(LATENCY) / 1000)
        letter = BytesParser(policy=policy.default).parsebytes(envelope.content)
        line = {"at": time.time(), "id": str(letter["Message-ID"]), "to": envelope.rcpt_tos}
        self.journal.write(json.dumps(line) + "\n")
        self.journal.flush()
        return "250 OK"


async def receive(listening: socket.socket, journal: Path) -> None:
    """Take letters until the end of the program."""
    reception = Reception(journal)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(reception, hostname="mail"), sock=listening)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--socket", type=int, required=True, help="number of the listening socket")
    asked = parser.parse_args()
    asyncio.run(receive(socket.socket(fileno=asked.socket), asked.journal))
