"""Build cityjobs/static/: one style sheet, one script, htmx, the font, the icon sprite; hashed names, a manifest.

Run as `python -m cityjobs.assets.build` after `npm ci --ignore-scripts` in this folder. The same sources give the same
bytes; a second run changes nothing. Each file is written aside then renamed, the manifest last, old outputs go after it.
"""

import gzip
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import brotli  # type: ignore[import-untyped]

HERE = Path(__file__).parent
NODE_MODULES = HERE / "node_modules"
STATIC = HERE.parent / "static"

STYLES = ("tokens", "base", "frame", "forms", "patterns", "lists", "charts", "file", "print")
SCRIPTS = ("core", "toasts", "lock", "drafts", "submit", "keys", "menus", "lists", "errors")
FONT = (
    "@fontsource-variable/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next-latin-wght-normal.woff2"
)
COMPRESSED = {".css", ".js", ".svg"}

# The parts of Bootstrap that are kept, by the beginning of their class names. A selector that names any other class is left out.
KEPT = re.compile(
    r"""(?x)
    container(-fluid|-md|-lg|-xl)? $ | row $ | row-cols-(md-|lg-)?\w+ $ | col(-md|-lg)?(-\d+|-auto)? $ | g[xy]?-(md-|lg-)?\d $
    | form-(label|text|control|control-sm|control-plaintext|select|select-sm|check|check-input|check-label|check-inline|switch) $
    | input-group | btn $ | btn-sm $ | btn-lg $ | btn-link $ | is-invalid $ | was-validated $ | collapse $ | show $ | active $ | disabled $
    | d-(md-|lg-|print-)?(none|block|inline|inline-block|flex|inline-flex|grid|table-cell) $
    | flex-(md-|lg-)?(row|column|wrap|nowrap|fill|grow-[01]|shrink-[01]) $
    | justify-content-(md-)?(start|end|center|between) $ | align-items-(md-)?(start|end|center|baseline|stretch) $ | align-self-(start|end|center) $
    | (m|p)[tbsexy]?-(md-)?(\d|auto) $ | (row-|column-)?gap-(md-)?\d $ | order-(md-)?(first|last|\d) $
    | text-(start|end|center|break|nowrap|truncate|wrap|decoration-none) $ | text-(md|lg)-(start|end|center) $
    | fw-(normal|semibold|bold) $ | w-(25|50|75|100|auto) $ | mw-100 $ | h-100 $ | ms-auto $
    | visually-hidden(-focusable)? $ | list-unstyled $ | list-inline(-item)? $ | small $ | mark $ | lead $ | position-(relative|sticky) $ | overflow-auto $
    """
)


class PackagesMissing(RuntimeError):
    """The npm packages are not there yet."""


def read_package(name: str) -> bytes:
    """The bytes of one file of an npm package; raises PackagesMissing with what to do."""
    path = NODE_MODULES / name
    if not path.is_file():
        raise PackagesMissing(f"{name} is missing: run `npm ci --ignore-scripts` in {HERE}")
    return path.read_bytes()


def split_rules(css: str) -> Iterator[tuple[str, str | None]]:
    """Each rule of a style sheet as (prelude, block); the block is None for a statement such as @charset."""
    start = position = depth = 0
    opened = 0
    while position < len(css):
        sign = css[position]
        if sign in "\"'":
            position = css.index(sign, position + 1)
        elif sign == "{":
            if depth == 0:
                opened = position
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                yield css[start:opened].strip(), css[opened + 1 : position]
                start = position + 1
        elif sign == ";" and depth == 0:
            yield css[start:position].strip(), None
            start = position + 1
        position += 1


def split_selectors(prelude: str) -> list[str]:
    """The selectors of a list, split at commas that stand outside brackets."""
    return re.findall(r"(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\]|[^,(\[])+", prelude)


def is_kept(selector: str) -> bool:
    """Whether a selector of Bootstrap names only classes that are kept, and neither its themes nor its scripts."""
    if "data-bs-" in selector or "[dir=" in selector:
        return False
    return all(KEPT.match(name) for name in re.findall(r"\.(-?[_a-zA-Z][\w-]*)", selector))


def prune(css: str) -> str:
    """Bootstrap without the components that no page uses."""
    kept = []
    for prelude, block in split_rules(css):
        if block is None or prelude.startswith("@keyframes"):
            continue
        if prelude.startswith("@"):
            inner = prune(block) if prelude.startswith(("@media", "@supports")) else block
        else:
            selectors = [selector for selector in split_selectors(prelude) if is_kept(selector)]
            prelude, inner = ",".join(selectors), block if selectors else ""
        if inner:
            kept.append(f"{prelude}{{{inner}}}")
    return "".join(kept)


def squeeze(css: str) -> str:
    """Our own style sheets without comments and needless spaces; quoted text stays as it is."""
    pieces = re.split(r"(\"[^\"]*\")", re.sub(r"/\*.*?\*/", "", css, flags=re.S))
    for at in range(0, len(pieces), 2):
        code = re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", pieces[at]))
        pieces[at] = re.sub(r";}", "}", re.sub(r":\s+", ":", code))
    return "".join(pieces).strip()


def build_sprite(names: list[str]) -> bytes:
    """One SVG with a symbol per icon."""
    symbols = []
    for name in names:
        svg = read_package(f"bootstrap-icons/icons/{name}.svg").decode()
        drawing = re.sub(r"\s*\n\s*", "", svg[svg.index(">") + 1 : svg.rindex("</svg>")])
        symbols.append(f'<symbol id="{name}" viewBox="0 0 16 16">{drawing}</symbol>')
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>'.encode()


def icon_names() -> list[str]:
    """The icons that pages may use, from icons.txt."""
    return (HERE / "icons.txt").read_text().split()


def hashed(name: str, content: bytes) -> str:
    """`app.css` as `app.0123456789abcdef.css`, from its content."""
    stem, _, kind = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{kind}"


def build_files() -> dict[str, bytes]:
    """Every output by its plain name."""
    font = read_package(FONT)
    bootstrap = prune(
        re.sub(r"/\*.*?\*/", "", read_package("bootstrap/dist/css/bootstrap.min.css").decode(), flags=re.S)
    )
    theme = squeeze("\n".join((HERE / "css" / f"{name}.css").read_text() for name in STYLES))
    theme = theme.replace("atkinson.woff2", hashed("atkinson.woff2", font))
    scripts = "\n".join((HERE / "js" / f"{name}.js").read_text() for name in SCRIPTS)
    scripts = re.sub(r"^\s*//.*\n", "", scripts, flags=re.M)
    return {
        "app.css": f"{bootstrap}\n{theme}\n".encode(),
        "app.js": re.sub(r"^[ \t]+", "", scripts, flags=re.M).encode(),
        "atkinson.woff2": font,
        "favicon.svg": (HERE / "img" / "favicon.svg").read_bytes().strip(),
        "htmx.js": read_package("htmx.org/dist/htmx.min.js"),
        "icons.svg": build_sprite(icon_names()),
    }


def replace_file(path: Path, content: bytes) -> None:
    """Write aside, then rename: a reader sees the old file or the new one."""
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    Path(aside).chmod(0o644)
    Path(aside).replace(path)


KEPT_FOR = 7 * 86_400
"""Seconds for which files of earlier builds stay: pages that are still open go on finding theirs."""


def build(target: Path = STATIC) -> dict[str, str]:
    """Build into a folder; returns the manifest: hashed names by plain names."""
    files = build_files()
    manifest = {name: hashed(name, content) for name, content in sorted(files.items())}
    target.mkdir(parents=True, exist_ok=True)
    expected = {"manifest.json"}
    for name, content in files.items():
        outputs = {manifest[name]: content}
        if Path(name).suffix in COMPRESSED:
            outputs[f"{manifest[name]}.br"] = brotli.compress(content)
            outputs[f"{manifest[name]}.gz"] = gzip.compress(content, 9, mtime=0)
        for output, encoded in outputs.items():
            expected.add(output)
            path = target / output
            if not (path.is_file() and path.read_bytes() == encoded):
                replace_file(path, encoded)
    written = (json.dumps(manifest, indent=1) + "\n").encode()
    path = target / "manifest.json"
    if not (path.is_file() and path.read_bytes() == written):
        for former in target.iterdir():
            former.touch()
        replace_file(path, written)
    for path in target.iterdir():
        if path.name not in expected and time.time() - path.stat().st_mtime > KEPT_FOR:
            path.unlink(missing_ok=True)
    return manifest


def main() -> int:
    """Build and say what was made."""
    try:
        manifest = build()
    except PackagesMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    for name, output in manifest.items():
        small = STATIC / f"{output}.br"
        size = (small if small.exists() else STATIC / output).stat().st_size
        sys.stdout.write(f"{name:16} {size:6} bytes compressed  {output}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
