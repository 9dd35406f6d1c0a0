import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./sources.mjs";

const { round, decimals, whisker } = load(["axes"], ["round", "decimals", "whisker"]);

test("a tick is the smallest of 1, 2 and 5 times a power of ten that is enough", () => {
  assert.deepEqual([0.9, 1, 1.1, 2.1, 5.1, 0.03].map(round), [1, 1, 2, 5, 10, 0.05]);
});

test("decimals tell ticks apart", () => {
  assert.deepEqual([100, 1, 0.5, 0.01].map(decimals), [0, 0, 1, 2]);
});

test("a whisker without ends is nothing", () => {
  assert.equal(whisker(NaN, 1, 2, 3), "");
  assert.equal(whisker(1, 5, 10, 4), "M1 6v8M1 10H5M5 6v8");
});

test("an axis that is too narrow for a step has a tick at its end", () => {
  const made = () => ({ setAttribute() {}, append() {}, replaceChildren(...all) { this.all = all; } });
  globalThis.document = { createElementNS: made };
  const { Axis } = load(["shapes", "axes"], ["Axis"]);
  const ticks = (width, most) => {
    const written = [], write = (value) => `${written.push(value)}`;
    new Axis([0, width], 0, { write, apart: 95, least: 1 }).reach(most);
    return written;
  };
  assert.deepEqual(ticks(300, 30), [0, 10, 20, 30]);
  assert.deepEqual(ticks(90, 620), [0, 750]);
});
