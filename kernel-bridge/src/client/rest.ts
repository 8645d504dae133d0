/** One method per route of protocol/rest.ts. */
import { DataClient } from './data.ts';
import { EvalsClient } from './evals.ts';
import type { Query, Transport } from './transport.ts';
import { WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import type { TrainConfig } from '../protocol/config.ts';
import type { Generation, GenerateRequest } from '../protocol/generate.ts';
import type { Estimate, RunAction, ServerInfo } from '../protocol/rest.ts';
import type { BuiltInReward, CheckedReward, CheckRewards, RewardFiles, TriedRewards, TryRewards } from '../protocol/rewards.ts';
import type { MoveView, View } from '../protocol/view.ts';
import type { Group, MetricTable, RewardRevision, RunDetail, RunEvent, RunSummary } from '../protocol/run.ts';

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export interface MetricsQuery {
  names?: string[];
  from?: number;
  to?: number;
  max_points?: number;
}
export interface GroupsQuery {
  step?: number;
  from?: number;
  to?: number;
  limit?: number;
  offset?: number;
}
export interface EventsQuery {
  since?: number;
  limit?: number;
  kinds?: RunEvent['kind'][];
}
export interface RewardEdit {
  weights: Record<string, number>;
  /** Sources by file name: functions to add or to change. */
  files?: RewardFiles;
  remove?: string[];
  reason?: string;
  author?: string;
  base_revision: number;
}

export class RestClient {
  private readonly baseUrl: string;
  private readonly fetch: Fetch;
  private readonly headers: Record<string, string>;
  /** Data sets: pages, samples, audits, splits. */
  readonly data: DataClient;
  /** Stored evaluations: tables, answers, comparisons, matrices. */
  readonly evals: EvalsClient;

  /** `baseUrl` ends in the API's root, for example http://127.0.0.1:8000/api/ or <Jupyter base URL>medr1/api/. */
  constructor(options: { baseUrl: string; fetch: Fetch; headers?: Record<string, string> }) {
    this.baseUrl = options.baseUrl.replace(/\/*$/, '');
    this.fetch = options.fetch;
    this.headers = options.headers ?? {};
    const transport: Transport = {
      get: (path, query) => this.get(path, query),
      send: (method, path, body, signal) => this.send(method, path, body, signal),
      request: (method, url, body, signal) => this.request(method, url, body, signal),
      url: (path, query) => this.url(path, query),
    };
    this.data = new DataClient(transport);
    this.evals = new EvalsClient(transport);
  }

  server = (): Promise<ServerInfo> => this.get('/server');
  /** JSON Schema of TrainConfig, with title, description, default, group and unit of each key. */
  schema = (): Promise<Record<string, unknown>> => this.get('/schema');
  /** The complete configuration; rejects with the key at fault. */
  checkConfig = (config: Record<string, unknown>): Promise<{ config: TrainConfig }> => this.send('POST', '/config', { config });
  estimate = (config: Record<string, unknown>): Promise<Estimate> => this.send('POST', '/estimate', { config });

  runs = async (): Promise<RunSummary[]> => (await this.get<{ runs: RunSummary[] }>('/runs')).runs;
  createRun = (config: Record<string, unknown>, options: { start?: boolean; reward_files?: RewardFiles } = {}): Promise<RunSummary> =>
    this.send('POST', '/runs', { config, ...options, request_id: requestId() });
  run = (id: string): Promise<RunDetail> => this.get(`/runs/${part(id)}`);
  deleteRun = (id: string): Promise<{ trash: string }> => this.send('DELETE', `/runs/${part(id)}`);
  action = (id: string, action: RunAction): Promise<RunSummary> =>
    this.send('POST', `/runs/${part(id)}/actions`, { action, request_id: requestId() });
  fork = (id: string, step: number, config: Record<string, unknown> = {}, options: { start?: boolean } = {}): Promise<RunSummary> =>
    this.send('POST', `/runs/${part(id)}/fork`, { step, config, ...options, request_id: requestId() });
  rollback = (id: string, step: number): Promise<RunSummary> => this.send('POST', `/runs/${part(id)}/rollback`, { step });

  /** Address of a file to keep: metrics as CSV, or rollouts as JSON lines. */
  exportUrl = (id: string, format: 'csv' | 'jsonl'): string => this.url(`/runs/${part(id)}/export`, { format });

  metrics = (id: string, { names, ...query }: MetricsQuery = {}): Promise<MetricTable> =>
    this.get(`/runs/${part(id)}/metrics`, { names: names?.join(','), ...query });
  groups = (id: string, query: GroupsQuery = {}): Promise<{ groups: Group[]; steps: [number, number] }> =>
    this.get(`/runs/${part(id)}/groups`, { ...query });
  /** Texts of the tokens of each completion of a group, special ones included. */
  tokenTexts = async (id: string, step: number, group: number): Promise<string[][]> =>
    (await this.get<{ texts: string[][] }>(`/runs/${part(id)}/tokens`, { step, group })).texts;
  events = (id: string, { kinds, ...query }: EventsQuery = {}): Promise<{ epoch: string; events: RunEvent[] }> =>
    this.get(`/runs/${part(id)}/events`, { kinds: kinds?.join(','), ...query });
  rewards = async (id: string): Promise<RewardRevision[]> =>
    (await this.get<{ revisions: RewardRevision[] }>(`/runs/${part(id)}/rewards`)).revisions;
  /** The built-in reward functions. */
  builtInRewards = async (): Promise<BuiltInReward[]> => (await this.get<{ functions: BuiltInReward[] }>('/rewards')).functions;
  /** What `reward_funcs` names, tried on made-up completions; nothing is made. */
  checkRewards = async (request: CheckRewards): Promise<CheckedReward[]> =>
    (await this.send<{ functions: CheckedReward[] }>('POST', '/rewards/check', request)).functions;
  /** Reward functions on the rollouts that the run has stored. */
  tryRewards = (id: string, request: TryRewards): Promise<TriedRewards> => this.send('POST', `/runs/${part(id)}/rewards/try`, request);
  editRewards = (id: string, edit: RewardEdit): Promise<RewardRevision> =>
    this.send('PATCH', `/runs/${part(id)}/rewards`, { ...edit, request_id: requestId() });
  generate = (request: GenerateRequest, signal?: AbortSignal): Promise<Generation> => this.send('POST', '/generate', request, signal);
  /** What the page that was used last looks at. */
  view = (): Promise<View> => this.get('/view');
  moveView = (move: MoveView): Promise<View> => this.send('PATCH', '/view', move);
  log = async (id: string, tail = 200): Promise<string[]> => (await this.get<{ lines: string[] }>(`/runs/${part(id)}/log`, { tail })).lines;

  /** For an <img> where cookies authenticate (behind JupyterLab); elsewhere fetch `image`. */
  imageUrl = (id: string, path: string, size = 512): string => this.url(`/runs/${part(id)}/image`, { path, size });
  image = async (id: string, path: string, size = 512): Promise<Blob> => (await this.request('GET', this.imageUrl(id, path, size))).blob();

  private async get<T>(path: string, query: Query = {}): Promise<T> {
    return (await this.request('GET', this.url(path, query))).json() as Promise<T>;
  }

  private async send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    return (await this.request(method, this.url(path), body, signal)).json() as Promise<T>;
  }

  private async request(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    let response: Response;
    try {
      response = await this.fetch(url, {
        method,
        headers: { ...this.headers, ...content },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
      });
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw unreachable(cause);
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }

  private url(path: string, query: Query = {}): string {
    const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
    return `${this.baseUrl}${path}${search && `?${search}`}`;
  }
}

const part = encodeURIComponent;

/** A resent request carries the same id, so that the server does it once. */
const requestId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');

const unreachable = (cause: unknown): WorkbenchError =>
  new WorkbenchError({
    code: 'SERVER_UNREACHABLE',
    http: 503,
    message: `The Med-R1 backend does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
    remedy: 'Check that JupyterLab (or medr1 serve) is running.',
    cause,
  });

/** The server's own words where it has some; a proxy's page otherwise. */
async function refusal(response: Response): Promise<WorkbenchError> {
  const text = await response.text().catch(() => '');
  let body: Partial<ErrorBody> = {};
  try {
    body = JSON.parse(text) as Partial<ErrorBody>;
  } catch {
    // not ours
  }
  return new WorkbenchError({
    code: body.code ?? 'HTTP_ERROR',
    http: response.status,
    message: body.message ?? `The request failed with status ${response.status}.`,
    remedy: body.remedy ?? 'Reload the page; if it stays, look at the log of the Jupyter server.',
  });
}
