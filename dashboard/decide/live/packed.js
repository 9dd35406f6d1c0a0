// Unpacks numbers and texts of the server; dashboard/decide/live/__init__.py and drawn.py pack them.

// Return {column: array of Kind} of base64 of little-endian numbers, column after column. NaN is an unknown value.
// A typed array uses the machine's byte order, which is little-endian wherever browsers run.
function unpack(text, columns, Kind = Float64Array) {
  const values = new Kind(bytes(text).buffer), rows = values.length / columns.length;
  return Object.fromEntries(columns.map((name, i) => [name, values.subarray(i * rows, (i + 1) * rows)]));
}

// Return a promise of the value of base64 of zlib of JSON. The stream's "deflate" is zlib's format, with its header.
async function inflate(text) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
