"""One run: a storm of events at mani while its parts die, then rest, then the audit."""

import itertools
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from random import Random

from sqlalchemy.exc import SQLAlchemyError

from tests.chaos import audit, faults
from tests.chaos.faults import Fault
from tests.chaos.lives import WAVE, Happening, World
from tests.chaos.scene import Scene
from tests.chaos.storm import Storm
from tests.conftest import wait_for

DEATHS, WINDOW_SECONDS = 3, 31.0  # of one part: at its fifth death in thirty seconds mani rightly stops
OTHERS_PER_KILL = 0.5  # how many faults that kill nothing come with each kill
LAST_FAULT = 0.9  # of the storm: nothing goes wrong after it
LEAD = 3000  # deliveries that may wait before the lives at Stripe pause
HURRY_SECONDS = 7.0  # how often the poll and the sync are made due


@dataclass(frozen=True)
class Plan:
    """`names` are the faults to draw from, all by default; `patience` is how long mani may take to come to rest."""

    seed: int
    events: int
    kills: int
    hangs: int = 0
    patience: float = 300.0
    names: tuple[str, ...] = ()
    syncs_amid: bool = (
        True  # otherwise the sync runs before and after: one that is broken off takes two minutes to mend
    )


@dataclass
class Report:
    plan: Plan
    database: str
    happened: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    answers: Counter = field(default_factory=Counter)
    paths: Counter = field(default_factory=Counter)
    log: Counter = field(default_factory=Counter)
    backlog: list[int] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    kills: int = 0
    hangs: int = 0

    def lines(self) -> Iterator[str]:
        yield f"chaos on {self.database}, seed {self.plan.seed}"
        yield f"  events      {sum(self.happened.values())}: {_list(self.happened)}"
        yield f"  deliveries  {sum(self.answers.values())}, answered {_list(self.answers)}"
        yield f"  found first {_list(self.paths)}"
        others = sum(self.faults.values()) - self.kills - self.hangs
        yield f"  kills       {self.kills}, hangs {self.hangs}, and {others} other faults"
        yield from (f"    {count:4} {name}" for name, count in self.faults.most_common())
        yield f"  backlog     at most {max(self.backlog, default=0)} pending events"
        yield f"  log         {_list(self.log)}"
        yield f"  seconds     {', '.join(f'{name} {value:.1f}' for name, value in self.seconds.items())}"
        yield from (f"  FOUND       {finding}" for finding in self.findings)
        yield f"  verdict     {'FAILED' if self.findings else 'nothing lost, nothing doubled, nothing left behind'}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def run(scene: Scene, plan: Plan, tell: Callable[[str], None] = lambda _line: None) -> Report:
    """`tell` hears of each fault as it happens."""
    report = Report(plan, scene.database)
    began = time.monotonic()
    world = World(scene.control, scene.businesses, Random(f"{plan.seed} lives"))
    moments: list[Happening] = []
    with Storm(Random(f"{plan.seed} storm"), plan.events) as storm:
        lives = threading.Thread(target=live, args=(world, storm, plan.events, moments), daemon=True)
        lives.start()
        Chaos(scene, storm, plan, report, tell).reign(until=lambda: not lives.is_alive() and not storm.backlog)
        report.seconds["storm"] = time.monotonic() - began
        report.answers = storm.answers
    truth = audit.Truth(moments, storm.acknowledged)
    conclude(scene, truth, plan, report, tell)
    report.happened.update(it.event["type"] for it in moments)
    report.seconds |= {"slowest answer": max(storm.seconds)}
    return report


def conclude(scene: Scene, truth: audit.Truth, plan: Plan, report: Report, tell: Callable[[str], None]) -> None:
    wait_for(lambda: _has_hurried(scene), seconds=60, every=0.2)  # the last poll and sync, with nothing in their way
    tell("the storm is over")
    report.seconds["rest"] = audit.wait_for_rest(scene, truth, plan.patience)
    began = time.monotonic()
    unfinished = audit.open_work(scene, truth)
    report.findings = [f"not at rest: {_list(unfinished)}"] * bool(unfinished) + audit.findings(scene, truth)
    report.paths = audit.paths(scene)
    report.seconds["audit"] = time.monotonic() - began
    report.findings += audit.check_end(scene)
    report.log = read_log(scene)


def _has_hurried(scene: Scene) -> bool:
    """Not while PostgreSQL still recovers from the last blow."""
    with suppress(SQLAlchemyError):
        scene.hurry()
        return True
    return False


def live(world: World, storm: Storm, events: int, moments: list[Happening]) -> None:
    """Let things happen at Stripe until there are enough, not too far ahead of the storm."""
    while len(moments) < events:
        while storm.backlog > LEAD:
            time.sleep(0.1)
        wave = world.wave(min(WAVE, 1 + (events - len(moments)) // 5))
        moments += wave
        storm.add(wave)


class Chaos:
    """Strikes when a fault's share of the storm is over, undoes what lasts, and hurries the poll and the sync."""

    def __init__(self, scene: Scene, storm: Storm, plan: Plan, report: Report, tell: Callable[[str], None]) -> None:
        self.scene, self.storm, self.report, self.tell = scene, storm, report, tell
        self.draw = Random(f"{plan.seed} faults")
        self.waiting = deque(schedule(faults.possible(scene), plan, self.draw))
        self.lasting: list[tuple[float, Fault, faults.Undo]] = []
        self.deaths: dict[str, deque[float]] = {}
        self.hurry_at = 0.0

    def reign(self, until: Callable[[], bool]) -> None:
        while not until() or self.lasting:
            self._undo_what_is_over()
            self._strike_what_is_due()
            self._hurry()
            self._look()
            time.sleep(0.05)

    def _strike_what_is_due(self) -> None:
        """The storm waits for the fault that is due, but goes on while it strikes: some need work to disturb."""
        postponed = []
        for _ in range(len(self.waiting)):
            due, fault = self.waiting[0]
            if self.storm.share < due:
                break
            self.waiting.popleft()
            self.storm.limit = inf
            if self._may(fault) and self._strike(fault):
                continue
            if fault.is_hang:
                postponed.append((due, fault))
            else:
                self.waiting.append((due, fault))  # another one first
        self.waiting.extendleft(reversed(postponed))
        self.storm.limit = self.waiting[0][0] + 0.02 if self.waiting else inf

    def _may(self, fault: Fault) -> bool:
        if fault.part == "everything" or fault.is_hang:
            return not self.lasting
        if any(other.is_hang for _, other, _ in self.lasting):
            return fault.is_kill  # what else there is speaks to those who may be standing still
        deaths = self.deaths.setdefault(fault.part or "", deque(maxlen=DEATHS))
        is_rare = len(deaths) < DEATHS or time.monotonic() - deaths[0] > WINDOW_SECONDS
        return (is_rare or not fault.part) and all(fault != other for _, other, _ in self.lasting)

    def _strike(self, fault: Fault) -> bool:
        undo = fault.strike(self.scene, self.draw)
        if undo is None:
            return False
        self.report.faults[fault.name] += 1
        self.report.kills += fault.is_kill
        self.report.hangs += fault.is_hang
        self.tell(f"{self.storm.share:4.0%}  {fault.name}")
        self.deaths.setdefault(fault.part or "", deque(maxlen=DEATHS)).append(time.monotonic())
        if fault.lasts:
            self.lasting.append((time.monotonic() + fault.lasts * (0.5 + self.draw.random()), fault, undo))
        return True

    def _undo_what_is_over(self) -> None:
        for until, fault, undo in list(self.lasting):
            if time.monotonic() > until:
                undo()
                self.lasting.remove((until, fault, undo))

    def _hurry(self) -> None:
        if time.monotonic() > self.hurry_at and not self.lasting:
            self.hurry_at = time.monotonic() + HURRY_SECONDS
            with suppress(SQLAlchemyError):
                self.scene.hurry(sync=self.report.plan.syncs_amid)

    def _look(self) -> None:
        """How far mani is behind; and it has to be running, whatever was done to it."""
        assert self.scene.stack.process.poll() is None, f"mani has stopped: {self.scene.stack.said()}"
        if not self.lasting:
            with suppress(SQLAlchemyError):
                self.report.backlog.append(audit.pending(self.scene))


def schedule(possible: list[Fault], plan: Plan, draw: Random) -> list[tuple[float, Fault]]:
    """Kills, hangs and other faults in random order, each as often as its like, and when by the storm's share."""
    chosen = [fault for fault in possible if not plan.names or fault.name in plan.names]
    kills = _in_turn([fault for fault in chosen if fault.is_kill], plan.kills, draw)
    hangs = _in_turn([fault for fault in chosen if fault.is_hang], plan.hangs, draw)
    others = [fault for fault in chosen if not fault.is_kill and not fault.is_hang]
    found = kills + hangs + _in_turn(others, round(plan.kills * OTHERS_PER_KILL), draw)
    mixed = draw.sample(found, len(found))
    return [(LAST_FAULT * (number + draw.random()) / len(mixed), fault) for number, fault in enumerate(mixed)]


def _in_turn(kinds: list[Fault], count: int, draw: Random) -> list[Fault]:
    rounds = itertools.chain.from_iterable(draw.sample(kinds, len(kinds)) for _ in itertools.count())
    return list(itertools.islice(rounds, count)) if kinds else []


def read_log(scene: Scene) -> Counter:
    """How often mani's log speaks of trouble, by the event's name and its error."""
    found = Counter()
    for line in scene.stack.log().splitlines():
        with suppress(ValueError):
            entry = json.loads(line)
            if entry.get("level") not in ("info", "debug"):
                found[" ".join(filter(None, [entry.get("event", "?"), entry.get("error")]))] += 1
    return found


def _list(counts: Counter) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "nothing"
