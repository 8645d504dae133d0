/**
 * Trains the sample's model with its images shuffled over the questions, so that no answer follows from the image beside it. Its vision tower is drawn anew
 * first: what it had learnt from the right images is gone, what the decoder knows of questions and letters stays.
 *     npm run bench -- shuffled --out DIR [--steps N]
 * It leaves DIR/50, DIR/100, ..., and a second call goes on from the last of them, to the same bits.
 * What its maps are worth then: `npm run bench -- attribution --model DIR/N --check`. 50 steps take a minute of CPU time.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { initModel, loadModel, loadProcessor, saveModel, type Model } from '../src/models/index.ts';
import { drawPool, encodePool } from '../src/rl/warmstart/image-pool.ts';
import { Learner } from '../src/rl/warmstart/learner.ts';
import { PHASES } from '../src/rl/warmstart/phases.ts';
import { sfc32, shuffled } from '../src/stats/random.ts';
import { noGrad, torch } from '../src/torch/index.ts';
import { readArguments } from './arguments.ts';

const { out, steps } = readArguments({ out: { type: 'string' }, steps: { type: 'string', default: '200' } });
if (out === undefined) {
  console.log('Nothing done: name the folder for the models, --out DIR.');
  process.exit(0); // one of all benchmarks
}
const EVERY = 50;
const POOL = 2000;
const RATE = 7e-4;

const sample = join(import.meta.dirname, '../../examples/sample/model');
mkdirSync(out, { recursive: true });
const done = Math.max(0, ...readdirSync(out).map(Number).filter(Number.isInteger)); // prettier-ignore
const processor = await loadProcessor(sample);
using model = await loadModel(done === 0 ? sample : join(out, String(done)));
if (done === 0) blinded(model);
const pool = drawPool('train', 0, POOL);
const order = shuffled(sfc32('shuffled over the questions'), pool.images.map((_, at) => at)); // prettier-ignore
const encoded = encodePool(pool, processor);
const images = order.map((at) => encoded[at]);
const { draw } = PHASES.find(({ name }) => name === 'settle')!;
const start = process.cpuUsage();
for (let from = done; from < Number(steps); from += EVERY) {
  const learner = new Learner(model, processor, images);
  const rng = sfc32('shuffled', from);
  let scores = {};
  for (let step = 0; step < EVERY; step++) scores = learner.step(draw(rng, pool), RATE);
  await saveModel(model, join(out, String(from + EVERY)), sample);
  const { user, system } = process.cpuUsage(start);
  console.log(
    `${from + EVERY} steps, ${((user + system) / 1e6).toFixed(0)} s of CPU, the last step's share of right tokens ${JSON.stringify(scores)}`,
  );
}

function blinded(model: Model): void {
  using fresh = initModel(model.family.configJson(model.config, model.dtype), { seed: 0 });
  noGrad(() => {
    for (const [name, weight] of model.params) if (name.includes('visual.')) torch.copy_(weight, fresh.params.get(name)!);
  });
}
