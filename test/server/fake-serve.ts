/** A server process with fake workers, to be killed or flooded. Arguments: its home and, where it is to bear anything, `unlimited`. */
import { ADMISSION } from '../../kernel-bridge/src/server/admission.ts';
import { LIMITS } from '../../kernel-bridge/src/server/connection.ts';
import { collectEarly } from '../../kernel-bridge/src/server/heap.ts';
import { PIECES } from '../../kernel-bridge/src/server/pieces.ts';
import { startServer } from '../../kernel-bridge/src/server/server.ts';
import { fakeLoadItems } from './fake-trainer.ts';
import { fakeGenerate, fakeWorker } from './harness.ts';

const [home, unlimited] = process.argv.slice(2);
const inflow = { burst: Infinity, rate: Infinity, unit_bytes: 1, unread_bytes: Infinity, turn_ms: Infinity };
const slice = { entries: 1_000_000, bytes: Infinity };

if (unlimited) Object.assign(PIECES, { length: Infinity, untaken_bytes: Infinity });
else collectEarly();
const server = await startServer({
  home,
  loadItems: fakeLoadItems,
  workerModule: fakeWorker,
  generation: { module: fakeGenerate },
  limits: unlimited ? { ...LIMITS, inflow, slice, highWater: Infinity, closeBytes: Infinity, stalled_ms: Infinity } : LIMITS,
  admission: unlimited ? { ...ADMISSION, unread_bytes: Infinity, body_bytes: Infinity, piled: Infinity } : ADMISSION,
});
console.log(JSON.stringify(server.address));
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)));
process.once('disconnect', () => process.exit()); // whoever forked it is gone
