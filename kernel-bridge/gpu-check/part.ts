/** What each part of the check is told (its first argument, as JSON) and how it answers: its last line is a JSON document. */
export interface Setting {
  /** As torch names it: cuda:0, or what a rehearsal takes. */
  device: string;
  /** No GPU: sizes are the smallest, so that every line runs. */
  rehearse: boolean;
  /** A Python with PyTorch and transformers. */
  python: string;
  /** For files; emptied by whoever made it. */
  directory: string;
}

/** A rehearsal's device registers itself when it is loaded. */
export async function settingOf(argument: string | undefined): Promise<Setting> {
  const setting = JSON.parse(argument ?? '{}') as Setting;
  if (setting.device.startsWith('testing')) await import('../src/torch/testing/test-device.ts');
  return setting;
}
export const answer = (document: unknown): void => console.log(JSON.stringify(document));
