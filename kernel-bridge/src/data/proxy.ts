/** Downloads by the proxy that the environment names, as curl and pip go: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in either case. */
import http from 'node:http';
import { WorkbenchError } from '../protocol/errors.ts';

const LOCAL = ['localhost', '127.0.0.1', '::1'];

export interface ProxySettings {
  HTTP_PROXY?: string;
  HTTPS_PROXY?: string;
  NO_PROXY: string;
}

/** What the environment says, lower case first, as elsewhere; null without a proxy. Throws DATA_PROXY for one that is no HTTP proxy. */
export function proxySettings(env: NodeJS.ProcessEnv = process.env): ProxySettings | null {
  const named = (name: string): string | undefined => env[name.toLowerCase()] || env[name] || undefined;
  const all = named('ALL_PROXY');
  const forHttp = address('HTTP_PROXY', named('HTTP_PROXY') ?? all);
  const forHttps = address('HTTPS_PROXY', named('HTTPS_PROXY') ?? all);
  if (!forHttp && !forHttps) return null;
  return {
    ...(forHttp && { HTTP_PROXY: forHttp }),
    ...(forHttps && { HTTPS_PROXY: forHttps }),
    NO_PROXY: [named('NO_PROXY'), ...LOCAL].filter(Boolean).join(','),
  };
}

/** "proxy.example:3128" is taken for http://proxy.example:3128. */
function address(name: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const whole = text.includes('://') ? text : `http://${text}`;
  if (/^https?:\/\//i.test(whole) && URL.canParse(whole)) return whole;
  throw new WorkbenchError({
    code: 'DATA_PROXY',
    message: `${name} (or ALL_PROXY) is ${text.replace(/\/\/[^@/]*@/, '//***@')}, which is no address of an HTTP proxy`,
    remedy: 'Set it to http://HOST:PORT, or unset it.',
  });
}

/** Several downloads may run in the server at once: the last one puts back what was. */
let running = 0;
let restore = (): void => {};

/** Runs `work` with fetch going by the proxy. What is local never does. */
export async function byProxy<T>(work: () => Promise<T>, env: NodeJS.ProcessEnv = process.env): Promise<T> {
  const settings = proxySettings(env);
  if (!settings) return work();
  if (running++ === 0) restore = http.setGlobalProxyFromEnv({ ...settings });
  try {
    return await work();
  } finally {
    if (--running === 0) restore();
  }
}
