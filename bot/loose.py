"""JSON, and forms, as phone services send them: nearly always right, and now and then damaged where it does not matter.

What is JSON is read as JSON. Only what is not is mended, and tried once more: a name in another charset, a byte order
mark, half a character, a line break inside a text, NaN; and, as Voicenter's document prints it (chapters 5.1, 6.4,
6.10, 7 and 8), names that are not quoted, and a comma before the end. One odd field must lose no call.
"""

import json
import math
import re
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|(?<!\w)([A-Za-z_]\w*+)(?=\s*+:)|,(?=\s*+[}\]])', re.DOTALL)
"""A string, which stays as it is; a bare name; a comma too many. Nothing is looked at twice, however long it is."""
_HALVES = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a character outside the first plane, or the whole of one, as it is written."""
_HALF = re.compile("[\ud800-\udfff]")
"""As it is read."""
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_AROUND = "\ufeff\0 \t\r\n"
_YEARS = (946_684_800, 4_102_444_800)  # 2000 to 2100
CLOCKS_DIFFER_SECONDS = 300.0
"""At most so much does a service's clock go before ours."""
_FIELDS = 500
"""Of a form; the largest documented has some thirty."""
_DIGITS = 300
"""A whole number with more is none that anybody meant; Python refuses to read some thousands."""


def members(body: bytes | str, content_type: str = "") -> dict[str, Any]:
    """The one object of a body; a list of one is that one.

    Raises:
        ValueError, RecursionError: it cannot be read, or is something else.
    """
    value = loads(body, content_type)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def loads(body: bytes | str, content_type: str = "") -> object:
    """The value; an object that was written as text once more is the object. `content_type`: the header, "" = none.

    Half a character, as a name has at its end that was cut in the middle of an emoji, becomes U+FFFD.

    Raises:
        ValueError, RecursionError: it cannot be read either way.
    """
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError):  # ValueError: no UTF-8
        value = _mended(text(body, content_type))
    if isinstance(value, str) and value.lstrip(_AROUND)[:1] in ("{", "["):
        return loads(value)
    return value


def moment(at: float) -> float:
    """Seconds since 1970 UTC of when something was; 0 = in no year in which it could have been, so it was not set."""
    return at if _YEARS[0] <= at <= _YEARS[1] else 0.0


def happened(at: float, told_at: float) -> float:
    """When it happened that was told at `told_at`: then, where no moment is told, or one that has yet to come."""
    return at if 0 < at <= told_at + CLOCKS_DIFFER_SECONDS else told_at


def text(body: bytes | str, content_type: str = "") -> str:
    """A body's text without what may surround it. What no charset can read becomes U+FFFD, and nothing else is lost."""
    return (body if isinstance(body, str) else _decoded(body, content_type)).strip(_AROUND)


def form(body: bytes, content_type: str = "") -> list[tuple[str, str]]:
    """Names and values of a form, in their order. What is no UTF-8 is in the charset that `content_type` names.

    Raises:
        ValueError: more fields than any service sends.
    """
    if 0 in body[:4]:  # UTF-16 or UTF-32
        body = text(body, content_type).encode()
    parts = [part for part in body.removeprefix(b"\xef\xbb\xbf").strip(b"\0 \t\r\n").split(b"&") if part]
    if len(parts) > _FIELDS:
        raise ValueError(f"more than {_FIELDS} fields")
    halves = (part.replace(b"+", b" ").partition(b"=") for part in parts)
    return [(_unescaped(name, content_type), _unescaped(value, content_type)) for name, _, value in halves]


def _unescaped(part: bytes, content_type: str) -> str:
    return _in_words(unquote_to_bytes(part), content_type)


def _decoded(body: bytes, content_type: str) -> str:
    if 0 not in body[:4]:  # else UTF-16 or UTF-32
        try:
            return body.decode()
        except UnicodeDecodeError:
            pass
    try:
        return body.decode(json.detect_encoding(body))
    except UnicodeError:
        return _in_words(body, content_type)


def _in_words(body: bytes, content_type: str) -> str:
    named = _CHARSET.search(content_type)
    for charset in ("utf-8", named[1] if named else "utf-8"):
        try:
            return _HALF.sub("\N{REPLACEMENT CHARACTER}", body.decode(charset))
        except (UnicodeError, LookupError):
            continue
    return body.decode(errors="replace")


def _mended(body: str) -> object:
    try:
        value = _read(body)
    except ValueError:
        value = _read(_TOKENS.sub(_token, body))
    if _HALVES.search(body):  # neither the database nor Slack takes a half
        return json.loads(_HALF.sub("\N{REPLACEMENT CHARACTER}", json.dumps(value, ensure_ascii=False)))
    return value


def _read(body: str) -> object:
    return json.loads(body, strict=False, parse_constant=lambda _: None, parse_float=_float, parse_int=_int)


def _float(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _int(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


def _token(token: re.Match[str]) -> str:
    if token[1]:
        return f'"{token[1]}"'
    return "" if token[0] == "," else token[0]
