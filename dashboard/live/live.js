// The handle in the browser: moves at once, tells the server on release. Words and figures come from dashboard/live/__init__.py;
// how they are put together is dashboard/sentences.py again, and tests/browser/test_live.py holds the two to the same text.
// Everything is written by textContent: what comes as data is never read as HTML.

const STEPS = 1000;
const KEY_PAUSE_MS = 200; // after the last key, the server is told
const KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -STEPS, End: STEPS };
const SLOTS = { reviews: 5, leakage: 4 }; // of the theme's chartCategoricalColors, as in dashboard/charts.py
const SVG = "http://www.w3.org/2000/svg";
const handles = new WeakMap(); // element -> Handle: the page calls the function below again for every new data

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".live");
  if (!handles.has(root)) handles.set(root, new Handle(root));
  handles.get(root).take(data, (move) => setStateValue("move", move));
}

class Handle {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`.${name}`);
    this.sent = null; // number of the last move that the server was told of
    this.held = false;
    this.pause = null;
    this.step = null;
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
    const { words, cards } = this.data;
    this.find("label").replaceChildren(words.label, help(words.help));
    this.find("thumb").setAttribute("aria-label", words.label);
    const colours = getComputedStyle(this.root).getPropertyValue("--st-chart-categorical-colors").split(",");
    this.points = { reviews: this.writer.reviews, leakage: this.writer.leakage };
    for (const name in this.points) if (!this.points[name].some(([value]) => value >= 0)) delete this.points[name];
    this.find("curves").replaceChildren(
      ...Object.entries(this.points).map(([name, rows]) => curve(name, words.curves[name], rows, this.writer, colours[SLOTS[name]])),
    );
    this.find("cards").replaceChildren(...cards.map(card));
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
    });
    for (const name in this.points) this.point(name, step, place);
  }

  point(name, step, place) {
    const box = this.find(`curve-${name}`), value = this.points[name][step][0], most = Number(box.dataset.most);
    box.querySelector(".at").style.left = place;
    box.querySelector(".point").style.left = place;
    box.querySelector(".point").style.top = `${20 + 64 * (1 - value / most)}px`;
  }
}

// dashboard/sentences.py and dashboard/i18n in the browser: the same patterns, the same rounding.
class Writer {
  constructor(data, curve) {
    Object.assign(this, { data, curve, words: data.words });
    const shares = (counts, n, low, high) => counts.map((count, i) => [count / (n[i] ?? n), low[i], high[i]]);
    const scaled = (rows) => rows.map((row) => row.map((value) => value * data.volume));
    const accepted = Array.from(curve.accepted), wrong = Array.from(curve.wrong_accepted);
    this.coverage = shares(accepted, data.cases, curve.coverage_low, curve.coverage_high);
    this.review = this.coverage.map(([, low, high], i) => [(data.cases - accepted[i]) / data.cases, 1 - high, 1 - low]);
    this.risk = shares(wrong, curve.accepted_labelled, curve.selective_risk_low, curve.selective_risk_high);
    this.leakage = shares(wrong, data.labelled, curve.leakage_low, curve.leakage_high);
    this.reviews = scaled(this.review);
    this.escapes = scaled(this.leakage);
    this.money = Array.from(curve.money, (value, i) => [value, curve.money_low[i], curve.money_high[i]]);
  }

  all(step) {
    const { data, curve } = this, accepted = curve.accepted_labelled[step];
    const percent = (digits) => (value) => this.percent(value, digits);
    const number = (value) => this.number(value), money = (value) => this.amount(value);
    const row = (rows, show, basis, n, perDay) => this.card(rows[step], show, basis, n, perDay?.[step]);
    return {
      headline: this.headline(step),
      cards: [
        row(this.coverage, percent(1), "basis.cases", data.cases),
        row(this.review, percent(1), "basis.cases", data.cases, this.reviews),
        row(this.risk, percent(1), "basis.accepted", accepted),
        row(this.leakage, percent(2), "basis.labelled", data.labelled),
        row(this.escapes, number, "basis.labelled", data.labelled),
        row(this.money, money, "basis.labelled", data.labelled),
      ],
    };
  }

  headline(step) {
    const people = { reviews: this.number(this.reviews[step][0]), volume: this.number(this.data.volume) };
    if (!this.curve.accepted[step]) return this.fill("headline.none", people);
    const start = this.fill("headline.accept", { coverage: this.percent(this.coverage[step][0], 0), ...people });
    return start + this.words.gap + this.slips(this.escapes[step], this.leakage[step][0]);
  }

  slips([value, low, high], leakage) {
    if (!(value >= 0)) return this.fill("headline.unlabelled", {});
    if (value === 0) return this.fill("headline.clean", { n: this.number(this.data.labelled, 0), high: this.number(high) });
    const bounds = { low: this.number(low), high: this.number(high) };
    return this.fill("headline.escapes", { escapes: this.number(value), often: this.often(leakage), ...bounds });
  }

  often(share) {
    let per = 10;
    while (share * per < 2.95 && per < 100000) per *= 10;
    return this.fill("frequency", { count: this.number(share * per, 0), per: this.number(per, 0) });
  }

  card([value, low, high], show, basis, n, perDay) {
    const lines = [this.fill(basis, { n: this.number(n, 0) })];
    if (value >= 0) lines.unshift(this.fill("card.interval", { low: show(low), high: show(high) }));
    if (perDay) {
      const [count, least, most] = perDay.map((x) => this.number(x, null, 3));
      lines.unshift(this.fill("card.per_day", { count, low: least, high: most }));
    }
    return { value: show(value), lines };
  }

  fill(key, values) {
    const text = this.words.patterns[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
    return this.words.language === "ja" ? text.replace(/(?<=[\d%])(?=[件日秒回])/g, "\u2060") : text;
  }

  number(value, digits = null, figures = 2) {
    return this.write(value, digits ?? places(value, figures), {});
  }

  percent(value, digits) {
    return this.write(value, digits, { style: "percent" });
  }

  amount(value) {
    const { code, digits } = this.data.currency;
    return this.write(value, Math.abs(value) < 1000 ? digits : 0, { style: "currency", currency: code });
  }

  write(value, digits, style) {
    if (!Number.isFinite(value)) return this.words.none;
    const key = `${digits}${style.style}`;
    this.formats ??= {};
    this.formats[key] ??= new Intl.NumberFormat(this.words.language, {
      minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven", ...style, // as Babel rounds
    });
    return this.formats[key].format(value);
  }
}

// Decimals that show so many significant figures, at most 6: dashboard.i18n's _places.
function places(value, figures) {
  let size = Math.abs(value), count = 0;
  while (size && size < 10 ** (figures - 1) && count < 6) [size, count] = [size * 10, count + 1];
  return count;
}

// base64 of little-endian float64, column after column -> {column: Float64Array}
function unpack(text, columns) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const values = new Float64Array(bytes.buffer), rows = values.length / columns.length;
  return Object.fromEntries(columns.map((name, i) => [name, values.subarray(i * rows, (i + 1) * rows)]));
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
  return box;
}

// One small curve over the slider's own scale, with its 95% band; rows of [value, low, high].
function curve(name, title, rows, writer, colour) {
  const most = Math.max(...rows.flat().filter(Number.isFinite)) || 1;
  const spot = (value, i) => `${i},${(64 * (1 - value / most)).toFixed(2)}`;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${STEPS} 64`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const band = [...rows.map((row, i) => spot(row[2], i)), ...rows.map((row, i) => spot(row[1], i)).reverse()];
  for (const [tag, points, of] of [["polygon", band, "band"], ["polyline", rows.map((row, i) => spot(row[0], i)), "line"]]) {
    const shape = document.createElementNS(SVG, tag);
    shape.setAttribute("points", points.join(" "));
    shape.setAttribute("class", of);
    svg.append(shape);
  }
  const top = make("span", "most", name === "leakage" ? writer.percent(most, 1) : writer.number(most));
  const box = make("div", `curve curve-${name}`, make("div", "title", title, top), svg, make("div", "at"), make("div", "point"));
  box.dataset.most = most;
  box.style.setProperty("--slot", (colour ?? "").trim());
  return box;
}
