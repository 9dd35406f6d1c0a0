// Numbers of the charts that follow the handle are written as dashboard/i18n writes them. tests/test_javascript.py writes the
// expected texts with dashboard.i18n.Words into the file that KAKUSHIN_EXPECTED names.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { load } from "./sources.mjs";

const { Formats } = load(["formats", "axes"], ["Formats"]);
const cases = JSON.parse(readFileSync(process.env.KAKUSHIN_EXPECTED, "utf8"));

for (const { language, currency, digits, value, number, percent, money } of cases) {
  test(`${value} in ${language} and ${currency}`, () => {
    const formats = new Formats({ language, none: "–", patterns: { n: "n = {n}" } }, { code: currency, digits });
    assert.equal(formats.number(value), number);
    assert.equal(formats.percent(value, 1), percent);
    assert.equal(formats.amount(value), money);
    assert.equal(formats.fill("n", { n: formats.number(value) }), `n = ${number}`);
  });
}

test("a word in the form of its count", () => {
  const patterns = { n: "n = {n} {n:case|cases} of {all}" };
  const formats = new Formats({ language: "en", none: "–", patterns }, { code: "AUD", digits: 2 });
  assert.equal(formats.fill("n", { n: "1", all: "3" }), "n = 1 case of 3");
  assert.equal(formats.fill("n", { n: "0", all: "3" }), "n = 0 cases of 3");
});

test("what is not known is written as the sign for it", () => {
  const formats = new Formats({ language: "en", none: "–", patterns: {} }, { code: "AUD", digits: 2 });
  assert.equal(formats.number(NaN), "–");
});

test("amounts of a sentence, and the ticks of an axis, have one unit", () => {
  const yen = new Formats({ language: "ja", none: "–", patterns: {} }, { code: "JPY", digits: 0 });
  assert.deepEqual(yen.amounts([45_274, 2_200_000]), ["4.53万円", "220万円"]);
  assert.deepEqual(yen.amounts([0, NaN]), ["0円", "–"]);
  assert.deepEqual([9_999, 30_000, 67_404].map((value) => yen.amount(value)), ["9,999円", "3万円", "6.74万円"]);
  const ticks = (step, top) => [0, 1, 3].map((i) => yen.tick(i * step, step, top));
  assert.deepEqual(ticks(50_000, 175_000), ["0円", "5万円", "15万円"]);
  assert.deepEqual(ticks(2_000, 9_000), ["0円", "2,000円", "6,000円"]);
  const euros = new Formats({ language: "en", none: "–", patterns: {} }, { code: "EUR", digits: 2 });
  assert.deepEqual(euros.amounts([271.64, 13_202]), ["€272", "€13,202"]);
  assert.equal(euros.tick(1.5, 0.5, 2), "€1.5");
});
