"""The configuration refuses to be incomplete or unsafe, all at once."""

from pathlib import Path

import pytest

from config import ConfigurationRefused, Settings, load_settings, redis_forms

SECRET = "kV3xQ9mT2pLr8WbZ5nYc7HdJ4sFg6AuE1oRi"
SOUND = {
    "CITYJOBS_HOME": "/nonexistent",
    "DATABASE_URL": "postgresql://cityjobs_web:a@db.example/cityjobs",
    "REDIS_URL": "rediss://:b@cache.example:6379/0",
    "SMTP_URL": "smtps://letters:c@mail.example",
    "MAIL_FROM": "CityJobs <cityjobs@ville.example>",
    "SECRET_KEY": SECRET,
    "BASE_URL": "https://cite.ville.example",
}


def problems_with(**changes: str) -> list[str]:
    with pytest.raises(ConfigurationRefused) as refusal:
        load_settings({**SOUND, **changes})
    return refusal.value.problems


def test_a_sound_production_environment_is_accepted() -> None:
    config = load_settings(SOUND).flask_config()
    assert config["ENVIRONMENT"] == "production"
    assert config["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://cityjobs_web:a@db.example/cityjobs"
    assert config["SESSION_COOKIE_SECURE"] is True
    assert config["SESSION_COOKIE_HTTPONLY"] is True
    assert config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert config["SESSION_COOKIE_NAME"] == "__Host-cityjobs"
    assert config["DEMO"] is False


def test_an_empty_environment_is_refused_naming_everything() -> None:
    with pytest.raises(ConfigurationRefused) as refusal:
        load_settings({"CITYJOBS_HOME": "/nonexistent", "PROCESS": "worker"})
    for name in ("WORKER_DATABASE_URL", "REDIS_URL", "SMTP_URL", "MAIL_FROM", "SECRET_KEY", "BASE_URL"):
        assert any(problem.startswith(f"{name} manque") for problem in refusal.value.problems)
        assert name in str(refusal.value)
    assert len(refusal.value.problems) == 6


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SECRET_KEY": SECRET[:31]}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY"),
        ({"SECRET_KEY": f"changeme-{SECRET}"}, "SECRET_KEY"),
        ({"BASE_URL": "http://cite.ville.example"}, "BASE_URL"),
        ({"BASE_URL": "https://cite.ville.example/app"}, "BASE_URL"),
        ({"BASE_URL": "cite.ville.example"}, "BASE_URL"),
        ({"DATABASE_URL": "sqlite:///cityjobs.db"}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://cityjobs_web:a@db.example/cityjobs"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://postgres:a@db.example/cityjobs"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql:///cityjobs?user=postgres"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql:///cityjobs"}, "DATABASE_URL"),
        ({"OWNER_DATABASE_URL": SOUND["DATABASE_URL"]}, "OWNER_DATABASE_URL"),
        ({"REDIS_URL": "memory://"}, "REDIS_URL"),
        ({"REDIS_URL": "amqp://cache.example"}, "REDIS_URL"),
        ({"SMTP_URL": "smtp://letters:c@mail.example"}, "SMTP_URL"),
        ({"SMTP_URL": "mail.example"}, "SMTP_URL"),
        ({"MAIL_FROM": "CityJobs"}, "MAIL_FROM"),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES"),
        ({"TRUSTED_PROXIES": "many"}, "TRUSTED_PROXIES"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN"),
        ({"METRICS_TOKEN": "a" * 40}, "METRICS_TOKEN"),
        ({"ERROR_TRACKER_DSN": "http://key@tracker.example/1"}, "ERROR_TRACKER_DSN"),
        ({"ERROR_TRACKER_DSN": "https://tracker.example/1"}, "ERROR_TRACKER_DSN"),
        ({"ENVIRONMENT": "prod"}, "ENVIRONMENT"),
        ({"PROCESS": "cron"}, "PROCESS"),
        ({"PROCESS": "worker"}, "WORKER_DATABASE_URL"),
        ({"FLASK_RUN_FROM_CLI": "true"}, "WORKER_DATABASE_URL"),
    ],
)
def test_each_unsafe_value_is_refused_by_name(changes: dict[str, str], named: str) -> None:
    (problem,) = problems_with(**changes)
    assert problem.startswith(named)


def test_wrong_types_and_unsafe_values_are_listed_together() -> None:
    problems = problems_with(TRUSTED_PROXIES="many", SECRET_KEY="short", BASE_URL="http://cite.ville.example")
    assert len(problems) == 3


def test_a_refusal_never_repeats_a_secret() -> None:
    secret, password = "Zq8!short", "hunter2secret"
    said = "\n".join(problems_with(SECRET_KEY=secret, DATABASE_URL=f"mysql://web:{password}@db.example/x"))
    assert secret not in said
    assert password not in said


@pytest.mark.parametrize(
    ("process", "role"),
    [("web", "cityjobs_web"), ("worker", "cityjobs_worker"), ("command", "cityjobs_worker")],
)
def test_each_process_connects_as_its_own_role(process: str, role: str) -> None:
    worker = "postgres://cityjobs_worker:a@db.example/cityjobs"
    config = load_settings({**SOUND, "WORKER_DATABASE_URL": worker, "PROCESS": process}).flask_config()
    assert config["SQLALCHEMY_DATABASE_URI"] == f"postgresql+psycopg://{role}:a@db.example/cityjobs"
    assert config["OWNER_DATABASE_URI"] is None


def test_a_web_host_need_not_know_how_letters_are_sent() -> None:
    told = {name: value for name, value in SOUND.items() if name not in ("SMTP_URL", "MAIL_FROM")}
    assert load_settings(told).process == "web"
    worker = {
        "PROCESS": "worker",
        "WORKER_DATABASE_URL": "postgresql://cityjobs_worker:a@db.example/cityjobs",
    }
    with pytest.raises(ConfigurationRefused) as refusal:
        load_settings({**told, **worker})
    assert len(refusal.value.problems) == 2


def test_a_unix_socket_is_spelt_as_each_library_wants() -> None:
    forms = redis_forms("unix://:secret@/run/valkey.sock?db=2")
    assert forms.client == "unix://:secret@/run/valkey.sock?db=2"
    assert forms.celery == "redis+socket://:secret@/run/valkey.sock?virtual_host=2"
    assert forms.limiter == "redis+unix://:secret@/run/valkey.sock?db=2"
    assert redis_forms("redis://cache:6379/1").celery == "redis://cache:6379/1"


def test_secrets_may_come_as_files_of_the_service_manager(tmp_path: Path) -> None:
    kept = "Zz9kV3xQ9mT2pLr8WbZ5nYc7HdJ4sFg6AuE1oRi"
    (tmp_path / "SECRET_KEY").write_text(f"{kept}\n")
    (tmp_path / "DATABASE_URL").write_text("postgresql://cityjobs_web:a@elsewhere.example/cityjobs")
    (tmp_path / "OTHER").write_text("nothing to do with us")
    told = {name: value for name, value in SOUND.items() if name != "SECRET_KEY"}
    config = load_settings({**told, "CREDENTIALS_DIRECTORY": str(tmp_path)}).flask_config()
    assert config["SECRET_KEY"] == kept
    assert config["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://cityjobs_web:a@db.example/cityjobs", (
        "what the environment says comes first"
    )


def write_local_settings(home: Path) -> None:
    lines = {**SOUND, "ENVIRONMENT": "demo", "BASE_URL": "http://127.0.0.1:8001"}
    (home / "settings.env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


def read_local(home: Path, **given: str) -> Settings:
    return load_settings({"CITYJOBS_HOME": str(home), **given})


def test_commands_beside_make_run_read_its_settings(tmp_path: Path) -> None:
    write_local_settings(tmp_path)
    config = read_local(tmp_path).flask_config()
    assert config["DEMO"] is True
    assert config["SESSION_COOKIE_NAME"] == "cityjobs_8001"
    assert config["SESSION_COOKIE_SECURE"] is False


@pytest.mark.parametrize(
    "given", [{"ENVIRONMENT": "production"}, {"DATABASE_URL": SOUND["DATABASE_URL"]}], ids=str
)
def test_a_deployment_never_falls_back_on_local_settings(tmp_path: Path, given: dict[str, str]) -> None:
    write_local_settings(tmp_path)
    with pytest.raises(ConfigurationRefused):
        read_local(tmp_path, **given)
