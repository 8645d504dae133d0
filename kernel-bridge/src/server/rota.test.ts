import { describe, expect, it } from 'vitest';
import { Rota, type Reader } from './rota.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('readers of a rota', () => {
  it('have one turn each, in the order in which they asked, and the process its own between two', async () => {
    const rota = new Rota();
    const seen: string[] = [];
    const reader = (name: string, slices: number): Reader => {
      const it = {
        turn: () => {
          seen.push(name);
          if (--slices > 0) rota.ask(it);
        },
      };
      return it;
    };
    const [a, b] = [reader('a', 3), reader('b', 2)];
    rota.ask(a);
    rota.ask(b);
    rota.ask(a); // keeps its place
    for (let i = 0; i < 10; i++) {
      seen.push('|');
      await turn();
    }
    expect(seen.join('').replace(/\|+$/, '')).toBe('|a|b|a|b|a');
  });

  it('that have left have no turn', async () => {
    const rota = new Rota();
    let turns = 0;
    const reader = { turn: () => void turns++ };
    rota.ask(reader);
    rota.leave(reader);
    await turn();
    rota.ask(reader);
    await turn();
    await turn();
    expect(turns).toBe(1);
  });
});
