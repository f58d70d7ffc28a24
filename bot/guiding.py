"""What a phone service is answered that asks about a call: who is calling, or what is to be done with it.

`decide.py` knows the rules; here is what they need to be told, and what becomes of a rule that fails.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from bot import decide, permission
from bot.board import Board
from bot.call import Call
from bot.errors import CallboardError
from bot.events import AnyEvent, Guided, State
from bot.hooks import Answer, Question, Reply, Step
from bot.provider import Provider
from bot.store import calls, ledger, lookups, people

log = logging.getLogger("callboard.guiding")

PROBLEM = "flow"
"""Under which the admins hear of a rule that failed; mended with the next start, which reads the rules anew."""
LOOKUP_SECONDS = 0.5
"""How long who asks waits for the team's own list, besides `Board.answer_seconds` for the database twice."""
GROUP = "usergroup "
"""What facts about Slack user groups are kept under; the group's id follows."""
T = TypeVar("T")


async def respond(
    board: Board, provider: Provider, question: Question, events: tuple[AnyEvent, ...]
) -> tuple[Reply, tuple[AnyEvent, ...]]:
    """The reply, and the webhook's events with what was decided among them.

    The caller is on the line: a rule that fails, or a step that the service cannot be told, is answered with the
    service's own default, and the admins hear of it.
    """
    if question.asks == "who":
        return provider.write_answer(question, await _contact(board, question)), events
    step: Step | None = None
    try:
        step = await _next(board, question, provider.account)
        reply = provider.write_answer(question, Answer(step=step))
    except Exception as error:
        log.exception("A flow failed.")
        where = f" at its step “{step.name}”" if step is not None else ""
        words = str(error) if isinstance(error, CallboardError) else "The log says where."
        text = f"A flow of callboard.toml failed{where}, so {provider.title} went on as it is set up there. {words}"
        board.spawn(board.problem(PROBLEM, text), _logged)
        step, reply = None, provider.write_answer(question, Answer())
    if not events or not question.ref:
        return reply, events  # the service names no call, or leaves it to other webhooks to tell of it
    said = Guided(
        ref=question.ref,
        at=board.now(),
        asked=">".join((question.previous, question.step, *question.tried)),
        digits=question.digits,
        does=decide.word(step),
        step=step.name if step is not None else "",
        tried=len(question.tried),
    )
    return reply, (*events, said)


async def _contact(board: Board, question: Question) -> Answer:
    contact = await _soon(board, None, lookups.known, question.number)
    if contact is None and board.look_up is not None:
        try:
            contact = await asyncio.wait_for(board.look_up(question.number), LOOKUP_SECONDS)
        except TimeoutError:
            pass  # too late for this answer is in time for the card
        except Exception:  # a bug of ours: a name is not worth the webhook that asks for it
            log.exception("A caller could not be looked up.")
    if contact is None:
        return Answer()
    url = board.settings.contact_url.replace("{number}", question.number.lstrip("+"))
    return Answer(contact.name, contact.company, url)


async def _next(board: Board, question: Question, account: str) -> Step | None:
    named = decide.mentioned(board.settings.flows)
    nobody: dict[str, tuple[str, ...]] = dict.fromkeys(named, ())
    reach = await _soon(board, nobody, _phones, board, named, account) if named else nobody
    now = decide.local(board.now(), board.settings.zone)
    return decide.decide(question, board.settings.flows, now, reach)


async def _soon(board: Board, otherwise: T, work: Callable[..., T], *args: Any) -> T:
    """What the database says, or `otherwise` where it does not say it in time."""
    try:
        return await asyncio.wait_for(board.read(work, *args), board.answer_seconds)
    except (TimeoutError, sqlite3.Error):
        log.warning("The database did not answer in time, so a question was answered without it.", exc_info=True)
        return otherwise


async def _logged(error: Exception) -> None:
    log.error("A problem could not be noted.", exc_info=error)


def _phones(db: sqlite3.Connection, board: Board, named: frozenset[str], account: str) -> dict[str, tuple[str, ...]]:
    """What is dialled for whom flows name: a person's phone, or those of a group who are on no call right now."""
    found: dict[str, tuple[str, ...]] = {}
    busy: set[str] | None = None
    for mention in named:
        if mention.startswith("@S"):
            busy = _busy(db) if busy is None else busy
            members = [user for user in members_of(db, mention[1:]) if user not in busy]
        else:
            members = [mention[1:]]
        found[mention] = tuple(phone for user in members if (phone := _phone(db, board, user, account)))
    return found


def _phone(db: sqlite3.Connection, board: Board, user: str, account: str) -> str:
    """What that account can dial to reach them, "" = nothing that it can, or may."""
    person = people.person(db, user)
    codes: tuple[str, ...] = ()
    if person.phone_kind == "extension" and person.account in ("", account):  # another service cannot dial it
        codes = (person.extension, person.phone)
    elif person.phone_kind == "number":
        codes = (person.phone,)
    if board.turned_away(user):
        return ""
    return next((code for code in codes if code and permission.may_be_rung(board, code)), "")


def _busy(db: sqlite3.Connection) -> set[str]:
    return {call.rep for call in calls.open_calls(db) if _on_the_line(call)}


def _on_the_line(call: Call) -> bool:
    """An incoming call that only rings at somebody's phone keeps nobody from another."""
    return call.live and (call.direction == "out" or call.state is State.TALKING)


def members_of(db: sqlite3.Connection, group: str) -> tuple[str, ...]:
    """Slack users of a user group as last read from Slack (`handlers/groups.py`); () = never read."""
    known = ledger.recall(db, GROUP + group)
    return tuple(json.loads(known[0])) if known else ()
