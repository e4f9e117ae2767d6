// Gradients that were found by hand, beside the engine's: which are right, and what slip would explain one
// that is not.

// What was typed, and half a unit of its last digit; null where it is no number.
function parsed(text) {
  const plain = text.trim().replaceAll("−", "-").replace(",", ".");
  const found = /^[-+]?\d*(?:\.(\d*))?(?:e([-+]?\d+))?$/i.exec(plain);
  if (!found || !/^[-+]?\.?\d/.test(plain)) return null;
  const [, decimals, exponent] = found, whole = decimals === undefined && exponent === undefined;
  return { number: Number(plain),
    slack: whole ? 0 : 0.5001 * 10 ** (Number(exponent ?? 0) - (decimals ?? "").length) };
}

const float = ([, exact]) => Number(exact.replace("inf", "Infinity"));  // and "nan" becomes NaN
const agrees = (typed, number) => Number.isFinite(number) &&
  Math.abs(typed.number - number) <= Math.max(typed.slack, 1e-9 * Math.abs(number));

// What to say of a number that is not a node's gradient: the likeliest slip that gives it. A gradient that is
// right clears the factors that it has in common with this one.
function slip(typed, node) {
  const right = float(nodes[node].gradient);
  return turned(typed, node, right) ?? forgotten(typed, node, right) ?? scaled(typed, right) ??
    unlinked(typed, node, right) ?? swapped(typed, node) ?? ["it is another number"];
}

function turned(typed, node, right) {
  if (!agrees(typed, -right)) return null;
  const negative = suspects(node).filter(({ partial }) => float(partial) < 0).map(factor);
  const different = negative.filter((one, i) => one.textContent !== negative[i - 1]?.textContent);
  return ["right but for the sign", ...different.flatMap((one, i) => [i ? ", " : "; negative on the way: ", one])];
}

function forgotten(typed, node, right) {
  if (received[node].length < 2) return null;
  const one = received[node].find(({ share }) => agrees(typed, right - float(share.contribution)));
  return one === undefined ? null :
    ["seems to lack what comes through ", name(one.from), ` (operand ${one.place + 1})`];
}

function scaled(typed, right) {
  if (agrees(typed, 2 * right)) return ["twice what it should be"];
  return agrees(typed, right / 2) ? ["half of what it should be"] : null;
}

function unlinked(typed, node, right) {
  const lost = [...suspects(node), ...factors(node)].find(({ partial }) => agrees(typed, right / float(partial)));
  return lost === undefined ? null : ["seems to lack the factor ", factor(lost)];
}

function swapped(typed, node) {
  const other = data.listing.find((leaf) => leaf !== node && agrees(typed, float(nodes[leaf].gradient)));
  return other === undefined ? null : ["seems to be ", ...gradient(other)];
}

// The derivatives between a node and the result, from the result back.
function factors(node) {
  const way = wayFrom(node);
  return steps.flatMap((step) => step.shares.flatMap(({ partial }, place) => {
    const from = step.node, to = operand(from, place), formula = nodes[from].partials[place];
    return partial && way.has(to) ? [{ from, to, partial, formula }] : [];
  }));
}

const suspects = (node) => {
  const cleared = rightOnes().map(wayFrom);
  return factors(node).filter(({ to }) => !cleared.some((way) => way.has(to)));
};

const factor = ({ from, to, partial, formula }) =>
  equation(derivative(from, to), ...(formula === null ? [] : [inNames(formula)]), [number(partial)]);

// What has been typed for which nodes, and where to say what there is to say of it.
const entries = new Map();
const isRight = (node) => agrees(entries.get(node).typed, float(nodes[node].gradient));
const judged = () => [...entries.keys()].filter((node) => entries.get(node).typed !== null);
const rightOnes = () => judged().filter(isRight);

// The field for a gradient found by hand, and the verdict.
function entry(node) {
  const field = element("input", { type: "text", inputmode: "decimal", autocomplete: "off",
    "aria-label": `your gradient of ${nodes[node].name}` });
  const verdict = element("output", { class: "verdict" });
  field.addEventListener("input", () => {
    entries.set(node, { typed: parsed(field.value), verdict });
    if (field.value.trim() === "") {
      entries.delete(node);
      verdict.replaceChildren();
    }
    showVerdicts();
  });
  field.addEventListener("paste", paste);
  return [field, verdict];
}

function showVerdicts() {
  for (const [node, { typed, verdict }] of entries) {
    const right = typed !== null && isRight(node);
    verdict.className = `verdict ${right ? "agrees" : "differs"}`;
    const said = element("span");
    said.append(...(typed === null ? ["not a number"] : right ? ["✓ agrees"] : ["✗ ", ...slip(typed, node)]));
    if (said.textContent !== verdict.textContent) verdict.replaceChildren(said);  // it is read out when it changes
  }
  showSummary();
}

// The numbers in a text that holds several, as Python or NumPy prints a list of them; otherwise none.
function listed(text) {
  const plain = text.trim().replaceAll("−", "-").replaceAll(/\w+\.\w+\(/g, " ");  // np.float64(
  const several = /[\s;]/.test(plain) || (plain.includes(",") && plain.includes("."));
  return several ? plain.match(/[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi) ?? [] : [];
}

// A list that is pasted into a field goes on into those below.
function paste(event) {
  const numbers = listed(event.clipboardData.getData("text"));
  if (numbers.length < 2) return;
  event.preventDefault();
  const fields = [...document.querySelectorAll("td input")];
  const below = fields.slice(fields.indexOf(event.target));
  below.slice(0, numbers.length).forEach((field, i) => {
    field.value = numbers[i];
    field.dispatchEvent(new Event("input"));
  });
}

// How much of what was typed agrees, and where, going backward, the first error is.
function showSummary() {
  const wrong = judged().filter((node) => !isRight(node));
  const [first] = wrong.sort((one, other) => completed[one] - completed[other]);
  const where = first === undefined ? [] : [" The first error, going backward: ", ...gradient(first), ". ",
    button(() => goTo(completed[first]), "Go to that step")];
  $("summary").replaceChildren(...(judged().length === 0 ? [] :
    [`${rightOnes().length} of ${judged().length} agree.`, ...where]));
}
