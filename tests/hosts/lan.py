"""A small network on this machine: a namespace for each host when that is allowed, else an address of its own."""

import ctypes
import os
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Lan(Protocol):
    """Hosts that reach each other by address; `isolation` says by what means they are apart."""

    isolation: str
    network: str

    def add(self, name: str) -> str:
        """Add a host; its address."""

    def inside(self, name: str) -> "Iterator[None]":
        """What is started or listens meanwhile is on that host."""

    def cut(self, name: str) -> bool:
        """Let nothing through to a host, and say nothing to those who try; False where that cannot be done."""

    def mend(self, name: str) -> None:
        """Let everything through again."""

    def close(self) -> None:
        """Leave nothing behind."""


class Namespaces:
    """Each host is a network namespace behind one bridge. Needs to be root."""

    isolation = "network namespaces"

    def __init__(self) -> None:
        self.hosts: dict[str, str] = {}
        self.bridge = f"cj{os.getpid()}"
        sweep_namespaces()
        taken = _ip("-4", "-o", "addr")
        number = secrets.choice([n for n in range(1, 255) if f" 10.213.{n}." not in taken])
        self.network = f"10.213.{number}.0/24"
        self._prefix = f"10.213.{number}."
        try:
            _ip("link", "add", self.bridge, "type", "bridge")
            _ip("addr", "add", f"{self._prefix}1/24", "dev", self.bridge)
            _ip("link", "set", self.bridge, "up")
            self.add("probe")
            with self.inside("probe"):
                socket.create_server((self.hosts["probe"], 0)).close()
        except BaseException:
            self.close()
            raise

    def add(self, name: str) -> str:
        """A namespace with one leg on the bridge."""
        rank = len(self.hosts) + 2
        address = self.hosts[name] = f"{self._prefix}{rank}"
        there, leg = self._namespace(name), self._leg(name)
        _ip("netns", "add", there)
        _ip("link", "add", leg, "type", "veth", "peer", "name", "eth0", "netns", there)
        _ip("link", "set", leg, "master", self.bridge, "up")
        _ip("-n", there, "link", "set", "lo", "up")
        _ip("-n", there, "addr", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", there, "link", "set", "eth0", "up")
        return address

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """This thread, and the programs it starts, are on that host meanwhile."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self._namespace(name)}", os.O_RDONLY)
        try:
            _enter(there)
            try:
                yield
            finally:
                _enter(here)
        finally:
            os.close(here)
            os.close(there)

    def cut(self, name: str) -> bool:
        """What is sent to the host is dropped, with no word to the sender."""
        # A wrong but known neighbour: frames leave, and nobody takes them.
        _ip("neigh", "replace", self.hosts[name], "lladdr", "02:00:00:00:00:01", "dev", self.bridge)
        for other in self.hosts:
            if other != name:
                _ip("-n", self._namespace(other), "neigh", "replace", self.hosts[name],
                    "lladdr", "02:00:00:00:00:01", "dev", "eth0")  # fmt: skip
        _ip("link", "set", self._leg(name), "down")
        return True

    def mend(self, name: str) -> None:
        """The neighbours are known by their true names again."""
        _ip("link", "set", self._leg(name), "up")
        _ip("neigh", "del", self.hosts[name], "dev", self.bridge)
        for other in self.hosts:
            if other != name:
                _ip("-n", self._namespace(other), "neigh", "del", self.hosts[name], "dev", "eth0")

    def close(self) -> None:
        """Take every namespace and the bridge away."""
        for name in self.hosts:
            _try_ip("netns", "del", self._namespace(name))
        _try_ip("link", "del", self.bridge)

    def _namespace(self, name: str) -> str:
        return f"{self.bridge}-{name}"

    def _leg(self, name: str) -> str:
        return f"{self.bridge}v{list(self.hosts).index(name)}"


class Addresses:
    """Each host is an address of the loopback: no rights needed, and nothing can be cut."""

    isolation = "loopback addresses"
    network = "127.0.0.0/8"

    def __init__(self) -> None:
        self.hosts: dict[str, str] = {}
        self._second = 1 + os.getpid() % 250

    def add(self, name: str) -> str:
        """127.0.x.y"""
        self.hosts[name] = f"127.0.{self._second}.{len(self.hosts) + 2}"
        return self.hosts[name]

    @contextmanager
    def inside(self, _name: str) -> Iterator[None]:
        """Everything is here."""
        yield

    def cut(self, _name: str) -> bool:
        """Not here."""
        return False

    def mend(self, _name: str) -> None:
        """Nothing was cut."""

    def close(self) -> None:
        """Nothing was made."""


def make_lan() -> "Namespaces | Addresses":
    """The best isolation this machine allows."""
    if os.environ.get("CITYJOBS_ISOLATION") == "addresses":
        return Addresses()
    try:
        return Namespaces()
    except (OSError, subprocess.CalledProcessError):
        return Addresses()


def sweep_namespaces() -> None:
    """Take away the networks of runs that died without a word: they bear the number of a process that is no more."""
    for name in set(re.findall(r"\b(cj\d+)\b", _ip("-o", "link"))):
        if not Path(f"/proc/{name[2:]}").exists():
            for namespace in re.findall(rf"\b{name}-\S+", _ip("netns", "list")):
                _try_ip("netns", "del", namespace)
            _try_ip("link", "del", name)


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def _try_ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=False, capture_output=True)


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns refused")
