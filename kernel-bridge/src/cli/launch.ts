/** `medr1 launch`: writes the script that starts a run on a cluster, and starts it where its launcher is installed. */
import { spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Argument, type Command } from 'commander';
import { completeConfig, parseSettings, readConfigFile } from '../runs/config.ts';
import { homeDir } from '../runs/home.ts';
import { count, usage, whole } from './arguments.ts';
import { LAUNCHERS, quoted, SCRIPTS, type Job, type LauncherName } from './launch-scripts.ts';
import { note, printJson } from './output.ts';
import { shardsFor } from './shards.ts';

interface Options {
  nodes: number;
  gpus: number;
  processes?: number;
  cpus?: number;
  head?: string;
  port: number;
  sbatch: string[];
  set: string[];
  resume?: string;
  report?: string;
  out?: string;
  write?: boolean;
  json?: boolean;
}

/** What starts each script, and how. */
const COMMANDS: Readonly<Record<LauncherName, { needs: string; start: (file: string) => [string, ...string[]] }>> = {
  slurm: { needs: 'sbatch', start: (file) => ['sbatch', file] },
  torchrun: { needs: 'torchrun', start: (file) => ['bash', file] },
  ray: { needs: 'ray', start: (file) => ['bash', file] },
};

const repeated = (value: string, before: string[]): string[] => [...before, value];

export function register(program: Command): void {
  program
    .command('launch')
    .description(
      'start a run on several machines by Slurm, torchrun or Ray: writes the script, and submits it where the launcher is installed',
    )
    .addArgument(new Argument('<launcher>', LAUNCHERS.join(', ')).choices(LAUNCHERS))
    .argument('<config>', 'YAML file, as medr1 train takes it; all machines need it under this path')
    .option('--nodes <n>', 'machines', count, 1)
    .option('--gpus <n>', 'GPUs of each machine, with a process on each; 0 trains on CPUs', whole, 0)
    .option('--processes <n>', 'processes on each machine (default: one a GPU)', count)
    .option('--cpus <n>', 'cores of a process', count)
    .option('--head <host>', 'torchrun, ray: the first machine, by a name that the others know')
    .option('--port <n>', 'where the processes meet', count, 29500)
    .option('--sbatch <option>', 'slurm: a line of #SBATCH, for example --sbatch=--time=8:00:00, may be repeated', repeated, [])
    .option('--set <key=value>', 'as with medr1 train, may be repeated', repeated, [])
    .option('--resume <run>', 'go on with a run of the home')
    .option('--report <url>', 'show the run in the workbench at this address (docs/guides/scale.md)')
    .option('--out <file>', 'name of the script without its ending (default: that of the configuration)')
    .option('--write', 'write the script and start nothing')
    .option('--json', 'one JSON document: what was written and what was started')
    .action(launch);
}

async function launch(launcher: LauncherName, config: string, options: Options): Promise<void> {
  const { json, write } = options;
  const { address, token } = withoutToken(options.report);
  const job = jobOf(config, { ...options, report: address });
  const base = resolve(options.out ?? config.replace(/\.(ya?ml|json)$/, ''));
  const fileOf = (ending: string): string => `${base}.${ending}`;
  const files = SCRIPTS[launcher](job, fileOf).map(({ ending, text }) => {
    writeFileSync(fileOf(ending), text);
    chmodSync(fileOf(ending), 0o755);
    return fileOf(ending);
  });
  const { needs, start } = COMMANDS[launcher];
  const [command, ...args] = start(files[0]);
  const why = write ? 'as asked' : whyNot(launcher, needs, options);
  const env = token === null ? process.env : { ...process.env, MEDR1_REPORT_TOKEN: token };
  if (!json) note(`written: ${files.join(', ')}`);
  if (why !== null) {
    if (json) return printJson({ files, started: null });
    note(`started nothing, ${why}. Start it by: ${[command, ...args].map(quoted).join(' ')}`);
    if (token !== null) note('with the token of the workbench in MEDR1_REPORT_TOKEN');
    return;
  }
  if (json) printJson({ files, started: [command, ...args] });
  process.exitCode = await run(command, args, env, json ?? false);
}

/** Why a script that is there is not started here; null where it is. */
function whyNot(launcher: LauncherName, needs: string, { nodes, head }: Options): string | null {
  if (!isOnPath(needs)) return `for ${needs} is not installed here`;
  return launcher !== 'slurm' && nodes > 1 && head === undefined ? 'for --head does not say where the machines meet' : null;
}

function jobOf(config: string, options: Options): Job {
  const { nodes, gpus, cpus = null, head = null, port, sbatch, resume, report } = options;
  const perNode = options.processes ?? Math.max(1, gpus);
  const total = nodes * perNode;
  if (head !== null && !/^[\w.:-]+$/.test(head)) throw usage(`--head ${head} is no name of a machine`, 'Give a host name or an address.');
  const wrong = sbatch.find((line) => !/^--?[a-zA-Z]/.test(line) || line.includes('\n'));
  if (wrong !== undefined) throw usage(`--sbatch ${wrong} is no option of sbatch`, 'Write it as in --sbatch=--partition=gpu.');
  const given = { ...readConfigFile(config), ...parseSettings(options.set) };
  const each = options.processes === undefined && gpus > 0 ? '--gpus' : '--processes';
  const shards = shardsFor(given, total, `--nodes ${nodes} and ${each} ${perNode}`);
  completeConfig({ ...given, dp_shards: shards }); // as the script's command will read it
  const name = `medr1-${basename(config)
    .replace(/\.[^.]*$/, '')
    .replaceAll(/[^\w.-]+/g, '-')}`;
  const settings = [...options.set, ...(given.dp_shards === shards ? [] : [`dp_shards=${shards}`])].flatMap((one) => ['--set', one]);
  const what = resume === undefined ? [resolve(config), ...settings] : ['--resume', resume];
  const command = [medr1(), 'train', ...what, ...(report === undefined ? [] : ['--report', report])];
  return { name, nodes, perNode, gpus, cpus, command, home: resolve(homeDir()), head, port, sbatch };
}

/** The command of this clone, which the other machines have under the same path. */
const medr1 = (): string => fileURLToPath(new URL('../../bin/medr1.mjs', import.meta.url));

/** A token is for no file: it travels in the environment. */
function withoutToken(report: string | undefined): { address: string | undefined; token: string | null } {
  if (report === undefined || !URL.canParse(report)) return { address: report, token: null };
  const url = new URL(report);
  const token = url.searchParams.get('token');
  url.searchParams.delete('token');
  return { address: token === null ? report : url.href, token };
}

function isOnPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      if (!existsSync(join(folder, command))) return false;
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Resolves to its exit code. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv, quiet: boolean): Promise<number> {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { env, cwd: dirname(args.at(-1)!), stdio: quiet ? ['inherit', 2, 2] : 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    child.on('error', failed);
    child.on('close', (status) => done(status ?? 1));
  });
}
