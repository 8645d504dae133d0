/** The HTTP application: the gate, the routes of protocol/rest.ts under /api, errors as ErrorBody. */
import { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import { ROUTES } from '../protocol/rest.ts';
import { noRoom } from '../log/errors.ts';
import { isBusy, isDiskFull } from '../log/room.ts';
import { errors } from '../runs/errors.ts';
import { refusal, type Gate } from './auth.ts';
import { handlers, type RouteKey, type Services } from './handlers.ts';

const MAX_BODY_BYTES = 1 << 20;

export function createApp(services: Services, gate: Gate, mounted: { data?: Hono; evals?: Hono } = {}): Hono {
  const app = new Hono().basePath('/api');
  app.use('*', async (c, next) => {
    const refused = refusal((name) => c.req.header(name), gate);
    if (refused) throw refused;
    await next();
  });
  app.use('*', async (c, next) => {
    // Node holds a body to its content-length, so that this bounds what is ever read
    if (c.req.header('transfer-encoding') !== undefined) throw errors.lengthRequired();
    if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES) throw errors.tooLarge();
    await next();
  });
  const handle = handlers(services);
  for (const [method, path] of ROUTES) {
    app.on(method, path, async (c) => {
      const answer = await handle[`${method} ${path}` as RouteKey](c);
      return answer instanceof Response ? answer : c.json(answer as object);
    });
  }
  if (mounted.data) app.route('/data', mounted.data);
  if (mounted.evals) app.route('/evals', mounted.evals);

  const root = new Hono();
  root.route('/', app);
  root.notFound((c) => {
    const refused = refusal((name) => c.req.header(name), gate);
    const error = refused ?? errors.noRoute(c.req.method, c.req.path);
    return c.json(errorBody(error), error.http as ContentfulStatusCode);
  });
  root.onError((thrown, c) => {
    const known = thrown instanceof WorkbenchError;
    const error = known
      ? thrown
      : isDiskFull(thrown)
        ? noRoom(services.home, thrown)
        : isBusy(thrown)
          ? errors.databaseBusy(thrown)
          : thrown;
    if (error instanceof WorkbenchError) return c.json(errorBody(error), error.http as ContentfulStatusCode);
    process.stderr.write(`${c.req.method} ${c.req.path}: ${error.stack ?? error.message}\n`);
    return c.json(errorBody(error), 500);
  });
  return root;
}
