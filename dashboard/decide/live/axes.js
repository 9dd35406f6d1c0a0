// Parts of both charts that follow the handle: names at the left, and an axis that adapts to its values.

const FOOT = 32; // px below the rows, for the ticks of the axis
const WIDEST = 300; // px that names take at most, and at most this share of the chart:
const MOST_OF_CHART = 0.45;

// Return the names as `label` writes them, each cut if it is too long for the chart, and the px of the longest.
function fitted(names, label, chart) {
  // a canvas measures text without a layout, which an SVG element would need for each try
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `12px ${getComputedStyle(chart).fontFamily}`;
  const wide = (text) => pen.measureText(text).width, most = Math.min(WIDEST, MOST_OF_CHART * chart.clientWidth) - 12;
  const texts = names.map((name, i) => {
    const letters = [...name]; // code points: slicing the string could cut a character in half
    let kept = letters.length;
    const text = () => label(kept < letters.length ? `${letters.slice(0, kept).join("").trimEnd()}…` : name, i);
    while (kept > 1 && wide(text()) > most) kept--;
    return text();
  });
  return { texts, width: Math.max(0, ...texts.map(wide)) + 12 };
}

// Return the names of rows, right-aligned at the axis, each in the middle of its row.
function column(texts, right, middle) {
  const at = (i) => ({ x: right - 8, y: middle(i), dy: "0.35em", "text-anchor": "end" });
  return texts.map((text, i) => shape("text", at(i), text));
}

// Return rows of `pitch` px, starting at `top`, that show their title under a resting pointer.
function areas(titles, top, pitch, width) {
  return titles.map((title, i) => {
    const area = shape("rect", { class: "area", y: top + i * pitch, width, height: pitch });
    area.append(title);
    return area;
  });
}

// Return the path of a whisker from `low` to `high` with ends of `cap` px; "" if either is unknown.
function whisker(low, high, y, cap) {
  if (!Number.isFinite(low + high)) return "";
  return `M${low} ${y - cap}v${2 * cap}M${low} ${y}H${high}M${high} ${y - cap}v${2 * cap}`;
}

// A horizontal axis from 0 to the next quarter of a tick above the largest value, with its ticks below, at `foot`; its ends are in
// px. write: (value, step, top) -> text, at most `apart` px wide. least: smallest upper end of the axis.
class Axis {
  constructor([left, right], foot, { write, apart, least }) {
    Object.assign(this, { left, right, foot, write, apart, least, top: null, ticks: shape("g") });
  }

  reach(most) {
    const count = Math.max(1, Math.min(5, Math.floor((this.right - this.left) / this.apart)));
    const wanted = Math.max(this.least, Number.isFinite(most) ? most : 0);
    const step = round(wanted / count), quarters = Math.ceil((4 * wanted) / step - 1e-9);
    const top = (step * quarters) / 4;
    if (top === this.top) return; // most steps of a drag keep the ticks, which are slow to remake
    this.top = top;
    // A narrow axis ends before its first step: its end has the tick then, since a 0 alone tells nothing.
    const every = quarters < 4 ? top : step, precise = quarters < 4 ? step / 4 : step;
    const at = (i) => ({ x: this.x(every * i), y: this.foot, "text-anchor": "middle" });
    const tick = (_, i) => shape("text", at(i), this.write(every * i, precise, top));
    this.ticks.replaceChildren(...Array.from({ length: Math.floor(top / every + 1e-9) + 1 }, tick));
  }

  x(value) {
    return this.left + ((this.right - this.left) * value) / this.top;
  }
}

// Return the smallest of 1, 2 and 5 times a power of ten that is at least the size; 1e-9 absorbs rounding.
function round(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * [1, 2, 5, 10].find((times) => times * power >= size * (1 - 1e-9));
}

// Return the decimals that distinguish multiples of a round step.
function decimals(step) {
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}
