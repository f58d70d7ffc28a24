"""JSON as Voicenter's document prints it: now and then with names that are not quoted, and a comma before the end.

Chapters 5.1, 6.4, 6.10, 7 and 8. What is JSON is read as JSON; only what is not is mended and tried once more.
"""

import json
import re

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|(?<!\w)([A-Za-z_]\w*+)(?=\s*+:)|,(?=\s*+[}\]])', re.DOTALL)
"""A string, which stays as it is; a bare name; a comma too many. Nothing is looked at twice, however long it is."""


def loads(text: str | bytes) -> object:
    """The value.

    Raises:
        ValueError, RecursionError: it cannot be read either way.
    """
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(_TOKENS.sub(_mended, text if isinstance(text, str) else text.decode()))


def _mended(token: re.Match[str]) -> str:
    if token[1]:
        return f'"{token[1]}"'
    return "" if token[0] == "," else token[0]
