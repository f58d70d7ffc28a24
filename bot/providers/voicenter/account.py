"""What all chapters of Voicenter's document share: the account's settings, a clock, and how requests are built."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import httpx

from bot.errors import SettingsError
from bot.provider import Provider


class Account(Provider):
    """One Voicenter account; each chapter's operations are in a class of their own above this one.

    Attributes:
        clock: seconds since 1970 UTC; for events whose time Voicenter does not tell.
        sleep: waits so many seconds; tests inject their own.
    """

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        """Settings that are not set get their defaults."""
        super().__init__(account, values, http, region)
        for setting in self.settings:
            if setting.default is not None and not self.values.get(setting.name):
                self.values[setting.name] = setting.default
        self.clock: Callable[[], float] = time.time
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def one_of(self, name: str, *allowed: str) -> str:
        """A setting that is one of two words, in capitals.

        Raises:
            SettingsError: it is neither.
        """
        value = self.values[name].strip().upper()
        if value not in allowed:
            raise SettingsError(
                f"{self.account.upper()}_{name.upper()} is neither {' nor '.join(allowed)}. Set it to one of them."
            )
        return value

    def address(self, base: str, path: str) -> str:
        """`base`: the setting that names the host."""
        return self.values[base].rstrip("/") + path

    def post(self, base: str, path: str, form: Mapping[str, str]) -> httpx.Request:
        """A form, so that the code is not in the address."""
        return self.http.build_request("POST", self.address(base, path), data=dict(form))

    def get(self, base: str, path: str, *query: tuple[str, str]) -> httpx.Request:
        """Where GET is all that is documented, or asked for; the code is in the address then: never log that."""
        return self.http.build_request("GET", self.address(base, path), params=query)
