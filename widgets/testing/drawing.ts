/** What the fakes are made of: repeatable numbers, and a drawn stand-in for an image. */

/** A small generator with a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const seedOf = (text: string): number => [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);

/** A picture as a data: address, different for each path; its longest side is `size` pixels. */
export function drawing(path: string, size: number, aspect = 1): string {
  const chance = random(seedOf(path));
  const [width, height] = aspect >= 1 ? [100, 100 / aspect] : [100 * aspect, 100];
  const hue = Math.floor(chance() * 360);
  const circle = `<circle cx='${width * (0.2 + chance() * 0.6)}' cy='${height * (0.2 + chance() * 0.6)}' r='${8 + chance() * 16}' fill='hsl(${(hue + 150) % 360} 70% 60%)'/>`;
  const text = `<svg xmlns='http://www.w3.org/2000/svg' width='${(width * size) / 100}' height='${(height * size) / 100}' viewBox='0 0 ${width} ${height}'><rect width='100' height='100' fill='hsl(${hue} 25% 25%)'/>${circle}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(text)}`;
}
