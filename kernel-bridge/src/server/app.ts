/** The HTTP application: the gate, the routes of protocol/routes.ts under /api, errors as ErrorBody. */
import { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import { MAX_BODY_BYTES } from '../protocol/routes.ts';
import { machineRefusal } from '../log/errors.ts';
import { errors } from '../runs/errors.ts';
import { refusal, type Gate } from './auth.ts';
import { mount, type Handlers } from './mount.ts';

export function createApp(handlers: Partial<Handlers>, home: string, gate: Gate): Hono {
  const app = new Hono().basePath('/api');
  app.use('*', async (c, next) => {
    const refused = refusal((name) => c.req.header(name), gate);
    if (refused) throw refused;
    await next();
  });
  app.use('*', async (c, next) => {
    // Node holds a body to its content-length, so that this bounds what is ever read
    if (c.req.header('transfer-encoding') !== undefined) throw errors.lengthRequired();
    if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES) throw errors.tooLarge(MAX_BODY_BYTES);
    await next();
  });
  mount(app, handlers);

  const root = new Hono();
  root.route('/', app);
  root.notFound((c) => {
    const refused = refusal((name) => c.req.header(name), gate);
    const error = refused ?? errors.noRoute(c.req.method, c.req.path);
    return c.json(errorBody(error), error.http as ContentfulStatusCode);
  });
  root.onError((thrown, c) => {
    const error = machineRefusal(home, thrown) ?? thrown; // a full disk, a busy database: by their names, whatever route met them
    if (error instanceof WorkbenchError) return c.json(errorBody(error), error.http as ContentfulStatusCode);
    if (c.req.raw.signal.aborted) return c.body(null, 499 as ContentfulStatusCode); // nobody waits for it
    process.stderr.write(`${c.req.method} ${c.req.path}: ${error.stack ?? error.message}\n`);
    return c.json(errorBody(error), 500);
  });
  return root;
}
