/**
 * Trains one run: takes the run's lock, goes on from the newest valid checkpoint, and writes every step before anyone hears of it.
 * What others ask for (commands, reward edits) stands in the run's database and is looked at between two steps.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { writeDurably } from '../files/durable.ts';
import { answerTo } from '../protocol/channel.ts';
import { errorBody } from '../protocol/errors.ts';
import type { VqaItem } from '../protocol/data.ts';
import { isOfFile } from '../protocol/problems.ts';
import type { LiveSettings } from '../protocol/live-settings.ts';
import type { RewardRevision, RunState } from '../protocol/run.ts';
import { isRewardFailure, WAITS_FOR_KERNEL, type AskKernel } from '../rewards/index.ts';
import type { StepResult } from '../protocol/step.ts';
import type { CreateTrainer, Trainer } from '../rl/types.ts';
import { newestValid, removeUnfinished, writeCheckpoint } from '../runs/checkpoints.ts';
import { isDiskError, isDiskFull } from '../log/disk-space.ts';
import { errors } from '../runs/errors.ts';
import { tryLock } from '../log/lock.ts';
import { requireReadable } from '../rl/trainer-state.ts';
import { revisions } from '../runs/rewards.ts';
import { lockFile, trainedBy, trainFilter, type LoadItems } from '../runs/runs.ts';
import { RunStore } from '../runs/store.ts';
import { checkRun, requireLastStep } from '../runs/verify.ts';
import type { Reply } from './inbox.ts';
import { LeftOutJournal } from './left-out.ts';
import { askOnce } from './kernel-rewards.ts';
import { PatientDisk } from './patient-disk.ts';
import type { Turn } from './turn.ts';

/** How long a worker waits for a program that holds the run's database, such as a backup. */
const LOCKED_MS = 5 * 60_000;

export interface WorkerOptions {
  directory: string;
  home: string;
  createTrainer: CreateTrainer;
  loadItems: LoadItems;
  /** Called after every commit; whoever listens reads the store. */
  committed: () => void;
  log: (line: string) => void;
  /** Aborted when the run is to end at the next step boundary; reason `stop` (asked for) or `orphan` (the supervisor is gone). */
  signal: AbortSignal;
  /** Resolves when something may have been asked for: a paused worker waits for it. */
  nudge: () => Promise<void>;
  /** The device, where another run takes turns with this one. */
  turn: Turn;
  /** The way to kernels that evaluate reward functions. */
  askKernel?: AskKernel;
  /** Has everything answered that was asked of the policy since the last time. */
  answerAsked: (reply: Reply) => Promise<void>;
}

/** Returns the state in which the run ended, or is where it does not wait for a worker; an error of the trainer is stored and ends it as `failed`. */
export async function runWorker(options: WorkerOptions): Promise<RunState> {
  using lock = tryLock(lockFile(options.directory), 2000);
  using store = await openStore(options);
  if (!lock) throw errors.runLocked(store.row().id, trainedBy(options.directory));
  let trainer: Trainer | undefined;
  try {
    using disk = new PatientDisk(store, options);
    const state = await disk.write(() => store.take());
    // It was stopped, or another worker brought it to an end, since this one was started for it.
    if (state !== 'starting') return state;
    options.committed();
    const leftOut = new LeftOutJournal(store, disk);
    trainer = await begin(store, disk, options, leftOut);
    return await new Training(store, disk, trainer, options, leftOut).loop();
  } catch (error) {
    options.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    const full = isDiskFull(error);
    const state = full ? 'interrupted' : 'failed';
    store.setState(state, errorBody(endOf(error, options.directory)));
    return state;
  } finally {
    trainer?.dispose();
    options.committed();
  }
}

/** A disk that is full keeps the run waiting here as it does later: the run goes on once there is room. */
async function openStore({ directory, log, nudge, signal }: WorkerOptions): Promise<RunStore> {
  for (let said = false; ; said = true) {
    try {
      return RunStore.open(directory, { wait_ms: LOCKED_MS });
    } catch (error) {
      if (!isDiskFull(error) || signal.aborted) throw error;
      if (!said) log(String(error));
      await nudge();
    }
  }
}

/** What is told of an error that ended a run: of a disk that is full or fails, by its own name. */
function endOf(error: unknown, directory: string): unknown {
  if (isDiskFull(error)) return errors.endedFull(directory);
  return isDiskError(error) ? errors.endedFailed(directory, error) : error;
}

async function begin(store: RunStore, disk: PatientDisk, options: WorkerOptions, leftOut: LeftOutJournal): Promise<Trainer> {
  requireLastStep(store); // before the checkpoints that it does not know are removed
  await removeUnfinished(store);
  const { checkpoint, damaged } = await newestValid(store, requireReadable);
  const from = checkpoint?.step ?? 0;
  await disk.write(() => store.seal());
  await checkRun(store, { upTo: from }); // what comes after is computed anew
  if (store.step > from) await disk.write(() => store.dropAfter(from, { revisions: 'repeat' }));
  for (const error of damaged) await disk.write(() => store.alert(errorBody(error))); // after the drop, which would take them along

  const { config, data_hash } = store.row();
  const data = await options.loadItems(config.dataset_name, trainFilter(config, options.home));
  if (data.hash !== data_hash) throw errors.dataChanged(config.dataset_name);
  const evalItems = await questionsToEvaluateOn(store, options);
  const usable = ({ problem }: { problem: string | null }) => problem === null;
  const unusable = await disk.write(() => unusableAtStart(options.directory, data.items));
  const inForce = revisions(store.db).findLast(({ step }) => step !== null) ?? store.dueRewards().at(-1);
  const trainer = await options.createTrainer({
    config,
    rewards: inForce,
    settings: inForce?.settings,
    items: data.items.filter(({ id, problem }) => !unusable.has(id) && (isOfFile(problem) || problem === null)),
    evalItems: evalItems.filter(usable),
    root: data.root,
    resumeFrom: checkpoint?.path,
    evidenceDir: join(options.directory, 'evidence'),
    processorDir: join(options.directory, 'processor'),
    images: data.images,
    leftOut: leftOut.read(),
    onLeftOut: (found) => leftOut.hear(found),
    log: options.log,
    askKernel: options.askKernel && askOnce(store, disk, options.askKernel, options),
  });
  await disk.write(() => store.started({ total_steps: trainer.totalSteps, device: knownAs(trainer.device) }));
  options.committed();
  return trainer;
}

/**
 * Ids that were unusable when the run began. The data order is over the others, for good: were a question that became unusable since left out of it,
 * a resumed run would draw other questions than the one that was stopped. The trainer leaves it out by itself.
 */
function unusableAtStart(directory: string, items: readonly VqaItem[]): ReadonlySet<string> {
  const file = join(directory, 'unusable.json');
  const kept = existsSync(file) ? readFileSync(file, 'utf8') : ''; // earlier versions let a power cut empty it before the first step
  if (kept !== '') return new Set(JSON.parse(kept) as string[]);
  const ids = items.flatMap(({ id, problem }) => (problem === null ? [] : [id]));
  writeDurably(file, JSON.stringify(ids));
  return new Set(ids);
}

/** A process that was given GPUs counts them from 0; people know them by the numbers that its server gives them. */
const knownAs = (device: string): string => (device.includes('cuda') && process.env.MEDR1_DEVICES) || device;

/** None where the test split is no longer the one that the run has been evaluated on: its curve would join what cannot be compared. */
async function questionsToEvaluateOn(store: RunStore, { loadItems, home }: WorkerOptions): Promise<VqaItem[]> {
  const { config } = store.row();
  if (!config.dataset_test_split) return [];
  const filter = { ...trainFilter(config, home), split: config.dataset_test_split };
  const { items, hash } = await loadItems(config.dataset_name, filter);
  const name = [config.dataset_name, config.dataset_test_split, config.modality, config.question_type].flat().filter(Boolean).join(', ');
  if (store.evaluatesOn(name, hash)) return items;
  store.alert(errors.evalDataChanged(config.dataset_test_split).toJSON());
  return [];
}

/** transformers' rule for save_steps and eval_steps: below 1 they are a share of all steps. */
const stepsBetween = (given: number, total: number): number => (given < 1 ? Math.ceil(given * total) : given);

type Span = <T>(name: string, work: () => T) => T;

class Training {
  private readonly store: RunStore;
  private readonly disk: PatientDisk;
  private readonly trainer: Trainer;
  private readonly options: WorkerOptions;
  private readonly leftOut: LeftOutJournal;
  private paused = false;
  /** In force at the last step; null where only the configuration says. */
  private settings: LiveSettings | null;

  constructor(store: RunStore, disk: PatientDisk, trainer: Trainer, options: WorkerOptions, leftOut: LeftOutJournal) {
    this.leftOut = leftOut;
    this.settings = revisions(store.db).findLast(({ step }) => step !== null)?.settings ?? null;
    this.store = store;
    this.disk = disk;
    disk.meanwhile = () => {
      this.trainer.idle?.(); // ranks wait no longer for one whose disk is full than for one that is paused
      return this.answerAsked();
    };
    this.trainer = trainer;
    this.options = options;
  }

  async loop(): Promise<RunState> {
    const { config } = this.store.row();
    const { trace_steps } = config;
    while (this.trainer.step < this.trainer.totalSteps) {
      await yieldToEvents();
      const ended = await this.between();
      if (ended) return ended;
      if (this.paused) {
        this.options.turn.give();
        this.trainer.idle?.();
        await this.options.nudge();
        continue;
      }
      if (!(await this.options.turn.take())) continue;
      const result = trace_steps?.includes(this.trainer.step + 1) ? await this.tracedStep() : await this.step();
      const { eval_steps, save_steps } = this.settings ?? config;
      const isDue = (every: number) => result && every > 0 && result.step % stepsBetween(every, this.trainer.totalSteps) === 0;
      if (isDue(eval_steps)) await this.evaluate();
      if (isDue(save_steps)) await this.checkpoint('periodic');
      this.options.turn.give();
    }
    await this.checkpoint('final', true);
    return this.end('finished');
  }

  /** One optimiser step and its commit; `span` names the latter in a trace. Null when a reward function failed, which pauses the run. */
  private async step(span: Span = (_, work) => work()): Promise<StepResult | null> {
    const due = this.store.dueRewards();
    const result = await this.disk.write(() => this.trainStep(due)); // evidence of a skipped step is written too
    if (!result) return null;
    await this.leftOut.keep(); // before the step: a run that is killed between the two leaves them out again
    await span('commit', () => this.disk.write(() => this.store.commitStep(result, due)));
    this.settings = due.at(-1)?.settings ?? this.settings;
    await this.leftOut.tell();
    this.options.committed();
    return result;
  }

  /** The same, recorded in traces/ of the run's directory. A trace that cannot be written costs the run nothing. */
  private async tracedStep(): Promise<StepResult | null> {
    const { span, trace } = await import('../torch/trace.ts'); // libtorch, which the trainer has loaded
    const name = `step ${this.trainer.step + 1}`;
    let begun = false;
    let result: StepResult | null | undefined;
    const work = async (): Promise<void> => {
      begun = true;
      result = await this.step(span);
    };
    try {
      const directory = join(this.options.directory, 'traces');
      await mkdir(directory, { recursive: true });
      await trace(join(directory, `${name.replace(' ', '-')}.json`), () => span(name, work));
    } catch (error) {
      if (begun && result === undefined) throw error;
      this.options.log(`no trace of ${name}: ${String(error)}`);
    }
    return begun ? (result ?? null) : this.step();
  }

  /** What was asked for since the last step. Returns the run's end state when it is to end. */
  private async between(): Promise<RunState | null> {
    if (!existsSync(join(this.store.directory, 'run.db'))) throw errors.runGone(this.store.directory);
    if (this.options.signal.aborted) {
      const orphan = this.options.signal.reason === 'orphan';
      await this.checkpoint(orphan ? 'interrupted' : 'stopped');
      return orphan ? this.end('interrupted', errors.serverStopped().toJSON()) : this.end('stopped');
    }
    for (const { id, action } of this.store.pending()) {
      if (action === 'stop') {
        await this.checkpoint('stopped');
        return this.end('stopped');
      }
      if (action === 'checkpoint') await this.checkpoint('requested', true);
      if (action === 'pause' || action === 'resume') await this.setPaused(action === 'pause');
      await this.disk.write(() => this.store.commandDone(id));
      this.options.committed();
    }
    await this.answerAsked();
    return null;
  }

  private answerAsked(): Promise<void> {
    return this.options.answerAsked(async (ask, signal) => ({
      answer: await answerTo(this.trainer, ask, signal),
      step: this.trainer.step,
    }));
  }

  private async setPaused(paused: boolean): Promise<void> {
    if (paused === this.paused) return;
    this.paused = paused;
    await this.disk.write(() => this.store.setState(paused ? 'paused' : 'running'));
  }

  /** The next step under the rewards that are due. Null when a reward function failed: nothing was learnt, and the run is paused with its error. */
  private async trainStep(due: RewardRevision[]): Promise<StepResult | null> {
    try {
      const last = due.at(-1);
      if (last) this.trainer.setRewards(last);
      if (last?.settings) this.trainer.setSettings(last.settings);
      return await this.trainer.trainStep();
    } catch (error) {
      if (!isRewardFailure(error)) throw error;
      const { code, message, remedy } = error;
      const then = WAITS_FOR_KERNEL.has(code)
        ? `Step ${this.trainer.step + 1} is taken again then.`
        : `Apply the mended function (Rewards view, run.set_rewards, medr1 reward set), then resume: step ${this.trainer.step + 1} is taken again.`;
      this.options.log(message);
      this.paused = true;
      await this.disk.write(() => this.store.setState('paused', { code, message, remedy: `${remedy} ${then}` }));
      this.options.committed();
      return null;
    }
  }

  /** One that fails is an alert: whatever ails the training too shows in the step that follows. */
  private async evaluate(): Promise<void> {
    let write: () => void;
    try {
      const metrics = await this.trainer.evaluate();
      write = () => metrics && this.store.addEvaluation(metrics);
    } catch (error) {
      this.options.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      write = () => this.store.alert(errorBody(error));
    }
    await this.leftOut.keep();
    await this.disk.write(write);
    await this.leftOut.tell();
    this.options.committed();
  }

  private async checkpoint(reason: string, pinned = false): Promise<void> {
    if (this.store.step === 0) return; // nothing to go on from but the model itself
    const keep = this.store.row().config.save_total_limit;
    const bytes = this.store.checkpoints().at(-1)?.bytes;
    await this.disk.write(() => writeCheckpoint(this.store, (dir) => this.trainer.saveCheckpoint(dir), { reason, pinned, keep }), bytes);
    this.options.committed();
  }

  private async end(state: RunState, error: ReturnType<typeof errorBody> | null = null): Promise<RunState> {
    await this.disk.write(() => this.store.setState(state, error));
    return state;
  }
}
