"""The telephony services Callboard speaks: folder name -> class."""

from importlib import import_module
from typing import cast

from bot.errors import SettingsError
from bot.provider import Provider

NAMES = ("voicenter", "gurulize", "exolve", "enablex", "callgear")


def provider_class(name: str) -> type[Provider]:
    """The class in the folder of that name, imported only when it is asked for.

    Raises:
        SettingsError: there is no such provider; names those there are.
    """
    if name not in NAMES:
        raise SettingsError(f"There is no provider “{name}”. Choose one of: {', '.join(NAMES)}.")
    return cast(type[Provider], import_module(f"bot.providers.{name}").PROVIDER)
