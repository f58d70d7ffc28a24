"""The controls of a running call: buttons on its card, and the forms that some of them open."""

import re
from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncApp

from bot import asking, conducting, permission, policy, slack_text, who
from bot.call import Call, Leg
from bot.cards import Block, plain
from bot.cards.controls import choice_modal, keypad_modal, party_modal, play_modal
from bot.controlling import BRINGS_IN, bring_in, check_not_there, check_person, control, provider_of
from bot.errors import Ambiguous, BadInput, CallboardError, NeedsConsent
from bot.events import CUSTOMER, REP, THIRD
from bot.namesakes import Choice, ambiguous
from bot.numbers import pretty
from bot.orders import Prompt, Speech
from bot.provider import Provider
from bot.store import calls, ledger, people
from handlers import Click, Desk, First, Handler, on_actions, on_form, open_slowly, recordings
from handlers.calls import answer_key, write_answer

KEYS = frozenset("0123456789*#")
SHOWN_KEYS = 4
"""More are counted only, in the thread and in the log: they may be a PIN or the number of a card."""
_PARTY = ("consult", "transfer", "forward", "coach")
_AT_ONCE = (
    *("hold", "resume", "complete_transfer", "return_to_caller", "stop_recording"),
    *("block", "decline"),
)
"""Operations that need nothing but the call."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    table: dict[str, tuple[Handler, First | None]] = dict.fromkeys(_AT_ONCE, (at_once, None))
    table |= dict.fromkeys(_PARTY, (open_party, None))
    table |= {
        "accept": (accept, None),
        "start_recording": (recordings.start, None),
        "press_key": (open_keypad, None),
        "play": (open_play, None),
        "tag": (open_choice, None),
        "use_talk_option": (open_choice, None),
        "drop_leg": (open_choice, None),
        "agreed": (agreed, write_answer),
    }
    on_actions(app, desk, "live", table)
    on_form(app, desk, "live:party", validate_party, once(with_party))
    on_form(app, desk, "live:keys", validate_keys, once(press_keys))
    on_form(app, desk, "live:play_form", validate_play, once(play))
    on_form(app, desk, "live:choice", validate_choice, once(choose))


def once(handler: Handler) -> Handler:
    """What a form asks for is done once, however often it is sent: a key that is pressed twice is another one."""

    async def work(desk: Desk, click: Click) -> None:
        key = f"form:{click.trigger}"
        if await desk.board.write(ledger.take_once, key, click.user, click.action, desk.board.now()):
            await handler(desk, click)

    return work


async def at_once(desk: Desk, click: Click) -> None:
    """A button that does it."""
    action = click.action.partition(":")[2]
    await control(desk.board, click.value, click.user, action, lambda provider, call: getattr(provider, action)(call))


async def accept(desk: Desk, click: Click) -> None:
    """*Take the call*: where the service leaves it to us to join the two, the presser's own phone is called."""
    person = await desk.board.read(people.person, click.user)

    async def take(provider: Provider, call: Call) -> None:
        if provider.can("bridge") and person.phone_kind not in provider.rep_phones:
            kinds = " or ".join(sorted(provider.rep_phones))
            raise BadInput(
                f"{provider.title} cannot ring your {person.phone_kind}, so the call was not taken. "
                f"Link another phone for it with `/phone link` ({kinds}), then press again."
            )
        abroad = policy.own_phone_abroad(person.phone, permission.rules(desk.board)) if provider.can("bridge") else ""
        if abroad:
            raise BadInput(
                f"Your own phone would be rung for it, and {abroad}. The call was not taken; link a phone there with "
                "`/phone link`, then press again."
            )
        await conducting.join(desk.board, provider, call, click.user, person.phone)

    if not person.linked:
        raise BadInput("Callboard does not know your phone yet, so the call was not taken. Link it, then press again.")
    await control(desk.board, click.value, click.user, "accept", take)


# A third party


async def open_party(desk: Desk, click: Click) -> None:
    """*Consult…*, *Transfer…*, *Transfer blindly…*, *Coach…*"""
    await desk.slack.views_open(trigger_id=click.trigger, view=party_modal(click.action.partition(":")[2], click.value))


async def validate_party(desk: Desk, click: Click) -> dict[str, str]:
    """It must be somebody."""
    try:
        await _party(desk, click)
    except CallboardError as error:
        return {"who": str(error)}
    return {}


async def with_party(desk: Desk, click: Click) -> None:
    """Bring them in."""
    action, _, call_id = click.value.partition(" ")
    to = await _party(desk, click)
    if action not in BRINGS_IN:
        await control(desk.board, call_id, click.user, action, lambda provider, call: provider.coach(call, to), to=to)
        return
    try:
        await bring_in(desk.board, call_id, click.user, action, to)
    except NeedsConsent as question:
        # Asked in their conversation: the form, which alone could have opened another one, is gone.
        value = f"{action} {call_id} {to}"
        yes = {"label": question.yes, "action_id": "live:agreed", "value": value, "style": "primary", "about": to}
        await desk.board.tell(click.user, str(question), f"joins:{click.trigger}", [yes])


async def agreed(desk: Desk, click: Click) -> None:
    """They said that whoever is to join knows of the recording; once, for somebody may be called because of it."""
    key = answer_key(click)
    if not await desk.board.write(ledger.send_intent, key):
        return
    action, call_id, to = click.value.split(" ", 2)
    try:
        await bring_in(desk.board, call_id, click.user, action, to, consented=True)
    finally:
        await desk.board.write(ledger.finish_intent, key)


async def _party(desk: Desk, click: Click) -> str:
    """E.164 number or extension of whom was named; "" where nobody need be.

    Raises:
        BadInput, NotFound: nobody can be reached by that; says why.
    """
    text = click.fields.get("who", "")
    if not text and click.value.startswith("coach "):
        return ""
    named = who.somebody(text, desk.board.settings.region)
    found = await asking.resolve(desk.board, click.user, who.CallText(named))
    if isinstance(found, Choice):
        raise ambiguous(named, found)
    call = await desk.board.read(calls.get, click.value.partition(" ")[2])
    if call is not None and found.extension and found.account not in ("", call.account):
        raise BadInput(
            f"{found.name or found.number} has an extension at {desk.board.title(found.account)}, and the call is at "
            f"{desk.board.title(call.account)}. Write their number instead. Nobody was called."
        )
    if call is not None:
        check_not_there(call, found.number)
    return found.number


# Keys


async def open_keypad(desk: Desk, click: Click) -> None:
    """*Keypad…*"""
    await desk.slack.views_open(trigger_id=click.trigger, view=keypad_modal(click.value))


async def validate_keys(desk: Desk, click: Click) -> dict[str, str]:
    """Only keys that a telephone has."""
    keys = _keys(click)
    if keys and set(keys) <= KEYS:
        return {}
    return {"keys": "A telephone has the keys 0-9, * and # only. Nothing was pressed."}


def _keys(click: Click) -> str:
    """Digits of any script as 0-9, without what stands between groups of them."""
    typed = re.sub(r"[\s\-‐‑‒–−]", "", slack_text.typed(click.fields.get("keys", "")))
    return slack_text.plain_digits(typed)


async def press_keys(desk: Desk, click: Click) -> None:
    """One after the other."""
    keys = _keys(click)

    async def press(provider: Provider, call: Call) -> None:
        for pressed, key in enumerate(keys):
            try:
                await provider.press_key(call, key)
            except CallboardError as error:
                if not pressed:
                    raise
                raise Ambiguous(f"Only {pressed} of {len(keys)} keys were pressed for certain. {error}") from error

    told = keys if len(keys) <= SHOWN_KEYS else f"{len(keys)} keys"
    await control(desk.board, click.value, click.user, "press_key", press, detail=told)


# Messages


async def open_play(desk: Desk, click: Click) -> None:
    """*Play a message…*"""
    await _open_slowly(desk, click, "Play a message", _play_form)


async def _play_form(provider: Provider, call: Call) -> Block:
    stored = await provider.templates() if provider.can("templates") else ()
    return play_modal(call.id, [(template.id, template.name) for template in stored])


async def validate_play(desk: Desk, click: Click) -> dict[str, str]:
    """One of the two."""
    template, text = click.fields.get("template", ""), click.fields.get("text", "")
    if bool(template) == bool(text):
        return {"text": "Choose a stored message or write a text: one of the two. Nothing was played."}
    return {}


async def play(desk: Desk, click: Click) -> None:
    """Play it into the call. Language and voice that nobody chose are the account's."""
    fields = click.fields
    names = {"media": "template", "text": "text", "language": "language", "voice": "voice"}
    speech = Speech(**{name: fields.get(field, "") for name, field in names.items()})
    listen = fields.get("listen", "").split()
    prompt = Prompt(speech=speech, collect_digits="keys" in listen, recognise="words" in listen)
    shown = f"“{plain(speech.text, 100)}”" if speech.text else f"the message {speech.media}"
    await control(
        desk.board,
        click.value,
        click.user,
        "play",
        lambda provider, call: provider.play(call, prompt),
        detail=shown,
    )


# One of several: tags, the account's own options, legs


async def open_choice(desk: Desk, click: Click) -> None:
    """*Tag…*, *Phone options…*, *Hang up one side…*"""
    action = click.action.partition(":")[2]
    title = {"tag": "Tag", "use_talk_option": "Phone options", "drop_leg": "Hang up one side"}[action]

    async def listed(provider: Provider, call: Call) -> Block:
        return choice_modal(action, call.id, title, await _choices(provider, call, action))

    await _open_slowly(desk, click, title, listed)


async def _choices(provider: Provider, call: Call, action: str) -> list[tuple[str, str]]:
    if action == "drop_leg":
        others = (THIRD + call.consulting, THIRD + call.transferred_to)  # whoever was consulted before has left
        legs = [leg for leg in call.legs if leg.ref and not leg.ended_at]
        legs = [leg for leg in legs if not leg.name.startswith(THIRD) or leg.name in others]
        return [(leg.ref, _whose(leg, call)) for leg in legs]
    options = await provider.talk_options()
    if action == "tag":
        return [(option.value, option.value_name or option.name) for option in options if option.kind == "tag_call"]
    # Recording has its own button, which asks for consent first.
    return [
        (option.button, f"{option.button}: {option.name} {option.value_name}".strip())
        for option in options
        if option.kind != "record_talk"
    ]


def _whose(leg: Leg, call: Call) -> str:
    if leg.name == CUSTOMER:
        return call.name or pretty(call.number)
    if leg.name == REP:
        return "the rep's phone"
    if leg.name.startswith(THIRD):
        return pretty(leg.name.removeprefix(THIRD))
    return leg.person or (f"extension {leg.extension}" if leg.extension else leg.name)


async def validate_choice(desk: Desk, click: Click) -> dict[str, str]:
    """A menu can only hold what was offered."""
    return {}


async def choose(desk: Desk, click: Click) -> None:
    """Do what was chosen."""
    action, _, call_id = click.value.partition(" ")
    choice = click.fields.get("choice", "")
    if not choice:
        return  # there was nothing to choose from
    label = next(
        (
            str(option["text"]["text"])
            for block in click.view.get("blocks", ())
            for option in block.get("element", {}).get("options", ())
            if option["value"] == choice
        ),
        choice,
    )
    await control(
        desk.board,
        call_id,
        click.user,
        action,
        lambda provider, call: getattr(provider, action)(call, choice),
        detail=label,
    )


async def _open_slowly(
    desk: Desk, click: Click, title: str, view: Callable[[Provider, Call], Awaitable[Block]]
) -> None:
    """A form about a call."""

    async def filled() -> Block:
        call = await desk.board.call(click.value)
        # Before the form, which may hold what the card hides in its channel.
        check_person(desk.board, call, click.user, click.action.partition(":")[2])
        return await view(provider_of(desk.board, call), call)

    await open_slowly(desk, click, title, filled)
