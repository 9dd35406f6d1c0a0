// The handle in the browser: it moves at once and informs the server on release. Texts and figures at every threshold come from
// dashboard/decide/live/__init__.py, which also joins this file with shapes.js, heard.js, packed.js and marks.js. This file
// writes no sentence and no number except the threshold. It sets all text by textContent: data is never parsed as HTML.

const STEPS = 1000;
const KEY_PAUSE_MS = 200; // from the last key to the message, so that a held key sends one message
const KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -STEPS, End: STEPS };
const MONEY = 0, NOW = 8; // slots of the theme's chartCategoricalColors, as in dashboard/components/charts.py
const HEIGHT = 84; // px of the curve
const EDGE = 6; // px above its upper end, for the point
const handles = new WeakMap(); // element -> Handle: the page calls the function below again for all new data

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".live");
  if (!handles.has(root)) handles.set(root, new Handle(root));
  handles.get(root).take(data, (move) => setStateValue("move", move));
  return () => handles.get(root).leave();
}

class Handle {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`.${name}`);
    this.sent = null; // number of the last move sent to the server
    this.held = false;
    this.pause = null;
    this.step = null;
    this.marks = new Marks(root, (step) => {
      this.move(step);
      this.release();
    });
    this.leave = answer(() => this.step);
    this.listen();
  }

  listen() {
    const rail = this.find("rail"), thumb = this.find("thumb"), number = this.find("value");
    const follow = (event) => {
      const box = rail.getBoundingClientRect();
      this.move(Math.round(((event.clientX - box.left) / box.width) * STEPS));
    };
    rail.onpointerdown = (event) => {
      this.held = true;
      rail.setPointerCapture(event.pointerId); // a drag goes on when the pointer leaves the rail
      thumb.focus({ preventScroll: true });
      event.preventDefault();
      follow(event);
    };
    rail.onpointermove = (event) => this.held && follow(event);
    rail.onpointerup = rail.onpointercancel = () => this.held && this.release();
    thumb.onkeydown = (event) => {
      if (!(event.key in KEYS)) return;
      event.preventDefault();
      this.move(this.step + KEYS[event.key]);
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.release(), KEY_PAUSE_MS);
    };
    // Enter and the field's arrows; an invalid threshold restores the number.
    number.onchange = () => {
      const typed = number.valueAsNumber;
      if (typed >= 0 && typed <= 1) {
        this.move(Math.round(typed * STEPS));
        this.release();
      } else {
        this.show();
      }
    };
  }

  // Take new data from the server. An answer to an older move than the last must not pull the handle back.
  take(data, send) {
    const news = data.texts !== this.data?.texts;
    this.data = data;
    this.send = send;
    const behind = this.held || this.pause !== null || (this.sent !== null && data.seq < this.sent);
    if (!behind) this.step = data.step;
    if (news) {
      this.curve = unpack(data.curve, data.columns);
      this.lay();
      this.texts = null;
      inflate(data.texts).then((texts) => {
        if (data.texts !== this.data.texts) return; // newer texts have arrived meanwhile
        this.texts = texts;
        this.show();
      });
    }
    this.show();
  }

  move(step) {
    this.step = Math.min(STEPS, Math.max(0, step));
    this.show();
  }

  release() {
    clearTimeout(this.pause);
    this.pause = null;
    this.held = false;
    this.sent = Math.max(this.sent ?? 0, this.data.seq) + 1;
    this.send({ step: this.step, seq: this.sent });
  }

  // Draw the parts that do not depend on the threshold: labels, tiles without figures, the curve.
  lay() {
    const { labels, tiles, ghost } = this.data;
    const colours = getComputedStyle(this.root).getPropertyValue("--st-chart-categorical-colors").split(",");
    this.find("label").replaceChildren(labels.threshold, help(labels.help));
    this.find("thumb").setAttribute("aria-label", labels.threshold);
    this.find("curves").replaceChildren(...curve(this.data, this.curve, colours[MONEY]));
    this.find("tiles").replaceChildren(...tiles.map(tile));
    this.root.querySelectorAll(".ghost-mark").forEach((mark) => {
      mark.hidden = typeof ghost?.step !== "number";
      if (!mark.hidden) mark.style.left = `${(100 * ghost.step) / STEPS}%`;
    });
    this.find("ghost-label").textContent = ghost?.label ?? "";
    this.marks.take(this.curve, labels.now, (colours[NOW] ?? "").trim(), this.data.chartScale);
  }

  // Update the parts that depend on the threshold.
  show() {
    const { step, data } = this, t = (step / STEPS).toFixed(3), place = `${(100 * step) / STEPS}%`;
    if (this.texts) this.write(this.texts[step], t);
    // not while a person types: writing the field would move the cursor
    if (this.root.getRootNode().activeElement !== this.find("value") || step !== data.step) this.find("value").value = t;
    this.find("fill").style.width = this.find("thumb").style.left = place;
    this.find("thumb").setAttribute("aria-valuenow", t);
    this.root.dataset.t = t; // read by tests and benchmarks
    this.root.dataset.confirmed = this.texts !== null && step === data.step;
    this.marks.draw(step);
    tell(step);
    this.root.querySelectorAll(".at, .point").forEach((mark) => { mark.style.left = place; });
    const point = this.find("point"), money = this.curve.money[step];
    if (!point) return;
    point.style.display = Number.isFinite(money) ? "" : "none";
    point.style.top = `${height(money, data.most)}px`;
  }

  write([verdict, sentence, tiles, own], t) {
    const word = own || this.data.verdicts[verdict];
    this.find("verdict").dataset.verdict = verdict;
    this.find("word").textContent = word;
    this.find("sentence").textContent = sentence;
    this.find("thumb").setAttribute("aria-valuetext", `${t}. ${word}. ${sentence}`);
    this.root.querySelectorAll(".tile").forEach((box, i) => {
      [".figure", ".lines", ".ghost"].forEach((name, part) => { box.querySelector(name).textContent = tiles[i][part]; });
    });
  }
}

function make(tag, name, ...inside) {
  const element = document.createElement(tag);
  element.className = name;
  element.append(...inside);
  return element;
}

function help(text) {
  const mark = make("span", "help", "?", make("span", "tip", text));
  mark.tabIndex = 0;
  mark.setAttribute("role", "note");
  mark.setAttribute("aria-label", text);
  return mark;
}

function tile({ key, label, help: text }) {
  const name = make("div", "name", label, help(text));
  return make("div", `tile tile-${key}`, name, make("div", "figure"), make("div", "lines"), make("div", "ghost"));
}

// Return the px from the top of a curve whose upper end is `most`; what is above it runs along that end.
function height(value, most) {
  return HEIGHT - (HEIGHT - EDGE) * Math.min(value / most, 1);
}

// Return money over the slider's scale with its 95% band, and a line at reviewing every case; nothing if money is unknown.
function curve({ labels, most, reviewAll }, { money, money_low, money_high }, colour) {
  if (!money.some(Number.isFinite)) return [];
  const spot = (value, i) => `${i},${height(value, most).toFixed(2)}`;
  const svg = shape("svg", { viewBox: `0 0 ${STEPS} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": true });
  const band = [...Array.from(money_high, spot), ...Array.from(money_low, spot).reverse()];
  const all = [spot(reviewAll, 0), spot(reviewAll, STEPS)];
  for (const [tag, points, name] of [["polygon", band, "band"], ["polyline", all, "all"], ["polyline", Array.from(money, spot), "line"]]) {
    svg.append(shape(tag, { points: points.join(" "), class: name }));
  }
  const title = make("div", "title", labels.money, make("span", "most", labels.most));
  const plot = make("div", "plot", svg, make("div", "ghost-mark"), make("div", "at"), make("div", "point"), make("span", "all-label", labels.review_all));
  // on the side of the line where the curve does not begin
  const offset = money[0] < reviewAll ? -18 : 2;
  plot.querySelector(".all-label").style.top = `${height(reviewAll, most) + offset}px`;
  const box = make("div", "curve", title, plot);
  box.style.setProperty("--slot", (colour ?? "").trim());
  return [box];
}
