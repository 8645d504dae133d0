/** What is typed into the form of an evaluation, and what is known of the run and the data set that it names. Without a page. */
import { CreateEval } from '@medr1/kernel-bridge/protocol';
import type { Connector, DatasetSummary, RunDetail } from '../connector.ts';
import { told } from '../format.ts';
import { configOf, fieldsOf, keyIn, typedOf, type Field, type Typed } from '../form/fields.ts';
import { Doing, Latest } from '../load.ts';
import { Observable } from '../observable.ts';

/** The test sets that Med-R1's Splits folder has. */
const SPLITS = ['modality/test', 'question_type/test'];
/** What is asked for unless something else is chosen: the controls that cost least and say most. */
const AT_FIRST: Partial<CreateEval> = { split: SPLITS[0], controls: ['blank-image', 'option-prior'] };

export interface FormState {
  typed: Record<string, Typed>;
  /** What is wrong, by key. */
  problems: Record<string, string>;
}

export class EvaluationFormModel {
  readonly fields: readonly Field[] = fieldsOf(CreateEval);
  readonly state: Observable<FormState>;
  /** The run that is chosen, with its checkpoints. */
  readonly run = new Latest<RunDetail>();
  /** Data sets that are indexed: names can be typed where the list cannot be read. */
  readonly datasets = new Latest<DatasetSummary[]>();
  readonly sending = new Doing();
  /** Splits of the data set that is named, where it is indexed. */
  readonly #splits = new Latest<string[]>();
  readonly #connector: Connector;

  constructor(connector: Connector) {
    this.#connector = connector;
    this.state = new Observable({ typed: typedOf(this.fields, AT_FIRST), problems: {} });
  }

  /** The data set, and the run or model, that are meant most often. */
  async begin({ dataset, run, model }: { dataset: string | null; run: string | null; model: string | null }): Promise<void> {
    if (dataset !== null) this.set('dataset', dataset);
    const listed = this.datasets.ask(async (signal) => (await this.#connector.data.list(signal)).datasets);
    if (run !== null) await this.chooseRun(run);
    else if (model !== null) this.set('model', model);
    await listed;
    this.#readSplits();
  }

  set(key: string, value: Typed): void {
    this.#change({ [key]: value });
    if (key === 'dataset') this.#readSplits();
  }

  get splits(): string[] {
    return [...new Set([...SPLITS, ...(this.#splits.answer ?? [])])];
  }

  /** A run brings its newest checkpoint, its prompt and its data along; '' = a directory is meant. */
  async chooseRun(id: string): Promise<void> {
    this.#change({ run: id, step: '', ...(id !== '' && { model: '' }) });
    this.run.clear();
    if (id === '') return;
    const came = await this.run.ask((signal) => this.#connector.run(id, signal));
    if (came?.status !== 'ready') return;
    const { checkpoints, config } = came.value;
    const newest = checkpoints.at(-1)?.step;
    this.#change({ variant: config.variant, ...(newest !== undefined && { step: String(newest) }) });
    if (config.dataset_name) this.set('dataset', config.dataset_name);
  }

  /** Starts what is typed, and gives its id; null where it was refused, or something is wrong. */
  async start(): Promise<string | null> {
    const { config, problems } = configOf(this.fields, this.state.value.typed);
    this.state.update((state) => ({ ...state, problems }));
    if (Object.keys(problems).length > 0) return null;
    const started = await this.sending.do(() => this.#connector.evals.start(config as unknown as CreateEval));
    const { error } = this.sending;
    const key = error?.code === 'REQUEST_INVALID' ? keyIn(error.message, this.fields) : null;
    if (key) this.state.update((state) => ({ ...state, problems: { [key]: told(error!) } }));
    return started?.value.id ?? null;
  }

  #readSplits(): void {
    const { dataset } = this.state.value.typed;
    const known = this.datasets.answer?.find(({ name }) => name === dataset);
    if (known)
      void this.#splits.askOnce(known.name, async (signal) => Object.keys((await this.#connector.data.get(known.name, signal)).splits));
    else this.#splits.clear();
  }

  subscribe(listener: () => void): () => void {
    const stops = [this.state, this.run, this.datasets, this.sending, this.#splits].map((part) => part.subscribe(listener));
    return () => stops.forEach((stop) => stop());
  }

  #change(typed: Record<string, Typed>): void {
    this.sending.forgive();
    this.state.update((state) => ({ typed: { ...state.typed, ...typed }, problems: {} }));
  }
}
