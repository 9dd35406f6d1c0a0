// The point in use on the page's big charts: it follows the handle at once, and a click on a curve moves the handle there.
//
// Streamlit remakes a Plotly chart, and loses its zoom, whenever its figure changes, so the figures hold nothing that depends
// on the threshold. This file lays the rest over them, placed by the axes of the drawn chart (Plotly's _fullLayout). A chart
// may appear after the handle, or vanish and return: a timer searches for it, which costs two queries.
// The `meta` of a trace identifies its curve, set in dashboard/components/charts.py: "risk", or the column of a panel over the threshold.

const CHARTS = [".st-key-chart_risk_coverage", ".st-key-chart_thresholds"];
const LOOK_MS = 300;
const ROOM = 8; // px to the right of a chart's axes

class Marks {
  constructor(root, pick) {
    Object.assign(this, { root, pick, layers: new Map(), step: null });
    // Skips charts out of sight: drawing on them would cost frames of a drag without being visible.
    this.sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) target.inSight = isIntersecting;
      if (this.step !== null) this.draw(this.step);
    });
    const timer = setInterval(() => (root.isConnected ? this.look() : clearInterval(timer)), LOOK_MS);
  }

  // scale: from the curve's money, a day, to the unit of the chart's axis.
  take(curve, label, colour, scale) {
    Object.assign(this, { curve, label, colour, scale });
    this.sight.disconnect();
    for (const layer of this.layers.values()) layer.remove();
    this.layers.clear();
    this.look();
  }

  look() {
    for (const place of CHARTS) {
      const plot = document.querySelector(`${place} .js-plotly-plot`);
      if (!plot?._fullLayout || !this.curve || this.layers.get(plot)?.isConnected) continue;
      const layer = document.createElement("div");
      // A separate layer for the compositor: moves in it do not repaint the curves below.
      Object.assign(layer.style, { position: "absolute", inset: "0", pointerEvents: "none", willChange: "transform" });
      plot.style.position = "relative";
      plot.append(layer);
      this.layers.set(plot, layer);
      this.sight.observe(layer);
      this.listen(plot);
      this.lay(plot, layer);
    }
    for (const plot of this.layers.keys()) if (!plot.isConnected) this.layers.delete(plot);
  }

  // A chart keeps its listeners when only its layer is remade; a new handle takes them over.
  listen(plot) {
    if (!plot.kakushin) {
      plot.on("plotly_click", (event) => plot.kakushin.clicked(event.points[0]));
      plot.on("plotly_afterplot", () => plot.kakushin.lay(plot));
    }
    plot.kakushin = this;
  }

  clicked(point) {
    if (!point.data.meta) return; // a curve of another model has other thresholds
    this.pick(Math.round(Number(point.customdata) * STEPS));
  }

  // Make a spot for each curve, and a line through it in panels over the threshold; the first spot has the label.
  lay(plot, layer = this.layers.get(plot)) {
    if (!layer) return;
    const traces = plot.data.filter((trace) => trace.meta && trace.meta !== "mark");
    layer.replaceChildren(
      ...traces.flatMap((_, i) => {
        const line = this.element("mark-line", { borderLeft: `1.5px solid ${this.colour}` });
        const spot = this.element("mark-now", { fontSize: "20px", fontWeight: "700", transform: "translate(-50%, -50%)" }, "✕");
        const label = this.element("mark-label", { fontSize: "12px", fontWeight: "600" }, i ? "" : this.label);
        Object.assign(label.style, { textShadow: "0 0 3px var(--mark-back), 0 0 3px var(--mark-back), 0 0 3px var(--mark-back)" });
        return [line, spot, label];
      }),
    );
    layer.style.setProperty("--mark-back", getComputedStyle(this.root).getPropertyValue("--st-background-color"));
    layer.traces = traces;
    const pen = document.createElement("canvas").getContext("2d"); // measures without a layout
    pen.font = `600 12px ${getComputedStyle(this.root).fontFamily}`;
    this.wide = pen.measureText(this.label).width;
    if (this.step !== null) this.draw(this.step);
  }

  element(name, style, text = "") {
    const made = document.createElement("div");
    made.className = name;
    made.textContent = text;
    Object.assign(made.style, { position: "absolute", color: this.colour, lineHeight: "1", whiteSpace: "nowrap", ...style });
    return made;
  }

  draw(step) {
    this.step = step;
    for (const [plot, layer] of this.layers) {
      if (layer.inSight === false || !plot._fullLayout) continue; // a chart that is being removed has no axes
      for (const [i, trace] of (layer.traces ?? []).entries()) {
        this.place(plot._fullLayout, trace, [...layer.children].slice(3 * i, 3 * i + 3));
      }
    }
  }

  place(layout, trace, [line, spot, label]) {
    const axis = (name) => layout[`${name}axis${(trace[`${name}axis`] ?? name).slice(1)}`];
    const { figure, across } = this.at(trace.meta), x = axis("x"), y = axis("y");
    const left = x.l2p(across), top = y.l2p(figure);
    const inside = left >= -1 && left <= x._length + 1;
    const shown = inside && top >= -1 && top <= y._length + 1; // false if the figure is unknown: every comparison with NaN is false
    const alone = trace.meta === "risk";
    line.style.display = inside && !alone ? "" : "none";
    spot.style.display = shown ? "" : "none";
    label.style.display = shown || (inside && !alone) ? "" : "none";
    // to the left of its spot where it would leave the chart: a phone's panel is hardly wider than the label
    const near = left + 12 + this.wide > x._length + ROOM, height = shown ? top : 12;
    Object.assign(line.style, { left: `${x._offset + left - 0.75}px`, top: `${y._offset}px`, height: `${y._length}px` });
    Object.assign(spot.style, { left: `${x._offset + left}px`, top: `${y._offset + top}px` });
    const aside = near ? "translate(calc(-100% - 12px), 4px)" : "translate(12px, 4px)";
    Object.assign(label.style, { left: `${x._offset + left}px`, top: `${y._offset + height}px`, transform: aside });
  }

  at(meta) {
    const { curve, step } = this, figure = curve[meta][step] * (meta === "money" ? this.scale : 1);
    return { across: meta === "risk" ? curve.coverage[step] : step / STEPS, figure };
  }
}
