/**
 * What questions about a completion take on the sample's model, by the clock and of the processor: `npm run bench -- explain [--times N]`. Asked of its greedy
 * thinking answer to one question, with the image as it is (112 pixels, 4 x 4 tokens) and at twice the size (8 x 8 tokens, so that occlusion has all of its
 * 7 x 7 blocks). Maps are timed with their check against ten random orders and without. `--times 1` prints the first time, with all that is compiled then.
 */
import { join } from 'node:path';
import { choicesOf } from '../src/answers/index.ts';
import { loadItems } from '../src/data/load.ts';
import { generate, loadModel, loadProcessor } from '../src/models/index.ts';
import type { ExplainAsk } from '../src/protocol/explain.ts';
import { disposePrompt } from '../src/rl/ask.ts';
import { encodePut } from '../src/rl/answer.ts';
import { explain } from '../src/rl/explain/index.ts';
import { readArguments } from './arguments.ts';

const { times } = readArguments({ times: { type: 'string', default: '5' } });
const root = join(import.meta.dirname, '../..');
const sample = join(root, '.medr1/sample');
const model = join(root, 'examples/sample/model');
const BLOCKS: [number, number] = [7, 7];
const map = { kind: 'attribution', token: null, against: [], steps: 50, blocks: BLOCKS, orders: 10 } as const;
/** Seconds by the clock on the demo model (issue and research: gradients 2, occlusion 5). */
const QUESTIONS = {
  'alternatives of every token': [{ kind: 'alternatives', top: 5, temperature: 1 }, 2],
  'decision after each sentence': [{ kind: 'decision' }, 2],
  'gradient x input, checked': [{ ...map, against: [], method: 'gradient' }, 2],
  'integrated gradients (50), checked': [{ ...map, against: [], method: 'integrated' }, 2],
  'occlusion, at most 7 x 7, checked': [{ ...map, against: [], method: 'occlusion' }, 5],
  'integrated gradients (50), unchecked': [{ ...map, against: [], method: 'integrated', orders: 0 }, 2],
  'occlusion, at most 7 x 7, unchecked': [{ ...map, against: [], method: 'occlusion', orders: 0 }, 5],
} satisfies Record<string, [ExplainAsk['explain'], number]>;

const { items } = await loadItems(sample, { split: 'question_type/test/Disease Diagnosis', usable: true });
const processor = await loadProcessor(model);
using policy = await loadModel(model);
const [item] = items;
for (const pixels of [null, 224 * 224]) {
  const put = { item, root: sample, variant: 'think', template: null, evaluation: true, min_pixels: pixels, max_pixels: pixels } as const;
  const { prompt } = await encodePut(processor, put);
  const [[{ tokenIds }]] = await generate(policy, [prompt], { greedy: true, maxNewTokens: 64, eosTokenIds: processor.eosTokenIds });
  console.log(`\na prompt of ${prompt.inputIds.length} tokens, image included, and a completion of ${tokenIds.length}`);
  disposePrompt(prompt);
  for (const [name, [asked, goal]] of Object.entries(QUESTIONS)) {
    const ask: ExplainAsk = {
      ...put,
      crop: null,
      blank: false,
      token_ids: tokenIds,
      text: null,
      options: choicesOf(item.options),
      explain: asked,
    };
    const taken: { wall: number; cpu: number }[] = [];
    for (let time = 0; time < Number(times); time++) {
      const [start, before] = [performance.now(), process.cpuUsage()];
      await explain(processor, () => policy, ask);
      const { user, system } = process.cpuUsage(before);
      taken.push({ wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 });
    }
    const median = (of: 'wall' | 'cpu'): number => taken.map((one) => one[of]).toSorted((a, b) => a - b)[taken.length >> 1];
    const good = median('wall') <= goal ? 'ok  ' : 'MISS';
    console.log(
      `${good} ${name.padEnd(38)} ${median('wall').toFixed(2)} s by the clock (goal ${goal}), ${median('cpu').toFixed(2)} s of CPU`,
    );
  }
}
