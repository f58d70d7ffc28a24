"""Signing people in and out, and setting what they are doing.

Sources: "API Documentation" rev. 3.2, chapter 10; https://www.voicenter.com/API/Login-Logout, which has the same under
other codes and spells StatusErroMessage.
"""

from collections.abc import Mapping

import httpx
from typing_extensions import override

from bot.errors import Refused, SettingsError, Unavailable
from bot.provider import reason

from .account import Account
from .fields import Fields, spelling
from .replies import answered

SET_STATUS = "/UserLogin/SetStatusFromAPI"

STATUSES: Mapping[str, str] = {
    "1": "available",
    "2": "signed out",
    "3": "lunch",
    "4": "status 4",  # the document lists it without a word
    "5": "administrative",
    "7": "private",
    "9": "away",  # "Other"
    "11": "training",
    "12": "team meeting",
    "13": "briefing",
}
"""Voicenter's own names; an account may have given them others."""
NAMES = ", ".join(f"{status}={name}" for status, name in STATUSES.items())
"""The same, as the setting writes it."""

ERRORS: Mapping[tuple[int, int], str] = {
    (4, 1): "Status Changed",
    (4, 2): "Failed - Hour Log Error",
    (4, 3): "Failed - Queue registration error",
    (4, 4): "Extension is already in use",
    (4, 5): "You're already logged in with a different extension",
    (5, 1): "Please choose extension",
    (5, 2): "Successfully Logged In",
    (5, 3): "Not logged in",
    (5, 4): "Wrong Username or Password",
    (5, 5): "There was a problem with the user, please contact support",
    (5, 6): "An unexpected error occurred",
    (5, 7): "Failed - Extension Monitor doesn't exist",
    (5, 8): "Failed - User has no organizational PIN Code",
}
"""(Status, StatusError) -> the document's words, for a reply that brings none."""
DONE = frozenset({(4, 1), (5, 2)})
"""Listed among the errors, and saying that it was done."""

NOBODY_THERE = ("2", 5, 3)
"""Whoever shall be signed out is not signed in."""

_LATER = "Try again in a minute, and ask Voicenter if it stays like this."
ADVICE: Mapping[tuple[int, int], str] = {
    (4, 2): _LATER,
    (4, 3): _LATER,
    (4, 4): "Sign in to another extension, or have whoever uses it sign out.",
    (4, 5): "Sign out first, then sign in again.",
    (5, 1): "Link your extension first: `/phone link extension` and its code.",
    (5, 3): "Sign in first, with `/phone status available`, then set it.",
    (5, 4): "Check the person's user id at Voicenter.",
    (5, 5): "Ask Voicenter to look at the user.",
    (5, 6): _LATER,
    (5, 7): "Check the extension's code: Voicenter does not know of it.",
    (5, 8): "The user needs an organizational PIN code: set one in Voicenter's control panel.",
}
"""(Status, StatusError) -> what to do next, where the words are the document's."""
HINTS: Mapping[int, str] = {
    2: "Check {account}_CODE, and the person's user id at Voicenter.",
    3: "Check the extension, and the person's user id at Voicenter.",
    4: "Look at the person and the extension in Voicenter's control panel.",
    5: "Look at the person and the extension in Voicenter's control panel.",
}
"""The same by Status alone."""


class Presence(Account):
    """Chapter 10.

    Attributes:
        presence: the account's own names where `status_names` tells them.
    """

    presence: Mapping[str, str] = STATUSES

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        """Raises SettingsError where `status_names` cannot be understood."""
        super().__init__(account, values, http, region)
        self.presence = _named(self.values["status_names"], account)

    @override
    async def set_presence(self, person: str, status: str, extension: str = "") -> None:
        """SetStatusFromAPI. `person`: UserID, the first five digits of the user code in the control panel."""
        form = {"UserID": person, "Status": status, "Code": self.values["code"], "ExtensionUser": extension}
        request = self.post("presence_url", SET_STATUS, {name: value for name, value in form.items() if value})
        reply, told = answered(await self.send(request), "status", self.account, "PRESENCE_URL")
        why, words = _why(told, reply)
        if told == 1 or (told, why) in DONE or (status, told, why) == NOBODY_THERE:
            return
        if told not in HINTS:
            raise Unavailable(f"Voicenter could not do it: {reason(words)} ({told}). Try again in a minute.")
        as_listed = spelling(words) == spelling(ERRORS.get((told, why), ""))  # newer editions count otherwise
        hint = (as_listed and ADVICE.get((told, why))) or HINTS[told].format(account=self.account.upper())
        code = f"{told}.{why}" if why else str(told)
        raise Refused(f"Voicenter refused ({code}): {reason(words)}. {hint}", code=code, words=words)


def _why(status: int, reply: Fields) -> tuple[int, str]:
    """StatusError and its words; the document calls it a string, so it may be the words themselves."""
    told = reply.number("statuserror")
    words = reply.text("statuserrormessage", "statuserromessage") or (reply.text("statuserror") if told is None else "")
    if not told:
        listed = (why for (of, why), known in ERRORS.items() if of == status and spelling(known) == spelling(words))
        told = next(listed, 0)
    return int(told), words or ERRORS.get((status, int(told)), "")


def _named(names: str, account: str) -> Mapping[str, str]:
    """Voicenter's names, and over them the account's own, written "3=Coffee, 4=Workshop"."""
    own: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in names.split(","))):
        status, _, name = (word.strip() for word in part.partition("="))
        if status not in STATUSES or not name:
            raise SettingsError(
                f"{account.upper()}_STATUS_NAMES has “{part}”, which names no status of Voicenter. Write it like "
                f"“3=Coffee, 4=Workshop”; the statuses are {', '.join(STATUSES)}."
            )
        own[status] = name
    return {**STATUSES, **own}
