"""A letter that the mail server has taken has left, however the server says goodbye."""

import socket
import threading
import time
import uuid
from collections.abc import Iterator

import pytest

from cityjobs.core.post import Letter, SmtpPostman

LETTER = Letter("Bonjour", "Texte", "<p>Texte</p>")


class RudeServer:
    """Takes a letter, then answers to « QUIT » as told: with a refusal, with silence, or by hanging up."""

    def __init__(self, goodbye: bytes | None) -> None:
        self.goodbye, self.taken = goodbye, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.done = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self.socket.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 rude\r\n")
            reading = False
            for line in lines:
                if reading:
                    reading = line != b".\r\n"
                    if not reading:
                        self.taken += 1
                        connection.sendall(b"250 taken\r\n")
                elif line.upper().startswith(b"DATA"):
                    reading = True
                    connection.sendall(b"354 go on\r\n")
                elif line.upper().startswith(b"QUIT"):
                    if self.goodbye is None:
                        self.done.wait(10)
                    elif self.goodbye:
                        connection.sendall(self.goodbye)
                    return
                else:
                    connection.sendall(b"250 well\r\n")


@pytest.fixture(
    params=[b"221 bye\r\n", b"421 too busy\r\n", b"", None], ids=["bye", "busy", "hang up", "silence"]
)
def server(request: pytest.FixtureRequest) -> Iterator[RudeServer]:
    built = RudeServer(request.param)
    yield built
    built.done.set()
    built.socket.close()


def test_a_letter_taken_has_left_whatever_is_said_next(server: RudeServer) -> None:
    postman = SmtpPostman(f"smtp://127.0.0.1:{server.port}", "CityJobs <cityjobs@cite.example>")
    began = time.monotonic()
    postman.send(LETTER, to="samira@cite.example", reference=uuid.uuid4())
    assert server.taken == 1
    assert time.monotonic() - began < 5
