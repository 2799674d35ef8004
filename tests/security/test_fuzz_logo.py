"""An uploaded logo may be anything: it is kept as a picture of mani's own making, or refused with a sentence."""

import io

from PIL import Image

from manimod.customers import images
from manimod.errors import ManimodError
from tests.security import hostile


def test_whatever_is_uploaded_is_a_picture_or_refused(app):
    @hostile.fuzz("logo", share=0.03, short=150, data=hostile.uploads())
    def read(data: bytes) -> str:
        try:
            kept = images.read_logo(data)
        except ManimodError as refused:
            return refused.code
        with Image.open(io.BytesIO(kept)) as picture:
            assert picture.format == "PNG"
            assert max(picture.size) <= images.STORED_SIDE
        return "kept"

    read()


def test_the_page_refuses_it_in_words(as_owner, connection):
    for name, data in (("a.svg", hostile.PICTURES[-1]), ("../../x.png", b"\x89PNG\r\n\x1a\n" + bytes(100))):
        upload = {"name": "Brightside", "logo_file": (io.BytesIO(data), name)}
        answer = as_owner.post("/settings/brand", data=upload, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert "PNG" in answer.text
