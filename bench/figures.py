"""One measured figure, with its floor where it was measured side by side with one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`floor` is the same work without mani's part, in the same unit; `goal` says what would be good, in words."""

    benchmark: str
    name: str
    value: float
    unit: str
    floor: float | None = None
    goal: str = ""
    is_met: bool | None = None  # None: nobody decided, or there is no goal

    @property
    def ratio(self) -> float | None:
        return round(self.value / self.floor, 3) if self.floor else None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "missed", None: ""}[self.is_met]

    def line(self) -> str:
        ratio = f"{self.ratio:>7.2f} x floor" if self.ratio else " " * 15
        value = f"{self.value:>12,.2f}" if self.value < 10 else f"{self.value:>12,.1f}"
        return f"{self.benchmark:<8} {self.name:<50} {value} {self.unit:<13} {ratio}  {self.goal:<14} {self.verdict}"
