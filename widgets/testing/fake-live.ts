/** The messages of a kernel to a live cell, and anywidget's model as a host without a kernel gives it. */
import type { AnyModel } from '../src/live/host.ts';
import type { LiveSummary, Message, Part, ShownGroup } from '../src/live/messages.ts';

type Of<Name extends Part['part']> = Extract<Part, { part: Name }>;

export const summary = (given: Partial<LiveSummary> = {}): LiveSummary => ({
  id: 'r1',
  name: 'one',
  parent: null,
  inherited: [],
  pair: null,
  state: 'running',
  trainer: 'grpo',
  variant: 'think',
  created_at: 0,
  started_at: 0,
  ended_at: null,
  step: 40,
  total_steps: 60,
  reward: 1.234,
  rollouts_per_s: 18.4,
  eta_s: 75,
  device: 'cpu',
  error: null,
  alert: null,
  seq: 40,
  waits_since: null,
  ...given,
});

export const runPart = (given: Partial<LiveSummary> = {}): Of<'run'> => ({
  part: 'run',
  run: given.id ?? 'r1',
  summary: summary(given),
  checkpoints: [{ step: 30, path: '/runs/r1/checkpoint-30', created_at: 0, reason: 'periodic', pinned: false, bytes: 1 }],
  rewards: [
    { revision: 1, step: 1, weights: { accuracy: 1, format: 1 }, sources: {}, reason: '', author: 'start', created_at: 0 },
    {
      revision: 2,
      step: 20,
      weights: { accuracy: 1, format: 0.5 },
      sources: {},
      reason: 'the format is learnt',
      author: 'notebook',
      created_at: 0,
    },
  ],
});

/** `count` steps from `first` on, of a reward that rises and wobbles. */
export function pointsPart(first = 1, count = 40, run = 'r1', lift = 0): Of<'points'> {
  const step = Array.from({ length: count }, (_, at) => first + at);
  const wave = (at: number): number => Math.sin(at * 1.7) * 0.08;
  return {
    part: 'points',
    run,
    step,
    metrics: {
      reward: step.map((at) => 0.4 + lift + at / 50 + wave(at)),
      'rewards/accuracy/mean': step.map((at) => 0.2 + lift + at / 90 + wave(at + 1)),
      'rewards/format/mean': step.map((at) => Math.min(1, 0.3 + at / 30) + wave(at + 2) / 3),
      kl: step.map((at) => at * at * 1e-5),
      'completions/mean_length': step.map((at) => 60 - at / 2 + 20 * wave(at)),
    },
  };
}

export const group = (text: (index: number) => string, given: Partial<ShownGroup> = {}): ShownGroup => ({
  step: 40,
  group: 0,
  item_id: 'sample-12',
  image: 'Images/12.png',
  question: 'What abnormality is shown in this image?',
  options: ['cyst', 'nodule', 'no finding', 'effusion'],
  answer: 'B',
  modality: 'CT',
  question_type: 'Disease Diagnosis',
  reading: 'exact',
  prompt: 'What is shown? <think>',
  completions: Array.from({ length: 8 }, (_, index) => ({
    index,
    text: text(index),
    tokens: 30 + index,
    finish_reason: index === 7 ? 'length' : 'stop',
    rewards: { accuracy: index % 2, format: 1 },
    reward: 1 + (index % 2),
    advantage: index % 2 ? 0.94 : -0.94,
    prediction: index % 2 ? 'B' : 'A',
    correct: index % 2 === 1,
  })),
  ...given,
});

const SAID = (index: number): string =>
  `<think>The slice shows a ${index % 2 ? 'round, dense' : 'thin-walled'} structure at the left border; its edge is even.</think><answer>${index % 2 ? 'B' : 'A'}</answer>`;

export const groupPart = (run = 'r1', shown: ShownGroup | null = group(SAID)): Of<'group'> => ({
  part: 'group',
  run,
  step: 40,
  at: 0,
  steps: [1, 40],
  group: shown,
});

/** A grey square, 8 by 8. */
const GREY = 'R0lGODlhCAAIAIAAAICAgAAAACH5BAAAAAAALAAAAAAIAAgAAAIHhI+py+1dAAA7';
export const imagePart = (of = 'r1'): Of<'image'> => ({
  part: 'image',
  of,
  path: 'Images/12.png',
  url: `data:image/gif;base64,${GREY}`,
});

/** All that a page is told of a run when it opens. */
export const opening = (given: Partial<LiveSummary> = {}, lift = 0): Part[] => {
  const run = given.id ?? 'r1';
  return [{ part: 'reset', run }, runPart(given), pointsPart(1, 40, run, lift), groupPart(run), imagePart(run)];
};

/** anywidget's model: traits, and messages to and from nobody but the test. */
export class FakeModel implements AnyModel {
  readonly sent: Record<string, unknown>[] = [];
  readonly #traits: Record<string, unknown>;
  readonly #listeners = new Map<string, Set<(...given: never[]) => void>>();
  #number = 0;

  constructor(traits: Record<string, unknown> = { view: { kind: 'runs', runs: ['r1'] }, left: {} }) {
    this.#traits = traits;
  }

  get = (name: string): unknown => this.#traits[name];
  on = (event: string, listener: (...given: never[]) => void): void => {
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all.add(listener));
  };
  off = (event: string, listener?: (...given: never[]) => void): void => {
    if (listener) this.#listeners.get(event)?.delete(listener);
    else this.#listeners.delete(event);
  };
  send = (content: unknown): void => void this.sent.push(structuredClone(content) as Record<string, unknown>);

  set(name: string, value: unknown): void {
    this.#traits[name] = value;
    this.#emit(`change:${name}`);
  }

  /** The next message of the kernel; `n` to tell one that comes after a gap. */
  tell(parts: readonly Part[], n = this.#number + 1): void {
    this.#number = n;
    this.#emit('msg:custom', { n, parts: [...parts] } satisfies Message);
  }

  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #emit(event: string, ...given: unknown[]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(...(given as never[]));
  }
}
