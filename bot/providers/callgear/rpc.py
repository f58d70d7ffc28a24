"""CallGear's JSON-RPC 2.0: signing in, the limits that every answer tells, and errors by their mnemonic.

Source: "Call API", chapters Authorization, Limits, Meta parameters, Error messages. Codes differ from method to method
for one and the same error, so the mnemonic is what counts.
"""

import asyncio
import itertools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from bot import loose
from bot.errors import Ambiguous, Refused, Unavailable
from bot.provider import LIMITED, left_open, limited, patience, reason, refused
from bot.providers.callgear.refusals import HINTS, INTERNAL, LIMITS, OURS, filled, hint, is_refusal, whole_code
from bot.providers.callgear.words import text

if TYPE_CHECKING:
    from bot.providers.callgear import CallGear

SESSION_ENDED = frozenset({"access_token_expired", "access_token_invalid", "access_token_blocked"})
SESSION_SECONDS = 3600
"""So long a session lasts. Source: chapter Authorization."""
RENEW_SECONDS = 60
"""It is renewed so long before it ends."""
TURNED_AWAY_SECONDS = 60
"""So long questions do not try again to sign in with a password that was refused."""
SPANS: Mapping[str, int] = {"minute": 60, "day": 24 * 3600}
"""What limits are counted by, seconds."""
RESERVED_SHARE = 0.05
"""This share of a minute's and of a day's points is left to calls."""
LOW_SHARE = 0.1
"""Fewer points left than this share of the limit are pointed out."""


class Rpc:
    """One account's connection: signs in where there is no key, and remembers what the answers tell about limits."""

    def __init__(self, provider: "CallGear") -> None:
        self._provider = provider
        self._ids = itertools.count(1)
        self._token = ""
        self._token_until = 0.0
        self._signing_in = asyncio.Lock()
        self._turned_away: tuple[float, Refused] | None = None
        self._limits: dict[str, int] = {}
        self._version = ""
        self._wait_until = 0.0
        self._told_at = 0.0

    async def ask(self, method: str, params: Mapping[str, Any], *, dials: bool = False) -> object:
        """Call a method; returns `result.data`.

        Raises:
            Refused: code is the mnemonic.  Unavailable: not reached, or the limit is used up: then reads are not sent
            until its reset; what dials is tried all the same.  Ambiguous: dials, and nobody knows.
        """
        now = self._provider.clock()
        if not dials and method.startswith("list."):
            self._yield_to_dials(now)
        token = await self._signed_in(dials=dials)
        try:
            return await self._send(method, {"access_token": token, **params}, dials=dials)
        except Refused as error:
            if error.code not in SESSION_ENDED or self._provider.values["access_token"]:
                raise
            # The session has ended before its time. Nothing was done, so doing it now is not doing it twice.
            token = await self._signed_in(not_with=token, dials=dials)
            return await self._send(method, {"access_token": token, **params}, dials=dials)

    def _yield_to_dials(self, now: float) -> None:
        """Questions wait while the limit is used up, and leave its last points to calls."""
        until = self._wait_until
        for span, seconds in SPANS.items():
            if self._limits.get(f"{span}_remaining", 1) < RESERVED_SHARE * self._limits.get(f"{span}_limit", 0):
                until = max(until, self._told_at + min(self._limits.get(f"{span}_reset", 0), seconds))
        if now < until:
            left = _in_words(round(until - now))
            raise Unavailable(f"{self._provider.title} is asked nothing for {left}: the last points are for calls.")

    async def log_out(self) -> None:
        """End the session, if there is one."""
        if self._token:
            token, self._token = self._token, ""
            await self._send("logout.user", {"access_token": token})

    def notices(self) -> tuple[str, ...]:
        """What the last answers told of limits."""
        told = []
        title, limits = self._provider.title, self._limits
        if limits.get("day_limit"):
            low = any(
                limits.get(f"{span}_remaining", 0) < LOW_SHARE * limits.get(f"{span}_limit", 0)
                for span in ("day", "minute")
            )
            told.append(
                f"{title}: {limits.get('day_remaining', 0)} of {limits['day_limit']} points left today, "
                f"{limits.get('minute_remaining', 0)} of {limits.get('minute_limit', 0)} this minute."
                + (" That is little: calls may be refused." if low else "")
            )
        return tuple(told)

    def outdated(self) -> str:
        """That this version of the API is about to go, "" = it is not."""
        if not self._version:
            return ""
        return (
            f"{self._provider.title} will switch off this version of its API within two months; the newest is "
            f"{self._version}. Update Callboard, then {self._provider.account.upper()}_URL."
        )

    async def _signed_in(self, not_with: str = "", *, dials: bool = False) -> str:
        """The key, or the session's token; opened once however many ask at the same moment."""
        values = self._provider.values
        if values["access_token"]:
            return values["access_token"]
        async with self._signing_in:
            fresh = self._provider.clock() < self._token_until - RENEW_SECONDS
            if not self._token or not fresh or self._token == not_with:
                data = await self._log_in(dials=dials)
                token = text(data.get("access_token")) if isinstance(data, dict) else ""
                until = data.get("expire_at") if isinstance(data, dict) else 0
                if not token:
                    raise Unavailable(f"{self._provider.title} signed us in without a key. Try again in a minute.")
                self._token = token
                self._token_until = _end(until, self._provider.clock())
            return self._token

    async def _log_in(self, *, dials: bool) -> object:
        """A refusal stands for a minute for what asks by itself: somebody who guesses passwords looks just like it."""
        values, now = self._provider.values, self._provider.clock()
        if self._turned_away is not None and not dials:
            at, error = self._turned_away
            if 0 <= now - at < TURNED_AWAY_SECONDS:
                raise Refused(str(error), code=error.code, words=error.words)
        try:
            data = await self._send("login.user", {"login": values["login"], "password": values["password"]})
        except Refused as error:
            self._turned_away = (now, error)
            raise
        self._turned_away = None
        return data

    async def _send(self, method: str, params: Mapping[str, Any], *, dials: bool = False) -> object:
        provider = self._provider
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": dict(params)}
        request = provider.http.build_request(
            "POST",
            provider.values["url"],
            content=msgspec.json.encode(body),
            headers={"content-type": "application/json; charset=UTF-8"},
        )
        # An error stands in the body, whatever the status is.
        response = await provider.send(request, dials=dials, any_status=True)
        try:
            told = loose.members(response.content, response.headers.get("content-type", ""))
        except (ValueError, RecursionError):
            told = {}
        error, result = told.get("error"), told.get("result")
        if isinstance(error, dict):
            raise self._failure(method, error, told.get("metadata"), dials=dials)
        if not isinstance(result, dict) or "data" not in result:
            status = response.status_code
            if status == LIMITED:
                now = provider.clock()
                self._wait_until = now + patience(response, now)
                raise limited(provider.title)
            # Turned away before the API had a look, as when a version is switched off.
            if status >= 300 and not left_open(status):
                found = refused(provider.title, f"HTTP {status}", str(status))
                raise Refused(f"{found} Check {provider.account.upper()}_URL.", code=found.code, words=found.words)
            words = f"{provider.title} gave an answer that cannot be read (HTTP {status})"
            raise Ambiguous(f"{words}; it may or may not be calling.") if dials else Unavailable(f"{words}. Try again.")
        self._learn(result.get("metadata") or told.get("metadata"))
        return result["data"]

    def _failure(self, method: str, error: Mapping[str, Any], beside: object, *, dials: bool) -> Exception:
        """`beside`: metadata that stands beside the error, and not in it."""
        data = error.get("data") if isinstance(error.get("data"), dict) else {}
        assert isinstance(data, dict)
        self._learn(data.get("metadata") or beside)
        mnemonic, code = text(data.get("mnemonic")), whole_code(error.get("code"))
        words = filled(text(error.get("message")), data.get("params"))
        title = self._provider.title
        if mnemonic == "internal_error" or code == INTERNAL or (dials and not is_refusal(mnemonic, code)):
            sentence = f"{title} failed inside: {reason(words)}"
            return Ambiguous(f"{sentence}; it may or may not be calling.") if dials else Unavailable(f"{sentence}.")
        field = text(data.get("field"))
        about = f" ({field})" if field and mnemonic not in OURS else ""
        found = refused(title, words, mnemonic)
        if mnemonic == "limit_exceeded" or (
            code == LIMITS and mnemonic not in HINTS
        ):  # nothing was done, later it can be
            return Unavailable(f"{found} Points are counted anew in {_in_words(self._wait(data))}: try again then.")
        advice = hint(method, mnemonic, code, field).format(account=self._provider.account.upper())
        page = text(data.get("extended_helper"))  # "link to a page with more information", mostly null
        advice += f" More: {page}" if page.startswith("https://") and " " not in page else ""
        return Refused(f"{str(found).removesuffix('.')}{about}. {advice}".strip(), code=mnemonic, words=found.words)

    def _wait(self, data: Mapping[str, Any]) -> int:
        """Ask nothing more until that limit is counted anew; returns in how many seconds that is."""
        params = data.get("params")
        span = "day" if isinstance(params, dict) and "day" in text(params.get("limit_type")).lower() else "minute"
        seconds = min(self._limits.get(f"{span}_reset", 60), SPANS[span])
        self._wait_until = self._provider.clock() + seconds
        return seconds

    def _learn(self, metadata: object) -> None:
        if not isinstance(metadata, dict):
            return
        limits, version = metadata.get("limits"), metadata.get("api_version")
        if isinstance(limits, dict):
            self._told_at = self._provider.clock()
            self._limits = {name: found for name, value in limits.items() if (found := _whole(value)) is not None}
        if isinstance(version, dict):
            # Spelt "depricated" in one edition of the page and "deprecated" in the other.
            old = version.get("current_version_depricated") or version.get("current_version_deprecated")
            self._version = text(version.get("latest_version")) or "newer" if text(old).lower() == "true" else ""
        elif isinstance(limits, dict):
            self._version = ""


def _end(told: object, now: float) -> float:
    """When a session ends, as it is told where our clock and the service's agree; else it begins now."""
    until = _whole(told) or 0
    return until if now + RENEW_SECONDS < until <= now + SESSION_SECONDS else now + SESSION_SECONDS


def _whole(value: object) -> int | None:
    """A number that is not negative, also where it is text; None = it is none."""
    found = (str(value) if isinstance(value, float) else text(value)).partition(".")[0]
    return int(found) if re.fullmatch("[0-9]{1,12}", found) else None


def _in_words(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
