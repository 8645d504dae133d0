export interface Fact {
  name: string;
  /** due: `npm start` has it to do, for the first time or because what it was done from changed. absent: not there, and not needed here. */
  state: 'ok' | 'missing' | 'due' | 'absent';
  detail: string;
  remedy: string | null;
}
export function facts(): Promise<Fact[]>;
