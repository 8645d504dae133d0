import { createHash } from 'node:crypto';
import type { VqaItem } from '../../protocol/data.ts';

/** sha256 of what the items say: equal hashes, equal questions in equal order. */
export function hashItems(items: Iterable<VqaItem>): string {
  const hash = createHash('sha256');
  for (const item of items) hash.update(JSON.stringify([item.id, item.image, item.question, item.options, item.answer]));
  return hash.digest('hex');
}
