import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  keep,
  openCheckpoint,
  readMetadata,
  readSafetensors,
  scope,
  tensor,
  torch,
  TorchError,
  writeSafetensors,
  type Tensor,
} from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string): string => join(folder, name);
const inScope = (name: string, fn: () => void): void => it(name, () => scope(fn));

/** A file from a header object and data, so that every lie can be told. */
function forge(name: string, header: unknown, data: Uint8Array = new Uint8Array()): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path(name), Buffer.concat([length, json, data]));
  return path(name);
}

function refusal(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(TorchError);
    expect((error as TorchError).code).toBe('TORCH_FILE');
    return (error as Error).message;
  }
  throw new Error('the file was accepted');
}

describe('what is written is read back', () => {
  inScope('with names in order, dtypes, shapes, values and metadata', () => {
    const tensors = new Map<string, Tensor>([
      [
        'z',
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ],
      ['a', tensor([1, -2, 3], { dtype: 'bfloat16' })],
      ['odd', tensor([1], { dtype: 'uint8' })],
      ['unaligned', tensor([5], { dtype: 'int64' })],
      ['mask', tensor([true, false])],
      ['scalar', tensor(2.5)],
      ['empty', torch.zeros([0, 3])],
    ]);
    writeSafetensors(path('all'), tensors, { format: 'pt', note: 'ü' });
    const back = readSafetensors(path('all'));
    expect([...back.keys()]).toEqual([...tensors.keys()]);
    for (const [name, value] of tensors) {
      expect([name, back.get(name)!.dtype, back.get(name)!.shape]).toEqual([name, value.dtype, value.shape]);
      expect(back.get(name)!.data()).toEqual(value.data());
    }
    expect(readMetadata(path('all'))).toEqual({ format: 'pt', note: 'ü' });
  });
  inScope('from a transposed view, in the order of its shape', () => {
    writeSafetensors(
      path('view'),
      new Map([
        [
          't',
          torch.t(
            tensor([
              [1, 2],
              [3, 4],
            ]),
          ),
        ],
      ]),
    );
    expect(readSafetensors(path('view')).get('t')!.tolist()).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });
  inScope('and writing to a tensor that was read leaves the file as it is', () => {
    writeSafetensors(path('private'), new Map([['t', tensor([1, 2])]]));
    const before = readFileSync(path('private'));
    torch.add_(readSafetensors(path('private')).get('t')!, 5);
    expect(readFileSync(path('private'))).toEqual(before);
  });
  it.each([0, 4, 8, 16, 40])('and %i bytes beyond a multiple of 64 a small matrix gives the bits that it gives in memory', (beyond) =>
    scope(() => {
      const matrix = torch.sin(torch.arange(48 * 32, { dtype: 'float32' }));
      const weight = torch.reshape(matrix, [48, 32]);
      const row = torch.cos(torch.reshape(torch.narrow(matrix, 0, 100, 32), [1, 32]));
      const json = JSON.stringify({ w: { dtype: 'F32', shape: [48, 32], data_offsets: [0, 6144] } });
      const file = forge(`beyond-${beyond}`, json.padEnd(120 + beyond), new Uint8Array(weight.toFloat32().buffer));
      const read = readSafetensors(file).get('w')!;
      expect(torch.linear(row, read).toFloat32()).toEqual(torch.linear(row, weight).toFloat32());
    }),
  );
  it('and the file may go while its tensors live', () => {
    const t = scope(() => {
      writeSafetensors(path('gone'), new Map([['t', tensor([7])]]));
      return keep(readSafetensors(path('gone')).get('t')!);
    });
    rmSync(path('gone'));
    expect(t.tolist()).toEqual([7]);
    t.dispose();
  });
  inScope('and a failing write leaves the old file and nothing beside it', () => {
    writeSafetensors(path('kept'), new Map([['t', tensor([1])]]));
    const disposed = tensor([2]);
    disposed.dispose();
    expect(() => writeSafetensors(path('kept'), new Map([['t', disposed]]))).toThrow(/disposed/);
    expect(readSafetensors(path('kept')).get('t')!.tolist()).toEqual([1]);
    expect(existsSync(path('kept.part'))).toBe(false);
  });
});

describe('a bad file is refused, by file and tensor', () => {
  const f32 = (shape: number[], start: number, end: number): unknown => ({ dtype: 'F32', shape, data_offsets: [start, end] });

  it('that does not exist', () => expect(refusal(() => readSafetensors(path('nowhere')))).toBe(`${path('nowhere')}: does not exist`));
  it('that is too short', () => {
    writeFileSync(path('short'), 'abc');
    expect(refusal(() => readSafetensors(path('short')))).toContain('3 bytes are too short');
  });
  it('whose header would be huge', () => {
    writeFileSync(path('huge'), Buffer.alloc(16, 0xff));
    expect(refusal(() => readSafetensors(path('huge')))).toContain('over the limit of 100000000');
  });
  it('whose header ends outside it', () => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(50n);
    writeFileSync(path('cut'), bytes);
    expect(refusal(() => readSafetensors(path('cut')))).toContain('the header ends at byte 58, the file at 8');
  });
  it.each([
    ['that is no JSON', '{"a":', 'the header is not JSON'],
    ['that is a list', '[]', 'the header is not an object'],
    ['with an unknown dtype', { a: { dtype: 'F31', shape: [], data_offsets: [0, 4] } }, 'tensor a: unknown dtype "F31"'],
    ['with a negative size', { a: f32([-1], 0, 4) }, 'tensor a: bad shape [-1]'],
    ['with a broken size', { a: f32([0.5], 0, 4) }, 'tensor a: bad shape [0.5]'],
    ['with offsets that do not match the shape', { a: f32([2], 0, 4) }, 'F32[2] is 8 bytes, its data_offsets [0, 4] hold 4'],
    ['with a size that overflows', { a: f32([2 ** 40, 2 ** 40], 0, 4) }, 'tensor a: F32['],
    ['with a hole', { a: f32([1], 0, 4), b: f32([0], 8, 8) }, 'tensor b: starts at byte 8 of the data, the one before ends at 4'],
    ['with an overlap', { a: f32([1], 0, 4), b: f32([1], 0, 4) }, 'tensor b: starts at byte 0 of the data, the one before ends at 4'],
    ['that leaves data over', { a: f32([0], 0, 0) }, 'the tensors take 0 bytes, the file holds 4'],
    ['that points past the end', { a: f32([2], 0, 8) }, 'the tensors take 8 bytes, the file holds 4'],
    ['with an entry that is null', { a: null }, 'tensor a: unknown dtype undefined'],
  ])('with a header %s', (_, header, message) =>
    expect(refusal(() => readSafetensors(forge('bad', header, new Uint8Array(4))))).toContain(message),
  );
});

describe('openCheckpoint', () => {
  const index = (weightMap: unknown): void =>
    writeFileSync(path('model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));

  inScope('reads the shards that the index names', () => {
    writeSafetensors(path('a.safetensors'), new Map([['x', tensor([1])]]));
    writeSafetensors(path('b.safetensors'), new Map([['y', tensor([2])]]));
    index({ y: 'b.safetensors', x: 'a.safetensors' });
    const found = openCheckpoint(folder);
    expect([...found].map(([name, value]) => [name, value.item()])).toEqual([
      ['y', 2],
      ['x', 1],
    ]);
  });
  inScope('refuses shards outside the folder, and tensors that a shard lacks', () => {
    index({ x: '../a.safetensors' });
    expect(refusal(() => openCheckpoint(folder))).toContain('tensor x: "../a.safetensors" is no file name');
    index({ q: 'a.safetensors' });
    expect(refusal(() => openCheckpoint(folder))).toContain('lacks tensor q, which the index places there');
  });
  inScope('prefers a single file, and says what it looked for', () => {
    writeSafetensors(path('model.safetensors'), new Map([['single', tensor([1])]]));
    expect([...openCheckpoint(folder).keys()]).toEqual(['single']);
    expect(refusal(() => openCheckpoint(path('void')))).toContain('holds neither model.safetensors nor model.safetensors.index.json');
  });
});
