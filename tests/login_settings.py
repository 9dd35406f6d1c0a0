"""The settings of a login, written for a dashboard that a test starts."""

from pathlib import Path

SECRET = "q9Zt4mVw2LrK8hXc5PdN7sBf3GjY6uTe"  # signs cookies
LOGIN = """
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "{secret}"
client_id = "kakushin"
client_secret = "abc"
server_metadata_url = "http://127.0.0.1:{provider}/.well-known/openid-configuration"
client_kwargs = {{ prompt = "login" }}

[access]
{people}"""


def write_login(home: Path, port: int, provider: int, people: str) -> Path:
    """Write the settings of a login at a provider's port; people: lines of [access]."""
    path = home / "login.toml"
    path.write_text(LOGIN.format(port=port, secret=SECRET, provider=provider, people=people))
    path.chmod(0o600)
    return path
