import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Ask } from '../protocol/generate.ts';
import { Jobs, lastLine, type JobOptions } from './jobs.ts';

const dir = mkdtempSync(join(tmpdir(), 'medr1-jobs-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Answers with the arguments that it got; the question `deaf` it neither answers nor refuses, `die` ends it. */
const MODULE = join(dir, 'process.mjs');
writeFileSync(
  MODULE,
  `process.send('alive');
process.on('message', (message) => {
  if (message === 'nudge') process.send('committed');
  if (message.type !== 'ask' || message.ask === 'deaf') return;
  if (message.ask === 'die') throw new RangeError('the model is gone');
  if (message.ask === 'refuse') return process.send({ type: 'refused', key: message.key, error: { code: 'NO', message: 'no', remedy: '', http: 422 } });
  process.send({ type: 'answer', key: message.key, answer: [process.argv.slice(2), process.env.GIVEN], step: 7 });
});
process.on('disconnect', () => process.exit(0));
`,
);

let jobs: Jobs;
beforeEach(() => void (jobs = new Jobs()));
afterEach(() => jobs.close());

const start = (changes: Partial<JobOptions> = {}) =>
  jobs.start({ kind: 'train', id: 'a', module: MODULE, args: ['x'], log: join(dir, 'a.log'), ...changes });
const question = (text: string): Ask => text as unknown as Ask;
const never = new AbortController().signal;

it('starts a process with its kind, arguments and variables, hears it, and asks it', async () => {
  const heard = vi.fn();
  const job = start({ place: { on: ['cpu:0'], bytes: 5, exclusive: false, env: { GIVEN: 'yes' } }, heard });
  expect(job.heardAt).toBeNull();
  expect(await job.ask(question('who'), null, never)).toMatchObject({ answer: [['train', 'x'], 'yes'], step: 7 });
  expect(job.heardAt).toBeGreaterThanOrEqual(job.startedAt);
  job.send('nudge');
  await vi.waitFor(() => expect(heard.mock.calls).toEqual([['committed', job]])); // neither the answer nor the sign of life
  await expect(job.ask(question('refuse'), null, never)).rejects.toMatchObject({ code: 'NO', http: 422 });
});

it('knows a process by kind and id while it is there, and tells once how it ended', async () => {
  const gone = vi.fn();
  const job = start({ gone });
  expect(jobs.find('train', 'a')).toBe(job);
  expect(jobs.find('evaluate', 'a')).toBeUndefined();
  const asked = job.ask(question('deaf'), null, never);
  job.kill();
  await expect(asked).rejects.toMatchObject({ code: 'GENERATE_WORKER_DIED', message: expect.stringContaining('killed by SIGKILL') });
  expect(await job.ended).toBe('killed by SIGKILL');
  expect(gone.mock.calls).toEqual([['killed by SIGKILL', job]]);
  expect(jobs.all()).toEqual([]);
});

it('a process that dies of an error is told of by what it said last', async () => {
  const asked = start().ask(question('die'), null, never);
  await expect(asked).rejects.toMatchObject({ message: expect.stringContaining('RangeError: the model is gone') });
});

it('a question that is withdrawn is told so, and who does not hear it is killed after a while', async () => {
  const job = start({ log: join(dir, 'deaf.log') });
  await job.ask(question('who'), null, never);
  const abort = new AbortController();
  const asked = job.ask(question('deaf'), null, abort.signal, 20);
  abort.abort(new Error('enough'));
  await expect(asked).rejects.toThrow('enough');
  expect(await job.ended).toBe('killed by SIGKILL');
});

it('closes all: those that hold something by their channel, the others at once; and starts none after', async () => {
  const [held, other] = [start(), start({ kind: 'answer', id: 'answer', disposable: true })];
  await held.ask(question('who'), null, never);
  await jobs.close();
  expect([await held.ended, await other.ended]).toEqual(['exit code 0', 'killed by SIGKILL']);
  expect(() => start()).toThrow(expect.objectContaining({ code: 'SERVER_STOPPED' }));
});

it('the last words of a process are the error that ended it, not the stack and version that Node prints after it', () => {
  const log = join(dir, 'worker.log');
  const { stderr } = spawnSync(process.execPath, ['-e', "throw Object.assign(new RangeError('no such thing'), { code: 'X' })"]);
  writeFileSync(log, stderr);
  expect(lastLine(log)).toBe('RangeError: no such thing');
  writeFileSync(log, 'first\nterminate called: out of memory\n');
  expect(lastLine(log)).toBe('terminate called: out of memory');
  expect(lastLine(join(dir, 'none.log'))).toBe('');
});
