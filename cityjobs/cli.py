"""Commands: thin, each one transaction, done as SYSTEM."""

import json

import click
from flask import Flask

from cityjobs.core.permissions import Role, grants_table


@click.command("permissions")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def permissions_command(as_json: bool) -> None:
    """Print who may do what."""
    table = grants_table()
    if as_json:
        click.echo(json.dumps(table, ensure_ascii=False, indent=2))
        return
    click.echo("permission".ljust(22) + "  ".join(role.value for role in Role))
    for line in table:
        marks = "  ".join(("x" if line["roles"][role.value] else "·").center(len(role.value)) for role in Role)
        click.echo(line["permission"].ljust(22) + marks)


def init_app(app: Flask) -> None:
    """Attach every command."""
    app.cli.add_command(permissions_command)
