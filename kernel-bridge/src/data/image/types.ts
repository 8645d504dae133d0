import type { Window } from './window.ts';

/** A decoded image, or an 8-bit file whose pixels are decoded later. */
export type Picture =
  | { kind: 'file'; width: number; height: number; bytes: Buffer; study: null }
  | { kind: 'rgb'; width: number; height: number; data: Uint8Array; study: string | null }
  | { kind: 'grey'; width: number; height: number; values: Float32Array; window: Window; inverted: boolean; study: string | null };
