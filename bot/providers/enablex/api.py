"""What EnableX is asked, and how its answers are read: error codes under many names, one thing said as state or status.

Source: "Voice API" of https://developer.enablex.io, all tables "Error Response"; /reference/errors.html for the newer
form.
"""

import re
from collections.abc import Mapping
from typing import Any

import httpx

from bot import loose
from bot.errors import Ambiguous, Refused, Unavailable, Unsupported
from bot.orders import Prompt
from bot.provider import LIMITED, left_open, limited, refused

FAILED = frozenset({"failed", "error"})
"""Values of `state` or `status` that mean no, whatever the HTTP status says."""
CODES = ("error_code", "result", "event_code")
WORDS = ("message", "msg", "desc", "description", "error")
"""Where the code and the words of an error stand; the newer edition has names of its own."""
_OWN_CODE = re.compile("[0-9]{4}")
"""Whoever says “failed” with one of these had a look; a bare 500 leaves open how far it got."""
_NO = re.compile("[45][0-9]{2}|[0-9]{4}")
"""A code that means no, also where neither the HTTP status nor a `state` or `status` says so."""
_SAYS = (401, 403, 404, 408, 409, 429)
"""HTTP statuses that say what the older edition has as code; the newer one has words of its own for them."""
OF_A_CALL = ("400", "404", "409", "410", "422")
"""HTTP statuses that say something about a call; any other speaks of credentials, limits or the way there."""
FOREIGN = " (not in its own words)"
"""Ends the words of a refusal that has a body, but none of the API's: something on the way there gave it."""
LISTEN_SECONDS = range(1, 11)

_KEYS = "Check {account}_APP_ID and {account}_APP_KEY, and the project in EnableX's portal."
_LATER = "Try again in a minute."

HINTS: Mapping[str, str] = {
    "6107": "Try again in a minute, or play a stored prompt.",
    "6110": "The number has no voice service at EnableX: set one up in its portal.",
    "6112": "Messages can only be played before the second party is on the line.",
    "6114": "Another message is being played; wait for its end.",
    "6117": "Choose another voice or language.",
    "6118": "The number that calls go out from is not yours at EnableX: check the line, or the cli setting.",
    "6119": "Try again in a moment; there may be a recording of that name already.",
    "6133": "The number has no voice service at EnableX: set one up in its portal.",
    "404": "That call is over, or has not begun.",
    "409": "The second party must be on the line first.",
    **dict.fromkeys(("401", "403"), _KEYS),
    **dict.fromkeys(("500", "502", "503"), _LATER),
    "media request failed": "Check the prompt's name.",
}
"""Error code, or its words in lower case where the code is that of much else -> what to do."""


def digits(number: str) -> str:
    """Numbers go out without a plus; SIP addresses as they are."""
    return number if number.lower().startswith("sip:") else re.sub(r"[^0-9]", "", number)


def play(title: str, prompt: Prompt, language: str, voice: str) -> dict[str, Any]:
    """The members of a play request. Source: "Play Voice Prompt".

    Raises:
        Unsupported: neither a stored prompt nor a text, both, or seconds outside of 1 to 10.
    """
    speech = prompt.speech
    if bool(speech.media) == bool(speech.text):
        raise Unsupported(f"{title} plays either a stored prompt or a text. Give one of them.")
    for seconds in (prompt.answer_seconds, prompt.silence_seconds):
        if seconds is not None and seconds not in LISTEN_SECONDS:
            raise Unsupported(f"{title} listens for 1 to 10 seconds, not {seconds}. Choose a number in between.")
    told: dict[str, Any] = {"prompt_name": speech.media}
    if speech.text:
        told = {"text": speech.text, "language": speech.language or language, "voice": speech.voice or voice}
    options = {
        "dtmf": prompt.collect_digits or None,
        "asr": prompt.recognise or None,
        "prompt_ref": prompt.prompt_ref or None,
        "start_timeout": prompt.answer_seconds,
        "recognizer_timeout": prompt.silence_seconds,
    }
    return told | {name: value for name, value in options.items() if value is not None}


def on_connect(play: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a call's `action_on_connect`, where the page has the seconds beside `play`."""
    beside = {name: play[name] for name in ("start_timeout", "recognizer_timeout") if name in play}
    return {"play": {name: value for name, value in play.items() if name not in beside}, **beside}


def answer(title: str, account: str, response: httpx.Response, *, dials: bool, silent: bool = False) -> dict[str, Any]:
    """The reply's members. `silent`: the page shows no reply, so one without a body will do.

    Raises:
        Refused: its code and words.  Unavailable: asked too often.  Unavailable, Ambiguous: not in any form that can
            be read.
    """
    try:
        told = loose.members(response.content, response.headers.get("content-type", ""))
    except (ValueError, RecursionError):
        told = {}
    if not told:
        code, empty = str(response.status_code), not response.content.strip()
        if silent and response.is_success and empty:
            return {}
        if response.status_code == LIMITED:
            raise limited(title)
        if response.status_code >= 300 and not left_open(response.status_code):
            found = refused(title, f"HTTP {code}{'' if empty or code not in OF_A_CALL else FOREIGN}", code)
            hint = (
                HINTS[code] if code in ("401", "403") else "" if empty and code in OF_A_CALL else "Check {account}_URL."
            )
            raise _advised(found, hint, account)
        words = f"{title} gave an answer that cannot be read (HTTP {response.status_code})"
        raise Ambiguous(f"{words}; it may or may not be calling.") if dials else Unavailable(f"{words}. Try again.")
    status, refusal = response.status_code, _refusal(title, account, told, response.status_code)
    own = _OWN_CODE.fullmatch(refusal.code) and outcome(told) in FAILED
    if dials and left_open(status) and not own:  # of one that dials the pages show 408 nowhere
        raise Ambiguous(f"{title} answered with an internal error ({status}); it may or may not be calling.")
    if status == LIMITED:
        raise limited(title, refusal.words)
    # What dials and says neither yes nor no is for `accepted()`: nobody knows.
    if status >= 300 or outcome(told) in FAILED or (not dials and not outcome(told) and _says_no(told, refusal.code)):
        raise refusal
    return told


def of_a_call(error: Refused) -> bool:
    """Whether a refusal says something about the call that was asked for: it is gone, or in another state."""
    http = len(error.code) == 3 and error.code.isdecimal()
    return (error.code in OF_A_CALL if http else bool(error.code)) and not error.words.endswith(FOREIGN)


def _says_no(told: Mapping[str, Any], code: str) -> bool:
    return bool(_NO.fullmatch(code) or told.get("error")) or text(told.get("error_code")) not in ("", "0")


def outcome(told: Mapping[str, Any]) -> str:
    """What became of it: EnableX says `state` here and `status` there."""
    return text(told.get("state") or told.get("status")).lower()


def text(value: object) -> str:
    """A value as text; codes and digits come as numbers or as text."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def voice_id(title: str, told: Mapping[str, Any]) -> str:
    """The id of a call that was begun.

    Raises:
        Ambiguous: the reply names none, so nobody knows what was begun.
    """
    found = next((text(value) for name, value in told.items() if name.lower() == "voice_id"), "")
    if not found:
        raise Ambiguous(f"{title} took the order but named no call; it may or may not be calling.")
    return found


def accepted(title: str, told: Mapping[str, Any]) -> None:
    """The reply to something that dials must be recognisable as its reply.

    Raises:
        Ambiguous: it says neither yes nor no.
    """
    if not outcome(told):
        raise Ambiguous(f"{title} gave an answer that says neither yes nor no; it may or may not be calling.")


def _refusal(title: str, account: str, told: Mapping[str, Any], status: int) -> Refused:
    code = next((told_code for name in CODES if (told_code := text(told.get(name)))), "")
    if not code or (not code.isdecimal() and (status in _SAYS or status >= 500)):
        code = str(status) if status >= 300 else ""
    words = next((told_words for name in WORDS if (told_words := text(told.get(name)))), "")
    found = refused(title, words or f"HTTP {status}", code)
    return _advised(found, HINTS.get(code) or HINTS.get(words.lower(), ""), account)


def _advised(found: Refused, hint: str, account: str) -> Refused:
    """With what to do. "{account}" in it stands for the account's settings."""
    sentence = f"{found} {hint.format(account=account.upper())}".strip()
    return Refused(sentence, code=found.code, words=found.words)
