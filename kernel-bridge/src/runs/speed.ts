/** Seconds of a step, from the steps that runs on this machine have made: their median time, scaled by the arithmetic that a step asks for. */
import type { TrainConfig } from '../protocol/index.ts';
import type { ModelShape, Workload } from './memory.ts';
import { readShape } from './model-files.ts';
import { listRuns, openRun } from './runs.ts';
import type { RunStore } from './store.ts';
import { processesOf, workloadOf } from './workload.ts';

/** Newest runs that are looked at. */
const RUNS = 20;
/** Steps of a run that its speed is the median of, the first left out. */
const STEPS = 50;
/** A decoded token costs more time than its arithmetic: weights are read for a handful of rows. */
const DECODE = 4;

export interface Speed {
  /** Of one process. */
  flopsPerSecond: number;
  /** What it was measured on, for people. */
  from: string;
}

/** Multiplications and additions of a step, decoding weighed by what it costs. */
export function stepFlops(shape: ModelShape, config: TrainConfig, work: Workload): number {
  const decoder = shape.parameters - shape.vision - shape.embedding; // per token
  const rows = work.questions * work.prompt + work.completions * work.completion;
  const images = work.questions * work.patches;
  const once = 2 * (decoder * rows + shape.vision * images + shape.embedding * work.completions * work.completion);
  const prefill = 2 * (decoder * work.questions * work.prompt + shape.vision * images);
  const decoding = 2 * (decoder + shape.embedding) * work.completions * work.completion * DECODE;
  const grpo = config.trainer === 'grpo';
  const passes = (config.use_peft ? 2 : 3) + (config.gradient_checkpointing ? 1 : 0) + (grpo && config.beta !== 0 ? 1 : 0);
  return passes * once + (grpo ? prefill + decoding : 0);
}

/** The speed of the newest run of this device and precision that made steps, of the same kind of training if there is one; null when there is none. */
export function measuredSpeed(home: string, config: TrainConfig, device: 'cpu' | 'cuda'): Speed | null {
  const found = listRuns(home)
    .slice(0, RUNS)
    .flatMap((id) => {
      try {
        using store = openRun(home, id);
        return speedOf(store, config, device) ?? [];
      } catch {
        return []; // a damaged run, or one whose model is gone, says nothing
      }
    });
  const alike = found.find(({ like }) => like) ?? found[0];
  return alike ? { flopsPerSecond: alike.flopsPerSecond, from: alike.from } : null;
}

function speedOf(store: RunStore, wanted: TrainConfig, device: 'cpu' | 'cuda'): (Speed & { like: boolean }) | null {
  const { config, name, device: usedDevice } = store.row();
  if (config.dtype !== wanted.dtype || !(usedDevice ?? '').startsWith(device)) return null;
  const rows = store.db
    .prepare(
      `SELECT value FROM metric JOIN metric_name ON id = name_id WHERE name = 'step_time' AND step > 1 AND value > 0 ORDER BY step DESC LIMIT ?`,
    )
    .all(STEPS);
  if (rows.length === 0) return null;
  const seconds = rows.map(({ value }) => value as number).sort((a, b) => a - b)[Math.floor(rows.length / 2)];
  const length = lastValue(store, 'completions/mean_length');
  const shape = readShape(config.model_name_or_path, config.lora_target_modules);
  const work = workloadOf(config, [], shape);
  const real = length === null ? work : { ...work, completion: length };
  return {
    flopsPerSecond: stepFlops(shape, config, real) / seconds / processesOf(config),
    from: `${rows.length === 1 ? '1 step' : `${rows.length} steps`} of ${name}`,
    like: config.trainer === wanted.trainer && config.use_peft === wanted.use_peft,
  };
}

function lastValue(store: RunStore, name: string): number | null {
  const row = store.db
    .prepare('SELECT value FROM metric JOIN metric_name ON id = name_id WHERE name = ? ORDER BY step DESC LIMIT 1')
    .get(name);
  return (row?.value as number | null | undefined) ?? null;
}
