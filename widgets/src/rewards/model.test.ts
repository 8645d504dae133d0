import { describe, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { Completion, Group } from '../connector.ts';
import { RunSeries } from '../store/run-series.ts';
import { changed, preview, saturatedSince, varianceShares } from './model.ts';

/** A group of completions with these raw rewards. */
function group(...rewards: Record<string, number | null>[]): Group {
  return { completions: rewards.map((one, index) => ({ index, rewards: one }) as Completion) } as Group;
}
const mixed = group({ accuracy: 1, format: 1 }, { accuracy: 0, format: 1 });
const formatOnly = group({ accuracy: 0, format: 1 }, { accuracy: 0, format: 0 });
const flat = group({ accuracy: 1, format: 1 }, { accuracy: 1, format: 1 });

describe('preview', () => {
  it('counts groups that gain or lose their gradient', () => {
    expect(preview([mixed, formatOnly, flat], { accuracy: 1, format: 1 }, { accuracy: 1, format: 0 })).toMatchObject({
      teachingBefore: 2,
      teachingAfter: 1,
      gained: 0,
      lost: 1,
    });
    expect(preview([formatOnly], { accuracy: 1, format: 0 }, { accuracy: 1, format: 1 })).toMatchObject({ gained: 1, lost: 0 });
  });

  it('counts completions whose advantage changes sign', () => {
    const torn = group({ accuracy: 1, format: 0 }, { accuracy: 0, format: 1 });
    expect(preview([torn], { accuracy: 2, format: 1 }, { accuracy: 1, format: 2 }).flipped).toBe(2);
    expect(preview([torn], { accuracy: 2, format: 1 }, { accuracy: 4, format: 1 }).flipped).toBe(0);
  });

  it('a reward that does not apply adds nothing to the mean', () => {
    expect(
      preview([group({ accuracy: null, format: 1 }, { accuracy: 1, format: 1 })], { accuracy: 1, format: 1 }, { accuracy: 1, format: 0.5 }),
    ).toMatchObject({
      meanBefore: 1.5,
      meanAfter: 1,
    });
  });
});

it('shares of variance follow the squared weight', () => {
  const shares = varianceShares([mixed, formatOnly], { accuracy: 2, format: 1 });
  expect(shares.accuracy).toBeCloseTo(0.8, 9);
  expect(shares.format).toBeCloseTo(0.2, 9);
  expect(varianceShares([flat], { accuracy: 1, format: 1 })).toEqual({});
});

it('a reward is saturated once its spread has been gone for 20 steps', async () => {
  const load = async (steps: number) => {
    const series = new RunSeries(new FakeConnector({ runs: [{ id: 'a', steps }] }), 'a');
    await series.load();
    return saturatedSince(series, 'format');
  };
  expect(await load(125)).toBeNull();
  expect(await load(140)).toBe(111);
});

it('weights left out count as 0 when asked whether something changed', () => {
  expect(changed({ a: 1 }, { a: 1, b: 0 })).toBe(false);
  expect(changed({ a: 1 }, { a: 1, b: 0.5 })).toBe(true);
});
