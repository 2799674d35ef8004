"""`make demo`: within a minute a visitor sees a full queue, without a Stripe account."""

import re
from pathlib import Path

from tests.conftest import wait_for
from tests.journeys.stack import Stack


class Demo(Stack):
    program = "tests.demo"


def test_the_queue_fills_by_itself(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = Demo(folder, DEMO_DATA_DIR=str(folder))
    with demo:
        visitor = demo.sign_in()
        wait_for(lambda: visitor.get("/creatives").text.count("<article") >= 5, seconds=60, every=1)
        queue = visitor.get("/creatives").text
        assert all(tier in queue for tier in ("Starter", "Team", "Scale"))
        cards = re.findall(r"<article .*?</article>", queue, re.S)
        names = [" ".join(re.sub("<[^>]+>", " ", card.split("<h2")[1].split("<p class")[0]).split()) for card in cards]
        assert len(set(names)) == len(names), "each audience has one card"
        for trouble in ("Generic", "No landing page", " note"):
            assert trouble not in " ".join(cards)
        assert "No landing page" not in queue
        assert "Connected with Brightside Studio in the Stripe sandbox" in demo.said()
        assert demo.stop() == 0
    assert "Traceback" not in demo.said()
