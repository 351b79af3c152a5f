// Two linked maps of the same points. What is looked at (zoom, morph, lasso, legend) lives here and answers within a
// frame; Python hears of a finished selection, a picked point and the lit legend entries.
const instances = new WeakMap();
const GREY = [148, 153, 158];
const MARK = { circle: "●", triangle: "▲" };

export default function ({ parentElement, data, setStateValue }) {
  let view = instances.get(parentElement);
  if (!view) {
    view = new View(parentElement);
    instances.set(parentElement, view);
  }
  view.tell = setStateValue;
  view.update(unpack(data));
  const call = view.call = Symbol("call");
  // Streamlit also ends a call that newer data overtook: the maps are that one's now.
  return () => { if (view.call === call) view.release(); };
}

function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  const take = (kind, count) => {
    const size = count * kind.BYTES_PER_ELEMENT;
    const part = new kind(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + size));
    at += size;
    return part;
  };
  const points = 2 * head.clips;
  return { head, xy: take(Float32Array, 4 * points), value: take(Float32Array, points), code: take(Uint16Array, points),
    label: take(Uint16Array, head.clips) };
}

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

function inside(x, y, polygon) {
  let within = false;
  for (let i = 0, j = polygon.length - 2; i < polygon.length; j = i, i += 2) {
    const yi = polygon[i + 1], yj = polygon[j + 1];
    if ((yi > y) !== (yj > y) && x < ((polygon[j] - polygon[i]) * (y - yi)) / (yj - yi) + polygon[i]) within = !within;
  }
  return within;
}

// A small shape as pixel offsets in a picture of the given width: those it covers, and those on its rim with how much.
// Points are painted opaque (what lies behind the scenes is mixed with the paper first), so most pixels are one store.
const stamps = new Map();
function stamp(shape, radius, width) {
  const key = `${shape}${radius.toFixed(2)}x${width}`;
  if (stamps.has(key)) return stamps.get(key);
  if (stamps.size > 64) stamps.clear();
  const half = Math.ceil(radius * 1.25) + 1, fine = 5, full = [], rim = [], share = [];
  for (let py = -half; py <= half; py++) for (let px = -half; px <= half; px++) {
    let hit = 0;
    for (let a = 0; a < fine; a++) for (let b = 0; b < fine; b++) {
      const x = px + (b + .5) / fine - .5, y = py + (a + .5) / fine - .5;
      // equal areas, so that neither modality looks louder
      hit += shape === "circle" ? x * x + y * y <= radius * radius
        : y <= radius * .8 && y >= -radius * 1.25 + Math.abs(x) * 1.72;
    }
    if (hit === fine * fine) full.push(py * width + px);
    else if (hit) { rim.push(py * width + px); share.push(hit / (fine * fine)); }
  }
  const made = { half, full: Int32Array.from(full), rim: Int32Array.from(rim), share: Float32Array.from(share) };
  stamps.set(key, made);
  return made;
}

const pack = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
const mix = (back, front, share) => back.map((value, i) => Math.round(value + (front[i] - value) * share));

class View {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".maps");
    this.panes = [...root.querySelectorAll("figure")].map((figure, k) => {
      const [base, marks] = figure.querySelectorAll("canvas");
      return { k, figure, base, marks, caption: figure.querySelector("figcaption"), sx: null, sy: null, w: 0, h: 0 };
    });
    this.slider = root.querySelector(".morph input");
    this.status = root.querySelector(".status");
    this.tip = root.querySelector(".tip");
    this.zoom = { k: 1, x: 0, y: 0 };
    this.morph = 0;
    this.tool = "lasso";
    this.hover = -1;
    this.picked = -1;
    this.turn = 0;  // counts picks: what Python answers to an older one is no news
    this.selected = null;
    this.lit = [];
    this.hideRest = false;
    this.timing = [];
    this.listen();
  }

  // --- what Python sends -------------------------------------------------------------------------------------------

  update(sent) {
    this.themes.observe(document.documentElement, { attributes: true });
    const { head } = sent, old = this.head, current = head.turn >= this.turn;
    Object.assign(this, sent);
    this.turn = Math.max(this.turn, head.turn);
    this.points = 2 * head.clips;
    const fresh = !old || old.geometry !== head.geometry;
    if (fresh) {
      this.bounds = bounds(this.xy);
      if (!old || old.clips !== head.clips || old.rows !== head.rows) {
        this.zoom = { k: 1, x: 0, y: 0 };
        this.selected = null;
        this.hover = -1;
        this.picked = head.picked;
        if (head.selected.length) this.selected = Uint8Array.from({ length: this.points }, () => 0);
        for (const i of head.selected) if (i < this.points) this.selected[i] = 1;
      }
    }
    if (!old || old.paint !== head.paint) this.lit = [...head.lit];
    if (current && (!old || head.picked !== old.picked || head.turn !== old.turn)) this.picked = head.picked;
    this.buildLegend();
    this.theme();
    this.draw();
  }

  release() {
    // The element may come back with the same node: only what outlives it is let go.
    this.themes.disconnect();
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.film);
    this.frame = this.film = 0;
  }

  theme() {
    const style = getComputedStyle(this.box);
    const rgb = (name, fallback) => {
      const canvas = (this.probe ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true }));
      canvas.fillStyle = fallback;
      canvas.fillStyle = style.getPropertyValue(name).trim() || fallback;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    this.paper = rgb("--st-background-color", "#ffffff");
    this.ink = rgb("--st-text-color", "#222222");
    this.accent = rgb("--st-primary-color", "#0072B2");
    this.dark = this.paper[0] + this.paper[1] + this.paper[2] < 384;
    this.seen = this.paper.join() + this.ink.join();
  }

  // --- colors ------------------------------------------------------------------------------------------------------

  colorOf(code) {
    const { legend, palette } = this.head;
    const entry = legend[code];
    if (!entry) return null;
    const own = entry.colors && hex(entry.colors[this.dark ? 1 : 0]);
    if (own) return this.lit.length === 0 || this.lit.includes(code) ? own : null;
    const slot = this.lit.indexOf(code);
    return slot < 0 ? null : hex(palette[this.dark ? 1 : 0][slot % palette[0].length]);
  }

  toggle(code, only) {
    const limit = this.head.legend[code].colors ? Infinity : this.head.palette[0].length;
    if (only) this.lit = this.lit.length === 1 && this.lit[0] === code ? [] : [code];
    else if (this.lit.includes(code)) this.lit = this.lit.filter((other) => other !== code);
    else this.lit = [...this.lit, code].slice(-limit);
    this.paintLegend();
    this.draw();
    this.tell("lit", this.lit);
  }

  buildLegend() {
    const chips = this.root.querySelector(".chips");
    if (this.legendOf !== this.head.paint + this.head.geometry) {
      this.legendOf = this.head.paint + this.head.geometry;
      const order = this.head.legend.map((_, code) => code), place = (code) => this.head.lit.indexOf(code) >>> 0;
      // Classes in color first, then the large ones; steps of a ramp stay in their order.
      if (this.head.mode === "class") order.sort((a, b) => place(a) - place(b) || this.head.legend[b].count - this.head.legend[a].count);
      chips.replaceChildren(...order.map((code) => {
        const entry = this.head.legend[code];
        const chip = document.createElement("button"), dot = document.createElement("b");
        const name = document.createElement("span"), count = document.createElement("small");
        chip.type = "button";
        chip.dataset.code = code;
        name.textContent = entry.name;
        count.textContent = entry.count;
        chip.title = `${entry.name}: ${entry.count} points. Click to color, Alt-click to color it alone`;
        chip.append(dot, name, count);
        chip.onclick = (event) => this.toggle(code, event.altKey);
        chip.onpointerenter = () => { this.glow = code; this.draw(); };
        chip.onpointerleave = () => { this.glow = undefined; this.draw(); };
        return chip;
      }));
      this.root.querySelector(".shapes").replaceChildren(...["circle", "triangle"].map((shape, i) => {
        const line = document.createElement("span"), mark = document.createElement("i");
        mark.textContent = MARK[shape];
        line.append(mark, ["audio", "visual"][i]);
        return line;
      }));
    }
    this.paintLegend();
  }

  paintLegend() {
    if (!this.paper) this.theme();
    this.root.querySelectorAll(".chips button").forEach((chip) => {
      const color = this.colorOf(Number(chip.dataset.code));
      chip.setAttribute("aria-pressed", String(!!color));
      chip.querySelector("b").style.background = color ? `rgb(${color})` : "";
    });
  }

  // --- drawing -----------------------------------------------------------------------------------------------------

  draw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      const began = performance.now();
      for (const pane of this.panes) this.render(pane);
      this.timing.push(performance.now() - began);
      if (this.timing.length > 500) this.timing.shift();
      this.drawMarks();
      this.say();
    });
  }

  place(pane) {
    const { xy, points, bounds: b, zoom } = this;
    const ratio = devicePixelRatio || 1;
    const w = pane.base.clientWidth, h = pane.base.clientHeight;
    if (!w || !h) return false;
    if (pane.w !== w || pane.h !== h || pane.ratio !== ratio || pane.n !== points) {
      Object.assign(pane, { w, h, ratio, n: points, sx: new Float32Array(points), sy: new Float32Array(points) });
      for (const canvas of [pane.base, pane.marks]) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
      pane.image = pane.base.getContext("2d").createImageData(pane.base.width, pane.base.height);
    }
    const scale = (Math.min((w - 28) / b.width, (h - 28) / b.height)) * zoom.k;
    const cx = w / 2 + zoom.x, cy = h / 2 + zoom.y, t = pane.k ? 1 : this.morph;
    for (let i = 0; i < points; i++) {
      const j = 4 * i;
      pane.sx[i] = cx + (xy[j] * (1 - t) + xy[j + 2] * t - b.x) * scale;
      pane.sy[i] = cy - (xy[j + 1] * (1 - t) + xy[j + 3] * t - b.y) * scale;
    }
    return true;
  }

  render(pane) {
    if (!this.head || !this.place(pane)) return;
    const { points, code, selected, paper } = this, half = this.head.clips;
    const W = pane.base.width, H = pane.base.height, ratio = pane.ratio, { sx, sy } = pane;
    const out = new Uint32Array(pane.image.data.buffer);
    out.fill(pack(paper));
    const size = clamp(5.2 - Math.log2(points / 400) * .55, 1.7, 4.6) * clamp(this.zoom.k ** .3, .8, 2.2) * ratio;
    const marks = [stamp("circle", size * .9, W), stamp("triangle", size, W)];
    const colors = this.head.legend.map((_, c) => this.glow === undefined ? this.colorOf(c)
      : c === this.glow ? this.colorOf(c) || this.ink : null);
    const front = colors.map((color) => color || this.ink), quiet = mix(paper, GREY, selected ? .16 : .38);
    const back = colors.map((color) => (color ? mix(paper, color, .28) : quiet));
    // What each point is painted as: 0 not at all, 1 grey, 2 colored but not selected, 3 in the foreground
    const layers = (pane.layers ??= new Uint8Array(0)).length === points ? pane.layers : (pane.layers = new Uint8Array(points));
    for (let i = 0; i < points; i++) {
      const lit = colors[code[i]] !== null, chosen = selected ? selected[i] === 1 : lit;
      layers[i] = chosen ? 3 : lit ? 2 : this.hideRest ? 0 : 1;
    }
    for (let layer = 1; layer <= 3; layer++) for (let i = 0; i < points; i++) {
      if (layers[i] !== layer) continue;
      const { half: reach, full, rim, share } = marks[i < half ? 0 : 1];
      const x = Math.round(sx[i] * ratio), y = Math.round(sy[i] * ratio);
      if (x < reach || y < reach || x + reach >= W || y + reach >= H) continue;
      const color = layer === 3 ? front[code[i]] : layer === 2 ? back[code[i]] : quiet;
      const [r, g, b] = color, packed = pack(color), at = y * W + x;
      for (let k = 0; k < full.length; k++) out[at + full[k]] = packed;
      for (let k = 0; k < rim.length; k++) {
        const o = at + rim[k], old = out[o], a = share[k];
        const or = old & 255, og = (old >> 8) & 255, ob = (old >> 16) & 255;
        out[o] = (255 << 24) | ((ob + (b - ob) * a) << 16) | ((og + (g - og) * a) << 8) | (or + (r - or) * a);
      }
    }
    pane.base.getContext("2d").putImageData(pane.image, 0, 0);
  }

  partner(i) { return i < this.head.clips ? i + this.head.clips : i - this.head.clips; }

  drawMarks() {
    for (const pane of this.panes) {
      if (!pane.sx) continue;
      const g = pane.marks.getContext("2d"), ink = `rgb(${this.ink})`, accent = `rgb(${this.accent})`;
      g.setTransform(pane.ratio, 0, 0, pane.ratio, 0, 0);
      g.clearRect(0, 0, pane.w, pane.h);
      if (pane.k === 0 && this.morph > 0 && this.selected) this.tails(g, pane);
      for (const [i, color, radius] of [[this.hover, ink, 7], [this.picked, accent, 9]]) {
        if (i < 0 || i >= this.points) continue;
        const p = this.partner(i);
        g.strokeStyle = color;
        g.lineWidth = 1;
        g.globalAlpha = .7;
        g.setLineDash([3, 3]);
        g.beginPath(); g.moveTo(pane.sx[i], pane.sy[i]); g.lineTo(pane.sx[p], pane.sy[p]); g.stroke();
        g.setLineDash([]);
        g.beginPath(); g.arc(pane.sx[p], pane.sy[p], radius - 3, 0, 7); g.stroke();
        g.globalAlpha = 1;
        for (const [width, stroke] of [[5, `rgb(${this.paper})`], [2.5, color]]) {
          g.lineWidth = width; g.strokeStyle = stroke;
          g.beginPath(); g.arc(pane.sx[i], pane.sy[i], radius, 0, 7); g.stroke();
        }
      }
      if (this.lasso && this.lasso.k === pane.k) {
        g.strokeStyle = accent; g.fillStyle = accent; g.lineWidth = 1.5;
        g.beginPath();
        const path = this.lasso.path;
        for (let i = 0; i < path.length; i += 2) i ? g.lineTo(path[i], path[i + 1]) : g.moveTo(path[i], path[i + 1]);
        g.closePath(); g.stroke();
        g.globalAlpha = .08; g.fill(); g.globalAlpha = 1;
      }
    }
  }

  // Where the selected points came from, while they move.
  tails(g, pane) {
    const keep = this.morph, scale = this.sum(this.selected);
    if (scale > 1500) return;
    this.morph = 0;
    const end = { sx: pane.sx.slice(), sy: pane.sy.slice() };
    this.place(pane);
    g.strokeStyle = `rgb(${this.ink})`; g.globalAlpha = .35; g.lineWidth = 1; g.beginPath();
    for (let i = 0; i < this.points; i++) if (this.selected[i]) { g.moveTo(pane.sx[i], pane.sy[i]); g.lineTo(end.sx[i], end.sy[i]); }
    g.stroke(); g.globalAlpha = 1;
    this.morph = keep;
    pane.sx.set(end.sx); pane.sy.set(end.sy);
  }

  sum(flags) { let n = 0; for (const flag of flags) n += flag; return n; }

  say() {
    const { head } = this;
    this.panes.forEach((pane, k) => {
      const left = document.createElement("span"), right = document.createElement("span");
      const moving = k === 0 && this.morph > 0;
      left.textContent = moving ? `${Math.round(100 * this.morph)} % of the way to ${head.panes[1].toLowerCase().replace("lir", "LIR")}` : head.panes[k];
      right.textContent = moving ? "" : head.notes[k];
      pane.caption.replaceChildren(left, right);
      pane.marks.setAttribute("role", "img");
      pane.marks.setAttribute("aria-label", `${head.panes[k]}: map of ${head.clips} clips. Arrow keys move to the next point.`);
    });
    let text = `${head.clips.toLocaleString()} clips, each once as audio and once as visual. Drag to lasso, click a point for its clip, Ctrl + wheel to zoom.`;
    if (this.selected) {
      const clips = new Set();
      for (let i = 0; i < this.points; i++) if (this.selected[i]) clips.add(i % head.clips);
      text = `${this.sum(this.selected).toLocaleString()} points of ${clips.size.toLocaleString()} clips selected. Shift + drag adds, Alt + drag takes away, Esc clears.`;
    }
    if (this.status.textContent !== text) this.status.textContent = text;
    this.root.querySelectorAll("[data-tool]").forEach((b) => b.tagName === "BUTTON" && b.setAttribute("aria-pressed", String(b.dataset.tool === this.tool)));
    this.box.dataset.tool = this.tool;
  }

  // --- pointing ----------------------------------------------------------------------------------------------------

  near(pane, x, y, reach = 12) {
    let best = reach * reach, found = -1;
    if (!pane.sx) return -1;
    const colors = this.hideRest ? this.head.legend.map((_, c) => this.colorOf(c)) : null;
    for (let i = 0; i < this.points; i++) {
      const dx = pane.sx[i] - x, dy = pane.sy[i] - y, d = dx * dx + dy * dy;
      if (d < best && !(colors && !colors[this.code[i]] && !(this.selected && this.selected[i]))) { best = d; found = i; }
    }
    return found;
  }

  select(pane) {
    const path = this.lasso.path, base = this.lasso.base, sign = this.lasso.sign;
    const flags = base && sign ? base.slice() : new Uint8Array(this.points);
    const hidden = this.hideRest ? this.head.legend.map((_, c) => !this.colorOf(c)) : null;
    for (let i = 0; i < this.points; i++) {
      if (hidden && hidden[this.code[i]]) continue;
      if (inside(pane.sx[i], pane.sy[i], path)) flags[i] = sign === -1 ? 0 : 1;
    }
    this.selected = flags;
  }

  zoomAt(factor, x, y, pane = this.panes[0]) {
    const k = clamp(this.zoom.k * factor, .5, 60), f = k / this.zoom.k;
    const cx = x - pane.w / 2, cy = y - pane.h / 2;
    this.zoom = { k, x: cx - (cx - this.zoom.x) * f, y: cy - (cy - this.zoom.y) * f };
    this.draw();
  }

  pick(i) {
    this.picked = i;
    this.turn += 1;
    this.drawMarks();
    this.tell("picked", { point: i < 0 ? null : i, turn: this.turn });
  }

  tellSelection() {
    const points = [];
    if (this.selected) for (let i = 0; i < this.points; i++) if (this.selected[i]) points.push(i);
    this.tell("selection", points.length ? { geometry: this.head.rows, points } : null);
  }

  clear() {
    const had = this.selected;
    this.selected = null;
    this.lasso = null;
    if (this.picked >= 0) this.pick(-1);
    if (had) this.tellSelection();
    this.draw();
  }

  play() {
    cancelAnimationFrame(this.film);
    const back = this.morph > .5, still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const began = performance.now(), from = this.morph, to = back ? 0 : 1;
    const step = (now) => {
      const t = still ? 1 : clamp((now - began) / 1400, 0, 1), eased = t * t * (3 - 2 * t);
      this.setMorph(from + (to - from) * eased);
      this.film = t < 1 ? requestAnimationFrame(step) : 0;
    };
    this.film = requestAnimationFrame(step);
  }

  setMorph(value) {
    this.morph = value;
    this.slider.value = String(value);
    this.draw();
  }

  step(dx, dy, pane) {
    if (this.picked < 0) { this.zoom.x -= 60 * dx; this.zoom.y -= 60 * dy; this.draw(); return; }
    const x = pane.sx[this.picked], y = pane.sy[this.picked];
    let best = Infinity, found = -1;
    for (let i = 0; i < this.points; i++) {
      const along = (pane.sx[i] - x) * dx + (pane.sy[i] - y) * dy;
      const aside = Math.abs((pane.sx[i] - x) * dy) + Math.abs((pane.sy[i] - y) * dx);
      if (along > .5 && aside <= 1.5 * along && along + 2 * aside < best) { best = along + 2 * aside; found = i; }
    }
    if (found >= 0) this.pick(found);
  }

  showTip(pane, i, x, y) {
    this.tip.hidden = i < 0;
    if (i < 0) return;
    const { head } = this, clip = i % head.clips, audio = i < head.clips;
    const lines = [head.ids[clip] ?? `clip ${clip}`, `${MARK[audio ? "circle" : "triangle"]} ${audio ? "audio" : "visual"} · annotated: ${head.classes[this.label[clip]] ?? "unknown"}`];
    const entry = head.legend[this.code[i]];
    if (head.mode !== "class" && entry) lines.push(`${head.title}: ${entry.name}`);
    if (head.value && !Number.isNaN(this.value[i])) lines.push(`${head.value}: ${this.value[i].toFixed(2)}`);
    this.tip.replaceChildren(...lines.map((text) => { const line = document.createElement("div"); line.textContent = text; return line; }));
    const stage = pane.marks.getBoundingClientRect(), box = this.box.getBoundingClientRect();
    const left = stage.left - box.left + x, width = this.tip.offsetWidth;
    this.tip.style.left = `${left + 16 + width > box.width ? left - width - 14 : left + 16}px`;
    this.tip.style.top = `${stage.top - box.top + y + 14}px`;
  }

  listen() {
    for (const pane of this.panes) {
      const canvas = pane.marks;
      canvas.inspect = () => this.inspect(pane);
      canvas.owner = this;
      canvas.addEventListener("pointerdown", (event) => {
        if (!pane.sx) return;
        canvas.setPointerCapture(event.pointerId);
        canvas.focus({ preventScroll: true });
        const x = event.offsetX, y = event.offsetY;
        const hand = event.button === 1 || (this.tool === "hand" && !event.altKey);
        if (hand) { this.drag = { x, y, zoom: { ...this.zoom }, moved: false }; event.preventDefault(); }
        else if (event.button === 0) {
          const sign = event.altKey ? -1 : event.shiftKey ? 1 : 0;
          this.lasso = { k: pane.k, path: [x, y], base: this.selected, sign, moved: false };
        }
      });
      canvas.addEventListener("pointermove", (event) => {
        const x = event.offsetX, y = event.offsetY;
        if (this.drag) {
          this.drag.moved ||= Math.hypot(x - this.drag.x, y - this.drag.y) > 3;
          this.zoom = { ...this.zoom, x: this.drag.zoom.x + x - this.drag.x, y: this.drag.zoom.y + y - this.drag.y };
          this.draw();
        } else if (this.lasso && this.lasso.k === pane.k) {
          const path = this.lasso.path;
          if (!this.lasso.moved && Math.hypot(x - path[0], y - path[1]) < 4) return;
          this.lasso.moved = true;
          path.push(x, y);
          this.select(pane);
          this.showTip(pane, -1);
          this.draw();
        } else {
          const found = this.near(pane, x, y);
          if (found !== this.hover) { this.hover = found; this.drawMarks(); }
          this.showTip(pane, found, x, y);
        }
      });
      const release = (event) => {
        const lasso = this.lasso, drag = this.drag;
        this.lasso = this.drag = null;
        if (event.type === "pointercancel") { this.draw(); return; }
        if (lasso?.moved) {
          if (!this.selected || !this.sum(this.selected)) this.selected = null;
          this.draw();
          this.tellSelection();
        } else if (lasso || (drag && !drag.moved)) {
          const found = this.near(pane, event.offsetX, event.offsetY);
          if (found >= 0) this.pick(found); else this.clear();
        }
      };
      canvas.addEventListener("pointerup", release);
      canvas.addEventListener("pointercancel", release);
      canvas.addEventListener("pointerleave", () => { this.hover = -1; this.tip.hidden = true; this.drawMarks(); });
      canvas.addEventListener("wheel", (event) => {
        // A bare wheel scrolls the page, unless the map is zoomed in and has the focus.
        const mine = event.ctrlKey || event.metaKey || (this.root.activeElement ?? document.activeElement) === canvas && this.zoom.k > 1;
        if (!mine) return;
        event.preventDefault();
        this.zoomAt(Math.exp(-clamp(event.deltaY, -120, 120) * .004), event.offsetX, event.offsetY, pane);
      }, { passive: false });
      canvas.addEventListener("dblclick", (event) => this.zoomAt(2, event.offsetX, event.offsetY, pane));
      canvas.addEventListener("keydown", (event) => {
        const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
        if (event.ctrlKey || event.metaKey) return;
        if (moves[event.key]) this.step(...moves[event.key], pane);
        else if (event.key === "Escape") this.clear();
        else if (event.key === "+" || event.key === "=") this.zoomAt(1.4, pane.w / 2, pane.h / 2, pane);
        else if (event.key === "-") this.zoomAt(1 / 1.4, pane.w / 2, pane.h / 2, pane);
        else if (event.key === "0") this.act("fit");
        else if (event.key === " ") this.play();
        else if (event.key === "l" || event.key === "h") { this.tool = event.key === "l" ? "lasso" : "hand"; this.say(); }
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
    }
    this.slider.addEventListener("input", () => { cancelAnimationFrame(this.film); this.setMorph(Number(this.slider.value)); });
    this.root.querySelectorAll("button[data-tool]").forEach((b) => b.addEventListener("click", () => { this.tool = b.dataset.tool; this.say(); }));
    this.root.querySelectorAll("button[data-act]").forEach((b) => b.addEventListener("click", () => this.act(b.dataset.act)));
    this.root.querySelector(".rest input").addEventListener("change", (event) => { this.hideRest = event.target.checked; this.draw(); });
    // Also the first non-zero size, in a tab that was hidden.
    new ResizeObserver(() => { if (this.head) this.draw(); }).observe(this.panes[0].base);
    this.themes = new MutationObserver(() => this.rethink());
  }

  rethink() {
    if (!this.head) return;
    const before = this.seen;
    this.theme();
    if (this.seen !== before) { this.paintLegend(); this.draw(); }
  }

  act(name) {
    const pane = this.panes[0];
    if (name === "in") this.zoomAt(1.5, pane.w / 2, pane.h / 2);
    if (name === "out") this.zoomAt(1 / 1.5, pane.w / 2, pane.h / 2);
    if (name === "fit") { this.zoom = { k: 1, x: 0, y: 0 }; this.draw(); }
    if (name === "play") this.play();
    if (name === "clear") this.clear();
    if (name === "save") this.save();
  }

  save() {
    const [a, b] = this.panes, ratio = a.ratio, gap = 12 * ratio, top = 30 * ratio;
    const sheet = document.createElement("canvas"), g = sheet.getContext("2d");
    sheet.width = a.base.width + b.base.width + gap;
    sheet.height = a.base.height + top;
    g.fillStyle = `rgb(${this.paper})`;
    g.fillRect(0, 0, sheet.width, sheet.height);
    g.fillStyle = `rgb(${this.ink})`;
    g.font = `${14 * ratio}px sans-serif`;
    this.panes.forEach((pane, k) => {
      const left = k * (a.base.width + gap);
      g.fillText(`${pane.caption.firstChild.textContent}  (${this.head.notes[k]})`, left + 6 * ratio, 20 * ratio);
      g.drawImage(pane.base, left, top);
      g.drawImage(pane.marks, left, top);
    });
    const link = document.createElement("a");
    link.download = "embedding-before-after.png";
    link.href = sheet.toDataURL("image/png");
    link.click();
  }

  // What tests may look at: the state of one map, in CSS pixels, also before the frame that draws it.
  inspect(pane) {
    this.place(pane);
    return { clips: this.head.clips, x: [...(pane.sx ?? [])], y: [...(pane.sy ?? [])], code: [...this.code], morph: this.morph,
      selected: this.selected ? [...this.selected] : null, picked: this.picked, turn: this.turn, hover: this.hover, lit: [...this.lit],
      zoom: { ...this.zoom }, timing: [...this.timing], method: this.head.geometry, dark: this.dark };
  }
}

function bounds(xy) {
  let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
  for (let i = 0; i < xy.length; i += 2) {
    x0 = Math.min(x0, xy[i]); x1 = Math.max(x1, xy[i]); y0 = Math.min(y0, xy[i + 1]); y1 = Math.max(y1, xy[i + 1]);
  }
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, width: Math.max(x1 - x0, 1e-6), height: Math.max(y1 - y0, 1e-6) };
}

function hex(text) {
  const value = parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
