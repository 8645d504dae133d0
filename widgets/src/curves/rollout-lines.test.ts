import { describe, expect, it } from 'vitest';
import type { RolloutStatistics } from '@medr1/kernel-bridge/protocol/statistics';
import { FakeConnector, type FakeRun } from '../../testing/fake-connector.ts';
import type { RewardRevision } from '../connector.ts';
import { FollowedRun } from '../store/followed-run.ts';
import { csvOfLines } from './csv.ts';
import { heat, type ChartSettings } from './figure.ts';
import { linesOf } from './lines.ts';
import { chartsFor } from './charts.ts';
import { columnOf, heatTrace, lastRevision, rewardUnder, rolloutCharts } from './rollout-lines.ts';

const PALETTE = { series: ['red', 'blue', 'green'], text: 'black', grid: 'grey', surface: 'white' };
const SETTINGS: ChartSettings = {
  axis: 'step',
  smoother: 'none',
  smoothing: 0,
  window: 1,
  logY: false,
  ignoreOutliers: false,
  groupBy: null,
  heatRun: null,
  range: null,
};

const STATISTICS: RolloutStatistics = {
  run: 'a',
  columns: [
    [1, 2],
    [3, 4],
    [5, 5],
  ],
  completions: [8, 8, 4],
  distributions: {
    reward: {
      low: 0,
      width: 0.5,
      counts: [
        [6, 2],
        [2, 6],
        [0, 4],
      ],
    },
    length: {
      low: 10,
      width: 1,
      counts: [
        [8, 0],
        [0, 8],
        [0, 0],
      ],
    },
  },
  facets: {
    modality: {
      CT: { completions: [4, 4, 2], accuracy: [0.25, 0.5, null], reward: [1, 1.5, null] },
      MRI: { completions: [4, 4, 2], accuracy: [0.5, 0.5, 1], reward: [1, 1, 2] },
    },
    question_type: { 'Lesion Grading': { completions: [8, 8, 4], accuracy: [0, 0, 0], reward: [0, 0, 0] } },
  },
  functions: { accuracy: [0.2, 0.4, 0.6], format: [1, 1, 1], mine: [null, null, 0.5] },
  complete: true,
};

async function runOf(run: FakeRun, statistics: RolloutStatistics | null = STATISTICS, colour = 0) {
  const series = new FollowedRun(new FakeConnector({ runs: [run] }), run.id);
  await series.load();
  return { series, colour, statistics };
}

it('there is a chart for each distribution that has values and for each facet that tells questions apart', () => {
  expect(rolloutCharts([STATISTICS]).map(({ id }) => id)).toEqual([
    'rollouts/reward',
    'rollouts/length',
    'rollouts/modality/accuracy',
    'rollouts/modality/reward',
  ]);
  expect(rolloutCharts([{ ...STATISTICS, columns: [] }])).toEqual([]);
});

it('a facet has a line for each value, at the last step of each column; what was not asked is a gap', async () => {
  const chart = rolloutCharts([STATISTICS]).find(({ id }) => id === 'rollouts/modality/accuracy')!;
  const lines = linesOf(chart, [await runOf({ id: 'a', steps: 5 })], SETTINGS, PALETTE);
  expect(lines.map(({ label, colour, x, shown }) => [label, colour, x, shown])).toEqual([
    ['CT', 'red', [2, 4, 5], [0.25, 0.5, null]],
    ['MRI', 'blue', [2, 4, 5], [0.5, 0.5, 1]],
  ]);
  expect(csvOfLines(lines, 'step').split('\n').slice(0, 3)).toEqual(['run,name,line,step,value', 'a,a,CT,2,0.25', 'a,a,CT,4,0.5']);
});

it('a distribution has the median of each run, and the heat of one run: the first, or the one that was chosen', async () => {
  const [reward, length] = rolloutCharts([STATISTICS]);
  const runs = [await runOf({ id: 'a', steps: 5 }), await runOf({ id: 'b', steps: 5 }, { ...STATISTICS, run: 'b' }, 1)];
  expect(linesOf(reward, runs, SETTINGS, PALETTE).map(({ label, shown }) => [label, shown])).toEqual([
    ['a', [0, 0.5, 0.5]],
    ['b', [0, 0.5, 0.5]],
  ]);
  expect(columnOf(length.from!, 'median', STATISTICS)).toEqual([10, 11, null]);
  expect(linesOf(reward, runs, SETTINGS, PALETTE).map(({ colour }) => colour)).toEqual(['black', 'blue']); // on its heat, which is red
  const other = { ...SETTINGS, heatRun: 'b' };
  expect([heat(reward, runs, other, PALETTE)?.colour, heat(reward, runs, { ...SETTINGS, heatRun: 'gone' }, PALETTE)?.colour]).toEqual([
    'blue',
    'red',
  ]);
  expect(linesOf(reward, runs, other, PALETTE).map(({ colour }) => colour)).toEqual(['red', 'black']);
  const trace = heat(reward, runs, SETTINGS, PALETTE)!;
  expect([trace.x, trace.y, trace.colour]).toEqual([[0.5, 2.5, 4.5, 5.5], [0, 0.5, 1], 'red']);
  expect(trace.z[0]).toEqual([1, expect.closeTo(Math.sqrt(1 / 3)), null]);
  expect(heat(reward, runs, { ...SETTINGS, logY: true }, PALETTE)).toBeNull();
  expect(heat(chartsFor(['reward'])[0], runs, SETTINGS, PALETTE)).toBeNull();
  expect(heatTrace(runs[0].series, { ...STATISTICS, distributions: {} }, 'reward', 'step', '')).toBeNull();
});

describe('the reward under another revision', () => {
  const revision = (number: number, step: number | null, weights: Record<string, number>, sha = 'x'): RewardRevision => ({
    ...{ revision: number, step, weights, reason: '', author: '', created_at: 0 },
    sources: Object.fromEntries(
      Object.keys(weights).map((name) => [name, { file: '', source: '', sha256: name === 'mine' ? sha : '' }]),
    ) as never,
  });
  const rounded = (values: (number | null)[]) => values.map((value) => value && Number(value.toFixed(6)));

  it('is its weights on the values that were stored', () => {
    const [one, two] = [revision(1, 1, { accuracy: 1, format: 1 }), revision(2, 4, { accuracy: 1, format: 0.5 })];
    expect(rounded(rewardUnder(two, [one, two], STATISTICS))).toEqual([0.7, 0.9, 1.1]);
  });

  it('is asked for where rewards changed, not where settings alone did, as in a fork', () => {
    const [one, two] = [revision(1, 1, { accuracy: 1, format: 0 }), revision(2, 4, { accuracy: 1 })];
    expect(lastRevision({ revisions: [one, two] })).toBeNull();
    const three = revision(3, 6, { accuracy: 0.5 });
    expect(lastRevision({ revisions: [one, three, revision(4, 8, { accuracy: 0.5 })] })).toMatchObject({ revision: 4 });
    expect(lastRevision({ revisions: [revision(1, 1, { mine: 1 }), revision(2, 4, { mine: 1 }, 'y')] })).not.toBeNull();
    expect(lastRevision({ revisions: [one, { ...three, step: null }] })).toBeNull();
  });

  it('is not known where a function was not there yet, or was another', () => {
    const one = revision(1, 1, { accuracy: 1 });
    const two = revision(2, 5, { accuracy: 1, mine: 2 });
    expect(rounded(rewardUnder(two, [one, two], STATISTICS))).toEqual([null, null, 1.6]);
    const three = revision(3, null, { accuracy: 1, mine: 2 }, 'y');
    expect(rewardUnder(three, [one, two, three], STATISTICS)).toEqual([null, null, null]);
    const without = revision(4, 5, { accuracy: 1, mine: 0 });
    expect(rounded(rewardUnder(without, [one, without], STATISTICS))).toEqual([0.2, 0.4, 0.6]);
  });

  it('is lifted where the run stood still, as the reward is', async () => {
    const [reward] = chartsFor(['reward', 'reward_std']);
    const run = await runOf({ id: 'a', steps: 100 });
    const [, last] = run.statistics!.columns[1];
    Object.assign(run.series, { standstills: [last] });
    const [, under] = linesOf(reward, [run], { ...SETTINGS, axis: 'time' }, PALETTE);
    expect(under.breaks).toEqual([2]);
    expect(linesOf(reward, [run], SETTINGS, PALETTE)[1].breaks).toEqual([]);
  });

  it('stands in the reward chart of a run whose rewards were edited, dotted', async () => {
    const [reward] = chartsFor(['reward', 'reward_std']);
    const edited = await runOf({ id: 'a', steps: 100 }); // made up with a second revision
    const lines = linesOf(reward, [edited], SETTINGS, PALETTE);
    expect(lines.map(({ label, dash }) => [label, dash])).toEqual([
      ['reward', 'solid'],
      ['reward under revision 2', 'dot'],
    ]);
    const third = { ...edited, colour: 2 }; // whose own line is dotted beside others
    expect(linesOf(reward, [third], SETTINGS, PALETTE, true).map(({ dash }) => dash)).toEqual(['dot', 'dash']);
    const once = await runOf({ id: 'a', steps: 5 });
    expect(linesOf(reward, [once], SETTINGS, PALETTE)).toHaveLength(1);
    expect(linesOf(reward, [{ ...edited, statistics: null }], SETTINGS, PALETTE)).toHaveLength(1);
  });
});

describe('the reward as edited', () => {
  const steps = [
    { step: 98, before: 1, after: 1.5 },
    { step: 100, before: 1.25, after: 1.75 },
  ];

  it('is a dashed line over the steps of the preview, in the reward chart alone, and is not smoothed', async () => {
    const [reward] = chartsFor(['reward', 'reward_std']);
    const [length] = chartsFor(['completions/mean_length']);
    const run = { ...(await runOf({ id: 'a', steps: 100 })), trial: { run: 'a', steps } };
    const line = linesOf(reward, [run], { ...SETTINGS, smoother: 'ema', smoothing: 0.9 }, PALETTE).at(-1)!;
    expect(line).toMatchObject({ label: 'reward as edited', dash: 'dash', x: [98, 100], raw: [1.5, 1.75], shown: [1.5, 1.75] });
    expect(linesOf(length, [run], SETTINGS, PALETTE).map(({ name }) => name)).not.toContain('as edited');
    const second = { ...run, colour: 1 }; // whose own line is dashed beside others
    expect(linesOf(reward, [second], SETTINGS, PALETTE, true).at(-1)).toMatchObject({
      dash: 'dot',
      label: `${run.series.name} · as edited`,
    });
    expect(linesOf(reward, [{ ...run, trial: null }], SETTINGS, PALETTE).map(({ name }) => name)).not.toContain('as edited');
  });
});
