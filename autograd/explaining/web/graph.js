// The picture of the graph, and what it shows of a step.

const MARGIN = 4, PADDING = 6, LINE = 15;
const [WIDTH, HEIGHT] = data.size.map((length) => length + 2 * MARGIN);
const SMALLEST = 0.85, LARGEST = 1.15;  // scales at which the text is of a size to read

const arrowhead = (id, orient) => drawn("marker", { id, orient, markerWidth: 9, markerHeight: 9, refX: 6,
  refY: 4.5, markerUnits: "userSpaceOnUse" }, drawn("path", { d: "M0 0L9 4.5L0 9z" }));
const edgeLayer = drawn("g", { "aria-hidden": "true" });
const picture = drawn("svg", { role: "group", "aria-label": `The graph of ${nodes[result].name}`,
  viewBox: `${-MARGIN} ${-MARGIN} ${WIDTH} ${HEIGHT}` },
drawn("defs", {}, arrowhead("tip-forward", "auto"), arrowhead("tip-backward", "auto-start-reverse")), edgeLayer);

const edges = nodes.flatMap((node, to) => node.operands.filter(Number.isInteger).map((from, i) => {
  const [length, last] = node.edges[i];
  const path = drawn("path", { d: nodes[from].trunk.slice(0, length).join("") + last });
  edgeLayer.append(path);
  return { from, to, path };
}));
const boxes = nodes.map(drawBox);

function drawBox(node, i) {
  const [x, y, width, height] = node.box, leaf = node.formula === null;
  const line = (kind, at) => drawn("text", { class: kind, x: x + PADDING, y: y + LINE * at + 0.5 });
  const title = drawn("title", {}), heading = line("heading", 1), value = line("value", 2);
  const gradient = line("gradient", leaf ? 2 : 3);
  heading.append(node.heading);
  const group = drawn("g", { role: "img", "data-node": i }, title,
    drawn("rect", { x, y, width, height, rx: leaf ? 0 : 8 }), heading, ...(leaf ? [] : [value]), gradient);
  group.addEventListener("click", () => goTo(completed[i]));
  picture.append(group);
  return { group, title, value, gradient };
}

function showGraph(step, state, way) {
  const backward = !["start", "forward"].includes(step.phase);
  const current = step.phase === "seed" ? result : step.node;
  const sentTo = new Set(step.shares.flatMap((share, i) => (share.contribution ? [operand(current, i)] : [])));
  $("graph").className = backward ? "backward" : "forward";
  nodes.forEach((node, i) => {
    const marks = { leaf: node.formula === null, waiting: !state.known[i], current: i === current,
      receiving: sentTo.has(i), aside: way !== null && !way.has(i) };
    boxes[i].group.setAttribute("class", ["node", ...Object.keys(marks).filter((mark) => marks[mark])].join(" "));
    fillBox(i, state.known[i], state.gradients[i], state.counts[i]);
  });
  for (const { from, to, path } of edges) {
    const aside = way !== null && !(way.has(from) && way.has(to));
    const active = to === current && (!backward || sentTo.has(from));
    path.setAttribute("class", aside ? "edge aside" : active ? "edge current" : "edge");
    if (active) edgeLayer.append(path);  // on top
  }
  if (current !== null) reveal(current);
}

// What a box says: the value once it is known, the gradient so far and how much of it is still to come.
function fillBox(i, known, got, count) {
  const { group, title, value, gradient } = boxes[i], node = nodes[i], all = received[i].length;
  const part = got !== null && count < all ? ` (${count}/${all})` : "";
  group.dataset.value = known ? node.value[1] : "";
  group.dataset.gradient = got === null ? "" : got[1];
  value.textContent = known ? node.value[0] : "";
  gradient.textContent = got === null ? "" : `∂ ${got[0]}${part}`;
  title.textContent = `${node.label || node.name}: ${known ? node.value[1] : "not computed yet"}` +
    (got === null ? "" : `, gradient ${got[1]}${part && ` so far, ${count} of ${all} contributions`}`);
}

function pointAt(node, on) {
  boxes[node].group.classList.toggle("pointed", on);
}

// As wide as there is room, but of a size to read.
function fit() {
  const scale = Math.min(LARGEST, Math.max($("graph").clientWidth / WIDTH, SMALLEST));
  picture.setAttribute("width", WIDTH * scale);
  picture.setAttribute("height", HEIGHT * scale);
}

// Bring a box to the middle. Only the graph scrolls, not the page, which may be a part of a notebook.
function reveal(node) {
  const frame = $("graph"), scale = picture.getAttribute("width") / WIDTH;
  const [x, y, width, height] = nodes[node].box.map((length) => length * scale);
  frame.scrollLeft = x + (width - frame.clientWidth) / 2;
  frame.scrollTop = y + (height - frame.clientHeight) / 2;
}
