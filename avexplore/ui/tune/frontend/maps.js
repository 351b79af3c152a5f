// Two maps of the same points. Where a setting moves points, they glide there, and a faint line leads back to where
// they were before; audio is a dot, visual a square. Data are bytes: a head in JSON, coordinates, color codes.

const GLIDE = 450;
const charts = new WeakMap();

function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const rest = bytes.slice(4 + length).buffer;
  const n = head.points;
  return { ...head, before: new Float32Array(rest, 0, 2 * n), after: new Float32Array(rest, 8 * n, 2 * n), code: new Uint8Array(rest, 16 * n, n) };
}

function isDark(root) {
  const [r, g, b] = (getComputedStyle(root).getPropertyValue("--st-background-color").match(/[0-9a-f]{2}/gi) ?? ["ff", "ff", "ff"]).map((x) => parseInt(x, 16));
  return r + g + b < 384;
}

// The part of the map that both panes show: all of before, with some air.
function frameOf(xy) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < xy.length; i += 2) {
    box[0] = Math.min(box[0], xy[i]); box[1] = Math.min(box[1], xy[i + 1]);
    box[2] = Math.max(box[2], xy[i]); box[3] = Math.max(box[3], xy[i + 1]);
  }
  return box;
}

class Chart {
  constructor(root, tell) {
    this.root = root;
    this.tell = tell;
    this.tip = root.querySelector(".tip");
    this.panes = [0, 1].map((side) => {
      const figure = document.createElement("figure"), caption = document.createElement("figcaption");
      const canvas = document.createElement("canvas");
      caption.append(document.createElement("span"), document.createElement("small"));
      canvas.setAttribute("role", "img");
      figure.append(caption, canvas);
      figure.setAttribute("role", "presentation"); // its canvas says what it shows
      root.querySelector(".panes").append(figure);
      canvas.addEventListener("pointermove", (event) => this.#hover(side, event));
      canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
      canvas.addEventListener("click", (event) => this.#pick(side, event));
      return { canvas, caption };
    });
    this.observer = new ResizeObserver(() => this.data && this.paint());
    this.panes.forEach((pane) => this.observer.observe(pane.canvas));
  }

  show(data) {
    const same = this.data && this.data.universe === data.universe;
    const from = same ? this.now : { before: data.before, after: data.after };
    const goals = { before: data.before, after: data.after };
    this.data = data;
    this.dark = isDark(this.root);
    this.ink = getComputedStyle(this.root).getPropertyValue("--st-text-color").trim() || "#222";
    this.type = parseFloat(getComputedStyle(this.root).getPropertyValue("--avx-type")) || 1; // larger for a presenter
    this.paper = getComputedStyle(this.root).getPropertyValue("--st-background-color").trim() || "#fff";
    this.frame = frameOf(data.frame === "both" ? Float32Array.from([...data.before, ...data.after]) : data.before);
    this.panes.forEach((pane, side) => {
      pane.caption.children[0].textContent = data.titles[side];
      pane.caption.children[1].textContent = data.notes[side];
      pane.canvas.setAttribute("aria-label", data.titles[side]);
    });
    this.root.querySelector(".note").textContent = data.note;
    cancelAnimationFrame(this.running);
    const isMoved = ["before", "after"].some((when) => goals[when].some((goal, i) => goal !== from[when][i]));
    const still = !isMoved || !same || matchMedia("(prefers-reduced-motion: reduce)").matches;
    const started = performance.now();
    const step = (time) => {
      const share = still ? 1 : Math.min(1, Math.max(0, (time - started) / GLIDE)), eased = share * share * (3 - 2 * share);
      this.now = {};
      for (const when of ["before", "after"]) {
        this.now[when] = goals[when].map((goal, i) => from[when][i] + (goal - from[when][i]) * eased);
      }
      this.paint();
      if (share < 1) this.running = requestAnimationFrame(step);
      else this.root.dataset.settled = data.version;
    };
    step(started);
    this.root.dataset.version = data.version;
    this.root.dataset.at = performance.now();
    // For tests: where points are to be.
    this.root.tunePlaces = goals;
  }

  #scale(canvas) {
    const [left, top, right, bottom] = this.frame, width = canvas.clientWidth, height = canvas.clientHeight;
    const unit = Math.min((width - 28) / (right - left || 1), (height - 28) / (bottom - top || 1));
    return { unit, x: (v) => width / 2 + unit * (v - (left + right) / 2), y: (v) => height / 2 - unit * (v - (top + bottom) / 2) };
  }

  paint() {
    const { data } = this, half = data.points / 2;
    this.panes.forEach(({ canvas }, side) => {
      const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
      if (!width) return;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      const g = canvas.getContext("2d"), { x, y } = this.#scale(canvas), xy = side ? this.now.after : this.now.before;
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      g.clearRect(0, 0, width, height);
      if (side) {
        g.strokeStyle = this.dark ? "rgba(200,212,224,.20)" : "rgba(60,74,90,.18)";
        g.beginPath();
        for (let i = 0; i < data.points; i++) {
          const dx = xy[2 * i] - this.now.before[2 * i], dy = xy[2 * i + 1] - this.now.before[2 * i + 1];
          if (dx * dx + dy * dy < 0.05) continue;
          g.moveTo(x(this.now.before[2 * i]), y(this.now.before[2 * i + 1]));
          g.lineTo(x(xy[2 * i]), y(xy[2 * i + 1]));
        }
        g.stroke();
      }
      const colors = data.palette[Number(this.dark)], gray = colors.length - 1;
      const size = this.type * Math.max(2.1, Math.min(4.2, height / 105));
      for (const lit of [false, true]) {
        for (let i = 0; i < data.points; i++) {
          if (data.code[i] < gray !== lit) continue;
          g.fillStyle = colors[data.code[i]];
          g.globalAlpha = lit ? 0.9 : 0.6;
          shape(g, x(xy[2 * i]), y(xy[2 * i + 1]), lit ? size : size * 0.75, i >= half);
        }
      }
      g.globalAlpha = 1;
      this.#names(g, side, xy, x, y, width);
      for (const mark of data.marks[side]) {
        const at = [x(xy[2 * mark.point]), y(xy[2 * mark.point + 1])];
        g.lineWidth = this.type * (mark.is_query ? 3 : 2);
        g.strokeStyle = mark.is_query ? this.ink : mark.colors[Number(this.dark)];
        g.beginPath();
        g.arc(...at, this.type * (mark.is_query ? 9 : 6), 0, 7);
        g.stroke();
      }
      g.lineWidth = 1;
    });
  }

  // Names of the colored classes, beside the middle of their points and never over each other.
  #names(g, side, xy, x, y, width) {
    const taken = [];
    const letters = this.type * Math.max(11, Math.min(15, width / 38)), step = letters + 2;
    g.font = `600 ${letters}px ${getComputedStyle(this.root).fontFamily}`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    for (const { name, point, code } of this.data.names[side]) {
      const w = g.measureText(name).width;
      const px = Math.max(w / 2 + 4, Math.min(width - w / 2 - 4, x(xy[2 * point])));
      const spot = [-1, 1, -2, 2, 0].map((up) => y(xy[2 * point + 1]) + up * step).find((py) => taken.every((t) => Math.abs(t[1] - py) > step || Math.abs(t[0] - px) > (t[2] + w) / 2 + 4));
      if (spot === undefined) continue;
      taken.push([px, spot, w]);
      g.lineWidth = 4;
      g.strokeStyle = this.paper;
      g.strokeText(name, px, spot);
      g.fillStyle = this.data.palette[Number(this.dark)][code];
      g.fillText(name, px, spot);
    }
    g.lineWidth = 1;
  }

  #nearest(side, event) {
    const { canvas } = this.panes[side], { x, y } = this.#scale(canvas), box = canvas.getBoundingClientRect();
    const xy = side ? this.now.after : this.now.before, at = [event.clientX - box.left, event.clientY - box.top];
    let best = -1, least = 12 ** 2;
    for (let i = 0; i < this.data.points; i++) {
      const d = (x(xy[2 * i]) - at[0]) ** 2 + (y(xy[2 * i + 1]) - at[1]) ** 2;
      if (d < least) [best, least] = [i, d];
    }
    return best;
  }

  #hover(side, event) {
    const point = this.data ? this.#nearest(side, event) : -1;
    this.tip.hidden = point < 0;
    if (point < 0) return;
    const half = this.data.points / 2;
    this.tip.textContent = `${point < half ? "● heard" : "■ seen"}: ${this.data.classes[this.data.labels[point % half]]}`;
    this.tip.style.left = `${event.clientX + 12}px`;
    this.tip.style.top = `${event.clientY + 12}px`;
  }

  #pick(side, event) {
    const point = this.#nearest(side, event);
    if (point >= 0) this.tell("clip", this.data.places[point % (this.data.points / 2)]);
  }
}

// Equal areas, so that neither modality looks louder.
function shape(g, x, y, r, isSquare) {
  const half = 0.886 * r;
  g.beginPath();
  if (isSquare) g.rect(x - half, y - half, 2 * half, 2 * half);
  else g.arc(x, y, r, 0, 6.3);
  g.fill();
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".maps");
  let chart = charts.get(parentElement);
  if (!chart) charts.set(parentElement, (chart = new Chart(root)));
  chart.tell = (name, value) => setTriggerValue(name, value);
  chart.show(unpack(data));
}
