// A chart of the page "Decide" that follows the handle. It holds its figures at every threshold, so it draws a move in the
// same frame as the handle, and a release brings no new data. dashboard/decide/live/drawn.py makes the data, and
// joins this file with shapes.js, heard.js, packed.js, formats.js, axes.js, options.js and parts.js. Words reach the
// screen by textContent only.

const KINDS = { options: Options, parts: Parts };
const SLOTS = { review: 5, inference: 3, retraining: 7, leak: 4, now: 8 }; // of the theme's chartCategoricalColors, as in dashboard/components/charts.py
const charts = new WeakMap(); // element -> Drawn: the page calls the function below again for new data or another theme

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".drawn");
  if (!charts.has(root)) charts.set(root, new Drawn(root));
  charts.get(root).take(data);
  return () => charts.get(root).leave();
}

class Drawn {
  constructor(root) {
    Object.assign(this, { root, step: null, width: 0 });
    this.sizes = new ResizeObserver(() => root.clientWidth !== this.width && this.lay());
    this.sizes.observe(root);
    this.deaf = hear((step) => this.draw(step));
  }

  leave() {
    this.sizes.disconnect();
    this.deaf();
  }

  take(data) {
    const colours = getComputedStyle(this.root).getPropertyValue("--st-chart-categorical-colors").split(",");
    for (const name in SLOTS) this.root.style.setProperty(`--${name}`, (colours[SLOTS[name]] ?? "").trim());
    this.root.style.height = `${data.height}px`;
    this.alt = data.alt;
    this.chart = new KINDS[data.kind](data);
    this.lay();
  }

  // Redraw everything, for a new width or new data; the height is fixed, so that nothing below moves.
  lay() {
    this.width = this.root.clientWidth;
    if (!this.chart || !this.width) return; // a hidden chart has no width; the observer calls again once it has
    const svg = shape("svg", { class: "chart", role: "img", "aria-label": this.alt });
    this.root.replaceChildren(legend(this.chart.legend()), svg);
    svg.append(...this.chart.lay(this.root, this.width, svg.getBoundingClientRect().height));
    if (this.step !== null) this.draw(this.step);
  }

  draw(step) {
    this.step = step;
    if (!this.chart || !this.width) return;
    this.chart.draw(step);
    this.root.dataset.t = step; // read by tests and benchmarks
  }
}

function legend(entries) {
  const made = document.createElement("div");
  made.className = "legend";
  for (const [sign, text] of entries) {
    const entry = document.createElement("span");
    entry.append(sign, text);
    made.append(entry);
  }
  return made;
}
