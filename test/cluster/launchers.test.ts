/** `medr1 launch` by the real launchers: two processes train the run of one process, to the bit. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, until } from '../server/harness.ts';
import { freePort } from './free-port.ts';
import { slurm, type Slurm } from './slurm.ts';

const root = resolve(import.meta.dirname, '../..');
const medr1 = join(root, 'node_modules/.bin/medr1');
const home = mkdtempSync(join(tmpdir(), 'medr1-cluster-'));
const ray = process.env.MEDR1_RAY ?? join(root, '.medr1/ray');
const file = join(home, 'run.yaml');
const env: NodeJS.ProcessEnv = {
  ...process.env,
  MEDR1_HOME: home,
  OMP_NUM_THREADS: '1',
  PATH: [join(root, '.venv/bin'), join(ray, 'bin'), process.env.PATH].join(delimiter),
  RAY_worker_niceness: '0',
  RAY_USAGE_STATS_ENABLED: '0',
};
afterAll(() => rmSync(home, { recursive: true, force: true }));

const SETTINGS = {
  model_name_or_path: join(root, 'examples/sample/model'),
  dataset_name: process.env.MEDR1_SAMPLE!,
  num_generations: 4,
  per_device_train_batch_size: 8,
  max_completion_length: 16,
  max_steps: 2,
  dp_shards: 2,
};

interface Listed {
  id: string;
  name: string;
  state: string;
  step: number;
  device: string;
}
const run = async (command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> =>
  (await promisify(execFile)(command, args, { cwd: home, env: { ...env, ...more }, maxBuffer: 1 << 26 })).stdout;
const named = async (name: string): Promise<Listed | undefined> =>
  (JSON.parse(await run(medr1, ['runs', 'list', '--json'])) as { runs: Listed[] }).runs.find((one) => one.name === name);

/** What a run left: its state, and the weights of its last checkpoint. */
async function resultOf(name: string) {
  const { id, state, step, device } = (await named(name))!;
  const checkpoints = join(home, 'runs', id, 'checkpoints');
  const weights = readFileSync(join(checkpoints, readdirSync(checkpoints).sort().at(-1)!, 'model.safetensors'));
  return { state, step, device, weights: weights.toString('base64') };
}
const launchArgs = (launcher: string, nodes: number, ...more: string[]): string[] => [
  ...['launch', launcher, file, '--nodes', String(nodes), '--processes', String(2 / nodes), '--set', `run_name=${launcher}`, ...more],
];

let one: Awaited<ReturnType<typeof resultOf>>;
beforeAll(async () => {
  writeFileSync(file, JSON.stringify(SETTINGS)); // JSON is YAML
  await run(medr1, ['train', file, '--set', 'run_name=one', '--json']);
  one = await resultOf('one');
});
const expectSame = async (name: string): Promise<void> => expect(await resultOf(name)).toEqual({ ...one, device: '2 x cpu' });

/** The tests of a launcher, or one that is skipped and says why. */
const where = (lacks: string | null) => (lacks === null ? describe : describe.skip);
const naming = (launcher: string, lacks: string | null): string =>
  lacks === null ? launcher : `${launcher}, which cannot be tried: ${lacks}`;

describe('torchrun', () => {
  it('has two agents start a process each', async () => {
    const at = ['--head', '127.0.0.1', '--port', String(await freePort())];
    const { files } = JSON.parse(await run(medr1, launchArgs('torchrun', 2, ...at, '--write', '--json'))) as { files: string[] };
    await Promise.all([run('bash', files), run(medr1, launchArgs('torchrun', 2, ...at))]); // one by its script, one by the command
    await expectSame('torchrun');
  });
});

const noMpi = existsSync('/usr/bin/mpirun') ? null : 'Open MPI is not installed';
where(noMpi)(naming('mpirun', noMpi), () => {
  it('starts two processes that read its variables', async () => {
    const asRoot = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
    const at = { MASTER_PORT: String(await freePort()) };
    await run('mpirun', [...asRoot, '--oversubscribe', '-n', '2', medr1, 'train', file, '--set', 'run_name=mpirun'], at);
    await expectSame('mpirun');
  });
});

const noSlurm = process.getuid?.() !== 0 ? 'Slurm wants to be root' : existsSync('/usr/sbin/slurmctld') ? null : 'Slurm is not installed';
where(noSlurm)(naming('Slurm', noSlurm), () => {
  let cluster: Slurm;
  beforeAll(async () => {
    cluster = await slurm();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  const queue = (): string => execFileSync('squeue', ['-h'], { env: { ...env, ...cluster.env }, encoding: 'utf8' });

  it('runs the two tasks of a job that was submitted', async () => {
    const answer = await run(medr1, launchArgs('slurm', 1, '--json', '--sbatch=--comment=a-test'), cluster.env);
    expect(JSON.parse(answer)).toMatchObject({ started: ['sbatch', join(home, 'run.slurm.sh')] });
    await until(() => queue() || true);
    await expectSame('slurm');
  });

  it('ends with a checkpoint when the time of the job is over', async () => {
    const endless = ['--set', 'max_steps=100000', '--set', 'run_name=cut'];
    await run(medr1, [...launchArgs('slurm', 1), ...endless], cluster.env);
    await until(async () => ((await named('cut'))?.step ?? 0) > 0 || 'no step');
    execFileSync('scancel', ['--signal=TERM', '--name=medr1-run'], { env: { ...env, ...cluster.env } }); // as --signal=TERM@120 does
    await until(() => queue() || true);
    const { id, state, step } = (await named('cut'))!;
    expect(['stopped', 'interrupted']).toContain(state);
    expect(readdirSync(join(home, 'runs', id, 'checkpoints'))).toContain(`step-${String(step).padStart(6, '0')}`);
  });
});

const noRay = existsSync(join(ray, 'bin/ray')) ? null : 'Ray is not installed in .medr1/ray';
where(noRay)(naming('Ray', noRay), () => {
  it('starts a process on each of two nodes of a cluster', async () => {
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const nodes = [
      ['start', '--head', `--port=${port}`, '--include-dashboard=false'],
      ['start', `--address=${address}`],
    ].map((args) => [...args, '--num-cpus=1', '--block', '--disable-usage-stats']);
    const daemons = [];
    try {
      for (const args of nodes) {
        const daemon = spawn(join(ray, 'bin/ray'), args, { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
        daemons.push(daemon);
        let said = '';
        daemon.stdout.on('data', (data: Buffer) => (said += data));
        await until(() => (said.includes('Ray runtime started') ? true : said || 'Ray says nothing'));
      }
      const { files } = JSON.parse(await run(medr1, launchArgs('ray', 2, '--head', '127.0.0.1', '--write', '--json'))) as {
        files: string[];
      };
      await run(join(ray, 'bin/python'), [files[1]], { RAY_ADDRESS: address });
      await expectSame('ray');
    } finally {
      for (const daemon of daemons.toReversed()) {
        if (daemon.exitCode === null) {
          daemon.kill('SIGTERM');
          await once(daemon, 'exit');
        }
        await until(() => !isAlive(daemon.pid!) || 'Ray goes on');
      }
    }
  });
});
