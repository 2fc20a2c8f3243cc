"""The smallest application the supervisor can run: what `wsgi` offers, without the rooms."""

import click
import psycopg
from celery import Celery
from flask import Flask, current_app
from flask.cli import AppGroup

from config import load_settings

app = Flask(__name__)
app.config.update(load_settings().flask_config())
celery = Celery("stand_in", broker=app.config["CELERY_BROKER_URL"])
db = AppGroup("db")
app.cli.add_command(db)


def connect(name: str) -> psycopg.Connection:
    return psycopg.connect(current_app.config[name].replace("postgresql+psycopg", "postgresql"))


@app.get("/healthz")
def healthz() -> dict[str, object]:
    with connect("SQLALCHEMY_DATABASE_URI") as connection:
        row = connection.execute("SELECT current_user, count(*) FROM visits").fetchone()
    return {"role": row[0], "visits": row[1]}


@db.command()
def upgrade() -> None:
    with connect("OWNER_DATABASE_URI") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS visits (id serial)")
        connection.execute("GRANT SELECT, INSERT ON visits TO cityjobs_web, cityjobs_worker")
        connection.execute("GRANT USAGE ON SEQUENCE visits_id_seq TO cityjobs_worker")


@app.cli.command()
@click.option("--if-empty", is_flag=True)
@click.option("--accounts", is_flag=True)
def demo(if_empty: bool, accounts: bool) -> None:
    if accounts:
        click.echo("referent@roubaix.example")
    if if_empty:
        with connect("SQLALCHEMY_DATABASE_URI") as connection:
            connection.execute("INSERT INTO visits DEFAULT VALUES")
