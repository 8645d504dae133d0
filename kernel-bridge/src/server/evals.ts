/** What the routes of stored evaluations do. */
import { basename } from 'node:path';
import { chooseEvaluations } from '../evals/choose.ts';
import { answerPage, compare, comparedOf } from '../evals/compare.ts';
import { errors } from '../evals/errors.ts';
import { evaluatedCheckpoints, openEval, prepareEvaluation, trashEval, type LoadQuestions } from '../evals/evals.ts';
import { exportEvaluation } from '../evals/export.ts';
import { faithfulness, pairsOf } from '../evals/faithfulness.ts';
import { matrices } from '../evals/matrix.ts';
import type { EvalStore } from '../evals/store.ts';
import { comparisonLines } from '../evals/table.ts';
import { jsonParts } from '../files/json-parts.ts';
import { errors as runErrors } from '../runs/errors.ts';
import type { Evaluations } from './evaluations.ts';
import type { GroupOf, Handlers } from './mount.ts';
import type { DevicePool } from './device-pool.ts';
import { inPieces } from './pieces.ts';

const MOST_COMPARED = 16;

interface Parts {
  home: string;
  pool: DevicePool;
  evaluations: Evaluations;
  loadItems: LoadQuestions;
}

export function evalHandlers({ home, pool, evaluations, loadItems }: Parts): Handlers<GroupOf<'evals'>> {
  /** Ids of the evaluations that these names mean. */
  const meant = (names: readonly string[]): string[] => {
    const chosen = chooseEvaluations(evaluations.list(), fewEnough([...new Set(names)], 'ids'));
    return [...new Set(chosen.map(({ id }) => id))];
  };
  /** The same, two at least. */
  const compared = (names: readonly string[]): string[] => {
    const ids = meant(names);
    if (ids.length < 2) throw runErrors.badRequest('query ids', 'a comparison takes two evaluations or more');
    return ids;
  };

  const stateOf = (store: EvalStore) => ({ ...faithfulness(store), ...evaluations.testing(store.row().id) });
  const faithfulnessOf = (id: string) => {
    using store = openEval(home, id);
    return stateOf(store);
  };
  return {
    'evals.list': () => ({ evaluations: evaluations.list() }),

    'evals.start': async ({ body }) => {
      const where = body.device ?? pool.kindOf('auto');
      const { store } = await prepareEvaluation(home, { ...body, device: where }, { loadItems });
      using prepared = store;
      return evaluations.start(prepared.row().id);
    },

    'evals.compare': ({ query }) => withStores(home, compared(query.ids), compare),

    'evals.compareTable': ({ query }) =>
      withStores(home, compared(query.ids), (stores) => {
        const lines = comparisonLines(stores.map(comparedOf));
        return new Response(lines.join(''), {
          headers: {
            'content-type': 'text/csv; charset=utf-8',
            'content-disposition': 'attachment; filename="comparison.csv"',
            'x-content-type-options': 'nosniff',
          },
        });
      }),

    'evals.compareFaithfulness': ({ query }) => {
      const ids = meant(query.ids);
      if (ids.length === 0) throw runErrors.badRequest('query ids', 'it names no evaluation');
      return withStores(home, ids, (stores) => ({ evaluations: stores.map(stateOf), pairs: pairsOf(stores) }));
    },

    'evals.matrix': ({ query: { kind = 'modality', ids } }) => matrices(evaluatedCheckpoints(home, ids ? [...new Set(ids)] : null), kind),

    'evals.get': ({ id }) => {
      using store = openEval(home, id);
      const detail = store.detail();
      return { ...detail, summary: evaluations.summary(id) ?? detail.summary };
    },

    'evals.remove': async ({ id }) => {
      await evaluations.settled(id);
      using store = openEval(home, id);
      const { name, run_name, settings } = store.row();
      if (evaluations.isBusy(id)) throw errors.wrongState(id, 'be deleted', store.row().state, 'Stop it first.');
      store[Symbol.dispose]();
      const trash = trashEval(home, id, run_name === null ? name : `${run_name}, step ${settings.step ?? 'last'}, ${settings.split}`);
      evaluations.removed(id);
      return { trash, id: basename(trash) };
    },

    'evals.action': ({ id, body }) => {
      openEval(home, id)[Symbol.dispose]();
      return body.action === 'stop' ? evaluations.stop(id) : evaluations.start(id);
    },

    'evals.moveInQueue': ({ id, body }) => {
      openEval(home, id)[Symbol.dispose]();
      return evaluations.moveInQueue(id, body);
    },

    'evals.answers': ({
      id,
      query: { against, beside = [], filter = 'all', sight = 'image', reading = 'strict', limit = 50, ...query },
    }) => {
      if (['gained', 'lost', 'flips'].includes(filter) && !against)
        throw runErrors.badRequest('query against', `filter=${filter} looks at another evaluation; name it`);
      if (filter === 'split' && !against && beside.length === 0)
        throw runErrors.badRequest('query beside', 'filter=split looks at other evaluations; name one or more');
      const asked = { ...query, filter, sight, reading, limit: Math.min(limit, 500), offset: query.offset ?? 0 };
      return withStores(home, [id, ...(against ? [against] : []), ...fewEnough(beside, 'beside')], ([store, ...others]) =>
        against ? answerPage(store, asked, others[0], others.slice(1)) : answerPage(store, asked, null, others),
      );
    },

    'evals.faithfulness': ({ id }) => faithfulnessOf(id),

    'evals.testFaithfulness': async ({ id, body: { limit = 500, mistakes = true } }) => {
      await evaluations.testFaithfulness(id, limit, mistakes);
      return faithfulnessOf(id);
    },

    'evals.export': ({ id }) =>
      inPieces(jsonParts(exportEvaluation(() => openEval(home, id))), {
        headers: {
          'content-type': 'application/json',
          'content-disposition': `attachment; filename="evaluation-${id}.json"`,
          'x-content-type-options': 'nosniff',
        },
      }),
  };
}

function fewEnough(ids: string[], name: string): string[] {
  if (ids.length > MOST_COMPARED) throw runErrors.badRequest(`query ${name}`, `at most ${MOST_COMPARED} evaluations are compared at once`);
  return ids;
}

function withStores<T>(home: string, ids: readonly string[], use: (stores: EvalStore[]) => T): T {
  const stores: EvalStore[] = [];
  try {
    for (const each of ids) stores.push(openEval(home, each));
    return use(stores);
  } finally {
    for (const store of stores) store[Symbol.dispose]();
  }
}
