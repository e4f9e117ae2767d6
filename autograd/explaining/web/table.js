// The table of all gradients: the leaves by name, then the operations in the order of the backward pass.

const operations = nodes.map((_, i) => i).filter((i) => nodes[i].formula !== null).reverse();
const rows = [...data.listing, ...operations].map((node) => {
  const row = element("tr", {},
    element("th", { scope: "row" }, button(() => goTo(completed[node]), ...gradient(node))),
    element("td", { class: "rule" }, ...chainRule(node)), element("td"), element("td", {}, ...entry(node)));
  $(nodes[node].formula === null ? "leaves" : "operations").append(row);
  return { node, row };
});

function showTable(at, way) {
  for (const { node, row } of rows) {
    row.hidden = way !== null && !way.has(node);
    row.className = completed[node] === at ? "current" : "";
  }
}

function showNumbers() {
  for (const { node, row } of rows) row.cells[2].replaceChildren(number(nodes[node].gradient));
}

// A gradient as the sum of what is sent to it, in symbols.
function chainRule(node) {
  if (received[node].length === 0) return [node === result ? "1" : "0, nothing is sent to it"];
  const terms = received[node].slice(0, data.terms).map(termOf), more = received[node].length - terms.length;
  const joined = (term) => (term[0] === "−" ? [" − ", ...term.slice(1)] : [" + ", ...term]);
  const sum = terms.flatMap((term, i) => (i === 0 ? term : joined(term)));
  return more ? [...sum, ` + ${more} more`] : sum;
}

function termOf({ from, place }) {
  const formula = nodes[from].partials[place];
  if (formula === null) return [...gradient(from), " · ", ...derivative(from, operand(from, place))];
  const pieces = inNames(formula);
  if (pieces.length === 1 && pieces[0] === "1") return gradient(from);
  if (pieces.length === 1 && pieces[0] === "−1") return ["−", ...gradient(from)];
  return [...gradient(from), " · ", ...(formula.isFactor ? pieces : ["(", ...pieces, ")"])];
}
