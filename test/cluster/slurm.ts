/** A Slurm of one node on this machine's loopback, with directories, keys and ports of its own. */
import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../server/harness.ts';
import { freePort } from './free-port.ts';

export interface Slurm extends AsyncDisposable {
  /** For srun, sbatch and squeue. */
  env: Record<string, string>;
}

export async function slurm(): Promise<Slurm> {
  const at = mkdtempSync(join(tmpdir(), 'medr1-slurm-'));
  const host = hostname().split('.')[0];
  for (const part of ['state', 'spool']) mkdirSync(join(at, part));
  writeFileSync(join(at, 'munge.key'), randomBytes(1024), { mode: 0o400 });
  const settings = {
    ClusterName: 'medr1',
    SlurmctldHost: `${host}(127.0.0.1)`,
    SlurmctldPort: await freePort(),
    SlurmdPort: await freePort(),
    AuthType: 'auth/munge',
    AuthInfo: `socket=${join(at, 'munge')}`,
    CredType: 'cred/munge',
    SlurmUser: 'root',
    SlurmdUser: 'root',
    StateSaveLocation: join(at, 'state'),
    SlurmdSpoolDir: join(at, 'spool'),
    SlurmctldPidFile: join(at, 'slurmctld.pid'),
    SlurmdPidFile: join(at, 'slurmd.pid'),
    SlurmctldLogFile: join(at, 'slurmctld.log'),
    SlurmdLogFile: join(at, 'slurmd.log'),
    // what needs no rights over the machine: no control groups, no accounts
    ProctrackType: 'proctrack/linuxproc',
    TaskPlugin: 'task/none',
    SelectType: 'select/cons_tres',
    SelectTypeParameters: 'CR_CPU',
    ReturnToService: 2,
    NodeName: `${host} NodeAddr=127.0.0.1 CPUs=2`,
    PartitionName: 'all Nodes=ALL Default=YES',
  };
  writeFileSync(
    join(at, 'slurm.conf'),
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const env = { SLURM_CONF: join(at, 'slurm.conf') };
  const daemons: ChildProcess[] = [];
  const start = (command: string, ...args: string[]): void =>
    void daemons.push(spawn(command, args, { env: { ...process.env, ...env }, stdio: 'ignore' }));
  const of = (name: string): string => join(at, name);
  start(
    '/usr/sbin/munged',
    ...['--force', '--foreground', `--key-file=${of('munge.key')}`, `--socket=${of('munge')}`],
    ...[`--pid-file=${of('munged.pid')}`, `--log-file=${of('munged.log')}`, `--seed-file=${of('munge.seed')}`],
  );
  start('/usr/sbin/slurmctld', '-D', '-i');
  start('/usr/sbin/slurmd', '-D');
  await until(() => {
    try {
      const state = execFileSync('sinfo', ['-h', '-o', '%T'], { env: { ...process.env, ...env }, encoding: 'utf8', stdio: 'pipe' });
      return state.trim() === 'idle' ? true : `the node is ${state}`;
    } catch (error) {
      return String(error);
    }
  });
  return {
    env,
    async [Symbol.asyncDispose]() {
      for (const daemon of daemons.toReversed()) {
        daemon.kill('SIGTERM');
        if (daemon.exitCode === null) await new Promise((ended) => daemon.once('exit', ended));
      }
      rmSync(at, { recursive: true, force: true });
    },
  };
}
