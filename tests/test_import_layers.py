"""The direction of the code, as docs/ARCHITECTURE.md draws it: who may import whom, and what starts
without torch.
"""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# A layer -> the layers of ours that it may import, besides itself. A module belongs to the longest
# name here that begins its own.
GROUND = {
    *("core.errors", "core.export", "core.files", "core.messages"),
    *("core.types", "core.settings", "core.progress", "core.identity", "core.access"),
    *("core.private_log", "core.hosts"),
}
NUMBERS = GROUND | {"core.stats", "core.counts"}
CORE = {
    "core.messages": set(),
    "core.errors": {"core.messages"},
    "core.types": {"core.errors"},
    "core.settings": {"core.errors"},
    "core.files": set(),
    "core.hosts": set(),
    "core.identity": {"core.errors"},
    "core.access": {"core.errors", "core.identity"},
    "core.export": {"core.errors", "core.files"},
    "core.progress": {"core.files"},
    "core.private_log": {"core.errors", "core.messages"},
    "core.stats": GROUND,
    "core.counts": GROUND | {"core.stats"},
    "core.decision": NUMBERS,
    "core.cases": GROUND | {"core.stats"},
    "core.store": NUMBERS,
    "core.models": GROUND | {"core.stats"},
    "core.report": NUMBERS | {"core.decision", "core.store"},
    "core.jobs": GROUND | {"core.cases"},
    "core.pipeline": NUMBERS | {"core.models", "core.store", "core.cases", "core.decision"},
}
CORE["core.gate"] = NUMBERS | {"core.decision", "core.store", "core.pipeline"}
CORE["core.cli"] = CORE["core.__main__"] = set(CORE) | {"core.cli"}
SCREENS = {
    "dashboard.i18n": GROUND,
    "dashboard.session": set(CORE) - {"core.models", "core.gate"} | {"dashboard.i18n"},
    "dashboard.components": set(CORE) - {"core.models", "core.gate"}
    | {"dashboard.i18n", "dashboard.session"},
}
PAGES = {
    f"dashboard.{f.name}"
    for f in sorted((ROOT / "dashboard").iterdir())
    if (f / "page.py").is_file()
}
SCREENS |= {page: SCREENS["dashboard.components"] | {"dashboard.components"} for page in PAGES}
SERVER = {
    "dashboard.app": {*SCREENS},
    "dashboard.guard": {"core.hosts"},
    "dashboard.index_page": set(),
    "dashboard.login_guard": {"core.access", "core.errors"},
    "dashboard.download_files": set(),
    "dashboard.warm_up": GROUND | {*SCREENS},
    "dashboard.server": GROUND
    | {f"dashboard.{name}" for name in ("app", "download_files", "guard", "index_page")}
    | {"dashboard.login_guard", "dashboard.warm_up"},
}
MAY_IMPORT = {"core": set(), "dashboard": set()} | CORE | SCREENS | SERVER

# A heavy or delicate library -> the only layers that may import it, even inside a function.
HOME = dict.fromkeys(
    ("torch", "transformers", "peft", "accelerate", "safetensors"), {"core.models"}
)
HOME |= {
    "starlette": {"core.gate", *(f"dashboard.{n}" for n in ("guard", "server", "login_guard"))},
    "uvicorn": {"core.gate"},
}
HOME |= {"duckdb": {"core.store"}, "plotly": {"core.report", *SCREENS}}
HOME |= dict.fromkeys(("pptx", "reportlab", "xlsxwriter"), {"core.report"})
HOME |= {"babel": {"core.messages", "core.cases", "dashboard.i18n", "core.report"}}
HOME |= {
    "streamlit": {
        *SCREENS,
        *("dashboard.app", "dashboard.index_page", "dashboard.server"),
        *("dashboard.download_files", "dashboard.login_guard"),
    }
    - {"dashboard.i18n"}
}


def modules() -> dict[str, Path]:
    """Return {module name: file} of core and dashboard."""
    found = {}
    for top in ("core", "dashboard"):
        for file in sorted((ROOT / top).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def layer(module: str) -> str:
    """core.store.parts -> core.store; dashboard.decide.page -> dashboard.decide."""
    return ".".join(module.split(".")[:2])


def imports(file: Path, known: set[str]) -> set[str]:
    """Return the modules that a file imports anywhere, `from core import types` as core.types."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{file.name}:{node.lineno} imports relatively: write the whole name"
            )
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in names}
    return found


MODULES = modules()
IMPORTS = {name: imports(file, set(MODULES)) for name, file in MODULES.items()}


@pytest.mark.parametrize("module", MODULES)
def test_a_layer_imports_only_the_layers_below_it(module):
    own = {layer(name) for name in IMPORTS[module] if name.split(".")[0] in ("core", "dashboard")}
    allowed = MAY_IMPORT[layer(module)] | {layer(module), "core", "dashboard"}
    assert own <= allowed, f"{module} imports {sorted(own - allowed)}"


@pytest.mark.parametrize("library", HOME)
def test_a_library_stays_in_its_layer(library):
    users = {
        module
        for module, names in IMPORTS.items()
        if any(name.split(".")[0] == library for name in names)
    }
    strangers = {module for module in users if layer(module) not in HOME[library]}
    assert not strangers, f"{library} is imported by {sorted(strangers)}"


def test_layers_have_no_cycle():
    graph: dict[str, set[str]] = {}
    for module, names in IMPORTS.items():
        below = {layer(name) for name in names if name in MODULES} - {layer(module)}
        graph.setdefault(layer(module), set()).update(below)
    # raises CycleError, which names the cycle
    assert set(graphlib.TopologicalSorter(graph).static_order()) >= {"core.store", "dashboard.app"}


@pytest.mark.parametrize(
    ("home", "words"),
    [
        ("dashboard.session.state", {"session_state", "query_params"}),
        ("dashboard.session.cache", {"cache_data", "cache_resource"}),
        ("dashboard.components.panels", {"dataframe"}),  # where empty cells become dashes
    ],
)
def test_what_has_one_home_is_used_there_alone(home, words):
    for module, file in MODULES.items():
        if module.startswith("dashboard") and module != home:
            used = {
                node.attr
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
                if isinstance(node, ast.Attribute)
            }
            assert not used & words, f"{module} uses {sorted(used & words)}"


def test_no_screen_lets_html_through():
    for module, file in MODULES.items():
        if module.startswith("dashboard"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
            assert "unsafe_allow_html" not in keywords, module
            attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            assert "html" not in attributes, module
    script = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "dashboard").rglob("*.js")
    )
    assert not [
        way
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write")
        if way in script
    ]


def test_screens_decision_store_and_report_start_without_torch():
    """Torch costs seconds and hundreds of megabytes; a fresh interpreter shows what really comes
    in.
    """
    light = [
        name
        for name in MODULES
        if name.startswith(
            ("dashboard", "core.counts", "core.decision", "core.store", "core.report", "core.stats")
        )
    ]
    assert {"dashboard.decide.page", "core.counts.histogram"} <= set(light)
    code = (
        f"import sys, importlib\nfor name in {light!r}: importlib.import_module(name)\n"
        "print(*sorted(set(sys.modules) & {'torch', 'transformers', 'peft', 'accelerate'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_the_first_page_starts_without_what_only_other_pages_need():
    """scipy.stats alone costs the first visit half a second; the page 'Decide' must not bring it
    back.
    """
    code = (
        "import sys, dashboard.app, dashboard.session.cache, dashboard.decide.page as decide\nslow"
        " = {'scipy.stats', 'scipy.optimize', 'sklearn', 'plotly.express', 'pptx',"
        " 'dashboard.money.page'}\nassert decide.draw_decide_page\nprint(*sorted(set(sys.modules) & slow))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_charts_know_no_streamlit():
    charts = {
        name
        for name in MODULES
        if name.startswith("dashboard.") and "charts" in name.split(".")[-1]
    }
    assert len(charts) > 5
    for module in charts | {"dashboard.components.panes"}:
        assert not {name.split(".")[0] for name in IMPORTS[module]} & {"streamlit"}, module
