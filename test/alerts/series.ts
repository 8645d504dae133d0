/** Recorded metrics of a run, as record.ts writes them. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { TrainConfigInput } from '../../kernel-bridge/src/protocol/config.ts';

export interface RecordedSeries {
  name: string;
  config: TrainConfigInput;
  /** That the run was to make. */
  steps: number;
  /** In the order of the log: what a step logged, and what an evaluation after it did. */
  rows: { step: number; metrics: Record<string, number | null> }[];
}

export const readSeries = (name: string): RecordedSeries =>
  JSON.parse(gunzipSync(readFileSync(new URL(`series/${name}.json.gz`, import.meta.url))).toString());
