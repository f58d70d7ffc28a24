"""What is shown of a web phone: the form for its login, the link that opens it. Pure."""

from collections.abc import Mapping, Sequence

from bot.cards import Block, Message, message, section
from bot.cards.forms import form, select_input, text_input


def web_phone_modal(accounts: Sequence[tuple[str, str]], initial: Mapping[str, str], *, private_metadata: str) -> Block:
    """By what the web phone signs in; callback_id `phone:web_saved`. Blocks: account, login, password.

    Attributes:
        accounts: (configured name, title) of those that have a web phone; asked for only when there are several.
        initial: block name -> what stands there at first; never a password.
    """
    blocks = [
        section(
            "Your browser becomes this extension. The password is asked for once, kept encrypted by Callboard, and "
            "never shown again. From then on the web phone rings first when you call.",
            "about",
        )
    ]
    if len(accounts) > 1:
        blocks.append(select_input("account", "Phone service", accounts, initial))
    blocks += [
        text_input("login", "Extension user", initial, hint="The extension's own code, from your admin.", length=40),
        text_input("password", "Extension password", {}, hint="While you type, this form shows it.", length=200),
    ]
    return form("Your web phone", blocks, "phone:web_saved", private_metadata, submit="Save")


def link_message(url: str, minutes: int) -> Message:
    """The link that opens the page."""
    words = f"<{url}|Open your web phone>. The link is for you alone, works once, and for {minutes} minutes."
    return message([section(words, "phone:link")])
