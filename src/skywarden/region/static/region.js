"use strict";
// The page of a region: asks once a second, and draws a card a base. Text is set as text, never as HTML.

const WORDS = { "take-cover": "TAKE COVER", stay: "STAY IN COVER", "pre-alert": "PRE-ALERT", "impacts-over": "IMPACTS OVER", "all-clear": "all clear" };
const clock = (t) => (t ? new Date(t * 1000).toISOString().slice(11, 19) + "Z" : "never");
const cards = new Map();
let heard = 0;

function line(parent, name, text, kind) {
  const made = parent.appendChild(document.createElement(name));
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function card(name) {
  if (!cards.has(name)) {
    const made = document.createElement("article");
    made.append(document.createElement("h2"), document.createElement("canvas"), document.createElement("div"));
    document.getElementById("bases").append(made);
    cards.set(name, made);
  }
  return cards.get(name);
}

function show(base) {
  const made = card(base.name), [head, canvas, facts] = made.children;
  made.className = base.grey ? "grey" : base.warnings.length ? "warned" : base.pre_alerts.length ? "foretold" : "";
  head.replaceChildren();
  const open = /^https?:\/\//.test(base.console);
  const title = line(head, open ? "a" : "span", base.title);
  if (open) Object.assign(title, { href: base.console, target: "_blank", rel: "noopener noreferrer" });
  facts.replaceChildren();
  line(facts, "p", base.grey ? `NO CONTACT; as of ${clock(base.as_of)}` : `${base.age} s old`, base.grey ? "fault" : "");
  const list = facts.appendChild(document.createElement("ul"));
  for (const w of base.warnings) {
    const left = w.due ? Math.round(w.due - Date.now() / 1000) : null;
    const when = w.due ? (base.grey || left < 0 ? `, impact ${clock(w.due)}` : `, impact in ${left} s`) : "";
    line(list, "li", `${w.zone}: ${WORDS[w.stage] || w.stage}${when}${base.grey ? `, as of ${clock(base.as_of)}` : ""}`);
  }
  for (const zone of base.pre_alerts) line(list, "li", `${zone}: PRE-ALERT`);
  if (!base.warnings.length && !base.pre_alerts.length) line(list, "li", base.grey ? "no warning stood" : "no warning stands");
  const [up, of, faults] = base.health || [0, 0, []];
  line(facts, "p", `${base.rounds.length} rounds, ${base.aircraft ?? "?"} others; radars ${up} of ${of}`);
  for (const replica of base.silent) line(facts, "p", `watcher ${replica} is silent`, "fault");
  for (const fault of faults) line(facts, "p", fault, "fault");
  draw(canvas, base);
}

function draw(canvas, base) {
  const wide = (canvas.width = canvas.clientWidth || 270), high = (canvas.height = 150), pen = canvas.getContext("2d");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `zones of ${base.title} and ${base.rounds.length} rounds`);
  if (base.latitude === null || base.latitude === undefined) return;
  const metres = 1.11195, narrow = metres * Math.cos((base.latitude * Math.PI) / 180), reach = 6000;
  const at = (a, o) => [wide / 2 + ((o - base.longitude * 1e5) * narrow * high) / (2 * reach), high / 2 - ((a - base.latitude * 1e5) * metres * high) / (2 * reach)];
  const warned = new Set(base.warnings.map((w) => w.zone));
  for (const [name, , ring] of base.zones) {
    pen.beginPath();
    ring.forEach(([a, o], k) => pen[k ? "lineTo" : "moveTo"](...at(a, o)));
    pen.closePath();
    pen.lineWidth = warned.has(name) ? 3 : 1;
    pen.strokeStyle = warned.has(name) ? "#ff6b5e" : "#7d8a93";
    pen.stroke();
  }
  for (const [a, o, , , ia, io, doubt] of base.rounds) {
    const [x, y] = at(a, o), [ix, iy] = at(ia, io);
    pen.fillStyle = pen.strokeStyle = "#ffb84d";
    pen.lineWidth = 1;
    pen.fillRect(x - 2, y - 2, 4, 4);
    pen.beginPath();
    pen.arc(ix, iy, Math.max(3, (doubt * high) / (2 * reach)), 0, 7);
    pen.stroke();
  }
}

async function turn() {
  try {
    const told = await (await fetch("api/bases", { cache: "no-store" })).json();
    heard = Date.now();
    told.bases.forEach(show);
    const warned = told.bases.filter((b) => b.warnings.length && !b.grey).length, grey = told.bases.filter((b) => b.grey).length;
    const lost = told.lost.length ? `; broker not reached: ${told.lost.join(", ")}` : "";
    document.getElementById("sum").textContent = `${told.bases.length} bases, ${warned} warned, ${grey} without contact${lost}`;
  } catch {
    document.getElementById("sum").textContent = `THIS PAGE IS OLD: its server has not answered for ${Math.round((Date.now() - heard) / 1000)} s`;
  }
}
setInterval(turn, 1000);
turn();
