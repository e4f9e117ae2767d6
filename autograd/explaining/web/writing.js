"use strict";
// What the page's data are, and how they are written: elements, numbers, names and formulas.

const data = JSON.parse(document.getElementById("data").textContent);
const { nodes, steps } = data;
const result = nodes.length - 1;
const $ = (id) => document.getElementById(id);

// Text goes into elements as text, whatever a label holds.
const filled = (made, attributes, children) => {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const element = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);
const drawn = (tag, attributes, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const button = (action, ...children) => {
  const made = element("button", { type: "button" }, ...children);
  made.addEventListener("click", action);
  return made;
};

// A number is a pair of texts: rounded for reading, and with all digits.
let allDigits = false;
const printed = ([short, exact]) => (allDigits ? exact.replaceAll("-", "−") : short);
const number = (pair) => element("data", { value: pair[1], title: pair[1] }, printed(pair));
// In parentheses where it is negative or has an exponent, as it must be in a product.
const enclosed = (pair) => (/^−|e/.test(printed(pair)) ? ["(", number(pair), ")"] : [number(pair)]);
const ONE = ["1", "1.0"];

function name(node) {
  const made = element("var", { title: nodes[node].label || nodes[node].name }, nodes[node].name);
  made.addEventListener("pointerenter", () => pointAt(node, true));
  made.addEventListener("pointerleave", () => pointAt(node, false));
  return made;
}
const gradient = (node) => ["∂", name(result), "/∂", name(node)];
const derivative = (from, to) => ["∂", name(from), "/∂", name(to)];

// A formula, or what is said, in names.
const inNames = ({ pieces }) => pieces.map((piece) => (typeof piece === "string" ? piece : name(piece[0])));

// A formula in numbers; a negative one is enclosed where it must be.
const inNumbers = (formula) => formula.pieces.flatMap((piece) => {
  if (typeof piece === "string") return [piece];
  const [node, tight] = piece, value = nodes[node].value;
  return tight ? enclosed(value) : [number(value)];
});

// What is equal, with equals signs; what reads like the next one is left out.
function equation(...ways) {
  const spans = ways.map((way) => element("span", {}, ...way));
  const told = spans.filter((span, i) => span.textContent !== spans[i + 1]?.textContent);
  return element("span", {}, ...told.flatMap((span, i) => (i ? [" = ", span] : [span])));
}
