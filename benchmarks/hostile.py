"""`python -m benchmarks.hostile --addresses 320`: text that attacks, in every field, in a browser.

Each text of TEXTS is a segment, a label, a case's id and words, a policy's and a scenario's name,
a decision's words, an author, a reviewer and a reason, and the name of an uploaded file; models,
data and runs refuse such names. A real Chromium opens every page in both languages, and on it every
tab, popover and folded panel; in each of these views it points at the charts' marks and presses each
download button that it has not pressed yet. Counted is what ran (a script, a dialog, a request to
another host), what became a link or a form of letters, cells of CSV and XLSX that a spreadsheet
would compute, and links in XLSX, PPTX and PDF. The verbs that print names run in a child; a control
character in their output is counted. --addresses: pages opened at made-up addresses, by Streamlit's
own test client.

In parts: `--home FOLDER --no-verbs --addresses 0 --pages worklist`. Prints JSON: pages, views,
exports, verbs, addresses (how many of each), ran, linked, formatted, computed, controls, exceptions, first
(an example of each kind).
"""

import argparse
import csv
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright
from streamlit.testing.v1 import AppTest
from tqdm import tqdm

from core.decision.thresholds.policy import Policy
from core.pipeline.apply import apply_active_policy
from core.pipeline.uploads import keep_upload
from core.progress import write_json
from core.settings import Settings
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.meetings import Meetings
from core.store.reviews import Reviews
from core.store.store import Store
from tests.browser.pages import PAGES, STILL, page_path
from tests.browser.serving import CHROMIUM, FLAGS, ROOT, serving
from tests.stores import LABELS, SEGMENTS, add_scored, make_rows, make_run

HOST = "evil.example"
TEXTS = (
    "<script>window.ran = 1</script>",
    f"<img src=https://{HOST}/i.png onerror='window.ran = 1'>",
    f"<a href=https://{HOST}>evil</a><b>evil</b>",
    f"[evil](https://{HOST}) ![evil](https://{HOST}/i.png)",
    f"https://{HOST}/a www.{HOST} a@{HOST}",
    "**evil** _evil_ ~~evil~~ `evil` $evil^2$",
    "# evil",
    ":red[evil] :material/delete: :blue-badge[evil]",
    f'=HYPERLINK("https://{HOST}")',
    "+1+evil",
    "@evil",
    "-2+evil",
    "\uff1d1+evil",
    "\t=1+evil",
    "javascript:window.ran=1//evil",
    "\x1b[31mevil\x1b]0;evil\x07",
    "\u202eevil\u2066",
    "{{7*7}} %{x} {evil} %(evil)s",
)
# Elements that a text must not become: evil stands in no sentence of ours.
FORMED = """host => [...document.querySelectorAll(
  'b, strong, em, i, del, code, h1, h2, h3, h4, h5, h6, a, img, iframe, object, .katex, tspan')]
  .filter(e => (e.textContent + (e.href || '') + (e.src || '') + (e.getAttribute('xlink:href') || ''))
    .includes('evil'))
  .filter(e => !e.closest('svg') || e.matches('a, tspan[style*="bold"], tspan[style*="italic"]'))
  .filter(e => !e.matches('h1, h2, h3, h4, h5, h6') || e.textContent.trim().startsWith('evil'))
  .filter(e => !e.matches('a') || new URL(e.href || 'about:blank').origin !== location.origin)
  .map(e => [e.tagName.toLowerCase(), e.outerHTML.slice(0, 200)])"""
TAB, PANEL = "[data-testid=stApp] [role=tab]", "[role=tabpanel]"
OPENERS = (TAB, "[data-testid=stExpander] summary", "[data-testid=stPopover] button")
# What shows a text where the pointer is: marks of Plotly's charts, and icons with a help.
MARKS = ".js-plotly-plot .point, .js-plotly-plot .points path, [data-testid=stTooltipIcon]"
MOST_MARKS = 12  # of one view
PLACES = """([marks, most]) => [...document.querySelectorAll(marks)].map(e => e.getBoundingClientRect())
  .filter(b => b.width && b.top > 0 && b.bottom < innerHeight && b.left > 0 && b.right < innerWidth)
  .slice(0, most).map(b => [b.left + b.width / 2, b.top + b.height / 2])"""
# So tall that a page is on the screen as a whole: a mark can be pointed at without scrolling.
VIEW = {"width": 1440, "height": 5000}
_COMPUTED = re.compile(r"^[\s\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"^[\s]*[+-]?[\d.,]+%?$")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# RUN is a scored run, FILE a table of TEXTS, OUT a file that the verb writes.
VERBS = (
    *("runs", "runs --json", "policy list", "policy list --json", "line", "verify", "doctor"),
    *("monitor --run RUN", "monitor --run RUN --json", "replay --run RUN --instead 0.9"),
    *("audits --run RUN", "queue list --run RUN", "queue claim --run RUN --reviewer evil"),
    "queue export --run RUN --reviewer evil --out OUT.xlsx",
    *("decide --run RUN --threshold 0.9", "decide --run RUN --threshold 0.9 --json"),
    *("labels --run RUN --out OUT.csv", "decisions --run RUN --out OUT.xlsx"),
    *("verdicts export --run RUN --out OUT.json", "verdicts export --run RUN --out OUT.jsonl"),
    *("verdicts import --run RUN --reviewer evil FILE", "gold --run RUN FILE", "apply --run RUN"),
    *("check FILE", "check FILE --json", "check --segment-column= FILE", "poc FILE", "train FILE"),
    *("score --model nowhere FILE", "serve --dataset \x1b[31mevil", "token add \x1b[31mevil"),
)


@dataclass
class Result:
    """What came of it."""

    counts: Counter = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, example: str) -> None:
        """Count one thing that must not be, and keep the first of its kind."""
        self.counts[kind] += 1
        self.examples.setdefault(kind, example[:300])


def main() -> None:
    """Open everything and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--addresses", type=int, default=320, help="made-up ones (default: 320)")
    parser.add_argument("--pages", nargs="*", default=list(PAGES), choices=PAGES)
    parser.add_argument("--languages", nargs="+", default=["en", "ja"])
    parser.add_argument("--verbs", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--home", type=Path, help="the filled workspace, made if missing and kept for another part"
    )
    arguments = parser.parse_args()
    result = Result()
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder) / "home"
        if not home.exists():
            fill_with_hostile_text(home)
        if arguments.verbs:
            run_verbs(home, result)
        if arguments.pages:
            with serving(home) as address:
                walk(address, arguments.pages, arguments.languages, result)
        open_addresses(home, arguments.addresses, 0, result)
    kinds = ("ran", "linked", "formatted", "computed", "controls", "exceptions")
    kinds_tried = ("pages", "views", "exports", "verbs", "addresses")
    tried = {name: result.counts[name] for name in kinds_tried}
    table = {name: result.counts[name] for name in kinds}
    print(json.dumps({**tried, **table, "first": result.examples}, ensure_ascii=False, indent=1))


def fill_with_hostile_text(home: Path) -> None:
    """Make a workspace in which every field has one of the texts."""
    store = Store(home / "store")
    labels = tuple(TEXTS[i % len(TEXTS)] + f" {i}" for i in range(len(LABELS)))
    renamed = dict(zip(LABELS, labels, strict=True))
    for order, kind in enumerate(("point", "student")):
        run = make_run("score", kind, "stream", order, labels=labels)
        rows = make_rows(len(TEXTS) * 20, model_kind=kind)
        texts = [TEXTS[i % len(TEXTS)] for i in range(len(rows))]
        segments = [TEXTS[SEGMENTS.index(name)] for name in rows["segment"]]
        ids = [f"{text} {i}" for i, text in enumerate(texts)]
        known = rows["label"].map(lambda name: renamed.get(name, f"<b>evil</b> {name}"))
        rows = rows.assign(
            case_id=ids, text=texts, segment=segments, label=known,
            predicted=rows["predicted"].map(renamed),
        )  # fmt: skip
        add_scored(store, run, rows)
    ledger, run_id = Ledger(store), store.runs()[0].run.run_id
    for text in (text for text in TEXTS if text.isprintable()):
        policy = Policy(0.6).to_dict()
        version = ledger.add_policy(text[:60], policy, text, text, [run_id]).version
        for event in ("approve", "activate"):
            ledger.add_policy_event(text[:60], version, event, f"{text} 2", text)
        apply_active_policy(store, run_id)
        ledger.add_scenario(text[:60], {}, text)
        Meetings(store).add(text, text, text, text)
    fill_with_answers(store, run_id)
    for i, text in enumerate(TEXTS):
        content = csv_text([(f"{text} {i}", text, text, text)])
        keep_upload(Settings(home=home), f"{text.replace('/', '')}.csv", content.encode())
        fill_job(home / "jobs" / f"20260101-000000-{i:06x}", text)


def fill_with_answers(store: Store, run_id: str) -> None:
    """Let hostile names answer cases, with hostile labels."""
    ids = store.predictions(run_id)["case_id"].tolist()
    names = [text for text in TEXTS if text.isprintable()]
    moment = datetime(2026, 1, 6, tzinfo=UTC)
    Reviews(store).add_verdicts([
        ReviewVerdict(run_id, case_id, "wrong", names[i % len(names)], moment, TEXTS[i % len(TEXTS)])
        for i, case_id in enumerate(ids[:60])
    ])  # fmt: skip


def fill_job(folder: Path, text: str) -> None:
    """Write an ended job about a hostile file, with a hostile log."""
    folder.mkdir(parents=True)
    begun = {"created_at": "2026-01-01T00:00:00+00:00", "arguments": [f"--dataset={text}", text]}
    job = {"job_id": folder.name, "verb": "score", "who": text, "about": text}
    write_json(folder / "job.json", job | begun)
    write_json(folder / "queued.json", {"at": begun["created_at"]})
    write_json(folder / "end.json", {"exit_code": 3, "at": begun["created_at"]})
    (folder / "log").write_text(f"{text}\n" * 3, encoding="utf-8")


def csv_text(rows: list[tuple[str, ...]]) -> str:
    """Return a table of cases: id, text, segment, label; its other columns have hostile names."""
    file = io.StringIO()
    names = [text for text in TEXTS if "\x1b" in text or "\u202e" in text]
    writer = csv.writer(file)
    writer.writerow(["case_id", "text", "segment", "label", "verdict", *names])
    writer.writerows([*row, "evil", *("evil" for _ in names)] for row in rows)
    return file.getvalue()


def walk(address: str, pages: list[str], languages: list[str], result: Result) -> None:
    """Open the pages in a browser, and press every download button."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name in tqdm([(name, lang) for lang in languages for name in pages], desc="pages"):
            context = browser.new_context(locale="en-AU", accept_downloads=True, viewport=VIEW)
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.on("dialog", lambda dialog: (result.add("ran", dialog.message), dialog.dismiss()))
            page.on("request", lambda request: _check_request(request.url, address, result))
            page.goto(f"{address}{page_path(name[0])}?lang={name[1]}")
            page.locator("h1").first.wait_for()
            page.locator(STILL).wait_for()
            page.wait_for_timeout(500)
            _check_page(page, result, name[0])
            result.counts["pages"] += 1
            page.context.close()
        browser.close()


def _check_request(url: str, address: str, result: Result) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != urlsplit(address).netloc:
        result.add("ran", url)


def _check_page(page: Page, result: Result, name: str) -> None:
    """Look at the page, then behind each tab, popover and folded panel of it, one level deep."""
    pressed: set[str] = set()
    _look(page, result, name, pressed)
    for opener in OPENERS:
        for place in page.locator(opener).all():
            if (
                not place.is_visible()
            ):  # on a tab that is not open; its own turn comes with that tab
                continue
            place.click()
            page.locator(STILL).wait_for()
            page.wait_for_timeout(100)
            if opener == TAB:
                for inner in OPENERS[1:]:
                    _open_each(page, f"{PANEL} {inner}", result, name, pressed)
            _look(page, result, name, pressed)
            if "Popover" in opener:
                page.keyboard.press("Escape")


def _open_each(page: Page, opener: str, result: Result, name: str, pressed: set[str]) -> None:
    for place in page.locator(opener).all():
        if place.is_visible():
            place.click()
            page.locator(STILL).wait_for()
            page.wait_for_timeout(100)
            if "Popover" in opener:
                _look(page, result, name, pressed)
                page.keyboard.press("Escape")


def _look(page: Page, result: Result, name: str, pressed: set[str]) -> None:
    """Look at what is on the screen; point at marks, and press the downloads not in `pressed`."""
    _look_once(page, result, name)
    for x, y in page.evaluate(PLACES, [MARKS, MOST_MARKS]):
        page.mouse.move(x, y)
        page.wait_for_timeout(50)
        _look_once(page, result, name)
    for export in _exports(page, pressed):
        check_export(export, result)
        result.counts["exports"] += 1
    result.counts["views"] += 1


def _look_once(page: Page, result: Result, name: str) -> None:
    if page.evaluate("window.ran"):
        result.add("ran", f"{name}: a script")
    for tag, outer in page.evaluate(FORMED, HOST):
        result.add("linked" if tag in ("a", "img", "iframe") else "formatted", f"{name}: {outer}")
    for box in page.locator("[data-testid=stException]").all():
        result.add("exceptions", f"{name}: {box.inner_text()}")


def _exports(page: Page, pressed: set[str]) -> Iterator[Path]:
    """Press each download button that can be seen and is not in `pressed`; yield its whole file."""
    for place in page.locator("[data-testid=stDownloadButton]:visible").all():
        key = place.evaluate("e => e.closest('[class*=st-key-]')?.className ?? e.innerText")
        button = place.locator("button").first  # a second one is its help
        if key in pressed or not button.is_enabled():
            continue
        pressed.add(key)
        # An export is an entry in the trail, at which the page runs again: not in the midst of it.
        page.locator(STILL).wait_for()
        with page.expect_download() as download:
            button.click()
        path = download.value.path()
        yield path.rename(
            path.with_name(f"{path.name}{Path(download.value.suggested_filename).suffix}")
        )


def check_export(path: Path, result: Result) -> None:
    """Count cells that a spreadsheet computes, and links to other places."""
    if path.suffix == ".csv":
        text = path.read_bytes().decode("utf-8-sig")
        for row in csv.reader(io.StringIO(text)):
            for cell in row:
                if _COMPUTED.match(cell) and not _NUMBER.match(cell):
                    result.add("computed", f"{path.suffix}: {cell}")
    elif path.suffix in (".xlsx", ".pptx", ".zip"):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                content = archive.read(name)
                if b"<f>" in content and name.startswith("xl/worksheets"):
                    result.add("computed", f"{name}: {content[content.index(b'<f>') :][:80]!r}")
                if name.endswith(".rels") and HOST.encode() in content:
                    result.add("linked", f"{name} names {HOST}")
    elif path.suffix == ".pdf" and re.search(rb"/URI\s*\(", path.read_bytes()):
        result.add("linked", "pdf: /URI")


def run_verbs(home: Path, result: Result) -> None:
    """Run the verbs that print names; count control characters in what a terminal would get."""
    run_id = Store(home / "store").runs()[0].run.run_id
    environment = os.environ | {"KAKUSHIN_HOME": str(home), "LANG": "en_AU.UTF-8"}
    table = home / "a\x1b[31mb.csv"
    rows = [(f"{text} {i}", text, text, text) for i, text in enumerate(TEXTS)]
    table.write_text(csv_text(rows), encoding="utf-8")
    for verb in VERBS:
        words = verb.replace("RUN", run_id).replace("OUT", str(home / "out")).split()
        words = [str(table) if word == "FILE" else word for word in words]
        command = [sys.executable, "-m", "core", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        said = done.stdout + done.stderr
        if found := _CONTROL.search(said):
            result.add("controls", f"{verb}: {said[max(0, found.start() - 60) : found.end()]!r}")
        if "Traceback" in said:
            result.add("exceptions", f"{verb}: {said[-300:]}")
        result.counts["verbs"] += 1


def fuzzed(rng: random.Random) -> dict[str, str]:
    """Return a made-up address: names that pages know and others, with values that fit none."""
    names = (
        "t",
        "run",
        "segment",
        "lang",
        "currency",
        "review",
        "volume",
        "after",
        "before",
        "tab",
    )
    names += ("policy", "compare", "unseen", "goal", "limit", "page", "x", "escape", "machine")
    values = (*TEXTS, "", "0", "-1", "1e999", "nan", "true", "[]", "{}", "%00", "../../etc/passwd")
    values += ("a" * 5000, "line@1", "@", "１２", "0x10", "2026-13-45", "null", "\x00", "‮")
    return {rng.choice(names): rng.choice(values) for _ in range(rng.randint(1, 6))}


def open_addresses(home: Path, many: int, seed: int, result: Result) -> None:
    """Open the pages in turn at made-up addresses; count exceptions."""
    os.environ["KAKUSHIN_HOME"] = str(home)
    rng = random.Random(seed)  # noqa: S311
    script = (
        "from dashboard.session import state\nfrom dashboard.{view} import page\n"
        "state.take_in_address()\npage.draw_{view}_page()"
    )
    for i in tqdm(range(many), desc="addresses", disable=None):
        view, address = PAGES[i % len(PAGES)], fuzzed(rng)
        page = AppTest.from_string(script.format(view=view), default_timeout=600)
        page.query_params.update(address)
        try:
            faults = [str(fault.value) for fault in page.run().exception]
        except Exception as e:
            faults = [repr(e)]
        for fault in faults:
            result.add("exceptions", f"{view} {address}: {fault}")
        result.counts["addresses"] += 1


if __name__ == "__main__":
    main()
