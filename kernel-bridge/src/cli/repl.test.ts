import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import { tensor } from '../torch/index.ts';
import { inspect } from './repl.ts';

let tiny: Tiny;
beforeAll(async () => {
  tiny = await makeTiny();
});
afterAll(() => tiny[Symbol.asyncDispose]());

describe('inspect', () => {
  it('tells range and what is not finite', () => {
    expect(inspect(tensor([1, 2, 3, NaN, Infinity]))).toBe('float32[5] min 1 mean 2 max 3 std 1, 2 of 5 not finite');
    expect(inspect(tensor([[1, 2]], { dtype: 'int64' }))).toBe('int64[1, 2] min 1 mean 1.5 max 2 std 0.7071');
    expect(inspect(tensor([NaN]))).toBe('float32[1], none finite');
    expect(inspect(tensor([]))).toBe('float32[0], empty');
  });
});

it('medr1 repl has a model and questions at hand, and ends with its input', async () => {
  const main = resolve(import.meta.dirname, 'main.ts');
  const questions = join(tiny.directory, 'questions.jsonl');
  await writeFile(
    questions,
    tiny.items.map(({ image, question, options, answer }) => JSON.stringify({ image, question, options, answer })).join('\n'),
  );
  const child = spawn(process.execPath, [main, 'repl', '--model', tiny.model, '--dataset', questions, '--count', '2'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  for (const line of [
    'prompts.length + 40',
    "inspect(model.weight('model.embed_tokens.weight'))",
    'const [[answer]] = await generate(model, [prompts[0]], { maxNewTokens: 3, greedy: true })',
    'tokens(answer.tokenIds)',
    "'tokens ' + answer.tokenIds.length",
  ]) {
    while (!said.endsWith('medr1> ')) await once(child.stdout, 'data');
    said += line;
    child.stdin.write(`${line}\n`);
  }
  child.stdin.end();
  await once(child, 'exit');
  expect(child.exitCode).toBe(0);
  expect(said).toContain('42');
  expect(said).toMatch(/float32\[\d+, \d+\] min -[\d.]+ mean/);
  expect(said).toMatch(/tokens [123]/);
  expect(said).not.toContain('Error');
});
