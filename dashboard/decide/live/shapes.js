// Makes SVG elements for the handle's curves and the charts that follow it. Sets text as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, tag);
  put(made, attributes);
  if (text) made.textContent = text;
  return made;
}

function put(element, attributes) {
  for (const name in attributes) element.setAttribute(name, attributes[name]);
}
