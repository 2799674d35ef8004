"""The images that Dockerfile and compose.yaml name: from their registry, or else made of Debian's packages."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.containers.site import run

HERE = Path(__file__).resolve().parent
IMAGES = {"python": "python:3.13-slim", "postgres": "postgres:17", "valkey": "valkey/valkey:8", "caddy": "caddy:2"}
DEBIAN = "debian:trixie-slim"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"  # those that this machine trusts, for its package sources


@contextmanager
def present() -> Iterator[list[str]]:
    """As long as the block; the names of those that had to be made. They are removed afterwards, but for Debian."""
    if not is_here(DEBIAN) and not pull(DEBIAN):
        make_debian()
    missing = {target: name for target, name in IMAGES.items() if not is_here(name) and not pull(name)}
    try:
        for target, name in missing.items():
            build(target, name)
        yield list(missing.values())
    finally:
        for name in missing.values():
            remove(name)


def build(target: str, name: str) -> None:
    run("docker", "build", "--target", target, "--tag", name, "--file", "base_images.Dockerfile", ".", folder=HERE)


def remove(name: str) -> None:
    subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True)


def is_here(name: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", name], capture_output=True).returncode == 0


def pull(name: str) -> bool:
    return subprocess.run(["docker", "pull", "--quiet", name], capture_output=True).returncode == 0


def make_debian() -> None:
    """debootstrap asks the machine's own source of Debian packages, and needs root."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "debian"
        run("debootstrap", "--variant=minbase", "--include=ca-certificates", "trixie", str(root))
        (root / CERTIFICATES).write_bytes(Path("/", CERTIFICATES).read_bytes())
        run("sh", "-c", f"tar --directory {root} --create . | docker import - {DEBIAN}")
