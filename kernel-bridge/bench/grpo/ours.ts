/** Our side of bench/grpo.ts, a process for each figure: node ours.ts step|sampling|pass JOB.json. Prints a JSON document a round, then one of Facts. */
import { readFileSync } from 'node:fs';
import { dirname, basename } from 'node:path';
import sharp from 'sharp';
import type { VqaItem } from '../../src/protocol/index.ts';
import { generate, groupLogps, loadModel, loadProcessor, type EncodedPrompt, type Model } from '../../src/models/index.ts';
import { createTrainer } from '../../src/rl/index.ts';
import { grpoUpdate } from '../../src/rl/grpo.ts';
import { Meters } from '../../src/rl/meters.ts';
import { mulberry32 } from '../../src/stats/random.ts';
import { completeConfig } from '../../src/runs/config.ts';
import { estimate } from '../../src/runs/estimate.ts';
import { cuda, memoryStats, noGrad, scope, tensor, torch, writeSafetensors } from '../../src/torch/index.ts';
import type { Facts, Job, Kind, Round } from './job.ts';

const [kind, file] = process.argv.slice(2) as [Kind, string];
const job = JSON.parse(readFileSync(file, 'utf8')) as Job;

/** VmHWM of this process (Linux), or the GPU's allocator. */
function peakBytes(): number {
  const gpu = memoryStats().cuda;
  if (job.device !== 'cpu' && gpu !== null) return gpu.peak;
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

function now(): number {
  if (job.device !== 'cpu') cuda.synchronize();
  return performance.now() / 1000;
}

/** The job's rounds, after one that warms up. */
async function rounds(work: () => Promise<Pick<Round, 'sample_seconds' | 'token_seconds'> | void> | void): Promise<void> {
  for (let round = 0; round <= job.steps; round++) {
    const [start, cpu] = [now(), process.cpuUsage()];
    const facts = await work();
    const { user, system } = process.cpuUsage(cpu);
    const line: Round = { seconds: now() - start, cpu_seconds: (user + system) / 1e6, peak_bytes: peakBytes(), ...facts };
    console.log(JSON.stringify(line));
  }
}

const settings = () =>
  completeConfig({
    model_name_or_path: job.model,
    dataset_name: dirname(job.images[0]),
    dtype: job.dtype,
    device: job.device,
    num_generations: job.G,
    per_device_train_batch_size: job.micro * job.G,
    gradient_accumulation_steps: job.images.length / job.micro,
    max_completion_length: job.tokens,
    max_steps: job.steps + 1,
    learning_rate: 1e-6,
    beta: 0.04,
    loss_type: 'grpo',
    gradient_checkpointing: false,
  });

async function step(): Promise<Facts> {
  const items = job.images.map((image, i): VqaItem => ({
    id: String(i),
    dataset: 'bench',
    image: basename(image),
    ...job.question,
    answer: 'A',
    modality: 'none',
    question_type: 'none',
    problem: null,
  }));
  const trainer = await createTrainer({ config: settings(), items, evalItems: [], root: dirname(job.images[0]) });
  await rounds(async () => {
    const { metrics } = await trainer.trainStep();
    const length = metrics['completions/mean_length'];
    // Among many tokens one may be the end.
    if (length! < 0.98 * job.tokens) throw new Error(`completions of ${length} tokens on average, not ${job.tokens}: some ended early`);
    return { sample_seconds: metrics['time/sample_s']! };
  });
  const { width = 0, height = 0 } = await sharp(job.images[0]).metadata();
  const device = job.device === 'cpu' ? 'cpu' : 'cuda';
  const { total_bytes, memory } = estimate(settings(), items, { device, imagePixels: width * height });
  return { planned_bytes: total_bytes - (memory.process ?? 0) };
}

async function load() {
  const processor = await loadProcessor(job.model);
  const model = await loadModel(job.model, { dtype: job.dtype, device: job.device === 'cuda' ? 'cuda:0' : 'cpu' });
  const prompts = await Promise.all(job.images.map((image) => processor.prompt({ images: [image], text: job.text })));
  return { processor, model, prompts };
}

async function sampling(): Promise<Facts> {
  const { processor, model, prompts } = await load();
  const suppressTokenIds = [...processor.allSpecialIds, ...processor.eosTokenIds];
  let seed = 0;
  await rounds(async () => void (await generate(model, prompts, { n: job.G, maxNewTokens: job.tokens, suppressTokenIds, seed: seed++ })));
  return {};
}

const DECODED_ROWS = 64;

/** Seconds from one token of each row to the next: a call for all tokens less one for the first alone. */
async function decode(): Promise<Facts> {
  const { processor, model, prompts } = await load();
  const some = prompts.slice(0, Math.max(1, Math.floor(DECODED_ROWS / job.G)));
  const suppressTokenIds = [...processor.allSpecialIds, ...processor.eosTokenIds];
  const seconds = async (maxNewTokens: number): Promise<number> => {
    const start = now();
    await generate(model, some, { n: job.G, maxNewTokens, suppressTokenIds, seed: 1 });
    return now() - start;
  };
  await rounds(async () => {
    const all = await seconds(job.tokens);
    return { token_seconds: (all - (await seconds(1))) / (job.tokens - 1) };
  });
  return { rows: some.length * job.G };
}

async function trainingPass(): Promise<Facts> {
  const { model, prompts: all } = await load();
  const prompts = all.slice(0, job.micro);
  model.setTrainable(() => true);
  const random = mulberry32(1);
  const completions = prompts.map(() =>
    Array.from({ length: job.G }, () => Array.from({ length: job.tokens }, () => Math.floor(random() * 150_000))),
  );
  const advantages = completions.flat().map((_, i) => (i % 2 === 0 ? 1 : -1));
  writePass(model, prompts, completions.flat(), advantages);
  const micro = { prompts, completions, advantages, counted: advantages.map(() => true), logpOld: null, logpRef: null };
  await rounds(() => {
    grpoUpdate(model, [micro], { ...settings(), beta: 0 }, new Meters());
    for (const weight of model.params.values()) weight.grad = null;
  });
  const mean_logp = scope(() => noGrad(() => torch.mean(groupLogps(model, prompts, completions).logps).item()));
  const [{ inputIds, images }] = prompts;
  return { mean_logp, prompt_tokens: inputIds.length, patches: images[0].pixelValues.shape[0] };
}

/** What the peer needs to do the same work: token ids, pixels and positions of the packed rows. */
function writePass({ config, family }: Model, prompts: EncodedPrompt[], completions: number[][], advantages: number[]): void {
  const axes: number[][] = [[], [], []];
  const places = prompts.map(({ inputIds, images }) => {
    const grids = images.map(({ grid }) => grid);
    return family.positions(config, inputIds, grids);
  });
  for (const positions of places) positions.axes.forEach((axis, i) => axes[i].push(...axis));
  completions.forEach((ids, n) => {
    const { next } = places[Math.floor(n / job.G)];
    for (const axis of axes) axis.push(...ids.slice(0, -1).map((_, t) => next + t));
  });
  const images = prompts.flatMap((prompt) => prompt.images);
  const int = (values: number[][]) => tensor(values, { dtype: 'int64' });
  scope(() =>
    writeSafetensors(
      job.pass,
      new Map([
        ['prompts', int(prompts.map(({ inputIds }) => inputIds))],
        ['completions', int(completions)],
        ['positions', int(axes)],
        ['grids', int(images.map(({ grid }) => [...grid]))],
        [
          'pixels',
          torch.cat(
            images.map(({ pixelValues }) => pixelValues),
            0,
          ),
        ],
        ['advantages', tensor(advantages)],
      ]),
    ),
  );
}

console.log(JSON.stringify(await { step, sampling, decode, pass: trainingPass }[kind]()));
