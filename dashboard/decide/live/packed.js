// How numbers and texts come from the server: dashboard/decide/live/__init__.py and drawn.py pack them.

// base64 of little-endian numbers, column after column -> {column: array of Kind}. A value that is not known is NaN.
function unpack(text, columns, Kind = Float64Array) {
  const values = new Kind(bytes(text).buffer), rows = values.length / columns.length;
  return Object.fromEntries(columns.map((name, i) => [name, values.subarray(i * rows, (i + 1) * rows)]));
}

// base64 of zlib of JSON -> a promise of its value
async function inflate(text) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
