/** Evaluations in memory: made-up, repeatable answers, with tables computed as the backend computes them. Nothing here is measured. */
import { permutedReport, report } from '../../kernel-bridge/src/evals/accuracy.ts';
import { chooseEvaluations } from '../../kernel-bridge/src/evals/choose.ts';
import { comparison, type Compared } from '../../kernel-bridge/src/evals/compare.ts';
import { matrices } from '../../kernel-bridge/src/evals/matrix.ts';
import { faithfulnessOf, reasoningPairs, type Asked, type AskedSet } from '../../kernel-bridge/src/evals/reasoning-curves.ts';
import { wilson } from '../../kernel-bridge/src/stats/wilson.ts';
import type {
  AnswerPage,
  Control,
  CreateEval,
  EvalAnswer,
  EvalDetail,
  EvalsConnector,
  EvalState,
  EvalSummary,
  Evaluation,
} from '../src/connector.ts';
import { random, seedOf } from './drawing.ts';

export interface FakeEval {
  id: string;
  name?: string;
  state?: EvalState;
  variant?: 'think' | 'no-think' | 'think-after';
  /** Chance that an answer is right. */
  rate?: number;
  items?: number;
  left_out?: number;
  /** Answered questions; all when left out. */
  answered?: number;
  controls?: Control[];
  trained?: EvalSummary['trained'];
  split?: string;
  error?: EvalSummary['error'];
  /** Answers drawn to each question, of which as many are right as of the greedy ones. */
  samples?: number;
  /** Number of its first question: another than 0 makes a split that overlaps with those of others. */
  from?: number;
  /** Text of every answer, where a state needs a certain one. */
  text?: string;
  /** Answers whose reasoning was tested, and whether more are being tested. */
  tested?: number;
  testing?: boolean;
}

type Answer = <T>(name: string, args: unknown[], value: () => T) => Promise<T>;

const MODALITIES = ['CT', 'MRI', 'X-Ray', 'Ultrasound', 'Dermoscopy', 'Fundus', 'OCT', 'Microscopy'];
const TYPES = ['Anatomy Identification', 'Disease Diagnosis', 'Lesion Grading', 'Modality Recognition', 'Other Biological Attributes'];
const START = Date.UTC(2026, 0, 5, 9, 30);

export class FakeEvals implements EvalsConnector {
  evals: FakeEval[];
  readonly #answer: Answer;

  constructor(evals: FakeEval[], answer: Answer) {
    this.evals = evals;
    this.#answer = answer;
  }

  list = (): Promise<EvalSummary[]> => this.#answer('list', [], () => this.evals.map((one) => this.summary(one)));
  get = (id: string): Promise<EvalDetail> =>
    this.#answer('get', [id], () => ({
      summary: this.summary(this.#of(id)),
      report: this.#report(this.#of(id)),
      unasked: [],
      directory: `evals/${id}`,
    }));
  start = (request: CreateEval): Promise<EvalSummary> =>
    this.#answer('start', [request], () => {
      const made: FakeEval = { id: 'new', state: 'queued', variant: request.variant, answered: 0, controls: request.controls };
      this.evals = [made, ...this.evals];
      return this.summary(made);
    });
  action: EvalsConnector['action'] = (id, body) => this.#answer('action', [id, body], () => this.summary(this.#of(id)));
  moveInQueue: EvalsConnector['moveInQueue'] = (id, move) => this.#answer('moveInQueue', [id, move], () => this.summary(this.#of(id)));
  remove = (id: string): Promise<{ trash: string; id: string }> =>
    this.#answer('remove', [id], () => ({ trash: `trash/evaluation-${id}`, id: `evaluation-${id}` }));
  answers = (id: string, query: Parameters<EvalsConnector['answers']>[1] = {}): Promise<AnswerPage> =>
    this.#answer('answers', [id, query], () => {
      const { filter = 'all', reading = 'strict', sight = 'image', against, beside = [], shared = false, limit = 50, offset = 0 } = query;
      const byItem = (id: string) => new Map(this.answersOf(this.#of(id), sight).map((one) => [one.item.id, one]));
      const others = new Map([...(against ? [against] : []), ...beside].map((id) => [id, byItem(id)]));
      const othersTo = (item: string) => [...others].flatMap(([id, rows]) => (rows.has(item) ? [[id, rows.get(item)!] as const] : []));
      const right = (one: EvalAnswer | undefined): boolean => one !== undefined && one[reading] === one.answer;
      const rows = this.answersOf(this.#of(id), sight).filter((one) => {
        if (shared && othersTo(one.item.id).length < others.size) return false;
        const other = against ? others.get(against)!.get(one.item.id) : undefined;
        if (filter === 'split') return othersTo(one.item.id).some(([, each]) => right(each) !== right(one));
        if (filter === 'right' || filter === 'wrong') return right(one) === (filter === 'right');
        if (filter === 'differing') return one.strict !== one.tolerant;
        if (filter === 'gained') return right(one) && !right(other);
        if (filter === 'lost') return !right(one) && right(other);
        return filter === 'all' || right(one) !== right(other);
      });
      const page = rows.slice(offset, offset + limit).map((one) => ({ ...one, others: Object.fromEntries(othersTo(one.item.id)) }));
      return { answers: page, total: rows.length };
    });
  compare: EvalsConnector['compare'] = ({ ids }) =>
    this.#answer('compare', [{ ids }], () =>
      comparison(
        chooseEvaluations(
          this.evals.map((one) => this.summary(one)),
          ids,
        ).map((summary): Compared => {
          const answers = this.answersOf(this.#of(summary.id));
          return {
            summary,
            asked: summary.items,
            byItem: new Map(answers.map((answer) => [answer.item.id, { answer, mark: null }])),
            samples: this.#samples(this.#of(summary.id)),
          };
        }),
      ),
    );
  matrix: EvalsConnector['matrix'] = ({ kind = 'modality' } = {}) =>
    this.#answer('matrix', [{ kind }], () =>
      matrices(
        this.evals.filter(({ trained }) => trained).map((one) => ({ summary: this.summary(one), report: report(this.answersOf(one)) })),
        kind,
      ),
    );
  compareFaithfulness: EvalsConnector['compareFaithfulness'] = ({ ids }) =>
    this.#answer('compareFaithfulness', [{ ids }], () => {
      const sets = ids.map((id) => this.#asked(this.#of(id)));
      const shared = ids.map((id) => new Set(this.answersOf(this.#of(id)).map(({ item }) => item.id))).reduce((a, b) => a.intersection(b));
      return {
        evaluations: sets.map((set) => ({ ...faithfulnessOf(set), running: this.#of(set.evaluation).testing ?? false, trouble: '' })),
        pairs: reasoningPairs(sets, shared),
      };
    });
  testFaithfulness: EvalsConnector['testFaithfulness'] = (id, body) =>
    this.#answer('testFaithfulness', [id, body], () => {
      Object.assign(this.#of(id), { testing: true });
      return { ...faithfulnessOf(this.#asked(this.#of(id))), running: true, trouble: '' };
    });
  /** The more of the reasoning is kept, the more often the answer stays. */
  #asked(one: FakeEval): AskedSet {
    const answers = this.answersOf(one);
    const rows = answers.slice(0, one.tested ?? 0).flatMap(({ item, strict }): Asked[] => {
      const of = { id: item.id, answer: item.answer };
      if (one.variant === 'no-think') return [{ ...of, test: 'no-reasoning', share: 1, letter: strict }];
      const draw = random(seedOf(`${one.id} reasoning`) + Number(item.id.slice(1)));
      const reach = draw();
      const changed = (test: 'early' | 'mistake' | 'other' | 'filler', kept: (share: number) => boolean): Asked[] =>
        [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => ({ ...of, test, share, letter: kept(share) ? strict : 'ABCD'[Math.floor(draw() * 4)] }));
      return [
        { ...of, test: 'said', share: 1, letter: strict },
        ...changed('early', (share) => share >= reach),
        ...changed('mistake', (share) => share > reach * 0.6),
        ...changed('other', (share) => share < reach * 0.3),
        ...changed('filler', () => reach < 0.2),
      ];
    });
    const { name, settings } = this.summary(one);
    return { evaluation: one.id, name, variant: settings.variant, answered: answers.length, rows };
  }

  #samples(one: FakeEval): Compared['samples'] {
    const drawn = (item: EvalAnswer['item'], at: number) => {
      const draw = random(seedOf(`${one.id} sample ${at}`) + Number(item.id.slice(1)));
      return Array.from({ length: one.samples ?? 0 }, () => {
        const letter = draw() < (one.rate ?? 0.6) ? item.answer! : 'ABCD'[Math.floor(draw() * 4)];
        return { strict: draw() < 0.06 ? null : letter, tolerant: letter, tokens: one.variant === 'no-think' ? 6 : 52 };
      });
    };
    return new Map(this.answersOf(one).map(({ item }, at) => [item.id, drawn(item, at)]));
  }

  exportUrl = (id: string): string => `data:application/json,${id}`;
  compareTableUrl = (ids: readonly string[]): string => `data:text/csv,${ids.join()}`;

  answersOf(one: FakeEval, sight: EvalAnswer['sight'] = 'image'): EvalAnswer[] {
    const count = one.answered ?? one.items ?? 200;
    return Array.from({ length: count }, (_, at) => {
      const i = at + (one.from ?? 0);
      const draw = random(seedOf(`${one.id} ${sight}`) + i);
      const item = {
        ...{
          id: `q${i}`,
          dataset: `Set ${i % 3}`,
          image: `Images/${i}.png`,
          question: 'What is the specific type of abnormality in this image?',
        },
        ...{ options: ['Cyst', 'Nodule', 'Glaucoma', 'No abnormality'], answer: 'ABCD'[i % 4] },
        ...{ modality: MODALITIES[i % 8], question_type: TYPES[i % 5], problem: null },
      };
      const chance = sight === 'image' || sight === 'options-permuted' ? (one.rate ?? 0.6) : 0.25;
      const letter = draw() < chance ? item.answer : 'ABCD'[(i + 1 + Math.floor(draw() * 3)) % 4];
      const odd = draw() < 0.06;
      const options = sight === 'options-permuted' ? [...item.options.slice(1), item.options[0]] : item.options;
      const shown = sight === 'options-permuted' ? 'ABCD'[('ABCD'.indexOf(letter) + 3) % 4] : letter;
      const answer = sight === 'options-permuted' ? 'ABCD'[(i + 3) % 4] : item.answer;
      const tag = odd ? `${shown}) ${options['ABCD'.indexOf(shown)]}` : shown;
      const text =
        one.text ??
        (one.variant === 'no-think' ? `<answer> ${tag} </answer>` : `<think>The image shows a lesion.</think><answer> ${tag} </answer>`);
      return {
        item,
        sight,
        options,
        answer,
        text,
        tokens: one.variant === 'no-think' ? 6 : 40 + (i % 30),
        finish_reason: 'stop',
        strict: odd ? null : shown,
        tolerant: shown,
      };
    });
  }

  summary(one: FakeEval): EvalSummary {
    const rows = this.answersOf(one);
    const { strict, tolerant, mean_tokens, tokens_per_correct } = report(rows);
    const [items, controls] = [one.items ?? 200, one.controls ?? []];
    const state = one.state ?? 'finished';
    return {
      id: one.id,
      name: one.name ?? one.id,
      state,
      error: one.error ?? null,
      ...{ created_at: START, started_at: START, ended_at: state === 'finished' ? START + 60_000 : null },
      settings: {
        ...{
          model: 'runs/r1/checkpoints/step-000240',
          run: 'r1',
          step: 240,
          dataset: 'OmniMedVQA',
          split: one.split ?? 'modality/test',
          root: 'root',
        },
        ...{ train_split: null, variant: one.variant ?? 'think', prompt_template: null, max_new_tokens: 256, limit: null, seed: 42 },
        ...{ dtype: 'float32', device: 'cpu', batch_size: 16, min_pixels: 3136, max_pixels: 401408 },
      },
      trained: one.trained ?? null,
      reading: 'strict',
      run_name: one.name ?? 'Demo',
      split_hash: one.split ?? 'modality/test',
      left_out: one.left_out ?? 0,
      controls,
      items,
      samples: one.samples
        ? { wanted: one.samples, temperature: 1, done: one.samples * rows.length, total: one.samples * rows.length }
        : null,
      done: rows.length * (state === 'finished' ? controls.length + 1 : 1),
      total: items * (controls.length + 1),
      ...{ strict, tolerant, mean_tokens, tokens_per_correct },
    };
  }

  #report(one: FakeEval): Evaluation {
    const plain = this.answersOf(one);
    const rows = (control: Control): EvalAnswer[] => this.answersOf(one, control);
    const made = (one.controls ?? []).map((control) => {
      if (control === 'option-prior') return [control, wilson(Math.round(plain.length / 4), plain.length)];
      return [control, control === 'options-permuted' ? permutedReport(rows(control), plain) : report(rows(control))];
    });
    return { ...report(plain), controls: Object.fromEntries(made) };
  }

  #of(id: string): FakeEval {
    const found = this.evals.find((one) => one.id === id);
    if (!found) throw Object.assign(new Error(`There is no evaluation ${id}.`), { code: 'EVAL_UNKNOWN', remedy: 'Reload the list.' });
    return found;
  }
}

/** Evaluations of checkpoints by modality, with and without thinking: what the matrices are made of. */
export const fakeMatrix = (): FakeEval[] =>
  MODALITIES.flatMap((modality, i) =>
    (['think', 'no-think'] as const).map((variant): FakeEval => ({
      ...{
        id: `${modality}-${variant}`,
        name: `reproduce: ${modality}`,
        variant,
        items: 80,
        rate: 0.45 + 0.03 * i + (variant === 'no-think' ? 0.05 : 0),
      },
      trained: { trainer: 'grpo', variant, modality, question_type: null },
    })),
  );
