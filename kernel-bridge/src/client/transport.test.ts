import { expect, it } from 'vitest';
import { Transport } from './transport.ts';

interface Asked {
  method: string;
  override: string | undefined;
  body: unknown;
}

/** A backend behind a proxy that lets through GET and POST alone. */
function behindProxy(status: number, answer = '<html>Not allowed</html>') {
  const asked: Asked[] = [];
  const fetch = (_url: string, init: RequestInit = {}) => {
    const { method = 'GET', headers, body } = init;
    const override = (headers as Record<string, string>)['x-http-method-override'];
    asked.push({ method, override, body: body && JSON.parse(body as string) });
    const passes = method === 'GET' || method === 'POST';
    return Promise.resolve(new Response(passes ? '{}' : answer, { status: passes ? 200 : status }));
  };
  return { asked, transport: new Transport({ baseUrl: 'http://host/api', fetch }) };
}

it.each([405, 501])('a method that a proxy answers with %d travels as a POST that names it, and so from then on', async (status) => {
  const { asked, transport } = behindProxy(status);
  await transport.request('PATCH', 'http://host/api/view', { a: 1 });
  await transport.request('DELETE', 'http://host/api/runs/x');
  await transport.request('GET', 'http://host/api/runs');
  await transport.request('POST', 'http://host/api/runs', { b: 2 });
  expect(asked).toEqual([
    { method: 'PATCH', override: undefined, body: { a: 1 } },
    { method: 'POST', override: 'PATCH', body: { a: 1 } },
    { method: 'POST', override: 'DELETE', body: undefined },
    { method: 'GET', override: undefined, body: undefined },
    { method: 'POST', override: undefined, body: { b: 2 } },
  ]);
});

it('a refusal of the backend itself is not asked again, nor another of a proxy', async () => {
  const own = behindProxy(405, JSON.stringify({ code: 'NO_ROUTE', message: 'No such route.', remedy: 'See docs/api.md.' }));
  await expect(own.transport.request('DELETE', 'http://host/api/x')).rejects.toMatchObject({ code: 'NO_ROUTE' });
  const forbidden = behindProxy(403);
  await expect(forbidden.transport.request('DELETE', 'http://host/api/x')).rejects.toMatchObject({ code: 'HTTP_ERROR', http: 403 });
  expect([own.asked.length, forbidden.asked.length]).toEqual([1, 1]);
});
