"""Draws docs/contact-sheet.png: brands of many trades on every canvas. `python -m bench.contact_sheet`."""

import io

from PIL import Image, ImageDraw

from manimod.creatives.engine.brief import Brand, PictureContent, Variant
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.policy.platforms import MASTERS

HEIGHT, GAP = 250, 12
BOARDWALK = Brand(name="Boardwalk", primary="#2b45c9", accent="#ffb84d")
LEDGERLY = Brand(name="Ledgerly", primary="#0f5c4d", accent="#ff7a59")
PAPER_CRANE = Brand(name="Paper Crane", primary="#f2c230", accent="#d8345f")
PINGHOOK = Brand(name="Pinghook", primary="#6b2ff2", accent="#34d8c3")
STILL = Brand(name="Still Yoga", primary="#b5533c", accent="#f3d9b8")
MONO = Brand(name="Otter & Sons", primary="#1d1d1f", accent="#c8a46a")
KUMO = Brand(name="クモ会計", primary="#0b6fb8", accent="#ffd166")

SMALL = ("100,000 webhooks a month", "7-day logs", "Email support")
LARGE = ("5 million webhooks a month", "30-day logs", "Replay by filter", "Priority support")
TEAM = ("500 automations a month", "Timeline view", "Guest access", "Approvals")
# A brand, the composition, and what the ad says and shows.
ADS = [
    (BOARDWALK, "list paper left", "Timeline view and approvals with Team", "Team plan", {"facts": TEAM}),
    (PINGHOOK, "comparison deep bottom", "From 100,000 webhooks a month to 5 million", "Developer plan",
     {"columns": (("Developer", SMALL), ("Scale", LARGE))}),
    (LEDGERLY, "figure near top", "500 scanned bills a month on Growth", "Growth plan",
     {"figure": "500", "unit": "scanned bills a month"}),
    (BOARDWALK, "product near top", "Timeline view and 500 automations", "Team plan",
     {"facts": ("Timeline view", "500 automations a month")}),
    (STILL, "list primary centred", "1,000 recorded classes with Plus", "Plus membership",
     {"facts": ("1,000 recorded classes", "4 live sessions a week", "Pause for up to 3 months")}),
    (PAPER_CRANE, "statement deep right", "Questions about Basic? Ask us", "Basic plan", {}),
    (MONO, "comparison primary top", "Only need online booking?", "Practice plan",
     {"columns": (("Single Chair", ("Online booking", "Recall reminders")),
                  ("Practice", ("Online booking", "Treatment plans", "10 chairs")))}),
    (KUMO, "list deep right", "プロプランなら、銀行明細を自動で取り込めます", "プロ プラン",
     {"facts": ("銀行明細の自動取り込み", "請求書 月500件", "電子帳簿保存法に対応")}),
    (LEDGERLY, "tiles paper bottom", "Solo includes receipts and invoices", "Solo plan", {}),
    (PAPER_CRANE, "figure primary centred", "Studio covers 2,000 orders a month", "Studio plan",
     {"figure": "2,000", "unit": "orders a month"}),
    (STILL, "thread near left", "Live sessions and recorded classes", "Basic membership", {}),
    (PINGHOOK, "arcs primary right", "Ask us about Scale", "Scale plan", {}),
]  # fmt: skip
BODIES = {
    "figure": "Growth also has bank rules and VAT returns.",
    "thread": "Basic has both. Open Still Yoga and start there.",
}


def main():
    rows = [list(draw_row(*ad)) for ad in ADS]
    width = max(sum(thumbnail.width + GAP for thumbnail in row) for row in rows) + GAP
    sheet = Image.new("RGB", (width, len(rows) * (HEIGHT + GAP) + GAP), "#dfe1e6")
    for number, row in enumerate(rows):
        x = GAP
        for thumbnail in row:
            sheet.paste(thumbnail, (x, GAP + number * (HEIGHT + GAP)))
            x += thumbnail.width + GAP
    sheet.save("docs/contact-sheet.png", optimize=True)


def draw_row(brand, composition, headline, label, shown):
    """One ad on every canvas, and once more with little text, as Google's display ads have it."""
    if composition.startswith("product"):
        brand = Brand(name=brand.name, primary=brand.primary, accent=brand.accent, product_picture=screenshot())
    body = BODIES.get(composition.split()[0], "Write to us and a person answers.")
    content = PictureContent(**shown)
    variant = Variant("U1", "", headline, body, "LEARN_MORE", {}, composition, label, picture=content)
    for size, little in [*((size, False) for size in MASTERS), ("1200x628", True)]:
        png = picture.rasterise(picture.draw(variant, brand, size, little, composition))
        with Image.open(io.BytesIO(png)) as full:
            yield full.resize((full.width * HEIGHT // full.height, HEIGHT), Image.Resampling.LANCZOS)


def screenshot():
    """A made-up application with a timeline."""
    image = Image.new("RGB", (1200, 760), "#ffffff")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 230, 760), fill="#f5f6fa")
    draw.rectangle((0, 0, 1200, 64), fill="#eceef5")
    for i in range(9):
        draw.rounded_rectangle((30, 110 + i * 66, 190 - i % 3 * 30, 126 + i * 66), 8, fill="#cfd5e4")
    for i in range(8):
        draw.line((270 + i * 126, 64, 270 + i * 126, 760), fill="#eef0f5", width=2)
    bars = [(0, 2.2, "#2b45c9"), (1.2, 3, "#9db0ff"), (2, 1.6, "#ffb84d"), (2.6, 3.4, "#2b45c9"), (3.4, 1.4, "#9db0ff"),
            (4.1, 2.6, "#ffb84d"), (4.8, 2, "#9db0ff"), (5.2, 1.8, "#2b45c9"), (5.6, 1.4, "#ffb84d")]  # fmt: skip
    for i, (start, length, fill) in enumerate(bars):
        x = 270 + start * 126
        draw.rounded_rectangle((x, 102 + i * 70, x + length * 126, 138 + i * 70), 10, fill=fill)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


if __name__ == "__main__":
    main()
