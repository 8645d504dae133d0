/** A line on standard error for each number that is taken and is most often a slip of the pen. */
import { doubtsOf } from '../protocol/doubts.ts';
import { note } from './output.ts';

export const tellDoubts = (values: Readonly<Record<string, unknown>>): void => note(...doubtsOf(values).map((one) => `warning: ${one}`));
