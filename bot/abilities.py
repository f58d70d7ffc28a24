"""`callboard providers`: every operation and option that each telephony service can express.

Nothing is listed anywhere else: a class can do what it overrides and express what it names, so this cannot disagree
with what Slack offers. docs/providers/README.md holds the same table, kept true by a test.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.operations import operations
from bot.orders import CallOrder, ConferenceOrder, MessageOrder, Order, options
from bot.provider import Provider
from bot.providers import NAMES, provider_class

ORDERS: Mapping[str, tuple[str, type[Order], str]] = {
    "place_call": ("Options of a call", CallOrder, "order_options"),
    "send_message": ("Options of a voice message", MessageOrder, "message_options"),
    "join_conference": ("Options of a conference call", ConferenceOrder, "conference_options"),
}
"""Operation that takes an order -> heading, the order, and where a class names the options that it expresses."""


def abilities(kind: type[Provider]) -> dict[str, Any]:
    """What a service can express, as plain data in the order of the contract."""
    return {
        "title": kind.title,
        "operations": [name for name in operations() if kind.can(name)],
        "rings_first": sorted(kind.rep_phones) if kind.can("place_call") else [],
        **{
            attribute: [name for name in options(order) if name in getattr(kind, attribute)]
            for _, order, attribute in ORDERS.values()
        },
        "presence": dict(kind.presence),
        "webhooks": dict(kind.hook_paths),
    }


def as_json() -> str:
    """All services by name."""
    return json.dumps({name: abilities(provider_class(name)) for name in NAMES}, indent=2, ensure_ascii=False)


def as_text() -> str:
    """All services, one after the other, for a terminal."""
    phrases = operations()
    lines: list[str] = []
    for name in NAMES:
        able = abilities(provider_class(name))
        lines += [f"{able['title']} ({name})", *(f"  can {phrases[operation]}" for operation in able["operations"])]
        for heading, _, attribute in ORDERS.values():
            lines += _wrapped(heading.lower(), able[attribute])
        lines += _wrapped("rings first", able["rings_first"])
        lines += _wrapped("presence", able["presence"].values())
        lines += [f"  webhook {path or 'address'}: {words}" for path, words in able["webhooks"].items()]
        lines.append("")
    return "\n".join(lines[:-1])


def _wrapped(heading: str, words: Iterable[str]) -> list[str]:
    told = [word.replace("_", " ") for word in words]
    return [f"  {heading}: {', '.join(told)}"] if told else []


def as_markdown() -> str:
    """The tables of the docs: a row for each operation and option, a column for each service."""
    kinds = [provider_class(name) for name in NAMES]
    parts = [
        _table("Can", {phrase: [kind.can(name) for kind in kinds] for name, phrase in operations().items()}, kinds)
    ]
    for heading, order, attribute in ORDERS.values():
        rows = {name.replace("_", " "): [name in getattr(kind, attribute) for kind in kinds] for name in options(order)}
        parts.append(_table(heading, rows, kinds))
    return "\n\n".join(parts) + "\n"


def _table(heading: str, rows: Mapping[str, list[bool]], kinds: list[type[Provider]]) -> str:
    lines = [f"| {heading} | {' | '.join(kind.title for kind in kinds)} |", "|---" * (len(kinds) + 1) + "|"]
    lines += [f"| {row} | {' | '.join('yes' if able else '–' for able in cells)} |" for row, cells in rows.items()]
    return "\n".join(lines)
