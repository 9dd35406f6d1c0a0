// The handle in the browser: moves at once, tells the server on release. Words and figures come from dashboard/live/__init__.py,
// which also joins this file with shapes.js, heard.js, formats.js, writer.js and marks.js. Everything is written by textContent:
// data is never read as HTML.

const STEPS = 1000;
const KEY_PAUSE_MS = 200; // after the last key, the server is told
const KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -STEPS, End: STEPS };
const SLOTS = { reviews: 5, leakage: 4 }; // of the theme's chartCategoricalColors, as in dashboard/charts.py
const NOW = 8; // slot of the threshold in use
const handles = new WeakMap(); // element -> Handle: the page calls the function below again for every new data

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
    this.sent = null; // number of the last move that the server was told of
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
    const rail = this.find("rail"), thumb = this.find("thumb");
    const follow = (event) => {
      const box = rail.getBoundingClientRect();
      this.move(Math.round(((event.clientX - box.left) / box.width) * STEPS));
    };
    rail.onpointerdown = (event) => {
      this.held = true;
      rail.setPointerCapture(event.pointerId);
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
  }

  // New data from the server. An answer to an older move than the last must not pull the handle back.
  take(data, send) {
    this.data = data;
    this.send = send;
    this.curve = unpack(data.curve, data.columns);
    this.writer = new Writer(data, this.curve);
    const behind = this.held || this.pause !== null || (this.sent !== null && data.seq < this.sent);
    if (!behind) this.step = data.step;
    this.lay();
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

  // What does not change with the threshold: labels, cards without figures, lines of the curves.
  lay() {
    const { words, cards, ghost } = this.data;
    this.find("label").replaceChildren(words.label, help(words.help));
    this.find("thumb").setAttribute("aria-label", words.label);
    const colours = getComputedStyle(this.root).getPropertyValue("--st-chart-categorical-colors").split(",");
    this.points = { reviews: this.writer.reviews, leakage: this.writer.leakage };
    for (const name in this.points) if (!this.points[name].some(([value]) => value >= 0)) delete this.points[name];
    this.find("curves").replaceChildren(
      ...Object.entries(this.points).map(([name, rows]) => curve(name, words.curves[name], rows, this.writer, colours[SLOTS[name]])),
    );
    this.find("cards").replaceChildren(...cards.map(card));
    this.root.querySelectorAll(".ghost-mark").forEach((mark) => {
      mark.hidden = typeof ghost?.step !== "number";
      if (!mark.hidden) mark.style.left = `${(100 * ghost.step) / STEPS}%`;
    });
    this.find("ghost-label").textContent = ghost?.label ?? "";
    this.marks.take(this.writer, words.now, (colours[NOW] ?? "").trim());
  }

  // What changes with it. At the server's threshold these are the server's own words.
  show() {
    const { step, data } = this, t = (step / STEPS).toFixed(3), place = `${(100 * step) / STEPS}%`;
    const confirmed = step === data.step;
    const said = confirmed ? data.now : this.writer.all(step);
    this.root.dataset.confirmed = confirmed;
    this.find("headline").textContent = said.headline;
    this.find("value").textContent = t;
    this.find("fill").style.width = this.find("thumb").style.left = place;
    this.find("thumb").setAttribute("aria-valuenow", t);
    this.find("thumb").setAttribute("aria-valuetext", `${t}. ${said.headline}`);
    this.root.querySelectorAll(".card").forEach((box, i) => {
      box.querySelector(".figure").textContent = said.cards[i].value;
      box.querySelector(".lines").textContent = said.cards[i].lines.join("\n");
      box.querySelector(".ghost").textContent = said.cards[i].ghost;
    });
    this.marks.draw(step);
    tell(step);
    for (const name in this.points) this.point(name, step, place);
  }

  point(name, step, place) {
    const box = this.find(`curve-${name}`), value = this.points[name][step][0], most = Number(box.dataset.most);
    box.querySelector(".at").style.left = place;
    box.querySelector(".point").style.left = place;
    box.querySelector(".point").style.top = `${20 + 64 * (1 - value / most)}px`;
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

function card({ key, label, help: text }) {
  const box = make("div", `card card-${key}`, make("div", "name", label, help(text)), make("div", "figure"), make("div", "lines"));
  box.append(make("div", "ghost"));
  return box;
}

// One small curve over the slider's own scale, with its 95% band; rows of [value, low, high].
function curve(name, title, rows, writer, colour) {
  const most = Math.max(...rows.flat().filter(Number.isFinite)) || 1;
  const spot = (value, i) => `${i},${(64 * (1 - value / most)).toFixed(2)}`;
  const svg = shape("svg", { viewBox: `0 0 ${STEPS} 64`, preserveAspectRatio: "none", "aria-hidden": true });
  const band = [...rows.map((row, i) => spot(row[2], i)), ...rows.map((row, i) => spot(row[1], i)).reverse()];
  for (const [tag, points, of] of [["polygon", band, "band"], ["polyline", rows.map((row, i) => spot(row[0], i)), "line"]]) {
    svg.append(shape(tag, { points: points.join(" "), class: of }));
  }
  const top = make("span", "most", name === "leakage" ? writer.percent(most, 1) : writer.number(most));
  const box = make("div", `curve curve-${name}`, make("div", "title", title, top), svg, make("div", "ghost-mark"), make("div", "at"), make("div", "point"));
  box.dataset.most = most;
  box.style.setProperty("--slot", (colour ?? "").trim());
  return box;
}
