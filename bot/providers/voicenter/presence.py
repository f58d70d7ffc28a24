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

HINTS: Mapping[int, str] = {
    2: "Check {account}_CODE, and the person's user id at Voicenter.",
    3: "Check the extension, and the person's user id at Voicenter.",
    4: "Sign in to another extension, or ask whoever administers the Voicenter account.",
    5: "Look at the person and the extension in Voicenter's control panel.",
}
"""What to do next, by Status."""


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
        why = int(reply.number("statuserror") or 0)
        if told == 1 or (told, why) in DONE:
            return
        words = reply.text("statuserrormessage", "statuserromessage") or ERRORS.get((told, why), "")
        if told not in HINTS:
            raise Unavailable(f"Voicenter could not do it: {reason(words)} ({told}). Try again in a minute.")
        hint = HINTS[told].format(account=self.account.upper())
        code = f"{told}.{why}" if why else str(told)
        raise Refused(f"Voicenter refused ({code}): {reason(words)}. {hint}", code=code, words=words)


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
