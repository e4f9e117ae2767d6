// Walking: buttons, slider and keys. The last of the scripts; it starts the page.

let walk = steps.map((_, at) => at);  // the steps that are gone through
let position = 0;                     // in the walk
let way = null;                       // the nodes that it is confined to, or null
let timer = null;                     // while it plays

function show() {
  const at = walk[position], step = steps[at], forward = ["start", "forward"].includes(step.phase);
  showGraph(step, stateAfter(at), way);
  showStep(step);
  showTable(at, way);
  const count = `Step ${position + 1} of ${walk.length}, ${forward ? "forward" : "backward"}`;
  $("slider").max = walk.length - 1;
  $("slider").value = position;
  $("slider").setAttribute("aria-valuetext", count);
  $("count").textContent = count;
  for (const id of ["first", "back"]) $(id).setAttribute("aria-disabled", position === 0);
  for (const id of ["next", "last"]) $(id).setAttribute("aria-disabled", position === walk.length - 1);
}

function moveTo(next) {
  position = Math.max(0, Math.min(walk.length - 1, next));
  show();
}

function goTo(at) {
  pause();
  if (!walk.includes(at)) confine(null);
  moveTo(walk.indexOf(at));
}

// Walk only through what is on the way from a leaf to the result, or through everything.
function confine(leaf) {
  const at = walk[position];
  way = leaf === null ? null : wayFrom(leaf);
  walk = [...steps.keys()].filter((i) => way === null || steps[i].node === null || way.has(steps[i].node));
  $("leaf").value = leaf ?? "";
  moveTo(walk.findLastIndex((earlier) => earlier <= at));
}

function play() {
  if (position === walk.length - 1) moveTo(0);
  $("play").textContent = "Pause";
  timer = setInterval(() => {
    moveTo(position + 1);
    if (position === walk.length - 1) pause();
  }, data.pace);
}

function pause() {
  clearInterval(timer);
  timer = null;
  $("play").textContent = "Play";
}

const stepping = (next) => () => {
  pause();
  moveTo(next());
};
const moves = { first: stepping(() => 0), back: stepping(() => position - 1), next: stepping(() => position + 1),
  last: stepping(() => walk.length - 1), play: () => (timer === null ? play() : pause()) };
const keys = { Home: moves.first, End: moves.last, ArrowLeft: moves.back, ArrowRight: moves.next,
  " ": moves.play };

// A key that the focused control has a use for stays its own.
const isTaken = ({ key, target }) => target.matches("input[type=text], select") ||
  (key === " " && target.matches("button, input[type=checkbox]"));

document.addEventListener("keydown", (event) => {
  if (!(event.key in keys) || isTaken(event) || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  keys[event.key]();
});
for (const [id, move] of Object.entries(moves)) $(id).addEventListener("click", move);
$("slider").addEventListener("input", () => stepping(() => Number($("slider").value))());
$("leaf").append(element("option", { value: "" }, "all leaves"),
  ...data.listing.map((leaf) => element("option", { value: leaf }, nodes[leaf].name)));
$("leaf").addEventListener("change", () => {
  pause();
  confine($("leaf").value === "" ? null : Number($("leaf").value));
});
$("digits").addEventListener("change", () => {
  allDigits = $("digits").checked;
  showNumbers();
  show();
});
addEventListener("resize", fit);
$("graph").append(picture);
fit();
showNumbers();
show();
