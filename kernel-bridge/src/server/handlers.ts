/** What each route of protocol/rest.ts does. A route in that table without a handler here does not compile. */
import { readFile } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import { Compile } from 'typebox/compile';
import { TrainConfig } from '../protocol/config.ts';
import { GenerateRequest } from '../protocol/generate.ts';
import { presets } from '../protocol/presets.ts';
import { CreateRun, EditRewards, ForkRun, PROTOCOL_VERSION, RUN_ACTIONS, RollbackRun, RunActionRequest } from '../protocol/rest.ts';
import type { ROUTES, RunAction, ServerInfo } from '../protocol/rest.ts';
import { CheckRewards, TryRewards } from '../protocol/rewards.ts';
import { isActive, type RunSummary } from '../protocol/run.ts';
import { MoveView } from '../protocol/view.ts';
import { checkEntries, checkRewards, contextOf, REWARDS } from '../rewards/index.ts';
import { completeConfig } from '../runs/config.ts';
import { errors } from '../runs/errors.ts';
import { TABLE_FORMATS, tableLines } from '../runs/export.ts';
import { forkRun, rollbackRun } from '../runs/lineage.ts';
import { groupSteps, readGroups, readTokenIds } from '../runs/groups.ts';
import { readMetrics } from '../runs/metrics.ts';
import { changedRewards, editRewards, revisions } from '../runs/rewards.ts';
import { createRun, listRuns, logFile, openRun, trainFilter, trashRun, type LoadItems } from '../runs/runs.ts';
import type { RunStore } from '../runs/store.ts';
import { textsOf } from '../runs/token-texts.ts';
import { tryRewards } from '../runs/try-rewards.ts';
import { VERSION } from '../version.ts';
import { device } from './device.ts';
import { FirstAnswers } from './first-answers.ts';
import type { Generations } from './generations.ts';
import type { Hub } from './hub.ts';
import { readImage } from './image.ts';
import { body, check, integer } from './request.ts';
import type { Supervisor } from './supervisor.ts';
import { SharedView } from './view.ts';

export interface Services {
  home: string;
  hub: Hub;
  supervisor: Supervisor;
  generations: Generations;
  loadItems: LoadItems;
  started_at: number;
}

type Route = (typeof ROUTES)[number];
export type RouteKey = Route extends infer R
  ? R extends readonly [infer M extends string, infer P extends string, string]
    ? `${M} ${P}`
    : never
  : never;
export type Handler = (c: Context) => Promise<unknown> | unknown;

export function handlers(services: Services): Record<RouteKey, Handler> {
  const { home, hub, supervisor, generations, loadItems } = services;
  const store = (c: Context): RunStore => hub.store(c.req.param('id')!);
  const answers = new FirstAnswers();
  const view = new SharedView((move) => hub.viewMoved(move));

  return {
    'GET /server': async (): Promise<ServerInfo> => {
      const sample = findSample(home);
      return {
        version: VERSION,
        protocol: PROTOCOL_VERSION,
        pid: process.pid,
        started_at: services.started_at,
        home,
        device: await device(),
        sample,
        presets: presets({ sample }),
      };
    },

    'GET /schema': () => TrainConfig,

    'POST /config': async (c) => ({ config: completeConfig((await body(c)).config) }),

    'POST /estimate': async (c) => {
      const config = completeConfig((await body(c)).config);
      const [{ estimate }, { measuredSpeed }, { sampledPixels }] = await Promise.all([
        import('../runs/estimate.ts'),
        import('../runs/speed.ts'),
        import('../data/image/sizes.ts'),
      ]);
      const { items, root } = await loadItems(config.dataset_name, trainFilter(config, home));
      const { kind, memory_total, memory_used } = await device();
      const on = kind === 'cuda' && config.device !== 'cpu' ? 'cuda' : 'cpu';
      const free = on === 'cuda' && memory_total !== null ? memory_total - (memory_used ?? 0) : undefined;
      const imagePixels = await sampledPixels(root, items);
      return estimate(config, items, { device: on, availableBytes: free, imagePixels, speed: measuredSpeed(home, config, on) });
    },

    'GET /rewards': () => ({ functions: [...REWARDS.values()].map(({ name, description, range }) => ({ name, description, range })) }),

    'POST /rewards/check': async (c) => {
      const request = check(CheckBody, await body(c), 'POST /rewards/check');
      const { variant = 'think', max_completion_length = 256 } = request;
      return { functions: await checkEntries(request, contextOf({ variant, max_completion_length })) };
    },

    'GET /runs': () => ({ runs: listRuns(home).map((id) => hub.summary(id)) }),

    'POST /runs': async (c) => {
      const { config, reward_files, start = true, request_id } = check(CreateRunBody, await body(c), 'POST /runs');
      return answers.once(request_id && `create ${request_id}`, async () => {
        using made = findByRequest(home, request_id) ?? (await createRun(home, config, { loadItems, reward_files, request_id }));
        const { id, state } = made.row();
        if (start && state === 'queued' && made.pending().length === 0) await supervisor.start(id);
        hub.changed(id);
        return made.summary();
      });
    },

    'GET /runs/:id': (c) => store(c).detail(),

    'DELETE /runs/:id': async (c) => {
      await supervisor.settled(store(c).row().id);
      const { id, state } = store(c).row();
      if (isActive(state) || supervisor.isTraining(id)) throw errors.wrongState(id, 'be deleted', state, 'Stop it first.');
      hub.forget(id);
      const trash = trashRun(home, id);
      hub.removed(id);
      return { trash };
    },

    'POST /runs/:id/actions': async (c) => {
      const { action, request_id } = check(ActionBody, await body(c), 'POST /runs/:id/actions');
      if (!RUN_ACTIONS.includes(action))
        throw errors.badRequest('action', `${JSON.stringify(action)} is none of ${RUN_ACTIONS.join(', ')}`);
      const { id } = store(c).row();
      return answers.once(request_id && `${id} ${request_id}`, () => act(id, action, request_id, services));
    },

    'GET /runs/:id/metrics': (c) => {
      const run = store(c);
      const { id, epoch } = run.row();
      const table = readMetrics(run.db, {
        names: c.req.query('names')?.split(','),
        from: integer(c, 'from', 0),
        to: integer(c, 'to', Number.MAX_SAFE_INTEGER),
        max_points: integer(c, 'max_points', 0) || undefined,
      });
      return { run: id, epoch, seq: run.seq, ...table };
    },

    'GET /runs/:id/groups': (c) => {
      const run = store(c);
      const step = integer(c, 'step', -1);
      const range = step >= 0 ? { from: step, to: step } : { from: integer(c, 'from', 0), to: integer(c, 'to', Number.MAX_SAFE_INTEGER) };
      const groups = readGroups(run.db, { ...range, limit: Math.min(integer(c, 'limit', 64), 1024), offset: integer(c, 'offset', 0) });
      return { groups, steps: groupSteps(run.db) };
    },

    'GET /runs/:id/tokens': async (c) => {
      const run = store(c);
      const { id, config } = run.row();
      const [step, group] = [integer(c, 'step', 0), integer(c, 'group', 0)];
      const lists = readTokenIds(run.db, step, group);
      if (lists.length === 0) throw errors.noGroup(id, step, group);
      return { texts: await textsOf(config, lists) };
    },

    'GET /runs/:id/events': (c) => {
      const run = store(c);
      const limit = Math.min(integer(c, 'limit', 1000), 10_000);
      return { epoch: run.epoch, events: run.events(integer(c, 'since', 0), limit, c.req.query('kinds')?.split(',')) };
    },

    'GET /runs/:id/rewards': (c) => ({ revisions: revisions(store(c).db) }),

    'PATCH /runs/:id/rewards': async (c) => {
      const { reason = '', author = '', ...edit } = check(EditBody, await body(c), 'PATCH /runs/:id/rewards');
      const run = store(c);
      const { id, config } = run.row();
      const current = revisions(run.db).at(-1);
      if (!current) throw errors.noRevisions(id);
      if (edit.files) await checkRewards(changedRewards(current, edit), contextOf(config));
      const revision = editRewards(run.db, { ...edit, reason, author, time: Date.now() });
      supervisor.nudge(id);
      return revision;
    },

    'POST /runs/:id/rewards/try': async (c) => tryRewards(store(c), check(TryBody, await body(c), 'POST /runs/:id/rewards/try')),

    'POST /runs/:id/fork': async (c) => {
      const { step, config = {}, start = true, request_id } = check(ForkBody, await body(c), 'POST /runs/:id/fork');
      return answers.once(request_id && `create ${request_id}`, async () => {
        using parent = openRun(home, c.req.param('id')!);
        using made = findByRequest(home, request_id) ?? (await forkRun(home, parent, step, config, request_id));
        const { id, state } = made.row();
        if (start && state === 'queued' && made.pending().length === 0) await supervisor.start(id);
        hub.changed(id);
        return made.summary();
      });
    },

    'GET /runs/:id/export': (c) => {
      const run = store(c);
      const format = TABLE_FORMATS.find((each) => each === c.req.query('format'));
      if (!format)
        throw errors.badRequest('format', `${JSON.stringify(c.req.query('format') ?? null)} is none of ${TABLE_FORMATS.join(', ')}`);
      return new Response(Readable.toWeb(Readable.from(tableLines(run, format))) as ReadableStream, {
        headers: {
          'content-type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl; charset=utf-8',
          'content-disposition': `attachment; filename="${run.row().id}.${format}"`,
          'x-content-type-options': 'nosniff',
        },
      });
    },

    'POST /runs/:id/rollback': async (c) => {
      const { step } = check(RollbackBody, await body(c), 'POST /runs/:id/rollback');
      using run = openRun(home, c.req.param('id')!);
      await rollbackRun(run, step);
      hub.changed(run.row().id);
      return run.summary();
    },

    'GET /runs/:id/image': async (c) => {
      const { root } = store(c).row();
      const image = await readImage(root, c.req.query('path') ?? '', Math.min(Math.max(integer(c, 'size', 512), 1), 4096));
      return new Response(new Uint8Array(image), {
        headers: {
          'content-type': 'image/png',
          'x-content-type-options': 'nosniff',
          'content-security-policy': "sandbox; default-src 'none'",
          'cache-control': 'private, max-age=3600',
        },
      });
    },

    'GET /view': () => view.value,

    'PATCH /view': async (c) => view.move(check(MoveViewBody, await body(c), 'PATCH /view')),

    'POST /generate': async (c) => generations.generate(check(GenerateBody, await body(c), 'POST /generate'), c.req.raw.signal),

    'GET /runs/:id/log': async (c) => {
      const text = await readFile(logFile(store(c).directory), 'utf8').catch(() => '');
      const lines = text.split('\n').filter((line) => line !== '');
      return { lines: lines.slice(-Math.min(integer(c, 'tail', 200), 10_000)) };
    },
  };
}

async function act(
  id: string,
  action: RunAction,
  request_id: string | undefined,
  { home, supervisor, hub }: Services,
): Promise<RunSummary> {
  using run = openRun(home, id);
  if (request_id && run.knowsRequest(request_id)) return run.summary();
  const { state } = run.row();
  const refuse = (remedy: string): never => {
    throw errors.wrongState(id, action, state, remedy);
  };
  const live = isActive(state) && supervisor.isTraining(id);
  if (action === 'start' || (action === 'resume' && state !== 'paused')) {
    if (live) return run.summary();
    if (state === 'finished') refuse('It is done: start a new run, or fork one of its checkpoints.');
    if (!run.pending().some((command) => command.action === 'start')) await supervisor.start(id);
  } else if (action === 'stop' && state === 'queued') {
    run.setState('stopped');
  } else if (live) {
    run.command(action);
    supervisor.nudge(id);
  } else if (action !== 'stop') {
    refuse('Start or resume it first.');
  }
  if (request_id) run.requestDone(request_id);
  hub.changed(id);
  return run.summary();
}

function findByRequest(home: string, request_id: string | undefined): RunStore | null {
  if (!request_id) return null;
  for (const id of listRuns(home)) {
    try {
      const store = openRun(home, id);
      if (store.row().request_id === request_id) return store;
      store[Symbol.dispose]();
    } catch {
      // a damaged run shows as such in the list; it keeps nobody from making another
    }
  }
  return null;
}

const MoveViewBody = Compile(MoveView);
const GenerateBody = Compile(GenerateRequest);
const CreateRunBody = Compile(CreateRun);
const ActionBody = Compile(RunActionRequest);
const CheckBody = Compile(CheckRewards);
const TryBody = Compile(TryRewards);
const EditBody = Compile(EditRewards);
const ForkBody = Compile(ForkRun);
const RollbackBody = Compile(RollbackRun);

/** The made sample where `medr1 sample` writes it by default, and the tiny models that ship with the clone. */
function findSample(home: string): ServerInfo['sample'] {
  const dataset = join(home, 'sample');
  if (!existsSync(dataset)) return null;
  const shipped = resolve(import.meta.dirname, '../../../examples/sample');
  const names = existsSync(shipped) ? readdirSync(shipped).filter((name) => existsSync(join(shipped, name, 'config.json'))) : [];
  return { dataset, models: Object.fromEntries(names.map((name) => [name, join(shipped, name)])) };
}
