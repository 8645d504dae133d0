import { native } from './native.ts';
import { track } from './scope.ts';
import { disposed, Tensor } from './tensor.ts';
import { Generator } from './generator.ts';

/**
 * The format in which calls cross the border: one shared buffer of doubles, a value being [tag, payload], a list
 * [List, n, value x n]. Writing numbers into a buffer that both sides see is several times faster than handing objects
 * through Node-API. Tags as in native/call.h.
 */
const NONE = 0;
const TENSOR = 1;
const INT = 2;
const DOUBLE = 3;
const BOOL = 4;
const STRING = 5;
const LIST = 6;
const GENERATOR = 7;
const BIGINT = 8;

/** What an operator accepts. */
export type Argument =
  Tensor | number | bigint | boolean | string | null | undefined | Generator | readonly Argument[] | { readonly [name: string]: Argument };

/** What an operator gives. */
export type Result = Tensor | number | boolean | string | null | undefined | Result[];

let slots = new Float64Array(4096);
let bits = new BigInt64Array(slots.buffer);
native.setBuffer(slots.buffer as ArrayBuffer);

function grow(needed: number): void {
  const bigger = new Float64Array(Math.max(needed, 2 * slots.length));
  bigger.set(slots);
  slots = bigger;
  bits = new BigInt64Array(slots.buffer);
  native.setBuffer(slots.buffer as ArrayBuffer);
}

const strings = new Map<string, number>();

/** The index that stands for a string on the wire. */
export function intern(value: string): number {
  let index = strings.get(value);
  if (index === undefined) {
    index = native.intern(value);
    strings.set(value, index);
  }
  return index;
}

/** Writes one argument at `at` and gives the place after it. */
export function write(at: number, value: Argument, op: string): number {
  if (at + 4 > slots.length) grow(at + 4);
  if (value instanceof Tensor) {
    if (value.id < 0) throw disposed(`torch.${op}`);
    slots[at] = TENSOR;
    slots[at + 1] = value.id;
  } else if (typeof value === 'number') {
    slots[at] = Number.isSafeInteger(value) ? INT : DOUBLE;
    slots[at + 1] = value;
  } else if (value === null || value === undefined) {
    slots[at] = NONE;
  } else if (typeof value === 'boolean') {
    slots[at] = BOOL;
    slots[at + 1] = value ? 1 : 0;
  } else if (typeof value === 'string') {
    slots[at] = STRING;
    slots[at + 1] = intern(value);
  } else if (Array.isArray(value)) {
    slots[at] = LIST;
    slots[at + 1] = value.length;
    let next = at + 2;
    for (let i = 0; i < value.length; i++) next = write(next, value[i] as Argument, op);
    return next;
  } else if (value instanceof Generator) {
    slots[at] = GENERATOR;
    slots[at + 1] = value.index;
  } else if (typeof value === 'bigint') {
    slots[at] = BIGINT;
    bits[at + 1] = BigInt.asIntN(64, value);
  } else {
    throw new TypeError(`torch.${op}: no operator takes a ${(value as object).constructor?.name ?? typeof value}`);
  }
  return at + 2;
}

/** Writes a keyword argument. */
export function writeKeyword(at: number, name: string, value: Argument, op: string): number {
  if (at >= slots.length) grow(at + 1);
  slots[at] = intern(name);
  return write(at + 1, value, op);
}

let cursor = 0;

/** Reads the results that the last call left. */
export function readResult(): Result {
  cursor = 0;
  return read();
}

function read(): Result {
  const tag = slots[cursor];
  const payload = slots[cursor + 1];
  cursor += 2;
  switch (tag) {
    case TENSOR:
      return track(payload);
    case BOOL:
      return payload !== 0;
    case STRING:
      return native.stringAt(payload);
    case NONE:
      return null;
    case LIST: {
      const out: Result[] = [];
      for (let i = 0; i < payload; i++) out.push(read());
      return out;
    }
    default:
      return payload;
  }
}
