// What each point looks like: its layer and, per entry of the facet that colors, the colors of both layers.

import { fromHex, mixed, packed } from "./theme.js";

const HIDDEN = 0;
export const REST = 1;
export const FRONT = 2;
const FAINT = { light: 0.17, dark: 0.3 };

export function lookOf(maps) {
  const { points, facets, theme, chosen } = maps, facet = facets[maps.coloring];
  const side = theme.isDark ? 1 : 0;
  const front = facet.entries.map((entry) => fromHex(entry.colors[side]));
  const rest = front.map((color) => mixed(theme.paper, color, FAINT[theme.isDark ? "dark" : "light"]));
  const { glow } = maps, glowing = glow && facets[glow.facet].code;
  const layer = new Uint8Array(points), behind = maps.hidesRest ? HIDDEN : REST;
  for (let i = 0; i < points; i++) layer[i] = chosen[i] && (!glow || glowing[i] === glow.code) ? FRONT : behind;
  return { code: facet.code, layer, colors: [null, rest, front], stores: [null, rest.map(packed), front.map(packed)] };
}
