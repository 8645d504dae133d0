/** What is typed into the form of a new run, as far as it differs from the defaults. It outlives the view and a reload of the page. */
import { Observable } from '../observable.ts';

export interface TypedRun {
  /** By key of the configuration. */
  typed: Record<string, string | boolean>;
  /** Reward files that were chosen in the host, by file name: their path there and their text. */
  files: Record<string, { path: string; source: string }>;
  /** Run or file that the form was filled in from, and preset. */
  like: string | null;
  preset: string | null;
}

export class NewRunDraft extends Observable<TypedRun | null> {
  constructor() {
    super(null);
  }

  toJSON(): TypedRun | null {
    return this.value;
  }

  /** Takes what is well formed, unless something has been typed meanwhile. */
  restore(json: unknown): void {
    if (this.value === null && isTypedRun(json)) this.set(json);
  }
}

function isTypedRun(json: unknown): json is TypedRun {
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isRecord(json) || !isRecord(json.typed) || !isRecord(json.files)) return false;
  const isText = (value: unknown): boolean => value === null || typeof value === 'string';
  return (
    Object.values(json.typed).every((value) => typeof value === 'string' || typeof value === 'boolean') &&
    Object.values(json.files).every((one) => isRecord(one) && typeof one.path === 'string' && typeof one.source === 'string') &&
    isText(json.like) &&
    isText(json.preset)
  );
}
