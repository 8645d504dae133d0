/** The routes as methods: `client.run(id)`, `client.data.page(name)`, `client.evals.list()`. What each takes and gives is in docs/api.md. */
import type { BodyOf } from '../protocol/routes.ts';
import { address, callsOf, type CallsOf } from './calls.ts';
import { dataClient, type DataClient } from './data.ts';
import { evalsClient, type EvalsClient } from './evals.ts';
import { Transport, type TransportOptions } from './transport.ts';

export type SearchClient = CallsOf<'search'>;
export type ExplainClient = CallsOf<'explain'>;
export type ReportsClient = CallsOf<'reports'>;

type RunCalls = Omit<CallsOf<''>, 'createRun' | 'action'>;

export interface RestClient extends RunCalls {
  readonly data: DataClient;
  readonly evals: EvalsClient;
  readonly search: SearchClient;
  readonly explain: ExplainClient;
  readonly reports: ReportsClient;
  createRun(
    config: Record<string, unknown>,
    options?: Omit<BodyOf<'createRun'>, 'config' | 'request_id'>,
  ): ReturnType<CallsOf<''>['createRun']>;
  action(id: string, action: BodyOf<'action'>['action']): ReturnType<CallsOf<''>['action']>;
  /** Address of a file to keep: metrics as CSV, or rollouts as JSON lines. */
  exportUrl(id: string, format: 'csv' | 'jsonl'): string;
  /** For an <img> where cookies authenticate (behind JupyterLab); elsewhere fetch `image`. */
  imageUrl(id: string, path: string, size?: number): string;
}

export function restClient(options: TransportOptions): RestClient {
  const transport = new Transport(options);
  const calls = callsOf(transport, '');
  return {
    ...calls,
    data: dataClient(transport),
    evals: evalsClient(transport),
    search: callsOf(transport, 'search'),
    explain: callsOf(transport, 'explain'),
    reports: callsOf(transport, 'reports'),
    createRun: (config, more = {}) => calls.createRun({ config, ...more }),
    action: (id, action) => calls.action(id, { action }),
    exportUrl: (id, format) => address(transport, 'exportRun', id, { format }),
    imageUrl: (id, path, size = 512) => address(transport, 'image', id, { path, size }),
  };
}
