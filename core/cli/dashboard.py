"""The verb `dashboard`: serves the screens over the workspace, on this machine only.

Starts dashboard.server with the settings of dashboard/.streamlit/config.toml; imports no screen.
"""

import argparse
import os
import sys

from core.cli.verbs import add_verb
from core.messages import reader_language, sentence
from core.settings import Settings


def add_dashboard(verbs) -> None:
    """Add the verb `dashboard`."""
    verb = add_verb(verbs, "dashboard", _dashboard, "serve the dashboard on this machine")
    verb.add_argument("--port", type=int, default=8501, help="port on 127.0.0.1 (default: 8501)")


def _dashboard(arguments: argparse.Namespace, settings: Settings) -> None:
    home = settings.home.resolve()
    language, address = reader_language(), f"http://127.0.0.1:{arguments.port}"
    print(sentence(language, "settings.dashboard_address", address=address), flush=True)
    print(sentence(language, "settings.workspace", folder=str(home)), flush=True)
    command = [sys.executable, "-m", "dashboard.server", "--port", str(arguments.port)]
    # This process becomes the server, so that a signal to it reaches the server.
    os.execve(sys.executable, command, os.environ | {"KAKUSHIN_HOME": str(home)})  # noqa: S606
