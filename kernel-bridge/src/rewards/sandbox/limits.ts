/** What a user's reward function may use. A call is one batch of completions. */
export interface Limits {
  /** Processor time of one call, so that a busy machine makes no difference. */
  cpuMs: number;
  /** Wall time of one call, after which its thread is ended. */
  wallMs: number;
  memoryBytes: number;
  /** Longest source file. */
  sourceBytes: number;
  logLines: number;
  /** Characters of a logged line. */
  logLine: number;
}

export const LIMITS: Limits = {
  cpuMs: 5_000,
  wallMs: 20_000,
  memoryBytes: 128 << 20,
  sourceBytes: 64 << 10,
  logLines: 50,
  logLine: 300,
};
