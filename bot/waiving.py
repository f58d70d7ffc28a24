"""One call against the policy: a manager allows it and says why, or is asked to by whoever wants to place it.

What may be allowed is said by `Refused.waivable` of `bot/rules.py`; for how long, and that it is written down, is seen
to by `bot/dialing.py`. A wish is its ask, which travels in the buttons; that it was decided is on record, so the first
word counts.
"""

import sqlite3

import msgspec

from bot import approval, asking, dialing
from bot.board import Board, notice
from bot.call import Call
from bot.cards import VALUE_LIMIT, plain, rep_words, upper_first, who
from bot.errors import BadInput, NotAllowed
from bot.events import Outcome, State
from bot.intents import Ask
from bot.store import cards, ledger

REASON = 200
"""Characters of a reason."""
_read = msgspec.json.Decoder(Ask)


def read(value: str) -> Ask:
    """The ask in a button.

    Raises:
        BadInput: it is none.
    """
    try:
        return _read.decode(value)
    except msgspec.MsgspecError as error:
        raise BadInput("That button is from an older Callboard. Type `/call` again; nothing was dialled.") from error


async def ask(board: Board, wish: str, wanted: Ask) -> list[str]:
    """Ask everybody who may allow it, each in their own conversation. Returns who that is, Slack user ids.

    `wish`: its id, of the form that was sent; the intent of that name is done.  `wanted.reason`: why.

    Raises:
        NotAllowed: there is nobody to ask.  BadInput: nothing speaks against it any more.
    """
    asked = approval.approvers(board.settings, wanted.rep)
    if not asked:
        raise NotAllowed("There is no manager who could allow it, so nobody was asked and nothing was dialled.")
    wanted = msgspec.structs.replace(wanted, refused_at=board.now())  # what is put on the list meanwhile is not told
    against = await dialing.against(board, wanted)
    if not against:
        raise BadInput("Nothing forbids that call any more, so no manager was asked. Call them again.")
    value = f"{wish} {asking.carried(wanted, VALUE_LIMIT - len(wish) - 1)}"
    text = (
        f"{rep_words(wanted.rep)} asks to call {who(wanted.number, wanted.name)} once.\n{upper_first(against)}\n"
        f"Why: {plain(wanted.reason, REASON)}"
    )
    buttons = [
        {"label": "Allow once", "action_id": "waive:yes", "value": value, "style": "primary", "about": "this call"},
        {"label": "Refuse…", "action_id": "waive:no", "value": value, "about": "this call"},
    ]

    def write(db: sqlite3.Connection) -> None:
        ledger.drop_intent(db, wish)
        ledger.audit(db, board.now(), wanted.rep, "asked to be allowed a call", wanted.number, wanted.reason)
        for user in asked:
            cards.mark(db, "notice", _subject(wish), f"@{user}", board.now(), notice(text, buttons))

    await board.write(write)
    return asked


async def allow(board: Board, user: str, value: str) -> None:
    """*Allow once*: whoever asked gets a button that calls.

    Raises:
        NotAllowed: it is their own, they are no manager, or somebody was faster.
    """
    wish, wanted = _wish(value)
    allowed = msgspec.structs.replace(wanted, allowed_by=user, allowed_at=board.now())
    party = who(wanted.number, wanted.name)
    call = {
        "label": "Call now",
        "action_id": "waive:call",
        "value": asking.carried(allowed),
        "style": "primary",
        "about": wanted.name or wanted.number,
    }
    told = notice(f"{rep_words(user)} allows you to call {party} once, in the next four hours.", [call])
    text = f"{rep_words(user)} allowed {rep_words(wanted.rep)} to call {party}."
    await _decide(board, user, wish, wanted, text, told, _answer(allowed), f"allowed {wanted.rep}")


async def refuse(board: Board, user: str, value: str, why: str) -> None:
    """The call is not placed, and whoever asked is told why.

    Raises:
        NotAllowed: as `allow()`.
    """
    wish, wanted = _wish(value)
    party = who(wanted.number, wanted.name)
    told = notice(f"{rep_words(user)} did not allow the call to {party}: {plain(why, REASON)}")
    text = f"{rep_words(user)} did not allow {rep_words(wanted.rep)} to call {party}: {plain(why, REASON)}"
    await _decide(board, user, wish, wanted, text, told, f"waived:{wish}", f"did not allow {wanted.rep}: {why}")


async def used(board: Board, ask: Ask, call: Call) -> None:
    """The call was asked for, and that word is used up: the button for it goes."""
    fate = ", and you did."
    if call.outcome in (Outcome.NOT_PLACED, Outcome.REFUSED):
        fate = ", but it was not placed. To try again, ask once more: call them, and press *Ask a manager…*."
    elif call.state is State.UNCLEAR:
        fate = ". Whether it was placed is unclear: its card asks you."
    told = notice(f"{rep_words(ask.allowed_by)} allowed you to call {who(ask.number, ask.name)} once{fate}")

    def write(db: sqlite3.Connection) -> None:
        for place in cards.places(db, "notice", _answer(ask)):
            cards.mark(db, "notice", _answer(ask), place, board.now(), told)

    await board.write(write)


async def _decide(
    board: Board, user: str, wish: str, wanted: Ask, text: str, told: bytes, answer: str, noted: str
) -> None:
    """`text`: for all managers, in place of the question.  `told`: for whoever asked, as the card `answer`.  `noted`:
    for the audit log, as it was said: what is drawn of that is made harmless there."""
    now = board.now()

    def write(db: sqlite3.Connection) -> bool:
        if not ledger.take_once(db, _subject(wish), user, "waiving", now):
            return False
        for place in cards.places(db, "notice", _subject(wish)):
            cards.mark(db, "notice", _subject(wish), place, now, notice(text))
        cards.mark(db, "notice", answer, f"@{wanted.rep}", now, told)
        ledger.audit(db, now, user, "decided on a call", wanted.number, noted)
        return True

    _check_person(board, user, wanted)
    if not await board.write(write):
        raise NotAllowed(approval.DECIDED)


def _check_person(board: Board, user: str, wanted: Ask) -> None:
    if user == wanted.rep:
        raise NotAllowed("You asked for this call yourself, so somebody else has to decide. Nothing was done.")
    if board.settings.role(user) == "rep":
        raise NotAllowed("Only managers decide on such a call. Nothing was done; ask one of them.")


async def check(board: Board, user: str, value: str) -> None:
    """Whether a word of theirs would count now, before they write it.

    Raises:
        NotAllowed: as `allow()`.
    """
    wish, wanted = _wish(value)
    _check_person(board, user, wanted)
    if await board.read(ledger.intent, _subject(wish)) is not None:
        raise NotAllowed(approval.DECIDED)


def _wish(value: str) -> tuple[str, Ask]:
    wish, _, wanted = value.partition(" ")
    return wish, read(wanted)


def _answer(allowed: Ask) -> str:
    return f"waived:{allowed.rep}:{allowed.allowed_at}"


def _subject(wish: str) -> str:
    return f"waiving:{wish}"
