// Loads the files that the page joins into one module (dashboard/decide/live), by the names that a test needs.

import { readFileSync } from "node:fs";

const FOLDER = new URL("../../dashboard/decide/live/", import.meta.url);

export function load(scripts, names) {
  const text = scripts.map((name) => readFileSync(new URL(`${name}.js`, FOLDER), "utf8")).join("\n");
  return new Function(`${text.replace("export default function", "function draw")}\nreturn { ${names.join(", ")} };`)();
}
