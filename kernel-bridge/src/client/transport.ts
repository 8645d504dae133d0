/** How requests travel: addresses, JSON, and errors as WorkbenchError. It knows no route. */
import { WorkbenchError, type ErrorBody } from '../protocol/errors.ts';

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;
export type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface TransportOptions {
  /** The API's root, for example http://127.0.0.1:8000/api/ or <Jupyter base URL>medr1/api/. */
  baseUrl: string;
  fetch: Fetch;
  headers?: Record<string, string>;
}

export class Transport {
  readonly #baseUrl: string;
  readonly #fetch: Fetch;
  readonly #headers: Record<string, string>;
  /** A proxy in between lets through GET and POST alone: other methods travel as a POST that names them. */
  #override = false;

  constructor({ baseUrl, fetch, headers = {} }: TransportOptions) {
    this.#baseUrl = baseUrl.replace(/\/*$/, '');
    this.#fetch = fetch;
    this.#headers = headers;
  }

  /** Lists are written a,b,c. */
  url(path: string, query: Query = {}): string {
    const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
    return `${this.#baseUrl}${path}${search && `?${search}`}`;
  }

  async request(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const first = await this.#send(method, url, body, signal);
    if (first.ok) return first;
    const refused = await refusal(first);
    if (!isProxys(refused, method) || this.#override) throw refused;
    this.#override = true;
    const second = await this.#send(method, url, body, signal);
    if (!second.ok) throw await refusal(second);
    return second;
  }

  async #send(given: string, url: string, body: unknown, signal: AbortSignal | undefined): Promise<Response> {
    const stands = this.#override && OVERRIDDEN.has(given);
    const method = stands ? 'POST' : given;
    const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    try {
      return await this.#fetch(url, {
        method,
        headers: { ...this.#headers, ...content, ...(stands && { 'x-http-method-override': given }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
      });
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw unreachable(cause);
    }
  }
}

const OVERRIDDEN = new Set(['PUT', 'PATCH', 'DELETE']);
/** "Not allowed" or "not known" by somebody who is not the backend, which has a code for each of its errors. Nothing was done then. */
const isProxys = ({ code, http }: WorkbenchError, method: string): boolean =>
  OVERRIDDEN.has(method) && code === 'HTTP_ERROR' && (http === 405 || http === 501);

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
