/**
 * One run as a page follows it: its state and configuration, its columns of metrics, the revisions of its rewards and the marks of its events.
 * All of it is read once; after that the run's log brings it up to date. Views of the same run share one of these and its subscription.
 */
import type {
  Checkpoint,
  Connector,
  ErrorBody,
  MetricTable,
  RewardRevision,
  RunDetail,
  RunEvent,
  Subscription,
  TrainConfig,
} from '../connector.ts';
import { Latest } from '../load.ts';
import { Observable } from '../observable.ts';
import { lowerBound } from '../sorted.ts';
import { readRunLog } from './run-log.ts';
import { checkpointMark, markOf, marksOf, notFinite, previousOf, rewardMark, type Mark } from './marks.ts';

/** Steps asked for at first; longer runs come min-max downsampled, spikes kept. */
const FIRST_POINTS = 4000;

export class FollowedRun {
  readonly id: string;
  /** Counts the changes: a listener is told after each. */
  readonly changed = new Observable(0);
  detail: RunDetail | null = null;
  steps: number[] = [];
  /** Milliseconds since 1970, one per step. */
  times: number[] = [];
  readonly metrics = new Map<string, (number | null)[]>();
  marks: Mark[] = [];
  /** Steps after which the run stood still: paused, stopped or broken off. */
  standstills: number[] = [];

  readonly #connector: Connector;
  #epoch = '';
  /** Stretches that were read again, so that none is asked for twice. */
  #refined: [number, number][] = [];
  #subscription: Subscription | null = null;
  readonly #reading = new Latest<void>();

  constructor(connector: Connector, id: string) {
    this.#connector = connector;
    this.id = id;
  }

  /** What is here stays ready while it is read anew. */
  get status(): 'loading' | 'ready' | 'error' {
    const { status } = this.#reading.value;
    return status === 'idle' ? 'loading' : status;
  }

  get error(): ErrorBody | null {
    return this.#reading.error;
  }

  get name(): string {
    return this.detail?.summary.name ?? this.id;
  }

  get config(): TrainConfig | null {
    return this.detail?.config ?? null;
  }

  get revisions(): RewardRevision[] {
    return this.detail?.rewards ?? [];
  }

  get lastStep(): number {
    return this.steps.at(-1) ?? 0;
  }

  /** Newest value of a metric that is there, null when it never was. */
  last(name: string): number | null {
    return this.metrics.get(name)?.findLast((value) => value !== null) ?? null;
  }

  /** Reads the run and follows it. Called again, it starts over: after a failure or when the log's epoch is gone. */
  async load(): Promise<void> {
    this.#leave();
    const reading = this.#reading.ask((signal) => this.#read(signal), { keep: true });
    this.#tell();
    if (await reading) this.#tell();
  }

  async #read(signal: AbortSignal): Promise<void> {
    const [detail, table, told] = await Promise.all([
      this.#connector.run(this.id, signal),
      this.#connector.metrics(this.id, { max_points: FIRST_POINTS }, signal),
      readRunLog(this.#connector, this.id, ['state', 'alert'], signal),
    ]);
    signal.throwIfAborted();
    this.detail = detail;
    this.#take(table);
    const before = told.filter(({ seq }) => seq <= table.seq);
    const events = before.flatMap(markOf);
    this.standstills = [...before.filter(standsStill).map(({ step }) => step), ...detail.summary.inherited.map(({ to }) => to)];
    this.marks = [...marksOf(detail), ...notFinite(table), ...events].sort((a, b) => a.step - b.step);
    this.#subscription = this.#connector.subscribeRun(
      this.id,
      { epoch: table.epoch, since: table.seq },
      (event) => this.apply(event),
      () => void this.load(),
    );
  }

  /**
   * Reads steps `from` to `to` again where some of them were left out of a long run: a chart that zooms in gets the points that its first
   * reading thinned away. Without an answer what is there stays.
   */
  async refine(from: number, to: number): Promise<void> {
    const last = Math.min(to, this.lastStep);
    const there = lowerBound(this.steps, last + 1) - lowerBound(this.steps, from);
    const whole = there >= last - from + 1;
    if (this.status !== 'ready' || whole || there >= FIRST_POINTS || this.#refined.some(([a, b]) => a <= from && last <= b)) return;
    const stretch: [number, number] = [from, last];
    this.#refined.push(stretch);
    try {
      const table = await this.#connector.metrics(this.id, { from, to: last, max_points: FIRST_POINTS });
      if (table.epoch !== this.#epoch) return; // of a log that was replaced
      this.#splice(table);
      this.#tell();
    } catch {
      this.#refined = this.#refined.filter((one) => one !== stretch); // asked again with the next zoom
    }
  }

  /** One event of the run's log. A step that is here already is dropped: the log may tell again what the table held. */
  apply(event: RunEvent): void {
    switch (event.kind) {
      case 'step':
        if (event.step <= this.lastStep) return;
        this.#append(event.step, event.time, event.metrics);
        break;
      case 'evaluation':
        this.#amend(event.step, event.metrics);
        break;
      case 'rewards': {
        const revision = { ...event.revision, sources: event.revision.sources ?? {} }; // logs written before there were sources
        if (event.previous && revision.step !== null) this.#mark(rewardMark(revision, previousOf(event)));
        return this.revise(revision);
      }
      case 'checkpoint':
        this.#keepCheckpoint(event.checkpoint);
        this.#mark(checkpointMark(event.checkpoint));
        break;
      case 'alert':
        markOf(event).forEach((mark) => this.#mark(mark));
        break;
      case 'state':
        if (this.detail) this.detail = { ...this.detail, summary: { ...this.detail.summary, state: event.state, error: event.error } };
        markOf(event).forEach((mark) => this.#mark(mark));
        if (standsStill(event)) this.standstills = [...this.standstills, event.step];
        break;
    }
    this.#tell();
  }

  /** A revision, new or now in force: the answer to an edit comes before its event. */
  revise(revision: RewardRevision): void {
    if (this.detail) {
      const known = this.detail.rewards.find((one) => one.revision === revision.revision);
      const others = this.detail.rewards.filter((one) => one !== known);
      const next = known && known.step !== null ? known : revision;
      this.detail = { ...this.detail, rewards: [...others, next].sort((a, b) => a.revision - b.revision) };
    }
    this.#tell();
  }

  dispose(): void {
    this.#reading.stop();
    this.#leave();
  }

  #leave(): void {
    this.#subscription?.close();
    this.#subscription = null;
  }

  /** Puts the rows of a table in the place of those between its first and last step. */
  #splice(table: MetricTable): void {
    if (table.step.length === 0) return;
    const first = lowerBound(this.steps, table.step[0]);
    const end = lowerBound(this.steps, table.step.at(-1)! + 1);
    for (const name of Object.keys(table.metrics)) this.#column(name, this.steps.length);
    const put = <T>(column: T[], rows: T[]): T[] => [...column.slice(0, first), ...rows, ...column.slice(end)];
    const missing = new Array<null>(table.step.length).fill(null);
    for (const [name, column] of this.metrics) this.metrics.set(name, put<number | null>(column, table.metrics[name] ?? missing));
    this.times = put(this.times, table.time);
    this.steps = put(this.steps, table.step);
  }

  #take(table: MetricTable): void {
    this.#epoch = table.epoch;
    this.#refined = [];
    this.steps = [...table.step];
    this.times = [...table.time];
    this.metrics.clear();
    for (const [name, column] of Object.entries(table.metrics)) this.metrics.set(name, [...column]);
  }

  #append(step: number, time: number, metrics: Record<string, number | null>): void {
    const length = this.steps.push(step);
    this.times.push(time);
    for (const [name, value] of Object.entries(metrics)) this.#column(name, length - 1).push(value);
    for (const column of this.metrics.values()) if (column.length < length) column.push(null);
  }

  /** Values that come after their step was told. */
  #amend(step: number, metrics: Record<string, number | null>): void {
    const at = this.steps.lastIndexOf(step);
    if (at < 0) return;
    // a new array: what was made of a column that only grows is kept (curves/smoothing.ts)
    for (const [name, value] of Object.entries(metrics)) this.metrics.set(name, this.#column(name, this.steps.length).with(at, value));
  }

  #column(name: string, length: number): (number | null)[] {
    let column = this.metrics.get(name);
    if (!column) this.metrics.set(name, (column = new Array<number | null>(length).fill(null)));
    return column;
  }

  #keepCheckpoint(checkpoint: Checkpoint): void {
    if (!this.detail) return;
    const others = this.detail.checkpoints.filter(({ path }) => path !== checkpoint.path);
    this.detail = { ...this.detail, checkpoints: [...others, checkpoint] };
  }

  #mark(mark: Mark): void {
    if (!this.marks.some((one) => one.kind === mark.kind && one.step === mark.step && one.title === mark.title))
      this.marks = [...this.marks, mark];
  }

  #tell(): void {
    this.changed.update((count) => count + 1);
  }
}

const standsStill = (event: RunEvent): boolean =>
  event.kind === 'state' && ['paused', 'interrupted', 'stopped', 'failed'].includes(event.state);
