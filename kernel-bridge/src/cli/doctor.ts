/** `medr1 doctor` lists what is installed, the device, what is missing, and the command that mends it. It asks the steps of the set-up. */
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { facts, type Fact } from '../../setup/facts.mjs';
import { machine } from '../machine.ts';
import { homeDir } from '../runs/home.ts';
import { listRuns } from '../runs/runs.ts';
import { serverFile, type ServerFile } from '../server/server-file.ts';
import { printJson, tell } from './output.ts';

/** A run of the 2B model with its optimiser writes checkpoints of about this size. */
const DISK_WANTED = 20e9;
const MARK = { ok: 'ok      ', missing: 'MISSING ', due: 'DUE     ', absent: '-       ' };

export function register(program: Command): void {
  program
    .command('doctor')
    .description('what is installed, which device, what is missing and the command that mends it')
    .option('--json', 'print one JSON document and nothing else')
    .action(async ({ json }: { json?: boolean }) => {
      const all = [...(await facts()), ...limits(), ...(await whereRunsLive(homeDir()))];
      const healthy = all.every(({ state }) => state !== 'missing' && state !== 'due');
      if (json) printJson({ healthy, facts: all });
      else tell(...all.flatMap(lines));
      if (!healthy) process.exitCode = 1;
    });
}

const lines = ({ name, state, detail, remedy }: Fact): string[] => [
  `${MARK[state]}${name.padEnd(30)}${detail}`,
  ...(remedy ? [`${' '.repeat(38)}-> ${remedy}`] : []),
];

/** What training on the CPU may use, and who says so. */
function limits(): Fact[] {
  const { memory, available, cpus, memoryFrom, cpusFrom } = machine();
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const by = (group: string | null): string => (group ? `, the limit of ${group}` : '');
  return [
    { name: 'Memory', state: 'ok', detail: `${gib(available)} free of ${gib(memory)}${by(memoryFrom)}`, remedy: null },
    { name: 'Processors', state: 'ok', detail: `threads at a time: ${cpus}${by(cpusFrom)}`, remedy: null },
  ];
}

async function whereRunsLive(home: string): Promise<Fact[]> {
  const made = existsSync(home);
  const runs = made ? listRuns(home).length : 0;
  return [
    {
      name: 'Home',
      state: made ? 'ok' : 'absent',
      detail: made ? `${home}: ${runs} run(s)` : `${home}: made by the first start`,
      remedy: null,
    },
    await disk(made ? home : dirname(home)),
    server(home),
  ];
}

async function disk(path: string): Promise<Fact> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  const enough = free >= DISK_WANTED;
  const detail = `${(free / 1e9).toFixed(1)} GB free${enough ? '' : '; checkpoints of a 2B model need about 20 GB, those of the demo 20 MB'}`;
  return {
    name: 'Disk',
    state: enough ? 'ok' : 'absent',
    detail,
    remedy: enough ? null : `free some space, or set MEDR1_HOME to another disk`,
  };
}

function server(home: string): Fact {
  const name = 'Backend';
  try {
    const { pid, version, socket, port } = JSON.parse(readFileSync(serverFile(home), 'utf8')) as ServerFile;
    process.kill(pid, 0);
    return { name, state: 'ok', detail: `version ${version} runs as process ${pid} on ${socket ?? `127.0.0.1:${port}`}`, remedy: null };
  } catch {
    return { name, state: 'absent', detail: 'not running', remedy: null };
  }
}
