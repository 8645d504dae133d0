import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkbenchError } from '../../protocol/index.ts';
import { initModel, loadModel, loadProcessor, saveModel } from '../../models/index.ts';
import { sfc32 } from '../../stats/random.ts';
import type { Random } from '../../stats/random.ts';
import { Learner } from './learner.ts';
import type { Scores } from './learner.ts';
import { measure } from './measure.ts';
import { PHASES } from './phases.ts';
import type { Phase } from './phases.ts';
import { drawPool, encodePool } from './image-pool.ts';
import type { ImagePool } from './image-pool.ts';
import { stackLayers } from './stack.ts';
import { PREPROCESSOR, tinyConfig } from './tiny-config.ts';
import { CHAT_TEMPLATE, makeTokenizer } from './tokenizer.ts';

export interface MakeOptions {
  seed?: number;
  log?: (line: string) => void;
  /** Images drawn to learn from. */
  poolSize?: number;
  /** Further images, to measure on. */
  heldOutSize?: number;
  phases?: readonly Phase[];
  /** Goes on after this phase, from the checkpoint that an earlier time left in `out`-<phase>. */
  after?: string;
}

const LOG_EVERY = 50;
const CHECKPOINT_EVERY = 400;

/** Trains the tiny model from random weights, phase by phase, into `out`; the state after each phase stays in `out`-<phase>. */
export async function makeTinyModel(out: string, options: MakeOptions = {}): Promise<void> {
  const { seed = 0, log = () => {}, poolSize = 5000, heldOutSize = 192, phases = PHASES, after } = options;
  const first = after === undefined ? 0 : phases.findIndex((phase) => phase.name === after) + 1;
  if (after !== undefined && !phases[first]?.fresh) throw unknownPhase(after, phases);
  const began = performance.now();
  const cpuBegan = process.cpuUsage();
  const parts = await mkdtemp(join(tmpdir(), 'medr1-tiny-'));
  try {
    const ids = await writeProcessorFiles(parts);
    const processor = await loadProcessor(parts);
    let model = after ? await loadModel(`${out}-${after}`) : initModel(tinyConfig(ids), { seed });
    log(`${model.parameterCount} parameters, ${ids.size} tokens`);
    const pool = drawPool('train', seed, poolSize);
    const heldOut = drawPool('held out', seed, heldOutSize);
    const images = encodePool(pool, processor);
    log(`${images.length} images drawn`);

    let learner = new Learner(model, processor, images);
    let rng = sfc32('warm start', seed);
    for (const phase of phases.slice(first)) {
      if (phase.layers) {
        using shallow = model;
        model = stackLayers(shallow, phase.layers, tinyConfig(ids, phase.layers.length));
        log(`${phase.name}: ${model.parameterCount} parameters`);
      }
      if (phase.fresh) [learner, rng] = [new Learner(model, processor, images), sfc32('warm start', seed, phase.name)];
      const checkpoint = async () => {
        for (const variant of phase.measure) {
          const measured = await measure(model, processor, heldOut, variant);
          log(`${phase.name} ${variant} ${JSON.stringify(measured)}`);
        }
        await saveModel(model, `${out}-${phase.name}`, parts);
      };
      await runPhase(phase, learner, pool, rng, log, checkpoint);
    }
    await saveModel(model, out, parts);
    model.dispose();
    const { user, system } = process.cpuUsage(cpuBegan);
    log(`made in ${((performance.now() - began) / 1000).toFixed(0)} s, ${((user + system) / 1e6).toFixed(0)} s of CPU time`);
  } finally {
    await rm(parts, { recursive: true, force: true });
  }
}

function unknownPhase(after: string, phases: readonly Phase[]): WorkbenchError {
  const names = phases.flatMap(({ name }, i) => (phases[i + 1]?.fresh ? [name] : []));
  return new WorkbenchError({
    code: 'USAGE',
    exit: 2,
    message: `Training can't go on after a phase ${after}.`,
    remedy: `Name one of ${names.join(', ')}.`,
  });
}

async function runPhase(
  phase: Phase,
  learner: Learner,
  pool: ImagePool,
  rng: Random,
  log: (line: string) => void,
  checkpoint: () => Promise<void>,
): Promise<void> {
  const began = performance.now();
  let window: Scores[] = [];
  for (let step = 0; step < phase.steps; step++) {
    window.push(learner.step(phase.draw(rng, pool), phase.lr(step)));
    if ((step + 1) % LOG_EVERY === 0 || step + 1 === phase.steps) {
      log(`${phase.name} ${step + 1}/${phase.steps} ${((performance.now() - began) / 1000).toFixed(0)} s ${summary(window)}`);
      if (phase.until && lettersOf(window, phase.until.part) >= phase.until.letters) break;
      window = [];
    }
    if ((step + 1) % CHECKPOINT_EVERY === 0 && step + 1 < phase.steps) await checkpoint();
  }
  await checkpoint();
}

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const lettersOf = (window: readonly Scores[], part: string) => mean(window.map((scores) => scores[part].letters));

/** "think: letters 0.712 others 0.934" for each part; a part without such tokens gives NaN, left out. */
function summary(window: readonly Scores[]): string {
  const shares = (name: string) =>
    (['letters', 'others'] as const)
      .map((kind) => ({ kind, value: mean(window.map((scores) => scores[name][kind])) }))
      .filter(({ value }) => !Number.isNaN(value))
      .map(({ kind, value }) => `${kind} ${value.toFixed(3)}`);
  return Object.keys(window[0])
    .map((name) => `${name}: ${shares(name).join(' ')}`)
    .join(', ');
}

/** All of a Hugging Face directory but the weights. Returns the tokens' ids. */
export async function writeProcessorFiles(dir: string): Promise<Map<string, number>> {
  const { tokenizer, config, ids } = makeTokenizer();
  const files = {
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': config,
    'chat_template.json': { chat_template: CHAT_TEMPLATE },
    'preprocessor_config.json': PREPROCESSOR,
    'generation_config.json': {
      bos_token_id: ids.get('<|endoftext|>'),
      eos_token_id: [ids.get('<|im_end|>'), ids.get('<|endoftext|>')],
      pad_token_id: ids.get('<|endoftext|>'),
      do_sample: true,
      temperature: 1.0,
    },
  };
  await mkdir(dir, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), `${JSON.stringify(content, null, 2)}\n`);
  return ids;
}
