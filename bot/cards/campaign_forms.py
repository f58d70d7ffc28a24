"""The forms of `/campaign`. Pure. Their menu `campaign` holds campaigns as (value, name)."""

from collections.abc import Mapping, Sequence

from bot.cards import Block, section
from bot.cards.forms import any_input, form, select_input, table_inputs, text_input

Choices = Sequence[tuple[str, str]]


def call_form(choices: Choices, chosen: str, url: str, *, update: bool = False) -> Block:
    """A call to be added or changed; `campaign:added` or `campaign:updated`."""
    blocks = [
        _campaign(choices, chosen),
        text_input("number", "Number", {}, placeholder="+1 202 555 0100", length=40),
        text_input("name", "Customer's name", {}, optional=True, length=80),
        text_input(
            "caller_id",
            "Number they see",
            {},
            optional=True,
            length=40,
            hint="Empty: the campaign's. “anonymous”: none.",
        ),
        text_input("caller_name", "Name they see", {}, optional=True, length=80),
        text_input("priority", "Priority", {}, optional=True, length=6, hint="A whole number; higher first."),
        text_input(
            "at", "Not before", {}, optional=True, length=40, hint="14:30, or 2026-03-04 14:30. Empty: at once."
        ),
        text_input(
            "variables", "Variables", {}, optional=True, multiline=True, length=2000, hint="One a line, like city=Haifa"
        ),
    ]
    if update:
        return form("Change a call", blocks, "campaign:updated", url, submit="Change")
    return form("Add a call", blocks, "campaign:added", url, submit="Add")


def number_form(choices: Choices, chosen: str, url: str) -> Block:
    """A waiting call to be removed; `campaign:removed`."""
    number = text_input("number", "Number of the waiting call", {}, placeholder="+1 202 555 0100", length=40)
    return form("Remove a call", [_campaign(choices, chosen), number], "campaign:removed", url, submit="Remove")


def upload_form(choices: Choices, chosen: str, url: str) -> Block:
    """Many calls, as a file or pasted; `campaign:uploaded`."""
    inputs = table_inputs("number, name, priority…", "The first line says what the columns are.")
    words = (
        "The first line names the columns: *number*, and if you like *name*, *caller id*, *caller name*, *priority*, "
        "*at*; any other column becomes a variable. You see what is in it before anything is sent."
    )
    blocks = [section(words, "about"), _campaign(choices, chosen), *inputs]
    return form("Add many calls", blocks, "campaign:uploaded", url, submit="Read")


def file_form(choices: Choices, file: str) -> Block:
    """Which campaign a file in the conversation is for; `campaign:file_for`, private_metadata the file's id."""
    return form("Calls from a file", [_campaign(choices, "")], "campaign:file_for", file, submit="Read")


def member_form(choices: Choices, chosen: str, url: str) -> Block:
    """Who is to take its calls; `campaign:member_added`. Blocks: campaign, colleague, extension."""
    blocks = [
        _campaign(choices, chosen),
        any_input("colleague", "A colleague", {"type": "users_select"}, optional=True),
        text_input("extension", "Or an extension", {}, optional=True, length=40),
    ]
    return form("Add a member", blocks, "campaign:member_added", url, submit="Add")


def strategy_form(choices: Choices, chosen: str, url: str) -> Block:
    """How it paces itself; `campaign:strategy_set`."""
    blocks = [
        _campaign(choices, chosen),
        text_input("queue", "Queue whose members take the calls", {}, optional=True, length=12, hint="Its id."),
        text_input("waiting", "Pause when so many wait in it", {}, optional=True, length=6),
        text_input(
            "ratio",
            "Calls for each free member",
            {},
            optional=True,
            length=6,
            hint="1: nobody answers in vain. Or like 1.5.",
        ),
        section("What you leave empty stays as it is.", "about"),
    ]
    return form("Strategy", blocks, "campaign:strategy_set", url, submit="Set")


def ivr_form(choices: Choices, chosen: str, url: str) -> Block:
    """A campaign that plays an IVR; `campaign:ivr_set`."""
    blocks = [
        _campaign(choices, chosen),
        text_input("most", "Calls at the same time", {}, optional=True, length=6),
        text_input("people", "Extensions that take over", {}, optional=True, length=300, hint="Several with commas."),
        section("What you leave empty stays as it is.", "about"),
    ]
    return form("IVR campaign", blocks, "campaign:ivr_set", url, submit="Set")


def _campaign(choices: Choices, chosen: str) -> Block:
    initial: Mapping[str, str] = {"campaign": chosen}
    return select_input("campaign", "Campaign", choices, initial)
