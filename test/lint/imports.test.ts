import { resolve } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const eslint = new ESLint({ cwd: root });

async function messages(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: resolve(root, file) });
  return result.messages.map(({ message }) => message);
}

const REFUSED = /may not import|imports nothing of Jupyter|knows the backend by/;

describe('imports point one way', () => {
  it.each([
    ['kernel-bridge/src/server/x.ts', '../torch/index.ts'],
    ['kernel-bridge/src/server/x.ts', '../rl/grpo.ts'],
    ['kernel-bridge/src/server/routes/x.ts', '../../worker/main.ts'],
    ['kernel-bridge/src/torch/x.ts', '../models/model.ts'],
    ['kernel-bridge/src/models/x.ts', '../rl/loss.ts'],
    ['kernel-bridge/src/rl/x.ts', '../server/index.ts'],
    ['kernel-bridge/src/evals/x.ts', '../rl/answer.ts'],
    ['kernel-bridge/src/runs/x.ts', '../models/index.ts'],
    ['kernel-bridge/src/answers/x.ts', '../data/index.ts'],
    ['kernel-bridge/src/protocol/x.ts', '../runs/store.ts'],
    ['kernel-bridge/src/protocol/x.ts', '../answers/index.ts'],
    ['kernel-bridge/src/client/x.ts', '../runs/store.ts'],
    ['kernel-bridge/src/client/x.ts', '../files/plain.ts'],
    ['kernel-bridge/src/files/x.ts', '../runs/store.ts'],
    ['widgets/src/x.ts', '@jupyterlab/apputils'],
    ['widgets/src/x.ts', '../../kernel-bridge/src/protocol/index.ts'],
    ['extension/src/x.ts', '@medr1/kernel-bridge/server'],
  ])('%s may not import %s', async (file, source) => {
    expect(await messages(file, `import { x } from '${source}';\nexport const y = x;\n`)).toEqual([expect.stringMatching(REFUSED)]);
  });

  it.each([
    "import type { x } from '../torch/index.ts';\nexport const y = (one: x): x => one;",
    "export { x } from '../torch/index.ts';",
    "export * from '../torch/index.ts';",
    "export const x = (): Promise<unknown> => import('../torch/index.ts');",
    "export const x = (one: import('../torch/index.ts').Tensor): unknown => one;",
  ])('in any form: %s', async (code) => {
    expect(await messages('kernel-bridge/src/server/x.ts', `${code}\n`)).toEqual([expect.stringMatching(REFUSED)]);
  });

  it.each([
    ['kernel-bridge/src/server/x.ts', '../protocol/index.ts'],
    ['kernel-bridge/src/server/x.ts', '../runs/store.ts'],
    ['kernel-bridge/src/runs/x.ts', '../models/shapes.ts'],
    ['kernel-bridge/src/worker/x.ts', '../rl/index.ts'],
    ['kernel-bridge/src/rl/x.ts', '../torch/index.ts'],
    ['kernel-bridge/src/data/x.ts', '../answers/index.ts'],
    ['widgets/src/x.ts', '@medr1/kernel-bridge/answers'],
    ['kernel-bridge/src/torch/x.ts', '../files/plain.ts'],
    ['kernel-bridge/src/data/readers/x.ts', '../../files/plain.ts'],
    ['kernel-bridge/src/server/x.ts', './torch/labels.ts'],
    ['widgets/src/x.ts', '@medr1/kernel-bridge/client'],
  ])('%s may import %s', async (file, source) => {
    expect(await messages(file, `import { x } from '${source}';\nexport const y = x;\n`)).toEqual([]);
  });
});

describe('untrusted text never becomes markup', () => {
  it.each([
    'export const f = (el: HTMLElement, text: string) => { el.innerHTML = text; };',
    'export const f = (el: HTMLElement, text: string) => { el.insertAdjacentHTML("beforeend", text); };',
    'import { unsafeHTML } from "lit/directives/unsafe-html.js";\nexport const f = unsafeHTML;',
  ])('%s is refused', async (code) => {
    expect(await messages('widgets/src/x.ts', `${code}\n`)).toHaveLength(1);
  });
});
