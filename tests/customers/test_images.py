"""What is taken as a logo, and what is refused with a sentence that helps."""

import io
import struct
import zlib

import pytest
from PIL import Image

from manimod.customers import images
from manimod.errors import ManimodError


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 120), colour: str = "#c02040", **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **options)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be enormous."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_a_small_png_of_our_own(kind):
    with Image.open(io.BytesIO(images.read_logo(picture(kind, (2000, 800))))) as kept:
        assert (kept.format, kept.size) == ("PNG", (512, 205))
        assert not kept.info


def test_nothing_of_the_file_but_its_pixels_is_kept():
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_text("Comment", "secret-note")
    assert b"secret-note" not in images.read_logo(picture(pnginfo=note))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "LOGO_MISSING"),
        (b"hello", "LOGO_FORMAT"),
        (b"GIF89a" + bytes(50), "LOGO_FORMAT"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "LOGO_SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><svg/>', "LOGO_SVG"),
        (b"\x1f\x8b" + bytes(30), "LOGO_SVG"),
        (picture()[:-30], "LOGO_UNREADABLE"),
        (picture("JPEG")[:300], "LOGO_UNREADABLE"),
        (picture("WEBP")[:40], "LOGO_UNREADABLE"),
        (picture(size=(4097, 10)), "LOGO_TOO_WIDE"),
        (bomb(60000, 60000), "LOGO_UNREADABLE"),
        (bomb(5000, 5000), "LOGO_TOO_WIDE"),
        (bomb(4096, 4096), "LOGO_UNREADABLE"),
        (picture() + bytes(2 * 1024 * 1024), "LOGO_TOO_LARGE"),
    ],
)
def test_what_is_no_honest_picture_is_refused(data, code):
    with pytest.raises(ManimodError) as refused:
        images.read_logo(data)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "data",
    [
        picture() + b"<script>alert(1)</script>",
        picture("JPEG") + b"PK\x03\x04" + bytes(22) + b"evil.class",
        picture("WEBP") + b"%PDF-1.7",
        picture("JPEG", comment=b"<?php system($_GET[0]);"),
    ],
)
def test_what_hides_in_a_picture_does_not_stay(data):
    kept = images.read_logo(data)
    assert not [hidden for hidden in (b"<script", b"evil", b"%PDF", b"<?php") if hidden in kept]
