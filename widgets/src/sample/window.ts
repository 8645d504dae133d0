/** Windows of 16-bit and DICOM grey images: values from level - window / 2 (black) to level + window / 2 (white). */
import type { ImagePicture } from '../connector.ts';

export interface Window {
  window: number;
  level: number;
}
type Grey = NonNullable<ImagePicture['grey']>;

/** In Hounsfield units, as radiologists set them. */
const CT: Record<string, Window> = {
  'soft tissue': { window: 400, level: 40 },
  lung: { window: 1500, level: -600 },
  bone: { window: 2000, level: 500 },
  brain: { window: 80, level: 40 },
  mediastinum: { window: 350, level: 50 },
};
/** Air is -1000: values that never come below this are no Hounsfield units. */
const HOUNSFIELD_LOW = -200;

/** Windows to choose from by name; null = the file's own. */
export function presets({ low, high }: Grey, modality: string): Record<string, Window | null> {
  const all = { window: Math.max(1, high - low), level: (low + high) / 2 };
  return { 'as in the file': null, 'all values': all, ...(/^CT\b/i.test(modality) && low < HOUNSFIELD_LOW ? CT : {}) };
}

/** The window after a drag by so many pixels: right widens, up darkens, in proportion to the window at its start. */
export function dragged(start: Window, dx: number, dy: number): Window {
  return { window: Math.max(1, round(start.window * 2 ** (dx / 128))), level: round(start.level - (dy * start.window) / 256) };
}

const round = (value: number): number => (Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100);
