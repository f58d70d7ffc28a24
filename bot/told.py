"""What was told of a call, in the one order in which it is read, by kind and by leg. Pure."""

from collections.abc import Iterable
from typing import Any, TypeVar

from bot.events import AnyEvent, Event, LegEvent

_E = TypeVar("_E", bound=AnyEvent)
_NONE: list[Any] = []


def in_order(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """In canonical order, repeats left out: they are neighbours now, and cheaper to compare than to hash."""
    ordered: list[AnyEvent] = []
    for event in sorted(events, key=place):
        if not ordered or ordered[-1] != event:
            ordered.append(event)
    return ordered


def place(event: Event) -> tuple[float, str, object]:
    """Where it stands in that order: by time, and by what it says where two are of the same moment."""
    return event.at, event.key, event.__struct_config__.tag


class Told:
    """Events by kind, each kind in canonical order, and leg events by leg: sorted once, asked often."""

    def __init__(self, ordered: list[AnyEvent]) -> None:
        self._by_kind: dict[type, list[Any]] = {}
        self.legs: dict[str, list[LegEvent]] = {}
        for event in ordered:
            self._by_kind.setdefault(type(event), []).append(event)
            if isinstance(event, LegEvent):
                self.legs.setdefault(event.leg, []).append(event)

    def all(self, kind: type[_E]) -> list[_E]:
        """Those of a kind; only to be read."""
        return self._by_kind.get(kind, _NONE)

    def first(self, kind: type[_E]) -> _E | None:
        """The first of a kind, None = there is none."""
        found: list[_E] | None = self._by_kind.get(kind)
        return found[0] if found else None

    def last(self, kind: type[_E]) -> _E | None:
        """The last of a kind, None = there is none."""
        found: list[_E] | None = self._by_kind.get(kind)
        return found[-1] if found else None

    def any(self, *kinds: type[AnyEvent]) -> bool:
        """Whether there is one of these kinds."""
        return not self._by_kind.keys().isdisjoint(kinds)
