import { describe, expect, it } from 'vitest';
import { inPieces, PIECES, untaken } from './pieces.ts';

const JSON_TYPE = { headers: { 'content-type': 'application/json' } };

/** Parts of a length, without end; `made` counts them. */
function endless(length: number) {
  const state = { made: 0, ended: false };
  const parts = (function* () {
    try {
      for (;;) {
        state.made++;
        yield 'x'.repeat(length);
      }
    } finally {
      state.ended = true;
    }
  })();
  return { parts, state };
}

describe('an answer', () => {
  it('that is short is sent whole', async () => {
    const answer = inPieces(['{"a":', '1}'], { ...JSON_TYPE, status: 202 });
    expect(answer.status).toBe(202);
    expect(answer.headers.has('transfer-encoding')).toBe(false);
    expect(await answer.text()).toBe('{"a":1}');
    expect(await inPieces([], JSON_TYPE).text()).toBe('');
  });

  it('that is long is what its parts are, in order', async () => {
    const parts = Array.from({ length: 300 }, (_, k) => `${k}:${'ж'.repeat(1000)},`);
    const answer = inPieces(parts, JSON_TYPE);
    expect(answer.headers.get('transfer-encoding')).toBe('chunked');
    expect(await answer.text()).toBe(parts.join(''));
    expect(untaken).toMatchObject({ bytes: 0, waiting: 0 });
  });

  it('is made no further than it is taken, and ends with its reader', async () => {
    const { parts, state } = endless(PIECES.length);
    const reader = inPieces(parts, JSON_TYPE).body!.getReader();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(state.made).toBe(2);
    for (let k = 0; k < 3; k++) await reader.read();
    expect(state.made).toBe(3);
    expect(untaken.bytes).toBe(PIECES.length);
    await reader.cancel();
    expect(state.ended).toBe(true);
    expect(untaken).toMatchObject({ bytes: 0, waiting: 0 });
  });

  it('waits where others have not taken what was made for them', async () => {
    const many = Array.from({ length: Math.ceil(PIECES.untaken_bytes / PIECES.length / 2) + 2 }, () => {
      const { parts } = endless(PIECES.length);
      return inPieces(parts, JSON_TYPE).body!.getReader();
    });
    const [first, ...others] = many;
    await first.read();
    await first.read();
    let more = false;
    const next = first.read().then(() => (more = true));
    await new Promise((resolve) => setTimeout(resolve, 5 * PIECES.retry_ms));
    expect(more).toBe(false);
    expect(untaken.waiting).toBe(1);
    for (const other of others) await other.cancel();
    await next;
    await first.cancel();
    expect(untaken).toMatchObject({ bytes: 0, waiting: 0 });
  });

  it('whose parts fail breaks off, so that nobody takes it for whole', async () => {
    const parts = (function* () {
      for (let k = 0; k < 2; k++) yield 'x'.repeat(PIECES.length);
      throw new Error('rolled back');
    })();
    await expect(inPieces(parts, JSON_TYPE).text()).rejects.toThrow('rolled back');
    expect(untaken).toMatchObject({ bytes: 0, waiting: 0 });
  });
});
