/** A backend as `medr1 serve` is one, whose workers train a model of a few thousand weights: `node serve.ts HOME --socket PATH --watch-parent`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PROTOCOL_VERSION } from '../../kernel-bridge/src/protocol/rest.ts';
import { startServer } from '../../kernel-bridge/src/server/server.ts';
import { loadTinyItems } from '../server/tiny-items.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { socket: { type: 'string' }, 'watch-parent': { type: 'boolean' } },
});
const server = await startServer({
  home: positionals[0],
  socket: values.socket,
  secret: process.env.MEDR1_SECRET,
  loadItems: loadTinyItems,
  workerModule: resolve(import.meta.dirname, 'held-worker.ts'),
});
console.log(JSON.stringify({ protocol: PROTOCOL_VERSION, version: 'test', pid: process.pid }));
await new Promise((asked) => {
  process.once('SIGTERM', asked);
  process.stdin.once('end', asked).once('error', asked).resume();
});
await server.close();
process.exit(0);
