export interface Fact {
  name: string;
  /** absent: not there, and not needed here. */
  state: 'ok' | 'missing' | 'absent';
  detail: string;
  remedy: string | null;
}
export function facts(): Promise<Fact[]>;
