/** A backend in memory with made-up, repeatable numbers, for tests and the gallery. Nothing here is measured. */
import { wilson } from '../../kernel-bridge/src/stats/wilson.ts';
import { isWellFormed, verdict } from '@medr1/kernel-bridge/answers';
import type {
  ExplainTarget,
  Alert,
  AlertSettings,
  BuiltInReward,
  CheckedReward,
  CheckRewards,
  Completion,
  Connector,
  ConnectionState,
  Estimate,
  EvalsEvent,
  Group,
  MetricTable,
  MoveView,
  RewardRevision,
  RunAlerts,
  RunAlertSettings,
  RunDetail,
  RunEvent,
  RunState,
  RunsEvent,
  SearchHit,
  QuestionCurve,
  SavedSearch,
  SearchPage,
  SearchQuery,
  RunSummary,
  Devices,
  ServerInfo,
  TrainConfig,
  Trashed,
  View,
} from '../src/connector.ts';
import { NO_ANNOTATIONS } from '@medr1/kernel-bridge/protocol/run';
import { parseSearch, passes, type CellValue } from '@medr1/kernel-bridge/protocol/run-search';
import { isRewardFile, rewardName } from '@medr1/kernel-bridge/protocol/reward-names';
import { NOTHING } from '../src/selection.ts';
import { Observable } from '../src/observable.ts';
import { ALERT_RULES } from './fake-alerts.ts';
import { drawing, random, seedOf } from './drawing.ts';
import { FakeData, type FakeDataOptions } from './fake-data.ts';
import { FakeEvals, type FakeEval } from './fake-evals.ts';
import { fakeAlternatives, fakeAttribution, fakeDecision, type FakeSaid } from './fake-explain.ts';
import { fakeGeneration } from './fake-generation.ts';
import { fakeStatistics } from './fake-statistics.ts';

/** Parameters of soft_overlong_punishment, as the backend tells them. */
const OVERLONG: BuiltInReward['parameters']['properties'] = {
  max_completion_len: { type: 'integer', minimum: 1, title: 'Longest completion', description: 'In tokens.', unit: 'tokens' },
  soft_punish_cache: { type: 'integer', minimum: 0, title: 'Punished before it', description: 'In tokens.', unit: 'tokens', default: 51 },
};

/** Settings of every run. */
const SETTINGS = {
  learning_rate: 1e-6,
  beta: 0.04,
  temperature: 1,
  epsilon: 0.2,
  epsilon_high: null,
  delta: null,
  max_completion_length: 256,
  num_generations: 8,
  dynamic_sampling: 0,
  eval_steps: 20,
  save_steps: 100,
};

export interface FakeRun {
  id: string;
  name?: string;
  state?: RunState;
  variant?: string;
  parent?: string | null;
  /** Steps that the run took over from others. */
  inherited?: RunSummary['inherited'];
  pair?: RunSummary['pair'];
  steps?: number;
  total?: number;
  seed?: number;
  /** It stood still after a step, for so many minutes. */
  pauses?: [step: number, minutes: number][];
  /** Steps whose metrics are missing. */
  gap?: [number, number];
  error?: RunSummary['error'];
  alert?: RunSummary['alert'];
  rollbacks?: RunSummary['rollbacks'];
  reported?: RunSummary['reported'];
  trainer?: string;
  waits_since?: number;
  held?: boolean;
  annotations?: Partial<RunSummary['annotations']>;
  /** Keys of the configuration; with num_iterations above 1 steps have ratios. */
  config?: Partial<TrainConfig>;
  /** Made by a version that stored log-probabilities alone. */
  old?: boolean;
}

export interface FakeOptions {
  runs?: FakeRun[];
  server?: Partial<ServerInfo>;
  devices?: Devices;
  schema?: Record<string, unknown>;
  estimate?: Partial<Estimate>;
  /** Every request fails with this. */
  failure?: { code: string; message: string; remedy: string };
  /** No request ever answers. */
  silent?: boolean;
  /** Settings that cannot be changed, with the reason. */
  fixed?: Record<string, string>;
  /** Lines of the worker's log. */
  log?: string[];
  /** What the run's log holds beside its steps. */
  events?: RunEvent[];
  /** Data sets; one of 5,000 questions when left out. */
  data?: FakeDataOptions;
  evals?: FakeEval[];
  trash?: Trashed[];
  /** What rules see in every run. */
  alerts?: Alert[];
  /** Revisions of every run's rewards, where a state needs certain ones. */
  rewards?: RewardRevision[];
  /** Text of a completion, where a state needs a certain one. */
  completionText?: (step: number, group: number, index: number) => string;
}

const START = Date.UTC(2026, 0, 5, 9, 30);
const STEP_MS = 900;

/** What every made group asks. */
const QUESTION = {
  question: 'What abnormality is present in this image, judged by its colour and its size?',
  options: ['Severe tumor', 'No abnormality', 'Mild tumor', 'Moderate cyst'],
  answer: 'C',
};

export class FakeConnector implements Connector {
  readonly connection = new Observable<ConnectionState>('open');
  readonly calls: unknown[][] = [];
  options: FakeOptions;
  readonly data: FakeData;
  readonly evals: FakeEvals;
  readonly #evalsListeners = new Set<(event: EvalsEvent) => void>();
  readonly #runListeners = new Map<string, Set<(event: RunEvent) => void>>();
  readonly #viewListeners = new Set<{ onMove: (move: MoveView) => void; onReset: () => void }>();
  readonly #runsListeners = new Set<(event: RunsEvent) => void>();
  readonly #tables = new Map<string, MetricTable>();

  constructor(options: FakeOptions = {}) {
    this.options = options;
    this.data = new FakeData(
      options.data ?? {},
      (name, args, value) => this.#answer(`data.${name}`, args, value),
      () => this.#fakes().map(({ id }) => id),
    );
    this.evals = new FakeEvals(options.evals ?? [], (name, args, value) => this.#answer(`evals.${name}`, args, value));
    if (options.failure) this.connection.set('connecting');
  }

  async #answer<T>(name: string, args: unknown[], value: () => T): Promise<T> {
    this.calls.push([name, ...args]);
    if (this.options.silent) return new Promise<T>(() => {});
    if (this.options.failure) throw Object.assign(new Error(this.options.failure.message), this.options.failure);
    return value();
  }

  server = (): Promise<ServerInfo> =>
    this.#answer('server', [], () => ({
      version: '0.1.0',
      protocol: 1,
      pid: 4242,
      started_at: START,
      home: 'home',
      device: { kind: 'cpu', name: 'CPU, 2 cores', memory_used: 3.1 * 2 ** 30, memory_total: 24 * 2 ** 30, utilization: 83 },
      sample: { dataset: 'sample', models: { think: 'sample/model', 'no-think': 'sample/model-no-think' } },
      ...this.options.server,
    }));

  devices: Connector['devices'] = () => this.#answer('devices', [], () => this.options.devices ?? { devices: [], queue: [] });
  moveInQueue: Connector['moveInQueue'] = (id, move) => this.#answer('moveInQueue', [id, move], () => this.summary(this.#fake(id)));

  schema = (): Promise<Record<string, unknown>> => this.#answer('schema', [], () => this.options.schema ?? {});
  checkConfig: Connector['checkConfig'] = ({ config }) => this.#answer('checkConfig', [{ config }], () => config as TrainConfig);
  estimate: Connector['estimate'] = ({ config }) =>
    this.#answer('estimate', [{ config }], () => ({
      parameters: 1_510_000,
      trainable_parameters: 1_510_000,
      memory: { weights: 6.1e6, gradients: 6.1e6, optimizer: 12.2e6, reference: 6.1e6, activations: 41e6, kv_cache: 3e6 },
      total_bytes: 74.5e6,
      available_bytes: 20e9,
      fits: true,
      total_steps: 240,
      train_items: 2210,
      advice: [],
      ...this.options.estimate,
    }));

  /** Words and a regular expression are looked for as they stand; of the filters it knows verdict, items and tags. */
  search: Connector['search'] = {
    statistics: (id, { columns = 240 } = {}) => this.#answer('search.statistics', [id], () => fakeStatistics(this.#fake(id), columns)),
    find: (query) => this.#answer('search.find', [query], () => this.#found(query)),
    notes: (id) => this.#answer('search.notes', [id], () => []),
    question: (id, { item }) => this.#answer('search.question', [id, { item }], () => this.#curve(id, item)),
    phrases: (query) =>
      this.#answer('search.phrases', [query], () => {
        const phrase = (text: string, before: number, after: number) => ({
          ...{
            text,
            before,
            after,
            log_odds: after > before ? 2.31 : -2.31,
            design_effect: 2.4,
            p: 1e-6,
            q: after > before ? 2e-4 : 0.031,
          },
        });
        const side = { completions: 320, groups: 40, steps: 10 };
        return {
          grew: [phrase('a round lesion', 12, 190), phrase('<b>so it is</b>', 3, 77)],
          vanished: [phrase('i am not sure', 140, 2)],
          ...{ tested: 4120, found: 3, before: side, after: side, every: 1 },
        };
      }),
    families: (query) =>
      this.#answer('search.families', [query], () => ({
        families: [48, 7].map((completions, at) => ({
          first: { run: query.run, step: 3, group: at, index: 0 },
          text: this.options.completionText?.(3, at, 0) ?? `<think>The image shows a lesion of kind ${at}.</think><answer>A</answer>`,
          ...{ completions, texts: 3, questions: 12, from: 3, to: 19, judged: completions, right: completions - 5, reward: 0.8 },
        })),
        ...{ total: 2, alone: 265, completions: 320, reading: 'exact' as const, stopped_at: null },
      })),
    saved: () => this.#answer('search.saved', [], () => this.savedSearches),
    save: (body) =>
      this.#answer('search.save', [body], () => {
        const made = { id: `s${this.savedSearches.length + 1}`, ...body, created_at: START, updated_at: START };
        if (this.savedSearches.some(({ name }) => name === made.name))
          throw Object.assign(new Error(), {
            code: 'SEARCH_NAME',
            message: `A saved search is called "${made.name}" already.`,
            remedy: 'Choose another name.',
          });
        this.savedSearches = [...this.savedSearches, made];
        return made;
      }),
    change: (id, body) =>
      this.#answer('search.change', [id, body], () => {
        const changed = { ...this.savedSearches.find((one) => one.id === id)!, ...body };
        this.savedSearches = this.savedSearches.map((one) => (one.id === id ? changed : one));
        return changed;
      }),
    forget: (id) =>
      this.#answer('search.forget', [id], () => {
        const gone = this.savedSearches.find((one) => one.id === id)!;
        this.savedSearches = this.savedSearches.filter((one) => one !== gone);
        return gone;
      }),
    note: (id, note) =>
      this.#answer('search.note', [id, note], () =>
        note.tags.length === 0 && note.note === '' ? null : { ...note, author: '', updated_at: START, text: '', state: 'still' as const },
      ),
  };
  savedSearches: SavedSearch[] = [];
  #curve(id: string, item: string): QuestionCurve {
    const run = this.#fake(id);
    const steps = Array.from({ length: Math.min(run.steps ?? 0, 6) }, (_, at) => run.steps! - at).toReversed();
    const asked = steps.flatMap((step) => this.groupsOf(run, step, 4).filter(({ item_id }) => item_id === item));
    if (asked.length === 0)
      throw Object.assign(new Error(), { code: 'QUESTION_UNKNOWN', message: `Run ${id} never asked it.`, remedy: 'Ask another run.' });
    const { item_id, question, options, answer, modality, question_type } = asked[0];
    const points = asked.map(({ step, group, reading, completions }) => {
      const right = completions.filter(({ correct }) => correct).length;
      const { low, high } = wilson(right, completions.length);
      return {
        ...{
          run: id,
          step,
          group,
          sampled_by: null,
          completions: completions.length,
          judged: completions.length,
          right,
          low,
          high,
          reading,
        },
        ...{ reward: 0.5, tokens: 40, letters: { A: right, B: completions.length - right } },
      };
    });
    return { item_id, question, options, answer, modality, question_type, points };
  }
  #found({ runs, text = '', mode, verdict, items, limit = 50, cursor = '0' }: SearchQuery): SearchPage {
    if (mode === 'regexp' && text === '(')
      throw Object.assign(new Error(), {
        code: 'SEARCH_REGEXP',
        message: '"(" is no regular expression: Unterminated group',
        remedy: 'A backslash before a character takes it as it stands: \\(C\\).',
      });
    const pattern = text === '' ? null : new RegExp(mode === 'regexp' ? text : text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');
    const all = runs.flatMap((id) => {
      const run = this.#fake(id);
      const steps = Array.from({ length: Math.min(run.steps ?? 0, 6) }, (_, at) => run.steps! - at);
      return steps.flatMap((step) => this.groupsOf(run, step, 4).flatMap((group) => group.completions.map((one) => ({ id, group, one }))));
    });
    const passed = all
      .filter(({ one }) => pattern === null || new RegExp(pattern.source, 'iu').test(one.text))
      .filter(({ one }) => !verdict || verdict.includes(one.correct ? 'right' : 'wrong'))
      .filter(({ group }) => !items || items.includes(group.item_id));
    const from = Number(cursor);
    const marksOf = (said: string): [number, number][] =>
      pattern === null ? [] : [...said.matchAll(pattern)].map((match): [number, number] => [match.index, match.index + match[0].length]);
    const hits = passed.slice(from, from + limit).map(({ id, group, one }): SearchHit => {
      const { step, dataset, item_id, image, question, options, answer, modality, question_type, reading } = group;
      const { index, text: said, finish_reason, rewards, reward, advantage, prediction, correct } = one;
      return {
        ...{
          run: id,
          step,
          group: group.group,
          index,
          sampled_by: null,
          dataset,
          item_id,
          image,
          question,
          options,
          answer,
          modality,
          question_type,
          reading,
        },
        ...{
          think_open: false,
          text: said.slice(0, 2000),
          text_from: 0,
          text_length: said.length,
          marks: marksOf(said.slice(0, 2000)),
          tokens: one.token_ids.length,
        },
        ...{
          finish_reason,
          rewards,
          reward,
          advantage,
          prediction,
          correct,
          flags: prediction === null ? ['no-answer'] : [],
          beats_prior: null,
          similarity: null,
        },
        ...{ tags: index === 1 && group.group === 0 ? ['odd'] : [], note: index === 1 && group.group === 0 ? 'Says the size twice.' : '' },
      };
    });
    return {
      hits,
      ...{
        total: mode === 'regexp' ? null : passed.length,
        next: from + limit < passed.length ? String(from + limit) : null,
        stopped_at: null,
      },
      runs: runs.map((id) => {
        const { name = id, steps = 0, old } = this.#fake(id);
        return {
          run: id,
          name,
          reading: 'exact' as const,
          steps,
          indexed: old ? Math.floor(steps / 3) : steps,
          completions: steps * 48,
          first: 1,
          last: steps,
        };
      }),
    };
  }

  runs = (): Promise<RunSummary[]> => this.#answer('runs', [], () => this.#fakes().map((run) => this.summary(run)));
  /** Facts, keys of the configuration, and the last value of metrics for all of their statistics. */
  runTable: Connector['runTable'] = (query = {}) =>
    this.#answer('runTable', [query], () => {
      const { q = '', columns = [], sort = '', archived = false, offset = 0, limit = 100 } = query;
      const runs = this.#fakes().map((run) => ({ run, summary: this.summary(run), config: this.configOf(run) as Record<string, unknown> }));
      const value = ({ run, summary, config }: (typeof runs)[number], column: string): unknown => {
        const name = column.replace(/^\w+:/, '');
        if (column in summary) return summary[column as keyof RunSummary];
        if (column in summary.annotations) return summary.annotations[column as keyof RunSummary['annotations']];
        if (name in config) return config[name];
        return (run.steps ?? 0) > 0 ? (this.table(run).metrics[name]?.findLast((one) => one !== null) ?? null) : null;
      };
      const found = runs.filter((one) => passes(parseSearch(q), one.summary, (column) => value(one, column) as CellValue));
      const passed = found.filter(({ summary }) => archived || !summary.annotations.archived);
      const by = sort.replace(/^-/, '');
      const way = sort.startsWith('-') ? -1 : 1;
      if (by) passed.sort((a, b) => way * ((value(a, by) as number) < (value(b, by) as number) ? -1 : 1));
      else passed.sort((a, b) => b.summary.created_at - a.summary.created_at);
      passed.sort((a, b) => Number(b.summary.annotations.pinned) - Number(a.summary.annotations.pinned));
      const texts = passed.map(({ config }) => config);
      const keys = [...new Set(texts.flatMap((config) => Object.keys(config)))];
      return {
        rows: passed
          .slice(offset, offset + limit)
          .map((one) => ({ id: one.run.id, values: Object.fromEntries(columns.map((column) => [column, value(one, column)])) })),
        total: passed.length,
        archived: found.length - passed.length,
        metrics: runs.length > 0 ? Object.keys(this.table({ id: '', steps: 1 }).metrics).sort() : [],
        differing: keys.filter((key) => new Set(texts.map((config) => JSON.stringify(config[key]))).size > 1),
      };
    });
  annotateRun: Connector['annotateRun'] = (id, change = {}) =>
    this.#answer('annotateRun', [id, change], () => {
      const run = this.#fake(id);
      const { name = run.name, tags, add_tags = [], remove_tags = [], request_id: _, ...rest } = change;
      const before = this.summary(run).annotations;
      const next = [...new Set([...(tags ?? before.tags), ...add_tags])].filter((tag) => !remove_tags.includes(tag));
      Object.assign(run, { name, annotations: { ...before, ...rest, tags: next } });
      return this.summary(run);
    });
  /** Reads `key: value` lines alone. */
  readConfig: Connector['readConfig'] = ({ text }) =>
    this.#answer('readConfig', [{ text }], () =>
      Object.fromEntries([...text.matchAll(/^(\w+): (.*)$/gm)].map(([, key, value]) => [key, JSON.parse(value) as unknown])),
    );
  log: Connector['log'] = (id, query = {}) => this.#answer('log', [id, query], () => this.options.log ?? []);
  run = (id: string): Promise<RunDetail> =>
    this.#answer('run', [id], () => {
      const run = this.#fake(id);
      const steps = run.steps ?? 0;
      return {
        summary: this.summary(run),
        reading: 'exact',
        config: this.configOf(run),
        checkpoints:
          steps > 60
            ? [{ step: 60, path: 'runs/x/checkpoints/step-000060', created_at: START, reason: 'periodic', pinned: false, bytes: 18e6 }]
            : [],
        rewards:
          run.trainer === 'sft'
            ? []
            : (this.options.rewards ?? [
                { revision: 1, step: 1, weights: { accuracy: 1, format: 1 }, sources: {}, reason: '', author: '', created_at: START },
                ...(steps > 90
                  ? [
                      {
                        revision: 2,
                        step: 90,
                        weights: { accuracy: 1, format: 0.2 },
                        sources: {},
                        reason: 'format is learnt',
                        author: '',
                        created_at: START + 90 * STEP_MS,
                      },
                    ]
                  : []),
              ]),
        metric_names: Object.keys(this.table(run).metrics),
        directory: `runs/${id}`,
      };
    });
  createRun: Connector['createRun'] = (config, options = {}) =>
    this.#answer('createRun', [config, options], () => {
      const run: FakeRun = { id: 'new', name: String(config.run_name ?? 'new run'), state: 'starting', steps: 0 };
      this.options.runs = [...this.#fakes(), run];
      return this.summary(run);
    });
  importRun: Connector['importRun'] = (asked) =>
    this.#answer('importRun', [asked], () => {
      const run: FakeRun = { id: 'imported', name: asked.path, state: 'finished', steps: 3 };
      this.options.runs = [...this.#fakes(), run];
      return this.summary(run);
    });
  createPair: Connector['createPair'] = ({ config, variants = ['think', 'no-think'] }) =>
    this.#answer('createPair', [config, variants], () => {
      const ids = variants.map((variant) => `new-${variant}`);
      const runs = variants.map((variant, at): FakeRun => ({
        ...{ id: ids[at], name: `new run · ${variant}`, variant, state: 'starting', steps: 0 },
        pair: { id: 'pair', with: ids[1 - at], variant: variants[1 - at] },
      }));
      this.options.runs = [...this.#fakes(), ...runs];
      return runs.map((run) => this.summary(run));
    });
  /** Each question is asked again every twelve steps. */
  questionHistory: Connector['questionHistory'] = (id, { step }) =>
    this.#answer('questionHistory', [id, { step }], () => {
      const run = this.#fake(id);
      const steps = Array.from({ length: Math.ceil((run.steps ?? 0) / 12) }, (_, i) => ((step - 1) % 12) + 1 + 12 * i);
      const asked = steps.filter((one) => one <= (run.steps ?? 0)).map((one) => this.groupsOf(run, one, 12));
      return this.groupsOf(run, step, 12).map(({ item_id }, at) => ({
        item_id,
        asked: asked.map((groups) => ({
          step: groups[at].step,
          right: groups[at].completions.filter(({ correct }) => correct).length,
          judged: groups[at].completions.length,
        })),
      }));
    });
  deleteRun: Connector['deleteRun'] = (id) =>
    this.#answer('deleteRun', [id], () => {
      this.options.runs = this.#fakes().filter((run) => run.id !== id);
      return { trash: `trash/run-${id}`, id: `run-${id}` };
    });
  alerts: Connector['alerts'] = (id) => this.#answer('alerts', [id], () => this.#alertsOf(id));
  alertRules: Connector['alertRules'] = () =>
    this.#answer('alertRules', [], () => ({ rules: ALERT_RULES, settings: structuredClone(this.alertSettingsOfAll) }));
  alertSettings: Connector['alertSettings'] = (id, change) =>
    this.#answer('alertSettings', [id, change], () => {
      Object.assign(this.alertSettingsOfRun, change);
      return this.#alertsOf(id);
    });
  setAlertRules: Connector['setAlertRules'] = (change) =>
    this.#answer('setAlertRules', [change], () => {
      Object.assign(this.alertSettingsOfAll, change);
      return { rules: ALERT_RULES, settings: structuredClone(this.alertSettingsOfAll) };
    });
  /** As QuickJS says it of a source that ends too early. */
  checkAlertRule: Connector['checkAlertRule'] = ({ source }) =>
    this.#answer('checkAlertRule', [source], () => {
      const isOpen = source.split('{').length > source.split('}').length;
      return isOpen ? { error: 'expected }', line: source.split('\n').length } : { error: null, line: null };
    });
  rollback: Connector['rollback'] = (id, { step }) =>
    this.#answer('rollback', [id, step], () => {
      const run = this.#fake(id);
      run.steps = step;
      return this.summary(run);
    });
  readonly alertSettingsOfRun: RunAlertSettings = { off: [], thresholds: {}, snoozed: {} };
  readonly alertSettingsOfAll: AlertSettings = { off: [], thresholds: {}, rules: {}, webhook: null };

  #alertsOf(id: string): RunAlerts {
    const { off, snoozed } = this.alertSettingsOfRun;
    const alerts = (this.options.alerts ?? [])
      .filter(({ rule }) => !off.includes(rule))
      .map((alert) => ({ ...alert, snoozed: alert.snoozed || alert.rule in snoozed }));
    return { run: id, step: this.#fake(id).steps ?? 0, alerts, settings: structuredClone(this.alertSettingsOfRun) };
  }

  trash: Connector['trash'] = () => this.#answer('trash', [], () => [...(this.options.trash ?? [])]);
  restoreTrash: Connector['restoreTrash'] = (id) => this.#answer('restoreTrash', [id], () => this.#takeOut(id));
  emptyTrash: Connector['emptyTrash'] = (id) => this.#answer('emptyTrash', [id], () => this.#takeOut(id));
  action: Connector['action'] = (id, action) => this.#answer('action', [id, action], () => this.summary(this.#fake(id)));
  metrics = (id: string): Promise<MetricTable> => this.#answer('metrics', [id], () => this.table(this.#fake(id)));
  groups: Connector['groups'] = (id, query = {}) =>
    this.#answer('groups', [id, query], () => {
      const { offset = 0, limit = 64 } = query;
      const [run, step] = [this.#fake(id), query.step ?? query.to ?? 1];
      const steps: [number, number] = [1, run.steps ?? 1];
      if ((step - 1) % (run.config?.num_iterations ?? 1) > 0) return { groups: [], steps }; // it used earlier rollouts again
      return { groups: this.groupsOf(run, step, 12).slice(offset, offset + limit), steps };
    });
  tokenTexts: Connector['tokenTexts'] = (id, { step, group }) =>
    this.#answer('tokenTexts', [id, { step, group }], () =>
      this.groupsOf(this.#fake(id), step, group + 1)[group].completions.map(({ text }) => tokensOf(text)),
    );
  events: Connector['events'] = (id) =>
    this.#answer('events', [id], () => ({
      epoch: 'e',
      events: [...pausesOf(this.#fakes().find((run) => run.id === id)), ...(this.options.events ?? [])],
      more: false,
    }));
  fork: Connector['fork'] = (id, body) =>
    this.#answer('fork', [id, body], () => this.summary({ id: 'fork', parent: id, steps: body.step }));
  exportUrl = (id: string, format: 'csv' | 'jsonl'): string => `runs/${id}/export?format=${format}`;

  builtInRewards = (): Promise<BuiltInReward[]> =>
    this.#answer('builtInRewards', [], () =>
      ['accuracy', 'accuracy_tolerant', 'format', 'soft_overlong_punishment'].map((name) => ({
        name,
        description: name,
        formula: `what ${name} earns`,
        known_failure: `how ${name} goes wrong`,
        range: [0, 1],
        parameters: { properties: name === 'soft_overlong_punishment' ? OVERLONG : {} },
      })),
    );
  /** Sources with the word `throw` fail; a path that was not sent is not there. */
  checkRewards = (request: CheckRewards): Promise<CheckedReward[]> =>
    this.#answer('checkRewards', [request], () =>
      request.reward_funcs.map((entry) => {
        const name = rewardName(entry);
        const source = request.reward_files?.[entry];
        const one = { entry, name, sha256: null, tests: null, error: null };
        if (!isRewardFile(entry)) return one;
        if (source === undefined) {
          const message = `the reward file ${entry} cannot be read: ENOENT: no such file or directory`;
          const remedy = 'Check the path in reward_funcs; the file is UTF-8 text that ends in .ts or .js.';
          return { ...one, error: { code: 'REWARD_FILE', message, remedy } };
        }
        if (!source.includes('throw')) return { ...one, sha256: 'c0ffee'.repeat(10), tests: { passed: 3, total: 3 } };
        const message = `reward ${name} (${entry}:2) cannot be read as a program: SyntaxError: unexpected token`;
        const remedy = 'Mend that line. Types are stripped, so enums, namespaces and imports are not there.';
        return { ...one, error: { code: 'REWARD_SYNTAX', message, remedy } };
      }),
    );
  /** A user's function gives 1 to every third completion, null to every seventh; a source with the word `throw` fails. */
  tryRewards: Connector['tryRewards'] = (id, request = {}) =>
    this.#answer('tryRewards', [id, request], () => {
      const names = [...Object.keys(request.files ?? {}).map((file) => file.replace(/\.[tj]s$/, '')), ...(request.built_in ?? [])];
      const last = this.#fake(id).steps ?? 1;
      const past = Array.from({ length: Math.min(4, last) }, (_, back) => last - back).reverse();
      const groups = past.flatMap((step) => this.groupsOf(this.#fake(id), step, 12 / past.length));
      const values = (group: Group): (number | null)[] =>
        group.completions.map((_, index) => ((index + group.group) % 7 === 6 ? null : Number((index + group.group) % 3 === 0)));
      const failing = Object.values(request.files ?? {}).some((source) => source.includes('throw'));
      const error = {
        code: 'REWARD_THREW',
        message:
          'reward my_reward (my_reward.ts:4) threw TypeError: cannot read property of null for completion 3 of 96, "<think> It is …"',
        remedy: 'Mend the function, or return null where it does not apply.',
      };
      return {
        reports: names.map((name) => ({
          ...{ name, sha256: null, completions: 96, not_applicable: 4, mean: 0.33, std: 0.47, min: 0, max: 1, histogram: [] },
          ...{
            failed: failing ? 2 : 0,
            failing: failing ? 2 : 0,
            ms_per_completion: 0.6,
            log: [],
            tests: { passed: 3, total: 3 },
            error: failing ? error : null,
          },
        })),
        groups: groups.map((group) => ({
          ...{ step: group.step, group: group.group },
          rewards: Object.fromEntries(names.map((name) => [name, values(group)])),
          failing: failing && group === groups[0] ? Object.fromEntries(names.map((name) => [name, [1, 3]])) : {},
          stored: Object.fromEntries(
            Object.keys(group.completions[0].rewards).map((name) => [name, group.completions.map(({ rewards }) => rewards[name])]),
          ),
        })),
      };
    });
  editRewards: Connector['editRewards'] = (id, edit) =>
    this.#answer('editRewards', [id, edit], () => ({
      revision: edit.base_revision + 1,
      step: null,
      weights: edit.weights,
      sources: {},
      reason: edit.reason ?? '',
      author: '',
      created_at: START,
    }));
  settings: Connector['settings'] = (id) =>
    this.#answer('settings', [id], () => ({ revision: 1, settings: { ...SETTINGS }, fixed: this.options.fixed ?? {} }));
  editSettings: Connector['editSettings'] = (id, edit) =>
    this.#answer('editSettings', [id, edit], () => ({
      revision: 2,
      step: null,
      weights: { accuracy: 1, format: 1 },
      sources: {},
      settings: { ...SETTINGS, ...edit.settings },
      reason: edit.reason ?? '',
      author: '',
      created_at: START,
    }));
  revert: Connector['revert'] = (id, edit) =>
    this.#answer('revert', [id, edit], () => ({
      revision: 9,
      step: null,
      weights: { accuracy: 1, format: 1 },
      sources: {},
      reason: `back to revision ${edit.revision}`,
      author: '',
      created_at: START,
    }));
  generate: Connector['generate'] = (request = {}) =>
    this.#answer('generate', [request], () =>
      fakeGeneration(request, request.item ? this.data.item(request.dataset!, request.item) : null),
    );
  readonly explain: Connector['explain'] = {
    alternatives: (target = {}) => this.#answer('explain.alternatives', [target], () => fakeAlternatives(this.#said(target))),
    attribution: (target = {}) => this.#answer('explain.attribution', [target], () => fakeAttribution(target, this.#said(target))),
    decision: (target = {}) => this.#answer('explain.decision', [target], () => fakeDecision(target, this.#said(target))),
  };
  /** The completion that a question is about. */
  #said({ run, rollout, text, token_ids }: ExplainTarget): FakeSaid {
    if (!rollout)
      return {
        text: text ?? '<think> It is round. So it is A. </think> <answer> A </answer>',
        options: ['cyst', 'nodule'],
        step: token_ids ? 7 : 0,
        wanted: null,
      };
    const group = this.groupsOf(this.#fake(run!), rollout.step, rollout.group + 1)[rollout.group];
    const own = group.completions[rollout.completion].text;
    return { text: text ?? own, options: group.options, step: Math.max(0, rollout.step - (rollout.step % 20)), wanted: rollout.step - 1 };
  }
  imageUrl: Connector['imageUrl'] = (_id, path, size = 512) => drawing(path, size);

  subscribeRun(id: string, _resume: unknown, onEvent: (event: RunEvent) => void): { close(): void } {
    const listeners = this.#runListeners.get(id) ?? new Set();
    this.#runListeners.set(id, listeners.add(onEvent));
    return { close: () => void listeners.delete(onEvent) };
  }

  moveView = (move: MoveView): Promise<View> =>
    this.#answer('moveView', [move], () => ({
      selection: { ...NOTHING, ...move.selection },
      data: { dataset: null, query: {}, chosen: {} },
    }));

  subscribeView(onMove: (move: MoveView) => void, onReset: () => void): { close(): void } {
    const listener = { onMove, onReset };
    this.#viewListeners.add(listener);
    return { close: () => void this.#viewListeners.delete(listener) };
  }

  /** A notebook moves what pages look at. */
  notebookMoves(move: Omit<MoveView, 'by'>): void {
    for (const { onMove } of this.#viewListeners) onMove({ by: 'notebook', ...move });
  }

  /** The backend was started anew. */
  restarts(): void {
    for (const { onReset } of this.#viewListeners) onReset();
  }

  subscribeEvals(onEvent: (event: EvalsEvent) => void): { close(): void } {
    this.#evalsListeners.add(onEvent);
    return { close: () => void this.#evalsListeners.delete(onEvent) };
  }

  get evalsFollowers(): number {
    return this.#evalsListeners.size;
  }

  tellEvals(event: EvalsEvent): void {
    for (const listener of this.#evalsListeners) listener(event);
  }

  subscribeRuns(onEvent: (event: RunsEvent) => void): { close(): void } {
    this.#runsListeners.add(onEvent);
    return { close: () => void this.#runsListeners.delete(onEvent) };
  }

  /** How many follow a run: a view that leaves must take its subscription along. */
  followers(id: string): number {
    return this.#runListeners.get(id)?.size ?? 0;
  }

  tell(id: string, event: RunEvent): void {
    for (const listener of this.#runListeners.get(id) ?? []) listener(event);
  }

  tellRuns(event: RunsEvent): void {
    for (const listener of this.#runsListeners) listener(event);
  }

  /** The next step of a run, as the server would tell it. */
  step(id: string): void {
    const run = this.#fake(id);
    run.steps = (run.steps ?? 0) + 1;
    this.#tables.delete(id);
    const table = this.table(run);
    const metrics = Object.fromEntries(Object.entries(table.metrics).map(([name, column]) => [name, column.at(-1) ?? null]));
    this.tell(id, { kind: 'step', seq: run.steps, time: table.time.at(-1)!, step: run.steps, metrics, groups: 12 });
    this.tellRuns({ summary: this.summary(run) });
  }

  configOf(run: FakeRun): TrainConfig {
    return {
      trainer: run.trainer ?? 'grpo',
      variant: run.variant ?? 'think',
      num_generations: 8,
      reward_funcs: ['accuracy', 'format'],
      model_name_or_path: '/models/tiny',
      dataset_name: '/data/omnimedvqa',
      beta: 0.04,
      num_iterations: 1,
      ...run.config,
    } as TrainConfig;
  }

  summary(run: FakeRun): RunSummary {
    const steps = run.steps ?? 0;
    const rewards = steps > 0 ? this.table(run).metrics.reward : [];
    const state = run.state ?? 'running';
    return {
      id: run.id,
      name: run.name ?? run.id,
      parent: run.parent ?? null,
      inherited: run.inherited ?? [],
      pair: run.pair ?? null,
      state,
      trainer: run.trainer ?? 'grpo',
      variant: run.variant ?? 'think',
      created_at: START + this.#fakes().findIndex(({ id }) => id === run.id),
      started_at: START,
      ended_at: null,
      step: steps,
      total_steps: run.total ?? 240,
      reward: rewards.at(-1) ?? null,
      recent_reward: rewards.slice(-60),
      rollouts_per_s: state === 'running' && steps > 0 ? 141.7 : null,
      eta_s: state === 'running' && steps > 0 ? (((run.total ?? 240) - steps) * STEP_MS) / 1000 : null,
      device: 'cpu',
      error: run.error ?? null,
      alert: run.alert ?? null,
      ...(run.rollbacks && { rollbacks: run.rollbacks }),
      ...(run.reported && { reported: run.reported }),
      seq: steps,
      waits_since: run.waits_since ?? null,
      held: run.held ?? false,
      annotations: { ...NO_ANNOTATIONS, ...run.annotations },
    };
  }

  table(run: FakeRun): MetricTable {
    let table = this.#tables.get(run.id);
    if (!table) this.#tables.set(run.id, (table = makeTable(run)));
    return table;
  }

  #takeOut(id: string): Trashed {
    const found = this.options.trash?.find((one) => one.id === id);
    if (!found) throw Object.assign(new Error(`no ${id} in the trash`), { code: 'TRASH_UNKNOWN', remedy: '' });
    this.options.trash = this.options.trash!.filter((one) => one !== found);
    return found;
  }

  groupsOf(run: FakeRun, step: number, count: number): Group[] {
    const chance = random((run.seed ?? 1) * 7919 + step);
    const skill = Math.min(0.9, 0.25 + step / 200);
    return Array.from({ length: count }, (_, group) => {
      const completions = Array.from({ length: 8 }, (_, index): Completion => {
        const right = chance() < skill;
        const formed = chance() < 0.7 + step / 600;
        const letter = right ? 'C' : 'ABD'[Math.floor(chance() * 3)];
        const text =
          this.options.completionText?.(step, group, index) ??
          (formed
            ? `<think>This is a ${right ? 'fundus photograph' : 'CT image'} . There is a small red star shape . So the answer is mild ${letter} .</think> <answer> ${letter} </answer>`
            : `This is a CT image . So the answer is <answer> ${letter} </answer> mild`);
        const said = verdict('exact', text, QUESTION);
        const rewards = { accuracy: Number(said.correct), format: Number(isWellFormed('think', text)) };
        return {
          index,
          text,
          token_ids: tokensOf(text).map((token) => seedOf(token) % 150_000),
          logprobs: tokensOf(text).map((_, at) => -3 * Math.abs(Math.sin(step * 31 + group * 17 + index * 7 + at * 5)) ** 3),
          ...tracesOf(run, step, tokensOf(text).length, step * 31 + group * 17 + index * 7),
          finish_reason: chance() < 0.05 ? 'length' : 'stop',
          rewards,
          reward: rewards.accuracy + rewards.format,
          advantage: 0,
          ...said,
        };
      });
      const rewards = completions.map(({ reward }) => reward!);
      const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
      const std = Math.sqrt(rewards.reduce((a, b) => a + (b - mean) ** 2, 0) / (rewards.length - 1));
      for (const one of completions) one.advantage = (one.reward! - mean) / (std + 1e-4);
      return {
        step,
        group,
        item_id: `item-${step}-${group}`,
        dataset: 'Synthetic Fundus',
        image: `Images/${step}-${group}.png`,
        ...QUESTION,
        modality: ['Fundus Photography', 'CT(Computed Tomography)', 'Dermoscopy'][group % 3],
        question_type: 'Lesion Grading',
        prompt: '',
        reading: 'exact',
        reward_mean: mean,
        reward_std: std,
        completions,
      };
    });
  }

  #fakes(): FakeRun[] {
    return this.options.runs ?? [];
  }

  #fake(id: string): FakeRun {
    const run = this.#fakes().find((one) => one.id === id);
    if (!run) throw Object.assign(new Error(`There is no run ${id}.`), { code: 'RUN_UNKNOWN', remedy: 'Choose another run.' });
    return run;
  }
}

/** As a run of this version stores them: ratios from the second update on the step's rollouts on. */
function tracesOf({ old, config, steps = 0 }: FakeRun, step: number, tokens: number, seed: number) {
  const wave = (pace: number): number[] => Array.from({ length: tokens }, (_, at) => Math.abs(Math.sin(seed + at * pace)));
  const updated = (config?.num_iterations ?? 1) > 1 && steps > step;
  const ratio = wave(7).map((value) => Math.exp(value - 0.5));
  return {
    entropy: old ? null : wave(5).map((value) => 3 * value ** 3),
    kl: old || config?.beta === 0 ? null : wave(3).map((value) => 10 ** (4 * value - 4)),
    ratio: old || !updated ? null : ratio,
    clipped: old || !updated ? null : ratio.map((value) => value > 1.4),
  };
}

/** Words with the space before them, and the end of the turn. */
const tokensOf = (text: string): string[] => [...text.split(/(?= )/), '<|im_end|>'];

const timeOf = ({ pauses = [] }: FakeRun, step: number): number =>
  START + step * STEP_MS + pauses.reduce((sum, [after, minutes]) => sum + (step > after ? minutes * 60_000 : 0), 0);

const pausesOf = (run: FakeRun | undefined): RunEvent[] =>
  (run?.pauses ?? []).map(([step]) => ({ kind: 'state', seq: step, time: timeOf(run!, step), step, state: 'paused', error: null }));

/** Curves of the shape that GRPO runs have: a reward that rises, falls back a little and settles. */
function makeTable(run: FakeRun): MetricTable {
  const steps = run.steps ?? 0;
  const chance = random(run.seed ?? 1);
  const noise = (size: number): number => (chance() - 0.5) * 2 * size;
  const metrics: Record<string, (number | null)[]> = {};
  const put = (name: string, value: number | null): void => void (metrics[name] ??= []).push(value);
  const pace = 20 + ((run.seed ?? 1) % 5) * 12;
  for (let step = 1; step <= steps; step++) {
    const grown = 1 - Math.exp(-step / pace);
    const accuracy = 0.27 + 0.5 * grown + noise(0.06);
    const format = step > 110 ? 1 : Math.min(1, 0.71 + 0.28 * grown + noise(0.03));
    const missing = run.gap && step >= run.gap[0] && step <= run.gap[1];
    put('reward', missing ? null : accuracy + format);
    put('reward_std', missing ? null : 0.55 - 0.2 * grown + noise(0.03));
    put('rewards/accuracy/mean', accuracy);
    put('rewards/accuracy/std', 0.45);
    put('rewards/format/mean', format);
    put('rewards/format/std', step > 110 ? 0 : 0.2);
    put('kl', 0.08 * grown + Math.abs(noise(0.01)) + (step === 77 ? 0.3 : 0));
    put('completions/mean_length', 28 + 4 * grown + noise(2));
    put('completions/min_length', 18 + noise(2));
    put('completions/max_length', 44 + noise(4));
    put('completions/clipped_ratio', Math.max(0, 0.05 - 0.05 * grown + noise(0.01)));
    put('entropy', 0.9 - 0.5 * grown + noise(0.05));
    put('grad_norm', 0.45 + noise(0.1));
    put('learning_rate', 1e-4 * (1 - step / 240));
    put('loss', 0.002 * grown + noise(0.002));
    put('frac_reward_zero_std', 0.46 * grown);
    put('frac_groups_all_right', 0.4 * grown);
    put('frac_groups_all_wrong', Math.max(0, 0.1 - 0.1 * grown));
    put('clip_ratio/low_mean', 0);
    put('clip_ratio/high_mean', 0);
    put('num_tokens', step * 128 * 96);
    put('epoch', step / 200);
    put('num_questions', step * 16);
    put('step_time', 0.9 + noise(0.05));
    put('time/sample_s', 0.3 + noise(0.02));
    put('time/backward_s', 0.4 + noise(0.02));
    for (const letter of ['A', 'B', 'C', 'D', 'none']) put(`answers/${letter}`, letter === 'none' ? 0.02 : 0.245 + noise(0.04));
    put('eval_accuracy', step % 40 === 0 ? 0.35 + 0.4 * grown : null);
  }
  const step = Array.from({ length: steps }, (_, index) => index + 1);
  return { run: run.id, epoch: 'e1', seq: steps, step, time: step.map((one) => timeOf(run, one)), metrics };
}
