import { native } from './native.ts';
import { Tensor, type Owner } from './tensor.ts';

/*
 * Inside `scope(fn)` every tensor made belongs to the scope and is freed when fn returns, unless the result reaches it: then it moves to
 * the scope around. Outside all scopes, and after `keep`, a tensor lives until disposed; the garbage collector is only the net below, for
 * it does not run within a synchronous loop.
 */

let current: Owner = null;
const collected = new FinalizationRegistry<number>((id) => release([id]));

let ids = new Int32Array(1024);

function release(list: readonly number[]): void {
  if (list.length > ids.length) ids = new Int32Array(2 * list.length);
  for (let i = 0; i < list.length; i++) ids[i] = list[i];
  native.release(ids, list.length);
}

/** Takes a fresh handle into the current scope. */
export function track(id: number): Tensor {
  const tensor = new Tensor(id);
  if (current === null) collected.register(tensor, id, tensor);
  else {
    tensor.owner = current;
    current.push(tensor);
  }
  return tensor;
}

/** Hands the tensor to `owner`; null frees it from all scopes. */
function move(tensor: Tensor, owner: Owner): void {
  if (tensor.owner === owner) return;
  tensor.owner = owner;
  if (owner === null) collected.register(tensor, tensor.id, tensor);
  else owner.push(tensor);
}

/** Frees one tensor now; a second time is nothing. */
export function dispose(tensor: Tensor): void {
  if (tensor.id < 0) return;
  if (tensor.owner === null) collected.unregister(tensor);
  const id = tensor.id;
  tensor.id = -1;
  release([id]);
}

/** Everything that `value` reaches through arrays, Maps, Sets and plain objects, tensors among it. */
function reached(value: unknown): Set<unknown> {
  const found = new Set<unknown>();
  reach(value, found);
  return found;
}

function reach(value: unknown, found: Set<unknown>): void {
  if (typeof value !== 'object' || value === null || found.has(value)) return;
  found.add(value);
  if (value instanceof Tensor) return;
  if (Array.isArray(value) || value instanceof Set) for (const item of value) reach(item, found);
  else if (value instanceof Map) for (const item of value.values()) reach(item, found);
  else if (isPlain(value)) for (const item of Object.values(value)) reach(item, found);
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

/**
 * Runs `fn` and frees every tensor made inside except those that its result reaches (nested arrays, plain objects, Maps,
 * Sets) and those given to `keep`. Synchronous only: a scope that spans an await would free what other code made.
 * @throws TypeError when fn is async or returns a promise
 */
export function scope<T>(fn: () => T): T {
  const outer = current;
  const mine: Tensor[] = [];
  current = mine;
  let survivors: Set<unknown> | null = null;
  try {
    const result = fn();
    refuseAsync('scope', result);
    survivors = reached(result);
    return result;
  } finally {
    current = outer;
    const dead: number[] = [];
    for (const tensor of mine) {
      if (tensor.owner !== mine || tensor.id < 0) continue;
      if (survivors?.has(tensor)) move(tensor, outer);
      else {
        dead.push(tensor.id);
        tensor.id = -1;
      }
    }
    if (dead.length > 0) release(dead);
  }
}

/** Lets a tensor outlive all scopes; it lives until disposed. Returns it. */
export function keep<T extends Tensor>(tensor: T): T {
  move(tensor, null);
  return tensor;
}

/** Keeps every tensor that `value` reaches. */
export function keepAll<T>(value: T): T {
  for (const found of reached(value)) if (found instanceof Tensor) keep(found);
  return value;
}

/** Disposes every tensor that `value` reaches: tensors, arrays, plain objects, Maps, Sets, nested. */
export function disposeAll(value: unknown): void {
  for (const found of reached(value)) if (found instanceof Tensor) dispose(found);
}

/** Refuses a promise: what runs after the first await would run outside. */
export function refuseAsync(name: string, result: unknown): void {
  if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function')
    throw new TypeError(`${name}() takes a synchronous function; this one returned a promise. Await outside, compute inside.`);
}
