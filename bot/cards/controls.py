"""The controls of a running call: a row of buttons on its card, and the forms that some of them open. Pure.

Buttons are `live:<operation>` and carry the call's id; which of them are shown is said by `Provider.controls()`.
"""

from collections.abc import Iterable, Mapping, Sequence

from bot.call import Call
from bot.cards import Block, actions, button, confirm, rep_words, section
from bot.cards.forms import boxes_input, form, select_input, text_input, usable
from bot.events import State

LABELS: Mapping[str, str] = {
    "live:accept": "Take the call",
    "live:decline": "Decline",
    "live:hold": "Hold",
    "live:resume": "Resume",
    "live:complete_transfer": "Complete the transfer",
    "live:return_to_caller": "Back to the call",
    "live:consult": "Consult…",
    "live:transfer": "Transfer…",
    "live:forward": "Transfer blindly…",
    "live:press_key": "Keypad…",
    "live:start_recording": "Record",
    "live:stop_recording": "Stop recording",
    "live:play": "Play a message…",
    "live:tag": "Tag…",
    "live:coach": "Coach…",
    "live:use_talk_option": "Phone options…",
    "live:drop_leg": "Hang up one side…",
    "live:block": "Block contact",
}
"""Action id -> button, in the order of the card. Those with "…" open a form."""

LISTEN = (("keys", "Tell which keys they press"), ("words", "Tell what they answer in words"))
"""What may be listened for when a message was played; the answer stands in the call's thread."""

FORMS: Mapping[str, tuple[str, str, str]] = {
    "consult": ("Consult", "The call is on hold while you talk to them.", "Call"),
    "transfer": ("Transfer", "They are called first, then the call is put through.", "Transfer"),
    "forward": ("Transfer blindly", "The call is put through at once, without asking first.", "Transfer"),
    "coach": ("Let a coach join", "They hear both sides; only you hear them.", "Call"),
}
"""Operation -> title, hint and submit button of the form that asks for a party."""


def control_rows(call: Call, party: str, controls: frozenset[str], acting: str, *, place: str = "") -> list[Block]:
    """The row of controls; while something is being done, what that is instead.

    `party`: plain text. `place`: makes the row's id unique where several calls are shown, or Slack refuses all of it.
    """
    if call.state is State.ENDED:
        return []
    if acting:
        return [section(acting, f"live:acting:{place}"[:255])]
    elements = [
        button(label, action_id, call.id, about=party, ask=_question(action_id, party))
        for action_id, label in LABELS.items()
        if action_id.partition(":")[2] in controls
    ]
    return [actions(elements, f"live:controls:{place}"[:255])] if elements else []


def hang_up_button(call: Call, party: str, *, about: str = "") -> Block:
    """*Hang up*, asking first. `about`: what screen readers hear, where that is more than the `party`."""
    ask = confirm("Hang up?", f"This ends the call with {party}.", "Hang up", "Keep talking", danger=True)
    return button("Hang up", "call:hang_up", call.id, style="danger", about=about or party, ask=ask)


def hanging_words(call: Call, now: float) -> str:
    """What became of *Hang up* in a living call, a sentence; "" = nobody has pressed it."""
    if not call.hang_up_by or not call.live:
        return ""
    asker = rep_words(call.hang_up_by)
    if call.hanging_up(now):
        return f"Hanging up… asked by {asker}."
    return f"{asker} asked to hang up, and no end was told: press “Hang up” once more, or hang up on the phone."


def _question(action_id: str, party: str) -> Block | None:
    if action_id == "live:block":
        words = f"{party} cannot reach you any more, at the phone service itself."
        return confirm("Block this contact?", words, "Block", "Cancel", danger=True)
    if action_id == "live:decline":
        return confirm("Decline the call?", f"{party} hears that nobody takes it.", "Decline", "Cancel", danger=True)
    return None


def live_facts(call: Call) -> list[str]:
    """Hold and recording, for the small print of a card."""
    if call.state is State.ENDED:
        return []
    return [text for text in ("on hold" if call.held else "", "recording" if call.recording_on else "") if text]


def party_modal(action: str, call_id: str) -> Block:
    """Whom to bring in; callback_id `live:party`, block who."""
    title, hint, submit = FORMS[action]
    who = text_input(
        "who",
        "The coach's number or extension" if action == "coach" else "Who",
        {},
        hint=hint,
        placeholder="@colleague, an extension, a contact's name, or +1 202 555 0100",
        length=150,
        optional=action == "coach",
    )
    return form(title, [who], "live:party", f"{action} {call_id}", submit=submit)


def keypad_modal(call_id: str) -> Block:
    """Keys to press; callback_id `live:keys`, block keys."""
    keys = text_input("keys", "Keys", {}, hint="They are pressed one after the other: 0-9, * and #.", length=20)
    return form("Keypad", [keys], "live:keys", call_id, submit="Press")


def play_modal(call_id: str, templates: Sequence[tuple[str, str]]) -> Block:
    """What to play; callback_id `live:play_form`, blocks template, text, language, voice, listen."""
    blocks = []
    if stored := usable(templates):
        blocks.append(select_input("template", "A stored message", stored, {}, optional=True))
    else:
        blocks.append(text_input("template", "Name of a stored message", {}, optional=True, length=100))
    blocks += [
        text_input("text", "Or a text to be spoken", {}, optional=True, multiline=True, length=1000),
        text_input("language", "Language of the text", {}, optional=True, placeholder="en-US", length=20),
        select_input("voice", "Voice", [("female", "Female"), ("male", "Male")], {}, optional=True),
        boxes_input("listen", "Listen", LISTEN, {}),
    ]
    return form("Play a message", blocks, "live:play_form", call_id, submit="Play")


def choice_modal(action: str, call_id: str, title: str, choices: Iterable[tuple[str, str]]) -> Block:
    """One of several; callback_id `live:choice`, block choice. Without choices it says so."""
    listed = usable(choices)
    if not listed:
        nothing = "The phone service lists nothing to choose from. Ask the admin of its account to set some up."
        return form(title, [section(nothing, "live:none")], "live:choice", "")
    return form(title, [select_input("choice", title, listed, {})], "live:choice", f"{action} {call_id}", submit="OK")
