// Numbers of the charts that follow the handle are written as dashboard/i18n writes them. tests/test_javascript.py writes the
// expected texts with dashboard.i18n.Words into the file that KAKUSHIN_EXPECTED names.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { load } from "./sources.mjs";

const { Formats } = load(["formats"], ["Formats"]);
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
