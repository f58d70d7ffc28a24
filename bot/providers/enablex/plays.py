"""What is played to the first party of a simulated call, what they key or say, and the events that tell of it.

Each answer is the members of events beside those that every event has (`simulator.py`).
"""

from typing import Any

from bot.simulator.behaviours import Step
from bot.simulator.exchange import SimCall

from .lives import Play


def play_id(call: SimCall) -> str:
    """The service's id of what is played in that call."""
    return f"play-{call.id[-8:]}"


class Plays:
    """By call, what is being played or waits for an answer."""

    def __init__(self) -> None:
        self._plays: dict[str, Play] = {}

    def begin(self, call: SimCall, play: Play) -> None:
        """It is played as soon as the first party is there."""
        self._plays[call.id] = play

    def waits(self, call: SimCall) -> bool:
        """Something was ordered that is not finished or answered."""
        return call.id in self._plays

    def played(self, call: SimCall, *, failed: bool) -> list[dict[str, Any]]:
        """It was heard to its end, or could not be played."""
        play = self._plays[call.id]
        if failed:
            del self._plays[call.id]
            return [{"playstate": "failed", **_of(call, play)}]
        finished = {"playstate": "playfinished", **_of(call, play)}
        if not play.dtmf and not play.asr:
            del self._plays[call.id]
        return [finished]

    def heard(self, call: SimCall, step: Step, *, bridged: bool, understood: bool) -> list[dict[str, Any]]:
        """They keyed or said something, or too long nothing. `bridged`: they talk with the second party."""
        play = self._plays.pop(call.id, None)
        if play is None:
            told = step.what == "keyed" and bridged
            return [{"state": "dtmfcollected", "digit": int(step.told), "channel_id": "ch-1"}] if told else []
        if play.asr and not play.dtmf:
            asr: dict[str, Any] = {"asr_id": f"asr-{call.id[-4:]}", "prompt_ref": play.prompt_ref}
            if step.what == "spoke" and not understood:
                return [asr | {"state": "unrecognized", "result": {"reason": "NoMatch"}}]
            if step.what == "spoke":
                said = {"state": "recognized", "recognised_phrase": step.told, "result": {"reason": "RecognizedSpeech"}}
                return [asr | said]
            return [asr | {"state": "timeout", "result": {"reason": "NoMatch"}}]
        if step.what == "keyed" and step.told:
            return [{"playstate": "digitcollected", "digit": int(step.told), **_of(call, play)}]
        return [{"playstate": "menutimeout", **_of(call, play)}]


def _of(call: SimCall, play: Play) -> dict[str, str]:
    return {"play_id": play_id(call), "prompt_ref": play.prompt_ref}
