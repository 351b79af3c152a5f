// The pictures of the story: soft labels, an edge, and the pairs that LIR treats differently. Text only, never markup.
// Each is drawn in two ways: side by side, and for a phone one below the other, so that its words stay readable.
const SVG = "http://www.w3.org/2000/svg";
const PHONE = 560;
const LOWEST = 240;
const watched = new WeakMap();

export default function ({ parentElement, data }) {
  const scene = parentElement.querySelector(".scene");
  const watch = watched.get(scene) ?? {};
  watch.data = data;
  if (!watch.observer) {
    watched.set(scene, watch);
    watch.observer = new ResizeObserver(() => {
      if (isNarrow(scene) !== watch.narrow || Math.abs(room(scene) - watch.room) > 2) show(scene, watch);
    });
    watch.observer.observe(scene);
    // What stands above and below decides how high a picture may be.
    const column = columnOf(scene);
    if (column) watch.observer.observe(column);
    window.addEventListener("resize", () => { if (scene.isConnected) show(scene, watch); });
  }
  show(scene, watch);
}

const isNarrow = (scene) => scene.clientWidth > 0 && scene.clientWidth < PHONE;

const columnOf = (scene) => scene.getRootNode().host?.closest('[data-testid="stVerticalBlock"]');

// How high a picture is that ends where the window does: as high as that leaves it, but never too small to read.
function room(scene) {
  const column = columnOf(scene), main = column?.closest('[data-testid="stMainBlockContainer"]');
  if (!main) return LOWEST;
  const below = column.getBoundingClientRect().bottom - scene.getBoundingClientRect().bottom;
  const above = scene.getBoundingClientRect().top - main.getBoundingClientRect().top;
  const free = window.innerHeight - above - below - parseFloat(getComputedStyle(main).paddingBottom);
  return Math.floor(Math.max(LOWEST, free)); // half a pixel more would be a bar to scroll with
}

function show(scene, watch) {
  const dark = isDark(scene), narrow = (watch.narrow = isNarrow(scene));
  watch.room = room(scene);
  scene.style.setProperty("--hot", dark ? "#F0702A" : "#D55E00");
  scene.style.setProperty("--own", dark ? "#56B4E9" : "#0072B2");
  const scenes = narrow ? { bars: narrowBars, edge: narrowEdge, pairs: narrowPairs } : { bars, edge, pairs };
  // 900 units wide on a laptop and on a wide screen: the letters grow with it.
  const shape = narrow ? 0 : (900 * watch.room) / Math.max(scene.clientWidth, 1);
  const picture = scenes[watch.data.scene](watch.data, dark, shape);
  if (!narrow) picture.style.height = `${watch.room}px`;
  scene.replaceChildren(picture);
}

function isDark(element) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(element).getPropertyValue("--st-background-color").trim() || "#fff";
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  return r + g + b < 384;
}

function draw(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const short = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function sheet(width, height, label) {
  return draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, preserveAspectRatio: "xMidYMid meet" });
}

function bars(data, dark, shape) {
  const top = 40, W = 900, half = 300, mid = W / 2, gap = 130, H = Math.max(shape, top + 46 * data.rows.length + 8);
  const row = (H - top - 8) / data.rows.length, svg = sheet(W, H, data.label);
  svg.append(draw("text", { x: mid - gap, y: 22, "text-anchor": "end", "font-size": 17, class: "dim" }, "● heard (audio)"));
  svg.append(draw("text", { x: mid + gap, y: 22, "font-size": 17, class: "dim" }, "■ seen (visual)"));
  data.rows.forEach((line, i) => {
    const y = top + i * row + (row - 46) / 2, tone = line.mark === "event" ? " hot" : line.mark === "annotated" ? " own" : "";
    const weight = tone ? 700 : 400;
    svg.append(draw("text", { x: mid, y: y + 22, "text-anchor": "middle", "font-size": 18, "font-weight": weight }, short(line.name, 24)));
    if (line.words) svg.append(draw("text", { x: mid, y: y + 38, "text-anchor": "middle", "font-size": 13, class: "dim" }, line.words));
    for (const [side, value] of [[-1, line.audio], [1, line.visual]]) {
      const length = Math.max(1.5, (half - 60) * value), x = side < 0 ? mid - gap - length : mid + gap;
      svg.append(draw("rect", { x: side < 0 ? mid - gap - (half - 60) : mid + gap, y: y + 6, width: half - 60, height: 22, rx: 4, class: "track" }));
      svg.append(draw("rect", { x, y: y + 6, width: length, height: 22, rx: 4, class: `bar${tone}` }));
      svg.append(draw("text", { x: side < 0 ? mid - gap - (half - 60) - 8 : mid + gap + (half - 60) + 8, y: y + 23,
        "text-anchor": side < 0 ? "end" : "start", "font-size": 16, "font-weight": weight }, value.toFixed(2)));
    }
  });
  return svg;
}

function narrowBars(data) {
  const row = 58, top = 26, W = 340, length = 122;
  const svg = sheet(W, top + row * data.rows.length, data.label), sides = [["audio", 0, "● heard"], ["visual", 176, "■ seen"]];
  for (const [, x, title] of sides) svg.append(draw("text", { x, y: 16, "font-size": 14, class: "dim" }, title));
  data.rows.forEach((line, i) => {
    const y = top + i * row, tone = line.mark === "event" ? " hot" : line.mark === "annotated" ? " own" : "", weight = tone ? 700 : 400;
    svg.append(draw("text", { x: 0, y: y + 17, "font-size": 15, "font-weight": weight }, short(line.name, 22)));
    svg.append(draw("text", { x: W, y: y + 17, "text-anchor": "end", "font-size": 13, class: "dim" }, line.words));
    for (const [side, x] of sides) {
      svg.append(draw("rect", { x, y: y + 25, width: length, height: 16, rx: 4, class: "track" }));
      svg.append(draw("rect", { x, y: y + 25, width: Math.max(1.5, length * line[side]), height: 16, rx: 4, class: `bar${tone}` }));
      svg.append(draw("text", { x: x + length + 6, y: y + 38, "font-size": 14, "font-weight": weight }, line[side].toFixed(2)));
    }
  });
  return svg;
}

function node(svg, x, y, name, tone, width = 290) {
  const [modality, ...rest] = name.split(":"), box = draw("g", { style: `--tone: ${tone}` });
  box.append(draw("rect", { x: x - width / 2, y: y - 42, width, height: 84, rx: modality === "audio" ? 42 : 10, class: "node" }));
  box.append(draw("text", { x, y: y + 2, "text-anchor": "middle", "font-size": 22, "font-weight": 700 }, short(rest.join(":"), 22)));
  box.append(draw("text", { x, y: y + 26, "text-anchor": "middle", "font-size": 15, class: "dim" }, `${modality === "audio" ? "●" : "■"} ${modality}`));
  svg.append(box);
}

function edge(data, dark, shape) {
  const W = 900, H = Math.max(shape, 250), y = H / 2, svg = sheet(W, H, data.label), tone = dark ? "#F0702A" : "#D55E00", own = dark ? "#56B4E9" : "#0072B2";
  const group = draw("g", { style: `--tone: ${data.mark ? tone : "#888"}` }), from = 310, to = 590;
  group.append(draw("line", { x1: from, y1: y, x2: to, y2: y, class: "edge", "stroke-width": 3 + 8 * data.weight,
    "stroke-dasharray": data.mark ? "none" : "8 8" }));
  if (data.mark === "→") group.append(draw("path", { d: `M ${to - 22} ${y - 17} L ${to + 4} ${y} L ${to - 22} ${y + 17} Z`, class: "tip" }));
  if (data.mark === "←") group.append(draw("path", { d: `M ${from + 22} ${y - 17} L ${from - 4} ${y} L ${from + 22} ${y + 17} Z`, class: "tip" }));
  svg.append(group);
  node(svg, 160, y, data.nodes[0], own);
  node(svg, 740, y, data.nodes[1], tone);
  svg.append(draw("text", { x: 450, y: y - 30, "text-anchor": "middle", "font-size": 18, "font-weight": 700 }, `weight ${data.weight.toFixed(2)}`));
  data.words.forEach((words, i) => svg.append(draw("text", { x: 450, y: y + 40 + 24 * i, "text-anchor": "middle", "font-size": 16, class: "dim" }, words)));
  return svg;
}

function narrowEdge(data, dark) {
  const W = 340, H = 320, x = 36, from = 92, to = 228, svg = sheet(W, H, data.label), tone = dark ? "#F0702A" : "#D55E00";
  const group = draw("g", { style: `--tone: ${data.mark ? tone : "#888"}` });
  group.append(draw("line", { x1: x, y1: from, x2: x, y2: to, class: "edge", "stroke-width": 3 + 8 * data.weight, "stroke-dasharray": data.mark ? "none" : "8 8" }));
  if (data.mark === "→") group.append(draw("path", { d: `M ${x - 15} ${to - 20} L ${x} ${to + 4} L ${x + 15} ${to - 20} Z`, class: "tip" }));
  if (data.mark === "←") group.append(draw("path", { d: `M ${x - 15} ${from + 20} L ${x} ${from - 4} L ${x + 15} ${from + 20} Z`, class: "tip" }));
  svg.append(group);
  node(svg, W / 2, 46, data.nodes[0], dark ? "#56B4E9" : "#0072B2", 332);
  node(svg, W / 2, H - 46, data.nodes[1], tone, 332);
  svg.append(draw("text", { x: 66, y: 142, "font-size": 16, "font-weight": 700 }, `weight ${data.weight.toFixed(2)}`));
  data.words.forEach((words, i) => svg.append(draw("text", { x: 66, y: 166 + 22 * i, "font-size": 14, class: "dim" }, words)));
  return svg;
}

function pairs(data, dark, shape) {
  const W = 900, H = Math.max(shape, 220, 58 * data.pairs.length), row = Math.min(H / data.pairs.length, 110);
  const svg = sheet(W, H, data.label), y = H / 2, top = y - (row * data.pairs.length) / 2;
  const tone = dark ? "#F0702A" : "#D55E00", own = dark ? "#56B4E9" : "#0072B2", grey = dark ? "#8A949C" : "#77828A";
  data.pairs.forEach((pair, i) => {
    const to = top + row * i + row / 2, line = pair.tone === "own" ? own : pair.linked || pair.tone === "hot" ? tone : grey;
    svg.append(draw("path", { d: `M 300 ${y} C 430 ${y}, 430 ${to}, 560 ${to}`, fill: "none", stroke: line,
      "stroke-width": pair.linked ? 1.5 + 7 * pair.share : 1.5, "stroke-dasharray": pair.linked ? "none" : "5 6", opacity: pair.linked ? .9 : .6 }));
    const box = draw("g", { style: `--tone: ${line}` });
    box.append(draw("rect", { x: 560, y: to - 25, width: 330, height: 50, rx: 10, class: "node" }));
    box.append(draw("text", { x: 576, y: to - 2, "font-size": 17, "font-weight": 700 }, short(pair.title, 32)));
    box.append(draw("text", { x: 576, y: to + 17, "font-size": 14, class: "dim" }, pair.words));
    svg.append(box);
  });
  const box = draw("g", { style: `--tone: ${own}` });
  box.append(draw("rect", { x: 4, y: y - 45, width: 296, height: 90, rx: 12, class: "node" }));
  box.append(draw("text", { x: 152, y: y - 4, "text-anchor": "middle", "font-size": 21, "font-weight": 700 }, short(data.title, 24)));
  box.append(draw("text", { x: 152, y: y + 22, "text-anchor": "middle", "font-size": 15, class: "dim" }, short(data.words, 38)));
  svg.append(box);
  return svg;
}

function narrowPairs(data, dark) {
  const row = 58, top = 74, W = 340, svg = sheet(W, top + row * data.pairs.length, data.label);
  const tone = dark ? "#F0702A" : "#D55E00", own = dark ? "#56B4E9" : "#0072B2", grey = dark ? "#8A949C" : "#77828A";
  const box = (x, y, color, title, words) => {
    const group = draw("g", { style: `--tone: ${color}` });
    group.append(draw("rect", { x: x + 2, y, width: W - x - 4, height: 50, rx: 10, class: "node" }));
    group.append(draw("text", { x: x + 14, y: y + 21, "font-size": 15, "font-weight": 700 }, short(title, 30)));
    group.append(draw("text", { x: x + 14, y: y + 40, "font-size": 13, class: "dim" }, short(words, 42)));
    svg.append(group);
  };
  data.pairs.forEach((pair, i) => {
    const y = top + row * i, to = y + 25, line = pair.tone === "own" ? own : pair.linked || pair.tone === "hot" ? tone : grey;
    svg.append(draw("path", { d: `M 18 52 V ${to - 14} Q 18 ${to} 32 ${to} H 46`, fill: "none", stroke: line,
      "stroke-width": pair.linked ? 1.5 + 5 * pair.share : 1.5, "stroke-dasharray": pair.linked ? "none" : "5 6", opacity: pair.linked ? .9 : .6 }));
    box(44, y, line, pair.title, pair.words);
  });
  box(0, 2, own, data.title, data.words);
  return svg;
}
