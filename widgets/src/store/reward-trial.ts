/** What a preview of edited rewards tells of a run, until the edit is applied, changed or dropped: its curves show it. */
export interface RewardTrial {
  run: string;
  /** Mean reward of each step that was looked at, as it would have been. */
  steps: readonly { step: number; after: number }[];
}
