/**
 * Where the sample's model looks: `npm run bench -- attribution [--images N]`. A made image holds one lesion at a known place. The model names its colour in
 * its reasoning. Where it names the right one, and a grey image makes that word much less probable, the best block of a map should lie on the lesion.
 * Prints, for each method, in how many of these answers it does, what chance would give, and the time of a map.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyVariant, formatQuestion } from '../src/answers/index.ts';
import { pixelsOfFile } from '../src/data/image/picture.ts';
import { FINDINGS, PLACES, SIZES } from '../src/data/sample/world.ts';
import { attribution, generate, loadModel, loadProcessor } from '../src/models/index.ts';
import { readArguments } from './arguments.ts';

const { images } = readArguments({ images: { type: 'string', default: '60' } });
const root = join(import.meta.dirname, '../..');
const sample = join(root, '.medr1/sample');
/** Pixels of a block, and how much less probable a grey image must make a word for it to be the image's. */
const [BLOCK, NEEDED] = [28, 0.2];

interface RawRecord {
  question_type: string;
  question: string;
  gt_answer: string;
  image_path: string;
  [option: `option_${string}`]: string;
}

const records = readdirSync(join(sample, 'QA_information/Open-access')).flatMap(
  (file) => JSON.parse(readFileSync(join(sample, 'QA_information/Open-access', file), 'utf8')) as RawRecord[],
);
const byImage = Map.groupBy(records, ({ image_path }) => image_path);
const answerOf = (image: string, type: string): string | undefined =>
  byImage.get(image)?.find(({ question_type }) => question_type === type)?.gt_answer;

/** The lesion's middle and reach in pixels, and the word for its colour. */
function lesionOf(image: string): { x: number; y: number; reach: number; colour: string } | null {
  const [place, finding, grade] = ['Other Biological Attributes', 'Disease Diagnosis', 'Lesion Grading'].map((type) =>
    answerOf(image, type),
  );
  const size = Object.values(SIZES).find((one) => one.grade === grade);
  if (!size || !(place! in PLACES) || !(finding! in FINDINGS)) return null;
  const [x, y] = PLACES[place as keyof typeof PLACES];
  return { x, y, reach: size.radius * 1.2 + 4, colour: FINDINGS[finding as keyof typeof FINDINGS].colour };
}

const processor = await loadProcessor(join(root, 'examples/sample/model'));
using model = await loadModel(join(root, 'examples/sample/model'));
model.setTrainable(() => false);

const METHODS = {
  gradient: (question: attribution.Question) => attribution.gradientTimesInput(model, question).images[0],
  integrated: (question: attribution.Question) => attribution.integratedGradients(model, question, 50).images[0],
  occlusion: (question: attribution.Question) => attribution.occlusion(model, question, { rows: 4, columns: 4 }).blocks,
};
const found = Object.fromEntries(Object.keys(METHODS).map((name) => [name, { inside: 0, seconds: 0 }]));
let [asked, named, needed, chance] = [0, 0, 0, 0];

for (const image of byImage.keys()) {
  if (asked >= Number(images)) break;
  const lesion = lesionOf(image);
  const record = byImage.get(image)!.find(({ question_type }) => question_type === 'Disease Diagnosis');
  if (!lesion || !record) continue;
  const pixels = await pixelsOfFile(join(sample, image)).catch(() => null); // the sample has a missing image on purpose
  if (!pixels) continue;
  asked++;
  const options = ['A', 'B', 'C', 'D'].flatMap((letter) => record[`option_${letter}`] ?? []);
  const prompt = await processor.prompt({
    images: [pixels],
    text: applyVariant(formatQuestion({ question: record.question, options }), 'think'),
  });
  const [[{ tokenIds }]] = await generate(model, [prompt], { greedy: true, maxNewTokens: 64, eosTokenIds: processor.eosTokenIds });
  const index = tokenIds.findIndex((id) => processor.decode([id]).trim() === lesion.colour);
  if (index < 0) continue;
  named++;
  const question = { prompt, imageConfig: processor.imageConfig, before: tokenIds.slice(0, index), token: tokenIds[index], against: [] };
  const { score, blocks } = attribution.occlusion(model, question, { rows: 1, columns: 1 });
  if (Math.exp(score) - Math.exp(score - blocks[0][0]) < NEEDED) continue;
  needed++;
  const isInside = (row: number, column: number): boolean =>
    Math.abs((column + 0.5) * BLOCK - lesion.x) < BLOCK / 2 + lesion.reach &&
    Math.abs((row + 0.5) * BLOCK - lesion.y) < BLOCK / 2 + lesion.reach;
  const cells = [0, 1, 2, 3].flatMap((row) => [0, 1, 2, 3].map((column) => isInside(row, column)));
  chance += cells.filter(Boolean).length / cells.length;
  for (const [name, method] of Object.entries(METHODS)) {
    const start = process.cpuUsage();
    const map = method(question).flat();
    const { user, system } = process.cpuUsage(start);
    found[name].seconds += (user + system) / 1e6;
    found[name].inside += Number(cells[map.indexOf(Math.max(...map))]);
  }
}

console.log(`${asked} images asked about, the right colour named in ${named}, from the image in ${needed}`);
console.table(
  Object.entries(found).map(([method, { inside, seconds }]) => ({
    method,
    'best block on the lesion': `${inside} of ${needed}`,
    share: (inside / needed).toFixed(2),
    chance: (chance / needed).toFixed(2),
    'CPU s a map': (seconds / needed).toFixed(3),
  })),
);
console.log(JSON.stringify({ asked, named, needed, chance: chance / needed, ...found }));
