/** What users change of a home, each as a command or the server does it. */
import { join } from 'node:path';
import { buildIndex } from '../../kernel-bridge/src/data/index/build.ts';
import { madeItem, madeLoader } from '../../kernel-bridge/src/evals/fixtures.ts';
import { prepareEvaluation } from '../../kernel-bridge/src/evals/evals.ts';
import { importRun } from '../../kernel-bridge/src/runs/import.ts';
import { indexAll } from '../../kernel-bridge/src/runs/index-run.ts';
import { rescueRun } from '../../kernel-bridge/src/runs/rescue.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { verifyRun } from '../../kernel-bridge/src/runs/verify.ts';
import { makeBackend } from '../../kernel-bridge/src/server/server.ts';
import { fakeLoadItems } from '../server/fake-trainer.ts';

/** What there is to be changed: ids of runs and of entries in the trash, and folders outside the home. */
export interface Known {
  /** Finished, with checkpoints at its steps 6 and 8. */
  sound: string;
  /** One of its rows is not what was written. */
  damaged: string;
  /** Without the index for searches. */
  bare: string;
  removedRun: string;
  removedData: string;
  evaluation: string;
  /** Left by another trainer. */
  log: string;
  /** Not indexed. */
  folder: string;
  model: string;
}

interface Place extends Known {
  home: string;
  /** A request to a server of the home. Throws what it answers to one that it refuses. */
  ask: (method: string, path: string, body?: object) => Promise<void>;
}

const QUESTIONS = Array.from({ length: 12 }, (_, n) => madeItem(`q${n}`, { answer: 'ABC'[n % 3] }));

export const CHANGES: Record<string, (place: Place) => Promise<void>> = {
  fork: ({ ask, sound }) => ask('POST', `/runs/${sound}/fork`, { step: 6, config: { max_steps: 10 }, start: false, request_id: 'fork' }),
  'new run': ({ ask, model }) => ask('POST', '/runs', { config: configOf(model), start: false, request_id: 'run' }),
  pair: ({ ask, model }) => ask('POST', '/pairs', { config: configOf(model), start: false, request_id: 'pair' }),
  'roll-back': ({ ask, sound }) => ask('POST', `/runs/${sound}/rollback`, { step: 6 }),
  'run removed': ({ ask, sound }) => ask('DELETE', `/runs/${sound}`),
  'run put back': ({ ask, removedRun }) => ask('POST', `/trash/${removedRun}/restore`),
  'evaluation removed': ({ ask, evaluation }) => ask('DELETE', `/evals/${evaluation}`),
  'data set renamed': ({ ask }) => ask('PATCH', '/data/x', { name: 'renamed' }),
  'data set removed': ({ ask }) => ask('DELETE', '/data/x'),
  'data set put back': ({ ask, removedData }) => ask('POST', `/trash/${removedData}/restore`),
  'data set added': ({ home, folder }) => buildIndex(folder, { name: 'added', home }),
  rescue: async ({ home, damaged }) => {
    using run = openRun(home, damaged);
    (await rescueRun(home, run))[Symbol.dispose]();
  },
  verify: async ({ home, sound }) => {
    using run = openRun(home, sound);
    await verifyRun(run);
  },
  import: async ({ home, log }) => (await importRun(home, log, { name: 'imported' }))[Symbol.dispose](),
  evaluation: async ({ home, model }) => {
    const asked = { model, dataset: 'made', split: 'modality/test', batch_size: 3, controls: ['text-only' as const] };
    (await prepareEvaluation(home, asked, { loadItems: madeLoader(QUESTIONS) })).store[Symbol.dispose]();
  },
  'index for searches': async ({ home, bare }) => {
    using run = openRun(home, bare);
    indexAll(run);
  },
};

const configOf = (model: string): object => ({
  model_name_or_path: model,
  dataset_name: model,
  run_name: 'made',
  num_generations: 4,
  per_device_train_batch_size: 8,
});

export async function change(name: string, home: string, known: Known): Promise<void> {
  const backend = makeBackend({ home, loadItems: fakeLoadItems, indexesData: false });
  const app = backend.app(null);
  try {
    const ask: Place['ask'] = async (method, path, body) => {
      const headers = { authorization: `Bearer ${backend.secret}`, host: 'localhost', 'content-type': 'application/json' };
      const answer = await app.request(`http://localhost${join('/api', path)}`, { method, headers, body: body && JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status}: ${await answer.text()}`);
    };
    await CHANGES[name]({ ...known, home, ask });
  } finally {
    await backend.close();
    backend.hub.close();
  }
}
