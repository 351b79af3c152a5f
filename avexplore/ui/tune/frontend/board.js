// Figures, the settings tried, and two ranked lists whose rows glide to their new ranks.
// Streamlit calls this at every change of data with the same DOM node: rows are kept by clip and moved.

const BELOW = 8; // the place from which answers come, and to which they go
const boards = new WeakMap();

function element(kind, name = "", text = undefined) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawn(kind, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function isDark(root) {
  const [r, g, b] = (getComputedStyle(root).getPropertyValue("--st-background-color").match(/[0-9a-f]{2}/gi) ?? ["ff", "ff", "ff"]).map((x) => parseInt(x, 16));
  return r + g + b < 384;
}

function fillFigures(place, data, tell) {
  const tiles = data.figures.map((figure) => {
    const tile = element("div", "figure");
    tile.title = figure.help;
    tile.append(element("h4", "", figure.name), element("b", "", figure.value));
    for (const delta of figure.deltas) {
      const line = element("span", delta.value > 5e-5 ? "up" : delta.value < -5e-5 ? "down" : "flat", `${delta.text} `);
      line.append(element("em", "", delta.to));
      tile.append(line);
    }
    return tile;
  });
  if (data.tried.length) tiles.push(triedPlot(data, place.clientWidth / 4 - 16, tell));
  place.replaceChildren(...tiles);
}

// Each setting tried is a point: MAP to the right, hidden-pair AP upwards. A click goes back there.
function triedPlot({ tried, axes }, width, tell) {
  const tile = element("div", "tried");
  const wide = Math.max(110, width);
  const svg = drawn("svg", { viewBox: `0 0 ${wide} 74`, role: "img", "aria-label": `Settings tried: ${axes[0]} against ${axes[1]}` });
  const range = (axis) => {
    const values = tried.map((one) => one.at[axis]);
    const low = Math.min(...values), high = Math.max(...values), air = Math.max(0.1 * (high - low), 0.0005);
    return [low - air, high + air];
  };
  const [xs, ys] = [range(0), range(1)];
  const x = (value) => 8 + ((wide - 16) * (value - xs[0])) / (xs[1] - xs[0]);
  const y = (value) => 56 - (40 * (value - ys[0])) / (ys[1] - ys[0]);
  svg.append(drawn("line", { x1: 2, y1: 62, x2: wide - 2, y2: 62 }), drawn("line", { x1: 2, y1: 4, x2: 2, y2: 62 }));
  const words = drawn("text", { x: wide - 2, y: 73, "text-anchor": "end" });
  words.textContent = `${axes[0]} →`;
  const upwards = drawn("text", { x: 6, y: 10 });
  upwards.textContent = `↑ ${axes[1]}`;
  svg.append(words, upwards);
  const shown = tried.toSorted((a, b) => a.now - b.now);
  for (const one of shown) {
    const dot = drawn("circle", { cx: x(one.at[0]), cy: y(one.at[1]), r: one.now ? 5 : 3.6, tabindex: 0, role: "button" });
    dot.setAttribute("class", `${one.now ? "now" : ""} ${one.pinned ? "pin" : ""}`);
    dot.setAttribute("aria-label", one.words);
    const tip = drawn("title", {});
    tip.textContent = `${one.words}\n${axes[0]} ${one.at[0].toFixed(4)}, ${axes[1]} ${one.at[1].toFixed(4)}`;
    dot.append(tip);
    dot.addEventListener("click", () => tell("back", one.set));
    dot.addEventListener("keydown", (event) => event.key === "Enter" && tell("back", one.set));
    svg.append(dot);
  }
  tile.append(svg);
  return tile;
}

function fillSaid(place, { query, counts }) {
  const asked = element("span");
  asked.append(element("span", "", `${query.how} `), element("b", "", query.name));
  if (query.also) asked.append(element("span", "", ` ${query.also}`));
  place.replaceChildren(asked, element("small", "", counts));
}

function title(row) {
  const words = element("span", "title");
  words.append(element("b", "", row.name));
  if (row.also) words.append(element("i", "", ` ${row.also}`));
  words.title = `${row.name} ${row.also}\n${row.id}`;
  return words;
}

function fillList(column, list, kinds, dark, tell) {
  column.name.textContent = list.title;
  column.count.textContent = list.note;
  const kept = new Map();
  list.rows.forEach((row, rank) => {
    let line = column.rows.get(row.clip);
    const kind = kinds[row.kind];
    if (!line) {
      line = element("button", "row");
      line.type = "button";
      line.style.setProperty("--place", BELOW);
      line.append(element("span", "rank"), element("span", "sign"), title(row), element("span", "move"));
      line.addEventListener("click", () => tell("clip", row.clip));
      column.list.append(line);
      line.getBoundingClientRect();
    }
    line.className = `row ${row.kind}`;
    line.style.setProperty("--related", kind.colors[dark]);
    line.style.setProperty("--place", rank);
    line.style.opacity = 1;
    line.setAttribute("aria-label", `${rank + 1}, ${kind.word}: ${row.name} ${row.also}`);
    line.children[0].textContent = rank + 1;
    line.children[1].textContent = kind.sign;
    line.children[1].style.color = kind.colors[dark];
    line.children[3].textContent = row.move;
    kept.set(row.clip, line);
  });
  for (const [clip, line] of column.rows) {
    if (kept.has(clip)) continue;
    line.style.setProperty("--place", BELOW);
    line.style.opacity = 0;
    setTimeout(() => line.remove(), 400);
  }
  column.rows = kept;
}

function begin(root) {
  const columns = [0, 1].map(() => {
    const side = element("div"), head = element("h5"), list = element("div", "list");
    const column = { name: element("span"), count: element("small"), list, rows: new Map() };
    head.append(column.name, column.count);
    side.append(head, list);
    root.querySelector(".lists").append(side);
    return column;
  });
  return { columns, timer: 0 };
}

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".board");
  let board = boards.get(parentElement);
  if (!board) boards.set(parentElement, (board = begin(root)));
  const tell = (name, value) => setTriggerValue(name, value);
  const dark = Number(isDark(root));
  root.classList.toggle("dark", Boolean(dark));
  fillFigures(root.querySelector(".figures"), data, tell);
  fillSaid(root.querySelector(".said"), data);
  board.columns.forEach((column, side) => fillList(column, data.lists[side], data.kinds, dark, tell));
  const here = new Set(data.lists.flatMap((list) => list.rows.map((row) => row.kind)));
  const key = Object.entries(data.kinds).filter(([name]) => here.has(name));
  root.querySelector(".key").replaceChildren(
    ...key.map(([, kind]) => {
      const words = element("span"), sign = element("b", "", kind.sign);
      sign.style.color = kind.colors[dark];
      words.append(sign, kind.word);
      words.title = kind.explained;
      return words;
    }),
  );
  // While something is still to come, ask again by itself; the server keeps no timer.
  clearTimeout(board.timer);
  if (data.again) board.timer = setTimeout(() => setStateValue("again", data.again), 500);
  root.dataset.version = data.version;
  root.dataset.at = performance.now();
}
