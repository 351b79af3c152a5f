// What Python sends: a head in JSON and typed arrays behind it; `pack` in packed.py says how they lie.

export function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  const take = (kind, count) => {
    const start = bytes.byteOffset + at;
    at += count * kind.BYTES_PER_ELEMENT;
    return new kind(bytes.buffer.slice(start, bytes.byteOffset + at));
  };
  const clips = head.clips, points = 2 * clips;
  const rowOf = take(Uint32Array, clips), xy = take(Float32Array, 4 * points);
  const facets = head.facets.map((facet) => {
    const kind = facet.wide ? Uint16Array : Uint8Array, code = new kind(points);
    if (facet.per === "point") code.set(take(kind, points));
    else {
      const own = take(kind, clips);
      code.set(own);
      code.set(own, clips);
    }
    return { ...facet, code };
  });
  return { head, points, rowOf, xy, facets };
}
