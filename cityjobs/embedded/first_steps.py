"""What Flask commands do before the web opens, in one program instead of three: seconds count."""

import argparse
import io
import sys
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

import click
from flask.cli import FlaskGroup

from cityjobs.embedded.home import write_private


def main() -> None:
    """Apply the migrations; for a demo, fill an empty database and write its accounts into a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("application", help="module holding `app`")
    parser.add_argument("--demo", type=Path, metavar="FILE", help="fill an empty database; accounts go there")
    asked = parser.parse_args()
    app = import_module(asked.application).app
    flask = FlaskGroup(create_app=lambda: app)
    run(flask, "db", "upgrade")
    if asked.demo is not None:
        run(flask, "demo", "--if-empty")
        with redirect_stdout(io.StringIO()) as said:
            run(flask, "demo", "--accounts")
        write_private(asked.demo, said.getvalue())


def run(flask: FlaskGroup, *arguments: str) -> None:
    """Run one command as `flask …` would; end the program when it fails."""
    try:
        code = flask.main(list(arguments), prog_name="flask", standalone_mode=False)
    except click.ClickException as error:
        sys.exit(f"flask {' '.join(arguments)}: {error.format_message()}")
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
