"""`python -m cityjobs.embedded`: what `make run` starts once everything is installed."""

import argparse
import os
import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # before anything has started, Ctrl-C just ends

from cityjobs.embedded.home import Refused  # noqa: E402
from cityjobs.embedded.supervisor import Supervisor, say  # noqa: E402


def main() -> int:
    """Run until asked to stop; 1 and one sentence when that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m cityjobs.embedded", description=__doc__)
    parser.add_argument(
        "--application", default="wsgi", help="module holding `app` and `celery` (tests only)"
    )
    asked = parser.parse_args()
    try:
        return Supervisor(os.environ, asked.application).run()
    except Refused as refusal:
        say(str(refusal), sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
