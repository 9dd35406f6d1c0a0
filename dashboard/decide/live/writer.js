// dashboard/sentences.py and ghost_words.py in the browser: the same patterns. tests/browser/test_live.py holds the two to the
// same text. A value that is not known is NaN here, as in the block of numbers, and null in the ghost.

const POINTS = { coverage: 1, risk: 1, leakage: 1 }; // cards whose difference is in percentage points
class Writer extends Formats {
  constructor(data, curve) {
    super(data.words, data.currency);
    Object.assign(this, { data, curve });
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
    const now = this.figures(step);
    const row = (key, rows, show, basis, n, first) => ({
      ...this.card(rows[step], show, basis, n, first),
      ghost: this.difference(key, now[key]),
    });
    return {
      headline: this.headline(step),
      cards: [
        row("coverage", this.coverage, percent(1), "basis.cases", data.cases, this.often(this.coverage[step][0])),
        row("review", this.review, percent(1), "basis.cases", data.cases, this.count("card.per_day", this.reviews[step], 1)),
        row("risk", this.risk, percent(1), "basis.accepted", accepted, this.often(this.risk[step][0])),
        row("leakage", this.leakage, percent(2), "basis.labelled", data.labelled, this.often(this.leakage[step][0])),
        row("escapes", this.escapes, number, "basis.labelled", data.labelled, this.month(this.escapes[step])),
        row("money", this.money, money, "basis.labelled", data.labelled),
      ],
    };
  }

  headline(step) {
    const { data, curve } = this, reviews = this.reviews[step][0], escapes = this.escapes[step];
    const people = { reviews: this.number(reviews), people: this.number(reviews / data.reviewsPerPerson) };
    if (!curve.accepted[step]) return this.text("headline.none", people);
    people.coverage = this.percent(this.coverage[step][0], 0);
    const [value, low, high] = escapes.map((x) => this.number(x * data.month));
    if (!(escapes[0] >= 0)) return this.text("headline.accept", people) + this.words.sentence_space + this.text("headline.unlabelled", {});
    if (escapes[0] === 0) return this.text("headline.clean", { n: this.number(data.labelled, 0), high, ...people });
    return this.text("headline.escapes", { escapes: value, low, high, ...people });
  }

  // What ghost_words.figures gives.
  figures(step) {
    const escapes = this.escapes[step][0] * this.data.month;
    return {
      coverage: this.coverage[step][0],
      review: this.reviews[step][0],
      risk: this.risk[step][0],
      leakage: this.leakage[step][0],
      escapes,
      money: this.money[step][0],
    };
  }

  difference(key, now) {
    const { ghost } = this.data, then = ghost?.figures[key] ?? NaN;
    if (!Number.isFinite(now) || !Number.isFinite(then)) return "";
    const size = Math.abs(now - then), name = key in POINTS ? "points" : key;
    const [amount, nothing] = [size, 0].map((value) => {
      if (key in POINTS) return this.number(100 * value, ghost.digits[key]);
      return key === "money" ? this.amount(value) : this.number(value);
    });
    const same = amount === nothing || size < 1e-9;
    const said = same ? this.text("ghost.same", {}) : this.text(`ghost.${name}.${now > then ? "more" : "fewer"}`, { amount });
    return `${ghost.mark} ${said}`;
  }

  month(rows) {
    return this.count("card.per_month", rows, this.data.month);
  }

  count(key, rows, times) {
    if (!(rows[0] >= 0)) return null;
    const [count, low, high] = rows.map((x) => this.number(x * times, null, 3));
    return this.text(key, { count, low, high });
  }

  often(share) {
    if (!(share > 0)) return null;
    let per = 10;
    while (share * per < 2.95 && per < 100000) per *= 10;
    const often = this.text("frequency", { count: this.number(share * per, 0), per: this.number(per, 0) });
    return this.text("card.often", { often });
  }

  card([value, low, high], show, basis, n, first = null) {
    const lines = [this.text(basis, { n: this.number(n, 0) })];
    if (value >= 0) lines.unshift(this.text("card.interval", { low: show(low), high: show(high) }));
    if (first !== null) lines.unshift(first);
    return { value: show(value), lines };
  }
}
