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

  amount(value, digits = Math.abs(value) < 1000 ? this.currency.digits : 0) {
    if (this.currency.code === "JPY" && this.words.language === "ja") return this.yen(value);
    return this.write(value, digits, { style: "currency", currency: this.currency.code });
  }

  // Yen in Japanese: 30,000円, 931万円, 1.26億円; the same as dashboard.i18n's _yen.
  yen(value) {
    if (!Number.isFinite(value)) return this.words.none;
    const size = Math.abs(value), sign = value < 0 && Math.round(size) ? "-" : "";
    if (size < 99999.5) return `${sign}${this.write(size, 0, {})}円`;
    const [unit, name] = Math.round(size / 1e4) < 10000 ? [1e4, "万円"] : [1e8, "億円"], figure = size / unit;
    return `${sign}${this.write(figure, figure < 9.995 ? 2 : figure < 99.95 ? 1 : 0, {})}${name}`;
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

// Return the decimals that show `figures` significant figures, at most 6; the same as dashboard.i18n's _places.
function places(value, figures) {
  let size = Math.abs(value), count = 0;
  while (size && size < 10 ** (figures - 1) && count < 6) [size, count] = [size * 10, count + 1];
  return count;
}
