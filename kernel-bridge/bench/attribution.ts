/**
 * Where a model looks: `npm run bench -- attribution [--images N] [--model DIR] [--check]`, the sample's model where none is named. A made image holds one
 * lesion at a known place, and the model names its colour in its reasoning. Where it names the right one, and a grey image makes that word much less
 * probable, the best block of a map should lie on the lesion. Prints, for each method, in how many of these answers it does, and in how many of all images
 * (of one whose colour the model does not name, the right word after a demonstration's words is explained); what chance would give; and the time of a map.
 * With --check, what deletion and insertion against ten random orders say of each map.
 * A model that should be doubted: `npm run bench -- shuffled --out DIR`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyVariant, formatQuestion } from '../src/answers/index.ts';
import { pixelsOfFile } from '../src/data/image/picture.ts';
import { FINDINGS, PLACES, SIZES, type Scene } from '../src/data/sample/world.ts';
import { attribution, generate, loadModel, loadProcessor } from '../src/models/index.ts';
import { describe } from '../src/rl/warmstart/traces.ts';
import { readArguments } from './arguments.ts';

const root = join(import.meta.dirname, '../..');
const {
  images,
  model: directory,
  check,
} = readArguments({
  images: { type: 'string', default: '60' },
  model: { type: 'string', default: join(root, 'examples/sample/model') },
  check: { type: 'boolean', default: false },
});
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

/** The lesion's middle and reach in pixels, the word for its colour, and what a demonstration says of the image up to that word. */
function lesionOf(image: string): { x: number; y: number; reach: number; colour: string; before: string } | null {
  const answers = ['Other Biological Attributes', 'Disease Diagnosis', 'Lesion Grading', 'Modality Recognition', 'Anatomy Identification'];
  const [place, finding, grade, modality, anatomy] = answers.map((type) => answerOf(image, type));
  const size = Object.entries(SIZES).find(([, one]) => one.grade === grade);
  if (!size || !(place! in PLACES) || !(finding! in FINDINGS)) return null;
  const lesion = { place, finding, size: size[0] } as NonNullable<Scene['lesion']>;
  const [x, y] = PLACES[lesion.place];
  const { colour } = FINDINGS[lesion.finding];
  const said = describe({ modality: modality as Scene['modality'], anatomy: anatomy as Scene['anatomy'], lesion });
  return { x, y, reach: size[1].radius * 1.2 + 4, colour, before: `<think>${said.slice(0, said.indexOf(` ${colour}`))}` };
}

const processor = await loadProcessor(directory);
using model = await loadModel(directory);
model.setTrainable(() => false);

const METHODS = {
  gradient: (question: attribution.Question) => attribution.gradientTimesInput(model, question).images[0],
  integrated: (question: attribution.Question) => attribution.integratedGradients(model, question, 50).images[0],
  occlusion: (question: attribution.Question) => attribution.occlusion(model, question, { rows: 4, columns: 4 }).blocks,
};
const COLOURS = new Set<string>(Object.values(FINDINGS).map(({ colour }) => colour));
const fresh = () => ({ inside: 0, insideOfNeeded: 0, seconds: 0, better: 0, chance: 0, 'no-image': 0 });
const found = Object.fromEntries(Object.keys(METHODS).map((name) => [name, fresh()]));
let [asked, named, right, needed, chance] = [0, 0, 0, 0, 0];

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
  const words = tokenIds.map((id) => processor.decode([id]).trim());
  const index = words.findIndex((word) => COLOURS.has(word));
  named += Number(index >= 0);
  const isRight = words[index] === lesion.colour;
  const put = isRight
    ? { before: tokenIds.slice(0, index), token: tokenIds[index] }
    : { before: processor.encode(lesion.before), token: processor.encode(` ${lesion.colour}`)[0] };
  const question = { prompt, imageConfig: processor.imageConfig, ...put, against: [] };
  const { score, blocks } = attribution.occlusion(model, question, { rows: 1, columns: 1 });
  const isNeeded = isRight && Math.exp(score) - Math.exp(score - blocks[0][0]) >= NEEDED;
  right += Number(isRight);
  needed += Number(isNeeded);
  const isInside = (row: number, column: number): boolean =>
    Math.abs((column + 0.5) * BLOCK - lesion.x) < BLOCK / 2 + lesion.reach &&
    Math.abs((row + 0.5) * BLOCK - lesion.y) < BLOCK / 2 + lesion.reach;
  const cells = [0, 1, 2, 3].flatMap((row) => [0, 1, 2, 3].map((column) => isInside(row, column)));
  chance += cells.filter(Boolean).length / cells.length;
  for (const [name, method] of Object.entries(METHODS)) {
    const start = process.cpuUsage();
    const map = method(question);
    const { user, system } = process.cpuUsage(start);
    const values = map.flat();
    const isOnLesion = cells[values.indexOf(Math.max(...values))];
    found[name].seconds += (user + system) / 1e6;
    found[name].inside += Number(isOnLesion);
    found[name].insideOfNeeded += Number(isOnLesion && isNeeded);
    if (check) found[name][(await attribution.faithfulness(model, question, map)).verdict]++;
  }
}

console.log(`${asked} images asked about, a colour named in ${named}, the right one in ${right}, from the image in ${needed}`);
const share = (part: number, whole: number): string => `${part} of ${whole}${whole > 0 ? ` (${(part / whole).toFixed(2)})` : ''}`;
console.table(
  Object.entries(found).map(([method, { inside, insideOfNeeded, seconds, better, chance: asChance, 'no-image': noImage }]) => ({
    method,
    'best block on the lesion, right from the image': share(insideOfNeeded, needed),
    'of all': share(inside, asked),
    'by chance': (chance / asked).toFixed(2),
    'CPU s a map': (seconds / asked).toFixed(3),
    ...(check && { 'better than chance': share(better, asked), 'no better': asChance, 'the image does not matter': noImage }),
  })),
);
console.log(JSON.stringify({ asked, named, right, needed, chance: chance / asked, ...found }));
