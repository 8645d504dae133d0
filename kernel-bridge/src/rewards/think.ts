/** What rewards read of a completion's reasoning. */
import { splitCompletion } from '../answers/index.ts';

/** The text of its think tags; null where it has none. */
export function thinkOf(completion: string): string | null {
  const parts = splitCompletion(completion).filter(({ kind }) => kind === 'think');
  return parts.length === 0 ? null : parts.map(({ text }) => text).join(' ');
}

export const wordsOf = (text: string): number => text.split(/\s+/).filter(Boolean).length;
