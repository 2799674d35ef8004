"""`make published`: are the files of others that mani serves and draws with those that their makers published?

htmx is compared with npm's package of the same version. The fonts are known by the Git hashes that they had when they
were taken; another one is said, so that somebody looks again.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from manimod.creatives.engine.picture.text_layout import INTER, NOTO_CJK
from manimod.web.assets import SOURCES

FONTS = {
    "Inter": (INTER, "047c92f6e2212473dc436020afed689527076d44", "google/fonts, ofl/inter"),
    "Noto Sans CJK": (NOTO_CJK, "42745a18c0c317663ee29c34eda8446a50c98e3d", "notofonts/noto-cjk"),
}


class NotCompared(Exception):
    """Why, in a sentence."""


def main() -> int:
    """The exit status: 1 where a file is another one. What cannot be asked for is said, and is no failure."""
    differs = False
    htmx = SOURCES["htmx.js"].read_bytes()
    version = re.search(rb'version:"([\d.]+)"', htmx)[1].decode()
    try:
        if htmx == fetch_htmx(version):
            print(f"htmx {version} is the file that htmx.org has published at npm.")
        else:
            differs = True
            print(f"htmx.min.js of django-js-lib-htmx is not npm's htmx.org {version}. Keep the pin from before.")
    except NotCompared as reason:
        print(reason)
    for name, (file, known_hash, published) in FONTS.items():
        content = file.read_bytes()
        if hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() != known_hash:
            differs = True
            print(f"{name} has changed. Compare it with {published}, then write its Git hash into tests/published.py.")
    return int(differs)


def fetch_htmx(version: str) -> bytes:
    """npm's htmx.min.js of this version. Raises NotCompared."""
    npm = shutil.which("npm")
    if npm is None:
        raise NotCompared("htmx is not compared: there is no npm here.")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"htmx.org@{version}", "--silent", "--pack-destination", folder]
        try:
            subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=120)
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as package:
                return package.extractfile("package/dist/htmx.min.js").read()
        except (OSError, subprocess.SubprocessError, StopIteration, KeyError, tarfile.TarError):
            raise NotCompared(f"htmx is not compared: npm doesn't bring htmx.org {version} (offline?).") from None


if __name__ == "__main__":
    sys.exit(main())
