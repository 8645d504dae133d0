/** What the routes of runs do. */
import { existsSync, readdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { lazily } from '../files/json-parts.ts';
import { readTailSync } from '../files/plain.ts';
import { TrainConfig, type Variant } from '../protocol/config.ts';
import { presets } from '../protocol/presets.ts';
import { PROTOCOL_VERSION, type RunAction, type ServerInfo, type Trashed } from '../protocol/rest.ts';
import type { RouteName } from '../protocol/routes.ts';
import { rewardName } from '../protocol/rewards.ts';
import { hasEnded, isActive, type RunState, type RunSummary } from '../protocol/run.ts';
import { checkedRule } from '../alerts/own.ts';
import { builtInReward, checkEntries, checkRewards, contextOf, REWARDS, type AskKernel } from '../rewards/index.ts';
import { annotate } from '../runs/annotations.ts';
import { completeConfig, parseConfig } from '../runs/config.ts';
import { errors } from '../runs/errors.ts';
import { isImportBy } from '../runs/import.ts';
import { tableLines } from '../runs/export.ts';
import { forkRun, isForkOf, rollbackRun } from '../runs/lineage.ts';
import { eachGroup, groupSteps, questionHistory, readTokenIds } from '../runs/groups.ts';
import { longMetrics, readMetrics } from '../runs/metrics.ts';
import { pairConfigs } from '../runs/pair-config.ts';
import { carriedOut, keepRequest, madeForLater } from '../runs/requests.ts';
import { changedRewards, editRewards, editSettings, revertTo, revisions, settingsInForce } from '../runs/rewards.ts';
import { createPair, createRun, listRuns, lockRun, logFile, openRun, partnerOf, trashRun, type LoadItems } from '../runs/runs.ts';
import { RunStore } from '../runs/store.ts';
import { TokenTexts } from '../runs/token-texts.ts';
import { tryRewards } from '../runs/try-rewards.ts';
import { datasetDir } from '../data/home.ts';
import { evalDirectory, openEval } from '../evals/evals.ts';
import { expandHome } from '../files/user-path.ts';
import { emptyTrash, listTrash, placeInTrash, restoreTrash, trashed } from '../files/trash.ts';
import { runDirectory } from '../runs/home.ts';
import { VERSION } from '../version.ts';
import type { Alerts } from './alerts.ts';
import { device } from './device.ts';
import { planOf } from './plan.ts';
import { requireRoom, requireRoomFor } from './room.ts';
import { RepeatedRequests } from './idempotency.ts';
import type { Generations } from './generations.ts';
import { readLog, readTopics } from './follow.ts';
import type { Evaluations } from './evaluations.ts';
import type { Hub } from './hub.ts';
import { readImage } from './image.ts';
import { importInThread } from './import.ts';
import type { Kernels } from './kernels.ts';
import type { GroupOf, Handlers } from './mount.ts';
import type { DevicePool } from './device-pool.ts';
import { inPieces } from './pieces.ts';
import { RunTables } from './run-table.ts';
import type { Supervisor } from './supervisor.ts';
import { SharedView } from './view.ts';

export interface Services {
  home: string;
  hub: Hub;
  alerts: Alerts;
  pool: DevicePool;
  evaluations: Pick<Evaluations, 'waiting'>;
  supervisor: Supervisor;
  kernels: Kernels;
  /** Resumes a run that waited for a kernel which is there now. */
  goOn: (id: string) => void;
  generations: Generations;
  /** Has what a run trains on indexed. */
  index: (nameOrDir: string) => Promise<unknown>;
  loadItems: LoadItems;
  started_at: number;
}

/** Routes that are neither of data sets, nor of evaluations, nor of searches, nor about a completion. */
type RunRoutes = Exclude<RouteName, GroupOf<'data' | 'evals' | 'explain' | 'reports' | 'search'>>;

export function runHandlers(services: Services): Handlers<RunRoutes> {
  const { home, hub, alerts, pool, evaluations, supervisor, kernels, generations, index, loadItems } = services;
  const askKernel = tryKernel(kernels);
  const repeated = new RepeatedRequests();
  const tables = new RunTables(hub);
  const texts = new TokenTexts();
  const view = new SharedView((move) => hub.viewMoved(move));
  const estimateOf = (config: TrainConfig) => planOf(home, pool, config, loadItems);

  return {
    server: async (): Promise<ServerInfo> => {
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

    schema: () => ({ ...TrainConfig }),

    checkConfig: ({ body }) => ({ config: completeConfig(body.config) }),

    follow: ({ query: { topics = [] } }) => ({ protocol: PROTOCOL_VERSION, version: VERSION, messages: readTopics(hub, topics) }),

    readConfig: ({ body }) => ({ config: parseConfig(body.text) }),

    devices: async () => ({
      devices: await pool.use(),
      queue: [...supervisor.waiting.filter(({ id }) => hub.summary(id).state === 'queued'), ...evaluations.waiting],
    }),

    estimate: ({ body }) => estimateOf(completeConfig(body.config)),

    builtInRewards: () => ({
      functions: [...REWARDS.values()].map(builtInReward),
    }),

    checkRewards: async ({ body }) => {
      const { variant = 'think', max_completion_length = 256 } = body;
      const context = contextOf({ variant, max_completion_length });
      return { functions: await checkEntries(body, context, kernels.sources(), askKernel) };
    },

    runs: () => ({ runs: listRuns(home).map((id) => hub.summary(id)) }),

    createRun: ({ body: { config, reward_files, start = true, request_id } }) =>
      repeated.once(request_id && `create ${request_id}`, { config, reward_files }, async () => {
        if (start) supervisor.require(completeConfig(config));
        using made =
          findByRequest(home, request_id, (run) => isMadeBy(run, config)) ??
          (await createRun(home, config, { loadItems, reward_files, served: kernels.sources(), askKernel, request_id, start }));
        const { id, config: whole } = made.row();
        await index(whole.dataset_name);
        if (start && isToStart(home, made, request_id)) await supervisor.start(id);
        hub.changed(id);
        return made.summary();
      }),

    runTable: ({ query }) => tables.page(listRuns(home), query),

    annotateRun: ({ id, body: { request_id, ...change } }) => {
      hub.store(id); // throws where there is none
      return repeated.once(request_id && `${id} ${request_id}`, change, () => {
        const run = hub.store(id);
        annotate(run.db, { ...change, request_id });
        hub.changed(id);
        return run.summary();
      });
    },

    createPair: ({ body: { config, variants = ['think', 'no-think'], reward_files, start = true, request_id } }) =>
      repeated.once(request_id && `create ${request_id}`, { config, variants, reward_files }, async () => {
        if (start) for (const one of pairConfigs(config, variants)) supervisor.require(one);
        const ids = await pairOf(home, request_id, config, variants, () =>
          createPair(home, config, variants, { loadItems, reward_files, served: kernels.sources(), askKernel, request_id, start }),
        );
        for (const id of ids) {
          using run = openRun(home, id);
          await index(run.row().config.dataset_name);
          if (start && isToStart(home, run, request_id)) await supervisor.start(id);
          hub.changed(id);
        }
        return { runs: ids.map((id) => hub.store(id).summary()) };
      }),

    importRun: ({ body: { request_id, ...body } }) =>
      repeated.once(request_id && `create ${request_id}`, body, async () => {
        const [path, options] = [resolve(expandHome(body.path)), { name: body.name, num_generations: body.num_generations, request_id }];
        using made =
          findByRequest(home, request_id, (_, run) => isImportBy(run, request_id!, path, options)) ??
          openRun(home, await importInThread(home, path, options));
        hub.changed(made.row().id);
        return made.summary();
      }),

    run: ({ id }) => hub.detail(id),

    deleteRun: async ({ id }) => {
      await supervisor.settled(hub.store(id).row().id);
      const run = hub.store(id); // anew: another request may have deleted it meanwhile
      const { state, name } = run.row();
      if (isActive(state) || supervisor.ids.includes(id)) throw errors.wrongState(id, 'be deleted', state, 'Stop it first.');
      using lock = lockRun(run.directory); // no worker begins meanwhile, whoever starts it
      if (!lock) throw errors.runHeld(id, 'be deleted');
      if (run.pending().length > 0) run.stopWaiting(); // one that is put back does not start by itself
      hub.forget(id);
      const trash = trashRun(home, id, name);
      hub.removed(id);
      return { trash, id: basename(trash) };
    },

    action: ({ id, body: { action, request_id } }) => {
      hub.store(id); // throws where there is none
      return repeated.once(request_id && `${id} ${request_id}`, { action }, () => act(id, action, request_id, services));
    },

    moveInQueue: ({ id, body: { before, held } }) => {
      hub.store(id); // throws where there is none
      if (before !== undefined) supervisor.move(id, before);
      if (held !== undefined) supervisor.hold(id, held);
      return hub.summary(id);
    },

    metrics: ({ id, query: { names, from = 0, to = Number.MAX_SAFE_INTEGER, max_points } }) => {
      const run = hub.store(id);
      const head = { run: id, epoch: run.epoch, seq: run.seq };
      if (max_points) return { ...head, ...readMetrics(run.db, { names, from, to, max_points }) };
      const long = longMetrics(() => hub.store(id), { names, from, to });
      const { step, time, metrics } = long;
      return {
        ...head,
        step,
        time,
        metrics,
        get non_finite() {
          return long.non_finite; // asked for after the columns
        },
      };
    },

    groups: ({ id, query: { step, from = 0, to = Number.MAX_SAFE_INTEGER, limit = 64, offset = 0 } }) => {
      const run = hub.store(id);
      const range = step === undefined ? { from, to } : { from: step, to: step };
      const query = { ...range, limit: Math.min(limit, 1024), offset };
      return { groups: lazily(() => eachGroup(() => hub.store(id), query)), steps: groupSteps(run.db) };
    },

    questionHistory: ({ id, query: { step } }) => ({ questions: questionHistory(hub.store(id).db, step) }),

    tokenTexts: async ({ id, query: { step, group } }) => {
      const run = hub.store(id);
      const { config } = run.row();
      const lists = readTokenIds(run.db, step, group);
      if (lists.length === 0) throw errors.noGroup(id, step, group);
      if (lists.every((ids) => ids.length === 0)) return { texts: lists.map(() => []) }; // of an imported run only the texts are known
      return { texts: await texts.of(config, lists) };
    },

    events: ({ id, query: { since = 0, limit = 1000, kinds } }) => {
      const run = hub.store(id);
      return readLog(run, { since, limit: Math.min(limit, 10_000), kinds });
    },

    alertRules: () => alerts.rules(),
    setAlertRules: ({ body }) => alerts.change(body),
    checkAlertRule: ({ body: { source } }) => checkedRule(source),
    alerts: ({ id }) => alerts.of(hub.store(id).row().id),
    raiseAlert: ({ id, body }) => alerts.raise(id, body),
    alertSettings: ({ id, body }) => alerts.changeOf(id, body),

    rewards: ({ id }) => ({ revisions: revisions(hub.store(id).db) }),

    editRewards: async ({ id, body: { reason = '', author = '', ...edit } }) => {
      const run = hub.store(id);
      const { config } = run.row();
      const current = revisions(run.db).at(-1);
      if (!current) throw errors.noRevisions(id);
      const { kernel, ...rest } = edit;
      const change = { ...rest, served: kernels.chosen(kernel) };
      const fresh = [...Object.keys(edit.files ?? {}).map(rewardName), ...Object.keys(change.served)];
      if (fresh.length > 0) {
        const { weights, sources } = changedRewards(current, change, run.step + 1);
        // What stays was tried when it came, and its kernel may be away.
        const tried = Object.fromEntries(fresh.filter((name) => Object.hasOwn(sources, name)).map((name) => [name, sources[name]]));
        await checkRewards({ weights, sources: tried }, contextOf(config), [], askKernel);
      }
      const revision = editRewards(run.db, { ...change, reason, author, time: Date.now() });
      supervisor.nudge(id);
      services.goOn(id);
      return revision;
    },

    settings: ({ id }) => settingsInForce(hub.store(id)),

    editSettings: async ({ id, body: { reason = '', author = '', ...edit } }) => {
      await requireRoom(hub.store(id), edit.settings, estimateOf);
      const revision = editSettings(hub.store(id).db, { ...edit, reason, author, time: Date.now() });
      supervisor.nudge(id);
      return revision;
    },

    revert: async ({ id, body: { reason = '', author = '', ...edit } }) => {
      await requireRoomFor(hub.store(id), edit.revision, estimateOf);
      const revision = revertTo(hub.store(id).db, { ...edit, reason, author, time: Date.now() });
      supervisor.nudge(id);
      services.goOn(id);
      return revision;
    },

    tryRewards: ({ id, body: { kernel, ...body } }) => tryRewards(hub.store(id), body, kernels.chosen(kernel), askKernel),

    'kernels.list': () => ({ kernels: kernels.list() }),

    'kernels.poll': async ({ id, body, signal }) => ({ calls: await kernels.poll(id, body, signal) }),

    fork: ({ id: from, body: { step, config = {}, reward_files, start = true, request_id } }) =>
      repeated.once(request_id && `create ${request_id}`, { from, step, config, reward_files }, async () => {
        using parent = openRun(home, from);
        using made =
          findByRequest(home, request_id, (run) => isForkOf(parent, run, step, config)) ??
          (await forkRun(home, parent, step, config, { request_id, start, reward_files }));
        const { id } = made.row();
        if (start && isToStart(home, made, request_id)) await supervisor.start(id);
        hub.changed(id);
        return made.summary();
      }),

    exportRun: ({ id, query: { format } }) => {
      const run = hub.store(id);
      return inPieces(tableLines(run, format), {
        headers: {
          'content-type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl; charset=utf-8',
          'content-disposition': `attachment; filename="${id}.${format}"`,
          'x-content-type-options': 'nosniff',
        },
      });
    },

    rollback: async ({ id, body }) => {
      using run = openRun(home, id);
      await supervisor.settled(id);
      await rollbackRun(run, body.step);
      hub.changed(id);
      return run.summary();
    },

    image: async ({ id, query: { path, size = 512 } }) => {
      const { root } = hub.store(id).row();
      const image = await readImage(root, path, Math.min(Math.max(size, 1), 4096));
      return new Response(new Uint8Array(image), {
        headers: {
          'content-type': 'image/png',
          'x-content-type-options': 'nosniff',
          'content-security-policy': "sandbox; default-src 'none'",
          'cache-control': 'private, max-age=3600',
        },
      });
    },

    trash: () => ({ entries: listTrash(home) }),

    restoreTrash: ({ id }) => {
      const entry = trashed(home, id);
      restoreTrash(home, id, placeOf(home, entry));
      if (entry.kind === 'run') hub.changed(entry.of);
      if (entry.kind === 'evaluation') {
        using store = openEval(home, entry.of);
        hub.evaluation({ summary: store.detail().summary });
      }
      return entry;
    },

    emptyTrash: ({ id }) => {
      const entry = trashed(home, id);
      emptyTrash(home, id);
      return entry;
    },

    view: () => view.value,

    moveView: ({ body }) => view.move(body),

    generate: ({ body, signal }) => generations.generate(body, signal),

    log: ({ id, query: { tail = 200 } }) => {
      const file = logFile(hub.store(id).directory);
      const lines = existsSync(file) ? readTailSync(file, LOG_BYTES).filter((line) => line !== '') : [];
      return { lines: lines.slice(-Math.min(tail, 10_000)) };
    },
  };
}

/** Longest that a preview, or a check before a run, waits for a kernel. */
const TRY_S = 60;

/** Calls outside training: each is made anew, whatever was answered before. */
export const tryKernel =
  (kernels: Kernels): AskKernel =>
  (call, { timeout_s = TRY_S }) =>
    kernels.ask({ ...call, key: randomUUID() }, Math.min(timeout_s, TRY_S));

/** Of a worker's log, from its end; a user's reward may write without end. */
const LOG_BYTES = 4 << 20;

/** Where something in the trash came from. */
const placeOf = (home: string, { kind, of }: Trashed): string =>
  kind === 'run' ? runDirectory(home, of) : kind === 'evaluation' ? evalDirectory(home, of) : datasetDir(of, home);

/** Of a pair both start, pause, resume and stop, the other one where it can. */
async function act(id: string, action: RunAction, request_id: string | undefined, services: Services): Promise<RunSummary> {
  const { home } = services;
  using run = openRun(home, id);
  if (request_id && carriedOut(run.db, request_id, { action })) return run.summary();
  await actOn(id, action, services);
  const partner = action === 'checkpoint' ? null : partnerOf(home, run.row());
  using other = partner === null ? null : openOrNull(runDirectory(home, partner)); // one that is damaged keeps nobody from going on with the first
  if (other && takes(other.summary().state, action)) await actOn(other.row().id, action, services);
  if (request_id) keepRequest(run.db, request_id, { action });
  return run.summary();
}

/** Whether an action means anything to the other run of a pair, which may have ended. */
function takes(state: RunState, action: RunAction): boolean {
  if (action === 'stop') return !hasEnded(state);
  if (state === 'stopping' || state === 'finished') return false;
  return action === 'start' || action === 'resume' || (!hasEnded(state) && state !== 'queued');
}

async function actOn(id: string, action: RunAction, { home, supervisor, hub }: Services): Promise<void> {
  using run = openRun(home, id);
  const stopped = action === 'stop' && run.stopWaiting();
  const { state } = run.row();
  const refuse = (remedy: string): never => {
    throw errors.wrongState(id, action, state, remedy);
  };
  const live = isActive(state) && supervisor.isTraining(id);
  const stopping = live && run.pending().some((command) => command.action === 'stop');
  if (stopped) {
    // no worker takes it any more, also none that was just started for it
  } else if (stopping && action !== 'stop') {
    throw errors.stopping(id, action);
  } else if (live && action === 'start') {
    return;
  } else if (!live && (action === 'start' || action === 'resume')) {
    if (state === 'finished') refuse('It is done: start a new run, or fork one of its checkpoints.');
    if (!run.pending().some((command) => command.action === 'start')) await supervisor.start(id);
    else if (supervisor.waits(id)) {
      supervisor.hold(id, false);
      supervisor.first(id);
    }
  } else if (live) {
    run.command(action);
    supervisor.nudge(id);
  } else if (action !== 'stop') {
    refuse('Start or resume it first.');
  }
  hub.changed(id);
}

/** The two runs of a pair that the request made before, or that it makes now. */
async function pairOf(
  home: string,
  request_id: string | undefined,
  config: unknown,
  variants: readonly Variant[],
  make: () => Promise<RunStore[]>,
): Promise<string[]> {
  const asked = pairConfigs(config, variants).map((one) => JSON.stringify(one));
  using before = findByRequest(home, request_id, (run) => run.pair !== null && asked.includes(JSON.stringify(run.config)));
  if (before) {
    const row = before.row();
    const ids = [row.id, partnerOf(home, row)].filter((id) => id !== null);
    return row.config.variant === variants[0] ? ids : ids.reverse();
  }
  const made = await make();
  const ids = made.map((store) => store.row().id);
  for (const store of made) store[Symbol.dispose]();
  return ids;
}

/** Whether the run is what a request for a new one with this configuration makes. */
const isMadeBy = ({ parent, config }: ReturnType<RunStore['row']>, asked: unknown): boolean =>
  parent === null && JSON.stringify(config) === JSON.stringify(completeConfig(asked));

/** Whether a run that its request made, now or before, still waits for it to start the run. */
const isToStart = (home: string, run: RunStore, request_id: string | undefined): boolean =>
  run.directory === runDirectory(home, run.row().id) && // not in the trash
  run.row().state === 'queued' &&
  run.pending().length === 0 &&
  !(request_id && madeForLater(run.db, request_id));

/**
 * The run that the request made before, also one that lies in the trash: a request that comes again does not make it anew. `same` tells whether it is
 * what the request asks for. Throws REQUEST_ID_USED.
 */
function findByRequest(
  home: string,
  request_id: string | undefined,
  same: (run: ReturnType<RunStore['row']>, store: RunStore) => boolean,
): RunStore | null {
  if (!request_id) return null;
  const removed = (): string[] => listTrash(home).flatMap(({ id, kind }) => (kind === 'run' ? [placeInTrash(home, id)] : []));
  for (const places of [() => listRuns(home).map((id) => runDirectory(home, id)), removed]) {
    for (const directory of places()) {
      using store = openOrNull(directory); // a damaged run shows as such in the list; it keeps nobody from making another
      if (store?.row().request_id !== request_id) continue;
      if (!same(store.row(), store)) throw errors.requestUsed();
      return RunStore.open(directory);
    }
  }
  return null;
}

function openOrNull(directory: string): RunStore | null {
  let store: RunStore | undefined;
  try {
    store = RunStore.open(directory);
    store.row();
    return store;
  } catch {
    store?.[Symbol.dispose]();
    return null;
  }
}

/** The made sample where `medr1 sample` writes it by default, and the tiny models that ship with the clone. */
function findSample(home: string): ServerInfo['sample'] {
  const dataset = join(home, 'sample');
  if (!existsSync(dataset)) return null;
  const shipped = resolve(import.meta.dirname, '../../../examples/sample');
  const names = existsSync(shipped) ? readdirSync(shipped).filter((name) => existsSync(join(shipped, name, 'config.json'))) : [];
  return { dataset, models: Object.fromEntries(names.map((name) => [name, join(shipped, name)])) };
}
