/** Data sets that are not what they should be, and an index whose process is killed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import { picture, pixels } from '../../kernel-bridge/src/data/fixtures.ts';
import { isInside } from '../../kernel-bridge/src/data/images.ts';
import { openPicture, toSharp } from '../../kernel-bridge/src/data/image/picture.ts';
import { buildIndex } from '../../kernel-bridge/src/data/index/build.ts';
import { Dataset } from '../../kernel-bridge/src/data/index/dataset.ts';
import { bundled } from './bundle.ts';
import { callsIn, diskEnvironment, type Faults, lacksDisk, namesTheDisk, REFUSALS } from './disk.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';

const scratch = mkdtempSync(join(tmpdir(), 'medr1-hostile-data-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;

/** A data set of a folder of its own, in a home of its own; outside of it lies `secret.png`. */
function newPlace(): { folder: string; data: string; home: string } {
  const folder = join(scratch, `place-${folders++}`);
  const data = join(folder, 'data');
  mkdirSync(join(data, 'Images'), { recursive: true });
  return { folder, data, home: join(folder, 'home') };
}

interface Row {
  row: number;
  problem: string | null;
  image: string;
}

/** Every record of the index with what is wrong with it, or with its image. */
function rowsOf(home: string, name = 'x'): { root: string; rows: Row[] } {
  const set = new Dataset(name, home);
  try {
    const sql =
      'SELECT t.row, coalesce(t.problem, i.problem) AS problem, i.path AS image FROM items t JOIN images i ON i.n = t.image ORDER BY t.row';
    return { root: set.root, rows: set.db.prepare(sql).all() as unknown as Row[] };
  } finally {
    set.close();
  }
}

/** Indexes the data set; a hostile one may not keep it waiting. */
async function indexed(data: string, home: string): Promise<void> {
  const done = await Promise.race([buildIndex(data, { name: 'x', home }).then(() => true), wait(120_000, false, { ref: false })]);
  holds(done, 'the index is not done in two minutes');
}

// --- images ------------------------------------------------------------------------------------------------------------------------

const SIZE = 48;
let made: Record<string, Buffer>;

async function makeImages(): Promise<void> {
  const raw = sharp(pixels(3, SIZE), { raw: { width: SIZE, height: SIZE, channels: 3 } });
  const deep = Buffer.alloc(SIZE * SIZE * 2);
  for (let i = 0; i < SIZE * SIZE; i++) deep.writeUInt16LE((i * 28) % 65536, 2 * i);
  made = {
    png: await raw.clone().png().toBuffer(),
    jpg: await raw.clone().jpeg().toBuffer(),
    webp: await raw.clone().webp().toBuffer(),
    'deep.png': await sharp(new Uint16Array(deep.buffer, deep.byteOffset, SIZE * SIZE), { raw: { width: SIZE, height: SIZE, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer(),
    'turned.jpg': await raw.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  };
}

/** A PNG that says that it has so many pixels. */
function bomb(side: number): Buffer {
  const bytes = Buffer.from(made.png);
  bytes.writeUInt32BE(side, 16);
  bytes.writeUInt32BE(side, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

/** What stands in the place of an image: puts it there, and says whether it can be used; null: either. */
const IMAGES: Record<string, (file: string, random: Random) => boolean | null> = {
  sound: (file, random) => {
    writeFileSync(file, oneOf(random, Object.values(made)));
    return true;
  },
  'cut off': (file, random) => {
    const bytes = oneOf(random, [made.png, made.jpg, made.webp]);
    writeFileSync(file, bytes.subarray(0, Math.floor(bytes.length * (0.1 + 0.7 * random()))));
    return false;
  },
  'bits flipped': (file, random) => {
    const bytes = Buffer.from(oneOf(random, Object.values(made)));
    for (let n = 1 + below(random, 8); n > 0; n--) bytes[below(random, bytes.length)] ^= 1 << below(random, 8);
    writeFileSync(file, bytes);
    return null;
  },
  'too many pixels': (file, random) => {
    writeFileSync(file, bomb(oneOf(random, [16_000, 100_000, 2 ** 31 - 1])));
    return false;
  },
  'another kind of file': (file, random) => {
    const texts = [
      '',
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      '<html></html>',
      'PK\x03\x04',
      '\0\0\0\x18ftypheic',
    ];
    writeFileSync(file, oneOf(random, texts));
    return false;
  },
  'a pipe': (file) => {
    execFileSync('mkfifo', [file]);
    return false;
  },
  'a folder': (file) => {
    mkdirSync(file);
    return false;
  },
  'a device': (file) => {
    symlinkSync('/dev/zero', file);
    return false;
  },
  'a link to nowhere': (file) => {
    symlinkSync('nowhere', file);
    return false;
  },
};

/** Whether an image of a data set can be used, without looking at more than its pixels. */
const trusted = (file: string): Promise<boolean> =>
  sharp(file, { failOn: 'none', limitInputPixels: false })
    .raw()
    .toBuffer()
    .then(
      () => true,
      () => false,
    );

/** Of an image that training is given: all its pixels. */
const decoded = async (root: string, image: string): Promise<unknown> =>
  toSharp(await openPicture(root, image))
    .raw()
    .toBuffer();

const record = (image: string, changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  ...{ image, question: 'What is shown?', options: ['cyst', 'nodule'], answer: 'A' },
  ...changes,
});

async function badImages(random: Random, kinds: readonly string[], judge: 'index' | 'trusting'): Promise<string> {
  const { folder, data, home } = newPlace();
  const images = Array.from({ length: 24 }, (_, n) => {
    const kind = n === 0 ? 'sound' : oneOf(random, kinds);
    const image = `Images/${n}.png`;
    return { kind, image, usable: IMAGES[kind](join(data, image), random) };
  });
  writeFileSync(join(data, 'all.jsonl'), images.map(({ image }) => JSON.stringify(record(image))).join('\n'));
  await indexed(data, home);
  const { root, rows } = rowsOf(home);
  holds(rows.length === images.length, `${rows.length} records of ${images.length}`);
  for (const [n, { kind, usable }] of images.entries()) {
    const row = rows[n];
    const taken = judge === 'index' ? row.problem === null : await trusted(join(data, images[n].image));
    holds(usable === null || taken === usable, `${kind} in row ${row.row} is ${taken ? 'taken' : `refused: ${row.problem}`}`);
    if (judge === 'index' && taken) await decoded(root, row.image).catch((error) => holds(false, `${kind} is taken: ${String(error)}`));
  }
  rmSync(folder, { recursive: true });
  return `${images.filter((_, n) => rows[n].problem === null).length > 1 ? 'some' : 'one'} of 24 usable`;
}

fault('I1', {
  setUp: makeImages,
  attempt: (random) => badImages(random, Object.keys(IMAGES), 'index'),
  control: (random) => badImages(random, ['cut off'], 'trusting'),
});

// --- records -----------------------------------------------------------------------------------------------------------------------

const GOOD = 'Images/good.png';
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
const line = (changes: Record<string, unknown>) => JSON.stringify(record(GOOD, changes));

/** Lines of a file by what is wrong with them. */
const BROKEN: Record<string, (random: Random) => string | Buffer> = {
  'cut off': (random) => line({}).slice(0, 5 + below(random, 40)),
  'no JSON': (random) => oneOf(random, ['hello', "{'image': 'a'}", '{"image" "a"}', '{,}', '<html>', '{"image": undefined}']),
  'no object': (random) => oneOf(random, ['42', 'null', '[]', '"text"', 'true', '[{}]', '-0.5e9']),
  'another shape': (random) => oneOf(random, ['{}', '{"a": 1}', '{"image": "Images/good.png"}']),
  'control characters': () => line({}).replace('What', 'W\x01hat'),
  'no UTF-8': () => Buffer.concat([Buffer.from(line({}).slice(0, -1)), Buffer.from(',"note":"\xff\xfe"}', 'latin1')]),
  'no question': (random) => line({ question: oneOf(random, ['', '  ', null, undefined]) }),
  'too few options': (random) => line({ options: oneOf(random, [[], ['a'], null, undefined, ['a', '']]) }),
  'too many options': () => line({ options: Array.from({ length: 27 }, (_, n) => `option ${n}`) }),
  'equal options': () => line({ options: ['a', 'b', 'a'] }),
  'no answer': (random) => line({ answer: oneOf(random, ['', null, undefined]) }),
  'an answer that is no option': (random) => line({ answer: oneOf(random, ['F', 'none of these', '17']) }),
  'too large': () => line({ note: 'x'.repeat(1_100_000) }),
  'too deep': () => line({ note: deep(200) }),
  'a token of the vocabulary': (random) => line({ question: `What <|${oneOf(random, ['im_end', 'image_pad', 'vision_start'])}|> is it?` }),
  'no image': (random) => line({ image: oneOf(random, ['', null, undefined]) }),
  'several images': () => line({ image: [GOOD, GOOD] }),
  'a way out': (random) =>
    line({
      image: oneOf(random, [
        '../secret.png',
        'Images/../../secret.png',
        './../secret.png',
        '/etc/hostname',
        'Images/../../data/../secret.png',
      ]),
    }),
  'an address': (random) => line({ image: oneOf(random, ['file:///etc/passwd', 'http://evil.invalid/a.png', 'data:image/png;base64,AA']) }),
  'a drive': () => line({ image: 'C:\\secret.png' }),
  'a NUL': () => line({ image: `${GOOD}\0.png` }),
  'written in another way': (random) => line({ image: oneOf(random, ['%2e%2e/secret.png', '..%2fsecret.png', '..\\secret.png']) }),
  'no such image': () => line({ image: 'Images/none.png' }),
  'a folder': () => line({ image: 'Images' }),
  'a pipe': () => line({ image: 'Images/pipe.png' }),
};
/** What is odd, and no harm. */
const ODD: Record<string, (random: Random) => string | Buffer> = {
  'as it should be': () => line({}),
  'names that all objects have': (random) =>
    line({ question_type: oneOf(random, ['constructor', '__proto__', 'toString']), dataset: 'constructor' }),
  'a key __proto__': () => line({}).replace('{', '{"__proto__": {"image": "../secret.png"}, '),
  'the same id again': () => line({ id: 'same' }),
  NaN: () => line({}).replace('}', ', "score": NaN}'),
  'half a pair of surrogates': () => line({}).replace('What', '\\ud800What'),
  'what a spreadsheet would run': () => line({ question: '=cmd|calc' }),
};

const LINES = { ...BROKEN, ...ODD };

let good: Buffer;

/** Paths of images as a reader takes them that believes its records. */
const believed = (data: string, text: string): string | null => {
  try {
    const { image } = JSON.parse(text) as { image?: unknown };
    return typeof image === 'string' && image !== '' ? join(data, image) : null;
  } catch {
    return null;
  }
};

async function badRows(random: Random, names: readonly string[], trusting = false): Promise<string> {
  const { folder, data, home } = newPlace();
  writeFileSync(join(folder, 'secret.png'), good);
  writeFileSync(join(data, GOOD), good);
  execFileSync('mkfifo', [join(data, 'Images/pipe.png')]);
  const lines = Array.from({ length: 40 }, (_, n) => {
    const kind = n === 0 ? 'as it should be' : oneOf(random, names);
    return { kind, text: Buffer.from(LINES[kind](random)) };
  });
  writeFileSync(join(data, 'all.jsonl'), Buffer.concat(lines.flatMap(({ text }) => [text, Buffer.from('\n')])));
  await indexed(data, home);
  const { root, rows } = rowsOf(home);
  const first = rows[0].row;
  for (const [n, { kind, text }] of lines.entries()) {
    const row = rows.find((one) => one.row === first + n);
    holds(row !== undefined, `line ${n} (${kind}) is no record`);
    holds((row.problem === null) === kind in ODD, `line ${n} (${kind}) is told as ${row.problem}`);
    const path = trusting ? believed(data, String(text)) : row.problem === null ? join(root, row.image) : null;
    holds(path === null || isInside(data, path), `line ${n} (${kind}) leads out of the data set`);
  }
  holds(rows.length === lines.length, `${rows.length} records of ${lines.length} lines`);
  rmSync(folder, { recursive: true });
  return '40 records';
}

fault('I2', {
  setUp: async () => void (good = await picture(1)),
  attempt: (random) => badRows(random, Object.keys(LINES)),
  control: (random) => badRows(random, ['a way out'], true),
});

// --- an index that is killed, or whose disk refuses -------------------------------------------------------------------------------------------------------

/** A data set of which the index was made before it changed; how the index reads before and after. */
let changed: { place: ReturnType<typeof newPlace>; before: unknown; after: unknown; calls: string[] };

/** All that a reader gets of the index but for times. */
function readable(home: string): unknown {
  const set = new Dataset('x', home);
  try {
    const all = (sql: string): unknown[] => set.db.prepare(sql).all();
    return [
      all('SELECT t.*, i.path FROM items t JOIN images i ON i.n = t.image ORDER BY t.n').map((row) => ({
        ...(row as object),
        image: null,
      })),
      all('SELECT * FROM members ORDER BY split, place'),
      all("SELECT rowid FROM items_fts WHERE items_fts MATCH 'shown' ORDER BY rowid"),
      all('SELECT path, size, mtime_ns FROM files ORDER BY path'),
    ];
  } finally {
    set.close();
  }
}

/** With the fingerprints of its images. */
function finished(home: string): unknown {
  const set = new Dataset('x', home);
  try {
    return [readable(home), set.db.prepare('SELECT path, sha256, width, height, problem FROM images ORDER BY path').all()];
  } finally {
    set.close();
  }
}

/** Whether it came to its end, and what it said. */
async function indexing(
  home: string,
  faults: Omit<Faults, 'dir'>,
  env: Record<string, string> = {},
): Promise<{ done: boolean; errors: string }> {
  const args = [await bundled('indexer'), changed.place.data, 'x', home];
  const disk = diskEnvironment({ dir: join(home, 'datasets'), ...faults });
  const child = spawn(process.execPath, args, { env: { ...process.env, ...disk, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await once(child, 'close');
  return { done: child.exitCode === 0, errors };
}

async function change(): Promise<void> {
  const place = newPlace();
  const records = (of: string, count: number): string =>
    Array.from({ length: count }, (_, n) => JSON.stringify(record(`Images/${n % 5}.png`, { question: `What is shown ${of} ${n}?` }))).join(
      '\n',
    );
  for (let n = 0; n < 5; n++) writeFileSync(join(place.data, `Images/${n}.png`), await picture(n));
  writeFileSync(join(place.data, 'all.jsonl'), records('before', 30));
  await buildIndex(place.data, { name: 'x', home: place.home });
  const before = readable(place.home);
  writeFileSync(join(place.data, 'all.jsonl'), records('after', 60));
  const home = join(place.folder, 'after');
  cpSync(place.home, home, { recursive: true });
  changed = { place, before, after: null, calls: [] };
  const count = join(place.folder, 'calls');
  await indexing(home, { count });
  changed = { ...changed, after: finished(home), calls: callsIn(count) };
}

/** Indexes anew with a disk or a process that fails. */
async function disturbedIndex(at: number, how: NonNullable<Faults['how']>, env: Record<string, string> = {}): Promise<string> {
  const home = join(changed.place.folder, `disturbed-${folders++}`);
  cpSync(changed.place.home, home, { recursive: true });
  const { done, errors } = await indexing(home, { at, how }, env);
  holds(done || how.startsWith('kill') || namesTheDisk(errors), `nothing says that the disk refused it: ${errors}`);
  const found = readable(home);
  const [after] = changed.after as [unknown];
  const old = isDeepStrictEqual(found, changed.before);
  holds(old || isDeepStrictEqual(found, after), 'the index is neither that of before nor that of after');
  await buildIndex(changed.place.data, { name: 'x', home });
  holds(isDeepStrictEqual(finished(home), changed.after), 'the index that was gone on with is another one');
  rmSync(home, { recursive: true });
  return `${how.startsWith('kill') ? '' : `${how}: `}${old ? 'as before' : 'as after'}`;
}

const KILLS = ['kill', 'killed'] as const;

fault('I4', {
  lacks: lacksDisk(),
  setUp: change,
  places: async () => changed.calls.length * KILLS.length,
  attempt: (_, place) => disturbedIndex(Math.floor(place / 2) + 1, KILLS[place % 2]),
  controls: 3,
  control: (random) => disturbedIndex(Math.floor(changed.calls.length * (0.4 + 0.2 * random())), 'killed', { FAULT_UNBOUND: '1' }),
});

fault('I5', {
  lacks: lacksDisk(),
  setUp: change,
  places: async () => changed.calls.length * REFUSALS.length,
  attempt: (_, place) => disturbedIndex(Math.floor(place / REFUSALS.length) + 1, REFUSALS[place % REFUSALS.length]),
  controls: 3,
  control: (random) => disturbedIndex(Math.floor(changed.calls.length * (0.4 + 0.2 * random())), 'EIO+', { FAULT_UNBOUND: '1' }),
});
