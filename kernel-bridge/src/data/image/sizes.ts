import type { VqaItem } from '../../protocol/index.ts';
import { openPicture } from './picture.ts';

/** Images that are looked at. */
const SAMPLE = 16;

/** Pixels of the largest of a few images spread over the items; undefined when none can be read. */
export async function sampledPixels(root: string, items: readonly VqaItem[]): Promise<number | undefined> {
  const stride = Math.max(1, Math.floor(items.length / SAMPLE));
  const some = items.filter((_, i) => i % stride === 0).slice(0, SAMPLE);
  const sizes = await Promise.all(
    some.map(({ image }) =>
      openPicture(root, image).then(
        ({ width, height }) => width * height,
        () => 0, // what cannot be read is the audit's to report
      ),
    ),
  );
  return Math.max(0, ...sizes) || undefined;
}
