/** Paths that name a pipe, a device or far too much: refused by name, while others are served. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, openSync, closeSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync, mkdirSync, readdirSync } from 'node:fs'; // prettier-ignore
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testServer, type TestServer } from './harness.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

/** The tiny model in a directory of its own, with one file changed. */
function modelWith(name: string, make: (file: string) => void): string {
  const made = join(t.home, `model-${readdirSync(t.home).length}`);
  cpSync(realpathSync(t.config().model_name_or_path as string), made, { recursive: true, dereference: true });
  rmSync(join(made, name), { force: true });
  make(join(made, name));
  return made;
}

const pipe = (file: string): void => void execFileSync('mkfifo', [file]);
const zeros = (file: string): void => symlinkSync('/dev/zero', file);
const folder = (file: string): void => void mkdirSync(file);
const huge = (file: string): void => {
  writeFileSync(file, '{"a":"');
  truncateSync(file, 600 << 20);
};
/** A header of so many names, each of an empty tensor. */
function names(count: number): (file: string) => void {
  return (file) => {
    const entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
    const header = Buffer.from(`{${Array.from({ length: count }, (_, i) => `"model.layers.${i}.weight":${entry}`).join(',')}}`);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const descriptor = openSync(file, 'w');
    writeSync(descriptor, length);
    writeSync(descriptor, header);
    closeSync(descriptor);
  };
}
const text = (content: string) => (file: string) => writeFileSync(file, content);
const shape = (shape: unknown) => (file: string) => {
  const header = JSON.stringify({ 'model.norm.weight': { dtype: 'F32', shape, data_offsets: [0, 0] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(file, Buffer.concat([length, Buffer.from(header)]));
};
const tiny = (): { text_config: object } =>
  JSON.parse(readFileSync(join(t.config().model_name_or_path as string, 'config.json'), 'utf8')) as { text_config: object };
const config = (changes: object) => (file: string) => writeFileSync(file, JSON.stringify({ ...tiny(), ...changes }));
const decoder = (changes: object) => (file: string) => config({ text_config: { ...tiny().text_config, ...changes } })(file);

const CASES: [what: string, file: string, make: (file: string) => void][] = [
  ['a pipe as config.json', 'config.json', pipe],
  ['a device as config.json', 'config.json', zeros],
  ['a folder as config.json', 'config.json', folder],
  ['600 MB of config.json', 'config.json', huge],
  ['null as config.json', 'config.json', text('null')],
  ['a list as config.json', 'config.json', text('[1]')],
  ['text_config that is text', 'config.json', config({ text_config: 'x' })],
  ['sizes that are text', 'config.json', decoder({ hidden_size: '64' })],
  ['negative sizes', 'config.json', decoder({ vocab_size: -5 })],
  ['1e9 layers', 'config.json', decoder({ num_hidden_layers: 1e9 })],
  ['another kind of model', 'config.json', config({ model_type: 'llama' })],
  ['a pipe as weights', 'model.safetensors', pipe],
  ['a device as weights', 'model.safetensors', zeros],
  ['a header of 500,000 names', 'model.safetensors', names(500_000)],
  ['weights that lack every tensor', 'model.safetensors', names(3)],
  ['a shape that is text', 'model.safetensors', shape('xx')],
  ['no shape', 'model.safetensors', shape(undefined)],
  ['a shape below 0', 'model.safetensors', shape([-1])],
  ['weights cut short', 'model.safetensors', text('xx')],
  ['a pipe as adapter_config.json', 'adapter_config.json', pipe],
  ['600 MB of adapter_config.json', 'adapter_config.json', huge],
  ['null as adapter_config.json', 'adapter_config.json', text('null')],
  ['a folder as tokenizer.json', 'tokenizer.json', folder],
  ['no preprocessor_config.json', 'preprocessor_config.json', () => undefined],
];

describe('a model directory', () => {
  it.each(CASES)('with %s is refused before there is a run', async (_, file, make) => {
    const asked = t.config({ model_name_or_path: modelWith(file, make) });
    await expect(t.client.createRun(asked)).rejects.toMatchObject({ http: 422, code: expect.stringMatching(/^MODEL_/) });
    expect(readdirSync(join(t.home, 'runs'))).toEqual([]);
    if (/tokenizer|preprocessor/.test(file)) return; // an estimate does without
    await expect(t.client.estimate({ config: asked })).rejects.toMatchObject({ http: 422, code: expect.stringMatching(/^MODEL_/) });
  });

  it('that is whole is taken', async () => {
    expect(await t.client.estimate({ config: t.config() })).toMatchObject({ fits: true });
  });
});

describe('a reward file', () => {
  it.each([
    ['a pipe', pipe, /named pipe/],
    ['a device', zeros, /a device/],
    ['a folder', folder, /a folder/],
    ['600 MB', huge, /at most 65536 are read/],
  ])('that is %s is refused', async (what, make, message) => {
    const file = join(t.home, `r_${what.replace(/\W/g, '')}.ts`);
    make(file);
    const functions = await t.client.checkRewards({ reward_funcs: [file] });
    expect(functions[0].error).toMatchObject({ code: 'REWARD_FILE', message: expect.stringMatching(message) });
  });
});
