/** `medr1 serve`: the backend. JupyterLab's server extension starts it with a socket and reads the readiness line. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { KeptFolder } from '../data/kept-folder.ts';
import { loadItems } from '../data/load.ts';
import { PROTOCOL_VERSION } from '../protocol/rest.ts';
import { homeDir } from '../runs/home.ts';
import { collectEarly } from '../server/heap.ts';
import { startServer } from '../server/server.ts';
import { VERSION } from '../version.ts';
import { cpuSlotsOption } from './arguments.ts';
import { printJson } from './output.ts';

export function register(program: Command): void {
  program
    .command('serve')
    .description('the backend of the workbench: REST and one websocket, on a unix socket or on 127.0.0.1')
    .addOption(new Option('--socket <path>', 'unix socket to listen on').conflicts('port'))
    .addOption(new Option('--port <number>', 'port on 127.0.0.1; 0 = any free one').argParser(port).default(0))
    .option('--watch-parent', 'stop when standard input ends, that is when the process that started this one is gone')
    .addOption(cpuSlotsOption())
    .addHelpText('after', '\nThe secret that requests must carry is MEDR1_SECRET, or made and written to server.json in the home.')
    .action(serve);
}

async function serve(options: { socket?: string; port: number; watchParent?: boolean; cpuSlots?: number }): Promise<void> {
  const secret = process.env.MEDR1_SECRET;
  delete process.env.MEDR1_SECRET; // not for workers
  const home = homeDir();
  const { socket, port, cpuSlots } = options;
  collectEarly();
  const kept = new KeptFolder();
  const load: typeof loadItems = (nameOrDir, filter) => loadItems(nameOrDir, filter, kept.read);
  const server = await startServer({ home, socket, port, secret, loadItems: load, devices: { cpuSlots } });
  printJson({ protocol: PROTOCOL_VERSION, version: VERSION, pid: process.pid, ...server.address });
  await stopAsked(options.watchParent ?? false);
  await server.close();
  process.exit(0); // nothing left to wait for; a stuck peer must not hold the process
}

function stopAsked(watchParent: boolean): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
    if (watchParent) process.stdin.once('end', resolve).once('error', resolve).resume();
  });
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65535) throw new InvalidArgumentError('a port is a whole number from 0 to 65535');
  return value;
}
