"""Who is let in: the login file's refusals, and the claims that amount to a person with roles."""

import os
import subprocess
import sys

import pytest

from core.access import AccessRules, principal_of_claims, read_login
from core.errors import AccessError, SettingsError
from core.identity import ROLES
from tests.browser.serving import ROOT

SECRET = "q9Zt4mVw2LrK8hXc5PdN7sBf3GjY6uTe"
LOGIN = """
[auth]
redirect_uri = "https://kakushin.example.com/oauth2callback"
cookie_secret = "{secret}"
client_id = "kakushin"
client_secret = "abc"
server_metadata_url = "https://login.example/.well-known/openid-configuration"

[access]
admin = ["Root@Example.com"]
"""
RULES = AccessRules(
    {
        "approver": frozenset({"tanaka@example.com"}),
        "reviewer": frozenset({"tanaka@example.com", "https://login.example 42"}),
    },
    "groups",
)
CLAIMS = {
    "iss": "https://login.example",
    "sub": "7",
    "exp": 1000,
    "email": "Tanaka@Example.com",
    "email_verified": True,
    "name": "田中",
}


def write(tmp_path, text=None, mode=0o600):
    path = tmp_path / "login.toml"
    path.write_text(text or LOGIN.format(secret=SECRET), encoding="utf-8")
    path.chmod(mode)
    return path


def test_a_login_file_gives_rules(tmp_path):
    rules = read_login(write(tmp_path)).rules
    assert rules.members == {role: frozenset() for role in ROLES} | {
        "admin": frozenset({"root@example.com"})
    }
    assert rules.roles_claim is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[access]", "[other]", r"needs the sections \[auth\] and \[access\]"),
        ('admin = ["Root@Example.com"]', "", "lets no one in"),
        ('admin = ["Root@Example.com"]', "boss = []", "access 'boss' is not one of"),
        ('admin = ["Root@Example.com"]', "admin = 5", "no usable access.admin"),
        ('client_id = "kakushin"', "", "no usable auth.client_id"),
        ('client_secret = "abc"', 'client_secret = " "', "no usable auth.client_secret"),
        (SECRET, "", "no usable auth.cookie_secret"),
        (SECRET, SECRET[:31], "is short or a sample"),
        (SECRET, "x" * 64, "is short or a sample"),
        (SECRET, "CHANGE-me-" + SECRET, "is short or a sample"),
        (SECRET, "a-random-string-" + SECRET, "is short or a sample"),
        ("https://kakushin", "http://kakushin", "use https"),
        ("https://login", "http://login", "use https"),
        ("[auth]", "[auth", "cannot be read"),
    ],
)
def test_a_login_file_that_lets_too_many_in_is_refused(tmp_path, old, new, message):
    text = LOGIN.format(secret=SECRET)
    assert old in text
    with pytest.raises(SettingsError, match=message):
        read_login(write(tmp_path, text.replace(old, new)))


def test_a_login_file_that_others_read_or_that_is_missing_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="other users can read"):
        read_login(write(tmp_path, mode=0o640))
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_login(tmp_path / "none.toml")


def test_the_server_does_not_start_with_such_a_file(tmp_path):
    path = write(tmp_path, LOGIN.format(secret="short"))
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.server", "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "KAKUSHIN_HOME": str(tmp_path), "KAKUSHIN_LOGIN": str(path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "is short or a sample" in done.stderr


# --- claims


def test_a_person_is_known_by_issuer_and_subject_and_has_the_listed_roles():
    principal = principal_of_claims(CLAIMS, RULES, 999)
    assert principal.account == "https://login.example 7"
    assert principal.roles == {"approver", "reviewer"}
    assert principal.name == "田中 (tanaka@example.com)"
    by_subject = principal_of_claims(CLAIMS | {"sub": "42", "email_verified": False}, RULES, 999)
    assert by_subject.roles == {"reviewer"}


def test_a_long_name_does_not_push_out_the_address_that_tells_people_apart():
    long = "Tanaka (tanaka@example.com)" + " " * 200 + "x"
    principal = principal_of_claims(CLAIMS | {"name": long, "sub": "42", "email": None}, RULES, 0)
    assert principal.name.endswith("(https://login.example 42)")


def test_a_claim_names_roles_and_only_roles():
    stranger = CLAIMS | {"email": "x@example.com", "groups": ["viewer", "superuser", 5]}
    assert principal_of_claims(stranger, RULES, 0).roles == {"viewer"}
    assert principal_of_claims(stranger | {"groups": "operator"}, RULES, 0).roles == {"operator"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exp": 500}, "has expired"),
        ({"exp": 999}, "has expired"),
        ({"exp": None}, "lacks the claim exp"),
        ({"exp": True}, "lacks the claim exp"),
        ({"exp": "9999"}, "lacks the claim exp"),
        ({"exp": float("nan")}, "has expired"),
        ({"iss": None}, "lacks the claim iss, sub"),
        ({"iss": ""}, "lacks the claim iss, sub"),
        ({"sub": 7}, "lacks the claim iss, sub"),
        ({"email_verified": False}, "no role"),
        ({"email_verified": "true"}, "no role"),
        ({"email_verified": None}, "no role"),
        ({"email": None}, "no role"),
        ({"email": "tanaka@example.com.evil.example"}, "no role"),
        ({"email": "tаnaka@example.com"}, "no role"),  # a Cyrillic letter
        ({"email": "tanaka@example.com\u200b"}, "no role"),
        ({"email": "https://login.example 42"}, "no role"),
        ({"email": ["tanaka@example.com"]}, "no role"),
        ({"sub": "42", "iss": "https://evil.example", "email": None}, "no role"),
        ({"email": None, "groups": {"admin": True}}, "no role"),
        ({"email": None, "groups": ["Admin", "admin "]}, "no role"),
    ],
)
def test_claims_that_prove_nothing_let_nobody_in(changes, message):
    with pytest.raises(AccessError, match=message):
        principal_of_claims(CLAIMS | changes, RULES, 999)
