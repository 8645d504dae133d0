/** How the parts of the client reach the backend. */
export type Query = Record<string, string | number | undefined>;

export interface Transport {
  get<T>(path: string, query?: Query): Promise<T>;
  send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T>;
  request(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<Response>;
  url(path: string, query?: Query): string;
}
