"""Flows as they stand in callboard.toml, read."""

import tomllib

from bot.decide import Flow, read


def flows(words: str) -> tuple[Flow, ...]:
    """The `[[flow]]` sections of a TOML text without a mistake in it."""
    found, errors = read(tomllib.loads(words)["flow"])
    assert errors == []
    return found
