// The component itself waits for what loader.js brings. Streamlit calls this anew at every change of data, without
// waiting for the last call, and ends a call that newer data overtook. So only the newest call draws, and only its end
// is the end of the picture.
const newest = new WeakMap();

export default async function (args) {
  const call = Symbol("call");
  newest.set(args.parentElement, call);
  const isNewest = () => newest.get(args.parentElement) === call;
  globalThis.avexploreGraphView ??= { waiting: [] };
  const shared = globalThis.avexploreGraphView;
  const render = await (shared.ready ?? new Promise((resolve) => shared.waiting.push(resolve)));
  if (!isNewest()) return undefined;
  const end = render(args);
  return () => {
    if (isNewest()) end();
  };
}
