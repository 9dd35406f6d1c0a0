"""`python -m benchmarks.licences`: the licence of each locked package, as a Markdown table.

Read from the metadata of the installed packages: the SPDX expression, else the classifiers, else
the field License. A package that is locked for another platform is not installed here, and is
listed as such.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)==([^ ;\\]+)")


def main() -> int:
    """Print the table and return 0."""
    pins = {}
    for name in ("requirements.lock", "requirements-cpu.lock"):
        pins |= dict(PIN.findall((ROOT / name).read_text(encoding="utf-8")))
    print("# Licences of the locked packages\n\nMade by `make sbom`.\n")
    print("| package | version | licence |\n| --- | --- | --- |")
    for package, version in sorted(pins.items()):
        print(f"| {package} | {version} | {package_licence(package)} |")
    return 0


def package_licence(package: str) -> str:
    """Return the licence that an installed package states, in one line."""
    try:
        fields = metadata(package)
    except PackageNotFoundError:
        return "not installed on this platform"
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in fields.get_all("Classifier") or []
        if text.startswith("License :: ") and not text.endswith("OSI Approved")
    ]
    stated = (fields.get("License") or "").strip().splitlines()
    text = (
        fields.get("License-Expression") or ", ".join(classifiers) or (stated or ["not stated"])[0]
    )
    return text.replace("|", "/")


if __name__ == "__main__":
    sys.exit(main())
