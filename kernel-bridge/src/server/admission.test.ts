import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Admission, ADMISSION } from './admission.ts';

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A connection whose client has not taken `writableLength` bytes of its answer. */
class Line extends EventEmitter {
  destroyed = false;
  writableLength = 0;
  readonly responses: ServerResponse[] = [];
  setTimeout = (): void => undefined;
  destroy(): void {
    this.destroyed = true;
    for (const response of this.responses) response.emit('close');
  }
}

function door(limits: Partial<typeof ADMISSION> = {}) {
  const http = new EventEmitter();
  const inside: string[] = [];
  const took: Record<string, number> = {};
  const admission = new Admission(
    http as Server,
    (request) => {
      inside.push(request.url!);
      const end = performance.now() + (took[request.url!.split('?')[0]] ?? 0);
      while (performance.now() < end);
    },
    { ...ADMISSION, retry_ms: 1, ...limits },
  );
  /** A request: `held` is called as Node does when nothing went through its connection for a while. */
  const ask = (url: string, { line = new Line(), bytes = 0 } = {}) => {
    let held = (): void => undefined;
    const response = Object.assign(new EventEmitter(), { setTimeout: (_: number, told: () => void) => (held = told) });
    line.responses.push(response as unknown as ServerResponse);
    http.emit(
      'request',
      { url, socket: line, headers: { 'content-length': String(bytes) }, complete: false } as unknown as IncomingMessage,
      response,
    );
    return { line, held: () => held(), answered: () => response.emit('close') };
  };
  return { admission, ask, inside, took };
}

describe('requests', () => {
  it('of one connection are let in one after the other', async () => {
    const { ask, inside } = door();
    const { line, answered } = ask('/1');
    ask('/2', { line });
    await turns();
    expect(inside).toEqual(['/1']);
    answered();
    await turns();
    expect(inside).toEqual(['/1', '/2']);
  });

  it('end their connection where they pile up', async () => {
    const { ask, inside } = door();
    const { line } = ask('/0');
    for (let k = 1; k <= ADMISSION.piled; k++) ask(`/${k}`, { line });
    await turns();
    expect([line.destroyed, inside]).toEqual([true, []]);
  });

  it('that take long let those go first that do not, and are let in all the same', async () => {
    const { ask, inside, took } = door({ oldest_every: 4 });
    took['/long'] = 5;
    ask('/long?first');
    await turns();
    for (let k = 0; k < 3; k++) ask(`/long?${k}`);
    for (let k = 0; k < 6; k++) ask(`/short?${k}`);
    await turns();
    const order = inside.slice(1).map((url) => url[1]);
    expect(order.slice(0, 4).filter((kind) => kind === 's')).toHaveLength(3);
    expect(order.slice(0, 4).filter((kind) => kind === 'l')).toHaveLength(1);
    expect(order).toHaveLength(9);
  });

  it('wait while answers are not taken, of which those whose clients take nothing are put out then', async () => {
    const { ask, inside } = door();
    const deaf = ask('/much');
    await turns();
    deaf.line.writableLength = ADMISSION.unread_bytes + 1;
    deaf.held();
    deaf.held();
    expect(deaf.line.destroyed).toBe(false); // nobody waits for the room
    ask('/little');
    await turns();
    expect(inside).toEqual(['/much']);
    deaf.held();
    expect(deaf.line.destroyed).toBe(true);
    await expect.poll(() => inside).toEqual(['/much', '/little']);
  });

  it('with long bodies wait for each other; one whose body does not come is put out then', async () => {
    const { ask, inside } = door();
    const slow = ask('/body', { bytes: ADMISSION.body_bytes });
    await turns();
    ask('/other', { bytes: ADMISSION.short_bytes + 1 });
    ask('/short', { bytes: ADMISSION.short_bytes });
    await turns();
    expect(inside).toEqual(['/body', '/short']);
    slow.held();
    expect(slow.line.destroyed).toBe(false); // once may be a moment in which this process was busy
    slow.held();
    expect(slow.line.destroyed).toBe(true);
    await expect.poll(() => inside).toEqual(['/body', '/short', '/other']);
  });

  it('a slow body stays while nobody waits with another one', async () => {
    const { ask, inside } = door();
    const slow = ask('/body', { bytes: ADMISSION.body_bytes });
    const deaf = ask('/much');
    await turns();
    deaf.line.writableLength = ADMISSION.unread_bytes + 1;
    ask('/little');
    await turns();
    slow.held();
    slow.held();
    expect([slow.line.destroyed, inside]).toEqual([false, ['/body', '/much']]);
  });
});
