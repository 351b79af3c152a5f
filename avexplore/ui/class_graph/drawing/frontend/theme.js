// Colors and fonts of the surrounding page. A canvas does not inherit CSS, so they are read from the --st-* variables.
// Hues are Okabe and Ito's, darkened on white and lightened on black so that thin lines keep their contrast.

const LIGHT = {
  node: { audio: "#E69F00", visual: "#4A9FD8" },
  rim: { audio: "#9A6A00", visual: "#005A8C" },
  edge: { audio: "#B97F00", visual: "#0072B2", across: "#00805D" },
  change: { added: "#0072B2", removed: "#D55E00", reversed: "#A8558A", half: "#00805D", kept: "#8A949E" },
  ghost: "#7A8691",
  forbidden: "#C0392B",
};
const DARK = {
  node: { audio: "#E69F00", visual: "#56B4E9" },
  rim: { audio: "#FFD27A", visual: "#B5DFFA" },
  edge: { audio: "#E69F00", visual: "#56B4E9", across: "#2DBE92" },
  change: { added: "#56B4E9", removed: "#FF8A3D", reversed: "#E08FC0", half: "#2DBE92", kept: "#77828D" },
  ghost: "#8A96A2",
  forbidden: "#FF7B6B",
};

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
  return {
    ...(dark ? DARK : LIGHT),
    dark,
    background,
    text: value("text-color", dark ? "#e8edf2" : "#1b2733"),
    primary: value("primary-color", "#0072B2"),
    font: value("font", "sans-serif"),
  };
}

const parsed = new Map();

export function fade(color, alpha) {
  if (!parsed.has(color)) parsed.set(color, channels(color));
  const [r, g, b] = parsed.get(color);
  return `rgba(${r},${g},${b},${Math.round(alpha * 100) / 100})`;
}
