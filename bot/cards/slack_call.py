"""The message that carries a call as Slack's own call object. Pure."""

from bot.cards import Message, message, plain, section


def slack_call_card(slack_id: str, title: str, join_url: str) -> Message:
    """Stands in the thread of the call's card and is never edited: Slack keeps the object up to date by itself.

    `title`: as Slack was told, plain text.
    """
    words = f"{plain(title, 200)}, as a Slack call: who is on it, since when, and *Join*, which opens your web phone."
    block = {"type": "call", "block_id": "slack_call:object", "call_id": slack_id}
    return message([section(words, "slack_call:words"), block], f"{words.replace('*', '')} The page: {join_url}")
