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
        self.reply = reply({"result": result, "msg": words, "state": "failed"}, status)


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
