"""Asks the providers what their webhooks do not tell: which calls there are, which still live, and how each stands.

Often while a call of an account is open; now and then all the time, so that a call of which no webhook told is seen.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from bot.board import Board, sentence
from bot.call import Call, Leg
from bot.events import AnyEvent, CallEnded, Controlled, LegAlive, LegAnswered, LegEnded, LegEvent, Outcome, State
from bot.provider import Provider
from bot.store import calls, ledger, owners

POLL_SECONDS = 3
IDLE_SECONDS = 15
"""How often an account of which no call is open is asked for its active calls."""
ABSENT_TWICE = 2
"""A call that was seen and is not to be found so often in a row is over; how it ended is told by its record."""

LEARNED = "learned of "
"""How the key begins below which is kept what an account's answers have shown."""


class Poll:
    """One round over all accounts that have an open call of ours, or that were not asked for a while."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.patience: float = POLL_SECONDS  # so long a round waits for a service
        self._busy: set[str] = set()  # accounts that are being asked
        self._absent: dict[tuple[str, str], int] = {}  # (call id, leg or "" = the whole call) -> rounds in a row
        self._consults: dict[str, int] = {}  # call id -> how often in a row its third party, once seen, was absent
        self._lived: dict[str, float] = {}  # call id -> the moment from which on it lives again
        self._begun = False
        self._asked: dict[str, tuple[int, float]] = {}  # call id -> how often asked about, when next
        self._listed_at: dict[str, float] = {}  # account -> when it was asked for its active calls last
        self._learned: dict[str, str] = {}  # account -> what is stored of what its answers have shown

    async def __call__(self) -> None:
        """Whatever goes wrong at one account, the others are polled all the same."""
        open_calls = await self.board.read(calls.open_calls)
        living = {call.id for call in open_calls}
        self._absent = {key: times for key, times in self._absent.items() if key[0] in living}
        self._lived = {call_id: at for call_id, at in self._lived.items() if call_id in living}
        if not self._begun:  # whoever is consulted was seen before the start, or not
            self._consults = {call.id: 0 for call in open_calls if any(call.is_third(leg.name) for leg in call.legs)}
            self._begun = True
        self._consults = {call_id: times for call_id, times in self._consults.items() if call_id in living}
        self._asked = {call_id: asked for call_id, asked in self._asked.items() if call_id in living}
        self.board.listed = {call_id: at for call_id, at in self.board.listed.items() if call_id in living}
        rounds = []
        for account, provider in self.board.providers.items():
            mine = [call for call in open_calls if call.account == account and not self._past(call)]
            if account not in self._busy and (mine or self._idle(provider)):
                self._busy.add(account)
                rounds.append(self._round(account, provider, mine))
        # A service that is slow goes on by itself: the others are asked again meanwhile, and it is not.
        await self.board.together(rounds, self.patience)

    async def _round(self, account: str, provider: Provider, mine: list[Call]) -> None:
        try:
            if provider.can("active_calls"):
                asked = await self._active(provider, mine)
            else:
                asked = provider.can("call_state") and await self._one_by_one(provider, mine)
        except sqlite3.OperationalError:  # the disk's doing, not this account's
            raise
        except Exception as error:  # a bug of ours with this account must not stop the others either
            words = f"{account}: calls could not be asked about. {sentence(error)}"
            await self.board.problem(f"provider {account}", words)
        else:
            if asked:
                await self.board.solved(f"provider {account}")
        finally:
            self._busy.discard(account)

    def _past(self, call: Call) -> bool:
        """Whether nobody has told for so long what became of it that it is no reason to ask often."""
        return call.state is State.UNCLEAR and self.board.now() - call.started_at > owners.ADOPT_SECONDS

    def _idle(self, provider: Provider) -> bool:
        """Whether it is time to ask for calls of which nobody told."""
        asked_at = self._listed_at.get(provider.account, 0.0)
        since = self.board.now() - asked_at  # less than nothing where the clock was set back
        return provider.can("active_calls") and not 0 <= since < IDLE_SECONDS

    async def _active(self, provider: Provider, mine: list[Call]) -> bool:
        """One question about all of them. Returns whether the provider was asked."""
        asked_at = self._listed_at[provider.account] = self.board.now()
        events = await provider.active_calls()
        known = {ref: call for call in mine for ref in call.refs}
        for ref in {event.ref for event in events if isinstance(event, LegAlive)} - known.keys():
            over = await self.board.read(calls.by_ref, provider.account, ref)
            if over is not None and not await self._told_since(asked_at, over):
                known[ref] = over
                self.board.listed[over.id] = self.board.now()  # or it would be found silent before the next answer
        newer = await self._told_since(asked_at, *mine)
        events = tuple(self._told_of(known[event.ref], event) if event.ref in known else event for event in events)
        await self.board.ingest(provider.account, events)
        self.board.polled[provider.account] = self.board.now()
        active = {event.ref for event in events}
        legs = {(event.ref, event.leg) for event in events if isinstance(event, LegEvent)}
        for call in mine:
            if active & set(call.refs):
                self.board.listed[call.id] = self.board.now()
                self._absent.pop((call.id, ""), None)
                await self._missing_phones(call, legs, call.id in newer)
                await self._look_for_third(call, events)
            elif call.guided_at and not call.answered_at:
                continue  # in a menu, on no phone of ours: its record tells the end
            elif call.live and call.legs and call.refs:  # without legs: the provider may be slow to list it
                await self._missing(call, call.id in newer)
        return True

    def _told_of(self, call: Call, event: AnyEvent) -> AnyEvent:
        """An event of a call that is on record: a leg that seemed to be over, and is listed again, lives."""
        event = call.named(event)
        if not isinstance(event, LegAlive):
            return event
        leg = next((leg for leg in call.legs if leg.name == event.leg), Leg(name=event.leg))
        over_at = max(leg.ended_at, call.ended_at)
        recorded = leg.recorded or (call.ended_at and any(one.recorded for one in call.legs))
        if isinstance(event, LegAnswered):
            as_told = not leg.answered_at and event.at > over_at  # it says so by itself
        else:
            # Whoever has talked and is rung again has not picked up again.
            as_told = bool(leg.answered_at) or (not leg.ringing_at and event.at > over_at)
        if not over_at or recorded or as_told:
            return event
        at = max(self.board.now(), over_at + 1)
        self._lived[call.id] = max(at, self._lived.get(call.id, 0.0))
        return msgspec.structs.replace(event, at=at, again=over_at)

    async def _one_by_one(self, provider: Provider, mine: list[Call]) -> bool:
        """A question about each, as often as the provider finds right. Returns whether one was asked."""
        now, any_asked = self.board.now(), False
        for call in mine:
            asked, due_at = self._asked.get(call.id, (0, call.started_at + provider.poll_after(0)))
            if not call.refs or due_at > now:
                continue
            self._asked[call.id] = (asked + 1, now + provider.poll_after(asked + 1))
            any_asked = True
            await self._relearn(provider)
            asked_at = self.board.now()
            events = await provider.call_state(call)
            if events:
                self.board.listed[call.id] = now
                self._absent.pop((call.id, ""), None)
                await self.board.ingest(provider.account, events)
            elif call.live and call.legs:
                await self._missing(call, bool(await self._told_since(asked_at, call)))
            await self._remember(provider)
        return any_asked

    async def _relearn(self, provider: Provider) -> None:
        """Before the first question since the start."""
        if provider.account not in self._learned:
            known = await self.board.read(ledger.recall, LEARNED + provider.account)
            self._learned[provider.account] = known[0] if known else ""
            if known:
                provider.relearn(known[0])

    async def _remember(self, provider: Provider) -> None:
        learned = provider.learned()
        if learned != self._learned[provider.account]:
            await self.board.write(ledger.remember, LEARNED + provider.account, learned, self.board.now())
            self._learned[provider.account] = learned

    async def _missing_phones(self, call: Call, listed: set[tuple[str, str]], newer: bool) -> None:
        """One phone of an incoming call stops ringing or talking while another goes on: webhooks tell that, too.

        `newer`: something was told of the call while the answer was awaited.
        """
        told = {leg for ref, leg in listed if ref in call.refs}
        for ref, leg in _phones(call) if told else ():
            if leg in told:
                self._absent.pop((call.id, leg), None)
            elif not newer and self._gone(call, leg):
                await self.board.ingest(call.account, [self._ended(call, ref, leg)])

    async def _look_for_third(self, call: Call, events: Sequence[AnyEvent]) -> None:
        """Whoever was consulted and is gone: no service tells, and the caller is still on hold."""
        if not call.consulting:
            self._consults.pop(call.id, None)
        elif any(isinstance(one, LegEvent) and one.ref in call.refs and call.is_third(one.leg) for one in events):
            self._consults[call.id] = 0
        elif call.id in self._consults:
            self._consults[call.id] += 1
            if self._consults[call.id] >= ABSENT_TWICE:
                del self._consults[call.id]
                gone = Controlled(at=self.board.now(), by="", action="consult_ended", detail=call.consulting)
                await self.board.ingest(call.account, [gone], call_id=call.id)

    async def _missing(self, call: Call, newer: bool) -> None:
        if not newer and self._gone(call, ""):
            legs = [self._ended(call, ref, leg) for ref, leg in _phones(call)]
            over = CallEnded(ref=call.refs[0], at=self._now(call), absent=True)
            await self.board.ingest(call.account, [*legs, over])

    async def _told_since(self, asked_at: float, *some: Call) -> set[str]:
        """Ids of those of which something came in while the provider was asked: that is newer than the answer."""
        return await self.board.read(lambda db: {one.id for one in some if calls.heard_at(db, one.id) > asked_at})

    def _gone(self, call: Call, leg: str) -> bool:
        """Whether it was absent often enough, this round counted."""
        times = self._absent.pop((call.id, leg), 0) + 1
        if times < ABSENT_TWICE:
            self._absent[call.id, leg] = times
        return times >= ABSENT_TWICE

    def _ended(self, call: Call, ref: str, leg: str) -> LegEnded:
        return LegEnded(ref=ref, at=self._now(call), leg=leg, outcome=Outcome.PENDING)

    def _now(self, call: Call) -> float:
        """Not before what is known of the call: the service's clock may be ahead of ours."""
        lived = self._lived.get(call.id, 0.0)
        return max([self.board.now(), lived, *(max(leg.ringing_at, leg.answered_at) for leg in call.legs)])


def _phones(call: Call) -> list[tuple[str, str]]:
    """(ref, leg) of our extensions that an incoming call is on."""
    if call.direction == "out":
        return []  # the two legs of an order are shown as one view
    return [(call.refs[0], leg.name) for leg in call.legs if leg.extension and not leg.ended_at]
