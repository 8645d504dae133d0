/** The evaluation routes (protocol/evals.ts, EVAL_ROUTES), to be mounted at /api/evals. */
import { Hono, type Context } from 'hono';
import { Compile } from 'typebox/compile';
import { answerPage, compare } from '../evals/compare.ts';
import { errors } from '../evals/errors.ts';
import { evaluatedCheckpoints, openEval, prepareEvaluation, trashEval, type LoadQuestions } from '../evals/evals.ts';
import { exportEvaluation } from '../evals/export.ts';
import { matrices } from '../evals/matrix.ts';
import type { EvalStore } from '../evals/store.ts';
import { ANSWER_FILTERS, CONTROL_NAMES, CreateEval, EvalActionRequest, MATRIX_KINDS, READINGS, SIGHTS } from '../protocol/evals.ts';
import { errors as runErrors } from '../runs/errors.ts';
import { device } from './device.ts';
import type { Evaluations } from './evaluations.ts';
import { body, check, integer } from './request.ts';

const CreateBody = Compile(CreateEval);
const ActionBody = Compile(EvalActionRequest);
const MOST_COMPARED = 16;

export function evalRoutes({ home, evaluations, loadItems }: { home: string; evaluations: Evaluations; loadItems: LoadQuestions }): Hono {
  const app = new Hono();
  const id = (c: Context): string => c.req.param('id')!;

  app.get('/', (c) => c.json({ evaluations: evaluations.list() }));

  app.post('/', async (c) => {
    const request = check(CreateBody, await body(c), 'POST /evals');
    const where = request.device ?? ((await device()).kind === 'cuda' ? 'cuda:0' : 'cpu');
    const { store } = await prepareEvaluation(home, { ...request, device: where }, { loadItems });
    using prepared = store;
    return c.json(await evaluations.start(prepared.row().id), 202);
  });

  app.get('/compare', (c) => {
    const ids = idsOf(c) ?? [];
    if (ids.length < 2) throw runErrors.badRequest('query ids', 'a comparison takes two evaluations or more');
    return c.json(withStores(home, ids, compare));
  });

  app.get('/matrix', (c) => c.json(matrices(evaluatedCheckpoints(home, idsOf(c)), choice(c, 'kind', MATRIX_KINDS, 'modality'))));

  app.get('/:id', (c) => {
    using store = openEval(home, id(c));
    return c.json({ ...store.detail(), summary: evaluations.summary(id(c)) });
  });

  app.delete('/:id', (c) => {
    using store = openEval(home, id(c));
    if (evaluations.isBusy(id(c))) throw errors.wrongState(id(c), 'be deleted', store.row().state, 'Stop it first.');
    store[Symbol.dispose]();
    const trash = trashEval(home, id(c));
    evaluations.removed(id(c));
    return c.json({ trash });
  });

  app.post('/:id/actions', async (c) => {
    openEval(home, id(c))[Symbol.dispose]();
    const { action } = check(ActionBody, await body(c), 'POST /evals/:id/actions');
    return c.json(action === 'stop' ? evaluations.stop(id(c)) : await evaluations.start(id(c)));
  });

  app.get('/:id/answers', (c) => {
    const filter = choice(c, 'filter', ANSWER_FILTERS, 'all');
    const against = c.req.query('against');
    if (['gained', 'lost', 'flips'].includes(filter) && !against)
      throw runErrors.badRequest('query against', `filter=${filter} looks at another evaluation; name it`);
    const beside = (c.req.query('beside') ?? '').split(',').filter(Boolean);
    if (beside.length > MOST_COMPARED)
      throw runErrors.badRequest('query beside', `at most ${MOST_COMPARED} evaluations are compared at once`);
    if (filter === 'split' && !against && beside.length === 0)
      throw runErrors.badRequest('query beside', 'filter=split looks at other evaluations; name one or more');
    const query = {
      filter,
      sight: choice(c, 'sight', [...SIGHTS, ...CONTROL_NAMES], 'image'),
      reading: choice(c, 'reading', READINGS, 'strict'),
      modality: c.req.query('modality'),
      question_type: c.req.query('question_type'),
      dataset: c.req.query('dataset'),
      limit: Math.min(integer(c, 'limit', 50), 500),
      offset: integer(c, 'offset', 0),
    };
    return c.json(
      withStores(home, [id(c), ...(against ? [against] : []), ...beside], ([store, ...others]) =>
        against ? answerPage(store, query, others[0], others.slice(1)) : answerPage(store, query, null, others),
      ),
    );
  });

  app.get('/:id/export', (c) => {
    using store = openEval(home, id(c));
    return c.json(exportEvaluation(store), 200, {
      'content-disposition': `attachment; filename="evaluation-${id(c)}.json"`,
      'x-content-type-options': 'nosniff',
    });
  });

  return app;
}

function idsOf(c: Context): string[] | null {
  const text = c.req.query('ids');
  if (text === undefined || text === '') return null;
  const ids = [...new Set(text.split(','))];
  if (c.req.path.endsWith('/compare') && ids.length > MOST_COMPARED)
    throw runErrors.badRequest('query ids', `at most ${MOST_COMPARED} evaluations are compared at once`);
  return ids;
}

function choice<T extends string>(c: Context, name: string, choices: readonly T[], fallback: T): T {
  const text = c.req.query(name) ?? fallback;
  if (choices.includes(text as T)) return text as T;
  throw runErrors.badRequest(`query ${name}`, `${JSON.stringify(text)} is none of ${choices.join(', ')}`);
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
