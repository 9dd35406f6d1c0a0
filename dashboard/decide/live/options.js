// Money a month of each option: stacked bars of review, inference and escapes, and the total's interval.

const PARTS = ["review", "inference", "retraining", "escapes"]; // their colours and hatches: live/drawn.css and `hatches`
const BAR = 0.55; // of a row's height
const LEAST_MONEY = 0.01; // an axis of nothing but zeros still has an end
const TOTAL_PX = 11; // half the height of the total's sign

class Options {
  constructor(data) {
    Object.assign(this, { data, formats: new Formats(data.words, data.currency) });
    this.rows = data.rows.map((row) => ({ ...row, money: unpack(row.values, data.columns) }));
  }

  legend() {
    const sign = (key) => {
      const svg = shape("svg", { width: 14, height: 22 });
      const drawn = { class: key, ...(key === "total" ? { d: "M7 0v22" } : { y: 5, width: 12, height: 12 }) };
      svg.append(shape(key === "total" ? "path" : "rect", drawn));
      return svg;
    };
    return [...PARTS, "total"].map((key) => [sign(key), this.data.labels[key]]);
  }

  // Make the shapes once; `draw` only moves them, since making them in each frame would be too slow.
  lay(chart, width, height) {
    const names = fitted(this.data.rows.map((row) => row.name), (name) => name, chart);
    const pitch = (height - FOOT) / this.rows.length, middle = (i) => (i + 0.5) * pitch;
    const write = (value, step, top) => this.formats.tick(value, step, top);
    this.axis = new Axis([names.width, width - 36], height - 8, { write, apart: 95, least: LEAST_MONEY });
    const bar = (i, key) => shape("rect", { class: key, y: middle(i) - (BAR * pitch) / 2, height: BAR * pitch });
    this.shapes = this.rows.map((_, i) => ({
      middle: middle(i),
      bars: PARTS.map((key) => bar(i, key)),
      total: shape("path", { class: "total" }),
      said: shape("title"),
    }));
    const drawn = this.shapes.flatMap(({ bars, total }) => [...bars, total]);
    const titles = areas(this.shapes.map(({ said }) => said), 0, pitch, width);
    return [hatches(), this.axis.ticks, ...column(names.texts, names.width, middle), ...drawn, ...titles];
  }

  draw(step) {
    const { columns } = this.data, at = (values) => values[step] ?? values[0]; // one value holds at every threshold
    const now = this.rows.map(({ money }) => Object.fromEntries(columns.map((key) => [key, at(money[key])])));
    this.axis.reach(Math.max(...now.flatMap(({ review, total, high }) => [review, total, high].filter(Number.isFinite))));
    for (const [i, found] of now.entries()) this.row(this.shapes[i], found, this.rows[i]);
  }

  row({ middle, bars, total, said }, found, { name, n }) {
    let begin = 0;
    bars.forEach((bar, i) => {
      const size = Number.isFinite(found[PARTS[i]]) ? found[PARTS[i]] : 0, left = this.axis.x(begin);
      begin += size;
      put(bar, { x: left, width: this.axis.x(begin) - left });
    });
    const [low, at, high] = [found.low, found.total, found.high].map((value) => this.axis.x(value));
    const sign = Number.isFinite(at) ? `M${at} ${middle - TOTAL_PX}v${2 * TOTAL_PX}` : "";
    total.setAttribute("d", sign + whisker(low, high, middle, 4));
    said.textContent = this.said(found, name, n);
  }

  said(found, name, n) {
    const { formats, data } = this, amount = (key) => formats.amount(found[key]);
    const lines = [...PARTS, "total"].map((key) => `${data.labels[key]} ${amount(key)}`);
    if (n && Number.isFinite(found.low)) { // people alone rest on no label
      const [low, high] = formats.amounts([found.low, found.high]);
      lines.push(formats.fill("card.interval", { low, high }));
      lines.push(formats.fill("basis.labelled", { n: formats.number(n, 0) }));
    }
    return [name, ...lines].join("\n");
  }
}

// Hatches distinguish inference and escapes from review for readers who cannot tell the colours apart.
function hatches() {
  const made = shape("defs");
  for (const [id, d] of [["inference", "M0 0L8 8M0 8L8 0"], ["escapes", "M-2 2L2 -2M0 8L8 0M6 10L10 6"]]) {
    const pattern = shape("pattern", { id, width: 8, height: 8, patternUnits: "userSpaceOnUse" });
    pattern.append(shape("path", { class: `hatch ${id}`, d }));
    made.append(pattern);
  }
  return made;
}
