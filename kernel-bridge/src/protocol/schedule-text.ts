/** Schedules in words. Without a schema, so that pages load no more than they need. */
import type { Schedule } from './scheduled.ts';

/** "1 → 0 over steps 10 to 60 (linear)". */
export const scheduleText = ({ schedule, from, to, start, end }: Schedule): string =>
  schedule === 'step' ? `${from} → ${to} at step ${end}` : `${from} → ${to} over steps ${start} to ${end} (${schedule})`;
