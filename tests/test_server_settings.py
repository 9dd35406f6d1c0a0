"""The server's settings: this machine only, nothing sent, no traceback; and a theme that can be
told apart.
"""

import tomllib
from itertools import combinations
from pathlib import Path

import pytest
from streamlit import config

from core.pipeline.uploads import MAX_UPLOAD

ROOT = Path(__file__).resolve().parent.parent
SETTINGS_FILE = ROOT / "dashboard" / ".streamlit" / "config.toml"  # a package carries it there
SETTINGS = tomllib.loads(SETTINGS_FILE.read_text(encoding="utf-8"))
THEMES = {name: SETTINGS["theme"][name] for name in ("light", "dark")}


def flat(table: dict, prefix: str = "") -> dict[str, object]:
    """Return {"section.option": value}, as Streamlit names its options."""
    found = {}
    for name, value in table.items():
        found |= (
            flat(value, f"{prefix}{name}.")
            if isinstance(value, dict)
            else {f"{prefix}{name}": value}
        )
    return found


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_option_is_one_that_this_streamlit_knows():
    assert [name for name in flat(SETTINGS) if name not in config._config_options_template] == []


def test_streamlit_started_in_the_source_tree_has_the_same_settings():
    assert (ROOT / ".streamlit" / "config.toml").samefile(SETTINGS_FILE)


def test_it_is_safe_as_it_comes():
    wanted = {
        "server.address": "127.0.0.1",
        "server.headless": True,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
    }
    assert wanted.items() <= flat(SETTINGS).items()
    # Streamlit's MB is 2**20 bytes
    assert flat(SETTINGS)["server.maxUploadSize"] * 2**20 == MAX_UPLOAD
    assert "server.enableXsrfProtection" not in flat(SETTINGS)  # on by default


@pytest.mark.parametrize("name", THEMES)
def test_text_and_charts_stand_out_from_the_background(name):
    """WCAG 2.2 AA asks 4.5 for text and 3 for graphics. The seventh slot is spare."""
    theme = THEMES[name]
    ground, colours = theme["backgroundColor"], theme["chartCategoricalColors"]
    assert contrast(theme["textColor"], ground) > 7
    assert contrast(theme["primaryColor"], ground) > 4.5
    assert len(colours) == len(set(colours)) == 10
    for colour in colours[:6] + colours[7:]:
        assert contrast(colour, ground) > 3, colour


@pytest.mark.parametrize("name", THEMES)
def test_the_models_are_told_apart_with_red_green_blindness(name):
    """Deuteranopia, simulated by Vienot 1999 on linear RGB: the three models' colours stay
    apart.
    """
    seen = [deuteranope(colour) for colour in THEMES[name]["chartCategoricalColors"][:3]]
    for one, other in combinations(seen, 2):
        assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.12


def deuteranope(colour: str) -> tuple[float, float]:
    """What is left of a colour: linear yellow (red and green alike) and blue. 0.29275 R + 0.70725
    G, and B.
    """
    red, green, blue = ((int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5))
    return 0.29275 * red + 0.70725 * green, -0.02234 * red + 0.02234 * green + blue
