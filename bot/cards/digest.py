"""The digest: figures of a period that the digest's own module has put into words. Pure."""

from collections.abc import Mapping
from typing import Any

from bot.cards import Message, actions, button, context, header, message, paragraphs, safe

_SECTIONS = 44
"""Of the 50 blocks of a message; the header, the context and the buttons need the rest."""


def digest_card(payload: Mapping[str, Any]) -> Message:
    """The digest's message. Buttons: `digest:definitions`, `digest:waiting`.

    `payload`: "title" plain; "text" the whole digest in words for screen readers and notifications;
    "lines" a list of mrkdwn lines; "as_of" when the figures were read, in words. All are escaped here.
    """
    title, as_of = str(payload["title"]), str(payload["as_of"])
    blocks = [
        header(title, "digest:title"),
        *paragraphs((safe(str(line)) for line in payload["lines"]), "digest:lines", _SECTIONS),
    ]
    if as_of.strip():
        blocks.append(context([safe(as_of)], "digest:as_of"))
    blocks.append(
        actions(
            [
                button("Show who waits", "digest:waiting", "digest", style="primary"),
                button("What do these mean?", "digest:definitions", "digest"),
            ],
            "digest:actions",
        )
    )
    return message(blocks, safe(str(payload["text"])))
