"""XML-RPC as Voicenter writes it, read with suspicion and written plainly.

Not the standard library's `xmlrpc`: that one accepts a DOCTYPE, knows no `<i8>` in answers it writes, and
insists on `<methodResponse>` in exactly this spelling, which Voicenter's own document does not keep.
Source: http://xmlrpc.com/spec.md and "API Documentation" rev. 3.2, chapters 1.6 and 4.
"""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import TypeAlias
from xml.etree.ElementTree import Element, ParseError
from xml.sax import saxutils

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from bot import loose

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"

MAX_BYTES = 1_000_000
"""No CDR is near it; what is larger is not parsed at all."""
MAX_DEPTH = 64
"""Nested elements. A struct in a struct costs four; custom data is flat."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""No XML 1.0 document may hold these, escaped or not: https://www.w3.org/TR/xml/#charsets"""

_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)[^>]*>""")
_REFERENCE = re.compile("&(?:(?:amp|lt|gt|quot|apos);|#(?:([0-9]{1,7})|x([0-9a-fA-F]{1,6}));)?")
"""An ampersand, with what it may begin."""

_WHOLE = frozenset({"int", "i4", "i8"})  # i8: an extension type Voicenter uses for times


class NotXmlRpc(ValueError):
    """Not XML-RPC, or XML that nobody honest sends. `str()` says what is wrong, without the content."""


def read_call(body: bytes, content_type: str = "") -> tuple[str, list[Value]]:
    """Method name and parameters of a `methodCall`. `content_type`: the header, for a charset that it alone names.

    Raises:
        NotXmlRpc: broken XML, a DTD, too deep, too long, or another document.
    """
    root = _parse(body, content_type)
    if _name(root) != "methodcall":
        raise NotXmlRpc("not a methodCall")
    method = next((_text(child) for child in root if _name(child) == "methodname"), "")
    return method, _params(root)


def read_response(body: bytes) -> Value:
    """The one value of a `methodResponse`.

    Raises:
        NotXmlRpc: as `read_call`, and for a `fault`, which Voicenter does not document.
    """
    root = _parse(body)
    if _name(root) != "methodresponse":
        raise NotXmlRpc("not a methodResponse")
    params = _params(root)
    if len(params) != 1:
        raise NotXmlRpc("a methodResponse without its one value")
    return params[0]


def write_call(method: str, members: Mapping[str, Value]) -> bytes:
    """A `methodCall` with one struct, as the CDR notification is sent."""
    return _document("methodCall", f"<methodName>{_escaped(method)}</methodName>", members)


def write_response(members: Mapping[str, Value]) -> bytes:
    """A `methodResponse` with one struct."""
    return _document("methodResponse", "", members)


def _parse(body: bytes, content_type: str = "") -> Element:
    if len(body) > MAX_BYTES:
        raise NotXmlRpc(f"longer than {MAX_BYTES} bytes")
    try:
        try:
            return _tree(body.strip())
        except (ParseError, LookupError, UnicodeError):
            return _tree(_mended(body.strip(), content_type))
    except (ParseError, DefusedXmlException) as error:
        raise NotXmlRpc("broken or forbidden XML") from error


def _tree(body: bytes) -> Element:
    depth = 0
    root: Element | None = None
    # Piece by piece, so that a mountain of nested elements is refused before it is built.
    for step, element in iterparse(BytesIO(body), events=("start", "end"), forbid_dtd=True):
        depth += 1 if step == "start" else -1
        if depth > MAX_DEPTH:
            raise NotXmlRpc(f"nested deeper than {MAX_DEPTH} elements")
        if root is None:
            root = element
    if root is None:
        raise NotXmlRpc("empty")
    return root


def _mended(body: bytes, content_type: str) -> bytes:
    """Without what one careless name makes of a document: a bare “&”, another charset, characters that XML has not."""
    declared = _DECLARED.match(body)
    try:
        text = body.decode(declared[1].decode(), "replace") if declared else loose.text(body, content_type)
    except LookupError:
        text = body.decode(errors="replace")
    text = _NOT_XML.sub("\ufffd", re.sub(r"^<\?xml[^>]*>", "", text))
    return _REFERENCE.sub(_reference, text).encode()


def _reference(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&amp;"
    if not found[1] and not found[2]:
        return found[0]
    code = int(found[1]) if found[1] else int(found[2], 16)
    return "\ufffd" if code > 0x10FFFF or _NOT_XML.match(chr(code)) else found[0]


def _params(root: Element) -> list[Value]:
    params = [param for child in root if _name(child) == "params" for param in child if _name(param) == "param"]
    return [_value(value) for param in params for value in param if _name(value) == "value"]


def _value(element: Element) -> Value:
    typed = next(iter(element), None)
    if typed is None:
        return _text(element)  # bare text: XML-RPC's default type is string
    kind = _name(typed)
    if kind == "struct":
        return _struct(typed)
    if kind == "array":
        data = [child for child in typed if _name(child) == "data"]
        return [_value(value) for child in data for value in child if _name(value) == "value"]
    return _scalar(kind, _text(typed))


def _scalar(kind: str, text: str) -> Value:
    """Typed where the text keeps the type's promise, else the text: whoever uses it cleans it anyway."""
    if kind == "nil":
        return None
    if kind == "boolean":
        return text.lower() in ("1", "true")
    try:
        return int(text) if kind in _WHOLE else float(text) if kind == "double" else text
    except ValueError:
        return text


def _struct(element: Element) -> dict[str, Value]:
    members: dict[str, Value] = {}
    for member in element:
        if _name(member) != "member":
            continue
        name = next((_text(child) for child in member if _name(child) == "name"), "")
        value = next((child for child in member if _name(child) == "value"), None)
        members[name] = "" if value is None else _value(value)  # a repeated name: the last one counts
    return members


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()  # whatever namespace it is in


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _document(root: str, head: str, members: Mapping[str, Value]) -> bytes:
    value = _written(dict(members))
    body = f"<{root}>{head}<params><param>{value}</param></params></{root}>"
    return f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode()


def _written(value: Value) -> str:
    if isinstance(value, dict):
        members = (f"<member><name>{_escaped(name)}</name>{_written(item)}</member>" for name, item in value.items())
        return f"<value><struct>{''.join(members)}</struct></value>"
    if isinstance(value, list):
        return f"<value><array><data>{''.join(map(_written, value))}</data></array></value>"
    if isinstance(value, bool):
        return f"<value><boolean>{int(value)}</boolean></value>"
    if isinstance(value, int):
        kind = "int" if -(2**31) <= value < 2**31 else "i8"
        return f"<value><{kind}>{value}</{kind}></value>"
    if isinstance(value, float):
        return f"<value><double>{value!r}</double></value>"
    return f"<value><string>{_escaped(value or '')}</string></value>"


def _escaped(text: str) -> str:
    """A name with a stray control character must not make the whole answer unreadable: it is shown as U+FFFD."""
    return saxutils.escape(_NOT_XML.sub("\ufffd", text))
