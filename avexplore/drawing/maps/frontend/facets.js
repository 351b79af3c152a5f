// The facets beside the maps: bars that count, filter and tell the colors. A press on a bar lets through what it counts;
// pointing at it lights its points up.

import { css, fromHex } from "./theme.js";

const FEW = 8; // lines of a long facet that are shown at first
const SEARCHED = 30; // from so many on, a facet has a field to search it

const element = (tag, name, text = "") => Object.assign(document.createElement(tag), { className: name, textContent: text });

export class Facets {
  constructor(maps) {
    this.maps = maps;
    this.box = maps.root.querySelector(".facets");
    this.open = new Set();
    this.words = new Map();
  }

  // Anew for other facets; `update` does what changes with every press.
  build() {
    const { facets } = this.maps;
    this.parts = facets.map((facet, f) => this.part(facet, f));
    this.box.replaceChildren(...this.parts.map((part) => part.box));
    this.update();
  }

  part(facet, f) {
    const { maps } = this, box = element("section", "facet"), head = element("header", ""), rows = element("div", "rows");
    box.dataset.facet = facet.name;
    const clear = element("button", "plain clear", "all");
    clear.title = `Let every ${facet.title.toLowerCase()} through again`;
    clear.setAttribute("aria-label", `Clear the filter: ${facet.title}`);
    clear.onclick = () => maps.setFilter(facet.name, []);
    const color = element("button", "plain color", "color");
    color.title = `Color the maps by: ${facet.title}`;
    color.setAttribute("aria-label", `Color by ${facet.title}`);
    color.onclick = () => maps.colorBy(f);
    head.append(element("h4", "", facet.title), clear);
    if (maps.isPainter(facet)) head.append(color);
    box.append(head);
    const field = element("input", "search");
    if (facet.entries.length > SEARCHED) {
      field.type = "search";
      field.placeholder = `Find among ${facet.entries.length}`;
      field.setAttribute("aria-label", `Find: ${facet.title}`);
      field.oninput = () => {
        this.words.set(facet.name, field.value.trim().toLowerCase());
        this.update();
      };
      box.append(field);
    }
    const more = element("button", "plain more");
    more.onclick = () => {
      this.open.has(facet.name) ? this.open.delete(facet.name) : this.open.add(facet.name);
      this.update();
    };
    box.append(rows, more);
    const lines = facet.entries.map((entry, code) => this.line(facet, f, entry, code));
    return { facet, box, rows, clear, color, more, lines };
  }

  line(facet, f, entry, code) {
    const { maps } = this, row = element("button", "row"), name = element("span", "name", entry.name);
    const bar = element("span", "bar"), fill = element("i", ""), count = element("span", "count"), dot = element("b", "");
    bar.append(fill);
    row.append(dot, name, bar, count);
    row.type = "button";
    row.dataset.code = code;
    row.onclick = (event) => maps.toggle(facet.name, code, event.altKey);
    row.onpointerenter = () => maps.lightUp({ facet: f, code });
    row.onpointerleave = row.onblur = () => maps.lightUp(null);
    row.onfocus = () => row.matches(":focus-visible") && maps.lightUp({ facet: f, code });
    return { row, dot, fill, count, code, entry };
  }

  update() {
    const { maps } = this, side = maps.theme.isDark ? 1 : 0;
    this.parts.forEach((part, f) => {
      const { facet } = part, counts = maps.counts[f], on = maps.filter.get(facet.name) ?? new Set();
      const most = Math.max(1, ...counts);
      part.clear.hidden = !on.size;
      part.color.setAttribute("aria-pressed", String(maps.coloring === f));
      const isColored = maps.coloring === f || maps.facets[maps.coloring].name === facet.colorsOf;
      for (const { row, dot, fill, count, code, entry } of part.lines) {
        const n = counts[code], isOn = on.has(code);
        row.setAttribute("aria-pressed", String(isOn));
        row.classList.toggle("off", on.size > 0 && !isOn);
        dot.style.background = isColored ? css(fromHex(entry.colors[side])) : "transparent";
        dot.classList.toggle("plain", !isColored);
        fill.style.width = `${(100 * n) / most}%`;
        count.textContent = n.toLocaleString("en");
        row.title = `${entry.name}: ${n.toLocaleString("en")} points. Click to choose, Alt + click to choose it alone`;
      }
      this.arrange(part, counts, on);
    });
  }

  // A long facet shows its largest lines and those that are switched on; its others come when asked for. Its own filter
  // changes none of its counts, so that no line moves away under the pointer.
  arrange(part, counts, on) {
    const { facet, lines, rows, more } = part, wanted = this.words.get(facet.name) ?? "";
    let order = lines;
    if (facet.isSorted) order = [...lines].sort((a, b) => counts[b.code] - counts[a.code] || a.code - b.code);
    if (wanted) order = order.filter(({ entry }) => entry.name.toLowerCase().includes(wanted));
    const isOpen = this.open.has(facet.name) || wanted !== "", isLong = order.length > FEW + 1;
    const shown = isOpen || !isLong ? order : order.filter(({ code }, k) => k < FEW || on.has(code));
    const rest = order.length - shown.length, found = shown.map(({ row }) => row);
    if (found.length !== rows.children.length || found.some((row, k) => rows.children[k] !== row)) {
      const focused = rows.getRootNode().activeElement;
      rows.replaceChildren(...found);
      if (found.includes(focused)) focused.focus({ preventScroll: true });
    }
    more.hidden = !rest && !(this.open.has(facet.name) && isLong);
    more.textContent = rest ? `${rest} more` : "fewer";
    more.setAttribute("aria-expanded", String(isOpen));
  }
}
