// The course of the two passes: where gradients come from, and what is known after a step.

// For each node the contributions to its gradient: from which operation, as which operand, in which step.
const received = nodes.map(() => []);
steps.forEach((step, at) => step.shares.forEach((share, place) => {
  if (share.contribution) received[operand(step.node, place)].push({ at, from: step.node, place, share });
}));

function operand(node, place) {
  return nodes[node].operands[place];
}

// For each node the step after which its gradient is known.
const completed = nodes.map((node, i) => {
  if (received[i].length) return received[i].at(-1).at;
  const phase = i === result ? "seed" : "backward";
  const own = steps.findIndex((step) => step.phase === phase && (step.node === i || i === result));
  return own < 0 ? steps.length - 1 : own;
});

// A node and all that depend on it: what is on the way from it to the result.
function wayFrom(start) {
  const way = new Set([start]);
  nodes.forEach((node, i) => {
    if (node.operands.some((operand) => way.has(operand))) way.add(i);
  });
  return way;
}

// Which values are known after a step, the gradients so far, and how many contributions each consists of.
function stateAfter(last) {
  const known = nodes.map((node) => node.formula === null);
  const gradients = nodes.map(() => null), counts = nodes.map(() => 0);
  for (const step of steps.slice(0, last + 1)) {
    if (step.phase === "forward") known[step.node] = true;
    if (step.phase === "seed") gradients[result] = ONE;
    if (step.phase === "backward" && step.gradient === null) gradients[step.node] = nodes[step.node].gradient;
    if (step.phase === "end") nodes.forEach((node, i) => { gradients[i] = node.gradient; });
    step.shares.forEach((share, place) => {
      if (!share.contribution) return;
      gradients[operand(step.node, place)] = share.after;
      counts[operand(step.node, place)] += 1;
    });
  }
  return { known, gradients, counts };
}
