// Review rate and leakage of each segment or predicted class, with intervals: panels side by side, over the same rows.

const LEVELS = 65534; // steps of a share; the same as in live/drawn.py
const UNKNOWN = 65535;
const HEAD = 28; // px of the panels' titles
const GAP = 48; // px between two panels
const LEAST = 0.01; // an axis ends at 1% or more: below, its ticks would be noise
const BASIS = { review: "basis.cases", leakage: "basis.labelled" };

class Parts {
  constructor(data) {
    Object.assign(this, { data, formats: new Formats(data.words) });
    this.rows = data.rows.map((row) => ({ ...row, levels: unpack(row.values, data.columns, Uint16Array) }));
  }

  legend() {
    return [];
  }

  lay(chart, width, height) {
    const { data, formats } = this, write = (value, step) => formats.percent(value, decimals(100 * step));
    const label = (name, i) => formats.fill("parts.n", { name, n: formats.number(data.rows[i].cases, 0) });
    const names = fitted(data.rows.map((row) => row.name), label, chart);
    const pitch = (height - HEAD - FOOT) / this.rows.length, middle = (i) => HEAD + (i + 0.5) * pitch;
    const size = (width - 20 - names.width - GAP * (data.panels.length - 1)) / data.panels.length;
    this.panels = data.panels.map((key, place) => {
      const left = names.width + place * (size + GAP);
      const axis = new Axis([left, left + size], height - 8, { write, apart: 60, least: LEAST });
      return { key, axis, spots: this.rows.map((_, i) => this.spot(key, middle(i))) };
    });
    this.said = this.rows.map(() => shape("title"));
    const drawn = this.panels.flatMap(({ key, axis, spots }) => [
      shape("text", { class: "head", x: axis.left, y: 14 }, data.labels[key]),
      axis.ticks,
      ...spots.map(({ y }) => shape("path", { class: "grid", d: `M${axis.left} ${y}H${axis.right}` })),
      ...spots.flatMap(({ bars, sign }) => [bars, sign]),
    ]);
    return [...column(names.texts, names.width, middle), ...drawn, ...areas(this.said, HEAD, pitch, width)];
  }

  // A square for reviews and a circle for leakage, so that they differ without colours too.
  spot(key, y) {
    const sign = key === "review" ? shape("rect", { x: -5.5, y: -5.5, width: 11, height: 11 }) : shape("circle", { r: 5.5 });
    sign.classList.add(key);
    return { y, sign, bars: shape("path", { class: `bars ${key}` }) };
  }

  draw(step) {
    const lines = this.rows.map(({ name }) => [name]);
    for (const { key, axis, spots } of this.panels) {
      const found = this.rows.map(({ levels }) => ["", "_low", "_high"].map((end) => share(levels[key + end][step])));
      axis.reach(Math.max(...found.flat().filter(Number.isFinite)));
      found.forEach((row, i) => {
        this.move(axis, spots[i], row);
        lines[i].push(...this.told(key, row, this.rows[i]));
      });
    }
    this.said.forEach((said, i) => { said.textContent = lines[i].join("\n"); });
  }

  move(axis, { y, sign, bars }, [value, low, high]) {
    sign.style.display = Number.isFinite(value) ? "" : "none";
    if (Number.isFinite(value)) sign.setAttribute("transform", `translate(${axis.x(value)} ${y})`);
    bars.setAttribute("d", whisker(axis.x(low), axis.x(high), y, 4));
  }

  told(key, [value, ...ends], { cases, labelled }) {
    const { formats, data } = this, [low, high] = ends.map((end) => formats.percent(end, 1));
    const lines = [`${data.labels[key]} ${formats.percent(value, 1)}`];
    if (Number.isFinite(value)) lines.push(formats.fill("card.interval", { low, high }));
    return [...lines, formats.fill(BASIS[key], { n: formats.number(key === "review" ? cases : labelled, 0) })];
  }
}

function share(level) {
  return level === UNKNOWN ? NaN : level / LEVELS;
}
