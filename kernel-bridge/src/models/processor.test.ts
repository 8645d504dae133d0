import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseImageProcessorConfig } from './families/qwen2vl/image-processor.ts';
import { loadProcessor, type Processor } from './processor.ts';

const VOCABULARY = [
  'a',
  'b',
  'c',
  '<|im_start|>',
  '<|im_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|image_pad|>',
  '<|video_pad|>',
  '<|endoftext|>',
];
const tokenizer = {
  model: { type: 'BPE', vocab: Object.fromEntries(VOCABULARY.map((token, id) => [token, id])), merges: [] },
  added_tokens: VOCABULARY.slice(3).map((content, i) => ({ id: 3 + i, content, special: true })),
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
  normalizer: null,
  post_processor: null,
  decoder: { type: 'ByteLevel' },
};
const template =
  "{% for m in messages %}<|im_start|>{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for p in m['content'] %}" +
  "{% if p['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ p['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>" +
  '{% endfor %}{% if add_generation_prompt %}<|im_start|>{% endif %}';

let dir: string;
let processor: Processor;
const write = (name: string, json: unknown) => writeFileSync(join(dir, name), JSON.stringify(json));
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'medr1-processor-'));
  write('tokenizer.json', tokenizer);
  write('chat_template.json', { chat_template: template });
  write('preprocessor_config.json', { size: { shortest_edge: 3136, longest_edge: 1e6 } });
  write('generation_config.json', { eos_token_id: [4, 9] });
  processor = await loadProcessor(dir);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const image = (width: number, height: number) => ({ data: new Uint8Array(width * height * 3), width, height, channels: 3 });

describe('Processor', () => {
  it('puts images before the text and one placeholder per four patches, in the order of the images', async () => {
    const { inputIds, images, text } = await processor.prompt({ images: [image(56, 56), image(112, 56)], text: 'abc' });
    expect(text).toBe(
      '<|im_start|><|vision_start|><|image_pad|><|vision_end|><|vision_start|><|image_pad|><|vision_end|>abc<|im_end|><|im_start|>',
    );
    expect(images.map(({ grid }) => grid)).toEqual([[1, 4, 4], [1, 4, 8]]); // prettier-ignore
    expect(inputIds).toEqual([3, 5, 7, 7, 7, 7, 6, 5, 7, 7, 7, 7, 7, 7, 7, 7, 6, 0, 1, 2, 4, 3]);
  });

  it('does not hand pixels to the chat template, which would make a value of each', async () => {
    const tripwire = { enumerable: true, get: () => expect.fail('the template read the image') };
    const { inputIds } = await processor.prompt({ images: [Object.defineProperty(image(56, 56), 'extra', tripwire)], text: 'abc' });
    expect(inputIds.filter((id) => id === processor.imageTokenId)).toHaveLength(4);
  });

  it('keeps several turns with their images in place', async () => {
    const { inputIds, images } = await processor.chat([
      { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image', image: image(56, 56) }] },
      { role: 'assistant', content: 'b' },
    ]); // prettier-ignore
    expect(images).toHaveLength(1);
    expect(inputIds).toEqual([3, 0, 5, 7, 7, 7, 7, 6, 4, 3, 1, 4]);
  });

  it.each(['<|image_pad|>', '<|video_pad|>', '<|vision_start|>', '<|vision_end|>'])('refuses text that holds %s', async (token) => {
    await expect(processor.prompt({ images: [image(56, 56)], text: `a${token}b` })).rejects.toThrow(`the prompt's text holds ${token}`);
  });

  it.each([
    ['by name', { tool: 'no', default: template }],
    [
      'as a list',
      [
        { name: 'tool', template: 'no' },
        { name: 'default', template },
      ],
    ],
  ])('takes the default one of several chat templates given %s', async (_, chat_template) => {
    write('chat_template.json', { chat_template });
    const { text } = await (await loadProcessor(dir)).prompt({ images: [], text: 'abc' });
    write('chat_template.json', { chat_template: template });
    expect(text).toBe('<|im_start|>abc<|im_end|><|im_start|>');
  });

  it('refuses a chat template that cannot be read, naming the directory', async () => {
    write('chat_template.json', { chat_template: '{% for m in %}' });
    await expect(loadProcessor(dir)).rejects.toThrow(`${dir} is not a model directory: its chat template cannot be used`);
    write('chat_template.json', { chat_template: template });
  });

  it('refuses an image processor with other steps, naming the keys', () => {
    expect(() => parseImageProcessorConfig({ do_resize: true, resample: 2, do_normalize: false }, 'DIR')).toThrow(
      'DIR: do_normalize is false; resample is 2',
    );
  });

  it.each([
    [{ min_pixels: 5000, max_pixels: 4000 }, 'min_pixels 5000 exceeds max_pixels 4000'],
    [{ size: { shortest_edge: 5000, longest_edge: 4000 } }, 'min_pixels 5000 exceeds max_pixels 4000'],
    [{ max_pixels: '401408' }, 'max_pixels is "401408", which is no number above 0'],
    [{ patch_size: 0 }, 'patch_size is 0'],
    [{ merge_size: 1.5 }, 'merge_size is 1.5'],
    [{ rescale_factor: -1 }, 'rescale_factor is -1'],
    [{ image_std: [0.2, 0, 0.2] }, 'image_std is [0.2,0,0.2], not three numbers above 0'],
    [{ image_mean: 0.5 }, 'image_mean is 0.5, not three numbers'],
  ])('refuses an image processor with %j', (settings, problem) => {
    expect(() => parseImageProcessorConfig(settings, 'DIR')).toThrow(`DIR: the settings of its image processor cannot be used: ${problem}`);
  });

  it('reads sizes, special tokens and end tokens from the files', () => {
    expect(processor.imageConfig).toMatchObject({ min_pixels: 3136, max_pixels: 1e6, merge_size: 2 });
    expect(processor.eosTokenIds).toEqual([4, 9]);
    expect(processor).toMatchObject({ imageTokenId: 7, endOfTurnId: 4 });
    expect(processor.allSpecialIds).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });

  it('leaves special tokens out of decoded text when told to', () => {
    expect(processor.decode([3, 0, 1, 4])).toBe('<|im_start|>ab<|im_end|>');
    expect(processor.decode([3, 0, 1, 4], { skipSpecialTokens: true })).toBe('ab');
  });

  it('reads the image processor where transformers 5 saves it, before a file of its own', async () => {
    write('processor_config.json', {
      image_processor: { size: { shortest_edge: 784, longest_edge: 12544 } },
      processor_class: 'Qwen2VLProcessor',
    });
    expect((await loadProcessor(dir)).imageConfig).toMatchObject({ min_pixels: 784, max_pixels: 12544 });
    rmSync(join(dir, 'preprocessor_config.json'));
    expect((await loadProcessor(dir)).imageConfig).toMatchObject({ min_pixels: 784, max_pixels: 12544 });
    write('processor_config.json', { processor_class: 'Qwen2VLProcessor' });
    await expect(loadProcessor(dir)).rejects.toThrow('preprocessor_config.json is missing');
    write('preprocessor_config.json', {});
    expect((await loadProcessor(dir)).imageConfig.max_pixels).toBe(28 * 28 * 1280);
    rmSync(join(dir, 'processor_config.json'));
  });

  it('names the file that a directory lacks or that is damaged', async () => {
    await expect(loadProcessor(join(dir, 'none'))).rejects.toThrow('tokenizer.json is missing');
    write('tokenizer.json', {});
    await expect(loadProcessor(dir)).rejects.toThrow('its tokenizer.json cannot be used');
    write('tokenizer.json', tokenizer);
    rmSync(join(dir, 'chat_template.json'));
    await expect(loadProcessor(dir)).rejects.toThrow('it has no chat template');
    writeFileSync(join(dir, 'chat_template.json'), '{');
    await expect(loadProcessor(dir)).rejects.toThrow('chat_template.json is not valid JSON');
  });
});
