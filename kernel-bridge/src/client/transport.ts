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
    const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    let response: Response;
    try {
      response = await this.#fetch(url, {
        method,
        headers: { ...this.#headers, ...content },
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
}

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
