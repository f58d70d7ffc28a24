"""What goes on right now: active calls, queues, extensions.

Sources: "API Documentation" rev. 3.2, chapters 7 and 8; https://www.voicenter.com/API/Active-Calls.
"""

import math

import httpx
import msgspec
from typing_extensions import override

from bot import loose
from bot.errors import Refused, Unavailable
from bot.events import AnyEvent, Described, LegRinging
from bot.orders import Extension, QueueCaller
from bot.provider import LIMITED, patience, reason

from . import progress
from .account import Account
from .fields import Fields, phone
from .replies import answered

EXTENSIONS_CALLS = "/comet/API/GetExtensionsCalls"
QUEUES_CALLERS = "/comet/API/GetQueuesCallers"
EXTENSIONS = "/Comet/api/GetExtensions"


class Monitor(Account):
    """Chapters 7 and 8. The real-time feed of chapter 9 is a script for browsers: asking tells the same."""

    _quiet_until = 0.0

    @override
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        """What every extension of the account is in, and who waits in its queues. Chapters 7.1 and 7.2.

        A caller who waits, or is between two extensions, is on no extension; what it means: `progress.py`.
        """
        extensions = await self._ask(self._with_code(EXTENSIONS_CALLS))
        waiting = await self.queue_callers()
        now = self.clock()
        return (*extension_events(extensions, now, self.region), *queue_events(waiting, now))

    @override
    async def queue_callers(self) -> tuple[QueueCaller, ...]:
        """GetQueuesCallers. Chapter 7.2."""
        return queue_callers(await self._ask(self._with_code(QUEUES_CALLERS)), self.region)

    @override
    async def extensions(self, everything: bool = False) -> tuple[Extension, ...]:
        """GetExtensions, and what each is doing. Chapters 8 and 7.1.

        An empty list is also all that Voicenter answers to a wrong code.
        """
        found = await self._listed(everything)
        if not found:
            return ()
        try:
            active = await self._ask(self._with_code(EXTENSIONS_CALLS))
        except (Refused, Unavailable):
            return found  # they are listed all the same
        doing = {row.text("username"): row for row in active.rows("extensions")}
        return tuple(_doing(one, doing.get(one.code)) for one in found)

    async def _listed(self, everything: bool = False) -> tuple[Extension, ...]:
        # The document writes showAll=0 in its example and true and false beside it.
        form = {"code": self.values["code"], "showAll": "true" if everything else "0"}
        reply = await self._ask(self.post("monitor_url", EXTENSIONS, form))
        return tuple(_extension(row) for row in reply.rows("extensions"))

    @override
    async def check(self) -> str:
        """Count the extensions.

        Raises:
            Refused: also for an empty list, which is all that Voicenter answers to a wrong code.
        """
        count = len(await self._listed())
        if not count:
            raise Refused(
                "Voicenter lists no extensions; the code may be wrong, for it answers a wrong one just like this. "
                f"Check {self.account.upper()}_CODE."
            )
        return f"Voicenter knows this account: {count} extension{'' if count == 1 else 's'}."

    def _with_code(self, path: str) -> httpx.Request:
        return self.get("monitor_url", path, ("code", self.values["code"]))

    async def _ask(self, request: httpx.Request) -> Fields:
        """The reply.

        Raises:
            Refused: the code is wrong.  Unavailable: asked too often, an internal error, or the reply cannot be read.
        """
        now = self.clock()
        if now < self._quiet_until:
            left = round(self._quiet_until - now)
            raise Unavailable(f"{self.title} is asked nothing for {left} s: it lets no more through.")
        response = await self.send(request)
        if response.status_code == LIMITED:
            self._quiet_until = now + patience(response, now)
        reply, error = answered(response, "err", self.account, "MONITOR_URL")
        words = reply.text("desc")
        if error == 1:
            sentence = f"Voicenter refused: {reason(words)}. Check {self.account.upper()}_CODE."
            raise Refused(sentence, code="1", words=words)
        if error:
            raise Unavailable(f"Voicenter could not answer: {reason(words)}. Try again in a minute.")
        return reply


def extension_events(reply: Fields, seen_at: float, region: str) -> tuple[AnyEvent, ...]:
    """Events of all calls in a GetExtensionsCalls reply."""
    found: list[AnyEvent] = []
    for extension in reply.rows("extensions"):
        for call in extension.rows("calls"):
            found += progress.events(progress.sighting(call, "poll", extension, seen_at, region))
    return tuple(found)


def queue_callers(reply: Fields, region: str) -> tuple[QueueCaller, ...]:
    """Everybody in a GetQueuesCallers reply, longest first. `since` 0 = not told."""
    waiting = [
        QueueCaller(
            queue=queue.text("name") or queue.text("id"),
            queue_id=queue.text("id"),
            number=phone(caller.text("phone"), region),
            ref=caller.text("callid"),
            since=caller.epoch("jointime"),
        )
        for queue in reply.rows("queues")
        for caller in queue.rows("callers")
    ]
    return tuple(sorted(waiting, key=lambda caller: caller.since or math.inf))


def queue_events(waiting: tuple[QueueCaller, ...], seen_at: float) -> tuple[AnyEvent, ...]:
    """The queue is the leg that rings, as in the record of a caller whom nobody answered."""
    found: list[AnyEvent] = []
    for caller in waiting:
        if not caller.ref:
            continue
        leg, at = f"queue:{caller.queue}", loose.happened(caller.since, seen_at)
        described = Described(
            ref=caller.ref, at=at, source=f"poll:{leg}", direction="in", number=caller.number, queue=caller.queue
        )
        found += (described, LegRinging(ref=caller.ref, at=at, leg=leg))
    return tuple(found)


def _doing(extension: Extension, row: Fields | None) -> Extension:
    if row is None:
        return extension
    person, device = row.text("representative"), row.text("peerstatus")
    return msgspec.structs.replace(extension, person=person, device=device, busy=bool(row.rows("calls")))


def _extension(row: Fields) -> Extension:
    return Extension(
        code=row.text("sip"),
        name=row.text("name"),
        speed_dial=row.text("speeddial"),
        owner=row.text("accountname"),
        owner_id=row.text("accountid"),
        email=row.text("useremail"),
    )
