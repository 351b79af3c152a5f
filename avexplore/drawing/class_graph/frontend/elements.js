// Small DOM builders. Names of classes come from data files: they only ever become text, never markup.

const SVG = "http://www.w3.org/2000/svg";

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

export function drawing(width, height, ...shapes) {
  const made = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" })) {
    made.setAttribute(name, value);
  }
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    made.append(shape);
  }
  return made;
}

const STROKE = { fill: "none", stroke: "currentColor", "stroke-width": 1.7, "stroke-linecap": "round", "stroke-linejoin": "round" };
const path = (d) => ["path", { ...STROKE, d }];

export const ICONS = {
  fit: [path("M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4")],
  fullscreen: [path("M9 7l5-5M10 2h4v4M7 9l-5 5M2 10v4h4")],
  picture: [path("M8 2v8M4.5 7L8 10.5 11.5 7M2 14h12")],
  keys: [path("M5.4 5.8a2.6 2.6 0 115 .8c-.5 1.2-2.4 1.6-2.4 3.1M8 12.9v.2")],
  undo: [path("M6 3L2.5 6.5 6 10M2.5 6.5H10a3.5 3.5 0 010 7H6")],
  redo: [path("M10 3l3.5 3.5L10 10M13.5 6.5H6a3.5 3.5 0 000 7h4")],
};

export function iconButton(icon, label, onclick) {
  return element("button", { type: "button", class: "icon", title: label, "aria-label": label, onclick }, drawing(16, 16, ...ICONS[icon]));
}
