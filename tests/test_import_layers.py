"""The direction of the code, as DESIGN.md section 3 draws it: who may import whom, and what starts without torch."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GROUND = {"core.types", "core.errors", "core.settings"}
BASIC = {"core.types", "core.errors"}

# Layer -> the layers of ours that it may import, besides itself. A layer is core.<name>, core.<file> or dashboard.<name>.
MAY_IMPORT = {
    "core": set(),
    "core.errors": {"core.messages"},
    "core.messages": set(),
    "core.types": {"core.errors"},
    "core.settings": {"core.errors"},
    "core.progress": set(),
    "core.stats": BASIC,
    "core.decision": BASIC | {"core.stats"},
    "core.monitor": BASIC | {"core.stats"},
    "core.cases": GROUND | {"core.stats"},
    "core.store": GROUND | {"core.decision"},  # the histogram is the store's and the decision's common language
    "core.models": GROUND | {"core.stats", "core.progress"},
    "core.report": BASIC | {"core.decision", "core.monitor", "core.store", "core.stats"},
    "core.pipeline": GROUND | {"core.progress", "core.models", "core.store", "core.cases", "core.stats", "core.decision"},
    "dashboard": set(),
    "dashboard.i18n": {"core.messages"},
    "dashboard.panes": set(),
    "dashboard.kept": set(),
    "dashboard.charts": {"dashboard.panes"},
    "dashboard.address": BASIC | {"core.decision", "core.report", "dashboard.i18n"},
    "dashboard.evidence_charts": {"dashboard.charts"},
    "dashboard.evidence_words": {"core.types", "core.decision", "core.stats", "core.report", "dashboard.i18n"},
    "dashboard.money_charts": {"dashboard.charts"},
    "dashboard.money_words": {"core.decision", "core.types", "dashboard.i18n", "dashboard.sentences"},
    "dashboard.money_tables": {"dashboard.i18n", "dashboard.money_words", "dashboard.tables"},
    "dashboard.policies_words": {"core.decision", "core.report", "core.store", "core.types"}
    | {"dashboard.evidence_words", "dashboard.i18n"},
    "dashboard.policies_tables": {"dashboard.i18n", "dashboard.policies_words", "dashboard.tables"},
    "dashboard.policies_charts": {"dashboard.charts"},
    "dashboard.policies_controls": {"core.decision", "core.report", "core.store"}
    | {"dashboard.controls", "dashboard.i18n", "dashboard.policies_words", "dashboard.state"},
    "dashboard.money_controls": BASIC
    | {"core.decision", "core.report", "dashboard.i18n", "dashboard.money_words"}
    | {"dashboard.address", "dashboard.state", "dashboard.controls"},
    "dashboard.inspectors_charts": {"dashboard.charts"},
    "dashboard.inspectors_words": BASIC
    | {"core.pipeline", "core.report", "core.stats", "dashboard.i18n", "dashboard.sentences"},
    "dashboard.inspectors_controls": {
        "core.pipeline",
        "core.report",
        "dashboard.address",
        "dashboard.controls",
        "dashboard.i18n",
    }
    | {"dashboard.inspectors_words", "dashboard.state"},
    "dashboard.ghost_words": {"core.types", "core.decision", "dashboard.i18n"},
    "dashboard.mark_charts": {"dashboard.charts", "dashboard.panes"},
    "dashboard.decide_charts": {"dashboard.charts"},
    "dashboard.people_words": {"core.types", "core.decision", "core.report", "dashboard.i18n", "dashboard.sentences"},
    "dashboard.what_if_words": {"core.types", "core.decision", "core.report", "dashboard.i18n", "dashboard.sentences"},
    "dashboard.tour": {"dashboard.i18n"},
    "dashboard.sentences": {"core.types", "core.decision", "dashboard.ghost_words", "dashboard.i18n"},
    "dashboard.data_charts": {"dashboard.charts"},
    "dashboard.data_words": {"core.types", "core.pipeline", "dashboard.i18n", "dashboard.sentences"},
    "dashboard.data_tables": {"core.cases", "core.messages", "dashboard.i18n", "dashboard.data_words", "dashboard.tables"},
    "dashboard.state": {"dashboard.address", "dashboard.i18n"},
    "dashboard.shared": GROUND | {"core.decision", "core.store", "core.report", "core.pipeline", "dashboard.address"},
    "dashboard.limit_words": {"core.decision", "dashboard.i18n"},
    "dashboard.live": {"core.decision", "core.report"}
    | {"dashboard.ghost_words", "dashboard.i18n", "dashboard.sentences", "dashboard.state"},
    "dashboard.meeting_charts": {"dashboard.charts"},
    "dashboard.meeting_words": {"core.report", "core.store", "dashboard.i18n", "dashboard.sentences", "dashboard.tables"},
    "dashboard.meeting_controls": {"core.decision", "core.report", "core.store", "dashboard.i18n"}
    | {"dashboard.address", "dashboard.state", "dashboard.controls", "dashboard.sentences"},
    "dashboard.tables": {"dashboard.i18n"},
    "dashboard.panels": {"dashboard.i18n", "dashboard.sentences", "dashboard.tables"},
    "dashboard.controls": BASIC
    | {"core.decision", "dashboard.address", "dashboard.i18n", "dashboard.sentences", "dashboard.state"},
    "dashboard.shell": BASIC | {"dashboard.controls", "dashboard.shared", "dashboard.state", "dashboard.i18n"},
    "dashboard.ahead": set(),
    "dashboard.uploader": set(),
    "dashboard.app": {"dashboard.ahead", "dashboard.shared", "dashboard.state", "dashboard.views"},
}
CORE_FOR_SCREENS = {"core.report", "core.decision", "core.monitor", "core.store", "core.pipeline"}
MAY_IMPORT["dashboard.views"] = (
    BASIC | CORE_FOR_SCREENS | {name for name in MAY_IMPORT if name.startswith("dashboard.")} - {"dashboard.app"}
)
MAY_IMPORT["core.cli"] = MAY_IMPORT["core.__main__"] = {name for name in MAY_IMPORT if name.startswith("core.")} | {"core.cli"}

# A heavy or delicate library -> the only layers that may import it, even inside a function.
HOME = {
    "torch": {"core.models"},
    "transformers": {"core.models"},
    "peft": {"core.models"},
    "accelerate": {"core.models"},
    "safetensors": {"core.models"},
    "duckdb": {"core.store"},
    "plotly": {
        f"dashboard.{name}charts"
        for name in ("", "evidence_", "inspectors_", "money_", "policies_", "mark_", "decide_", "meeting_", "data_")
    }
    | {"dashboard.panels", "core.report"},
    "pptx": {"core.report"},
    "reportlab": {"core.report"},
    "xlsxwriter": {"core.report"},
    "babel": {"dashboard.i18n", "core.report", "core.messages", "core.cases"},
    "streamlit": {
        "dashboard.ahead",
        "dashboard.app",
        "dashboard.shared",
        "dashboard.state",
        "dashboard.controls",
        "dashboard.shell",
        "dashboard.live",
        "dashboard.inspectors_controls",
        "dashboard.meeting_controls",
        "dashboard.money_controls",
        "dashboard.policies_controls",
        "dashboard.panels",
        "dashboard.tour",
        "dashboard.uploader",
        "dashboard.views",
    },
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
    """core.store.parts -> core.store; dashboard.views.decide -> dashboard.views."""
    return ".".join(module.split(".")[:2])


def imports(file: Path, known: set[str]) -> set[str]:
    """Return the modules that a file imports anywhere, `from core import types` as core.types."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name}:{node.lineno} imports relatively: write the whole name"
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
    users = {module for module, names in IMPORTS.items() if any(name.split(".")[0] == library for name in names)}
    strangers = {module for module in users if layer(module) not in HOME[library]}
    assert not strangers, f"{library} is imported by {sorted(strangers)}"


def test_layers_have_no_cycle():
    graph: dict[str, set[str]] = {}
    for module, names in IMPORTS.items():
        below = {layer(name) for name in names if name in MODULES} - {layer(module)}
        graph.setdefault(layer(module), set()).update(below)
    tuple(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names the cycle


@pytest.mark.parametrize(
    ("home", "words"),
    [("dashboard.state", {"session_state", "query_params"}), ("dashboard.shared", {"cache_data", "cache_resource"})],
)
def test_session_and_address_have_one_user_and_so_have_the_caches(home, words):
    for module, file in MODULES.items():
        if module.startswith("dashboard") and module != home:
            used = {
                node.attr for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)
            }
            assert not used & words, f"{module} uses {sorted(used & words)}"


def test_no_screen_lets_html_through():
    for module, file in MODULES.items():
        if module.startswith("dashboard"):
            text = file.read_text(encoding="utf-8")
            assert "unsafe_allow_html" not in text, module
            assert "st.html" not in text, module
    script = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "dashboard").rglob("*.js"))
    assert not [way for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write") if way in script]


def test_screens_decision_store_and_report_start_without_torch():
    """Torch costs seconds and hundreds of megabytes; a fresh interpreter shows what really comes in."""
    light = [
        name for name in MODULES if name.startswith(("dashboard", "core.decision", "core.store", "core.report", "core.stats"))
    ]
    assert {"dashboard.views.decide", "core.decision.histogram"} <= set(light)
    code = (
        f"import sys, importlib\nfor name in {light!r}: importlib.import_module(name)\n"
        "print(*sorted(set(sys.modules) & {'torch', 'transformers', 'peft', 'accelerate'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_the_first_page_starts_without_what_only_other_pages_need():
    """scipy.stats alone costs the first visit half a second; the page 'Decide' must not bring it back."""
    code = (
        "import sys, dashboard.app, dashboard.shared, dashboard.views.decide as decide\n"
        "slow = {'scipy.stats', 'scipy.optimize', 'sklearn', 'plotly.express', 'pptx', 'dashboard.views.money'}\n"
        "assert decide.page\nprint(*sorted(set(sys.modules) & slow))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_charts_are_pure():
    for module, below in (("dashboard.charts", {"dashboard.panes"}), ("dashboard.panes", set())):
        assert not {name.split(".")[0] for name in IMPORTS[module] - below} & {"streamlit", "core", "dashboard"}, module
