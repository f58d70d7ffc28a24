"""JSON as Voicenter's document prints it: now and then with names that are not quoted, and a comma before the end.

Chapters 5.1, 6.4, 6.10, 7 and 8. What is JSON is read as JSON; only what is not is mended and tried once more.
"""

import json
import re

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|(?<!\w)([A-Za-z_]\w*+)(?=\s*+:)|,(?=\s*+[}\]])', re.DOTALL)
"""A string, which stays as it is; a bare name; a comma too many. Nothing is looked at twice, however long it is."""
_HALVES = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a character outside the first plane, or the whole of one."""


def loads(text: str | bytes) -> object:
    """The value. Half a character, as a name has at its end that was cut in the middle of an emoji, becomes "?".

    Raises:
        ValueError, RecursionError: it cannot be read either way.
    """
    text = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
    try:
        value = json.loads(text)
    except ValueError:
        value = json.loads(_TOKENS.sub(_mended, text))
    if _HALVES.search(text):  # neither the database nor Slack takes a half
        return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    return value


def _mended(token: re.Match[str]) -> str:
    if token[1]:
        return f'"{token[1]}"'
    return "" if token[0] == "," else token[0]
