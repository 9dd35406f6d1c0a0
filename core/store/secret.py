"""The secret that makes audit draws unguessable: 32 random bytes, made once for each store."""

import os
import secrets
from pathlib import Path

from core.errors import StoreError
from core.files import private_folder, write_atomic

KEY_FILE = "audit.key"
_BYTES = 32


def audit_secret(folder: Path) -> bytes:
    """Return the secret of the store in `folder`, created at first use with mode 600.

    Losing the file loses no estimate, since draws keep their numbers; later draws then follow other
    numbers, and a higher audit share no longer contains the earlier draws. Raises StoreError for a
    file of another length.
    """
    path = private_folder(folder) / KEY_FILE
    if not path.exists():
        fresh = path.with_name(f"{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
        write_atomic(fresh, secrets.token_bytes(_BYTES))
        try:
            # A hard link fails if another process was first; a rename would replace its secret.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    secret = path.read_bytes()
    if len(secret) != _BYTES:
        raise StoreError("store.audit_secret", file=str(path), n=len(secret), length=_BYTES)
    return secret
