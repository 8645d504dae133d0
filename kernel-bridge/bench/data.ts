/**
 * How fast the data index is, on 88,996 made records in OmniMedVQA's proportions (data sets, modality by type; the counts of its open part).
 * Prints a line for each goal and one JSON document last.  node kernel-bridge/bench/data.ts [--images N]  (N images to hash, default 600)
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { RunAnswer } from '../src/protocol/data.ts';
import { addDataset } from '../src/data/index/add.ts';
import { Dataset } from '../src/data/index/dataset.ts';
import { loadItems } from '../src/data/load.ts';
import { readArguments } from './arguments.ts';

const TYPES = ['Anatomy Identification', 'Disease Diagnosis', 'Lesion Grading', 'Modality Recognition', 'Other Biological Attributes'];
// modality_type as OmniMedVQA writes it: questions by type in the order above, and the data sets they come from
const MODALITIES: [string, number[], string[]][] = [
  [
    'CT(Computed Tomography)',
    [360, 13068, 268, 1844, 268],
    ['RadImageNet', 'SARS-CoV-2 CT-scan', 'Chest CT Scan', 'Covid CT', 'Covid-19 tianchi'],
  ],
  ['MR (Mag-netic Resonance Imaging)', [0, 28319, 0, 3541, 17], ['RadImageNet']],
  [
    'X-Ray',
    [3375, 3076, 0, 1465, 0],
    ['RUS CHN', 'Mura', 'Chest X-Ray PA', 'CoronaHack', 'Knee Osteoarthritis', 'COVIDx CXR-4', 'MIAS', 'Pulmonary Chest MC'],
  ],
  ['ultrasound', [10018, 0, 0, 973, 0], ['RadImageNet']],
  [
    'Dermoscopy',
    [220, 5326, 0, 1133, 0],
    ['ISIC2019', 'ISIC2020', 'Fitzpatrick 17k', 'ISBI2016', 'PAD-UFES-20', 'ISIC2018', 'Monkeypox Skin Image 2022'],
  ],
  [
    'Fundus Photography',
    [439, 769, 1830, 1190, 1170],
    ['Diabetic Retinopathy', 'Yangxi', 'PALM2019', 'JSIEC', 'ACRIMA', 'DRIMDB', 'DeepDRiD', 'Adam Challenge'],
  ],
  ['OCT (Optical Coherence Tomography', [0, 2461, 0, 488, 1697], ['Retinal OCT-C8', 'OCT & X-Ray 2017', 'OLIVES']],
  [
    'Microscopy Images',
    [2036, 2368, 0, 930, 346],
    ['CRC100k', 'MHSMA', 'Blood Cell', 'BreakHis', 'BioMediTech', 'ALL Challenge', 'MAlig Lymph', 'HuSHeM', 'NLM- Malaria Data'],
  ],
  ['unknown', [0, 0, 0, 1, 0], ['Chest CT Scan']],
];
const GOALS = { index_s: 15, page_p95_ms: 50, images_per_s: 150, rss_mb: 300 };

const args = readArguments({ images: { type: 'string', default: '600' }, 'write-records': { type: 'string' } });
if (args['write-records']) {
  writeRecords(args['write-records']); // in a process of its own: the memory that is measured is the reader's
  process.exit();
}
const dir = mkdtempSync(join(tmpdir(), 'medr1-bench-'));
try {
  const result = { ...(await questions()), ...(await images(Number(args.images))) };
  for (const [key, goal] of Object.entries(GOALS)) {
    const value = result[key as keyof typeof GOALS];
    const good = key === 'images_per_s' ? value >= goal : value <= goal;
    console.log(`${good ? 'ok  ' : 'MISS'} ${key.padEnd(14)} ${value.toFixed(1).padStart(8)}   goal ${goal}`);
  }
  console.log(JSON.stringify(result));
} finally {
  rmSync(dir, { recursive: true });
}

/** Index without reading images, then 200 pages with counts under varied filters, the answers of two runs among them. */
async function questions() {
  const [data, home] = [join(dir, 'omni'), join(dir, 'home')];
  execFileSync(process.execPath, [import.meta.filename, '--write-records', data]);
  const start = performance.now();
  await addDataset(data, { name: 'omni', home, images: false });
  const index_s = (performance.now() - start) / 1000;
  const again = performance.now();
  await addDataset(data, { name: 'omni', home, images: false });
  const again_s = (performance.now() - again) / 1000;

  // two runs that answered 16,000 questions each; one goes on, so that its answers change from page to page
  const said = [0, 1].map(() => new Map<string, RunAnswer>());
  let stamp = 0;
  const set = new Dataset('omni', home, (run) => ({ stamp: `${run === 'live' ? stamp : 0}`, byItem: said[run === 'live' ? 1 : 0] }));
  const every = set.db.prepare('SELECT id FROM items WHERE n % 5 = 0').all() as { id: string }[];
  every.slice(0, 16_000).forEach(({ id }, n) => said.forEach((of, r) => of.set(id, (['right', 'wrong', 'mixed'] as const)[(n + r) % 3])));
  const opened = performance.now();
  set.page();
  const open_ms = performance.now() - opened;
  const times: number[] = [];
  const cpuTimes: number[] = [];
  const words = ['image', 'what', 'retina', 'abnormality', 'lesion kind', '"which modality"', '-no', 'type:diagnosis', 'grade'];
  for (let i = 0; i < 200; i++) {
    const [modality] = MODALITIES[i % 8];
    const facets = [
      { 'run:live': ['wrong', 'mixed'] },
      { modality: [modality.startsWith('CT') ? 'CT' : 'Fundus'] },
      { question_type: [TYPES[i % 5]], options: ['4'] },
      { problem: ['image-missing'] },
    ][i % 4];
    const from = performance.now();
    const cpu = process.cpuUsage();
    if (i % 10 === 0) stamp++;
    // a word's number makes it a new search each time: nothing is answered from the memory of an earlier one
    set.page({
      facets,
      runs: ['done', 'live'],
      q: i % 3 === 0 ? '' : `${words[i % words.length]} ${i % 2 ? '' : i}`,
      limit: 100,
      offset: (i * 37) % 2000,
      group: i % 5 === 0 ? 'image' : undefined,
    });
    times.push(performance.now() - from);
    const used = process.cpuUsage(cpu);
    cpuTimes.push((used.user + used.system) / 1000);
  }
  cpuTimes.sort((a, b) => a - b);
  times.sort((a, b) => a - b);
  const rss_mb = process.memoryUsage().rss / 2 ** 20;
  set.close();
  const loading = performance.now();
  await loadItems('omni', { home, modality: 'Fundus' });
  const load_ms = performance.now() - loading;
  return {
    index_s,
    again_s,
    open_ms,
    page_p50_ms: times[100],
    page_p95_ms: times[190],
    page_max_ms: times[199],
    page_p95_cpu_ms: cpuTimes[190],
    rss_mb,
    load_ms,
  };
}

/** Hashes images of the data's usual size: 384 x 384, half of them JPEG, half PNG. */
async function images(count: number) {
  const [data, home] = [join(dir, 'images'), join(dir, 'home')];
  mkdirSync(data);
  const noise = Buffer.alloc(384 * 384 * 3, 0);
  for (let i = 0; i < noise.length; i++) noise[i] = (((i * 2654435761) >>> 24) & 31) + ((i / 4608) & 127);
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    noise.fill(i & 255, i * 64, i * 64 + 20000);
    const file = sharp(noise, { raw: { width: 384, height: 384, channels: 3 } });
    const name = `${i}.${i % 2 ? 'png' : 'jpg'}`;
    await (i % 2 ? file.png({ compressionLevel: 6 }) : file.jpeg({ quality: 90 })).toFile(join(data, name));
    lines.push(JSON.stringify({ file_name: name, question: 'What is seen?', options: ['a', 'b'], answer: 'A' }));
  }
  writeFileSync(join(data, 'metadata.jsonl'), lines.join('\n'));
  let from = 0;
  await addDataset(data, { name: 'images', home, progress: ({ phase }) => (from ||= phase === 'images' ? performance.now() : 0) });
  const seconds = (performance.now() - from) / 1000;
  return { images_per_s: (count - 64) / seconds }; // the first batch passed before the first report
}

function writeRecords(data: string): void {
  const folder = join(data, 'QA_information', 'Open-access');
  mkdirSync(folder, { recursive: true });
  const files = new Map<string, object[]>();
  let count = 0;
  for (const [modality, byType, sets] of MODALITIES) {
    byType.forEach((size, type) => {
      for (let i = 0; i < size; i++, count++) {
        const dataset = sets[i % sets.length];
        const list = files.get(dataset) ?? [];
        files.set(dataset, list);
        const options = ['Glaucoma', 'No abnormality seen in the picture', `Lesion kind ${i % 40}`, `${modality} finding ${i % 7}`];
        list.push({
          dataset,
          question_id: `${dataset}_${String(list.length).padStart(4, '0')}`,
          question_type: TYPES[type],
          question: `What is the ${['specific abnormality', 'grade', 'imaging technique', 'part of the body'][i % 4]} visible in this ${modality} image of case ${i % 997}?`,
          gt_answer: `${options[i % 4]}.`,
          image_path: `Images/${dataset}/${['train', 'test'][i % 2]}/${modality.replace(/\W+/g, '_')}_${Math.floor(i / 1.1)}.png`,
          ...Object.fromEntries(options.map((option, k) => [`option_${'ABCD'[k]}`, option])),
          modality_type: modality,
        });
      }
    });
  }
  for (const [dataset, list] of files) writeFileSync(join(folder, `${dataset}.json`), JSON.stringify(list, null, 1));
  if (count !== 88_996 || readFileSync(join(folder, 'RadImageNet.json')).length === 0) throw new Error(`made ${count} records`);
}
