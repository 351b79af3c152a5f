// The component itself waits for what loader.js brings.
export default async function (args) {
  globalThis.avexploreGraphView ??= { waiting: [] };
  const shared = globalThis.avexploreGraphView;
  const render = await (shared.ready ?? new Promise((resolve) => shared.waiting.push(resolve)));
  return render(args);
}
