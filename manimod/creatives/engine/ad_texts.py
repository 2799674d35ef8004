"""Every text of an ad by a key, as the editor shows and changes them."""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace

from manimod.creatives.engine.brief import Variant
from manimod.creatives.engine.policy.platforms import EMOJI, PLACEMENTS
from manimod.creatives.engine.policy.rules import ALL

MAX_LENGTH = 3000


def texts_of(variant: Variant) -> dict[str, str]:
    """Every text of a variant by its key: headline, body, and placement.field.number."""
    texts = {"headline": variant.headline, "body": variant.body}
    for placement, copy in variant.platforms.items():
        for field, number, text in copy.texts():
            texts[f"{placement}.{field}.{number}"] = text
    return texts


def split_key(key: str) -> tuple[str, str]:
    """The placement and the field of a text's key; the headline and body of the picture belong to ALL."""
    placement, _, rest = key.partition(".")
    if not rest:
        return ALL, key
    return placement, rest.rpartition(".")[0]


def with_texts(variant: Variant, texts: Mapping[str, str]) -> Variant:
    """The variant with the texts of the form. A text that equals the headline or body changes along with
    it, where the new one fits."""
    new = {key: clean(texts.get(key, text)) for key, text in texts_of(variant).items()}
    follows = {variant.headline: new["headline"], variant.body: new["body"]}
    platforms = {}
    for placement, copy in variant.platforms.items():
        fields = dict.fromkeys(copy.fields, ())
        for field, number, old in copy.texts():
            text, following = new[f"{placement}.{field}.{number}"], follows.get(old, old)
            if text == old and len(following) <= PLACEMENTS[placement].fields[field].hard:
                text = following
            fields[field] += tuple(filter(None, [text]))
        platforms[placement] = replace(copy, fields=fields)
    return replace(variant, headline=new["headline"], body=new["body"], platforms=platforms)


def clean(text: str) -> str:
    """One line without invisible characters, but for those that hold the parts of an emoji together."""
    kept, end = [], 0
    text = text[:MAX_LENGTH]
    for emoji in EMOJI.finditer(text):
        kept += [_without_invisible(text[end : emoji.start()]), emoji[0]]
        end = emoji.end()
    return " ".join("".join([*kept, _without_invisible(text[end:])]).split())


def _without_invisible(text: str) -> str:
    seen = (sign for sign in text if unicodedata.category(sign) != "Cf")
    return "".join(sign if sign.isprintable() else " " for sign in seen)
