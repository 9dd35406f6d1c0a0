"""The dashboard's server: `python -m dashboard.server --port 8501`; `kakushin dashboard` starts it.

Serves dashboard/app.py with Streamlit's own ASGI application behind dashboard.guard. Without a
login (KAKUSHIN_LOGIN), refuses an address beyond this machine, since anyone who reaches the server
may use it; with one, refuses a login file that would let too many in.
"""

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from streamlit import config
from streamlit.starlette import App

from core.access import AccessRules, login_path, read_login, require_login_library
from core.errors import KakushinError, SettingsError
from core.hosts import is_loopback
from core.messages import error_text, reader_language
from core.private_log import keep_case_text_out
from core.settings import Settings
from dashboard.app import PAGE_GROUPS
from dashboard.download_files import keep_downloads
from dashboard.guard import RequestGuard
from dashboard.index_page import index_page
from dashboard.login_guard import LoginGuard
from dashboard.warm_up import start_warm_up

SCRIPT = Path(__file__).with_name("app.py")


class DashboardApp(App):
    """Streamlit's application with every request checked and every response marked.

    The guard is outside of Streamlit's middleware, so that an answer to an exception is marked too.
    """

    def __init__(
        self, public_hosts: tuple[str, ...], most_sessions: int, rules: AccessRules | None
    ):
        # The first page's own address is the root; Streamlit knows no other for it.
        first, *names = [name for pages in PAGE_GROUPS.values() for name in pages]
        routes = [Route(path, _index_page) for path in ("/", *(f"/{name}" for name in names))]
        routes.append(Route(f"/{first}", _first_page))
        super().__init__(SCRIPT, routes=routes, lifespan=_lifespan)
        behind_login = LoginGuard(super().__call__, rules)
        self._guard = RequestGuard(behind_login, public_hosts, most_sessions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or connection."""
        await self._guard(scope, receive, send)


@asynccontextmanager
async def _lifespan(app: App) -> AsyncIterator[None]:
    start_warm_up()
    yield


async def _index_page(request: Request) -> Response:
    """Return the page that loads everything else."""
    return Response(index_page(), media_type="text/html", headers={"cache-control": "no-cache"})


async def _first_page(request: Request) -> Response:
    return RedirectResponse(request.url.replace(scheme="", netloc="", path="/"))


def require_local_address(address: str | None) -> None:
    """Raise SettingsError for an address that other machines reach; None is every address."""
    if not is_loopback(address or ""):
        raise SettingsError("settings.address_open", address=address or "0.0.0.0")  # noqa: S104


def serve_dashboard(port: int) -> None:
    """Serve on this machine until a signal ends it. Raises SettingsError for an open address."""
    settings, login = Settings(), login_path()
    settings.require_usable_home()
    keep_case_text_out()
    keep_downloads()
    rules = None if login is None else read_login(login).rules
    app = DashboardApp(settings.public_hosts, settings.sessions, rules)
    # Headers would log anyone in who can set them. The agent's API draws pages without a socket, and
    # only a headless server refuses a session's wish to write Streamlit's own files into the program.
    options = {"server.port": port, "server.trustedUserHeaders": {}}
    options |= {"server.enableAgentApi": False, "server.headless": True}
    options["logger.enableRich"] = False  # it prints errors with their messages
    # Streamlit's own list, behind our guard: it knows single names only, so the address joins them.
    address = config.get_option("server.address")
    named = ["127.0.0.1", "localhost", "::1", *([address] if address else [])]
    options["server.allowedHosts"] = [*named, *settings.public_hosts]
    if login is None:
        require_local_address(address)
    else:
        require_login_library()
        options["secrets.files"] = [str(login.resolve())]
    app.run(config=options)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m dashboard.server")
    parser.add_argument("--port", type=int, default=8501)
    try:
        serve_dashboard(parser.parse_args().port)
    except KakushinError as e:
        print(f"kakushin: {error_text(e, reader_language())}", file=sys.stderr)
        sys.exit(e.exit_code)
