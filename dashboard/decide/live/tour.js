// The tour in the browser: five steps, opened by a button, without the server.
// It sets all text by textContent: data is never parsed as HTML.

const OUTLINE = "2px solid";
const tours = new WeakMap(); // element -> Tour: the page calls the function below again for all new data

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".tour");
  if (!tours.has(root)) tours.set(root, new Tour(root));
  tours.get(root).take(data);
}

class Tour {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`.${name}`);
    this.step = null; // null: closed
    this.outlined = null;
    this.find("open").onclick = () => this.go(0);
    this.find("skip").onclick = () => this.close();
    this.find("back").onclick = () => this.go(this.step - 1);
    this.find("next").onclick = () => (this.step + 1 < this.data.steps.length ? this.go(this.step + 1) : this.close());
    this.find("panel").onkeydown = (event) => {
      if (event.key === "Escape") this.close(); // returns no value: a handler that returns false would keep Enter from pressing a button
    };
  }

  take(data) {
    this.data = data;
    this.find("open").textContent = data.buttons.open;
    this.find("panel").setAttribute("aria-label", data.label);
    this.show();
  }

  // Focus the new title, so that a screen reader reads the step.
  go(step) {
    this.step = step;
    this.show();
    this.outline();
    this.find("title").focus({ preventScroll: true });
  }

  close() {
    this.step = null;
    this.show();
    this.outline();
    this.find("open").focus({ preventScroll: true });
  }

  show() {
    const { steps, buttons, count } = this.data, open = this.step !== null;
    this.find("panel").hidden = !open;
    if (!open) return;
    const { title, text } = steps[this.step], last = this.step + 1 === steps.length;
    this.find("count").textContent = count[this.step];
    this.find("title").textContent = title;
    this.find("text").textContent = text;
    this.find("skip").textContent = buttons.skip;
    this.find("back").textContent = buttons.back;
    this.find("back").disabled = this.step === 0;
    this.find("next").textContent = last ? buttons.done : buttons.next;
  }

  outline() {
    if (this.outlined) this.outlined.style.outline = this.outlined.style.outlineOffset = "";
    const part = this.step === null ? null : document.querySelector(this.data.steps[this.step].at);
    this.outlined = part;
    if (!part) return;
    part.style.outline = `${OUTLINE} ${getComputedStyle(this.root).getPropertyValue("--st-primary-color")}`;
    part.style.outlineOffset = "6px";
    part.scrollIntoView({ block: "center" });
  }
}
