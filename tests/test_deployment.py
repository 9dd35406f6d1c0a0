"""The files of docs/deployment: each path, command and health address in them exists."""

import json
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from core.cli import parser
from core.gate.openapi import openapi_document

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "deployment"
INSTRUCTIONS = ("FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "ENTRYPOINT", "CMD")


@pytest.fixture(scope="module")
def instructions():
    """The Dockerfile's instructions as (name, rest)."""
    text = re.sub(r"^#.*\n", "", (FOLDER / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [tuple(line.split(None, 1)) for line in lines if line.strip()]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


def test_the_image_copies_files_that_exist_and_runs_as_a_user(instructions):
    assert {name for name, _ in instructions} <= set(INSTRUCTIONS)
    for name, rest in instructions:
        if name == "COPY":
            assert all((ROOT / source).exists() for source in rest.split()[:-1]), rest
    names = [name for name, _ in instructions]
    assert names.index("USER") < names.index("CMD")
    values = dict(instructions)
    assert values["USER"] == "kakushin"
    assert json.loads(values["ENTRYPOINT"]) == ["kakushin"]
    parser().parse_args(json.loads(values["CMD"]))


def test_each_service_runs_a_command_of_the_command_line_over_the_same_workspace(compose):
    for service in compose["services"].values():
        arguments = [re.sub(r"\$\{\w+:-(.*)\}", r"\1", word) for word in service["command"]]
        parser().parse_args(arguments)
        assert service["volumes"] == ["workspace:/var/lib/kakushin"]
    build = compose["services"]["dashboard"]["build"]
    assert (FOLDER / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()


def test_each_health_check_asks_a_route_at_the_port_of_its_service(compose):
    paths = {"dashboard": {"/_stcore/health"}, "gate": set(openapi_document()["paths"])}
    for name, service in compose["services"].items():
        code = service["healthcheck"]["test"][-1]
        compile(code, name, "exec")
        address = urlsplit(re.search(r"'(http[^']+)'", code)[1])
        assert str(address.port) in service["command"]
        assert address.path in paths[name]


def test_the_unit_starts_a_command_of_the_command_line():
    text = (FOLDER / "kakushin.service").read_text()
    command = shlex.split(re.search(r"^ExecStart=(.+)$", text, re.MULTILINE)[1])
    assert command[0].endswith("/bin/kakushin")
    parser().parse_args(command[1:])
