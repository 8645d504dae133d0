import { afterAll, describe, expect, it } from 'vitest';
import { memoryStats, type Tensor } from '../../torch/index.ts';
import { tinyModel, tinyPrompts } from '../testing/tiny.ts';
import { forward } from './forward.ts';
import { nextTokens, type Branch, type NextToken } from './branches.ts';
import { torch, scope, noGrad } from '../../torch/index.ts';

const model = tinyModel();
afterAll(() => model.dispose());
const completion = [11, 12, 13, 14, 15, 16];

/** What the plain forward pass says comes after these tokens. */
const plain = (prompt: ReturnType<typeof tinyPrompts>[number], ids: number[]): Float32Array =>
  scope(() =>
    noGrad(() => {
      const { logits } = forward(model, [{ prompt, completion: ids }]);
      const last = torch.select(torch.select(logits, 0, 0), 0, prompt.inputIds.length + ids.length - 1);
      return torch.log_softmax(last, -1).toFloat32();
    }),
  );

function read(
  prompt: ReturnType<typeof tinyPrompts>[number],
  branches: Branch[],
  places: NextToken[],
  temperature?: number,
): Float32Array[] {
  const rows: Float32Array[] = [];
  const take = (logps: Tensor): void => {
    const [m, V] = logps.shape;
    const all = logps.toFloat32();
    for (let i = 0; i < m; i++) rows.push(all.slice(i * V, (i + 1) * V));
  };
  nextTokens(model, prompt, completion, branches, places, take, temperature);
  return rows;
}

const near = (a: Float32Array, b: Float32Array): void => a.forEach((value, i) => expect(value).toBeCloseTo(b[i], 4));

describe('the next token', () => {
  it.each([0, 1, 2])('of a cut completion and of its branches is what each alone gives (prompt %i)', (which) => {
    const prompt = tinyPrompts()[which];
    const branches = [
      { after: 0, ids: [21, 22] },
      { after: 3, ids: [23] },
      { after: 6, ids: [24, 25, 26] },
      { after: 2, ids: [] },
    ];
    const places = [
      { tokens: 0 },
      { tokens: 4 },
      { branch: 0, tokens: 2 },
      { branch: 1, tokens: 1 },
      { branch: 2, tokens: 1 },
      { branch: 2, tokens: 3 },
      { branch: 3, tokens: 0 },
    ];
    const said = [[], completion.slice(0, 4), [21, 22], [11, 12, 13, 23], [...completion, 24], [...completion, 24, 25, 26], [11, 12]];
    const rows = read(prompt, branches, places);
    said.forEach((ids, i) => near(rows[i], plain(prompt, ids)));
  });

  it('without branches is the completion alone, at a temperature too', () => {
    const [prompt] = tinyPrompts();
    const [row] = read(prompt, [], [{ tokens: 2 }], 2);
    const logps = plain(prompt, [11, 12]);
    const halved = logps.map((value) => value / 2);
    const whole = Math.log(halved.reduce((sum, value) => sum + Math.exp(value), 0));
    near(
      row,
      halved.map((value) => value - whole),
    );
  });

  it('leaves no tensor behind, and refuses a cut beyond the end', () => {
    const [prompt] = tinyPrompts();
    const before = memoryStats().tensors;
    read(prompt, [{ after: 1, ids: [3] }], [{ branch: 0, tokens: 1 }]);
    expect(memoryStats().tensors).toBe(before);
    expect(() => read(prompt, [{ after: 7, ids: [3] }], [])).toThrow('leaves after 7 of 6 tokens');
    expect(() => read(prompt, [{ after: 1, ids: [100] }], [])).toThrow('token 100');
  });
});
