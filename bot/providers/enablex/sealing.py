"""The simulator's half of encrypted webhooks: what Node's `createCipher("aes-256-cbc", APP_ID)` does."""

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.providers.enablex.encryption import key_and_iv


def sealed(plain: bytes, password: str) -> str:
    """The encrypted event, in hex."""
    key, iv = key_and_iv(password.encode(), 32)
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return (encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()).hex()
