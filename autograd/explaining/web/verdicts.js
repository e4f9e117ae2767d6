// Gradients that were derived by hand, beside the engine's: which are right, and which slip gives the others.
// What each slip gives, and what to say of it, is in the data: here it is only looked up.

// What was typed, and half a unit of its last digit; null where it is no number.
function parsed(text) {
  const plain = text.trim().replaceAll("−", "-").replace(",", ".");
  const match = /^[-+]?\d*(?:\.(\d*))?(?:e([-+]?\d+))?$/i.exec(plain);
  if (!match || !/^[-+]?\.?\d/.test(plain)) return null;
  const [, decimals, exponent] = match, whole = decimals === undefined && exponent === undefined;
  return { number: Number(plain),
    slack: whole ? 0 : 0.5001 * 10 ** (Number(exponent ?? 0) - (decimals ?? "").length) };
}

const { slips } = data;
const agrees = (typed, number) => Number.isFinite(number) &&
  Math.abs(typed.number - number) <= Math.max(typed.slack, slips.tolerance * Math.abs(number));

// What to say of a number that is not a node's gradient: the likeliest slip that gives it, and the derivatives
// that it may be about. Those are cleared that a right gradient shares.
function slip(typed, node) {
  const cleared = rightOnes().map(wayFrom);
  const isSuspect = (factor) => !cleared.some((way) => way.has(operand(...slips.factors[factor])));
  const matches = [...slips.candidates[node], ...slips.swapped].filter(([number]) => agrees(typed, number))
    .map(([, saying, suspects]) => ({ ...slips.sayings[saying], suspects: suspects.filter(isSuspect) }));
  const match = matches.find(({ factor }) => factor === null || isSuspect(factor)) ?? matches[0];
  if (match === undefined) return ["it is another number"];
  const where = match.factor === null ? match.suspects : [match.factor];
  return [...inNames(match), ...where.flatMap((factor, i) => [i ? ", " : ", where ", partialDerivative(factor)])];
}

function partialDerivative(factor) {
  const [from, place, partial] = slips.factors[factor];
  const formula = nodes[from].partials[place];
  return equation(derivative(from, operand(from, place)), ...(formula ? [inNames(formula)] : []), [number(partial)]);
}

// What has been typed for which nodes, and where to say what there is to say of it.
const entries = new Map();
const isRight = (node) => agrees(entries.get(node).typed, Number(nodes[node].gradient[1]));
const judged = () => [...entries.keys()].filter((node) => entries.get(node).typed !== null);
const rightOnes = () => judged().filter(isRight);

// The field for a gradient derived by hand, and the verdict.
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
  const [first] = wrong.sort((a, b) => completed[a] - completed[b]);
  const where = first === undefined ? [] : [" The first error, going backward: ", ...gradient(first), ". ",
    button(() => goTo(completed[first]), "Go to that step")];
  $("summary").replaceChildren(...(judged().length === 0 ? [] :
    [`${rightOnes().length} of ${judged().length} agree.`, ...where]));
}
