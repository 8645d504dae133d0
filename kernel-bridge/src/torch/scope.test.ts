import { describe, expect, it } from 'vitest';
import { keep, memoryStats, scope, tensor, torch, type Tensor } from './index.ts';

const live = (): number => memoryStats().tensors;

describe('scope frees what was made inside', () => {
  it('and gives back what its function gave', () => {
    const before = live();
    expect(scope(() => torch.sum(torch.add(torch.ones([3]), 1)).item())).toBe(6);
    expect(live()).toBe(before);
  });

  it('except tensors that the result reaches, through arrays, objects, Maps and Sets', () => {
    const before = live();
    const made = scope(() => {
      torch.ones([1]);
      return {
        one: torch.ones([1]),
        list: [[torch.ones([2])]],
        map: new Map([['a', torch.ones([3])]]),
        set: new Set([torch.ones([4])]),
      };
    });
    expect(live() - before).toBe(4);
    const all = [made.one, made.list[0][0], made.map.get('a')!, ...made.set];
    expect(all.map(({ numel }) => numel)).toEqual([1, 2, 3, 4]);
    all.forEach((t) => t.dispose());
    expect(live()).toBe(before);
  });

  it('and a result moves to the scope around, which frees it in its turn', () => {
    const before = live();
    let inner: Tensor | undefined;
    scope(() => {
      inner = scope(() => torch.ones([2]));
      expect(inner.numel).toBe(2);
    });
    expect(inner!.isDisposed).toBe(true);
    expect(live()).toBe(before);
  });

  it('also when its function throws', () => {
    const before = live();
    expect(() =>
      scope(() => {
        torch.ones([2]);
        throw new RangeError('stop');
      }),
    ).toThrow(RangeError);
    expect(live()).toBe(before);
  });

  it('but not what was kept', () => {
    const kept = scope(() => {
      const t = keep(torch.ones([2]));
      return () => t;
    })();
    expect(kept.isDisposed).toBe(false);
    kept.dispose();
  });

  it('and refuses an async function, freeing what it made before its first await', async () => {
    const before = live();
    let promise: Promise<unknown> | undefined;
    const asyncWork = (): Promise<number> => {
      torch.ones([2]);
      promise = Promise.resolve(1);
      return promise as Promise<number>;
    };
    expect(() => scope(asyncWork)).toThrow(/synchronous function/);
    await promise;
    expect(live()).toBe(before);
  });

  it('and an in-place operator gives the tensor itself, not a second handle', () => {
    const t = torch.ones([2]);
    const before = live();
    expect(torch.mul_(t, 3)).toBe(t);
    expect(live()).toBe(before);
    t.dispose();
  });
});

describe('a disposed tensor', () => {
  it('is named by the operator that is given it', () => {
    const t = torch.ones([2]);
    t.dispose();
    expect(() => torch.add(1, t)).toThrow(/torch\.add: this tensor was disposed/);
    expect(() => t.shape).toThrow(/shape: this tensor was disposed/);
    expect(String(t)).toBe('Tensor(disposed)');
  });

  it('may be disposed again', () => {
    const t = torch.ones([2]);
    t.dispose();
    expect(() => t.dispose()).not.toThrow();
  });

  it('is what `using` leaves behind', () => {
    const before = live();
    {
      using t = tensor([1, 2]);
      expect(t.numel).toBe(2);
    }
    expect(live()).toBe(before);
  });
});

it('handles are reused only after they were freed: a new tensor never shows through an old one', () => {
  const old = torch.zeros([1]);
  old.dispose();
  const fresh = torch.ones([1]);
  expect(() => old.item()).toThrow(/disposed/);
  expect(fresh.item()).toBe(1);
  fresh.dispose();
});
