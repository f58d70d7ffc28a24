"""Call lists: a table of contacts becomes a list, which is given out to reps, paused, resumed, stopped.

What a rep sees of it, one contact after the other, is in `bot/offers.py`.
"""

import hashlib
import re
import sqlite3
from collections.abc import Callable, Sequence

from bot import approval, judging, offers, tables
from bot.board import Board, notice
from bot.cards import plain
from bot.cards.calling_list import contacts
from bot.cards.calling_list_forms import MOST_REPS, NAME_LENGTH
from bot.errors import BadInput, NotAllowed, NotFound
from bot.store import calling_lists as store
from bot.store import cards, ledger, people
from bot.store import offers as turns
from bot.store.calling_lists import CallingList, ListState

MOST_ROWS = 20_000
"""Ours: so many come into the database in one commit of a few tenths of a second, for which webhooks can wait."""
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_FOR = re.compile(
    # What was read is not given back (++): else a text that fits in no way is read in all ways there are.
    rf"(?P<name>.*?)\bfor\s++(?P<reps>(?:{_MENTION.pattern}|@\S++|[\s,]|\band\b)++)",
    re.IGNORECASE | re.DOTALL,
)
_UNUSED = ("caller_id", "caller_name")
"""Columns that campaigns have a use for: a rep calls from their own line."""
_GONE = "That call list is not on record any more. Nothing was done."
_DECIDED = "That was decided before, so nothing was done a second time. Look at the list's card."


def read_words(text: str) -> tuple[str, tuple[str, ...]]:
    """(name, Slack user ids) of what follows `/campaign calllist`: "Autumn offers for <@U1|dana> <@U2>".

    Raises:
        BadInput: somebody did not arrive as a mention, or is a group or channel.
    """
    if re.search(r"<(?:!subteam\^|#)[^<>]*>", text):
        raise BadInput(
            "A list is for people, not for groups or channels, so nothing was done. Pick them from Slack's list."
        )
    named = _FOR.fullmatch(text.strip())
    name, people_text = (named["name"], named["reps"]) if named else (text, "")
    if stray := re.search(r"(?<!<)@\S+", people_text):
        raise BadInput(
            f"“{stray[0][:40]}” did not arrive as a mention, so nothing was done. Pick the person from Slack's list."
        )
    name = " ".join(re.sub('<[^<>]*>|[<>“”„«»"]', " ", name).split())
    return name[:NAME_LENGTH], tuple(dict.fromkeys(_MENTION.findall(people_text)))


def check_reps(board: Board, user: str, reps: Sequence[str]) -> tuple[str, ...]:
    """Who is to call from a list of `user`; nobody named = they themselves.

    Raises:
        NotAllowed: a rep makes lists for themselves only.  BadInput: too many, or a guest.
    """
    reps = tuple(dict.fromkeys(reps)) or (user,)
    _check_own(board, user, reps)
    if len(reps) > MOST_REPS:
        raise BadInput(f"More than {MOST_REPS} people cannot call from one list. Nothing was done; make several.")
    if away := [f"<@{rep}>" for rep in reps if board.turned_away(rep)]:
        raise BadInput(
            f"{', '.join(away)} may not use Callboard, being from outside: a guest, or of another company. Nothing was "
            "done; choose members of your workspace."
        )
    return reps


def _check_own(board: Board, user: str, reps: Sequence[str]) -> None:
    if board.settings.role(user) == "rep" and tuple(reps) != (user,):
        raise NotAllowed(
            "Only managers may give call lists to others, so nothing was done. Leave out “for” to make one for "
            "yourself, or ask a manager."
        )


async def prepare(
    board: Board, user: str, name: str, reps: Sequence[str], data: bytes, source: str, asking: str, tries: int = 1
) -> CallingList:
    """Read a table and show what is in it; nobody is called.

    `asking`: the same for the same asking, done once.  `tries`: how often whoever is not reached is called, in all.

    Raises:
        NotAllowed: not for those reps, or this was asked before.  BadInput: the table cannot be used; says why.
    """
    reps = check_reps(board, user, reps)
    checked = await judging.read(data, await judging.plan(board, user))
    if len(checked.pieces) * tables.PIECE > MOST_ROWS:
        raise BadInput(f"The file has more than {MOST_ROWS:,} rows, so nothing was read. Cut it into several files.")
    notes = judging.notes(checked)
    if unused := [column.replace("_", " ") for column in _UNUSED if column in checked.columns]:
        notes.append(f"Not used: {', '.join(unused)}. Each rep calls from their own line.")
    list_id = hashlib.blake2s(asking.encode(), digest_size=10).hexdigest()
    new = CallingList(list_id, name, source[:200], user, board.now(), "preview", notes="\n".join(notes), tries=tries)

    def write(db: sqlite3.Connection) -> bool:
        if not store.create(db, new, reps, checked.pieces):
            return False
        told = ", ".join(f"{count} {state}" for state, count in sorted(store.counts(db, list_id).items()))
        ledger.audit(db, board.now(), user, "make call list", name, f"for {', '.join(reps)}: {told}")
        return True

    if not await board.write(write):
        raise NotAllowed("That was sent before, so it was not read a second time. Its card is in your conversation.")
    return new


async def give_out(board: Board, user: str, list_id: str) -> None:
    """*Give out N contacts*: each rep has the first one before them. A large list waits for a second manager first,
    unless somebody made it for themselves.

    Raises:
        NotAllowed: it is not theirs, was decided before, or nobody else could say yes, or it is for others and they are
            no manager (any more).  NotFound: it is gone.
    """
    found = await own(board, user, list_id)
    now = board.now()

    def write(db: sqlite3.Connection) -> bool:
        count = store.counts(db, list_id).get("ready", 0)
        reps = [rep.user for rep in store.reps(db, list_id)]
        _check_own(board, user, reps)
        hold = approval.needed(board.settings, count) and reps != [found.by]
        if hold:
            approval.check_anybody(board.settings, found.by)
        if not count or not store.move(db, list_id, ("preview",), "asked" if hold else "running", now):
            return False
        told = f"{contacts(count)} for {', '.join(reps)}"
        ledger.audit(db, now, user, "give out call list", found.name, f"{told}, waits for approval" if hold else told)
        if hold:
            rows = store.some(db, list_id, "ready", approval.SHOWN)
            first = [(call.number, call.name) for *_, call in rows if call]
            whom = ", ".join(f"<@{rep}>" for rep in reps)
            what = f"{plain(found.name)} ({contacts(count)}, from {plain(found.source)})"
            wish = f"give out the call list {what} to {whom}."
            approval.ask(db, board, "calllist", list_id, found.by, f"{wish}\nTo {approval.some(first, count)}.")
        else:
            _begin(db, board, list_id, now)
        return True

    if not await board.write(write):
        raise NotAllowed(_DECIDED)


def _begin(db: sqlite3.Connection, board: Board, list_id: str, now: float) -> None:
    if any(store.counts(db, list_id).get(state) for state in store.REFUSED):
        store.want_report(db, list_id)
    for rep in store.reps(db, list_id):
        turns.show(db, rep, now)
        offers.hand_out(db, board, list_id, rep.user)


async def approve(board: Board, user: str, list_id: str) -> None:
    """A second manager says yes: it is given out.

    Raises:
        NotAllowed: it is their own, they are no manager, or somebody was faster.  NotFound: it is gone.
    """
    found = await get(board, list_id)
    now = board.now()

    def write(db: sqlite3.Connection) -> bool:
        count = store.counts(db, list_id).get("ready", 0)
        if not store.move(db, list_id, ("asked",), "running", now):
            return False
        ledger.audit(db, now, user, "approve call list", found.name, contacts(count))
        told = f"<@{user}> approved <@{found.by}>'s call list {plain(found.name)} ({contacts(count)}). It is given out."
        approval.close(db, board, list_id, told)
        _begin(db, board, list_id, now)
        return True

    await approval.decide(board, user, found.by, write)


async def refuse(board: Board, user: str, list_id: str, why: str) -> None:
    """A second manager says no: nobody is called.

    Raises:
        NotAllowed: it is their own, they are no manager, or somebody was faster.  NotFound: it is gone.
    """
    found = await get(board, list_id)
    now = board.now()

    def write(db: sqlite3.Connection) -> bool:
        words = f"<@{user}> did not approve it: {why}"
        if not store.move(db, list_id, ("asked",), "dropped", now, words=words):
            return False
        store.forget_rows(db, list_id)
        ledger.audit(db, now, user, "refuse call list", found.name, why)
        approval.close(db, board, list_id, f"<@{user}> refused <@{found.by}>'s call list {plain(found.name)}: {why}")
        told = f"<@{user}> did not approve your call list {plain(found.name)}, so nobody is called: {why}"
        cards.mark(db, "notice", f"refused:{list_id}", f"@{found.by}", now, notice(told))
        return True

    await approval.decide(board, user, found.by, write)


async def drop(board: Board, user: str, list_id: str) -> None:
    """*Discard*: what was read is forgotten. Raises as `give_out()`."""
    found = await own(board, user, list_id)

    def end(db: sqlite3.Connection, now: float) -> None:
        store.forget_rows(db, list_id)
        approval.close(db, board, list_id, f"<@{user}> took the call list {plain(found.name)} back; nobody was called.")

    await _switch(board, user, found, ("preview", "asked"), "dropped", "discard call list", end)


async def pause(board: Board, user: str, list_id: str) -> None:
    """*Pause*: nobody gets the next contact; who was before a rep is free again. Raises as `give_out()`."""
    found = await own(board, user, list_id)

    def end(db: sqlite3.Connection, now: float) -> None:
        for row in _held(db, list_id):
            offers.release(db, row, now)

    await _switch(board, user, found, ("running",), "paused", "pause call list", end, f"<@{user}> paused it.")


async def resume(board: Board, user: str, list_id: str) -> None:
    """*Resume*. Raises as `give_out()`."""
    found = await own(board, user, list_id)

    def begin(db: sqlite3.Connection, now: float) -> None:
        _check_own(board, user, [rep.user for rep in store.reps(db, list_id)])
        for rep in store.reps(db, list_id):
            offers.hand_out(db, board, list_id, rep.user)

    await _switch(board, user, found, ("paused",), "running", "resume call list", begin)


async def stop(board: Board, user: str, list_id: str) -> None:
    """*Stop*: nobody more of it is called; a call that runs goes on. Raises as `give_out()`."""
    found = await own(board, user, list_id)

    def end(db: sqlite3.Connection, now: float) -> None:
        for row in _held(db, list_id):
            if not offers.release(db, row, now):
                turns.settle(db, row, "done", "", now)

    await _switch(board, user, found, ("running", "paused"), "stopped", "stop call list", end, f"<@{user}> stopped it.")


def _held(db: sqlite3.Connection, list_id: str) -> list[turns.Offer]:
    """Whom its reps have before them."""
    held = (turns.held(db, list_id, rep.user) for rep in store.reps(db, list_id))
    return [row for row in held if row is not None]


async def _switch(
    board: Board,
    user: str,
    found: CallingList,
    before: Sequence[ListState],
    after: ListState,
    what: str,
    then: Callable[[sqlite3.Connection, float], None],
    words: str = "",
) -> None:
    now = board.now()

    def write(db: sqlite3.Connection) -> bool:
        if not store.move(db, found.id, before, after, now, words=words):
            return False
        then(db, now)
        ledger.audit(db, now, user, what, found.name)
        return True

    if not await board.write(write):
        raise NotAllowed(_DECIDED)


async def get(board: Board, list_id: str) -> CallingList:
    """A list.

    Raises:
        NotFound: it is gone.
    """
    found = await board.read(store.get, list_id)
    if found is None:
        raise NotFound(_GONE)
    return found


async def own(board: Board, user: str, list_id: str) -> CallingList:
    """A list that somebody made, or may change as a manager. Raises as `give_out()`."""
    found = await get(board, list_id)
    if found.by != user and board.settings.role(user) == "rep":
        raise NotAllowed("Only whoever made the list, or a manager, can do that. Nothing was done.")
    return found


def unlinked(db: sqlite3.Connection, reps: Sequence[str]) -> list[str]:
    """Those of them whose phone is not linked, so that they cannot call."""
    return [rep for rep in reps if not people.person(db, rep).linked]


def shown_to(board: Board, user: str, found: CallingList, reps: Sequence[str]) -> bool:
    """Whether a list is among those that `/campaign calllist` shows somebody: theirs, or all to managers."""
    return board.settings.role(user) != "rep" or user == found.by or user in reps
