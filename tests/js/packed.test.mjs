import assert from "node:assert/strict";
import test from "node:test";
import { deflateSync } from "node:zlib";
import { load } from "./sources.mjs";

const { unpack, inflate } = load(["packed"], ["unpack", "inflate"]);

test("columns come back in their order, and NaN stays NaN", () => {
  const text = Buffer.from(new Float64Array([0.1, NaN, 3, 4]).buffer).toString("base64");
  const { money, risk } = unpack(text, ["money", "risk"]);
  assert.deepEqual([...money], [0.1, NaN]);
  assert.deepEqual([...risk], [3, 4]);
});

test("shares of 16 bits come back as whole numbers", () => {
  const text = Buffer.from(new Uint16Array([0, 65534, 65535]).buffer).toString("base64");
  assert.deepEqual([...unpack(text, ["low"], Uint16Array).low], [0, 65534, 65535]);
});

test("texts are what was compressed, letter by letter", async () => {
  const rows = [["adopt", "全件確認より¥10,743安い <b>&amp;", [["381", "8人", ""]]]];
  const text = deflateSync(Buffer.from(JSON.stringify(rows))).toString("base64");
  assert.deepEqual(await inflate(text), rows);
});

test("what is no compressed text is an error and not an empty list", async () => {
  await assert.rejects(inflate(Buffer.from("no zlib").toString("base64")));
});
