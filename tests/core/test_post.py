"""A letter that the mail server has taken has left, however the server says goodbye."""

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from cityjobs.core.post import InDoubt, Letter, SmtpPostman

LETTER = Letter("Bonjour", "Texte", "<p>Texte</p>")


class RudeServer:
    """Takes a letter, then answers to « QUIT » as told: with a refusal, with silence, or by hanging up.

    `slow` seconds pass before it says that the letter is taken; with None it hangs up instead of saying it.
    """

    def __init__(self, goodbye: bytes | None, slow: float | None = 0) -> None:
        self.goodbye, self.slow, self.taken, self.text = goodbye, slow, 0, b""
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
                    self.text += line
                    if not reading:
                        self.taken += 1
                        if self.slow is None:
                            return
                        time.sleep(self.slow)
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

    def close(self) -> None:
        """Let its client go."""
        self.done.set()
        self.socket.close()


@pytest.fixture(
    params=[b"221 bye\r\n", b"421 too busy\r\n", b"", None], ids=["bye", "busy", "hang up", "silence"]
)
def server(request: pytest.FixtureRequest) -> Iterator[RudeServer]:
    built = RudeServer(request.param)
    yield built
    built.close()


def test_a_letter_taken_has_left_whatever_is_said_next(server: RudeServer) -> None:
    postman = SmtpPostman(f"smtp://127.0.0.1:{server.port}", "CityJobs <cityjobs@cite.example>")
    began = time.monotonic()
    postman.send(LETTER, to="samira@cite.example", reference=uuid.uuid4())
    assert server.taken == 1
    assert time.monotonic() - began < 5


def test_a_server_that_takes_its_time_once_it_has_the_letter_is_waited_for() -> None:
    with closing(RudeServer(b"221 bye\r\n", slow=1.5)) as server:
        postman = SmtpPostman(
            f"smtp://127.0.0.1:{server.port}", "CityJobs <cityjobs@cite.example>", timeout=0.5
        )
        postman.send(LETTER, to="samira@cite.example", reference=uuid.uuid4())
        assert server.taken == 1


@pytest.mark.parametrize("slow", [None, 3])
def test_a_letter_handed_over_without_an_answer_is_in_doubt(slow: float | None) -> None:
    with closing(RudeServer(b"", slow=slow)) as server:
        postman = SmtpPostman(f"smtp://127.0.0.1:{server.port}", "CityJobs <c@cite.example>", patience=0.5)
        with pytest.raises(InDoubt):
            postman.send(LETTER, to="samira@cite.example", reference=uuid.uuid4())


def test_a_line_that_is_a_dot_does_not_end_the_letter() -> None:
    with closing(RudeServer(b"221 bye\r\n")) as server:
        postman = SmtpPostman(f"smtp://127.0.0.1:{server.port}", "CityJobs <c@cite.example>")
        postman.send(
            Letter("Points", ".\r\n..\r\nfin", "<p>.</p>"), to="s@cite.example", reference=uuid.uuid4()
        )
        assert server.taken == 1 and b"\r\n..\r\n...\r\nfin" in server.text
