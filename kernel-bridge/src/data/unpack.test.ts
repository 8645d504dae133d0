import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { temporary, write, zip } from './fixtures.ts';
import { unpack } from './unpack.ts';

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  return { ...real, statfsSync: vi.fn(real.statfsSync) };
});

const noise = (n: number) => Buffer.concat(Array.from({ length: 64 }, (_, i) => createHash('sha512').update(`${n} ${i}`).digest()));
/** As OmniMedVQA.zip is laid out: one folder, names with spaces, &, brackets and letters beyond ASCII. */
const FILES: Record<string, Buffer> = {
  'OmniMedVQA/QA_information/Open-access/ACRIMA.json': Buffer.from('[{"question_id": "ACRIMA_0000"}]'),
  'OmniMedVQA/Images/OCT & X-Ray 2017/test (1)/é [2].png': noise(1),
  ...Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`OmniMedVQA/Images/ACRIMA/Im${n}.png`, noise(n + 2)])),
};

function archived(files: Record<string, string | Uint8Array> = FILES, lies?: Parameters<typeof zip>[1]) {
  const made = temporary();
  write(made.path, { 'a.zip': zip(files, lies) });
  const [archive, dir] = [join(made.path, 'a.zip'), join(made.path, 'out')];
  return { ...made, archive, dir, unpack: (options = {}) => unpack({ archive, dir, ...options }) };
}

it('gives every file whole, passes macOS shadows by, and says how far it is', async () => {
  using made = archived({ ...FILES, 'OmniMedVQA/empty/': '', '__MACOSX/OmniMedVQA/._x': 'x', 'OmniMedVQA/nothing.txt': '' });
  const seen: number[] = [];
  await made.unpack({ progress: ({ done, total }: { done: number; total: number }) => seen.push(done / total) });
  for (const [name, bytes] of Object.entries(FILES)) expect(readFileSync(join(made.dir, name)).equals(bytes), name).toBe(true);
  expect(readdirSync(made.dir)).toEqual(['OmniMedVQA']);
  expect(statSync(join(made.dir, 'OmniMedVQA/nothing.txt')).size).toBe(0);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBe(1);
});

it('goes on where it was stopped, and writes nothing a second time', async () => {
  using made = archived();
  const abort = new AbortController();
  let files = 0;
  const stopped = made.unpack({ signal: abort.signal, progress: () => ++files === 10 && abort.abort(new Error('enough')) });
  await expect(stopped).rejects.toThrow('enough');
  expect(files).toBeLessThan(15);
  const kept = join(made.dir, 'OmniMedVQA/QA_information/Open-access/ACRIMA.json');
  utimesSync(kept, 1, 1);
  writeFileSync(join(made.dir, 'OmniMedVQA/Images/ACRIMA/Im30.png.part'), 'half'); // as a kill leaves it
  let first = 0;
  await made.unpack({ progress: ({ done }: { done: number }) => (first ||= done) });
  expect(first).toBeGreaterThan(9 * 4096); // what was there counts as done
  expect(statSync(kept).mtimeMs).toBe(1000);
  for (const [name, bytes] of Object.entries(FILES)) expect(readFileSync(join(made.dir, name)).equals(bytes), name).toBe(true);
  expect(readdirSync(join(made.dir, 'OmniMedVQA/Images/ACRIMA'))).toHaveLength(40);
});

it('is stopped in the midst of its files, and their reads end with it', async () => {
  const large = Buffer.concat(Array.from({ length: 100 }, (_, n) => noise(n)));
  using made = archived(Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`${n}.png`, large])));
  for (let wait = 0; wait < 24; wait++) {
    const abort = new AbortController();
    let left = wait;
    const stop = () => (left-- > 0 ? void setImmediate(stop) : abort.abort(new Error('enough')));
    const progress = stop as () => void; // after the first file, some turns of the event loop later
    await expect(made.unpack({ signal: abort.signal, progress })).rejects.toThrow('enough');
    for (const name of readdirSync(made.dir)) rmSync(join(made.dir, name));
  }
});

it.each([
  ['a way out of the folder', { 'a.txt': 'a', '../out.txt': 'x' }, {}, /relative path: \.\.\/out\.txt/],
  ['a way out in the middle', { 'a.txt': 'a', 'a/../../out.txt': 'x' }, {}, /relative path/],
  ['a way out by backslashes', { 'a.txt': 'a', '..\\out.txt': 'x' }, {}, /relative path/],
  ['an absolute path', { 'a.txt': 'a', '/tmp/out.txt': 'x' }, {}, /absolute path/],
  ['a link', { 'a.txt': 'a', link: '/etc' }, { link: { mode: 0o120777 } }, /link is a link or a device/],
  ['a device', { 'a.txt': 'a', dev: '' }, { dev: { mode: 0o060644 } }, /dev is a link or a device/],
  ['an encrypted file', { 'a.txt': 'a', 'b.txt': 'b' }, { 'b.txt': { flags: 0x801 } }, /b\.txt is encrypted/],
  [
    'a file that would fill the disk',
    { 'a.txt': 'a', 'b.txt': Buffer.alloc(5000) },
    { 'b.txt': { size: 0xf0000000 } },
    /would become 4026531841/,
  ],
] as const)('an archive with %s is refused before anything is written', async (_, files, lies, message) => {
  using made = archived(files, lies);
  await expect(made.unpack()).rejects.toMatchObject({ code: 'DATA_ARCHIVE', message: expect.stringMatching(message) as string });
  expect(readdirSync(made.path)).toEqual(['a.zip']);
});

it('files that lie over one another are refused: what is read once would be written many times', async () => {
  using made = archived({ a: noise(1) });
  const one = zip({ a: noise(1), b: noise(1), c: noise(1) });
  const start = one.indexOf('PK\x01\x02'); // three entries of the directory, all of the first file's bytes
  const size = zip({ a: noise(1) }).indexOf('PK\x01\x02');
  const directory = one.subarray(start, -22);
  for (let at = 0; at < directory.length; at += 47) directory.writeUInt32LE(0, at + 42);
  const end = Buffer.from(one.subarray(-22));
  end.writeUInt32LE(size, 16);
  writeFileSync(made.archive, Buffer.concat([one.subarray(0, size), directory, end]));
  await expect(made.unpack()).rejects.toThrow(/lie over one another/);
});

it.each([
  ['more comes out than was told', { 'b.txt': { size: 10 } }, /b\.txt is longer than the archive's list of files says/],
  ['the bytes are not those that were packed', { 'b.txt': { crc: 1 } }, /checksum of b\.txt/],
] as const)('%s: the file does not appear under its name', async (_, lies, message) => {
  using made = archived({ 'a.txt': 'a', 'b.txt': Buffer.alloc(5000, 7) }, lies);
  await expect(made.unpack()).rejects.toMatchObject({ code: 'DATA_ARCHIVE', message: expect.stringMatching(message) as string });
  expect(existsSync(join(made.dir, 'b.txt'))).toBe(false);
});

it.each([
  ['no archive', Buffer.from('<html>')],
  ['cut off', zip(FILES).subarray(0, -50)],
  ['damaged in its list', Buffer.from(zip(FILES)).fill(0xff, zip(FILES).length - 120, zip(FILES).length - 60)],
])('%s: says so and how to mend it', async (_, bytes) => {
  using made = archived();
  writeFileSync(made.archive, bytes);
  await expect(made.unpack()).rejects.toMatchObject({
    code: 'DATA_ARCHIVE',
    remedy: expect.stringContaining('download it again') as string,
  });
});

it('a disk without room is told before anything is written', async () => {
  using made = archived();
  vi.mocked(statfsSync).mockReturnValueOnce({ ...statfsSync(made.path), bavail: 100, bsize: 4096 } as never);
  await expect(made.unpack()).rejects.toMatchObject({
    code: 'DISK_FULL',
    http: 507,
    message: expect.stringMatching(/0\.0 GB free/) as string,
  });
  expect(readdirSync(made.dir)).toEqual([]);
});

it('a file in the way is named, and is not the archive that is blamed', async () => {
  using made = archived({ 'a/b.txt': 'b' });
  mkdirSync(made.dir);
  writeFileSync(join(made.dir, 'a'), 'in the way');
  await expect(made.unpack()).rejects.toMatchObject({
    code: 'NOT_WRITABLE',
    message: expect.stringContaining(join(made.dir, 'a')) as string,
  });
});

it('a folder that is a link of the user leads where the user put it', async () => {
  using made = archived({ 'Images/b.txt': 'b' });
  mkdirSync(join(made.path, 'large disk'));
  mkdirSync(made.dir);
  symlinkSync(join(made.path, 'large disk'), join(made.dir, 'Images'));
  await made.unpack();
  expect(readdirSync(join(made.path, 'large disk'))).toEqual(['b.txt']);
});
