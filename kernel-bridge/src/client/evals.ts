/** `client.evals`: the routes of stored evaluations. */
import { address, callsOf, type CallsOf } from './calls.ts';
import type { Transport } from './transport.ts';

export interface EvalsClient extends CallsOf<'evals'> {
  /** Address of a JSON file with every answer. */
  exportUrl(id: string): string;
  /** Address of a CSV file of a comparison: a row a question that all answered. */
  compareTableUrl(ids: readonly string[]): string;
}

export const evalsClient = (transport: Transport): EvalsClient => ({
  ...callsOf(transport, 'evals'),
  exportUrl: (id) => address(transport, 'evals.export', id),
  compareTableUrl: (ids) => address(transport, 'evals.compareTable', { ids: [...ids] }),
});
