"""The demo's mails: what a text is, how the archive is read and fetched, and how mails are split."""

import io
import json
import tarfile
from datetime import UTC, datetime, timedelta

import pytest

from core.cases import mails
from core.cases.mail_splits import CHARACTERS, MAIL_SPLIT_STARTS, TRAIN, split_mails
from core.cases.mails import DIRECT, LISTS, Mail, fetch_mails
from core.errors import FetchError

MAIL = """From a@b.c  Mon Jul 29 11:00:00 2002
Received: from x by y; Mon, 29 Jul 2002 11:21:55 +0100
Date: Fri, 1 Jan 1999 00:00:00 +0000
Subject: Buy
 now
Content-Type: text/html

<html><head><style>p {color: red}</style></head><body><p>Cheap &amp; good</p> things</body></html>
"""


def test_a_mail_is_its_subject_and_body_without_markup_at_its_arrival():
    mail = mails.parse_mail(MAIL, "spam")
    assert mail.text == "Buy now. Cheap & good things"
    assert mail.arrived.isoformat() == "2002-07-29T11:21:55+01:00"


def test_a_mail_without_a_date_or_with_few_words_is_left_out():
    assert mails.parse_mail("Subject: a b c d e f\n\nbody", "ham") is None
    assert mails.parse_mail("Date: Fri, 1 Jan 1999 00:00:00 +0000\nSubject: hi\n\n.", "ham") is None


def test_mails_are_read_from_the_archive_by_time_each_text_once(tmp_path):
    later = MAIL.replace("29 Jul 2002", "30 Aug 2002").replace("Cheap", "Other")
    members = {"easy-ham-1/00002.ab": later, "spam-2/00001.ab": MAIL, "spam-2/00003.cd": MAIL}
    with tarfile.open(tmp_path / "mails.tgz", "w:gz") as archive:
        for name, source in members.items():
            raw = json.dumps({"text": source}).encode()
            info = tarfile.TarInfo(f"package/data/{name}.json")
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    assert [mail.label for mail in mails.read_mails(tmp_path / "mails.tgz")] == ["spam", "ham"]
    with pytest.raises(FetchError, match="has sha512"):
        mails.check_archive(tmp_path / "mails.tgz")


def test_a_mail_of_a_list_is_in_the_segment_of_lists():
    assert mails.parse_mail(MAIL, "spam").segment == DIRECT
    listed = MAIL.replace("Subject:", "List-Id: <a.b.c>\nSubject:")
    assert mails.parse_mail(listed, "spam").segment == LISTS


def test_an_archive_of_other_content_is_refused_and_nothing_is_kept(tmp_path):
    with pytest.raises(FetchError, match="has sha512"):
        fetch_mails(tmp_path, lambda path: path.write_bytes(b"other") and None)
    assert list(tmp_path.rglob("*.tgz")) == []


def test_an_archive_that_was_fetched_is_not_fetched_again(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(mails, "check_archive", lambda path: None)
    for _ in range(2):
        path = fetch_mails(tmp_path, lambda path: asked.append(path) or path.write_bytes(b"x"))
    assert (len(asked), path.read_bytes()) == (1, b"x")


def mail(moment: datetime, text: str, label: str = "ham") -> Mail:
    return Mail(moment, label, text)


def test_mails_train_before_they_judge_and_a_repeated_text_stays_in_its_first_split():
    early, middle, late = (
        datetime(2002, 8, 1, tzinfo=UTC),
        MAIL_SPLIT_STARTS["calibration"],
        MAIL_SPLIT_STARTS["stream"],
    )
    rows = [mail(early + timedelta(minutes=i), f"mail number {i}") for i in range(TRAIN + 50)]
    rows += [mail(middle, "Mail  Number 3"), mail(middle, "a new mail", "spam")]
    rows += [mail(late, "the last mail" + 300 * "="), mail(late, "A new  mail")]
    splits = split_mails(rows)
    texts = {name: list(frame["text"]) for name, frame in splits.frames.items()}
    assert {name: len(frame) for name, frame in splits.frames.items()} == splits.record["cases"]
    assert len(texts["fit"]) == TRAIN
    assert texts["calibration"] == ["a new mail"]
    assert texts["stream"] == [("the last mail" + 300 * "=")[:CHARACTERS]]
    # No training mail is spam here, so a model cannot know the label.
    assert list(splits.frames["calibration"]["label_seen"]) == [False]
