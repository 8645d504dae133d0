import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonLines, jsonRecords, MAX_RECORD_BYTES, type Found } from './json.ts';
import { asUtf8 } from './text.ts';

async function* chunks(bytes: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes.length ? sizes[i % sizes.length] : bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const read = async (reader: typeof jsonRecords, text: string | Buffer, sizes: number[] = []) =>
  (await Array.fromAsync(reader(chunks(Buffer.from(text as string), sizes)))) as Found[];

describe('records of a JSON file', () => {
  it('are the elements of its list, wherever its bytes are cut', async () => {
    const record = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.jsonValue() as fc.Arbitrary<unknown>));
    await fc.assert(
      fc.asyncProperty(
        fc.array(record),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        fc.constantFrom(0, 2),
        async (list, sizes, indent) => {
          const found = await read(jsonRecords, JSON.stringify(list, null, indent), sizes);
          expect(found.map(({ value }) => value)).toEqual(JSON.parse(JSON.stringify(list)));
          expect(found.every(({ problem }) => problem === null)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('may follow one another without a list, behind a byte order mark', async () => {
    expect((await read(jsonRecords, '\uFEFF{"a":1}\n{"a":2}')).map(({ value }) => value)).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it.each([
    [
      'after other keys',
      '{"version": "1.0", "info": {"data": [1]}, "tags": ["x"], "data": [{"a":1},{"a":["data"]}]}',
      [{ a: 1 }, { a: ['data'] }],
    ],
    ['before other keys', '{"questions":[{"a":1}],"data":[{"a":2}],"note":"]"}', [{ a: 1 }]],
    ['of none', '{"data": []}', []],
    ['behind another name: the object is a record', '{"options":["A","B"],"my\\"data":[1]}', [{ options: ['A', 'B'], 'my"data': [1] }]],
    ['in a second object: both are records', '{"a":1}{"data":[1]}', [{ a: 1 }, { data: [1] }]],
  ])('may stand in a list under a key: %s', async (_, text, values) => {
    for (const sizes of [[], [1], [7]]) {
      const found = await read(jsonRecords, text, sizes);
      expect(found.map(({ value }) => value)).toEqual(values);
      expect(found.every(({ row }, index) => row === index)).toBe(true);
    }
  });

  it.each([
    ['cut off in the middle', '[{"a":1},{"a":', [null, 'record-unreadable']],
    ['cut off under a key', '{"data":[{"a":1}', [null, 'record-unreadable']],
    ['cut off between two', '[{"a":1},', [null, 'record-unreadable']],
    ['no objects', '[1, "x]", null, {"a":1}]', ['record-unreadable', 'record-unreadable', 'record-unreadable', null]],
    ['a web page', '<!doctype html><p>404, not found', ['record-unreadable']],
    ['one bad record', '[{"a":1},{a:2},{"a":3}]', [null, 'record-unreadable', null]],
  ])('%s: each is kept with its problem', async (_, text, problems) => {
    expect((await read(jsonRecords, text)).map(({ problem }) => problem)).toEqual(problems);
  });

  it('with invalid UTF-8 are marked, the others read on', async () => {
    const bytes = Buffer.concat([Buffer.from('[{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"},{"a":"b"}]')]);
    expect((await read(jsonRecords, bytes)).map(({ problem }) => problem)).toEqual(['text-invalid', null]);
  });

  it('a megabyte of one record is refused without being held, and the next is read', async () => {
    const huge = `[{"a":"${'x'.repeat(3 * MAX_RECORD_BYTES)}"},{"a":"b"}]`;
    const found = await read(jsonRecords, huge, [65536]);
    expect(found.map(({ problem }) => problem)).toEqual(['record-too-large', null]);
  });

  it.each([
    ['a line', jsonLines, ''],
    ['a text', jsonRecords, '[{"a":"'],
  ])('%s without end is given up, and the rest of the file is not read', async (_, reader, start) => {
    let read = 0;
    async function* file() {
      yield Buffer.from(start);
      for (; read < 100_000; read++) yield Buffer.alloc(1 << 20, 'x');
    }
    const found: Found[] = [];
    for await (const one of reader(file())) found.push(one);
    expect(found.map(({ problem }) => problem)).toEqual(['record-too-large']);
    expect(read).toBeLessThan(100);
  });

  it('100 MB on one line take the memory of a record', async () => {
    const record = Buffer.from(`{"question":"${'What is seen? '.repeat(60)}"},`);
    const block = Buffer.concat(Array.from({ length: 1200 }, () => record));
    const blocks = Math.ceil(100e6 / block.length);
    async function* file() {
      yield Buffer.from('[');
      for (let i = 0; i < blocks; i++) yield block;
      yield Buffer.from('{}]');
    }
    let count = 0;
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for await (const found of jsonRecords(file())) {
      count++;
      if (found.row % 20_000 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(count).toBe(1200 * blocks + 1);
    expect(most).toBeLessThan(100e6);
  });
});

describe('what is nested too deep to be written again is refused, and the next is read', () => {
  const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  it.each([
    ['JSON', jsonRecords, `[${deep},{"a":1}]`],
    ['JSON Lines', jsonLines, `${deep}\n{"a":1}`],
  ] as const)('%s', async (_, reader, text) => {
    expect((await read(reader, text)).map(({ problem, value }) => problem ?? value)).toEqual(['record-too-deep', { a: 1 }]);
  });
});

describe('UTF-16 is told by its mark', () => {
  it.each(['utf-16le', 'utf-16be'])('%s, cut anywhere', async (encoding) => {
    const little = Buffer.from('\uFEFF[{"a":"ü 😀"}]', 'utf16le');
    const bytes = encoding === 'utf-16le' ? little : little.swap16();
    const found = await Array.fromAsync(jsonRecords(asUtf8(chunks(bytes, [3]))));
    expect(found.map(({ value }) => value)).toEqual([{ a: 'ü 😀' }]);
  });
});

describe('records of JSON Lines', () => {
  it('are its lines; a broken line costs only itself', async () => {
    const found = await read(jsonLines, '{"a":1}\r\n\n  \n{"a":\n{"a":3}', [3]);
    expect(found.map(({ value, problem }) => problem ?? value)).toEqual([{ a: 1 }, 'record-unreadable', { a: 3 }]);
  });
});
