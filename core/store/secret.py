"""The secret that makes audit draws unguessable: 32 random bytes, made once for each store."""

import secrets
from pathlib import Path

from core.errors import StoreError
from core.files import make_file_once, private_folder

AUDIT_KEY_FILE = "audit.key"
_BYTES = 32


def audit_secret(folder: Path) -> bytes:
    """Return the secret of the store in `folder`, created at first use with mode 600.

    Losing the file loses no estimate, since draws keep their numbers; later draws then follow other
    numbers, and a higher audit share no longer contains the earlier draws. Raises StoreError for a
    file of another length.
    """
    path = private_folder(folder) / AUDIT_KEY_FILE
    make_file_once(path, secrets.token_bytes(_BYTES))
    secret = path.read_bytes()
    if len(secret) != _BYTES:
        raise StoreError("store.audit_secret", file=str(path), n=len(secret), length=_BYTES)
    return secret
