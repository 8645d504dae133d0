/** The states the gallery shows. A new state of a widget belongs here, so that somebody looks at it. */
import { TrainConfig } from '../../kernel-bridge/src/protocol/config.ts';
import type { CurvesState } from '../src/curves/model.ts';
import type { Selection } from '../src/selection.ts';
import type { SearchView } from '../src/search/view.ts';
import type { Workbench } from '../src/store/workbench.ts';
import type { FakeConnector, FakeOptions } from '../testing/fake-connector.ts';
import { ALERTS } from '../testing/fake-alerts.ts';
import { fakeMatrix, type FakeEval } from '../testing/fake-evals.ts';
import { LiveCell } from '../src/live/cell.ts';
import type { Part } from '../src/live/messages.ts';
import { LiveModel } from '../src/live/model.ts';
import { FakeModel, groupPart, imagePart, opening, runPart } from '../testing/fake-live.ts';
import type { LitElement } from 'lit';
import type { DataItem, RewardRevision, RunEvent } from '../src/connector.ts';

customElements.define('medr1-live-cell', LiveCell);

async function explainOf(element: HTMLElement): Promise<ShadowRoot> {
  await settle();
  return element.shadowRoot!.querySelector('medr1-explain')!.shadowRoot!;
}

/** Opens a part of the questions about a completion and presses a button there. */
async function askAbout(element: HTMLElement, part: 'where' | 'when', button: string): Promise<void> {
  const panel = await explainOf(element);
  panel.querySelector<HTMLDetailsElement>(`[data-testid=explain-${part}]`)!.open = true;
  panel.querySelector<HTMLElement>(`[data-testid=${button}]`)!.click();
  await settle();
}

async function searched(element: HTMLElement, text: string): Promise<void> {
  const { model, workbench } = element as SearchView;
  model.set({ text });
  await model.search(workbench.selection.value.runs);
  await settle();
}

export interface GalleryState {
  tag: string;
  options: FakeOptions;
  select?: Partial<Selection>;
  curves?: Partial<CurvesState>;
  /** Further properties of the element. */
  properties?: Record<string, unknown>;
  after?: (element: HTMLElement, workbench: Workbench, connector: FakeConnector) => Promise<void> | void;
}

/** A live cell, told by its kernel what it shows. */
const liveCell = (view: LiveCell['view'], parts: readonly Part[]): GalleryState => {
  const host = new FakeModel();
  return {
    tag: 'medr1-live-cell',
    options: {},
    properties: { view, still: '', model: new LiveModel(host) },
    after: () => host.tell(parts),
  };
};

const schema = TrainConfig as unknown as Record<string, unknown>;
const down = {
  code: 'SERVER_UNREACHABLE',
  message: 'The Med-R1 backend does not answer.',
  remedy: 'Start it again with the command "Med-R1: restart", or look at its log.',
};
const running = { id: 'r1', name: 'Demo, think', state: 'running' as const, steps: 143, seed: 1 };
const paired = [
  { ...running, name: 'Demo · think', pair: { id: 'p', with: 'n1', variant: 'no-think' } },
  {
    id: 'n1',
    name: 'Demo · no-think',
    variant: 'no-think',
    state: 'running' as const,
    steps: 142,
    seed: 9,
    pair: { id: 'p', with: 'r1', variant: 'think' },
  },
];
const runs = [
  running,
  {
    id: 'r2',
    name: 'Demo, no-think',
    variant: 'no-think',
    state: 'paused' as const,
    steps: 120,
    seed: 2,
    alert: { step: 118, message: 'The loss is not a finite number.', remedy: 'The step was left out; its batch is kept.' },
  },
  {
    id: 'r3',
    name: 'Fork with a low weight on format and a rather long name',
    parent: 'r1',
    state: 'finished' as const,
    steps: 240,
    seed: 3,
    gap: [100, 130] as [number, number],
    rollbacks: [
      { step: 120, from: 188, time: Date.UTC(2026, 10, 28, 14, 12) },
      { step: 160, from: 1204, time: Date.UTC(2026, 10, 28, 15, 40) },
    ],
  },
  {
    id: 'r4',
    name: 'Out of memory',
    state: 'failed' as const,
    steps: 12,
    seed: 4,
    error: {
      code: 'OUT_OF_MEMORY',
      message: 'The GPU has 3.1 GiB free and the step needs 5.4 GiB.',
      remedy: 'Turn on gradient_checkpointing.',
    },
  },
  { id: 'r5', name: 'Queued', state: 'queued' as const, steps: 0 },
  { id: 'r6', name: 'SFT baseline', trainer: 'sft', state: 'interrupted' as const, steps: 33, seed: 6 },
];
const hostile = '<img src=x onerror="document.title=\'broken\'"><script>document.title="broken"</script>';

const shared = (run: string, name: string, to: number) => ({ run, name, variant: 'think', to });
/** A run with forks of forks, one of which has another function. */
const lineage = {
  runs: [
    { ...running, state: 'finished' as const, steps: 240 },
    {
      ...{ id: 'late', name: 'Stronger KL', parent: 'r1', state: 'running' as const, steps: 170, seed: 2 },
      inherited: [shared('r1', running.name, 120)],
      config: { beta: 0.1, temperature: 0.7 },
    },
    {
      ...{ id: 'early', name: 'Fork with a low weight on format and a rather long name', parent: 'r1', state: 'paused' as const },
      ...{ steps: 150, seed: 3, inherited: [shared('r1', running.name, 60)] },
    },
    {
      ...{ id: 'next', name: 'Longer answers', parent: 'early', state: 'failed' as const, steps: 180, seed: 4 },
      inherited: [shared('r1', running.name, 60), shared('early', 'Fork', 90)],
    },
  ],
  evals: [{ id: 'e1', name: 'held out, greedy' }],
  events: [
    {
      ...{ seq: 9, time: 0, step: 130, kind: 'alert' as const, code: 'STEPS_DROPPED' },
      ...{ message: 'Steps 131 to 144 were dropped; the run goes on from step 130.', remedy: '' },
    },
  ],
  rewards: [1, 121, 140].map((step, at) => ({
    ...{ revision: at + 1, step, weights: { accuracy: 1, brevity: [1, 0.5, 0.5][at] }, reason: ['', 'answers are short', ''][at] },
    ...{ author: '', created_at: 0 },
    sources: { brevity: { file: 'brevity.ts', source: `export const brevity = (text) => ${['1', '2', '3'][at]};\n`, sha256: `${at}` } },
  })),
};

const waitingRuns = [
  { id: 'w1', name: 'Larger groups', state: 'queued' as const, waits_since: 1 },
  { id: 'w2', name: 'Later', state: 'queued' as const, waits_since: 2, held: true },
];
const onDevice = (kind: string, id: string, gib: number, exclusive = false) => ({
  ...{ kind, id, name: `evaluation of ${id}`, pid: 7, bytes: gib * 2 ** 30, exclusive },
  ...{ started_at: 1, heard_at: 2 },
});
const gpu = (at: number, used: number, jobs: ReturnType<typeof onDevice>[]) => ({
  ...{ id: `cuda:${at}`, kind: 'cuda', name: 'NVIDIA H100 80GB HBM3', uuid: `GPU-${at}`, threads: null },
  ...{ memory_total: 80 * 2 ** 30, memory_used: used * 2 ** 30, utilization: used, jobs },
});
const severalDevices = {
  devices: [
    gpu(0, 62, [onDevice('train', 'r1', 58.4, true)]),
    gpu(1, 31, [onDevice('train', 'r2', 22), onDevice('evaluate', 'e', 6.1)]),
    gpu(2, 0, []),
  ],
  queue: [
    {
      kind: 'train',
      id: 'w1',
      name: 'Larger groups',
      held: false,
      reason: 'waits for 3 devices, 1 of them free: run Demo has cuda:0 for itself',
    },
    { kind: 'train', id: 'w2', name: 'Later', held: true, reason: 'held' },
    ...[
      { id: 'e5', name: 'Demo, think: modality/test', held: false, reason: 'waits for a device with 9.4 GiB free' },
      { id: 'e6', name: 'A checkpoint with a long name, step 120: question_type/test', held: true, reason: 'held' },
    ].map((one) => ({ kind: 'evaluate', ...one })),
  ],
};

/** Runs with what people noted of them and configurations that differ. */
const noted = runs.map((run, at) => ({
  ...run,
  config: {
    learning_rate: [1e-6, 2e-6, 1e-5, 1e-4, 1e-6, 5e-5][at],
    beta: at % 2 === 0 ? 0.04 : 0,
    seed: at,
    reward_funcs: ['accuracy', 'format'],
  },
  annotations: [
    { tags: ['baseline', 'seed 1'], notes: 'The first that learnt.\nFormat is perfect from step 110 on.', pinned: true, colour: 2 },
    { tags: ['no-think'] },
    { tags: ['a tag that is rather long and says a lot', 'draft'], notes: '' },
    {},
    { archived: true },
    { tags: ['sft'] },
  ][at],
}));
const EVENTS: RunEvent[] = [
  { seq: 1, time: Date.UTC(2026, 0, 5, 9, 30), step: 0, kind: 'state', state: 'running', error: null },
  {
    seq: 9,
    time: Date.UTC(2026, 0, 5, 9, 41),
    step: 90,
    kind: 'rewards',
    revision: {
      revision: 2,
      step: 90,
      weights: { accuracy: 1, format: 0.2 },
      sources: {},
      reason: 'format is learnt',
      author: '',
      created_at: 0,
    },
    previous: { accuracy: 1, format: 1 },
  },
  {
    seq: 11,
    time: Date.UTC(2026, 0, 5, 9, 44),
    step: 118,
    kind: 'alert',
    code: 'LOSS_NOT_FINITE',
    message: 'The loss is not a finite number.',
    remedy: 'The step was left out; its batch is kept.',
  },
  { seq: 14, time: Date.UTC(2026, 0, 5, 9, 50), step: 120, kind: 'evaluation', metrics: { eval_accuracy: 0.714, eval_reward: 1.41 } },
];
const LOG = Array.from(
  { length: 40 },
  (_, at) =>
    `2026-01-05T09:${30 + (at % 20)}:00Z step ${at + 1}: reward ${(1 + at / 60).toFixed(3)}, 0.93 s, a line that is long enough to be broken in a narrow panel`,
);

/** Presses a control of an element once it is drawn. */
async function pressed(element: HTMLElement, testid: string): Promise<void> {
  await (element as LitElement).updateComplete;
  element.shadowRoot!.querySelector<HTMLElement>(`[data-testid=${testid}]`)!.click();
}
async function openTab(element: HTMLElement, tab: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  await pressed(element.shadowRoot!.querySelector<HTMLElement>('medr1-run-details')!, `tab-${tab}`);
}

const evals: FakeEval[] = [
  { id: 'e5', name: 'Demo, no-think', variant: 'no-think', rate: 0.71, controls: ['blank-image', 'options-permuted', 'option-prior'] },
  {
    id: 'e4',
    name: 'Demo, think',
    rate: 0.62,
    controls: ['blank-image', 'shuffled-image', 'text-only', 'options-permuted', 'option-prior'],
  },
  { id: 'e3', name: 'Demo, think, at the start of a run with a long name', rate: 0.31, state: 'running', answered: 70 },
  { id: 'e2', name: 'Waits', state: 'queued', answered: 0, split: 'question_type/test' },
  {
    id: 'e1',
    name: 'Changed data',
    state: 'failed',
    answered: 20,
    error: {
      code: 'EVAL_SPLIT_CHANGED',
      message: 'Split modality/test is no longer the one of evaluation e1.',
      remedy: 'Put the data back.',
    },
  },
];
/** Completions whose verdict and form do not go together. */
const ODD_ANSWERS = [
  'C',
  '<answer>x y</answer><answer>C</answer>',
  '</think> with a with a<answer> C </answer>',
  '<think>Red.</think> C </answer>',
  '<think>Red, so <answer>C</answer></think><answer>A</answer>',
  '<answer>C) Mild tumor</answer>',
  '<think>cut off in thought',
  '<answer>\nC</answer><answer>C</answer> and more',
];

const SHORT_THINK = `export const tests = [{ completion: '<answer>A</answer>', answer: 'A', expected: null }];

export default function reward(completions: string[], { answer }: { answer: string[] }): (number | null)[] {
  return completions.map((text, i) => {
    const think = /<think>(.*?)<\\/think>/s.exec(text);
    if (think === null) return null; // does not apply
    return Number(text.includes(\`<answer>\${answer[i]}\`)) - Math.min(1, think[1].length / 200);
  });
}
`;
const REWARD_FILES: Record<string, string> = {
  'rewards/short_think.ts': SHORT_THINK,
  'rewards/broken.ts': 'throw',
  'rewards/a_rather_long_name_of_a_reward_function.ts': SHORT_THINK,
};
const rewardRevision = (number: number, step: number | null, weight: number, source: string, reason = ''): RewardRevision => ({
  ...{ revision: number, step, reason, author: '', created_at: Date.UTC(2026, 0, 5, 9, 30 + number) },
  weights: { accuracy: 1, format: 0.5, short_think: weight },
  sources: { short_think: { file: 'short_think.ts', source, sha256: `${number}c0ffee42`.repeat(7) } },
});
const revisions = [
  rewardRevision(1, 1, 0.3, SHORT_THINK.replace('/ 200', '/ 100')),
  rewardRevision(2, 41, 0.3, SHORT_THINK, 'thinking was cut too hard'),
  { ...rewardRevision(3, 97, 0.5, SHORT_THINK), sources: rewardRevision(2, 41, 0.3, SHORT_THINK).sources },
];
/** A Python function of a notebook, edited once. */
const PYTHON = `def short_think(completions, **_):
    return [None if "<think>" not in text else 1 - min(1, len(text) / 400) for text in completions]
`;
const served = [PYTHON.replace('400', '200'), PYTHON].map((source, at): RewardRevision => {
  const one = rewardRevision(at + 1, at * 40 + 1, 0.3, source);
  const kept = { file: 'short_think.py', source, sha256: one.sources.short_think.sha256 };
  return { ...one, author: 'notebook', sources: { short_think: { ...kept, runtime: 'kernel', timeout_s: 60, on_timeout: 'pause' } } };
});
const go = async (element: HTMLElement, ...testids: string[]): Promise<void> => {
  for (const id of testids) {
    await settle();
    ask(element, `[data-testid=${id}]`)!.click();
  }
  await settle();
};

const ask = (element: HTMLElement, selector: string): HTMLElement | null => element.shadowRoot!.querySelector(selector);
/** Chooses the first question that is such a one. */
const chooseItem =
  (wanted: (item: DataItem) => boolean): GalleryState['after'] =>
  async (_element, { selection }, { data }) => {
    selection.move({ dataset: 'omnimedvqa', item: data.all('omnimedvqa').find(wanted)!.id });
    await settle();
  };
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));

const colour = async (element: HTMLElement, how: string): Promise<void> => {
  await settle();
  const choose = ask(element, '[data-testid=colouring]') as HTMLSelectElement;
  choose.value = how;
  choose.dispatchEvent(new Event('change'));
};

export const STATES: Record<string, GalleryState> = {
  'runs: many': { tag: 'medr1-runs', options: { runs }, select: { runs: ['r1', 'r3'] } },
  'runs: several devices': {
    tag: 'medr1-runs',
    options: { runs: [...runs, ...waitingRuns], devices: severalDevices },
    select: { runs: ['w1'] },
  },
  'runs: of other machines': {
    tag: 'medr1-runs',
    options: {
      runs: runs.slice(0, 3).map((run, at) => ({
        ...run,
        state: (['running', 'running', 'finished'] as const)[at],
        reported: { host: 'node17.cluster.example', directory: '/scratch/runs/x', away: at === 1 },
      })),
    },
  },
  'runs: grouped': {
    tag: 'medr1-runs',
    options: { runs: noted },
    properties: { grouping: 'tag' },
    select: { runs: ['r1'] },
  },
  'runs: 1,000': {
    tag: 'medr1-runs',
    options: {
      runs: Array.from({ length: 1000 }, (_, at) => ({ ...runs[at % 6], id: `m${at}`, parent: null, seed: at, name: `Run ${at}` })),
    },
    select: { runs: ['m7'] },
  },
  'runs: noted': { tag: 'medr1-runs', options: { runs: noted }, select: { runs: ['r1'] } },
  'runs: empty': { tag: 'medr1-runs', options: {} },
  'runs: empty, no sample': { tag: 'medr1-runs', options: { server: { sample: null } } },
  'runs: loading': { tag: 'medr1-runs', options: { silent: true } },
  'table: many': { tag: 'medr1-runs-table', options: { runs: noted, schema, log: LOG, events: EVENTS }, select: { runs: ['r1'] } },
  'table: two configurations': { tag: 'medr1-runs-table', options: { runs: noted, schema }, select: { runs: ['r1', 'r3'] } },
  'table: notes': {
    tag: 'medr1-runs-table',
    options: { runs: noted, schema },
    select: { runs: ['r1'] },
    after: (element) => openTab(element, 'notes'),
  },
  'table: notes of several': {
    tag: 'medr1-runs-table',
    options: { runs: noted, schema },
    select: { runs: ['r1', 'r2'] },
    after: (element) => openTab(element, 'notes'),
  },
  'table: events': {
    tag: 'medr1-runs-table',
    options: { runs: noted, schema, events: EVENTS },
    select: { runs: ['r4'] },
    after: (element) => openTab(element, 'events'),
  },
  'table: log': {
    tag: 'medr1-runs-table',
    options: { runs: noted, schema, log: LOG },
    select: { runs: ['r1'] },
    after: (element) => openTab(element, 'log'),
  },
  'table: columns': {
    tag: 'medr1-runs-table',
    options: { runs: noted, schema },
    after: (element) => pressed(element, 'columns'),
  },
  'table: 1,000 runs': {
    tag: 'medr1-runs-table',
    options: {
      runs: Array.from({ length: 1000 }, (_, at) => ({ id: `m${at}`, name: `Run ${at}`, state: 'finished' as const, steps: 2, seed: at })),
    },
  },
  'table: empty': { tag: 'medr1-runs-table', options: { schema } },
  'table: error': { tag: 'medr1-runs-table', options: { failure: down } },
  'runs: error': { tag: 'medr1-runs', options: { failure: down } },
  'curves: one run': { tag: 'medr1-curves', options: { runs }, select: { runs: ['r1'], step: 60 } },
  'curves: several runs': { tag: 'medr1-curves', options: { runs }, select: { runs: ['r1', 'r2', 'r3'] } },
  'curves: hover': {
    tag: 'medr1-curves',
    options: { runs },
    select: { runs: ['r1', 'r3'] },
    after: async (element) => {
      await settle();
      const area = element.shadowRoot!.querySelector('medr1-chart')!.shadowRoot!.querySelector<HTMLElement>('.area')!;
      area.focus();
      for (let i = 0; i < 40; i++) area.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true }));
    },
  },
  'curves: first step': { tag: 'medr1-curves', options: { runs: [{ id: 'a', steps: 1 }] } },
  'curves: no step': { tag: 'medr1-curves', options: { runs: [{ id: 'a', steps: 0 }] } },
  'curves: log, large, minutes': {
    tag: 'medr1-curves',
    options: { runs },
    select: { runs: ['r1', 'r2'] },
    curves: { logY: true, axis: 'time', expanded: 'reward', smoothing: 0.9 },
  },
  'curves: board': {
    tag: 'medr1-curves',
    options: { runs },
    select: { runs: ['r1', 'r2', 'r3'] },
    curves: {
      smoother: 'mean',
      ignoreOutliers: true,
      own: [{ id: 'own:1', title: 'Drift', metrics: ['kl', 'entropy'] }],
      pinned: ['reward'],
      order: ['entropy', 'kl'],
      sizes: { reward: { columns: 2, height: 260 }, kl: { columns: 1, height: 130 } },
      ranges: { entropy: [0, 1] },
    },
  },
  'curves: six runs of 20,000 steps': {
    tag: 'medr1-curves',
    options: { runs: [1, 2, 3, 4, 5, 6].map((seed) => ({ id: `l${seed}`, name: `Seed ${seed}`, steps: 20_000, total: 40_000, seed })) },
    select: { runs: ['l1', 'l2', 'l3', 'l4', 'l5', 'l6'] },
  },
  'curves: mean over seeds': {
    tag: 'medr1-curves',
    options: {
      runs: [1, 2, 3, 4].map((seed) => ({
        id: `s${seed}`,
        name: `Seed ${seed}`,
        steps: 120,
        total: 120,
        seed,
        config: { seed, beta: seed > 2 ? 0.04 : 0 },
      })),
    },
    select: { runs: ['s1', 's2', 's3', 's4'] },
    curves: { groupBy: 'seed' },
  },
  'curves: rollouts': {
    tag: 'medr1-curves',
    options: { runs },
    select: { runs: ['r1'] },
    curves: { search: 'rollouts', axis: 'time' },
  },
  'curves: pauses cut out': {
    tag: 'medr1-curves',
    options: {
      runs: [
        {
          id: 'p1',
          name: 'Paused twice',
          steps: 120,
          total: 120,
          pauses: [
            [30, 6],
            [80, 125],
          ],
        },
        { id: 'p2', name: 'Paused once', steps: 90, total: 120, seed: 3, pauses: [[60, 0.75]] },
      ],
    },
    select: { runs: ['p1', 'p2'] },
    curves: { axis: 'training' },
  },
  'curves: rollouts of several runs': {
    tag: 'medr1-curves',
    options: { runs },
    select: { runs: ['r1', 'r3'] },
    curves: { folded: ['Completions', 'Loss', 'Optimisation', 'Time', 'Other'] },
  },
  'curves: new chart': {
    tag: 'medr1-curves',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      ask(element, '[data-testid=new-chart]')!.click();
      await settle();
    },
  },
  'curves: menu of a chart': {
    tag: 'medr1-curves',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      const menu = element.shadowRoot!.querySelector('medr1-chart')!.shadowRoot!.querySelector<HTMLElement>('[data-testid=chart-menu]')!;
      menu.shadowRoot!.querySelector('button')!.click();
      await settle();
    },
  },
  'curves: 100,000 steps': { tag: 'medr1-curves', options: { runs: [{ id: 'long', steps: 100_000, total: 100_000 }] } },
  'curves: nothing chosen': { tag: 'medr1-curves', options: {} },
  'curves: error': {
    tag: 'medr1-curves',
    options: { runs },
    select: { runs: ['r1'] },
    after: (_element, workbench, connector) => {
      connector.options.failure = down;
      workbench.selection.move({ runs: ['r2'] });
    },
  },
  'pair: step': { tag: 'medr1-pair', options: { runs: paired }, select: { runs: ['r1'], step: 40 } },
  'pair: following': { tag: 'medr1-pair', options: { runs: paired }, select: { runs: ['n1'] } },
  'pair: completion chosen': {
    tag: 'medr1-pair',
    options: {
      runs: paired,
      completionText: (_step, _group, index) => (index % 2 ? '<script>alert(1)</script> \u202e' + 'x'.repeat(300) : ''),
    },
    select: { runs: ['n1'], step: 40, group: 0, completion: 1 },
  },
  'pair: none chosen': { tag: 'medr1-pair', options: { runs: [...runs, ...paired] }, select: { runs: ['r3'] } },
  'pair: other deleted': { tag: 'medr1-pair', options: { runs: [paired[0]] }, select: { runs: ['r1'] } },
  'pair: no step yet': {
    tag: 'medr1-pair',
    options: { runs: paired.map((run) => ({ ...run, steps: 0, state: 'starting' as const })) },
    select: { runs: ['r1'] },
  },
  'rollouts: step': { tag: 'medr1-rollouts', options: { runs }, select: { runs: ['r1'], step: 40, group: 1, completion: 2 } },
  'rollouts: the same once': {
    tag: 'medr1-rollouts',
    options: { runs },
    select: { runs: ['r1'], step: 40, group: 1, completion: 2 },
    after: (_element, workbench) => workbench.rollouts.set({ fold: true }),
  },
  'rollouts: against the chosen one': {
    tag: 'medr1-rollouts',
    options: { runs },
    select: { runs: ['r1'], step: 40, group: 1, completion: 2 },
    after: (_element, workbench) => workbench.rollouts.set({ layout: 'differences' }),
  },
  'rollouts: tree of beginnings': {
    tag: 'medr1-rollouts',
    options: { runs },
    select: { runs: ['r1'], step: 40, group: 1, completion: 2 },
    after: (_element, workbench) => workbench.rollouts.set({ layout: 'tree' }),
  },
  'rollouts: hostile text': {
    tag: 'medr1-rollouts',
    options: { runs, completionText: () => `<think>${hostile}</think> stray ${hostile} <answer>${hostile}</answer>` },
    select: { runs: ['r1'], step: 3, group: 0 },
  },
  'rollouts: answers of every form': {
    tag: 'medr1-rollouts',
    options: { runs, completionText: (_step, _group, index) => ODD_ANSWERS[index] },
    select: { runs: ['r1'], step: 3, group: 0 },
  },
  'rollouts: log-probability': {
    tag: 'medr1-rollouts',
    options: { runs },
    select: { runs: ['r1'], step: 40, group: 1, completion: 2, token: 7 },
    after: (element) => colour(element, 'logprob'),
  },
  'rollouts: advantage': {
    tag: 'medr1-rollouts',
    options: { runs },
    select: { runs: ['r1'], step: 40, group: 1 },
    after: (element) => colour(element, 'advantage'),
  },
  'rollouts: entropy': {
    tag: 'medr1-rollouts',
    options: { runs },
    select: { runs: ['r1'], step: 40, group: 1, completion: 2, token: 7 },
    after: (element) => colour(element, 'entropy'),
  },
  'rollouts: KL': {
    tag: 'medr1-rollouts',
    options: { runs },
    select: { runs: ['r1'], step: 40, group: 1 },
    after: (element) => colour(element, 'kl'),
  },
  'rollouts: ratio': {
    tag: 'medr1-rollouts',
    options: { runs: [{ ...running, config: { num_iterations: 2 } }] },
    select: { runs: ['r1'], step: 41, group: 1, completion: 2, token: 7 },
    after: (element) => colour(element, 'ratio'),
  },
  'rollouts: used again': {
    tag: 'medr1-rollouts',
    options: { runs: [{ ...running, config: { num_iterations: 2 } }] },
    select: { runs: ['r1'], step: 42 },
  },
  'rollouts: entropy that is not stored': {
    tag: 'medr1-rollouts',
    options: { runs: [{ ...running, old: true }] },
    select: { runs: ['r1'], step: 40, group: 1 },
    after: (_element, workbench) => workbench.rollouts.set({ colouring: 'entropy' }),
  },
  'rollouts: no step': { tag: 'medr1-rollouts', options: { runs: [{ id: 'a', steps: 0 }] } },
  'rollouts: sft': { tag: 'medr1-rollouts', options: { runs }, select: { runs: ['r6'] } },
  'inspector: rollout': { tag: 'medr1-inspector', options: { runs }, select: { runs: ['r1'], step: 100, group: 1, completion: 2 } },
  'inspector: token': { tag: 'medr1-inspector', options: { runs }, select: { runs: ['r1'], step: 100, group: 1, completion: 2, token: 7 } },
  'inspector: alternatives of a token': {
    tag: 'medr1-inspector',
    options: { runs },
    select: { runs: ['r1'], step: 100, group: 1, completion: 2, token: 7 },
    after: async (_element, workbench) => {
      await workbench.alternatives.ask({ run: 'r1', rollout: { step: 100, group: 1, completion: 2 } });
    },
  },
  'inspector: where it looked': {
    tag: 'medr1-inspector',
    options: { runs },
    select: { runs: ['r1'], step: 100, group: 1, completion: 2, token: 7 },
    after: (element) => askAbout(element, 'where', 'map-ask'),
  },
  'inspector: where it looked, being checked': {
    tag: 'medr1-inspector',
    options: { runs },
    select: { runs: ['r1'], step: 100, group: 1, completion: 2, token: 7 },
    after: async (element, _workbench, { explain }) => {
      const { attribution } = explain;
      explain.attribution = (ask, signal) => (ask?.orders === 0 ? attribution(ask, signal) : new Promise<never>(() => {}));
      await askAbout(element, 'where', 'map-ask');
    },
  },
  'inspector: where it looked, words': {
    tag: 'medr1-inspector',
    options: { runs },
    select: { runs: ['r1'], step: 100, group: 1, completion: 2, token: 7 },
    after: async (element) => {
      const panel = await explainOf(element);
      const method = panel.querySelector<HTMLSelectElement>('[data-testid=map-method]')!;
      method.value = 'gradient';
      method.dispatchEvent(new Event('change'));
      await askAbout(element, 'where', 'map-ask');
    },
  },
  'inspector: when it decided': {
    tag: 'medr1-inspector',
    options: { runs },
    select: { runs: ['r1'], step: 100, group: 1, completion: 2 },
    after: async (element) => {
      await askAbout(element, 'when', 'decision-ask');
      await askAbout(element, 'when', 'change');
      await askAbout(element, 'when', 'change-ask');
    },
  },
  'inspector: a question that nobody answers': {
    tag: 'medr1-inspector',
    options: { runs },
    select: { runs: ['r1'], step: 100, group: 1, completion: 2 },
    after: async (element, _workbench, connector) => {
      await explainOf(element); // the completion has come
      connector.options.failure = {
        code: 'CHECKPOINT_UNKNOWN',
        message: 'Run r1 has no checkpoint any more, and the model that it started from is not at sample/model.',
        remedy: 'Put the model back, or resume the run: a policy in training can be asked.',
      };
      await askAbout(element, 'where', 'map-ask');
    },
  },
  'inspector: entropy': {
    tag: 'medr1-inspector',
    options: { runs },
    select: { runs: ['r1'], step: 100, group: 1, completion: 2 },
    after: (_element, workbench) => workbench.rollouts.set({ colouring: 'entropy' }),
  },
  'inspector: ratio': {
    tag: 'medr1-inspector',
    options: { runs: [{ ...running, config: { num_iterations: 2 } }] },
    select: { runs: ['r1'], step: 101, group: 1, completion: 2, token: 7 },
    after: (_element, workbench) => workbench.rollouts.set({ colouring: 'ratio' }),
  },
  'inspector: question': {
    tag: 'medr1-inspector',
    options: { runs },
    select: { runs: ['r1', 'r3'] },
    after: chooseItem(({ modality, sha256 }) => modality.startsWith('Fundus') && sha256 !== null),
  },
  'inspector: step': { tag: 'medr1-inspector', options: { runs }, select: { runs: ['r1'], step: 90 } },
  'inspector: hostile text': {
    tag: 'medr1-inspector',
    options: { runs, completionText: () => `<think>${hostile}</think> stray ${hostile} <answer>${hostile}</answer>` },
    select: { runs: ['r1'], step: 3, group: 0 },
  },
  'inspector: nothing selected': { tag: 'medr1-inspector', options: { runs } },
  'inspector: loading': { tag: 'medr1-inspector', options: { silent: true }, select: { runs: ['r1'], step: 3, group: 0 } },
  'inspector: error': { tag: 'medr1-inspector', options: { failure: down }, select: { runs: ['r1'], step: 3, group: 0 } },
  'data: grid': { tag: 'medr1-data', options: { runs }, select: { runs: ['r1', 'r2'] } },
  'data: filtered': {
    tag: 'medr1-data',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (_element, workbench) => {
      workbench.data.apply({
        facets: { modality: ['X-Ray', 'CT(Computed Tomography)'], 'run:r1': ['wrong', 'mixed'] },
        q: 'abnormality edema',
      });
      await settle();
      await workbench.data.pick(1);
      await workbench.data.pick(5, 'extend');
    },
  },
  'data: by image': {
    tag: 'medr1-data',
    options: {},
    after: (_element, workbench) => workbench.data.apply({ group: 'image' }),
  },
  'data: 90,000 questions': { tag: 'medr1-data', options: { data: { datasets: [{ name: 'omnimedvqa', items: 90_000 }] } } },
  'data: images not read yet': {
    tag: 'medr1-data',
    options: {
      data: {
        datasets: [{ name: 'omnimedvqa', items: 3000, hashed: 0.3 }],
        jobs: [
          {
            name: 'omnimedvqa',
            dir: '/data/omnimedvqa',
            state: 'running',
            phase: 'images',
            done: 612,
            total: 2100,
            started_at: 0,
            seconds_left: 14,
            error: null,
          },
        ],
      },
    },
  },
  'data: hostile text': {
    tag: 'medr1-data',
    options: { data: { item: (item) => ({ ...item, question: hostile, options: [hostile, 'b'], modality: hostile, splits: [hostile] }) } },
    after: (_element, workbench) => workbench.data.apply({ q: 'img script' }),
  },
  'data: empty': { tag: 'medr1-data', options: { data: { datasets: [] } } },
  'data: choose a folder': {
    tag: 'medr1-data',
    options: { data: { datasets: [] } },
    after: async (element) => {
      await settle();
      ask(element, '[data-testid=add-folder]')!.click();
    },
  },
  'data: nothing passes': {
    tag: 'medr1-data',
    options: {},
    after: (_element, workbench) => workbench.data.apply({ q: 'nowhere' }),
  },
  'data: loading': { tag: 'medr1-data', options: { silent: true } },
  'data: error': { tag: 'medr1-data', options: { failure: down } },
  'alerts: seen': { tag: 'medr1-alerts', options: { runs, alerts: ALERTS }, select: { runs: ['r1'] } },
  'alerts: a run that ended': {
    tag: 'medr1-alerts',
    options: { runs, alerts: ALERTS.map((one) => ({ ...one, on: false })) },
    select: { runs: ['r3'] },
  },
  'alerts: rules': {
    tag: 'medr1-alerts',
    options: { runs, alerts: [ALERTS[0]] },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      const rules = ask(element, 'medr1-alert-rules')!;
      ask(rules, 'summary')!.click();
    },
  },
  'alerts: rules of your own': {
    tag: 'medr1-alerts',
    options: { runs, alerts: [ALERTS[0]] },
    select: { runs: ['r1'] },
    after: async (element, _workbench, connector) => {
      connector.alertSettingsOfAll.rules = { 'KL creeps': "(m) => m.mean('kl', 20) > 0.3", [hostile]: '() => false' };
      await settle();
      const rules = ask(element, 'medr1-alert-rules')!;
      Object.assign(rules, { failures: { 'KL creeps': "TypeError: cannot read property 'mean' of undefined" } });
      ask(rules, 'summary')!.click();
      await settle();
      const own = ask(rules, 'medr1-own-rules')!;
      ask(own, 'summary')!.click();
      ask(own, '[data-testid=new-rule] summary')!.click();
      const field = ask(ask(own, '[data-testid=new-rule] medr1-source-editor')!, 'textarea') as HTMLTextAreaElement;
      field.value = "(m) => {\n  return m.now('entrpy') < 0.1";
      field.dispatchEvent(new Event('input'));
      own.scrollIntoView();
    },
  },
  'alerts: nothing seen': { tag: 'medr1-alerts', options: { runs }, select: { runs: ['r1'] } },
  'alerts: no run': { tag: 'medr1-alerts', options: { runs: [] } },
  'alerts: hostile text': {
    tag: 'medr1-alerts',
    options: {
      runs,
      alerts: [
        { ...ALERTS[2], rule: 'mine', title: '<script>alert(1)</script>', seen: `\u202e${'x'.repeat(400)} <img src=x onerror=alert(1)>` },
      ],
    },
    select: { runs: ['r1'] },
  },
  'lineage: a family': { tag: 'medr1-lineage', options: lineage, select: { runs: ['late'] } },
  'lineage: many': {
    tag: 'medr1-lineage',
    options: {
      runs: Array.from({ length: 80 }, (_, at) => ({
        ...{ id: `r${at}`, name: `Sweep, member ${at}`, steps: 240 - at, seed: at },
        ...(at > 0 && { parent: `r${at % Math.min(at, 7)}`, inherited: [shared(`r${at % Math.min(at, 7)}`, 'Sweep', 40 + at)] }),
      })),
    },
    select: { runs: ['r9'] },
  },
  'lineage: the parent was removed': {
    tag: 'medr1-lineage',
    options: { ...lineage, runs: lineage.runs.filter(({ id }) => id !== 'r1') },
    select: { runs: ['late'] },
  },
  'lineage: no relative': { tag: 'medr1-lineage', options: { runs }, select: { runs: ['r2'] } },
  'lineage: no run': { tag: 'medr1-lineage', options: { runs: [] } },
  'lineage: loading': { tag: 'medr1-lineage', options: { silent: true } },
  'lineage: error': { tag: 'medr1-lineage', options: { failure: down } },
  'lineage: hostile text': {
    tag: 'medr1-lineage',
    options: {
      runs: [
        { ...running, name: hostile },
        { ...running, id: 'x', parent: 'r1', steps: 99, name: `\u202e${'x'.repeat(200)}` },
      ],
    },
    select: { runs: ['x'] },
  },
  'alerts: error': { tag: 'medr1-alerts', options: { failure: down } },
  'rewards: live': { tag: 'medr1-rewards', options: { runs }, select: { runs: ['r1'] } },
  'rewards: a pair': {
    tag: 'medr1-rewards',
    options: { runs: paired, fixed: { num_generations: 'the runs of a pair see the same questions, and would no longer' } },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      Object.assign(ask(element, 'medr1-run-settings')!, { opened: true });
    },
  },
  'rewards: edited': {
    tag: 'medr1-rewards',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      const input = ask(element, 'input[type=number]') as HTMLInputElement;
      input.value = '0.5';
      input.dispatchEvent(new Event('change'));
      await settle();
      ask(element, '[data-testid=reward-preview]')!.click();
    },
  },
  'rewards: new function': {
    tag: 'medr1-rewards',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      ask(element, '[data-testid=add-typescript]')!.click();
      await settle();
      ask(element, '[data-testid=reward-preview]')!.click();
    },
  },
  'rewards: values listed': {
    tag: 'medr1-rewards',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element) => {
      for (const button of ['add-typescript', 'reward-preview', 'read-values']) {
        await settle();
        ask(element, `[data-testid=${button}]`)!.click();
      }
    },
  },
  'rewards: function fails': {
    tag: 'medr1-rewards',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      ask(element, '[data-testid=add-typescript]')!.click();
      await settle();
      const field = ask(element, 'medr1-source-editor')!.shadowRoot!.querySelector('textarea')!;
      field.value = 'export default (completions) => {\n  throw new Error();\n};';
      field.dispatchEvent(new Event('input'));
      await settle();
      ask(element, '[data-testid=reward-preview]')!.click();
    },
  },
  'rewards: source changed': {
    tag: 'medr1-rewards',
    options: { runs, rewards: revisions },
    select: { runs: ['r1'] },
    after: async (element) => {
      await go(element, 'edit-source');
      const field = ask(element, 'medr1-source-editor')!.shadowRoot!.querySelector('textarea')!;
      field.value = field.value.replace('/ 200', '/ 400').replace('return null; // does not apply', 'return 0;');
      field.dispatchEvent(new Event('input'));
      await go(element, 'reward-preview');
    },
  },
  'rewards: Python function': {
    tag: 'medr1-rewards',
    options: { runs, rewards: served },
    select: { runs: ['r1'] },
    after: async (element) => {
      await go(element, 'edit-source');
    },
  },
  'rewards: parameters and schedules': {
    tag: 'medr1-rewards',
    options: { runs, schema, fixed: { beta: 'it began with beta 0, so there is no reference model to take the KL divergence to' } },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      const add = ask(element, '[data-testid=add-built-in]') as HTMLSelectElement;
      add.value = 'soft_overlong_punishment';
      add.dispatchEvent(new Event('change'));
      await settle();
      ask(element, '[data-reward=soft_overlong_punishment] [data-testid=open-parameters]')!.click();
      ask(element, '[data-reward=format] [data-testid=follow-step]')!.click();
      await settle();
      const to = ask(element, '[data-testid=schedule-to]') as HTMLInputElement;
      to.value = '0.1';
      to.dispatchEvent(new Event('change'));
      await settle();
      ask(element, 'medr1-run-settings')!.shadowRoot!.querySelector('details')!.open = true;
    },
  },
  'rewards: history': {
    tag: 'medr1-rewards',
    options: { runs, rewards: revisions },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      for (const one of element.shadowRoot!.querySelectorAll('details')) one.open = true;
      ask(element, '[data-testid=revision-entry]')!.scrollIntoView();
    },
  },
  'rewards: not active': { tag: 'medr1-rewards', options: { runs }, select: { runs: ['r3'] } },
  'sample: question': {
    tag: 'medr1-sample',
    options: { runs },
    select: { runs: ['r1', 'r3'] },
    after: chooseItem(({ modality, sha256 }) => modality.startsWith('Fundus') && sha256 !== null),
  },
  'sample: CT, windowed': {
    tag: 'medr1-sample',
    options: { runs },
    select: { runs: ['r1'] },
    after: chooseItem(({ modality, sha256 }) => modality.startsWith('CT') && sha256 !== null),
  },
  'sample: prompt and answers': {
    tag: 'medr1-sample',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element, workbench, connector) => {
      await chooseItem(({ sha256 }) => sha256 !== null)!(element, workbench, connector);
      ask(element, 'medr1-try')!.shadowRoot!.querySelector<HTMLElement>('[data-testid=try-run]')!.click();
      ask(element, 'medr1-try')!.shadowRoot!.querySelector<HTMLElement>('[data-testid=as-tokens]')!.click();
      for (const id of ['prompt', 'record']) (ask(element, `[data-testid=${id}]`) as HTMLDetailsElement).open = true;
      await settle();
      ask(element, '[data-testid=prompt] medr1-prompt')!.shadowRoot!.querySelector<HTMLElement>('input[type=checkbox]')?.click();
      ask(element, 'medr1-try')!.scrollIntoView();
    },
  },
  'sample: several models, other words': {
    tag: 'medr1-sample',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element, workbench, connector) => {
      await chooseItem(({ sha256 }) => sha256 !== null)!(element, workbench, connector);
      const area = ask(element, 'medr1-try')!.shadowRoot!;
      const press = async (selector: string): Promise<void> => {
        await settle();
        area.querySelector<HTMLElement>(selector)!.click();
      };
      await press('[data-testid=try-run]');
      await press('[data-testid=edit-question]');
      await press('[data-testid=try-beside] summary');
      await press('[data-policy]');
      await press('[data-testid=try-run]');
    },
  },
  'sample: a model that is busy': {
    tag: 'medr1-sample',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element, workbench, connector) => {
      const busy = { code: 'GENERATE_BUSY', message: '8 questions are waiting for an answer.', remedy: 'Ask again in a moment.' };
      connector.generate = () => Promise.reject(Object.assign(new Error(busy.message), busy));
      await chooseItem(({ sha256 }) => sha256 !== null)!(element, workbench, connector);
      ask(element, 'medr1-try')!.shadowRoot!.querySelector<HTMLElement>('[data-testid=try-run]')!.click();
    },
  },
  'sample: image missing': { tag: 'medr1-sample', options: { runs }, after: chooseItem(({ problem }) => problem === 'image-missing') },
  'sample: hostile text': {
    tag: 'medr1-sample',
    options: {
      runs,
      data: { item: (item) => ({ ...item, question: hostile, options: [hostile, 'b'], modality: hostile, splits: [hostile] }) },
    },
    after: chooseItem(() => true),
  },
  'sample: nothing chosen': { tag: 'medr1-sample', options: { runs } },
  'sample: loading': { tag: 'medr1-sample', options: { silent: true }, select: { dataset: 'omnimedvqa', item: 'x' } },
  'sample: error': { tag: 'medr1-sample', options: { failure: down }, select: { dataset: 'omnimedvqa', item: 'x' } },
  'search: not searched yet': { tag: 'medr1-search', options: { runs }, select: { runs: ['r1'] } },
  'search: words, notes': {
    tag: 'medr1-search',
    options: { runs },
    select: { runs: ['r1'] },
    after: (element) => searched(element, 'small'),
  },
  'search: filters, several runs': {
    tag: 'medr1-search',
    options: { runs },
    select: { runs: ['r1', 'r3'] },
    after: async (element) => {
      (element as SearchView).model.set({ verdict: 'wrong', from: '10', flag: 'think-disagrees' });
      await searched(element, '');
    },
  },
  'search: hostile texts': {
    tag: 'medr1-search',
    options: { runs, completionText: () => `${hostile} \u202Eright to left\u202C zero\u200bwidth \u001b[31mred ${'x'.repeat(3000)}` },
    select: { runs: ['r1'] },
    after: (element) => searched(element, 'script'),
  },
  'search: a question followed': {
    tag: 'medr1-search',
    options: { runs },
    select: { runs: ['r1', 'r3'] },
    after: async (element) => {
      const { model } = element as SearchView;
      await searched(element, '');
      model.set({ item: model.state.value.hits[0]?.item_id ?? '', order: 'oldest' });
      await searched(element, '');
    },
  },
  'search: phrases': {
    tag: 'medr1-search',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      await go(element, 'tab-phrases');
      await go(element.shadowRoot!.querySelector('medr1-search-phrases') as HTMLElement, 'compare-phrases');
    },
  },
  'search: families': {
    tag: 'medr1-search',
    options: { runs, completionText: () => hostile },
    select: { runs: ['r1'] },
    after: async (element) => {
      await settle();
      await go(element, 'tab-families');
      await go(element.shadowRoot!.querySelector('medr1-search-families') as HTMLElement, 'gather-families');
    },
  },
  'search: saved': {
    tag: 'medr1-search',
    options: { runs },
    select: { runs: ['r1'], search: 's1' },
    after: async (element, _workbench, connector) => {
      connector.savedSearches = ['Unsure, but right', hostile].map((name, at) => ({
        ...{ id: `s${at + 1}`, name, created_at: 0, updated_at: 0 },
        query: { text: 'small', verdict: ['right'] },
      }));
      await (element as SearchView).model.loadSaved();
      await settle();
      await go(element, 'rename-search');
    },
  },
  'search: indexing': {
    tag: 'medr1-search',
    options: { runs: [{ ...running, old: true }] },
    select: { runs: ['r1'] },
    after: (element) => searched(element, ''),
  },
  'search: nothing found': {
    tag: 'medr1-search',
    options: { runs },
    select: { runs: ['r1'] },
    after: (element) => searched(element, 'zzz'),
  },
  'search: bad expression': {
    tag: 'medr1-search',
    options: { runs },
    select: { runs: ['r1'] },
    after: async (element) => {
      (element as SearchView).model.set({ mode: 'regexp' });
      await searched(element, '(');
    },
  },
  'trash: entries': {
    tag: 'medr1-trash',
    options: {
      runs,
      trash: [
        { id: 'run-a-2', kind: 'run', of: 'a', name: 'Demo, think', removed_at: 2 },
        {
          id: 'evaluation-b-1',
          kind: 'evaluation',
          of: 'b',
          name: '<b>a name with markup</b> that is too long for a narrow panel',
          removed_at: 1,
        },
      ],
    },
  },
  'trash: empty': { tag: 'medr1-trash', options: { runs } },
  'search: no run': { tag: 'medr1-search', options: { runs: [] } },
  'audit: findings': { tag: 'medr1-audit', options: {}, select: { dataset: 'omnimedvqa' }, after: settle },
  'audit: images not decoded': {
    tag: 'medr1-audit',
    options: {},
    after: async (_element, workbench, connector) => {
      const { audit } = connector.data;
      connector.data.audit = async (name) => {
        const made = await audit(name);
        const near_duplicates = { looked: false, pairs: 0, examples: [] };
        return { ...made, near_duplicates, splits: made.splits.map((split) => ({ ...split, near_overlap: null })) };
      };
      workbench.selection.move({ dataset: 'omnimedvqa' });
      await settle();
    },
  },
  'audit: nothing found': {
    tag: 'medr1-audit',
    options: {},
    after: async (_element, workbench, connector) => {
      const { audit } = connector.data;
      connector.data.audit = async (name) => ({ ...(await audit(name)), findings: [], splits: [], prior_matrix: {}, problems: {} });
      workbench.selection.move({ dataset: 'omnimedvqa' });
      await settle();
    },
  },
  'audit: split drawn': {
    tag: 'medr1-audit',
    options: {},
    after: async (element) => {
      await settle();
      ask(element, '[data-testid=draw-split]')!.click();
      await settle();
      ask(element, '[data-testid=make-split]')!.scrollIntoView();
    },
  },
  'audit: loading': {
    tag: 'medr1-audit',
    options: {},
    after: (_element, workbench, connector) => {
      connector.data.audit = () => new Promise(() => {});
      workbench.selection.move({ dataset: 'omnimedvqa' });
    },
  },
  'audit: no data set': { tag: 'medr1-audit', options: { data: { datasets: [] } } },
  'audit: error': { tag: 'medr1-audit', options: { failure: down } },
  'evaluation: list': { tag: 'medr1-evaluation', options: { runs, evals } },
  'evaluation: empty': { tag: 'medr1-evaluation', options: { runs } },
  'evaluation: loading': { tag: 'medr1-evaluation', options: { silent: true } },
  'evaluation: error': { tag: 'medr1-evaluation', options: { failure: down } },
  'evaluation: one': {
    tag: 'medr1-evaluation',
    options: { runs, evals: evals.slice(1) },
    after: (element) => go(element, 'open-evaluation'),
  },
  'evaluation: hostile text': {
    tag: 'medr1-evaluation',
    options: { evals: [{ id: 'h', name: hostile, text: `<think>${hostile}</think>${hostile}<answer>${hostile}</answer>` }] },
    after: (element) => go(element, 'open-evaluation'),
  },
  'evaluation: matrices': {
    tag: 'medr1-evaluation',
    options: { runs, evals: fakeMatrix() },
    after: (element) => go(element, 'go-matrices'),
  },
  'evaluation: no matrix': { tag: 'medr1-evaluation', options: { evals }, after: (element) => go(element, 'go-matrices') },
  'evaluation: new': {
    tag: 'medr1-evaluation',
    options: { runs, evals },
    select: { runs: ['r1'] },
    after: (element) => go(element, 'go-new'),
  },
  'compare: two': { tag: 'medr1-compare', options: { runs, evals }, select: { evaluations: evals.slice(0, 2).map(({ id }) => id) } },
  'compare: four': {
    tag: 'medr1-compare',
    options: { runs, evals: fakeMatrix() },
    select: {
      evaluations: fakeMatrix()
        .slice(0, 4)
        .map(({ id }) => id),
    },
  },
  'compare: two splits': {
    tag: 'medr1-compare',
    options: {
      runs,
      evals: [evals[0], { ...evals[1], id: 'other', split: 'question_type/test', from: 90, state: 'running', answered: 60 }],
    },
    select: { evaluations: [evals[0].id, 'other'] },
  },
  'compare: matrices': {
    tag: 'medr1-compare',
    options: { runs, evals: fakeMatrix().slice(0, 12) },
    select: {
      evaluations: fakeMatrix()
        .slice(0, 2)
        .map(({ id }) => id),
    },
    after: async (element) => {
      await settle();
      element.shadowRoot!.querySelector('details')!.open = true;
    },
  },
  'compare: samples': {
    tag: 'medr1-compare',
    options: {
      runs,
      evals: [
        { ...evals[0], samples: 16 },
        { ...evals[1], samples: 8 },
      ],
    },
    select: { evaluations: evals.slice(0, 2).map(({ id }) => id) },
  },
  'compare: reasoning': {
    tag: 'medr1-compare',
    options: {
      runs,
      evals: [
        { ...evals[0], variant: 'think', tested: 120 },
        { ...evals[1], variant: 'think', tested: 40, testing: true },
        { ...evals[2], id: 'direct', variant: 'no-think', tested: 120, items: 200, answered: 200, state: 'finished', from: 0 },
      ],
    },
    select: { evaluations: [evals[0].id, evals[1].id, 'direct'] },
    after: async (element) => {
      await settle();
      element.shadowRoot!.querySelector('medr1-evaluation-reasoning')!.scrollIntoView();
    },
  },
  'compare: nothing chosen': { tag: 'medr1-compare', options: { runs, evals } },
  'compare: no evaluation': { tag: 'medr1-compare', options: { runs } },
  'compare: loading': { tag: 'medr1-compare', options: { silent: true }, select: { evaluations: ['a', 'b'] } },
  'compare: error': { tag: 'medr1-compare', options: { runs, evals }, select: { evaluations: ['r9@3', evals[0].id] } },
  'compare: hostile text': {
    tag: 'medr1-compare',
    options: {
      evals: ['h', 'i'].map((id) => ({
        ...{ id, name: hostile, split: hostile, rate: id === 'h' ? 1 : 0, items: 40 },
        text: `<think>${hostile}</think>${hostile}<answer>${hostile}</answer>`,
      })),
    },
    select: { evaluations: ['h', 'i'] },
  },
  'new run: empty': { tag: 'medr1-new-run', options: { schema } },
  'new run: demo': {
    tag: 'medr1-new-run',
    options: { schema },
    after: async (element) => {
      await settle();
      ask(element, '[data-testid=preset-demo]')!.click();
      await settle();
    },
  },
  'new run: does not fit': {
    tag: 'medr1-new-run',
    options: {
      schema,
      estimate: {
        fits: false,
        least_devices: 4,
        total_bytes: 41e9,
        available_bytes: 20e9,
        advice: ['use_peft: true needs 31 GB less.', 'gradient_checkpointing: true needs 4 GB less.'],
      },
    },
    after: async (element) => {
      await settle();
      ask(element, '[data-testid=preset-demo]')!.click();
    },
  },
  'new run: wrong values': {
    tag: 'medr1-new-run',
    options: { schema },
    after: async (element) => {
      await settle();
      for (const [key, value] of [
        ['temperature', '-1'],
        ['num_generations', '2.5'],
        ['epsilon', 'x'],
      ]) {
        const field = ask(element, `#field-${key}`) as HTMLInputElement;
        field.value = value;
        field.dispatchEvent(new Event('input'));
      }
    },
  },
  'new run: reward functions': {
    tag: 'medr1-new-run',
    options: { schema },
    properties: {
      files: {
        chooseRewards: () => Promise.resolve(Object.keys(REWARD_FILES)),
        read: (file: string) => Promise.resolve(REWARD_FILES[file]),
        onSaved: () => ({ close: () => {} }),
      },
    },
    after: async (element) => {
      await go(element, 'preset-demo');
      const path = ask(element, '[data-testid=reward-path]') as HTMLInputElement;
      path.value = '/data/rewards/gone.ts';
      path.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
      await go(element, 'choose-rewards');
      await new Promise((resolve) => setTimeout(resolve, 800));
      ask(element, '[data-testid=field-reward_funcs]')!.scrollIntoView();
    },
  },
  'new run: error': { tag: 'medr1-new-run', options: { failure: down } },
  'cell: a run': liveCell({ kind: 'runs', runs: ['r1'] }, opening()),
  'cell: two runs': liveCell({ kind: 'runs', runs: ['r1', 'r2'] }, [
    ...opening({ name: 'thinking' }),
    ...opening({ id: 'r2', name: 'no-thinking' }, 0.2),
  ]),
  'cell: nothing yet': liveCell({ kind: 'runs', runs: ['r1'] }, []),
  'cell: failed': liveCell({ kind: 'runs', runs: ['r1'] }, [runPart({ state: 'failed', error: down, step: 0, reward: null })]),
  'cell: a group': liveCell({ kind: 'group', run: 'r1' }, [groupPart(), imagePart()]),
};
