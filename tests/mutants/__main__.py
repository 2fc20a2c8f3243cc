"""`make mutants`: each fault in a copy of the house of its own, and whether its proof turned red."""

import argparse
import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.mutants import faults
from tests.mutants.fault import Fault, FaultNotFound
from tests.proofs import measures

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 600
PASSED, FAILED = 0, 1
BUILT = ("cityjobs/static", "cityjobs/assets/node_modules")
"""Folders that git does not keep and that the tests need: shared with the copy."""


def known_faults(area: str | None) -> list[Fault]:
    """Every fault listed, or those of one module of `faults`."""
    names = [area] if area else sorted(module.name for module in pkgutil.iter_modules(faults.__path__))
    return [fault for name in names for fault in importlib.import_module(f"{faults.__name__}.{name}").FAULTS]


def copy_house(there: Path) -> None:
    """What git knows of the working tree, and links to what was built from it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, there / name)
    for name in BUILT:
        (there / name).symlink_to(ROOT / name)


def ask_proof(house: Path, proof: str) -> tuple[int, str]:
    """Run a proof in a house; pytest's answer and the end of what it said."""
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", proof],
        cwd=house,
        env={name: value for name, value in os.environ.items() if name != measures.PLACE},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout[-2000:]


def try_fault(fault: Fault) -> tuple[bool, str]:
    """Whether the proof saw the fault: a test failed, not merely an import."""
    with tempfile.TemporaryDirectory(prefix="cityjobs-mutant-") as folder:
        house = Path(folder)
        house.chmod(0o755)
        copy_house(house)
        fault.put_into(house)
        code, said = ask_proof(house, fault.proof)
    return code == FAILED and " failed" in said, said


def main() -> int:
    """Try them all; 0 when each was seen and each proof is green without a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", help="one module of tests/mutants/faults")
    parser.add_argument(
        "--matching", default="", help="only the faults whose proof or name holds these words"
    )
    asked = parser.parse_args()
    chosen = [fault for fault in known_faults(asked.only) if asked.matching in f"{fault.proof}  {fault.name}"]
    unseen: list[Fault] = []
    for proof in sorted({fault.proof for fault in chosen}):
        code, said = ask_proof(ROOT, proof)
        if code != PASSED:
            print(f"RED WITHOUT A FAULT  {proof}\n{said}", flush=True)
            return 1
    for fault in chosen:
        began = time.monotonic()
        try:
            seen, said = try_fault(fault)
        except (FaultNotFound, subprocess.TimeoutExpired) as lost:
            seen, said = False, str(lost)
        print(
            f"{'seen' if seen else 'UNSEEN':<7}{time.monotonic() - began:5.0f} s  {fault.proof}  {fault.name}",
            flush=True,
        )
        if not seen:
            unseen.append(fault)
            print(said, flush=True)
    tried, missed = Counter(f.proof for f in chosen), Counter(f.proof for f in unseen)
    for proof, number in tried.items():
        measures.record(
            measures.measured(
                "mutants",
                f"{proof}: faults seen",
                number - missed[proof],
                bar=number,
                at_least=True,
                unit="",
                command="make mutants",
            )
        )
    print(f"{len(chosen) - len(unseen)} of {len(chosen)} faults seen.")
    return 1 if unseen or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
