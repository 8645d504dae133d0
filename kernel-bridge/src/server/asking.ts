/**
 * Questions to models, whatever they are: who answers, how many may wait, and for how long. A policy in training answers itself between two steps;
 * checkpoints and model directories answer in processes of their own (generation-worker.ts), each one question at a time.
 */
import { existsSync } from 'node:fs';
import type { AnswerTo, AnyAsk } from '../protocol/channel.ts';
import type { TrainConfig } from '../protocol/config.ts';
import type { ModelSource } from '../protocol/generate.ts';
import { errors } from '../runs/errors.ts';
import { checkModel } from '../runs/runs.ts';
import type { RunStore } from '../runs/store.ts';
import type { GenerationWorker } from './generation-worker.ts';
import type { Supervisor } from './supervisor.ts';

export interface AskingOptions {
  /** Answers from checkpoints and model directories. */
  worker: Pick<GenerationWorker, 'ask'>;
  supervisor: Pick<Supervisor, 'ask' | 'ids'>;
  store: (run: string) => RunStore;
  timeout_ms?: number;
  /** Questions that may be on their way at a time. */
  most?: number;
}

const MOST = 24;
const TIMEOUT_MS = 10 * 60_000;

/** Who answers, when nobody trains it. */
interface Source extends ModelSource {
  step: number | null;
}

/** An answer and the policy that gave it. */
export interface Answered<A extends AnyAsk> {
  answer: AnswerTo<A>;
  step: number | null;
  model: string;
  live: boolean;
}

export class Asking {
  readonly #options: AskingOptions;
  #waiting = 0;

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** Throws GENERATE_BUSY, GENERATE_TIMEOUT, GENERATE_STOPPED (by `signal`), and what `work` throws. */
  async inTime<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { most = MOST, timeout_ms = TIMEOUT_MS } = this.#options;
    if (this.#waiting >= most) throw errors.generateBusy();
    this.#waiting++;
    const timeout = AbortSignal.timeout(timeout_ms);
    try {
      return await work(AbortSignal.any([signal, timeout]));
    } catch (error) {
      if (signal.aborted) throw errors.generateStopped();
      throw timeout.aborted ? errors.generateSlow(timeout_ms / 1000) : error;
    } finally {
      this.#waiting--;
    }
  }

  /** A directory's model. */
  async model<A extends AnyAsk>(path: string, ask: A, signal: AbortSignal): Promise<Answered<A>> {
    checkModel(path);
    return this.#byWorker(ask, { path, step: null, dtype: null, device: 'auto' }, signal);
  }

  /** The policy in training; else the last checkpoint, and before there is one the model that the run starts from. */
  async newest<A extends AnyAsk>(run: string, ask: A, signal: AbortSignal, { live = true } = {}): Promise<Answered<A>> {
    return (live ? await this.#policy(run, ask, signal) : null) ?? this.#byWorker(ask, this.#sourceOf(run, undefined), signal);
  }

  /** The checkpoint of this step, which must be there. Throws CHECKPOINT_UNKNOWN. */
  async checkpoint<A extends AnyAsk>(run: string, step: number, ask: A, signal: AbortSignal): Promise<Answered<A>> {
    return this.#byWorker(ask, this.#sourceOf(run, step), signal);
  }

  /**
   * The policy nearest to that of `step`: a checkpoint, the policy in training, or the model that the run starts from; of two that are as near the
   * earlier. A checkpoint that is removed while the question waits is passed over.
   */
  async nearest<A extends AnyAsk>(run: string, step: number, ask: A, signal: AbortSignal): Promise<Answered<A>> {
    let trained = true;
    for (;;) {
      const sources = this.#sources(run);
      const now = trained && this.#options.supervisor.ids.includes(run) ? this.#options.store(run).step : null;
      const distance = (one: number | null): number => (one === null ? Infinity : Math.abs(one - step));
      const source = sources.toSorted((a, b) => distance(a.step) - distance(b.step) || a.step! - b.step!)[0];
      if (now !== null && distance(now) < distance(source?.step ?? null)) {
        const answered = await this.#policy(run, ask, signal);
        if (answered) return answered;
        trained = false; // it has ended: its checkpoints are what is left
        continue;
      }
      if (source === undefined) throw errors.noPolicyLeft(run, this.#options.store(run).row().config.model_name_or_path);
      try {
        return await this.#byWorker(ask, source, signal);
      } catch (error) {
        if (signal.aborted || existsSync(source.path)) throw error;
      }
    }
  }

  /** Null when nobody trains the run, or when it took its last step before it got to the question: its last checkpoint is that policy. */
  async #policy<A extends AnyAsk>(run: string, ask: A, signal: AbortSignal): Promise<Answered<A> | null> {
    try {
      const answered = await this.#options.supervisor.ask(run, ask, signal);
      if (!answered) return null;
      const { answer, step } = answered;
      return { answer, step, model: this.#options.store(run).row().config.model_name_or_path, live: true };
    } catch (error) {
      const { state } = this.#options.store(run).row();
      if (signal.aborted || (state !== 'finished' && state !== 'stopped')) throw error;
      return null;
    }
  }

  /**
   * The checkpoint at `step`; without one the newest, and before there is any the model that the run starts from. Its hashes are not
   * checked, for that would read gigabytes at every question; what does not load is refused by name.
   */
  #sourceOf(run: string, step: number | undefined): Source {
    const { config } = this.#options.store(run).row();
    const checkpoints = this.#options.store(run).checkpoints();
    const checkpoint = step === undefined ? checkpoints.at(-1) : checkpoints.find((each) => each.step === step);
    if (checkpoint) return sourceAt(config, checkpoint);
    const steps = checkpoints.map((each) => each.step);
    if (step !== undefined) throw errors.noCheckpoint(run, step, steps);
    checkModel(config.model_name_or_path);
    return sourceAt(config, { path: config.model_name_or_path, step: 0 });
  }

  /** All that can be loaded of a run. */
  #sources(run: string): Source[] {
    const { config } = this.#options.store(run).row();
    const all = [{ path: config.model_name_or_path, step: 0 }, ...this.#options.store(run).checkpoints()];
    return all.filter(({ path }) => existsSync(path)).map((one) => sourceAt(config, one));
  }

  async #byWorker<A extends AnyAsk>(ask: A, { step, ...source }: Source, signal: AbortSignal): Promise<Answered<A>> {
    return { answer: await this.#options.worker.ask(ask, source, signal), step, model: source.path, live: false };
  }
}

const sourceAt = ({ dtype, device }: TrainConfig, { path, step }: { path: string; step: number }): Source => ({
  ...{ path, step, dtype },
  device: device.split(':')[0], // any of the kind will do for a question
});
