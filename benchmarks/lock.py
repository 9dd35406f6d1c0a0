"""`python -m benchmarks.lock`: writes the lock files from requirements.txt, by uv.

uv resolves for every platform at once. torch's CUDA build and its libraries go to
requirements-cuda.lock, everything to requirements.lock but those libraries, so that a machine with
torch's CPU build (requirements-cpu.lock, whose hash is written by hand) downloads none of them.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "uv pip compile requirements.txt --universal --python-version 3.11 --generate-hashes -q"
CUDA_ONLY = re.compile(r"(nvidia-|cuda-|triton==)")
TORCH = re.compile(r"torch==")
ALL = """# Every package that requirements.txt brings, at one version, with the hashes of its files.
# `make` installs it with --no-deps, after requirements-cpu.lock or requirements-cuda.lock.
# Made by `make lock`: do not edit.
"""
CUDA = """# torch as PyPI has it for Linux: a CUDA build, with the libraries that it needs (3 GB).
"""


def main() -> int:
    """Write both files and return 0."""
    text = subprocess.run(
        [sys.executable, "-m", *COMMAND.split()],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    packages = locked_packages(text)
    cuda = [p for p in packages if CUDA_ONLY.match(p) or TORCH.match(p)]
    everything = [p for p in packages if not CUDA_ONLY.match(p)]
    (ROOT / "requirements.lock").write_text(ALL + "".join(everything), encoding="utf-8")
    (ROOT / "requirements-cuda.lock").write_text(CUDA + "".join(cuda), encoding="utf-8")
    print(f"requirements.lock: {len(everything)} packages; requirements-cuda.lock: {len(cuda)}")
    return 0


def locked_packages(text: str) -> list[str]:
    """Return each package's lines of uv's file: the pin and its hashes, without comments."""
    blocks = re.findall(r"(?m)^[A-Za-z0-9][^\n]*\n(?:[ ]+[^\n]*\n)*", text)
    return [
        "".join(line + "\n" for line in block.splitlines() if not line.lstrip().startswith("#"))
        for block in blocks
    ]


if __name__ == "__main__":
    sys.exit(main())
