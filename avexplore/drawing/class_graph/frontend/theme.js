// Colors and fonts of the surrounding page. A canvas does not inherit CSS, so they are read from the --st-* variables.
// Hues are Okabe and Ito's, darkened on white and lightened on black so that thin lines keep their contrast.

const LIGHT = {
  node: { audio: "#E69F00", visual: "#4A9FD8" },
  rim: { audio: "#9A6A00", visual: "#005A8C" },
  edge: { audio: "#B97F00", visual: "#0072B2", across: "#00805D" },
  change: { added: "#0072B2", removed: "#D55E00", reversed: "#A8558A", half: "#00805D", kept: "#8A949E" },
  own: "#00573F",
  ghost: "#7A8691",
  forbidden: "#C0392B",
  ground: 0.9,
  title: 0.25,
};
const DARK = {
  node: { audio: "#E69F00", visual: "#56B4E9" },
  rim: { audio: "#FFD27A", visual: "#B5DFFA" },
  edge: { audio: "#E69F00", visual: "#56B4E9", across: "#2DBE92" },
  change: { added: "#56B4E9", removed: "#FF8A3D", reversed: "#E08FC0", half: "#2DBE92", kept: "#77828D" },
  own: "#06382A",
  ghost: "#8A96A2",
  forbidden: "#FF7B6B",
  ground: 0.8,
  title: 0.4,
};

// Of groups: none of them means a modality; they differ in lightness, so that any color vision tells them apart.
const GROUPS = ["#422697", "#D86480", "#509096", "#6F701C", "#C4622F", "#5259D4", "#18394E", "#693A68", "#205214", "#8E7358"];

function channels(color) {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

export function readTheme(element) {
  const css = getComputedStyle(element);
  const value = (name, otherwise) => css.getPropertyValue(`--st-${name}`).trim() || otherwise;
  const background = value("background-color", "#ffffff");
  const [r, g, b] = channels(background);
  const dark = 0.299 * r + 0.587 * g + 0.114 * b < 128;
  const hues = dark ? DARK : LIGHT;
  const hue = (group) => GROUPS[group % GROUPS.length];
  return {
    ...hues,
    ground: (group) => mix(hue(group), background, hues.ground),
    groupText: (group) => mix(hue(group), dark ? "#ffffff" : "#000000", hues.title),
    dark,
    background,
    text: value("text-color", dark ? "#e8edf2" : "#1b2733"),
    primary: value("primary-color", "#0072B2"),
    font: value("font", "sans-serif"),
    isPresented: parseFloat(getComputedStyle(element).getPropertyValue("--avx-type")) > 1.4,
  };
}

const parsed = new Map();

function parse(color) {
  if (!parsed.has(color)) parsed.set(color, channels(color));
  return parsed.get(color);
}

function mix(color, other, share) {
  const [a, b] = [parse(color), parse(other)];
  return `rgb(${[0, 1, 2].map((k) => Math.round(a[k] * (1 - share) + b[k] * share)).join(",")})`;
}

export function fade(color, alpha) {
  const [r, g, b] = parse(color);
  return `rgba(${r},${g},${b},${Math.round(alpha * 100) / 100})`;
}
