import { native } from './native.ts';
import type { Aten, Collectives, Medr1 } from './aten.d.ts';
import { track } from './scope.ts';
import { Tensor } from './tensor.ts';
import { readResult, write, writeKeyword, type Argument, type Result } from './wire.ts';

/** An operator by base name: positional arguments, then optionally a plain object of named ones. */
export type Operator = (...args: Argument[]) => Result;

const packets = new Map<string, number>(native.packetNames().map((name, index) => [name, index]));

const ALIAS = -10; // native: -10 - i says that the result is positional argument i

function isKeywords(value: Argument): value is { readonly [name: string]: Argument } {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function invoke(name: string, packet: number, args: readonly Argument[], overload?: string): Result {
  let positional = args.length;
  let keywords = 0;
  let at = 0;
  const last = args[positional - 1];
  if (positional > 0 && isKeywords(last)) {
    positional--;
    for (let i = 0; i < positional; i++) at = write(at, args[i], name);
    for (const key in last) {
      if (last[key] === undefined) continue;
      at = writeKeyword(at, key, last[key], name);
      keywords++;
    }
  } else {
    for (let i = 0; i < positional; i++) at = write(at, args[i], name);
  }
  const result =
    overload === undefined ? native.call(packet, positional, keywords) : native.callOverload(packet, positional, keywords, overload);
  if (result >= 0) return track(result);
  if (result <= ALIAS) return args[ALIAS - result] as Tensor;
  return readResult();
}

function packetOf(name: string): number {
  const packet = packets.get(name);
  if (packet === undefined) throw new TypeError(`torch.${name}: PyTorch ${native.builtFor()} has no such operator`);
  return packet;
}

/** Calls an operator by its name. */
export function invokeByName(name: string, args: readonly Argument[]): Result {
  return invoke(name, packetOf(name), args);
}

/** The schemas of an operator's overloads, in the order in which they are tried. */
export function schemas(name: string): string[] {
  return native.schemas(packetOf(name));
}

function overload(name: string, overloadName: string): Operator {
  const packet = packetOf(name);
  return (...args) => invoke(name, packet, args, overloadName);
}

/** Operators of one namespace, '' being aten's, by their names in it. */
function operators(namespace: '' | 'medr1::' | '_c10d_functional::'): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, packet] of packets) {
    const start = name.lastIndexOf(':') + 1;
    if (name.slice(0, start) !== namespace) continue;
    const operator: Operator = (...args) => invoke(name, packet, args);
    out[name.slice(start)] = operator;
  }
  return out;
}

/**
 * Every aten operator by PyTorch's base name: `torch.add(a, b)`, `torch.sum(x, [1], true)`,
 * `torch.full([2], 0, { dtype: 'float32' })`. The overload is chosen by the kinds of the arguments; `null` is None; numbers
 * that are whole count as int, as JavaScript knows no other difference.
 * @throws TypeError when no overload fits; TorchError with PyTorch's message and the call when the operator fails
 */
export const torch = Object.assign(operators(''), { overload }) as unknown as Aten & {
  /** One overload by name: `torch.overload('add', 'Tensor')(a, b)`. */
  overload: typeof overload;
};

/** Operators of our own, for the CPU (native/kernels.cc); no gradient goes through them. */
export const medr1 = operators('medr1::') as unknown as Medr1;

/** The collectives of torch.distributed over a group that process-group.ts opened. Each result is complete after `wait_tensor`. */
export const collectives = operators('_c10d_functional::') as unknown as Collectives;
