// The point in use on the big charts: in the unit of the axis that it lies on.

import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./sources.mjs";

const { Marks } = load(["live", "shapes", "heard", "packed", "marks"], ["Marks"]);

test("money a day becomes the axis's money a month, and a share stays", () => {
  const curve = { money: [0, 2_000], leakage: [0.1, 0.2], coverage: [1, 0.5], risk: [0.3, 0.4] };
  const marks = Object.assign(Object.create(Marks.prototype), { curve, step: 1, scale: 30 / 10_000 });
  assert.deepEqual(marks.at("money"), { across: 0.001, figure: 6 });
  assert.deepEqual(marks.at("leakage"), { across: 0.001, figure: 0.2 });
  assert.deepEqual(marks.at("risk"), { across: 0.5, figure: 0.4 });
});
