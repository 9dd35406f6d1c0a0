"""The page 'Decide' in a real Chromium, timed by its own clock: first paint, a drag of the handle,
a release of it.

`handler` is the page's own work for a move: verdict, three tiles, the curve, and the charts that
depend on the threshold (FOLLOW). `drag` runs from the move to the first moment after the frame
that shows it, so at 60 frames a second about 17 ms of it are the wait for the screen; in that frame
these charts must show the handle's threshold. `rerun` runs from the release to the first frame in
which the server has confirmed the handle, these charts show what it confirmed, and the page has
taken in every other element of the run. The other charts must stay as they are.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.browser.serving import CHROMIUM, DRAWN, FLAGS

# When the first curve of a chart was on the screen, in ms since 1970: Playwright itself looks only
# twice a second.
WATCH = """new MutationObserver((_, watch) => {
  if (!document.querySelector('.js-plotly-plot .scatterlayer .trace path')) return;
  watch.disconnect();
  requestAnimationFrame(() => 
    setTimeout(() => { window.firstChart = performance.timeOrigin + performance.now(); }));
}).observe(document, {childList: true, subtree: true});"""
STILL = "[data-testid=stApp][data-test-script-state=notRunning]"
HANDLE = ".st-key-handle .live"
PATIENCE_MS = 120_000
FOLLOW = ()  # charts of the open tab that follow the handle: none on the first one
STAY = ("risk_coverage", "thresholds")
SEND = """const rail = root.querySelector('.rail'), box = rail.getBoundingClientRect();
  rail.setPointerCapture = () => {};  // a made-up pointer cannot be captured
  const send = (type, share) => rail.dispatchEvent(
    new PointerEvent(
      type, {clientX: box.left + box.width * share, pointerId: 1, bubbles: true}));"""
# Whether each chart that follows says that it shows the step.
SHOW = """const said = (name) => document.querySelector(
  `.st-key-live_${name} [data-testid=stBidiComponentIsolated]`)
    .shadowRoot.querySelector('.drawn').dataset.t;
  const show = (step) => follow.every((name) => said(name) === String(step));"""
DRAG = f"""async (root, [moves, follow]) => {{
  {SEND}
  {SHOW}
  const handler = [], drag = [];
  const painted = () => new Promise(done => requestAnimationFrame(() => {{
    const after = new MessageChannel(); after.port1.onmessage = done; after.port2.postMessage(0);
  }}));
  send('pointerdown', 0.1);
  for (let i = 0; i < moves; i++) {{
    const begun = performance.now();
    send('pointermove', 0.1 + 0.8 * i / moves);
    handler.push(performance.now() - begun);
    await painted();
    drag.push(performance.now() - begun);
    const step = Math.round(1000 * root.dataset.t);
    if (!show(step)) throw new Error(`a chart did not follow the handle to ${{step}}`);
  }}
  send('pointerup', 0.9);
  return {{handler, drag}};
}}"""
RELEASE = f"""async (root, [step, patience, follow, stay]) => {{
  {SEND}
  {SHOW}
  const app = document.querySelector('[data-testid=stApp]');
  const drawn = (name) => document.querySelector(
    `.st-key-chart_${{name}} .js-plotly-plot:has(.main-svg)`);
  const before = new Map(stay.map((name) => [name, drawn(name)]));
  send('pointerdown', step / 1000);
  const begun = performance.now();
  send('pointerup', step / 1000);
  for (let now = begun; now < begun + patience; now = performance.now()) {{
    await new Promise(requestAnimationFrame);
    const shown = root.dataset.t === (step / 1000).toFixed(3) && show(step);
    if (shown && root.dataset.confirmed === 'true' &&
        app.dataset.testScriptState === 'notRunning') {{
      if (stay.some((name) => drawn(name) !== before.get(name)))
        throw new Error('a chart was drawn anew for nothing');
      return performance.now() - begun;
    }}
  }}
  throw new Error(`the page did not confirm ${{step}}`);
}}"""


class Browsing:
    """An open page, what its console complained of, and what it sent to the server."""

    def __init__(self, page: Page):
        self.page, self.problems, self.sent = page, [], []
        page.add_init_script(WATCH)
        page.on(
            "console",
            lambda message: self.problems.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on(
            "websocket",
            lambda socket: socket.on("framesent", lambda message: self.sent.append(message)),
        )

    def open(self, address: str) -> float:
        """Open the address; seconds until the first chart is drawn. Returns once the whole page
        is.
        """
        begun = time.time()
        self.page.goto(address)
        self.page.locator(DRAWN).first.wait_for(timeout=PATIENCE_MS)
        self.page.locator(STILL).wait_for(timeout=PATIENCE_MS)
        return self.page.evaluate("window.firstChart") / 1000 - begun

    def drag(self, moves: int) -> dict[str, list[float]]:
        """Milliseconds of each move: `handler` and `drag`. Fails where a chart does not follow."""
        found = self.page.locator(HANDLE).evaluate(DRAG, [moves, FOLLOW])
        self.page.locator(STILL).wait_for(timeout=PATIENCE_MS)
        return found

    def release(self, step: int) -> float:
        """Milliseconds of one release at `step` thousandths: `rerun`."""
        return self.page.locator(HANDLE).evaluate(RELEASE, [step, PATIENCE_MS, FOLLOW, STAY])


@contextmanager
def browsing(width: int = 1440, height: int = 1000) -> Iterator[Browsing]:
    """Yield a page of a new browser, `width` x `height` pixels; end the program without Chromium."""
    if CHROMIUM is None:
        raise SystemExit("no Chromium on the PATH: `apt-get install chromium` brings one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        size = {"width": width, "height": height}
        yield Browsing(browser.new_page(viewport=size, locale="en-AU"))
        browser.close()
