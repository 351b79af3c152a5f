// Texts that reach beyond what their box shows, in the page and in the components on it.
() => {
  const roots = (node) => [node, ...[...node.querySelectorAll("*")].flatMap((each) => (each.shadowRoot ? roots(each.shadowRoot) : []))];
  const parent = (element) => element.parentElement ?? element.getRootNode().host ?? null;
  const main = document.querySelector('[data-testid="stMain"]');
  const found = [];

  // What is shown from left to right of an element's place; nothing where it can be scrolled to, or a title says it all.
  const shown = (element) => {
    let [left, right] = [0, innerWidth];
    for (let each = element; each; each = parent(each)) {
      const { overflowX, textOverflow } = getComputedStyle(each);
      const box = each.getBoundingClientRect();
      // A row of buttons shows no scrollbar, so nobody scrolls it.
      const scrolls = ["auto", "scroll"].includes(overflowX);
      if (scrolls && each !== main && !each.closest('[data-testid="stButtonGroup"]')) return null;
      if (!scrolls && !["hidden", "clip"].includes(overflowX)) continue;
      if (box.width < 2 || (textOverflow === "ellipsis" && (each.title || element.title))) return null;
      [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
    }
    return [left, right];
  };

  for (const element of roots(document).flatMap((root) => [...root.querySelectorAll("*")])) {
    if (element.closest("script, style, noscript, canvas, [aria-hidden=true]")) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    for (const text of element.childNodes) {
      if (text.nodeType !== Node.TEXT_NODE || !text.textContent.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      const box = range.getBoundingClientRect();
      const sight = box.width < 2 ? null : shown(element);
      if (sight && (box.left < sight[0] - 1.5 || box.right > sight[1] + 1.5)) found.push(`${text.textContent.trim().slice(0, 60)} (${element.tagName})`);
    }
  }
  if (main.scrollWidth > main.clientWidth + 1) found.push(`the page moves sideways: ${main.scrollWidth} in ${main.clientWidth}`);
  return found;
}
