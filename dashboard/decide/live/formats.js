// How figures come from the server and how they are written. The second is dashboard/i18n in the browser: patterns with blanks,
// numbers, shares and amounts, to the same rounding. A value that is not known is NaN.

class Formats {
  // words: language, none (what stands for no value), patterns. currency: code, digits.
  constructor(words, currency) {
    Object.assign(this, { words, currency, formats: {} });
  }

  fill(key, values) {
    return this.words.patterns[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  // The same; in Japanese, no line ends between a number and its counter.
  text(key, values) {
    const text = this.fill(key, values);
    return this.words.language === "ja" ? text.replace(/(?<=[\d%])(?=[件日秒回])/g, "\u2060") : text;
  }

  number(value, digits = null, figures = 2) {
    return this.write(value, digits ?? places(value, figures), {});
  }

  percent(value, digits) {
    return this.write(value, digits, { style: "percent" });
  }

  amount(value, digits = Math.abs(value) < 1000 ? this.currency.digits : 0) {
    return this.write(value, digits, { style: "currency", currency: this.currency.code });
  }

  write(value, digits, style) {
    if (!Number.isFinite(value)) return this.words.none;
    const key = `${digits}${style.style}`;
    this.formats[key] ??= new Intl.NumberFormat(this.words.language, {
      minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven", ...style, // as Babel rounds
    });
    return this.formats[key].format(value);
  }
}

// Decimals that show so many significant figures, at most 6: dashboard.i18n's _places.
function places(value, figures) {
  let size = Math.abs(value), count = 0;
  while (size && size < 10 ** (figures - 1) && count < 6) [size, count] = [size * 10, count + 1];
  return count;
}

// base64 of little-endian numbers, column after column -> {column: array of Kind}
function unpack(text, columns, Kind = Float64Array) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const values = new Kind(bytes.buffer), rows = values.length / columns.length;
  return Object.fromEntries(columns.map((name, i) => [name, values.subarray(i * rows, (i + 1) * rows)]));
}
