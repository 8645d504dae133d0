import { afterAll, describe, expect, it, vi } from 'vitest';
import { faithfulness, gaussLegendre, gradientTimesInput, integratedGradients, occlusion, scoreOf, type Question } from './attribution.ts';
import { tensor } from '../torch/index.ts';
import { initModel } from './checkpoint.ts';
import { tinyConfig, tinyModel, tinyPrompt, tinyPrompts } from './testing/tiny.ts';

const model = tinyModel();
afterAll(() => model.dispose());
const [withImage, withTwo, text] = tinyPrompts();
const imageConfig = { image_mean: [0.5, 0.4, 0.3], image_std: [0.2, 0.25, 0.3] };
const question = (changes: Partial<Question> = {}): Question => ({
  prompt: withImage,
  imageConfig,
  before: [7, 8],
  token: 5,
  against: [],
  ...changes,
});

describe('Gauss and Legendre', () => {
  it('integrates polynomials up to degree 2n - 1 exactly', () => {
    const { nodes, weights } = gaussLegendre(5);
    const integral = (degree: number) => nodes.reduce((sum, x, i) => sum + weights[i] * x ** degree, 0);
    for (const degree of [0, 1, 5, 9]) expect(integral(degree)).toBeCloseTo(1 / (degree + 1), 12);
    expect(Math.abs(integral(10) - 1 / 11)).toBeGreaterThan(1e-8);
    expect(nodes).toEqual(nodes.toSorted((a, b) => a - b));
  });
});

describe('attribution', () => {
  it('gives every image its own grid, in the order of the prompt', () => {
    const { tokens, images } = gradientTimesInput(model, question({ prompt: withTwo }));
    expect(images.map((grid) => [grid.length, grid[0].length])).toEqual([
      [1, 3],
      [2, 1],
    ]);
    expect(tokens).toHaveLength(withTwo.inputIds.length + 2);
    expect(tokens.slice(1, 4)).toEqual(images[0][0]);
  });

  it('of a contrast is the difference of the two letters where one stands against one', () => {
    const [a, b] = [5, 6].map((token) => scoreOf(model, question({ token })));
    expect(scoreOf(model, question({ token: 5, against: [6] }))).toBeCloseTo(a - b, 5);
  });

  it('by integrated gradients adds up to what the image changes', () => {
    const { score, baselineScore, tokens, gap } = integratedGradients(model, question(), 50);
    const sum = tokens.reduce((total, value) => total + value, 0);
    expect(Math.abs(sum - (score - baselineScore!))).toBeLessThan(0.01 * Math.abs(score - baselineScore!));
    expect(gap).toBeLessThan(0.01);
  });

  it('by occlusion of the whole image is what the image changes', () => {
    const { score, blocks } = occlusion(model, question(), { rows: 1, columns: 1 });
    const { baselineScore } = integratedGradients(model, question(), 2);
    expect(blocks[0][0]).toBeCloseTo(score - baselineScore!, 5);
  });

  it('says what cannot be: no image, blocks finer than tokens, a map of another size', async () => {
    expect(() => integratedGradients(model, question({ prompt: text }))).toThrow('no image');
    expect(() => occlusion(model, question(), { rows: 3, columns: 1 })).toThrow('3 x 1 blocks for an image of 2 x 2 tokens');
    expect(() => occlusion(model, question(), { rows: 1, columns: 1, image: 1 })).toThrow('no image 1');
    await expect(faithfulness(model, question(), [[1, 2]])).rejects.toThrow('1 rows and 2 values');
  });

  it('is held against areas: half way between image and grey in one step, and a map turned round swaps them', async () => {
    const map = [
      [4, 1],
      [3, 2],
    ];
    const whole = occlusion(model, question(), { rows: 1, columns: 1 });
    const [seen, grey] = [whole.score, whole.score - whole.blocks[0][0]].map(Math.exp);
    const inOne = await faithfulness(model, question(), map, { steps: 1, orders: 1 });
    expect(inOne.deletion).toBeCloseTo((seen + grey) / 2, 6);
    expect(inOne.insertion).toBeCloseTo((seen + grey) / 2, 6);
    const there = await faithfulness(model, question(), map, { steps: 4, orders: 3 });
    const back = await faithfulness(model, question(), map.map((row) => row.map((value) => -value)), { steps: 4, orders: 3 }); // prettier-ignore
    expect(there.insertion).toBeCloseTo(back.deletion, 6);
    expect(there.deletion).toBeCloseTo(back.insertion, 6);
    expect(Math.abs(there.deletion - there.insertion)).toBeGreaterThan(1e-6);
    expect(there.random).toEqual(back.random); // orders follow from the seed alone
    expect(there.random).toHaveLength(3);
    const [order, backwards] = there.random;
    expect(backwards).toEqual({ deletion: order.insertion, insertion: order.deletion });
  });

  it('scores the image and its grey once for all orders', async () => {
    const encode = vi.spyOn(model.family, 'encodeImages');
    await faithfulness(model, question(), [[4, 1], [3, 2]], { steps: 4, orders: 10 }); // prettier-ignore
    const images = encode.mock.calls.reduce((sum, [, batch]) => sum + batch.length, 0);
    encode.mockRestore();
    expect(images).toBe(2 + (1 + 5) * 2 * 3); // the two ends, and three portions in each direction for the map and for each second order
  });

  it('is better than chance where it beats nine of ten orders, and says nothing of a token that a grey image leaves as it is', async () => {
    const cells = occlusion(model, question(), { rows: 2, columns: 2 }).blocks;
    const { verdict, beaten, seen, grey, deletion, insertion, random } = await faithfulness(model, question(), cells);
    const better = random.filter((one) => deletion < one.deletion && insertion > one.insertion).length;
    expect(beaten).toBe(better);
    expect(verdict).toBe(Math.abs(seen - grey) < 0.05 ? 'no-image' : better >= 9 ? 'better' : 'chance');
    const stop = new AbortController();
    const stopped = faithfulness(model, question(), cells, { signal: stop.signal });
    stop.abort();
    await expect(stopped).rejects.toThrow('aborted');
  });

  it('of an image where one token decides: the map of occlusion is better than chance; turned round or drawn at random it is told to be none', async () => {
    using decided = initModel(tinyConfig, { seed: 2, std: 0.6 });
    const [patches, cell, grey] = [64, 9, (128 / 255 - 0.5) / 0.2];
    const values = Float32Array.from({ length: patches * 1176 }, (_, i) => (Math.floor(i / 1176 / 4) === cell ? 3 * Math.sin(i) : grey));
    const prompt = tinyPrompt([1, 2, 3], [{ pixelValues: tensor(values, { shape: [patches, 1176] }), grid: [1, 8, 8] }]);
    const asked = { prompt, imageConfig: { image_mean: [0.5, 0.5, 0.5], image_std: [0.2, 0.2, 0.2] }, before: [], token: 30, against: [] };
    const map = occlusion(decided, asked, { rows: 4, columns: 4 }).blocks;
    const verdictOf = async (of: number[][]): Promise<string> => (await faithfulness(decided, asked, of)).verdict;
    const drawn = map.map((row, y) => row.map((_, x) => Math.sin(99 * (1 + 7 * y + x))));
    expect(map.flat().indexOf(Math.max(...map.flat()))).toBe(cell);
    expect(await verdictOf(map)).toBe('better');
    expect(await verdictOf(map.map((row) => row.map((value) => -value)))).toBe('chance');
    expect(await verdictOf(drawn)).toBe('chance'); // beats seven of ten
  });

  it('changes no gradient and no weight of the model', () => {
    const before = [...model.params.values()].map((weight) => weight.grad);
    gradientTimesInput(model, question());
    expect([...model.params.values()].map((weight) => weight.grad)).toEqual(before);
  });
});
