/** The New run form at work: what is typed, what the server says of it, and what the run would need. */
import type { Variant } from '@medr1/kernel-bridge/protocol/config';
import {
  type BuiltInReward,
  type CheckedReward,
  type Connector,
  type ErrorBody,
  type Estimate,
  type RunSummary,
  type TrainConfig,
} from '../connector.ts';
import { told } from '../format.ts';
import { fileName, type HostFiles } from '../host-files.ts';
import { Latest, outcome } from '../load.ts';
import { Observable } from '../observable.ts';
import type { TypedRun } from '../store/new-run-draft.ts';
import { configOf, fieldsOf, keyIn, toTyped, typedOf, type Field, type Typed } from '../form/fields.ts';
import { baseOf, changedConfig, changesOf, filesOf, type Change, type Fork } from './fork.ts';
import { rewardRows, typedRewards, withReward, type RewardRow, byFunction, withValues } from './rewards.ts';
import type { ParameterValue } from '@medr1/kernel-bridge/protocol/rewards';

export interface NewRunState {
  status: 'loading' | 'ready' | 'error';
  error: ErrorBody | null;
  fields: Field[];
  typed: Record<string, Typed>;
  /** By key; what the form itself can see, and what the server said. */
  problems: Record<string, string>;
  /** What the server said that belongs to no field. */
  refusal: ErrorBody | null;
  estimate: Estimate | null;
  checking: boolean;
  starting: boolean;
  preset: string | null;
  /** Keys that another view has chosen: presets leave them as they are. */
  carried: Record<string, unknown>;
  /** Reward functions that need no file. */
  builtIn: BuiltInReward[];
  /** Reward files that were chosen in the host, by file name: their path there and their text. */
  files: Record<string, { path: string; source: string }>;
  /** Run or file that the form was filled in from; null where it was not. */
  like: string | null;
  /** The form is that of a fork; null for a new run. */
  fork: Fork | null;
  /** What the server says of each reward function, by entry; null while it is asked. */
  rewards: Record<string, CheckedReward> | null;
}

const CHECK_DELAY_MS = 400;

export class NewRunModel {
  readonly state = new Observable<NewRunState>({
    status: 'loading',
    error: null,
    fields: [],
    typed: {},
    problems: {},
    refusal: null,
    estimate: null,
    checking: false,
    starting: false,
    preset: null,
    carried: {},
    builtIn: [],
    files: {},
    like: null,
    fork: null,
    rewards: {},
  });
  readonly #connector: Connector;
  readonly #files: HostFiles | null;
  readonly #schema = new Latest<unknown>();
  /** What the reward functions were last asked about with. */
  #asked = '';
  readonly #checked = new Latest<CheckedReward[]>();
  readonly #estimate = new Latest<Estimate>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `files`: the host's, where it has some. */
  constructor(connector: Connector, files: HostFiles | null = null) {
    this.#connector = connector;
    this.#files = files;
  }

  async load(): Promise<void> {
    this.#change({ status: 'loading', error: null });
    const schema = await this.#schema.ask((signal) => this.#connector.schema(signal));
    if (schema?.status === 'error') return this.#change(schema);
    if (!schema) return;
    const fields = fieldsOf(schema.value);
    this.#change({ status: 'ready', fields, typed: { ...typedOf(fields), ...this.state.value.typed } });
    const builtIn = await outcome(() => this.#connector.builtInRewards());
    if (builtIn.status === 'ready') this.#change({ builtIn: builtIn.value }); // without the list, functions are added by name
  }

  set(key: string, value: Typed): void {
    const { typed } = this.state.value;
    const { run_name: name, variant } = typed;
    // a name that a preset gave ends in its variant, "Demo, think", and goes on to tell it
    const renamed = key === 'variant' && typeof name === 'string' && name.endsWith(`, ${String(variant)}`);
    this.#change({
      typed: { ...typed, ...(renamed && { run_name: `${name.slice(0, -String(variant).length)}${String(value)}` }), [key]: value },
    });
    this.#check();
  }

  get rewards(): RewardRow[] {
    return rewardRows(this.state.value.typed);
  }

  setRewards(rows: readonly RewardRow[]): void {
    this.#change({ typed: { ...this.state.value.typed, ...typedRewards(rows) } });
    this.#check();
  }

  /** A built-in function by name, or a file of the server's machine by its path. */
  addReward(entry: string): void {
    this.setRewards(withReward(this.rewards, entry));
  }

  weighReward(entry: string, weight: number): void {
    this.setRewards(this.rewards.map((row) => (row.entry === entry ? { ...row, weight } : row)));
  }

  /** Its parameters and its schedule go with it. */
  removeReward(entry: string): void {
    const { typed } = this.state.value;
    const name = this.rewards.find((row) => row.entry === entry)?.name ?? entry;
    for (const key of ['reward_parameters', 'reward_weight_schedules'])
      if (name in byFunction(typed[key])) this.set(key, withValues(typed[key], name, null));
    this.setRewards(this.rewards.filter((row) => row.entry !== entry));
  }

  parametersOf(name: string): Record<string, ParameterValue> {
    return byFunction<Record<string, ParameterValue>>(this.state.value.typed.reward_parameters)[name] ?? {};
  }

  parametrise(name: string, given: Record<string, ParameterValue>): void {
    this.set('reward_parameters', withValues(this.state.value.typed.reward_parameters, name, given));
  }

  /** Files chosen in the host; one of a name that was chosen before takes its place. */
  async chooseRewards(): Promise<void> {
    await this.#try(async () => {
      for (const path of (await this.#files?.chooseRewards()) ?? []) await this.#keep(path);
    });
  }

  async #keep(path: string): Promise<void> {
    const file = fileName(path);
    if (file.includes(',')) {
      const remedy = 'Rename the file: letters, digits, _ and -, and the ending .ts or .js.';
      throw { code: 'REWARD_NAME', message: `${file} is no name of a reward file`, remedy };
    }
    const source = await this.#files!.read(path);
    this.#change({ files: { ...this.state.value.files, [file]: { path, source } } });
    this.addReward(file);
  }

  /** A chosen file was saved: what counts is what it says now. */
  async reread(path: string): Promise<void> {
    const file = fileName(path);
    if (this.state.value.files[file]?.path !== path) return;
    await this.#try(() => this.#keep(path));
  }

  /** Keys that another view has chosen, over what is typed. */
  take(config: Record<string, unknown>): void {
    const { fields, typed } = this.state.value;
    const given = fields.filter(({ key }) => key in config).map((field) => [field.key, toTyped(field, config[field.key])] as const);
    this.#change({ typed: { ...typed, ...Object.fromEntries(given) }, carried: config, fork: null });
    this.#check();
  }

  /** What another view has chosen is no longer kept through presets. */
  dropCarried(): void {
    this.#change({ carried: {} });
  }

  /** What is typed and differs from the defaults; null where nothing does, and in the form of a fork, whose parent may go on. */
  get draft(): TypedRun | null {
    const { fields, typed, files, like, preset, fork } = this.state.value;
    if (fork) return null;
    const first = typedOf(fields);
    const changed = Object.entries(typed).filter(([key, value]) => value !== first[key]);
    return changed.length === 0 ? null : { typed: Object.fromEntries(changed), files, like, preset };
  }

  /** The form as it was left. */
  takeUp({ typed, files, like, preset }: TypedRun): void {
    const { fields } = this.state.value;
    const known = Object.entries(typed).filter(([key]) => fields.some((field) => field.key === key));
    this.#change({ typed: { ...typedOf(fields), ...Object.fromEntries(known) }, files, like, preset });
    this.#check();
  }

  /** Everything to the defaults. */
  clear(): void {
    this.#change({ typed: typedOf(this.state.value.fields), files: {}, carried: {}, like: null, preset: null, fork: null });
    this.#check();
  }

  /** Everything to the defaults, then the preset's keys; what another view has chosen stays. */
  apply(preset: { id: string; config: Record<string, unknown> }): void {
    this.#change({
      typed: typedOf(this.state.value.fields, { ...preset.config, ...this.state.value.carried }),
      preset: preset.id,
      like: null,
      fork: null,
    });
    this.#check();
  }

  /** The whole form from a run or a file: keys that it leaves out go to their defaults. `files`: sources of reward files that it names. */
  fill({ config, like, files = {} }: { config: Record<string, unknown>; like: string; files?: Record<string, string> }): void {
    const sources = Object.fromEntries(Object.entries(files).map(([file, source]) => [file, { path: file, source }]));
    const kept = { ...this.state.value.files, ...sources };
    this.#change({
      typed: typedOf(this.state.value.fields, named(config, files)),
      files: kept,
      carried: {},
      preset: null,
      like,
      fork: null,
    });
    this.#check();
  }

  /** The form of a fork: as its parent was at the checkpoint, with `changes` over it. */
  fork(fork: Fork, changes: Record<string, unknown> = {}): void {
    const { fields } = this.state.value;
    const name = fork.parent.summary.name;
    this.fill({ config: { ...baseOf(fork), ...changes }, like: name, files: filesOf(fork) });
    const unknown = Object.keys(changes).find((key) => !fields.some((field) => field.key === key));
    const refusal = unknown === undefined ? null : unknownKey(unknown);
    this.#change({ fork, refusal });
  }

  /** Another checkpoint: what was changed stays changed, all else is as the parent had it there. */
  forkFrom(step: number): void {
    const { fork } = this.state.value;
    if (fork) this.fork({ ...fork, step }, Object.fromEntries(this.changes.map(({ field, after }) => [field.key, after])));
  }

  /** What is typed and differs from the parent; nothing in the form of a new run. */
  get changes(): Change[] {
    const { fork, fields, typed } = this.state.value;
    return fork ? changesOf(fork, fields, typed) : [];
  }

  /** Back to what the parent had. */
  undo({ field, before }: Change): void {
    this.set(field.key, toTyped(field, before));
  }

  /** What is typed is kept for a run of its own. */
  leaveFork(): void {
    this.#change({ fork: null });
    this.#check();
  }

  /** Fills the form in from a YAML text; what is wrong with it shows where a refused start does. */
  async fillFrom(name: string, text: string): Promise<void> {
    await this.#try(async () => this.fill({ config: await this.#connector.readConfig({ text }), like: name }));
  }

  async #try(what: () => Promise<void>): Promise<void> {
    const tried = await outcome(what);
    if (tried.status === 'error') this.#change({ refusal: tried.error });
  }

  /** The configuration typed in, without what is wrong. */
  get config(): Record<string, unknown> {
    return this.#read().config;
  }

  /** Starts the run, or the fork; null when the configuration was refused, and the state says why. */
  start(): Promise<RunSummary | null> {
    return this.#start((config, more) => {
      const { fork } = this.state.value;
      if (!fork) return this.#connector.createRun(config, more);
      return this.#connector.fork(fork.parent.summary.id, { step: fork.step, config: changedConfig(fork, this.changes), ...more });
    });
  }

  /** Starts one run that thinks and one that does not, on the same questions in the same order. */
  startPair(): Promise<RunSummary[] | null> {
    return this.#start((config, more) => this.#connector.createPair({ config, variants: this.pairVariants, ...more }));
  }

  /** The variant that is typed, or `think`, beside `no-think`. */
  get pairVariants(): [Variant, Variant] {
    const typed = this.state.value.typed.variant as Variant | undefined;
    return [typed === undefined || typed === 'no-think' ? 'think' : typed, 'no-think'];
  }

  async #start<T>(
    make: (config: Record<string, unknown>, more: { reward_files?: Record<string, string> }) => Promise<T>,
  ): Promise<T | null> {
    clearTimeout(this.#timer);
    this.#estimate.stop();
    const { config, problems } = this.#read();
    this.#change({ problems, refusal: null });
    if (Object.keys(problems).length > 0) return null;
    this.#change({ starting: true });
    const started = await outcome(async () => {
      await this.#askRewards();
      if (this.wrongRewards > 0) return null;
      const reward_files = this.#sent();
      return make(config, Object.keys(reward_files).length > 0 ? { reward_files } : {});
    });
    this.#change({ starting: false });
    if (this.state.value.checking) this.#check(); // the start had taken its turn
    if (started.status === 'ready') return started.value;
    this.#refuse(started.error);
    return null;
  }

  /** Functions that cannot be used. */
  get wrongRewards(): number {
    return Object.values(this.state.value.rewards ?? {}).filter(({ error }) => error !== null).length;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#estimate.stop();
  }

  #read(): ReturnType<typeof configOf> {
    const { fields, typed } = this.state.value;
    return configOf(fields, typed);
  }

  /** What the form can see is said at once, what the server knows after a pause in typing; an answer to older input is dropped. */
  #check(): void {
    clearTimeout(this.#timer);
    this.#estimate.stop();
    const { problems } = this.#read();
    this.#change({ problems, refusal: null });
    const wrong = Object.keys(problems).length > 0;
    this.#change(wrong ? { estimate: null, checking: false } : { checking: true });
    this.#timer = setTimeout(() => void Promise.all([this.#tryAskRewards(), wrong || this.#askEstimate()]), CHECK_DELAY_MS);
  }

  /** The server is back: what it could not be asked is asked again. */
  reconnected(): void {
    const { status, refusal } = this.state.value;
    if (status === 'ready' && refusal !== null) this.#check();
  }

  /** Sources of the chosen files that are still among the functions. */
  #sent(): Record<string, string> {
    const { files } = this.state.value;
    return Object.fromEntries(this.rewards.flatMap(({ entry }) => (files[entry] ? [[entry, files[entry].source]] : [])));
  }

  /** Has the functions looked at, once for each change of them. */
  async #askRewards(): Promise<void> {
    const { typed } = this.state.value;
    const { fork } = this.state.value;
    const known = fork ? baseOf(fork).reward_funcs : []; // the parent has used them
    const reward_funcs = this.rewards.map(({ entry }) => entry).filter((entry) => !known.includes(entry));
    const length = Number(typed.max_completion_length);
    const request = {
      reward_funcs,
      reward_files: this.#sent(),
      variant: typed.variant as TrainConfig['variant'],
      ...(Number.isInteger(length) && length > 0 && { max_completion_length: length }),
    };
    const asked = JSON.stringify(request);
    if (asked === this.#asked && this.state.value.rewards) return;
    this.#asked = asked;
    this.#change({ rewards: null });
    const checked = await this.#checked.ask((signal) => this.#connector.checkRewards(request, signal));
    if (checked?.status === 'ready') this.#change({ rewards: Object.fromEntries(checked.value.map((one) => [one.entry, one])) });
    if (checked?.status !== 'error') return;
    this.#asked = '';
    this.#change({ rewards: {} });
    throw checked.error;
  }

  /** While typing, a server that does not answer says so at the estimate already. */
  async #tryAskRewards(): Promise<void> {
    await this.#askRewards().catch(() => {});
  }

  async #askEstimate(): Promise<void> {
    const { config } = this.#read();
    const estimate = await this.#estimate.ask(async (signal) => {
      await this.#connector.checkConfig({ config }, signal);
      return this.#connector.estimate({ config }, signal);
    });
    if (!estimate) return;
    this.#change({ estimate: estimate.status === 'ready' ? estimate.value : null, checking: false });
    if (estimate.status === 'error') this.#refuse(estimate.error);
  }

  #refuse(error: ErrorBody): void {
    const { fields, typed } = this.state.value;
    const key = keyIn(error.message, fields, typed);
    if (key) this.#change({ problems: { ...this.state.value.problems, [key]: told(error) } });
    else this.#change({ refusal: error });
  }

  #change(change: Partial<NewRunState>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }
}

const unknownKey = (key: string): ErrorBody => ({
  code: 'CONFIG_UNKNOWN_KEY',
  message: `There is no key "${key}".`,
  remedy: 'Choose what to change in the form.',
});

/** A reward file whose source came along is named without the folder it once lay in. */
const named = (config: Record<string, unknown>, files: Record<string, string>): Record<string, unknown> =>
  Array.isArray(config.reward_funcs)
    ? { ...config, reward_funcs: (config.reward_funcs as string[]).map((entry) => (fileName(entry) in files ? fileName(entry) : entry)) }
    : config;
