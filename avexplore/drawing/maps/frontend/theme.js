// Colors and fonts of the surrounding page: a canvas does not inherit CSS, so they are read from the --st-* variables.

let probe;

export function readTheme(element) {
  const style = getComputedStyle(element);
  const value = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const rgb = (name, otherwise) => {
    probe ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    probe.fillStyle = otherwise;
    probe.fillStyle = value(name, otherwise);
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const paper = rgb("--st-background-color", "#ffffff"), ink = rgb("--st-text-color", "#222222");
  const accent = rgb("--st-primary-color", "#0072B2");
  return { paper, ink, accent, font: value("--st-font", "sans-serif"), isDark: paper[0] + paper[1] + paper[2] < 384, key: `${paper} ${ink} ${accent}` };
}

export const css = (rgb) => `rgb(${rgb})`;
export const mixed = (back, front, share) => back.map((value, i) => Math.round(value + (front[i] - value) * share));

export function fromHex(text) {
  const value = parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

// As one number of a picture's Uint32Array, opaque.
export const packed = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
