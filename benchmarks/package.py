"""`python -m benchmarks.package`: whether `pip install .` in an empty environment works.

Makes a virtual environment, installs this folder with its dependencies, and runs the console
script from another folder: its help, a refusal in Japanese (the catalogues are installed), and the
dashboard until its health answers (the screens and their settings are installed). Minutes, nearly
all of them pip's.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 120  # a first start reads every library from disk


def main() -> int:
    """Run every step; raise AssertionError or CalledProcessError at the first that fails."""
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = Path(folder) / "elsewhere"
        elsewhere.mkdir()
        environment = Path(folder) / "env"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = [environment / "bin" / "python", "-m", "pip", "install", "-q", "--no-input"]
        # pip builds in the source folder: a copy keeps this one clean
        source = Path(folder) / "source"
        subprocess.run(["git", "clone", "-q", ROOT, source], check=True)
        subprocess.run([*pip, source], check=True)
        kakushin = str(environment / "bin" / "kakushin")
        answer = subprocess.run([kakushin, "--help"], check=True, capture_output=True, text=True)
        assert "dashboard" in answer.stdout, answer.stdout
        refuse_in_japanese(kakushin, elsewhere)
        serve_until_healthy(kakushin, elsewhere)
    print("kakushin, installed in an empty environment: help, a refusal in Japanese, the dashboard")
    return 0


def refuse_in_japanese(kakushin: str, folder: Path) -> None:
    """Check that a missing file is refused with exit code 3 and a Japanese sentence."""
    answer = subprocess.run(
        [kakushin, "check", "nothing.csv"],
        cwd=folder,
        env=os.environ | {"KAKUSHIN_LANGUAGE": "ja"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 3, answer
    assert any("\u3040" <= sign <= "\u30ff" for sign in answer.stderr), answer.stderr


def serve_until_healthy(kakushin: str, folder: Path) -> None:
    """Start the dashboard, wait for its health, end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([kakushin, "dashboard", "--port", str(port)], cwd=folder)
    try:
        for _ in range(4 * PATIENCE_S):
            assert process.poll() is None, f"the dashboard ended with {process.returncode}"
            if is_healthy(f"http://127.0.0.1:{port}/_stcore/health"):
                return
            time.sleep(0.25)
        raise AssertionError(f"the dashboard did not answer within {PATIENCE_S} s")
    finally:
        process.terminate()
        process.wait()


def is_healthy(address: str) -> bool:
    """Return whether the server answers that it is well."""
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own address
            return answer.read() == b"ok"
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
