/** Numbers of a configuration that are taken and are most often a slip of the pen. TRL takes them, too: they are told, and refused nowhere. */
import { TrainConfig } from './config.ts';
import { doubtOf, type Doubtful } from './doubtful.ts';

const properties = TrainConfig.properties as unknown as Record<string, { doubtful?: Doubtful }>;

/** By key. */
export const DOUBTFUL: Readonly<Record<string, Doubtful>> = Object.fromEntries(
  Object.entries(properties).flatMap(([key, { doubtful }]) => (doubtful ? [[key, doubtful]] : [])),
);

/** A line for each such number of a configuration, or of a part of one. */
export const doubtsOf = (values: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(DOUBTFUL).flatMap(([key, doubtful]) => {
    const doubt = doubtOf(values[key], doubtful);
    return doubt === null ? [] : [`${key} is ${String(values[key])}: ${doubt}`];
  });
