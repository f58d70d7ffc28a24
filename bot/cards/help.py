"""What each slash command takes, with examples. Pure.

Slack's tables cannot be drawn everywhere, so every form is a line of its own: the command, then what it does.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.cards import Message, header, message, paragraphs

FORMS: Mapping[str, tuple[str, Sequence[tuple[str, str]]]] = MappingProxyType(
    {
        "call": (
            "Rings your phone, then connects you.",
            (
                ("", "opens a form"),
                ("+1 202 555 0100", "calls a number, as people write it"),
                ("@sam", "calls a colleague"),
                ("Dana Levi", "calls somebody from the contact book"),
                ("201", "calls an extension"),
                ("+1 202 555 0100 from +1 202 555 0199", "shows that line's number to them"),
                ("Dana Levi via gurulize", "goes through that phone service"),
                ("Dana Levi record max 30m", "records, and ends after 30 minutes, where the service can"),
                ("Dana Levi note asks about the offer", "keeps a note on the call's card"),
                ("back", "calls back the latest missed caller"),
                ("again", "calls the last number again, after asking you"),
                ("help", "shows this"),
            ),
        ),
        "phone": (
            "Your phone: what rings first when you call.",
            (
                ("", "opens a form with your phone and your line"),
                ("link +1 202 555 0100", "rings this number first"),
                ("link extension 201", "rings this extension first"),
                ("link +1 202 555 0100 extension 201", "rings the number; calls to the extension are shown as yours"),
                ("line Sales", "people see this line's number when you call"),
                ("show", "says what is linked"),
                ("unlink", "forgets your phone"),
                ("help", "shows this"),
            ),
        ),
        "digest": (
            "A summary of calls for this channel: what happened, and who still waits.",
            (
                ("now", "shows today's figures so far"),
                ("daily 18:00 Europe/Madrid", "posts here every day at that time"),
                ("weekly fri 17:00 Europe/Madrid", "posts here once a week"),
                ("list", "shows what is posted here by itself"),
                ("stop", "stops posting here"),
                ("help", "shows this"),
            ),
        ),
        "callboard": (
            "The state of everything.",
            (
                ("", "shows what works and what does not"),
                ("setup", "says what is still to be set up, step by step"),
                ("policy", "shows the rules for calling"),
                ("dnc", "shows the do-not-call list"),
                ("dnc add +1 202 555 0100 asked us to stop", "puts a number on it, with the reason"),
                ("dnc remove +1 202 555 0100", "takes a number off it"),
                ("contact add +1 202 555 0100 Noa Green, Green Gardens", "adds somebody to the contact book"),
                ("contact find Noa", "looks somebody up"),
                ("audit", "shows who did what (admins)"),
                ("hooks", "shows the addresses to paste at your phone services (admins)"),
                ("help", "shows this"),
            ),
        ),
    }
)
"""Command -> (what it is for, its forms as (what follows the command, what that does))."""


def help_message(command: str, names: Mapping[str, str]) -> Message:
    """Every form of a command with an example.

    `command`: one of `FORMS`. `names`: command -> its name in this workspace, such as {"call": "/cb-call"}.
    """
    purpose, forms = FORMS[command]
    name = names.get(command, f"/{command}")
    lines = [purpose, *(f"• `{f'{name} {words}'.strip()}`: {what}" for words, what in forms)]
    lines.append("Slash commands do not work inside threads; use the buttons there.")
    return message([header(name, "help:title"), *paragraphs(lines, "help:forms")])
