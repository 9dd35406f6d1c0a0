"""Logins over a real server's socket: cookies that none gave, and files that their persons take.

Forged, altered, old cookies and those of another site let nobody in. A download is made in a thread
without a session: it acts as the person of the page, until the login ends.
"""

import json
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from core.store.store import Store
from core.store.trail import AuditTrail
from tests.browser.serving import free_port, serving
from tests.login_settings import SECRET, write_login
from tests.sockets import COOKIE, XSRF, download, draw_page, open_socket, says, signed_cookie
from tests.stores import make_store

pytest.importorskip("authlib", reason="pip install -r requirements-login.txt")
PEOPLE = 'viewer = ["tanaka@example.com"]\nreviewer = ["sato@example.com"]\n'
IN, OUT, EXPIRED = "Account", "Log in", "has expired"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home):
    port = free_port()
    make_store(home / "store", "tiny")
    path = write_login(home, port, provider=9, people=PEOPLE)
    with serving(home, port, KAKUSHIN_LOGIN=str(path)) as address:
        yield address


def claims(address: str, **changes) -> str:
    return json.dumps(
        {
            "origin": address.rstrip("/"),
            "is_logged_in": True,
            "iss": "https://login.example",
            "sub": "7",
            "exp": time.time() + 3600,
            "email": "tanaka@example.com",
            "email_verified": True,
        }
        | changes
    )


def drawn(address: str, cookie: str | None) -> str:
    """Return which of the three screens the server sends."""
    with open_socket(address, cookie) as socket:
        answers = draw_page(socket, "history", "lang=en")
    shown = [text for text in (IN, OUT, EXPIRED) if says(answers, text)]
    assert len(shown) == 1, shown
    assert says(answers, "scored cases") == (shown == [IN])  # the page itself
    return shown[0]


def test_the_cookie_of_a_login_lets_its_person_in(address):
    assert drawn(address, signed_cookie(SECRET, claims(address))) == IN


def sent_file(address: str, cookie: str | None) -> int:
    """Return the status of a file that a page's session sends."""
    with open_socket(address, cookie) as socket:
        answers = draw_page(socket, "history", "lang=en")
        begun = next(answer.new_session for answer in answers if answer.HasField("new_session"))
        token = generate_xsrf_token_string()
        cookies = f"{XSRF}={token}" + (f"; {COOKIE}={cookie}" if cookie else "")
        request = Request(
            f"{address}_stcore/upload_file/{begun.initialize.session_id}/f",
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\na\r\n--x--\r\n',
            {
                "Content-Type": "multipart/form-data; boundary=x",
                "Cookie": cookies,
                "X-Xsrftoken": token,
            },
            method="PUT",
        )
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status
        except HTTPError as refusal:
            return refusal.code


def test_a_file_comes_only_from_a_person_whom_the_login_lets_in(address):
    assert sent_file(address, signed_cookie(SECRET, claims(address))) == 204
    for cookie in (
        None,
        signed_cookie("x" * 32, claims(address)),
        signed_cookie(SECRET, claims(address, exp=time.time() - 1)),
        signed_cookie(SECRET, claims(address, email="stranger@example.com")),
        signed_cookie(SECRET, claims(address, is_logged_in="true")),
        signed_cookie(SECRET, "[]"),
    ):
        assert sent_file(address, cookie) == 403


def test_the_servers_figures_are_for_people_whom_the_login_lets_in(address):
    def status(cookie: str | None) -> int:
        headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
        try:
            with urlopen(
                Request(f"{address}_stcore/metrics", headers=headers), timeout=60
            ) as answer:
                return answer.status
        except HTTPError as refusal:
            return refusal.code

    assert status(signed_cookie(SECRET, claims(address))) == 200
    assert [status(None), status(signed_cookie("x" * 32, claims(address)))] == [403, 403]


def test_a_login_that_has_ended_is_told_so(address):
    ended = claims(address, exp=time.time() - 1)
    assert drawn(address, signed_cookie(SECRET, ended)) == EXPIRED


def _altered(content: str) -> str:
    """Another payload under the signature of a true one."""
    payload, *signature = signed_cookie(SECRET, content).rsplit(".", 2)
    other, *_ = signed_cookie("x" * 32, content.replace("tanaka", "admin1")).rsplit(".", 2)
    assert other != payload
    return ".".join([other, *signature])


class _OldSigner(TimestampSigner):
    def get_timestamp(self) -> int:
        return int(time.time()) - 40 * 86400


def _old(content: str) -> str:
    return URLSafeTimedSerializer(SECRET, salt=COOKIE, signer=_OldSigner).dumps(content)


@pytest.mark.parametrize(
    "forge",
    [
        lambda content: None,
        lambda content: "",
        lambda content: content.encode().hex(),
        lambda content: signed_cookie("x" * 32, content),
        lambda content: signed_cookie("", content),
        lambda content: signed_cookie(SECRET, content, "_streamlit_user_tokens"),
        lambda content: signed_cookie(SECRET, content)[:-1],
        lambda content: signed_cookie(SECRET, content).rsplit(".", 1)[0],
        lambda content: signed_cookie(SECRET, content).rsplit(".", 1)[0] + ".",
        _altered,
        _old,
        lambda content: signed_cookie(SECRET, content.replace("http://127", "http://128")),
        lambda content: signed_cookie(SECRET, content.replace("true", "false")),
        lambda content: signed_cookie(SECRET, content.replace("true", '"true"')),
        lambda content: signed_cookie(SECRET, "[]"),
        lambda content: signed_cookie(SECRET, "{"),
    ],
    ids=[
        *("none", "empty", "unsigned", "another secret", "no secret", "another cookie's"),
        *("cut", "no signature", "empty signature", "altered", "old", "another origin"),
        *("not logged in", "no boolean", "no object", "no JSON"),
    ],
)
def test_a_cookie_that_no_login_gave_lets_nobody_in(address, forge):
    assert drawn(address, forge(claims(address))) == OUT


# --- downloads


def take(address: str, page: str, button: str, wait_s: float = 0, **changes) -> str:
    """Open a page as a person and click a download button; return the file's text or the refusal."""
    with open_socket(address, signed_cookie(SECRET, claims(address, **changes))) as socket:
        answers = draw_page(socket, page, "lang=en")
        time.sleep(wait_s)
        return download(socket, address, answers, button)


def newest_action(home) -> tuple[str, str, str]:
    entry = AuditTrail(Store(home / "store")).entries(1).iloc[0]
    return entry["action"], entry["subject"], entry["account"]


def test_a_table_of_a_page_is_exported_by_its_reader_and_recorded(address, home):
    assert "scored cases" in take(address, "history", "csv_history_list")
    subject, account = "kakushin-history_list.csv", "https://login.example 7"
    assert newest_action(home) == ("report.export", subject, account)


def test_a_list_of_cases_is_exported_by_a_reviewer_only(address, home):
    person = {"sub": "8", "email": "sato@example.com"}
    assert take(address, "", "action_worklist", **person).startswith("case_id,")
    account = "https://login.example 8"
    assert newest_action(home)[::2] == ("decisions.export", account)
    # A viewer's button is disabled; whoever sends its click all the same is refused.
    assert "Failed" in take(address, "", "action_worklist")
    assert newest_action(home)[::2] == ("login", "https://login.example 7")


def test_a_download_after_the_end_of_the_login_is_refused(address, home):
    assert "Failed" in take(address, "history", "csv_history_list", 2.1, exp=time.time() + 2)
    assert newest_action(home)[0] == "login"
