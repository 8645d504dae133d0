import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { makeTiny } from '../rl/testing/tiny.ts';
import { prepareHome } from '../runs/home.ts';
import { createRun } from '../runs/runs.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

it('goes on with a run that was killed together with what supervised it, and so still says that it trains', async () => {
  await using tiny = await makeTiny();
  const home = prepareHome(join(tiny.directory, 'home'));
  const loadItems = () => Promise.resolve({ root: tiny.directory, items: tiny.items, left_out: 0, hash: 'h' });
  const config = tiny.config({ max_steps: 1, model_name_or_path: tiny.model, dataset_name: join(tiny.directory, 'items.json') });
  let id: string;
  {
    using store = await createRun(home, config, { loadItems });
    store.setState('running');
    ({ id } = store.row());
  }
  const env = { ...process.env, MEDR1_HOME: home };
  const failed = await promisify(execFile)(process.execPath, [main, 'train', '--resume', id, '--json'], { env }).catch((error) => error);
  expect(String(failed.stderr)).not.toContain('RUN_CONFLICT');
  expect(String(failed.stderr)).toContain('items.json'); // it was tried: there is no such data
});
