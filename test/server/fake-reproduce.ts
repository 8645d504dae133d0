/** A process that works a small plan off with fake trainers and a fake model, to be killed. Arguments: home, model directory. */
import { errorBody } from '../../kernel-bridge/src/protocol/errors.ts';
import { reproduceFake } from './reproduce-harness.ts';

const [home, model] = process.argv.slice(2);
const abort = new AbortController();
process.once('SIGTERM', () => abort.abort());
await reproduceFake(home, model, { signal: abort.signal }).catch((error: unknown) => {
  if (errorBody(error).code !== 'REPRODUCE_STOPPED') throw error;
});
