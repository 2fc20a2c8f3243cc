"""Papers: taken by their first bytes, served as downloads, taken away by whoever added them."""

import io
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from cityjobs.core.clock import today
from cityjobs.plans.rules import LARGEST_ATTACHMENT, MOST_PAPERS
from tests.conftest import Databases
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.plans import makers
from tests.world import World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]
HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.fixture
def held(scene: Scene, world: World) -> Any:
    return makers.agreement(world, scene.case, scene.samira, makers.goal(world, scene.case))


@pytest.fixture
def url(scene: Scene, held: Any) -> str:
    return f"{scene.url}/accord/1/pieces"


def sent(name: str, content: bytes, media_type: str = "application/pdf", **more: str) -> dict[str, Any]:
    """What the form of a paper sends."""
    return {"paper": str(uuid.uuid4()), "file": (io.BytesIO(content), name, media_type), **more}


def test_a_paper_is_attached_and_downloaded(
    scene: Scene, url: str, held: Any, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{scene.url}/accord/1").form(url)
    assert form.element["enctype"] == "multipart/form-data"
    key = form.values["paper"]
    page = client.follow(client.post(url, sent("contrat signé 😀.PDF", makers.PDF, paper=key)))
    assert "contrat signé 😀.pdf" in page.main()
    client.post(url, sent("contrat signé 😀.PDF", makers.PDF, paper=key))
    assert rows("select subject, subject_id, name, media_type, size, added_by_id, content from attachment") == [
        ("agreement", held.id, "contrat signé 😀.pdf", "application/pdf", len(makers.PDF), scene.samira.id, makers.PDF)
    ]  # fmt: skip
    client.post(url, sent("photo.jpg", makers.JPEG, paper=key))
    assert rows("select count(*) from attachment") == [(2,)], "another file from an old page is not lost"
    answer = client.get(page.links()["contrat signé 😀.pdf"]).response
    assert answer.data == makers.PDF and answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''contrat%20sign%C3%A9" in answer.headers["Content-Disposition"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert (
        answer.headers["X-Content-Type-Options"] == "nosniff"
        and answer.headers["Cache-Control"] == "no-store"
    )


def test_a_download_is_traced_as_a_reading_and_the_content_never_is(
    scene: Scene, world: World, url: str, held: Any, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    client.post(url, sent("contrat.pdf", makers.PDF))
    (paper_id,) = rows("select id from attachment")[0]
    client.get(f"{scene.url}/pieces/{paper_id}")
    assert rows("select actor, subject_id from audit.journal where verb = 'read' and subject = 'attachment'") == [
        (scene.samira.id, str(paper_id))
    ]  # fmt: skip
    assert rows("select after ? 'content', after ? 'name' from audit.journal where verb = 'insert' and subject = 'attachment'") == [
        (False, True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "media_type", "sentence"),
    [
        ("contrat.png", HTML, "image/png", "PDF, une photo"),
        ("contrat.pdf", b"\n" + makers.PDF, "application/pdf", "PDF, une photo"),
        ("image.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "PDF, une photo"),
        ("page.html", HTML, "text/html", "PDF, une photo"),
        ("macro.docx", b"PK\x03\x04", "application/pdf", "PDF, une photo"),
        ("vide.pdf", b"", "application/pdf", "vide"),
        ("2 85 03 59 512 045 28.pdf", makers.PDF, "application/pdf", "sécurité sociale"),
        ("", makers.PDF, "application/pdf", "Choisissez un fichier"),
    ],
)
def test_what_is_not_a_paper_is_refused(
    scene: Scene, url: str, client_of: Clients, rows: Rows, name: str, content: bytes, media_type: str, sentence: str
) -> None:  # fmt: skip
    page = client_of(scene.samira).post(url, sent(name, content, media_type), status=422)
    assert sentence in page.errors()
    assert rows("select 1 from attachment") == []


def test_a_file_sent_as_text_or_not_at_all_is_none(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    assert "Choisissez un fichier" in client.post(url, {"file": "%PDF-1.7"}, status=422).errors()
    assert "Choisissez un fichier" in client.post(url, {}, status=422).errors()
    assert rows("select 1 from attachment") == []


def posted(client: PageClient, url: str, content: bytes) -> Any:
    """The answer to a large file, whose body is written here: the client of tests would leave its own copy open."""
    fields = {"csrf_token": client.token(), "paper": str(uuid.uuid4())}
    lines = [
        f'--limite\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = '--limite\r\nContent-Disposition: form-data; name="file"; filename="gros.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
    body = "".join([*lines, head]).encode() + content + b"\r\n--limite--\r\n"
    return client.flask.post(url, data=body, content_type="multipart/form-data; boundary=limite")


def test_a_file_may_be_large_but_not_too_large(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    most = makers.PDF + bytes(LARGEST_ATTACHMENT - len(makers.PDF))
    assert posted(client, url, most).status_code == 303
    assert rows("select size from attachment") == [(LARGEST_ATTACHMENT,)]
    refused = posted(client, url, most + b"0")
    assert refused.status_code == 422 and "dépasse 5\u00a0Mo" in refused.text
    assert posted(client, url, most + bytes(12 * 1024 * 1024)).status_code == 413
    assert rows("select count(*) from attachment") == [(1,)]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/passwd", "passwd.png"),
        ("page.html", "page.html.png"),
        ("<script>alert(1)</script>.png", "script.png"),
        ("=cmd|' /C calc'!A0.png", "=cmd' C calc'!A0.png"),
        ("a" * 400 + ".png", "a" * 116 + ".png"),
    ],
)
def test_a_hostile_name_does_nothing(
    scene: Scene, url: str, client_of: Clients, rows: Rows, name: str, kept: str
) -> None:
    client = client_of(scene.samira)
    client.post(url, sent(name, makers.PNG + HTML))
    ((paper_id, found),) = rows("select id, name from attachment")
    assert found.endswith(".png") and "/" not in found and "<" not in found and len(found) <= 120
    if "script" not in name and "cmd" not in name:
        assert found == kept
    answer = client.get(f"{scene.url}/pieces/{paper_id}").response
    assert answer.mimetype == "image/png" and "attachment" in answer.headers["Content-Disposition"]
    assert "\n" not in answer.headers["Content-Disposition"]
    assert not client.get(f"{scene.url}/accord/1").all("script", src="")


def test_papers_open_to_those_who_follow(
    scene: Scene, world: World, url: str, held: Any, client_of: Clients, client: PageClient, refuse_everyone: Callable[..., None]
) -> None:  # fmt: skip
    paper = makers.paper(world, scene.case, held, scene.samira)
    there = f"{scene.url}/pieces/{paper.id}"
    for member, status in (
        (scene.samira, 200),
        (scene.coordinator, 200),
        (scene.other, 404),
        (scene.figures, 403),
        (scene.spotter, 403),
        (scene.elsewhere, 404),
    ):
        client_of(member).get(there, status=status)
    assert client.get(there, status=303).location.startswith("/connexion")
    refuse_everyone(url, {})
    refuse_everyone(f"{there}/retirer", {})
    another = world.case(scene.samira.cite, referent=scene.samira)
    for path in (
        f"/personnes/{another.id}/pieces/{paper.id}",
        f"/personnes/{another.id}/pieces/{paper.id}/retirer",
    ):
        client_of(scene.samira).get(path, status=404)  # fmt: skip
    client_of(scene.samira).post(f"/personnes/{another.id}/pieces/{paper.id}/retirer", status=404)
    client_of(scene.samira).post(f"/personnes/{another.id}/accord/1/pieces", status=404)


def test_only_whoever_added_a_paper_takes_it_away(
    scene: Scene, world: World, held: Any, client_of: Clients, rows: Rows, databases: Databases
) -> None:
    paper = makers.paper(world, scene.case, held, scene.samira)
    there = f"{scene.url}/pieces/{paper.id}/retirer"
    coordinator = client_of(scene.coordinator)
    assert "Retirer" not in coordinator.get(f"{scene.url}/accord/1").links()
    coordinator.get(there, status=303)
    assert "Seule la personne" in coordinator.follow(coordinator.post(there)).text()
    assert rows("select count(*) from attachment") == [(1,)]
    seat = {"user_id": scene.coordinator.id, "role": "coordinator", "cite_id": scene.samira.cite.id}
    with databases.connected_as("cityjobs_web", **seat) as connection:
        assert connection.execute("delete from attachment").rowcount == 0, "nor does the database let them"
    client = client_of(scene.samira)
    page = client.get(there)
    assert "contrat.pdf" in page.main() and rows("select count(*) from attachment") == [(1,)]
    client.submit(page.form(there))
    assert rows("select count(*) from attachment") == [(0,)]


def test_the_database_takes_no_other_file(scene: Scene, world: World, held: Any) -> None:
    with pytest.raises(Exception, match="ck_attachment_content") as refused:
        makers.paper(world, scene.case, held, scene.samira, content=makers.PNG).content = HTML
        world.session.commit()
    assert isinstance(getattr(refused.value, "orig", None), psycopg.errors.CheckViolation)
    world.session.rollback()


def test_an_agreement_takes_twenty_papers(
    scene: Scene, world: World, url: str, held: Any, client_of: Clients, rows: Rows
) -> None:
    for number in range(MOST_PAPERS - 1):
        makers.paper(world, scene.case, held, scene.samira, content=makers.PDF + str(number).encode())
    client = client_of(scene.samira)
    key = str(uuid.uuid4())
    client.post(url, sent("dernier.pdf", makers.PDF, paper=key))
    client.post(url, sent("dernier.pdf", makers.PDF, paper=key), status=303)
    page = client.post(url, sent("de trop.pdf", makers.PDF), status=422)
    assert "a déjà 20 pièces" in page.errors()
    assert rows("select count(*) from attachment") == [(MOST_PAPERS,)]
    other = makers.agreement(
        world, scene.case, scene.samira, makers.goal(world, scene.case), number=2, ended_on=today()
    )
    client.post(f"{scene.url}/accord/{other.number}/pieces", sent("autre.pdf", makers.PDF))


def test_two_papers_sent_in_one_instant_do_not_both_take_the_last_place(
    scene: Scene, world: World, url: str, held: Any, client_of: Clients, databases: Databases, rows: Rows
) -> None:
    for number in range(MOST_PAPERS - 1):
        makers.paper(world, scene.case, held, scene.samira, content=makers.PDF + str(number).encode())
    clients = [client_of(scene.samira), client_of(scene.coordinator)]
    tokens = [client.token() for client in clients]
    answers: list[int] = []

    def send(client: PageClient, token: str) -> None:
        said = {"csrf_token": token, **sent("dernier.pdf", makers.PDF)}
        answers.append(client.flask.post(url, data=said).status_code)

    threads = [threading.Thread(target=send, args=each) for each in zip(clients, tokens, strict=True)]
    with psycopg.connect(
        databases.superuser.info.dsn, password=databases.superuser.info.password or None
    ) as other:
        other.execute("select from agreement where id = %s for update", (held.id,))
        for thread in threads:
            thread.start()
        time.sleep(1)
        other.rollback()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 422]
    assert rows("select count(*) from attachment") == [(MOST_PAPERS,)]
