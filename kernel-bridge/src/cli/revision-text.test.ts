import { expect, it } from 'vitest';
import type { RewardRevision } from '../protocol/run.ts';
import { editLines, rewardLines } from './revision-text.ts';

const FIRST = {
  ...{ revision: 1, step: 1, reason: '', author: 'a', created_at: 0, sources: {} },
  weights: { accuracy: 1, format: 1 },
  settings: { beta: 0.04, epsilon_high: null },
} as unknown as RewardRevision;
const words = (lines: string[]): string[] => lines.map((line) => line.trim().replace(/\s+/g, ' '));

it('an edit is told as what is another than before, and nothing else', () => {
  const made = {
    ...FIRST,
    revision: 2,
    weights: { accuracy: 1, mine: 0.5, format: 1 },
    weight_schedules: { format: { schedule: 'linear', from: 1, to: 0, start: 4, end: 9 } },
    parameters: { accuracy: { credit: 0.5 } },
    sources: { mine: { sha256: 'abcdefabcdefabcdef' } },
    settings: { beta: 0.1, epsilon_high: null },
  } as unknown as RewardRevision;
  expect(words(editLines('r1', made, FIRST))).toEqual([
    'revision 2 of r1, from its next step',
    'weight of format 1 -> 1 → 0 over steps 4 to 9 (linear)',
    'beta 0.04 -> 0.1',
    'weight of mine not there -> 0.5',
    'source of mine not there -> abcdefabcdef',
    'accuracy.credit not there -> 0.5',
  ]);
  expect(words(editLines('r1', FIRST, made))).toContain('weight of mine 0.5 -> left out');
  expect(words(editLines('r1', { ...FIRST, revision: 3 }, FIRST))).toEqual(['revision 3 of r1, from its next step; nothing differs']);
});

it('rewards in force are a row each, with weight, source and parameters', () =>
  expect(
    words(
      rewardLines({ ...FIRST, sources: { format: { sha256: '0123456789abcdef' } }, parameters: { accuracy: { credit: 0.5 } } } as never),
    ),
  ).toEqual(['FUNCTION WEIGHT SOURCE PARAMETERS', 'accuracy 1 built-in credit 0.5', 'format 1 your own (sha256 0123456789ab)']));
