import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { treeSum } from './process-group.ts';

const member = fileURLToPath(new URL('testing/group-member.ts', import.meta.url));
let folder: string;
/** By all members, on stderr. */
let said: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'medr1-group-'));
  said = '';
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What each of `size` processes printed, by rank; null for one that was killed. `told`: of how many it was told. */
function members(task: string, size: number, told: (rank: number) => number = () => size, seconds = 3): Promise<unknown[]> {
  const run = (rank: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [member, task, String(rank), String(told(rank)), join(folder, 'store'), String(seconds)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      child.on('error', reject);
      child.on('close', () => resolve(text === '' ? null : JSON.parse(text)));
    });
  return Promise.all(Array.from({ length: size }, (_, rank) => run(rank)));
}

describe('a process group', () => {
  it('gathers values of any length, in the order of ranks', async () => {
    const seen = [
      [0, 0],
      [1, 1],
      [2, 2],
    ];
    expect(await members('gather', 3)).toEqual([seen, seen, seen]);
  });

  it('broadcasts what rank 0 gives', async () => {
    expect(await members('broadcast', 2)).toEqual([{ said: 'by 0' }, { said: 'by 0' }]);
  });

  it('sums in the order of a binary tree, to the bit, on every member', async () => {
    const results = await members('sum', 4);
    expect(results).toEqual(Array(4).fill({ tree: true, line: false })); // another order gives other bits, so this tells them apart
  });

  it('sends a tensor of any dtype to the first', async () => {
    const sent = ['bfloat16', 'int16', 'uint8'].map((dtype) => [dtype, [2, 3], [0, 1, 2, 3, 4, 5]]);
    expect(await members('send', 3)).toEqual([sent, [null, null, null], [null, null, null]]);
  });

  it('says which rank lost another when one is killed', async () => {
    const [first, second] = await members('lost', 2);
    expect(second).toBeNull();
    expect(first).toMatchObject({ code: 'RANK_LOST', message: expect.stringContaining('Rank 0 of 2 lost another process') });
  });

  it('says on each member at once that they were told different numbers of them', async () => {
    const seen = await members('gather', 2, (rank) => 2 + rank, 300);
    const message = expect.stringMatching(/did not meet the other processes at \S+: .*WORLD_SIZE is 3 for rank 1 and 2 for rank 0/);
    expect(seen).toEqual([0, 1].map(() => ({ code: 'RANK_RENDEZVOUS', message })));
  });

  it('names the one that never came, in the log long before all give up', async () => {
    const seen = await members('gather', 2, () => 3, 7);
    const message = expect.stringMatching(/did not meet the other processes .* within 7 s: rank 2 of 3 did not come/);
    expect(seen).toEqual([0, 1].map(() => ({ code: 'RANK_RENDEZVOUS', message })));
    expect(said).toBe('waits for rank 2 of 3: is it started, and is 3 (WORLD_SIZE) the number of processes?\n');
  });

  it('says how long it waited for one that does not come', async () => {
    const [first] = await members('late', 2);
    expect(first).toMatchObject({ code: 'RANK_LOST', message: expect.stringContaining('waited 1 s (ddp_timeout)') });
  });
});

describe('a sum over a tree', () => {
  it('adds neighbours first', () => {
    expect(treeSum(['0', '1', '2', '3'], (a, b) => `(${a}${b})`)).toBe('((01)(23))');
    expect(treeSum(['0'], (a, b) => `(${a}${b})`)).toBe('0');
  });
});
