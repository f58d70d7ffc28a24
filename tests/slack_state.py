"""What the fake Slack remembers, and how it says no. Times are seconds since 1970 UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Clock:
    """A clock that stands still until it is told otherwise. Calling it gives seconds since 1970 UTC."""

    def __init__(self, now: float = 1_770_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Message:
    """A message as people see it now.

    Attributes:
        ts: its id within the channel.  author: user id.  thread_ts: "" = not in a thread.
        updates: what it was before each change, oldest first.  files: ids of what it carries.
    """

    ts: str
    text: str
    blocks: tuple[Any, ...]
    metadata: Mapping[str, Any]
    author: str
    thread_ts: str = ""
    updates: tuple["Message", ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ephemeral:
    """What one person alone sees in a channel, until they reload."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: tuple[Any, ...]


@dataclass(frozen=True)
class View:
    """An open modal, or a person's Home tab, as it looks now.

    Attributes:
        view: what the bot sent, with a block_id for every block.  updates: what it was before, oldest first.
    """

    id: str
    user: str
    hash: str
    view: Mapping[str, Any]
    updates: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Channel:
    """A conversation. Tests change it as people would: archive it, remove the bot, add members."""

    id: str
    name: str
    private: bool = False
    im: bool = False
    archived: bool = False
    shared: bool = False
    """With another company."""
    bot_is_member: bool = True
    members: set[str] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)


@dataclass
class User:
    id: str
    name: str
    tz: str = "Europe/London"
    is_admin: bool = False
    deleted: bool = False
    guest: bool = False
    bot: bool = False
    team: str = ""
    """Of another company that shares a channel with us; "" = of this workspace."""
    rests: tuple[float, float] = (1, 1)
    """From and until when this person's notifications are paused by their hours."""


@dataclass
class NativeCall:
    """A call object of calls.add. `users`: as calls.add takes them.  duration: seconds, None = not told."""

    id: str
    external_id: str
    title: str
    join_url: str
    users: list[Mapping[str, str]]
    ended: bool = False
    duration: int | None = None


@dataclass
class Trigger:
    user: str
    minted_at: float
    used: bool = False


@dataclass
class ResponseUrl:
    """Where the bot may answer one command or click.

    Attributes:
        original: ts of the message or ephemeral that was clicked, "" for a command.
    """

    user: str
    channel: str
    original: str
    minted_at: float
    uses: int = 0


@dataclass(frozen=True)
class ApiRequest:
    """One call of the Web API. `outcome`: "ok", Slack's error code, or the fault that was ordered."""

    method: str
    arguments: Mapping[str, Any]
    at: float
    outcome: str


class SlackError(Exception):
    """Slack says no: the error code and what else the answer holds."""

    def __init__(self, code: str, *messages: str, **more: Any) -> None:
        super().__init__(code, *messages)
        self.code = code
        self.answer = {"ok": False, "error": code, **more}
        if messages:
            self.answer["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in messages]}


class RateLimited(SlackError):
    def __init__(self, seconds: int) -> None:
        super().__init__("ratelimited")
        self.seconds = seconds
