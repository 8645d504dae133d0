/** Which questions are asked, and how the controls change them. All of it follows from the seed. */
import { choicesOf } from '../answers/index.ts';
import type { VqaItem } from '../protocol/data.ts';
import { shuffled, splitMix64, type Random } from '../stats/random.ts';

/** A stream of numbers for each purpose, so that one choice does not move another. */
const STREAM = { limit: 1, images: 2, options: 3 } as const;
const stream = (seed: number, purpose: keyof typeof STREAM, index = 0): Random => splitMix64(seed * 2 ** 20 + index * 8 + STREAM[purpose]);

/** So many of the items, in the order drawn; all of them in their own order without a limit. */
export function chooseItems(items: readonly VqaItem[], limit: number | null, seed: number): VqaItem[] {
  return limit === null || limit >= items.length ? [...items] : shuffled(stream(seed, 'limit'), items).slice(0, limit);
}

/** For each item an item with another image; itself where all images are one. Each image is used as often as it occurs, as far as that goes. */
export function otherImages(items: readonly VqaItem[], seed: number): number[] {
  const order = shuffled(stream(seed, 'images'), [...items.keys()]);
  const place = new Map(order.map((item, i) => [item, i]));
  return items.map((item, index) => {
    const from = place.get(index)!;
    for (let step = 1; step < items.length; step++) {
      const candidate = order[(from + step) % items.length];
      if (items[candidate].image !== item.image) return candidate;
    }
    return index;
  });
}

/** The item with every option under another letter (a derangement by seed and place in the list), its right letter moved along. Letters of empty options stay empty. */
export function permuted(item: VqaItem, index: number, seed: number): VqaItem {
  const choices = choicesOf(item.options);
  if (choices.length < 2) return item;
  const random = stream(seed, 'options', index);
  const own = choices.map((_, i) => i);
  let order = own;
  while (order.some((from, to) => from === to)) order = shuffled(random, own); // some three tries: a derangement has odds of about 1/e
  const options = [...item.options];
  choices.forEach((choice, to) => (options[choice.index] = choices[order[to]].text));
  const right = order.findIndex((from) => choices[from].letter === item.answer);
  return { ...item, options, answer: choices[right]?.letter ?? null };
}
