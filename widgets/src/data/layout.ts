/**
 * A justified grid of any number of items of which few are known. Items are laid out in sections (the backend's pages): a section whose
 * aspects are known has its exact rows, another is as high as it probably will be. Rows of one section never depend on another, so a
 * section that becomes known moves what is below it and nothing else.
 */

export interface Sizes {
  /** Pixels of the grid's inside. */
  width: number;
  /** Height of an image that rows are made to come near. */
  target: number;
  gap: number;
  /** Height of what stands under each image. */
  caption: number;
}

export interface Row {
  /** Index of its first item in the section. */
  first: number;
  /** Widths of its tiles. */
  widths: number[];
  /** Of the images; the row is higher by the caption. */
  height: number;
  /** From the top of the section. */
  top: number;
}

/** Aspects are kept within these: a strip of an image stays a tile with room for its question. */
export const ASPECTS = { least: 0.75, most: 2.6 };
const LEAST_ASPECT_UNKNOWN = 1;

export const clampAspect = (width: number | null, height: number | null): number =>
  width && height ? Math.min(ASPECTS.most, Math.max(ASPECTS.least, width / height)) : LEAST_ASPECT_UNKNOWN;

/**
 * Rows whose images fill the width with heights as near to the target as can be: the cheapest way to break the list, found item by item.
 * With `ragged`, the last row keeps the target height and leaves room at its end.
 */
export function justify(aspects: ArrayLike<number>, { width, target, gap, caption }: Sizes, ragged: boolean): Row[] {
  const n = aspects.length;
  const best = new Float64Array(n + 1).fill(Infinity); // cost of the items before i
  const from = new Int32Array(n + 1);
  best[0] = 0;
  for (let first = 0; first < n; first++) {
    let sum = 0;
    for (let end = first + 1; end <= n; end++) {
      sum += aspects[end - 1];
      const height = fit(sum, end - first, width, gap);
      const cost = best[first] + (ragged && end === n && height > target ? 0 : (Math.log(height / target) * 4) ** 2);
      if (cost < best[end]) [best[end], from[end]] = [cost, first];
      if (height < target / 2.5 && end > first + 1) break; // rows only get lower from here
    }
  }
  const breaks: number[] = [];
  for (let end = n; end > 0; end = from[end]) breaks.unshift(end);
  const rows: Row[] = [];
  let first = 0;
  let top = 0;
  for (const end of breaks) {
    const list = Array.from({ length: end - first }, (_, at) => aspects[first + at]);
    const full = fit(
      list.reduce((a, b) => a + b, 0),
      list.length,
      width,
      gap,
    );
    const height = Math.max(1, Math.round(ragged && end === n ? Math.min(full, target) : full));
    const widths = list.map((aspect) => Math.max(1, Math.floor(height * aspect)));
    if (height === Math.round(full)) widths[widths.length - 1] += width - gap * (widths.length - 1) - widths.reduce((a, b) => a + b, 0);
    rows.push({ first, widths, height, top });
    top += height + caption + gap;
    first = end;
  }
  return rows;
}

/** Height at which images of these aspects together fill a row. */
const fit = (aspects: number, count: number, width: number, gap: number): number => Math.max(1, width - gap * (count - 1)) / aspects;

interface Section {
  aspects: Float32Array | null;
  rows: Row[] | null;
  height: number;
}

/** A place that stays where it is on screen while heights around it become known. */
export interface Anchor {
  section: number;
  /** Item at the top when rows are known, else share of the section that is above the top. */
  item: number | null;
  /** Pixels above the top of the item's row; or the share. */
  offset: number;
}

export interface PlacedRow extends Row {
  section: number;
  /** Whether its items' aspects are known, or the row is a guess. */
  known: boolean;
  /** Index of its first item in the grid. */
  index: number;
  /** From the top of the grid. */
  y: number;
}

export class GridLayout {
  readonly count: number;
  readonly sectionSize: number;
  #sizes: Sizes;
  readonly #sections: Section[];
  #tops: Float64Array; // [sections + 1]
  #meanAspect = 1.25;

  constructor(count: number, sectionSize: number, sizes: Sizes) {
    this.count = count;
    this.sectionSize = sectionSize;
    this.#sizes = sizes;
    this.#sections = Array.from({ length: Math.ceil(count / sectionSize) }, () => ({ aspects: null, rows: null, height: 0 }));
    this.#tops = new Float64Array(this.#sections.length + 1);
    this.#measure();
  }

  get height(): number {
    return this.#tops[this.#sections.length];
  }
  get sizes(): Sizes {
    return this.#sizes;
  }

  resize(sizes: Sizes): void {
    this.#sizes = sizes;
    for (const section of this.#sections) section.rows = null;
    this.#measure();
  }

  /** The aspects of a section became known, or others than before. */
  learn(index: number, aspects: ArrayLike<number>): void {
    const section = this.#sections[index];
    const next = Float32Array.from(aspects);
    if (section.aspects && String(section.aspects) === String(next)) return;
    section.aspects = next;
    section.rows = null;
    const known = this.#sections.filter((one) => one.aspects);
    const mean = (list: Float32Array) => list.reduce((a, b) => a + b, 0) / Math.max(1, list.length);
    // Guesses settle early: a mean that went on moving would move everything below with each page.
    if (known.length <= 3) this.#meanAspect = known.reduce((sum, one) => sum + mean(one.aspects!), 0) / known.length;
    this.#measure();
  }

  /** Aspects known so far, for a layout of the same items in the same order. */
  inherit(other: GridLayout): void {
    if (other.count !== this.count || other.sectionSize !== this.sectionSize) return;
    other.#sections.forEach(({ aspects }, index) => Object.assign(this.#sections[index], { aspects, rows: null }));
    this.#meanAspect = other.#meanAspect;
    this.#measure();
  }

  /** Rows that touch the band from `top` to `bottom`. */
  rows(top: number, bottom: number): PlacedRow[] {
    const placed: PlacedRow[] = [];
    for (let s = this.#sectionAt(top); s < this.#sections.length && this.#tops[s] < bottom; s++) {
      const { aspects } = this.#sections[s];
      for (const row of this.#rowsOf(s)) {
        const y = this.#tops[s] + row.top;
        if (y + row.height + this.#sizes.caption <= top || y >= bottom) continue;
        placed.push({ ...row, section: s, known: aspects !== null, index: s * this.sectionSize + row.first, y });
      }
    }
    return placed;
  }

  /** The row that holds an item. */
  rowOf(item: number): PlacedRow | null {
    const s = Math.floor(item / this.sectionSize);
    if (item < 0 || item >= this.count) return null;
    const rows = this.#rowsOf(s);
    const row = rows.findLast(({ first }) => first <= item - s * this.sectionSize)!;
    const known = this.#sections[s].aspects !== null;
    return { ...row, section: s, known, index: s * this.sectionSize + row.first, y: this.#tops[s] + row.top };
  }

  /** The item above or below one: in the next row, where their middles are nearest. */
  beside(item: number, direction: -1 | 1): number {
    const row = this.rowOf(item);
    if (!row) return item;
    const other = this.rowOf(direction < 0 ? row.index - 1 : row.index + row.widths.length);
    if (!other) return item;
    const middle = this.#middles(row)[item - row.index];
    const distances = this.#middles(other).map((one) => Math.abs(one - middle));
    return other.index + distances.indexOf(Math.min(...distances));
  }

  anchorAt(top: number): Anchor {
    const section = this.#sectionAt(top);
    const inside = top - (this.#tops[section] ?? 0);
    const { aspects, height } = this.#sections[section] ?? { aspects: null, height: 0 };
    if (!aspects) return { section, item: null, offset: height > 0 ? inside / height : 0 };
    const row = this.#rowsOf(section).findLast((one) => one.top <= inside) ?? this.#rowsOf(section)[0];
    return { section, item: row.first, offset: inside - row.top };
  }

  topOf({ section, item, offset }: Anchor): number {
    const top = this.#tops[Math.min(section, this.#sections.length)] ?? 0;
    if (item === null) return top + offset * (this.#sections[section]?.height ?? 0);
    const row = this.#rowsOf(section).findLast(({ first }) => first <= item);
    return top + (row?.top ?? 0) + offset;
  }

  #middles({ widths }: Row): number[] {
    let x = 0;
    return widths.map((width) => {
      const middle = x + width / 2;
      x += width + this.#sizes.gap;
      return middle;
    });
  }

  #sectionAt(y: number): number {
    let [low, high] = [0, Math.max(0, this.#sections.length - 1)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #rowsOf(index: number): Row[] {
    const section = this.#sections[index];
    section.rows ??= justify(
      section.aspects ?? new Float32Array(this.#lengthOf(index)).fill(this.#meanAspect),
      this.#sizes,
      index === this.#sections.length - 1,
    );
    return section.rows;
  }

  #lengthOf(index: number): number {
    return Math.min(this.sectionSize, this.count - index * this.sectionSize);
  }

  /** Heights and tops anew. Guessed sections are alike, so their rows are worked out only where they are shown. */
  #measure(): void {
    const { gap, caption } = this.#sizes;
    const heightOf = (rows: Row[]): number => rows.reduce((sum, row) => sum + row.height + caption + gap, 0);
    let guess: number | null = null;
    this.#sections.forEach((section, index) => {
      const last = index === this.#sections.length - 1;
      if (!section.aspects) section.rows = null;
      if (section.aspects || last) section.height = heightOf(this.#rowsOf(index));
      else section.height = guess ??= heightOf(this.#rowsOf(index));
      this.#tops[index + 1] = this.#tops[index] + section.height;
    });
  }
}
