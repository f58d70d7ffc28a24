"""Voicenter asks what to do with a call: the external IVR (`ivr.py`) and layers of its own IVR (`layer.py`).

Sources: "API Documentation" rev. 3.2, chapters 5 and 12. Which of the two asks is told by the method, so that the
addresses may be mixed up in its control panel.
"""

from collections.abc import Mapping

import httpx

from bot import loose
from bot.errors import SettingsError, Unreadable
from bot.hooks import Answer, Question, Reply, Request, Webhook
from bot.provider import Provider, Setting

from . import ivr, layer, xmlrpc
from .fields import Fields, spelling

PATHS: Mapping[str, str] = {
    "ivr": "External IVR: what to do with a call, asked at its start and after every menu; also tells its end.",
    "layer": "External layer: where a layer of Voicenter's own IVR leads, asked when its digits were keyed.",
}
SETTINGS: tuple[Setting, ...] = (
    Setting("fallback_layer", "IVR layer for calls about which no flow says anything, a number.", default="none"),
    Setting("ivr_language", "Language of IVR prompts where a flow names none: he or en.", default="he"),
)


class Asking(Provider):
    """What `webhooks.py` is for events, for questions; mixed into the provider.

    Attributes:
        fallback: the layer for calls about which nothing is said, None = none is configured.
    """

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        """Raises SettingsError where `fallback_layer` is no number, or `ivr_language` none of the two."""
        super().__init__(account, values, http, region)
        fallback = self.values.get("fallback_layer", "").strip().removeprefix("none")
        if fallback and not (fallback.isascii() and fallback.isdecimal()):
            raise SettingsError(f"{account.upper()}_FALLBACK_LAYER is no number. Set it to that of an IVR layer.")
        self.fallback = int(fallback) if fallback else None
        self.language = self.values.get("ivr_language", "").strip().lower() or "he"
        if self.language not in ivr.LANGUAGES:
            raise SettingsError(f"{account.upper()}_IVR_LANGUAGE is neither he nor en. Set it to one of them.")

    def read_question(self, request: Request) -> Webhook | None:
        """The question of an IVR, or its report of a call's end; None at another path.

        Raises:
            Unreadable: no method of the document.
        """
        if request.path.strip("/").lower() not in PATHS:
            return None
        method, fields, in_xml = _called(request)
        match spelling(method):
            case "getivraction":
                return ivr.read_question(fields, request.received_at, self.region, in_xml=in_xml)
            case "hangupcall":
                return ivr.read_end(fields, request.received_at, self.region, in_xml=in_xml)
            case "ivrlayerinput" | "ivrexternallayerinput":
                return layer.read(fields, request.received_at, self.region)
        raise Unreadable("Voicenter called an IVR method that its document does not list; nothing was answered.")

    def write_error(self, request: Request) -> Reply | None:
        """What the document calls an error, to a question or report that cannot be read; None at another path.

        A layer then goes where it is set up to; what the external IVR does is not documented.
        """
        if request.path.strip("/").lower() not in PATHS:
            return None
        if _body(request).startswith(b"<"):
            return Reply(400, xmlrpc.write_response({"STATUS": 1}), "text/xml; charset=utf-8")
        return Reply(400, b'{"STATUS": 1}', "application/json; charset=utf-8")

    def write_step(self, question: Question, answer: Answer) -> Reply:
        """The step in Voicenter's words.

        Raises:
            Unsupported: that step cannot be said; names why.
        """
        if question.form == layer.FORM:
            return layer.write(question, answer.step, self.language, self.fallback)
        return ivr.write(question, answer.step, self.language, self.fallback)


def _body(request: Request) -> bytes:
    return request.body.lstrip(b"\xef\xbb\xbf \t\r\n")


def _called(request: Request) -> tuple[str, Fields, bool]:
    """Method, its data, and whether it came as XML-RPC."""
    body = _body(request)
    if body.startswith(b"<"):
        try:
            method, params = xmlrpc.read_call(body, request.headers.get("content-type", ""))
        except xmlrpc.NotXmlRpc as error:
            raise Unreadable(
                f"Voicenter asked in XML that is not an XML-RPC call ({error}); nothing was answered."
            ) from error
        told = params[0] if params else None
        return method, Fields(told if isinstance(told, Mapping) else {}), True
    try:
        fields = Fields(loose.members(body, request.headers.get("content-type", "")))
    except (ValueError, RecursionError) as error:
        raise Unreadable("Voicenter asked in neither XML nor JSON; nothing was answered.") from error
    return fields.text("method"), fields.inner("data"), False
