/** A server process with fake workers, to be killed. */
import { startServer } from '../../kernel-bridge/src/server/server.ts';
import { fakeLoadItems } from './fake-trainer.ts';
import { fakeGenerate, fakeWorker } from './harness.ts';

const server = await startServer({
  home: process.argv[2],
  loadItems: fakeLoadItems,
  workerModule: fakeWorker,
  generation: { module: fakeGenerate },
});
console.log(JSON.stringify(server.address));
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)));
