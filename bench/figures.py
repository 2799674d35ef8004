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

    @property
    def ratio(self) -> float | None:
        return round(self.value / self.floor, 3) if self.floor else None

    def line(self) -> str:
        ratio = f"{self.ratio:>7.2f} x floor" if self.ratio else " " * 15
        return f"{self.benchmark:<8} {self.name:<48} {self.value:>12,.1f} {self.unit:<14} {ratio}  {self.goal}"
