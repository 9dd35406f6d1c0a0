// Numbers on axes and rows of the charts that follow the handle, rounded as dashboard/i18n rounds; tests/js/formats.test.mjs
// compares both. NaN is an unknown value. The server writes all sentences.

class Formats {
  // words: language, none (written for no value), patterns. currency: code, digits.
  constructor(words, currency) {
    Object.assign(this, { words, currency, formats: {} });
  }

  fill(key, values) {
    // {n} is the value, {n:case|cases} the word in its form, as core.messages fills them in
    const form = (name, one, many) => (`${values[name]}` === "1" ? one : many);
    return this.words.patterns[key].replace(
      /\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g,
      (_, name, one, many) => (one === undefined ? values[name] : form(name, one, many)),
    );
  }

  number(value, digits = null, figures = 2) {
    return this.write(value, digits ?? places(value, figures), {});
  }

  percent(value, digits) {
    return this.write(value, digits, { style: "percent" });
  }

  amount(value) {
    return this.amounts([value])[0];
  }

  // Return amounts of one sentence, all in the form of the largest.
  amounts(values) {
    const sizes = values.map(Math.abs).filter((size) => size > 0), most = Math.max(0, ...sizes);
    if (this.writesYen) {
      const unit = yenUnit(Math.min(...sizes), most);
      return values.map((value) => this.yen(value, unit));
    }
    const digits = most < 1000 ? this.currency.digits : 0, style = { style: "currency", currency: this.currency.code };
    return values.map((value) => this.write(value, digits, style));
  }

  // Return the tick at a multiple of `step` on an axis up to `top`; all ticks have one unit and no more decimals than the step.
  tick(value, step, top) {
    if (!this.writesYen) return this.write(value, decimals(step), { style: "currency", currency: this.currency.code });
    const [size, name] = yenUnit(step, top);
    return value ? `${this.write(value / size, decimals(step / size), {})}${name}` : "0円";
  }

  get writesYen() {
    return this.currency.code === "JPY" && this.words.language === "ja";
  }

  // Yen in Japanese in a unit to three figures: 500円, 3万円, 931万円, 1.26億円; the same as core.messages.figures.
  yen(value, [size, name]) {
    if (!Number.isFinite(value)) return this.words.none;
    const figure = Math.abs(value) / size;
    let digits = size === 1 || figure >= 99.95 ? 0 : figure >= 9.995 ? 1 : 2;
    while (digits && Number(figure.toFixed(digits - 1)) === figure) digits--; // exact with fewer
    return value ? `${value < 0 ? "-" : ""}${this.write(figure, digits, {})}${name}` : "0円";
  }

  write(value, digits, style) {
    if (!Number.isFinite(value)) return this.words.none;
    const key = `${digits}${style.style}`;
    // cached: making a NumberFormat takes far longer than using it, and each move writes many numbers
    this.formats[key] ??= new Intl.NumberFormat(this.words.language, {
      minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven", ...style, // as Babel rounds
    });
    return this.formats[key].format(value);
  }
}

// Return size and name of the unit for amounts of `least` to `most` yen; the same as core.messages.figures.
function yenUnit(least, most) {
  let place = least < 9999.5 && most < 99999.5 ? 0 : Math.round(most / 1e4) < 10000 ? 1 : 2;
  while (Math.round(least) < [0, 1_000, 99_995_000][place]) place--;
  return [1e4 ** place, ["円", "万円", "億円"][place]];
}

// Return the decimals that show `figures` significant figures, at most 6; the same as dashboard.i18n's _places.
function places(value, figures) {
  let size = Math.abs(value), count = 0;
  while (size && size < 10 ** (figures - 1) && count < 6) [size, count] = [size * 10, count + 1];
  return count;
}
