"""What the browser receives: the same each time, complete, small, ours alone, and fit for a strict content policy."""

import gzip
import hashlib
import json
import os
import re
from pathlib import Path

import brotli
import pytest

from cityjobs.assets import build

TEMPLATES = Path(__file__).parents[2] / "templates"
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
FIRST_PAGE = 100_000
LARGEST_HTML = 14_000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("static")
    build.build(target)
    return target


def manifest_of(folder: Path) -> dict[str, str]:
    return json.loads((folder / "manifest.json").read_text())


def text_of(folder: Path, name: str) -> str:
    return (folder / manifest_of(folder)[name]).read_text()


def pages() -> list[Path]:
    return sorted(
        path for path in TEMPLATES.rglob("*.html") if "mail" not in path.relative_to(TEMPLATES).parts
    )


def test_two_builds_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    build.build(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in built.iterdir()
    }


def test_a_second_build_touches_nothing_and_removes_what_is_old(tmp_path: Path) -> None:
    build.build(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    old = tmp_path / "app.0000000000000000.css"
    old.write_text("old")
    os.utime(old, (0, 0))
    build.build(tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_pages_that_are_still_open_go_on_finding_their_files(tmp_path: Path) -> None:
    former = tmp_path / "app.0000000000000000.css"
    former.write_text("former")
    os.utime(former, (0, 0))
    (tmp_path / "manifest.json").write_text('{"app.css": "app.0000000000000000.css"}')
    build.build(tmp_path)
    assert former.read_text() == "former"
    build.build(tmp_path)
    assert former.exists()


def test_the_manifest_names_every_output_by_its_content(built: Path) -> None:
    manifest = manifest_of(built)
    assert set(manifest) == {"app.css", "app.js", "atkinson.woff2", "favicon.svg", "htmx.js", "icons.svg"}
    for output in manifest.values():
        assert hashlib.sha256((built / output).read_bytes()).hexdigest().startswith(output.split(".")[1])
    expected = {"manifest.json"} | set(manifest.values())
    expected |= {
        f"{output}{way}"
        for name, output in manifest.items()
        if not name.endswith("woff2")
        for way in (".br", ".gz")
    }
    assert {path.name for path in built.iterdir()} == expected


def test_compressed_copies_hold_the_same_content(built: Path) -> None:
    for output in manifest_of(built).values():
        if not output.endswith("woff2"):
            content = (built / output).read_bytes()
            assert brotli.decompress((built / f"{output}.br").read_bytes()) == content
            assert gzip.decompress((built / f"{output}.gz").read_bytes()) == content


def test_the_first_page_stays_under_its_budget(built: Path) -> None:
    sizes = {
        name: (built / (output if name.endswith("woff2") else f"{output}.br")).stat().st_size
        for name, output in manifest_of(built).items()
    }
    assert sum(sizes.values()) + LARGEST_HTML < FIRST_PAGE, sizes


def test_no_output_calls_a_third_party(built: Path) -> None:
    for name in ("app.css", "app.js", "htmx.js", "icons.svg", "favicon.svg"):
        addresses = set(re.findall(r"https?://[^\s\"'`)<>]+", text_of(built, name))) - NAMESPACES
        assert not addresses, (name, addresses)
    sources = re.findall(r"url\(([^)]*)\)", text_of(built, "app.css"))
    font = manifest_of(built)["atkinson.woff2"]
    assert font in sources
    assert not [
        source for source in sources if source != font and not source.strip("\"'").startswith("data:")
    ]
    assert "@import" not in text_of(built, "app.css")


def test_our_scripts_write_no_markup_no_style_and_evaluate_nothing(built: Path) -> None:
    script = text_of(built, "app.js")
    for construct in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        ".style",
        "javascript:",
        "cssText",
    ):
        assert construct not in script, construct


def test_pages_hold_neither_style_nor_script_nor_handler() -> None:
    for page in pages():
        text = page.read_text()
        assert not re.search(r"\sstyle\s*=|<style\b|\son[a-z]+\s*=\s*[\"']|javascript:", text), page
        assert all("src=" in tag for tag in re.findall(r"<script\b[^>]*>", text)), page


def test_only_the_instants_of_the_lock_are_kept_in_the_browser() -> None:
    kept = {
        (path.name, key)
        for path in (build.HERE / "js").glob("*.js")
        for key in re.findall(r"(?:write|read|setItem|getItem)\(\"([^\"]+)\"", path.read_text())
    }
    assert kept == {
        ("lock.js", "cityjobs.gesture"),
        ("lock.js", "cityjobs.answer"),
        ("lock.js", "cityjobs.unlock"),
    }
    assert all(
        "sessionStorage" not in path.read_text() and "indexedDB" not in path.read_text()
        for path in (build.HERE / "js").glob("*.js")
    )


def test_every_icon_and_file_that_pages_name_is_built(built: Path) -> None:
    icons = set(build.icon_names())
    assert set(re.findall(r"<symbol id=\"([^\"]+)\"", text_of(built, "icons.svg"))) == icons
    assert sorted(icons) == build.icon_names()
    for page in pages():
        text = page.read_text()
        assert set(re.findall(r"\bicon\('([^']+)'", text)) <= icons, page
        assert set(re.findall(r"\basset\('([^']+)'\)", text)) <= set(manifest_of(built)), page
    for script in (build.HERE / "js").glob("*.js"):
        assert set(re.findall(r"house\.icon\(\"([^\"]+)\"\)", script.read_text())) <= icons


def test_every_class_that_pages_use_has_a_style(built: Path) -> None:
    styled = set(re.findall(r"\.(-?[_a-zA-Z][\w-]*)", text_of(built, "app.css")))
    for page in pages():
        for value in re.findall(
            r"\sclass=\"([^\"]*)\"", re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "\0", page.read_text())
        ):
            unstyled = {name for name in value.split() if "\0" not in name} - styled
            assert not unstyled, (page, unstyled)


def test_the_lock_file_names_no_registry_and_pins_everything() -> None:
    packages = json.loads((build.HERE / "package.json").read_text())
    assert all(
        re.fullmatch(r"\d+\.\d+\.\d+", version)
        for group in ("dependencies", "devDependencies")
        for version in packages[group].values()
    )
    locked = json.loads((build.HERE / "package-lock.json").read_text())["packages"]
    assert all("resolved" not in package for package in locked.values())
    assert all(name == "" or package["integrity"].startswith("sha512-") for name, package in locked.items())


def test_a_missing_package_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "NODE_MODULES", tmp_path)
    assert build.main() == 1
    assert "npm ci --ignore-scripts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".btn{color:red}.btn-close{color:blue}", ".btn{color:red}"),
        (".d-flex,.accordion .d-flex{display:flex}", ".d-flex{display:flex}"),
        ("@media (min-width:1px){.modal{top:0}}", ""),
        ("@media (min-width:1px){.col{flex:1}.modal{top:0}}", "@media (min-width:1px){.col{flex:1}}"),
        ("[data-bs-theme=dark]{--a:1}", ""),
        (
            '.form-select{background:url("data:image/svg+xml,{}")}.toast{top:0}',
            '.form-select{background:url("data:image/svg+xml,{}")}',
        ),
        (".row>*{width:100%}h1,.h1{margin:0}", ".row>*{width:100%}h1{margin:0}"),
        (
            "a:not([href]):not([class]),a:not([href]):not([class]):hover{color:inherit}",
            "a:not([href]):not([class]),a:not([href]):not([class]):hover{color:inherit}",
        ),
        ("@keyframes spin{to{top:0}}", ""),
    ],
)
def test_bootstrap_is_pruned_by_class(css: str, kept: str) -> None:
    assert build.prune(css) == kept


def test_our_styles_are_squeezed_but_quoted_text_is_not() -> None:
    assert (
        build.squeeze('/* a */ .x { content: "a : b" ;  color : red; }\n') == '.x{content:"a : b";color :red}'
    )
