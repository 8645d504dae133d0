/**
 * The backend as one object: HTTP and websocket on a unix socket or on 127.0.0.1, workers supervised, server.json written last and
 * removed first. It never loads libtorch. One server per home, held by a lock that dies with the process.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, rmSync } from 'node:fs';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer, STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { WebSocketServer } from 'ws';
import { IndexJobs } from '../data/index/jobs.ts';
import { errorBody, type WorkbenchError } from '../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../protocol/rest.ts';
import { errors } from '../runs/errors.ts';
import { prepareHome } from '../runs/home.ts';
import { tryLock } from '../log/lock.ts';
import type { LoadItems } from '../runs/runs.ts';
import type { RunStore } from '../runs/store.ts';
import { VERSION } from '../version.ts';
import { Admission, ADMISSION } from './admission.ts';
import { Alerts } from './alerts.ts';
import { createApp } from './app.ts';
import { refusal, type Gate } from './auth.ts';
import { Connection, LIMITS } from './connection.ts';
import { Asking } from './asking.ts';
import { explainHandlers } from './explanations.ts';
import { GenerationWorker } from './generation-worker.ts';
import { Generations } from './generations.ts';
import { Evaluations } from './evaluations.ts';
import { dataHandlers } from './data.ts';
import { evalHandlers } from './evals.ts';
import { runHandlers, tryKernel } from './handlers.ts';
import type { forkWorker } from './fork-worker.ts';
import { Hub } from './hub.ts';
import { refusingImported } from './imported.ts';
import type { Handlers } from './mount.ts';
import { Jobs } from './jobs.ts';
import { Kernels } from './kernels.ts';
import { Door, keep, privateFolder } from './keep.ts';
import { Needs } from './needs.ts';
import { DevicePool } from './device-pool.ts';
import { removeServerFile, serverFile, writeServerFile } from './server-file.ts';
import { Reports } from './reports.ts';
import { searchHandlers } from './search.ts';
import { Rota } from './rota.ts';
import { Searches } from './searches.ts';
import { inSips } from './sips.ts';
import { Supervisor } from './supervisor.ts';
import { takeUp } from './take-up.ts';
import { watchOthers } from './watcher.ts';

export interface ServeOptions {
  home: string;
  /** Unix socket path; otherwise `port` on 127.0.0.1, 0 = any free one. */
  socket?: string;
  port?: number;
  /** 256 bits, hexadecimal; made when left out. */
  secret?: string;
  loadItems: LoadItems;
  /** Into how many slots the CPU is cut, or the devices themselves. */
  devices?: ConstructorParameters<typeof DevicePool>[1];
  workerModule?: string;
  /** Starts processes that hold a model; tests have them in their own. */
  fork?: typeof forkWorker;
  /** Module of the process that evaluates. */
  evaluationModule?: string;
  /** The generation process: its module and patience. */
  generation?: { module?: string; idle_ms?: number; grace_ms?: number; timeout_ms?: number; most?: number };
  limits?: typeof LIMITS;
  admission?: typeof ADMISSION;
  /** False leaves what runs train on without an index; most tests look at none. */
  indexesData?: boolean;
}

export type BackendOptions = Omit<ServeOptions, 'socket' | 'port' | 'limits' | 'admission'>;

/** All that answers requests, without a door: the server has one, and medr1 train --report brings requests by another way. */
export interface Backend {
  readonly hub: Hub;
  readonly jobs: Jobs;
  readonly supervisor: Supervisor;
  readonly evaluations: Evaluations;
  readonly secret: string;
  readonly started_at: number;
  /** The application, for requests to this port (null: none). */
  app(port: number | null): ReturnType<typeof createApp>;
  /** Workers write a checkpoint and end. */
  close(): Promise<void>;
}

export interface RunningServer extends AsyncDisposable {
  readonly address: { socket: string } | { port: number };
  readonly secret: string;
  /** Workers write a checkpoint and end as `interrupted`. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
/** Bytes of a client's message, of which the longest that means anything has a few hundred. */
const MAX_MESSAGE = 16 << 10;

export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const home = prepareHome(options.home);
  const lock = tryLock(join(home, 'server.lock'), 500);
  if (!lock) throw errors.serverRunning(home);
  const http = createServer();
  try {
    await listen(http, options);
  } catch (error) {
    lock.release();
    throw error;
  }
  const backend = makeBackend({ ...options, home });
  const { hub, supervisor, evaluations, secret, started_at } = backend;
  const port = options.socket ? null : (http.address() as AddressInfo).port;
  const app = backend.app(port);
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  new Admission(http, answer, options.admission);
  const sockets = acceptWebsockets(http, { secret, port }, hub, options.limits ?? LIMITS);

  supervisor.recover();
  evaluations.recover();
  const stopWatching = watchOthers(home, hub, supervisor);
  const address = options.socket ? { socket: options.socket } : { port: port! };
  const announce = (): void =>
    writeServerFile(home, { pid: process.pid, protocol: PROTOCOL_VERSION, version: VERSION, ...address, secret, started_at });
  announce();
  const stopKeeping = [keep(serverFile(home), announce)];
  const door = options.socket ? new Door(http, options.socket) : null;
  if (door) stopKeeping.push(keep(options.socket!, () => door.reopen()));

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      for (const stop of stopKeeping) stop();
      removeServerFile(home);
      stopWatching();
      for (const client of sockets.clients) client.close(1001, 'the server stops');
      http.close();
      door?.close();
      await backend.close();
      for (const client of sockets.clients) client.terminate();
      http.closeAllConnections();
      hub.close();
      lock.release();
    })());
  return { address, secret, close, [Symbol.asyncDispose]: close };
}

export function makeBackend(options: BackendOptions): Backend {
  const { home } = options;
  const secret = options.secret ?? randomBytes(32).toString('hex');
  const started_at = Date.now();
  const hub = new Hub(home);
  const kernels = new Kernels();
  const jobs = new Jobs({ fork: options.fork });
  const pool = new DevicePool(jobs, options.devices);
  const needs = new Needs(home, options.loadItems, pool);
  const supervisor = new Supervisor({
    home,
    jobs,
    pool,
    bytesOf: (config) => needs.ofRun(config),
    workerModule: options.workerModule,
    changed: (id) => {
      hub.changed(id);
      goOn(id);
    },
    askKernel: (call, timeout_s) => kernels.ask(call, timeout_s),
    starting: (on) => answering.release(on),
  });
  const goOn = (id: string): void => takeUp(id, { hub, kernels, supervisor });
  kernels.onServed(() => supervisor.ids.forEach(goOn));
  const store = (id: string): RunStore => hub.store(id);
  const answering = new GenerationWorker({
    home,
    jobs,
    pool,
    bytesOf: (source, ask) => needs.ofAnswer(source, ask),
    ...options.generation,
  });
  const asking = new Asking({ worker: answering, supervisor, store, ...options.generation });
  const questions = { home, loadItems: options.loadItems, asking, store };
  const generations = new Generations({ ...questions, askKernel: tryKernel(kernels) });
  const evaluations = new Evaluations({
    home,
    jobs,
    pool,
    bytesOf: (settings) => needs.ofEvaluation(settings),
    workerModule: options.evaluationModule,
    publish: (event) => hub.evaluation(event),
  });
  const searches = new Searches();
  const indexing = new IndexJobs(home);
  const index = options.indexesData === false ? async () => null : (nameOrDir: string) => indexing.ensure(nameOrDir);
  const alerts = new Alerts(home, hub);
  const reports = new Reports(hub);
  hub.isAway = (id) => reports.isAway(id);
  const { loadItems } = options;
  const all: Handlers = {
    ...runHandlers({ home, hub, alerts, pool, evaluations, supervisor, kernels, goOn, generations, index, loadItems, started_at }),
    ...reports.handlers(),
    ...explainHandlers(questions),
    ...evalHandlers({ home, pool, evaluations, loadItems }),
    ...searchHandlers({ home, hub, searches }),
    ...dataHandlers({ home, jobs: indexing }),
  };
  const handlers = refusingImported(reports.forwarding(all), hub);
  return {
    hub,
    jobs,
    supervisor,
    evaluations,
    secret,
    started_at,
    app: (port) => createApp(handlers, home, { secret, port }),
    close: async () => {
      alerts.close();
      reports.close();
      evaluations.close();
      await Promise.all([jobs.close(), searches.close(), indexing.close()]);
    },
  };
}

async function listen(http: Server, { socket, port = 0 }: ServeOptions): Promise<void> {
  if (socket && existsSync(socket)) {
    if (!lstatSync(socket).isSocket()) throw errors.socketPath(socket, 'something else has this name');
    if (await answers(socket)) throw errors.socketTaken(socket);
    rmSync(socket); // left by a server that was killed
  }
  try {
    if (socket) privateFolder(dirname(socket));
  } catch (error) {
    throw errors.socketPath(socket!, error);
  }
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      if (socket) reject(errors.socketPath(socket, error));
      else reject(error.code === 'EADDRINUSE' ? errors.portTaken(port) : error);
    });
    http.listen(socket ? { path: socket } : { port, host: '127.0.0.1' }, resolve);
  });
  if (socket) chmodSync(socket, 0o600);
  http.on('clientError', (_error, stream) => void (stream.writable && stream.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')));
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe: Socket = connect(path);
    probe.once('connect', () => (probe.destroy(), resolve(true)));
    probe.once('error', () => resolve(false));
  });
}

function acceptWebsockets(http: Server, gate: Gate, hub: Hub, limits: typeof LIMITS): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false, // a compressed frame of 92 kB became 94 MB
    maxPayload: MAX_MESSAGE,
    maxFragments: 256,
    autoPong: false, // connection.ts answers pings when there is room for the answer
  });
  const rota = new Rota();
  sockets.on('connection', (socket) => new Connection(socket, hub, rota, limits));
  http.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    const header = (name: string): string | undefined => request.headers[name] as string | undefined;
    const path = (request.url ?? '').split('?')[0];
    const refused =
      refusal(header, gate) ??
      (path === '/api/ws' ? null : errors.noRoute('websocket', path)) ??
      (sockets.clients.size < MAX_CONNECTIONS ? null : errors.busy());
    if (refused) return refuse(stream, refused);
    (stream as Socket).setNoDelay?.();
    sockets.handleUpgrade(request, inSips(stream, head), Buffer.alloc(0), (socket) => sockets.emit('connection', socket, request));
  });
  return sockets;
}

function refuse(stream: Duplex, error: WorkbenchError): void {
  const body = JSON.stringify(errorBody(error));
  const head = [`HTTP/1.1 ${error.http} ${STATUS_CODES[error.http]}`, 'Connection: close', 'Content-Type: application/json'];
  stream.end([...head, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'), () => stream.destroy());
}
