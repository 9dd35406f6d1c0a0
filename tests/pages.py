"""What tests do to any page: open what a reader would open, read what a reader would read."""

import base64
import json
import re
import zlib

from streamlit.testing.v1 import AppTest

from dashboard.i18n import catalogue


def unfold(page: AppTest, *keys: str) -> AppTest:
    """Open the tables under these panels (dashboard.components.panels.folded), which are not made
    before, and return the page.
    """
    for key in keys:
        page.session_state[f"table_{key}"] = True
    return page.run()


def page_text(page: AppTest) -> str:
    """Return all text of the page, without what keeps markdown from reading it."""
    kinds = (
        page.title,
        page.markdown,
        page.caption,
        page.info,
        page.warning,
        page.success,
        page.error,
        page.metric,
        page.code,
    )
    written = [str(element.value) for kind in kinds for element in kind]
    handle = live(page)
    if handle:
        verdict, sentence, tiles = described(page)
        word = handle["verdicts"].get(verdict, "")
        written += [word, sentence, *(lines for _, lines, _ in tiles)]
    return plain_again("\n".join(written))


def live(page) -> dict:
    """Return what the live handle was given, {} where there is none."""
    found = (json.loads(element.proto.json) for element in page.get("bidi_component"))
    return next((data for data in found if "texts" in data), {})


def described(page) -> tuple[str, str, list[tuple[str, str, str]]]:
    """Return what the handle says at its threshold: verdict, sentence, and each tile's value, lines
    and difference to the active policy.
    """
    handle = live(page)
    packed = zlib.decompress(base64.b64decode(handle["texts"]))
    return json.loads(packed)[handle["step"]][:3]


def show_tab(page, name: str):
    """Open a tab of the page 'Decide', by the name of its words."""
    page.session_state["tab"] = catalogue(page.session_state["lang"])[f"tab.{name}"]
    return page.run()


def drawn(page) -> list[dict]:
    """Return what the charts that follow the handle were given, of the open tab."""
    found = [json.loads(element.proto.json) for element in page.get("bidi_component")]
    return [data for data in found if "kind" in data]


def move(page, t: float):
    """Move the handle: the browser's part is tests/browser's; what the callback leaves is the
    choice.
    """
    page.session_state["t"] = t
    return page


def plain_again(text: str) -> str:
    """Undo dashboard.i18n.plain, and take out the word joiners of Japanese."""
    return re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", text).replace("\u2060", "")


def tile_values(page) -> list[str]:
    """Return the values of the tiles: reviews a day, escapes a month, cost a month."""
    return [value for value, _, _ in described(page)[2]] if live(page) else []


def metric_values(page) -> list[str]:
    """Return the values of the cards, in their order, without markdown's escapes."""
    return [metric.value.replace("\\", "") for metric in page.metric]


def chart(page, place: int) -> dict:
    """Return a chart as the browser gets it."""
    return json.loads(page.get("plotly_chart")[place].proto.spec)
