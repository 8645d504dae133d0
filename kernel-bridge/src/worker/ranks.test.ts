/** Processes of a run that a launcher started: what one of them was told or holds otherwise is named on all, before anything is trained. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainConfig } from '../protocol/index.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import type { Rendezvous } from '../torch/index.ts';
import { launchVariable, type Launch } from './launch.ts';
import type { RankTask } from './testing/rank.ts';

const script = fileURLToPath(new URL('testing/rank.ts', import.meta.url));
let tiny: Tiny;
let other: Tiny;
let folder: string;
beforeAll(async () => {
  [tiny, other] = await Promise.all([makeTiny(), makeTiny({ seed: 1 })]);
  folder = mkdtempSync(join(tmpdir(), 'medr1-rank-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  for (const one of [tiny, other]) await one[Symbol.asyncDispose]();
});

let runs = 0;
interface Given extends Partial<RankTask> {
  /** Of the configuration. */
  changes?: Partial<TrainConfig>;
  told?: Launch['told'];
  rendezvous?: Rendezvous[];
  alone?: boolean;
}
/** What each of two processes printed; `alone`: the second is not there. */
function printed({ told, rendezvous, alone, changes, ...task }: Given = {}): Promise<unknown[]> {
  const name = join(folder, `run-${runs++}`);
  const config = tiny.config({ dp_shards: 2, per_device_train_batch_size: 8, ddp_timeout: 20, ...changes });
  writeFileSync(`${name}.json`, JSON.stringify({ config, items: tiny.items, root: tiny.directory, save: `${name}-saved`, ...task }));
  const rank = (number: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const meets = rendezvous?.[number] ?? { file: `${name}-store`, host: '127.0.0.1' };
      const launch = { rank: number, size: 2, localRank: number, rendezvous: meets, told: number === 0 ? undefined : told };
      const env = { ...process.env, OMP_NUM_THREADS: '1', TORCH_CPP_LOG_LEVEL: 'FATAL', ...launchVariable(launch) };
      const child = spawn(process.execPath, [script, `${name}.json`], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      child.on('error', reject);
      child.on('close', () => resolve(text === '' ? null : JSON.parse(text)));
    });
  return Promise.all((alone ? [0] : [0, 1]).map(rank));
}
async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}
const onBoth = (code: string, message: string): unknown[] =>
  Array(2).fill(expect.objectContaining({ code, message: expect.stringContaining(message) }));

describe('two processes of a run', () => {
  it('that were told to train by two configurations say which key differs', async () => {
    const config = {
      ...tiny.config({ dp_shards: 2, per_device_train_batch_size: 8, ddp_timeout: 20 }),
      learning_rate: 0.5,
      run_name: 'mine',
    };
    expect(await printed({ told: { config } })).toEqual(
      onBoth('RANKS_DIFFER', 'Rank 1 was told to train by another configuration than rank 0: learning_rate is 0.5 and not 0.001.'),
    );
  });

  it('of which one cannot read its configuration all say so; they met at a port', async () => {
    const error = { code: 'CONFIG_FILE', message: 'run.yaml is not there', remedy: 'Bring it.' } as const;
    const server = createServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const rendezvous = [true, false].map((serves): Rendezvous => ({ address: '127.0.0.1', port, serves }));
    expect(await printed({ told: { error }, rendezvous })).toEqual(onBoth('CONFIG_FILE', 'run.yaml is not there (on rank 1 of 2)'));
  });

  it('of which one has another model say so', async () => {
    expect(await printed({ models: { 1: other.model } })).toEqual(onBoth('RANKS_DIFFER', 'Rank 1 loaded other weights than rank 0'));
  });

  it('of which one has no model all say so', async () => {
    expect(await printed({ models: { 1: join(folder, 'nowhere') } })).toEqual(onBoth('MODEL_DIR_INCOMPLETE', '(on rank 1 of 2)'));
  });

  it('say that the port is taken, whoever has it', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end());
    const port = await listening(server);
    const meets = (serves: boolean): Rendezvous => ({ address: '127.0.0.1', port, serves });
    const seen = await printed({ rendezvous: [meets(true), meets(false)] });
    server.close();
    const at = `did not meet the other processes at 127.0.0.1:${port}: `;
    expect(seen).toEqual(onBoth('RANK_RENDEZVOUS', at));
    expect(seen[1]).toMatchObject({ message: expect.stringContaining('another program has taken that port') });
  });

  it('wait for each other at the start as long as ddp_join_timeout says, whatever ddp_timeout is', async () => {
    const [first] = await printed({ alone: true, changes: { ddp_join_timeout: 0.5 } });
    expect(first).toMatchObject({ code: 'RANK_RENDEZVOUS', message: expect.stringMatching(/within 0.5 s: rank 1 of 2 did not come/) });
  });

  it('go on together when rank 0’s disk has refused a checkpoint', async () => {
    const [undisturbed] = await printed();
    expect(undisturbed).toEqual({ losses: [expect.any(Number), expect.any(Number)], skipped_steps: 0 });
    expect(await printed({ refusals: 2 })).toEqual([undisturbed, 'followed']);
  });

  it.skipIf(!existsSync('/dev/full'))('take a step again together when rank 0’s disk has refused the evidence of skipping it', async () => {
    const changes: Partial<TrainConfig> = { scale_rewards: 'none', reward_weights: [1e30, 1e30] }; // no gradient of it is finite
    const [undisturbed] = await printed({ changes });
    expect(undisturbed).toEqual({ losses: [expect.anything(), expect.anything()], skipped_steps: 2 });
    const evidenceDir = join(folder, 'evidence');
    expect(await printed({ changes, evidenceDir })).toEqual([undisturbed, 'followed']);
    expect(readdirSync(evidenceDir).sort()).toEqual(['step-1.json', 'step-2.json']);
  });
});
