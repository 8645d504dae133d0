/** Configurations of runs side by side. */
import type { RunDetail, TrainConfig } from '../connector.ts';

export interface ConfigRow {
  key: string;
  /** One per run; undefined where a run of another version has no such key. */
  values: unknown[];
  differs: boolean;
}

/** Every key of the configurations, in the order in which the first one has them. */
/** What is known of a run's configuration: of one that another trainer made, what its log tells. */
export const knownConfig = ({ config, summary: { imported } }: RunDetail): Partial<TrainConfig> =>
  imported ? Object.fromEntries(Object.entries(config).filter(([key]) => imported.keys.includes(key))) : config;

export function configRows(configs: readonly Partial<TrainConfig>[]): ConfigRow[] {
  const keys = [...new Set(configs.flatMap((config) => Object.keys(config)))];
  return keys.map((key) => {
    const values = configs.map((config) => config[key as keyof TrainConfig] as unknown);
    return { key, values, differs: new Set(values.map((value) => JSON.stringify(value))).size > 1 };
  });
}
