/** The New run form at work: what is typed, what the server says of it, and what the run would need. */
import { errorBody, type Connector, type ErrorBody, type Estimate, type RunSummary } from '../connector.ts';
import { Observable } from '../observable.ts';
import { configOf, fieldsOf, keyIn, toTyped, typedOf, type Field, type Typed } from './form.ts';

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
  });
  readonly #connector: Connector;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #generation = 0;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  async load(): Promise<void> {
    this.#change({ status: 'loading', error: null });
    try {
      const fields = fieldsOf(await this.#connector.schema());
      this.#change({ status: 'ready', fields, typed: { ...typedOf(fields), ...this.state.value.typed } });
    } catch (error) {
      this.#change({ status: 'error', error: errorBody(error) });
    }
  }

  set(key: string, value: Typed): void {
    this.#change({ typed: { ...this.state.value.typed, [key]: value } });
    this.#check();
  }

  /** Keys that another view has chosen, over what is typed. */
  take(config: Record<string, unknown>): void {
    const { fields, typed } = this.state.value;
    const given = fields.filter(({ key }) => key in config).map((field) => [field.key, toTyped(field, config[field.key])] as const);
    this.#change({ typed: { ...typed, ...Object.fromEntries(given) } });
    this.#check();
  }

  /** Everything to the defaults, then the preset's keys. */
  apply(preset: { id: string; config: Record<string, unknown> }): void {
    this.#change({ typed: typedOf(this.state.value.fields, preset.config), preset: preset.id });
    this.#check();
  }

  /** Starts the run; null when the configuration was refused, and the state says why. */
  async start(): Promise<RunSummary | null> {
    clearTimeout(this.#timer);
    this.#generation++;
    const { config, problems } = this.#read();
    this.#change({ problems, refusal: null });
    if (Object.keys(problems).length > 0) return null;
    this.#change({ starting: true });
    try {
      return await this.#connector.createRun(config, true);
    } catch (error) {
      this.#refuse(errorBody(error));
      return null;
    } finally {
      this.#change({ starting: false });
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#generation++;
  }

  #read(): ReturnType<typeof configOf> {
    const { fields, typed } = this.state.value;
    return configOf(fields, typed);
  }

  /** What the form can see is said at once, what the server knows after a pause in typing; an answer to older input is dropped. */
  #check(): void {
    clearTimeout(this.#timer);
    const generation = ++this.#generation;
    const { problems } = this.#read();
    this.#change({ problems, refusal: null });
    if (Object.keys(problems).length > 0) return this.#change({ estimate: null, checking: false });
    this.#change({ checking: true });
    this.#timer = setTimeout(() => void this.#ask(generation), CHECK_DELAY_MS);
  }

  async #ask(generation: number): Promise<void> {
    const { config } = this.#read();
    try {
      await this.#connector.checkConfig(config);
      const estimate = await this.#connector.estimate(config);
      if (generation === this.#generation) this.#change({ estimate, checking: false });
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#change({ estimate: null, checking: false });
      this.#refuse(errorBody(error));
    }
  }

  #refuse(error: ErrorBody): void {
    const key = keyIn(error.message, this.state.value.fields);
    if (key) this.#change({ problems: { ...this.state.value.problems, [key]: `${error.message} ${error.remedy}` } });
    else this.#change({ refusal: error });
  }

  #change(change: Partial<NewRunState>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }
}
