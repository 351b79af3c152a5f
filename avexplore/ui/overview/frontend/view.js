// Two small maps side by side with names of classes; the right one glides once from the left one's places to its own.

import { placeNames, writeNames } from "./names.js";

const GLIDE = 1600, WAIT = 700, PAD = 14, TITLE = 22;
const kept = new WeakMap();

export default function ({ parentElement, data }) {
  const canvas = parentElement.querySelector("canvas");
  canvas.setAttribute("aria-label", data.alt);
  let state = kept.get(parentElement);
  if (!state) {
    state = { version: "", moment: 1, frame: 0 };
    kept.set(parentElement, state);
    state.observer = new ResizeObserver(() => draw(canvas, state));
    state.observer.observe(canvas);
  }
  const isNew = state.version !== data.version;
  Object.assign(state, { data, version: data.version });
  if (isNew && !matchMedia("(prefers-reduced-motion: reduce)").matches) glide(canvas, state);
  draw(canvas, state);
  return () => {
    cancelAnimationFrame(state.frame);
    state.observer.disconnect();
    kept.delete(parentElement);
  };
}

function glide(canvas, state) {
  cancelAnimationFrame(state.frame);
  const begin = performance.now() + WAIT;
  state.moment = 0;
  const step = (now) => {
    const share = Math.min(1, Math.max(0, (now - begin) / GLIDE));
    state.moment = share < 0.5 ? 2 * share * share : 1 - (2 - 2 * share) ** 2 / 2;
    draw(canvas, state);
    if (share < 1) state.frame = requestAnimationFrame(step);
  };
  state.frame = requestAnimationFrame(step);
}

function draw(canvas, state) {
  const { data } = state;
  const width = canvas.clientWidth, height = canvas.clientHeight, ratio = window.devicePixelRatio || 1;
  if (!data || !width || !height) return;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const theme = readTheme(canvas), pane = width / 2;
  pen.strokeStyle = theme.line;
  pen.beginPath();
  pen.moveTo(pane, 4);
  pen.lineTo(pane, height - 4);
  pen.stroke();
  [0, state.moment].forEach((moment, k) => {
    pen.save();
    pen.translate(k * pane, 0);
    drawPane(pen, data, moment, { width: pane, height, title: data.titles[k], theme });
    pen.restore();
  });
}

function drawPane(pen, data, moment, { width, height, title, theme }) {
  pen.font = `600 14px ${theme.font}`;
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.fillStyle = theme.text;
  pen.fillText(title, PAD, 16);
  const place = (point) => [
    PAD + (point[0] + (point[2] - point[0]) * moment) * (width - 2 * PAD),
    TITLE + PAD + (point[1] + (point[3] - point[1]) * moment) * (height - TITLE - 2 * PAD),
  ];
  pen.globalAlpha = 0.75;
  data.points.forEach((point, i) => {
    const [x, y] = place(point);
    pen.fillStyle = theme.colors(data.palette, data.colors[i]);
    if (i < data.points.length / 2) {
      pen.beginPath();
      pen.arc(x, y, 2.2, 0, 7);
      pen.fill();
    } else pen.fillRect(x - 1.9, y - 1.9, 3.8, 3.8);
  });
  pen.globalAlpha = 1;
  pen.font = `600 13px ${theme.font}`;
  const names = data.names.map((name) => ({ ...name, at: place(name.at) }));
  const boxes = placeNames(pen, names, { width, height, top: TITLE });
  writeNames(pen, boxes, theme.paper, (name) => theme.names(data.palette, name.color));
}

function readTheme(element) {
  const style = getComputedStyle(element);
  const value = (name, other) => style.getPropertyValue(name).trim() || other;
  const paper = value("--st-background-color", "#FFFFFF"), text = value("--st-text-color", "#1B2733");
  const dark = luminance(paper) < 0.4;
  return {
    paper, text,
    line: dark ? "#3A4651" : "#D5DBE1",
    font: value("--st-font", "sans-serif"),
    colors: (palette, k) => palette[dark ? 1 : 0][k],
    names: (palette, k) => palette[dark ? 3 : 2][k],
  };
}

function luminance(color) {
  const found = color.match(/^#(..)(..)(..)/) || ["", "ff", "ff", "ff"];
  return found.slice(1).map((part) => parseInt(part, 16) / 255).reduce((sum, part) => sum + part / 3, 0);
}
