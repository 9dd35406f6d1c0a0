// The tour in the browser: five steps, shown once (local storage remembers), opened again by a button. Asks the server nothing.
// Everything is written by textContent: what comes as data is never read as HTML.

const SEEN = "kakushin-tour-seen";
const OUTLINE = "2px solid";
const tours = new WeakMap(); // element -> Tour: the page calls the function below again for every new data

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
    this.find("open").onclick = () => this.go(0, true);
    this.find("skip").onclick = () => this.close();
    this.find("back").onclick = () => this.go(this.step - 1, true);
    this.find("next").onclick = () => (this.step + 1 < this.data.steps.length ? this.go(this.step + 1, true) : this.close());
    this.find("panel").onkeydown = (event) => {
      if (event.key === "Escape") this.close(); // no value: one of false would keep Enter from pressing a button
    };
  }

  take(data) {
    const first = this.data === undefined;
    this.data = data;
    this.find("open").textContent = data.buttons.open;
    this.find("panel").setAttribute("aria-label", data.label);
    if (first && !seen()) this.go(0, false);
    else this.show();
  }

  // Moved by a person, the focus goes along; opened by itself, the page keeps the focus and its place.
  go(step, moved) {
    this.step = step;
    remember();
    this.show();
    this.outline(moved);
    if (moved) this.find("title").focus({ preventScroll: true });
  }

  close() {
    this.step = null;
    this.show();
    this.outline(false);
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

  outline(moved) {
    if (this.outlined) this.outlined.style.outline = this.outlined.style.outlineOffset = "";
    const part = this.step === null ? null : document.querySelector(this.data.steps[this.step].at);
    this.outlined = part;
    if (!part) return;
    part.style.outline = `${OUTLINE} ${getComputedStyle(this.root).getPropertyValue("--st-primary-color")}`;
    part.style.outlineOffset = "6px";
    if (moved) part.scrollIntoView({ block: "center" });
  }
}

// A browser that keeps nothing, as some private windows, shows the tour at every visit.
function seen() {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return false;
  }
}

function remember() {
  try {
    localStorage.setItem(SEEN, "1");
  } catch {
    // nothing to do: see `seen`
  }
}
