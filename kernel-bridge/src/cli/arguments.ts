/** Arguments that several commands take. */
import { InvalidArgumentError, Option } from 'commander';
import { WorkbenchError } from '../protocol/errors.ts';

/** 0, 1, 2, ... */
export function whole(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a whole number from 0 on.');
  return value;
}

/** 1, 2, 3, ... */
export function count(text: string): number {
  const value = whole(text);
  if (value === 0) throw new InvalidArgumentError('It must be at least 1.');
  return value;
}

export const cpuSlotsOption = (): Option =>
  new Option('--cpu-slots <n>', 'what may train on the CPU side by side, each with its share of the cores (default: 1)')
    .argParser(count)
    .env('MEDR1_CPU_SLOTS');

export const dtypeOption = (): Option =>
  new Option('--dtype <dtype>', 'weights are cast to it (default: float32 on the CPU, bfloat16 elsewhere)').choices([
    'float32',
    'bfloat16',
  ]);

/** Wrong usage: the command ends with 2. */
export function usage(message: string, remedy: string): WorkbenchError {
  return new WorkbenchError({ code: 'USAGE', exit: 2, message, remedy });
}
