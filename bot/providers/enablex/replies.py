"""How the simulated service answers: its refusals, replies, times and sounds."""

import io
import re
import wave
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from bot.hooks import Reply

from .lives import OnConnect, Play


class Fails(Exception):
    def __init__(self, status: int, result: int, words: str) -> None:
        self.status, self.result, self.words = status, result, words


def refusal(path: str, failure: Fails, at: float) -> Reply:
    """In the form that the page has for that request: each has its own."""
    what = path.rpartition("/")[2]
    if failure.status == 404 and re.fullmatch("/call/[^/]+", path):  # analyse and hang up: no word, and always 400
        return reply({"result": "400", "msg": "", "timestamp": time_words(at)}, 400)
    said = "status" if what in ("transfer", "forward", "recording") or failure.result in (400, 6114) else "state"
    told: dict[str, Any] = {said: "failed", "msg": failure.words}
    if failure.status != 409 or what not in ("transfer", "forward"):
        told["result"] = str(failure.result) if what in ("connect", "recording") else failure.result
    blank = " " if what == "play" else ""
    return reply(told | {"timeStamp" if what == "recording" else "timestamp": time_words(at) + blank}, failure.status)


def event_members(ref: str, variables: Mapping[str, str], told: Mapping[str, Any], at: float) -> dict[str, Any]:
    """An event as the page spells that kind of event."""
    bridged = str(told.get("state")).startswith("bridg") or told.get("state") == "dtmfcollected"
    members: dict[str, Any] = {"voice_Id" if bridged else "voice_id": ref}
    if "recording_id" not in told and told.get("state") != "Disconnected":
        members |= {"from": variables.get("from", ""), "to": variables.get("to", "")}
    if variables.get("owner_ref"):
        members["owner_ref"] = variables["owner_ref"]
    if "asr_id" not in told:
        members["timeStamp" if told.get("state") == "Disconnected" else "timestamp"] = time_words(at)
    return members | dict(told)


def check_play(play: Play) -> None:
    if bool(play.prompt_name) == bool(play.text):
        raise Fails(400, 400, "Media Request Failed")
    if play.text and not play.language:
        raise Fails(400, 400, "Media Request Failed")
    if play.text and play.voice.lower() not in ("male", "female"):
        raise Fails(406, 6117, "Voice not supported for text-to-speech  conversion")
    check_seconds(play)


def check_seconds(told: Play | OnConnect) -> None:
    if not (1 <= told.start_timeout <= 10 and 1 <= told.recognizer_timeout <= 10):
        raise Fails(400, 400, "Media Request Failed")


def digits(number: str) -> str:
    if not re.fullmatch(r"[0-9]{6,15}|sip:[^ ]+", number):
        raise Fails(400, 400, "Not a phone number")
    return number


def beep() -> bytes:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(128 + (20 if n // 10 % 2 else -20) for n in range(4000)))
    return sound.getvalue()


def time_words(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reply(told: Mapping[str, Any], status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(told), "application/json")
