"""What every part works with: settings, store, providers, clock; and the two ways in which things happen.

`ingest()` takes events in; `spawn()` runs slow work after Slack has its acknowledgement.
"""

import asyncio
import logging
import re
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from bot.call import Call
from bot.errors import BadInput, CallboardError, NotFound
from bot.events import AnyEvent
from bot.provider import Provider
from bot.routing import ByLine
from bot.settings import Settings
from bot.store import Database, calls, cards, is_damage, is_of_the_disk, ledger, people
from bot.store.contacts import Contact

log = logging.getLogger("callboard")
DIALS_AT_ONCE = 32
"""So many dials are worked on at the same moment; others wait their turn, acknowledged and written down."""
CUT_OFF_SECONDS = 180
"""After so long what was begun was cut off: an upload to Slack takes three requests of at most 15 s."""
WRITE_AGAIN_SECONDS = 5
"""So long `record()` waits before it tries again."""
SLACK_ITSELF = frozenset({"Slack", "Slack app", "Slack connection"})
"""Problems of that name are Slack's as a whole; others that begin so are of one conversation, or of its calls."""
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)>")
T = TypeVar("T")
_Failed = Callable[[Exception], Coroutine[Any, Any, None]]


@dataclass
class Board:
    """Made once by `bot/assembly.py`, handed to everything.

    Attributes:
        now: seconds since 1970 UTC; tests inject their own.  wake: tells the feed that cards are dirty.
        sleep: waits so many seconds; tests inject their own.
        followers: are told of every call that changed, after the commit; must return at once.
        acting: id of a call -> what is being done to it right now, for its card.
        listed: id of an open call -> when its service was asked last and said that it lives.
        polled: account -> when it last said which calls are active.
        logged: what is broken -> what the log said of it last.
        strangers: account -> the beginning of the day on which somebody from elsewhere last knew the hook secret, and
        costly: rep and the day's beginning -> numbers that they were refused because of the price: see `bot/alarms.py`.
        readable: accounts whose last webhook since the start could be read.
        old_hooks: account -> when a webhook came by an address with the old secret last, since the start.
        heard: account -> when a webhook told of a call's record last.  listening: account -> since when we listen.
        only_logged: account -> when those calls ended of which its log has told what nobody had.
        outrun: account -> how many of these there were at most before a record came by webhook all the same.
        outsiders: Slack users who are known to be no members of the workspace: see `bot/outsiders.py`.
        answer_seconds: how long a service that asks waits for our database, twice at most; the strictest gives up
            after 3 s.
        look_up: whose E.164 number it is, by the contact book or the team's own list; None = only the book knows.
        dials: those of `tasks` that had their turn; the others are counted against nobody.
        waiting: dials whose turn has not come; so a burst, or a phone service that hangs, slows nothing else.
    """

    settings: Settings
    db: Database
    providers: Mapping[str, Provider]
    now: Callable[[], float] = time.time
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    dials: set[asyncio.Task[None]] = field(default_factory=set)
    waiting: "deque[tuple[Coroutine[Any, Any, None], _Failed]]" = field(default_factory=deque)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    followers: list[Callable[[Call], None]] = field(default_factory=list)
    acting: dict[str, str] = field(default_factory=dict)
    listed: dict[str, float] = field(default_factory=dict)
    readable: set[str] = field(default_factory=set)
    old_hooks: dict[str, float] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)
    listening: dict[str, float] = field(default_factory=dict)
    only_logged: dict[str, list[float]] = field(default_factory=dict)
    outrun: dict[str, int] = field(default_factory=dict)
    outsiders: set[str] = field(default_factory=set)
    polled: dict[str, float] = field(default_factory=dict)
    logged: dict[str, str] = field(default_factory=dict)
    strangers: dict[str, float] = field(default_factory=dict)
    costly: dict[tuple[str, float], set[str]] = field(default_factory=dict)
    answer_seconds: float = 1.25
    look_up: Callable[[str], Awaitable[Contact | None]] | None = None

    def __post_init__(self) -> None:
        self.routing = ByLine(self.settings)

    async def read(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function of `bot.store` that only reads."""
        return await self.db.read(lambda db: work(db, *args, **kwargs))

    async def write(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function of `bot.store` in a transaction; durable when it returns. Wakes the feed."""
        result = await self.db.write(lambda db: work(db, *args, **kwargs))
        self.wake.set()
        return result

    async def record(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """As `write()`, of what nobody else knows, such as a provider's answer: tried again until it is on disk.

        What a kill cuts off meanwhile is as if it had come before the answer: unclear.
        """
        told = False
        while True:
            try:
                return await self.write(work, *args, **kwargs)
            except sqlite3.OperationalError as error:  # the disk is full, or away
                if not told:
                    words = "What a phone service told cannot be written down; it is tried again and again: %s"
                    log.error(words, error, exc_info=not is_of_the_disk(error))
                told = True
                await self.sleep(WRITE_AGAIN_SECONDS)

    async def ingest(
        self,
        account: str,
        events: Iterable[AnyEvent],
        *,
        call_id: str = "",
        raw: bytes | None = None,
        late: bool = False,
    ) -> list[calls.Change]:
        """Commit events and all that follows from them. Returns the calls that changed; duplicates change nothing.

        `late`: as in `calls.ingest`.
        """
        told = tuple(events)  # an iterator would be used up if the writer has to run this again
        changes = await self.db.write(
            lambda db: calls.ingest(
                db, account, told, now=self.now(), routing=self.routing, call_id=call_id, raw=raw, late=late
            )
        )
        if changes:
            self.wake.set()
            self.changed(change.call for change in changes)
        return changes

    async def keep(self, account: str, events: Iterable[AnyEvent], *, raw: bytes | None = None) -> None:
        """As `ingest()`, of what is told once only: tried again until it is on disk."""
        told = tuple(events)

        def work(db: sqlite3.Connection) -> list[calls.Change]:
            return calls.ingest(db, account, told, now=self.now(), routing=self.routing, raw=raw)

        self.changed(change.call for change in await self.record(work))

    def changed(self, calls: Iterable[Call]) -> None:
        """These calls have just changed: whoever acts on that begins now."""
        for call in calls:
            for follow in self.followers:
                follow(call)

    def remind_at(self) -> float:
        """When whoever claims a missed caller now is reminded; seconds since 1970 UTC, 0 = never."""
        after = self.routing.remind_after()
        return self.now() + after if after else 0.0

    def turned_away(self, user: str) -> bool:
        """Whether a Slack user is from outside, and the settings do not let them in."""
        policy = self.settings.policy
        let_in = user in policy.guests or user in policy.callers or self.settings.role(user) != "rep"
        return user in self.outsiders and not let_in

    def provider(self, account: str) -> Provider:
        """The provider behind an account.

        Raises:
            BadInput: there is none of that name; names those there are.
        """
        if account not in self.providers:
            known = ", ".join(self.providers)
            raise BadInput(f"There is no telephony account “{account}”, so nothing was done. Choose one of: {known}.")
        return self.providers[account]

    async def call(self, call_id: str) -> Call:
        """A call by our id.

        Raises:
            NotFound: it is not on record any more.
        """
        call = await self.read(calls.get, call_id)
        if call is None:
            raise NotFound("That call is not on record any more. Nothing was done.")
        return call

    def title(self, account: str) -> str:
        """What cards call an account: its service's name, and its own where there are several of that service."""
        provider = self.providers.get(account)
        if provider is None:
            return account
        several = sum(type(one) is type(provider) for one in self.providers.values()) > 1
        return f"{provider.title} ({account})" if several else provider.title

    def zone_of(self, db: sqlite3.Connection, user: str) -> str:
        """IANA zone in which somebody is told moments: their own, as Slack says, else the installation's."""
        return people.person(db, user).zone or self.settings.zone

    async def plainly(self, text: str) -> str:
        """A sentence that was written for a message in Slack, for where Slack shows it as it is: in a form's errors,
        in a file. Our commands as they are called here, names in place of mentions, no marks."""
        names = await self.read(people.people, tuple(_MENTION.findall(text)))
        words = _MENTION.sub(lambda found: names[found[1]].name or "a colleague", self.settings.renamed(text))
        return words.replace("`", "")

    def spawn(
        self,
        work: Coroutine[Any, Any, None],
        failed: _Failed,
        *,
        in_turn: bool = False,
    ) -> None:
        """Run slow work after the acknowledgement; `failed` tells the person. Tracked: stopping waits for it.

        `in_turn`: only `DIALS_AT_ONCE` of these run at the same moment.
        """
        if not in_turn:
            self._start(_told(work, failed))
        elif len(self.dials) < DIALS_AT_ONCE:
            self.dials.add(self._start(_told(work, failed)))
        else:
            self.waiting.append((work, failed))

    async def together(self, works: Iterable[Coroutine[Any, Any, None]], seconds: float) -> None:
        """Do these at the same time, and wait for them at most so long: what takes longer goes on, tracked.

        Raises:
            Exception: what one of those raised that have ended.
        """
        tasks = [asyncio.ensure_future(work) for work in works]
        if not tasks:
            return
        try:
            done, late = await asyncio.wait(tasks, timeout=seconds)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise
        for task in late:
            self.track(task)
        for task in done:
            task.result()

    def track(self, task: "asyncio.Future[Any]") -> None:
        """Wait for this, too, when stopping; its errors are logged."""

        async def follow() -> None:
            await task

        self._start(_told(follow(), _unexpected))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.dials.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A task's own error report failed.", exc_info=error)
        if self.waiting and len(self.dials) < DIALS_AT_ONCE:
            self.dials.add(self._start(_told(*self.waiting.popleft())))

    async def settle(self, seconds: float = 5) -> None:
        """Wait for what is under way, at most so long; then drop the rest (their intents survive in the store)."""
        deadline = time.monotonic() + seconds
        while self.tasks and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(set(self.tasks), timeout=left)
        while self.waiting:
            self.waiting.popleft()[0].close()
        for task in self.tasks:
            task.cancel()

    async def problem(self, key: str, text: str) -> None:
        """Something is broken: remember it, and tell each admin once."""
        now = self.now()

        def note(db: sqlite3.Connection) -> None:
            if ledger.problem(db, key, text, now):
                body = notice(self.settings.renamed(text))
                for admin in self.settings.admins:
                    cards.mark(db, "notice", f"problem:{key}:{now}", f"@{admin}", now, body)

        if self.logged.get(key) != text:  # what stays broken is found out again every few seconds
            self.logged[key] = text
            log.warning("%s: %s", key, text)
        await self.write(note)

    async def solved(self, key: str) -> None:
        """It works again: tell each admin, if they had been told."""
        if not any(found[0] == key for found in await self.read(ledger.problems)):
            if self.logged.pop(key, None) is not None:  # it could not be written down
                log.info("Working again: %s.", key)
            return
        now = self.now()

        def note(db: sqlite3.Connection) -> bool:
            was_broken = ledger.solved(db, key)
            if was_broken:
                for admin in self.settings.admins:
                    cards.mark(db, "notice", f"solved:{key}:{now}", f"@{admin}", now, notice(f"Working again: {key}."))
            return was_broken

        if await self.write(note):
            self.logged.pop(key, None)
            log.info("Working again: %s.", key)

    async def tell(self, user: str, text: str, subject: str, buttons: Iterable[Mapping[str, str]] = ()) -> None:
        """Send a person a message that stays, once per `subject`."""
        body = notice(self.settings.renamed(text), buttons)
        await self.write(cards.mark, "notice", subject, f"@{user}", self.now(), body)

    async def begin_once(self, take: Callable[[sqlite3.Connection], bool], user: str, subject: str, text: str) -> bool:
        """Take the one chance to do something, by `take`; False: it was taken before.

        Unless `done_once()` follows, the person is told `text` in a while, also where a crash cut the work off.
        """

        def begin(db: sqlite3.Connection) -> bool:
            if not take(db):
                return False
            body = notice(self.settings.renamed(text))
            cards.mark(db, "notice", subject, f"@{user}", self.now() + CUT_OFF_SECONDS, body)
            return True

        return await self.write(begin)

    async def done_once(self, user: str, subject: str) -> None:
        """It is done, so there is nothing to tell."""
        await self.write(cards.cancel, "notice", subject, f"@{user}")


async def _unexpected(error: Exception) -> None:
    log.error("Work in the background failed.", exc_info=error)


async def _told(work: Coroutine[Any, Any, None], failed: _Failed) -> None:
    try:
        await work
    except Exception as error:
        await failed(error)


def notice(text: str, buttons: Iterable[Mapping[str, str]] = ()) -> bytes:
    """Body of a notice card."""
    return msgspec.json.encode({"text": text, "buttons": list(buttons)})


DAMAGED = "Callboard's database is damaged ({}). Your admin has to put a backup in its place: docs/deploying.md."


def unexpected(error: Exception) -> str:
    """The one neutral sentence for an error of ours; its id is in the log beside the traceback."""
    if is_of_the_disk(error):  # there is nothing to look up, and the log is on what may be the same disk
        log.warning("Something could not be read or written down: %s", error)
        why = getattr(error, "strerror", "") or error  # without our folders, where it is the system's
        if is_damage(error):
            return DAMAGED.format(why)
        return f"Callboard's disk does not work ({why}). Your admin has to see to it; try again then."
    incident = f"{time.time_ns() & 0xFFFFFFFF:08x}"
    log.error("Incident %s", incident, exc_info=error)
    return f"Something went wrong in Callboard (incident {incident}). Your admin finds the details in the log."


def sentence(error: Exception) -> str:
    """What a person is told about an error."""
    return str(error) if isinstance(error, CallboardError) else unexpected(error)
