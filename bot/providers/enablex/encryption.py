"""Encrypted webhooks: what Node's `createDecipher(algorithm, APP_ID)` undoes.

Key and IV are OpenSSL's EVP_BytesToKey of the APP ID with MD5, one round and no salt
(https://nodejs.org/docs/latest-v20.x/api/crypto.html#cryptocreatedecipheralgorithm-password-options). Weak by today's
measure, but it is the service's own; the secret in the hook address is what proves a webhook.
"""

import base64
import binascii
import hashlib

from bot.errors import Unreadable

KEY_BYTES = {"aes-128-cbc": 16, "aes-192-cbc": 24, "aes-256-cbc": 32, "aes128": 16, "aes192": 24, "aes256": 32}
"""Algorithms that are decrypted -> length of their keys. OpenSSL, and so Node, has two names for each."""
_BLOCK = 16


def decrypted(text: str, algorithm: str, encoding: str, password: str) -> bytes:
    """The plain event. `encoding`: of `text`, "hex" or "base64".

    Raises:
        Unreadable: another algorithm or encoding, or not encrypted with this APP ID.
    """
    length = KEY_BYTES.get(algorithm.strip().lower())
    if length is None:
        raise Unreadable("EnableX encrypted a webhook in a way that is not AES in CBC mode; nothing was stored.")
    try:
        sealed = bytes.fromhex(text) if encoding.strip().lower() == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Unreadable(
            "EnableX sent an encrypted webhook that is neither hex nor base64; nothing was stored."
        ) from error
    # Only loaded where webhooks are encrypted at all.
    from cryptography.hazmat.primitives import padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key, iv = key_and_iv(password.encode(), length)
    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
        unpadder = padding.PKCS7(_BLOCK * 8).unpadder()
        return bytes(unpadder.update(padded) + unpadder.finalize())
    except ValueError as error:
        raise Unreadable("An encrypted webhook was not made for this APP ID; nothing was stored.") from error


def key_and_iv(password: bytes, length: int) -> tuple[bytes, bytes]:
    """Key of that many bytes and IV, derived from the password by EVP_BytesToKey."""
    made, last = b"", b""
    while len(made) < length + _BLOCK:
        last = hashlib.md5(last + password, usedforsecurity=False).digest()
        made += last
    return made[:length], made[length : length + _BLOCK]
