// One step in full.

const TITLES = { start: "Before the first step", forward: "Forward through ", seed: "The backward pass starts",
  backward: "Backward through ", end: "The gradients of the leaves" };
const PANELS = { start: startPanel, forward: forwardPanel, seed: seedPanel, backward: backwardPanel,
  end: endPanel };

function showStep(step) {
  const through = step.node === null ? [] : [equation([name(step.node)], inNames(nodes[step.node].formula))];
  $("step-title").replaceChildren(TITLES[step.phase], ...through);
  $("step").replaceChildren(...PANELS[step.phase](step));
  $("sentence").textContent = step.sentence;
}

const paragraph = (...children) => element("p", {}, ...children);
const list = (kind, ...rows) => element("dl", { class: kind }, ...rows.flatMap(([term, ...described]) =>
  [element("dt", {}, term), element("dd", {}, ...described)]));

function startPanel() {
  return [paragraph("A box is a number: with square corners an input, with round corners a result. " +
    "Its gradient comes after the ∂. (1/2) means: so far, one contribution of two."),
  paragraph("Walk with the arrow keys, Home and End; the space bar plays. A click on a box, or on a gradient in " +
    "the table, goes to the step where that gradient is completed.")];
}

function forwardPanel(step) {
  const { formula, value } = nodes[step.node];
  return [paragraph(equation([name(step.node)], inNames(formula), inNumbers(formula), [number(value)]))];
}

function seedPanel() {
  return [paragraph(equation(gradient(result), [number(ONE)])), paragraph("From here on each operation hands " +
    "its gradient on to its operands, multiplied by its derivative by each of them.")];
}

function endPanel() {
  return data.listing.map((leaf) => element("div", {}, equation(gradient(leaf), [number(nodes[leaf].gradient)])));
}

function backwardPanel(step) {
  if (step.gradient === null) return [paragraph("No gradient reaches it: it sends none.")];
  const all = received[step.node].length > 1 ? [", all contributions added up"] : [];
  return [paragraph(equation(gradient(step.node), [number(step.gradient)]), ...all),
    ...step.shares.flatMap((share, place) => sharePanel(step, share, place))];
}

// What one operand gets.
function sharePanel(step, share, place) {
  const { node } = step, to = operand(node, place), constant = Array.isArray(to);
  const which = step.shares.length > 1 ? ` (operand ${place + 1})` : "";
  const title = element("h3", {}, "To ", constant ? number(to) : name(to), which);
  if (constant) return [title, paragraph("Nothing: it is a constant.")];
  if (!share.contribution) return [title, paragraph(`Nothing: ${share.reason}.`)];
  const formula = nodes[node].partials[place];
  const count = received[to].findIndex((contribution) => contribution.share === share) + 1, all = received[to].length;
  const sum = share.before ? [[number(share.before), " + ", ...enclosed(share.contribution)]] : [];
  return [title, list("share",
    ["derivative", equation(derivative(node, to), ...(formula ? [inNames(formula), inNumbers(formula)] : []),
      [number(share.partial)])],
    ["sends", equation([...gradient(node), " · ", ...derivative(node, to)],
      [number(step.gradient), " · ", ...enclosed(share.partial)], [number(share.contribution)])],
    [all > 1 ? `adds up, ${count} of ${all}` : "makes", equation(gradient(to), ...sum, [number(share.after)]),
      ...(count < all ? [" so far"] : [])]),
  ...(share.remark ? [element("p", { class: "remark" }, share.remark)] : [])];
}
