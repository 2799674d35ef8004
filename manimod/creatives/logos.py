"""An uploaded logo -> PNG bytes of mani's own encoding. Nothing of the file itself is kept."""

import io
import zlib

from PIL import Image, ImageOps

from manimod.errors import ManimodError

MAX_BYTES = 2 * 1024 * 1024
MAX_SIDE = 4096  # pixels, of the upload
STORED_SIDE = 512  # pixels; a picture shows it at a fraction of that
SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "WEBP": b"RIFF"}


def read(data: bytes) -> bytes:
    """The logo as a small PNG. Raises LOGO_MISSING, _TOO_LARGE, _SVG, _FORMAT, _TOO_WIDE or _UNREADABLE."""
    if not data:
        raise ManimodError("LOGO_MISSING")
    if len(data) > MAX_BYTES:
        raise ManimodError("LOGO_TOO_LARGE")
    kind = next((kind for kind, signature in SIGNATURES.items() if data.startswith(signature)), None)
    if kind is None:
        start = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        is_svg = b"<svg" in start or start.startswith((b"<?xml", b"\x1f\x8b"))
        raise ManimodError("LOGO_SVG" if is_svg else "LOGO_FORMAT")
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
            if max(picture.size) > MAX_SIDE:  # known from the header, before a single pixel is decoded
                raise ManimodError("LOGO_TOO_WIDE", width=picture.width, height=picture.height)
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError, SyntaxError, EOFError, zlib.error, Image.DecompressionBombError):
        raise ManimodError("LOGO_UNREADABLE") from None
    upright.thumbnail((STORED_SIDE, STORED_SIDE), Image.Resampling.LANCZOS)
    pixels = Image.new("RGBA", upright.size)
    pixels.paste(upright)  # a new picture has none of the old one's comments and profiles
    out = io.BytesIO()
    pixels.save(out, "PNG", optimize=True)
    return out.getvalue()
