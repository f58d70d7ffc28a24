"""The digest: figures of a period that the digest's own module has put into words. Pure."""

from collections.abc import Mapping
from typing import Any

from bot.cards import Message, actions, button, context, header, image, message, paragraphs, safe

_SECTIONS = 44
"""Of the 50 blocks of a message; the header, the picture, the context and the buttons need the rest."""


def digest_card(payload: Mapping[str, Any]) -> Message:
    """The digest's message. Buttons: `digest:definitions`, `digest:waiting`.

    `payload`: "title" plain; "text" the whole digest in words for screen readers and notifications; "lines" a list of
    mrkdwn lines; "as_of" when the figures were read, in words; "by_hour": {"chart": mrkdwn, "above": mrkdwn above a
    picture in the chart's place, "alt": that picture in plain words}; "picture" Slack's id of its file, "" = there is
    none. The last two may be missing. All are escaped here.
    """
    title, as_of, picture = str(payload["title"]), str(payload["as_of"]), str(payload.get("picture", ""))
    by_hour: Mapping[str, Any] = payload.get("by_hour") or {}  # older versions wrote the chart into "lines"
    lines = [*payload["lines"], by_hour.get("above" if picture else "chart", "")]
    blocks = [
        header(title, "digest:title"),
        *paragraphs((safe(str(line)) for line in lines), "digest:lines", _SECTIONS),
    ]
    if picture:
        blocks.append(image(picture, str(by_hour["alt"]), "digest:picture"))
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
