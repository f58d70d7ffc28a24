"""One line in the thread of a call's card: what somebody did to the call, or what was heard on it. Pure."""

from bot.cards import Message, message, plain, rep_words, section, sentence, upper_first
from bot.events import AnyEvent, Controlled, Guided, Heard, Outcome, Played, RecordingChanged
from bot.numbers import pretty

_DONE = {
    "drop_leg": "hung up {detail}.",
    "accept": "took the call.",
    "decline": "declined the call.",
    "hold": "put the call on hold.",
    "resume": "took the call off hold.",
    "consult": "put the call on hold and called {detail}.",
    "complete_transfer": "completed the transfer.",
    "return_to_caller": "went back to the call.",
    "transfer": "transferred the call to {detail}.",
    "forward": "transferred the call to {detail} without asking first.",
    "press_key": "pressed {detail}.",
    "play": "played {detail}.",
    "start_recording": "started recording.",
    "stop_recording": "stopped recording.",
    "tag": "tagged the call {detail}.",
    "coach": "let a coach join.",
    "block": "blocked the contact at the phone service.",
    "use_talk_option": "used {detail}.",
}
"""Operation -> what its line says after the name."""
_STEPS = {
    "menu": "the menu {step} is played.",
    "say_digits": "digits are read out in {step}.",
    "dial": "put through to {step}.",
    "go_to": "the phone service goes on with {step}.",
    "record": "a message is recorded in {step}.",
    "hang_up": "the call is ended by {step}.",
    "": "no step of a flow could be taken, so the phone service goes on as it is set up there.",
}
"""What a step of a flow does -> what its line says of it."""


def line_card(event: AnyEvent, *, masked: bool) -> Message | None:
    """The line; None where an event has none. `masked`: numbers are not shown in that channel."""
    words = _words(event, masked)
    return message([section(words, "call:line")]) if words else None


def _words(event: AnyEvent, masked: bool) -> str:
    if isinstance(event, Controlled) and event.action in (*_DONE, "consult_ended"):
        detail = "a number" if masked and event.detail.startswith("+") else plain(pretty(event.detail))
        if event.action == "consult_ended":
            return f"{upper_first(detail)} is not on the line any more; the call is still on hold."
        return f"{rep_words(event.by) or 'Callboard'} {_DONE[event.action].format(detail=detail or 'it')}"
    if isinstance(event, Heard):
        if event.digits:
            # Keys that answer nothing that was played may come from either phone.
            whose = "The other side" if event.play or event.prompt_ref else "Somebody on the line"
            return f"{whose} pressed {_keys(event.digits, masked)}."
        return f"Heard: “{plain(event.phrase, 400)}”"
    if isinstance(event, Guided):
        return _guided(event, masked)
    if isinstance(event, Played) and event.outcome is not Outcome.ANSWERED:
        failed = event.outcome is Outcome.FAILED
        return "The message could not be played." if failed else "Nobody pressed a key or spoke after the message."
    if isinstance(event, RecordingChanged) and event.words:
        return f"Recording failed: {sentence(event.words)}"
    return ""


def _guided(event: Guided, masked: bool) -> str:
    told = _STEPS.get(event.does, "the step {step} follows.").format(step=f"“{plain(event.step)}”")
    if event.tried:
        told = f"not answered, {told}"
    if event.digits:
        told = f"keyed {_keys(event.digits, masked)}, {told}"
    return upper_first(told)


def _keys(digits: str, masked: bool) -> str:
    secret = masked and len(digits) > 2  # no choice in a menu, but what somebody is known by
    return "several digits" if secret else plain(digits)
